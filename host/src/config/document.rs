//! The configuration file as a document that programs edit: shown without its secrets, changed
//! without losing its comments, replaced in one step.
//!
//! Must not know: what a setting means, the wire.

use super::Secret;
use serde_json::{Map, Value};
use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    path::Path,
};
use toml_edit::{DocumentMut, Item, Table};

/// What stands for a secret wherever the configuration is shown.
pub const REDACTED: &str = "__OPENCLAW_REDACTED__";

/// Parts of names whose values are secrets, written without separators.
const SECRET_NAMES: [&str; 9] = [
    "token",
    "secret",
    "password",
    "passphrase",
    "apikey",
    "privatekey",
    "signingkey",
    "accesskey",
    "credential",
];

/// Why a change cannot be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The placeholder of a secret stands where there is no secret to keep.
    #[error("{0} holds the placeholder of a secret, but there is no value to keep; give the value")]
    NothingToKeep(String),
    /// The file has no way to write this.
    #[error("{0} cannot be written in TOML: {1}")]
    Unwritable(String, &'static str),
    /// The file is not TOML.
    #[error("the file is not valid TOML: {0}")]
    Syntax(String),
}

/// A table as JSON.
#[must_use]
pub fn as_json(table: &toml::Table) -> Value {
    serde_json::to_value(table).unwrap_or_else(|_| Value::Object(Map::new()))
}

/// Replaces every secret by its placeholder. A value that only names an environment variable is no
/// secret and stays, so that people see where it comes from.
pub fn redact(value: &mut Value) {
    redact_below(value, false);
}

