//! The files under test: where they are, their text, their syntax tree.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// Names of folders that hold nothing of ours, or nothing that may change any more.
const FOREIGN: [&str; 4] = [".git", "museum", "node_modules", "target"];

/// Where the web page's tests are bundled, below a plugin.
const BUNDLED: &str = "web/build";

/// One Rust file.
pub(crate) struct Source {
    /// Relative to the root of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) tree: syn::File,
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    harness::libraries::root()
}

/// Every file of the repository below `folder`, relative to the root, sorted.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    walk(&root(), Path::new(folder), &mut found);
    found.sort();
    found
}

/// The paths of every Rust file below `folder`.
pub(crate) fn rust_paths(folder: &str) -> Vec<String> {
    let mut paths = files(folder);
    paths.retain(|path| Path::new(path).extension() == Some(OsStr::new("rs")));
    paths
}

/// Every Rust file below `folder`, parsed.
pub(crate) fn rust(folder: &str) -> Vec<Source> {
    rust_paths(folder)
        .into_iter()
        .map(|path| {
            let text = read(&path);
            let tree = syn::parse_file(&text).unwrap_or_else(|error| {
                panic!("{path}:{}: not Rust: {error}", error.span().start().line)
            });
            Source { path, text, tree }
        })
        .collect()
}

/// The text of a file.
pub(crate) fn read(path: &str) -> String {
    let bytes = fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The names in a folder, sorted; none when it is not there.
pub(crate) fn entries(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a readable entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !FOREIGN.contains(&name.as_str()))
        .collect();
    names.sort();
    names
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for name in entries(&folder.to_string_lossy()) {
        let path = folder.join(name);
        let kind = fs::symlink_metadata(root.join(&path)).map(|data| data.file_type());
        match kind {
            Ok(kind) if kind.is_dir() && path.ends_with(BUNDLED) => {}
            Ok(kind) if kind.is_dir() => walk(root, &path, found),
            Ok(kind) if kind.is_file() => found.push(path.to_string_lossy().into_owned()),
            _ => {}
        }
    }
}
