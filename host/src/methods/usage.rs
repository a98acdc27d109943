//! `usage.*` and `sessions.usage`: tokens and messages, counted from what was said. What they cost is
//! known to whoever sells them, so costs are zero and counted as missing.

use super::{Access, Caller, Core, MethodError, Nothing, Shape, Table};
use crate::{
    protocol::scope::Scope,
    store::transcripts::{self, Tokens, Used},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::sync::Arc;

/// Days that are counted when nothing else is asked.
const DAYS: u64 = 30;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const SESSIONS: u64 = 50;
const SESSIONS_MAX: u64 = 1000;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("usage.cost", Access::Operator(Scope::Read), cost);
    table.later("sessions.usage", Access::Operator(Scope::Read), sessions).hidden();
}

async fn cost(core: Arc<Core>, _: Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    let now = core.clock.now_ms();
    let since = day_of(now).saturating_sub((DAYS - 1) * DAY_MS);
    let days = core.store.read(move |c| transcripts::used_by_day(c, None, since, u64::MAX)).await?;
    let daily: Vec<Value> = days.iter().map(dated).collect();
    Ok(value!({
        "updatedAt": now, "days": DAYS, "daily": daily, "totals": totals(&days),
        "cacheStatus": {"status": "fresh", "cachedFiles": 0, "pendingFiles": 0, "staleFiles": 0},
    }))
}

/// Parameters of `sessions.usage`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsageParams {
    /// Only this conversation.
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    agent_id: Option<String>,
    /// The first day, as `2026-11-24`, by UTC.
    #[serde(default)]
    start_date: Option<String>,
    /// The last day.
    #[serde(default)]
    end_date: Option<String>,
    /// Instead of days: `7d`, `30d`, `90d`, `1y`, `all`.
    #[serde(default)]
    range: Option<String>,
    #[serde(default)]
    limit: Option<u64>,
}

async fn sessions(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: UsageParams,
) -> Result<Shape, MethodError> {
    let now = core.clock.now_ms();
    let (since, until) = span(&params, now)?;
    let agent = match &params.agent_id {
        Some(id) => Some(core.agent(Some(id))?.id.clone()),
        None => None,
    };
    let only = match &params.key {
        Some(given) => Some(super::chat::canonical(&core, given)?),
        None => None,
    };
    let limit = params.limit.unwrap_or(SESSIONS).clamp(1, SESSIONS_MAX);
    let (used, days, rows) = core
        .store
        .read(move |c| {
            let agent = agent.as_deref();
            let mut used = transcripts::used_by_conversation(c, agent, since, until, SESSIONS_MAX)?;
            used.retain(|used| only.as_ref().is_none_or(|key| *key == used.name));
            used.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            let days = transcripts::used_by_day(c, agent, since, until)?;
            let rows = used
                .iter()
                .map(|used| transcripts::conversation(c, &used.name))
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok((used, days, rows))
        })
        .await?;
    let shown: Vec<Value> = used
        .iter()
        .zip(rows)
        .filter_map(|(used, row)| {
            let row = super::sessions::row(&core, &row?);
            Some(session(used, &row))
        })
        .collect();
    Ok(value!({
        "updatedAt": now, "startDate": date_of(since), "endDate": date_of(until.saturating_sub(1).min(now)),
        "sessions": shown, "totals": totals(&used),
        "aggregates": {
            "sessionCount": used.len(), "messages": counts(&used),
            "tools": {"totalCalls": used.iter().map(|u| u.tools).sum::<u64>(), "uniqueTools": 0, "tools": []},
            "byModel": [], "byProvider": [], "byAgent": [], "byChannel": [],
            "daily": days.iter().map(|day| {
                let mut shown = dated(day);
                shown["tokens"] = value!(day.tokens.total);
                shown["cost"] = value!(0);
                shown["messages"] = value!(day.asked + day.answered);
                shown["toolCalls"] = value!(day.tools);
                shown["errors"] = value!(day.failed);
                shown
            }).collect::<Vec<_>>(),
        },
    }))
}

