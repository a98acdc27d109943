//! One run from its turn to its terminal state.
//!
//! The step before: [`super::runs`] accepted it and gave it a place in its lane. The step after: the
//! outcome reaches whoever waits. This task is the only one that ends the run.

use super::{
    CommitHook, Outcome, OutcomeStatus,
    backend::{Backend, Prompt, STEPS_MAX, Said, Step, Usage},
    broadcast::{Broadcast, RunNames, assistant_message, stored_message},
    handle::{Finished, RunState},
};
use crate::{
    clock::Clock,
    events::{Audience, Events},
    protocol::{event, frame::json},
    store::{Store, StoreError, transcripts},
};
use futures_util::FutureExt;
use serde_json::{Value, json as value};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Text is passed on at once, then at most this often.
const FLUSH_EVERY: Duration = Duration::from_millis(75);

/// The abort reason of a gateway that stops.
pub(super) const RESTART: &str = "restart";

/// Everything one run needs.
pub(super) struct Run {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) events: Events,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) names: RunNames,
    pub(super) text: String,
    pub(super) timeout: Duration,
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
    pub(super) async fn go(self, commit: Option<CommitHook>) -> Finished {
        let mut cast = Broadcast::new(self.events.clone(), self.clock.clone(), self.names.clone());
        cast.start();
        let mut answer = Answer::default();
        let streamed = AssertUnwindSafe(self.stream(&mut cast, &mut answer)).catch_unwind().await;
        let ending = streamed.unwrap_or_else(|_| Ending::Failed("the backend panicked".to_owned()));
        answer.flush(&mut cast, &self.state);
        let stop = stop_reason(&ending);
        let mut outcome = outcome(ending, &answer.text);
        let stored = self.keep(&outcome, commit).await;
        let message = match stored {
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
        cast.end(&outcome, message.as_ref(), &stop);
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
            model: self.backend.model(),
        }
    }

    async fn stream(&self, cast: &mut Broadcast, answer: &mut Answer) -> Ending {
        let history = match self.history().await {
            Ok(history) => history,
            Err(error) => {
                return Ending::Failed(format!("the conversation could not be read: {error}"));
            }
        };
        let prompt = Prompt {
            run_id: self.names.run_id.clone(),
            session_key: self.names.session_key.clone(),
            history,
            text: self.text.clone(),
        };
        let (out, mut steps) = mpsc::channel(STEPS_MAX);
        let mut work = self.backend.run(prompt, out);
        let mut ended = None;
        let deadline = self.clock.monotonic() + self.timeout;
        let mut next_flush = self.clock.monotonic();
        loop {
            tokio::select! {
                biased;
                () = self.state.cancelled() => return Ending::Aborted(self.state.abort_reason()),
                () = tokio::time::sleep_until(deadline) => return Ending::Timeout,
                step = steps.recv() => match step {
                    Some(step) => answer.take(step),
                    None => break,
                },
                result = &mut work, if ended.is_none() => {
                    ended = Some(result);
                    continue;
                }
                () = tokio::time::sleep_until(next_flush), if answer.waits() => {}
            }
            let now = self.clock.monotonic();
            if answer.waits() && now >= next_flush {
                answer.flush(cast, &self.state);
                next_flush = now + FLUSH_EVERY;
            }
        }
        match if let Some(result) = ended { result } else { work.await } {
            Ok(()) => Ending::Answered,
            Err(error) => Ending::Failed(error.to_string()),
        }
    }

    /// What was said before this run's message, and the answers that came since.
    async fn history(&self) -> Result<Vec<Said>, StoreError> {
        let limit = self.backend.history();
        if limit == 0 {
            return Ok(Vec::new());
        }
        let (key, mine) = (self.names.session_key.clone(), self.state.message_seq);
        // One more than asked for: this run's own message is among them.
        let read = move |c: &rusqlite::Connection| {
            transcripts::history(c, &key, u64::from(limit) + 1, None)
        };
        let (entries, _) = self.store.read(read).await?;
        let said = |entry: &transcripts::Entry| {
            let by_agent = match entry.role {
                transcripts::Role::Assistant => true,
                // Later messages are the prompts of runs that wait behind this one.
                transcripts::Role::User if entry.seq < mine => false,
                transcripts::Role::User | transcripts::Role::ToolResult => return None,
            };
            let text = transcripts::text_of(&entry.body)?.to_owned();
            Some(Said { by_agent, text })
        };
        Ok(entries.iter().filter_map(said).collect())
    }

    /// Stores the answer and what the caller wants stored with it, in one transaction.
    async fn keep(
        &self,
        outcome: &Outcome,
        hook: Option<CommitHook>,
    ) -> Result<Option<Value>, StoreError> {
        let now = self.clock.now_ms();
        // A channel's turn that a stop called off runs again after the start: nothing of it is kept.
        let again =
            outcome.status == OutcomeStatus::Aborted && self.state.abort_reason() == RESTART;
        if again && hook.is_some() {
            return Ok(None);
        }
        let entry = (!outcome.text.is_empty()).then(|| transcripts::NewEntry {
            session_key: self.names.session_key.clone(),
            key: format!("run:{}", self.names.run_id),
            role: transcripts::Role::Assistant,
            body: with_stop(assistant_message(&outcome.text, now), outcome.status),
            run_id: Some(self.names.run_id.clone()),
            ts_ms: now,
        });
        let outcome = outcome.clone();
        self.store
            .write(move |c| {
                let stored = entry.map(|e| transcripts::append(c, &e)).transpose()?;
                if let Some(hook) = hook {
                    hook(c, &outcome)?;
                }
                Ok(stored.map(|(entry, _)| stored_message(&entry)))
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

/// The answer as it grows.
#[derive(Default)]
struct Answer {
    text: String,
    sent: usize,
    thought: String,
    thought_sent: usize,
    usage: Usage,
}

impl Answer {
    fn take(&mut self, step: Step) {
        match step {
            Step::Text(more) => self.text.push_str(&more),
            Step::Thought(more) => self.thought.push_str(&more),
            Step::Usage(usage) => self.usage = usage,
        }
    }

    fn waits(&self) -> bool {
        self.sent < self.text.len() || self.thought_sent < self.thought.len()
    }

    fn flush(&mut self, cast: &mut Broadcast, state: &RunState) {
        if self.thought_sent < self.thought.len() {
            cast.thought(&self.thought, &self.thought[self.thought_sent..]);
            self.thought_sent = self.thought.len();
        }
        if self.sent < self.text.len() {
            cast.delta(&self.text, &self.text[self.sent..]);
            self.sent = self.text.len();
            state.set_partial(&self.text);
        }
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

fn with_stop(mut message: Value, status: OutcomeStatus) -> Value {
    let reason = match status {
        OutcomeStatus::Ok => "stop",
        OutcomeStatus::Aborted => "aborted",
        OutcomeStatus::Error | OutcomeStatus::Timeout => "error",
    };
    message["stopReason"] = value!(reason);
    message
}
