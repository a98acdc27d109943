//! `sessions.*`: the list of conversations, and what can be done with one.

pub mod edit;
pub use edit::reset_key;
pub mod follow;

use super::{Access, Caller, Core, MethodError, Shape, Table};
use crate::{
    agent::{Agent, Wishes},
    protocol::{key, scope::Scope},
    store::{
        StoreError,
        transcripts::{self, Conversation},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::sync::Arc;

const LIST: u64 = 100;
const LIST_MAX: u64 = 1000;
const PREVIEW: u64 = 10;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("sessions.list", Access::Operator(Scope::Read), list);
    table.later("sessions.describe", Access::Operator(Scope::Read), describe);
    table.later("sessions.resolve", Access::Operator(Scope::Read), resolve).hidden();
    table.later("sessions.preview", Access::Operator(Scope::Read), preview);
    follow::add(table);
    edit::add(table);
}

/// Parameters of `sessions.list`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListParams {
    #[serde(default)]
    #[schemars(range(min = 1))]
    limit: Option<u64>,
    #[serde(default)]
    offset: Option<u64>,
    #[serde(default)]
    agent_id: Option<String>,
    #[serde(default)]
    search: Option<String>,
    /// Only conversations something happened in since so many minutes.
    #[serde(default)]
    active_minutes: Option<u64>,
}

/// A page of conversations, the one with the latest change first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct List {
    ts: u64,
    path: String,
    count: usize,
    total_count: u64,
    limit_applied: u64,
    has_more: bool,
    next_offset: Option<u64>,
    defaults: Shape,
    sessions: Vec<Shape>,
}

async fn list(core: Arc<Core>, _: Arc<Caller>, params: ListParams) -> Result<List, MethodError> {
    page(&core, params).await
}

async fn page(core: &Core, params: ListParams) -> Result<List, MethodError> {
    let limit = params.limit.unwrap_or(LIST).clamp(1, LIST_MAX);
    let offset = params.offset.unwrap_or(0);
    let filter =
        transcripts::Filter { agent_id: params.agent_id, search: params.search, limit, offset };
    let (rows, total) = core.store.read(move |c| transcripts::list(c, &filter)).await?;
    let now = core.clock.now_ms();
    let since = params.active_minutes.map_or(0, |m| now.saturating_sub(m.saturating_mul(60_000)));
    let read = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    let sessions: Vec<Value> =
        rows.iter().filter(|r| r.updated_ms >= since).map(|r| row(core, r)).collect();
    let has_more = offset + read < total;
    Ok(List {
        ts: now,
        path: "journal.db".to_owned(),
        count: sessions.len(),
        total_count: total,
        limit_applied: limit,
        has_more,
        next_offset: has_more.then_some(offset + read),
        defaults: defaults(core.runs.roster().first()),
        sessions,
    })
}

/// What holds for conversations that say nothing else.
#[must_use]
pub fn defaults(agent: &Agent) -> Value {
    let model = agent.backend.model();
    value!({
        "modelProvider": model.provider, "model": model.id, "contextTokens": model.context_window,
        "thinkingLevels": super::models::levels(agent), "thinkingOptions": agent.backend.thinking(),
        "thinkingDefault": agent.backend.thinking()[0],
    })
}

/// One conversation as lists show it.
#[must_use]
pub fn row(core: &Core, of: &Conversation) -> Value {
    // A conversation whose agent was taken out of the configuration is still listed.
    let roster = core.runs.roster();
    let agent = roster.find(&of.agent_id).unwrap_or_else(|| roster.first());
    let pick = |name: &str| of.overrides.get(name).cloned().unwrap_or(Value::Null);
    let wished = pick("model").as_str().map(str::to_owned);
    let model = agent.model(&Wishes { model: wished, thinking: None });
    let running: Vec<String> =
        core.runs.active_in(&of.session_key).iter().map(|r| r.run_id.clone()).collect();
    let (used, last) = (of.tokens, of.last_run.as_ref());
    let mut row = value!({
        "key": of.session_key, "kind": key::kind_of(&of.session_key), "agentId": of.agent_id,
        "sessionId": of.session_id, "updatedAt": of.updated_ms, "createdAt": of.created_ms,
        "lastInteractionAt": of.updated_ms, "lastActivityAt": of.updated_ms,
        "isMain": of.session_key == key::main_key(&agent.id),
        "chatType": of.kind, "messageCount": of.entries,
        "model": model.id, "modelProvider": model.provider, "contextTokens": model.context_window,
        "totalTokens": used.total, "inputTokens": used.input, "outputTokens": used.output,
        "cacheRead": used.cache_read, "cacheWrite": used.cache_write, "totalTokensFresh": true,
        "systemSent": true, "abortedLastRun": last.is_some_and(|run| run.status == "killed"),
        "thinkingLevels": super::models::levels(agent), "thinkingOptions": agent.backend.thinking(),
        "thinkingDefault": agent.backend.thinking()[0], "archived": false, "pinned": false,
        "hasActiveRun": !running.is_empty(), "activeRunIds": running,
    });
    let optional = [
        ("label", value!(of.label)),
        ("displayName", value!(of.label.as_ref().or(of.display_name.as_ref()))),
        ("channel", value!(of.channel)),
        ("lastChannel", value!(of.channel)),
        ("lastMessagePreview", value!(of.last_preview)),
        ("thinkingLevel", pick("thinkingLevel")),
        ("modelOverride", pick("model")),
        ("archived", pick("archived")),
        ("pinned", pick("pinned")),
        ("unread", pick("unread")),
        (
            "status",
            if row["hasActiveRun"] == true {
                value!("running")
            } else {
                value!(last.map(|r| &r.status))
            },
        ),
        ("lastRunId", value!(last.map(|run| &run.run_id))),
        ("lastRunError", value!(last.and_then(|run| run.error.as_ref()))),
        ("startedAt", value!(last.map(|run| run.started_ms))),
        ("endedAt", value!(last.map(|run| run.ended_ms))),
        ("runtimeMs", value!(last.map(|run| run.ended_ms.saturating_sub(run.started_ms)))),
    ];
    for (name, value) in optional {
        if !value.is_null() {
            row[name] = value;
        }
    }
    row
}

