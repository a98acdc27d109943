//! A plugin's log records become ours: cleaned, limited in size and rate, and the last ones kept
//! for the status.
//!
//! A plugin is not trusted with the log: it can neither flood it nor write terminal commands into
//! it. Must not know: how records arrive.

use super::status::LOG_LINES_SHOWN;
use crate::clock::Clock;
use std::{
    collections::VecDeque,
    fmt::Write,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;
use tracing::Level;

const LINE_BYTES_MAX: usize = 4096;
const KEPT_BYTES_MAX: usize = 512;
const BURST: f64 = 400.0;
const PER_SECOND: f64 = 100.0;

/// One record in its parts, borrowed from whoever brings it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    /// 1 error … 5 trace; anything else counts as trace.
    pub level: u8,
    /// Where in the plugin it comes from.
    pub origin: &'a str,
    /// The message.
    pub message: &'a str,
    /// Fields, formatted as ` key=value`.
    pub fields: &'a str,
    /// Open spans.
    pub span: &'a str,
}

/// The log of one plugin over all its lives.
#[derive(Debug)]
pub(super) struct PluginLog {
    clock: Clock,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    id: String,
    tail: VecDeque<String>,
    allowance: f64,
    filled: Instant,
    suppressed: u64,
}

impl PluginLog {
    pub(super) fn new(id: &str, clock: Clock) -> Self {
        let book = Book {
            id: id.to_owned(),
            tail: VecDeque::new(),
            allowance: BURST,
            filled: clock.monotonic(),
            suppressed: 0,
        };
        Self { clock, book: Mutex::new(book) }
    }

    /// The plugin's id, once its manifest has told.
    pub(super) fn rename(&self, id: &str) {
        id.clone_into(&mut self.book().id);
    }

    /// The last lines, oldest first.
    pub(super) fn tail(&self) -> Vec<String> {
        self.book().tail.iter().cloned().collect()
    }

    /// Passes one record on, or counts it when the plugin says too much.
    pub(super) fn record(&self, record: Record<'_>) {
        let mut line = String::new();
        append_clean(&mut line, record.message, LINE_BYTES_MAX);
        append_clean(&mut line, record.fields, LINE_BYTES_MAX);
        let Some(suppressed) = self.admit(record.level, &line) else { return };
        let id = self.book().id.clone();
        if suppressed > 0 {
            let plugin = id.as_str();
            tracing::warn!(target: "plugin", plugin, suppressed, "log records dropped: too many");
        }
        let mut origin = String::new();
        append_clean(&mut origin, record.origin, 256);
        let mut span = String::new();
        append_clean(&mut span, record.span, 256);
        emit(&id, record.level, &origin, (!span.is_empty()).then_some(&span), &line);
    }

    /// A line of the plugin's standard error.
    pub(super) fn stderr(&self, text: &str) {
        self.record(Record { level: 2, origin: "stderr", message: text, fields: "", span: "" });
    }

    /// Keeps the line, and says how many were dropped before it; `None` drops it too.
    fn admit(&self, level: u8, line: &str) -> Option<u64> {
        let now = self.clock.monotonic();
        let mut book = self.book();
        let earned = now.duration_since(book.filled).as_secs_f64() * PER_SECOND;
        book.allowance = (book.allowance + earned).min(BURST);
        book.filled = now;
        if book.allowance < 1.0 {
            book.suppressed += 1;
            return None;
        }
        book.allowance -= 1.0;
        if level <= 3 {
            while book.tail.len() >= LOG_LINES_SHOWN {
                book.tail.pop_front();
            }
            let mut kept = format!("{} ", level_name(level));
            append_clean(&mut kept, line, KEPT_BYTES_MAX);
            book.tail.push_back(kept);
        }
        Some(std::mem::take(&mut book.suppressed))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn emit(plugin: &str, level: u8, origin: &str, span: Option<&String>, line: &str) {
    match level {
        1 => tracing::error!(target: "plugin", plugin, origin, span, "{line}"),
        2 => tracing::warn!(target: "plugin", plugin, origin, span, "{line}"),
        3 => tracing::info!(target: "plugin", plugin, origin, span, "{line}"),
        4 => tracing::debug!(target: "plugin", plugin, origin, span, "{line}"),
        _ => tracing::trace!(target: "plugin", plugin, origin, span, "{line}"),
    }
}

/// Whether our log would keep a plugin's record of this level.
pub(super) fn enabled(level: u8) -> bool {
    level <= finest_level()
}

/// The finest level our log keeps of plugins: 0 none, 1 error … 5 trace.
pub(super) fn finest_level() -> u8 {
    if tracing::enabled!(target: "plugin", Level::TRACE) {
        5
    } else if tracing::enabled!(target: "plugin", Level::DEBUG) {
        4
    } else if tracing::enabled!(target: "plugin", Level::INFO) {
        3
    } else if tracing::enabled!(target: "plugin", Level::WARN) {
        2
    } else {
        u8::from(tracing::enabled!(target: "plugin", Level::ERROR))
    }
}

/// Fields as the text that follows a message.
pub(super) fn join_fields<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    fields.fold(String::new(), |mut text, (key, value)| {
        let _ = write!(text, " {key}={value}");
        text
    })
}

fn level_name(level: u8) -> &'static str {
    match level {
        1 => "ERROR",
        2 => "WARN",
        _ => "INFO",
    }
}

/// Appends up to `bytes_max`, one line, nothing a terminal would act on.
fn append_clean(line: &mut String, text: &str, bytes_max: usize) {
    for c in text.chars() {
        if line.len() >= bytes_max {
            line.push('…');
            return;
        }
        line.push(if c.is_control() { ' ' } else { c });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(log: &PluginLog, level: u8, message: &str) {
        log.record(Record { level, origin: "x", message, fields: "", span: "" });
    }

    #[tokio::test(start_paused = true)]
    async fn the_tail_is_short_clean_and_without_debug_records() {
        let log = PluginLog::new("line", Clock::system());
        say(&log, 4, "fine detail");
        say(&log, 1, "red \u{1b}[31m\nalert");
        assert_eq!(log.tail(), ["ERROR red  [31m alert"]);
        for n in 0..50 {
            say(&log, 3, &n.to_string());
        }
        let tail = log.tail();
        assert_eq!(tail.len(), LOG_LINES_SHOWN);
        assert_eq!(tail.last().unwrap(), "INFO 49");
        say(&log, 2, &"x".repeat(1 << 20));
        assert!(log.tail().last().unwrap().len() < KEPT_BYTES_MAX + 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_counted_and_time_refills_the_allowance() {
        let log = PluginLog::new("line", Clock::system());
        let admitted = (0..2000).filter(|_| log.admit(3, "x").is_some()).count();
        assert!((400..420).contains(&admitted), "{admitted}");
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        let dropped = log.admit(3, "x").unwrap();
        assert_eq!(dropped, 2000 - admitted as u64);
    }
}
