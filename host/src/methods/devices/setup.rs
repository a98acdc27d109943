//! `device.pair.setup*`: a code that lets one device in without a second click.
//!
//! The code holds the gateway's address and a single-use secret, never the shared one.

use super::{Access, Caller, Core, MethodError, Table};
use crate::{
    config::gateway::AuthMode,
    devices::setup::{Access as Granted, Completion},
    protocol::scope::Scope,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use std::sync::Arc;
use url::Url;

/// Adds both. They are not announced: a code is a credential.
pub fn add(table: &mut Table) {
    const ACCESS: Access = Access::Operator(Scope::Admin);
    table.now("device.pair.setupCode", ACCESS, code).hidden();
    table.now("device.pair.setupStatus", ACCESS, status).hidden();
}

/// What the device will get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// A node, and an operator that can read and write.
    Limited,
    /// A node only.
    Node,
    /// A node only, with a voice.
    VoiceNode,
}

/// Parameters of `device.pair.setupCode`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CodeParams {
    /// How the device reaches the gateway.
    #[serde(default)]
    public_url: Option<String>,
    #[serde(default)]
    bootstrap_profile: Option<Profile>,
    #[serde(default)]
    join_url: Option<bool>,
}

/// A fresh code.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Code {
    setup_id: String,
    expires_at_ms: u64,
    setup_code: String,
    gateway_url: String,
    auth: &'static str,
    url_source: &'static str,
    access: Granted,
    #[serde(skip_serializing_if = "Option::is_none")]
    join_url: Option<String>,
}

fn code(core: &Arc<Core>, _: &Arc<Caller>, params: CodeParams) -> Result<Code, MethodError> {
    let (gateway_url, url_source) = address(core, params.public_url.as_deref())?;
    let access = match params.bootstrap_profile {
        None => Granted::Full,
        Some(Profile::Limited) => Granted::Limited,
        Some(Profile::Node | Profile::VoiceNode) => Granted::Node,
    };
    let setup = core.auth.devices().open_setup(access);
    let body = value!({
        "url": gateway_url, "bootstrapToken": setup.token, "expiresAtMs": setup.expires_at_ms,
    });
    let setup_code = URL_SAFE_NO_PAD.encode(body.to_string());
    let join_url = params.join_url == Some(true);
    Ok(Code {
        setup_id: setup.setup_id,
        expires_at_ms: setup.expires_at_ms,
        join_url: join_url.then(|| format!("oc-pair://{setup_code}")),
        setup_code,
        gateway_url,
        auth: if core.auth.mode() == AuthMode::Password { "password" } else { "token" },
        url_source,
        access,
    })
}

/// The address for the code, and where it comes from.
fn address(core: &Core, public_url: Option<&str>) -> Result<(String, &'static str), MethodError> {
    if let Some(text) = public_url.map(str::trim).filter(|text| !text.is_empty()) {
        return Ok((socket_url(text)?, "request.publicUrl"));
    }
    let gateway = &core.config.gateway;
    match gateway.bind_ip() {
        Ok(ip) if !ip.is_loopback() && gateway.port != 0 => {
            let host =
                if ip.is_unspecified() { core.host.clone() } else { url_host(ip) };
            let scheme = if gateway.tls.enabled { "wss" } else { "ws" };
            Ok((format!("{scheme}://{host}:{}", gateway.port), "gateway.bind"))
        }
        _ => Err(MethodError::Invalid(
            "Gateway is only bound to loopback. Set gateway.bind to an address of your network, or give a public address (publicUrl; `--public-url` on the command line).".to_owned(),
        )),
    }
}

fn url_host(ip: std::net::IpAddr) -> String {
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
}

/// A web or socket address as a socket address.
fn socket_url(text: &str) -> Result<String, MethodError> {
    let bad = || MethodError::Invalid("publicUrl must be a ws, wss, http or https URL".to_owned());
    let mut url = Url::parse(text).map_err(|_| bad())?;
    let scheme = match url.scheme() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => return Err(bad()),
    };
    url.set_scheme(scheme).map_err(|()| bad())?;
    if url.host_str().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Err(bad());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Parameters of `device.pair.setupStatus`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusParams {
    #[schemars(length(min = 1, max = 128))]
    setup_id: String,
}

/// How a set-up stands; empty while nobody used the code.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SetupStatus {
    #[serde(skip_serializing_if = "Option::is_none")]
    completion: Option<Completion>,
}

fn status(
    core: &Arc<Core>,
    _: &Arc<Caller>,
    params: StatusParams,
) -> Result<SetupStatus, MethodError> {
    Ok(SetupStatus { completion: core.auth.devices().setup_completion(&params.setup_id) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses_become_socket_addresses_and_secrets_in_them_are_refused() {
        assert_eq!(socket_url("https://gate.example/").unwrap(), "wss://gate.example");
        assert_eq!(socket_url("ws://10.0.0.1:18789").unwrap(), "ws://10.0.0.1:18789");
        for bad in ["gate.example", "ftp://x", "wss://user:pw@x", "wss://"] {
            assert!(socket_url(bad).is_err(), "{bad}");
        }
    }
}
