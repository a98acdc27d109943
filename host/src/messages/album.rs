//! Albums: one message whose parts its platform delivers one by one.
//!
//! Each part is a journal row of its own, acknowledged like any other, so nothing is held back that
//! could be lost. The parts become one turn once no more seem to come. Must not know: what a turn is.

use super::inbound::Work;
use crate::store::journal::{self, JournalRow};
use jackfield_plugin_api::event::Event;
use rusqlite::{Connection, Result};
use serde::Deserialize;
use std::time::Duration;

/// No part came for so long: the album is whole. Each part may need a round trip to its platform.
const CALM: Duration = Duration::from_secs(1);
/// Longest wait for more parts.
const PATIENCE: Duration = Duration::from_secs(10);
/// Rows of a lane that are looked at for parts of one album.
const ROWS_MAX: u64 = 20;

/// The album that a stored event is part of.
pub(super) fn of(row: &JournalRow) -> Option<String> {
    #[derive(Deserialize)]
    struct Part {
        #[serde(default)]
        album: Option<String>,
    }
    serde_json::from_str::<Part>(row.payload.as_deref()?).ok()?.album
}

/// How long more parts may still come. `opened_ms`: when this run of the gateway began; before, no
/// part could come.
pub(super) fn settling(
    album: &str,
    rows: &[JournalRow],
    now_ms: u64,
    opened_ms: u64,
) -> Option<Duration> {
    let parts = || rows.iter().filter(|row| of(row).as_deref() == Some(album));
    let (first, last) = (parts().next()?, parts().next_back()?);
    if first.attempts > 0 {
        return None;
    }
    // A clock that was set back must not make the wait longer than it is.
    let since = |ms: u64| Duration::from_millis(now_ms.saturating_sub(ms.max(opened_ms)));
    let quiet = CALM.checked_sub(since(last.received_ms))?;
    let whole = PATIENCE.checked_sub(since(first.received_ms))?;
    let wait = quiet.min(whole);
    (!wait.is_zero()).then_some(wait)
}

/// Whether a part of the album waits in the lane already.
pub(super) fn begun(c: &Connection, lane: &str, album: Option<&str>) -> Result<bool> {
    let Some(album) = album else { return Ok(false) };
    let rows = journal::heads(c, lane, ROWS_MAX)?;
    Ok(rows.iter().any(|row| of(row).as_deref() == Some(album)))
}

/// Puts the next part behind those that are gathered.
pub(super) fn join(work: &mut Work, next: Work) -> Event {
    work.unaddressed &= next.unaddressed;
    append(&mut work.text, &next.text);
    next.event
}

/// Adds words below words; a part without words leaves no blank line.
pub(super) fn append(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push('\n');
    }
    text.push_str(more);
}
