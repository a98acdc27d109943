//! One run from its turn to its terminal state.
//!
//! The step before: [`super::runs`] accepted it and gave it a place in its lane. The step after: the
//! outcome reaches whoever waits. This task is the only one that ends the run.

use super::{
    CommitHook, Outcome, OutcomeStatus,
    answer::{Answer, Then},
    backend::{BackendError, Prompt, STEPS_MAX, Step, Wishes},
    broadcast::{Broadcast, RunNames, stored_message},
    handle::{Finished, RunState},
    record::{self, Record},
    roster::Agent,
};
use crate::{
    clock::Clock,
    events::{Audience, ConnNumber, Events},
    protocol::{event, frame::json},
    store::{Store, StoreError, transcripts},
};
use futures_util::FutureExt;
use serde_json::{Value, json as value};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::Instant};

/// Text is passed on at once, then at most this often.
const FLUSH_EVERY: Duration = Duration::from_millis(75);

/// The abort reason of a gateway that stops.
pub(super) const RESTART: &str = "restart";

/// Everything one run needs.
pub(super) struct Run {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) events: Events,
    pub(super) agent: Arc<Agent>,
    pub(super) names: RunNames,
    pub(super) text: String,
    pub(super) timeout: Duration,
    pub(super) wishes: Wishes,
    pub(super) owner: Option<ConnNumber>,
    pub(super) state: Arc<RunState>,
}

enum Ending {
    Answered,
    Aborted(String),
    Timeout,
    Failed(String),
}

impl Run {
    /// Runs to the end and answers it; the caller makes it known.
    pub(super) async fn go(mut self, commit: Option<CommitHook>) -> Finished {
        let mut cast = Broadcast::new(self.events.clone(), self.clock.clone(), self.names.clone());
        cast.start();
        let mut answer = Answer::default();
        let streamed = AssertUnwindSafe(self.stream(&mut cast, &mut answer)).catch_unwind().await;
        let ending = streamed.unwrap_or_else(|_| Ending::Failed("the backend panicked".to_owned()));
        flush(&mut answer, &mut cast, &self.state);
        let stop = stop_reason(&ending);
        let mut outcome = outcome(ending, &answer.text);
        let model = self.agent.model(&self.wishes);
        let span = (cast.started_at(), self.clock.now_ms());
        let record = Record::of(&self.names, &answer, &outcome, &model, span);
        let message = match self.keep(record, &outcome, commit).await {
            Ok(message) => message,
            Err(error) => {
                tracing::error!(run = self.names.run_id, %error, "the answer could not be stored");
                outcome.status = OutcomeStatus::Error;
                outcome.error = Some("the answer could not be stored; nothing was sent".to_owned());
                None
            }
        };
        if let Some(message) = &message {
            self.announce(message);
        }
        cast.end(&outcome, message.as_ref(), &stop, answer.usage);
        Finished {
            run_id: self.names.run_id.clone(),
            session_key: self.names.session_key.clone(),
            session_id: self.names.session_id.clone(),
            agent_id: self.names.agent_id.clone(),
            outcome,
            stop_reason: stop,
            usage: answer.usage,
            started_at: cast.started_at(),
            ended_at: self.clock.now_ms(),
            model,
        }
    }

    async fn stream(&mut self, cast: &mut Broadcast, answer: &mut Answer) -> Ending {
        let prompt = match self.prompt().await {
            Ok(prompt) => prompt,
            Err(error) => {
                return Ending::Failed(format!("the conversation could not be read: {error}"));
            }
        };
        let (out, mut steps) = mpsc::channel(STEPS_MAX);
        let mut work = self.agent.backend.run(prompt, out);
        let mut ended: Option<Result<(), BackendError>> = None;
        let deadline = self.clock.monotonic() + self.timeout;
        let mut next_flush = self.clock.monotonic();
        loop {
            tokio::select! {
                biased;
                () = self.state.cancelled() => return Ending::Aborted(self.state.abort_reason()),
                () = tokio::time::sleep_until(deadline) => return Ending::Timeout,
                step = steps.recv() => match step {
                    Some(step) => if let Some(end) = self.take(step, cast, answer).await {
                        return end;
                    },
                    None => break,
                },
                result = &mut work, if ended.is_none() => {
                    ended = Some(result);
                    continue;
                }
                () = tokio::time::sleep_until(next_flush), if answer.waits() => {}
            }
            self.pass_on(cast, answer, &mut next_flush);
        }
        match if let Some(result) = ended { result } else { work.await } {
            Ok(()) => Ending::Answered,
            Err(error) => Ending::Failed(error.to_string()),
        }
    }

