//! The last configuration that the gateway started with, kept in its state folder: what it starts
//! with when the files have become unusable, so that a slip of the pen is no outage.
//!
//! It never holds more than the files did: drop-ins are laid over, `${NAME}` stays as it is. Nor does
//! it let anybody in whom the unusable files keep out, as far as they can be read.

use super::{Config, ConfigError, Paths, secret::write_private, source, stricter};
use std::{fs, io};

const GOOD: &str = "config.last-good.toml";
const REJECTED: &str = "config.rejected.toml";

/// Reads the files; when they cannot be used, the last good ones, made as strict as the files ask
/// for, with the reason in [`Config::fault`]. The unusable main file is copied into the state folder.
///
/// # Errors
/// Those of the files, when there are no good ones, or none that can be made as strict.
pub fn load(paths: &Paths) -> Result<Config, ConfigError> {
    let error = match Config::load(&paths.config) {
        Ok(config) => return Ok(config),
        Err(error) => error,
    };
    let path = paths.state.join(GOOD);
    let Some(mut good) = path.exists().then(|| source::read(&path).ok()).flatten() else {
        return Err(error);
    };
    let (asked, whole) = source::salvage(&paths.config);
    let env = |name: &str| std::env::var(name).ok();
    let narrowed = stricter::narrow(&mut good, &asked, whole, &env);
    let Ok(mut config) = Config::load_table(&path, good, &env) else {
        return Err(error);
    };
    let rejected = paths.state.join(REJECTED);
    let copied = fs::read(&paths.config).and_then(|text| write_private(&rejected, &text));
    let place = match copied {
        Ok(()) => format!("; a copy of the file is kept as {}", rejected.display()),
        Err(_) => String::new(),
    };
    let strict = match narrowed.as_slice() {
        [] => String::new(),
        some => format!("; as strict as the file asks for in {}", some.join(", ")),
    };
    config.fault = Some(format!("{error}{place}{strict}"));
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
    let good = paths.state.join(GOOD);
    // Most starts are with what is kept already, and a write costs a wait for the disk.
    if fs::read(&good).is_ok_and(|kept| kept == text.as_bytes()) {
        return Ok(());
    }
    write_private(&good, text.as_bytes())
}
