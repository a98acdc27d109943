//! From a request to what became of it.

use super::{FakeSenders, Rig, crash_image};
use crate::{
    clock::Clock,
    messages::{DeliveryError, SendRequest},
    plugins::Inbox,
    store::outbox::{self, State},
};
use jackfield_plugin_api::{
    error::SendError,
    fetch::Reconciled,
    id::MessageId,
    link::{LinkReport, LinkState},
    manifest::Limits,
    outbound::{Outbound, Receipt, Target},
};
use std::time::Duration;

fn request(to: &str, text: &str) -> SendRequest {
    SendRequest {
        channel: "line".into(),
        to: to.into(),
        text: text.into(),
        ..SendRequest::default()
    }
}

fn keyed(key: &str, text: &str) -> SendRequest {
    SendRequest { idem: Some(("test".into(), key.into())), ..request("a", text) }
}

fn busy() -> SendError {
    SendError::retryable("rate_limited", "slow down").after_ms(1)
}

#[tokio::test]
async fn a_sent_message_has_its_platforms_id() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    let delivered = rig.messages.send(request("a", "hello")).await.unwrap();
    assert_eq!((delivered.message_id.as_str(), delivered.conversation_id.as_str()), ("out-1", "a"));
    assert_eq!(rig.messages.counters().sent, 1);
    let asked = rig.senders.asked.lock().unwrap()[0].clone();
    assert_eq!((asked.idem_key, asked.attempt), (delivered.outbox_id, 1));
}

#[tokio::test]
async fn the_same_key_is_sent_once_and_answered_alike() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    let (one, two) =
        tokio::join!(rig.messages.send(keyed("k", "x")), rig.messages.send(keyed("k", "other")));
    let three = rig.messages.send(keyed("k", "x")).await.unwrap();
    assert_eq!(one.unwrap(), three);
    assert_eq!(two.unwrap(), three);
    let image = crash_image(dir.path());
    let again = Rig::plain(image.path()).await;
    assert_eq!(again.messages.send(keyed("k", "x")).await.unwrap(), three);
    assert_eq!(again.senders.texts(), [""; 0]);
}

#[tokio::test]
async fn each_class_of_failure_has_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.senders.will_answer(Err(busy()));
    rig.messages.send(request("a", "second try")).await.unwrap();
    assert_eq!(
        rig.senders.asked.lock().unwrap().iter().map(|a| a.attempt).collect::<Vec<_>>(),
        [1, 2]
    );
    rig.senders.will_answer(Err(SendError::permanent("unknown_conversation", "no such chat")));
    let failed = rig.messages.send(keyed("p", "never")).await;
    assert!(matches!(&failed, Err(DeliveryError::Failed(e)) if e.code == "unknown_conversation"));
    let replayed = rig.messages.send(keyed("p", "never")).await;
    assert!(matches!(replayed, Err(DeliveryError::Failed(_))), "{replayed:?}");
    rig.senders.will_answer(Err(SendError::uncertain("reset", "the line was cut")));
    let unknown = rig.messages.send(keyed("u", "perhaps")).await;
    assert!(matches!(unknown, Err(DeliveryError::Unknown { .. })), "{unknown:?}");
    assert_eq!(rig.senders.texts(), ["second try", "second try", "never", "perhaps"]);
    let counted = rig.messages.counters();
    assert_eq!((counted.sent, counted.failed, counted.unknown, counted.pending), (1, 1, 1, 0));
}

#[tokio::test]
async fn what_a_channel_cannot_do_is_refused_before_it_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    let elsewhere = SendRequest { channel: "fax".into(), ..request("a", "x") };
    let threaded = SendRequest { thread: Some("t".into()), ..request("a", "x") };
    let refused = [elsewhere, threaded, request("", "x"), request("a", "  ")];
    let mut seen = Vec::new();
    for request in refused {
        seen.push(rig.messages.enqueue(request).await.unwrap_err().to_string());
    }
    assert_eq!(seen.len(), 4);
    assert!(seen[0].contains("`fax`") && seen[1].contains("threads"), "{seen:?}");
    let to =
        Target { account: "default".into(), conversation: "a".into(), kind: None, thread: None };
    let edit = Outbound::Edit { to, message: "m".into(), text: "x".into() };
    let edit = rig.messages.act("line", edit, Duration::from_secs(1)).await;
    assert!(matches!(edit, Err(DeliveryError::Unsupported { what: "edits", .. })), "{edit:?}");
    assert_eq!(rig.messages.counters().sends, 0);
}

