//! `exec.approval.*` and the other lists of what waits for a person.
//!
//! This gateway runs no commands itself; it carries the question from whoever asks (an agent's
//! backend, a node's host) to the people who may decide, and the decision back. Plugins, the system
//! agent and questions of agents have nothing that waits here, so their lists are empty.

pub mod ledger;

use super::{Access, Caller, Core, Done, MethodError, Nothing, Responder, Shape, Table, done};
use crate::{
    approvals::{Approval, ApprovalError, Waiting, history::Resolver},
    clock::uuid,
    events::ConnNumber,
    protocol::{event, frame::json, scope::Scope},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json as value};
use std::{sync::Arc, time::Duration};

/// How long a request waits unless it says so itself, and at most; milliseconds.
const WAIT_MS: u64 = 30 * 60 * 1000;
const WAIT_MS_MAX: u64 = 24 * 60 * 60 * 1000;
const DECISIONS: [&str; 3] = ["allow-once", "allow-always", "deny"];

/// Adds the family.
pub fn add(table: &mut Table) {
    let approvals = Access::Operator(Scope::Approvals);
    table.streamed::<AskParams, Shape, _, _>("exec.approval.request", approvals, ask);
    table.later("exec.approval.waitDecision", approvals, wait);
    table.now("exec.approval.resolve", approvals, resolve);
    table.now("exec.approval.list", approvals, list);
    table.now("exec.approval.get", approvals, get);
    table.now("plugin.approval.list", approvals, none);
    table.now("openclaw.approval.list", approvals, none);
    table.now("question.list", Access::Operator(Scope::Questions), questions);
    table.now("taskSuggestions.list", Access::Operator(Scope::Read), suggestions);
    table.now("exec.approvals.get", Access::Operator(Scope::Admin), policy);
    ledger::add(table);
}

/// Parameters of `exec.approval.request`: what is asked, and how to wait. What is asked is passed on
/// to whoever decides, as it came.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AskParams {
    #[serde(default)]
    #[schemars(length(min = 1))]
    id: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    command: Option<String>,
    #[serde(default)]
    command_argv: Option<Vec<String>>,
    #[serde(default)]
    unavailable_decisions: Vec<String>,
    #[serde(default)]
    #[schemars(range(min = 1))]
    timeout_ms: Option<u64>,
    /// Answer at once, and let the decision be waited for.
    #[serde(default)]
    two_phase: bool,
    /// False keeps the request waiting although nobody is there to decide.
    #[serde(default)]
    require_delivery_route: Option<bool>,
    #[serde(flatten)]
    facts: Map<String, Value>,
}

/// Facts of a request that are shown to whoever decides; absent ones are shown as `null`.
const FACTS: [&str; 19] = [
    "systemRunBinding",
    "systemRunPlan",
    "cwd",
    "nodeId",
    "host",
    "security",
    "ask",
    "warningText",
    "scope",
    "agentId",
    "resolvedPath",
    "sessionKey",
    "sessionId",
    "runId",
    "toolCallId",
    "turnSourceChannel",
    "turnSourceTo",
    "turnSourceAccountId",
    "turnSourceThreadId",
];

async fn ask(core: Arc<Core>, caller: Arc<Caller>, params: AskParams, to: Responder) {
    match asked(&core, caller.conn, params, &to) {
        Ok(Some((waiting, two_phase))) => {
            let (id, created_ms, expires_ms) = (
                waiting.approval.id.clone(),
                waiting.approval.created_ms,
                waiting.approval.expires_ms,
            );
            let left = Duration::from_millis(expires_ms.saturating_sub(core.clock.now_ms()));
            let verdict = waiting.verdict();
            tokio::pin!(verdict);
            let came = tokio::select! {
                came = &mut verdict => came,
                () = tokio::time::sleep(left) => {
                    core.approvals.lapse(&id, "timeout");
                    verdict.await
                }
                () = core.stop.cancelled() => return,
            };
            if !two_phase {
                to.ok(&json(&value!({
                    "id": id, "decision": came.decision, "createdAtMs": created_ms,
                    "expiresAtMs": expires_ms, "terminalReason": came.reason,
                })));
            }
        }
        Ok(None) => {}
        Err(error) => to.fail(&error.into()),
    }
}

/// Takes the request in and tells the people; `None` when it is answered already.
fn asked(
    core: &Core,
    conn: ConnNumber,
    params: AskParams,
    to: &Responder,
) -> Result<Option<(Waiting, bool)>, MethodError> {
    let command =
        params.command.clone().or_else(|| params.command_argv.as_ref().map(|a| a.join(" ")));
    let Some(command) = command.filter(|text| !text.trim().is_empty()) else {
        return Err(MethodError::Invalid("command is required".to_owned()));
    };
    let offered: Vec<String> = DECISIONS
        .iter()
        .filter(|decision| !params.unavailable_decisions.iter().any(|taken| taken == *decision))
        .map(|decision| (*decision).to_owned())
        .collect();
    let mut request = value!({
        "command": command, "commandArgv": params.command_argv, "allowedDecisions": offered,
    });
    for name in FACTS {
        request[name] = params.facts.get(name).cloned().unwrap_or(Value::Null);
    }
    let id = params.id.unwrap_or_else(uuid);
    let wait_ms = params.timeout_ms.unwrap_or(WAIT_MS).min(WAIT_MS_MAX);
    let waiting = core.approvals.ask(id.clone(), request, offered, wait_ms).map_err(failed)?;
    let approval = &waiting.approval;
    core.events.publish(event::EXEC_APPROVAL_REQUESTED, &json(&approval.shown()));
    let routed = core.events.reaches(event::EXEC_APPROVAL_REQUESTED, conn);
    if !routed && params.require_delivery_route != Some(false) {
        core.approvals.lapse(&id, "no-route");
        to.ok(&json(&value!({
            "id": id, "decision": null, "createdAtMs": approval.created_ms,
            "expiresAtMs": approval.expires_ms, "terminalReason": "no-route",
        })));
        return Ok(None);
    }
    if params.two_phase {
        let route = if routed { "approval-client" } else { "none" };
        to.ok(&json(&value!({
            "status": "accepted", "id": id, "deliveryRoute": route,
            "createdAtMs": approval.created_ms, "expiresAtMs": approval.expires_ms,
        })));
    }
    Ok(Some((waiting, params.two_phase)))
}

