//! The checks, life by life: an ordinary one, one that takes up where it ended, one that is stopped
//! under load, and one with settings that make no sense.
//!
//! Must not know: processes, packages.

mod lives;

use super::{
    Bench, Legacy, Report,
    desk::{Desk, answer_to},
};
use crate::plugins::carrier::Exit;
use jackfield_plugin_api::{
    abi::PROTOCOL,
    error::FailureClass,
    frame::{HostFrame, PluginFrame, WINDOW},
    http::HttpRequest,
    id::DEFAULT_ACCOUNT,
    manifest::Manifest,
};
use lives::{hand_over, senseless, taken_up, under_load};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

/// From `start` to `ready`.
const START: Duration = Duration::from_secs(30);
/// How long events are waited for at a time.
const ROUND: Duration = Duration::from_millis(300);
/// A conversation that no platform knows.
const NOBODY: &str = "conformance-nobody";

pub(super) async fn run(bench: &Bench<'_>, report: &mut Report) {
    let mut legacy = Legacy::default();
    match bench.begin(1).await {
        Ok(desk) => {
            report.note("opens", Ok("in a process of its own".to_owned()));
            if ordinary(bench, desk, &mut legacy, report).await.is_none() {
                return;
            }
        }
        Err(refused) => {
            report.note("opens", Err(refused.to_string()));
            return;
        }
    }
    if let Some(desk) = again(bench, 2, report).await {
        taken_up(bench, desk, &legacy, report).await;
    }
    if let Some(desk) = again(bench, 3, report).await {
        under_load(bench, desk, report).await;
    }
    if let Some(desk) = again(bench, 4, report).await {
        senseless(bench, desk, report).await;
    }
}

async fn again(bench: &Bench<'_>, generation: u64, report: &mut Report) -> Option<Desk> {
    let opened = bench.begin(generation).await;
    opened.map_err(|refused| report.note("opens again", Err(refused.to_string()))).ok()
}

/// Hello, start and ready, from what an earlier life left.
async fn start(
    bench: &Bench<'_>,
    desk: &mut Desk,
    table: Value,
    legacy: &Legacy,
    epoch: u64,
) -> Result<Vec<String>, String> {
    let manifest = &bench.staged.manifest;
    let hello = desk.expect("hello", |frame| match frame {
        PluginFrame::Hello { protocol, id, version, features } => {
            Some((protocol.clone(), id.clone(), version.clone(), features.clone()))
        }
        _ => None,
    });
    let (protocol, id, version, features) = hello.await?;
    if (&id, &version) != (&manifest.id, &manifest.version) {
        return Err(format!("says it is {id} {version}, its manifest says otherwise"));
    }
    let major = |text: &str| text.split('.').next().map(str::to_owned);
    if major(&protocol) != major(PROTOCOL) {
        return Err(format!("speaks protocol {protocol}, not {PROTOCOL}"));
    }
    let host = "jackfield conformance".to_owned();
    let protocol = PROTOCOL.to_owned();
    desk.say(&HostFrame::Hello { protocol, host, features: vec!["from-the-future".into()] }).await;
    let (state, cursors) = (legacy.state.clone(), legacy.cursors.clone());
    desk.say(&HostFrame::Start { config: table, state, cursors, epoch }).await;
    let ready = desk.next("ready", START, |frame| match frame {
        PluginFrame::Ready { epoch: of } => Some(if *of == epoch {
            Ok(())
        } else {
            Err(format!("ready for epoch {of}, started for {epoch}"))
        }),
        PluginFrame::Fatal { error } => Some(Err(format!("would not start: {error}"))),
        _ => None,
    });
    ready.await??;
    Ok(features)
}

/// The whole contract, in one life. `None` when it did not come to life.
async fn ordinary(
    bench: &Bench<'_>,
    mut desk: Desk,
    legacy: &mut Legacy,
    report: &mut Report,
) -> Option<()> {
    desk.held = bench.plan.events > 0;
    let begun = start(bench, &mut desk, bench.plan.table.clone(), &Legacy::default(), 1).await;
    let seen = begun.map(|features| match features.as_slice() {
        [] => "hello, start, ready".to_owned(),
        some => format!("hello, start, ready; can also {}", some.join(", ")),
    });
    if !report.note("lifecycle", seen) {
        return None;
    }
    report.note("ping", desk.answers().await.map(|()| "answered".to_owned()));
    unknown(&mut desk, report).await;
    if kinds(&mut desk, &bench.staged.manifest, report).await {
        unknown_kind(&mut desk, report).await;
        window(&mut desk, report).await;
        redelivery(&mut desk, report).await;
    }
    probe(&mut desk, report).await;
    http(&mut desk, &bench.staged.manifest, report).await;
    events(bench, &mut desk, legacy, report).await;
    hand_over(&mut desk, legacy, report).await;
    let ended = desk.end().await.and_then(|(exit, _)| in_order(&exit));
    report.note("stop", ended);
    Some(())
}

