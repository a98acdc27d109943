//! Keys and signatures: made, checked, trusted and withdrawn on this machine, without a gateway.
//!
//! Everything is in minisign's format, so the ordinary tool reads and writes the same files.

use crate::{
    cli::{
        print,
        reach::{Form, Place},
        report::Failure,
    },
    config::{Config, document},
    gateway::wiring,
    plugins::{
        self, SIGNATURE_FILE, explain,
        signature::{PublicKey, SecretKey, Signature},
    },
};
use jackfield_plugin_api::manifest::MANIFEST_FILE;
use serde_json::json;
use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

/// What can be done with keys.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Make a key pair to sign packages with, in minisign's format
    Keygen {
        /// Where the secret key goes; it has no password, so keep the file
        #[arg(long, value_name = "FILE", default_value = "jackfield.key")]
        secret: PathBuf,
        /// Where the public key goes
        #[arg(long, value_name = "FILE", default_value = "jackfield.pub")]
        public: PathBuf,
        /// How to print.
        #[command(flatten)]
        form: Form,
    },
    /// Sign a package: its manifest, which holds the hash of every file
    Sign {
        /// The package's folder
        #[arg(value_name = "PACKAGE")]
        package: PathBuf,
        /// The secret key
        #[arg(long, value_name = "FILE", default_value = "jackfield.key")]
        key: PathBuf,
        /// How to print.
        #[command(flatten)]
        form: Form,
    },
    /// Check a package's files and signature, against one key or all trusted ones
    Verify {
        /// The package's folder
        #[arg(value_name = "PACKAGE")]
        package: PathBuf,
        /// Public key, or its file, in place of the trusted ones
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// Where the configuration is.
        #[command(flatten)]
        place: Place,
        /// How to print.
        #[command(flatten)]
        form: Form,
    },
    /// Let packages run that a key signs; applies when the gateway starts
    Trust {
        /// Public key, or its file
        #[arg(value_name = "KEY")]
        key: String,
        /// Only plugins with such an id; `*` stands for any letters (repeatable)
        #[arg(long = "id", value_name = "GLOB", default_value = "*")]
        ids: Vec<String>,
        /// Who it is
        #[arg(long, value_name = "TEXT", default_value = "")]
        name: String,
        /// Its plugins may be part of the gateway's process
        #[arg(long)]
        in_process: bool,
        /// Where the configuration is.
        #[command(flatten)]
        place: Place,
        /// How to print.
        #[command(flatten)]
        form: Form,
    },
    /// Let nothing run that this key signs, or that has this SHA-256; applies when the gateway starts
    Revoke {
        /// Key (its name, its line or its file), or SHA-256 of a library or manifest
        #[arg(value_name = "KEY|SHA256")]
        what: String,
        /// Where the configuration is.
        #[command(flatten)]
        place: Place,
        /// How to print.
        #[command(flatten)]
        form: Form,
    },
}

/// Runs a verb.
///
/// # Errors
/// What went wrong, by file.
pub fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Keygen { secret, public, form } => keygen(&secret, &public, &form),
        Verb::Sign { package, key, form } => sign(&package, &key, &form),
        Verb::Verify { package, key, place, form } => {
            verify(&package, key.as_deref(), &place, &form)
        }
        Verb::Trust { key, ids, name, in_process, place, form } => {
            let key = read_key(&key)?;
            trust(&key, &ids, &name, in_process, &place)?;
            let document = json!({"ok": true, "key": key.id().to_string(), "ids": ids});
            form.show(&document, |_| {
                format!(
                    "key {} is trusted for {} when the gateway starts",
                    key.id(),
                    ids.join(", ")
                )
            })
        }
        Verb::Revoke { what, place, form } => {
            let name = name_of(&what)?;
            revoke(&name, &place)?;
            form.show(&json!({"ok": true, "revoked": name}), |_| {
                format!("{name} counts for nothing when the gateway starts")
            })
        }
    }
}

fn keygen(secret: &Path, public: &Path, form: &Form) -> Result<(), Failure> {
    let key = SecretKey::generate();
    write_new(secret, &key.file(), 0o600)?;
    write_new(public, &key.public().file(), 0o644)?;
    let id = key.public().id().to_string();
    let document = json!({"ok": true, "key": id, "secret": secret, "public": public,
        "line": key.public().line()});
    form.show(&document, |of| {
        format!(
            "key {id}\nsecret: {} (keep it; it has no password)\npublic: {}\n\
             people trust it with: jackfield plugins trust {}",
            secret.display(),
            public.display(),
            print::cell(of, "line"),
        )
    })
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("cannot write {}: {error}", path.display()));
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn sign(package: &Path, key: &Path, form: &Form) -> Result<(), Failure> {
    let text = read(key)?;
    let secret = SecretKey::parse(&text)
        .map_err(|error| Failure::new(format!("{}: {error}", key.display())))?;
    // What is signed should run: a changed file would only be found at somebody else's.
    let found = whole(package)?;
    let manifest = package.join(MANIFEST_FILE);
    let bytes = fs::read(&manifest)
        .map_err(|error| Failure::new(format!("{}: {error}", manifest.display())))?;
    let comment = format!("id={} version={}", found.0, found.1);
    let signature =
        secret.sign(&bytes, &comment).map_err(|error| Failure::new(error.to_string()))?;
    let path = package.join(SIGNATURE_FILE);
    document::replace(&path, &signature.file())
        .and_then(|()| {
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644))
        })
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
    let id = secret.public().id().to_string();
    let document = json!({"ok": true, "key": id, "signature": path, "comment": comment});
    form.show(&document, |_| format!("signed {} {} with key {id}", found.0, found.1))
}

