//! One tick of a job, from its note in the ledger to the note of its end.

use super::{
    Cron, CronError, RunEntry,
    delivery::{self, Fate},
    heartbeat::preview,
    job::{DeliveryStatus, Job, Payload, RunStatus, WakeMode},
    ledger::Started,
};
use crate::{
    agent::{Begun, Finished, OutcomeStatus, RunError, Start, Wishes},
    protocol::{event, frame::json, key},
};
use serde_json::json as value;
use std::{sync::Arc, time::Duration};

/// The stop reason of runs that a stopping gateway called off.
const RESTART: &str = "restart";

/// The conversation a job runs in.
///
/// # Errors
/// When the target is none, or does not fit what the job does.
pub(super) fn conversation(job: &Job, agent: &str) -> Result<String, CronError> {
    let event = matches!(job.payload, Payload::SystemEvent { .. });
    let invalid = |text: &str| Err(CronError::Invalid(text.to_owned()));
    match job.target.as_str() {
        "main" if event => Ok(key::main_key(agent)),
        "main" => invalid("main cron jobs require payload.kind=\"systemEvent\""),
        _ if event => invalid("isolated cron jobs require payload.kind=\"agentTurn\""),
        "isolated" => Ok(format!("agent:{agent}:cron:{}", job.id)),
        "current" => named(job.session_key.as_deref().unwrap_or(key::MAIN), agent),
        target => match target.strip_prefix("session:") {
            Some(name) => named(name, agent),
            None => invalid("sessionTarget is main, isolated, current or session:<key>"),
        },
    }
}

fn named(name: &str, agent: &str) -> Result<String, CronError> {
    let found = key::canonical(name, agent).ok_or_else(|| {
        CronError::Invalid(format!("sessionTarget names no conversation: {name}"))
    })?;
    let owner = key::agent_of(&found, agent);
    if owner == agent {
        Ok(found)
    } else {
        Err(CronError::Invalid(format!("unknown agent id: {owner}")))
    }
}

/// What came of a tick; `None` when the gateway stopped under it.
type Tick = Option<Came>;

struct Came {
    status: RunStatus,
    error: Option<String>,
    text: String,
    session_key: Option<String>,
    session_id: Option<String>,
    fate: Fate,
}

impl Came {
    fn plain(status: RunStatus, error: Option<String>) -> Self {
        let fate = Fate { status: DeliveryStatus::NotRequested, error: None };
        Self { status, error, text: String::new(), session_key: None, session_id: None, fate }
    }
}

impl Cron {
    /// Lets a noted tick run.
    pub(super) fn set_off(self: &Arc<Self>, started: Started) {
        self.tell(
            "started",
            &started.job,
            value!({"runAtMs": started.job.state.running_at_ms, "runId": started.run_id}),
        );
        let cron = Arc::clone(self);
        self.parts.tracker.spawn(async move { cron.carry_out(started).await });
    }

