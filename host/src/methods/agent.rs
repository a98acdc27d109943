//! `agent` and `agent.wait`: a run with two answers, and waiting for one.

mod deliver;

use super::{Access, Caller, Core, Failure, MethodError, Responder, Shape, Table};
use crate::{
    agent::{Begun, Finished, OutcomeStatus, Start, Wishes},
    events::ConnNumber,
    messages::Intent,
    protocol::{
        error::ErrorShape,
        frame::{Json, json},
        key,
        scope::Scope,
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::{sync::Arc, time::Duration};

/// How long `agent.wait` waits when not told, and at most, milliseconds.
const WAIT_MS: u64 = 30_000;
const WAIT_MS_MAX: u64 = 600_000;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.streamed::<AgentParams, RunResult, _, _>("agent", Access::Operator(Scope::Write), agent);
    table.later("agent.wait", Access::Operator(Scope::Write), wait);
}

/// Parameters of `agent`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentParams {
    #[schemars(length(min = 1))]
    message: String,
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    session_key: Option<String>,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    account_id: Option<String>,
    #[serde(default)]
    thread_id: Option<String>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    thinking: Option<String>,
    /// Where the answer goes, when not to `to`.
    #[serde(default)]
    reply_to: Option<String>,
    #[serde(default)]
    reply_channel: Option<String>,
    #[serde(default)]
    reply_account_id: Option<String>,
    #[serde(default)]
    deliver: Option<bool>,
    /// Run also when the answer has no way to a channel.
    #[serde(default)]
    best_effort_deliver: Option<bool>,
    #[serde(default)]
    attachments: Vec<Value>,
    /// Seconds.
    #[serde(default)]
    timeout: Option<u64>,
    #[schemars(length(min = 1))]
    idempotency_key: String,
}

/// The first answer of a run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    run_id: String,
    session_key: String,
    agent_id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<u64>,
}

/// The last answer of a run.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunResult {
    run_id: String,
    status: &'static str,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Shape>,
}

async fn agent(core: Arc<Core>, caller: Arc<Caller>, params: AgentParams, to: Responder) {
    let (begun, intent) = match begin(&core, caller.conn, &params).await {
        Ok(begun) => begun,
        Err(error) => return to.fail(&error.into()),
    };
    match begun {
        Begun::Ended(end) => final_answer(&to, &end, None),
        Begun::InFlight(handle) => {
            let state = &handle.state;
            to.ok(&accepted(&state.run_id, &state.session_key, &state.agent_id, "in_flight", None));
        }
        Begun::New(handle) => {
            let state = &handle.state;
            let now = Some(core.clock.now_ms());
            to.ok(&accepted(&state.run_id, &state.session_key, &state.agent_id, "accepted", now));
            handle.release();
            let end = handle.end().await;
            let fate = match &intent {
                Some(intent) => Some(deliver::fate(&core, intent).await),
                None => None,
            };
            final_answer(&to, &end, fate);
        }
    }
}

async fn begin(
    core: &Core,
    conn: ConnNumber,
    params: &AgentParams,
) -> Result<(Begun, Option<Intent>), MethodError> {
    if params.message.trim().is_empty() {
        return Err(MethodError::Invalid("message required".to_owned()));
    }
    let session_key = session_key(core, params).await?;
    let agent = core.agent_in(&session_key)?;
    let model = super::wish(params.model.clone()).map(|model| match &params.provider {
        Some(provider) if !provider.is_empty() => format!("{provider}/{model}"),
        _ => model,
    });
    let wishes = Wishes { model, thinking: super::wish(params.thinking.clone()) };
    agent.check(&wishes).await.map_err(|error| MethodError::Invalid(error.to_string()))?;
    let intent = deliver::intent(core, params, &session_key).await?;
    let files = super::files::kept(core, &params.attachments).await?;
    let start = Start {
        run_id: params.idempotency_key.clone(),
        message_key: format!("client:{}", params.idempotency_key),
        session_key,
        agent_id: agent.id.clone(),
        text: params.message.clone(),
        files,
        channel: None,
        timeout: params.timeout.filter(|s| *s > 0).map(Duration::from_secs),
        wishes,
        owner: Some(conn),
        commit: intent.as_ref().map(|intent| deliver::hook(core, intent)),
    };
    Ok((core.runs.begin(start).await?, intent))
}

