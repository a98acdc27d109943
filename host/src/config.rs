//! Configuration: files → one table → checked, typed [`Config`]. Passed around, never global.
//!
//! Order: the file, then `conf.d/*.toml` beside it by name, then the environment for `${NAME}`
//! inside strings, then command-line flags (applied by the caller). A channel's own table stays raw
//! JSON: its plugin parses it. Must not know: plugins, sockets, the store.

pub mod agent;
pub mod canvas;
pub mod channels;
pub mod control_ui;
pub mod document;
pub mod gateway;
pub mod heartbeat;
pub mod last_good;
pub mod messages;
pub mod nodes;
pub mod paths;
pub mod plugins;
pub mod secret;
pub mod source;
mod stricter;
pub mod tls;

pub use paths::Paths;
pub use secret::Secret;

use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// The whole configuration.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where and how the gateway listens, and who may come in.
    pub gateway: gateway::GatewaySection,
    /// Where plugins are found and how each is run.
    pub plugins: plugins::PluginsSection,
    /// One table per channel; a channel is on when its table says `enabled = true`.
    pub channels: BTreeMap<String, channels::ChannelSection>,
    /// The agent that answers when nobody else is named.
    pub agent: agent::AgentSection,
    /// Further agents by their ids.
    pub agents: BTreeMap<String, agent::OtherAgentSection>,
    /// Why the files cannot be used, when this is the last good configuration instead.
    #[serde(skip)]
    pub fault: Option<String>,
    /// Every secret of the files, so that none of them is said to anybody.
    #[serde(skip)]
    pub secrets: Vec<Secret>,
    /// How messages become turns and answers are shown.
    pub messages: messages::MessagesSection,
    /// Pages that the agent draws.
    pub canvas: canvas::CanvasSection,
    /// Which commands nodes may offer.
    pub nodes: nodes::NodesSection,
    /// Turns that the gateway asks for by itself.
    pub heartbeat: heartbeat::HeartbeatSection,
}

/// A configuration that cannot be used; every variant names the file or the setting, and the fix.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not TOML.
    #[error("{path} is not valid TOML:\n{text}")]
    Syntax {
        /// The file.
        path: String,
        /// Where and what, over several lines.
        text: String,
    },
    /// A setting does not exist, or has a value that does not fit.
    #[error("{path}: setting `{setting}`: {text}{hint}")]
    Setting {
        /// The file, or the first of several.
        path: String,
        /// Dotted path of the setting.
        setting: String,
        /// What is wrong.
        text: String,
        /// `; did you mean …?`, or nothing.
        hint: String,
    },
    /// `${NAME}` names an environment variable that is not set.
    #[error(
        "setting `{setting}` uses ${{{name}}}, but the environment variable {name} is not set; set it, or write the value into the file"
    )]
    Environment {
        /// Dotted path of the setting.
        setting: String,
        /// The variable.
        name: String,
    },
}

impl Config {
    /// Reads the file at `path` and its `conf.d`. A missing file is an empty configuration.
    ///
    /// # Errors
    /// When a file cannot be read, is not TOML, or holds a setting that does not fit.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_with(path, &|name| std::env::var(name).ok())
    }

    /// As [`Config::load`], with the environment given.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_with(
        path: &Path,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        Self::load_table(path, source::read(path)?, env)
    }

    /// As [`Config::load_with`], with `text` in the place of the file at `path`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_text(
        path: &Path,
        text: &str,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        Self::load_table(path, source::read_with(path, text)?, env)
    }

    fn load_table(
        path: &Path,
        mut table: toml::Table,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        source::substitute(&mut table, env)?;
        let secrets = document::secrets(&document::as_json(&table));
        Self::from_table(path, table).map(|config| Self { secrets, ..config })
    }

    fn from_table(path: &Path, table: toml::Table) -> Result<Self, ConfigError> {
        let value = toml::Value::Table(table);
        let config: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let text = error.inner().message().to_owned();
            let setting = error.path().to_string();
            let hint = source::did_you_mean(&text);
            ConfigError::Setting { path: path.display().to_string(), setting, text, hint }
        })?;
        let checked =
            config.gateway.check().and_then(|()| agent::check(&config.agent, &config.agents));
        checked.map_err(|(setting, text)| {
            let path = path.display().to_string();
            ConfigError::Setting { path, setting, text, hint: String::new() }
        })?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
