//! Which of the messages that wait in a lane become one turn.

use super::super::{album, inbound::Work, policy::Flow};
use crate::{agent::commands::Command, store::journal::JournalRow};
use jackfield_plugin_api::event::Event;
use std::time::Duration;

/// Messages that one turn may answer.
pub(super) const ROWS_MAX: u64 = 20;
/// Attempts after which a message gets a turn of its own, so that one that breaks its turn takes no
/// other with it.
const TOGETHER_MAX: u32 = 3;
/// Pauses that a lane waits at most for more messages to follow.
const PAUSES_MAX: u32 = 5;

/// How long the lane must still be quiet before its messages become a turn.
pub(super) fn settling(rows: &[JournalRow], flow: &Flow, now_ms: u64) -> Option<Duration> {
    let (first, last) = (rows.first()?, rows.last()?);
    if !flow.collects() || flow.debounce.is_zero() || first.attempts > 0 {
        return None;
    }
    // A clock that was set back must not make the wait longer than it is.
    let since = |ms: u64| Duration::from_millis(now_ms.saturating_sub(ms));
    let quiet = flow.debounce.checked_sub(since(last.received_ms))?;
    let whole = (flow.debounce * PAUSES_MAX).checked_sub(since(first.received_ms))?;
    let wait = quiet.min(whole);
    (!wait.is_zero()).then_some(wait)
}

/// Messages that one turn answers.
pub(super) struct Batch {
    /// The first, with the words of all.
    pub(super) work: Work,
    /// Their numbers, the first one's first.
    pub(super) seqs: Vec<u64>,
    /// The events behind the first.
    pub(super) more: Vec<Event>,
}

/// The turn of the first row, of the other parts of its album, and of those behind it that fit.
pub(super) fn gather(work: Work, rows: &[JournalRow], flow: &Flow, now_ms: u64) -> Batch {
    let seqs = rows.first().map(|row| row.seq).into_iter().collect();
    let mut batch = Batch { work, seqs, more: Vec::new() };
    batch.take_album(rows);
    let broke_others = rows.first().is_some_and(|row| row.attempts >= TOGETHER_MAX);
    // What nobody addressed takes nothing along that somebody did.
    if flow.collects() && !broke_others && !batch.work.unaddressed {
        batch.collect(rows, now_ms);
    }
    batch
}

impl Batch {
    /// The parts of one message belong together under every setting, also if others wrote between.
    fn take_album(&mut self, rows: &[JournalRow]) {
        if self.work.album.is_none() {
            return;
        }
        for row in rows.iter().skip(1) {
            let (album, target) = (&self.work.album, &self.work.target);
            let part = read(row).filter(|next| next.album == *album && next.target == *target);
            let Some(next) = part else { continue };
            self.seqs.push(row.seq);
            self.more.push(album::join(&mut self.work, next));
        }
    }

    fn collect(&mut self, rows: &[JournalRow], now_ms: u64) {
        // An order stands alone: among other words it would be one no more.
        let is_order = |work: &Work| Command::parse(&work.text).is_some();
        if is_order(&self.work) {
            return;
        }
        for row in rows {
            if self.seqs.contains(&row.seq) {
                continue;
            }
            let Some(next) = read(row) else { return };
            if is_order(&next)
                || next.album.is_some()
                || row.attempts > 0
                || row.not_before_ms > now_ms
                || next.target != self.work.target
            {
                return;
            }
            album::append(&mut self.work.text, &next.text);
            self.work.reply_to = next.reply_to;
            self.seqs.push(row.seq);
            self.more.push(next.event);
        }
    }
}

fn read(row: &JournalRow) -> Option<Work> {
    serde_json::from_str(row.payload.as_deref()?).ok()
}
