//! One device as it is stored and, without its secrets, as it is shown.

use super::pending::Ask;
use crate::protocol::scope::{Role, Scopes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// By what a device was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovedVia {
    /// Local connection with the shared secret.
    Silent,
    /// A person said yes.
    Owner,
    /// A setup code.
    Bootstrap,
    /// A trusted reverse proxy named its user.
    TrustedProxy,
}

/// What is kept of a device token: never the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRecord {
    /// For which role.
    pub role: Role,
    /// What it grants.
    pub scopes: Vec<String>,
    /// Random value the token is derived from, together with the gateway's key.
    pub issue: String,
    /// SHA-256 of the token, hex.
    pub hash: String,
    /// First issue for this role.
    pub created_at_ms: u64,
    /// Last replacement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotated_at_ms: Option<u64>,
    /// Its end, if it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at_ms: Option<u64>,
    /// Last login with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at_ms: Option<u64>,
}

/// A paired device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the wire's own names; see the pairing section of the protocol")]
pub struct Device {
    pub device_id: String,
    pub public_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub platform: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    pub client_id: String,
    pub client_mode: String,
    /// The role it connected with last.
    pub role: Role,
    pub roles: Vec<Role>,
    /// Approved operator scopes.
    pub scopes: Vec<String>,
    #[serde(default)]
    pub tokens: BTreeMap<Role, TokenRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<String>,
    pub approved_via: ApprovedVia,
    pub created_at_ms: u64,
    pub approved_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser_origin: Option<String>,
    /// Commands an operator approved for this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_surface: Option<Value>,
    /// Commands that wait for approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending_node_surface: Option<Value>,
}

impl Device {
    /// A device approved for the first time.
    #[must_use]
    pub fn new(ask: &Ask, via: ApprovedVia, now_ms: u64) -> Self {
        let scopes =
            if ask.role == Role::Operator { words(ask.scopes.normalised()) } else { Vec::new() };
        Self {
            device_id: ask.device_id.clone(),
            public_key: ask.public_key.clone(),
            display_name: ask.display_name.clone(),
            platform: ask.platform.clone(),
            device_family: ask.device_family.clone(),
            client_id: ask.client_id.clone(),
            client_mode: ask.client_mode.clone(),
            role: ask.role,
            roles: ask.roles.clone(),
            scopes,
            tokens: BTreeMap::new(),
            remote_ip: ask.remote_ip.clone(),
            approved_via: via,
            created_at_ms: now_ms,
            approved_at_ms: now_ms,
            last_seen_at_ms: Some(now_ms),
            last_seen_reason: Some("connect".to_owned()),
            operator_label: None,
            browser_origin: ask.browser_origin.clone(),
            node_surface: None,
            pending_node_surface: None,
        }
    }

    /// The device after an approval that widened its roles or scopes or renewed its metadata.
    #[must_use]
    pub fn upgraded(&self, ask: &Ask, via: ApprovedVia, now_ms: u64) -> Self {
        let mut device = self.clone();
        for role in &ask.roles {
            if !device.roles.contains(role) {
                device.roles.push(*role);
            }
        }
        if ask.roles.contains(&Role::Operator) {
            let scopes = Scopes::from_words(&device.scopes).union(ask.scopes);
            device.scopes = words(scopes.normalised());
        }
        device.role = ask.role;
        device.public_key.clone_from(&ask.public_key);
        device.platform.clone_from(&ask.platform);
        device.device_family.clone_from(&ask.device_family);
        device.client_id.clone_from(&ask.client_id);
        device.client_mode.clone_from(&ask.client_mode);
        device.display_name = ask.display_name.clone().or(device.display_name);
        device.remote_ip = ask.remote_ip.clone().or(device.remote_ip);
        device.approved_via = via;
        device.approved_at_ms = now_ms;
        device
    }

    /// What the device is approved for in a role.
    #[must_use]
    pub fn granted(&self, role: Role) -> Scopes {
        if role == Role::Operator { Scopes::from_words(&self.scopes) } else { Scopes::NONE }
    }

    /// The token of a role, unless it was ended.
    #[must_use]
    pub fn living_token(&self, role: Role) -> Option<&TokenRecord> {
        self.tokens.get(&role).filter(|t| t.revoked_at_ms.is_none())
    }

    /// The living token of a role, if it grants what is asked.
    #[must_use]
    pub fn covering_token(&self, role: Role, asked: Scopes) -> Option<&TokenRecord> {
        let asked = if role == Role::Operator { asked } else { Scopes::NONE };
        self.living_token(role).filter(|t| Scopes::from_words(&t.scopes).covers(asked))
    }

    /// Whether a person did something for this device, so that it is no throw-away identity.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.operator_label.is_some() || self.node_surface.is_some()
    }

    /// Whether both are identities of the same program used the same way under the same name.
    #[must_use]
    pub fn same_cluster(&self, other: &Self) -> bool {
        (&self.client_id, &self.client_mode, &self.display_name)
            == (&other.client_id, &other.client_mode, &other.display_name)
    }

    /// The row of `device.pair.list`: everything but secrets.
    ///
    /// # Panics
    /// Never: a device record is plain data.
    #[must_use]
    pub fn row(&self, connected: Option<bool>) -> Value {
        let mut row = serde_json::to_value(self).expect("a device record is plain data");
        let tokens: Vec<Value> = self.tokens.values().map(token_row).collect();
        row["tokens"] = Value::Array(tokens);
        if let Some(connected) = connected {
            row["connected"] = Value::Bool(connected);
        }
        row
    }
}

fn token_row(token: &TokenRecord) -> Value {
    let mut row =
        json!({"role": token.role, "scopes": token.scopes, "createdAtMs": token.created_at_ms});
    let times = [
        ("rotatedAtMs", token.rotated_at_ms),
        ("revokedAtMs", token.revoked_at_ms),
        ("lastUsedAtMs", token.last_used_at_ms),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            row[name] = json!(time);
        }
    }
    row
}

fn words(scopes: Scopes) -> Vec<String> {
    scopes.words().into_iter().map(str::to_owned).collect()
}
