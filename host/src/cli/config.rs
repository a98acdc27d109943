//! `jackfield config`: the file, without a running gateway.

use super::report::Failure;
use crate::config::{Config, Paths};
use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf};

/// What can be done with the configuration file.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Write a starter file, unless there is one already
    Init(Place),
    /// Read the file as the gateway would, and say what is wrong with it
    Check(Place),
    /// Print where the file is looked for
    Path(Place),
}

/// Which file.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// Configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
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
# "echo" answers with what it is told; it needs nothing.
backend = "echo"

# One table per channel; a channel that is not enabled costs nothing.
[channels.webchat]
enabled = true
"#;

/// Runs a verb.
///
/// # Errors
/// What is wrong with the file.
pub fn run(verb: Verb) -> Result<(), Failure> {
    let find =
        |place: Place| Paths::resolve(place.config, None, &|name| std::env::var(name).ok()).config;
    match verb {
        Verb::Path(place) => println!("{}", find(place).display()),
        Verb::Check(place) => {
            let path = find(place);
            Config::load(&path)?;
            let word = if path.exists() {
                "is fine"
            } else {
                "does not exist; the gateway would start on defaults"
            };
            println!("{} {word}", path.display());
        }
        Verb::Init(place) => init(&find(place))?,
    }
    Ok(())
}

fn init(path: &std::path::Path) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::new(format!("cannot write {}: {error}", path.display()));
    if path.exists() {
        println!("{} exists already; left as it is", path.display());
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    file.write_all(STARTER.as_bytes()).map_err(failed)?;
    println!("wrote {}", path.display());
    Ok(())
}
