//! `cron.runs`: the run log of a job or of all.

use super::list::SortDir;
use crate::{
    cron::{RunEntry, RunStatus, job::DeliveryStatus},
    methods::{
        Caller, Core, MethodError,
        page::{Page, cut},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const LIMIT: usize = 50;

/// Runs of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Scope {
    Job,
    All,
}

/// Runs that ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Ended {
    #[default]
    All,
    Ok,
    Error,
    Skipped,
}

impl Ended {
    fn status(self) -> Option<RunStatus> {
        match self {
            Self::All => None,
            Self::Ok => Some(RunStatus::Ok),
            Self::Error => Some(RunStatus::Error),
            Self::Skipped => Some(RunStatus::Skipped),
        }
    }
}

/// Parameters of `cron.runs`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunsParams {
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    scope: Option<Scope>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    id: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    job_id: Option<String>,
    #[serde(default)]
    run_id: Option<String>,
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
    #[serde(default)]
    status: Ended,
    #[serde(default)]
    statuses: Vec<RunStatus>,
    #[serde(default)]
    delivery_status: Option<DeliveryStatus>,
    #[serde(default)]
    delivery_statuses: Vec<DeliveryStatus>,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    sort_dir: Option<SortDir>,
}

/// A page of the run log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Runs {
    entries: Vec<RunEntry>,
    #[serde(flatten)]
    page: Page,
}

pub(super) async fn runs(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: RunsParams,
) -> Result<Runs, MethodError> {
    let id = params.id.clone().or_else(|| params.job_id.clone());
    let scope = params.scope.unwrap_or(if id.is_some() { Scope::Job } else { Scope::All });
    let of = match scope {
        Scope::All => None,
        Scope::Job => Some(super::named(id, None, "cron.runs")?),
    };
    let mut entries = core.cron.runs(of).await?;
    let foreign = params.agent_id.as_deref().is_some_and(|id| id != core.default_agent());
    entries.retain(|entry| !foreign && fits(entry, &params));
    entries.sort_by_key(|entry| entry.ts);
    if params.sort_dir != Some(SortDir::Asc) {
        entries.reverse();
    }
    let (entries, page) = cut(entries, params.offset, params.limit.unwrap_or(LIMIT));
    Ok(Runs { entries, page })
}

fn fits(entry: &RunEntry, params: &RunsParams) -> bool {
    let query = params.query.as_deref().unwrap_or_default().trim().to_lowercase();
    let said = [
        Some(&entry.job_id),
        entry.job_name.as_ref(),
        entry.summary.as_ref(),
        entry.error.as_ref(),
    ];
    params.run_id.as_ref().is_none_or(|id| *id == entry.run_id)
        && params.status.status().is_none_or(|status| status == entry.status)
        && (params.statuses.is_empty() || params.statuses.contains(&entry.status))
        && params.delivery_status.is_none_or(|status| status == entry.delivery_status)
        && (params.delivery_statuses.is_empty()
            || params.delivery_statuses.contains(&entry.delivery_status))
        && said.into_iter().flatten().any(|text| text.to_lowercase().contains(&query))
}
