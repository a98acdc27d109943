//! `[agent]`: who answers.

use schemars::JsonSchema;
use serde::Deserialize;

/// `[agent]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgentSection {
    /// Id of the agent, part of every conversation key.
    pub id: String,
    /// What runs a turn.
    pub backend: Backend,
    /// Longest time one run may take, seconds.
    pub timeout_s: u64,
    /// Runs at once, over all conversations.
    pub max_concurrent: usize,
    /// Pause between two words of the `echo` backend, milliseconds.
    pub echo_pace_ms: u64,
}

impl Default for AgentSection {
    fn default() -> Self {
        Self {
            id: "main".to_owned(),
            backend: Backend::Echo,
            timeout_s: 600,
            max_concurrent: 4,
            echo_pace_ms: 20,
        }
    }
}

/// What runs a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// Built in: answers with what it was told, word by word.
    #[default]
    Echo,
}
