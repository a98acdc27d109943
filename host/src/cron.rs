//! Scheduled jobs: kept in the store, run by the clock, each tick at most once at a time.
//!
//! A tick is noted durably before it runs and its end after it; what a stop or a crash interrupted
//! is told in the run log, and a job that was to run once is run again. Ticks missed while the
//! gateway was down are made up for once, not one by one. Must not know: methods, sockets.

pub mod delivery;
pub mod heartbeat;
pub mod history;
pub mod job;
pub mod ledger;
pub mod schedule;
mod tick;

pub use heartbeat::{Beat, Heartbeats};
pub use history::RunEntry;
pub use job::{Job, RunStatus};
pub use ledger::Wish;
pub use schedule::ScheduleError;

use crate::{
    agent::Runs,
    clock::{Clock, uuid},
    events::Events,
    messages::Messages,
    protocol::{event, frame::json},
    store::{Store, StoreError},
};
use ledger::Ledger;
use serde_json::{Value, json as value};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, Notify};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Jobs that may exist.
pub const JOBS_MAX: usize = 500;
/// The clock is looked at this often even when nothing is due, because people and machines set it.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Why a job was not changed or run.
#[derive(Debug, thiserror::Error)]
pub enum CronError {
    /// No job has this id.
    #[error("no job has the id {0}")]
    Unknown(String),
    /// The job makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Its schedule makes no sense.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// Too many jobs.
    #[error("there are {JOBS_MAX} jobs already; remove one first")]
    Full,
    /// Nothing was stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of the wish to run a job now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunNow {
    /// It runs, under this id.
    Enqueued(String),
    /// It does not, for this reason in the wire's words.
    Not(&'static str),
}

/// When a job may be run by hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunMode {
    /// Only if its time has come.
    Due,
    /// In any case.
    #[default]
    Force,
    /// Unless it is disabled.
    IfEnabled,
}

/// What both halves of the room use.
#[derive(Clone)]
pub struct Shared {
    /// The store.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// Publish and subscribe.
    pub events: Events,
    /// Runs.
    pub runs: Runs,
    /// The message pipe.
    pub messages: Arc<Messages>,
    /// The agent that answers.
    pub agent: String,
    /// Tasks to wait for when stopping.
    pub tracker: TaskTracker,
    /// Told when the gateway stops.
    pub stop: CancellationToken,
}

/// The room's face.
pub struct Cron {
    parts: Shared,
    heartbeats: Arc<Heartbeats>,
    /// Held over a change and its storing, so that what is stored is in the order of the changes.
    ledger: Mutex<Ledger>,
    changed: Notify,
}

impl Cron {
    /// Reads the jobs and settles what the last life left behind.
    ///
    /// # Errors
    /// The store's.
    pub async fn load(parts: Shared, heartbeats: Arc<Heartbeats>) -> Result<Self, StoreError> {
        let now = parts.clock.now_ms();
        let ledger = Ledger::load(&parts.store, now).await?;
        Ok(Self { parts, heartbeats, ledger: Mutex::new(ledger), changed: Notify::new() })
    }

    /// All jobs.
    pub async fn jobs(&self) -> Vec<Job> {
        self.ledger.lock().await.jobs()
    }

    /// One job.
    ///
    /// # Errors
    /// When there is none with this id.
    pub async fn job(&self, id: &str) -> Result<Job, CronError> {
        self.ledger.lock().await.job(id).cloned()
    }

    /// Adds a job, or changes the one that was declared under the same key. The flag says whether
    /// it is new.
    ///
    /// # Errors
    /// When it makes no sense or was not stored; nothing is kept then.
    pub async fn add(&self, wish: Wish) -> Result<(Job, bool), CronError> {
        let now = self.parts.clock.now_ms();
        let mut ledger = self.ledger.lock().await;
        let known = wish.declaration_key().and_then(|key| ledger.declared(key));
        let fresh = known.is_none();
        if fresh && ledger.len() >= JOBS_MAX {
            return Err(CronError::Full);
        }
        let job = match known {
            Some(known) => wish.laid_over(known.clone(), now)?,
            None => wish.made(uuid(), now)?,
        };
        self.check(&job).await?;
        let job = ledger.put(&self.parts.store, job, now).await?;
        drop(ledger);
        self.tell(if fresh { "added" } else { "updated" }, &job, value!({}));
        self.changed.notify_one();
        Ok((job, fresh))
    }

