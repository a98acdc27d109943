//! What runs a turn: one interface, one file for each kind.
//!
//! A backend gets a prompt and a queue for its steps. Dropping its future is how it is called off;
//! it must hold nothing that outlives the drop. Must not know: events, storage, other runs.

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;
use tokio::sync::mpsc;

/// Steps that may wait for the run that owns them; a backend faster than that waits.
pub const STEPS_MAX: usize = 64;

/// What a backend is asked.
#[derive(Clone, Debug, Default)]
pub struct Prompt {
    /// Names the run.
    pub run_id: String,
    /// The conversation.
    pub session_key: String,
    /// The transcript of the conversation; another one means that it begins anew.
    pub session_id: String,
    /// Who answers.
    pub agent_id: String,
    /// What was said before in the conversation, oldest first; as much as [`Backend::history`] asks for.
    pub history: Vec<Said>,
    /// What was said.
    pub text: String,
    /// What differs from the defaults.
    pub wishes: Wishes,
    /// The last [`Step::KnownAs`] of this transcript.
    pub known_as: Option<String>,
}

/// What a conversation or one message wants otherwise than the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Another model, by a name of [`Backend::models`].
    pub model: Option<String>,
    /// How much it thinks, by a word of [`Backend::thinking`].
    pub thinking: Option<String>,
}

impl Wishes {
    /// These, and the others where these say nothing.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self { model: self.model.or(others.model), thinking: self.thinking.or(others.thinking) }
    }
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
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// More of the answer.
    Text(String),
    /// More of what it thinks on the way; no part of the answer.
    Thought(String),
    /// What it does with a tool.
    Tool(ToolStep),
    /// What the run used so far.
    Usage(Usage),
    /// The backend's own name for the conversation, to be given back with its next prompt.
    KnownAs(String),
}

/// One thing that happens to a call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolStep {
    /// Names the call within the run.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What happens.
    pub phase: ToolPhase,
}

/// Where a call of a tool stands.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolPhase {
    /// It begins, with these arguments.
    Start(Value),
    /// So much of its result is there.
    Update(Value),
    /// It ended.
    End {
        /// What it gave.
        result: Value,
        /// It failed.
        failed: bool,
    },
}

/// Tokens of a run.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Read.
    pub input: u64,
    /// Written.
    pub output: u64,
    /// Read from what the endpoint had kept.
    pub cache_read: u64,
    /// Kept by the endpoint for later.
    pub cache_write: u64,
    /// All of them.
    pub total: u64,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(self, more: Self) -> Self {
        Self {
            input: self.input.saturating_add(more.input),
            output: self.output.saturating_add(more.output),
            cache_read: self.cache_read.saturating_add(more.cache_read),
            cache_write: self.cache_write.saturating_add(more.cache_write),
            total: self.total.saturating_add(more.total),
        }
    }
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
    /// The agent's program does not start, or does not speak as it should.
    #[error("the agent's program cannot be used: {0}")]
    Program(String),
    /// The agent's program ended while it answered.
    #[error("the agent's program ended in the middle of its answer: {0}")]
    Died(String),
    /// What was wished for does not exist here.
    #[error("{0}")]
    Unwished(String),
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
    /// Tokens it can read at once, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// Thinks before it answers.
    pub reasoning: bool,
    /// Can be used now.
    pub available: bool,
}

impl Model {
    /// Another model of the same provider, or of the one that the name begins with.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        if self.is_called(name) {
            return self;
        }
        let (provider, id) = match name.split_once('/') {
            Some((provider, id)) if provider == self.provider => (provider.to_owned(), id),
            _ => (self.provider.clone(), name),
        };
        Self { id: id.to_owned(), name: id.to_owned(), provider, ..self }
    }

    /// Whether a name means this model: its id, or provider and id.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let full = name.strip_prefix(&self.provider).and_then(|rest| rest.strip_prefix('/'));
        self.id == name || full.is_some_and(|id| id == self.id)
    }
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

    /// How much it can be asked to think, the least first.
    fn thinking(&self) -> &'static [&'static str] {
        &["off"]
    }
}