/// Names a request.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct IdParams {
    #[schemars(length(min = 1))]
    id: String,
}

/// What `exec.approval.waitDecision` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    id: String,
    decision: Option<String>,
    created_at_ms: u64,
    expires_at_ms: u64,
    terminal_reason: &'static str,
}

async fn wait(core: Arc<Core>, _: Arc<Caller>, params: IdParams) -> Result<Decided, MethodError> {
    let waiting = core
        .approvals
        .find(&params.id)
        .map_err(|_| MethodError::Invalid("approval expired or not found".to_owned()))?;
    let (created_at_ms, expires_at_ms) = (waiting.approval.created_ms, waiting.approval.expires_ms);
    let came = waiting.verdict().await;
    Ok(Decided {
        id: params.id,
        decision: came.decision,
        created_at_ms,
        expires_at_ms,
        terminal_reason: came.reason,
    })
}

/// Parameters of `exec.approval.resolve`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ResolveParams {
    #[schemars(length(min = 1))]
    id: String,
    #[schemars(length(min = 1))]
    decision: String,
}

fn resolve(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    params: ResolveParams,
) -> Result<Done, MethodError> {
    if !DECISIONS.contains(&params.decision.as_str()) {
        return Err(MethodError::Invalid("invalid decision".to_owned()));
    }
    let decided = core.approvals.decide(&params.id, &params.decision, &resolver(caller));
    let (approval, fresh) = decided.map_err(failed)?;
    if fresh {
        tell(core, caller, &approval, &params.decision);
    }
    Ok(done())
}

/// Who decides, as the history names them.
fn resolver(caller: &Caller) -> Resolver {
    match &caller.principal.device_id {
        Some(id) => Resolver { kind: "device".to_owned(), id: Some(id.clone()) },
        None => {
            Resolver { kind: "runtime".to_owned(), id: Some(caller.principal.client.id.word()) }
        }
    }
}

/// Tells everyone who may decide that it is decided.
fn tell(core: &Core, caller: &Caller, approval: &Approval, decision: &str) {
    let client = &caller.principal.client;
    let by = client.display_name.as_ref().map_or(value!(client.id), |name| value!(name));
    core.events.publish(
        event::EXEC_APPROVAL_RESOLVED,
        &json(&value!({
            "id": approval.id, "decision": decision, "resolvedBy": by,
            "ts": core.clock.now_ms(), "request": approval.request,
        })),
    );
}

fn list(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Vec<Shape>, MethodError> {
    Ok(core.approvals.pending().iter().map(Approval::shown).collect())
}

fn get(core: &Arc<Core>, _: &Arc<Caller>, params: IdParams) -> Result<Shape, MethodError> {
    let found = core.approvals.pending().into_iter().find(|approval| approval.id == params.id);
    let approval = found.ok_or_else(|| failed(ApprovalError::Unknown))?;
    let request = &approval.request;
    Ok(value!({
        "id": approval.id, "commandText": request["command"], "commandPreview": null,
        "allowedDecisions": request["allowedDecisions"], "host": request["host"],
        "nodeId": request["nodeId"], "agentId": request["agentId"],
        "expiresAtMs": approval.expires_ms,
    }))
}

fn failed(error: ApprovalError) -> MethodError {
    let text = error.to_string();
    match error {
        ApprovalError::Unknown => {
            MethodError::InvalidWith(text, value!({"reason": "APPROVAL_NOT_FOUND"}))
        }
        ApprovalError::Made => {
            MethodError::InvalidWith(text, value!({"reason": "APPROVAL_ALREADY_RESOLVED"}))
        }
        ApprovalError::Known | ApprovalError::NotOffered => MethodError::Invalid(text),
        ApprovalError::Full => MethodError::Unavailable(text),
    }
}

fn none(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Vec<Shape>, MethodError> {
    Ok(Vec::new())
}

/// What `question.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Questions {
    questions: Vec<Shape>,
}

fn questions(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Questions, MethodError> {
    Ok(Questions { questions: Vec::new() })
}

/// What `taskSuggestions.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Suggestions {
    suggestions: Vec<Shape>,
}

fn suggestions(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Suggestions, MethodError> {
    Ok(Suggestions { suggestions: Vec::new() })
}

/// The gateway's own policy for commands: it runs none, so it has no file of rules.
fn policy(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    Ok(value!({
        "path": "", "exists": false, "hash": "none",
        "file": {"version": 1, "defaults": {}, "agents": {}},
        "resolvedDefaults": {"security": "deny", "ask": "always", "askFallback": "deny", "autoAllowSkills": false},
    }))
}
