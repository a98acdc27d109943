//! Which gateway, and with which credentials: from flags, else from this machine's configuration.
//!
//! The secret of this machine's own gateway goes to that gateway alone: with `--url` only what the
//! caller gave, and the token the named gateway issued to this device, are sent.

use super::{ClientError, Identity, local::Local};
use crate::{
    cli::report::{Failure, USAGE},
    config::{Paths, Secret},
    tls::Fingerprint,
};
use std::{path::Path, time::Duration};
use url::Url;

/// A gateway to talk to.
pub struct Target {
    /// Its address.
    pub url: Url,
    /// Its shared token.
    pub token: Option<Secret>,
    /// Its shared password.
    pub password: Option<Secret>,
    /// The one certificate it may show; without it, what the system trusts.
    pub pin: Option<Fingerprint>,
    /// Who this client is; none where it cannot be kept and the shared secret will do.
    pub identity: Option<Identity>,
    /// May come in with the token that the gateway issued to this device: not where the caller
    /// gave a secret, for it shall be seen whether that one is right.
    pub may_use_kept: bool,
    /// Longest wait for the greeting and for each answer.
    pub timeout: Duration,
}

/// What a caller gave of it.
#[derive(Debug, Default)]
pub struct Given<'a> {
    /// `--url`
    pub url: Option<&'a str>,
    /// `--port`
    pub port: Option<u16>,
    /// `--token`
    pub token: Option<&'a str>,
    /// `--password`
    pub password: Option<&'a str>,
    /// `--identity`
    pub identity: Option<&'a Path>,
    /// `--tls-fingerprint`
    pub pin: Option<&'a str>,
    /// `--insecure`
    pub insecure: bool,
    /// `--timeout`
    pub timeout: Duration,
}

impl Target {
    /// Decides.
    ///
    /// # Errors
    /// When the address is none, would carry a secret in the clear, or the configuration file
    /// cannot be read.
    pub fn resolve(
        given: &Given<'_>,
        paths: &Paths,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let local = match given.url {
            Some(_) => Local::default(),
            None => Local::read(paths, env)?,
        };
        let url = match given.url {
            Some(text) => address(text)?,
            None => local.url(given.port),
        };
        let pin = match given.pin {
            Some(_) if url.scheme() != "wss" => {
                let text = format!("--tls-fingerprint: {url} has no TLS and shows no certificate");
                return Err(Failure::new(text).code(USAGE).next("use a wss:// address"));
            }
            Some(text) => Some(
                text.parse()
                    .map_err(|why| Failure::new(format!("--tls-fingerprint: {why}")).code(USAGE))?,
            ),
            None => local.pin,
        };
        let secret = |text: &str| Secret::new(text);
        let token = given.token.map(secret).or(local.token);
        let password = given.password.map(secret).or(local.password);
        let path = given.identity.map_or_else(|| Identity::default_path(env), Path::to_owned);
        let identity = match Identity::load(&path) {
            Ok(identity) => Some(identity),
            // A home that cannot be written to is no obstacle where a secret opens the door.
            Err(ClientError::Identity { .. })
                if given.identity.is_none()
                    && !path.exists()
                    && (token.is_some() || password.is_some()) =>
            {
                None
            }
            Err(error) => return Err(error.into()),
        };
        let may_use_kept = given.token.is_none() && given.password.is_none();
        let timeout = given.timeout;
        let target = Self { url, token, password, pin, identity, may_use_kept, timeout };
        target.check_privacy(given.insecure)?;
        Ok(target)
    }

