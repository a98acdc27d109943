//! Size and head of files, and what may stand where.

use crate::{
    report,
    source::{self, entries, files, root, rust},
};

/// Longest Rust file, in lines.
const FILE_LINES: usize = 400;

/// Longest Markdown files, in lines: what a newcomer reads first stays short.
const PAGE_LINES: [(&str, usize); 2] = [("README.md", 150), ("host/ARCHITECTURE.md", 250)];

/// What the root of the repository holds; nothing else.
const TOP: [&str; 20] = [
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".deny.toml",
    ".github",
    ".gitignore",
    ".rustfmt.toml",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "Makefile",
    "README.md",
    "examples",
    "host",
    "plugin-api",
    "plugins",
    "rust-toolchain.toml",
    "schemas",
    "tests",
];

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut problems = Vec::new();
    for source in rust("") {
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            problems.push(format!("{}: {lines} lines, at most {FILE_LINES}", source.path));
        }
        if !source.text.starts_with("//! ") {
            problems.push(format!("{}:1: must open with `//!`: what it is for", source.path));
        }
    }
    for (page, most) in PAGE_LINES {
        let lines =
            if root().join(page).is_file() { source::read(page).lines().count() } else { 0 };
        if lines == 0 || lines > most {
            problems.push(format!("{page}: {lines} lines, 1 to {most} are due"));
        }
    }
    report(&problems);
}

#[test]
fn the_root_holds_what_the_design_says() {
    let unknown = entries("").into_iter().filter(|name| !TOP.contains(&name.as_str()));
    let problems: Vec<String> =
        unknown.map(|name| format!("{name}: the root has no such entry")).collect();
    report(&problems);
}

#[test]
fn a_room_is_a_file_beside_its_folder() {
    let problems: Vec<String> = files("")
        .into_iter()
        .filter(|path| path.ends_with("/mod.rs"))
        .map(|path| format!("{path}: name it after its room, beside the folder"))
        .collect();
    report(&problems);
}
