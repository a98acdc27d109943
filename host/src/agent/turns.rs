//! Runs as the message pipe sees them: one turn from words to an outcome.

use super::{
    Begun, Outcome, OutcomeStatus, RunError, Runs, Start, Turn, Turns, Wishes, commands::Command,
};
use futures_util::future::BoxFuture;

impl Runs {
    /// Carries an order out that came instead of words, and stores what must be stored with its answer.
    async fn order(&self, turn: Turn, command: Command) -> Outcome {
        let failed = |error: String| Outcome {
            status: OutcomeStatus::Error,
            text: String::new(),
            error: Some(error),
        };
        let Some(agent) = self.roster().find(&turn.agent_id) else {
            return failed(RunError::UnknownAgent(turn.agent_id).to_string());
        };
        let stops = command == Command::Stop;
        let mut text = self.carry_out(&turn.session_key, agent, command).await;
        if stops {
            // The pipe called the answer off when the order came in; nothing is left to stop here.
            "Stopped.".clone_into(&mut text);
        }
        let outcome = Outcome { status: OutcomeStatus::Ok, text, error: None };
        let Some(hook) = turn.commit else { return outcome };
        let stored = outcome.clone();
        match self.store().write(move |c| hook(c, &stored)).await {
            Ok(()) => outcome,
            Err(error) => failed(error.to_string()),
        }
    }
}

impl Turns for Runs {
    fn run(&self, turn: Turn) -> BoxFuture<'static, Outcome> {
        let runs = self.clone();
        Box::pin(async move {
            if let Some(command) = Command::parse(&turn.text) {
                return runs.order(turn, command).await;
            }
            let start = Start {
                run_id: turn.run_id,
                session_key: turn.session_key,
                agent_id: turn.agent_id,
                text: turn.text,
                files: turn.files,
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
