//! Why a plugin is not running: one enum whose text names the file and the reason in two lines.
//!
//! The same value is told to the operator, kept in the status and carried from a child process to
//! its parent. Must not know: who shows it.

use super::confine::{Hold, Layer};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Why a package, a library or a start was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "reason")]
pub enum Refusal {
    /// No package in any plugin folder serves the channel or has the id.
    #[error("no plugin for `{wanted}` is installed; looked in {looked}{}", unreadable_hint(*.unreadable))]
    NotInstalled {
        /// Channel or plugin id.
        wanted: String,
        /// The folders that were read.
        looked: String,
        /// How many packages there have no readable manifest, and might be the one.
        unreadable: usize,
    },
    /// A folder or library without `plugin.toml` beside it.
    #[error("{file}: there is no plugin.toml beside it; a plugin is a folder with both")]
    MissingManifest {
        /// The folder or library.
        file: String,
    },
    /// The manifest cannot be read or says something impossible.
    #[error("{file}: {detail}")]
    Manifest {
        /// The manifest.
        file: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The manifest does not list the library's hash.
    #[error("{file}: no SHA-256 in the manifest; pack the plugin with `jackfield plugins pack`")]
    NotPacked {
        /// The file without a hash.
        file: String,
    },
    /// A file the manifest lists is absent.
    #[error("{file}: listed in plugin.toml but not there")]
    MissingFile {
        /// The absent file.
        file: String,
    },
    /// The bytes are not those the manifest was written for.
    #[error("{file}: SHA-256 differs from the manifest; the file was changed or damaged")]
    HashMismatch {
        /// The changed file.
        file: String,
    },
    /// Nobody whose word counts says that it may run.
    #[error("{file}: {detail}")]
    Untrusted {
        /// The manifest.
        file: String,
        /// Whose word is missing, and what to do.
        detail: String,
    },
    /// It may run, but not as a part of the gateway.
    #[error(
        "{file}: may not run in-process ({why}); trust its key with may_run_in_process, or use isolation = \"process\""
    )]
    NotInProcess {
        /// The library.
        file: String,
        /// By whose word it runs.
        why: String,
    },
    /// Somebody else could change the file.
    #[error("{file}: {detail}")]
    Unsafe {
        /// The file or folder.
        file: String,
        /// Owner or mode, and what to do.
        detail: String,
    },
    /// The file is no ELF shared object.
    #[error("{file}: not a library: {detail}")]
    NotALibrary {
        /// The file.
        file: String,
        /// What it is instead.
        detail: String,
    },
    /// The file ends before its contents do.
    #[error("{file}: truncated: {detail}")]
    Truncated {
        /// The file.
        file: String,
        /// Where it ends.
        detail: String,
    },
    /// Built for another processor.
    #[error("{file}: built for {found}, this machine is {wanted}")]
    WrongMachine {
        /// The file.
        file: String,
        /// Its processor.
        found: String,
        /// Ours.
        wanted: String,
    },
    /// The dynamic linker would not take it.
    #[error("{file}: the system cannot load it: {detail}")]
    Unloadable {
        /// The file.
        file: String,
        /// The dynamic linker's words.
        detail: String,
    },
    /// A library without our root module.
    #[error("{file}: not a plugin of this program: it exports no plugin root module")]
    NotAPlugin {
        /// The file.
        file: String,
    },
    /// Built for another major of the plugin ABI.
    #[error("{file}: built for plugin ABI {found}, this gateway speaks {wanted}; {}", abi_fix(*.found, *.wanted))]
    AbiMajor {
        /// The file.
        file: String,
        /// Its major.
        found: u32,
        /// Ours.
        wanted: u32,
    },
    /// Same major, different types.
    #[error(
        "{file}: its plugin ABI has another layout: {detail}\nRebuild it with the released jackfield-plugin-api 1.x."
    )]
    Layout {
        /// The file.
        file: String,
        /// The first difference, shortened; the whole text is in the debug log.
        detail: String,
    },
    /// Wants a frame protocol this gateway does not speak.
    #[error(
        "{file}: needs frame protocol {wanted}, this gateway speaks {ours}; upgrade the gateway"
    )]
    Protocol {
        /// The file.
        file: String,
        /// What it asks for.
        wanted: String,
        /// What we speak.
        ours: String,
    },
    /// Manifest and library disagree about what this is.
    #[error("{file}: the manifest says {field} `{manifest}`, the library says `{library}`")]
    Identity {
        /// The library.
        file: String,
        /// `id` or `version`.
        field: String,
        /// The manifest's word.
        manifest: String,
        /// The library's word.
        library: String,
    },
    /// Its panics would end the gateway.
    #[error("{file}: built with panic=abort, so it may only run with isolation = \"process\"")]
    NoUnwind {
        /// The library.
        file: String,
    },
    /// This kernel cannot confine it as the operator demands.
    #[error("{file}: `sandbox = \"require\"`, but {}; allow it with `sandbox = \"best-effort\"`", lacking(.layers))]
    NotConfined {
        /// The library.
        file: String,
        /// What came of each layer.
        layers: Vec<Layer>,
    },
    /// Too many retired images in this process.
    #[error(
        "{file}: {images} library images are already in this process; restart the gateway or use isolation = \"process\""
    )]
    TooManyImages {
        /// The library.
        file: String,
        /// How many.
        images: usize,
    },
    /// The process died of it.
    #[error("{file}: {how} while {step}{}", damage_hint(.how, .step))]
    Died {
        /// The library.
        file: String,
        /// Signal or exit code.
        how: String,
        /// `loading` or `starting`.
        step: String,
    },
    /// It did not answer in time.
    #[error("{file}: did not finish {step} within {seconds} s")]
    Late {
        /// The library.
        file: String,
        /// `loading` or `starting`.
        step: String,
        /// The limit.
        seconds: u64,
    },
    /// It panicked.
    #[error("{file}: panicked in {step}")]
    Panicked {
        /// The library.
        file: String,
        /// The call.
        step: String,
    },
    /// Its own `start` said no.
    #[error("{file}: failed to start: {}{text}", setting_prefix(.setting.as_deref()))]
    FailedToStart {
        /// The library.
        file: String,
        /// Its words.
        text: String,
        /// JSON pointer of the setting it blames.
        setting: Option<String>,
    },
    /// The running version goes on, because the other one could not take over.
    #[error("{plugin}: version {to} was not taken over, {from} goes on: {why}")]
    NotTakenOver {
        /// The plugin.
        plugin: String,
        /// The version that runs.
        from: String,
        /// The version that was to take over.
        to: String,
        /// The step that failed, and how; the refusal where there is one.
        why: String,
    },
    /// One change at a time.
    #[error("{plugin}: version {to} is just being taken over; ask again when that is through")]
    Changing {
        /// The plugin.
        plugin: String,
        /// The version that is taken over.
        to: String,
    },
    /// Our side could not do its part.
    #[error("{file}: {detail}")]
    Host {
        /// The file that was being handled.
        file: String,
        /// What failed.
        detail: String,
    },
}

