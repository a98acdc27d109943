//! The parameters of `connect`, the first request of every client.
//!
//! The original refuses keys it does not know; this gateway accepts them, because clients add some
//! every month without raising the protocol version.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a client says of itself and of what it wants.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectParams {
    /// Lowest protocol version the client can speak.
    #[schemars(range(min = 1))]
    pub min_protocol: u32,
    /// Highest protocol version the client can speak.
    #[schemars(range(min = 1))]
    pub max_protocol: u32,
    /// Who is calling.
    pub client: ClientInfo,
    /// `operator` (when absent) or `node`.
    #[serde(default)]
    pub role: Option<String>,
    /// Scopes asked for, in the order the signature covers; unknown ones are tolerated.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Abilities of the client, or capability families of a node.
    #[serde(default)]
    pub caps: Vec<String>,
    /// Commands a node declares.
    #[serde(default)]
    pub commands: Vec<String>,
    /// Permissions a node holds on its own system.
    #[serde(default)]
    pub permissions: Option<BTreeMap<String, bool>>,
    /// Search path of a node's commands.
    #[serde(default)]
    pub path_env: Option<String>,
    /// Credentials.
    #[serde(default)]
    pub auth: Option<Credentials>,
    /// Proof of the device's identity.
    #[serde(default)]
    pub device: Option<DeviceProof>,
    /// Preferred language.
    #[serde(default)]
    pub locale: Option<String>,
    /// Free text.
    #[serde(default)]
    pub user_agent: Option<String>,
}

impl ConnectParams {
    /// Whether it is a node that speaks the protocol before this one.
    #[must_use]
    pub fn is_old_node(&self) -> bool {
        self.max_protocol < super::VERSION && self.role.as_deref() == Some("node")
    }

    /// The client in today's words: nodes that speak protocol 3 name their systems after their
    /// build, and leave out the kind of device.
    #[must_use]
    pub fn described_client(&self) -> ClientInfo {
        let mut client = self.client.clone();
        let words = match client.platform.as_str() {
            "darwin" => Some(("macos", "Mac")),
            "win32" => Some(("windows", "Windows")),
            "linux" => Some(("linux", "Linux")),
            _ => None,
        };
        if let (true, Some((platform, family))) = (self.is_old_node(), words) {
            platform.clone_into(&mut client.platform);
            client.device_family.get_or_insert_with(|| family.to_owned());
        }
        client
    }
}

/// Who is calling.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClientInfo {
    /// Which program.
    pub id: ClientId,
    /// Its version.
    #[schemars(length(min = 1))]
    pub version: String,
    /// Operating system, as the client names it.
    #[schemars(length(min = 1))]
    pub platform: String,
    /// How it is being used.
    pub mode: ClientMode,
    /// Name for people.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Build of a web client.
    #[serde(default)]
    #[schemars(length(max = 96))]
    pub build_id: Option<String>,
    /// Family of the device, such as `iPhone`.
    #[serde(default)]
    pub device_family: Option<String>,
    /// Model of the device.
    #[serde(default)]
    pub model_identifier: Option<String>,
    /// IANA time zone.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub time_zone: Option<String>,
    /// This running copy of the client.
    #[serde(default)]
    pub instance_id: Option<String>,
}

/// Programs the protocol knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum ClientId {
    WebchatUi,
    #[serde(rename = "openclaw-control-ui")]
    ControlUi,
    #[serde(rename = "openclaw-browser-copilot")]
    BrowserCopilot,
    #[serde(rename = "openclaw-tui")]
    Tui,
    Webchat,
    Cli,
    GatewayClient,
    #[serde(rename = "openclaw-macos")]
    Macos,
    #[serde(rename = "openclaw-linux")]
    Linux,
    #[serde(rename = "openclaw-ios")]
    Ios,
    #[serde(rename = "openclaw-watchos")]
    Watchos,
    #[serde(rename = "openclaw-android")]
    Android,
    NodeHost,
    #[serde(rename = "openclaw-worker")]
    Worker,
    Test,
    Fingerprint,
    #[serde(rename = "openclaw-probe")]
    Probe,
}

/// How a client is being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum ClientMode {
    Webchat,
    Cli,
    Ui,
    Backend,
    Node,
    Worker,
    Probe,
    Test,
}

impl ClientId {
    /// The word on the wire; part of what a device signs.
    #[must_use]
    pub fn word(self) -> String {
        word(&self)
    }
}

impl ClientMode {
    /// The word on the wire; part of what a device signs.
    #[must_use]
    pub fn word(self) -> String {
        word(&self)
    }
}

fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("unit variants serialise as strings"),
    }
}

/// What a client offers as proof that it may come in.
#[derive(Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The shared token, or a device token.
    #[serde(default)]
    pub token: Option<String>,
    /// A single-use setup code's token.
    #[serde(default)]
    pub bootstrap_token: Option<String>,
    /// A token issued to this device.
    #[serde(default)]
    pub device_token: Option<String>,
    /// The shared password; some clients put the token here.
    #[serde(default)]
    pub password: Option<String>,
}

impl Credentials {
    /// What the signature covers: the first that is not empty, never the password.
    #[must_use]
    pub fn signed_token(&self) -> &str {
        [&self.token, &self.device_token, &self.bootstrap_token]
            .into_iter()
            .find_map(|t| t.as_deref().filter(|t| !t.is_empty()))
            .unwrap_or_default()
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(***)")
    }
}

/// Proof that the caller holds a device's key.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceProof {
    /// Lower-case hex SHA-256 of the raw public key.
    #[schemars(length(min = 1))]
    pub id: String,
    /// Ed25519 key: base64url (or base64) of its 32 bytes.
    #[schemars(length(min = 1))]
    pub public_key: String,
    /// Ed25519 signature, base64url.
    #[schemars(length(min = 1))]
    pub signature: String,
    /// Milliseconds since the Unix epoch; clients take the challenge's `ts`.
    pub signed_at: u64,
    /// The challenge's nonce.
    pub nonce: String,
}
