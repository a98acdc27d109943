//! `node.invoke` and the node's side of it.

use super::{own_node, pairing_changed};
use crate::{
    canvas::a2ui,
    methods::{Access, Caller, Core, MethodError, Responder, Table, heavy},
    nodes::{
        allowlist,
        invoke::{self as run, Answer, InvokeError},
    },
    protocol::{
        FRAME_BYTES_MAX,
        frame::{Json, json},
        scope::Scope,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{
    Value, json as value,
    value::{RawValue, to_raw_value},
};
use std::{sync::Arc, time::Duration};

/// What a response says beside its payload, at most; a request's own id may be longer.
const ENVELOPE_BYTES: usize = 1 << 10;
/// Longest piece of progress, bytes.
const CHUNK_MAX: usize = 16_384;

/// Adds them.
pub fn add(table: &mut Table) {
    let right = Access::Decided(right);
    table.streamed::<InvokeParams, Invoked, _, _>("node.invoke", right, invoke);
    table.now("node.invoke.result", Access::Node, result);
    table.now("node.invoke.progress", Access::Node, progress);
}

fn right(params: &Value) -> Scope {
    run::invoke_scope(params["command"].as_str().unwrap_or_default().trim())
}

/// Parameters of `node.invoke`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvokeParams {
    #[schemars(length(min = 1))]
    node_id: String,
    #[schemars(length(min = 1))]
    command: String,
    #[serde(default)]
    params: Option<Value>,
    #[serde(default)]
    timeout_ms: Option<u64>,
    #[schemars(length(min = 1))]
    idempotency_key: String,
    #[serde(default)]
    session_key: Option<String>,
}

/// What a node answered.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invoked {
    ok: bool,
    node_id: String,
    command: String,
    /// The result, as JSON where it is JSON.
    #[schemars(with = "Value")]
    payload: Box<RawValue>,
    /// The result as the node wrote it; left out when no frame has room for both.
    #[serde(rename = "payloadJSON")]
    payload_json: Option<String>,
}

async fn invoke(core: Arc<Core>, caller: Arc<Caller>, params: InvokeParams, to: Responder) {
    match carry_out(&core, &caller, params).await {
        Ok(invoked) => to.deliver(&invoked).await,
        Err(error) => to.fail(&error.into()),
    }
}

async fn carry_out(
    core: &Core,
    caller: &Caller,
    params: InvokeParams,
) -> Result<Json, MethodError> {
    let (node_id, command) = (params.node_id.trim(), params.command.trim());
    if node_id.is_empty() || command.is_empty() {
        return Err(MethodError::Invalid("nodeId and command required".to_owned()));
    }
    let refuse =
        |text: &str| Err(MethodError::InvalidWith(text.to_owned(), value!({"command": command})));
    if allowlist::is_private(command) {
        return refuse("node.invoke does not allow private node controls");
    }
    if command.starts_with("system.execApprovals.") {
        return refuse(
            "node.invoke does not allow system.execApprovals.*; use exec.approvals.node.*",
        );
    }
    if a2ui::concerns(command)
        && let Err(why) = a2ui::check(params.params.as_ref().unwrap_or(&Value::Null))
    {
        return refuse(&format!("{command}: {why}"));
    }
    let asked = params.timeout_ms.filter(|ms| *ms > 0).map(Duration::from_millis);
    let call = run::Invoke {
        node_id: node_id.to_owned(),
        command: command.to_owned(),
        params: params.params.clone(),
        timeout: asked.unwrap_or(run::DEFAULT).min(run::LONGEST),
        idempotency_key: params.idempotency_key.clone(),
        session_key: params.session_key.clone(),
        listener: caller.subscriber.node_progress.then_some(caller.conn),
    };
    let answered = tokio::select! {
        answered = core.nodes.invoke(call) => answered,
        () = core.stop.cancelled() => {
            return Err(MethodError::Unavailable("the gateway is stopping".to_owned()));
        }
    };
    let answer = answered.map_err(|error| failure(error, command))?;
    // How large a value is would take as long to find out as to write it.
    let bytes = answer.payload_json.as_ref().map_or(usize::MAX, String::len);
    Ok(heavy(bytes, || invoked(node_id, command, answer)))
}

