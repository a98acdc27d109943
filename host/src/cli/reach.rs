//! The arguments every client verb has, and the gateway as a verb sees it.
//!
//! A verb says which scopes each call needs; the connection is made with these and no more, and made
//! anew when a later call needs more. Must not know: frames, credentials.

use super::{
    client::{Client, ClientError, Target, target::Given},
    print,
    report::Failure,
};
use crate::{
    config::Paths,
    protocol::scope::{Scope, Scopes},
};
use serde_json::Value;
use std::{path::PathBuf, time::Duration};

const CONNECTION: &str = "Connection";

/// Whether the output is for programs.
#[derive(Clone, Debug, clap::Args)]
pub struct Form {
    /// Print one JSON document instead of text; a failure is one too
    #[arg(long)]
    pub json: bool,
}

impl Form {
    /// Prints a result: the document, or what `words` makes of it.
    ///
    /// # Errors
    /// As [`print::text`].
    pub fn show(&self, of: &Value, words: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        if self.json { print::document(of) } else { print::text(&words(of)) }
    }
}

/// Which gateway, and how to come in.
#[derive(Debug, clap::Args)]
pub struct Reach {
    /// How to print.
    #[command(flatten)]
    pub form: Form,
    /// Another gateway than this machine's; give its token too
    #[arg(long, value_name = "URL", env = "OPENCLAW_GATEWAY_URL", help_heading = CONNECTION)]
    url: Option<String>,
    /// Port of this machine's gateway [default: the configuration's, or 18789]
    #[arg(long, value_name = "N", conflicts_with = "url", help_heading = CONNECTION)]
    port: Option<u16>,
    /// Shared token of the gateway [default: this machine's, if readable]
    #[arg(long, value_name = "TOKEN", env = "OPENCLAW_GATEWAY_TOKEN", hide_env_values = true,
          help_heading = CONNECTION)]
    token: Option<String>,
    /// Shared password of the gateway, if it has no token
    #[arg(long, value_name = "WORD", env = "OPENCLAW_GATEWAY_PASSWORD", hide_env_values = true,
          help_heading = CONNECTION)]
    password: Option<String>,
    /// Device key of this client, made at first use [default: the user's]
    #[arg(long, value_name = "FILE", help_heading = CONNECTION)]
    identity: Option<PathBuf>,
    /// Longest wait for an answer: seconds, or such as 500ms or 2m
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time,
          help_heading = CONNECTION)]
    timeout: Duration,
    /// SHA-256 of the one certificate to trust, as the gateway prints it when it starts
    #[arg(long, value_name = "HEX", env = "OPENCLAW_GATEWAY_TLS_FINGERPRINT",
          help_heading = CONNECTION)]
    tls_fingerprint: Option<String>,
    /// Talk to another machine without encryption
    #[arg(long, help_heading = CONNECTION)]
    insecure: bool,
    /// Where the gateway is.
    #[command(flatten)]
    pub place: Place,
}

/// Where this machine's gateway keeps its files.
#[derive(Clone, Debug, clap::Args)]
pub struct Place {
    /// Configuration file of this machine's gateway
    #[arg(long, value_name = "FILE", help_heading = CONNECTION)]
    pub config: Option<PathBuf>,
    /// State directory of this machine's gateway
    #[arg(long, value_name = "DIR", help_heading = CONNECTION)]
    pub state_dir: Option<PathBuf>,
}

impl Place {
    /// The paths, with what the environment says.
    #[must_use]
    pub fn paths(&self) -> Paths {
        Paths::resolve(self.config.clone(), self.state_dir.clone(), &env)
    }
}

/// A variable of the environment.
#[must_use]
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads `90`, `90s` or `1m 30s`.
///
/// # Errors
/// What is wrong with it.
pub fn time(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    humantime::parse_duration(text).map_err(|error| format!("{error}; write 90, 90s or 2m"))
}

impl Reach {
    /// The gateway that is meant.
    ///
    /// # Errors
    /// When the address or the configuration is wrong.
    pub fn target(&self) -> Result<Target, Failure> {
        let given = Given {
            url: self.url.as_deref(),
            port: self.port,
            token: self.token.as_deref(),
            password: self.password.as_deref(),
            identity: self.identity.as_deref(),
            pin: self.tls_fingerprint.as_deref(),
            insecure: self.insecure,
            timeout: self.timeout,
        };
        Target::resolve(&given, &self.place.paths(), &env)
    }

