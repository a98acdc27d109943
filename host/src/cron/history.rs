//! The run log: the last runs of each job, the newest last.
//!
//! One document per job, so that it goes with its job and never grows without end.

use super::job::{DeliveryStatus, RunStatus};
use crate::store::records;
use rusqlite::{Connection, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const KIND: &str = "cron-runs";
/// Runs kept of each job.
const RUNS_MAX: usize = 100;

/// One run of a job, as the wire shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunEntry {
    /// When it ended, wall clock, milliseconds.
    pub ts: u64,
    /// The job.
    pub job_id: String,
    /// Always `finished`.
    pub action: String,
    /// How it ended.
    pub status: RunStatus,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The beginning of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Names the run; the agent's run has the same id.
    pub run_id: String,
    /// The conversation it ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// The transcript it ran in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// When it began, wall clock, milliseconds.
    pub run_at_ms: u64,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
    /// When the job runs next, as known then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_run_at_ms: Option<u64>,
    /// What became of the answer.
    pub delivery_status: DeliveryStatus,
    /// Why it was not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_error: Option<String>,
    /// Name of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_name: Option<String>,
}

/// Adds a run, dropping the oldest of the job when there are too many.
pub(super) fn add(c: &Connection, entry: &RunEntry) -> Result<()> {
    let mut runs: Vec<RunEntry> = records::get(c, KIND, &entry.job_id)?.unwrap_or_default();
    if runs.len() >= RUNS_MAX {
        runs.drain(..=runs.len() - RUNS_MAX);
    }
    runs.push(entry.clone());
    records::put(c, KIND, &entry.job_id, &runs, entry.ts)
}

/// The runs of one job, or of all.
pub(super) fn read(c: &Connection, job_id: Option<&str>) -> Result<Vec<RunEntry>> {
    if let Some(id) = job_id {
        return Ok(records::get(c, KIND, id)?.unwrap_or_default());
    }
    let all = records::list::<Vec<RunEntry>>(c, KIND)?;
    Ok(all.into_iter().flat_map(|record| record.body).collect())
}

/// Forgets the runs of a job.
pub(super) fn forget(c: &Connection, job_id: &str) -> Result<()> {
    records::delete(c, KIND, job_id).map(|_| ())
}