    /// Takes one step in; answers the end it leads to, if it leads to one.
    async fn take(&self, step: Step, cast: &mut Broadcast, answer: &mut Answer) -> Option<Ending> {
        match answer.take(step) {
            Then::Later => {}
            Then::Tell(tool) => {
                flush(answer, cast, &self.state);
                cast.tool(&tool, self.owner);
            }
            Then::Remember(id) => {
                let (key, transcript) =
                    (self.names.session_key.clone(), self.names.session_id.clone());
                let known = record::known_as(&self.names, &id);
                let keep = move |c: &rusqlite::Connection| {
                    transcripts::set_known_as(c, &key, &transcript, &known)
                };
                if let Err(error) = self.store.write(keep).await {
                    // The next run then begins a conversation of its own at the backend.
                    tracing::warn!(run = self.names.run_id, %error, "a backend's name was not kept");
                }
            }
            Then::Stop(why) => return Some(Ending::Failed(why.to_owned())),
        }
        None
    }

    fn pass_on(&self, cast: &mut Broadcast, answer: &mut Answer, next_flush: &mut Instant) {
        let now = self.clock.monotonic();
        if answer.waits() && now >= *next_flush {
            flush(answer, cast, &self.state);
            *next_flush = now + FLUSH_EVERY;
        }
    }

    async fn prompt(&mut self) -> Result<Prompt, StoreError> {
        let (names, mine) = (self.names.clone(), self.state.message_seq);
        let limit = self.agent.backend.history();
        let before = self.store.read(move |c| record::before(c, &names, limit, mine)).await?;
        self.wishes = std::mem::take(&mut self.wishes).or(before.wishes);
        Ok(Prompt {
            run_id: self.names.run_id.clone(),
            session_key: self.names.session_key.clone(),
            session_id: self.names.session_id.clone(),
            agent_id: self.names.agent_id.clone(),
            history: before.history,
            text: self.text.clone(),
            wishes: self.wishes.clone(),
            known_as: before.known_as,
        })
    }

    /// Stores the answer and what the caller wants stored with it, in one transaction.
    async fn keep(
        &self,
        record: Record,
        outcome: &Outcome,
        hook: Option<CommitHook>,
    ) -> Result<Option<Value>, StoreError> {
        // A channel's turn that a stop called off runs again after the start: nothing of it is kept.
        let again =
            outcome.status == OutcomeStatus::Aborted && self.state.abort_reason() == RESTART;
        if again && hook.is_some() {
            return Ok(None);
        }
        let outcome = outcome.clone();
        self.store
            .write(move |c| {
                let stored = record.store(c)?;
                if let Some(hook) = hook {
                    hook(c, &outcome)?;
                }
                Ok(stored.map(|entry| stored_message(&entry)))
            })
            .await
    }

    fn announce(&self, message: &Value) {
        let key = &self.names.session_key;
        let meta = &message["__openclaw"];
        let payload = json(&value!({
            "sessionKey": key, "agentId": self.names.agent_id, "message": message,
            "messageId": meta["id"], "messageSeq": meta["seq"],
        }));
        self.events.publish_to(event::SESSION_MESSAGE, &payload, Audience::Followers(key, None));
    }
}

/// Tells everything that was not told yet.
fn flush(answer: &mut Answer, cast: &mut Broadcast, state: &RunState) {
    if let Some((all, new)) = answer.next_thought() {
        cast.thought(all, new);
    }
    if let Some((all, new)) = answer.next_text() {
        cast.delta(all, new);
        state.set_partial(all);
    }
}

fn outcome(ending: Ending, text: &str) -> Outcome {
    let (status, error) = match ending {
        Ending::Answered => (OutcomeStatus::Ok, None),
        Ending::Aborted(_) => (OutcomeStatus::Aborted, None),
        Ending::Timeout => {
            (OutcomeStatus::Timeout, Some("the run took too long and was stopped".to_owned()))
        }
        Ending::Failed(error) => (OutcomeStatus::Error, Some(error)),
    };
    Outcome { status, text: text.to_owned(), error }
}

fn stop_reason(ending: &Ending) -> String {
    match ending {
        Ending::Answered => "stop".to_owned(),
        Ending::Aborted(reason) => reason.clone(),
        Ending::Timeout => "timeout".to_owned(),
        Ending::Failed(_) => "error".to_owned(),
    }
}
