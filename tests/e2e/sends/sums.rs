//! Counts what became of every send, from three sides, and lets nothing be left over.

use super::{
    Answer, Play,
    counterparts::Counterpart,
    faults::{self, Mark},
    key,
};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

/// How the log tells that nobody knows.
const TOLD: &str = "nobody knows whether this was sent";

/// Attempts that one link makes at once.
pub(super) const UNDER_WAY: usize = 4;

/// A row of the outbox.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) id: String,
    pub(super) lane: String,
    pub(super) state: String,
    pub(super) key: Option<String>,
    pub(super) next_part: usize,
    pub(super) reason: String,
    pub(super) not_before_ms: i64,
    pub(super) send: usize,
    pub(super) parts: usize,
}

/// Every row, in the order of acceptance.
pub(super) fn rows(home: &Path) -> Vec<Kept> {
    let path = home.join("state/journal.db");
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .expect("the database opens");
    let sql = "SELECT id, lane, state, idem_key, next_part, body, error, not_before_ms FROM outbox ORDER BY seq";
    let mut statement = db.prepare(sql).expect("the outbox is there");
    let read = |row: &rusqlite::Row<'_>| {
        let (next, body): (i64, String) = (row.get(4)?, row.get(5)?);
        let error: Option<String> = row.get(6)?;
        let error: Value =
            error.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let (send, _) = faults::mark(&body).expect("every row is a send of ours");
        Ok(Kept {
            id: row.get(0)?,
            lane: row.get(1)?,
            state: row.get(2)?,
            key: row.get(3)?,
            next_part: usize::try_from(next).expect("a count"),
            reason: error["text"].as_str().unwrap_or_default().to_owned(),
            not_before_ms: row.get(7)?,
            send,
            parts: body.matches(&format!("send{send}part")).count(),
        })
    };
    let rows = statement.query_map([], read).expect("the outbox can be read");
    rows.map(|row| row.expect("a row can be read")).collect()
}

/// Which parts the platform has, each with its places in the order of acceptance.
pub(super) fn places(texts: &[String]) -> HashMap<Mark, Vec<usize>> {
    let mut places: HashMap<Mark, Vec<usize>> = HashMap::new();
    for (at, text) in texts.iter().enumerate() {
        if let Some(mark) = faults::mark(text) {
            places.entry(mark).or_default().push(at);
        }
    }
    places
}

/// Least and most that the platform may have of a part of this row.
fn expected(row: &Kept, part: usize) -> (usize, usize) {
    match row.state.as_str() {
        "sent" => (1, 1),
        // What was stored as sent is there; of the part that was under way nobody knows.
        "unknown" if part == row.next_part => (0, 1),
        "failed" | "unknown" => {
            let there = usize::from(part < row.next_part);
            (there, there)
        }
        state => panic!("{} is still {state}", row.id),
    }
}

