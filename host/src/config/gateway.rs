//! `[gateway]`: where the gateway listens and who may come in.

use super::{Secret, control_ui::ControlUiSection, tls::TlsSection};
use schemars::JsonSchema;
use serde::Deserialize;
use std::net::IpAddr;

/// Default port of the protocol.
pub const PORT: u16 = 18_789;
/// Seconds for runs under way when the gateway stops.
const DRAIN_S: u64 = 10;

/// Ends without a word that are a crash loop.
const SAFE_AFTER: u32 = 3;

/// `[gateway]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySection {
    /// TCP port; 0 takes any free one.
    pub port: u16,
    /// Address to listen on: an IP address, or `loopback`.
    pub bind: String,
    /// Listen beyond this machine without TLS: everything that is said can then be read on the way.
    pub allow_plain_bind: bool,
    /// What happens when the configuration's files change.
    pub reload: ReloadMode,
    /// Seconds that runs under way may take to end before the gateway stops or starts anew.
    pub drain_s: u64,
    /// After so many ends without a word within five minutes a start by the service manager keeps
    /// channels back for five minutes, so that a gateway that always falls can be mended; 0 = never.
    pub safe_after: u32,
    /// Who may come in.
    pub auth: AuthSection,
    /// Encryption on the port itself.
    pub tls: TlsSection,
    /// Web origins, beside the gateway's own, whose pages may connect; `*` allows all.
    pub allowed_origins: Vec<String>,
    /// Further names under which browsers reach the gateway (the `Host` they send).
    pub allowed_hosts: Vec<String>,
    /// Addresses or networks of reverse proxies whose forwarding headers are believed.
    pub trusted_proxies: Vec<String>,
    /// Approve devices that connect from this machine with the shared secret without asking.
    pub auto_approve_local: bool,
    /// The control page.
    pub control_ui: ControlUiSection,
}

impl Default for GatewaySection {
    fn default() -> Self {
        Self {
            port: PORT,
            bind: "loopback".to_owned(),
            allow_plain_bind: false,
            reload: ReloadMode::default(),
            drain_s: DRAIN_S,
            safe_after: SAFE_AFTER,
            auth: AuthSection::default(),
            tls: TlsSection::default(),
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            auto_approve_local: true,
            control_ui: ControlUiSection::default(),
        }
    }
}

/// What happens when the configuration's files change. A file that cannot be used changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReloadMode {
    /// They are read and applied.
    #[default]
    Auto,
    /// Nothing, until SIGHUP or the next start.
    Manual,
}

/// How callers prove that they may come in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMode {
    /// Anyone who reaches the port; refused on any address but loopback.
    None,
    /// One shared token.
    #[default]
    Token,
    /// One shared password.
    Password,
    /// A reverse proxy names the user.
    TrustedProxy,
}

impl AuthMode {
    /// The word in files and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Token => "token",
            Self::Password => "password",
            Self::TrustedProxy => "trusted-proxy",
        }
    }
}

/// `[gateway.auth]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSection {
    /// The mode.
    pub mode: AuthMode,
    /// The shared token; without one the gateway makes one and keeps it in its state directory.
    pub token: Option<Secret>,
    /// The shared password.
    pub password: Option<Secret>,
    /// Header in which a trusted proxy names the user.
    pub user_header: Option<String>,
}

/// Words that end up as secrets when a script went wrong.
const NOT_SECRETS: [&str; 6] =
    ["undefined", "null", "none", "changeme", "your-token-here", "<token>"];

impl GatewaySection {
    /// The address to listen on.
    ///
    /// # Errors
    /// The setting and what is wrong with it.
    pub fn bind_ip(&self) -> Result<IpAddr, (String, String)> {
        if self.bind == "loopback" || self.bind == "localhost" {
            return Ok(IpAddr::from([127, 0, 0, 1]));
        }
        self.bind.parse().map_err(|_| {
            let text = format!(
                "`{}` is not an IP address; use 127.0.0.1, 0.0.0.0, ::1 or another",
                self.bind
            );
            ("gateway.bind".to_owned(), text)
        })
    }

    /// Refuses combinations that would leave the gateway open or unusable.
    ///
    /// # Errors
    /// The setting and what is wrong with it.
    pub fn check(&self) -> Result<(), (String, String)> {
        let ip = self.bind_ip()?;
        let named = [("token", &self.auth.token), ("password", &self.auth.password)];
        for (name, secret) in named {
            if let Some(secret) = secret {
                check_secret(secret).map_err(|text| (format!("gateway.auth.{name}"), text))?;
            }
        }
        if self.auth.mode == AuthMode::Password && self.auth.password.is_none() {
            let text = "mode `password` needs gateway.auth.password".to_owned();
            return Err(("gateway.auth.mode".to_owned(), text));
        }
        if self.auth.mode == AuthMode::TrustedProxy && self.trusted_proxies.is_empty() {
            let text = "mode `trusted-proxy` needs gateway.trusted_proxies".to_owned();
            return Err(("gateway.auth.mode".to_owned(), text));
        }
        if self.auth.mode == AuthMode::None && !ip.is_loopback() {
            let text = format!(
                "listening on {ip} without authentication would let anyone in; set gateway.auth.mode = \"token\""
            );
            return Err(("gateway.auth.mode".to_owned(), text));
        }
        if self.auth.mode == AuthMode::None && !self.trusted_proxies.is_empty() {
            let text = "without authentication a proxy would let anyone in; set it to \"token\", or to \"trusted-proxy\" if the proxy names the user";
            return Err(("gateway.auth.mode".to_owned(), text.to_owned()));
        }
        self.tls.check()?;
        // Behind a proxy that is believed, the proxy has the TLS.
        let private = ip.is_loopback() || self.tls.enabled || !self.trusted_proxies.is_empty();
        if !private && !self.allow_plain_bind {
            let text = format!(
                "listening on {ip} without TLS would send credentials and messages unencrypted; set gateway.tls.enabled = true, or name the proxy that has TLS in gateway.trusted_proxies, or, in a network you trust, set gateway.allow_plain_bind = true (flag: --allow-plain-bind)"
            );
            return Err(("gateway.bind".to_owned(), text));
        }
        Ok(())
    }
}

/// Refuses secrets that are blank or a placeholder.
///
/// # Errors
/// What is wrong with it.
pub fn check_secret(secret: &Secret) -> Result<(), String> {
    let text = secret.expose().trim();
    if text.is_empty() {
        return Err("is blank; remove the setting or give a value".to_owned());
    }
    if NOT_SECRETS.contains(&text.to_ascii_lowercase().as_str()) {
        return Err("is a placeholder, not a secret; give a random value".to_owned());
    }
    Ok(())
}
