//! Runs as the message pipe sees them: one turn from words to an outcome.

use super::{Begun, Outcome, OutcomeStatus, Runs, Start, Turn, Turns, Wishes};
use futures_util::future::BoxFuture;

impl Turns for Runs {
    fn run(&self, turn: Turn) -> BoxFuture<'static, Outcome> {
        let runs = self.clone();
        Box::pin(async move {
            let start = Start {
                run_id: turn.run_id,
                session_key: turn.session_key,
                agent_id: turn.agent_id,
                text: turn.text,
                message_key: turn.message_key,
                channel: turn.channel,
                timeout: None,
                wishes: Wishes::default(),
                owner: None,
                commit: turn.commit,
            };
            match runs.begin(start).await {
                Ok(Begun::New(handle) | Begun::InFlight(handle)) => {
                    handle.release();
                    handle.end().await.outcome.clone()
                }
                Ok(Begun::Ended(end)) => end.outcome.clone(),
                Err(error) => Outcome {
                    status: OutcomeStatus::Error,
                    text: String::new(),
                    error: Some(error.to_string()),
                },
            }
        })
    }

    fn partial(&self, run_id: &str) -> Option<String> {
        match self.find(run_id)? {
            Begun::New(handle) | Begun::InFlight(handle) => Some(handle.state.partial()),
            Begun::Ended(end) => Some(end.outcome.text.clone()),
        }
    }

    fn supersede(&self, session_key: &str, run_id: &str) -> BoxFuture<'static, ()> {
        let (runs, key, id) = (self.clone(), session_key.to_owned(), run_id.to_owned());
        Box::pin(async move {
            runs.abort(&key, Some(&id), "superseded").await;
        })
    }
}
