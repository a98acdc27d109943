//! What manifests on this machine's disk tell, without a gateway.

use crate::{
    cli::{
        print,
        reach::{Form, Place},
        report::{FAILED, Failure},
    },
    config::Config,
    gateway::wiring,
    plugins::{Candidate, Entry, Isolation, PluginState, Plugins, explain::explain},
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
    let packages = Plugins::discover(&plan.settings);
    let rows: Vec<Value> = packages.iter().map(|p| row(p, &plan.settings.entries)).collect();
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

/// Explains one package.
///
/// # Errors
/// When no scratch directory can be made; silently, when the package would be refused.
pub fn explained(file: &Path, form: &Form) -> Result<(), Failure> {
    let scratch = tempfile::tempdir()
        .map_err(|error| Failure::new(format!("no temporary directory can be made: {error}")))?;
    let found = explain(file, scratch.path());
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
    });
    form.show(&document, |of| match &reason {
        Some(reason) => print::lines(&format!("would be refused: {reason}")),
        None => format!(
            "{} {} is whole and fits this gateway; only starting it can tell more",
            print::cell(of, "id"),
            print::cell(of, "version")
        ),
    })?;
    if reason.is_none() { Ok(()) } else { Err(Failure::told(FAILED)) }
}
