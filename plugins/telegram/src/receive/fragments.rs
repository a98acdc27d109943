//! Long words that people send as one message and Telegram's programs cut: its parts follow each
//! other at once, and nothing on them says that they belong together.
//!
//! They are named like the parts of an album, so the gateway takes them as one message. A part that
//! is not recognised, as after a restart in between, is a message of its own. Must not know: how
//! things are handed over.

use crate::inbound::Item;
use jackfield_plugin_api::event::{Event, InboundMessage};
use std::collections::VecDeque;

/// Later a message is a new one.
const GAP_MS: u64 = 2_000;
/// Numbers that other chats may take in between: in direct chats all of a bot's share one count.
const GAP_IDS: i64 = 5;
/// People who may write so at the same time; the oldest is forgotten first.
const OPEN_MAX: usize = 64;

/// The long messages that may go on.
#[derive(Default)]
pub(crate) struct Fragments(VecDeque<Open>);

struct Open {
    conversation: String,
    sender: String,
    name: String,
    /// The newest part that was long.
    last: i64,
    sent_at_ms: u64,
    /// The part that ended it, which may be offered again.
    end: Option<i64>,
}

impl Fragments {
    /// Names the message an item is part of, if it seems to be one.
    pub(crate) fn join(&mut self, item: &mut Item) {
        let (Event::Message(message), None) = (&item.event, &item.album) else { return };
        let Ok(id) = message.message.as_str().parse::<i64>() else { return };
        let at_ms = message.sent_at_ms.unwrap_or_default();
        let open = self.0.iter_mut().find(|open| open.is_by(message));
        item.album = match open.filter(|open| open.takes(id, at_ms)) {
            Some(open) if item.long => {
                (open.last, open.sent_at_ms) = (id, at_ms);
                Some(open.name.clone())
            }
            Some(open) => {
                open.end = Some(id);
                Some(open.name.clone())
            }
            None if item.long => Some(self.begin(message, id, at_ms)),
            None => None,
        };
    }

    fn begin(&mut self, message: &InboundMessage, id: i64, at_ms: u64) -> String {
        self.0.retain(|open| !open.is_by(message));
        if self.0.len() == OPEN_MAX {
            self.0.pop_front();
        }
        let name = format!("long:{id}");
        self.0.push_back(Open {
            conversation: message.place.conversation.as_str().to_owned(),
            sender: message.sender.id.as_str().to_owned(),
            name: name.clone(),
            last: id,
            sent_at_ms: at_ms,
            end: None,
        });
        name
    }
}

impl Open {
    fn is_by(&self, message: &InboundMessage) -> bool {
        self.conversation == message.place.conversation.as_str()
            && self.sender == message.sender.id.as_str()
    }

    fn takes(&self, id: i64, at_ms: u64) -> bool {
        let follows = id > self.last && id - self.last <= GAP_IDS;
        let soon = at_ms.saturating_sub(self.sent_at_ms) <= GAP_MS;
        self.end.map_or(follows && soon, |end| id == end)
    }
}

#[cfg(test)]
mod tests {
    use super::Fragments;
    use crate::{client::Me, inbound};
    use jackfield_plugin_api::serde_json::{json, value::RawValue};

    #[test]
    fn what_was_cut_belongs_together() {
        let me = Me { id: 77, username: String::new(), can_read_all_group_messages: None };
        let mut fragments = Fragments::default();
        let mut named = |id: i64, from: i64, at: i64, length: usize| {
            let update = json!({"update_id": id, "message": {
                "message_id": id, "date": at, "text": "x".repeat(length),
                "chat": {"id": -5, "type": "group"}, "from": {"id": from, "first_name": "Ada"},
            }});
            let raw = RawValue::from_string(update.to_string()).unwrap();
            let mut item = inbound::read(&raw, &me).items.remove(0);
            fragments.join(&mut item);
            item.album
        };
        assert_eq!(named(1, 42, 100, 20), None);
        let long = Some("long:2".to_owned());
        assert_eq!(named(2, 42, 100, 4096), long);
        assert_eq!(named(3, 43, 100, 20), None, "somebody else");
        assert_eq!(named(4, 42, 101, 3900), long, "programs cut at the end of a line");
        assert_eq!(named(5, 42, 102, 20), long, "its end");
        assert_eq!(named(5, 42, 102, 20), long, "offered again");
        assert_eq!(named(6, 42, 102, 20), None, "behind the end");
        assert_eq!(named(7, 42, 110, 4096), Some("long:7".to_owned()));
        assert_eq!(named(8, 42, 119, 20), None, "much later");
        assert_eq!(named(99, 42, 110, 20), None, "far away");
    }
}
