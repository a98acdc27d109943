//! `[agent.acp]` and `[agent.pi]`: an agent that is a program of its own.

use super::super::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// A program that answers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProgramSection {
    /// The program and its arguments, as `["npx", "pi-acp"]`. Missing for `pi`: `["pi"]`.
    pub command: Vec<String>,
    /// The folder it works in; missing: a folder of the agent's own in the state folder.
    pub cwd: Option<PathBuf>,
    /// Environment variables it gets. Beside these it sees a few that say where home is and in which
    /// language to speak, and nothing else.
    pub env: BTreeMap<String, Secret>,
    /// Further variables of the gateway's own environment that it gets.
    pub pass_env: Vec<String>,
    /// What becomes of its questions for permission.
    pub permission: Permission,
    /// Earlier messages of a conversation that it is told when it does not know them any more.
    pub history: u32,
    /// An unused process ends after so many seconds.
    pub idle_s: u64,
    /// Unused processes kept, one a conversation.
    pub max_idle: usize,
}

/// What becomes of a question for permission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// A person decides; with nobody there it is denied.
    #[default]
    Ask,
    /// Reading and searching is allowed, a person decides about all else.
    AllowReads,
    /// Nothing is allowed.
    Deny,
    /// Everything is allowed.
    AllowAll,
}

impl Default for ProgramSection {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            cwd: None,
            env: BTreeMap::new(),
            pass_env: Vec::new(),
            permission: Permission::Ask,
            history: 40,
            idle_s: 600,
            max_idle: 4,
        }
    }
}

impl ProgramSection {
    pub(super) fn check(&self, named: bool) -> Result<(), (String, String)> {
        let wrong = |name: &str, text: &str| Err((name.to_owned(), text.to_owned()));
        let missing = self.command.is_empty() && named;
        if missing || self.command.first().is_some_and(|program| program.trim().is_empty()) {
            return wrong("command", "is missing; write the program, as `[\"npx\", \"pi-acp\"]`");
        }
        if self.cwd.as_ref().is_some_and(|dir| !dir.is_absolute()) {
            return wrong("cwd", "must begin with `/`");
        }
        let bad = |name: &str| name.is_empty() || name.contains(['=', '\0']);
        if self.env.keys().chain(&self.pass_env).any(|name| bad(name)) {
            return wrong("env", "holds a name that no environment variable can have");
        }
        Ok(())
    }
}
