//! What a run is asked for, and what becomes of the request.

use super::{
    CommitHook, File,
    backend::Wishes,
    handle::{Finished, Handle},
};
use crate::{events::ConnNumber, store::StoreError};
use std::{sync::Arc, time::Duration};

/// What a run is asked for.
pub struct Start {
    /// Names the run; the caller's idempotency key.
    pub run_id: String,
    /// Canonical key of the conversation.
    pub session_key: String,
    /// Who answers.
    pub agent_id: String,
    /// What was said.
    pub text: String,
    /// What came with it.
    pub files: Vec<File>,
    /// Names the message within the conversation.
    pub message_key: String,
    /// The channel it came by.
    pub channel: Option<String>,
    /// Longest time; the agent's when absent.
    pub timeout: Option<Duration>,
    /// What this message wants otherwise than its conversation does.
    pub wishes: Wishes,
    /// The connection that asked; it is told of tools if it wants to know.
    pub owner: Option<ConnNumber>,
    /// Runs in the transaction that stores the answer.
    pub commit: Option<CommitHook>,
}

/// What became of a request to begin.
#[derive(Debug)]
pub enum Begun {
    /// A new run.
    New(Handle),
    /// The same id is under way.
    InFlight(Handle),
    /// The same id has ended.
    Ended(Arc<Finished>),
}

/// Why a run was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Too many runs wait.
    #[error("too many runs wait")]
    Busy,
    /// The same id was used for another text.
    #[error("this idempotency key was used for another message")]
    Conflict,
    /// The gateway is stopping.
    #[error("the gateway is stopping")]
    Stopping,
    /// There is no such agent.
    #[error("unknown agent id: {0}")]
    UnknownAgent(String),
    /// The message could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}
