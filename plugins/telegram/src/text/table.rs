//! A table as fixed-width text: Telegram has no markup for one.

use super::utf16;
use pulldown_cmark::{Event, Tag, TagEnd};

/// A table that is being read.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    cell: String,
}

/// Whether the table goes on.
pub(super) enum Step {
    More,
    Done,
}

impl Table {
    pub(super) fn event(&mut self, event: &Event<'_>) -> Step {
        match event {
            Event::Start(Tag::TableHead | Tag::TableRow) => self.rows.push(Vec::new()),
            Event::End(TagEnd::TableCell) => {
                let cell = std::mem::take(&mut self.cell);
                if let Some(row) = self.rows.last_mut() {
                    row.push(cell);
                }
            }
            Event::Text(text) | Event::Code(text) | Event::InlineHtml(text) => {
                self.cell.push_str(text);
            }
            Event::SoftBreak | Event::HardBreak => self.cell.push(' '),
            Event::End(TagEnd::Table) => return Step::Done,
            _ => {}
        }
        Step::More
    }

    /// The rows, a line below the first.
    pub(super) fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| utf16::len(cell)).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut lines = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            let cells = widths.iter().enumerate().map(|(column, width)| {
                let cell = row.get(column).map(String::as_str).unwrap_or_default();
                format!("{cell}{}", " ".repeat(width - utf16::len(cell)))
            });
            lines.push(cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned());
            if index == 0 {
                let rules = widths.iter().map(|width| "-".repeat(*width));
                lines.push(rules.collect::<Vec<_>>().join("-|-"));
            }
        }
        lines.join("\n")
    }
}
