//! `[agent]` and `[agents.<id>]`: who answers.
//!
//! `[agent]` is the one that answers when nobody else is named; every further agent has a table of
//! its own with the same settings.

mod openai;
mod program;

pub use openai::OpenAiSection;
pub use program::{Permission, ProgramSection};

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest id of an agent, characters.
const ID_MAX: usize = 64;

/// `[agent]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AgentSection {
    /// Id of the agent, part of every conversation key.
    pub id: String,
    /// Name for people; the id when absent.
    pub name: Option<String>,
    /// What runs a turn.
    pub backend: Backend,
    /// Longest time one run may take, seconds.
    pub timeout_s: u64,
    /// Runs at once, over all conversations of all agents.
    pub max_concurrent: usize,
    /// Pause between two words of the `echo` backend, milliseconds.
    pub echo_pace_ms: u64,
    /// The endpoint of the `openai` backend.
    pub openai: OpenAiSection,
    /// The program of the `acp` backend.
    pub acp: ProgramSection,
    /// The program of the `pi` backend.
    pub pi: ProgramSection,
}

/// `[agents.<id>]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OtherAgentSection {
    /// Name for people; the id when absent.
    pub name: Option<String>,
    /// What runs a turn.
    pub backend: Backend,
    /// Longest time one run may take, seconds.
    pub timeout_s: u64,
    /// Pause between two words of the `echo` backend, milliseconds.
    pub echo_pace_ms: u64,
    /// The endpoint of the `openai` backend.
    pub openai: OpenAiSection,
    /// The program of the `acp` backend.
    pub acp: ProgramSection,
    /// The program of the `pi` backend.
    pub pi: ProgramSection,
}

impl AgentSection {
    /// What this agent has in common with every other.
    #[must_use]
    pub fn common(&self) -> OtherAgentSection {
        OtherAgentSection {
            name: self.name.clone(),
            backend: self.backend,
            timeout_s: self.timeout_s,
            echo_pace_ms: self.echo_pace_ms,
            openai: self.openai.clone(),
            acp: self.acp.clone(),
            pi: self.pi.clone(),
        }
    }
}

impl OtherAgentSection {
    fn check(&self) -> Result<(), (String, String)> {
        let below = |table: &'static str| {
            move |(name, text): (String, String)| (format!("{table}.{name}"), text)
        };
        match self.backend {
            Backend::Echo => Ok(()),
            Backend::Openai => self.openai.check().map_err(below("openai")),
            Backend::Acp => self.acp.check(true).map_err(below("acp")),
            Backend::Pi => self.pi.check(false).map_err(below("pi")),
        }
    }
}

/// Whether every agent's backend has what it needs, and whether the ids fit.
///
/// # Errors
/// The setting that is missing or does not fit, and what to write.
pub fn check(
    first: &AgentSection,
    others: &BTreeMap<String, OtherAgentSection>,
) -> Result<(), (String, String)> {
    if !is_id(&first.id) {
        return Err(("agent.id".to_owned(), no_id(&first.id)));
    }
    first.common().check().map_err(|(name, text)| (format!("agent.{name}"), text))?;
    for (id, agent) in others {
        let table = format!("agents.{id}");
        if !is_id(id) {
            return Err((table, no_id(id)));
        }
        if *id == first.id {
            let text = "is the agent of the table `[agent]`; write its settings there";
            return Err((table, text.to_owned()));
        }
        agent.check().map_err(|(name, text)| (format!("{table}.{name}"), text))?;
    }
    Ok(())
}

fn is_id(id: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    !id.is_empty() && id.len() <= ID_MAX && id.chars().all(fits)
}

fn no_id(id: &str) -> String {
    format!("`{id}` is no id of an agent; use small letters, digits, `-` and `_`")
}

impl Default for AgentSection {
    fn default() -> Self {
        let OtherAgentSection { name, backend, timeout_s, echo_pace_ms, openai, acp, pi } =
            OtherAgentSection::default();
        Self {
            id: "main".to_owned(),
            name,
            backend,
            timeout_s,
            max_concurrent: 8,
            echo_pace_ms,
            openai,
            acp,
            pi,
        }
    }
}

impl Default for OtherAgentSection {
    fn default() -> Self {
        Self {
            name: None,
            backend: Backend::Echo,
            timeout_s: 600,
            echo_pace_ms: 20,
            openai: OpenAiSection::default(),
            acp: ProgramSection::default(),
            pi: ProgramSection::default(),
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
    /// An endpoint that speaks the chat completions of `OpenAI`: Ollama, llama.cpp, vLLM, hosted ones.
    Openai,
    /// A program that speaks the Agent Client Protocol.
    Acp,
    /// The coding agent Pi in its RPC mode.
    Pi,
}
