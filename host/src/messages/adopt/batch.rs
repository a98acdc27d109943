//! Which of the messages that wait in a lane become one turn.

use super::super::{album, inbound::Work, policy::Flow};
use crate::{agent::commands::Command, store::journal::JournalRow};
use jackfield_plugin_api::event::Event;
use std::time::Duration;

/// No part of an album came for so long: it is whole. Each may need a round trip to its platform.
const ALBUM_PAUSE: Duration = Duration::from_secs(1);
/// Longest wait for the parts of an album.
const ALBUM_PATIENCE: Duration = Duration::from_secs(10);
/// Attempts after which a message gets a turn of its own, so that one that breaks its turn takes no
/// other with it.
const TOGETHER_MAX: u32 = 3;
/// Pauses that a lane waits at most for more messages to follow.
const PAUSES_MAX: u32 = 5;

/// How long the lane must still be quiet before its messages become a turn: for the other parts of
/// the first one's album, and for more messages where they are collected. `opened_ms`: when this run
/// of the gateway began; before, no part could come.
pub(super) fn settling(
    work: &Work,
    rows: &[JournalRow],
    flow: &Flow,
    now_ms: u64,
    opened_ms: u64,
) -> Option<Duration> {
    let (first, last) = (rows.first()?, rows.last()?);
    if first.attempts > 0 {
        return None;
    }
    let part = |row: &&JournalRow| work.album.is_some() && album::of(row) == work.album;
    let parts = rows.iter().rfind(part).and_then(|newest| {
        let came = |row: &JournalRow| row.received_ms.max(opened_ms);
        until_calm(came(first), came(newest), now_ms, ALBUM_PAUSE, ALBUM_PATIENCE)
    });
    let more = (flow.collects() && !flow.debounce.is_zero()).then_some(flow.debounce);
    let more = more.and_then(|pause| {
        until_calm(first.received_ms, last.received_ms, now_ms, pause, pause * PAUSES_MAX)
    });
    parts.max(more)
}

/// How long it is until nothing came for a `pause`, or `patience` with the first is over.
fn until_calm(
    first_ms: u64,
    last_ms: u64,
    now_ms: u64,
    pause: Duration,
    patience: Duration,
) -> Option<Duration> {
    // A clock that was set back must not make the wait longer than it is.
    let since = |ms: u64| Duration::from_millis(now_ms.saturating_sub(ms));
    let wait = pause.checked_sub(since(last_ms))?.min(patience.checked_sub(since(first_ms))?);
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
