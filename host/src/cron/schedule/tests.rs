//! Ticks: periods, expressions, time zones and their gaps.

use super::*;

fn at(text: &str) -> u64 {
    instant(text).unwrap()
}

fn cron(expr: &str, tz: &str) -> Schedule {
    Schedule::Cron { expr: expr.to_owned(), tz: Some(tz.to_owned()), stagger_ms: None }
}

fn tick(schedule: &Schedule, after: &str) -> String {
    iso(next(schedule, "job", 0, at(after)).unwrap().unwrap())
}

#[test]
fn a_period_counts_from_its_anchor() {
    let every = Schedule::Every { every_ms: 60_000, anchor_ms: Some(at("2026-01-01T00:00:30Z")) };
    assert_eq!(tick(&every, "2026-01-01T00:00:00Z"), "2026-01-01T00:00:30.000Z");
    assert_eq!(tick(&every, "2026-01-01T00:00:30Z"), "2026-01-01T00:01:30.000Z");
    assert_eq!(tick(&every, "2026-01-01T05:00:31Z"), "2026-01-01T05:01:30.000Z");
    let unanchored = Schedule::Every { every_ms: 1000, anchor_ms: None };
    assert_eq!(next(&unanchored, "job", 500, 500), Ok(Some(1500)));
}

#[test]
fn an_instant_comes_once() {
    let once = Schedule::At { at: "2026-03-01T10:00:00+02:00".to_owned() };
    assert_eq!(tick(&once, "2026-03-01T07:00:00Z"), "2026-03-01T08:00:00.000Z");
    assert_eq!(next(&once, "job", 0, at("2026-03-01T08:00:00Z")), Ok(None));
    assert_eq!(at("2026-03-01T08:00:00"), at("2026-03-01T08:00:00Z"), "UTC unless it says");
}

#[test]
fn an_expression_is_read_in_its_time_zone() {
    let daily = cron("0 9 * * *", "America/New_York");
    assert_eq!(tick(&daily, "2026-01-10T00:00:00Z"), "2026-01-10T14:00:00.000Z");
    assert_eq!(tick(&daily, "2026-07-10T00:00:00Z"), "2026-07-10T13:00:00.000Z");
    let weekdays = cron("30 6 * * MON-FRI", "UTC");
    assert_eq!(tick(&weekdays, "2026-01-09T07:00:00Z"), "2026-01-12T06:30:00.000Z");
    let seconds = cron("*/10 * * * * *", "UTC");
    assert_eq!(tick(&seconds, "2026-01-09T07:00:01Z"), "2026-01-09T07:00:10.000Z");
}

#[test]
fn clocks_that_change_neither_lose_nor_double_a_daily_tick() {
    let early = cron("30 2 * * *", "Europe/Berlin");
    let spring = next(&early, "job", 0, at("2026-03-28T12:00:00Z")).unwrap().unwrap();
    assert_eq!(iso(spring)[..10], *"2026-03-29", "02:30 does not exist, the day still has a tick");
    let autumn = next(&early, "job", 0, at("2026-10-24T12:00:00Z")).unwrap().unwrap();
    let after = next(&early, "job", 0, autumn).unwrap().unwrap();
    assert_eq!(iso(autumn)[..10], *"2026-10-25");
    assert_eq!(iso(after)[..10], *"2026-10-26", "02:30 exists twice, the day has one tick");
}

#[test]
fn staggered_jobs_stay_staggered() {
    let hourly = Schedule::Cron {
        expr: "0 * * * *".into(),
        tz: Some("UTC".into()),
        stagger_ms: Some(300_000),
    };
    let first = next(&hourly, "job-a", 0, at("2026-01-01T00:30:00Z")).unwrap().unwrap();
    let second = next(&hourly, "job-a", 0, first).unwrap().unwrap();
    assert_eq!(second - first, 3_600_000);
    assert!(first >= at("2026-01-01T01:00:00Z") && first < at("2026-01-01T01:05:00Z"));
    assert_ne!(Ok(Some(first)), next(&hourly, "job-b", 0, at("2026-01-01T00:30:00Z")));
}

#[test]
fn what_cannot_be_read_is_named() {
    let now = at("2026-01-01T00:00:00Z");
    let refused = |schedule: &Schedule| check(schedule, now).unwrap_err().to_string();
    let instant = |text: &str| Schedule::At { at: text.to_owned() };
    assert!(refused(&instant("tomorrow")).contains("not an instant: tomorrow"));
    assert!(refused(&instant("2025-12-31T23:00:00Z")).contains("in the past"));
    assert!(refused(&instant("2046-01-01T00:00:00Z")).contains("too far"));
    assert!(refused(&cron("0 9 * * *", "Mars/Olympus")).contains("Mars/Olympus"));
    assert!(refused(&cron("61 * * * *", "UTC")).contains("61 * * * *"));
    assert!(refused(&cron("0 0 31 2 *", "UTC")).contains("never runs"));
    assert_eq!(check(&instant("2025-12-31T23:59:30Z"), now), Ok(()), "just now is now");
}

proptest::proptest! {
    #[test]
    fn a_tick_is_always_later(every in 1_u64..10_000_000, anchor in 0_u64..2_000_000_000_000, after in 0_u64..2_000_000_000_000) {
        let schedule = Schedule::Every { every_ms: every, anchor_ms: Some(anchor) };
        let tick = next(&schedule, "job", 0, after).unwrap().unwrap();
        proptest::prop_assert!(tick > after || (tick == anchor && anchor > after));
        proptest::prop_assert!(tick <= after.max(anchor) + every);
    }
}
