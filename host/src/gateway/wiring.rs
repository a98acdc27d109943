//! From the configuration to what the rooms are started with, and the two ties between rooms that
//! could not exist before both did.

use crate::{
    config::{
        Config, Paths,
        plugins::{
            HotSwap, IsolationSetting, KeySection, PluginEntry, PluginsSection, SandboxSetting,
            SignaturePolicy,
        },
    },
    messages::{self, ChannelRules, Flow, Senders},
    plugins::{
        self, Attempt, Candidate, ChannelFacts, Demand, Entry, Isolation, PluginDir, Plugins,
        Policy, Trust, TrustedKey,
    },
};
use futures_util::future::BoxFuture;
use jackfield_plugin_api::{
    error::SendError,
    fetch::{Fetch, Fetched, Reconciled},
    id::DEFAULT_ACCOUNT,
    manifest::Manifest,
    outbound::Receipt,
};
use serde_json::json as value;
use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A page for people that an enabled plugin serves.
#[derive(Clone, Debug)]
pub struct Page {
    /// Name of the channel.
    pub label: String,
    /// Where it is.
    pub path: String,
}

/// What plugins are started with, and the pages they will serve.
#[derive(Debug)]
pub struct PluginPlan {
    /// For the room.
    pub settings: plugins::Settings,
    /// What lies in its folders.
    pub found: Vec<Candidate>,
    /// For people.
    pub pages: Vec<Page>,
}

/// What the message pipe is started with, as `[messages]` and the channels' tables say.
///
/// # Errors
/// The setting that does not fit, and why.
pub fn message_settings(
    config: &Config,
    paths: &Paths,
) -> Result<messages::Settings, (String, String)> {
    let mut settings = messages::Settings {
        media: paths.state.join("media"),
        default_agent: config.agent.id.clone(),
        secrets: config.secrets.clone(),
        ..messages::Settings::default()
    };
    for (name, section) in &config.channels {
        let rules = ChannelRules::read(&section.table())
            .map_err(|e| (format!("channels.{name}.{}", e.path()), e.inner().to_string()))?;
        let known = |id: &&String| **id == config.agent.id || config.agents.contains_key(*id);
        if let Some(id) = rules.policy.agent.as_ref().filter(|id| !known(id)) {
            let text = format!("there is no agent `{id}`; write a table [agents.{id}]");
            return Err((format!("channels.{name}.agent"), text));
        }
        settings.channels.insert(name.clone(), rules.policy);
        settings.flows.insert(name.clone(), Flow::of(&config.messages, rules.flow));
        settings.own_addresses.insert(name.clone(), rules.own_addresses);
    }
    Ok(settings)
}

/// Decides which plugins serve which channels: those of the configuration, and, with no
/// configuration at all, those that are on by default.
#[must_use]
pub fn plan(config: &Config, paths: &Paths, named: &[PathBuf], unconfigured: bool) -> PluginPlan {
    let explicit = |path: &PathBuf| PluginDir { path: path.clone(), explicit: true };
    let standard = paths.plugin_dirs().into_iter().map(|path| PluginDir { path, explicit: false });
    let mut settings = plugins::Settings {
        dirs: named.iter().chain(&config.plugins.dirs).map(explicit).chain(standard).collect(),
        state_dir: paths.state.clone(),
        host_version: env!("CARGO_PKG_VERSION").to_owned(),
        trust: trust(&config.plugins),
        entries: Vec::new(),
        hot_swap: config.plugins.hot_swap == HotSwap::Auto,
        probation: Duration::from_secs(config.plugins.probation_s),
        start_time: Duration::from_secs(config.plugins.start_s),
        quiet: None,
    };
    let found = Plugins::discover(&settings);
    let manifests: Vec<&Manifest> = found.iter().filter_map(|c| c.manifest.as_ref()).collect();
    for (channel, section) in config.channels.iter().filter(|(_, s)| s.enabled) {
        let serves = |m: &&&Manifest| {
            section.plugin.as_ref().map_or(m.channel == *channel, |id| m.id == *id)
        };
        let manifest = manifests.iter().find(serves).copied();
        let id = section.plugin.as_deref().or(manifest.map(|m| m.id.as_str()));
        let rules = id.and_then(|id| config.plugins.entries.get(id));
        if rules.and_then(|r| r.enabled) != Some(false) {
            settings.entries.push(Entry {
                channel: channel.clone(),
                plugin: section.plugin.clone(),
                isolation: isolation(rules.map(|r| r.isolation)),
                sandbox: demand(rules.map(|r| r.sandbox)),
                config: section.table(),
                accounts: section.accounts(),
            });
        }
    }
    if unconfigured {
        let by_default = manifests.iter().filter(|m| m.runtime.on_by_default);
        settings.entries.extend(by_default.map(|m| default_entry(m)));
    }
    let pages = pages(&settings, &manifests);
    PluginPlan { settings, found, pages }
}

