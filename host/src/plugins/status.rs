//! What is shown of one plugin: a cheap snapshot, made for people and for the wire.
//!
//! Must not know: how the numbers come about.

use super::{Candidate, Isolation, PluginState, Usage, confine::Layer};
use crate::clock::Clock;
use jackfield_plugin_api::{
    link::LinkReport,
    manifest::{Capabilities, Limits},
};
use serde::Serialize;

/// How many log lines a status carries.
pub const LOG_LINES_SHOWN: usize = 20;

/// One plugin as `plugins list` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginStatus {
    /// Id from the manifest; the folder's name when there is no readable manifest.
    pub id: String,
    /// Version from the manifest; empty when unknown.
    pub version: String,
    /// Channel it serves; empty when unknown.
    pub channel: String,
    /// Name for people.
    pub label: String,
    /// The package folder; empty when none was found.
    pub path: String,
    /// A channel of the configuration asks for it.
    pub enabled: bool,
    /// Where its code runs.
    pub isolation: Isolation,
    /// Why its code does not run where the configuration says.
    pub demoted: Option<String>,
    /// Where it stands.
    pub state: PluginState,
    /// Which life this is, counted from 1; 0 before the first.
    pub generation: u64,
    /// Starts after the first.
    pub restarts: u32,
    /// By whose word it may run; nothing before that was found out.
    pub trust: Option<String>,
    /// What its process is closed in by, as far as it came; empty inside the gateway.
    pub sandbox: Vec<Layer>,
    /// Its process, when it has one of its own and lives.
    pub pid: Option<u32>,
    /// When it came into this state, milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// How the last change of versions went; `None` until there was one.
    pub last_swap: Option<SwapReport>,
    /// Why it is not running, or the last trouble it had; two lines at most.
    pub last_error: Option<String>,
    /// How its last life ended.
    pub last_exit: Option<String>,
    /// Its last log lines, oldest first, at most [`LOG_LINES_SHOWN`].
    pub last_log: Vec<String>,
    /// The last report of each account's link.
    pub links: Vec<LinkReport>,
    /// What it takes and has done, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// One change from a running version to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SwapReport {
    /// The version that ran.
    pub from: String,
    /// The version that was to take over; empty when that was never known.
    pub to: String,
    /// What came of it.
    pub outcome: SwapOutcome,
    /// Why it was called off; two lines at most.
    pub reason: Option<String>,
    /// When it came to that, milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// How long messages waited, microseconds; `None` when they never did.
    pub pause_us: Option<u64>,
}

/// What came of a change of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SwapOutcome {
    /// Being made ready, or handing over.
    Underway,
    /// The new version serves; the old one stands by.
    Probation,
    /// The new version serves.
    Done,
    /// The old version goes on.
    RolledBack,
}

impl PluginStatus {
    /// A plugin nothing is known of but a name.
    pub(super) fn nameless(id: &str, channel: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: String::new(),
            channel: channel.to_owned(),
            label: channel.to_owned(),
            path: String::new(),
            enabled: false,
            isolation: Isolation::Process,
            demoted: None,
            state: PluginState::Installed,
            generation: 0,
            restarts: 0,
            trust: None,
            sandbox: Vec::new(),
            pid: None,
            since_ms: 0,
            last_swap: None,
            last_error: None,
            last_exit: None,
            last_log: Vec::new(),
            links: Vec::new(),
            usage: None,
        }
    }
}

/// What the core may know of a channel before and while its plugin runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelFacts {
    /// Name for people.
    pub label: String,
    /// What the channel can do.
    pub capabilities: Capabilities,
    /// The platform's limits.
    pub limits: Limits,
}

/// What is found but not started, as a listing shows it.
pub(super) fn others(found: &[Candidate], clock: &Clock) -> Vec<PluginStatus> {
    let statuses = found.iter().map(|candidate| {
        let manifest = candidate.manifest.as_ref();
        let channel = manifest.map(|manifest| manifest.channel.as_str()).unwrap_or_default();
        let mut status = PluginStatus::nameless(&candidate.id(), channel);
        if let Some(manifest) = manifest {
            status.version.clone_from(&manifest.version);
            status.label.clone_from(&manifest.label);
        }
        status.path = candidate.path.display().to_string();
        status.since_ms = clock.now_ms();
        if let Some(refusal) = &candidate.refusal {
            status.state = PluginState::Refused;
            status.last_error = Some(refusal.to_string());
        }
        status
    });
    statuses.collect()
}