#[tokio::test]
async fn a_wait_the_platform_asked_for_holds_across_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    let hour = 60 * 60 * 1000;
    rig.senders.will_answer(Err(busy().after_ms(hour)));
    rig.messages.enqueue(request("a", "later")).await.unwrap();
    let waiting = loop {
        let head = rig
            .store
            .read(|c| outbox::head(c, "line", "default", r#"["a",null]"#))
            .await
            .unwrap()
            .unwrap();
        if head.state == State::Queued && head.error.is_some() {
            break head;
        }
    };
    assert_eq!(waiting.attempts, 1);
    let half = Clock::system();
    half.advance(hour / 2);
    let image = crash_image(dir.path());
    let again = Rig::start(image.path(), FakeSenders::default(), half).await;
    again.messages.link_changed("line", connected());
    again.messages.send(request("b", "other lane")).await.unwrap();
    assert_eq!(again.senders.texts(), ["other lane"]);
    let over = Clock::system();
    over.advance(hour + 60_000);
    let image = crash_image(image.path());
    let late = Rig::start(image.path(), FakeSenders::default(), over).await;
    late.until_settled().await;
    assert_eq!(late.senders.texts(), ["later"]);
}

#[tokio::test]
async fn what_was_under_way_at_a_kill_is_unknown_and_not_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let senders = FakeSenders { hangs: true, ..FakeSenders::default() };
    let rig = Rig::start(dir.path(), senders, Clock::system()).await;
    rig.messages.enqueue(keyed("k", "once")).await.unwrap();
    rig.messages.enqueue(request("a", "behind it")).await.unwrap();
    while rig.senders.texts().is_empty() {
        tokio::task::yield_now().await;
    }
    let image = crash_image(dir.path());
    let again = Rig::plain(image.path()).await;
    again.until_settled().await;
    assert_eq!(again.senders.texts(), ["behind it"]);
    assert_eq!(again.messages.backlog().await.unwrap().outbound_unknown, 1);
    let counted = again.messages.counters();
    assert_eq!((counted.sends, counted.sent, counted.unknown, counted.pending), (2, 1, 1, 0));
    let replayed = again.messages.send(keyed("k", "once")).await;
    assert!(matches!(replayed, Err(DeliveryError::Unknown { .. })), "{replayed:?}");
    let image = crash_image(image.path());
    let third = Rig::plain(image.path()).await;
    assert_eq!(third.messages.counters().unknown, 0, "shown once");
}

#[tokio::test]
async fn a_long_message_goes_on_at_the_part_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { text_max: 10, ..Limits::default() };
    let senders = FakeSenders { limits, ..FakeSenders::default() };
    let rig = Rig::start(dir.path(), senders, Clock::system()).await;
    rig.senders.will_answer(Ok(Receipt { message: Some("first".into()), ..Default::default() }));
    rig.senders.will_answer(Err(busy()));
    let delivered = rig.messages.send(request("a", "part one\n\npart two\n\nend")).await.unwrap();
    assert_eq!(rig.senders.texts(), ["part one", "part two", "part two", "end"]);
    let ids: Vec<MessageId> = vec!["first".into(), "out-3".into(), "out-4".into()];
    assert_eq!(delivered.receipt.parts, ids);
    let keys: Vec<String> =
        rig.senders.asked.lock().unwrap().iter().map(|a| a.idem_key.clone()).collect();
    assert_eq!(keys[1], keys[2]);
    assert!(keys[0] != keys[1] && keys[1] != keys[3], "{keys:?}");
}

