//! What the agent is told of an event, in words.
//!
//! A message that answers another says which: "yes, that one" means nothing alone. What it quotes is
//! anybody's text, so it stands as a quotation and is cut short. Must not know: who may speak.

use crate::agent::commands::Command;
use jackfield_plugin_api::event::{Event, InboundMessage};

/// Longest quotation, in characters.
const QUOTATION_MAX: usize = 1000;

/// The words; `None` for kinds that ask for no answer. `part`: it is one of an album, of which only
/// the one that says something tells what it answers.
pub(super) fn of(event: &Event, part: bool) -> Option<String> {
    match event {
        // Its files are told of once they are here.
        Event::Message(message) => Some(said(message, part)),
        Event::Action { name, value, .. } if value.is_null() => Some(name.clone()),
        Event::Action { name, value, .. } => Some(format!("{name} {value}")),
        Event::Edited(_) | Event::Deleted { .. } | Event::Reaction { .. } | Event::Unknown => None,
    }
}

fn said(message: &InboundMessage, part: bool) -> String {
    let text = &message.text;
    let quoted = message.reply_to.as_ref().and_then(|quote| quote.text.as_deref());
    let quoted = quoted.map(str::trim).filter(|quoted| !quoted.is_empty());
    // An order stays one, whatever it answers.
    let plain = Command::parse(text).is_some() || (part && text.is_empty());
    match quoted.filter(|_| !plain) {
        Some(quoted) => format!("{}\n\n{text}", quotation(quoted)).trim_end().to_owned(),
        None => text.clone(),
    }
}

fn quotation(text: &str) -> String {
    let mut kept: String = text.chars().take(QUOTATION_MAX).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Event, QUOTATION_MAX, of};
    use serde_json::{Value, json};

    fn told(text: &str, reply_to: Value, part: bool) -> Option<String> {
        let event: Event = serde_json::from_value(json!({
            "kind": "message", "message": "2", "text": text, "reply_to": reply_to,
            "place": {"conversation": "42", "kind": "direct"}, "sender": {"id": "42"},
        }))
        .unwrap();
        of(&event, part)
    }

    fn answer(text: &str, quoted: &str, part: bool) -> String {
        told(text, json!({"message": "1", "text": quoted}), part).unwrap()
    }

    #[test]
    fn an_answer_says_what_it_answers() {
        assert_eq!(answer("yes", "tea?\nor coffee?", false), "> tea?\n> or coffee?\n\nyes");
        assert_eq!(answer("", "tea?", false), "> tea?", "a file alone");
        assert_eq!(answer("yes", " ", false), "yes");
        assert_eq!(answer("look", "tea?", true), "> tea?\n\nlook");
        assert_eq!(answer("", "tea?", true), "", "another part says it");
        for order in ["/new", "stop"] {
            assert_eq!(answer(order, "tea?", false), order);
        }
        let long = answer("ok", &"x".repeat(5000), false);
        assert_eq!(long.chars().count(), QUOTATION_MAX + "> …\n\nok".chars().count());
        assert_eq!(told("alone", Value::Null, false).as_deref(), Some("alone"));
    }
}
