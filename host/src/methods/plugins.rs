//! `plugins.*`: what is installed, what runs and what was refused, and why.

use super::{Access, Caller, Core, MethodError, Nothing, Shape, Table};
use crate::{plugins::PluginStatus, protocol::scope::Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use std::sync::Arc;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.now("plugins.list", Access::Operator(Scope::Read), list);
    table.now("plugins.inspect", Access::Operator(Scope::Read), inspect);
    table.later("plugins.reload", Access::Operator(Scope::Admin), reload).write_limited();
}

/// What `plugins.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PluginList {
    /// One row a package, enabled or not, refused or not.
    plugins: Vec<Shape>,
}

/// Names a plugin.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PluginParams {
    /// Its id.
    #[serde(alias = "id")]
    #[schemars(length(min = 1))]
    plugin_id: String,
}

fn list(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<PluginList, MethodError> {
    let row = |p: &PluginStatus| {
        let mut row = value!(p);
        row["name"] = value!(p.label);
        row
    };
    Ok(PluginList { plugins: core.plugins.list().iter().map(row).collect() })
}

fn inspect(core: &Arc<Core>, _: &Arc<Caller>, params: PluginParams) -> Result<Shape, MethodError> {
    let found = core.plugins.list().into_iter().find(|p| p.id == params.plugin_id);
    found.map(|p| value!({"plugin": p})).ok_or_else(|| unknown(&params.plugin_id))
}

async fn reload(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: PluginParams,
) -> Result<Shape, MethodError> {
    if !core.plugins.list().iter().any(|p| p.id == params.plugin_id && p.enabled) {
        return Err(unknown(&params.plugin_id));
    }
    core.plugins
        .restart(&params.plugin_id)
        .await
        .map_err(|refusal| MethodError::Invalid(refusal.to_string()))?;
    Ok(value!({"ok": true, "pluginId": params.plugin_id}))
}

fn unknown(id: &str) -> MethodError {
    MethodError::Invalid(format!(
        "unknown plugin: {id}; `jackfield plugins list` shows what is installed"
    ))
}
