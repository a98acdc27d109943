//! Messages: new, changed, taken back. Pure.

use super::{
    Incoming, Seen, View, blocks, time_ms,
    words::{Shared, Written, words},
};
use jackfield_plugin_api::{
    attachment::Attachment,
    event::{ConversationKind, Event, InboundMessage, Quote, Sender},
    serde_json::Value,
};
use serde::Deserialize;

/// Kinds of messages that somebody wrote; others tell of joins, topics and the like.
const WRITTEN: [&str; 4] = ["file_share", "thread_broadcast", "bot_message", "me_message"];

/// Slack's own bot, which is a person by its looks.
const SLACKBOT: &str = "USLACKBOT";
#[derive(Default, Deserialize)]
#[serde(default)]
struct Raw {
    r#type: String,
    subtype: Option<String>,
    channel: Option<String>,
    channel_type: Option<String>,
    user: Option<String>,
    username: Option<String>,
    bot_id: Option<String>,
    bot_profile: Value,
    text: Option<String>,
    ts: Option<String>,
    thread_ts: Option<String>,
    parent_user_id: Option<String>,
    files: Vec<File>,
    attachments: Vec<Shared>,
    blocks: Value,
    hidden: bool,
    edited: Option<Edit>,
    message: Option<Box<Raw>>,
    previous_message: Option<Box<Raw>>,
    deleted_ts: Option<String>,
    event_ts: Option<String>,
}

#[derive(Deserialize)]
struct Edit {
    ts: String,
}

#[derive(Deserialize)]
pub(super) struct File {
    id: String,
    name: Option<String>,
    mimetype: Option<String>,
    size: Option<u64>,
    mode: Option<String>,
    /// `check_file_info` where organisations share a channel: only its id is told.
    file_access: Option<String>,
    #[serde(default)]
    is_external: bool,
    url_private: Option<String>,
}

/// Ids of the people a text mentions.
pub(super) fn mentions(text: &str) -> Vec<String> {
    let after = text.split("<@").skip(1);
    after.filter_map(|rest| rest.split(['>', '|']).next()).map(str::to_owned).collect()
}

/// Ids of the channels a text names, where Slack leaves out what they are called.
pub(super) fn channels(text: &str) -> Vec<String> {
    let after = text.split("<#").skip(1).filter_map(|rest| rest.split('>').next());
    let bare = after.filter_map(|token| match token.split_once('|') {
        Some((id, "")) => Some(id),
        Some(_) => None,
        None => Some(token),
    });
    bare.map(str::to_owned).collect()
}

/// What a `message` or `app_mention` event says.
pub(super) fn read(event: &Value, view: &View<'_>) -> Option<Incoming> {
    let raw = Raw::deserialize(event).ok()?;
    match raw.subtype.as_deref() {
        Some("message_changed") => changed(raw, view),
        Some("message_deleted") => deleted(raw, view),
        Some(other) if !WRITTEN.contains(&other) => None,
        _ if raw.hidden => None,
        _ => {
            let message =
                message(&raw, raw.channel.as_deref()?, raw.channel_type.as_deref(), view)?;
            let seen = Seen::new(&message.place, message.message.as_str());
            let key = format!("{}:{}", seen.conversation, seen.ts);
            Some(Incoming { key, seen: Some(seen), event: Event::Message(message) })
        }
    }
}

/// Who says what in a message of a history; `None` for notices and for what says nothing.
pub(crate) fn said(message: &Value, view: &View<'_>) -> Option<(String, String)> {
    let raw = Raw::deserialize(message).ok()?;
    if raw.subtype.as_deref().is_some_and(|subtype| !WRITTEN.contains(&subtype)) {
        return None;
    }
    let sender = sender(&raw, view)?;
    let mut words = words(&written(&raw), view);
    if words.is_empty() {
        let names = raw.files.iter().filter_map(|file| file.name.as_deref());
        words = names.map(|name| format!("[file: {name}]")).collect::<Vec<_>>().join(" ");
    }
    let who = sender.name.unwrap_or_else(|| sender.id.as_str().to_owned());
    (!words.is_empty()).then_some((who, words))
}

