//! For those who write plugins: a crate to begin with, and the proof that what was built keeps its
//! promises.

use super::disk::alone;
use crate::{
    cli::{
        print,
        reach::Form,
        report::{FAILED, Failure, USAGE},
    },
    plugins::conformance::{self, Outcome, Plan},
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// The files of a new crate, kept as an example that every build compiles and tests.
const FILES: [(&str, &str); 8] = [
    ("plugin.toml", include_str!("../../../../examples/my-channel/plugin.toml")),
    ("config.schema.json", include_str!("../../../../examples/my-channel/config.schema.json")),
    ("README.md", include_str!("../../../../examples/my-channel/README.md")),
    ("src/lib.rs", include_str!("../../../../examples/my-channel/src/lib.rs")),
    ("src/config.rs", include_str!("../../../../examples/my-channel/src/config.rs")),
    ("src/channel.rs", include_str!("../../../../examples/my-channel/src/channel.rs")),
    ("src/receive.rs", include_str!("../../../../examples/my-channel/src/receive.rs")),
    ("src/tests.rs", include_str!("../../../../examples/my-channel/src/tests.rs")),
];
/// The release of the contract that this gateway was built with.
const API: &str = "1.2";

/// What can be done for authors.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Write a crate for a new channel that works: manifest, code, tests, readme
    New {
        /// Name of the channel: a-z, 0-9 and -
        #[arg(value_name = "NAME")]
        name: String,
        /// Directory to write; by default the name, here
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// Directory of the plugin-api crate, where it is not taken from the registry
        #[arg(long, value_name = "DIR")]
        api: Option<PathBuf>,
        /// How to print.
        #[command(flatten)]
        form: Form,
    },
    /// Run a built plugin through everything the contract asks of it
    Test {
        /// The package's folder
        #[arg(value_name = "PACKAGE")]
        package: PathBuf,
        /// TOML file with the channel's table
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// A setting of the channel, in TOML: key=value (repeatable)
        #[arg(long = "set", value_name = "KEY=VALUE")]
        settings: Vec<String>,
        /// Wait for so many events, which somebody makes happen on its platform
        #[arg(long, value_name = "N", default_value_t = 0)]
        events: usize,
        /// Seconds to wait for them
        #[arg(long, value_name = "S", default_value_t = 30)]
        patience: u64,
        /// Seconds that any one answer may take
        #[arg(long, value_name = "S", default_value_t = 10)]
        limit: u64,
        /// How to print.
        #[command(flatten)]
        form: Form,
    },
}

/// Runs a verb.
///
/// # Errors
/// What went wrong; silently, when a promise is broken.
pub fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::New { name, out, api, form } => {
            let out = out.unwrap_or_else(|| PathBuf::from(&name));
            write(&name, &out, api.as_deref())?;
            let document = json!({"ok": true, "name": name, "out": out});
            form.show(&document, |_| {
                let out = out.display();
                format!("wrote {out}\nnext: cd {out} && cargo test; its README says how to go on")
            })
        }
        Verb::Test { package, config, settings, events, patience, limit, form } => {
            let table = table(config.as_deref(), &settings)?;
            let (patience, limit) = (Duration::from_secs(patience), Duration::from_secs(limit));
            let plan = Plan { table, events, patience, limit };
            test(&package, &plan, &form)
        }
    }
}