async fn session_key(core: &Core, params: &AgentParams) -> Result<String, MethodError> {
    if let Some(given) = params.session_key.as_deref().filter(|k| !k.is_empty()) {
        return core
            .key(given)
            .ok_or_else(|| MethodError::Invalid(format!("invalid sessionKey: {given}")));
    }
    if let Some(id) = params.session_id.clone().filter(|id| !id.is_empty())
        && let Some(found) = super::sessions::by_session_id(core, id).await?
    {
        return Ok(found);
    }
    let agent = &core.agent(params.agent_id.as_deref())?.id;
    if let (Some(to), Some(channel)) = (&params.to, &params.channel) {
        return Ok(format!("agent:{agent}:{channel}:direct:{to}"));
    }
    Ok(key::main_key(agent))
}

fn accepted(
    run_id: &str,
    session_key: &str,
    agent_id: &str,
    status: &'static str,
    at: Option<u64>,
) -> Json {
    json(&Accepted {
        run_id: run_id.to_owned(),
        session_key: session_key.to_owned(),
        agent_id: agent_id.to_owned(),
        status,
        accepted_at: at,
    })
}

fn final_answer(to: &Responder, end: &Finished, fate: Option<Value>) {
    let payload = json(&result(end, fate));
    if end.outcome.status == OutcomeStatus::Error {
        let text = end.outcome.error.clone().unwrap_or_else(|| "the run failed".to_owned());
        let error = ErrorShape::new(crate::protocol::error::Code::Unavailable, text);
        to.fail(&Failure { error, payload: Some(payload), wrong_role: false });
    } else {
        to.ok(&payload);
    }
}

fn result(end: &Finished, fate: Option<Value>) -> RunResult {
    let status = status(end);
    let payloads: Vec<Value> = if end.outcome.text.is_empty() {
        Vec::new()
    } else {
        vec![value!({"text": end.outcome.text, "mediaUrl": null})]
    };
    let summary = match end.outcome.status {
        OutcomeStatus::Ok => "completed".to_owned(),
        OutcomeStatus::Aborted => "aborted".to_owned(),
        _ => end.outcome.error.clone().unwrap_or_default(),
    };
    let mut result = value!({"payloads": payloads, "meta": {
        "durationMs": end.ended_at.saturating_sub(end.started_at),
        "agentMeta": {"sessionId": end.session_id, "provider": end.model.provider, "model": end.model.id, "usage": end.usage},
        "aborted": end.outcome.status == OutcomeStatus::Aborted,
        "stopReason": end.stop_reason,
    }});
    if let Some(fate) = fate {
        result["deliveryStatus"] = fate;
    }
    let result = (end.outcome.status != OutcomeStatus::Error).then_some(result);
    RunResult { run_id: end.run_id.clone(), status, summary, result }
}

fn status(end: &Finished) -> &'static str {
    match end.outcome.status {
        OutcomeStatus::Ok | OutcomeStatus::Aborted => "ok",
        OutcomeStatus::Error => "error",
        OutcomeStatus::Timeout => "timeout",
    }
}

/// Parameters of `agent.wait`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitParams {
    #[schemars(length(min = 1))]
    run_id: String,
    #[serde(default)]
    timeout_ms: Option<u64>,
}

/// How a run ended, or that it has not.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waited {
    run_id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_reason: Option<String>,
}

async fn wait(core: Arc<Core>, _: Arc<Caller>, params: WaitParams) -> Result<Waited, MethodError> {
    let limit = Duration::from_millis(params.timeout_ms.unwrap_or(WAIT_MS).min(WAIT_MS_MAX));
    let end = match core.runs.find(&params.run_id) {
        Some(Begun::Ended(end)) => Some(end),
        Some(Begun::InFlight(handle) | Begun::New(handle)) => {
            tokio::time::timeout(limit, handle.end()).await.ok()
        }
        None => None,
    };
    let Some(end) = end else {
        return Ok(Waited {
            run_id: params.run_id,
            status: "timeout",
            started_at: None,
            ended_at: None,
            error: None,
            stop_reason: None,
        });
    };
    Ok(Waited {
        run_id: params.run_id,
        status: status(&end),
        started_at: Some(end.started_at),
        ended_at: Some(end.ended_at),
        error: end.outcome.error.clone(),
        stop_reason: Some(end.stop_reason.clone()),
    })
}
