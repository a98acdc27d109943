//! The configuration as it lies on disk now, with the name of exactly this state.

use crate::{
    config::{Config, ConfigError, document, source},
    messages::ChannelRules,
    methods::{Core, MethodError, console::seed},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;
use std::path::{Path, PathBuf};

const KEY: &str = "config-hash-key";

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Dotted path of the setting; empty for the file as a whole.
    pub setting: String,
    /// For people.
    pub text: String,
}

/// The state of the files.
#[derive(Debug)]
pub struct Snapshot {
    /// The main file.
    pub path: PathBuf,
    /// Its text; none when there is no file.
    pub text: Option<String>,
    /// Its settings.
    pub own: Value,
    /// The settings of all files together, as written.
    pub whole: Value,
    /// The drop-ins beside it.
    pub drop_ins: Vec<PathBuf>,
    /// What keeps it from being used.
    pub problem: Option<Problem>,
    /// Names this state. Keyed, so that nobody can try secrets against it.
    pub hash: String,
}

impl Snapshot {
    /// Reads the files.
    ///
    /// # Errors
    /// When the main file exists and cannot be read.
    ///
    /// # Panics
    /// Never: a key of this kind may have any length.
    pub async fn read(core: &Core) -> Result<Self, MethodError> {
        let path = core.paths.config.clone();
        let text = match tokio::fs::read_to_string(&path).await {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                let text = format!("cannot read {}: {error}", path.display());
                return Err(MethodError::Unavailable(text));
            }
        };
        let drop_ins = source::drop_ins(&path);
        let mut named = Hmac::<Sha256>::new_from_slice(&seed(core, KEY).await?)
            .expect("a key of this kind may have any length");
        named.update(text.as_deref().unwrap_or_default().as_bytes());
        for file in &drop_ins {
            named.update(&[0]);
            named.update(&tokio::fs::read(file).await.unwrap_or_default());
        }
        let hash = URL_SAFE_NO_PAD.encode(named.finalize().into_bytes());
        let main = text.clone().unwrap_or_default();
        let own = main.parse().map(|table| document::as_json(&table));
        let whole = source::read_with(&path, &main).map(|table| document::as_json(&table));
        let nothing = || Value::Object(Map::new());
        Ok(Self {
            own: own.unwrap_or_else(|_| nothing()),
            whole: whole.unwrap_or_else(|_| nothing()),
            problem: check(&path, &main).err(),
            hash: format!("hmac-sha256:v1:{hash}"),
            path,
            text,
            drop_ins,
        })
    }
}

/// Checks a text as the gateway would read it in the place of the main file.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(path: &Path, text: &str) -> Result<Config, Problem> {
    let config =
        Config::load_text(path, text, &|name| std::env::var(name).ok()).map_err(|error| {
            let setting = match &error {
                ConfigError::Setting { setting, .. } | ConfigError::Environment { setting, .. } => {
                    setting.clone()
                }
                ConfigError::Read { .. } | ConfigError::Syntax { .. } => String::new(),
            };
            Problem { setting, text: error.to_string() }
        })?;
    for (name, section) in &config.channels {
        ChannelRules::read(&section.table()).map_err(|error| {
            let setting = format!("channels.{name}.{}", error.path());
            Problem { text: format!("setting `{setting}`: {}", error.inner()), setting }
        })?;
    }
    Ok(config)
}