fn write(name: &str, out: &Path, api: Option<&Path>) -> Result<(), Failure> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if !begins || name.len() > 40 || !name.bytes().all(plain) || name.ends_with('-') {
        let text = format!("{name:?} is no name for a channel: a letter, then a-z, 0-9 and -");
        return Err(Failure::new(text).code(USAGE));
    }
    let failed = |path: &Path, error| Failure::new(format!("{}: {error}", path.display()));
    if out.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        let next = "choose another directory: --out DIR";
        return Err(Failure::new(format!("{} is not empty", out.display())).next(next));
    }
    let cargo = cargo_toml(name, api)?;
    fs::create_dir_all(out.join("src")).map_err(|error| failed(out, error))?;
    let own = FILES.iter().map(|(file, text)| (*file, named(text, name)));
    for (file, text) in own.chain([("Cargo.toml", cargo), (".gitignore", "/target\n".into())]) {
        let path = out.join(file);
        fs::write(&path, text).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

fn named(text: &str, name: &str) -> String {
    let label = name.replace('-', " ");
    let mut letters = label.chars();
    let label: String =
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    text.replace("my-channel", name)
        .replace("my_channel", &name.replace('-', "_"))
        .replace("My channel", &label)
}

fn cargo_toml(name: &str, api: Option<&Path>) -> Result<String, Failure> {
    let api = match api {
        None => format!("\"{API}\""),
        Some(path) => {
            let whole = path
                .canonicalize()
                .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
            let whole = toml::Value::from(whole.display().to_string());
            format!("{{ path = {whole}, version = \"{API}\" }}")
        }
    };
    Ok(format!(
        r#"[package]
name = "jackfield-{name}"
version = "0.1.0"
edition = "2024"
license = "MIT OR Apache-2.0"

[lib]
crate-type = ["cdylib"]

[dependencies]
jackfield-plugin-api = {api}
serde = {{ version = "1", features = ["derive"] }}

# Small, and with panics that can be contained.
[profile.release]
opt-level = "s"
lto = "fat"
codegen-units = 1
strip = "symbols"
panic = "unwind"

[workspace]
"#
    ))
}

/// The channel's table: from a file, and single settings over it.
fn table(file: Option<&Path>, settings: &[String]) -> Result<Value, Failure> {
    let wrong = |text: String| Failure::new(text).code(USAGE);
    let mut table = match file {
        None => toml::Table::new(),
        Some(path) => {
            let text = fs::read_to_string(path)
                .map_err(|error| wrong(format!("{}: {error}", path.display())))?;
            text.parse().map_err(|error| wrong(format!("{}: {error}", path.display())))?
        }
    };
    for setting in settings {
        let more: toml::Table = setting
            .parse()
            .map_err(|_| wrong(format!("{setting:?} is not TOML; texts need quotes: key=\"x\"")))?;
        table.extend(more);
    }
    serde_json::to_value(table).map_err(|error| wrong(error.to_string()))
}

fn test(package: &Path, plan: &Plan, form: &Form) -> Result<(), Failure> {
    let scratch = tempfile::tempdir()
        .map_err(|error| Failure::new(format!("no temporary directory can be made: {error}")))?;
    let report = alone(conformance::test(package, plan, scratch.path()))?;
    let broken = report.checks.iter().filter(|check| check.outcome == Outcome::Broken).count();
    let document = json!({"ok": report.is_kept(), "checks": report.checks, "log": report.log});
    form.show(&document, |_| {
        let lines = report.checks.iter().map(|check| {
            let mark = match check.outcome {
                Outcome::Kept => "kept",
                Outcome::Broken => "BROKEN",
                Outcome::NotSeen => "not seen",
            };
            format!("{mark:<9}{:<16} {}", check.name, check.text.replace('\n', " "))
        });
        let seen = report.checks.len();
        let last = match broken {
            0 => format!("{seen} looked at, none broken"),
            n => format!("{n} of {seen} broken"),
        };
        let log = report.log.iter().filter(|_| broken > 0).map(|line| format!("log: {line}"));
        let all: Vec<String> = lines.chain(log).chain([String::new(), last]).collect();
        print::lines(&all.join("\n"))
    })?;
    if report.is_kept() { Ok(()) } else { Err(Failure::told(FAILED)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_into_every_form_it_has() {
        assert_eq!(
            named("my-channel my_channel My channel", "two-words"),
            "two-words two_words Two words"
        );
        for name in ["", "Caps", "1st", "end-", "a/b"] {
            let out = tempfile::tempdir().unwrap();
            assert!(write(name, &out.path().join("x"), None).is_err(), "{name}");
        }
    }

    #[test]
    fn settings_stand_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("table.toml");
        fs::write(&file, "listen = \"a\"\nn = 1\n").unwrap();
        let both = table(Some(&file), &["listen=\"b\"".to_owned()]).unwrap();
        assert_eq!(both, json!({"listen": "b", "n": 1}));
        assert!(table(None, &["listen=b".to_owned()]).is_err());
    }
}
