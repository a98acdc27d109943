//! `node.pending.*`: notes that wait until a sleeping node wakes.

use super::{approved_node, own_node, pairing_changed};
use crate::{
    methods::{Access, Caller, Core, MethodError, Nothing, Shape, Table},
    nodes::mailbox::{Note, NoteKind, Priority},
    protocol::scope::Scope,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const CHANGED: &str = "node pairing changed while pending work was active";

/// Adds them.
pub fn add(table: &mut Table) {
    table.now("node.pending.enqueue", Access::Operator(Scope::Write), enqueue);
    table.now("node.pending.drain", Access::Node, drain);
    table.now("node.pending.pull", Access::Node, pull);
    table.now("node.pending.ack", Access::Node, ack);
}

/// Parameters of `node.pending.enqueue`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnqueueParams {
    #[schemars(length(min = 1))]
    node_id: String,
    #[serde(rename = "type")]
    kind: NoteKind,
    #[serde(default)]
    priority: Option<Priority>,
    #[serde(default)]
    #[schemars(range(min = 1000, max = 86_400_000))]
    expires_in_ms: Option<u64>,
}

/// What was left for the node.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Enqueued {
    node_id: String,
    revision: u64,
    queued: Note,
    /// Always false: this gateway has no push service to wake a device with.
    wake_triggered: bool,
}

fn enqueue(
    core: &Arc<Core>,
    _: &Arc<Caller>,
    params: EnqueueParams,
) -> Result<Enqueued, MethodError> {
    let node_id = params.node_id.trim().to_owned();
    if core.nodes.device(&node_id).is_none() {
        return Err(pairing_changed(CHANGED));
    }
    let priority = params.priority.unwrap_or(Priority::Normal);
    let (revision, queued) =
        core.nodes.leave_note(&node_id, params.kind, priority, params.expires_in_ms);
    Ok(Enqueued { node_id, revision, queued, wake_triggered: false })
}

/// Parameters of `node.pending.drain`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DrainParams {
    #[serde(default)]
    #[schemars(range(min = 1, max = 10))]
    max_items: Option<usize>,
}

/// What waited for the node.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drained {
    node_id: String,
    revision: u64,
    items: Vec<Note>,
    has_more: bool,
}

fn drain(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    params: DrainParams,
) -> Result<Drained, MethodError> {
    let node_id = ready(core, caller)?.to_owned();
    let drained = core.nodes.drain_notes(&node_id, params.max_items);
    Ok(Drained {
        node_id,
        revision: drained.revision,
        items: drained.notes,
        has_more: drained.more,
    })
}

/// Commands that wait for the node to come to the foreground; this gateway holds none back.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pulled {
    node_id: String,
    actions: Vec<Shape>,
}

fn pull(core: &Arc<Core>, caller: &Arc<Caller>, _: Nothing) -> Result<Pulled, MethodError> {
    Ok(Pulled { node_id: ready(core, caller)?.to_owned(), actions: Vec::new() })
}

/// Parameters of `node.pending.ack`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct AckParams {
    ids: Vec<String>,
}

/// What is still held back.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Acked {
    node_id: String,
    acked_ids: Vec<String>,
    remaining_count: usize,
}

fn ack(core: &Arc<Core>, caller: &Arc<Caller>, params: AckParams) -> Result<Acked, MethodError> {
    let node_id = ready(core, caller)?.to_owned();
    Ok(Acked { node_id, acked_ids: params.ids, remaining_count: 0 })
}

fn ready<'a>(core: &Core, caller: &'a Caller) -> Result<&'a str, MethodError> {
    own_node(caller)?;
    approved_node(core, caller).map_err(|_| pairing_changed(CHANGED))
}
