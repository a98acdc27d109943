//! The jobs as they are known, and every change of them: durable first, known afterwards.

use super::{
    CronError, history,
    job::{Delivery, DeliveryStatus, Job, JobState, Payload, RunStatus, Schedule, WakeMode},
    schedule,
};
use crate::{
    clock::uuid,
    store::{Store, StoreError, records},
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

const KIND: &str = "cron-job";
/// A job runs at most once in this time, milliseconds, whatever its schedule says.
const PACE_MS: u64 = 1000;
/// What the log says of a run that a stop or a crash cut off.
const CUT_OFF: &str = "the gateway stopped before the run ended";

/// What a client wants a job to be. For a new job name, schedule, target and payload are needed;
/// for a change only what changes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the fields of a job")]
pub struct Wish {
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    #[schemars(length(min = 1, max = 200))]
    pub declaration_key: Option<String>,
    #[serde(deserialize_with = "given")]
    pub display_name: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub agent_id: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub session_key: Option<Option<String>>,
    pub description: Option<String>,
    pub enabled: Option<bool>,
    pub delete_after_run: Option<bool>,
    pub schedule: Option<Schedule>,
    #[serde(rename = "sessionTarget")]
    #[schemars(length(min = 1))]
    pub target: Option<String>,
    pub wake_mode: Option<WakeMode>,
    pub payload: Option<Payload>,
    pub delivery: Option<Delivery>,
}

/// Tells "null" (take it away) from "not there" (leave it).
#[expect(clippy::option_option, reason = "three cases: leave, take away, replace")]
fn given<'de, D, T>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(from).map(Some)
}

impl Wish {
    pub(super) fn declaration_key(&self) -> Option<&str> {
        self.declaration_key.as_deref()
    }

    /// A new job.
    pub(super) fn made(self, id: String, now: u64) -> Result<Job, CronError> {
        let missing =
            |what: &str| CronError::Invalid(format!("must have required property '{what}'"));
        let schedule = self.schedule.clone().ok_or_else(|| missing("schedule"))?;
        let once = matches!(schedule, Schedule::At { .. });
        let job = Job {
            id,
            declaration_key: None,
            display_name: None,
            agent_id: None,
            session_key: None,
            name: self.name.clone().ok_or_else(|| missing("name"))?,
            description: None,
            enabled: true,
            delete_after_run: once.then_some(true),
            created_at_ms: now,
            updated_at_ms: now,
            target: self.target.clone().ok_or_else(|| missing("sessionTarget"))?,
            wake_mode: self.wake_mode.unwrap_or_default(),
            payload: self.payload.clone().ok_or_else(|| missing("payload"))?,
            delivery: None,
            state: JobState::default(),
            schedule,
        };
        self.laid_over(job, now)
    }

    /// A job with the wished changes.
    pub(super) fn laid_over(self, mut job: Job, now: u64) -> Result<Job, CronError> {
        if let Some(schedule) = self.schedule {
            schedule::check(&schedule, now)?;
            job.state.next_run_at_ms = None;
            job.schedule = schedule;
        }
        if let Some(enabled) = self.enabled {
            job.state.next_run_at_ms = job.state.next_run_at_ms.filter(|_| enabled);
            job.enabled = enabled;
        }
        replace(&mut job.name, self.name);
        replace(&mut job.display_name, self.display_name);
        replace(&mut job.agent_id, self.agent_id);
        replace(&mut job.session_key, self.session_key);
        replace(&mut job.target, self.target);
        replace(&mut job.wake_mode, self.wake_mode);
        replace(&mut job.payload, self.payload);
        job.declaration_key = self.declaration_key.or(job.declaration_key);
        job.description = self.description.or(job.description);
        job.delete_after_run = self.delete_after_run.or(job.delete_after_run);
        job.delivery = self.delivery.or(job.delivery);
        job.updated_at_ms = now;
        if job.enabled && job.state.next_run_at_ms.is_none() {
            let origin = job.created_at_ms;
            job.state.next_run_at_ms = match &job.schedule {
                // An instant of a moment ago is meant as now.
                Schedule::At { .. } => schedule::next(&job.schedule, &job.id, origin, 0)?,
                _ => schedule::next(&job.schedule, &job.id, origin, now)?,
            };
        }
        Ok(job)
    }
}

fn replace<T>(place: &mut T, with: Option<T>) {
    if let Some(with) = with {
        *place = with;
    }
}

/// A tick that was noted and may run.
#[derive(Clone, Debug)]
pub(super) struct Started {
    pub(super) job: Job,
    pub(super) run_id: String,
}

/// How a tick ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) entry: history::RunEntry,
    pub(super) job: Job,
    /// It ran once and is gone.
    pub(super) removed: bool,
}

/// The jobs.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    jobs: BTreeMap<String, Job>,
}

impl Ledger {
    pub(super) async fn load(store: &Store, now: u64) -> Result<Self, StoreError> {
        let read = store.write(move |c| {
            let mut jobs = BTreeMap::new();
            for record in records::list::<Job>(c, KIND)? {
                let mut job = record.body;
                if let Some(began) = job.state.running_at_ms.take() {
                    history::add(c, &cut_off(&job, began, now))?;
                    job.state.next_run_at_ms = if job.runs_once() && job.enabled {
                        Some(now)
                    } else {
                        job.state.next_run_at_ms
                    };
                    note_status(&mut job.state, RunStatus::Error, Some(CUT_OFF.to_owned()));
                    records::put(c, KIND, &job.id, &job, now)?;
                }
                jobs.insert(job.id.clone(), job);
            }
            Ok(jobs)
        });
        Ok(Self { jobs: read.await? })
    }