#[tokio::test]
async fn what_is_not_sent_in_time_is_taken_back_and_may_be_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.senders.will_answer(Err(busy().after_ms(600_000)));
    let to =
        Target { account: "default".into(), conversation: "a".into(), kind: None, thread: None };
    let body = Outbound::Message {
        to,
        text: "x".into(),
        attachments: vec![],
        reply_to: None,
        silent: false,
    };
    let key = ("test".to_owned(), "k".to_owned());
    let short = Duration::from_millis(300);
    let late = rig.messages.act_once("line", body.clone(), key.clone(), short).await;
    assert!(
        matches!(&late, Err(DeliveryError::NotSent(e)) if e.code == "rate_limited"),
        "{late:?}"
    );
    let sent = rig.messages.act_once("line", body, key, Duration::from_secs(20)).await;
    assert!(sent.is_ok(), "{sent:?}");
    let counted = rig.messages.counters();
    assert_eq!((counted.sends, counted.sent, counted.failed), (2, 1, 1));
}

#[tokio::test]
async fn nothing_that_was_accepted_goes_missing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    for n in 0..120 {
        match n % 6 {
            0 => rig.senders.will_answer(Err(SendError::permanent("no", "no"))),
            2 => rig.senders.will_answer(Err(SendError::uncertain("cut", "cut"))),
            3 => rig.senders.will_answer(Err(busy())),
            _ => rig.senders.will_answer(Ok(Receipt::default())),
        }
    }
    let accepted = 100;
    for n in 0..accepted {
        rig.messages.enqueue(request(&format!("lane-{}", n % 7), &n.to_string())).await.unwrap();
    }
    rig.until_settled().await;
    let stored = rig
        .store
        .read(|c| {
            Ok([
                outbox::count(c, State::Sent)?,
                outbox::count(c, State::Failed)?,
                outbox::count(c, State::Unknown)?,
            ])
        })
        .await
        .unwrap();
    assert_eq!(stored.iter().sum::<u64>(), accepted);
    assert!(stored.iter().all(|count| *count > 0), "{stored:?}");
    let counted = rig.messages.counters();
    assert_eq!(stored, [counted.sent, counted.failed, counted.unknown]);
    assert_eq!((counted.sends, counted.pending), (accepted, 0));
}

#[tokio::test]
async fn an_uncertain_outcome_is_looked_up_on_the_platform() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    let cut = || Err(SendError::uncertain("reset", "the line was cut"));
    let knows =
        |answers: Vec<Option<Reconciled>>| rig.senders.known.lock().unwrap().extend(answers);
    rig.senders.will_answer(cut());
    let receipt = Receipt { message: Some("there".into()), ..Receipt::default() };
    // The plugin is away at first.
    knows(vec![None, None, Some(Reconciled::Sent(receipt))]);
    assert_eq!(rig.messages.send(request("a", "got out")).await.unwrap().message_id, "there");
    rig.senders.will_answer(cut());
    knows(vec![Some(Reconciled::NotSent)]);
    let id = rig.messages.enqueue(request("b", "did not")).await.unwrap();
    let waiting = loop {
        let row = id.clone();
        let row = rig.store.read(move |c| outbox::row(c, &row)).await.unwrap().unwrap();
        if row.error.is_some() {
            break row;
        }
    };
    assert_eq!((waiting.state, waiting.attempts), (State::Queued, 1), "it is tried again later");
    rig.senders.will_answer(cut());
    knows(vec![None; 5]);
    let unknown = rig.messages.send(request("c", "nobody knows")).await;
    assert!(matches!(unknown, Err(DeliveryError::Unknown { .. })), "{unknown:?}");
}

