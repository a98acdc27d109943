//! `config.set`, `config.apply` and `config.patch`: staged, checked, then put in place.

use super::{
    issues, redacted,
    snapshot::{Problem, Snapshot, check},
};
use crate::{
    config::{document, gateway::ReloadMode},
    methods::{Access, Caller, Core, MethodError, Shape, Table},
    protocol::{event, frame::json, scope::Scope},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json as value};
use std::{sync::Arc, time::Duration};

const STALE: &str = "config changed since last load; re-run config.get and retry";
const UNNAMED: &str = "config base hash required; re-run config.get and retry";
/// What a person has to do where changes are not applied by themselves.
const RESTART: &str = "Changes are applied at the next start, or by SIGHUP; gateway.reload = \"auto\" applies them at once.";
/// How long the answer and what follows it may travel before the gateway starts anew, milliseconds.
const DELAY_MS: u64 = 1_000;
/// Longest wait that a caller may ask for, milliseconds.
const DELAY_MS_MAX: u64 = 60_000;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("config.set", Access::Operator(Scope::Admin), set);
    table.later("config.apply", Access::Operator(Scope::Admin), apply).write_limited();
    table.later("config.patch", Access::Operator(Scope::Admin), patch).write_limited();
}

/// Parameters of the three: the text, and the state it was made against.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeParams {
    /// JSON or TOML; for a patch, an object that is laid over the settings.
    #[schemars(length(min = 1))]
    raw: String,
    #[serde(default)]
    #[schemars(length(min = 1))]
    base_hash: Option<String>,
    /// Kept with the change in the log.
    #[serde(default)]
    note: Option<String>,
    /// Milliseconds until the gateway starts anew to apply the change.
    #[serde(default)]
    restart_delay_ms: Option<u64>,
}

async fn set(core: Arc<Core>, _: Arc<Caller>, params: ChangeParams) -> Result<Shape, MethodError> {
    replace(&core, params, "config.set").await
}

async fn apply(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ChangeParams,
) -> Result<Shape, MethodError> {
    replace(&core, params, "config.apply").await
}

/// The whole configuration anew. JSON is laid over the file, so that comments stay; TOML becomes the
/// file as it stands, unless secrets have to be put back into it.
async fn replace(
    core: &Arc<Core>,
    params: ChangeParams,
    method: &str,
) -> Result<Shape, MethodError> {
    let _alone = core.config_lock.lock().await;
    let snapshot = Snapshot::read(core).await?;
    fresh(&snapshot, params.base_hash.as_deref())?;
    let (mut wanted, toml) = parsed(&params.raw)?;
    if !wanted.is_object() {
        return Err(MethodError::Invalid(format!("{method} raw must be an object")));
    }
    let given = wanted.clone();
    document::restore(&mut wanted, &snapshot.own).map_err(invalid)?;
    let before = snapshot.text.clone().unwrap_or_default();
    let text = match toml {
        true if wanted == given => params.raw.clone(),
        true => document::rewritten(&params.raw, &wanted).map_err(invalid)?,
        // A file that cannot be read has nothing to lay the settings over.
        false => document::rewritten(&before, &wanted)
            .or_else(|_| document::rewritten("", &wanted))
            .map_err(invalid)?,
    };
    commit(
        core,
        &snapshot,
        text,
        &wanted,
        Wish { note: params.note, delay_ms: params.restart_delay_ms, method },
    )
    .await
}

async fn patch(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ChangeParams,
) -> Result<Shape, MethodError> {
    let _alone = core.config_lock.lock().await;
    let snapshot = Snapshot::read(&core).await?;
    if let Some(problem) = &snapshot.problem {
        let text = format!("invalid config: {}; fix it before patching", problem.text);
        let details = value!({"issues": issues(Some(problem))});
        return Err(MethodError::InvalidWith(text, details));
    }
    let (changes, _) = parsed(&params.raw)?;
    if !changes.is_object() {
        return Err(MethodError::Invalid("config.patch raw must be an object".to_owned()));
    }
    fresh(&snapshot, params.base_hash.as_deref())?;
    let mut wanted = snapshot.own.clone();
    document::merge(&mut wanted, &changes);
    document::restore(&mut wanted, &snapshot.own).map_err(invalid)?;
    let before = snapshot.text.clone().unwrap_or_default();
    let text = document::rewritten(&before, &wanted).map_err(invalid)?;
    let wish =
        Wish { note: params.note, delay_ms: params.restart_delay_ms, method: "config.patch" };
    commit(&core, &snapshot, text, &wanted, wish).await
}

