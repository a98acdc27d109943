//! Opens a staged library and proves that it is a plugin of ours before any of its code is asked
//! for anything but its root module.
//!
//! Opening runs the library's constructors: it is execution, done in a process of its own first.
//! The library is never closed: the layout checker keeps references into it for ever.
//! Must not know: who asked, what an instance is.
#![expect(unsafe_code, reason = "mapping a library and reading its root symbol is the ABI")]

mod module;

pub(crate) use module::{Module, Opened};

use super::Refusal;
use jackfield_plugin_api::{
    abi::{
        ABI_MAJOR, PluginModRef,
        plain::{PLAIN_SYMBOL, PlainPlugin},
    },
    abi_stable::library::{
        AbiHeaderRef, LibHeader, LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL,
    },
};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use module::Misfit;
use std::{
    collections::BTreeSet,
    mem,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Longest part of a foreign error text shown, characters.
const DETAIL_CHARS_MAX: usize = 240;

/// Images that live in this process until it ends.
static IMAGES: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// How many distinct libraries this process has mapped. They are never unmapped.
pub(super) fn images() -> usize {
    IMAGES.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// Whether `path` is mapped already, so that opening it again adds nothing.
pub(super) fn is_mapped(path: &Path) -> bool {
    IMAGES.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
}

/// What the manifest promised of the library.
pub(crate) struct Expected<'a> {
    /// The plugin's id.
    pub(crate) id: &'a str,
    /// The plugin's version.
    pub(crate) version: &'a str,
    /// The library as messages name it.
    pub(crate) shown: &'a str,
}

/// Maps the library at `path` and gives what it exports.
pub(crate) fn open(path: &Path, expected: &Expected<'_>) -> Result<Module, Refusal> {
    let file = expected.shown.to_owned();
    // SAFETY: runs the library's constructors. The file is our private copy with the hash its
    // manifest gives, its headers were checked, and a process of its own has opened it before (or
    // this is that process). What it then does is what its publisher made it do.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| {
        Refusal::Unloadable { file: file.clone(), detail: linker_words(&error, path) }
    })?;
    IMAGES.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_path_buf());
    // SAFETY: a symbol of this name is, in any library that has it, a static holding an
    // `AbiHeaderRef`; abi_stable defines the name for that alone. The copy made of it stays valid
    // because the library is leaked below, on every path.
    let header = unsafe {
        library
            .get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL.as_bytes())
            .map(|symbol| *symbol)
    };
    // SAFETY: as above; our header defines this name for a constant of that structure alone.
    let plain = unsafe { library.get::<*const PlainPlugin>(PLAIN_SYMBOL).map(|symbol| *symbol) };
    mem::forget(library);
    let module = match (header, plain) {
        (Ok(header), _) => Module::Stable(stable(expected, header)?),
        (Err(_), Ok(plugin)) => Module::Plain(plain_entry(expected, plugin)?),
        (Err(_), Err(_)) => return Err(Refusal::NotAPlugin { file }),
    };
    check_identity(expected, module)?;
    Ok(module)
}

fn stable(expected: &Expected<'_>, header: AbiHeaderRef) -> Result<PluginModRef, Refusal> {
    let module = header
        .upgrade()
        .and_then(LibHeader::init_root_module::<PluginModRef>)
        .map_err(|error| refuse(expected.shown, &error))?;
    if module.abi_major() == ABI_MAJOR {
        return Ok(module);
    }
    let (file, found) = (expected.shown.to_owned(), module.abi_major());
    Err(Refusal::AbiMajor { file, found, wanted: ABI_MAJOR })
}

fn plain_entry(
    expected: &Expected<'_>,
    plugin: *const PlainPlugin,
) -> Result<&'static PlainPlugin, Refusal> {
    let file = expected.shown.to_owned();
    module::check_plain(plugin).map_err(|misfit| match misfit {
        Misfit::Major(found) => Refusal::AbiMajor { file, found, wanted: ABI_MAJOR },
        Misfit::Layout(detail) => Refusal::Layout { file, detail },
    })
}

fn check_identity(expected: &Expected<'_>, module: Module) -> Result<(), Refusal> {
    let file = || expected.shown.to_owned();
    let (id, version) = module.identity();
    let pairs = [("id", expected.id, id), ("version", expected.version, version)];
    for (field, manifest, library) in pairs {
        if manifest != library {
            return Err(Refusal::Identity {
                file: file(),
                field: field.to_owned(),
                manifest: manifest.to_owned(),
                library: shorten(&library),
            });
        }
    }
    Ok(())
}

/// The checker's texts run to thousands of lines: the whole goes to the debug log, a line to
/// people.
fn refuse(file: &str, error: &LibraryError) -> Refusal {
    tracing::debug!(file, %error, "layout check");
    let file = file.to_owned();
    match error {
        LibraryError::IncompatibleVersionNumber { expected_version, actual_version, .. } => {
            if expected_version.major == actual_version.major {
                let detail = format!("plugin-api {actual_version}, here {expected_version}");
                return Refusal::Layout { file, detail };
            }
            Refusal::AbiMajor { file, found: actual_version.major, wanted: expected_version.major }
        }
        LibraryError::InvalidAbiHeader(_) => {
            Refusal::Layout { file, detail: "it was built with another abi_stable".to_owned() }
        }
        LibraryError::RootModule { err, .. } => {
            tracing::debug!(%err, "root module");
            Refusal::Panicked { file, step: "its root module".to_owned() }
        }
        other => Refusal::Layout { file, detail: last_error(&other.to_string()) },
    }
}

/// The line after the last `Error:` of a layout report, which is the one that says what differs.
fn last_error(report: &str) -> String {
    let after = report.rsplit("Error:").next().unwrap_or(report);
    let line = after.lines().map(str::trim).find(|line| !line.is_empty());
    shorten(line.unwrap_or("the types differ"))
}

/// What the dynamic linker said, without our private path in it.
fn linker_words(error: &libloading::Error, path: &Path) -> String {
    let source = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
    let text = if source.is_empty() { error.to_string() } else { source };
    shorten(text.replace(&*path.to_string_lossy(), "it").trim_start_matches("it: "))
}

fn shorten(text: &str) -> String {
    let mut short: String =
        text.chars().take(DETAIL_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(DETAIL_CHARS_MAX).is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expected<'_> = Expected { id: "x", version: "1.0.0", shown: "x/libx.so" };

    #[test]
    fn a_file_the_linker_refuses_is_named_with_its_words() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("libx.so");
        std::fs::write(&path, "no library").unwrap();
        let refusal = open(&path, &EXPECTED).err().expect("no library");
        assert!(matches!(refusal, Refusal::Unloadable { .. }), "{refusal}");
        let text = refusal.to_string();
        assert!(text.starts_with("x/libx.so: the system cannot load it: "), "{text}");
        assert!(!text.contains(&*dir.path().to_string_lossy()), "{text}");
    }

    #[test]
    fn a_library_of_another_kind_is_not_a_plugin() {
        let libc = Path::new("libc.so.6");
        assert!(matches!(open(libc, &EXPECTED), Err(Refusal::NotAPlugin { .. })));
    }

    #[test]
    fn a_long_report_becomes_one_line() {
        let report = "noise\nError:\n  first\n\nmore\nError:\n\n  field count differs \nrest";
        assert_eq!(last_error(report), "field count differs");
        assert!(last_error(&"long ".repeat(1000)).chars().count() <= DETAIL_CHARS_MAX + 1);
    }
}
