//! Nodes as they are shown: the rows of `node.list` and `node.pair.list`.

use super::{
    Live, Nodes, allowlist, approved_surface,
    surface::{PendingSurface, Standing, Surface, effective},
    waiting_surface,
};
use crate::{
    devices::Device,
    protocol::scope::{Role, Scope},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A row of `node.list`.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the wire's own names")]
pub struct NodeRow {
    pub node_id: String,
    pub display_name: Option<String>,
    pub platform: String,
    pub version: String,
    pub client_id: String,
    pub client_mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<String>,
    pub caps: Vec<String>,
    pub commands: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<BTreeMap<String, bool>>,
    /// Runs the agent's turns; no node does that for this gateway.
    #[serde(rename = "sessionHost")]
    pub runs_turns: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_stats: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_plugin_tools: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_env: Option<String>,
    #[schemars(with = "String")]
    pub approval_state: Standing,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_declared_caps: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_declared_commands: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected_at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_connected_at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_disconnected_at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen_reason: Option<String>,
    pub approved_at_ms: u64,
    pub paired: bool,
    pub connected: bool,
}

impl Nodes {
    /// All nodes, those that are here first.
    #[must_use]
    pub fn rows(&self) -> Vec<NodeRow> {
        let devices = self.devices.paired();
        let nodes = devices.iter().filter(|d| d.roles.contains(&Role::Node));
        let mut rows: Vec<NodeRow> = nodes.map(|device| self.row(device)).collect();
        rows.sort_by_key(|row| !row.connected);
        rows
    }

    /// One node as it is shown.
    #[must_use]
    pub fn row(&self, device: &Device) -> NodeRow {
        let live = self.lock().live.get(&device.device_id).cloned();
        let (approved, waiting) = (approved_surface(device), waiting_surface(device));
        build(device, live.as_ref(), approved.as_ref(), waiting.as_ref())
    }

    /// Requests that wait, the newest first.
    #[must_use]
    pub fn waiting_rows(&self) -> Vec<Value> {
        let devices = self.devices.paired();
        let mut waiting: Vec<(PendingSurface, &Device)> =
            devices.iter().filter_map(|d| Some((waiting_surface(d)?, d))).collect();
        waiting.sort_by_key(|(w, _)| std::cmp::Reverse(w.ts));
        waiting.iter().map(|(w, d)| waiting_row(w, d)).collect()
    }

    /// Nodes of which a person approved something.
    #[must_use]
    pub fn approved_rows(&self) -> Vec<Value> {
        let devices = self.devices.paired();
        devices.iter().filter_map(|d| approved_row(d, &approved_surface(d)?)).collect()
    }
}

fn build(
    device: &Device,
    live: Option<&Live>,
    approved: Option<&Surface>,
    waiting: Option<&PendingSurface>,
) -> NodeRow {
    let declared = live.map(|l| &l.declared);
    let usable = |approved: Option<&Vec<String>>, declared: Option<&Vec<String>>| {
        let approved = approved.cloned().unwrap_or_default();
        declared.map_or(approved.clone(), |declared| effective(&approved, declared))
    };
    let version = declared
        .map(|d| &d.version)
        .or(approved.map(|a| &a.version))
        .or(waiting.map(|w| &w.version));
    let stats = live.and_then(|l| l.host_stats.clone());
    NodeRow {
        node_id: device.device_id.clone(),
        display_name: name(device, live, approved),
        platform: declared.map_or(&device.platform, |d| &d.platform).clone(),
        version: version.cloned().unwrap_or_default(),
        client_id: device.client_id.clone(),
        client_mode: device.client_mode.clone(),
        device_family: device.device_family.clone(),
        remote_ip: device.remote_ip.clone(),
        caps: usable(approved.map(|a| &a.caps), declared.map(|d| &d.caps)),
        commands: usable(approved.map(|a| &a.commands), declared.map(|d| &d.commands)),
        permissions: declared.and_then(|d| d.permissions.clone()),
        runs_turns: false,
        host_stats: stats.or_else(|| approved.and_then(|a| a.last_host_stats.clone())),
        node_plugin_tools: live.and_then(|l| l.plugin_tools.clone()),
        path_env: declared.and_then(|d| d.path_env.clone()),
        approval_state: Standing::of(approved, waiting),
        pending_request_id: waiting.map(|w| w.request_id.clone()),
        pending_declared_caps: waiting.map(|w| w.caps.clone()),
        pending_declared_commands: waiting.map(|w| w.commands.clone()),
        connected_at_ms: live.map(|l| l.connected_at_ms),
        last_connected_at_ms: live
            .map(|l| l.connected_at_ms)
            .or_else(|| approved.and_then(|a| a.last_connected_at_ms)),
        last_disconnected_at_ms: approved
            .and_then(|a| a.last_disconnected_at_ms)
            .filter(|_| live.is_none()),
        last_seen_at_ms: device.last_seen_at_ms,
        last_seen_reason: device.last_seen_reason.clone(),
        approved_at_ms: approved.map_or(device.approved_at_ms, |a| a.approved_at_ms),
        paired: true,
        connected: live.is_some(),
    }
}

fn name(device: &Device, live: Option<&Live>, approved: Option<&Surface>) -> Option<String> {
    let own = live.and_then(|l| l.declared.display_name.clone());
    let label = device.operator_label.clone().or(own);
    label.or_else(|| approved.and_then(|a| a.display_name.clone())).or(device.display_name.clone())
}

/// A request that waits, as lists and events show it.
#[must_use]
pub fn waiting_row(waiting: &PendingSurface, device: &Device) -> Value {
    let scopes: Vec<&str> =
        allowlist::approve_scopes(&waiting.commands).into_iter().map(Scope::as_str).collect();
    let mut row = json!({
        "requestId": waiting.request_id, "nodeId": device.device_id,
        "clientId": device.client_id, "clientMode": device.client_mode,
        "platform": waiting.platform, "version": waiting.version, "caps": waiting.caps,
        "commands": waiting.commands, "requiredApproveScopes": scopes, "ts": waiting.ts,
    });
    let name = device.operator_label.as_ref().or(waiting.display_name.as_ref());
    put(&mut row, "displayName", name);
    put(&mut row, "deviceFamily", waiting.device_family.as_ref());
    put(&mut row, "permissions", waiting.permissions.as_ref());
    put(&mut row, "remoteIp", waiting.remote_ip.as_ref());
    put(&mut row, "silent", waiting.silent.then_some(true));
    row
}

/// An approved node, as pairing shows it; `None` for a device that is no node any more.
#[must_use]
pub fn approved_row(device: &Device, surface: &Surface) -> Option<Value> {
    if !device.roles.contains(&Role::Node) {
        return None;
    }
    let mut row = json!({
        "nodeId": device.device_id, "clientId": device.client_id,
        "clientMode": device.client_mode, "platform": device.platform,
        "version": surface.version, "caps": surface.caps, "commands": surface.commands,
        "createdAtMs": surface.created_at_ms, "approvedAtMs": surface.approved_at_ms,
    });
    put(&mut row, "displayName", name(device, None, Some(surface)));
    put(&mut row, "deviceFamily", device.device_family.as_ref());
    put(&mut row, "remoteIp", device.remote_ip.as_ref());
    put(&mut row, "lastConnectedAtMs", surface.last_connected_at_ms);
    put(&mut row, "lastDisconnectedAtMs", surface.last_disconnected_at_ms);
    put(&mut row, "lastSeenAtMs", device.last_seen_at_ms);
    put(&mut row, "lastSeenReason", device.last_seen_reason.as_ref());
    put(&mut row, "lastHostStats", surface.last_host_stats.as_ref());
    Some(row)
}

/// The approved row of a device.
#[must_use]
pub fn approved_device_row(device: &Device) -> Option<Value> {
    approved_row(device, &approved_surface(device)?)
}

fn put<T: Serialize>(row: &mut Value, field: &str, value: Option<T>) {
    if let Some(value) = value {
        row[field] = json!(value);
    }
}
