//! The last configuration that the gateway started with, kept in its state folder: what it starts
//! with when the files have become unusable, so that a slip of the pen is no outage.
//!
//! It never holds more than the files did: drop-ins are laid over, `${NAME}` stays as it is.

use super::{Config, ConfigError, Paths, source};
use std::{fs, io, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

const GOOD: &str = "config.last-good.toml";
const REJECTED: &str = "config.rejected.toml";

/// Reads the files; when they cannot be used, the last good ones, with the reason in
/// [`Config::fault`]. The unusable main file is copied into the state folder.
///
/// # Errors
/// Those of the files, when there are no good ones.
pub fn load(paths: &Paths) -> Result<Config, ConfigError> {
    let error = match Config::load(&paths.config) {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    let good = paths.state.join(GOOD);
    let Some(mut config) = good.exists().then(|| Config::load(&good).ok()).flatten() else {
        return Err(error);
    };
    let rejected = paths.state.join(REJECTED);
    let copied = fs::read(&paths.config).and_then(|text| write(&rejected, &text));
    let place = match copied {
        Ok(()) => format!("; a copy of the file is kept as {}", rejected.display()),
        Err(_) => String::new(),
    };
    config.fault = Some(format!("{error}{place}"));
    Ok(config)
}

/// Keeps the files as they are now; called once the gateway runs with them.
///
/// # Errors
/// When they cannot be read or the state folder not written.
pub fn keep(paths: &Paths) -> io::Result<()> {
    if !paths.config.exists() {
        return Ok(());
    }
    let table = source::read(&paths.config).map_err(io::Error::other)?;
    let text = toml::to_string(&table).map_err(io::Error::other)?;
    write(&paths.state.join(GOOD), text.as_bytes())
}

/// Whole or not at all, and for this user alone: it may hold secrets.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(draft, path)
}
