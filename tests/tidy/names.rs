//! Names, function lengths, unsafe code, and the few calls that belong to one place.

use crate::{
    report,
    source::{Source, rust, rust_paths},
    syntax::{attributes, definitions, functions, mentions, unsafe_lines},
};

/// Longest function body, in lines of code.
const FUNCTION_LINES: usize = 70;

/// File and module names that say nothing.
const EMPTY_NAMES: [&str; 6] = ["common", "helper", "helpers", "misc", "util", "utils"];

/// Words that say nothing in a name.
const EMPTY_WORDS: [&str; 4] = ["helper", "manager", "util", "utils"];

/// Words that may follow "session" in a name: these are the wire's own. Everything else says
/// connection, link, conversation, device or principal.
const WIRE_FOLLOWERS: [&str; 5] = ["defaults", "id", "info", "key", "keys"];

/// Where methods and types carry the wire's names of `sessions.*`.
const WIRE_FILES: [&str; 3] = ["host/src/protocol", "host/src/methods", "host/src/cli"];

/// `get_` names that are not ours to choose.
const FOREIGN_GETTERS: [&str; 2] = ["get_extension", "get_or_head"];

/// Where unsafe code may stand: the boundary of the ABI and nothing else. A name that ends with `*`
/// is a prefix.
const UNSAFE_PLACES: [&str; 7] = [
    "plugin-api/src/abi*",
    "plugin-api/src/export.rs",
    "host/src/plugins/library*",
    "host/src/plugins/instance.rs",
    "host/src/plugins/callbacks*",
    "host/src/isolate*",
    // A plugin that does what none must.
    "tests/stand-in/src/rude.rs",
];

/// Calls of the host that belong to certain places: (calls, places, reason).
const PLACED_CALLS: [(&[&str], &[&str], &str); 2] = [
    (
        &["SystemTime::now", "Instant::now"],
        &["host/src/clock.rs"],
        "time comes from the clock room",
    ),
    (&["tokio::spawn", "task::spawn"], &[], "tasks are spawned through a TaskTracker"),
];

#[test]
fn functions_fit_on_a_screen() {
    let mut problems = Vec::new();
    for source in rust("") {
        for (name, line, lines) in functions(&source) {
            if lines > FUNCTION_LINES {
                let place = format!("{}:{line}", source.path);
                problems.push(format!("{place}: `{name}` has {lines} lines of {FUNCTION_LINES}"));
            }
        }
    }
    report(&problems);
}

#[test]
fn files_are_named_after_what_they_hold() {
    let mut problems = Vec::new();
    for path in rust_paths("") {
        let mut names = path.trim_end_matches(".rs").split('/');
        if let Some(name) = names.find(|name| EMPTY_NAMES.contains(name)) {
            problems.push(format!("{path}: `{name}` says nothing"));
        }
    }
    report(&problems);
}

#[test]
fn names_say_what_they_mean() {
    let mut problems = Vec::new();
    for source in rust("") {
        for (name, line) in definitions(&source.tree) {
            if let Some(rule) = broken_name_rule(&source, &name) {
                problems.push(format!("{}:{line}: `{name}`: {rule}", source.path));
            }
        }
    }
    report(&problems);
}

fn broken_name_rule(source: &Source, name: &str) -> Option<&'static str> {
    let words = words(name);
    if name.starts_with("get_") && !FOREIGN_GETTERS.contains(&name) {
        return Some("name it after what it returns, without `get_`");
    }
    if words.iter().any(|word| EMPTY_WORDS.contains(&word.as_str())) {
        return Some("say what it does");
    }
    let in_wire = WIRE_FILES.iter().any(|place| source.path.starts_with(place));
    if !in_wire && says_it_alone(&words) {
        return Some("connection, link, conversation, device or principal is meant");
    }
    None
}

/// Whether "session" is said without one of the wire's words after it.
fn says_it_alone(words: &[String]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        let next = words.get(at + 1).map(String::as_str);
        word == "sessions"
            || word == "session" && !next.is_some_and(|next| WIRE_FOLLOWERS.contains(&next))
    })
}

/// The words of an identifier, in snake or camel case, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for c in name.chars() {
        if c == '_' || c.is_uppercase() && !before.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c != '_') {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn unsafe_code_stands_at_the_boundary_only() {
    let mut problems = Vec::new();
    for source in rust("").iter().filter(|source| !is_at(&source.path, &UNSAFE_PLACES)) {
        for line in unsafe_lines(&source.tree) {
            problems.push(format!("{}:{line}: unsafe code away from the ABI", source.path));
        }
    }
    report(&problems);
}

#[test]
fn time_and_tasks_have_their_places() {
    let mut problems = Vec::new();
    for source in rust("host/src") {
        for (calls, places, reason) in PLACED_CALLS {
            if is_at(&source.path, places) {
                continue;
            }
            for (call, line) in mentions(&source.tree, calls) {
                problems.push(format!("{}:{line}: `{call}`: {reason}", source.path));
            }
        }
    }
    report(&problems);
}

#[test]
fn plays_neither_sleep_nor_are_ignored() {
    let mut problems = Vec::new();
    for source in rust("") {
        let ignored = attributes(&source.tree).into_iter().filter(|(name, _)| name == "ignore");
        problems.extend(ignored.map(|(_, line)| format!("{}:{line}: `#[ignore]`", source.path)));
        if !source.path.starts_with("tests/e2e") {
            continue;
        }
        for (call, line) in mentions(&source.tree, &["time::sleep", "thread::sleep", "sleep"]) {
            problems.push(format!("{}:{line}: `{call}`: wait for what is due", source.path));
        }
    }
    report(&problems);
}

fn is_at(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| match place.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => path == *place,
    })
}

#[test]
fn words_are_split_in_every_case() {
    assert_eq!(words("session_key"), ["session", "key"]);
    assert_eq!(words("SessionKey"), ["session", "key"]);
    assert_eq!(words("obsession"), ["obsession"]);
    assert_eq!(words("SESSION_MAX"), ["session", "max"]);
}

#[test]
fn the_banned_word_is_fine_where_the_wire_says_it() {
    assert!(says_it_alone(&words("Session")) && says_it_alone(&words("open_sessions")));
    assert!(!says_it_alone(&words("main_session_key")) && !says_it_alone(&words("obsession")));
}
