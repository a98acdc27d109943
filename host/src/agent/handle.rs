//! A run as others hold it: its facts while it goes on, and its end.

use super::{
    Outcome,
    backend::{Model, Usage},
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The end of a run.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "names and facts of a run, as elsewhere")]
pub struct Finished {
    pub run_id: String,
    pub session_key: String,
    pub session_id: String,
    pub agent_id: String,
    pub outcome: Outcome,
    /// The wire's reason: `stop`, `rpc`, `timeout`, …
    pub stop_reason: String,
    pub usage: Usage,
    pub started_at: u64,
    pub ended_at: u64,
    pub model: Model,
}

/// A run someone waits for.
#[derive(Clone, Debug)]
pub struct Handle {
    /// Facts of the run.
    pub state: Arc<RunState>,
    pub(super) done: watch::Receiver<Option<Arc<Finished>>>,
}

impl Handle {
    /// Lets a new run begin to speak; called once its acknowledgement is on its way, so that no
    /// event of the run can come before it.
    pub fn release(&self) {
        self.state.released.cancel();
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// Never: a run always makes its end known before it goes.
    pub async fn end(mut self) -> Arc<Finished> {
        let end = self.done.wait_for(Option::is_some).await.expect("a run makes its end known");
        end.clone().expect("waited for an end")
    }
}

/// What others may know of a run under way.
#[derive(Debug)]
pub struct RunState {
    /// The run.
    pub run_id: String,
    /// Its conversation.
    pub session_key: String,
    /// Who answers.
    pub agent_id: String,
    /// Number of the message in the conversation.
    pub message_seq: u64,
    pub(super) text: String,
    partial: Mutex<String>,
    abort: CancellationToken,
    released: CancellationToken,
    reason: Mutex<String>,
}

impl RunState {
    pub(super) fn new(
        run_id: String,
        session_key: String,
        agent_id: String,
        message_seq: u64,
        text: String,
    ) -> Self {
        Self {
            run_id,
            session_key,
            agent_id,
            message_seq,
            text,
            partial: Mutex::default(),
            abort: CancellationToken::new(),
            released: CancellationToken::new(),
            reason: Mutex::new("rpc".to_owned()),
        }
    }

    pub(super) async fn released(&self) {
        self.released.cancelled().await;
    }

    /// The answer so far.
    #[must_use]
    pub fn partial(&self) -> String {
        self.partial.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_partial(&self, text: &str) {
        text.clone_into(&mut self.partial.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) async fn cancelled(&self) {
        self.abort.cancelled().await;
    }

    pub(super) fn abort_reason(&self) -> String {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn abort(&self, reason: &str) {
        reason.clone_into(&mut self.reason.lock().unwrap_or_else(PoisonError::into_inner));
        self.abort.cancel();
    }
}