fn session(used: &Used, row: &Value) -> Value {
    let mut usage = totals(std::slice::from_ref(used));
    usage["sessionId"] = row["sessionId"].clone();
    usage["firstActivity"] = value!(used.first_ms);
    usage["lastActivity"] = value!(used.last_ms);
    usage["durationMs"] = value!(used.last_ms.saturating_sub(used.first_ms));
    usage["messageCounts"] = counts(std::slice::from_ref(used));
    let mut shown = value!({
        "key": used.name, "scope": "instance", "usage": usage, "hasContextWeight": false,
    });
    for name in [
        "label",
        "sessionId",
        "updatedAt",
        "agentId",
        "channel",
        "chatType",
        "modelProvider",
        "model",
    ] {
        if let Some(known) = row.get(name) {
            shown[name] = known.clone();
        }
    }
    shown
}

fn dated(day: &Used) -> Value {
    let mut shown = totals(std::slice::from_ref(day));
    shown["date"] = value!(day.name);
    shown
}

fn totals(of: &[Used]) -> Value {
    let sum = |pick: fn(&Tokens) -> u64| of.iter().map(|used| pick(&used.tokens)).sum::<u64>();
    value!({
        "input": sum(|t| t.input), "output": sum(|t| t.output),
        "cacheRead": sum(|t| t.cache_read), "cacheWrite": sum(|t| t.cache_write),
        "totalTokens": sum(|t| t.total), "totalCost": 0, "inputCost": 0, "outputCost": 0,
        "cacheReadCost": 0, "cacheWriteCost": 0,
        "missingCostEntries": of.iter().map(|used| used.answered).sum::<u64>(),
    })
}

fn counts(of: &[Used]) -> Value {
    let sum = |pick: fn(&Used) -> u64| of.iter().map(pick).sum::<u64>();
    let (asked, answered, tools) = (sum(|u| u.asked), sum(|u| u.answered), sum(|u| u.tools));
    value!({
        "total": asked + answered, "user": asked, "assistant": answered, "toolCalls": tools,
        "toolResults": tools, "errors": sum(|u| u.failed),
    })
}

/// From the first moment of the first day to the first after the last.
fn span(params: &UsageParams, now: u64) -> Result<(u64, u64), MethodError> {
    let until = match &params.end_date {
        Some(day) => moment(day)? + DAY_MS,
        None => u64::MAX >> 1,
    };
    let back = |days: u64| day_of(now).saturating_sub((days - 1) * DAY_MS);
    let since = match (&params.start_date, params.range.as_deref()) {
        (Some(day), _) => moment(day)?,
        (None, None) => back(DAYS),
        (None, Some("7d")) => back(7),
        (None, Some("30d")) => back(30),
        (None, Some("90d")) => back(90),
        (None, Some("1y")) => back(365),
        (None, Some("all")) => 0,
        (None, Some(other)) => {
            let text = format!("range is one of 7d, 30d, 90d, 1y, all; not {other}");
            return Err(MethodError::Invalid(text));
        }
    };
    Ok((since, until))
}

fn moment(day: &str) -> Result<u64, MethodError> {
    let bad = |_| MethodError::Invalid(format!("`{day}` is no day; write it as 2026-11-24"));
    let date: Date = day.parse().map_err(bad)?;
    let midnight = date.to_zoned(TimeZone::UTC).map_err(bad)?;
    Ok(u64::try_from(midnight.timestamp().as_millisecond()).unwrap_or(0))
}

fn day_of(ms: u64) -> u64 {
    ms - ms % DAY_MS
}

fn date_of(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or(0);
    let stamp = Timestamp::from_millisecond(ms).unwrap_or_default();
    stamp.to_zoned(TimeZone::UTC).date().to_string()
}
