//! Short forms of the two things nearly every test needs.

use crate::{
    event::{ConversationKind, Event, InboundMessage, Place, Sender},
    id::{ConversationId, DEFAULT_ACCOUNT},
    outbound::{Outbound, Target},
};

/// A direct message from `user`, in the conversation named like the user.
#[must_use]
pub fn message(user: &str, text: &str) -> Event {
    Event::Message(InboundMessage {
        place: Place {
            conversation: user.into(),
            kind: ConversationKind::Direct,
            title: None,
            thread: None,
        },
        sender: Sender { id: user.into(), name: None, username: None, bot: false, own: false },
        message: "1".into(),
        text: text.to_owned(),
        attachments: Vec::new(),
        reply_to: None,
        mentioned: false,
        sent_at_ms: None,
    })
}

/// A text for a conversation of the default account.
#[must_use]
pub fn text_to(conversation: impl Into<ConversationId>, text: &str) -> Outbound {
    Outbound::Message {
        to: Target {
            account: DEFAULT_ACCOUNT.into(),
            conversation: conversation.into(),
            kind: None,
            thread: None,
        },
        text: text.to_owned(),
        attachments: Vec::new(),
        reply_to: None,
        silent: false,
    }
}