fn fresh(snapshot: &Snapshot, base: Option<&str>) -> Result<(), MethodError> {
    match base {
        _ if snapshot.text.is_none() => Ok(()),
        None => Err(MethodError::Invalid(UNNAMED.to_owned())),
        Some(base) if base != snapshot.hash => Err(MethodError::Invalid(STALE.to_owned())),
        Some(_) => Ok(()),
    }
}

/// The settings a text holds, and whether it is TOML.
fn parsed(raw: &str) -> Result<(Value, bool), MethodError> {
    if raw.trim_start().starts_with('{') {
        let read = serde_json::from_str(raw);
        return read
            .map(|settings| (settings, false))
            .map_err(|error| MethodError::Invalid(format!("invalid config: not JSON: {error}")));
    }
    if let Ok(other) = serde_json::from_str::<Value>(raw) {
        return Ok((other, false));
    }
    let read: Result<toml::Table, _> = raw.parse();
    read.map(|table| (document::as_json(&table), true)).map_err(|error| {
        MethodError::Invalid(format!("invalid config: neither JSON nor TOML: {}", error.message()))
    })
}

/// What a caller wants beside the change itself.
struct Wish<'a> {
    note: Option<String>,
    delay_ms: Option<u64>,
    method: &'a str,
}

async fn commit(
    core: &Arc<Core>,
    snapshot: &Snapshot,
    text: String,
    wanted: &Value,
    wish: Wish<'_>,
) -> Result<Shape, MethodError> {
    let Wish { note, delay_ms, method } = wish;
    check(&snapshot.path, &text).map_err(|problem| refused(&problem))?;
    let changed = document::changed(&snapshot.own, wanted);
    let same = snapshot.text.as_deref() == Some(text.as_str());
    if !same {
        let path = snapshot.path.clone();
        let written = tokio::task::spawn_blocking(move || document::replace(&path, &text)).await;
        let written = written.unwrap_or_else(|_| Err(std::io::Error::other("the writer ended")));
        written.map_err(|error| {
            let text = format!("cannot write {}: {error}", snapshot.path.display());
            MethodError::Unavailable(text)
        })?;
        tracing::info!(method, changed = changed.join(" "), note, "the configuration was changed");
    }
    let now = core.clock.now_ms();
    let after = Snapshot::read(core).await?;
    if !same {
        let told = value!({"path": after.path, "hash": after.hash, "ts": now});
        core.events.publish(event::CONFIG_CHANGED, &json(&told));
    }
    let due = core.in_force(|applied| applied.hash != after.hash) == Some(true);
    let mut answer = value!({
        "ok": true, "path": after.path, "hash": after.hash, "config": redacted(after.own),
        "changedPaths": changed, "requiresRestart": due,
    });
    if changed.is_empty() {
        answer["noop"] = value!(true);
    }
    let auto = core.config.gateway.reload == ReloadMode::Auto;
    if due && !auto {
        answer["message"] = value!(RESTART);
    }
    if due && auto {
        let delay_ms = delay_ms.unwrap_or(DELAY_MS).min(DELAY_MS_MAX);
        answer["restart"] = value!({"ok": true, "pid": std::process::id(), "delayMs": delay_ms});
        apply_later(core, delay_ms);
    }
    if method != "config.set" {
        answer["sentinel"] = value!({"persisted": false, "payload": {
            "kind": method.replace('.', "-"), "status": "ok", "ts": now, "message": note,
            "doctorHint": RESTART,
            "stats": {"mode": method, "root": after.path, "requiresRestart": due},
        }});
    }
    Ok(answer)
}

/// Has the files read again once the answer is out.
fn apply_later(core: &Arc<Core>, delay_ms: u64) {
    let core = Arc::clone(core);
    core.tracker.clone().spawn(async move {
        let wait = tokio::time::sleep(Duration::from_millis(delay_ms));
        if core.stop.run_until_cancelled(wait).await.is_some() {
            core.reread.notify_one();
        }
    });
}

fn refused(problem: &Problem) -> MethodError {
    let text = format!("invalid config: {}", problem.text);
    MethodError::InvalidWith(text, value!({"issues": issues(Some(problem))}))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn invalid(error: document::EditError) -> MethodError {
    MethodError::InvalidWith(
        format!("invalid config: {error}"),
        value!({"issues": [Map::from_iter([("message".to_owned(), value!(error.to_string()))])]}),
    )
}
