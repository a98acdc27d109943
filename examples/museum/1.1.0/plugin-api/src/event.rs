//! What a plugin tells the core about its platform: facts, never decisions.
//!
//! Every kind passes the same gate in the core. A plugin cannot say that a sender is allowed.

use crate::{
    attachment::Attachment,
    id::{ConversationId, MessageId, SenderId, ThreadId},
};
use serde::{Deserialize, Serialize};

/// The shape of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ConversationKind {
    /// Two participants.
    Direct,
    /// Several participants.
    Group,
    /// One writes, many read; or a public room.
    Channel,
}

/// Where something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Place {
    /// The chat.
    pub conversation: ConversationId,
    /// Its shape.
    pub kind: ConversationKind,
    /// Its title, untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The thread or topic inside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadId>,
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sender {
    /// The stable id; the only thing access is ever decided on.
    pub id: SenderId,
    /// Display name, untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// User name, untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The platform says this is a bot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bot: bool,
    /// This account itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// The message that is being answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quote {
    /// Its id.
    pub message: MessageId,
    /// Its author, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<SenderId>,
    /// Its text, untrusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InboundMessage {
    /// Where.
    pub place: Place,
    /// Who.
    pub sender: Sender,
    /// The platform's id of it.
    pub message: MessageId,
    /// Text, markup already turned into Markdown or plain text.
    #[serde(default)]
    pub text: String,
    /// Files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Quote>,
    /// This account was addressed: mentioned, replied to, or called by command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mentioned: bool,
    /// When the platform says it was sent, milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at_ms: Option<u64>,
}

/// One thing that happened on the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A new message.
    Message(InboundMessage),
    /// A message got a new text; carries the whole new state.
    Edited(InboundMessage),
    /// A message was taken back.
    Deleted {
        /// Where.
        place: Place,
        /// Who took it back.
        sender: Sender,
        /// Which.
        message: MessageId,
    },
    /// A reaction was set or removed.
    Reaction {
        /// Where.
        place: Place,
        /// Who.
        sender: Sender,
        /// On which message.
        message: MessageId,
        /// The emoji or its name.
        emoji: String,
        /// False when it was removed.
        added: bool,
    },
    /// A button, menu or native command was used.
    Action {
        /// Where.
        place: Place,
        /// Who.
        sender: Sender,
        /// Which action, in the plugin's own naming.
        name: String,
        /// Its arguments.
        #[serde(default)]
        value: serde_json::Value,
        /// The message it belongs to, if any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<MessageId>,
    },
    /// A kind this side does not know: acknowledged, counted, ignored.
    #[serde(other)]
    Unknown,
}

impl Event {
    /// Where it happened; absent for kinds this side does not know.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Message(m) | Self::Edited(m) => Some(&m.place),
            Self::Deleted { place, .. }
            | Self::Reaction { place, .. }
            | Self::Action { place, .. } => Some(place),
            Self::Unknown => None,
        }
    }

    /// Who did it; absent for kinds this side does not know.
    #[must_use]
    pub fn sender(&self) -> Option<&Sender> {
        match self {
            Self::Message(m) | Self::Edited(m) => Some(&m.sender),
            Self::Deleted { sender, .. }
            | Self::Reaction { sender, .. }
            | Self::Action { sender, .. } => Some(sender),
            Self::Unknown => None,
        }
    }
}
