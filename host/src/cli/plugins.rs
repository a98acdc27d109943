//! `jackfield plugins`: packages on this machine's disk, and what a gateway makes of them.

pub mod disk;
pub mod keys;
pub mod kit;

use super::{
    print,
    reach::{Form, Place, Reach},
    report::Failure,
};
use crate::{
    clock::Clock,
    plugins::pack::{PackPlan, pack},
    protocol::scope::Scope,
};
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// How long a plugin may take to stop and start again.
const RELOAD: Duration = Duration::from_mins(2);

/// What can be done with plugins.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List what is installed, what runs, and what was refused and why
    List(ListArgs),
    /// Show everything known of a plugin, with its last log lines
    Info {
        /// The plugin's id
        #[arg(value_name = "ID")]
        id: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Let the files as they are now take over from the running version, losing no message
    Reload {
        /// The plugin's id
        #[arg(value_name = "ID")]
        id: String,
        /// Stop the running version first and start from scratch; for one that does not answer
        #[arg(long)]
        restart: bool,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Put a package in the place of the one that serves its channel, and let it take over
    Upgrade {
        /// The new package on the gateway's machine: its folder, its plugin.toml or its library
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Say why a package would not start: machine, C library, ABI, files, signature, permissions
    Explain {
        /// The package's folder, its plugin.toml or its library
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Where the configuration is.
        #[command(flatten)]
        place: Place,
        /// How to print.
        #[command(flatten)]
        form: Form,
    },
    /// Make a package directory: the manifest with the hash of every file, and the files
    Pack {
        /// The author's plugin.toml
        #[arg(long, value_name = "FILE")]
        manifest: PathBuf,
        /// The built library
        #[arg(long, value_name = "FILE")]
        library: PathBuf,
        /// Further files to pack, such as licences (repeatable)
        #[arg(long, value_name = "FILE")]
        extra: Vec<PathBuf>,
        /// Directory to write, usually named after the plugin
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// How to print.
        #[command(flatten)]
        form: Form,
    },
    /// Keys and signatures.
    #[command(flatten)]
    Keys(keys::Verb),
    /// For those who write plugins.
    #[command(flatten)]
    Kit(kit::Verb),
}

/// Arguments of `jackfield plugins list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Read the manifests on this machine's disk instead of asking the gateway
    #[arg(long)]
    offline: bool,
    /// With --offline: further directory with packages (repeatable)
    #[arg(long = "plugin-dir", value_name = "DIR", requires = "offline")]
    plugin_dirs: Vec<PathBuf>,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// Runs a verb.
///
/// # Errors
/// What went wrong, by file; or of the connection.
pub fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::List(args) => listing(&args),
        Verb::Info { id, reach } => {
            let params = json!({"pluginId": id});
            reach.ask(&[Scope::Read], "plugins.inspect", params, |of| info(&of["plugin"]))
        }
        Verb::Reload { id, restart, reach } => {
            let mut params = json!({"pluginId": id});
            if restart {
                params["restart"] = json!(true);
            }
            change(&reach, "plugins.reload", &params)
        }
        Verb::Upgrade { file, reach } => {
            let path = file.canonicalize().unwrap_or(file);
            change(&reach, "plugins.upgrade", &json!({"path": path}))
        }
        Verb::Explain { file, place, form } => disk::explained(&file, &place, &form),
        Verb::Keys(verb) => keys::run(verb),
        Verb::Kit(verb) => kit::run(verb),
        Verb::Pack { manifest, library, extra, out, form } => {
            let plan = PackPlan { manifest, library, extra, out };
            let packed = pack(&plan).map_err(|error| Failure::new(error.to_string()))?;
            let document =
                json!({"ok": true, "id": packed.id, "version": packed.version, "out": plan.out});
            form.show(&document, |_| {
                format!("packed {} {} into {}", packed.id, packed.version, plan.out.display())
            })
        }
    }
}

/// Asks for a change of versions and says how it went.
fn change(reach: &Reach, method: &str, params: &Value) -> Result<(), Failure> {
    let done = reach.with(async |gateway| {
        gateway.be_patient(RELOAD);
        gateway.call(&[Scope::Admin], method, params.clone()).await
    })?;
    reach.form.show(&done, |done| {
        let (id, version) = (print::cell(done, "pluginId"), print::cell(done, "version"));
        match done["swap"]["pauseUs"].as_u64() {
            Some(us) => format!("{id} {version} runs; messages waited {} ms", us.div_ceil(1000)),
            None => format!("{id} {version} runs"),
        }
    })
}

fn listing(args: &ListArgs) -> Result<(), Failure> {
    if args.offline {
        let place: &Place = &args.reach.place;
        let found = disk::found(place, &args.plugin_dirs)?;
        return args.reach.form.show(&found, list);
    }
    args.reach.ask(&[Scope::Read], "plugins.list", json!({}), list)
}

