//! What becomes of messages that come while the agent is busy.

use super::{FakeSenders, Rig, crash_image, message};
use crate::{clock::Clock, config::messages::QueueMode, messages::Flow};
use std::{path::Path, time::Duration};

async fn rig(dir: &Path, queue: QueueMode, debounce: Duration) -> Rig {
    let flow = Flow { queue, debounce, streaming: None };
    Rig::flowing(dir, FakeSenders::default(), Clock::system(), flow).await
}

#[tokio::test]
async fn what_waits_is_collected_into_one_turn() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig(dir.path(), QueueMode::Collect, Duration::ZERO).await;
    rig.accept(message("1", "42", "hang")).await;
    rig.until_ran(1).await;
    for (key, text) in [("2", "one"), ("3", "two"), ("4", "three")] {
        rig.accept(message(key, "42", text)).await;
    }
    let image = crash_image(dir.path());
    rig.turns.off.notify_one();
    rig.until_settled().await;
    assert_eq!(rig.ran(), ["hang", "one\ntwo\nthree"]);
    assert_eq!(rig.senders.texts(), ["echo one\ntwo\nthree"]);
    let again = Rig::plain(image.path()).await;
    again.until_ran(1).await;
    assert_eq!(again.messages.backlog().await.unwrap().inbound_pending, 4, "nothing was dropped");
}

#[tokio::test]
async fn a_message_that_breaks_its_turn_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig(dir.path(), QueueMode::Collect, Duration::ZERO).await;
    rig.accept(message("1", "42", "hang")).await;
    rig.until_ran(1).await;
    rig.accept(message("2", "42", "lost")).await;
    rig.accept(message("3", "42", "fine")).await;
    rig.store
        .write(|c| c.execute("UPDATE ingress SET attempts = 7 WHERE dedupe_key = '2'", []))
        .await
        .unwrap();
    rig.turns.off.notify_one();
    rig.until_ran(2).await;
    assert_eq!(rig.ran(), ["hang", "lost"], "it runs alone after so many attempts");
}

#[tokio::test]
async fn a_newer_message_calls_the_run_off() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig(dir.path(), QueueMode::Interrupt, Duration::ZERO).await;
    rig.accept(message("1", "42", "hang")).await;
    rig.until_ran(1).await;
    rig.accept(message("2", "42", "rather this")).await;
    rig.until_settled().await;
    assert_eq!(rig.ran(), ["hang", "rather this"]);
    assert_eq!(rig.senders.texts(), ["echo rather this"], "what was called off says nothing");
}

#[tokio::test]
async fn messages_that_follow_each_other_are_one_turn() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig(dir.path(), QueueMode::Collect, Duration::from_millis(400)).await;
    for (key, text) in [("1", "first"), ("2", "second")] {
        rig.accept(message(key, "42", text)).await;
    }
    rig.until_settled().await;
    assert_eq!(rig.ran(), ["first\nsecond"]);
}
