//! Which of the messages that wait in a lane become one turn.

use super::super::{inbound::Work, policy::Flow};
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

/// The turn of the first row and of those behind it that fit.
pub(super) fn gather(mut work: Work, rows: &[JournalRow], flow: &Flow, now_ms: u64) -> Batch {
    let mut seqs: Vec<u64> = rows.first().map(|row| row.seq).into_iter().collect();
    // An order stands alone: among other words it would be one no more.
    let is_order = |work: &Work| Command::parse(&work.text).is_some();
    if is_order(&work) {
        return Batch { work, seqs, more: Vec::new() };
    }
    if !flow.collects() || rows.first().is_some_and(|row| row.attempts >= TOGETHER_MAX) {
        return Batch { work, seqs, more: Vec::new() };
    }
    let mut more = Vec::new();
    for row in rows.iter().skip(1) {
        let next = row.payload.as_deref().map(serde_json::from_str::<Work>);
        let Some(Ok(next)) = next else { break };
        if is_order(&next)
            || row.attempts > 0
            || row.not_before_ms > now_ms
            || next.target != work.target
        {
            break;
        }
        work.text.push('\n');
        work.text.push_str(&next.text);
        work.reply_to = next.reply_to;
        seqs.push(row.seq);
        more.push(next.event);
    }
    Batch { work, seqs, more }
}
