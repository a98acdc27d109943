//! `wake`, heartbeats and `system-event`: what the main conversation is told from outside.

use super::{Access, Caller, Core, Done, MethodError, Nothing, Table, done};
use crate::{
    cron::{Beat, heartbeat::WakeError},
    events::presence::PresenceRow,
    protocol::{key, scope::Scope},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How a presence line begins; anything else is told to the agent.
const PRESENCE_LINE: &str = "Node:";

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("wake", Access::Operator(Scope::Write), wake);
    table.now("last-heartbeat", Access::Operator(Scope::Read), last);
    table.later("set-heartbeats", Access::Operator(Scope::Admin), switch);
    table.later("system-event", Access::Operator(Scope::Admin), system_event);
}

/// When something is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// At once.
    Now,
    /// With the next heartbeat; at once while heartbeats are off.
    NextHeartbeat,
}

/// Parameters of `wake`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WakeParams {
    mode: Mode,
    #[schemars(length(min = 1, max = 16_384))]
    text: String,
    /// Only the main conversation can be woken.
    #[serde(default)]
    #[schemars(length(min = 1))]
    session_key: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    agent_id: Option<String>,
}

async fn wake(core: Arc<Core>, _: Arc<Caller>, params: WakeParams) -> Result<Done, MethodError> {
    let text = params.text.trim();
    if text.is_empty() {
        let problem = "invalid wake params: at /text: must not have fewer than 1 characters";
        return Err(MethodError::Invalid(problem.to_owned()));
    }
    if let Some(agent) = params.agent_id.filter(|id| id != core.default_agent()) {
        return Err(MethodError::Invalid(format!("unknown agent id: {agent}")));
    }
    if let Some(given) = params.session_key {
        let found = super::chat::canonical(&core, &given)?;
        if found != key::main_key(core.default_agent()) {
            let problem = format!("wake reaches the main conversation only, not {found}");
            return Err(MethodError::Invalid(problem));
        }
    }
    core.heartbeats.tell(text, params.mode == Mode::Now).await.map_err(failed)?;
    Ok(done())
}

fn failed(error: WakeError) -> MethodError {
    match error {
        WakeError::Full => MethodError::Unavailable(error.to_string()),
        WakeError::Store(error) => error.into(),
    }
}

fn last(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Option<Beat>, MethodError> {
    Ok(core.heartbeats.last())
}

/// Parameters of `set-heartbeats`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct SwitchParams {
    enabled: bool,
}

/// What `set-heartbeats` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Switched {
    ok: bool,
    enabled: bool,
}

async fn switch(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: SwitchParams,
) -> Result<Switched, MethodError> {
    core.heartbeats.switch(params.enabled).await?;
    Ok(Switched { ok: true, enabled: params.enabled })
}

/// Parameters of `system-event`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemEventParams {
    #[schemars(length(min = 1, max = 16_384))]
    text: String,
    #[serde(default)]
    device_id: Option<String>,
    #[serde(default)]
    instance_id: Option<String>,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    ip: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    device_family: Option<String>,
    #[serde(default)]
    model_identifier: Option<String>,
    #[serde(default)]
    mode: Option<String>,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    last_input_seconds: Option<u64>,
    #[serde(default)]
    tags: Vec<String>,
}

async fn system_event(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: SystemEventParams,
) -> Result<Done, MethodError> {
    let text = params.text.trim().to_owned();
    if !text.starts_with(PRESENCE_LINE) {
        core.heartbeats.tell(&text, false).await.map_err(failed)?;
    }
    let (key, row) = row(params, &text);
    core.presence.put(&key, row);
    core.publish_presence();
    Ok(done())
}

/// The presence row an event speaks of: what it names, else what its text says.
fn row(params: SystemEventParams, text: &str) -> (String, PresenceRow) {
    let said = Line::read(text);
    let host = params.host.or(said.host).unwrap_or_default();
    let ip = params.ip.or(said.ip);
    let name = [&params.device_id, &params.instance_id].into_iter().flatten().next();
    let key = name
        .or((!host.is_empty()).then_some(&host))
        .or(ip.as_ref())
        .cloned()
        .unwrap_or_else(|| text.chars().take(64).collect());
    let row = PresenceRow {
        host,
        ip,
        version: params.version.or(said.version).unwrap_or_default(),
        platform: params.platform.unwrap_or_default(),
        device_family: params.device_family,
        model_identifier: params.model_identifier,
        mode: params.mode.or(said.mode).unwrap_or_default(),
        reason: params.reason.or(said.reason).unwrap_or_else(|| "system-event".to_owned()),
        text: text.to_owned(),
        last_input_seconds: params.last_input_seconds,
        device_id: params.device_id,
        instance_id: params.instance_id,
        tags: params.tags,
        ..PresenceRow::default()
    };
    (key.to_lowercase(), row)
}

/// What a presence line says: `Node: <host> (<ip>) · app <version> · mode <mode> · reason <reason>`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Line {
    host: Option<String>,
    ip: Option<String>,
    version: Option<String>,
    mode: Option<String>,
    reason: Option<String>,
}

impl Line {
    fn read(text: &str) -> Self {
        let Some(rest) = text.strip_prefix(PRESENCE_LINE) else { return Self::default() };
        let mut parts = rest.split(" · ");
        let head = parts.next().unwrap_or_default().trim();
        let (host, ip) = match head.split_once(" (") {
            Some((host, ip)) => (host, ip.strip_suffix(')').map(str::to_owned)),
            None => (head, None),
        };
        let mut line =
            Self { host: (!host.is_empty()).then(|| host.to_owned()), ip, ..Self::default() };
        for part in parts {
            match part.trim().split_once(' ') {
                Some(("app", version)) => line.version = Some(version.to_owned()),
                Some(("mode", mode)) => line.mode = Some(mode.to_owned()),
                Some(("reason", reason)) => line.reason = Some(reason.to_owned()),
                _ => {}
            }
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_presence_line_says_who_is_there() {
        let line = Line::read("Node: desk (10.0.0.7) · app 2026.9.6 · mode ui · reason periodic");
        assert_eq!(line.host.as_deref(), Some("desk"));
        assert_eq!(line.ip.as_deref(), Some("10.0.0.7"));
        assert_eq!(line.version.as_deref(), Some("2026.9.6"));
        assert_eq!(line.mode.as_deref(), Some("ui"));
        assert_eq!(line.reason.as_deref(), Some("periodic"));
        assert_eq!(Line::read("the build is done"), Line::default());
        assert_eq!(Line::read("Node: desk").host.as_deref(), Some("desk"));
    }
}
