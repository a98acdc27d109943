//! Whether a built plugin keeps the promises of the contract: it is run in a process of its own, as
//! a gateway would run it, spoken to in every way a gateway may, and its answers are looked at.
//!
//! Used by `jackfield plugins test`. Must not know: who prints the report.

mod checks;
mod desk;

use super::{
    Refusal, confine,
    log::PluginLog,
    process,
    runner::Order,
    stage::{self, Staged},
    trust::Trust,
};
use crate::clock::Clock;
use desk::Desk;
use jackfield_plugin_api::frame::{Init, State, StoredCursor, WINDOW};
use serde::Serialize;
use serde_json::Value;
use std::{io, path::Path, sync::Arc, time::Duration};
use tokio_util::task::TaskTracker;

/// What a plugin is tested with.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The channel's table.
    pub table: Value,
    /// How many events of its platform to wait for; somebody has to make them happen.
    pub events: usize,
    /// How long to wait for them.
    pub patience: Duration,
    /// How long any one answer may take.
    pub limit: Duration,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As promised.
    Kept,
    /// Not as promised.
    Broken,
    /// There was nothing to look at.
    NotSeen,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How it came out.
    pub outcome: Outcome,
    /// What was seen.
    pub text: String,
}

/// All that was looked at, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The checks.
    pub checks: Vec<Check>,
    /// The plugin's last log lines.
    pub log: Vec<String>,
}

impl Report {
    /// Whether nothing is broken.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.checks.iter().all(|check| check.outcome != Outcome::Broken)
    }

    fn note(&mut self, name: &'static str, seen: Result<String, String>) -> bool {
        let kept = seen.is_ok();
        let outcome = if kept { Outcome::Kept } else { Outcome::Broken };
        let (Ok(text) | Err(text)) = seen;
        self.checks.push(Check { name, outcome, text });
        kept
    }

    fn not_seen(&mut self, name: &'static str, text: &str) {
        self.checks.push(Check { name, outcome: Outcome::NotSeen, text: text.to_owned() });
    }
}

/// What one life leaves for the next.
#[derive(Debug, Default)]
struct Legacy {
    state: Option<State>,
    cursors: Vec<StoredCursor>,
    /// Keys of the events that were stored.
    stored: Vec<String>,
}

/// Runs every check on the package at `path`; `scratch` takes its private copy and its state.
pub async fn test(path: &Path, plan: &Plan, scratch: &Path) -> Report {
    let mut report = Report::default();
    let staged = stage::stage(path, true, scratch, &Trust::default());
    let seen = match &staged {
        Ok(staged) => {
            Ok(format!("{} {}, every hash fits", staged.manifest.id, staged.manifest.version))
        }
        Err(refusal) => Err(refusal.to_string()),
    };
    let (true, Ok(staged)) = (report.note("package", seen), staged) else { return report };
    let log = Arc::new(PluginLog::new(&staged.manifest.id, Clock::system()));
    let bench = Bench { staged, plan, scratch, log: log.clone(), tracker: TaskTracker::new() };
    checks::run(&bench, &mut report).await;
    report.log = log.tail();
    report
}

/// What every life is started from.
struct Bench<'a> {
    staged: Staged,
    plan: &'a Plan,
    scratch: &'a Path,
    log: Arc<PluginLog>,
    tracker: TaskTracker,
}

impl Bench<'_> {
    /// Starts one life; its library is open or refused.
    async fn begin(&self, generation: u64) -> Result<Desk, Refusal> {
        let staged = &self.staged;
        let host = |error: io::Error| Refusal::Host {
            file: staged.shown(),
            detail: format!("cannot be started: {error}"),
        };
        let folders = confine::Folders::of(self.scratch, &staged.manifest.id);
        folders.make().map_err(host)?;
        let demand = confine::Demand::BestEffort;
        let table = &self.plan.table;
        let order = Order {
            library: staged.library.clone(),
            shown: staged.shown(),
            version: staged.manifest.version.clone(),
            log_level: 3,
            confinement: confine::plan(&staged.manifest, table, &staged.dir, &folders, demand),
            scratch: folders.scratch,
            init: Init {
                id: staged.manifest.id.clone(),
                generation,
                window: WINDOW,
                state_dir: folders.own.to_str().map(str::to_owned),
            },
        };
        let carrier = process::launch(&order, &self.log, &self.tracker).map_err(host)?;
        Desk::open(carrier, staged.shown(), self.plan.limit).await
    }
}