    pub(super) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(super) fn jobs(&self) -> Vec<Job> {
        self.jobs.values().cloned().collect()
    }

    pub(super) fn job(&self, id: &str) -> Result<&Job, CronError> {
        self.jobs.get(id).ok_or_else(|| CronError::Unknown(id.to_owned()))
    }

    pub(super) fn declared(&self, key: &str) -> Option<&Job> {
        self.jobs.values().find(|job| job.declaration_key.as_deref() == Some(key))
    }

    pub(super) fn next_wake(&self) -> Option<u64> {
        self.ready().filter_map(|job| job.state.next_run_at_ms).min()
    }

    /// Ids of the jobs whose time has come, the most overdue first.
    pub(super) fn due(&self, now: u64) -> Vec<String> {
        let time = |job: &Job| job.state.next_run_at_ms;
        let mut due: Vec<&Job> =
            self.ready().filter(|job| time(job).is_some_and(|next| next <= now)).collect();
        due.sort_by_key(|job| time(job));
        due.into_iter().map(|job| job.id.clone()).collect()
    }

    fn ready(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().filter(|job| job.enabled && job.state.running_at_ms.is_none())
    }

    pub(super) async fn put(
        &mut self,
        store: &Store,
        job: Job,
        now: u64,
    ) -> Result<Job, CronError> {
        let kept = job.clone();
        store.write(move |c| records::put(c, KIND, &kept.id, &kept, now)).await?;
        self.jobs.insert(job.id.clone(), job.clone());
        Ok(job)
    }

    pub(super) async fn remove(&mut self, store: &Store, id: &str) -> Result<Job, CronError> {
        let job = self.job(id)?.clone();
        let name = job.id.clone();
        store
            .write(move |c| {
                history::forget(c, &name)?;
                records::delete(c, KIND, &name)
            })
            .await?;
        self.jobs.remove(id);
        Ok(job)
    }

    /// Notes that a tick begins: from now on the job is running, and its next tick is known.
    pub(super) async fn begin(
        &mut self,
        store: &Store,
        id: &str,
        now: u64,
    ) -> Result<Started, CronError> {
        let mut job = self.job(id)?.clone();
        job.state.running_at_ms = Some(now);
        job.state.next_run_at_ms = if job.enabled && !job.runs_once() {
            schedule::next(&job.schedule, &job.id, job.created_at_ms, now)?
                .map(|next| next.max(now + PACE_MS))
        } else {
            None
        };
        let job = self.put(store, job, now).await?;
        Ok(Started { run_id: format!("cron:{}:{}", job.id, uuid()), job })
    }

    /// Notes how a tick ended. `None` when the job was removed meanwhile; its log is gone with it.
    pub(super) async fn end(
        &mut self,
        store: &Store,
        mut entry: history::RunEntry,
    ) -> Result<Option<Ended>, CronError> {
        let Ok(mut job) = self.job(&entry.job_id).cloned() else { return Ok(None) };
        let state = &mut job.state;
        state.running_at_ms = None;
        state.last_run_at_ms = Some(entry.run_at_ms);
        state.last_duration_ms = Some(entry.duration_ms);
        state.last_delivery_status = Some(entry.delivery_status);
        note_status(state, entry.status, entry.error.clone());
        let removed =
            job.runs_once() && job.delete_after_run == Some(true) && entry.status == RunStatus::Ok;
        // A schedule that was changed during the run has its next tick already.
        if job.runs_once() && job.state.next_run_at_ms.is_none() {
            job.enabled = false;
        }
        entry.next_run_at_ms = job.state.next_run_at_ms;
        let (kept, noted) = (job.clone(), entry.clone());
        store
            .write(move |c| {
                if removed {
                    history::forget(c, &kept.id)?;
                    return records::delete(c, KIND, &kept.id).map(|_| ());
                }
                history::add(c, &noted)?;
                records::put(c, KIND, &kept.id, &kept, noted.ts)
            })
            .await?;
        if removed {
            self.jobs.remove(&job.id);
        } else {
            self.jobs.insert(job.id.clone(), job.clone());
        }
        Ok(Some(Ended { entry, job, removed }))
    }
}

fn note_status(state: &mut JobState, status: RunStatus, error: Option<String>) {
    let errors = state.consecutive_errors.unwrap_or(0);
    state.consecutive_errors = Some(if status == RunStatus::Error { errors + 1 } else { 0 });
    state.last_run_status = Some(status);
    state.last_status = Some(status);
    state.last_error = error;
}

fn cut_off(job: &Job, began: u64, now: u64) -> history::RunEntry {
    history::RunEntry {
        ts: now,
        job_id: job.id.clone(),
        action: "finished".to_owned(),
        status: RunStatus::Error,
        error: Some(CUT_OFF.to_owned()),
        summary: None,
        run_id: format!("cron:{}:{began}", job.id),
        session_key: None,
        session_id: None,
        run_at_ms: began,
        duration_ms: now.saturating_sub(began),
        next_run_at_ms: job.state.next_run_at_ms,
        delivery_status: DeliveryStatus::Unknown,
        delivery_error: None,
        job_name: Some(job.name.clone()),
    }
}