    /// Changes a job.
    ///
    /// # Errors
    /// When there is none, the change makes no sense or was not stored; nothing is changed then.
    pub async fn update(&self, id: &str, wish: Wish) -> Result<Job, CronError> {
        let now = self.parts.clock.now_ms();
        let mut ledger = self.ledger.lock().await;
        let job = wish.laid_over(ledger.job(id)?.clone(), now)?;
        self.check(&job).await?;
        let job = ledger.put(&self.parts.store, job, now).await?;
        drop(ledger);
        self.tell("updated", &job, value!({}));
        self.changed.notify_one();
        Ok(job)
    }

    /// Removes a job and its run log. A run under way goes on.
    ///
    /// # Errors
    /// When there is none with this id, or the store cannot forget it.
    pub async fn remove(&self, id: &str) -> Result<(), CronError> {
        let job = self.ledger.lock().await.remove(&self.parts.store, id).await?;
        let gone = value!({"jobId": job.id, "action": "removed"});
        self.parts.events.publish(event::CRON, &json(&gone));
        Ok(())
    }

    /// Runs a job now.
    ///
    /// # Errors
    /// When there is none with this id, or the run could not be noted.
    pub async fn run(self: &Arc<Self>, id: &str, mode: RunMode) -> Result<RunNow, CronError> {
        let now = self.parts.clock.now_ms();
        let mut ledger = self.ledger.lock().await;
        let job = ledger.job(id)?;
        let due = job.state.next_run_at_ms.is_some_and(|next| next <= now);
        let refusal = match mode {
            _ if job.state.running_at_ms.is_some() => Some("already-running"),
            RunMode::Due if !(job.enabled && due) => Some("not-due"),
            RunMode::IfEnabled if !job.enabled => Some("disabled"),
            _ => None,
        };
        if let Some(reason) = refusal {
            return Ok(RunNow::Not(reason));
        }
        let started = ledger.begin(&self.parts.store, id, now).await?;
        drop(ledger);
        let run_id = started.run_id.clone();
        self.set_off(started);
        Ok(RunNow::Enqueued(run_id))
    }

    /// When the next job is due, milliseconds.
    pub async fn next_wake(&self) -> Option<u64> {
        self.ledger.lock().await.next_wake()
    }

    /// Runs of one job or of all, the oldest first within each job.
    ///
    /// # Errors
    /// The store's.
    pub async fn runs(&self, job_id: Option<String>) -> Result<Vec<RunEntry>, StoreError> {
        self.parts.store.read(move |c| history::read(c, job_id.as_deref())).await
    }

    /// Runs jobs as they come due, until the gateway stops.
    pub async fn tend(self: Arc<Self>) {
        loop {
            let wait = self.set_off_due().await;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.changed.notified() => {}
                () = self.parts.stop.cancelled() => return,
            }
        }
    }

    /// Sets off what is due; answers how long to wait for what is next.
    async fn set_off_due(self: &Arc<Self>) -> Duration {
        let now = self.parts.clock.now_ms();
        let mut ledger = self.ledger.lock().await;
        for id in ledger.due(now) {
            match ledger.begin(&self.parts.store, &id, now).await {
                Ok(started) => self.set_off(started),
                Err(error) => {
                    // Tried again at the next look; a disk that is full now may not be then.
                    tracing::error!(job = id, %error, "a due job could not be begun");
                    return LOOK_EVERY;
                }
            }
        }
        let next = ledger.next_wake().map_or(u64::MAX, |next| next.saturating_sub(now));
        Duration::from_millis(next).min(LOOK_EVERY)
    }

    async fn check(&self, job: &Job) -> Result<(), CronError> {
        let id = job.agent_id.as_deref().unwrap_or(&self.parts.agent);
        let agent = self.parts.runs.roster().find(id);
        let agent = agent.ok_or_else(|| CronError::Invalid(format!("unknown agent id: {id}")))?;
        let checked = agent.check(&tick::wishes(&job.payload)).await;
        checked.map_err(|error| CronError::Invalid(format!("payload: {error}")))?;
        tick::conversation(job, id).map(|_| ())
    }

    fn tell(&self, action: &str, job: &Job, more: Value) {
        let mut payload = value!({"jobId": job.id, "action": action, "job": job});
        if let Some(next) = job.state.next_run_at_ms {
            payload["nextRunAtMs"] = value!(next);
        }
        if let Value::Object(more) = more {
            for (name, fact) in more {
                payload[name] = fact;
            }
        }
        self.parts.events.publish(event::CRON, &json(&payload));
    }
}
