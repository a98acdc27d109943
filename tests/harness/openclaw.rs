//! The command line that the protocol's authors publish, unchanged, with a home of its own: what a
//! person types who has used the original so far.

use crate::{Gateway, Said, gateway::TOKEN, libraries::root, output::Output};
use serde_json::{Value, json};
use std::{fs, io, path::Path, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::process::{Child, ChildStdin, Command};

/// How long one command may take: it reads thousands of files first.
const COMMAND_PATIENCE: Duration = Duration::from_mins(2);
/// The screen of a person at its terminal.
const SCREEN: &str = "stty cols 120 rows 40";

/// A person with the original's command line, pointed at a gateway.
pub struct OpenClaw {
    home: TempDir,
}

impl OpenClaw {
    /// A fresh home whose settings name the gateway and its shared secret.
    #[must_use]
    pub fn of(gateway: &Gateway) -> Self {
        Self::with(gateway, json!({}))
    }

    /// The same with further top-level settings.
    #[must_use]
    pub fn with(gateway: &Gateway, further: Value) -> Self {
        let home = tempfile::Builder::new()
            .prefix("jackfield-openclaw-")
            .tempdir()
            .expect("a temporary folder can be made");
        let mut settings = json!({"gateway": {
            "mode": "remote", "port": gateway.port,
            "remote": {"url": format!("ws://127.0.0.1:{}", gateway.port), "token": TOKEN},
        }});
        if let (Some(all), Value::Object(further)) = (settings.as_object_mut(), further) {
            all.extend(further);
        }
        fs::create_dir(home.path().join(".openclaw")).expect("the home is writable");
        fs::write(home.path().join(".openclaw/openclaw.json"), settings.to_string())
            .expect("the home is writable");
        Self { home }
    }

    /// Runs a command to its end.
    pub async fn run(&self, words: &[&str]) -> Said {
        let running = self.command(words).output();
        let ran = tokio::time::timeout(COMMAND_PATIENCE, running)
            .await
            .unwrap_or_else(|_| panic!("openclaw {words:?} did not end"))
            .expect("the pinned Node can be run");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = ran.status.code().unwrap_or(-1);
        Said { code, out: text(&ran.stdout), err: text(&ran.stderr) }
    }

    /// Runs a command that must succeed and returns what it said.
    pub async fn done(&self, words: &[&str]) -> String {
        let said = self.run(words).await;
        assert_eq!(said.code, 0, "openclaw {words:?}: {said:?}");
        said.out
    }

    /// Runs a command that must succeed and returns its document.
    pub async fn document(&self, words: &[&str]) -> Value {
        let said = self.run(words).await;
        assert_eq!(said.code, 0, "openclaw {words:?}: {said:?}");
        said.document()
    }

    /// Runs a command that must fail and returns its complaint, wherever it wrote it.
    pub async fn failed(&self, words: &[&str]) -> String {
        let said = self.run(words).await;
        assert_eq!(said.code, 1, "openclaw {words:?}: {said:?}");
        said.err + &said.out
    }

    /// Starts a command that goes on until the child is dropped.
    #[must_use]
    pub fn watch(&self, words: &[&str]) -> (Child, Output) {
        let (mut command, output) = attached(self.command(words));
        (command.spawn().expect("the pinned Node can be run"), output)
    }

    /// Starts a command at a terminal; what is typed goes into its standard input.
    #[must_use]
    pub fn at_terminal(&self, words: &[&str]) -> (Child, ChildStdin, Output) {
        let typed = format!("{SCREEN}; exec {} {} {}", node(), program(), words.join(" "));
        let mut command = Command::new("script");
        command.args(["-qfec", &typed, "/dev/null"]);
        self.at_home(&mut command);
        let (mut command, output) = attached(command);
        let mut child =
            command.stdin(Stdio::piped()).spawn().expect("`script` stands on every Debian");
        let keys = child.stdin.take().expect("it was asked for");
        (child, keys, output)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(node());
        command.arg(program()).args(words).stdin(Stdio::null());
        self.at_home(&mut command);
        command
    }

    fn at_home(&self, command: &mut Command) {
        let home: &Path = self.home.path();
        command
            .env_clear()
            .env("HOME", home)
            .env("OPENCLAW_STATE_DIR", home.join(".openclaw"))
            .env("OPENCLAW_GATEWAY_TOKEN", TOKEN)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("NO_COLOR", "1")
            .env("TERM", "xterm-256color")
            .current_dir(home)
            .kill_on_drop(true);
    }
}

fn attached(mut command: Command) -> (Command, Output) {
    let (reader, writer) = io::pipe().expect("a pipe can be made");
    command.stderr(writer.try_clone().expect("a pipe has two ends")).stdout(writer);
    (command, Output::follow(reader))
}

fn node() -> String {
    installed("tests/node/node_modules/.bin/node")
}

fn program() -> String {
    installed("tests/node/node_modules/openclaw/openclaw.mjs")
}

fn installed(path: &str) -> String {
    let path = root().join(path);
    assert!(path.is_file(), "{} is not there: run `tests/setup.sh test`", path.display());
    path.display().to_string()
}
