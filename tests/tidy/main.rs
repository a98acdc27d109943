//! The house rules that a machine can check. Each failure names the file, the line and the rule.
//!
//! The tables at the top of each file are data: a rule is changed there, in sight, and never
//! around.

mod files;
mod layers;
mod names;
mod packages;
mod reach;
mod source;
mod syntax;
mod text;

/// Fails with every problem found, not only the first.
fn report(problems: &[String]) {
    assert!(problems.is_empty(), "{} broken rule(s):\n{}", problems.len(), problems.join("\n"));
}