/// The id and version of a package whose files are what its manifest says.
fn whole(package: &Path) -> Result<(String, String), Failure> {
    let scratch = tempfile::tempdir()
        .map_err(|error| Failure::new(format!("no temporary directory can be made: {error}")))?;
    explain::whole(package, scratch.path())
        .map(|manifest| (manifest.id, manifest.version))
        .map_err(|refusal| Failure::new(refusal.to_string()))
}

fn verify(package: &Path, key: Option<&str>, place: &Place, form: &Form) -> Result<(), Failure> {
    let (id, version) = whole(package)?;
    let path = package.join(SIGNATURE_FILE);
    let bad = |error: String| Failure::new(format!("{}: {error}", path.display()));
    let signature = Signature::parse(&read(&path)?).map_err(|error| bad(error.to_string()))?;
    let keys = match key {
        Some(key) => vec![read_key(key)?],
        None => trusted(place)?,
    };
    let name = signature.key();
    let Some(key) = keys.iter().find(|key| key.id() == name) else {
        let next = "trust it: jackfield plugins trust KEY, or name it: --key KEY";
        return Err(
            bad(format!("made by key {name}, which is not among those to check with")).next(next)
        );
    };
    let text = fs::read(package.join(MANIFEST_FILE)).map_err(|error| bad(error.to_string()))?;
    signature.verify(key, &text).map_err(|error| bad(error.to_string()))?;
    let document = json!({"ok": true, "id": id, "version": version, "key": name.to_string(),
        "comment": signature.comment()});
    form.show(&document, |_| {
        let comment = print::line(signature.comment());
        format!("{id} {version} is whole and signed by key {name} ({comment})")
    })
}

fn trusted(place: &Place) -> Result<Vec<PublicKey>, Failure> {
    let paths = place.paths();
    let config = Config::load(&paths.config)?;
    let plan = wiring::plan(&config, &paths, &[], !paths.config.exists());
    let plugins::Trust { keys, revoked, .. } = plan.settings.trust;
    let keys = keys.iter().filter_map(|trusted| PublicKey::parse(&trusted.key).ok());
    let stands =
        |key: &PublicKey| !revoked.iter().any(|r| r.eq_ignore_ascii_case(&key.id().to_string()));
    Ok(keys.filter(stands).collect())
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// A key by its line or its file.
fn read_key(text: &str) -> Result<PublicKey, Failure> {
    if let Ok(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let path = Path::new(text);
    if !path.exists() {
        return Err(Failure::new(format!("{text:?} is neither a public key nor a file")));
    }
    PublicKey::parse(&read(path)?)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// What stands in the list of what is revoked: a key's name, or a hash.
fn name_of(what: &str) -> Result<String, Failure> {
    let hex = what.bytes().all(|byte| byte.is_ascii_hexdigit());
    match what.len() {
        16 if hex => Ok(what.to_ascii_uppercase()),
        64 if hex => Ok(what.to_ascii_lowercase()),
        _ => read_key(what).map(|key| key.id().to_string()),
    }
}

fn trust(
    key: &PublicKey,
    ids: &[String],
    name: &str,
    in_process: bool,
    place: &Place,
) -> Result<(), Failure> {
    edit(place, |plugins| {
        let list = plugins
            .entry("trust")
            .or_insert(Item::ArrayOfTables(ArrayOfTables::new()))
            .as_array_of_tables_mut()
            .ok_or("`[plugins] trust` is not a list of tables; write [[plugins.trust]]")?;
        let line = key.line();
        list.retain(|table| table.get("key").and_then(Item::as_str) != Some(&line));
        let mut table = Table::new();
        table["key"] = value(line);
        if !name.is_empty() {
            table["name"] = value(name);
        }
        table["ids"] = value(ids.iter().collect::<Array>());
        table["may_run_in_process"] = value(in_process);
        list.push(table);
        Ok(())
    })
}

fn revoke(name: &str, place: &Place) -> Result<(), Failure> {
    edit(place, |plugins| {
        let list = plugins
            .entry("revoked")
            .or_insert(value(Array::new()))
            .as_array_mut()
            .ok_or("`[plugins] revoked` is not a list")?;
        if !list.iter().any(|entry| entry.as_str() == Some(name)) {
            list.push(name);
        }
        Ok(())
    })
}

/// Changes the table `[plugins]` of the configuration, comments kept. What the gateway would not
/// take is taken back.
fn edit(
    place: &Place,
    change: impl FnOnce(&mut Table) -> Result<(), &'static str>,
) -> Result<(), Failure> {
    let path = place.paths().config;
    if !path.exists() {
        let text = format!("{} is not there", path.display());
        return Err(Failure::new(text).next("write one: jackfield config init"));
    }
    let text = read(&path)?;
    let bad = |detail: String| Failure::new(format!("{}: {detail}", path.display()));
    let mut document: DocumentMut = text.parse().map_err(|error| bad(format!("{error}")))?;
    let mut implicit = Table::new();
    implicit.set_implicit(true);
    let plugins = document.entry("plugins").or_insert(Item::Table(implicit));
    let plugins = plugins.as_table_mut().ok_or_else(|| bad("`plugins` is not a table".into()))?;
    change(plugins).map_err(|detail| bad(detail.to_owned()))?;
    let write = |text: &str| {
        document::replace(&path, text).map_err(|error| bad(format!("cannot be written: {error}")))
    };
    write(&document.to_string())?;
    if let Err(error) = Config::load(&path) {
        write(&text)?;
        return Err(error.into());
    }
    Ok(())
}
