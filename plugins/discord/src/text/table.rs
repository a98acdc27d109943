//! Tables, which Discord does not draw: written as code with even columns.

/// Whether a line continues the table in `rows`, or may begin one.
pub(super) fn is_row(line: &str, rows: &[&str]) -> bool {
    let line = line.trim();
    match rows.len() {
        0 => line.starts_with('|') && line.len() > 1,
        1 => is_rule(line),
        _ => line.starts_with('|'),
    }
}

/// Writes the rows that were gathered and empties the list. One row alone is no table.
pub(super) fn close(rows: &mut Vec<&str>, lines: &mut Vec<String>) {
    if rows.len() < 2 {
        lines.extend(rows.drain(..).map(str::to_owned));
        return;
    }
    let table: Vec<Vec<String>> =
        rows.drain(..).enumerate().filter(|(at, _)| *at != 1).map(|(_, row)| cells(row)).collect();
    let columns = table.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns)
        .map(|at| table.iter().filter_map(|row| Some(row.get(at)?.chars().count())).max())
        .map(Option::unwrap_or_default)
        .collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    lines.push("```".to_owned());
    for (at, row) in table.iter().enumerate() {
        lines.push(even(row, &widths));
        if at == 0 {
            lines.push(rule.join("  "));
        }
    }
    lines.push("```".to_owned());
}

fn even(row: &[String], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// The cells of a row; a stroke behind a backslash is a part of one.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    let row = row.strip_suffix('|').filter(|row| !row.ends_with('\\')).unwrap_or(row);
    let mut cells = vec![String::new()];
    let mut chars = row.chars().peekable();
    while let Some(c) = chars.next() {
        let cell = cells.last_mut().expect("there is one from the start");
        match c {
            '\\' if chars.peek() == Some(&'|') => cell.extend(chars.next()),
            '|' => cells.push(String::new()),
            c => cell.push(c),
        }
    }
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

fn is_rule(line: &str) -> bool {
    line.starts_with('|')
        && line.contains('-')
        && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}
