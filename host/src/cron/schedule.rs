//! From a schedule to the next tick. Pure: the clock is given.
//!
//! Cron expressions are read in a time zone, so that "every day at three" stays at three when the
//! clocks change; an hour that does not exist that day is not skipped silently but runs at the next
//! instant that does, as cron does.

use super::job::Schedule;
use croner::{Cron, parser::CronParser};
use jiff::{Timestamp, Zoned, civil::DateTime, tz::TimeZone};
use sha2::{Digest, Sha256};

/// How long ago an instant may be and still be meant as now, milliseconds.
const GRACE_MS: u64 = 60_000;
/// Farthest instant taken, milliseconds from now.
const HORIZON_MS: u64 = 10 * 366 * 24 * 60 * 60 * 1000;

/// Why a schedule cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScheduleError {
    /// An instant that cannot be read.
    #[error("schedule.at is not an instant: {0}; write it like 2026-01-31T09:00:00Z")]
    Instant(String),
    /// An instant long ago.
    #[error("schedule.at is in the past: {at} ({minutes} minutes ago). Current time: {now}")]
    Past {
        /// The instant.
        at: String,
        /// Since then.
        minutes: u64,
        /// The clock.
        now: String,
    },
    /// An instant far away.
    #[error("schedule.at is too far in the future: {0}. Maximum allowed: 10 years")]
    Far(String),
    /// A time zone nobody knows.
    #[error("schedule.tz is not an IANA time zone: {0}")]
    Zone(String),
    /// An expression that cannot be read.
    #[error("schedule.expr is not a cron expression: {expr}: {reason}")]
    Expression {
        /// The expression.
        expr: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An expression that no day fits.
    #[error("schedule.expr never runs: {0}")]
    Never(String),
}

/// Refuses a schedule that a client may not ask for now.
///
/// # Errors
/// What is wrong with it.
pub fn check(schedule: &Schedule, now_ms: u64) -> Result<(), ScheduleError> {
    if let Schedule::At { at } = schedule {
        let at_ms = instant(at)?;
        if at_ms + GRACE_MS < now_ms {
            let minutes = (now_ms - at_ms) / 60_000;
            return Err(ScheduleError::Past { at: iso(at_ms), minutes, now: iso(now_ms) });
        }
        if at_ms > now_ms.saturating_add(HORIZON_MS) {
            return Err(ScheduleError::Far(iso(at_ms)));
        }
        return Ok(());
    }
    next(schedule, "", now_ms, now_ms).map(|_| ())
}

/// The first tick after an instant; `None` when there is none any more. `origin_ms` is what the
/// ticks of a period are counted from unless the schedule says so itself.
///
/// # Errors
/// When the schedule cannot be read.
pub fn next(
    schedule: &Schedule,
    job_id: &str,
    origin_ms: u64,
    after_ms: u64,
) -> Result<Option<u64>, ScheduleError> {
    match schedule {
        Schedule::At { at } => Ok(Some(instant(at)?).filter(|at| *at > after_ms)),
        Schedule::Every { every_ms, anchor_ms } => {
            let anchor = anchor_ms.unwrap_or(origin_ms);
            let ticks = after_ms.checked_sub(anchor).map_or(0, |past| past / every_ms.max(&1) + 1);
            Ok(Some(anchor.saturating_add(ticks.saturating_mul(*every_ms))))
        }
        Schedule::Cron { expr, tz, stagger_ms } => {
            let late = stagger_ms.map_or(0, |most| stagger(job_id, most));
            let zone = zone(tz.as_deref())?;
            let after = zoned(after_ms.saturating_sub(late), zone);
            let found = pattern(expr)?
                .find_next_occurrence(&after, false)
                .map_err(|_| ScheduleError::Never(expr.clone()))?;
            let tick = u64::try_from(found.timestamp().as_millisecond()).unwrap_or_default();
            Ok(Some(tick.saturating_add(late)))
        }
    }
}

/// An instant as people and programs read it.
#[must_use]
pub fn iso(ms: u64) -> String {
    format!("{:.3}", timestamp(ms))
}

fn instant(text: &str) -> Result<u64, ScheduleError> {
    let text = text.trim();
    let read = text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    });
    read.and_then(|at| u64::try_from(at.as_millisecond()).ok())
        .ok_or_else(|| ScheduleError::Instant(text.to_owned()))
}

fn pattern(expr: &str) -> Result<Cron, ScheduleError> {
    CronParser::builder().build().parse(expr).map_err(|error| ScheduleError::Expression {
        expr: expr.to_owned(),
        reason: error.to_string(),
    })
}

fn zone(name: Option<&str>) -> Result<TimeZone, ScheduleError> {
    name.map_or_else(
        || Ok(TimeZone::system()),
        |name| TimeZone::get(name).map_err(|_| ScheduleError::Zone(name.to_owned())),
    )
}

fn timestamp(ms: u64) -> Timestamp {
    i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .unwrap_or(Timestamp::MAX)
}

fn zoned(ms: u64, zone: TimeZone) -> Zoned {
    timestamp(ms).to_zoned(zone)
}

/// The same for each tick of a job, different between jobs.
fn stagger(job_id: &str, most_ms: u64) -> u64 {
    let hash = Sha256::digest(job_id.as_bytes());
    let first: [u8; 8] = hash[..8].try_into().expect("a digest is longer than eight bytes");
    u64::from_be_bytes(first).checked_rem(most_ms).unwrap_or(0)
}

#[cfg(test)]
mod tests;
