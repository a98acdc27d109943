//! `chat.*`: say something in a conversation, read it, call a run off.

pub mod history;

use super::{Access, Caller, Core, MethodError, Responder, Shape, Table, files};
use crate::{
    agent::{Begun, OutcomeStatus, Start, Wishes, broadcast, commands::Command},
    protocol::{frame::json, scope::Scope},
    store::transcripts,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::{sync::Arc, time::Duration};

/// Adds the family.
pub fn add(table: &mut Table) {
    table.streamed::<SendParams, SendAck, _, _>("chat.send", Access::Operator(Scope::Write), send);
    table.streamed::<SessionSendParams, SendAck, _, _>(
        "sessions.send",
        Access::Operator(Scope::Write),
        send_in,
    );
    table.later("chat.abort", Access::Operator(Scope::Write), abort);
    table.later("chat.inject", Access::Operator(Scope::Admin), inject).hidden();
    history::add(table);
}

/// Parameters of `chat.send`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendParams {
    #[schemars(length(min = 1))]
    session_key: String,
    message: String,
    #[schemars(length(min = 1))]
    idempotency_key: String,
    #[serde(default)]
    attachments: Vec<Value>,
    #[serde(default)]
    timeout_ms: Option<u64>,
    /// How much to think about this message.
    #[serde(default)]
    thinking: Option<String>,
}

/// That a message was taken.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendAck {
    run_id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_seq: Option<u64>,
}

async fn send(core: Arc<Core>, caller: Arc<Caller>, params: SendParams, to: Responder) {
    match taken(&core, &caller, params, &to).await {
        Ok(Some(ack)) => to.ok(&json(&ack)),
        Ok(None) => {}
        Err(error) => to.fail(&error.into()),
    }
}

/// Parameters of `sessions.send`: the same as `chat.send`, with the conversation called `key`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionSendParams {
    #[schemars(length(min = 1))]
    key: String,
    message: String,
    #[serde(default)]
    #[schemars(length(min = 1))]
    idempotency_key: Option<String>,
    #[serde(default)]
    attachments: Vec<Value>,
    #[serde(default)]
    timeout_ms: Option<u64>,
    #[serde(default)]
    thinking: Option<String>,
}

async fn send_in(core: Arc<Core>, caller: Arc<Caller>, params: SessionSendParams, to: Responder) {
    let same = SendParams {
        session_key: params.key,
        message: params.message,
        idempotency_key: params.idempotency_key.unwrap_or_else(crate::clock::uuid),
        attachments: params.attachments,
        timeout_ms: params.timeout_ms,
        thinking: params.thinking,
    };
    send(core, caller, same, to).await;
}

/// Takes the message; `None` when the answer was given already.
async fn taken(
    core: &Arc<Core>,
    caller: &Caller,
    params: SendParams,
    to: &Responder,
) -> Result<Option<SendAck>, MethodError> {
    if params.message.trim().is_empty() && params.attachments.is_empty() {
        return Err(MethodError::Invalid("message or attachment required".to_owned()));
    }
    let session_key = canonical(core, &params.session_key)?;
    let run_id = params.idempotency_key.clone();
    if let Some(command) = Command::parse(&params.message) {
        let ack = SendAck { run_id: run_id.clone(), status: "started", message_seq: None };
        to.ok(&json(&ack));
        let agent = core.agent_in(&session_key)?;
        let text = core.runs.carry_out(&session_key, agent, command).await;
        let message = broadcast::assistant_message(&text, core.clock.now_ms());
        broadcast::say(&core.events, &session_key, &run_id, &message);
        return Ok(None);
    }
    let agent = core.agent_in(&session_key)?;
    let wishes = Wishes { thinking: super::wish(params.thinking), model: None };
    agent.check(&wishes).await.map_err(|error| MethodError::Invalid(error.to_string()))?;
    let files = files::kept(core, &params.attachments).await?;
    let start = Start {
        message_key: format!("client:{run_id}"),
        agent_id: agent.id.clone(),
        run_id: run_id.clone(),
        session_key,
        text: params.message,
        files,
        channel: None,
        timeout: params.timeout_ms.filter(|ms| *ms > 0).map(Duration::from_millis),
        wishes,
        owner: Some(caller.conn),
        commit: None,
    };
    Ok(match core.runs.begin(start).await? {
        Begun::New(handle) => {
            let seq = Some(handle.state.message_seq);
            to.ok(&json(&SendAck { run_id, status: "started", message_seq: seq }));
            // Only now may the run speak: the acknowledgement comes before its first event.
            handle.release();
            None
        }
        Begun::InFlight(_) => Some(SendAck { run_id, status: "in_flight", message_seq: None }),
        Begun::Ended(end) if end.outcome.status == OutcomeStatus::Error => {
            return Err(MethodError::Unavailable(end.outcome.error.clone().unwrap_or_default()));
        }
        Begun::Ended(_) => Some(SendAck { run_id, status: "ok", message_seq: None }),
    })
}

/// The canonical form of a conversation key from a client.
///
/// # Errors
/// When it is none, or names an agent that does not exist.
pub fn canonical(core: &Core, given: &str) -> Result<String, MethodError> {
    let found = core
        .key(given)
        .ok_or_else(|| MethodError::Invalid(format!("invalid sessionKey: {given}")))?;
    core.agent_in(&found)?;
    Ok(found)
}

/// Parameters of `chat.abort`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AbortParams {
    #[schemars(length(min = 1))]
    session_key: String,
    #[serde(default)]
    run_id: Option<String>,
}

/// Which runs were called off.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Aborted {
    ok: bool,
    aborted: bool,
    run_ids: Vec<String>,
}

async fn abort(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: AbortParams,
) -> Result<Aborted, MethodError> {
    let session_key = canonical(&core, &params.session_key)?;
    let run_ids = core.runs.abort(&session_key, params.run_id.as_deref(), "rpc").await;
    Ok(Aborted { ok: true, aborted: !run_ids.is_empty(), run_ids })
}

/// Parameters of `chat.inject`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InjectParams {
    #[schemars(length(min = 1))]
    session_key: String,
    #[schemars(length(min = 1))]
    message: String,
    #[serde(default)]
    label: Option<String>,
}

async fn inject(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: InjectParams,
) -> Result<Shape, MethodError> {
    let session_key = canonical(&core, &params.session_key)?;
    let text = params
        .label
        .map_or(params.message.clone(), |label| format!("[{label}] {}", params.message));
    let id = say(&core, &session_key, &text).await?;
    Ok(value!({"ok": true, "messageId": id}))
}

/// Puts words into the agent's mouth: stored, and shown as the end of a run of its own.
///
/// # Errors
/// When they cannot be stored.
pub async fn say(core: &Core, session_key: &str, text: &str) -> Result<String, MethodError> {
    let now = core.clock.now_ms();
    let run_id = crate::clock::uuid();
    let entry = transcripts::NewEntry {
        session_key: session_key.to_owned(),
        key: format!("inject:{run_id}"),
        role: transcripts::Role::Assistant,
        body: broadcast::assistant_message(text, now),
        run_id: Some(run_id.clone()),
        ts_ms: now,
    };
    let (entry, _) = core.store.write(move |c| transcripts::append(c, &entry)).await?;
    broadcast::say(&core.events, session_key, &run_id, &broadcast::stored_message(&entry));
    Ok(entry.id)
}