/// The result as it is told.
fn invoked(node_id: &str, command: &str, answer: Answer) -> Json {
    let payload: serde_json::Result<Box<RawValue>> = match &answer.payload_json {
        Some(text) => serde_json::from_str(text).or_else(|_| to_raw_value(text)),
        None => to_raw_value(&answer.payload),
    };
    let mut invoked = Invoked {
        ok: true,
        node_id: node_id.to_owned(),
        command: command.to_owned(),
        payload: payload.expect("text and values are JSON"),
        payload_json: answer.payload_json,
    };
    let told = json(&invoked);
    if told.get().len() + ENVELOPE_BYTES <= FRAME_BYTES_MAX || invoked.payload_json.is_none() {
        return told;
    }
    invoked.payload_json = None;
    json(&invoked)
}

/// The wire's form of a failed command.
fn failure(error: InvokeError, command: &str) -> MethodError {
    let text = error.to_string();
    let node = |code: &str, message: &str, dispatched: bool| {
        value!({
            "code": code, "nodeError": {"code": code, "message": message},
            "nodeCommandDispatched": dispatched,
        })
    };
    match error {
        InvokeError::Unknown => pairing_changed(&text),
        InvokeError::NotConnected => {
            let details = node("NOT_CONNECTED", &text, false);
            MethodError::UnavailableWith(text, details, true)
        }
        InvokeError::NotAllowed { text, reason } => {
            MethodError::InvalidWith(text, value!({"reason": reason, "command": command}))
        }
        InvokeError::Busy => MethodError::Unavailable(text),
        InvokeError::Timeout => {
            let details = node("TIMEOUT", "node invoke timed out", true);
            MethodError::UnavailableWith(text, details, false)
        }
        InvokeError::Disconnected(command) => {
            let message = format!("node disconnected ({command})");
            let details = node("DISCONNECTED", &message, true);
            MethodError::UnavailableWith(text, details, false)
        }
        InvokeError::Refused { code, message } => {
            let details = node(&code, &message, true);
            MethodError::UnavailableWith(text, details, false)
        }
    }
}

/// Parameters of `node.invoke.result`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResultParams {
    #[schemars(length(min = 1))]
    id: String,
    #[schemars(length(min = 1))]
    node_id: String,
    ok: bool,
    #[serde(default)]
    payload: Option<Value>,
    #[serde(default, rename = "payloadJSON")]
    payload_json: Option<String>,
    #[serde(default)]
    error: Option<NodeError>,
}

/// A node's refusal.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct NodeError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// What happened to an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Taken {
    ok: bool,
    /// Nobody waits for it any more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ignored: bool,
}

fn result(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    params: ResultParams,
) -> Result<Taken, MethodError> {
    matching(caller, &params.node_id)?;
    let error = params.error.map(|error| {
        let code = error.code.unwrap_or_else(|| "UNAVAILABLE".to_owned());
        (code, error.message.unwrap_or_else(|| "node invoke failed".to_owned()))
    });
    let ResultParams { ok, payload, payload_json, .. } = params;
    let answer = Answer { ok, payload, payload_json, error };
    let taken = core.nodes.answer(caller.conn, &params.id, answer);
    Ok(Taken { ok: true, ignored: !taken })
}

/// Parameters of `node.invoke.progress`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressParams {
    #[schemars(length(min = 1))]
    invoke_id: String,
    #[schemars(length(min = 1))]
    node_id: String,
    seq: u64,
    chunk: String,
}

/// What happened to a piece of progress.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Heard {
    ok: bool,
    /// Nobody has use for it.
    ignored: bool,
}

fn progress(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    params: ProgressParams,
) -> Result<Heard, MethodError> {
    matching(caller, &params.node_id)?;
    if params.chunk.len() > CHUNK_MAX {
        return Err(MethodError::Invalid("progress chunk too large".to_owned()));
    }
    let ProgressParams { invoke_id, node_id, seq, chunk } = params;
    let heard = core.nodes.progress(caller.conn, &node_id, &invoke_id, seq, chunk);
    Ok(Heard { ok: true, ignored: !heard })
}

/// A node speaks for itself only.
fn matching(caller: &Caller, node_id: &str) -> Result<(), MethodError> {
    if own_node(caller)? == node_id {
        Ok(())
    } else {
        Err(MethodError::Invalid("nodeId mismatch".to_owned()))
    }
}