impl Refusal {
    /// Whether trying the same files and settings again later may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::FailedToStart { setting, .. } => setting.is_none(),
            Self::Died { how, step, .. } => step == STARTING || how.contains("SIGKILL"),
            Self::Late { .. } | Self::Panicked { .. } | Self::Host { .. } => true,
            _ => false,
        }
    }
}

/// The step before the plugin's own code was asked to do anything.
pub(crate) const LOADING: &str = "loading";
/// The step from `open` to `ready`.
pub(crate) const STARTING: &str = "starting";

/// A path as people see it in a refusal: the file and the folder it lies in.
pub(crate) fn shown(path: &Path) -> String {
    let Some(name) = path.file_name() else { return path.display().to_string() };
    let folder = path.parent().and_then(Path::file_name).map(Path::new);
    folder.map_or_else(|| Path::new(name).to_path_buf(), |f| f.join(name)).display().to_string()
}

fn abi_fix(found: u32, wanted: u32) -> &'static str {
    if found > wanted { "upgrade the gateway" } else { "install a newer version of the plugin" }
}

fn lacking(layers: &[Layer]) -> String {
    let lack = layers.iter().filter(|layer| layer.holds != Hold::Yes);
    lack.map(|layer| format!("{}: {}", layer.layer, layer.detail)).collect::<Vec<_>>().join(", ")
}

/// How the dynamic linker ends a process when one of its own checks fails.
const LINKER_GAVE_UP: &str = "code 127";

fn damage_hint(how: &str, step: &str) -> &'static str {
    let damaged =
        ["SIGBUS", "SIGSEGV", "SIGILL", LINKER_GAVE_UP].iter().any(|name| how.contains(name));
    if step == LOADING && damaged { "; the file is damaged" } else { "" }
}

fn unreadable_hint(unreadable: usize) -> String {
    match unreadable {
        0 => String::new(),
        n => format!(
            "\n{n} of the packages there cannot be read; `jackfield plugins list` says why."
        ),
    }
}

fn setting_prefix(setting: Option<&str>) -> String {
    setting.map_or_else(String::new, |path| format!("setting `{path}`: "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_death_while_loading_names_the_file_the_signal_and_the_cause() {
        let died = |how: &str, step: &str| Refusal::Died {
            file: "x/libx.so".into(),
            how: how.into(),
            step: step.into(),
        };
        assert_eq!(
            died("killed by SIGBUS", LOADING).to_string(),
            "x/libx.so: killed by SIGBUS while loading; the file is damaged"
        );
        assert!(!died("killed by SIGBUS", LOADING).may_pass());
        assert!(died("killed by SIGKILL", LOADING).may_pass(), "out of memory may pass");
        assert!(died("exited with code 1", STARTING).may_pass());
    }

    #[test]
    fn a_wrong_setting_is_not_tried_again_but_a_busy_port_is() {
        let failed = |setting: Option<&str>| Refusal::FailedToStart {
            file: "x/libx.so".into(),
            text: "needs a token".into(),
            setting: setting.map(Into::into),
        };
        assert!(!failed(Some("/token")).may_pass());
        assert!(failed(None).may_pass());
        assert_eq!(
            failed(Some("/token")).to_string(),
            "x/libx.so: failed to start: setting `/token`: needs a token"
        );
    }

    #[test]
    fn a_path_is_shown_with_its_folder() {
        assert_eq!(shown(Path::new("/a/b/line/libline.so")), "line/libline.so");
        assert_eq!(shown(Path::new("libline.so")), "libline.so");
    }
}
