//! From settings to the door: which secret opens it, who is believed, what it shows to TLS clients.

use crate::{
    auth::{Settings, SharedSecret, origin::Origins, peer::TrustedProxies},
    clock,
    config::{
        Config, Paths, Secret,
        gateway::{AuthMode, check_secret},
        secret::write_private,
    },
    server::control::Page,
    tls::Tls,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::io;

/// Where the shared token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// The mode needs none.
    NotNeeded,
    /// The configuration or a flag.
    Configured,
    /// Made now, for the first time.
    Made,
    /// Made in an earlier life.
    Kept,
}

/// The shared token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The token; none in modes without one.
    pub secret: Option<Secret>,
    /// Where it came from.
    pub source: TokenSource,
}

/// Finds the token: the configured one, else the one kept in the state directory, else a new one
/// that is kept there, readable by its owner alone.
///
/// # Errors
/// When the file cannot be read or written, or holds no secret.
pub fn token(config: &Config, paths: &Paths) -> io::Result<Token> {
    let auth = &config.gateway.auth;
    if auth.mode != AuthMode::Token {
        return Ok(Token { secret: None, source: TokenSource::NotNeeded });
    }
    if let Some(secret) = &auth.token {
        return Ok(Token { secret: Some(secret.clone()), source: TokenSource::Configured });
    }
    let path = paths.token_file();
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let secret = Secret::new(text.trim());
            check_secret(&secret).map_err(|why| {
                let text = format!("{} {why}; remove the file to make a new token", path.display());
                io::Error::new(io::ErrorKind::InvalidData, text)
            })?;
            Ok(Token { secret: Some(secret), source: TokenSource::Kept })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = URL_SAFE_NO_PAD.encode(clock::random_bytes::<32>());
            write_private(&path, format!("{text}\n").as_bytes())?;
            Ok(Token { secret: Some(Secret::new(text)), source: TokenSource::Made })
        }
        Err(error) => Err(error),
    }
}

/// The door's settings.
#[must_use]
pub fn settings(config: &Config, token: &Token) -> Settings {
    let gateway = &config.gateway;
    let secret = match gateway.auth.mode {
        AuthMode::Token => token.secret.as_ref(),
        AuthMode::Password => gateway.auth.password.as_ref(),
        AuthMode::None | AuthMode::TrustedProxy => None,
    };
    Settings {
        mode: gateway.auth.mode,
        secret: secret.map(SharedSecret::new),
        auto_approve_local: gateway.auto_approve_local,
        origins: Origins {
            allowed: gateway.allowed_origins.clone(),
            hosts: gateway.allowed_hosts.clone(),
        },
    }
}

/// The reverse proxies that are believed.
///
/// # Errors
/// The setting and the entry that is neither an address nor a network.
pub fn proxies(config: &Config) -> Result<TrustedProxies, (String, String)> {
    TrustedProxies::parse(&config.gateway.trusted_proxies).map_err(|entry| {
        (
            "gateway.trusted_proxies".to_owned(),
            format!("`{entry}` is neither an address nor a network like 10.0.0.0/8"),
        )
    })
}

/// The folder of the control page, when one is named.
///
/// # Errors
/// The setting, and why the folder is none.
pub fn control_page(config: &Config) -> Result<Option<Page>, (String, String)> {
    let Some(folder) = &config.gateway.control_ui.root else { return Ok(None) };
    let why = |error: io::Error| {
        let text = format!("{error}; name the folder with the page's built files");
        ("gateway.control_ui.root".to_owned(), text)
    };
    Page::open(folder).map(Some).map_err(why)
}

/// The certificate on the port, where the settings want one: made for every name under which this
/// machine may be reached, when it has to be made.
///
/// # Errors
/// The setting and why the certificate cannot be used.
pub fn tls(config: &Config, paths: &Paths, host: &str) -> Result<Option<Tls>, (String, String)> {
    let gateway = &config.gateway;
    if !gateway.tls.enabled {
        return Ok(None);
    }
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    names.extend(gateway.bind_ip().ok().filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string()));
    names.extend((!host.is_empty()).then(|| host.to_owned()));
    names.extend(gateway.allowed_hosts.iter().cloned());
    names.sort();
    names.dedup();
    Tls::open(&gateway.tls, &paths.state, &names).map(Some).map_err(|error| {
        let setting = if gateway.tls.cert.is_some() { "gateway.tls.cert" } else { "gateway.tls" };
        (setting.to_owned(), error.to_string())
    })
}
