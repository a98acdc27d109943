//! `[plugins]`: where plugins are found and how each is run.

use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// `[plugins]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PluginsSection {
    /// Directories that hold plugin packages, beside the standard ones. Naming a directory here
    /// allows unsigned packages in it that the gateway's own user owns.
    pub dirs: Vec<PathBuf>,
    /// `[plugins.<id>]`
    #[serde(flatten)]
    pub entries: BTreeMap<String, PluginEntry>,
}

/// `[plugins.<id>]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PluginEntry {
    /// False keeps the plugin off whatever its channel says.
    pub enabled: Option<bool>,
    /// Where its code runs.
    pub isolation: IsolationSetting,
}

/// Where a plugin's code runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IsolationSetting {
    /// In a child process of its own.
    #[default]
    Process,
    /// Inside the gateway: this code is then part of the gateway.
    InProcess,
}
