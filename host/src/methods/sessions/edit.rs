//! Changing conversations: settings, reset, deletion.

use super::row;
use crate::{
    agent::Wishes,
    events::Audience,
    methods::{Access, Caller, Core, MethodError, Shape, Table, chat::canonical},
    protocol::{event, frame::json, key, scope::Scope},
    store::transcripts,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json as value};
use std::sync::Arc;

/// Settings of a conversation that may be changed.
const FIELDS: [&str; 12] = [
    "label",
    "displayName",
    "model",
    "thinkingLevel",
    "verboseLevel",
    "reasoningLevel",
    "responseUsage",
    "sendPolicy",
    "groupActivation",
    "archived",
    "pinned",
    "unread",
];

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("sessions.create", Access::Operator(Scope::Write), create);
    table.later("sessions.patch", Access::Operator(Scope::Write), patch);
    table.later("sessions.reset", Access::Operator(Scope::Admin), reset);
    table.later("sessions.delete", Access::Operator(Scope::Admin), delete);
    table.later("sessions.abort", Access::Operator(Scope::Write), abort);
}

/// Parameters of `sessions.create`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateParams {
    #[serde(default)]
    #[schemars(length(min = 1))]
    key: Option<String>,
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1, max = 512))]
    label: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    model: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    thinking_level: Option<String>,
}

/// A conversation after a change.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    ok: bool,
    path: &'static str,
    key: String,
    session_id: String,
    entry: Shape,
    resolved: Shape,
}

fn changed(core: &Core, of: &transcripts::Conversation, reason: &str) -> Changed {
    let row = row(core, of);
    let payload = json(&value!({
        "sessionKey": of.session_key, "agentId": of.agent_id, "reason": reason,
        "ts": core.clock.now_ms(), "session": row,
    }));
    core.events.publish_to(
        event::SESSIONS_CHANGED,
        &payload,
        Audience::Followers(&of.session_key, None),
    );
    let model = value!({"modelProvider": row["modelProvider"], "model": row["model"]});
    Changed {
        ok: true,
        path: "journal.db",
        key: of.session_key.clone(),
        session_id: of.session_id.clone(),
        entry: row,
        resolved: model,
    }
}

async fn create(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: CreateParams,
) -> Result<Changed, MethodError> {
    let agent = &core.agent(params.agent_id.as_deref())?.id;
    let given =
        params.key.unwrap_or_else(|| format!("agent:{agent}:session:{}", crate::clock::uuid()));
    let key = canonical(&core, &given)?;
    let now = core.clock.now_ms();
    let chosen = [
        ("label", params.label),
        ("model", params.model),
        ("thinkingLevel", params.thinking_level),
    ];
    let chosen: Map<String, Value> =
        chosen.into_iter().filter_map(|(name, v)| Some((name.to_owned(), value!(v?)))).collect();
    check(&core, &key, &chosen).await?;
    let made = core
        .store
        .write(move |c| {
            transcripts::ensure(c, &key, now)?;
            if !chosen.is_empty() {
                transcripts::patch(c, &key, &Value::Object(chosen), now)?;
            }
            transcripts::conversation(c, &key)
        })
        .await?;
    made.map(|row| changed(&core, &row, "create")).ok_or_else(missing)
}

/// Parameters of `sessions.patch`: the key and any of the settings; null removes one.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct PatchParams {
    #[schemars(length(min = 1))]
    key: String,
    #[serde(flatten)]
    #[schemars(skip)]
    fields: Map<String, Value>,
}

async fn patch(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: PatchParams,
) -> Result<Changed, MethodError> {
    let key = canonical(&core, &params.key)?;
    let fields: Map<String, Value> =
        params.fields.into_iter().filter(|(name, _)| FIELDS.contains(&name.as_str())).collect();
    check(&core, &key, &fields).await?;
    let now = core.clock.now_ms();
    let done = core
        .store
        .write(move |c| {
            transcripts::ensure(c, &key, now)?;
            transcripts::patch(c, &key, &Value::Object(fields), now)?;
            transcripts::conversation(c, &key)
        })
        .await?;
    done.map(|row| changed(&core, &row, "patch")).ok_or_else(missing)
}

/// Whether the agent of a conversation has the model and the thinking level that are chosen for it.
async fn check(core: &Core, key: &str, chosen: &Map<String, Value>) -> Result<(), MethodError> {
    let text = |name: &str| match chosen.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(MethodError::Invalid(format!("{name} must be a text or null"))),
    };
    let wishes = Wishes { model: text("model")?, thinking: text("thinkingLevel")? };
    let checked = core.agent_in(key)?.check(&wishes).await;
    checked.map_err(|error| MethodError::Invalid(error.to_string()))
}

/// Names a conversation, and why it is reset.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ResetParams {
    #[schemars(length(min = 1))]
    key: String,
    /// `new` or `reset`.
    #[serde(default)]
    reason: Option<String>,
}

async fn reset(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ResetParams,
) -> Result<Changed, MethodError> {
    let key = canonical(&core, &params.key)?;
    core.runs.abort(&key, None, "superseded").await;
    reset_key(&core, &key, params.reason.as_deref().unwrap_or("reset")).await
}

/// Gives a conversation a new, empty transcript.
///
/// # Errors
/// When it cannot be stored.
pub async fn reset_key(core: &Core, key: &str, reason: &str) -> Result<Changed, MethodError> {
    let (key, now) = (key.to_owned(), core.clock.now_ms());
    let row = core.store.write(move |c| transcripts::reset(c, &key, now)).await?;
    Ok(changed(core, &row, reason))
}

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Deleted {
    ok: bool,
    key: String,
    deleted: bool,
    archived: Vec<String>,
}

async fn delete(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ResetParams,
) -> Result<Deleted, MethodError> {
    let key = canonical(&core, &params.key)?;
    if key == key::main_key(core.default_agent()) {
        return Err(MethodError::Invalid(
            "the main session cannot be deleted; reset it instead".to_owned(),
        ));
    }
    core.runs.abort(&key, None, "superseded").await;
    let name = key.clone();
    let deleted = core.store.write(move |c| transcripts::delete(c, &name)).await?;
    let payload = json(&value!({"sessionKey": key, "reason": "delete", "ts": core.clock.now_ms()}));
    core.events.publish_to(event::SESSIONS_CHANGED, &payload, Audience::Followers(&key, None));
    Ok(Deleted { ok: true, key, deleted, archived: Vec::new() })
}

/// Parameters of `sessions.abort`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AbortParams {
    #[schemars(length(min = 1))]
    key: String,
    #[serde(default)]
    run_id: Option<String>,
}

async fn abort(core: Arc<Core>, _: Arc<Caller>, params: AbortParams) -> Result<Shape, MethodError> {
    let key = canonical(&core, &params.key)?;
    let ended = core.runs.abort(&key, params.run_id.as_deref(), "rpc").await;
    let status = if ended.is_empty() { "no-active-run" } else { "aborted" };
    Ok(value!({"ok": true, "abortedRunId": ended.first(), "status": status}))
}

fn missing() -> MethodError {
    MethodError::Invalid("no such session".to_owned())
}
