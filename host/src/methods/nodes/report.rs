//! What a node tells of itself after its hello: workers, skills, tools of its extensions.

use super::{approved_node, own_node};
use crate::{
    canvas,
    methods::{Access, Caller, Core, MethodError, Nothing, Shape, Table},
    protocol::{
        event,
        frame::json,
        scope::{Role, Scope},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use std::{collections::BTreeMap, sync::Arc};

/// Entries of one report.
const ENTRIES_MAX: usize = 256;

/// Adds them.
pub fn add(table: &mut Table) {
    table.now("node.runnerInventory.update", Access::Node, runners).hidden();
    table.now("node.skills.update", Access::Node, skills);
    table.now("node.pluginTools.update", Access::Node, tools);
    table.now("node.pluginSurface.refresh", Access::Node, surface);
    table.now("plugin.surface.refresh", Access::Operator(Scope::Read), surface);
    table.now("skills.bins", Access::Node, bins);
}

/// Parameters of `node.runnerInventory.update`; nothing in them is used here.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct RunnersParams {}

/// Whose report was taken.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Noted {
    node_id: String,
}

/// Waits for the approval like everything that changes what a node can do; the text tells the
/// person at the node what to type.
fn runners(core: &Arc<Core>, caller: &Arc<Caller>, _: RunnersParams) -> Result<Noted, MethodError> {
    let node_id = own_node(caller)?.to_owned();
    let waiting = core.nodes.waiting(&node_id).filter(|_| !core.nodes.takes_part(&node_id));
    if let Some(waiting) = waiting {
        let text = format!(
            "node capability surface is awaiting operator approval; run `openclaw nodes approve {}` (see `openclaw nodes pending`), then this node retries automatically",
            waiting.request_id
        );
        return Err(MethodError::Unavailable(text));
    }
    approved_node(core, caller)?;
    let changed = json(&value!({"nodeId": node_id}));
    core.events.publish(event::NODE_RUNNERS_CHANGED, &changed);
    Ok(Noted { node_id })
}

/// Parameters of `node.skills.update`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SkillsParams {
    #[schemars(length(max = 256))]
    skills: Vec<Skill>,
}

/// A skill that lies on the node.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct Skill {
    #[schemars(length(min = 1, max = 64))]
    name: String,
    #[schemars(length(min = 1, max = 1024))]
    description: String,
    #[serde(skip_serializing)]
    #[serde(rename = "content")]
    #[schemars(length(min = 1, max = 65_536))]
    _content: String,
}

/// Which of a node's skills are used.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkillsNoted {
    node_id: String,
    skills: Vec<Skill>,
}

/// The backends bring their own skills; those of nodes are read and not used, and the answer says so.
fn skills(
    _: &Arc<Core>,
    caller: &Arc<Caller>,
    params: SkillsParams,
) -> Result<SkillsNoted, MethodError> {
    let node_id = own_node(caller)?.to_owned();
    tracing::debug!(node = node_id, count = params.skills.len(), "skills of a node are not used");
    Ok(SkillsNoted { node_id, skills: Vec::new() })
}

/// Parameters of `node.pluginTools.update`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ToolsParams {
    tools: Vec<Shape>,
}

/// Which tools are shown with the node.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ToolsNoted {
    node_id: String,
    tools: Vec<Shape>,
}

fn tools(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    params: ToolsParams,
) -> Result<ToolsNoted, MethodError> {
    let node_id = own_node(caller)?.to_owned();
    if params.tools.len() > ENTRIES_MAX {
        let text = format!("at /tools: must not have more than {ENTRIES_MAX} items");
        return Err(MethodError::Invalid(text));
    }
    core.nodes.plugin_tools(&node_id, params.tools.clone());
    Ok(ToolsNoted { node_id, tools: params.tools })
}

/// Parameters of `node.pluginSurface.refresh`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SurfaceParams {
    #[serde(default)]
    surface: Option<String>,
}

/// A surface's new address.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SurfaceAddress {
    surface: String,
    plugin_surface_urls: BTreeMap<String, String>,
    /// When it ends unless it is used, milliseconds.
    expires_at_ms: u64,
}

fn surface(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    params: SurfaceParams,
) -> Result<SurfaceAddress, MethodError> {
    if caller.principal.role == Role::Node {
        own_node(caller)?;
    }
    let asked = params.surface.unwrap_or_default();
    let name = asked.trim();
    if name.is_empty() {
        return Err(MethodError::Invalid("surface required".to_owned()));
    }
    let Some(canvas) = core.canvas.as_ref().filter(|_| name == canvas::SURFACE) else {
        return Err(MethodError::Unavailable(format!("{name} plugin surface unavailable")));
    };
    let (address, expires_at_ms) = canvas.address(caller.conn, &caller.principal.peer.base_url());
    let plugin_surface_urls = BTreeMap::from([(name.to_owned(), address)]);
    Ok(SurfaceAddress { surface: name.to_owned(), plugin_surface_urls, expires_at_ms })
}

/// Programs that skills need on a node.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Bins {
    bins: Vec<String>,
}

fn bins(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Bins, MethodError> {
    Ok(Bins { bins: Vec::new() })
}
