//! A platform on this machine: one of crabline's provider servers, which others wrote to drive
//! channel adapters. It takes messages of people by its admin endpoint and records every request.
//!
//! It must not know the gateway, nor any platform: what differs is in the `ready` document.

use crate::{eventually, http, libraries::root};
use serde_json::Value;
use std::{fs, path::PathBuf, process::Stdio};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const ADMIN_TOKEN: &str = "play-admin-token";

/// A provider server, its port kept over restarts.
pub struct Crabline {
    provider: &'static str,
    home: TempDir,
    credentials: Vec<(String, String)>,
    lives: u32,
    child: Child,
    /// What it said when it was ready: `baseUrl`, `botToken`, `endpoints` and more, by provider.
    pub ready: Value,
    /// The port it listens on.
    pub port: u16,
}

impl Crabline {
    /// Starts the server of this provider (`telegram`, `slack`, `discord`, …) with its own
    /// credentials.
    pub async fn start(provider: &'static str) -> Self {
        Self::start_with(provider, &[]).await
    }

    /// Starts it with credentials from `CRABLINE_BOT_TOKEN`, `CRABLINE_SIGNING_SECRET` and such.
    pub async fn start_with(provider: &'static str, credentials: &[(&str, &str)]) -> Self {
        let home = tempfile::Builder::new()
            .prefix("jackfield-crabline-")
            .tempdir()
            .expect("a temporary folder can be made");
        let credentials: Vec<_> =
            credentials.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (child, ready) = spawn(provider, &home, &credentials, 0, 0).await;
        let port = port_of(&ready);
        Self { provider, home, credentials, lives: 1, child, ready, port }
    }

    /// A text of the `ready` document, by JSON pointer such as `/botToken`.
    #[must_use]
    pub fn told(&self, pointer: &str) -> &str {
        let text = self.ready.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no text at {pointer} in {}", self.ready))
    }

    /// A person does something: `body` goes to the admin endpoint; returns its answer.
    pub async fn inject(&self, body: Value) -> Value {
        let url = self.told("/endpoints/adminInboundUrl");
        let path = &url[url.match_indices('/').nth(2).expect("a URL has a path").0..];
        let headers = [("x-crabline-admin-token", ADMIN_TOKEN)];
        let answer = http::post_json(self.port, path, &headers, &body).await;
        assert_eq!(answer.status, 200, "crabline takes {body}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("crabline answers in JSON")
    }

    /// Every record so far, of this life and earlier ones, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        let mut records = Vec::new();
        for life in 0..self.lives {
            let file = recorder(&self.home, life);
            let text = fs::read_to_string(file).unwrap_or_default();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let lines = whole.lines();
            records
                .extend(lines.map(|line| -> Value {
                    serde_json::from_str(line).expect("a record is JSON")
                }));
        }
        records
    }

    /// Waits until `pick` makes something of one of the records.
    pub async fn recorded<T>(&self, what: &str, pick: impl Fn(&Value) -> Option<T>) -> T {
        eventually(what, async || self.records().iter().find_map(&pick)).await
    }

    /// Ends the server without warning.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the server runs");
    }

    /// Starts it again on the same port, its memory empty.
    pub async fn start_again(&mut self) {
        let again = spawn(self.provider, &self.home, &self.credentials, self.port, self.lives);
        (self.child, self.ready) = again.await;
        self.lives += 1;
    }
}

fn recorder(home: &TempDir, life: u32) -> PathBuf {
    home.path().join(format!("records-{life}.jsonl"))
}

async fn spawn(
    provider: &str,
    home: &TempDir,
    credentials: &[(String, String)],
    port: u16,
    life: u32,
) -> (Child, Value) {
    let bin = root().join("tests/node/node_modules/.bin");
    assert!(
        bin.join("crabline").exists(),
        "crabline is not installed: run `tests/setup.sh test` (`make test` does)"
    );
    // A killed server leaves the locks of its files behind: each life has its own.
    let ready = home.path().join(format!("ready-{life}.json"));
    let child = Command::new(bin.join("node"))
        .arg(bin.join("crabline"))
        .args(["--json", "serve", provider, "--port", &port.to_string(), "--ready-file"])
        .arg(&ready)
        .arg("--recorder")
        .arg(recorder(home, life))
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("CRABLINE_ADMIN_TOKEN", ADMIN_TOKEN)
        .envs(credentials.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the pinned Node can be run");
    let document = eventually("crabline is ready", async || {
        serde_json::from_slice(&fs::read(&ready).ok()?).ok()
    });
    (child, document.await)
}

fn port_of(ready: &Value) -> u16 {
    let port = ready["baseUrl"].as_str().and_then(|url| url.rsplit(':').next()?.parse().ok());
    port.unwrap_or_else(|| panic!("no port in {ready}"))
}
