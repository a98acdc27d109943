//! `connect.challenge` and `hello-ok`.

use super::{
    ATTACHMENT_BYTES_MAX, BUFFERED_BYTES_MAX, FRAME_BYTES_MAX, IMAGE_BYTES_MAX, TICK_MS,
    frame::{Json, StateVersion},
    scope::Role,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Sent at once after the upgrade; clients wait for it and sign its `nonce`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Challenge {
    /// Unguessable, for this connection only.
    pub nonce: String,
    /// The gateway's clock, which clients take as `signedAt`.
    pub ts: u64,
}

/// The payload of a successful `connect`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelloOk {
    /// Always `hello-ok`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Always the gateway's version of the protocol.
    pub protocol: u32,
    /// Who answers.
    pub server: ServerInfo,
    /// What it can do.
    pub features: Features,
    /// State at this moment.
    pub snapshot: Snapshot,
    /// What was decided about the caller; authoritative.
    pub auth: HelloAuth,
    /// Limits.
    pub policy: Policy,
    /// Addresses of surfaces this connection may open, such as `canvas`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub plugin_surface_urls: BTreeMap<String, String>,
}

/// Who answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerInfo {
    /// Version of the gateway.
    pub version: String,
    /// This connection.
    pub conn_id: String,
    /// This life of the gateway.
    pub boot_id: String,
}

/// What the gateway can do.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Features {
    /// Method names.
    #[schemars(with = "Vec<String>")]
    pub methods: Json,
    /// Event names.
    #[schemars(with = "Vec<String>")]
    pub events: Json,
    /// Abilities clients gate on.
    pub capabilities: Vec<&'static str>,
}

/// State at the moment of `hello-ok`.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Presence rows, the gateway's own first.
    #[schemars(with = "Vec<Value>")]
    pub presence: Json,
    /// As the method `health`.
    #[schemars(with = "Value")]
    pub health: Json,
    /// Versions of the two.
    pub state_version: StateVersion,
    /// Since the gateway started.
    pub uptime_ms: u64,
    /// Which conversation to open first.
    pub session_defaults: SessionDefaults,
    /// Path of the configuration; admin callers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_path: Option<String>,
    /// Path of the state directory; admin callers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<String>,
    /// Mode of authentication; admin callers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_mode: Option<&'static str>,
}

/// Which conversation a client opens when it was told none.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionDefaults {
    /// The agent that answers by default.
    pub default_agent_id: String,
    /// Whether it has a model.
    pub model_configured: bool,
    /// Always `sole`: one owner.
    pub ownership: &'static str,
    /// Always false: a default exists.
    pub selection_required: bool,
    /// Alias of the main conversation.
    pub main_key: &'static str,
    /// Its canonical key.
    pub main_session_key: String,
    /// How senders share conversations.
    pub scope: &'static str,
}

/// What was decided about the caller.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelloAuth {
    /// Its role.
    pub role: Role,
    /// Its scopes, whatever it asked for.
    pub scopes: Vec<String>,
    /// By what it came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'static str>,
    /// A token for this device and role; on every connect that proved a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
    /// When that token was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_at_ms: Option<u64>,
    /// Further tokens handed over by a setup code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub device_tokens: Vec<IssuedToken>,
}

/// A device token in the clear, sent once to the device it belongs to.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedToken {
    /// The token.
    pub device_token: String,
    /// The role it is for.
    pub role: Role,
    /// The scopes it grants.
    pub scopes: Vec<String>,
    /// When it was issued.
    pub issued_at_ms: u64,
}

/// Limits the client should keep.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Largest frame, bytes.
    pub max_payload: usize,
    /// Bytes that may wait for this client before it is cut off.
    pub max_buffered_bytes: usize,
    /// Period of `tick`, milliseconds.
    pub tick_interval_ms: u64,
    /// Limits of attachments.
    pub attachments: AttachmentPolicy,
}

/// Limits of attachments.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachmentPolicy {
    /// Largest attachment, bytes.
    pub max_bytes: u64,
    /// Largest image, bytes.
    pub max_image_bytes: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_payload: FRAME_BYTES_MAX,
            max_buffered_bytes: BUFFERED_BYTES_MAX,
            tick_interval_ms: TICK_MS,
            attachments: AttachmentPolicy {
                max_bytes: ATTACHMENT_BYTES_MAX,
                max_image_bytes: IMAGE_BYTES_MAX,
            },
        }
    }
}