#[tokio::test]
async fn what_was_cut_off_by_a_kill_goes_on_after_the_part_that_got_out() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { text_max: 10, ..Limits::default() };
    let senders = FakeSenders { limits: limits.clone(), hangs: true, ..FakeSenders::default() };
    let rig = Rig::start(dir.path(), senders, Clock::system()).await;
    rig.messages.enqueue(request("a", "part one\n\npart two")).await.unwrap();
    while rig.senders.texts().is_empty() {
        tokio::task::yield_now().await;
    }
    let image = crash_image(dir.path());
    let senders = FakeSenders { limits, ..FakeSenders::default() };
    senders.known.lock().unwrap().push_back(Some(Reconciled::Sent(Receipt::default())));
    let again = Rig::start(image.path(), senders, Clock::system()).await;
    again.until_settled().await;
    assert_eq!(again.senders.texts(), ["part two"]);
    assert_eq!(again.messages.counters().sent, 1);
}

#[tokio::test]
async fn between_two_parts_nothing_is_under_way() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { text_max: 10, target_interval_ms: 60_000, ..Limits::default() };
    let senders = FakeSenders { limits, ..FakeSenders::default() };
    let rig = Rig::start(dir.path(), senders, Clock::system()).await;
    let id = rig.messages.enqueue(request("a", "part one\n\npart two")).await.unwrap();
    let other = rig.messages.send(request("b", "to another")).await.unwrap();
    let row = async |id: &str| {
        let id = id.to_owned();
        rig.store.read(move |c| outbox::row(c, &id)).await.unwrap().unwrap()
    };
    while row(&id).await.next_part == 0 {
        tokio::task::yield_now().await;
    }
    let waiting = row(&id).await;
    assert_eq!((waiting.state, waiting.attempts), (State::Queued, 0), "its pause has begun");
    assert_eq!(row(&other.outbox_id).await.state, State::Sent, "the pause is that target's only");
    let image = crash_image(dir.path());
    let limits = Limits { text_max: 10, ..Limits::default() };
    let senders = FakeSenders { limits, ..FakeSenders::default() };
    let again = Rig::start(image.path(), senders, Clock::system()).await;
    again.until_settled().await;
    assert_eq!(again.senders.texts(), ["part two"]);
    assert_eq!(again.messages.counters().sent, 1);
}

#[tokio::test]
async fn a_long_backlog_starves_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let store = crate::store::Store::open(dir.path()).unwrap();
    let insert = |c: &rusqlite::Connection| {
        for n in 0..10_000 {
            let conversation = format!("busy-{}", n % 5);
            let body = serde_json::json!({"kind": "message", "text": n.to_string(),
                "to": {"account": "default", "conversation": conversation}});
            let row = outbox::NewRow {
                id: &n.to_string(),
                channel: "line",
                account: "default",
                lane: &serde_json::json!([conversation, null]).to_string(),
                idem: None,
                body: &body,
                now_ms: Clock::system().now_ms(),
            };
            outbox::insert(c, &row)?;
        }
        Ok(())
    };
    store.write(insert).await.unwrap();
    store.close().await;
    let rig = Rig::plain(dir.path()).await;
    rig.messages.send(request("quick", "me too")).await.unwrap();
    let sent = rig.senders.texts();
    assert!(sent.len() < 1_000, "{} went out before it", sent.len());
    let counted = rig.messages.counters();
    assert_eq!(counted.sends, 10_001);
    assert_eq!(counted.sent + counted.pending, 10_001, "{counted:?}");
}

#[tokio::test]
async fn a_link_that_works_again_sends_what_waited_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.senders.will_answer(Err(SendError::retryable("plugin_not_running", "not yet")));
    rig.messages.enqueue(request("a", "x")).await.unwrap();
    let put_off = |c: &rusqlite::Connection| {
        c.execute(
            "UPDATE outbox SET not_before_ms = not_before_ms + 3600000 WHERE not_before_ms > 0",
            [],
        )
    };
    while rig.store.write(put_off).await.unwrap() == 0 {}
    rig.messages.link_changed("line", connected());
    rig.until_settled().await;
    assert_eq!(rig.senders.texts(), ["x", "x"]);
}

fn connected() -> LinkReport {
    LinkReport {
        account: "default".into(),
        state: LinkState::Connected,
        detail: None,
        identity: None,
    }
}
