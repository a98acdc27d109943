//! What agents ask before they act, put before the people who may decide.
//!
//! Nobody there to decide means no. A question that its run no longer waits for is taken back.

use crate::{
    agent::{Approver, Decision, Question},
    approvals::{Approvals, Verdict, Waiting},
    clock::{Clock, uuid},
    events::Events,
    protocol::{event, frame::json},
};
use futures_util::future::BoxFuture;
use serde_json::{Value, json as value};
use std::{sync::Arc, time::Duration};

/// How long a question waits, milliseconds.
const WAIT_MS: u64 = 30 * 60 * 1000;
/// No connection: whoever asks is the gateway itself.
const NOBODY: u64 = 0;

/// Asks by the approvals of the wire.
pub struct Desk {
    approvals: Arc<Approvals>,
    events: Events,
    clock: Clock,
}

/// A question under way; dropped, it is taken back.
struct Open {
    id: String,
    request: Value,
    approvals: Arc<Approvals>,
    events: Events,
    clock: Clock,
    ended: bool,
}

impl Desk {
    /// Asks by these approvals.
    #[must_use]
    pub fn new(approvals: Arc<Approvals>, events: Events, clock: Clock) -> Self {
        Self { approvals, events, clock }
    }

    fn open(&self, question: &Question) -> Option<(Open, Waiting)> {
        let mut offered = vec!["allow-once".to_owned()];
        if question.always {
            offered.push("allow-always".to_owned());
        }
        offered.push("deny".to_owned());
        let mut request = value!({
            "command": question.command, "commandArgv": null, "cwd": question.cwd,
            "host": "gateway", "agentId": question.agent_id, "sessionKey": question.session_key,
            "runId": question.run_id, "toolCallId": question.tool_call_id,
            "allowedDecisions": offered,
        });
        for absent in [
            "systemRunBinding",
            "systemRunPlan",
            "nodeId",
            "security",
            "ask",
            "warningText",
            "scope",
            "resolvedPath",
            "sessionId",
        ] {
            request[absent] = Value::Null;
        }
        let id = uuid();
        let asked = self.approvals.ask(id.clone(), request.clone(), offered, WAIT_MS);
        let waiting = match asked {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::warn!(%error, "an agent's question is denied");
                return None;
            }
        };
        let open = Open {
            id,
            request,
            approvals: Arc::clone(&self.approvals),
            events: self.events.clone(),
            clock: self.clock.clone(),
            ended: false,
        };
        Some((open, waiting))
    }
}

impl Approver for Desk {
    fn ask(&self, question: Question) -> BoxFuture<'static, Decision> {
        let Some((open, waiting)) = self.open(&question) else {
            return Box::pin(async { Decision::Deny });
        };
        if !self.events.reaches(event::EXEC_APPROVAL_REQUESTED, NOBODY) {
            tracing::info!(run = question.run_id, "denied: nobody is there to decide");
            self.approvals.lapse(&open.id, "no-route");
            open.settle();
            return Box::pin(async { Decision::Deny });
        }
        self.events.publish(event::EXEC_APPROVAL_REQUESTED, &json(&waiting.approval.shown()));
        Box::pin(async move {
            let came =
                tokio::time::timeout(Duration::from_millis(WAIT_MS), waiting.verdict()).await;
            if came.is_err() {
                open.approvals.lapse(&open.id, "timeout");
            }
            let Ok(Verdict { decision: Some(decision), .. }) = came else {
                return Decision::Deny;
            };
            open.settle();
            match decision.as_str() {
                "allow-once" => Decision::AllowOnce,
                "allow-always" => Decision::AllowAlways,
                _ => Decision::Deny,
            }
        })
    }
}

impl Open {
    /// It ended, and nobody needs to be told.
    fn settle(mut self) {
        self.ended = true;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.approvals.lapse(&self.id, "run-aborted");
        let payload = value!({
            "id": self.id, "decision": "deny", "resolvedBy": "gateway",
            "ts": self.clock.now_ms(), "request": self.request,
        });
        self.events.publish(event::EXEC_APPROVAL_RESOLVED, &json(&payload));
    }
}
