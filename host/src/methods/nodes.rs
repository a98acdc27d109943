//! `node.*`: what operators see of nodes and do with them, and what nodes report.
//!
//! A node takes part only after a person approved its commands; until then its calls are told that
//! its pairing has changed, which makes it try again later.

pub mod invoke;
pub mod mailbox;
pub mod pair;
pub mod report;
pub mod signal;
pub mod voicewake;

use super::{Access, Caller, Core, MethodError, Nothing, Table};
use crate::{nodes::rows::NodeRow, protocol::scope::Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use std::sync::Arc;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.now("node.list", Access::Operator(Scope::Read), list);
    table.now("node.describe", Access::Operator(Scope::Read), describe);
    pair::add(table);
    invoke::add(table);
    mailbox::add(table);
    report::add(table);
    signal::add(table);
    voicewake::add(table);
}

/// Parameters that name a node.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeParams {
    #[schemars(length(min = 1))]
    node_id: String,
}

/// What `node.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NodeList {
    ts: u64,
    nodes: Vec<NodeRow>,
}

fn list(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<NodeList, MethodError> {
    Ok(NodeList { ts: core.clock.now_ms(), nodes: core.nodes.rows() })
}

/// What `node.describe` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Described {
    ts: u64,
    #[serde(flatten)]
    node: NodeRow,
}

fn describe(
    core: &Arc<Core>,
    _: &Arc<Caller>,
    params: NodeParams,
) -> Result<Described, MethodError> {
    let device = core.nodes.device(params.node_id.trim()).ok_or_else(unknown_node)?;
    Ok(Described { ts: core.clock.now_ms(), node: core.nodes.row(&device) })
}

fn unknown_node() -> MethodError {
    MethodError::Invalid("unknown nodeId".to_owned())
}

/// The node behind a connection of that role.
///
/// # Errors
/// When the connection has no device; the door lets no such node in.
fn own_node(caller: &Caller) -> Result<&str, MethodError> {
    let id = caller.principal.device_id.as_deref();
    id.ok_or_else(|| MethodError::Invalid("nodeId required".to_owned()))
}

/// The node behind a connection, once a person approved it.
///
/// # Errors
/// Until then; the node tries again later.
fn approved_node<'a>(core: &Core, caller: &'a Caller) -> Result<&'a str, MethodError> {
    let id = own_node(caller)?;
    let here = core.nodes.connection(id) == Some(caller.conn);
    if here && core.nodes.takes_part(id) {
        Ok(id)
    } else {
        Err(pairing_changed("node pairing changed while invocation was active"))
    }
}

fn pairing_changed(text: &str) -> MethodError {
    MethodError::UnavailableWith(text.to_owned(), value!({"code": "PAIRING_CHANGED"}), true)
}