fn default_entry(manifest: &Manifest) -> Entry {
    Entry {
        channel: manifest.channel.clone(),
        plugin: Some(manifest.id.clone()),
        isolation: Isolation::Process,
        sandbox: Demand::BestEffort,
        config: value!({"enabled": true}),
        accounts: vec![DEFAULT_ACCOUNT.to_owned()],
    }
}

fn isolation(setting: Option<IsolationSetting>) -> Isolation {
    match setting {
        Some(IsolationSetting::InProcess) => Isolation::InProcess,
        Some(IsolationSetting::Process) | None => Isolation::Process,
    }
}

fn trust(section: &PluginsSection) -> Trust {
    let key = |of: &KeySection| TrustedKey {
        key: of.key.0.clone(),
        ids: of.ids.clone(),
        may_run_in_process: of.may_run_in_process,
    };
    let floor = |(id, rules): (&String, &PluginEntry)| {
        rules.version_min.clone().map(|version| (id.clone(), version))
    };
    Trust {
        policy: match section.signatures {
            SignaturePolicy::Require => Policy::Require,
            SignaturePolicy::RootOwned => Policy::RootOwned,
            SignaturePolicy::Off => Policy::Off,
        },
        keys: section.trust.iter().map(key).collect(),
        revoked: section.revoked.clone(),
        floors: section.entries.iter().filter_map(floor).collect(),
    }
}

fn demand(setting: Option<SandboxSetting>) -> Demand {
    match setting {
        Some(SandboxSetting::Require) => Demand::Require,
        Some(SandboxSetting::Off) => Demand::Off,
        Some(SandboxSetting::BestEffort) | None => Demand::BestEffort,
    }
}

fn pages(settings: &plugins::Settings, manifests: &[&Manifest]) -> Vec<Page> {
    let enabled = |m: &&&Manifest| settings.entries.iter().any(|e| e.channel == m.channel);
    let page = |m: &&Manifest| {
        let route = m.http.iter().find(|r| r.page)?;
        Some(Page { label: m.label.clone(), path: route.prefix.clone() })
    };
    manifests.iter().filter(enabled).filter_map(page).collect()
}

/// The plugins as the message pipe sees them; filled in once both exist.
#[derive(Default)]
pub struct PluginSenders {
    plugins: OnceLock<Arc<Plugins>>,
}

impl PluginSenders {
    /// Ties the knot.
    pub fn tie(&self, plugins: &Arc<Plugins>) {
        self.plugins.get_or_init(|| Arc::clone(plugins));
    }
}

impl Senders for PluginSenders {
    fn send(&self, channel: &str, attempt: Attempt) -> BoxFuture<'_, Result<Receipt, SendError>> {
        let channel = channel.to_owned();
        Box::pin(async move {
            match self.plugins.get() {
                Some(plugins) => plugins.send(&channel, attempt).await,
                None => Err(SendError::retryable("starting", "plugins are not loaded yet")),
            }
        })
    }

    fn fetch(&self, channel: &str, wanted: Fetch) -> BoxFuture<'_, Result<Fetched, SendError>> {
        let channel = channel.to_owned();
        Box::pin(async move {
            match self.plugins.get() {
                Some(plugins) => plugins.fetch(&channel, wanted).await,
                None => Err(SendError::retryable("starting", "plugins are not loaded yet")),
            }
        })
    }

    fn spool(&self, channel: &str) -> Option<PathBuf> {
        self.plugins.get()?.spool(channel)
    }

    fn reconcile(&self, channel: &str, attempt: Attempt) -> BoxFuture<'_, Option<Reconciled>> {
        let channel = channel.to_owned();
        Box::pin(async move { self.plugins.get()?.reconcile(&channel, attempt).await })
    }

    fn facts(&self, channel: &str) -> Option<ChannelFacts> {
        self.plugins.get()?.capabilities(channel)
    }
}