    async fn carry_out(&self, started: Started) {
        let clock = &self.parts.clock;
        let begun = clock.monotonic();
        let Some(came) = self.work(&started).await else { return };
        let entry = RunEntry {
            ts: clock.now_ms(),
            job_id: started.job.id.clone(),
            action: "finished".to_owned(),
            status: came.status,
            error: came.error,
            summary: (!came.text.is_empty()).then(|| preview(&came.text)),
            run_id: started.run_id,
            session_key: came.session_key,
            session_id: came.session_id,
            run_at_ms: started.job.state.running_at_ms.unwrap_or_default(),
            duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            next_run_at_ms: None,
            delivery_status: came.fate.status,
            delivery_error: came.fate.error,
            job_name: Some(started.job.name),
        };
        let noted = self.ledger.lock().await.end(&self.parts.store, entry).await;
        match noted {
            Ok(Some(ended)) => {
                let mut facts = value!(ended.entry);
                facts["job"] = value!(ended.job);
                self.parts.events.publish(event::CRON, &json(&facts));
                if ended.removed {
                    let gone = value!({"jobId": ended.job.id, "action": "removed"});
                    self.parts.events.publish(event::CRON, &json(&gone));
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(job = started.job.id, %error, "the end of a job was not stored");
            }
        }
        self.changed.notify_one();
    }

    async fn work(&self, started: &Started) -> Tick {
        let job = &started.job;
        let later = job.wake_mode == WakeMode::NextHeartbeat && self.heartbeats.period().is_some();
        if let (Payload::SystemEvent { text }, true) = (&job.payload, later) {
            return Some(match self.heartbeats.tell(text, false).await {
                Ok(()) => Came::plain(RunStatus::Ok, None),
                Err(error) => Came::plain(RunStatus::Error, Some(error.to_string())),
            });
        }
        let end = match self.turn(started).await {
            Ok(end) => end,
            Err(TurnError::Run(RunError::Stopping)) => return None,
            Err(error) => return Some(Came::plain(RunStatus::Error, Some(error.to_string()))),
        };
        let outcome = &end.outcome;
        if outcome.status == OutcomeStatus::Aborted && end.stop_reason == RESTART {
            return None;
        }
        Some(self.judge(job, &end).await)
    }

    async fn judge(&self, job: &Job, end: &Finished) -> Came {
        let outcome = &end.outcome;
        let (status, error) = match outcome.status {
            OutcomeStatus::Ok => (RunStatus::Ok, None),
            OutcomeStatus::Aborted => {
                (RunStatus::Error, Some(format!("called off ({})", end.stop_reason)))
            }
            OutcomeStatus::Error | OutcomeStatus::Timeout => {
                (RunStatus::Error, outcome.error.clone())
            }
        };
        let mut came = Came::plain(status, error);
        came.text.clone_from(&outcome.text);
        came.session_key = Some(end.session_key.clone());
        came.session_id = Some(end.session_id.clone());
        if status == RunStatus::Ok && !outcome.text.trim().is_empty() {
            let parts = &self.parts;
            let wanted = job.delivery.as_ref();
            came.fate = delivery::deliver(
                &parts.messages,
                &parts.store,
                wanted,
                &end.run_id,
                &outcome.text,
            )
            .await;
            let needed = wanted.is_some_and(|d| d.best_effort == Some(false) && d.to.is_some());
            if needed && came.fate.status == DeliveryStatus::NotDelivered {
                came.status = RunStatus::Error;
                came.error.clone_from(&came.fate.error);
            }
        }
        came
    }

    async fn turn(&self, started: &Started) -> Result<Arc<Finished>, TurnError> {
        let job = &started.job;
        let agent = job.agent_id.as_ref().unwrap_or(&self.parts.agent);
        let text = match &job.payload {
            Payload::SystemEvent { text } => format!("System: {text}"),
            Payload::AgentTurn { message, .. } => message.clone(),
        };
        let start = Start {
            files: Vec::new(),
            run_id: started.run_id.clone(),
            session_key: conversation(job, agent)?,
            agent_id: agent.clone(),
            text,
            message_key: started.run_id.clone(),
            channel: None,
            timeout: timeout(&job.payload),
            wishes: wishes(&job.payload),
            owner: None,
            commit: None,
        };
        Ok(match self.parts.runs.begin(start).await? {
            Begun::New(handle) | Begun::InFlight(handle) => {
                handle.release();
                handle.end().await
            }
            Begun::Ended(end) => end,
        })
    }
}

/// What a job wants otherwise than its conversation does.
pub(super) fn wishes(payload: &Payload) -> Wishes {
    match payload {
        Payload::AgentTurn { model, thinking, .. } => {
            Wishes { model: model.clone(), thinking: thinking.clone() }
        }
        Payload::SystemEvent { .. } => Wishes::default(),
    }
}

fn timeout(payload: &Payload) -> Option<Duration> {
    let Payload::AgentTurn { timeout_seconds: Some(seconds), .. } = payload else { return None };
    Duration::try_from_secs_f64(*seconds).ok().filter(|timeout| !timeout.is_zero())
}

#[derive(Debug, thiserror::Error)]
enum TurnError {
    #[error(transparent)]
    Cron(#[from] CronError),
    #[error(transparent)]
    Run(#[from] RunError),
}
