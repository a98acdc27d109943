//! Writing on standard output: documents, texts, tables.
//!
//! Names and messages come from strangers; nothing here lets a control character through to the
//! terminal. Must not know: what the values mean.

use super::report::Failure;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;
use std::{
    io::{self, Write as _},
    time::Duration,
};

/// Stands where nothing is known.
pub const NOTHING: &str = "-";

/// Prints a text and ends its line.
///
/// # Errors
/// A silent failure when the reader has gone, as under `| head`.
pub fn text(text: &str) -> Result<(), Failure> {
    piece(&format!("{}\n", text.trim_end_matches('\n')))
}

/// Prints a text as it is, at once.
///
/// # Errors
/// As [`text`].
pub fn piece(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::told(0),
        _ => Failure::new(format!("cannot write the output: {error}")),
    })
}

/// Prints a JSON document.
///
/// # Errors
/// As [`text`].
pub fn document(value: &Value) -> Result<(), Failure> {
    text(&format!("{value:#}"))
}

/// A foreign text as one line: control characters are replaced.
#[must_use]
pub fn line(text: &str) -> String {
    text.chars().map(|c| if harmful(c) { '\u{fffd}' } else { c }).collect()
}

/// A foreign text of several lines: only line ends and tabs stay of the control characters.
#[must_use]
pub fn lines(text: &str) -> String {
    let keep = |c: char| matches!(c, '\n' | '\t');
    text.chars().map(|c| if harmful(c) && !keep(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, and those that reorder what is read.
fn harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Rows under a head, in aligned columns of plain text.
#[must_use]
pub fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(head.map(str::to_uppercase));
    for row in rows {
        table.add_row(row.map(|cell| line(&cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// Facts, one a line, with their names in one column.
#[must_use]
pub fn facts(facts: &[(&str, String)]) -> String {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let one = |(name, value): &(&str, String)| format!("{name:width$}  {}", line(value));
    facts.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// A field as a cell: text as it is, lists joined, what is absent as a dash.
#[must_use]
pub fn cell(of: &Value, field: &str) -> String {
    match of.get(field).map_or_else(String::new, plain) {
        empty if empty.is_empty() => NOTHING.to_owned(),
        full => full,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The rows of a list in a result.
#[must_use]
pub fn rows<'a>(of: &'a Value, field: &str) -> &'a [Value] {
    of.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// How long ago, or how far ahead, a moment in milliseconds is.
#[must_use]
pub fn when(now_ms: u64, moment: Option<&Value>) -> String {
    match moment.and_then(Value::as_u64) {
        None | Some(0) => NOTHING.to_owned(),
        Some(at) if at > now_ms => format!("in {}", span(at - now_ms)),
        Some(at) => format!("{} ago", span(now_ms - at)),
    }
}

/// A span in its two largest units.
#[must_use]
pub fn span(ms: u64) -> String {
    let whole = humantime::format_duration(Duration::from_secs(ms / 1000)).to_string();
    let two = whole.split(' ').take(2).collect::<Vec<_>>().join(" ");
    two.replace("days", "d").replace("day", "d")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_cannot_write_on_the_terminal() {
        assert_eq!(line("a\u{1b}[2Jb\nc\u{202e}d"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
        assert_eq!(lines("a\n\tb\u{7}"), "a\n\tb\u{fffd}");
    }

    #[test]
    fn columns_are_aligned_and_end_where_their_text_ends() {
        let shown = table(
            ["id", "name"],
            [["1".to_owned(), "Ångström".to_owned()], ["1234".to_owned(), "x".to_owned()]],
        );
        assert_eq!(shown, "ID    NAME\n1     Ångström\n1234  x");
    }

    #[test]
    fn cells_say_what_is_there() {
        let row = json!({"a": "x", "b": ["y", "z"], "c": null, "d": false, "e": 3});
        let cells = ["a", "b", "c", "d", "e", "f"].map(|name| cell(&row, name));
        assert_eq!(cells, ["x", "y, z", "-", "no", "3", "-"]);
    }

    #[test]
    fn moments_are_told_from_now() {
        let hour = 3_600_000;
        assert_eq!(when(3 * hour, Some(&json!(hour))), "2h ago");
        assert_eq!(when(hour, Some(&json!(hour + 61_500))), "in 1m 1s");
        assert_eq!(when(hour, None), "-");
        assert_eq!(when(hour, Some(&json!(hour))), "0s ago");
        assert_eq!(span(26 * hour + 61_000), "1d 2h");
    }
}
