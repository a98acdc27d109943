//! `cron.*`: scheduled jobs, listed, changed and run.

pub mod list;
pub mod runs;

use super::{Access, Caller, Core, MethodError, Nothing, Shape, Table};
use crate::{
    cron::{
        CronError, Job, RunMode, RunNow, Wish,
        job::{Delivery, DeliveryMode},
    },
    protocol::scope::Scope,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, sync::Arc};

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("cron.list", Access::Operator(Scope::Read), list::list);
    table.later("cron.status", Access::Operator(Scope::Read), status);
    table.later("cron.get", Access::Operator(Scope::Read), get);
    table.later("cron.add", Access::Operator(Scope::Admin), create).write_limited();
    table.later("cron.update", Access::Operator(Scope::Admin), update).write_limited();
    table.later("cron.remove", Access::Operator(Scope::Admin), remove).write_limited();
    table.later("cron.run", Access::Operator(Scope::Admin), run).write_limited();
    table.later("cron.runs", Access::Operator(Scope::Read), runs::runs);
}

/// What `cron.status` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CronStatus {
    enabled: bool,
    triggers_enabled: bool,
    store_path: &'static str,
    storage: &'static str,
    jobs: usize,
    next_wake_at_ms: Option<u64>,
}

async fn status(core: Arc<Core>, _: Arc<Caller>, _: Nothing) -> Result<CronStatus, MethodError> {
    Ok(CronStatus {
        enabled: true,
        triggers_enabled: false,
        store_path: "journal.db",
        storage: "sqlite",
        jobs: core.cron.jobs().await.len(),
        next_wake_at_ms: core.cron.next_wake().await,
    })
}

/// Names a job.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobParams {
    #[serde(default)]
    #[schemars(length(min = 1))]
    id: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    job_id: Option<String>,
}

/// The id under either of its names.
fn named(id: Option<String>, job_id: Option<String>, method: &str) -> Result<String, MethodError> {
    id.or(job_id).ok_or_else(|| {
        MethodError::Invalid(format!("invalid {method} params: must have required property 'id'"))
    })
}

async fn get(core: Arc<Core>, _: Arc<Caller>, params: JobParams) -> Result<Shape, MethodError> {
    let id = named(params.id, params.job_id, "cron.get")?;
    let job = core.cron.job(&id).await.map_err(|error| match error {
        CronError::Unknown(id) => unknown("cron job", &id),
        other => failed("cron.get", other),
    })?;
    Ok(shown(&job))
}

async fn create(core: Arc<Core>, _: Arc<Caller>, wish: Wish) -> Result<Shape, MethodError> {
    let (job, _) = core.cron.add(wish).await.map_err(|error| failed("cron.add", error))?;
    let mut row = shown(&job);
    row["deliveryPreview"] = delivery_preview(job.delivery.as_ref());
    Ok(row)
}

/// Parameters of `cron.update`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateParams {
    #[serde(default)]
    #[schemars(length(min = 1))]
    id: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    job_id: Option<String>,
    patch: Wish,
}

async fn update(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: UpdateParams,
) -> Result<Shape, MethodError> {
    let id = named(params.id, params.job_id, "cron.update")?;
    let changed = core.cron.update(&id, params.patch).await;
    Ok(shown(&changed.map_err(|error| failed("cron.update", error))?))
}

/// What `cron.remove` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Removed {
    ok: bool,
    removed: bool,
}

async fn remove(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: JobParams,
) -> Result<Removed, MethodError> {
    let id = named(params.id, params.job_id, "cron.remove")?;
    core.cron.remove(&id).await.map_err(|error| failed("cron.remove", error))?;
    Ok(Removed { ok: true, removed: true })
}

/// Parameters of `cron.run`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunParams {
    #[serde(default)]
    #[schemars(length(min = 1))]
    id: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    job_id: Option<String>,
    #[serde(default)]
    mode: RunMode,
    /// The life of the gateway that the caller looked at before.
    #[serde(default)]
    expected_process_instance_id: Option<String>,
}

/// What `cron.run` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ran {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    enqueued: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ran: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
    process_instance_id: String,
}

async fn run(core: Arc<Core>, _: Arc<Caller>, params: RunParams) -> Result<Ran, MethodError> {
    let id = named(params.id, params.job_id, "cron.run")?;
    if params.expected_process_instance_id.is_some_and(|life| life != core.boot_id) {
        let text = "invalid cron.run params: Gateway process changed after preflight";
        return Err(MethodError::Invalid(text.to_owned()));
    }
    let came = core.cron.run(&id, params.mode).await;
    let mut answer = Ran {
        ok: true,
        enqueued: None,
        ran: None,
        reason: None,
        run_id: None,
        process_instance_id: core.boot_id.clone(),
    };
    match came.map_err(|error| failed("cron.run", error))? {
        RunNow::Enqueued(run_id) => {
            answer.enqueued = Some(true);
            answer.run_id = Some(run_id);
        }
        RunNow::Not(reason) => {
            answer.ran = Some(false);
            answer.reason = Some(reason);
        }
    }
    Ok(answer)
}

/// A job as the wire shows it: what is stored, and what follows from it.
fn shown(job: &Job) -> Value {
    let mut row = value!(job);
    row["configRevision"] = value!(revision(job));
    if let Some(next) = job.state.next_run_at_ms {
        row["nextRunAtMs"] = value!(next);
    }
    row
}

/// Changes with everything of a job but its state.
fn revision(job: &Job) -> String {
    let plain = Job { state: crate::cron::job::JobState::default(), ..job.clone() };
    fingerprint(&value!(plain))
}

/// Names a document by its content.
fn fingerprint(of: &Value) -> String {
    let digest = Sha256::digest(of.to_string().as_bytes());
    digest.iter().fold("sha256:".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    })
}

fn delivery_preview(delivery: Option<&Delivery>) -> Value {
    match delivery.filter(|d| d.mode == DeliveryMode::Announce) {
        None => value!({"label": "none", "detail": "the answer stays in its conversation"}),
        Some(delivery) => {
            let channel = delivery.channel.as_deref().unwrap_or("last");
            let to = delivery.to.as_deref().unwrap_or("where the agent was last written to");
            value!({"label": channel, "detail": format!("announce to {to}")})
        }
    }
}

fn unknown(what: &str, id: &str) -> MethodError {
    let text = format!("{what} not found: {id}. List automations and retry with a current job id.");
    MethodError::InvalidWith(text, value!({"code": "CRON_JOB_NOT_FOUND", "jobId": id}))
}

fn failed(method: &str, error: CronError) -> MethodError {
    match error {
        CronError::Unknown(id) => unknown("Automation", &id),
        CronError::Schedule(error) => MethodError::Invalid(error.to_string()),
        CronError::Invalid(_) | CronError::Full => {
            MethodError::Invalid(format!("invalid {method} params: {error}"))
        }
        CronError::Store(error) => error.into(),
    }
}
