//! Updates → events. Pure: what an update says, and under which key it is known.
//!
//! Keys are made of what the update is about, not of its number alone: numbers start anew after a
//! silent week. An album arrives as one message for each file; each names the album, and the gateway
//! takes them together. Must not know: the network, access rules.

mod attachments;
mod described;
mod membership;
mod message;
mod reactions;
pub(crate) mod wire;
mod words;

use crate::{client::Me, text::utf16};
use jackfield_plugin_api::{
    event::{ConversationKind, Event, Place, Sender},
    serde_json::{self, Value, value::RawValue},
    tracing,
};
use wire::{Callback, Chat, Message, Update, User};

/// The kinds of updates that are asked for; the server remembers the list.
pub(crate) const ALLOWED: [&str; 7] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "callback_query",
    "message_reaction",
    "my_chat_member",
];

/// One event, ready to be handed over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    /// The platform's name of it, stable over redelivery.
    pub(crate) dedupe_key: String,
    /// The event.
    pub(crate) event: Event,
    /// The update it came in.
    pub(crate) update_id: i64,
    /// A button's question, which Telegram wants answered.
    pub(crate) callback: Option<String>,
    /// The album it is part of.
    pub(crate) album: Option<String>,
    /// Its words are nearly as many as one message takes, so that more may follow in another.
    pub(crate) long: bool,
}

/// Programs of Telegram cut at a line's end, which may lie some way before the limit of 4096.
const LONG: usize = 3500;

/// What one update came to.
pub(crate) struct Read {
    /// Its number; absent when not even that can be read.
    pub(crate) update_id: Option<i64>,
    /// Its events; none for what means nothing to us.
    pub(crate) items: Vec<Item>,
    /// Why it could not be understood.
    pub(crate) complaint: Option<String>,
}

/// Reads one update.
pub(crate) fn read(raw: &RawValue, me: &Me) -> Read {
    match serde_json::from_str::<Update>(raw.get()) {
        Ok(update) => {
            let update_id = update.update_id;
            Read { update_id: Some(update_id), items: items(update, me), complaint: None }
        }
        Err(error) => {
            let value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
            let update_id = value["update_id"].as_i64();
            Read { update_id, items: Vec::new(), complaint: Some(error.to_string()) }
        }
    }
}

fn items(update: Update, me: &Me) -> Vec<Item> {
    let update_id = update.update_id;
    let item = |dedupe_key, event| {
        let (callback, album, long) = (None, None, false);
        Item { dedupe_key, event, update_id, callback, album, long }
    };
    if let Some(message) = update.message.or(update.channel_post) {
        let key = format!("m:{}:{}", message.chat.id, message.message_id);
        let album = message.media_group_id.clone();
        let long = message.text.as_ref().is_some_and(|text| utf16::len(text) >= LONG);
        let event = message::read(message, me).map(Event::Message);
        event
            .into_iter()
            .map(|event| Item { album: album.clone(), long, ..item(key.clone(), event) })
            .collect()
    } else if let Some(message) = update.edited_message.or(update.edited_channel_post) {
        let at = message.edit_date.unwrap_or(message.date);
        let key = format!("e:{}:{}:{at}:{update_id}", message.chat.id, message.message_id);
        let event = message::read(message, me).map(Event::Edited);
        event.into_iter().map(|event| item(key.clone(), event)).collect()
    } else if let Some(callback) = update.callback_query {
        let id = callback.id.clone();
        let event = pressed(callback, me);
        let made = event
            .map(|event| Item { callback: Some(id.clone()), ..item(format!("c:{id}"), event) });
        made.into_iter().collect()
    } else if let Some(reaction) = update.message_reaction {
        reactions::read(reaction, me)
            .into_iter()
            .map(|(key, event)| item(format!("{key}:{update_id}"), event))
            .collect()
    } else {
        if let Some(news) = update.my_chat_member.as_ref().and_then(membership::told) {
            tracing::info!("{news}");
        }
        Vec::new()
    }
}

/// A button under a message. Buttons of inline messages have no chat, so nothing can be said there.
fn pressed(callback: Callback, me: &Me) -> Option<Event> {
    let message = callback.message?;
    Some(Event::Action {
        place: place(&message.chat, topic(&message)),
        sender: sender_of(&callback.from, me),
        name: "button".to_owned(),
        value: callback.data.map_or(Value::Null, Value::String),
        message: Some(message.message_id.to_string().into()),
    })
}

fn place(chat: &Chat, topic: Option<i64>) -> Place {
    let kind = match chat.kind.as_str() {
        "private" => ConversationKind::Direct,
        "channel" => ConversationKind::Channel,
        _ => ConversationKind::Group,
    };
    Place {
        conversation: chat.id.to_string().into(),
        kind,
        title: chat.title.clone(),
        thread: topic.map(|topic| topic.to_string().into()),
    }
}

/// The topic of a message, in a forum or in a direct chat that has them. Without the flag the same
/// number only names a chain of replies: no message can be sent there.
fn topic(message: &Message) -> Option<i64> {
    let topic = message.message_thread_id.filter(|_| message.is_topic_message);
    if !message.chat.is_forum {
        return topic;
    }
    // Servers that are not Telegram's forget the flag; a chain begins with an answer.
    let unflagged = message.message_thread_id.filter(|_| message.reply_to_message.is_none());
    // The general topic has no number on the wire; it is the first one.
    Some(topic.or(unflagged).unwrap_or(GENERAL_TOPIC))
}

/// The topic that every forum has.
pub(crate) const GENERAL_TOPIC: i64 = 1;

fn sender_of(user: &User, me: &Me) -> Sender {
    let name = user.name();
    Sender {
        id: user.id.to_string().into(),
        name: Some(name).filter(|name| !name.is_empty()),
        username: user.username.clone(),
        bot: user.is_bot,
        own: user.id == me.id,
    }
}

/// A channel, or a group whose administrator writes in its name.
fn sender_of_chat(chat: &Chat) -> Sender {
    Sender {
        id: chat.id.to_string().into(),
        name: chat.title.clone(),
        username: chat.username.clone(),
        bot: false,
        own: false,
    }
}

#[cfg(test)]
mod tests;
