//! What this machine's configuration and state say of its own gateway.

use crate::{
    config::{ConfigError, Paths, Secret, gateway::PORT, source},
    tls::{Fingerprint, OWN_CERTIFICATE},
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};
use url::Url;

/// This machine's gateway, as far as its files tell.
#[derive(Debug, Default)]
pub(super) struct Local {
    port: Option<u16>,
    bind: Option<IpAddr>,
    tls: bool,
    /// Its certificate.
    pub(super) pin: Option<Fingerprint>,
    /// Its shared token.
    pub(super) token: Option<Secret>,
    /// Its shared password.
    pub(super) password: Option<Secret>,
}

impl Local {
    /// Reads the few settings a client needs, one by one: the rest of the file may be wrong, or
    /// name variables that only the gateway's own environment has.
    pub(super) fn read(
        paths: &Paths,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let table = source::read(&paths.config)?;
        let gateway = table.get("gateway").and_then(toml::Value::as_table);
        let auth = gateway.and_then(|g| g.get("auth")).and_then(toml::Value::as_table);
        let secret = |name: &str| {
            let value = auth?.get(name)?.clone();
            let mut one = toml::Table::from_iter([(name.to_owned(), value)]);
            source::substitute(&mut one, env).ok()?;
            one[name].as_str().map(Secret::new)
        };
        let kept = || std::fs::read_to_string(paths.token_file()).ok();
        let kept =
            || kept().map(|text| Secret::new(text.trim())).filter(|s| !s.expose().is_empty());
        let by_password =
            auth.and_then(|a| a.get("mode")).is_some_and(|m| m.as_str() == Some("password"));
        let tls = gateway.and_then(|g| g.get("tls")).and_then(toml::Value::as_table);
        let cert = tls.and_then(|t| t.get("cert")?.as_str()).map(PathBuf::from);
        let cert = cert.unwrap_or_else(|| paths.state.join(OWN_CERTIFICATE));
        let tls = tls.and_then(|t| t.get("enabled")?.as_bool()).unwrap_or_default();
        Ok(Self {
            tls,
            pin: tls.then(|| Fingerprint::of_file(&cert)).flatten(),
            port: gateway
                .and_then(|g| g.get("port"))
                .and_then(toml::Value::as_integer)
                .and_then(|port| u16::try_from(port).ok()),
            bind: gateway.and_then(|g| g.get("bind")?.as_str()?.parse().ok()),
            token: if by_password { None } else { secret("token").or_else(kept) },
            password: if by_password { secret("password") } else { None },
        })
    }

    /// Where it listens; `port` instead of the configured one.
    pub(super) fn url(&self, port: Option<u16>) -> Url {
        let ip = self.bind.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let ip = match ip {
            IpAddr::V4(v4) if v4.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(v6) if v6.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
            other => other,
        };
        let port = port.or(self.port).unwrap_or(PORT);
        let scheme = if self.tls { "wss" } else { "ws" };
        Url::parse(&format!("{scheme}://{}", SocketAddr::new(ip, port)))
            .expect("an address and a port make a URL")
    }
}
