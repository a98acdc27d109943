//! What Slack delivers, as the gateway's events. Pure: names come in from outside.
//!
//! Walk 1: [`crate::receive`] unpacks an envelope or a request into a [`Delivery`]; [`read`] makes
//! events of it; the next step is `Host::emit`. Must not know: sockets, requests, the Web API.

mod action;
mod blocks;
mod installation;
mod message;
mod words;

pub(crate) use installation::{Fit, fit, is_of_another_app};
pub(crate) use message::said;

use crate::text;
use jackfield_plugin_api::{
    event::{ConversationKind, Event, Place, Sender},
    frame::Cursor,
    serde_json::Value,
};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};

/// Who this account is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Me {
    pub(crate) user: String,
    pub(crate) bot: Option<String>,
    pub(crate) name: String,
    /// The workspace's name.
    pub(crate) team: String,
    pub(crate) team_id: Option<String>,
    /// Where the app is installed for all workspaces of an organisation: its id.
    pub(crate) organisation: Option<String>,
    /// The app that the bot belongs to.
    pub(crate) app: Option<String>,
}

/// One thing that Slack delivered, by the way it is packed.
#[derive(Clone, Debug)]
pub(crate) enum Delivery {
    /// The outer object of an event.
    Event(Value),
    /// The fields of a slash command.
    Command(Value),
    /// A button, a menu, a shortcut.
    Interactive(Value),
}

/// What a delivery names and others know better.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) users: BTreeSet<String>,
    /// Channels that a text names by their ids alone.
    pub(crate) channels: BTreeSet<String>,
    pub(crate) conversation: Option<String>,
}

/// What is known of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Of people and of channels, by their ids.
    pub(crate) names: HashMap<String, String>,
    pub(crate) conversation: Option<Conversation>,
}

/// A conversation as Slack describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conversation {
    pub(crate) kind: ConversationKind,
    pub(crate) title: Option<String>,
}

/// What the conversion looks at besides the delivery.
pub(crate) struct View<'a> {
    pub(crate) me: &'a Me,
    pub(crate) known: &'a Known,
    /// A message in a channel begins a thread.
    pub(crate) reply_in_thread: bool,
    /// Whether this account takes part in a thread: (conversation, thread).
    pub(crate) follows: &'a dyn Fn(&str, &str) -> bool,
}

/// An event on its way to the gateway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Incoming {
    /// The same over every redelivery, and for each of the ways in which Slack tells one thing.
    pub(crate) key: String,
    /// Its place in its conversation's stream, if it has one.
    pub(crate) seen: Option<Seen>,
    pub(crate) event: Event,
}

/// A place in a conversation's stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) ts: String,
    pub(crate) conversation: String,
    kind: u8,
    /// The thread it answers in.
    pub(crate) thread: Option<String>,
}

/// What is read from a delivery before its names are looked up.
pub(crate) fn wanted(delivery: &Delivery) -> Wanted {
    let Delivery::Event(outer) = delivery else {
        return Wanted::default(); // Slack names everything in the others itself
    };
    let event = &outer["event"];
    let texts = [&event["text"], &event["message"]["text"]].into_iter().filter_map(Value::as_str);
    let mut users: BTreeSet<_> = texts.clone().flat_map(message::mentions).collect();
    let channels = texts.flat_map(message::channels).collect();
    let people = [&event["user"], &event["message"]["user"]];
    users.extend(people.into_iter().filter_map(Value::as_str).map(str::to_owned));
    let conversation = event["channel"].as_str().or_else(|| event["item"]["channel"].as_str());
    Wanted { users, channels, conversation: conversation.map(str::to_owned) }
}

/// The events of a delivery; none for what is of no use to an assistant.
pub(crate) fn read(delivery: &Delivery, view: &View<'_>) -> Vec<Incoming> {
    match delivery {
        Delivery::Event(outer) => event(&outer["event"], view).into_iter().collect(),
        Delivery::Command(fields) => action::command(fields, view).into_iter().collect(),
        Delivery::Interactive(payload) => action::interactive(payload, view),
    }
}

/// Whether Slack says that the app was removed or this bot's token taken back.
pub(crate) fn is_removal(delivery: &Delivery, me: &Me) -> bool {
    let Delivery::Event(outer) = delivery else { return false };
    let event = &outer["event"];
    match event["type"].as_str() {
        Some("app_uninstalled") => true,
        Some("tokens_revoked") => {
            let bots = event["tokens"]["bot"].as_array();
            bots.is_some_and(|bots| bots.iter().any(|bot| *bot == me.user))
        }
        _ => false,
    }
}

