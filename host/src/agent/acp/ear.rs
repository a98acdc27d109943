//! What an agent says by itself: updates for the run that listens, and questions for permission.
//!
//! Without a run nobody listens: an agent that speaks before it is spoken to, or repeats an old
//! conversation while it loads it, is not heard.

use super::{
    choice::{self, Decider},
    tools::Calls,
};
use crate::{
    agent::{Approver, Decision, Question, mailbox::Mailbox},
    config::agent::Permission,
};
use agent_client_protocol::v1::schema::{
    RequestPermissionOutcome, RequestPermissionRequest, SessionId, SessionNotification,
};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// The ear of one process.
pub(super) struct Ear {
    policy: Permission,
    approver: Arc<dyn Approver>,
    run: Mutex<Option<Listening>>,
}

/// The run that listens.
pub(super) struct Listening {
    pub(super) talk: SessionId,
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) template: Question,
    pub(super) calls: Calls,
    /// Told when the run is called off.
    pub(super) off: CancellationToken,
}

impl Ear {
    pub(super) fn new(policy: Permission, approver: Arc<dyn Approver>) -> Self {
        Self { policy, approver, run: Mutex::default() }
    }

    /// Listens for a run, or for none.
    pub(super) fn listen(&self, run: Option<Listening>) {
        if let Some(before) = std::mem::replace(&mut *self.run(), run) {
            before.off.cancel();
        }
    }

    /// Questions under way are answered with nothing; updates are still heard.
    pub(super) fn call_off(&self) {
        if let Some(run) = self.run().as_ref() {
            run.off.cancel();
        }
    }

    pub(super) fn hear(&self, said: SessionNotification) {
        let mut run = self.run();
        let Some(run) = run.as_mut().filter(|run| run.talk == said.session_id) else { return };
        for step in run.calls.steps(said.update) {
            run.mailbox.post(step);
        }
    }

    /// Answers a question for permission.
    pub(super) async fn decide(
        &self,
        request: &RequestPermissionRequest,
    ) -> RequestPermissionOutcome {
        let (question, off) = {
            let run = self.run();
            let Some(run) = run.as_ref().filter(|run| run.talk == request.session_id) else {
                return RequestPermissionOutcome::Cancelled;
            };
            (choice::question(&run.template, request), run.off.clone())
        };
        let decision = match choice::decider(self.policy, request) {
            Decider::Settled(decision) => Some(decision),
            Decider::Person => off.run_until_cancelled(self.approver.ask(question)).await,
        };
        match decision {
            Some(decision) => {
                let denied = decision == Decision::Deny;
                tracing::info!(denied, call = %request.tool_call.tool_call_id, "an agent asked");
                choice::outcome(&request.options, decision)
            }
            None => RequestPermissionOutcome::Cancelled,
        }
    }

    fn run(&self) -> std::sync::MutexGuard<'_, Option<Listening>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
