//! Who may talk to the agent on a channel, and how: what the operator wrote.
//!
//! These keys stand in the channel's own table, beside the plugin's; unknown keys are therefore the
//! plugin's business. Lists hold stable ids, compared letter by letter; an empty list allows nobody.
//! Must not know: events; deciding is [`super::access`].

use super::media::own_addresses;
use crate::config::messages::{MessagesSection, QueueMode, Streaming};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{collections::HashMap, time::Duration};

/// Who may write to the agent directly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DmPolicy {
    /// Those in `allow_from` and those the operator approved by their pairing code.
    #[default]
    Pairing,
    /// Those in `allow_from`.
    Allowlist,
    /// Everybody.
    Open,
    /// Nobody.
    Disabled,
}

/// Which groups and channels the agent listens to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupPolicy {
    /// Those that are listed, and listed senders.
    #[default]
    Allowlist,
    /// All that are not listed with `allow = false`.
    Open,
    /// None.
    Disabled,
}

/// What is said of one group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GroupRule {
    /// The agent listens here.
    #[serde(default = "yes")]
    pub allow: bool,
    /// Only when it is addressed; without it, what the channel says.
    #[serde(default)]
    pub require_mention: Option<bool>,
}

/// The access keys of a channel's table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ChannelPolicy {
    /// Who answers here; the default agent when absent.
    pub agent: Option<String>,
    /// Direct chats.
    pub dm_policy: DmPolicy,
    /// Groups and channels.
    pub group_policy: GroupPolicy,
    /// Sender ids that may write directly.
    pub allow_from: Vec<String>,
    /// Sender ids that may speak to the agent in groups; approvals of direct chats do not count there.
    pub group_allow_from: Vec<String>,
    /// In groups, only messages that address the agent.
    pub require_mention: bool,
    /// Conversation id → rule.
    pub groups: HashMap<String, GroupRule>,
}

impl Default for ChannelPolicy {
    fn default() -> Self {
        Self {
            agent: None,
            dm_policy: DmPolicy::default(),
            group_policy: GroupPolicy::default(),
            allow_from: Vec::new(),
            group_allow_from: Vec::new(),
            require_mention: true,
            groups: HashMap::new(),
        }
    }
}

/// How messages of a channel become turns, and how answers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// What becomes of messages that come while the agent is busy.
    pub queue: QueueMode,
    /// Messages that follow each other within this time are one turn, unless each gets its own.
    pub debounce: Duration,
    /// How an answer is shown while it grows; without it, as well as the channel can.
    pub streaming: Option<Streaming>,
}

/// The keys of [`MessagesSection`] that a channel's table has of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FlowRules {
    queue: Option<QueueMode>,
    debounce_ms: Option<u64>,
    streaming: Option<Streaming>,
}

/// Everything that the core reads of a channel's table. Two tables that are equal in it differ for
/// the plugin alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelRules {
    /// Who may talk there.
    pub policy: ChannelPolicy,
    /// How messages become turns, where the channel has its own way.
    pub flow: FlowRules,
    /// Web addresses of the operator's choosing, which files may come from even if they are not
    /// public.
    pub own_addresses: Vec<String>,
}

impl ChannelRules {
    /// Reads a channel's table.
    ///
    /// # Errors
    /// The key that does not fit, and why.
    pub fn read(table: &Value) -> Result<Self, serde_path_to_error::Error<serde_json::Error>> {
        fn part<T: DeserializeOwned>(
            table: &Value,
        ) -> Result<T, serde_path_to_error::Error<serde_json::Error>> {
            serde_path_to_error::deserialize(table)
        }
        let (policy, flow) = (part(table)?, part(table)?);
        Ok(Self { policy, flow, own_addresses: own_addresses(table) })
    }
}

impl Flow {
    /// What holds for a channel with these rules of its own.
    #[must_use]
    pub fn of(general: &MessagesSection, own: FlowRules) -> Self {
        Self {
            queue: own.queue.unwrap_or(general.queue),
            debounce: Duration::from_millis(own.debounce_ms.unwrap_or(general.debounce_ms)),
            streaming: own.streaming.or(general.streaming),
        }
    }

    /// Messages that wait become one turn.
    pub(super) fn collects(&self) -> bool {
        self.queue != QueueMode::Followup
    }
}

fn yes() -> bool {
    true
}
