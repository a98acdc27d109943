//! Words that must not stand in the text of files: platforms in the core, machines anywhere.

use crate::{
    report,
    source::{files, read, rust},
};

/// Platforms that the core must not know by name.
const PLATFORMS: [&str; 7] =
    ["telegram", "slack", "discord", "whatsapp", "imessage", "webchat", "signal-cli"];

/// Where the wire's own words for kinds of clients are defined, and how the core writes them
/// elsewhere: they name clients of the protocol, not channels.
const WIRE_FILE: &str = "host/src/protocol/connect.rs";
const WIRE_WORDS: [&str; 2] = ["ClientId::Webchat", "ClientMode::Webchat"];

/// Folders of particular machines; each is written in two halves so that this file passes.
const MACHINE_PATHS: [(&str, &str); 5] =
    [("/wo", "rk/"), ("/tm", "p/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/")];

/// Endings of files that are not text.
const BINARY: [&str; 6] = [".gif", ".ico", ".jpg", ".png", ".woff2", ".zip"];

#[test]
fn the_core_names_no_platform() {
    let mut problems = Vec::new();
    for source in rust("host/src").into_iter().filter(|source| source.path != WIRE_FILE) {
        for (index, line) in source.text.lines().enumerate() {
            let plain =
                WIRE_WORDS.iter().fold(line.to_owned(), |line, word| line.replace(word, ""));
            let plain = plain.to_lowercase();
            let words = PLATFORMS.iter().filter(|word| plain.contains(**word));
            for word in words.chain(plain.contains("\"signal\"").then_some(&"signal")) {
                problems.push(format!("{}:{}: names {word}", source.path, index + 1));
            }
        }
    }
    report(&problems);
}

#[test]
fn no_file_knows_a_machine() {
    let mut problems = Vec::new();
    let texts = files("").into_iter().filter(|path| !BINARY.iter().any(|end| path.ends_with(end)));
    for path in texts {
        for (index, line) in read(&path).lines().enumerate() {
            let found = MACHINE_PATHS.iter().map(|(a, b)| format!("{a}{b}"));
            for place in found.filter(|place| stands_in(line, place)) {
                problems.push(format!("{path}:{}: mentions {place}", index + 1));
            }
        }
    }
    report(&problems);
}

/// Whether a path below this folder is mentioned: the folder's name does not continue a longer path.
fn stands_in(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~}$*".contains(c))
    })
}
