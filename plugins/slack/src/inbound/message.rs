//! Messages: new, changed, taken back. Pure.

use super::{Incoming, Seen, View, time_ms};
use crate::text;
use jackfield_plugin_api::{
    attachment::Attachment,
    event::{ConversationKind, Event, InboundMessage, Quote, Sender},
    serde_json::Value,
};
use serde::Deserialize;

/// Kinds of messages that somebody wrote; others tell of joins, topics and the like.
const WRITTEN: [&str; 4] = ["file_share", "thread_broadcast", "bot_message", "me_message"];

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Raw {
    r#type: String,
    subtype: Option<String>,
    channel: Option<String>,
    channel_type: Option<String>,
    user: Option<String>,
    username: Option<String>,
    bot_id: Option<String>,
    text: Option<String>,
    ts: Option<String>,
    thread_ts: Option<String>,
    parent_user_id: Option<String>,
    files: Vec<File>,
    attachments: Vec<Shared>,
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
struct File {
    id: String,
    name: Option<String>,
    mimetype: Option<String>,
    size: Option<u64>,
    mode: Option<String>,
    #[serde(default)]
    is_external: bool,
    url_private: Option<String>,
}

/// Another message or a page shown inside a message.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Shared {
    is_msg_unfurl: bool,
    is_share: bool,
    author_name: Option<String>,
    pretext: Option<String>,
    title: Option<String>,
    text: Option<String>,
    fallback: Option<String>,
}

/// Ids of the people a text mentions.
pub(super) fn mentions(text: &str) -> Vec<String> {
    let after = text.split("<@").skip(1);
    after.filter_map(|rest| rest.split(['>', '|']).next()).map(str::to_owned).collect()
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

fn changed(raw: Raw, view: &View<'_>) -> Option<Incoming> {
    let (channel, now, before) = (raw.channel?, raw.message?, raw.previous_message);
    if now.subtype.as_deref() == Some("tombstone") {
        // A message with answers leaves a stone behind when it is taken back.
        return gone(&channel, raw.channel_type.as_deref(), now.ts.clone()?, &*before?, view);
    }
    let ids = |raw: &Raw| raw.files.iter().map(|file| file.id.clone()).collect::<Vec<_>>();
    let same = |before: &Raw| before.text == now.text && ids(before) == ids(&now);
    if before.is_some_and(|before| same(&before)) {
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
    let mention = format!("<@{}", view.me.user);
    let named = slack_text.contains(&format!("{mention}>"))
        || slack_text.contains(&format!("{mention}|"))
        || raw.r#type == "app_mention";
    let answered = within.is_some_and(|thread| {
        raw.parent_user_id.as_ref() == Some(&view.me.user) || (view.follows)(channel, thread)
    });
    let reply_to = within.map(|thread| Quote {
        message: thread.into(),
        sender: raw.parent_user_id.as_deref().map(Into::into),
        text: None,
    });
    Some(InboundMessage {
        place,
        mentioned: named || answered,
        sender,
        message: ts.into(),
        text: words(raw, slack_text, view),
        attachments: raw.files.iter().filter_map(attachment).collect(),
        reply_to,
        sent_at_ms: time_ms(ts),
    })
}

fn sender(raw: &Raw, view: &View<'_>) -> Option<Sender> {
    let id = raw.user.as_deref().or(raw.bot_id.as_deref())?;
    let mut sender = view.person(id);
    sender.bot = raw.bot_id.is_some();
    sender.own |= raw.bot_id.is_some() && raw.bot_id == view.me.bot;
    sender.name = sender.name.or_else(|| raw.username.clone());
    Some(sender)
}

/// The text as Markdown, without the mention that calls this account, and what is shown below it.
fn words(raw: &Raw, slack_text: &str, view: &View<'_>) -> String {
    let called = format!("<@{}>", view.me.user);
    let bare = slack_text.trim_start();
    let bare =
        bare.strip_prefix(&called).map_or(bare, |rest| rest.trim_start_matches([' ', ',', ':']));
    let markdown = |text: &str| text::to_markdown(text, &|id| view.name_of(id));
    let mut text = markdown(bare);
    for shared in &raw.attachments {
        let forwarded = shared.is_msg_unfurl || shared.is_share;
        if !forwarded && !slack_text.trim().is_empty() {
            continue; // the preview of a link
        }
        let parts = [&shared.author_name, &shared.pretext, &shared.title, &shared.text];
        let mut parts: Vec<&String> =
            parts.into_iter().flatten().filter(|p| !p.is_empty()).collect();
        if parts.is_empty() {
            parts.extend(&shared.fallback);
        }
        for line in parts.iter().flat_map(|part| part.lines()) {
            text.push_str(if text.is_empty() { "> " } else { "\n> " });
            text.push_str(&markdown(line));
        }
    }
    text
}

fn attachment(file: &File) -> Option<Attachment> {
    let here = !matches!(file.mode.as_deref(), Some("tombstone" | "hidden_by_limit"));
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