fn changed(raw: Raw, view: &View<'_>) -> Option<Incoming> {
    let (channel, now, before) = (raw.channel?, raw.message?, raw.previous_message);
    if now.subtype.as_deref() == Some("tombstone") {
        // A message with answers leaves a stone behind when it is taken back.
        return gone(&channel, raw.channel_type.as_deref(), now.ts.clone()?, &*before?, view);
    }
    if now.subtype.as_deref().is_some_and(|subtype| !WRITTEN.contains(&subtype)) {
        return None;
    }
    let ids = |raw: &Raw| raw.files.iter().map(|file| file.id.clone()).collect::<Vec<_>>();
    let same = |before: &Raw| {
        let (then, now_) = (words(&written(before), view), words(&written(&now), view));
        then == now_ && ids(before) == ids(&now)
    };
    if before.as_deref().map_or(now.edited.is_none(), same) {
        return None; // a preview was added, an answer counted
    }
    let message = message(&now, &channel, raw.channel_type.as_deref(), view)?;
    if message.sender.own {
        return None; // our own drafts, as they grow
    }
    let edit = now.edited.map(|edit| edit.ts).or(raw.event_ts)?;
    let key = format!("{channel}:{}:edit:{edit}", message.message);
    Some(Incoming { key, seen: None, event: Event::Edited(message) })
}

fn deleted(raw: Raw, view: &View<'_>) -> Option<Incoming> {
    let ts = raw.deleted_ts?;
    gone(&raw.channel?, raw.channel_type.as_deref(), ts, &*raw.previous_message?, view)
}

/// Slack does not say who took a message back; in most cases its author.
fn gone(
    channel: &str,
    type_word: Option<&str>,
    ts: String,
    before: &Raw,
    view: &View<'_>,
) -> Option<Incoming> {
    let sender = sender(before, view)?;
    if sender.own {
        return None;
    }
    let thread = before.thread_ts.as_deref().filter(|thread| *thread != ts);
    let event = Event::Deleted {
        place: view.place(channel, type_word, thread),
        sender,
        message: ts.as_str().into(),
    };
    Some(Incoming { key: format!("{channel}:{ts}:deleted"), seen: None, event })
}

fn message(
    raw: &Raw,
    channel: &str,
    type_word: Option<&str>,
    view: &View<'_>,
) -> Option<InboundMessage> {
    let ts = raw.ts.as_deref()?;
    let sender = sender(raw, view)?;
    let within = raw.thread_ts.as_deref().filter(|thread| *thread != ts);
    let mut place = view.place(channel, type_word, within);
    if within.is_none() && place.kind != ConversationKind::Direct && view.reply_in_thread {
        place.thread = Some(ts.into());
    }
    let slack_text = raw.text.as_deref().unwrap_or_default();
    let named = raw.r#type == "app_mention"
        || mentions(slack_text).contains(&view.me.user)
        || blocks::mention(&raw.blocks, &view.me.user);
    let answered = within.is_some_and(|thread| {
        raw.parent_user_id.as_ref() == Some(&view.me.user) || (view.follows)(channel, thread)
    });
    let reply_to = within.map(|thread| Quote {
        message: thread.into(),
        sender: raw.parent_user_id.as_deref().map(Into::into),
        text: None,
    });
    let forwarded = raw.attachments.iter().filter(|shared| shared.is_forwarded());
    let files = raw.files.iter().chain(forwarded.flat_map(|shared| &shared.files));
    let (text, attachments) =
        (words(&written(raw), view), files.filter_map(attachment).collect::<Vec<_>>());
    if text.is_empty() && attachments.is_empty() && sender.bot {
        return None; // nothing that could be read
    }
    Some(InboundMessage {
        place,
        mentioned: named || answered,
        sender,
        message: ts.into(),
        text,
        attachments,
        reply_to,
        sent_at_ms: time_ms(ts),
    })
}

fn sender(raw: &Raw, view: &View<'_>) -> Option<Sender> {
    let id = raw.user.as_deref().or(raw.bot_id.as_deref())?;
    let mut sender = view.person(id);
    sender.bot = raw.bot_id.is_some() || id == SLACKBOT;
    sender.own |= raw.bot_id.is_some() && raw.bot_id == view.me.bot;
    let called = raw.username.as_deref().or_else(|| raw.bot_profile["name"].as_str());
    sender.name = sender.name.or_else(|| called.map(str::to_owned));
    Some(sender)
}

fn written(raw: &Raw) -> Written<'_> {
    Written {
        text: raw.text.as_deref().unwrap_or_default(),
        blocks: &raw.blocks,
        attachments: &raw.attachments,
        by_app: raw.bot_id.is_some(),
    }
}

fn attachment(file: &File) -> Option<Attachment> {
    let kept = !matches!(file.mode.as_deref(), Some("tombstone" | "hidden_by_limit"));
    let denied = matches!(file.file_access.as_deref(), Some("file_not_found" | "access_denied"));
    let here = kept && !denied;
    let elsewhere = file.is_external.then(|| file.url_private.clone()).flatten();
    here.then(|| Attachment {
        mime: file.mimetype.clone().filter(|mime| !mime.is_empty()),
        name: file.name.clone(),
        bytes: file.size,
        fetch: elsewhere.is_none().then(|| file.id.clone()),
        url: elsewhere,
        path: None,
    })
}