    /// The address as people write it.
    #[must_use]
    pub fn address(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// Whether it is on this machine, or at the near end of a tunnel.
    #[must_use]
    pub fn is_near(&self) -> bool {
        match self.url.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    fn check_privacy(&self, insecure: bool) -> Result<(), Failure> {
        if self.is_near() || insecure || self.url.scheme() == "wss" {
            return Ok(());
        }
        let text = format!("{} would carry credentials and messages unencrypted", self.address());
        Err(Failure::new(text).code(USAGE).next(
            "use wss:// if the gateway has TLS, or a tunnel: ssh -N -L 18789:127.0.0.1:18789 HOST\nor, in a network you trust: --insecure",
        ))
    }
}

fn address(text: &str) -> Result<Url, Failure> {
    let bad = |why: &str| {
        Failure::new(format!("--url {text}: {why}"))
            .code(USAGE)
            .next("it looks like ws://127.0.0.1:18789 or wss://host.example")
    };
    let mut url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    let scheme = match url.scheme() {
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => return Err(bad("the address begins with ws:// or wss://")),
    };
    url.set_scheme(scheme).map_err(|()| bad("the address has no usable scheme"))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("the address names no host"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn home(config: &str) -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("jackfield.toml"), config).unwrap();
        let paths = Paths {
            config: dir.path().join("jackfield.toml"),
            state: dir.path().to_owned(),
            user_plugins: dir.path().join("plugins"),
        };
        (dir, paths)
    }

    fn resolve(given: &Given<'_>, home: &(tempfile::TempDir, Paths)) -> Result<Target, Failure> {
        let dir = home.0.path().to_str().unwrap().to_owned();
        Target::resolve(given, &home.1, &move |name| (name == "HOME").then(|| dir.clone()))
    }

    fn token(target: &Target) -> Option<&str> {
        target.token.as_ref().map(Secret::expose)
    }

    #[test]
    fn the_configuration_names_the_gateway_even_where_other_settings_cannot_be_read() {
        let home = home(
            "[gateway]\nport = 4000\nbind = \"0.0.0.0\"\n[gateway.auth]\ntoken = \"hush\"\n\
             [channels.line]\nkey = \"${ONLY_THE_GATEWAY_HAS_THIS}\"\n",
        );
        let target = resolve(&Given::default(), &home).unwrap();
        assert_eq!(target.url.as_str(), "ws://127.0.0.1:4000/");
        assert_eq!(token(&target), Some("hush"));
        let other = resolve(&Given { port: Some(4001), ..Given::default() }, &home).unwrap();
        assert_eq!((other.url.port(), token(&other)), (Some(4001), Some("hush")));
    }

    #[test]
    fn a_kept_token_is_found_and_a_given_one_wins() {
        let home = home("");
        fs::write(home.1.token_file(), "kept\n").unwrap();
        let target = resolve(&Given::default(), &home).unwrap();
        assert_eq!(target.url.as_str(), "ws://127.0.0.1:18789/");
        assert_eq!(token(&target), Some("kept"));
        let given = Given { token: Some("given"), ..Given::default() };
        assert_eq!(token(&resolve(&given, &home).unwrap()), Some("given"));
    }

    #[test]
    fn another_gateway_never_gets_this_machines_secret() {
        let home = home("[gateway.auth]\ntoken = \"hush\"\n");
        fs::write(home.1.token_file(), "kept\n").unwrap();
        let given = Given { url: Some("wss://other.example"), ..Given::default() };
        assert_eq!(token(&resolve(&given, &home).unwrap()), None);
    }

    #[test]
    fn nothing_secret_travels_in_the_clear_unless_that_is_wanted() {
        let home = home("");
        let far = Given { url: Some("ws://10.0.0.7:18789"), token: Some("t"), ..Given::default() };
        assert_eq!(resolve(&far, &home).err().unwrap().code, USAGE);
        assert!(resolve(&Given { insecure: true, ..far }, &home).is_ok());
        for near in ["ws://127.0.0.1:1", "http://localhost:1", "ws://[::1]:1"] {
            assert!(resolve(&Given { url: Some(near), ..Given::default() }, &home).is_ok());
        }
        for bad in ["10.0.0.7", "ftp://x", "ws://"] {
            let given = Given { url: Some(bad), ..Given::default() };
            assert_eq!(resolve(&given, &home).err().unwrap().code, USAGE, "{bad}");
        }
    }
}