fn redact_below(value: &mut Value, secret: bool) {
    match value {
        Value::Object(entries) => {
            for (name, entry) in entries {
                // Whatever is handed to a program in its environment may be a key.
                redact_below(entry, secret || is_secret(name) || name == "env");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact_below(item, secret)),
        Value::String(text) if secret && !text.is_empty() && !is_reference(text) => {
            REDACTED.clone_into(text);
        }
        Value::Number(_) if secret => *value = Value::String(REDACTED.to_owned()),
        _ => {}
    }
}

/// Every secret in it, as [`redact`] would find them.
#[must_use]
pub fn secrets(value: &Value) -> Vec<Secret> {
    fn gather(value: &Value, secret: bool, found: &mut Vec<Secret>) {
        match value {
            Value::Object(entries) => {
                for (name, entry) in entries {
                    gather(entry, secret || is_secret(name), found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| gather(item, secret, found)),
            Value::String(text) if secret => found.push(Secret::new(text.as_str())),
            _ => {}
        }
    }
    let mut found = Vec::new();
    gather(value, false, &mut found);
    found
}

/// Whether a setting of this name holds a secret.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    // `token_file`, `max_tokens` and the like tell where or how much, not what.
    let tells = ["file", "path", "env", "tokens", "header"];
    !tells.iter().any(|end| plain.ends_with(end))
        && SECRET_NAMES.iter().any(|word| plain.contains(word))
}

fn is_reference(text: &str) -> bool {
    text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

/// Puts the secrets back that a submitted document shows only by their placeholder.
///
/// # Errors
/// When a placeholder stands where there was no secret.
pub fn restore(submitted: &mut Value, current: &Value) -> Result<(), EditError> {
    restore_below(submitted, Some(current), "")
}

fn restore_below(
    submitted: &mut Value,
    current: Option<&Value>,
    path: &str,
) -> Result<(), EditError> {
    match submitted {
        Value::Object(entries) => entries.iter_mut().try_for_each(|(name, entry)| {
            restore_below(entry, current.and_then(|c| c.get(name)), &join(path, name))
        }),
        Value::Array(items) => items.iter_mut().enumerate().try_for_each(|(n, item)| {
            restore_below(item, current.and_then(|c| c.get(n)), &format!("{path}[{n}]"))
        }),
        Value::String(text) if text == REDACTED => {
            let kept = current.filter(|kept| kept.is_string() || kept.is_number());
            *submitted = kept.ok_or_else(|| EditError::NothingToKeep(path.to_owned()))?.clone();
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Lays a patch over a document: objects are merged, `null` takes away, all else replaces.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(entries) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            entries.remove(name);
        } else {
            merge(entries.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Dotted paths of the settings that differ.
#[must_use]
pub fn changed(from: &Value, to: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    differ(Some(from), Some(to), "", &mut paths);
    paths
}

fn differ(from: Option<&Value>, to: Option<&Value>, path: &str, paths: &mut Vec<String>) {
    if from == to {
        return;
    }
    let names: BTreeSet<&String> =
        [from, to].into_iter().flatten().filter_map(Value::as_object).flat_map(Map::keys).collect();
    let tables = [from, to].into_iter().flatten().all(Value::is_object);
    // A table that came or went is named by the settings in it.
    if names.is_empty() || !tables {
        paths.push(path.to_owned());
        return;
    }
    for name in names {
        let (before, after) = (from.and_then(|t| t.get(name)), to.and_then(|t| t.get(name)));
        differ(before, after, &join(path, name), paths);
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The text after its settings became those of `to`. Comments and order of what stays are kept.
///
/// # Errors
/// When the text is not TOML, or a setting cannot be written in it.
pub fn rewritten(text: &str, to: &Value) -> Result<String, EditError> {
    let mut document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| EditError::Syntax(error.to_string()))?;
    let from: toml::Table =
        text.parse().map_err(|error: toml::de::Error| EditError::Syntax(error.to_string()))?;
    let empty = Map::new();
    let wanted = to.as_object().unwrap_or(&empty);
    let root: &mut Table = document.as_table_mut();
    rewrite(root, &as_json(&from), wanted, "")?;
    Ok(document.to_string())
}

fn rewrite(
    table: &mut dyn toml_edit::TableLike,
    from: &Value,
    to: &Map<String, Value>,
    path: &str,
) -> Result<(), EditError> {
    let gone: Vec<String> = table
        .iter()
        .map(|(name, _)| name.to_owned())
        .filter(|name| to.get(name).is_none_or(Value::is_null))
        .collect();
    for name in gone {
        table.remove(&name);
    }
    for (name, value) in to.iter().filter(|(_, value)| !value.is_null()) {
        let before = from.get(name);
        if before == Some(value) {
            continue;
        }
        let path = join(path, name);
        let below = table.get_mut(name).and_then(Item::as_table_like_mut);
        if let (Some(below), Some(before), Value::Object(after)) = (below, before, value) {
            rewrite(below, before, after, &path)?;
            continue;
        }
        let mut fresh = item(value, &path)?;
        if let (Some(old), Some(new)) =
            (table.get(name).and_then(Item::as_value), fresh.as_value_mut())
        {
            *new.decor_mut() = old.decor().clone();
        }
        table.insert(name, fresh);
    }
    Ok(())
}

fn item(value: &Value, path: &str) -> Result<Item, EditError> {
    if let Value::Object(entries) = value {
        let mut table = Table::new();
        for (name, entry) in entries.iter().filter(|(_, entry)| !entry.is_null()) {
            table.insert(name, item(entry, &join(path, name))?);
        }
        let headless = !table.is_empty() && table.iter().all(|(_, item)| item.is_table());
        table.set_implicit(headless);
        return Ok(Item::Table(table));
    }
    Ok(Item::Value(plain(value, path)?))
}

fn plain(value: &Value, path: &str) -> Result<toml_edit::Value, EditError> {
    let unwritable = |why| EditError::Unwritable(path.to_owned(), why);
    Ok(match value {
        Value::Null => return Err(unwritable("there is no null")),
        Value::Bool(flag) => (*flag).into(),
        Value::String(text) => text.as_str().into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(broken)) if !number.is_u64() => broken.into(),
            _ => return Err(unwritable("the number is too large")),
        },
        Value::Array(items) => {
            let mut array = toml_edit::Array::new();
            for (n, entry) in items.iter().enumerate() {
                array.push(plain(entry, &format!("{path}[{n}]"))?);
            }
            array.into()
        }
        Value::Object(entries) => {
            let mut table = toml_edit::InlineTable::new();
            for (name, entry) in entries.iter().filter(|(_, entry)| !entry.is_null()) {
                table.insert(name, plain(entry, &join(path, name))?);
            }
            table.into()
        }
    })
}

/// Replaces a file in one step: whoever reads it, and whatever stops the machine, there is the old
/// text or the new one. A new file is its owner's alone; an old one keeps its rights.
///
/// # Errors
/// When it cannot be written; the old text stays then.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link is followed, so that the file it leads to is replaced and not the link.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(dir)?;
    let mut draft = tempfile::NamedTempFile::new_in(dir)?;
    draft.write_all(text.as_bytes())?;
    if let Ok(old) = std::fs::metadata(&path) {
        draft.as_file().set_permissions(old.permissions())?;
    }
    draft.as_file().sync_all()?;
    draft.persist(&path).map_err(|error| error.error)?;
    std::fs::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests;