/// The key of the conversation whose current transcript has this id.
///
/// # Errors
/// When the store cannot be read.
pub async fn by_session_id(core: &Core, id: String) -> Result<Option<String>, StoreError> {
    let filter = transcripts::Filter::default();
    let (rows, _) = core.store.read(move |c| transcripts::list(c, &filter)).await?;
    Ok(rows.into_iter().find(|r| r.session_id == id).map(|r| r.session_key))
}

/// Names a conversation.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct KeyParams {
    #[schemars(length(min = 1))]
    key: String,
}

/// What `sessions.describe` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Described {
    session: Option<Shape>,
}

async fn describe(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: KeyParams,
) -> Result<Described, MethodError> {
    let key = super::chat::canonical(&core, &params.key)?;
    let found = core.store.read(move |c| transcripts::conversation(c, &key)).await?;
    Ok(Described { session: found.map(|r| row(&core, &r)) })
}

/// Names a conversation in one of several ways.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResolveParams {
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    session_id: Option<String>,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    allow_missing: Option<bool>,
}

async fn resolve(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ResolveParams,
) -> Result<Shape, MethodError> {
    let filter = transcripts::Filter::default();
    let (rows, _) = core.store.read(move |c| transcripts::list(c, &filter)).await?;
    let key = params.key.as_deref().and_then(|k| core.key(k));
    let found = rows.iter().find(|r| {
        key.as_ref() == Some(&r.session_key)
            || params.session_id.as_ref() == Some(&r.session_id)
            || (params.label.is_some() && params.label == r.label)
    });
    match (found, params.allow_missing) {
        (Some(row), _) => Ok(value!({"ok": true, "key": row.session_key, "agentId": row.agent_id})),
        (None, Some(true)) => Ok(value!({"ok": false})),
        (None, _) => Err(MethodError::Invalid("no such session".to_owned())),
    }
}

/// Names several conversations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewParams {
    #[schemars(length(min = 1, max = 64))]
    keys: Vec<String>,
    #[serde(default)]
    limit: Option<u64>,
    #[serde(default)]
    max_chars: Option<usize>,
}

async fn preview(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: PreviewParams,
) -> Result<Shape, MethodError> {
    let keys: Vec<String> = params.keys.iter().filter_map(|k| core.key(k)).collect();
    let limit = params.limit.unwrap_or(PREVIEW).min(100);
    let chars = params.max_chars.unwrap_or(240).max(20);
    let previews = core
        .store
        .read(move |c| {
            keys.iter()
                .map(|key| {
                    let (entries, _) = transcripts::history(c, key, limit, None)?;
                    let items: Vec<Value> = entries.iter().map(|e| item(e, chars)).collect();
                    let status = if items.is_empty() { "empty" } else { "ok" };
                    Ok(value!({"key": key, "status": status, "items": items}))
                })
                .collect::<rusqlite::Result<Vec<Value>>>()
        })
        .await?;
    Ok(value!({"ts": core.clock.now_ms(), "previews": previews}))
}

fn item(entry: &transcripts::Entry, chars: usize) -> Value {
    let text = entry.body["content"][0]["text"].as_str().unwrap_or_default();
    value!({"role": entry.role.as_str(), "text": text.chars().take(chars).collect::<String>()})
}
