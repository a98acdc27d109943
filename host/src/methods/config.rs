//! `config.*`: the configuration shown without secrets, and changed against the state the caller saw.
//!
//! A change is made on the text of the main file (comments stay), checked as a whole together with
//! the drop-ins and the environment, and only then put in place in one step. It is applied by a new
//! life of the gateway on the same port, soon after the answer, unless the settings leave that to a
//! person.

pub mod change;
pub mod live;
pub mod schema;
pub mod snapshot;

use super::{Access, Caller, Core, MethodError, Nothing, Shape, Table};
use crate::{config::document, protocol::scope::Scope};
pub use live::Applied;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json as value};
use snapshot::Snapshot;
use std::sync::Arc;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("config.get", Access::Operator(Scope::Read), get);
    table.now("config.schema", Access::Operator(Scope::Read), schema::whole);
    table.now("config.schema.lookup", Access::Operator(Scope::Read), schema::lookup);
    table.later("secrets.reload", Access::Operator(Scope::Admin), reload);
    change::add(table);
}

/// What `secrets.reload` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reloaded {
    ok: bool,
    warning_count: u32,
}

/// Secrets stand in the configuration, so its files are read again; what changed is put in force as
/// after any change of them. Variables of the environment stay what they were when the program began.
async fn reload(core: Arc<Core>, _: Arc<Caller>, _: Nothing) -> Result<Reloaded, MethodError> {
    if let Some(problem) = Snapshot::read(&core).await?.problem {
        return Err(MethodError::Unavailable(format!("secrets.reload failed: {}", problem.text)));
    }
    core.reread.notify_one();
    Ok(Reloaded { ok: true, warning_count: 0 })
}

/// Notes which state of the files this life runs with.
pub async fn note_applied(core: &Core) {
    match Snapshot::read(core).await {
        Ok(snapshot) => {
            core.put_in_force(Applied::of(&snapshot, core.config.channels.clone()));
        }
        Err(error) => tracing::warn!(%error, "the configuration's state could not be named"),
    }
}

async fn get(core: Arc<Core>, _: Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    let snapshot = Snapshot::read(&core).await?;
    let own = redacted(snapshot.own.clone());
    let whole = redacted(snapshot.whole.clone());
    let raw = serde_json::to_string_pretty(&own).unwrap_or_default();
    Ok(value!({
        "path": snapshot.path, "exists": snapshot.text.is_some(), "format": "toml",
        // Clients edit JSON; what they give back is laid over the TOML of the file.
        "raw": raw, "parsed": own, "sourceConfig": own, "config": own,
        "resolved": whole, "runtimeConfig": whole,
        "includedPaths": snapshot.drop_ins, "includeProvenance": [],
        "valid": snapshot.problem.is_none(), "issues": issues(snapshot.problem.as_ref()),
        "warnings": [], "legacyIssues": [], "hash": snapshot.hash,
        "appliedConfigHash": core.in_force(|applied| applied.hash.clone()),
    }))
}

fn redacted(mut of: Value) -> Value {
    document::redact(&mut of);
    of
}

/// What is wrong, as a list that holds at most one thing: reading ends at the first.
fn issues(problem: Option<&snapshot::Problem>) -> Value {
    let issue = |p: &snapshot::Problem| value!({"path": p.setting, "message": p.text});
    problem.map_or_else(|| value!([]), |p| value!([issue(p)]))
}
