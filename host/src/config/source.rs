//! From files to one table: reading, laying drop-ins over it, `${NAME}`, and hints for typing slips.

use super::ConfigError;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Reads the main file and its drop-ins into one table; a missing main file is an empty table.
///
/// # Errors
/// When a file cannot be read or is not TOML.
pub fn read(path: &Path) -> Result<Table, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => read_with(path, &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => read_with(path, ""),
        Err(source) => Err(ConfigError::Read { path: path.display().to_string(), source }),
    }
}

/// As [`read`], with `text` in the place of the main file.
///
/// # Errors
/// When it or a drop-in is not TOML, or a drop-in cannot be read.
pub fn read_with(path: &Path, text: &str) -> Result<Table, ConfigError> {
    let mut table = parse(path, text)?;
    for file in drop_ins(path) {
        let text = std::fs::read_to_string(&file)
            .map_err(|source| ConfigError::Read { path: file.display().to_string(), source })?;
        overlay(&mut table, parse(&file, &text)?);
    }
    Ok(table)
}

/// What of the files can be read although they cannot be used, and whether that is all of them.
#[must_use]
pub fn salvage(path: &Path) -> (Table, bool) {
    let (mut table, mut whole) = (Table::new(), true);
    for file in std::iter::once(path.to_owned()).chain(drop_ins(path)) {
        let Ok(bytes) = std::fs::read(&file) else {
            whole = false;
            continue;
        };
        let text = String::from_utf8(bytes).unwrap_or_else(|error| {
            whole = false;
            let good = error.utf8_error().valid_up_to();
            String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned()
        });
        let (read, all) = salvage_text(&text);
        whole &= all;
        overlay(&mut table, read);
    }
    (table, whole)
}

/// The statements before the first slip: what follows one may belong to another table than it seems.
fn salvage_text(text: &str) -> (Table, bool) {
    let slip = match text.parse::<Table>() {
        Ok(table) => return (table, true),
        Err(error) => error.span().map_or(text.len(), |span| span.start.min(text.len())),
    };
    let before = text.get(..slip).unwrap_or_default();
    let mut ends = before.match_indices('\n').map(|(at, _)| at).rev();
    let table = ends.find_map(|end| text[..end].parse::<Table>().ok());
    (table.unwrap_or_default(), false)
}

/// The drop-ins beside a configuration file, by name.
#[must_use]
pub fn drop_ins(path: &Path) -> Vec<PathBuf> {
    let Some(dir) = path.parent().map(|p| p.join("conf.d")) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    files
}

fn parse(path: &Path, text: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        path: path.display().to_string(),
        text: error.to_string(),
    })
}

fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Replaces `${NAME}` inside every string.
///
/// # Errors
/// When a variable is not set; the error names it and the setting.
pub fn substitute(
    table: &mut Table,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    for (key, value) in table {
        substitute_value(value, key, env)?;
    }
    Ok(())
}

fn substitute_value(
    value: &mut Value,
    path: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    match value {
        Value::String(text) if text.contains("${") => *text = expand(text, path, env)?,
        Value::Table(table) => {
            for (key, value) in table {
                substitute_value(value, &format!("{path}.{key}"), env)?;
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter_mut().enumerate() {
                substitute_value(value, &format!("{path}[{n}]"), env)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn expand(
    text: &str,
    setting: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ConfigError> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(end) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + end];
        out.push_str(&rest[..start]);
        out.push_str(&env(name).ok_or_else(|| ConfigError::Environment {
            setting: setting.to_owned(),
            name: name.to_owned(),
        })?);
        rest = &rest[start + end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// For "unknown field `prot`, expected one of `port`, …": which of the expected was probably meant.
#[must_use]
pub fn did_you_mean(message: &str) -> String {
    let mut words = message.split('`').skip(1).step_by(2);
    let (Some(given), true) = (words.next(), message.starts_with("unknown ")) else {
        return String::new();
    };
    words
        .map(|word| (strsim::damerau_levenshtein(given, word), word))
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4)
        .min()
        .map_or_else(String::new, |(_, word)| format!("; did you mean `{word}`?"))
}