fn list(of: &Value) -> String {
    let rows = print::rows(of, "plugins");
    if rows.is_empty() {
        return "No plugin is installed. Where they are looked for: jackfield doctor".to_owned();
    }
    let cells = rows.iter().map(|r| {
        [
            print::cell(r, "id"),
            print::cell(r, "version"),
            print::cell(r, "channel"),
            print::cell(r, "enabled"),
            print::cell(r, "state"),
            print::cell(r, "isolation"),
        ]
    });
    let mut parts =
        vec![print::table(["id", "version", "channel", "enabled", "state", "isolation"], cells)];
    let troubled =
        rows.iter().filter_map(|r| Some((print::cell(r, "id"), r["lastError"].as_str()?)));
    let troubles: Vec<String> = troubled.map(|(id, error)| format!("{id}: {error}")).collect();
    if !troubles.is_empty() {
        parts.push(print::lines(&troubles.join("\n")));
    }
    parts.join("\n\n")
}

fn info(of: &Value) -> String {
    let now = Clock::system().now_ms();
    let one = |name, field| (name, print::cell(of, field));
    let mut facts = vec![
        one("Plugin", "id"),
        one("Name", "label"),
        one("Version", "version"),
        one("Channel", "channel"),
        one("Enabled", "enabled"),
        one("State", "state"),
        ("Since", print::when(now, of.get("sinceMs"))),
        one("Isolation", "isolation"),
        one("Process", "pid"),
        one("Restarts", "restarts"),
        one("Files", "path"),
        one("Trust", "trust"),
    ];
    for layer in print::rows(of, "sandbox") {
        let cell = |field| print::cell(layer, field);
        facts
            .push(("Sandbox", format!("{}: {}, {}", cell("layer"), cell("holds"), cell("detail"))));
    }
    if of["isolation"] == "in-process" {
        facts.push(("Sandbox", "none: in-process, its code is part of the gateway".to_owned()));
    }
    if let Some(why) = of["demoted"].as_str() {
        facts.push(("Demoted", why.to_owned()));
    }
    if of["usage"].is_object() {
        facts.push(("Takes", takes(&of["usage"])));
        facts.push(("Has done", has_done(&of["usage"])));
    }
    for link in print::rows(of, "links") {
        let detail = link["detail"].as_str().unwrap_or_default();
        let name = print::cell(link, "account");
        let text = format!("{name}: {} {detail}", print::cell(link, "state"));
        facts.push(("Account", text.trim_end().to_owned()));
    }
    for (name, field) in [("Last end", "lastExit"), ("Trouble", "lastError")] {
        if let Some(text) = of[field].as_str() {
            facts.push((name, text.replace('\n', " ")));
        }
    }
    if of["lastSwap"].is_object() {
        facts.push(("Last change", swap(now, &of["lastSwap"])));
    }
    let mut text = print::facts(&facts);
    let log: Vec<&str> = print::rows(of, "lastLog").iter().filter_map(Value::as_str).collect();
    if !log.is_empty() {
        let log: Vec<String> = log.iter().map(|line| print::line(line)).collect();
        text = format!("{text}\n\nLast log lines\n{}", log.join("\n"));
    }
    text
}

/// What a plugin's process takes of the machine.
fn takes(usage: &Value) -> String {
    let number = |name: &str| usage[name].as_u64();
    let parts = [
        number("memoryBytes").map(|bytes| format!("{} MiB", bytes.div_ceil(1 << 20))),
        number("cpuMs").map(|ms| format!("{}.{} s of processor", ms / 1000, ms % 1000 / 100)),
        number("threads").map(|count| format!("{count} threads")),
        number("fds").map(|count| format!("{count} files")),
    ];
    let known: Vec<String> = parts.into_iter().flatten().collect();
    if known.is_empty() { "not known apart from the gateway".to_owned() } else { known.join(", ") }
}

/// What a plugin has done since the gateway started.
fn has_done(usage: &Value) -> String {
    let count = |name: &str| usage[name].as_u64().unwrap_or_default();
    format!(
        "{} in, {} refused; {} out, {} failed, {} unanswered; {} falls",
        count("events"),
        count("eventsRefused"),
        count("sent"),
        count("failed"),
        count("unanswered"),
        count("falls")
    )
}

/// One change of versions in a line.
fn swap(now: u64, of: &Value) -> String {
    let (from, to) = (print::cell(of, "from"), print::cell(of, "to"));
    let (outcome, when) = (print::cell(of, "outcome"), print::when(now, of.get("atMs")));
    let pause =
        of["pauseUs"].as_u64().map(|us| format!(", messages waited {} ms", us.div_ceil(1000)));
    let reason = of["reason"].as_str().map(|text| format!(": {}", text.replace('\n', " ")));
    format!(
        "{from} to {to}, {outcome}, {when}{}{}",
        pause.unwrap_or_default(),
        reason.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_stands_below_the_table_in_full() {
        let of = json!({"plugins": [
            {"id": "line-echo", "version": "1.0.0", "channel": "line", "enabled": true,
             "state": "refused", "isolation": "process", "lastError": "libx.so: truncated: at 12"},
        ]});
        let text = list(&of);
        assert!(text.starts_with("ID"), "{text}");
        assert!(text.ends_with("\n\nline-echo: libx.so: truncated: at 12"), "{text}");
    }
}
