//! All runs: accepted, waiting, under way, and the ends of the last minutes.
//!
//! A run id never runs twice: in flight it is found, afterwards its end is replayed for five minutes.
//! Every map is bounded.

use super::{
    CommitHook,
    backend::Model,
    broadcast::{RunNames, stored_message, user_message},
    files,
    handle::{Finished, Handle, RunState},
    lanes::Lanes,
    roster::{Agent, Roster},
    run::{RESTART, Run},
    start::{Begun, RunError, Start},
};
use crate::{
    clock::Clock,
    events::{Audience, Events},
    protocol::{event, frame::json},
    store::{Store, StoreError, transcripts},
};
use serde_json::json as value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Runs that may be accepted and not ended.
const RUNS_MAX: usize = 1024;
/// Ends remembered.
const ENDS_MAX: usize = 1000;
/// How long an end is remembered, milliseconds.
const END_MS: u64 = 5 * 60 * 1000;

/// The room's face. Cheap to clone.
#[derive(Clone)]
pub struct Runs {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    clock: Clock,
    since: tokio::time::Instant,
    events: Events,
    roster: Roster,
    lanes: Lanes,
    tracker: TaskTracker,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    active: HashMap<String, Handle>,
    ended: HashMap<String, (String, Arc<Finished>)>,
    stopping: bool,
}

impl Runs {
    /// A room without runs, that lets `max` of them go at once.
    #[must_use]
    pub fn new(
        store: Store,
        clock: Clock,
        events: Events,
        roster: Roster,
        max: usize,
        tracker: TaskTracker,
    ) -> Self {
        let (lanes, book, since) = (Lanes::new(max), Mutex::default(), clock.monotonic());
        let shared = Shared { store, clock, since, events, roster, lanes, tracker, book };
        Self { shared: Arc::new(shared) }
    }

    pub(super) fn store(&self) -> &Store {
        &self.shared.store
    }

    pub(super) fn events(&self) -> &Events {
        &self.shared.events
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.shared.clock.now_ms()
    }

    /// Since the room was made, milliseconds.
    pub(super) fn up_ms(&self) -> u64 {
        let up = self.shared.clock.monotonic().duration_since(self.shared.since);
        u64::try_from(up.as_millis()).unwrap_or(u64::MAX)
    }

    /// Everyone who answers.
    #[must_use]
    pub fn roster(&self) -> &Roster {
        &self.shared.roster
    }

    /// The model of the agent that answers when nobody else is named.
    #[must_use]
    pub fn model(&self) -> Model {
        self.shared.roster.first().backend.model()
    }

    /// Accepts a run: the message is stored, then its place in the lane is taken.
    ///
    /// # Errors
    /// When it cannot be accepted; nothing runs then.
    pub async fn begin(&self, mut start: Start) -> Result<Begun, RunError> {
        let commit = start.commit.take();
        let agent = self.shared.roster.find(&start.agent_id).cloned();
        let agent = agent.ok_or_else(|| RunError::UnknownAgent(start.agent_id.clone()))?;
        if let Some(known) = self.known(&start.run_id, &start.text)? {
            return Ok(known);
        }
        let message = self.user_entry(&start);
        let (entry, fresh, session_id) = self.keep(message).await?;
        if fresh {
            self.announce(&start, &entry);
        }
        let (tell, done) = watch::channel(None);
        let state = Arc::new(RunState::new(
            start.run_id.clone(),
            start.session_key.clone(),
            start.agent_id.clone(),
            entry.seq,
            start.text.clone(),
        ));
        let handle = Handle { state: Arc::clone(&state), done };
        {
            let mut book = self.book();
            if let Some(other) = book.active.get(&start.run_id) {
                return Ok(Begun::InFlight(other.clone()));
            }
            book.active.insert(start.run_id.clone(), handle.clone());
        }
        self.spawn(start, &agent, commit, session_id, state, tell);
        Ok(Begun::New(handle))
    }

    fn known(&self, run_id: &str, text: &str) -> Result<Option<Begun>, RunError> {
        let mut book = self.book();
        if let Some(handle) = book.active.get(run_id) {
            if handle.state.text != text {
                return Err(RunError::Conflict);
            }
            return Ok(Some(Begun::InFlight(handle.clone())));
        }
        let now = self.shared.clock.now_ms();
        book.ended.retain(|_, (_, end)| now.saturating_sub(end.ended_at) < END_MS);
        if let Some((said, end)) = book.ended.get(run_id) {
            if said != text {
                return Err(RunError::Conflict);
            }
            return Ok(Some(Begun::Ended(Arc::clone(end))));
        }
        if book.stopping {
            return Err(RunError::Stopping);
        }
        if book.active.len() >= RUNS_MAX {
            return Err(RunError::Busy);
        }
        Ok(None)
    }

    fn user_entry(&self, start: &Start) -> transcripts::NewEntry {
        let now = self.shared.clock.now_ms();
        transcripts::NewEntry {
            session_key: start.session_key.clone(),
            key: start.message_key.clone(),
            role: transcripts::Role::User,
            body: user_message(&start.text, &start.files, now, &start.run_id),
            run_id: Some(start.run_id.clone()),
            ts_ms: now,
        }
    }

