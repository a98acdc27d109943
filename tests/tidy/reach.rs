//! No dead file: every Rust file is reached through `mod` lines from a root that cargo builds.

use crate::{
    report,
    source::{Source, entries, read, root, rust, rust_paths},
};
use std::collections::BTreeSet;
use toml::{Table, Value};

#[test]
fn every_rust_file_is_built() {
    let mut problems = Vec::new();
    let packages = packages();
    for package in packages.clone() {
        let inside = |path: &str, package: &str| path.starts_with(&format!("{package}/"));
        let inner: Vec<&String> = packages.iter().filter(|p| inside(p, &package)).collect();
        let mut sources = rust(&package);
        sources.retain(|source| !inner.iter().any(|inner| inside(&source.path, inner)));
        let mut walk = Walk { sources: &sources, reached: BTreeSet::new(), problems: Vec::new() };
        for crate_root in roots(&package) {
            let below = crate_root.rsplit_once('/').map_or("", |(folder, _)| folder);
            walk.enter(&crate_root, below);
        }
        let dead = sources.iter().filter(|source| !walk.reached.contains(&source.path));
        problems.extend(dead.map(|source| format!("{}: no `mod` line leads to it", source.path)));
        problems.extend(walk.problems);
    }
    report(&problems);
}

#[test]
fn every_rust_file_belongs_to_a_package() {
    let packages = packages();
    let problems: Vec<String> = rust_paths("")
        .into_iter()
        .filter(|path| !packages.iter().any(|package| path.starts_with(&format!("{package}/"))))
        .map(|path| format!("{path}: stands in no package of the workspace"))
        .collect();
    report(&problems);
}

/// The folders of the workspace's packages; a wildcard member stands for each folder it holds.
fn packages() -> Vec<String> {
    let workspace: Table = read("Cargo.toml").parse().expect("Cargo.toml is TOML");
    let members = workspace["workspace"]["members"].as_array().expect("members is a list");
    let members = members.iter().filter_map(Value::as_str);
    members
        .flat_map(|member| match member.strip_suffix("/*") {
            Some(parent) => entries(parent)
                .into_iter()
                .map(|name| format!("{parent}/{name}"))
                .filter(|path| root().join(path).join("Cargo.toml").is_file())
                .collect(),
            None => vec![member.to_owned()],
        })
        .collect()
}

/// The crate roots of a package: those its manifest names, and those cargo finds by itself.
fn roots(package: &str) -> Vec<String> {
    let manifest: Table =
        read(&format!("{package}/Cargo.toml")).parse().expect("a manifest is TOML");
    let sections = ["lib", "bin", "test", "bench", "example"];
    let targets = sections.iter().filter_map(|section| manifest.get(*section));
    let targets = targets.flat_map(|section| match section {
        Value::Array(targets) => targets.clone(),
        target => vec![target.clone()],
    });
    let named = targets.filter_map(|target| target.get("path")?.as_str().map(str::to_owned));
    let usual = ["src/lib.rs", "src/main.rs", "build.rs"].map(str::to_owned);
    let folders = ["tests", "benches", "examples", "src/bin"];
    let inside = folders.iter().flat_map(|folder| {
        let files = rust_paths(&format!("{package}/{folder}")).into_iter();
        files.filter_map(move |path| {
            let inside = path.strip_prefix(&format!("{package}/"))?.to_owned();
            (inside.matches('/').count() == folder.matches('/').count() + 1).then_some(inside)
        })
    });
    named
        .chain(usual)
        .chain(inside)
        .map(|path| format!("{package}/{path}"))
        .filter(|path| root().join(path).is_file())
        .collect()
}

/// The way through one package.
struct Walk<'a> {
    sources: &'a [Source],
    reached: BTreeSet<String>,
    problems: Vec<String>,
}

impl Walk<'_> {
    /// Enters a file whose own modules stand in the folder `below`.
    fn enter(&mut self, path: &str, below: &str) {
        if !self.reached.insert(path.to_owned()) {
            return;
        }
        let sources = self.sources;
        match sources.iter().find(|source| source.path == path) {
            Some(source) => self.follow(&source.tree.items, below),
            None => self.problems.push(format!("{path}: named, but not there")),
        }
    }

    fn follow(&mut self, items: &[syn::Item], below: &str) {
        for item in items {
            let syn::Item::Mod(module) = item else {
                continue;
            };
            let inner = format!("{below}/{}", module.ident);
            match &module.content {
                Some((_, items)) => self.follow(items, &inner),
                None => self.enter(&format!("{inner}.rs"), &inner),
            }
        }
    }
}
