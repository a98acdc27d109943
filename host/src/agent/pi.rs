//! The backend that is Pi, a coding agent, in its RPC mode: one process a conversation.
//!
//! Pi keeps conversations in files of its own, by the id of our transcript; one it does not know is
//! told what was said. Must not know: events, storage, who asks.

mod live;
mod wire;

use super::{
    Approver,
    backend::{Backend, BackendError, Model, Prompt, Step},
    digest,
    program::Program,
    seats::Seats,
};
use crate::config::agent::Permission;
use futures_util::future::BoxFuture;
use live::Live;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// How long a list of models is good.
const MODELS_FOR: Duration = Duration::from_mins(5);
/// How long Pi may take to list its models.
const MODELS_WITHIN: Duration = Duration::from_secs(20);

/// Pi. Cheap to clone.
#[derive(Clone)]
pub struct Pi {
    shared: Arc<Shared>,
}

struct Shared {
    seats: Arc<Seats<Live>>,
    permission: Permission,
    approver: Arc<dyn Approver>,
    /// The model it answered with at last.
    model: Mutex<Option<Model>>,
    models: tokio::sync::Mutex<Option<(Instant, Vec<Model>)>>,
}

impl Pi {
    /// Pi behind a program; nothing is started yet.
    #[must_use]
    pub fn new(program: Program, permission: Permission, approver: Arc<dyn Approver>) -> Self {
        let (model, models) = (Mutex::default(), tokio::sync::Mutex::default());
        let seats = Seats::new(program);
        Self { shared: Arc::new(Shared { seats, permission, approver, model, models }) }
    }
}

impl Backend for Pi {
    fn run(
        &self,
        prompt: Prompt,
        steps: mpsc::Sender<Step>,
    ) -> BoxFuture<'static, Result<(), BackendError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.answer(prompt, steps).await })
    }

    fn model(&self) -> Model {
        let known = self.shared.model.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone().unwrap_or_else(|| Model {
            id: "pi".to_owned(),
            name: "Pi".to_owned(),
            provider: "pi".to_owned(),
            context_window: None,
            reasoning: false,
            available: true,
        })
    }

    fn models(&self) -> BoxFuture<'_, Vec<Model>> {
        Box::pin(self.shared.models(self.model()))
    }

    fn history(&self) -> u32 {
        self.shared.seats.program().settings.history
    }

    fn thinking(&self) -> &'static [&'static str] {
        &["off", "minimal", "low", "medium", "high", "xhigh", "max"]
    }
}

impl Shared {
    async fn answer(&self, prompt: Prompt, steps: mpsc::Sender<Step>) -> Result<(), BackendError> {
        let mut sitting = self.seats.take(&prompt.session_key).await;
        let seat = sitting.worker();
        // A process is in one conversation for its whole life.
        if seat.as_ref().is_none_or(|live| !live.is_in(&prompt.session_id)) {
            *seat = None;
            *seat = Some(Live::start(self.seats.program(), Some(&prompt.session_id)).await?);
        }
        let live = seat.as_mut().ok_or(BackendError::Unheard)?;
        if let Err(error) = live.choose(&prompt.wishes).await {
            let refused = matches!(error, BackendError::Unwished(_));
            if refused {
                sitting.finish();
            }
            return Err(error);
        }
        *self.model.lock().unwrap_or_else(PoisonError::into_inner) = live.first_model();
        let text = if live.is_new() { digest::of(&prompt) } else { prompt.text.clone() };
        let ended = live.say(&prompt, text, (self.permission, &*self.approver), &steps).await;
        // What is left in the middle of an answer must become quiet first.
        if live.is_quiet() {
            sitting.finish();
        }
        ended
    }

    async fn models(&self, own: Model) -> Vec<Model> {
        let mut kept = self.models.lock().await;
        let now = self.seats.program().ground.clock.monotonic();
        if let Some((until, models)) = kept.as_ref()
            && now < *until
        {
            return models.clone();
        }
        match tokio::time::timeout(MODELS_WITHIN, self.ask_models()).await {
            Ok(Ok((first, models))) if !models.is_empty() => {
                *self.model.lock().unwrap_or_else(PoisonError::into_inner) = first;
                *kept = Some((now + MODELS_FOR, models.clone()));
                models
            }
            failed => {
                let why = match failed {
                    Ok(Err(error)) => error.to_string(),
                    Ok(Ok(_)) => "it has none".to_owned(),
                    Err(_) => "it takes too long".to_owned(),
                };
                tracing::warn!(why, "Pi does not list its models");
                vec![Model { available: false, ..own }]
            }
        }
    }

    /// The model it begins with, and all it has.
    async fn ask_models(&self) -> Result<(Option<Model>, Vec<Model>), BackendError> {
        let mut live = Live::start(self.seats.program(), None).await?;
        let models = live.models().await?;
        Ok((live.first_model(), models))
    }
}

#[cfg(test)]
mod tests;
