//! `cron.list`: jobs filtered, sorted and cut into pages.

use super::{delivery_preview, fingerprint, shown};
use crate::{
    cron::{Job, RunStatus, schedule},
    methods::{
        Caller, Core, MethodError, Shape,
        page::{Page, cut},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json as value};
use std::{cmp::Reverse, sync::Arc};

const LIMIT: usize = 50;

/// Which jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Which {
    All,
    Enabled,
    Disabled,
}

/// Which kind of schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[default]
    All,
    At,
    Every,
    Cron,
    OnExit,
    Stream,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::At => "at",
            Self::Every => "every",
            Self::Cron => "cron",
            Self::OnExit => "on-exit",
            Self::Stream => "stream",
        }
    }
}

/// How the last run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum LastRun {
    #[default]
    All,
    Ok,
    Error,
    Skipped,
    Unknown,
}

/// Whether a job has a condition; none of this gateway's has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Trigger {
    #[default]
    All,
    Conditional,
    Unconditional,
}

/// What to sort by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum SortBy {
    #[default]
    NextRunAtMs,
    UpdatedAtMs,
    Name,
}

/// In which direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SortDir {
    #[default]
    Asc,
    Desc,
}

/// Parameters of `cron.list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListParams {
    #[serde(default)]
    include_disabled: Option<bool>,
    #[serde(default)]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    enabled: Option<Which>,
    #[serde(default)]
    schedule_kind: Kind,
    #[serde(default)]
    last_run_status: LastRun,
    #[serde(default)]
    trigger: Trigger,
    #[serde(default)]
    sort_by: SortBy,
    #[serde(default)]
    sort_dir: SortDir,
    #[serde(default)]
    #[schemars(length(min = 1))]
    agent_id: Option<String>,
    #[serde(default)]
    compact: bool,
    #[serde(default)]
    include_delivery_previews: Option<bool>,
}

/// A page of jobs.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct List {
    jobs: Vec<Shape>,
    snapshot_revision: String,
    #[serde(flatten)]
    page: Page,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_previews: Option<Map<String, Value>>,
}

pub(super) async fn list(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ListParams,
) -> Result<List, MethodError> {
    let mut jobs = core.cron.jobs().await;
    jobs.retain(|job| fits(job, &params, core.default_agent()));
    sort(&mut jobs, params.sort_by, params.sort_dir);
    let snapshot_revision = fingerprint(&value!(jobs));
    let (jobs, page) = cut(jobs, params.offset, params.limit.unwrap_or(LIMIT));
    let previews = params.include_delivery_previews.unwrap_or(false);
    let delivery_previews = previews.then(|| {
        jobs.iter().map(|j| (j.id.clone(), delivery_preview(j.delivery.as_ref()))).collect()
    });
    let row = |job: &Job| {
        let mut row = if params.compact { compact(job) } else { shown(job) };
        row["effectiveAgentId"] = value!(job.agent_id.as_deref().unwrap_or(core.default_agent()));
        row
    };
    Ok(List { jobs: jobs.iter().map(row).collect(), snapshot_revision, page, delivery_previews })
}

fn fits(job: &Job, params: &ListParams, default_agent: &str) -> bool {
    let which = params.enabled.unwrap_or(if params.include_disabled == Some(true) {
        Which::All
    } else {
        Which::Enabled
    });
    let switched = match which {
        Which::All => true,
        Which::Enabled => job.enabled,
        Which::Disabled => !job.enabled,
    };
    let last = match params.last_run_status {
        LastRun::All => true,
        LastRun::Ok => job.state.last_run_status == Some(RunStatus::Ok),
        LastRun::Error => job.state.last_run_status == Some(RunStatus::Error),
        LastRun::Skipped => job.state.last_run_status == Some(RunStatus::Skipped),
        LastRun::Unknown => job.state.last_run_status.is_none(),
    };
    let agent = job.agent_id.as_deref().unwrap_or(default_agent);
    let said =
        [Some(&job.name), job.description.as_ref(), job.display_name.as_ref(), Some(&job.id)];
    let query = params.query.as_deref().unwrap_or_default().trim().to_lowercase();
    switched
        && last
        && params.trigger != Trigger::Conditional
        && (params.schedule_kind == Kind::All || params.schedule_kind.word() == job.schedule.kind())
        && params.agent_id.as_deref().is_none_or(|wanted| wanted == agent)
        && said.into_iter().flatten().any(|text| text.to_lowercase().contains(&query))
}

fn sort(jobs: &mut [Job], by: SortBy, dir: SortDir) {
    // Jobs come ordered by id and sorting is stable, so equal jobs keep their order on every page.
    match (by, dir) {
        (SortBy::NextRunAtMs, SortDir::Asc) => {
            jobs.sort_by_key(|job| job.state.next_run_at_ms.unwrap_or(u64::MAX));
        }
        (SortBy::NextRunAtMs, SortDir::Desc) => {
            jobs.sort_by_key(|job| Reverse(job.state.next_run_at_ms.unwrap_or(0)));
        }
        (SortBy::UpdatedAtMs, SortDir::Asc) => jobs.sort_by_key(|job| job.updated_at_ms),
        (SortBy::UpdatedAtMs, SortDir::Desc) => jobs.sort_by_key(|job| Reverse(job.updated_at_ms)),
        (SortBy::Name, SortDir::Asc) => jobs.sort_by_key(|job| job.name.to_lowercase()),
        (SortBy::Name, SortDir::Desc) => jobs.sort_by_key(|job| Reverse(job.name.to_lowercase())),
    }
}

fn compact(job: &Job) -> Value {
    let state = &job.state;
    let mut row = value!({
        "id": job.id, "name": job.name, "enabled": job.enabled, "updatedAtMs": job.updated_at_ms,
        "scheduleKind": job.schedule.kind(), "schedule": job.schedule,
        "lastRunAt": state.last_run_at_ms.map(schedule::iso), "lastRunAtMs": state.last_run_at_ms,
        "lastRunStatus": state.last_run_status, "lastRunError": state.last_error,
    });
    let optional = [
        ("agentId", value!(job.agent_id)),
        ("declarationKey", value!(job.declaration_key)),
        ("displayName", value!(job.display_name)),
        ("nextRunAt", value!(state.next_run_at_ms.map(schedule::iso))),
        ("nextRunAtMs", value!(state.next_run_at_ms)),
        ("lastDeliveryStatus", value!(state.last_delivery_status)),
    ];
    for (name, fact) in optional {
        if !fact.is_null() {
            row[name] = fact;
        }
    }
    row
}