fn event(event: &Value, view: &View<'_>) -> Option<Incoming> {
    match event["type"].as_str()? {
        "message" | "app_mention" => message::read(event, view),
        "reaction_added" => reaction(event, view, true),
        "reaction_removed" => reaction(event, view, false),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Reaction {
    user: String,
    reaction: String,
    item: Item,
    #[serde(default)]
    event_ts: String,
}

#[derive(Deserialize)]
struct Item {
    channel: String,
    ts: String,
}

fn reaction(event: &Value, view: &View<'_>, added: bool) -> Option<Incoming> {
    // Reactions to files have no message.
    let Reaction { user, reaction, item, event_ts } = Reaction::deserialize(event).ok()?;
    let word = if added { "added" } else { "removed" };
    let key = format!("{}:{}:{word}:{reaction}:{user}:{event_ts}", item.channel, item.ts);
    let event = Event::Reaction {
        place: view.place(&item.channel, None, None),
        sender: view.person(&user),
        message: item.ts.into(),
        emoji: text::character(&reaction),
        added,
    };
    Some(Incoming { key, seen: None, event })
}

impl View<'_> {
    /// A conversation as a place; `type_word` is Slack's `channel_type`, where an event has one.
    fn place(&self, conversation: &str, type_word: Option<&str>, thread: Option<&str>) -> Place {
        let known = self.known.conversation.as_ref();
        let kind = type_word.and_then(kind_of_word).or(known.map(|known| known.kind));
        Place {
            conversation: conversation.into(),
            kind: kind.unwrap_or_else(|| kind_of_id(conversation)),
            title: known.and_then(|known| known.title.clone()),
            thread: thread.map(Into::into),
        }
    }

    fn person(&self, id: &str) -> Sender {
        Sender {
            id: id.into(),
            name: self.name_of(id),
            username: None,
            bot: false,
            own: id == self.me.user,
        }
    }

    fn name_of(&self, id: &str) -> Option<String> {
        if id == self.me.user && !self.me.name.is_empty() {
            return Some(self.me.name.clone());
        }
        self.known.names.get(id).cloned()
    }
}

fn kind_of_word(word: &str) -> Option<ConversationKind> {
    match word {
        "im" | "app_home" => Some(ConversationKind::Direct),
        "mpim" => Some(ConversationKind::Group),
        "channel" | "group" => Some(ConversationKind::Channel),
        _ => None,
    }
}

/// The best guess from an id alone.
pub(crate) fn kind_of_id(conversation: &str) -> ConversationKind {
    if conversation.starts_with('D') { ConversationKind::Direct } else { ConversationKind::Channel }
}

impl Seen {
    fn new(place: &Place, ts: &str) -> Self {
        let kind = match place.kind {
            ConversationKind::Direct => b'd',
            ConversationKind::Group => b'g',
            ConversationKind::Channel => b'c',
        };
        let thread = place.thread.as_ref().map(|thread| thread.as_str().to_owned());
        Self {
            ts: ts.to_owned(),
            conversation: place.conversation.as_str().to_owned(),
            kind,
            thread: thread.filter(|thread| thread != ts),
        }
    }

    /// Slack's word for the kind of conversation.
    pub(crate) fn type_word(&self) -> &'static str {
        match self.kind {
            b'd' => "im",
            b'g' => "mpim",
            _ => "channel",
        }
    }

    pub(crate) fn cursor(&self) -> Cursor {
        let mut value = format!("{} {}", self.ts, char::from(self.kind));
        if let Some(thread) = &self.thread {
            value = format!("{value} {thread}");
        }
        Cursor { stream: self.conversation.clone(), value }
    }

    /// What [`Seen::cursor`] wrote.
    pub(crate) fn from_cursor(cursor: &Cursor) -> Option<Self> {
        let mut parts = cursor.value.split(' ');
        let (ts, kind) = (parts.next()?.to_owned(), parts.next()?.bytes().next()?);
        let thread = parts.next().map(str::to_owned);
        Some(Self { ts, conversation: cursor.stream.clone(), kind, thread })
    }
}

/// Milliseconds since the Unix epoch of a message's id, which is its time.
pub(crate) fn time_ms(ts: &str) -> Option<u64> {
    let (seconds, micros) = ts.split_once('.')?;
    let micros: u64 = micros.parse().ok()?;
    Some(seconds.parse::<u64>().ok()?.checked_mul(1000)? + micros / 1000)
}
