//! `channels.*`: what each enabled channel is doing.

use super::{Access, Caller, Core, MethodError, Nothing, Shape, Table};
use crate::{
    plugins::{PluginState, PluginStatus},
    protocol::scope::Scope,
};
use jackfield_plugin_api::link::{LinkReport, LinkState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json as value};
use std::{sync::Arc, time::Duration};

/// Longest time a probe may take, milliseconds.
const PROBE_MS_MAX: u64 = 60_000;
const PROBE_MS: u64 = 10_000;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("channels.status", Access::Operator(Scope::Read), status);
    table.now("web.login.start", Access::Operator(Scope::Admin), no_login).hidden();
    table.now("web.login.wait", Access::Operator(Scope::Admin), no_login).hidden();
}

/// No channel can be logged in from a page yet; the text is the one clients know for that.
fn no_login(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    Err(MethodError::Invalid("web login provider is not available".to_owned()))
}

/// Parameters of `channels.status`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusParams {
    /// Prove each account end to end.
    #[serde(default)]
    probe: Option<bool>,
    /// Longest time for each proof, milliseconds.
    #[serde(default)]
    timeout_ms: Option<u64>,
    /// Only this channel.
    #[serde(default)]
    #[schemars(length(min = 1))]
    channel: Option<String>,
}

/// What `channels.status` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChannelsStatus {
    ts: u64,
    channel_order: Vec<String>,
    channel_labels: Map<String, Value>,
    channel_detail_labels: Map<String, Value>,
    channel_meta: Vec<Shape>,
    channels: Map<String, Value>,
    channel_accounts: Map<String, Value>,
    channel_default_account_id: Map<String, Value>,
    status_issues: Vec<Shape>,
}

async fn status(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: StatusParams,
) -> Result<ChannelsStatus, MethodError> {
    let plugins: Vec<PluginStatus> = core
        .plugins
        .measured()
        .into_iter()
        .filter(|p| p.enabled && params.channel.as_ref().is_none_or(|c| *c == p.channel))
        .collect();
    let mut answer = ChannelsStatus {
        ts: core.clock.now_ms(),
        channel_order: Vec::new(),
        channel_labels: Map::new(),
        channel_detail_labels: Map::new(),
        channel_meta: Vec::new(),
        channels: Map::new(),
        channel_accounts: Map::new(),
        channel_default_account_id: Map::new(),
        status_issues: Vec::new(),
    };
    for plugin in &plugins {
        let mut accounts = accounts(plugin);
        if params.probe == Some(true) {
            let limit = params.timeout_ms.unwrap_or(PROBE_MS).min(PROBE_MS_MAX);
            probe(&core, plugin, &mut accounts, Duration::from_millis(limit)).await;
        }
        let id = plugin.channel.clone();
        let first = accounts.first().map_or("default".to_owned(), |a| {
            a["accountId"].as_str().unwrap_or("default").to_owned()
        });
        answer.channel_order.push(id.clone());
        answer.channel_labels.insert(id.clone(), value!(plugin.label));
        answer.channel_detail_labels.insert(id.clone(), value!(plugin.label));
        answer
            .channel_meta
            .push(value!({"id": id, "label": plugin.label, "detailLabel": plugin.label}));
        answer.channels.insert(id.clone(), summary(plugin));
        answer.channel_default_account_id.insert(id.clone(), value!(first));
        if let Some(error) = &plugin.last_error
            && plugin.state != PluginState::Running
        {
            answer.status_issues.push(
                value!({"channel": id, "accountId": first, "kind": "runtime", "message": error}),
            );
        }
        answer.channel_accounts.insert(id, Value::Array(accounts));
    }
    Ok(answer)
}

async fn probe(core: &Core, plugin: &PluginStatus, accounts: &mut [Value], limit: Duration) {
    for account in accounts {
        let begun = core.clock.monotonic();
        let id = account["accountId"].as_str().unwrap_or_default().to_owned();
        let found = core.plugins.probe(&plugin.channel, &id, limit).await;
        let elapsed = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        account["lastProbeAt"] = value!(core.clock.now_ms());
        account["probe"] = match found {
            Ok(detail) => {
                value!({"ok": true, "status": null, "error": null, "detail": detail, "elapsedMs": elapsed})
            }
            Err(error) => {
                value!({"ok": false, "status": null, "error": error, "elapsedMs": elapsed})
            }
        };
    }
}

/// One channel in a few facts, as health shows it.
#[must_use]
pub fn summary(plugin: &PluginStatus) -> Value {
    let accounts = accounts(plugin);
    let mut summary = accounts.first().cloned().unwrap_or_else(|| value!({}));
    summary["accounts"] = accounts
        .iter()
        .filter_map(|a| Some((a["accountId"].as_str()?.to_owned(), a.clone())))
        .collect::<Map<String, Value>>()
        .into();
    summary
}

fn accounts(plugin: &PluginStatus) -> Vec<Value> {
    if plugin.links.is_empty() {
        return vec![account(
            plugin,
            &LinkReport {
                account: jackfield_plugin_api::id::DEFAULT_ACCOUNT.into(),
                state: if plugin.state == PluginState::Running {
                    LinkState::Connecting
                } else {
                    LinkState::Stopped
                },
                detail: None,
                identity: None,
            },
        )];
    }
    plugin.links.iter().map(|link| account(plugin, link)).collect()
}

fn account(plugin: &PluginStatus, link: &LinkReport) -> Value {
    let running = plugin.state == PluginState::Running;
    value!({
        "accountId": link.account,
        "enabled": plugin.enabled,
        "configured": true,
        "running": running,
        "connected": running && link.state == LinkState::Connected,
        "linked": !matches!(link.state, LinkState::NeedsLogin | LinkState::LoggedOut),
        "lifecycle": link_word(link.state),
        "detail": link.detail,
        "identity": link.identity,
        "lastStartAt": plugin.since_ms,
        "lastStopAt": null,
        "restartPending": plugin.state == PluginState::Restarting,
        "reconnectAttempts": plugin.restarts,
        "lastError": plugin.last_error,
        "plugin": {"id": plugin.id, "version": plugin.version, "state": plugin.state, "isolation": plugin.isolation, "demoted": plugin.demoted, "usage": plugin.usage},
    })
}

/// A link state in the wire's word.
#[must_use]
pub fn link_word(state: LinkState) -> String {
    match serde_json::to_value(state) {
        Ok(Value::String(word)) => word,
        _ => unreachable!("link states serialise as words"),
    }
}
