//! Commands, buttons, menus and forms. Discord waits three seconds for a sign that one was noticed.

use super::{sender, wire::Interaction};
use crate::places::Spot;
use jackfield_plugin_api::{
    event::{Event, Sender},
    serde_json::{Map, Value, json},
};

/// The sign that is given at once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ack {
    /// "Thinking": an answer follows.
    Later(Value),
    /// Noticed; nothing to see.
    Silent(Value),
    /// Nothing is expected.
    None,
}

/// What to answer at once.
pub(crate) fn ack(interaction: &Interaction) -> Ack {
    match interaction.kind {
        2 => Ack::Later(json!({"type": 5})),
        3 | 5 => Ack::Silent(json!({"type": 6})),
        // Somebody is typing a command: we have nothing to suggest.
        4 => Ack::Silent(json!({"type": 8, "data": {"choices": []}})),
        _ => Ack::None,
    }
}

/// What somebody asked by the command of the settings, in words.
pub(super) fn asked<'a>(interaction: &'a Interaction, command: &str) -> Option<&'a str> {
    let data = &interaction.data;
    let ours = interaction.kind == 2 && data.get("name")?.as_str()? == command;
    let options = data.get("options").filter(|_| ours)?.as_array()?;
    let text = options.iter().find(|option| option.get("name").is_some_and(|n| n == "text"))?;
    text.get("value")?.as_str()
}

/// Who used it.
pub(super) fn user(interaction: &Interaction, own: &str) -> Option<Sender> {
    let member = interaction.member.as_ref();
    let user = interaction.user.as_ref().or_else(|| member?.user.as_ref())?;
    Some(sender(user, member, own))
}

/// What was done; `None` while it is not done yet.
pub(crate) fn action(interaction: &Interaction, spot: &Spot, own: &str) -> Option<Event> {
    let data = &interaction.data;
    let (name, value) = match interaction.kind {
        2 => (data.get("name")?, options(data)),
        3 => (data.get("custom_id")?, data.get("values").cloned().unwrap_or_default()),
        5 => (data.get("custom_id")?, fields(data)),
        _ => return None,
    };
    Some(Event::Action {
        place: spot.place.clone(),
        sender: user(interaction, own)?,
        name: name.as_str()?.to_owned(),
        value,
        message: interaction.message.as_ref().map(|message| message.id.as_str().into()),
    })
}

/// The arguments of a command by name; those of a sub-command stand below its name.
fn options(data: &Value) -> Value {
    let Some(options) = data.get("options").and_then(Value::as_array) else { return Value::Null };
    let named = options.iter().filter_map(|option| {
        let name = option.get("name")?.as_str()?.to_owned();
        let value = match option.get("value") {
            Some(value) => value.clone(),
            None => options_or_empty(option),
        };
        Some((name, value))
    });
    Value::Object(named.collect::<Map<_, _>>())
}

fn options_or_empty(option: &Value) -> Value {
    match options(option) {
        Value::Null => Value::Object(Map::new()),
        below => below,
    }
}

/// The fields of a form by id, however deeply they are laid out.
fn fields(data: &Value) -> Value {
    let mut found = Map::new();
    gather(data, &mut found);
    Value::Object(found)
}

fn gather(part: &Value, found: &mut Map<String, Value>) {
    match part {
        Value::Object(part) => {
            let id = part.get("custom_id").and_then(Value::as_str);
            let value = part.get("value").or_else(|| part.get("values"));
            if let (Some(id), Some(value)) = (id, value) {
                found.insert(id.to_owned(), value.clone());
            }
            for below in ["components", "component"].iter().filter_map(|key| part.get(*key)) {
                gather(below, found);
            }
        }
        Value::Array(parts) => parts.iter().for_each(|part| gather(part, found)),
        _ => {}
    }
}
