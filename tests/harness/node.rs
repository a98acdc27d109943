//! Runs the scripts of `tests/node`: real clients that others wrote, under the pinned Node.

use crate::{libraries::root, patiently};
use serde_json::Value;
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdin, Command},
};

/// How long one script may take, a browser's first start included.
const SCRIPT_PATIENCE: Duration = Duration::from_mins(2);

/// Runs `tests/node/<script>` with these arguments and returns what its last line of output says,
/// as JSON. The script tells what went wrong by ending with another status than zero.
pub async fn run(script: &str, arguments: &[&str]) -> Value {
    let (node, folder) = pinned();
    let running = Command::new(node)
        .arg(folder.join(script))
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ran = tokio::time::timeout(SCRIPT_PATIENCE, running)
        .await
        .unwrap_or_else(|_| panic!("{script} did not end within {SCRIPT_PATIENCE:?}"))
        .expect("the pinned Node can be run");
    let said = String::from_utf8_lossy(&ran.stdout);
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{script} ended with {}:\n{said}\n{complained}", ran.status);
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last)
        .unwrap_or_else(|error| panic!("{script} must end with JSON ({error}):\n{said}"))
}

/// A script that serves for as long as a play holds it.
pub struct Server {
    _child: Child,
    /// Its end of this is how it learns that the play is over.
    _input: ChildStdin,
    /// What its first line of output said, as JSON: its ports and more.
    pub ready: Value,
}

impl Server {
    /// Starts `tests/node/<script>` with these arguments and waits for its first line.
    pub async fn start(script: &str, arguments: &[&str]) -> Self {
        let (node, folder) = pinned();
        let mut child = Command::new(node)
            .arg(folder.join(script))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the pinned Node can be run");
        let input = child.stdin.take().expect("its input is a pipe");
        let output = child.stdout.take().expect("its output is a pipe");
        let mut line = String::new();
        let mut lines = BufReader::new(output);
        let reading = lines.read_line(&mut line);
        patiently(reading, || format!("{script} does not say that it is ready"))
            .await
            .expect("its output can be read");
        let ready = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{script} must begin with JSON ({error}): {line}"));
        Self { _child: child, _input: input, ready }
    }

    /// A text of what it said when it was ready.
    #[must_use]
    pub fn told(&self, key: &str) -> &str {
        self.ready[key].as_str().unwrap_or_else(|| panic!("no {key} in {}", self.ready))
    }

    /// A port it named.
    #[must_use]
    pub fn port(&self, key: &str) -> u16 {
        let port = self.ready[key].as_u64().and_then(|port| port.try_into().ok());
        port.unwrap_or_else(|| panic!("no port {key} in {}", self.ready))
    }
}

/// The pinned Node and the folder of the scripts.
fn pinned() -> (PathBuf, PathBuf) {
    let folder = root().join("tests/node");
    let node = folder.join("node_modules/.bin/node");
    assert!(
        node.is_file(),
        "the pinned Node is not installed: run `tests/setup.sh test` (`make test` does)"
    );
    (node, folder)
}
