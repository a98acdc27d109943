//! Slash commands, buttons, menus and shortcuts: each becomes an action. Pure.

use super::{Incoming, View, kind_of_id};
use crate::text;
use jackfield_plugin_api::{
    event::{ConversationKind, Event, Place, Sender},
    serde_json::{Map, Value},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Command {
    command: String,
    #[serde(default)]
    text: String,
    user_id: String,
    user_name: Option<String>,
    channel_id: String,
    channel_name: Option<String>,
    #[serde(default)]
    trigger_id: String,
}

/// A slash command: named as it was typed, with the rest of the line as its value.
pub(super) fn command(fields: &Value, view: &View<'_>) -> Option<Incoming> {
    let command = Command::deserialize(fields).ok()?;
    let line = text::to_markdown(&command.text, &|id| view.name_of(id));
    let event = Event::Action {
        place: named_place(&command.channel_id, command.channel_name.as_deref(), view),
        sender: named(&command.user_id, command.user_name, view),
        name: command.command,
        value: if line.is_empty() { Value::Null } else { Value::String(line) },
        message: None,
    };
    Some(Incoming { key: format!("command:{}", command.trigger_id), seen: None, event })
}

#[derive(Deserialize)]
struct Interactive {
    r#type: String,
    user: Named,
    channel: Option<Named>,
    message: Option<Message>,
    container: Option<Container>,
    #[serde(default)]
    actions: Vec<Map<String, Value>>,
    callback_id: Option<String>,
    #[serde(default)]
    trigger_id: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(alias = "username")]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    ts: Option<String>,
    thread_ts: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Container {
    message_ts: Option<String>,
    channel_id: Option<String>,
    thread_ts: Option<String>,
}

/// What was pressed or chosen. Without a conversation there is nowhere to answer, so global
/// shortcuts and dialogs are left alone.
pub(super) fn interactive(payload: &Value, view: &View<'_>) -> Vec<Incoming> {
    let Ok(raw) = Interactive::deserialize(payload) else { return Vec::new() };
    let container = raw.container.as_ref();
    let channel = raw.channel.as_ref().map(|channel| channel.id.as_str());
    let Some(channel) = channel.or_else(|| container?.channel_id.as_deref()) else {
        return Vec::new();
    };
    let message = raw.message.as_ref();
    let ts = container.and_then(|c| c.message_ts.as_deref()).or_else(|| message?.ts.as_deref());
    let thread = container.and_then(|c| c.thread_ts.as_deref());
    let thread = thread.or_else(|| message?.thread_ts.as_deref());
    let name = raw.channel.as_ref().and_then(|channel| channel.name.as_deref());
    let mut place = named_place(channel, name, view);
    let begun = ts.filter(|_| view.reply_in_thread && place.kind != ConversationKind::Direct);
    place.thread = thread.or(begun).map(Into::into);
    let sender = named(&raw.user.id, raw.user.name, view);
    let action = |key: String, name: String, value: Value| Incoming {
        key,
        seen: None,
        event: Event::Action {
            place: place.clone(),
            sender: sender.clone(),
            name,
            value,
            message: ts.map(Into::into),
        },
    };
    match raw.r#type.as_str() {
        "block_actions" | "interactive_message" => raw
            .actions
            .iter()
            .enumerate()
            .filter_map(|(index, fields)| {
                let id = fields.get("action_id").or_else(|| fields.get("name"))?.as_str()?;
                let when = fields.get("action_ts").and_then(Value::as_str).unwrap_or_default();
                let once = if raw.trigger_id.is_empty() { when } else { &raw.trigger_id };
                let key = format!("action:{once}:{index}");
                Some(action(key, id.to_owned(), chosen(fields)))
            })
            .collect(),
        "message_action" => {
            let Some(id) = raw.callback_id else { return Vec::new() };
            let text = message.and_then(|message| message.text.as_deref());
            let text = text.map(|text| text::to_markdown(text, &|id| view.name_of(id)));
            let value = text.map_or(Value::Null, Value::String);
            vec![action(format!("action:{}:0", raw.trigger_id), id, value)]
        }
        _ => Vec::new(),
    }
}

/// What an element stands at: a button's value, or the choices of a menu.
fn chosen(fields: &Map<String, Value>) -> Value {
    let of_option = |option: &Value| option["value"].clone();
    if let Some(value) = fields.get("value") {
        return value.clone();
    }
    if let Some(option) = fields.get("selected_option") {
        return of_option(option);
    }
    let several = fields.get("selected_options").and_then(Value::as_array);
    if let Some(options) = several {
        return options
            .iter()
            .map(|option| if option.is_object() { of_option(option) } else { option.clone() })
            .collect();
    }
    // selected_date, selected_time, selected_user, selected_conversation, …
    let other = fields.iter().find(|(key, _)| key.starts_with("selected_"));
    other.map_or(Value::Null, |(_, value)| value.clone())
}

/// Slack calls direct chats and groups by names of its own here.
fn named_place(channel: &str, name: Option<&str>, view: &View<'_>) -> Place {
    let mut place = view.place(channel, None, None);
    let name = name.unwrap_or_default();
    place.kind = match name {
        "directmessage" => ConversationKind::Direct,
        _ if name.starts_with("mpdm-") => ConversationKind::Group,
        _ => kind_of_id(channel),
    };
    let real = !name.is_empty() && !matches!(name, "directmessage" | "privategroup");
    if place.title.is_none() && real && place.kind == ConversationKind::Channel {
        place.title = Some(format!("#{name}"));
    }
    place
}

fn named(id: &str, name: Option<String>, view: &View<'_>) -> Sender {
    let mut sender = view.person(id);
    sender.username = name;
    sender
}
