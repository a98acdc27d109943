//! Discord's payloads as events of the gateway. Pure: what must be asked for first is in the arguments.
//!
//! Must not know: sockets, REST, cursors.

mod interaction;
mod said;
pub(crate) mod wire;

pub(crate) use interaction::{Ack, ack, action};
pub(crate) use said::poll_words;

use crate::{places::Spot, text};
use jackfield_plugin_api::{
    attachment::Attachment,
    event::{ConversationKind, Event, InboundMessage, Quote, Sender},
    serde_json::Value,
};
use said::said;
use wire::{Emoji, File, Interaction, Member, Message, Reaction, User};

/// Milliseconds between the Unix epoch and Discord's own.
const EPOCH_MS: u64 = 1_420_070_400_000;
/// Kinds of messages that somebody wrote: plain, reply, command, context menu. The others are notes
/// of Discord's, such as that somebody joined.
const WRITTEN: [u8; 4] = [0, 19, 20, 23];
const REPLY: u8 = 19;
/// A reference that forwards instead of answering.
const FORWARD: u8 = 1;

/// Who we are, as far as a text can speak of us.
#[derive(Clone, Copy)]
pub(crate) struct Me<'a> {
    pub(crate) id: &'a str,
    /// Our roles on the server where it was said.
    pub(crate) roles: &'a [String],
    /// The name of a channel, where known.
    pub(crate) channel_name: &'a dyn Fn(&str) -> Option<String>,
    /// The name of a role of that server, where known.
    pub(crate) role_name: &'a dyn Fn(&str) -> Option<String>,
}

/// A new message; `None` for Discord's own notes, and for what says nothing to us: without the
/// Message Content intent most messages of servers come empty.
pub(crate) fn message(message: &Message, spot: &Spot, me: Me<'_>) -> Option<InboundMessage> {
    if !WRITTEN.contains(&message.kind) {
        return None;
    }
    let author = message.author.as_ref()?;
    let sender = Sender {
        bot: author.bot || author.system || message.webhook_id.is_some(),
        ..sender(author, message.member.as_ref(), me.id)
    };
    let forwards = message.message_reference.as_ref().is_some_and(|r| r.kind == FORWARD);
    let mut parts = vec![said(&message.says, sender.bot)];
    let mut attachments = files(&message.says.attachments, message);
    for snapshot in &message.message_snapshots {
        parts.push(format!("[forwarded] {}", said(&snapshot.message, true)));
        attachments.extend(files(&snapshot.message.attachments, message));
    }
    parts.retain(|part| !part.is_empty());
    // The first message of a post has the number of the post; its question is often in the title.
    let title = spot.post.as_ref().filter(|_| message.id == message.channel_id);
    if let Some(title) = title {
        parts.insert(0, format!("[post: {title}]"));
    }
    let direct = spot.place.kind == ConversationKind::Direct;
    let mentions = text::Mentions { people: &message.mentions, me };
    let seen = InboundMessage {
        place: spot.place.clone(),
        sender,
        message: message.id.as_str().into(),
        text: text::readable(&parts.join("\n"), &mentions),
        attachments,
        reply_to: (!forwards).then(|| quote(message, &mentions)).flatten(),
        mentioned: direct || is_mentioned(message, me),
        sent_at_ms: sent_at_ms(&message.id),
    };
    let silent = seen.text.is_empty() && seen.attachments.is_empty() && !seen.mentioned;
    (!silent).then_some(seen)
}

/// A message that got a new text; `None` for changes that nobody made, such as a preview that came.
pub(crate) fn edited(changed: &Message, spot: &Spot, me: Me<'_>) -> Option<Event> {
    changed.edited_timestamp.as_ref()?;
    message(changed, spot, me).map(Event::Edited)
}

/// Whether an update has everything an edit is made of. Otherwise the message must be fetched.
pub(crate) fn is_whole(changed: &Message, raw: &Value) -> bool {
    changed.author.is_some() && raw.get("content").is_some()
}

/// What somebody asked by the command of the settings: words that were said to us.
pub(crate) fn question(
    interaction: &Interaction,
    spot: &Spot,
    own: &str,
    command: &str,
) -> Option<Event> {
    Some(Event::Message(InboundMessage {
        place: spot.place.clone(),
        sender: interaction::user(interaction, own)?,
        message: interaction.id.as_str().into(),
        text: interaction::asked(interaction, command)?.to_owned(),
        attachments: Vec::new(),
        reply_to: None,
        mentioned: true,
        sent_at_ms: sent_at_ms(&interaction.id),
    }))
}