    /// Does a verb's work with the gateway, and says goodbye to it.
    ///
    /// # Errors
    /// What the work answers.
    pub fn with<T>(
        &self,
        work: impl AsyncFnOnce(&mut Remote) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let target = self.target()?;
        let mut remote = Remote {
            wait: target.timeout,
            target,
            client: None,
            scopes: Scopes::NONE,
            owner: false,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(format!("cannot wait for the network: {error}")))?;
        runtime.block_on(async {
            let done = work(&mut remote).await;
            if let Some(client) = remote.client.take() {
                client.close().await;
            }
            done
        })
    }

    /// The whole work of most verbs: one call, and its result printed.
    ///
    /// # Errors
    /// Of the connection, or of the method.
    pub fn ask(
        &self,
        need: &[Scope],
        method: &str,
        params: Value,
        words: impl FnOnce(&Value) -> String,
    ) -> Result<(), Failure> {
        let answer = self.with(async |gateway| gateway.call(need, method, params).await)?;
        self.form.show(&answer, words)
    }
}

/// The gateway, connected to when it is first called.
pub struct Remote {
    target: Target,
    /// Longest wait for an answer.
    wait: Duration,
    client: Option<Client>,
    scopes: Scopes,
    owner: bool,
}

impl Remote {
    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        self.target.address().to_owned()
    }

    /// Calls a method with the scopes it needs. Where the gateway decides by the parameters that
    /// more is needed and names it, once more with that.
    ///
    /// # Errors
    /// Of the connection, or of the method.
    pub async fn call(
        &mut self,
        need: &[Scope],
        method: &str,
        params: Value,
    ) -> Result<Value, Failure> {
        let need: Scopes = need.iter().copied().collect();
        let wait = self.wait;
        match self.client(need).await?.call(method, &params, wait).await {
            Err(error) if !error.missing_scopes().is_empty() => {
                let more = Scopes::from_words(&error.missing_scopes());
                if self.scopes.covers(more) {
                    return Err(error.into());
                }
                Ok(self.client(more).await?.call(method, &params, wait).await?)
            }
            answer => Ok(answer?),
        }
    }

    /// Comes in with the secret of this machine's gateway alone where it is at hand: somebody has to
    /// approve the first device, and asking to be one would change the requests that wait.
    pub fn come_as_owner(&mut self) {
        self.owner = true;
    }

    /// Lets the calls from now on take at least as long as `wait`.
    pub fn be_patient(&mut self, wait: Duration) {
        self.wait = self.wait.max(wait);
    }

    /// Calls a method that answers twice, and hands on the events meanwhile.
    ///
    /// # Errors
    /// As [`Remote::call`].
    pub async fn call_to_the_end(
        &mut self,
        need: &[Scope],
        (method, params): (&str, &Value),
        wait: Duration,
        heed: &mut impl FnMut(&str, &Value),
    ) -> Result<Value, Failure> {
        let need = need.iter().copied().collect();
        Ok(self.client(need).await?.call_to_the_end(method, params, wait, heed).await?)
    }

    /// What the gateway greeted with.
    ///
    /// # Errors
    /// Of the connection.
    pub async fn hello(&mut self, need: &[Scope]) -> Result<Value, Failure> {
        let need = need.iter().copied().collect();
        Ok(self.client(need).await?.hello.clone())
    }

    /// Opens a connection; as the owner, first without a device, which is then not asked to be one.
    async fn open(&mut self, scopes: Scopes) -> Result<Client, ClientError> {
        let secret = self.target.token.is_some() || self.target.password.is_some();
        if !(self.owner && secret && self.target.is_near()) {
            return Client::open(&self.target, scopes).await;
        }
        let identity = self.target.identity.take();
        match Client::open(&self.target, scopes).await {
            Err(ClientError::Refused { .. }) if identity.is_some() => {
                self.target.identity = identity;
                Client::open(&self.target, scopes).await
            }
            opened => opened,
        }
    }

    async fn client(&mut self, need: Scopes) -> Result<&mut Client, ClientError> {
        let client = match self.client.take() {
            Some(client) if self.scopes.covers(need) => client,
            other => {
                if let Some(client) = other {
                    client.close().await;
                }
                let scopes = self.scopes.union(need);
                let client = self.open(scopes).await?;
                self.scopes = scopes;
                client
            }
        };
        Ok(self.client.insert(client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_say_their_unit() {
        assert_eq!(time("90"), Ok(Duration::from_secs(90)));
        assert_eq!(time("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(time("2m"), Ok(Duration::from_mins(2)));
        assert!(time("soon").unwrap_err().contains("write 90"));
    }
}
