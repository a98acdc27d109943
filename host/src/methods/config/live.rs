//! What of a changed configuration needs no new life of the gateway: the settings of a plugin. A new
//! life of that plugin tries them beside the one that runs, and the former settings stay in force if
//! it cannot start with them.
//!
//! Must not know: what a setting means to its plugin.

use super::snapshot::{Snapshot, check};
use crate::{
    config::{channels::ChannelSection, document},
    messages::ChannelRules,
    methods::Core,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The configuration that is in force.
#[derive(Debug)]
pub struct Applied {
    /// Names the state of its files.
    pub hash: String,
    /// The settings of all files together, as written.
    whole: Value,
    /// The channels' tables, as they were read.
    channels: BTreeMap<String, ChannelSection>,
}

/// What can be done about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it is in force.
    Applied,
    /// It needs a new life of the gateway.
    Elsewhere,
    /// A plugin cannot work with it; the former settings are in force.
    Unfit,
}

impl Applied {
    /// What a snapshot holds and a configuration read from it says.
    #[must_use]
    pub fn of(snapshot: &Snapshot, channels: BTreeMap<String, ChannelSection>) -> Self {
        Self { hash: snapshot.hash.clone(), whole: snapshot.whole.clone(), channels }
    }
}

/// Puts a change in force, if it is one of plugins' settings only.
pub async fn apply(core: &Core, snapshot: &Snapshot) -> Outcome {
    let text = snapshot.text.as_deref().unwrap_or_default();
    let Ok(config) = check(&snapshot.path, text) else { return Outcome::Unfit };
    let Some(changed) = changed(core, snapshot, &config.channels) else {
        return Outcome::Elsewhere;
    };
    for (name, section) in changed {
        match core.plugins.configure(&name, section.table(), section.accounts()).await {
            Ok(true) => tracing::info!(channel = name, "new settings are in force"),
            Ok(false) => return Outcome::Elsewhere,
            Err(refusal) => {
                tracing::error!(channel = name, %refusal, "the former settings stay in force");
                return Outcome::Unfit;
            }
        }
    }
    core.put_in_force(Applied::of(snapshot, config.channels));
    Outcome::Applied
}

/// The channels whose plugins alone are concerned; `None` when anything else changed.
fn changed(
    core: &Core,
    snapshot: &Snapshot,
    channels: &BTreeMap<String, ChannelSection>,
) -> Option<Vec<(String, ChannelSection)>> {
    core.in_force(|applied| {
        let mut found: Vec<(String, ChannelSection)> = Vec::new();
        for path in document::changed(&applied.whole, &snapshot.whole) {
            let name = path.strip_prefix("channels.")?.split('.').next()?;
            let (before, after) = (applied.channels.get(name)?, channels.get(name)?);
            if !concerns_plugin_alone(before, after) {
                return None;
            }
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name.to_owned(), after.clone()));
            }
        }
        Some(found)
    })?
}

fn concerns_plugin_alone(before: &ChannelSection, after: &ChannelSection) -> bool {
    let rules = |section: &ChannelSection| ChannelRules::read(&section.table()).ok();
    before.enabled
        && after.enabled
        && before.plugin == after.plugin
        && rules(before).is_some_and(|before| rules(after) == Some(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> ChannelSection {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_the_core_reads_is_not_the_plugins_alone() {
        let before = section("enabled = true\nserver = \"a\"\ndm_policy = \"open\"");
        let alone = |text: &str| concerns_plugin_alone(&before, &section(text));
        assert!(alone("enabled = true\nserver = \"b\"\ndm_policy = \"open\""));
        assert!(!alone("enabled = true\nserver = \"b\"\ndm_policy = \"disabled\""));
        assert!(!alone(
            "enabled = true\nserver = \"b\"\ndm_policy = \"open\"\nqueue = \"collect\""
        ));
        assert!(!alone("enabled = true\nserver = \"http://b:1\"\ndm_policy = \"open\""));
        assert!(!alone("enabled = false\nserver = \"b\"\ndm_policy = \"open\""));
        assert!(!alone("enabled = true\nplugin = \"x\"\nserver = \"b\"\ndm_policy = \"open\""));
    }
}
