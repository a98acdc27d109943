//! What runs a turn: one interface, one file for each kind.
//!
//! A backend gets a prompt and a queue for its steps. Dropping its future is how it is called off;
//! it must hold nothing that outlives the drop. Must not know: events, storage, other runs.

use futures_util::future::BoxFuture;
use serde::Serialize;
use std::time::Duration;
use tokio::sync::mpsc;

/// Steps that may wait for the run that owns them; a backend faster than that waits.
pub const STEPS_MAX: usize = 64;

/// What a backend is asked.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Names the run.
    pub run_id: String,
    /// The conversation.
    pub session_key: String,
    /// What was said before in the conversation, oldest first; as much as [`Backend::history`] asks for.
    pub history: Vec<Said>,
    /// What was said.
    pub text: String,
}

/// Something said earlier in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// By the agent, not by the person.
    pub by_agent: bool,
    /// The words.
    pub text: String,
}

/// One thing a backend says on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// More of the answer.
    Text(String),
    /// More of what it thinks on the way; no part of the answer.
    Thought(String),
    /// What the run used so far.
    Usage(Usage),
}

/// Tokens of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Read.
    pub input: u64,
    /// Written.
    pub output: u64,
    /// Both.
    pub total: u64,
}

/// Why a backend gave up.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// The run's owner is gone; nobody listens.
    #[error("nobody listens to this run any more")]
    Unheard,
    /// The model's endpoint cannot be reached.
    #[error("the model's endpoint cannot be reached: {0}")]
    Unreachable(String),
    /// The endpoint refuses the request.
    #[error("the model's endpoint answers {status}: {text}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its own words, without credentials.
        text: String,
        /// When it may be asked again, if it said so.
        retry_after: Option<Duration>,
    },
    /// The answer ended before it was complete, or is no answer.
    #[error("the model's answer broke off: {0}")]
    Broken(String),
}

/// A model, as `models.list` shows it.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    /// Unique within its provider.
    pub id: String,
    /// For people.
    pub name: String,
    /// Who runs it.
    pub provider: String,
    /// Tokens it can read at once.
    pub context_window: u64,
    /// Thinks before it answers.
    pub reasoning: bool,
    /// Can be used now.
    pub available: bool,
}

/// One kind of backend.
pub trait Backend: Send + Sync + 'static {
    /// Runs a turn, sending steps as they come.
    fn run(
        &self,
        prompt: Prompt,
        steps: mpsc::Sender<Step>,
    ) -> BoxFuture<'static, Result<(), BackendError>>;

    /// The model it uses.
    fn model(&self) -> Model;

    /// Every model it could use; asks whom it must.
    fn models(&self) -> BoxFuture<'_, Vec<Model>> {
        Box::pin(async { vec![self.model()] })
    }

    /// Earlier messages of the conversation that it wants with a prompt.
    fn history(&self) -> u32 {
        0
    }
}
