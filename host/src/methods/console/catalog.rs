//! What consoles look for in catalogues of plugins and skills out on the network. This gateway asks
//! none, and says so; what is installed here is shown.
//!
//! Plugins are packages on this machine, and agents bring their own skills.

use crate::{
    methods::{Access, Caller, Core, MethodError, Shape, Table},
    plugins::PluginStatus,
    protocol::scope::Scope,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::sync::Arc;

/// How the id of an installed plugin begins.
const LOCAL: &str = "local_";
const NO_PLUGINS: &str = "this gateway asks no catalogue of plugins; \
     its plugins are packages on its machine: `jackfield plugins list`";
const NO_SKILLS: &str =
    "this gateway asks no catalogue of skills; agents bring their own, see their documentation";

/// Adds the family.
pub fn add(table: &mut Table) {
    let read = Access::Operator(Scope::Read);
    table.now("plugins.catalog.browse", read, browse);
    table.now("plugins.catalog.get", read, one);
    table.now("plugins.catalog.categories", read, |_, _, _: Anything| none(NO_PLUGINS));
    table.now("plugins.search", read, |_, _, _: Anything| none(NO_PLUGINS));
    table.now("skills.search", read, |_, _, _: Anything| none(NO_SKILLS));
    table.now("skills.detail", read, |_, _, _: Anything| none(NO_SKILLS));
    table.now("skills.library.list", read, library);
}

/// Parameters that change nothing.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Anything {}

fn none(text: &str) -> Result<Shape, MethodError> {
    Err(MethodError::Unavailable(text.to_owned()))
}

/// Parameters of `plugins.catalog.browse`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct BrowseParams {
    /// Which shelf: `all`, `bundled`, or one that only a catalogue has.
    #[serde(default)]
    intent: Option<String>,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    cursor: Option<String>,
}

/// What `plugins.catalog.browse` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shelf {
    items: Vec<Shape>,
    remote_error: &'static str,
}

fn browse(core: &Arc<Core>, _: &Arc<Caller>, params: BrowseParams) -> Result<Shelf, MethodError> {
    let here = params.intent.as_deref().is_none_or(|intent| intent == "all")
        && params.category.is_none()
        && params.cursor.is_none();
    let sought = params.query.unwrap_or_default().trim().to_lowercase();
    let fits = |p: &PluginStatus| {
        [&p.id, &p.label, &p.channel].iter().any(|text| text.to_lowercase().contains(&sought))
    };
    let installed = core.plugins.list();
    let items = installed.iter().filter(|p| here && fits(p)).map(entry).collect();
    Ok(Shelf { items, remote_error: NO_PLUGINS })
}

/// An installed plugin as catalogues show it.
fn entry(plugin: &PluginStatus) -> Value {
    value!({
        "id": format!("{LOCAL}{}", URL_SAFE_NO_PAD.encode(&plugin.id)),
        "catalog": {
            "name": plugin.label, "official": false, "categories": ["channels"],
            "latestVersion": plugin.version,
        },
        "local": {
            "present": true, "installed": true, "enabled": plugin.enabled,
            "state": if plugin.enabled { "enabled" } else { "disabled" },
            "pluginId": plugin.id, "action": "manage",
        },
    })
}

/// Names an entry.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct EntryParams {
    #[schemars(length(min = 1))]
    id: String,
}

fn one(core: &Arc<Core>, _: &Arc<Caller>, params: EntryParams) -> Result<Shape, MethodError> {
    let Some(name) = params.id.strip_prefix(LOCAL) else { return none(NO_PLUGINS) };
    let name = URL_SAFE_NO_PAD.decode(name).unwrap_or_default();
    let found = core.plugins.list().into_iter().find(|p| p.id.as_bytes() == name);
    let found = found.ok_or_else(|| {
        MethodError::Invalid("unknown local plugin; `plugins.list` shows what is there".to_owned())
    })?;
    Ok(entry(&found))
}

/// Nobody keeps skills here, so nobody owns or changes any.
fn library(_: &Arc<Core>, _: &Arc<Caller>, _: Anything) -> Result<Shape, MethodError> {
    Ok(value!({
        "entries": [], "profileId": null, "multipleProfiles": false,
        "defaultTarget": "unavailable", "canManageWorkspace": false, "defaultSelectionLimit": 0,
    }))
}
