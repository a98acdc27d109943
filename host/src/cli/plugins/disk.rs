//! What manifests on this machine's disk tell, without a gateway.

use crate::{
    cli::{
        print,
        reach::{Form, Place},
        report::{FAILED, Failure},
    },
    config::Config,
    gateway::wiring,
    plugins::{
        Candidate, Entry, Isolation, PluginState,
        explain::{Rules, explain},
    },
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Every package in the plugin directories, as `plugins.list` would show it before a start.
///
/// # Errors
/// When the configuration cannot be read.
pub fn found(place: &Place, dirs: &[PathBuf]) -> Result<Value, Failure> {
    let paths = place.paths();
    let config = Config::load(&paths.config)?;
    let plan = wiring::plan(&config, &paths, dirs, !paths.config.exists());
    let rows: Vec<Value> = plan.found.iter().map(|p| row(p, &plan.settings.entries)).collect();
    Ok(json!({"offline": true, "plugins": rows}))
}

fn row(package: &Candidate, entries: &[Entry]) -> Value {
    let manifest = package.manifest.as_ref();
    let asked = manifest.and_then(|m| {
        let serves =
            |e: &&Entry| e.plugin.as_ref().map_or(e.channel == m.channel, |id| *id == m.id);
        entries.iter().find(serves)
    });
    let state =
        if package.refusal.is_some() { PluginState::Refused } else { PluginState::Installed };
    json!({
        "id": package.id(),
        "version": manifest.map(|m| &m.version),
        "channel": manifest.map(|m| &m.channel),
        "label": manifest.map(|m| &m.label),
        "path": package.path,
        "enabled": asked.is_some(),
        "isolation": asked.map_or(Isolation::Process, |entry| entry.isolation),
        "state": state,
        "lastError": package.refusal.as_ref().map(ToString::to_string),
    })
}

/// Explains one package, by the rules of this machine's gateway.
///
/// # Errors
/// When no scratch directory can be made; silently, when the package would be refused.
pub fn explained(file: &Path, place: &Place, form: &Form) -> Result<(), Failure> {
    let scratch = tempfile::tempdir()
        .map_err(|error| Failure::new(format!("no temporary directory can be made: {error}")))?;
    let found = alone(explain(file, &rules(place), scratch.path()))?;
    let manifest = found.manifest.as_ref();
    let reason = found.refusal.as_ref().map(ToString::to_string);
    let document = json!({
        "ok": reason.is_none(),
        "file": file,
        "id": manifest.map(|m| &m.id),
        "version": manifest.map(|m| &m.version),
        "channel": manifest.map(|m| &m.channel),
        "refusal": found.refusal,
        "text": reason,
        "facts": found.facts,
    });
    form.show(&document, |of| {
        let facts = found.facts.iter().map(|fact| {
            let mark = if fact.fine { "fine" } else { "BAD" };
            format!("{mark:<5}{:<12} {}", fact.check, fact.text.replace('\n', " "))
        });
        let last = match &reason {
            Some(reason) => format!("would be refused: {reason}"),
            None => format!(
                "{} {} is whole and fits this gateway; only starting it can tell more",
                print::cell(of, "id"),
                print::cell(of, "version")
            ),
        };
        print::lines(&facts.chain([String::new(), last]).collect::<Vec<_>>().join("\n"))
    })?;
    if reason.is_none() { Ok(()) } else { Err(Failure::told(FAILED)) }
}

/// The rules of this machine's gateway; the plain ones where its configuration cannot be read.
fn rules(place: &Place) -> Rules {
    let paths = place.paths();
    let config = Config::load(&paths.config).unwrap_or_default();
    let settings = wiring::plan(&config, &paths, &[], false).settings;
    Rules { trust: settings.trust, dirs: settings.dirs }
}

/// Runs what needs a runtime, in a command that has none.
pub(super) fn alone<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("no event queue: {error}")))?;
    Ok(runtime.block_on(work))
}
