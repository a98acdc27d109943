//! The backend that is a program speaking the Agent Client Protocol: one process a conversation.
//!
//! The agent keeps its own memory of a conversation and is asked to load it after a restart; one that
//! cannot is told what was said. Must not know: events, storage, who asks.

mod choice;
mod ear;
mod live;
mod tools;

use super::{
    Approver,
    backend::{Backend, BackendError, Model, Prompt, Step},
    digest,
    mailbox::Mailbox,
    program::{Mask, Program},
    seats::Seats,
};
use crate::config::agent::Permission;
use futures_util::future::BoxFuture;
use live::Live;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// Who provides the models, on the wire.
const PROVIDER: &str = "acp";
/// How long an agent may take to list its models.
const MODELS_WITHIN: Duration = Duration::from_secs(20);
/// The seat of the process that is asked for models before there is a conversation.
const ASKED_SEAT: &str = "";

/// The agent. Cheap to clone.
#[derive(Clone)]
pub struct Acp {
    shared: Arc<Shared>,
}

struct Shared {
    seats: Arc<Seats<Live>>,
    permission: Permission,
    approver: Arc<dyn Approver>,
    /// What the agent said it can think with, the current one first.
    models: Mutex<Vec<String>>,
}

impl Acp {
    /// The agent behind a program; nothing is started yet.
    #[must_use]
    pub fn new(program: Program, permission: Permission, approver: Arc<dyn Approver>) -> Self {
        let (seats, models) = (Seats::new(program), Mutex::default());
        Self { shared: Arc::new(Shared { seats, permission, approver, models }) }
    }
}

impl Backend for Acp {
    fn run(
        &self,
        prompt: Prompt,
        steps: mpsc::Sender<Step>,
    ) -> BoxFuture<'static, Result<(), BackendError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.answer(prompt, steps).await })
    }

    fn model(&self) -> Model {
        let known = self.shared.known_models();
        let name = known.first().cloned().unwrap_or_else(|| self.shared.program_name());
        model(&name)
    }

    fn models(&self) -> BoxFuture<'_, Vec<Model>> {
        Box::pin(async {
            if self.shared.known_models().is_empty() {
                let asked = tokio::time::timeout(MODELS_WITHIN, self.shared.ask_models()).await;
                if let Ok(Err(error)) = asked {
                    tracing::warn!(%error, "the agent does not list its models");
                }
            }
            let known = self.shared.known_models();
            if known.is_empty() {
                return vec![Model { available: false, ..self.model() }];
            }
            known.iter().map(|name| model(name)).collect()
        })
    }

    fn history(&self) -> u32 {
        self.shared.seats.program().settings.history
    }

    fn thinking(&self) -> &'static [&'static str] {
        &["off", "minimal", "low", "medium", "high", "xhigh"]
    }
}

impl Shared {
    async fn answer(
        &self,
        mut prompt: Prompt,
        steps: mpsc::Sender<Step>,
    ) -> Result<(), BackendError> {
        let mut sitting = self.seats.take(&prompt.session_key).await;
        let live = self.seated(sitting.worker()).await?;
        let fresh = live.enter(&mut prompt).await?;
        if let Some(id) = fresh.new_id {
            steps.send(Step::KnownAs(id)).await.map_err(|_| BackendError::Unheard)?;
        }
        self.remember(live);
        if let Err(error) = live.choose(&prompt.wishes).await {
            sitting.finish();
            return Err(error);
        }
        let text = if fresh.remembers { prompt.text.clone() } else { digest::of(&prompt) };
        let (mailbox, mask) = (Arc::new(Mailbox::default()), self.seats.program().mask());
        live.say(&prompt, text, Arc::clone(&mailbox))?;
        loop {
            let ended = tokio::select! {
                // What was said first: an end that is given up in the middle is lost.
                biased;
                came = mailbox.next() => {
                    let came = came.map_err(|_| overflow())?;
                    pass_on(came, &mask, &steps).await?;
                    continue;
                }
                ended = live.ended() => ended,
            };
            pass_on(mailbox.drain().map_err(|_| overflow())?, &mask, &steps).await?;
            sitting.finish();
            if let Some(usage) = ended? {
                steps.send(Step::Usage(usage)).await.map_err(|_| BackendError::Unheard)?;
            }
            return Ok(());
        }
    }

    /// The program of a seat, started when there is none.
    async fn seated<'a>(&self, seat: &'a mut Option<Live>) -> Result<&'a mut Live, BackendError> {
        if seat.is_none() {
            let program = self.seats.program();
            let live = Live::start(program, self.permission, Arc::clone(&self.approver)).await;
            *seat = Some(live?);
        }
        seat.as_mut().ok_or(BackendError::Unheard)
    }

    async fn ask_models(&self) -> Result<(), BackendError> {
        let mut sitting = self.seats.take(ASKED_SEAT).await;
        let live = self.seated(sitting.worker()).await?;
        live.enter(&mut Prompt::default()).await?;
        self.remember(live);
        // It has done what it was started for.
        *sitting.worker() = None;
        Ok(())
    }

    fn remember(&self, live: &Live) {
        let models = live.models();
        if !models.is_empty() {
            *self.models.lock().unwrap_or_else(PoisonError::into_inner) = models;
        }
    }

    fn known_models(&self) -> Vec<String> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn program_name(&self) -> String {
        let command = self.seats.program().settings.command.first();
        let path = command.map(std::path::Path::new).and_then(std::path::Path::file_name);
        path.map_or_else(|| PROVIDER.to_owned(), |name| name.to_string_lossy().into_owned())
    }
}

fn model(name: &str) -> Model {
    Model {
        id: name.to_owned(),
        name: name.to_owned(),
        provider: PROVIDER.to_owned(),
        context_window: None,
        reasoning: false,
        available: true,
    }
}

async fn pass_on(
    came: impl IntoIterator<Item = Step>,
    mask: &Mask,
    steps: &mpsc::Sender<Step>,
) -> Result<(), BackendError> {
    for step in came {
        steps.send(mask.step(step)).await.map_err(|_| BackendError::Unheard)?;
    }
    Ok(())
}

fn overflow() -> BackendError {
    BackendError::Broken("it says more than can be passed on".to_owned())
}
