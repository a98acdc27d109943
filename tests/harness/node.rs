//! Runs the scripts of `tests/node`: real clients that others wrote, under the pinned Node.

use crate::libraries::root;
use serde_json::Value;
use std::{process::Stdio, time::Duration};
use tokio::process::Command;

/// How long one script may take, a browser's first start included.
const SCRIPT_PATIENCE: Duration = Duration::from_mins(2);

/// Runs `tests/node/<script>` with these arguments and returns what its last line of output says,
/// as JSON. The script tells what went wrong by ending with another status than zero.
pub async fn run(script: &str, arguments: &[&str]) -> Value {
    let folder = root().join("tests/node");
    let node = folder.join("node_modules/.bin/node");
    assert!(
        node.is_file(),
        "the pinned Node is not installed: run `tests/setup.sh test` (`make test` does)"
    );
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