pub(super) async fn look_into<C: Counterpart>(play: &Play<C>) {
    let rows = rows(play.gateway.home());
    let there = places(&play.platform.accepted().await);
    let mut of_send: BTreeMap<usize, Vec<&Kept>> = BTreeMap::new();
    for row in &rows {
        of_send.entry(row.send).or_default().push(row);
    }
    let count = |state: &str| rows.iter().filter(|row| row.state == state).count();
    let (sent, failed, unknown) = (count("sent"), count("failed"), count("unknown"));
    println!(
        "{}: {} rows accepted for {} sends = {sent} sent + {failed} failed + {unknown} unknown + {} \
         pending; the platform has {} messages; {} sends were taken back and asked for again; the \
         gateway died {} times; {}",
        C::ID,
        rows.len(),
        play.sends.len(),
        rows.len() - sent - failed - unknown,
        there.values().map(Vec::len).sum::<usize>(),
        play.again,
        play.deaths,
        met(play),
    );
    assert_eq!(rows.len(), sent + failed + unknown, "nothing is pending");
    assert_eq!(of_send.len(), play.sends.len(), "every send was accepted");
    for (n, send) in play.sends.iter().enumerate() {
        let rows = &of_send[&n];
        answered(&play.answers[&n], n, rows);
        for part in 0..send.parts {
            assert!(rows.iter().all(|row| row.parts == send.parts), "{rows:?}");
            let has = there.get(&(n, part)).map_or(0, Vec::len);
            let bounds = rows.iter().map(|row| expected(row, part));
            let (least, most) = bounds.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
            assert!(
                (least..=most).contains(&has),
                "the platform has part {part} of send {n} {has} times, not {least} to {most}: {rows:?}"
            );
            let keys = play.meddler.seen().keys.get(&(n, part)).cloned().unwrap_or_default();
            assert!(keys.len() <= rows.len(), "send {n} changed its key: {keys:?} {rows:?}");
        }
    }
    // Nothing else than what was cut off, and what was on its way when something died, is unknown.
    let most = play.meddler.seen().doubtful() + UNDER_WAY * (play.deaths + play.cuts);
    assert!(unknown <= most, "{unknown} of at most {most} are unknown");
    if C::TELLS {
        assert_eq!(unknown, 0, "the platform could be asked: {:?}", left(&rows, "unknown"));
    }
    told(play, &rows);
    in_order(&rows, &there);
}

fn left<'a>(rows: &'a [Kept], state: &str) -> Vec<&'a Kept> {
    rows.iter().filter(|row| row.state == state).collect()
}

/// The caller and the outbox say the same, and what was taken back is not sent.
fn answered(answer: &Answer, n: usize, rows: &[&Kept]) {
    let (held, taken_back): (Vec<&Kept>, Vec<&Kept>) =
        rows.iter().copied().partition(|row| row.key.as_deref() == Some(key(n).as_str()));
    assert_eq!(held.len(), 1, "one row holds the key of send {n}: {rows:?}");
    let state = match answer {
        Answer::Sent => "sent",
        Answer::Unknown => "unknown",
        Answer::Failed(why) => panic!("send {n} failed, though nothing refuses it: {why} {rows:?}"),
    };
    assert_eq!(held[0].state, state, "what send {n} was told is what is kept: {rows:?}");
    assert!(taken_back.iter().all(|row| row.state == "failed" && row.next_part == 0), "{rows:?}");
}

/// What nobody knows was told by the log; again only where a death came between that and the end.
fn told<C: Counterpart>(play: &Play<C>, rows: &[Kept]) {
    for row in left(rows, "unknown") {
        assert!(
            play.log.iter().any(|line| line.contains(TOLD) && line.contains(&row.id)),
            "{row:?} is told"
        );
    }
    let lines = play.log.iter().filter(|line| line.contains(TOLD)).count();
    let most = left(rows, "unknown").len() + UNDER_WAY * play.deaths;
    assert!(lines <= most, "told {lines} times, at most {most} were due");
    println!("{}: the log told {lines} times that nobody knows", C::ID);
}

/// Within a lane, what was sent stands in the order in which it was accepted.
pub(super) fn in_order(rows: &[Kept], there: &HashMap<Mark, Vec<usize>>) {
    let mut last: HashMap<&str, (usize, &Kept)> = HashMap::new();
    for row in rows.iter().filter(|row| row.state == "sent") {
        for part in 0..row.parts {
            let at = there[&(row.send, part)][0];
            if let Some((before, other)) = last.insert(&row.lane, (at, row)) {
                assert!(before < at, "part {part} of {row:?} stands before {other:?}");
            }
        }
    }
}

fn met<C: Counterpart>(play: &Play<C>) -> String {
    let seen = play.meddler.seen();
    let done: Vec<String> = seen.done.iter().map(|(kind, n)| format!("{kind:?} {n}")).collect();
    format!("recognised by key {}; {}", seen.recognised, done.join(", "))
}
