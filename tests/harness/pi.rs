//! Pi, a coding agent that others wrote, and its door for the Agent Client Protocol: both as npm gives
//! them, kept off the network, thinking with a model of the play's.
//!
//! It must not know the gateway beyond the tables of its configuration.

use crate::{libraries::root, model::Model};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// What a play reaches Pi by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Its RPC mode.
    Rpc,
    /// The Agent Client Protocol, by `pi-acp`.
    Acp,
}

/// A key that Pi is given in its environment.
pub const KEY: &str = "sk-given-to-pi-0123456789";

/// Pi's own folder: its models, its settings, its extensions.
pub struct Pi {
    door: Door,
    home: TempDir,
}

impl Pi {
    /// Sets Pi up to think with a model, and to ask before it runs `rm -rf`, by the gate that comes
    /// with it.
    #[must_use]
    pub fn new(door: Door, model: &Model) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let address = model.base();
        let model = |id: &str| {
            json!({
                "id": id, "reasoning": true, "input": ["text"], "contextWindow": 32_768,
                "maxTokens": 4096,
                "cost": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0 },
            })
        };
        let provider = json!({
            "baseUrl": address, "api": "openai-completions", "apiKey": "none",
            "models": [model("small"), model("large")],
        });
        let settings = json!({
            "defaultProvider": "play", "defaultModel": "small", "quietStartup": true,
            "defaultThinkingLevel": "off", "retry": { "enabled": false },
        });
        let write = |name: &str, text: &str| {
            fs::write(home.path().join(name), text).expect("its folder can be written");
        };
        write("models.json", &json!({ "providers": { "play": provider } }).to_string());
        write("settings.json", &settings.to_string());
        let extensions = home.path().join("extensions");
        fs::create_dir(&extensions).expect("its folder can be written");
        let gate =
            package("@earendil-works/pi-coding-agent/examples/extensions/permission-gate.ts");
        fs::copy(gate, extensions.join("gate.ts")).expect("Pi's own examples are installed");
        Self { door, home }
    }

    /// The settings of an agent that is this Pi, below `table`: `agent` or `agents.<id>`.
    #[must_use]
    pub fn config(&self, table: &str, more: &str) -> String {
        let bin = package(".bin");
        let (backend, program) = match self.door {
            Door::Rpc => ("pi", "pi"),
            Door::Acp => ("acp", "pi-acp"),
        };
        let path = std::env::var("PATH").unwrap_or_default();
        format!(
            "[{table}]\nbackend = \"{backend}\"\n[{table}.{backend}]\n\
             command = [\"{bin}/node\", \"{bin}/{program}\"]\n{more}\n\
             [{table}.{backend}.env]\nPI_OFFLINE = \"1\"\nPI_ACP_PI_COMMAND = \"{bin}/pi\"\n\
             PLAY_API_KEY = \"{KEY}\"\nPI_CODING_AGENT_DIR = \"{home}\"\nHOME = \"{home}\"\nPATH = \"{bin}:{path}\"\n",
            bin = bin.display(),
            home = self.home.path().display(),
        )
    }

    /// Its own folder.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }
}

fn package(path: &str) -> PathBuf {
    let found = root().join("tests/node/node_modules").join(path);
    assert!(
        found.exists(),
        "{} is not installed: run `tests/setup.sh test` (`make test` does)",
        found.display()
    );
    found
}
