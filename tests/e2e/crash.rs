//! The gateway is killed again and again while people talk to it, at random and at every named place;
//! then nothing that was acknowledged is missing, nothing was answered twice, nothing was sent twice.
//!
//! `make crash CYCLES=500` does it more often.

use harness::{
    Gateway, Options, eventually,
    line::{Heard, Person, line_port},
};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Cycles of an ordinary test run; `make crash` asks for more.
const CYCLES: u64 = 8;
const PEOPLE: usize = 3;
/// Lines each person says in one life of the gateway.
const LINES: usize = 6;
/// A place that nothing came to within this time is left for a kill.
const PLACE_TIME: Duration = Duration::from_secs(4);
/// The places of `host/src/store/failpoint.rs`.
const PLACES: [&str; 10] = [
    "inbound.decided",
    "store.before_commit",
    "store.after_commit",
    "inbound.stored",
    "turn.begun",
    "turn.storing",
    "turn.stored",
    "outbox.dispatching",
    "outbox.answered",
    "outbox.part_stored",
];

/// One person over all lives of the gateway.
#[derive(Default)]
struct Resident {
    name: String,
    /// Ids in the order they were first said.
    said: Vec<String>,
    acked: BTreeSet<String>,
    /// Receipt → how often it came, and what it said.
    heard: BTreeMap<String, (u32, String)>,
}

impl Resident {
    fn hears(&mut self, heard: Heard) -> bool {
        match heard {
            Heard::Ack(id) => drop(self.acked.insert(id)),
            Heard::Busy(_) => {}
            Heard::Message { receipt, text } => {
                let entry = self.heard.entry(receipt).or_insert((0, text));
                entry.0 += 1;
            }
            Heard::Gone => return false,
        }
        true
    }

    /// Says what was never acknowledged again, then `new` lines more, each after the one before was
    /// answered for; ends when the line is cut, or with everything acknowledged.
    async fn talks(&mut self, mut line: Person, new: usize) -> Option<Person> {
        let again: Vec<String> =
            self.said.iter().filter(|id| !self.acked.contains(*id)).cloned().collect();
        let begin = self.said.len();
        let fresh = (begin..begin + new).map(|n| format!("m{n}"));
        for id in again.into_iter().chain(fresh) {
            if !self.said.contains(&id) {
                self.said.push(id.clone());
            }
            while !self.acked.contains(&id) {
                if !line.try_say(&id, &format!("{} says {id}", self.name)).await {
                    return None;
                }
                loop {
                    let heard = line.hear().await;
                    let about = matches!(&heard, Heard::Ack(of) | Heard::Busy(of) if *of == id);
                    if !self.hears(heard) {
                        return None;
                    }
                    if about {
                        break;
                    }
                }
            }
        }
        Some(line)
    }

    /// One life of the gateway, to its end.
    async fn lives(&mut self, port: u16, over: &AtomicBool) {
        loop {
            // The gateway may still be starting, or its plugin again.
            let line = eventually("somebody listens", async || {
                let line = Person::try_connect(port, &self.name).await;
                (line.is_some() || over.load(Ordering::Relaxed)).then_some(line)
            });
            let Some(line) = line.await else { return };
            if let Some(mut line) = self.talks(line, LINES).await {
                while self.hears(line.hear().await) {}
            }
        }
    }
}

fn cycles() -> u64 {
    std::env::var("JACKFIELD_CRASH_CYCLES").ok().and_then(|n| n.parse().ok()).unwrap_or(CYCLES)
}

fn chance(below: u64) -> u64 {
    RandomState::new().build_hasher().finish() % below
}

#[tokio::test]
async fn whatever_kills_it_nothing_is_lost_or_said_twice() {
    let port = free_port();
    let options = Options::default().plugin("line-echo").config(&format!(
        "[channels.line]\nenabled = true\nlisten = \"127.0.0.1:{port}\"\ndm_policy = \"open\"\n\
         [agent]\necho_pace_ms = 2"
    ));
    let mut gateway = Gateway::start(options).await;
    let mut people: Vec<Resident> = (0..PEOPLE)
        .map(|n| Resident { name: format!("person-{n}"), ..Resident::default() })
        .collect();
    let mut reached = BTreeSet::new();
    live_and_die(&mut gateway, &mut people, port, None).await;
    for cycle in 0..cycles() {
        let place = PLACES[usize::try_from(cycle / 2).expect("few") % PLACES.len()];
        let place = (cycle % 2 == 0).then_some(place);
        let at = place.map(|place| format!("{place}:{}", 1 + chance(9)));
        let env = at.map(|at| ("JACKFIELD_FAILPOINT".to_owned(), at));
        let listens = gateway.try_again_with(env.as_slice()).await;
        if !listens || live_and_die(&mut gateway, &mut people, port, place).await {
            reached.extend(place);
        }
    }
    gateway.start_again().await;
    settle(&mut gateway, &mut people).await;
    gateway.stop().await;
    look_into(&gateway, &people);
    println!("{} cycles, ended by itself at {reached:?}", cycles());
    let visited = usize::try_from(cycles().div_ceil(2)).expect("few").min(PLACES.len());
    assert!(reached.len() * 2 >= visited, "only at {reached:?}");
}

