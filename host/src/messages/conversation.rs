//! The conversation an event belongs to, as the protocol's session key.
//!
//! Ids come from platforms and may hold anything; what could be read as another key is escaped, so no
//! id can speak for another conversation. Must not know: policies.

use jackfield_plugin_api::{
    event::{ConversationKind, Place, Sender},
    id::{AccountId, DEFAULT_ACCOUNT},
};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Longest escaped id in a key; longer ones are named by their hash.
const ID_BYTES_MAX: usize = 160;

/// `agent:<agent>:<channel>[:<account>]:direct|group|channel:<id>[:thread:<id>]`.
pub(super) fn key(
    agent: &str,
    channel: &str,
    account: &AccountId,
    place: &Place,
    sender: &Sender,
) -> String {
    let mut key = format!("agent:{}:{}", escape(agent), escape(channel));
    if account.as_str() != DEFAULT_ACCOUNT {
        push(&mut key, &[account.as_str()]);
    }
    match place.kind {
        ConversationKind::Direct => push(&mut key, &["direct", sender.id.as_str()]),
        _ => push(&mut key, &[kind_word(place.kind), place.conversation.as_str()]),
    }
    if let Some(thread) = &place.thread {
        push(&mut key, &["thread", thread.as_str()]);
    }
    key
}

/// The word for a kind of chat in keys and lists.
pub(super) fn kind_word(kind: ConversationKind) -> &'static str {
    match kind {
        ConversationKind::Direct => "direct",
        ConversationKind::Group => "group",
        ConversationKind::Channel => "channel",
    }
}

fn push(key: &mut String, words: &[&str]) {
    for word in words {
        key.push(':');
        key.push_str(&escape(word));
    }
}

/// Injective: everything but a safe set is written as `%XX`, and `%~` begins what no escape can.
fn escape(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'@' | b'+' | b'=' | b'-' => {
                text.push(char::from(byte));
            }
            _ => write!(text, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    if text.len() <= ID_BYTES_MAX {
        return text;
    }
    digest("%~", id)
}

/// `prefix` and the SHA-256 of `text` in hex.
pub(super) fn digest(prefix: &str, text: &str) -> String {
    let mut name = prefix.to_owned();
    for byte in Sha256::digest(text.as_bytes()) {
        write!(name, "{byte:02x}").expect("a string takes everything");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{escape, key};
    use jackfield_plugin_api::event::{ConversationKind, Place, Sender};

    fn made(account: &str, kind: ConversationKind, peer: &str, thread: Option<&str>) -> String {
        let sender = Sender { id: peer.into(), name: None, username: None, bot: false, own: false };
        let place =
            Place { conversation: peer.into(), kind, title: None, thread: thread.map(Into::into) };
        key("main", "line", &account.into(), &place, &sender)
    }

    #[test]
    fn keys_have_the_protocols_form() {
        use ConversationKind::{Channel, Direct, Group};
        assert_eq!(made("default", Direct, "42", None), "agent:main:line:direct:42");
        assert_eq!(made("work", Direct, "42", None), "agent:main:line:work:direct:42");
        assert_eq!(made("default", Group, "-100", None), "agent:main:line:group:-100");
        assert_eq!(made("default", Channel, "c", Some("7")), "agent:main:line:channel:c:thread:7");
    }

    #[test]
    fn an_id_cannot_forge_a_key() {
        use ConversationKind::{Direct, Group};
        assert_ne!(
            made("default", Group, "1:thread:2", None),
            made("default", Group, "1", Some("2"))
        );
        assert_ne!(made("default", Direct, "x", None), made("line:direct:x", Direct, "x", None));
    }

    proptest::proptest! {
        #[test]
        fn escaping_keeps_ids_apart(a in ".{0,200}", b in ".{0,200}") {
            proptest::prop_assert_eq!(a == b, escape(&a) == escape(&b));
            proptest::prop_assert!(escape(&a).len() <= super::ID_BYTES_MAX);
            proptest::prop_assert!(!escape(&a).contains(':'));
        }
    }
}