    /// Stores the message; answers its entry, whether it is new, and the transcript it went to.
    async fn keep(
        &self,
        new: transcripts::NewEntry,
    ) -> Result<(transcripts::Entry, bool, String), StoreError> {
        let job = move |c: &rusqlite::Connection| {
            let (entry, fresh) = transcripts::append(c, &new)?;
            let row = transcripts::conversation(c, &new.session_key)?;
            Ok((entry, fresh, row.map(|r| r.session_id).unwrap_or_default()))
        };
        self.shared.store.write(job).await
    }

    fn announce(&self, start: &Start, entry: &transcripts::Entry) {
        let key = &start.session_key;
        let message = stored_message(entry);
        let payload = json(&value!({
            "sessionKey": key, "agentId": start.agent_id, "message": message,
            "messageId": entry.id, "messageSeq": entry.seq,
        }));
        let events = &self.shared.events;
        events.publish_to(event::SESSION_MESSAGE, &payload, Audience::Followers(key, None));
        let changed = json(&value!({
            "sessionKey": key, "agentId": start.agent_id, "phase": "message",
            "runId": start.run_id, "ts": entry.ts_ms,
        }));
        events.publish_to(event::SESSIONS_CHANGED, &changed, Audience::Followers(key, None));
    }

    fn spawn(
        &self,
        start: Start,
        agent: &Arc<Agent>,
        commit: Option<CommitHook>,
        session_id: String,
        state: Arc<RunState>,
        tell: watch::Sender<Option<Arc<Finished>>>,
    ) {
        let shared = Arc::clone(&self.shared);
        let place = shared.lanes.place(&start.session_key);
        let run = Run {
            store: shared.store.clone(),
            clock: shared.clock.clone(),
            events: shared.events.clone(),
            agent: Arc::clone(agent),
            names: RunNames {
                run_id: start.run_id,
                session_key: start.session_key,
                session_id,
                agent_id: start.agent_id,
            },
            text: files::told(&start.text, &start.files),
            timeout: start.timeout.unwrap_or(agent.timeout),
            wishes: start.wishes,
            owner: start.owner,
            state,
        };
        let runs = self.clone();
        self.shared.tracker.spawn(async move {
            // A run that is called off while it waits must not wait for the one before it to end.
            let turn = tokio::select! {
                turn = async { run.state.released().await; place.turn().await } => Some(turn),
                () = run.state.cancelled() => None,
            };
            let said = run.text.clone();
            let end = Arc::new(run.go(commit).await);
            runs.close(said, &end);
            drop(turn);
            tell.send_replace(Some(end));
        });
    }

    fn close(&self, said: String, end: &Arc<Finished>) {
        let mut book = self.book();
        book.active.remove(&end.run_id);
        if book.ended.len() >= ENDS_MAX
            && let Some(oldest) =
                book.ended.iter().min_by_key(|(_, (_, e))| e.ended_at).map(|(id, _)| id.clone())
        {
            book.ended.remove(&oldest);
        }
        book.ended.insert(end.run_id.clone(), (said, Arc::clone(end)));
        drop(book);
        let changed = json(&value!({
            "sessionKey": end.session_key, "agentId": end.agent_id, "phase": "end",
            "runId": end.run_id, "ts": end.ended_at,
        }));
        let audience = Audience::Followers(&end.session_key, None);
        self.shared.events.publish_to(event::SESSIONS_CHANGED, &changed, audience);
    }

    /// A run under way or ended lately, by id.
    #[must_use]
    pub fn find(&self, run_id: &str) -> Option<Begun> {
        let book = self.book();
        let active = book.active.get(run_id).cloned().map(Begun::InFlight);
        active.or_else(|| book.ended.get(run_id).map(|(_, end)| Begun::Ended(Arc::clone(end))))
    }

    /// The runs of a conversation that have not ended.
    #[must_use]
    pub fn active_in(&self, session_key: &str) -> Vec<Arc<RunState>> {
        let book = self.book();
        let of_key = book.active.values().filter(|h| h.state.session_key == session_key);
        of_key.map(|h| Arc::clone(&h.state)).collect()
    }

    /// Runs that have not ended.
    #[must_use]
    pub fn active(&self) -> usize {
        self.book().active.len()
    }

    /// Calls runs of a conversation off, one or all, and waits until their ends are known.
    pub async fn abort(
        &self,
        session_key: &str,
        run_id: Option<&str>,
        reason: &str,
    ) -> Vec<String> {
        let handles: Vec<Handle> = self
            .book()
            .active
            .values()
            .filter(|h| h.state.session_key == session_key)
            .filter(|h| run_id.is_none_or(|id| h.state.run_id == id))
            .cloned()
            .collect();
        self.end_all(handles, reason).await
    }

    /// Takes no more runs and calls off those that have not ended.
    pub async fn stop(&self) {
        let handles = {
            let mut book = self.book();
            book.stopping = true;
            book.active.values().cloned().collect()
        };
        self.end_all(handles, RESTART).await;
    }

    async fn end_all(&self, handles: Vec<Handle>, reason: &str) -> Vec<String> {
        for handle in &handles {
            handle.state.abort(reason);
        }
        let mut ids = Vec::new();
        for handle in handles {
            ids.push(handle.end().await.run_id.clone());
        }
        ids
    }

    fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.shared.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
