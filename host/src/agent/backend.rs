//! What runs a turn: one interface, one file for each kind.
//!
//! A backend gets a prompt and a queue for its steps. Dropping its future is how it is called off;
//! it must hold nothing that outlives the drop. Must not know: events, storage, other runs.

use futures_util::future::BoxFuture;
use serde::Serialize;
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
    /// What was said.
    pub text: String,
}

/// One thing a backend says on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// More of the answer.
    Text(String),
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
}
