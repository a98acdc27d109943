//! What an agent asks before it acts, and who is asked.
//!
//! Must not know: who decides, and how they are reached.

use futures_util::future::BoxFuture;

/// Something an agent wants to do.
#[derive(Clone, Debug)]
pub struct Question {
    /// The run.
    pub run_id: String,
    /// Its conversation.
    pub session_key: String,
    /// The agent.
    pub agent_id: String,
    /// The call of a tool that waits for the answer.
    pub tool_call_id: String,
    /// What it wants to do, for people.
    pub command: String,
    /// Where it works.
    pub cwd: Option<String>,
    /// It may be allowed once for all.
    pub always: bool,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This once.
    AllowOnce,
    /// From now on.
    AllowAlways,
    /// Not at all; also when nobody decided.
    Deny,
}

/// Asks people.
pub trait Approver: Send + Sync + 'static {
    /// Waits for a decision; dropping the future takes the question back.
    fn ask(&self, question: Question) -> BoxFuture<'static, Decision>;
}
