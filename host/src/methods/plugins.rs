//! `plugins.*`: what is installed, what runs and what was refused, and why.

use super::{Access, Caller, Core, MethodError, Nothing, Shape, Table};
use crate::{plugins::PluginStatus, protocol::scope::Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use std::{path::PathBuf, sync::Arc};

/// Adds the family.
pub fn add(table: &mut Table) {
    table.now("plugins.list", Access::Operator(Scope::Read), list);
    table.now("plugins.inspect", Access::Operator(Scope::Read), inspect);
    table.later("plugins.reload", Access::Operator(Scope::Admin), reload);
    table.later("plugins.upgrade", Access::Operator(Scope::Admin), upgrade);
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

/// Parameters of `plugins.reload`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReloadParams {
    /// Its id.
    #[serde(alias = "id")]
    #[schemars(length(min = 1))]
    plugin_id: String,
    /// Stop it first and start it from scratch, instead of handing over.
    #[serde(default)]
    restart: Option<bool>,
}

/// Parameters of `plugins.upgrade`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct UpgradeParams {
    /// A package on the gateway's machine: its folder, its manifest or its library.
    #[schemars(length(min = 1))]
    path: PathBuf,
}

fn list(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<PluginList, MethodError> {
    let row = |p: &PluginStatus| {
        let mut row = value!(p);
        row["name"] = value!(p.label);
        row
    };
    Ok(PluginList { plugins: core.plugins.measured().iter().map(row).collect() })
}

fn inspect(core: &Arc<Core>, _: &Arc<Caller>, params: PluginParams) -> Result<Shape, MethodError> {
    let found = core.plugins.measured().into_iter().find(|p| p.id == params.plugin_id);
    found.map(|p| value!({"plugin": p})).ok_or_else(|| unknown(&params.plugin_id))
}

async fn reload(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ReloadParams,
) -> Result<Shape, MethodError> {
    let id = &params.plugin_id;
    if !core.plugins.list().iter().any(|p| p.id == *id && p.enabled) {
        return Err(unknown(id));
    }
    let done = match params.restart {
        Some(true) => core.plugins.restart(id).await,
        _ => core.plugins.reload(id).await,
    };
    done.map_err(|refusal| MethodError::Invalid(refusal.to_string()))?;
    Ok(changed(&core, id))
}

async fn upgrade(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: UpgradeParams,
) -> Result<Shape, MethodError> {
    if !params.path.is_absolute() {
        let text = format!("`path` must be absolute, not {}", params.path.display());
        return Err(MethodError::Invalid(text));
    }
    let done = core.plugins.upgrade(&params.path).await;
    let (id, _) = done.map_err(|refusal| MethodError::Invalid(refusal.to_string()))?;
    Ok(changed(&core, &id))
}

/// What runs now, and how the change went.
fn changed(core: &Core, id: &str) -> Shape {
    let plugin = core.plugins.list().into_iter().find(|p| p.id == id);
    let version = plugin.as_ref().map(|p| p.version.clone());
    let swap = plugin.and_then(|p| p.last_swap);
    value!({"ok": true, "pluginId": id, "version": version, "swap": swap})
}

fn unknown(id: &str) -> MethodError {
    MethodError::Invalid(format!(
        "unknown plugin: {id}; `jackfield plugins list` shows what is installed"
    ))
}
