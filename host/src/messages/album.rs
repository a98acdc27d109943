//! Albums: one message whose parts its platform delivers one by one.
//!
//! Each part is a journal row of its own, acknowledged like any other, so nothing is held back that
//! could be lost. The parts become one turn once no more seem to come. Must not know: what a turn is.

use super::inbound::Work;
use crate::store::journal::{self, JournalRow};
use jackfield_plugin_api::event::Event;
use rusqlite::{Connection, Result};
use serde::Deserialize;

/// Rows of a lane that are looked at together, and that one turn may answer.
pub(super) const ROWS_MAX: u64 = 20;

/// The album that a stored event is part of.
pub(super) fn of(row: &JournalRow) -> Option<String> {
    #[derive(Deserialize)]
    struct Part {
        #[serde(default)]
        album: Option<String>,
    }
    serde_json::from_str::<Part>(row.payload.as_deref()?).ok()?.album
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
