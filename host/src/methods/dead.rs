//! `messages.dead.*`: accepted messages that could not be worked off, and a person's word about them.
//! This gateway's own family; the protocol has none for it.

use super::{Access, Caller, Core, MethodError, Shape, Table};
use crate::{cron::schedule::iso, protocol::scope::Scope, store::journal::JournalRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::sync::Arc;

/// Rows of one answer, unless asked otherwise.
const LIMIT: u64 = 100;
const LIMIT_MAX: u64 = 1000;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("messages.dead.list", Access::Operator(Scope::Read), list);
    table.later("messages.dead.show", Access::Operator(Scope::Read), show);
    table.later("messages.dead.retry", Access::Operator(Scope::Write), retry);
    table.later("messages.dead.drop", Access::Operator(Scope::Admin), drop_one);
}

/// Parameters of `messages.dead.list`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ListParams {
    /// Most rows to answer with.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<u64>,
}

/// What `messages.dead.list` answers: the oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeadList {
    messages: Vec<Shape>,
    /// How many there are in all.
    total: u64,
}

/// Names one message by its number in the list.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Named {
    seq: u64,
}

/// What became of the message.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Settled {
    ok: bool,
    seq: u64,
}

async fn list(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ListParams,
) -> Result<DeadList, MethodError> {
    let limit = params.limit.unwrap_or(LIMIT).min(LIMIT_MAX);
    let rows = core.messages.dead_list(limit).await?;
    let total = core.messages.backlog().await?.inbound_dead;
    Ok(DeadList { messages: rows.iter().map(shown).collect(), total })
}

async fn show(core: Arc<Core>, _: Arc<Caller>, params: Named) -> Result<Shape, MethodError> {
    let row = find(&core, params.seq).await?;
    let mut told = shown(&row);
    // What cannot be read as JSON is shown as it stands; that may be why it died.
    told["payload"] = row
        .payload
        .map_or(Value::Null, |text| serde_json::from_str(&text).unwrap_or(Value::String(text)));
    Ok(told)
}

async fn retry(core: Arc<Core>, _: Arc<Caller>, params: Named) -> Result<Settled, MethodError> {
    let row = find(&core, params.seq).await?;
    if !is_retriable(&row) {
        return Err(MethodError::Invalid(format!(
            "message {} failed before it had a conversation, so there is nothing to run again; drop it and ask the sender to write again",
            row.seq
        )));
    }
    if !core.messages.dead_retry(row.seq).await? {
        return Err(unknown(row.seq));
    }
    tracing::info!(seq = row.seq, lane = row.lane, "a dead message is tried again");
    Ok(Settled { ok: true, seq: row.seq })
}

async fn drop_one(core: Arc<Core>, _: Arc<Caller>, params: Named) -> Result<Settled, MethodError> {
    if !core.messages.dead_drop(params.seq).await? {
        return Err(unknown(params.seq));
    }
    tracing::info!(seq = params.seq, "a dead message was dropped");
    Ok(Settled { ok: true, seq: params.seq })
}

async fn find(core: &Core, seq: u64) -> Result<JournalRow, MethodError> {
    core.messages.dead_find(seq).await?.ok_or_else(|| unknown(seq))
}

fn unknown(seq: u64) -> MethodError {
    MethodError::Invalid(format!("no dead message has the number {seq}"))
}

fn is_retriable(row: &JournalRow) -> bool {
    !row.lane.is_empty() && row.payload.is_some()
}

fn shown(row: &JournalRow) -> Value {
    value!({
        "seq": row.seq, "channel": row.channel, "accountId": row.account,
        "eventId": row.dedupe_key, "conversation": (!row.lane.is_empty()).then_some(&row.lane),
        "attempts": row.attempts, "receivedAt": iso(row.received_ms), "reason": row.note,
        "retriable": is_retriable(row),
    })
}
