//! HTTP requests that the gateway hands to a plugin on a route its manifest declares.

#[cfg(feature = "sdk")]
mod body;

use serde::{Deserialize, Serialize};

/// One request, already size-limited and past the gateway's origin and host gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HttpRequest {
    /// Upper-case method.
    pub method: String,
    /// Path as the router saw it, decoded once, starting with the route's prefix.
    pub path: String,
    /// Query without the question mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Lower-case names. Credentials of the gateway itself are removed.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body, base64 (standard alphabet, padded).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body_b64: String,
}

/// The plugin's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Headers; the gateway adds its own security headers and never lets these weaken them.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// Body, base64 (standard alphabet, padded).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body_b64: String,
}
