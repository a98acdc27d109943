//! A person at a terminal: runs the gateway's binary as a client, and keeps what it says.

use crate::{Gateway, libraries, output::Output, patiently};
use serde_json::Value;
use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// What a command said.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its exit code.
    pub code: i32,
    /// Its output.
    pub out: String,
    /// Its complaints.
    pub err: String,
}

impl Said {
    /// The one document on its output.
    #[must_use]
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A person with a home of their own.
pub struct Terminal {
    home: TempDir,
    words: Vec<String>,
}

impl Terminal {
    /// A home without a gateway in it.
    #[must_use]
    pub fn anywhere() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        Self { home, words: Vec::new() }
    }

    /// The machine of a gateway: its configuration is at hand.
    #[must_use]
    pub fn beside(gateway: &Gateway) -> Self {
        let place = |name: &str| gateway.home().join(name).display().to_string();
        let words = [
            "--port".to_owned(),
            gateway.port.to_string(),
            "--config".to_owned(),
            place("jackfield.toml"),
            "--state-dir".to_owned(),
            place("state"),
        ];
        Self { words: words.into(), ..Self::anywhere() }
    }

    /// The person's home.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where the command line keeps who it is.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        self.home().join(".local/state/jackfield/cli-identity")
    }

    /// Runs a verb to its end.
    pub async fn run(&self, words: &[&str]) -> Said {
        let ran = patiently(self.command(words).output(), || format!("{words:?} did not end"));
        let ran = ran.await.expect("the binary runs");
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("it writes UTF-8");
        let code = ran.status.code().unwrap_or_else(|| panic!("{words:?} ended by a signal"));
        Said { code, out: text(&ran.stdout), err: text(&ran.stderr) }
    }

    /// Runs a verb that must do what it is told, and returns its output.
    pub async fn done(&self, words: &[&str]) -> String {
        let said = self.run(words).await;
        assert_eq!(said.code, 0, "{words:?}: {said:?}");
        said.out
    }

    /// Runs a verb that must do what it is told, and returns its document.
    pub async fn document(&self, words: &[&str]) -> Value {
        let said = self.run(&[words, &["--json"]].concat()).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{words:?}: {said:?}");
        said.document()
    }

    /// Starts a verb that goes on until the child is dropped.
    #[must_use]
    pub fn watch(&self, words: &[&str]) -> (Child, Output) {
        let (reader, writer) = io::pipe().expect("a pipe can be made");
        let child = self
            .command(words)
            .stderr(writer.try_clone().expect("a pipe has two ends"))
            .stdout(writer)
            .kill_on_drop(true)
            .spawn()
            .expect("the binary runs");
        (child, Output::follow(reader))
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(libraries::binary());
        command
            .args(words)
            .args(&self.words)
            .env_clear()
            .env("HOME", self.home())
            .env("NO_COLOR", "1")
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }
}