fn in_order(exit: &Exit) -> Result<String, String> {
    match exit {
        Exit::Closed | Exit::Code(0) => Ok("ended in order".to_owned()),
        other => Err(other.to_string()),
    }
}

/// What comes from a newer gateway, and what is no frame, is passed over.
async fn unknown(desk: &mut Desk, report: &mut Report) {
    let strange = [
        json!({"t": "from_the_future", "must": "not matter"}).to_string(),
        json!({"t": "ping"}).to_string(),
        json!({"t": "event_ack", "id": 999_999, "accepted": "gladly", "more": [1]}).to_string(),
        json!({"no": "frame"}).to_string(),
        "{".to_owned(),
    ];
    for text in strange {
        desk.say_bytes(text.into_bytes()).await;
    }
    desk.say_bytes(br#"{"t":"ping","n":4242,"more":{}}"#.to_vec()).await;
    let pong = |frame: &PluginFrame| matches!(frame, PluginFrame::Pong { n: 4242 }).then_some(());
    let seen = desk.expect("pong after strange frames", pong).await;
    report.note("unknown frames", seen.map(|()| "passed over; unknown fields too".to_owned()));
}

fn msg(seq: u64, idem_key: &str, attempt: u32, body: &Value) -> Vec<u8> {
    let frame = json!({"t": "msg", "seq": seq, "idem_key": idem_key, "attempt": attempt,
        "timeout_ms": 5000, "body": body});
    frame.to_string().into_bytes()
}

fn text(words: &str) -> Value {
    json!({"kind": "message", "to": {"account": DEFAULT_ACCOUNT, "conversation": NOBODY},
        "text": words})
}

/// Waits for the answers to `wanted`, each once.
async fn answers(desk: &mut Desk, wanted: BTreeSet<u64>) -> Result<(), String> {
    let mut open = wanted;
    while !open.is_empty() {
        let what = format!("answer to {} message(s)", open.len());
        let seq = desk.expect(&what, answer_to).await?;
        if !open.remove(&seq) {
            return Err(format!("answered message {seq} twice, or without being asked"));
        }
    }
    Ok(())
}

/// Every kind of thing to do is answered.
async fn kinds(desk: &mut Desk, manifest: &Manifest, report: &mut Report) -> bool {
    let to = json!({"account": DEFAULT_ACCOUNT, "conversation": NOBODY});
    let bodies = [
        text("conformance"),
        json!({"kind": "edit", "to": to, "message": "1", "text": "x"}),
        json!({"kind": "delete", "to": to, "message": "1"}),
        json!({"kind": "react", "to": to, "message": "1", "emoji": "x", "added": true}),
        json!({"kind": "typing", "to": to, "on": true}),
        json!({"kind": "poll", "to": to, "question": "x", "options": ["a", "b"]}),
        json!({"kind": "action", "name": "conformance-nothing", "params": {}}),
    ];
    let count = bodies.len() as u64;
    for (seq, body) in (1..).zip(&bodies) {
        desk.say_bytes(msg(seq, &format!("kind-{seq}"), 1, body)).await;
    }
    let seen = answers(desk, (1..=count).collect()).await;
    let can = if manifest.capabilities.messages { "messages" } else { "no messages" };
    report.note("kinds", seen.map(|()| format!("all {count} answered; it declares {can}")))
}

/// What nobody knows is refused for good.
async fn unknown_kind(desk: &mut Desk, report: &mut Report) {
    desk.say_bytes(msg(100, "kind-100", 1, &json!({"kind": "from_the_future"}))).await;
    let refused = desk.expect("answer to an unknown kind", |frame| match frame {
        PluginFrame::Nack { seq: 100, error } => Some(Ok(error.clone())),
        PluginFrame::Ack { seq: 100, .. } => Some(Err("says it did what it cannot know")),
        _ => None,
    });
    let seen = match refused.await {
        Ok(Ok(error)) if error.class == FailureClass::Permanent => {
            Ok(format!("refused for good: {}", error.code))
        }
        Ok(Ok(error)) => Err(format!("must be permanent, is {:?}", error.class)),
        Ok(Err(lie)) => Err(lie.to_owned()),
        Err(missing) => Err(missing),
    };
    report.note("unknown kind", seen);
}

/// A full window at once: each is answered, none twice, and it answers pings meanwhile.
async fn window(desk: &mut Desk, report: &mut Report) {
    let first = 1_000_u64;
    let all: BTreeSet<u64> = (first..first + u64::from(WINDOW)).collect();
    for seq in &all {
        desk.say_bytes(msg(*seq, &format!("window-{seq}"), 1, &text("conformance"))).await;
    }
    let lives = desk.answers().await;
    let seen = match lives {
        Ok(()) => answers(desk, all).await,
        Err(error) => Err(format!("{error} while a window of messages was open")),
    };
    report.note("backpressure", seen.map(|()| format!("{WINDOW} at once, each answered once")));
}

/// The same thing again is one more attempt, answered like the first.
async fn redelivery(desk: &mut Desk, report: &mut Report) {
    for (seq, attempt) in [(2_000, 1), (2_001, 2)] {
        desk.say_bytes(msg(seq, "again", attempt, &text("conformance"))).await;
    }
    let seen = answers(desk, BTreeSet::from([2_000, 2_001])).await;
    report.note("redelivery", seen.map(|()| "both attempts answered".to_owned()));
}

async fn probe(desk: &mut Desk, report: &mut Report) {
    desk.say(&HostFrame::Probe { req_id: 1, account: DEFAULT_ACCOUNT.into() }).await;
    let seen = desk.expect("probe_reply", |frame| match frame {
        PluginFrame::ProbeReply { req_id: 1, ok, detail } => Some((*ok, detail.clone())),
        _ => None,
    });
    let words = |(ok, detail): (bool, Option<String>)| {
        format!("{}: {}", if ok { "works" } else { "fails" }, detail.unwrap_or_default())
    };
    report.note("probe", seen.await.map(words));
}

async fn http(desk: &mut Desk, manifest: &Manifest, report: &mut Report) {
    const NAME: &str = "http";
    let Some(route) = manifest.http.first() else {
        return report.not_seen(NAME, "it declares no route");
    };
    let path = format!("{}conformance-nothing", route.prefix);
    let request = HttpRequest {
        method: "GET".to_owned(),
        path,
        query: None,
        headers: Vec::new(),
        body_b64: String::new(),
    };
    desk.say(&HostFrame::Http { req_id: 9, request }).await;
    let status = desk.expect("http_reply", |frame| match frame {
        PluginFrame::HttpReply { req_id: 9, response } => Some(response.status),
        _ => None,
    });
    let seen = status.await.and_then(|status| match status {
        100..600 => Ok(format!("answered {status}")),
        other => Err(format!("answered with status {other}")),
    });
    report.note(NAME, seen);
}

/// What its platform said: in order, within its credit, and stored before it goes on.
async fn events(bench: &Bench<'_>, desk: &mut Desk, legacy: &mut Legacy, report: &mut Report) {
    let wanted = bench.plan.events;
    // Rounds in place of a clock: each waits as long, and the last ones find nothing.
    let mut rounds = bench.plan.patience.as_millis() / ROUND.as_millis();
    while desk.events.len() < wanted && rounds > 0 {
        rounds -= 1;
        let before = desk.events.len();
        let nothing = |_: &PluginFrame| None::<()>;
        // Nothing is picked: the events are put aside on the way.
        let _ = desk.next("event", ROUND, nothing).await;
        if desk.events.len() == before {
            // Whoever waits for an answer before the next one gets it now.
            desk.answer_events().await;
        }
    }
    if desk.events.is_empty() {
        let text = "its platform said nothing; use --events and make it say something";
        report.not_seen("events", text);
        return report.not_seen("cursors", "no event came");
    }
    let count = desk.events.len();
    let ids: Vec<u64> = desk.events.iter().map(|event| event.id).collect();
    let keys: BTreeSet<&String> = desk.events.iter().map(|event| &event.key).collect();
    let grow = ids.windows(2).all(|pair| pair[1] == pair[0] + 1);
    let seen = if count < wanted {
        Err(format!("{count} of {wanted} came"))
    } else if !grow {
        Err(format!("numbers must grow by one: {ids:?}"))
    } else if keys.len() != count {
        Err("two events have one dedupe_key".to_owned())
    } else if desk.most_unanswered > WINDOW as usize {
        Err(format!("{} unanswered, {WINDOW} are allowed", desk.most_unanswered))
    } else {
        Ok(format!("{count}, numbered in order, at most {} unanswered", desk.most_unanswered))
    };
    report.note("events", seen);
    desk.held = false;
    desk.answer_events().await;
    for event in &desk.events {
        legacy.stored.push(event.key.clone());
        if let Some(place) = &event.place {
            let same = |kept: &&mut jackfield_plugin_api::frame::StoredCursor| {
                kept.account == place.account && kept.cursor.stream == place.cursor.stream
            };
            match legacy.cursors.iter_mut().find(same) {
                Some(kept) => kept.clone_from(place),
                None => legacy.cursors.push(place.clone()),
            }
        }
    }
}
