//! `[messages]`: how messages become turns, and how answers are shown while they grow.
//!
//! Each key may stand in a channel's own table too, for that channel alone.

use schemars::JsonSchema;
use serde::Deserialize;

/// `[messages]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MessagesSection {
    /// What becomes of messages that come while the agent is busy with their conversation.
    pub queue: QueueMode,
    /// Under `collect` and `interrupt`: messages that follow each other within this time are one
    /// turn, milliseconds.
    pub debounce_ms: u64,
    /// How an answer is shown while it grows; without it, as well as the channel can.
    pub streaming: Option<Streaming>,
}

/// What becomes of messages that come while the agent is busy with their conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QueueMode {
    /// Each gets a turn of its own, in order.
    #[default]
    Followup,
    /// Those that wait become one turn.
    Collect,
    /// The run under way is called off; those that wait become one turn.
    Interrupt,
}

/// How an answer is shown while it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Streaming {
    /// One message that is edited as the answer grows, where the channel can edit.
    Draft,
    /// A message for every few finished paragraphs.
    Block,
    /// One message when the answer is complete.
    Final,
}
