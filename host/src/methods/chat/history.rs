//! `chat.history` and its relatives: reading a conversation back.

use crate::{
    agent::broadcast::stored_message,
    methods::{Access, Caller, Core, MethodError, Shape, Table, sessions},
    protocol::scope::Scope,
    store::transcripts,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::sync::Arc;

const MESSAGES: u64 = 200;
const MESSAGES_MAX: u64 = 1000;
/// Bytes of messages in one answer; older ones are left for the next page.
const BYTES_MAX: usize = 6 << 20;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("chat.history", Access::Operator(Scope::Read), history);
    table.later("chat.startup", Access::Operator(Scope::Read), startup);
    table.now("chat.metadata", Access::Operator(Scope::Read), metadata);
    table.later("chat.message.get", Access::Operator(Scope::Read), message);
}

/// Parameters of `chat.history`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryParams {
    #[schemars(length(min = 1))]
    session_key: String,
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u64>,
    /// How many of the newest to leave out.
    #[serde(default)]
    offset: Option<u64>,
    /// End with the message of this id, whatever was said since.
    #[serde(default)]
    message_id: Option<String>,
}

/// A page of a conversation, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    session_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    messages: Vec<Shape>,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<u64>,
    total_messages: u64,
    pending_inputs: PendingInputs,
    defaults: Shape,
    session_info: Shape,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_flight_run: Option<InFlight>,
}

/// Messages taken and not yet answered by a run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PendingInputs {
    items: Vec<Shape>,
    total: usize,
}

/// The run that is answering now.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InFlight {
    run_id: String,
    text: String,
}

async fn history(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: HistoryParams,
) -> Result<History, MethodError> {
    page(&core, &params).await
}

async fn page(core: &Core, params: &HistoryParams) -> Result<History, MethodError> {
    let session_key = super::canonical(core, &params.session_key)?;
    let limit = params.limit.unwrap_or(MESSAGES).min(MESSAGES_MAX);
    let (mut offset, anchor) = (params.offset.unwrap_or(0), params.message_id.clone());
    let key = session_key.clone();
    let (row, entries, total, offset) = core
        .store
        .read(move |c| {
            let row = transcripts::conversation(c, &key)?;
            let total = row.as_ref().map_or(0, |r| r.entries);
            if let Some(id) = anchor {
                let found = transcripts::entry(c, &key, &id)?;
                offset = found.map_or(offset, |entry| total.saturating_sub(entry.seq));
            }
            let before = (offset > 0).then(|| (total + 1).saturating_sub(offset));
            let (entries, total) = transcripts::history(c, &key, limit, before)?;
            Ok((row, entries, total, offset))
        })
        .await?;
    let messages = newest_within(&entries, BYTES_MAX);
    let shown = u64::try_from(messages.len()).unwrap_or(u64::MAX);
    let next = offset + shown;
    let has_more = next < total;
    let running = core.runs.active_in(&session_key);
    Ok(History {
        session_id: row.as_ref().map(|r| r.session_id.clone()),
        messages,
        has_more,
        next_offset: has_more.then_some(next),
        total_messages: total,
        pending_inputs: PendingInputs { items: Vec::new(), total: 0 },
        defaults: sessions::defaults(core.agent_in(&session_key)?),
        session_info: row
            .as_ref()
            .map_or_else(|| value!({"key": session_key}), |r| sessions::row(core, r)),
        in_flight_run: running
            .first()
            .map(|r| InFlight { run_id: r.run_id.clone(), text: r.partial() }),
        session_key,
    })
}

fn newest_within(entries: &[transcripts::Entry], bytes_max: usize) -> Vec<Value> {
    let mut bytes = 0;
    let mut messages: Vec<Value> = entries
        .iter()
        .rev()
        .map(stored_message)
        .take_while(|message| {
            bytes += message.to_string().len();
            bytes <= bytes_max
        })
        .collect();
    messages.reverse();
    messages
}

async fn startup(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: HistoryParams,
) -> Result<Shape, MethodError> {
    let page = page(&core, &params).await?;
    let agent = core.agent_in(&page.session_key)?;
    let mut startup = value!(page);
    startup["metadata"] = value!({"models": [agent.backend.model()], "commands": []});
    startup["agentId"] = value!(agent.id);
    Ok(startup)
}

/// Parameters of `chat.metadata`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetadataParams {}

fn metadata(core: &Arc<Core>, _: &Arc<Caller>, _: MetadataParams) -> Result<Shape, MethodError> {
    Ok(value!({"models": [core.runs.model()], "commands": []}))
}

/// Parameters of `chat.message.get`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageParams {
    #[schemars(length(min = 1))]
    session_key: String,
    #[schemars(length(min = 1))]
    message_id: String,
}

async fn message(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: MessageParams,
) -> Result<Shape, MethodError> {
    let key = super::canonical(&core, &params.session_key)?;
    let id = params.message_id;
    let entry = core.store.read(move |c| transcripts::entry(c, &key, &id)).await?;
    Ok(match entry {
        Some(entry) => value!({"ok": true, "message": stored_message(&entry)}),
        None => value!({"ok": false, "unavailableReason": "not_found"}),
    })
}
