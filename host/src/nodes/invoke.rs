//! Commands under way: sent to a node, and waiting for its answer.
//!
//! Each waits for exactly one of: the node's result, its time running out, the node's connection
//! ending. A result that comes later finds nobody and is ignored.

use super::{
    Nodes,
    allowlist::{self, Kind},
    approved_surface,
    platform::Platform,
    progress::Progress,
};
use crate::{
    clock,
    events::ConnNumber,
    protocol::{event, frame::json},
};
use serde_json::{Value, json as value};
use std::{collections::HashMap, time::Duration};
use tokio::sync::oneshot;

/// Commands under way at once, over all nodes.
const INVOKES_MAX: usize = 256;
/// Time a command has when its caller names none.
pub const DEFAULT: Duration = Duration::from_secs(30);
/// A node's code for "ask again".
const NOT_READY: &str = "NODE_NOT_READY";
/// Pauses before it is asked again.
const READY_WAITS: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
];
/// Longest time a caller may name.
pub const LONGEST: Duration = Duration::from_hours(1);

/// A command for a node.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the wire's own names")]
pub struct Invoke {
    pub node_id: String,
    pub command: String,
    pub params: Option<Value>,
    pub timeout: Duration,
    pub idempotency_key: String,
    pub session_key: Option<String>,
    /// The connection that hears what the node says meanwhile.
    pub listener: Option<ConnNumber>,
}

/// What a node answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Whether it did it.
    pub ok: bool,
    /// The result as a value.
    pub payload: Option<Value>,
    /// The result as JSON text; nodes send one or the other.
    pub payload_json: Option<String>,
    /// Code and text of its refusal.
    pub error: Option<(String, String)>,
}

/// Why a command brought no result.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// No such node.
    #[error("node pairing changed while invocation was active")]
    Unknown,
    /// It is paired, but not here.
    #[error("node not connected")]
    NotConnected,
    /// It may not do that.
    #[error("{text}")]
    NotAllowed {
        /// For people.
        text: String,
        /// For programs.
        reason: &'static str,
    },
    /// Too many commands are under way.
    #[error("The server is busy. Please try again in a moment.")]
    Busy,
    /// No answer in time.
    #[error("TIMEOUT: node invoke timed out")]
    Timeout,
    /// The node's connection ended meanwhile.
    #[error("DISCONNECTED: node disconnected ({0})")]
    Disconnected(String),
    /// The node refused.
    #[error("{code}: {message}")]
    Refused {
        /// The node's code.
        code: String,
        /// The node's text.
        message: String,
    },
}

#[derive(Debug)]
struct Waiting {
    conn: ConnNumber,
    progress: Progress,
    answer: oneshot::Sender<Answer>,
}

/// Commands that wait for an answer, by id.
#[derive(Debug, Default)]
pub(super) struct Pending(HashMap<String, Waiting>);

impl Pending {
    /// Lets go of all commands of a connection; dropping the sender tells those who wait.
    pub(super) fn disconnected(&mut self, conn: ConnNumber) {
        self.0.retain(|_, waiting| waiting.conn != conn);
    }
}

impl Nodes {
    /// Sends a command to a node and waits for its answer. A node that says it is not ready yet is
    /// asked again within the same time.
    ///
    /// # Errors
    /// See [`InvokeError`]; the first check that fails.
    pub async fn invoke(&self, invoke: Invoke) -> Result<Answer, InvokeError> {
        let begun = self.clock.monotonic();
        let left = || invoke.timeout.saturating_sub(begun.elapsed());
        let mut waits = READY_WAITS.into_iter();
        loop {
            let ended = self.once(&invoke, left()).await;
            match (&ended, waits.next()) {
                (Err(InvokeError::Refused { code, .. }), Some(wait)) if code == NOT_READY => {
                    tokio::time::sleep(wait.min(left())).await;
                    if left().is_zero() {
                        return Err(InvokeError::Timeout);
                    }
                }
                _ => return ended,
            }
        }
    }

    async fn once(&self, invoke: &Invoke, timeout: Duration) -> Result<Answer, InvokeError> {
        let conn = self.admit(invoke)?;
        let id = clock::uuid();
        let (sender, mut answer) = oneshot::channel();
        {
            let mut state = self.lock();
            if state.invokes.0.len() >= INVOKES_MAX {
                return Err(InvokeError::Busy);
            }
            let progress = Progress::to(invoke.listener);
            state.invokes.0.insert(id.clone(), Waiting { conn, progress, answer: sender });
        }
        let under_way = UnderWay { nodes: self, id: &id, conn, node_id: &invoke.node_id };
        let request = json(&request(&id, invoke, timeout));
        if !self.events.send_to(conn, event::NODE_INVOKE_REQUEST, &request) {
            self.lock().invokes.0.remove(&id);
            return Err(InvokeError::NotConnected);
        }
        let answered = tokio::time::timeout(timeout, &mut answer).await;
        drop(under_way);
        let answer = match answered {
            Err(_) => return Err(InvokeError::Timeout),
            Ok(Err(_)) => return Err(InvokeError::Disconnected(invoke.command.clone())),
            Ok(Ok(answer)) => answer,
        };
        if answer.ok {
            return Ok(answer);
        }
        let (code, message) = answer
            .error
            .unwrap_or_else(|| ("UNAVAILABLE".to_owned(), "node invoke failed".to_owned()));
        Err(InvokeError::Refused { code, message })
    }

