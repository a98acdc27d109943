//! `models.list`: what the agent can think with.

use super::{Access, Caller, Core, MethodError, Table};
use crate::{agent::backend::Model, protocol::scope::Scope};
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
}

/// What `models.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ModelList {
    models: Vec<Model>,
}

async fn list(core: Arc<Core>, _: Arc<Caller>, _: ListParams) -> Result<ModelList, MethodError> {
    Ok(ModelList { models: core.runs.models().await })
}
