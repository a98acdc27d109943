//! Heartbeats: turns in the main conversation that the gateway asks for itself, by a period or
//! because something woke it; and the system events that wait to be told there.
//!
//! Events are stored before they are answered and are forgotten in the transaction that stores the
//! turn's answer. Must not know: methods, jobs.

use super::{
    Shared,
    delivery::{self, Route},
    job::DeliveryStatus,
};
use crate::{
    agent::{Begun, CommitHook, Finished, OutcomeStatus, RunError, Start, Wishes},
    clock::uuid,
    config::heartbeat::{Every, HeartbeatSection},
    protocol::{event, frame::json, key},
    store::{StoreError, records},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

const EVENTS: &str = "system-event";
const SWITCH: &str = "heartbeat-switch";
/// Events that may wait to be told.
const EVENTS_MAX: usize = 64;
/// Period of heartbeats that were switched on without one in the configuration.
const EVERY: Duration = Duration::from_mins(30);
/// What an agent answers that has nothing to say.
const NOTHING: &str = "HEARTBEAT_OK";
/// Characters of an answer shown in events and logs.
pub(super) const PREVIEW_CHARS: usize = 200;

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
pub enum WakeError {
    /// Too many wait.
    #[error("too many system events wait to be told")]
    Full,
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A system event that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    text: String,
    at_ms: u64,
}

/// How a heartbeat went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BeatStatus {
    /// Its answer went out.
    Sent,
    /// It had no answer.
    OkEmpty,
    /// It said that nothing needs attention.
    OkToken,
    /// Its answer went nowhere.
    Skipped,
    /// It failed.
    Failed,
}

/// A heartbeat, as the wire shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the wire's own names")]
pub struct Beat {
    pub ts: u64,
    pub status: BeatStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indicator_type: Option<&'static str>,
    pub duration_ms: u64,
}

/// The room's face.
pub struct Heartbeats {
    parts: Shared,
    settings: HeartbeatSection,
    on: AtomicBool,
    last: Mutex<Option<Beat>>,
    wake: Notify,
    changed: Notify,
}

impl Heartbeats {
    /// Heartbeats as they were switched last; else on when the configuration has a period.
    ///
    /// # Errors
    /// The store's.
    pub async fn load(parts: Shared, settings: HeartbeatSection) -> Result<Self, StoreError> {
        let kept: Option<bool> = parts.store.read(|c| records::get(c, SWITCH, SWITCH)).await?;
        let waiting = parts.store.read(|c| records::list::<Waiting>(c, EVENTS)).await?;
        let on = kept.unwrap_or(settings.every.is_some());
        let heartbeats = Self {
            parts,
            settings,
            on: AtomicBool::new(on),
            last: Mutex::default(),
            wake: Notify::new(),
            changed: Notify::new(),
        };
        if !on && !waiting.is_empty() {
            // No period will come for what an earlier life did not get to tell.
            heartbeats.wake.notify_one();
        }
        Ok(heartbeats)
    }

    /// The period, when heartbeats are on.
    #[must_use]
    pub fn period(&self) -> Option<Duration> {
        let configured = self.settings.every.map_or(EVERY, Every::duration);
        self.on.load(Ordering::Acquire).then_some(configured)
    }

    /// What the agent is asked.
    #[must_use]
    pub fn prompt(&self) -> &str {
        &self.settings.prompt
    }

    /// The last heartbeat of this life.
    #[must_use]
    pub fn last(&self) -> Option<Beat> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Switches them on or off, for good.
    ///
    /// # Errors
    /// The store's.
    pub async fn switch(&self, on: bool) -> Result<(), StoreError> {
        let now = self.parts.clock.now_ms();
        self.parts.store.write(move |c| records::put(c, SWITCH, SWITCH, &on, now)).await?;
        self.on.store(on, Ordering::Release);
        self.changed.notify_one();
        Ok(())
    }

