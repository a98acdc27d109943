//! `health` and `status`: how the gateway is, for programs and for people.
//!
//! `health` is answered from the last snapshot without any work; the snapshot is made anew every
//! minute, when something changes, and when a caller asks for a probe.

use super::{Access, Answer, Caller, Core, MethodError, Nothing, Shape, Table};
use crate::{
    plugins::{PluginState, PluginStatus},
    protocol::{event, frame::json, key, scope::Scope},
    store::{StoreError, transcripts},
    tls::Tls,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json as value};
use std::{sync::Arc, time::Duration};

/// Conversations shown in a snapshot.
const RECENT_MAX: u64 = 5;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.either::<HealthParams, Health, _>("health", Access::Anyone, health);
    table.later("status", Access::Operator(Scope::Read), status);
}

/// Parameters of `health`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct HealthParams {
    /// Make a new snapshot before answering.
    #[serde(default)]
    probe: Option<bool>,
}

/// The health snapshot.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// The gateway answers and every enabled channel could be started.
    ok: bool,
    ts: u64,
    duration_ms: u64,
    plugins: PluginHealth,
    channels: Map<String, Value>,
    channel_order: Vec<String>,
    channel_labels: Map<String, Value>,
    heartbeat_seconds: u64,
    default_agent_id: String,
    agents: Vec<Shape>,
    sessions: SessionHealth,
    messages: Shape,
    degraded: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PluginHealth {
    loaded: Vec<String>,
    errors: Vec<PluginProblem>,
    unavailable: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PluginProblem {
    plugin_id: String,
    error: String,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
struct SessionHealth {
    path: String,
    count: u64,
    recent: Vec<RecentSession>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct RecentSession {
    key: String,
    updated_at: u64,
    age: u64,
}

fn health(core: &Arc<Core>, _: &Arc<Caller>, params: HealthParams, to: super::Responder) -> Answer {
    if params.probe != Some(true) {
        return Answer::Now(Ok(core.health.read()));
    }
    let core = Arc::clone(core);
    Answer::Later(Box::pin(async move {
        match refresh(&core).await {
            Ok(()) => to.ok(&core.health.read()),
            Err(error) => to.fail(&MethodError::from(error).into()),
        }
    }))
}

/// Makes a new snapshot, shows it and tells everyone.
///
/// # Errors
/// When the store cannot be read.
pub async fn refresh(core: &Core) -> Result<(), StoreError> {
    let begun = core.clock.monotonic();
    let sessions = sessions(core).await?;
    let plugins: Vec<PluginStatus> = core.plugins.list();
    let enabled = || plugins.iter().filter(|p| p.enabled);
    let problem = |p: &&PluginStatus| {
        matches!(p.state, PluginState::Refused | PluginState::Restarting | PluginState::Quarantined)
    };
    let loaded =
        enabled().filter(|p| p.state == PluginState::Running).map(|p| p.id.clone()).collect();
    let errors: Vec<PluginProblem> = enabled()
        .filter(problem)
        .map(|p| PluginProblem {
            plugin_id: p.id.clone(),
            error: p.last_error.clone().unwrap_or_default(),
        })
        .collect();
    let channels = enabled().map(|p| (p.channel.clone(), super::channels::summary(p))).collect();
    let labels = enabled().map(|p| (p.channel.clone(), Value::String(p.label.clone()))).collect();
    let snapshot = Health {
        ok: errors.is_empty() && core.config.fault.is_none(),
        ts: core.clock.now_ms(),
        duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        plugins: PluginHealth {
            loaded,
            unavailable: errors.iter().map(|e| e.plugin_id.clone()).collect(),
            errors,
        },
        channels,
        channel_order: enabled().map(|p| p.channel.clone()).collect(),
        channel_labels: labels,
        heartbeat_seconds: core.heartbeats.period().map_or(0, |period| period.as_secs()),
        default_agent_id: core.default_agent().to_owned(),
        agents: vec![value!({
            "agentId": core.default_agent(), "isDefault": true,
            "heartbeat": heartbeat(core),
            "sessions": sessions,
        })],
        sessions,
        messages: value!(core.messages.counters()),
        degraded: degraded(core),
    };
    core.health.show(json(&snapshot));
    core.events.health_changed();
    core.events.publish(event::HEALTH, &core.health.read());
    Ok(())
}

fn heartbeat(core: &Core) -> Value {
    let period = core.heartbeats.period();
    value!({
        "enabled": period.is_some(), "every": every(period),
        "everyMs": period.map(|p| p.as_millis()), "prompt": core.heartbeats.prompt(),
        "target": core.config.heartbeat.channel.as_deref().unwrap_or("none"), "ackMaxChars": 0,
    })
}

/// A period in the wire's words.
fn every(period: Option<Duration>) -> String {
    let seconds = period.map_or(0, |p| p.as_secs());
    if seconds.is_multiple_of(60) { format!("{}m", seconds / 60) } else { format!("{seconds}s") }
}

async fn sessions(core: &Core) -> Result<SessionHealth, StoreError> {
    let filter = transcripts::Filter { limit: RECENT_MAX, ..transcripts::Filter::default() };
    let (rows, count) = core.store.read(move |c| transcripts::list(c, &filter)).await?;
    let now = core.clock.now_ms();
    let recent = rows.into_iter().map(|row| RecentSession {
        key: row.session_key,
        updated_at: row.updated_ms,
        age: now.saturating_sub(row.updated_ms),
    });
    Ok(SessionHealth { path: "journal.db".to_owned(), count, recent: recent.collect() })
}

/// What `status` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    runtime_version: String,
    uptime_ms: u64,
    pid: u32,
    heartbeat: Shape,
    channel_summary: Vec<String>,
    queued_system_events: Vec<String>,
    degraded: Vec<String>,
    degraded_plugins: Vec<String>,
    tasks: Shape,
    task_audit: Shape,
    sessions: Shape,
    plugins: Vec<Shape>,
    /// SHA-256 of the certificate on the port; absent when the port is plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_fingerprint: Option<String>,
    connections: usize,
    active_runs: usize,
    messages: Shape,
    backlog: Shape,
}

async fn status(core: Arc<Core>, _: Arc<Caller>, _: Nothing) -> Result<Status, MethodError> {
    let sessions = sessions(&core).await?;
    let plugins = core.plugins.list();
    let agent = core.default_agent();
    let period = core.heartbeats.period();
    let zero = value!({"queued": 0, "running": 0, "succeeded": 0, "failed": 0, "timed_out": 0, "cancelled": 0, "lost": 0});
    let recent: Vec<Value> = sessions.recent.iter().map(|s| session_line(&core, s)).collect();
    let defaults =
        value!({"model": core.runs.model().id, "contextTokens": core.runs.model().context_window});
    Ok(Status {
        runtime_version: core.version.to_owned(),
        uptime_ms: core.uptime_ms(),
        pid: std::process::id(),
        heartbeat: value!({"defaultAgentId": agent, "agents": [
            {"agentId": agent, "enabled": period.is_some(), "every": every(period),
             "everyMs": period.map(|p| p.as_millis()), "waitingForRoute": false}]}),
        channel_summary: plugins.iter().filter(|p| p.enabled).map(channel_line).collect(),
        queued_system_events: core.heartbeats.waiting().await?,
        degraded: degraded(&core),
        degraded_plugins: plugins
            .iter()
            .filter(|p| p.enabled && p.state != PluginState::Running)
            .map(|p| p.id.clone())
            .collect(),
        tasks: value!({"total": 0, "active": 0, "terminal": 0, "failures": 0, "byStatus": zero,
                       "byRuntime": {"subagent": 0, "acp": 0, "cli": 0, "cron": 0}}),
        task_audit: value!({"total": 0, "warnings": 0, "errors": 0, "byCode": {}}),
        sessions: value!({"paths": [sessions.path], "count": sessions.count, "defaults": defaults, "recent": recent,
            "byAgent": [{"agentId": agent, "path": sessions.path, "count": sessions.count, "recent": recent}]}),
        plugins: plugins.iter().map(|p| value!({"id": p.id, "version": p.version, "state": p.state, "isolation": p.isolation})).collect(),
        connections: core.events.connections(),
        tls_fingerprint: core.tls.as_ref().and_then(Tls::fingerprint).map(|f| f.to_string()),
        active_runs: core.runs.active(),
        messages: value!(core.messages.counters()),
        backlog: value!(core.messages.backlog().await?),
    })
}

/// What of the gateway itself is not as it should be, for people.
fn degraded(core: &Core) -> Vec<String> {
    let fault = core.config.fault.iter();
    let fault = fault.map(|fault| format!("running on the last good configuration: {fault}"));
    fault.chain(core.plugins.quiet().map(|why| format!("safe mode: {why}"))).collect()
}

fn session_line(core: &Core, session: &RecentSession) -> Value {
    value!({
        "agentId": key::agent_of(&session.key, core.default_agent()), "key": session.key,
        "kind": key::kind_of(&session.key), "updatedAt": session.updated_at, "age": session.age,
        "model": core.runs.model().id, "flags": [],
    })
}

fn channel_line(plugin: &PluginStatus) -> String {
    let links: Vec<String> = plugin
        .links
        .iter()
        .map(|l| format!("{} {}", l.account, super::channels::link_word(l.state)))
        .collect();
    let links = if links.is_empty() { String::new() } else { format!(" ({})", links.join(", ")) };
    format!("{}: {:?}{links}", plugin.label, plugin.state).to_lowercase()
}
