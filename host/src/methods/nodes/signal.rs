//! `node.event`: what happens on a node. A name this gateway does nothing with is answered so.

use super::approved_node;
use crate::{
    agent::{Begun, Start, Wishes},
    clock,
    methods::{Access, Caller, Core, MethodError, Shape, Table, chat},
    protocol::{event, frame::json, key},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::sync::Arc;

/// A sign of life is stored at most this often, milliseconds.
const ALIVE_EVERY_MS: u64 = 30_000;
/// Longest transcript or request of a node, bytes.
const TEXT_MAX: usize = 64 * 1024;
/// Largest report of a machine's figures, bytes.
const STATS_MAX: usize = 4096;

/// Adds it.
pub fn add(table: &mut Table) {
    table.later("node.event", Access::Node, event);
}

/// Parameters of `node.event`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct EventParams {
    #[schemars(length(min = 1))]
    event: String,
    #[serde(default)]
    payload: Option<Value>,
    #[serde(default, rename = "payloadJSON")]
    payload_json: Option<String>,
}

/// What was done with it.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Handled {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Taken, with nothing to say about it.
fn plain() -> Handled {
    Handled { ok: true, ..Handled::default() }
}

fn said(event: &str, handled: bool, reason: &'static str) -> Handled {
    Handled {
        ok: true,
        event: Some(event.to_owned()),
        handled: Some(handled),
        reason: Some(reason),
    }
}

async fn event(
    core: Arc<Core>,
    caller: Arc<Caller>,
    params: EventParams,
) -> Result<Handled, MethodError> {
    let node_id = approved_node(&core, &caller)?;
    let name = params.event.as_str();
    let text = params.payload_json.as_deref();
    let payload = match text.map(serde_json::from_str::<Value>) {
        Some(Ok(payload)) => payload,
        Some(Err(_)) => return Ok(said(name, false, "invalid_payload")),
        None => params.payload.unwrap_or_default(),
    };
    match name {
        "node.presence.alive" => alive(&core, node_id, &payload).await,
        "node.presence.activity" => Ok(said(name, false, "permission_required")),
        "node.host.stats" => Ok(stats(&core, node_id, payload)),
        "chat.subscribe" | "chat.unsubscribe" => follow(&core, &caller, name, &payload),
        "voice.transcript" => begin(&core, name, &payload, "text").await,
        "agent.request" => begin(&core, name, &payload, "message").await,
        "exec.started" | "exec.finished" | "exec.denied" => {
            Ok(said(name, false, "unmatched_exec_event"))
        }
        "notifications.changed" => {
            tracing::debug!(node = node_id, "notifications changed on a node");
            Ok(plain())
        }
        _ => Ok(said(name, false, "unsupported_event")),
    }
}

async fn alive(core: &Core, node_id: &str, payload: &Value) -> Result<Handled, MethodError> {
    let trigger = payload["trigger"].as_str().unwrap_or("alive");
    let reason: String = trigger.chars().take(64).collect();
    let stored = core.nodes.alive(node_id, &reason, ALIVE_EVERY_MS).await?;
    Ok(said("node.presence.alive", true, if stored { "persisted" } else { "throttled" }))
}

fn stats(core: &Core, node_id: &str, payload: Value) -> Handled {
    const NAME: &str = "node.host.stats";
    if payload["cpuCount"].as_u64().is_none() || payload.to_string().len() > STATS_MAX {
        return said(NAME, false, "invalid_payload");
    }
    let Some(stats) = core.nodes.host_stats(node_id, payload) else {
        return said(NAME, false, "stale_connection");
    };
    let payload = value!({"nodeId": node_id, "hostStats": stats});
    core.events.publish(event::NODE_HOST_STATS, &json(&payload));
    said(NAME, true, "updated")
}

fn follow(
    core: &Core,
    caller: &Caller,
    name: &str,
    payload: &Value,
) -> Result<Handled, MethodError> {
    let Some(given) = payload["sessionKey"].as_str() else {
        return Ok(said(name, false, "invalid_payload"));
    };
    let key = chat::canonical(core, given)?;
    if name == "chat.unsubscribe" {
        caller.subscriber.unfollow(&key);
    } else if !caller.subscriber.follow(&key) {
        return Err(MethodError::Invalid("too many conversations are followed".to_owned()));
    }
    Ok(plain())
}

/// What a person said to a node begins a turn of the agent, in the conversation the node names or
/// the main one.
async fn begin(
    core: &Core,
    name: &str,
    payload: &Value,
    field: &str,
) -> Result<Handled, MethodError> {
    let text = payload[field].as_str().unwrap_or_default().trim();
    if text.is_empty() || text.len() > TEXT_MAX {
        return Ok(said(name, false, "invalid_payload"));
    }
    let given: &Shape = &payload["sessionKey"];
    let session_key = chat::canonical(core, given.as_str().unwrap_or(key::MAIN))?;
    let run_id = payload["eventId"].as_str().map_or_else(clock::uuid, |id| format!("node:{id}"));
    let start = Start {
        files: Vec::new(),
        message_key: format!("client:{run_id}"),
        agent_id: core.agent_in(&session_key)?.id.clone(),
        run_id,
        session_key,
        text: text.to_owned(),
        channel: None,
        timeout: None,
        wishes: Wishes::default(),
        owner: None,
        commit: None,
    };
    if let Begun::New(handle) = core.runs.begin(start).await? {
        handle.release();
    }
    Ok(plain())
}
