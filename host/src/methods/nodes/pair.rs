//! `node.pair.*` and `node.rename`: a person decides what a node may do.

use super::{NodeParams, unknown_node};
use crate::{
    devices::{Device, DeviceError},
    events::Close,
    methods::{
        Access, Caller, Core, MethodError, Nothing, Responder, Shape, Table,
        devices::rights::Rights, reply,
    },
    nodes::{allowlist, rows},
    protocol::{
        event,
        frame::json,
        scope::{Role, Scope},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use std::sync::Arc;

const PAIRING: Access = Access::Operator(Scope::Pairing);

/// Adds them.
pub fn add(table: &mut Table) {
    table.now("node.pair.list", PAIRING, list);
    table.later("node.pair.approve", PAIRING, approve);
    table.later("node.pair.reject", PAIRING, reject);
    table.streamed::<NodeParams, Removed, _, _>("node.pair.remove", PAIRING, remove);
    table.later("node.rename", PAIRING, rename);
}

/// What `node.pair.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PairList {
    pending: Vec<Shape>,
    paired: Vec<Shape>,
}

fn list(core: &Arc<Core>, caller: &Arc<Caller>, _: Nothing) -> Result<PairList, MethodError> {
    let rights = Rights::of(&caller.principal);
    let seen = |row: &Shape| rights.may_touch(row["nodeId"].as_str().unwrap_or_default());
    Ok(PairList {
        pending: core.nodes.waiting_rows().into_iter().filter(|row| seen(row)).collect(),
        paired: core.nodes.approved_rows().into_iter().filter(|row| seen(row)).collect(),
    })
}

/// Parameters that name a request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestParams {
    #[schemars(length(min = 1))]
    request_id: String,
}

/// What an approval answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approved {
    request_id: String,
    node: Shape,
}

async fn approve(
    core: Arc<Core>,
    caller: Arc<Caller>,
    params: RequestParams,
) -> Result<Approved, MethodError> {
    let request_id = params.request_id.trim();
    let (node_id, waiting) = core.nodes.request(request_id).ok_or(DeviceError::UnknownRequest)?;
    if !Rights::of(&caller.principal).may_touch(&node_id) {
        return Err(DeviceError::UnknownRequest.into());
    }
    let needed = allowlist::approve_scopes(&waiting.commands);
    if let Some(scope) = needed.into_iter().find(|s| !caller.principal.scopes.allows(*s)) {
        return Err(MethodError::MissingScope(scope));
    }
    let device = core.nodes.approve(request_id).await?;
    tracing::info!(node = node_id, by = caller.conn_id, "node approved");
    publish_resolved(&core, request_id, &node_id, "approved");
    let node = rows::approved_device_row(&device).ok_or_else(unknown_node)?;
    Ok(Approved { request_id: request_id.to_owned(), node })
}

/// What a rejection answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rejected {
    request_id: String,
    node_id: String,
}

async fn reject(
    core: Arc<Core>,
    caller: Arc<Caller>,
    params: RequestParams,
) -> Result<Rejected, MethodError> {
    let request_id = params.request_id.trim();
    let (node_id, _) = core.nodes.request(request_id).ok_or(DeviceError::UnknownRequest)?;
    if !Rights::of(&caller.principal).may_touch(&node_id) {
        return Err(DeviceError::UnknownRequest.into());
    }
    core.nodes.reject(request_id).await?;
    publish_resolved(&core, request_id, &node_id, "rejected");
    Ok(Rejected { request_id: request_id.to_owned(), node_id })
}

/// What a removal answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    node_id: String,
}

async fn remove(core: Arc<Core>, caller: Arc<Caller>, params: NodeParams, to: Responder) {
    let node_id = params.node_id.trim().to_owned();
    let result = if Rights::of(&caller.principal).may_touch(&node_id) {
        core.nodes.remove(&node_id).await.map_err(told)
    } else {
        Err(unknown_node())
    };
    if reply(&to, result.map(|()| Removed { node_id: node_id.clone() })) {
        tracing::info!(node = node_id, by = caller.conn_id, "node removed");
        let close = Close::new(4001, "device removed");
        core.events.close_device(&node_id, Some(Role::Node), &close);
        publish_resolved(&core, "", &node_id, "removed");
    }
}

/// Parameters of `node.rename`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenameParams {
    #[schemars(length(min = 1))]
    node_id: String,
    #[schemars(length(min = 1))]
    display_name: String,
}

/// What a renaming answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Renamed {
    node_id: String,
    display_name: String,
}

async fn rename(
    core: Arc<Core>,
    caller: Arc<Caller>,
    params: RenameParams,
) -> Result<Renamed, MethodError> {
    let node_id = params.node_id.trim().to_owned();
    let display_name = params.display_name.trim().to_owned();
    if display_name.is_empty() {
        return Err(MethodError::Invalid("displayName required".to_owned()));
    }
    if !Rights::of(&caller.principal).may_touch(&node_id) {
        return Err(MethodError::Invalid("node rename denied".to_owned()));
    }
    let known: Option<Device> = core.nodes.device(&node_id);
    known.ok_or_else(unknown_node)?;
    core.auth.devices().rename(&node_id, &display_name).await.map_err(told)?;
    core.events.publish(event::DEVICE_PAIR_CHANGED, &json(&value!({})));
    Ok(Renamed { node_id, display_name })
}

/// Tells operators, and the node itself, that a request was answered.
pub fn publish_resolved(core: &Core, request_id: &str, node_id: &str, decision: &str) {
    let payload = json(&value!({
        "requestId": request_id, "nodeId": node_id, "decision": decision,
        "ts": core.clock.now_ms(),
    }));
    core.events.publish(event::NODE_PAIR_RESOLVED, &payload);
    if let Some(conn) = core.nodes.connection(node_id) {
        // A node that has just gone will learn it from its next hello.
        let _ = core.events.send_to(conn, event::NODE_PAIR_RESOLVED, &payload);
    }
}

/// The registry speaks of devices; here the caller named a node.
fn told(error: DeviceError) -> MethodError {
    match error {
        DeviceError::UnknownDevice => unknown_node(),
        other => other.into(),
    }
}