/// A reaction that came or went.
pub(crate) fn reaction(reaction: &Reaction, spot: &Spot, own: &str, added: bool) -> Event {
    let person = reaction.member.as_ref().and_then(|member| member.user.clone());
    let person = person.unwrap_or_else(|| User { id: reaction.user_id.clone(), ..User::default() });
    Event::Reaction {
        place: spot.place.clone(),
        sender: sender(&person, reaction.member.as_ref(), own),
        message: reaction.message_id.as_str().into(),
        emoji: emoji(&reaction.emoji),
        added,
    }
}

/// When a thing with this id was made, milliseconds since the Unix epoch.
pub(crate) fn sent_at_ms(snowflake: &str) -> Option<u64> {
    Some((snowflake.parse::<u64>().ok()? >> 22) + EPOCH_MS)
}

pub(crate) fn sender(user: &User, member: Option<&Member>, own: &str) -> Sender {
    let nick = member.and_then(|member| member.nick.clone());
    let name = nick.or_else(|| user.global_name.clone()).or_else(|| user.username.clone());
    Sender {
        id: user.id.as_str().into(),
        name,
        username: user.username.clone(),
        bot: user.bot || user.system,
        own: user.id == own,
    }
}

fn is_mentioned(message: &Message, me: Me<'_>) -> bool {
    let answered =
        message.referenced_message.as_ref().and_then(|answered| answered.author.as_ref());
    message.mentions.iter().any(|user| user.id == me.id)
        || message.mention_roles.iter().any(|role| me.roles.contains(role))
        || answered.is_some_and(|author| author.id == me.id)
}

/// Where a message's answered one is, if Discord names it and did not bring it along.
pub(crate) fn missing(message: &Message) -> Option<(&str, &str)> {
    let reference = message.message_reference.as_ref().filter(|r| r.kind != FORWARD)?;
    let answered = reference.message_id.as_deref()?;
    let channel = reference.channel_id.as_deref().unwrap_or(&message.channel_id);
    let lacks = message.kind == REPLY && message.referenced_message.is_none();
    lacks.then_some((channel, answered))
}

/// What a thread hangs on, for somebody who hears of the thread for the first time.
pub(crate) fn starter(first: &Message, me: Me<'_>) -> Quote {
    quoted(first, &text::Mentions { people: &first.mentions, me })
}

fn quote(message: &Message, mentions: &text::Mentions<'_>) -> Option<Quote> {
    if let Some(answered) = message.referenced_message.as_deref() {
        return Some(quoted(answered, mentions));
    }
    let id = message.message_reference.as_ref()?.message_id.as_deref()?;
    Some(Quote { message: id.into(), sender: None, text: None })
}

fn quoted(message: &Message, mentions: &text::Mentions<'_>) -> Quote {
    let mut words = said(&message.says, true);
    if words.is_empty() {
        let names = message.says.attachments.iter().map(|file| file.filename.as_deref());
        let names = names.map(|name| format!("[file: {}]", name.unwrap_or("unnamed")));
        words = names.collect::<Vec<_>>().join("\n");
    }
    Quote {
        message: message.id.as_str().into(),
        sender: message.author.as_ref().map(|author| author.id.as_str().into()),
        text: Some(text::readable(&words, mentions)).filter(|text| !text.is_empty()),
    }
}

/// Addresses of files are signed and expire within a day, so a handle stands for them: the numbers
/// of channel, message and file.
fn files(files: &[File], message: &Message) -> Vec<Attachment> {
    let attachment = |file: &File| Attachment {
        mime: file.content_type.clone(),
        name: file.filename.clone(),
        bytes: file.size,
        fetch: Some(format!("{}/{}/{}", message.channel_id, message.id, file.id)),
        ..Attachment::default()
    };
    files.iter().map(attachment).collect()
}

/// The file of a message, its forwarded ones included, that a handle names.
pub(crate) fn file<'a>(message: &'a Message, id: &str) -> Option<&'a File> {
    let forwarded = message.message_snapshots.iter().flat_map(|s| &s.message.attachments);
    message.says.attachments.iter().chain(forwarded).find(|file| file.id == id)
}

fn emoji(emoji: &Emoji) -> String {
    let name = emoji.name.clone().unwrap_or_default();
    match &emoji.id {
        Some(id) => format!("{name}:{id}"),
        None => name,
    }
}

#[cfg(test)]
mod tests;