    /// Texts of the events that wait to be told, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting(&self) -> Result<Vec<String>, StoreError> {
        let rows = self.parts.store.read(|c| records::list::<Waiting>(c, EVENTS)).await?;
        Ok(rows.into_iter().map(|row| row.body.text).collect())
    }

    /// Stores an event to be told: now, or with the next heartbeat. While heartbeats are off there
    /// is no next one, so it is told now.
    ///
    /// # Errors
    /// When it was not stored.
    pub async fn tell(&self, text: &str, now: bool) -> Result<(), WakeError> {
        let at_ms = self.parts.clock.now_ms();
        let event = Waiting { text: text.to_owned(), at_ms };
        let id = format!("{at_ms:015}-{}", uuid());
        let kept = self.parts.store.write(move |c| {
            if records::list::<Waiting>(c, EVENTS)?.len() >= EVENTS_MAX {
                return Ok(false);
            }
            records::put(c, EVENTS, &id, &event, at_ms).map(|()| true)
        });
        if !kept.await? {
            return Err(WakeError::Full);
        }
        if now || self.period().is_none() {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Beats until the gateway stops. Wakes that come during a beat lead to one more.
    pub async fn tend(self: Arc<Self>) {
        let clock = &self.parts.clock;
        let due = || self.period().map(|period| clock.monotonic() + period);
        let mut next = due();
        loop {
            let period = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let woken = tokio::select! {
                () = self.parts.stop.cancelled() => return,
                () = self.wake.notified() => true,
                () = period => false,
                () = self.changed.notified() => {
                    next = due();
                    continue;
                }
            };
            if !woken {
                next = due();
            }
            match self.beat(woken).await {
                Ok(Some(beat)) => self.show(beat),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "a heartbeat could not begin"),
            }
        }
    }

    async fn beat(&self, woken: bool) -> Result<Option<Beat>, RunError> {
        let parts = &self.parts;
        let begun = parts.clock.monotonic();
        let waiting = parts.store.read(|c| records::list::<Waiting>(c, EVENTS)).await?;
        if woken && waiting.is_empty() {
            return Ok(None);
        }
        let mut lines: Vec<String> = Vec::new();
        if !woken {
            lines.push(self.settings.prompt.clone());
        }
        lines.extend(waiting.iter().map(|row| {
            format!("System: [{}] {}", super::schedule::iso(row.body.at_ms), row.body.text)
        }));
        let told: Vec<String> = waiting.into_iter().map(|row| row.id).collect();
        let forget: CommitHook = Box::new(move |c, _| {
            told.iter().try_for_each(|id| records::delete(c, EVENTS, id).map(|_| ()))
        });
        let run_id = format!("heartbeat:{}", uuid());
        let start = Start {
            files: Vec::new(),
            message_key: run_id.clone(),
            run_id,
            session_key: key::main_key(&parts.agent),
            agent_id: parts.agent.clone(),
            text: lines.join("\n"),
            channel: None,
            timeout: None,
            wishes: Wishes::default(),
            owner: None,
            commit: Some(forget),
        };
        let end = match parts.runs.begin(start).await? {
            Begun::New(handle) | Begun::InFlight(handle) => {
                handle.release();
                handle.end().await
            }
            Begun::Ended(end) => end,
        };
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Some(self.judge(&end, duration_ms).await))
    }

    async fn judge(&self, end: &Finished, duration_ms: u64) -> Beat {
        let text = end.outcome.text.trim();
        let mut beat = Beat {
            ts: self.parts.clock.now_ms(),
            status: BeatStatus::OkEmpty,
            reason: None,
            preview: (!text.is_empty()).then(|| preview(text)),
            message: None,
            channel: None,
            to: None,
            indicator_type: None,
            duration_ms,
        };
        if end.outcome.status != OutcomeStatus::Ok {
            beat.status = BeatStatus::Failed;
            beat.reason = Some("agent-runner-failure".to_owned());
            beat.message.clone_from(&end.outcome.error);
            beat.indicator_type = Some("error");
        } else if text == NOTHING {
            beat.status = BeatStatus::OkToken;
            beat.indicator_type = Some("ok");
        } else if !text.is_empty() {
            self.send(&mut beat, end, text).await;
        }
        beat
    }

    async fn send(&self, beat: &mut Beat, end: &Finished, text: &str) {
        let settings = &self.settings;
        let (Some(channel), Some(to)) = (&settings.channel, &settings.to) else {
            beat.status = BeatStatus::Skipped;
            beat.reason = Some("no-route".to_owned());
            beat.message = Some(
                "The answer stays in the main conversation; set heartbeat.channel and heartbeat.to to send it."
                    .to_owned(),
            );
            return;
        };
        let route = Route {
            channel: channel.clone(),
            account: settings.account.clone(),
            to: to.clone(),
            thread: None,
        };
        let fate = delivery::send(&self.parts.messages, route, &end.run_id, text).await;
        beat.channel = Some(channel.clone());
        beat.to = Some(to.clone());
        if fate.status == DeliveryStatus::Delivered {
            beat.status = BeatStatus::Sent;
            beat.indicator_type = Some("alert");
        } else {
            beat.status = BeatStatus::Failed;
            beat.reason = fate.error;
            beat.indicator_type = Some("error");
        }
    }

    fn show(&self, beat: Beat) {
        self.parts.events.publish(event::HEARTBEAT, &json(&beat));
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(beat);
    }
}

/// The beginning of a text, for events and logs.
pub(super) fn preview(text: &str) -> String {
    text.chars().take(PREVIEW_CHARS).collect()
}