/// A port that nobody listens on, so that people find the channel in each life without asking.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it has an address").port()
}

/// Lets everybody talk until the gateway ends, at a named place or by a kill; tells whether it ended
/// by itself.
async fn live_and_die(
    gateway: &mut Gateway,
    people: &mut [Resident],
    port: u16,
    place: Option<&str>,
) -> bool {
    let over = AtomicBool::new(false);
    let talk = people.iter_mut().map(|one| one.lives(port, &over));
    let end = async {
        let limit = match place {
            Some(_) => PLACE_TIME,
            // The moment of the kill is what is random; nothing waits for it.
            None => Duration::from_millis(700 + chance(1500)),
        };
        let died = gateway.dies_within(limit).await;
        if !died {
            gateway.kill().await;
        }
        over.store(true, Ordering::Relaxed);
        died
    };
    tokio::join!(futures_util::future::join_all(talk), end).1
}

/// The last life, which nobody ends: everything is acknowledged, answered and sent.
async fn settle(gateway: &mut Gateway, people: &mut [Resident]) {
    let mut client = gateway.client().await;
    let port = line_port(&mut client).await;
    let mut lines = Vec::new();
    for person in people.iter_mut() {
        let line = Person::connect(port, &person.name).await;
        lines.push(person.talks(line, 1).await.expect("nobody cuts this line"));
    }
    eventually("nothing waits any more", async || {
        let backlog = client.call("status", json!({})).await["backlog"].clone();
        let waits = |name: &str| backlog[name].as_u64().expect("a number");
        (waits("inboundPending") + waits("outboundPending") == 0).then_some(())
    })
    .await;
    for (person, mut line) in people.iter_mut().zip(lines) {
        line.say("fence", "the last word").await;
        loop {
            let heard = line.hear().await;
            let last =
                matches!(&heard, Heard::Message { text, .. } if text.contains("the last word"));
            assert!(person.hears(heard), "nobody cuts this line");
            if last {
                break;
            }
        }
    }
}

fn look_into(gateway: &Gateway, people: &[Resident]) {
    let path = gateway.home().join("state/journal.db");
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .expect("the database opens");
    let one = |sql: &str, name: &str| -> i64 {
        let bound = if name.is_empty() { vec![] } else { vec![name] };
        db.query_row(sql, rusqlite::params_from_iter(bound), |row| row.get(0)).expect(sql)
    };
    let verdict: String =
        db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("it can be checked");
    assert_eq!(verdict, "ok");
    assert_eq!(one("SELECT COUNT(*) FROM ingress WHERE state <> 'done'", ""), 0, "none is open");
    assert_eq!(one("SELECT COUNT(*) FROM outbox WHERE state IN ('queued', 'dispatching')", ""), 0);
    for person in people {
        let said = i64::try_from(person.said.len()).expect("few") + 1;
        let key = format!("agent:main:line:direct:{}", person.name);
        let entries = |role: &str| {
            one(
                &format!("SELECT COUNT(*) FROM entries WHERE session_key = ?1 AND role = '{role}'"),
                &key,
            )
        };
        let answers = "SELECT COUNT(*) FROM outbox WHERE idem_scope = 'turn' AND idem_key LIKE ?1";
        let mine = format!("line:default:{}:%", person.name);
        assert_eq!(entries("user"), said, "{}: 0 acknowledged lines lost", person.name);
        assert_eq!(entries("assistant"), said, "{}: 0 lines answered twice", person.name);
        assert_eq!(one(answers, &mine), said, "{}: each answer is sent once", person.name);
        for (receipt, (times, text)) in &person.heard {
            assert_eq!(*times, 1, "{} heard {receipt} again: {text}", person.name);
        }
        let texts: BTreeSet<&str> = person.heard.values().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts.len(), person.heard.len(), "{}: no answer came twice", person.name);
    }
    let unknown = one("SELECT COUNT(*) FROM outbox WHERE state = 'unknown'", "");
    let heard: usize = people.iter().map(|one| one.heard.len()).sum();
    let said: usize = people.iter().map(|one| one.said.len() + 1).sum();
    println!("{said} lines said, {heard} answers heard, {unknown} of unknown outcome");
}
