//! `models.list`: what the agent can think with.

use super::{Access, Caller, Core, MethodError, Table};
use crate::{
    agent::{Agent, backend::Model},
    protocol::scope::Scope,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("models.list", Access::Operator(Scope::Read), list);
}

/// Parameters of `models.list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListParams {
    /// Which of them.
    #[serde(default)]
    #[serde(rename = "view")]
    _view: Option<String>,
    /// Of another agent than the default one.
    #[serde(default)]
    agent_id: Option<String>,
    /// Of the agent of this conversation.
    #[serde(default)]
    session_key: Option<String>,
}

/// What `models.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ModelList {
    models: Vec<ModelRow>,
}

/// One model with what can be chosen beside it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelRow {
    #[serde(flatten)]
    model: Model,
    tags: Vec<String>,
    thinking_levels: Vec<Level>,
    thinking_default: &'static str,
}

/// One word for how much to think.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Level {
    id: &'static str,
    label: &'static str,
}

async fn list(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ListParams,
) -> Result<ModelList, MethodError> {
    let agent = match &params.session_key {
        Some(given) => core.agent_in(&super::chat::canonical(&core, given)?)?,
        None => core.agent(params.agent_id.as_deref())?,
    };
    let levels = levels(agent);
    let models = agent.backend.models().await;
    let row = |model| ModelRow {
        model,
        tags: Vec::new(),
        thinking_default: levels[0].id,
        thinking_levels: levels.clone(),
    };
    Ok(ModelList { models: models.into_iter().map(row).collect() })
}

/// How much an agent can be asked to think.
#[must_use]
pub fn levels(agent: &Agent) -> Vec<Level> {
    agent.backend.thinking().iter().map(|id| Level { id, label: id }).collect()
}
