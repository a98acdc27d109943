//! What the core asks a plugin to do on its platform, one attempt at a time.
//!
//! The core owns the queue, the retries and the rate; a plugin executes one attempt and says what
//! became of it.

use crate::{
    attachment::Attachment,
    event::ConversationKind,
    id::{AccountId, ConversationId, MessageId, ThreadId},
};
use serde::{Deserialize, Serialize};

/// Where something shall go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Target {
    /// The account that acts.
    pub account: AccountId,
    /// The chat; for a direct chat the peer's id is accepted too.
    pub conversation: ConversationId,
    /// Its shape, where the core knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ConversationKind>,
    /// The thread or topic inside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadId>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outbound {
    /// A message.
    Message {
        /// Where.
        to: Target,
        /// Markdown; the plugin renders it into its platform's markup.
        text: String,
        /// Files.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
        /// The message to answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageId>,
        /// Without a notification, where the platform can.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        silent: bool,
    },
    /// New text for a message of ours.
    Edit {
        /// Where.
        to: Target,
        /// Which.
        message: MessageId,
        /// Markdown, whole.
        text: String,
    },
    /// Take a message of ours back.
    Delete {
        /// Where.
        to: Target,
        /// Which.
        message: MessageId,
    },
    /// Set or remove a reaction.
    React {
        /// Where.
        to: Target,
        /// On which message.
        message: MessageId,
        /// The emoji.
        emoji: String,
        /// False removes it.
        added: bool,
    },
    /// Show that an answer is being written; never retried, never journaled.
    Typing {
        /// Where.
        to: Target,
        /// False clears it, where the platform can.
        on: bool,
    },
    /// A poll.
    Poll {
        /// Where.
        to: Target,
        /// The question.
        question: String,
        /// Two or more answers.
        options: Vec<String>,
        /// How many answers one person may choose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        choices_max: Option<u32>,
        /// Seconds until it closes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        duration_s: Option<u64>,
    },
    /// An action only this channel knows, by the name its manifest lists.
    Action {
        /// Where, if the action has a place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Target>,
        /// The action.
        name: String,
        /// Its arguments.
        #[serde(default)]
        params: serde_json::Value,
    },
    /// A kind this side does not know: answered with a permanent `unsupported`.
    #[serde(other)]
    Unknown,
}

impl Outbound {
    /// Where it shall go; absent for actions without a place and for kinds this side does not know.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        match self {
            Self::Message { to, .. }
            | Self::Edit { to, .. }
            | Self::Delete { to, .. }
            | Self::React { to, .. }
            | Self::Typing { to, .. }
            | Self::Poll { to, .. } => Some(to),
            Self::Action { to, .. } => to.as_ref(),
            Self::Unknown => None,
        }
    }
}

/// Proof that something was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// The platform's id of the (last) message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// Ids of all parts, where one message became several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<MessageId>,
    /// The chat it went to, where that was not known before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    /// Whatever else the platform said, for `message.action` results.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub extra: serde_json::Value,
}