    /// The checks, in the order of the wire.
    fn admit(&self, invoke: &Invoke) -> Result<ConnNumber, InvokeError> {
        let device = self.device(&invoke.node_id).ok_or(InvokeError::Unknown)?;
        let live = self.lock().live.get(&invoke.node_id).cloned();
        let live = live.ok_or(InvokeError::NotConnected)?;
        let declared = &live.declared;
        let kind = Kind {
            platform: Platform::of(&declared.platform, declared.device_family.as_deref()),
            family: declared.device_family.as_deref(),
            caps: &declared.caps,
        };
        let command = &invoke.command;
        let not_allowed = |text, reason| Err(InvokeError::NotAllowed { text, reason });
        if !self.policy.allows(kind, command) {
            return not_allowed(self.policy.why_not(kind, command), "command not allowlisted");
        }
        if !live.declared_any {
            let text = "node command not allowed: the node did not declare any supported commands";
            return not_allowed(text.to_owned(), "node did not declare commands");
        }
        let undeclared = "command not declared by node";
        if !declared.commands.contains(command) {
            let platform = kind.platform.word();
            let text = format!(
                "node command not allowed: the node (platform: {platform}) does not support \"{command}\""
            );
            return not_allowed(text, undeclared);
        }
        let approved = approved_surface(&device).is_some_and(|s| s.commands.contains(command));
        if !approved {
            let text = "node command not allowed: the node's declared command surface is pending approval; run `openclaw nodes pending`, then `openclaw nodes approve <requestId>`";
            return not_allowed(text.to_owned(), undeclared);
        }
        Ok(live.conn)
    }

    /// Hands a node's answer to whoever waits for it; false when nobody does.
    pub fn answer(&self, conn: ConnNumber, id: &str, mut answer: Answer) -> bool {
        let mut state = self.lock();
        if state.invokes.0.get(id).is_none_or(|waiting| waiting.conn != conn) {
            return false;
        }
        let waiting = state.invokes.0.remove(id);
        drop(state);
        waiting.is_some_and(|waiting| {
            // Whoever has begun to work was ready; asking again might do it twice.
            let not_ready = answer.error.as_ref().is_some_and(|(code, _)| code == NOT_READY);
            if not_ready && waiting.progress.begun() {
                let text = "node reported not-ready after invocation progress";
                answer.error = Some(("UNAVAILABLE".to_owned(), text.to_owned()));
            }
            waiting.answer.send(answer).is_ok()
        })
    }

    /// Passes a piece of progress on; false when nobody has use for it.
    pub fn progress(
        &self,
        conn: ConnNumber,
        node_id: &str,
        id: &str,
        seq: u64,
        piece: String,
    ) -> bool {
        let mut state = self.lock();
        let waiting = state.invokes.0.get_mut(id).filter(|waiting| waiting.conn == conn);
        let Some(waiting) = waiting else { return false };
        let Some(ready) = waiting.progress.take(seq, piece) else { return false };
        let listener = waiting.progress.listener();
        // Under the lock: two pieces must not overtake each other on their way out.
        Progress::tell(listener, &self.events, id, node_id, ready);
        true
    }
}

/// A command on its way: when the wait ends without an answer, for whatever reason, the node is
/// told that nobody waits any more.
struct UnderWay<'a> {
    nodes: &'a Nodes,
    id: &'a str,
    conn: ConnNumber,
    node_id: &'a str,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if self.nodes.lock().invokes.0.remove(self.id).is_some() {
            let cancel = json(&value!({"invokeId": self.id, "nodeId": self.node_id}));
            // A node that is gone needs no telling.
            let _ = self.nodes.events.send_to(self.conn, event::NODE_INVOKE_CANCEL, &cancel);
        }
    }
}

fn request(id: &str, invoke: &Invoke, timeout: Duration) -> Value {
    let mut request = value!({
        "id": id, "nodeId": invoke.node_id, "command": invoke.command,
        "paramsJSON": invoke.params.as_ref().map(Value::to_string),
        "timeoutMs": u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
        "idempotencyKey": invoke.idempotency_key,
    });
    if let Some(key) = &invoke.session_key {
        request["sessionKey"] = Value::from(key.as_str());
    }
    request
}

/// The right that invoking a command takes.
pub use allowlist::invoke_scope;
