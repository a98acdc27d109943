//! `jackfield config`: the file on this machine, and the settings of a running gateway.

pub mod settings;

use super::{
    print,
    reach::{Form, Reach, env},
    report::Failure,
};
use crate::{
    config::{Config, Paths},
    plugins::{PluginDir, Plugins, Settings},
};
use serde_json::json;
use std::{fmt::Write as _, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf};

/// What can be done with the configuration.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Write a starter file, unless there is one already
    Init {
        /// The file.
        #[command(flatten)]
        file: FileArgs,
        /// Directory with plugin packages, to enable what needs no settings (repeatable)
        #[arg(long = "plugin-dir", value_name = "DIR")]
        plugin_dirs: Vec<PathBuf>,
    },
    /// Read the file as the gateway would, and say what is wrong with it
    Check(FileArgs),
    /// Print where the file is looked for
    Path(FileArgs),
    /// Print the running gateway's settings, or one of them; secrets are not shown
    Get {
        /// Setting, such as gateway.port [default: the whole file]
        #[arg(value_name = "SETTING")]
        setting: Option<String>,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Change one setting of the running gateway, in its file
    #[command(after_help = "\
Examples:
  jackfield config set gateway.port 18790
  jackfield config set channels.line.enabled true
  jackfield config set channels.line.allow '[\"ann\", \"bob\"]'
  jackfield config set agent.id null      takes the setting out")]
    Set {
        /// Setting, such as gateway.port
        #[arg(value_name = "SETTING")]
        setting: String,
        /// Value: JSON, or else a plain text
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
}

/// Which file.
#[derive(Debug, clap::Args)]
pub struct FileArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to print.
    #[command(flatten)]
    form: Form,
}

impl FileArgs {
    fn path(&self) -> PathBuf {
        Paths::resolve(self.config.clone(), None, &env).config
    }
}

/// What a starter file says.
const STARTER: &str = r#"# Jackfield gateway. `jackfield config check` says what is wrong with this file.

[gateway]
port = 18789
bind = "127.0.0.1"

[gateway.auth]
mode = "token"
# Without a token here the gateway makes one and keeps it in its state directory.
# token = "${OPENCLAW_GATEWAY_TOKEN}"

[agent]
# "echo" answers with what it is told; it needs nothing. "openai" asks a model, see below.
backend = "echo"

# [agent.openai]
# base_url = "http://127.0.0.1:11434/v1"
# model = "llama3.2"
# api_key = "${OPENAI_API_KEY}"

# One table per channel; a channel that is not enabled costs nothing.
"#;

/// Runs a verb.
///
/// # Errors
/// What is wrong with the file, or of the connection.
pub fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::Path(args) => {
            let path = args.path();
            let document = json!({"path": path, "exists": path.exists()});
            args.form.show(&document, |_| path.display().to_string())
        }
        Verb::Check(args) => {
            let path = args.path();
            Config::load(&path)?;
            let document = json!({"ok": true, "path": path, "exists": path.exists()});
            args.form.show(&document, |of| {
                let word = if of["exists"] == true {
                    "is fine"
                } else {
                    "does not exist; the gateway would start on defaults"
                };
                format!("{} {word}", path.display())
            })
        }
        Verb::Init { file, plugin_dirs } => init(file, plugin_dirs),
        Verb::Get { setting, reach } => settings::read(setting.as_deref(), reach),
        Verb::Set { setting, value, reach } => settings::write(setting, value, reach),
    }
}

/// The starter's channels: those whose installed plugins need no settings.
fn starter_channels(paths: &Paths, plugin_dirs: &[PathBuf]) -> String {
    let named = plugin_dirs.iter().map(|path| PluginDir { path: path.clone(), explicit: true });
    let standard = paths.plugin_dirs().into_iter().map(|path| PluginDir { path, explicit: false });
    let settings = Settings { dirs: named.chain(standard).collect(), ..Settings::default() };
    let found = Plugins::discover(&settings);
    let manifests = found.iter().filter_map(|found| found.manifest.as_ref());
    manifests.filter(|manifest| manifest.runtime.on_by_default).fold(
        String::new(),
        |mut text, manifest| {
            let _ = write!(text, "[channels.{}]\nenabled = true\n", manifest.channel);
            text
        },
    )
}

fn init(args: &FileArgs, plugin_dirs: &[PathBuf]) -> Result<(), Failure> {
    let paths = Paths::resolve(args.config.clone(), None, &env);
    let path = paths.config.clone();
    let failed =
        |error: std::io::Error| Failure::new(format!("cannot write {}: {error}", path.display()));
    let done = |written: bool| {
        let word = if written { "wrote" } else { "left as it is, for it exists already:" };
        args.form.show(&json!({"ok": true, "path": path, "written": written}), |_| {
            print::line(&format!("{word} {}", path.display()))
        })
    };
    if path.exists() {
        return done(false);
    }
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    let text = format!("{STARTER}{}", starter_channels(&paths, plugin_dirs));
    file.write_all(text.as_bytes()).map_err(failed)?;
    done(true)
}
