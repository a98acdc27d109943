//! Who there is to answer: every agent with its backend.

use super::backend::{Backend, BackendError, Model, Wishes};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// One agent.
pub struct Agent {
    /// Part of every key of its conversations.
    pub id: String,
    /// For people.
    pub name: String,
    /// What runs its turns.
    pub backend: Arc<dyn Backend>,
    /// Longest time of a run.
    pub timeout: Duration,
}

impl Agent {
    /// The model that answers when these wishes hold.
    #[must_use]
    pub fn model(&self, wishes: &Wishes) -> Model {
        let own = self.backend.model();
        match &wishes.model {
            Some(name) => own.named(name),
            None => own,
        }
    }

    /// Whether what is wished for exists here.
    ///
    /// # Errors
    /// What does not, and what there is instead.
    pub async fn check(&self, wishes: &Wishes) -> Result<(), BackendError> {
        let refused = |text: String| Err(BackendError::Unwished(text));
        if let Some(level) = &wishes.thinking {
            let levels = self.backend.thinking();
            if !levels.contains(&level.as_str()) {
                return refused(format!(
                    "unknown thinking level `{level}`; the agent `{}` has {}",
                    self.id,
                    levels.join(", ")
                ));
            }
        }
        if let Some(name) = &wishes.model {
            let models = self.backend.models().await;
            let fits = |m: &Model| m.is_called(name);
            // A list that nobody could ask for says nothing against a model.
            let complete = models.iter().any(|m| m.available);
            if complete && !models.iter().any(fits) {
                let known: Vec<&str> = models.iter().map(|m| m.id.as_str()).take(12).collect();
                return refused(format!(
                    "unknown model `{name}`; the agent `{}` has {}",
                    self.id,
                    known.join(", ")
                ));
            }
        }
        Ok(())
    }
}

/// All agents. Cheap to clone.
#[derive(Clone)]
pub struct Roster {
    first: Arc<Agent>,
    all: Arc<BTreeMap<String, Arc<Agent>>>,
}

impl Roster {
    /// The agent that answers when nobody else is named, and the others.
    #[must_use]
    pub fn new(first: Agent, others: Vec<Agent>) -> Self {
        let first = Arc::new(first);
        let mut all: BTreeMap<_, _> =
            others.into_iter().map(|agent| (agent.id.clone(), Arc::new(agent))).collect();
        all.insert(first.id.clone(), Arc::clone(&first));
        Self { first, all: Arc::new(all) }
    }

    /// The agent that answers when nobody else is named.
    #[must_use]
    pub fn first(&self) -> &Arc<Agent> {
        &self.first
    }

    /// The agent with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Arc<Agent>> {
        self.all.get(id)
    }

    /// All of them, the first one first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Agent>> {
        let others = self.all.values().filter(|agent| agent.id != self.first.id);
        std::iter::once(&self.first).chain(others)
    }
}
