//! Runs: a message in, an answer streamed out, exactly one terminal state whatever dies.
//!
//! One run per conversation at a time, in order of arrival, and a cap over all conversations. A
//! backend only produces steps; what they look like on the wire, what is stored and when a run is
//! over is decided here. Must not know: methods, sockets, channels.

pub mod acp;
mod answer;
pub mod approver;
pub mod backend;
pub mod broadcast;
pub mod commands;
mod digest;
pub mod echo;
mod files;
pub mod handle;
pub mod lanes;
mod mailbox;
pub mod openai;
pub mod pi;
pub mod program;
mod record;
pub mod roster;
pub mod run;
pub mod runs;
mod seats;
pub mod start;
mod turns;

pub use approver::{Approver, Decision, Question};
pub use backend::{Backend, BackendError, Prompt, Said, Step, Usage, Wishes};
pub use files::{File, told};
pub use handle::{Finished, Handle, RunState};
pub use roster::{Agent, Roster};
pub use runs::Runs;
pub use start::{Begun, RunError, Start};

use futures_util::future::BoxFuture;

/// Work to do in the same transaction that stores a run's answer.
pub type CommitHook =
    Box<dyn FnOnce(&rusqlite::Connection, &Outcome) -> rusqlite::Result<()> + Send>;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeStatus {
    /// It answered.
    Ok,
    /// It failed.
    Error,
    /// It was called off.
    Aborted,
    /// It took too long.
    Timeout,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub status: OutcomeStatus,
    /// The answer, or what there was of it.
    pub text: String,
    /// Why it failed, for people.
    pub error: Option<String>,
}

/// A run that a channel message asks for.
pub struct Turn {
    /// Names the run; the same id never runs twice.
    pub run_id: String,
    /// The conversation.
    pub session_key: String,
    /// Who answers.
    pub agent_id: String,
    /// What was said.
    pub text: String,
    /// What came with it.
    pub files: Vec<File>,
    /// Names the message within the conversation; a second append under it is ignored.
    pub message_key: String,
    /// The channel it came by.
    pub channel: Option<String>,
    /// Runs in the transaction that stores the answer.
    pub commit: Option<CommitHook>,
}

/// Runs turns for those who must not know more: the message pipe.
pub trait Turns: Send + Sync + 'static {
    /// Runs a turn to its end, whatever the end is.
    fn run(&self, turn: Turn) -> BoxFuture<'static, Outcome>;
    /// The answer so far of a run under way.
    fn partial(&self, run_id: &str) -> Option<String>;
    /// Calls a run off because something newer was said, and waits for its end.
    fn supersede(&self, session_key: &str, run_id: &str) -> BoxFuture<'static, ()>;
}
