//! What the process of one plugin may touch: from the permissions of its manifest, the operator's
//! word and what any program needs, to lists of paths and ports; and what came of it.
//!
//! The lists are made here, in the gateway, and applied by the process itself before any foreign
//! code runs in it (`isolate`). An entry like `${data_dir}` stands for the value of that setting in
//! the channel's table, `${accounts.*.program}` for those of every account. Must not know: how a
//! kernel is told, which channel this is.

mod places;
#[cfg(test)]
mod tests;

use jackfield_plugin_api::manifest::{Manifest, Permissions};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

/// Memory of a plugin whose manifest names no ceiling, MiB.
const MEMORY_MIB: u32 = 512;
/// The port of the name service, for answers too long for one datagram.
const NAME_SERVICE: u16 = 53;
/// Where programs lie that a manifest names without a path; nobody's `PATH` counts.
const PROGRAM_DIRS: [&str; 4] = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin"];

/// How much the operator wants of the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Demand {
    /// What this kernel can do; what it cannot is shown.
    #[default]
    BestEffort,
    /// Everything, or the plugin does not start.
    Require,
    /// Nothing beyond the process itself.
    Off,
}

/// One layer of a sandbox and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// `process`, `privileges`, `memory`, `files`, `ports`, `signals` or `syscalls`.
    pub layer: String,
    /// Whether it holds.
    pub holds: Hold,
    /// By what, or why not.
    pub detail: String,
}

/// Whether a layer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// As meant.
    Yes,
    /// Less than meant; the detail says what is missing.
    Partly,
    /// Not at all.
    No,
}

impl Layer {
    /// A layer as it came out.
    pub(crate) fn new(layer: &str, holds: Hold, detail: impl Into<String>) -> Self {
        Self { layer: layer.to_owned(), holds, detail: detail.into() }
    }
}

/// TCP ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ports {
    /// All of them.
    Any,
    /// These and no others.
    These(Vec<u16>),
}

impl Ports {
    /// Nothing at all.
    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::These(ports) if ports.is_empty())
    }
}

/// What a process may touch, told to it before it touches anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Confinement {
    /// How much of it is wanted.
    pub(crate) demand: Demand,
    /// Files, and folders with all below them, to read.
    pub(crate) read: Vec<PathBuf>,
    /// The same, to write and read.
    pub(crate) write: Vec<PathBuf>,
    /// The same, to start as programs and read; empty: it starts none.
    pub(crate) execute: Vec<PathBuf>,
    /// Where it connects to.
    pub(crate) connect: Ports,
    /// Where it listens.
    pub(crate) listen: Ports,
    /// Ceiling of its memory, bytes.
    pub(crate) memory_bytes: u64,
}

/// The folders of one plugin, below the gateway's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folders {
    /// The gateway's own state.
    state: PathBuf,
    /// What it keeps between its lives; nobody else's.
    pub(crate) own: PathBuf,
    /// What is thrown away when it starts.
    pub(crate) scratch: PathBuf,
    /// Where it writes files that go with messages.
    pub(crate) spool: PathBuf,
}

impl Folders {
    /// Where they are.
    pub(crate) fn of(state_dir: &Path, id: &str) -> Self {
        let own = state_dir.join("plugins").join(id);
        Self {
            state: state_dir.to_path_buf(),
            scratch: own.join("tmp"),
            spool: state_dir.join("media").join("spool").join(id),
            own,
        }
    }

    /// Makes those that are missing, for nobody but this user.
    pub(super) fn make(&self) -> io::Result<()> {
        [&self.own, &self.scratch, &self.spool]
            .into_iter()
            .try_for_each(|path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path))
    }
}

/// The confinement of a plugin that lies in `package` (its private copy) and has this table.
pub(super) fn plan(
    manifest: &Manifest,
    table: &Value,
    package: &Path,
    folders: &Folders,
    demand: Demand,
) -> Confinement {
    let Permissions { connect_ports, listen_ports, read_paths, write_paths, programs, memory_mib } =
        &manifest.permissions;
    let all = |entries: &[String]| -> Vec<PathBuf> {
        entries.iter().flat_map(|entry| expand(entry, table)).map(PathBuf::from).collect()
    };
    let programs: Vec<PathBuf> = all(programs).iter().flat_map(|name| find_program(name)).collect();
    let (execute, around) = places::around_programs(&programs);
    let mut read = places::everybody_reads();
    read.extend([package.to_path_buf(), folders.state.join("media")]);
    read.extend(all(read_paths).into_iter().chain(around));
    let mut write = places::everybody_writes();
    write.extend([folders.own.clone(), folders.spool.clone()]);
    write.extend(all(write_paths));
    let memory_mib = if *memory_mib == 0 { MEMORY_MIB } else { *memory_mib };
    Confinement {
        demand,
        read,
        write,
        execute,
        connect: ports(connect_ports, &[NAME_SERVICE]),
        listen: ports(listen_ports, &[]),
        memory_bytes: u64::from(memory_mib) << 20,
    }
}

/// The listed ports; with those that come along where there are any at all. 0 stands for all.
fn ports(listed: &[u16], along: &[u16]) -> Ports {
    match listed {
        [] => Ports::These(Vec::new()),
        some if some.contains(&0) => Ports::Any,
        some => Ports::These(some.iter().chain(along).copied().collect()),
    }
}

/// An entry of the manifest as the strings it stands for; a setting that is not there stands for
/// nothing.
fn expand(entry: &str, table: &Value) -> Vec<String> {
    let Some(setting) = entry.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return vec![entry.to_owned()];
    };
    let mut found = vec![table];
    for part in setting.split('.') {
        found = found.into_iter().flat_map(|value| below(value, part)).collect();
    }
    let texts = found.into_iter().flat_map(|value| match value {
        Value::Array(items) => items.iter().collect(),
        one => vec![one],
    });
    texts.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn below<'a>(value: &'a Value, part: &str) -> Vec<&'a Value> {
    match value {
        Value::Object(map) if part == "*" => map.values().collect(),
        Value::Array(items) if part == "*" => items.iter().collect(),
        other => other.get(part).into_iter().collect(),
    }
}

/// A program by its path, or by its name where the system keeps programs.
fn find_program(name: &Path) -> Vec<PathBuf> {
    if name.is_absolute() {
        return vec![name.to_path_buf()];
    }
    if name.components().count() != 1 {
        return Vec::new();
    }
    PROGRAM_DIRS.iter().map(|dir| Path::new(dir).join(name)).filter(|path| path.is_file()).collect()
}
