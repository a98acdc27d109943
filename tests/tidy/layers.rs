//! Layers run one way: a room of the host uses only rooms that stand to its left in this table.

use crate::{
    report,
    source::{entries, rust},
    syntax::crate_paths,
};
use std::collections::BTreeSet;

/// The rooms of `host/src`, in the order of the design. Rooms of one line are neighbours.
const LAYERS: [&[&str]; 11] = [
    &["clock", "config", "protocol", "watch"],
    &["store", "events"],
    &["devices", "canvas", "plugins"],
    &["auth", "messages", "agent", "nodes", "approvals", "tls"],
    &["isolate", "cron"],
    &["methods"],
    &["schemas"],
    &["connection"],
    &["server"],
    &["gateway"],
    &["cli"],
];

/// Neighbours that may use each other, and why: (user, used, reason).
const NEIGHBOURS: [(&str, &str, &str); 1] =
    [("messages", "agent", "an inbound message becomes a turn of the agent")];

#[test]
fn a_room_uses_only_rooms_to_its_left() {
    let mut problems = Vec::new();
    for source in rust("host/src") {
        let modules = modules(&source.path);
        let Some(user) = modules.first() else {
            continue;
        };
        let Some(layer) = layer(user) else {
            problems.push(format!("{}: the room `{user}` is in no layer", source.path));
            continue;
        };
        for (used, line) in crate_paths(&source.tree, &modules) {
            let fine = match self::layer(&used) {
                _ if used == *user => true,
                Some(other) if other == layer => is_neighbour(user, &used),
                Some(other) => other < layer,
                None => false,
            };
            if !fine {
                problems.push(format!("{}:{line}: `{user}` must not use `{used}`", source.path));
            }
        }
    }
    report(&problems);
}

#[test]
fn every_room_of_the_table_is_there_or_still_to_come() {
    let rooms: BTreeSet<String> = entries("host/src")
        .iter()
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .filter(|name| !["lib", "main"].contains(&name.as_str()))
        .collect();
    let unknown = rooms.iter().filter(|room| layer(room).is_none());
    let problems: Vec<String> = unknown
        .map(|room| format!("host/src/{room}: give the room a place in the layers"))
        .chain(NEIGHBOURS.iter().filter(|(user, used, _)| layer(user) != layer(used)).map(
            |(user, used, _)| format!("`{user}` and `{used}` are no neighbours: drop the line"),
        ))
        .collect();
    report(&problems);
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

fn is_neighbour(room: &str, other: &str) -> bool {
    NEIGHBOURS.iter().any(|(user, used, _)| *user == room && *used == other)
}

/// The module path of a file of the host; empty for the crate's roots.
fn modules(path: &str) -> Vec<String> {
    let inside = path.trim_start_matches("host/src/").trim_end_matches(".rs");
    let modules: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if modules == ["lib"] || modules == ["main"] {
        return Vec::new();
    }
    modules
}
