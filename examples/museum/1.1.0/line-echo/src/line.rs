//! The text protocol, both ways. Pure: no sockets, no waiting.

use jackfield_plugin_api::{
    event::{ConversationKind, Event, InboundMessage, Place, Sender},
    id::MessageId,
};

/// Longest line, bytes, with its end.
pub(crate) const LINE_BYTES_MAX: u64 = 64 << 10;
const USER_CHARS_MAX: usize = 64;

/// The user named by a client's first line.
pub(crate) fn user(line: &str) -> Option<&str> {
    let name = line.strip_prefix("HELLO ")?.trim();
    let fine = !name.is_empty()
        && name.chars().count() <= USER_CHARS_MAX
        && !name.contains(|c: char| c.is_whitespace() || c.is_control());
    fine.then_some(name)
}

/// The id and text of a message line.
pub(crate) fn message(line: &str) -> Option<(&str, String)> {
    let (id, text) = line.split_once(' ')?;
    (!id.is_empty()).then(|| (id, unescape(text)))
}

/// What a user's message is to the gateway: a direct chat whose only other side is that user.
pub(crate) fn event(user: &str, id: &str, text: String) -> Event {
    Event::Message(InboundMessage {
        place: Place {
            conversation: user.into(),
            kind: ConversationKind::Direct,
            title: None,
            thread: None,
        },
        sender: Sender { id: user.into(), name: None, username: None, bot: false, own: false },
        message: id.into(),
        text,
        attachments: Vec::new(),
        reply_to: None,
        mentioned: false,
        sent_at_ms: None,
    })
}

/// The line of an outbound message, and its id: the idempotency key, so that a client recognises a
/// second attempt at the same message.
pub(crate) fn outbound(idem_key: &str, text: &str) -> (MessageId, String) {
    let id = idem_key.replace(char::is_whitespace, "_");
    let line = format!("MSG {id} {}", escape(text));
    (id.into(), line)
}

fn escape(text: &str) -> String {
    text.replace('\\', r"\\").replace('\n', r"\n").replace('\r', r"\r")
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('\\') => plain.push('\\'),
            // Not an escape of ours: it means itself.
            other => plain.extend(Some('\\').into_iter().chain(other)),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{escape, message, outbound, unescape, user};

    #[test]
    fn text_survives_the_way_there_and_back() {
        for text in ["plain", "two\nlines", r"a \n that is none", "\\\r\n\\\\", ""] {
            let line = escape(text);
            assert!(!line.contains(['\n', '\r']), "{line:?}");
            assert_eq!(unescape(&line), text);
        }
        assert_eq!(unescape(r"odd \t and \"), r"odd \t and \");
    }

    #[test]
    fn lines_are_taken_apart() {
        assert_eq!(user("HELLO ada"), Some("ada"));
        for bad in ["HELLO", "HELLO ", "HELLO two words", "hello ada", "1 hi"] {
            assert_eq!(user(bad), None, "{bad}");
        }
        assert_eq!(message(r"7 hi\nthere"), Some(("7", "hi\nthere".to_owned())));
        assert_eq!(message("lonely"), None);
        assert_eq!(message(" no id"), None);
        let (id, line) = outbound("a key", "x");
        assert_eq!((id.as_str(), line.as_str()), ("a_key", "MSG a_key x"));
    }
}
