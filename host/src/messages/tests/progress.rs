//! Answers that are shown while they grow.

use super::{FakeSenders, Rig, crash_image, message};
use crate::{
    clock::Clock,
    config::messages::Streaming,
    messages::{
        Flow,
        progress::shown::{self, Shown},
    },
};
use jackfield_plugin_api::{
    error::SendError,
    fetch::Reconciled,
    manifest::Limits,
    outbound::{Outbound, Receipt},
};
use std::path::Path;

async fn rig(dir: &Path, streaming: Option<Streaming>, edits: bool) -> Rig {
    let limits = Limits { text_max: 400, ..Limits::default() };
    let senders = FakeSenders { limits, edits, ..FakeSenders::default() };
    Rig::flowing(dir, senders, Clock::system(), Flow { streaming, ..Flow::default() }).await
}

impl Rig {
    fn grows(&self, text: &str) {
        text.clone_into(&mut self.turns.partial.lock().unwrap());
    }

    async fn until_asked(&self, count: usize) {
        let wait = async {
            while self.senders.asked.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.expect("it is shown");
    }

    /// `+ text` for each message, `<id> text` for each edit.
    fn seen(&self) -> Vec<String> {
        let asked = self.senders.asked.lock().unwrap();
        let line = |body: &Outbound| match body {
            Outbound::Message { text, .. } => format!("+ {text}"),
            Outbound::Edit { message, text, .. } => format!("{message} {text}"),
            other => format!("{other:?}"),
        };
        asked.iter().map(|attempt| line(&attempt.body)).collect()
    }
}

#[tokio::test]
async fn a_draft_grows_and_its_last_edit_is_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig(dir.path(), None, true).await;
    rig.accept(message("1", "42", "grow")).await;
    rig.grows("so");
    rig.until_asked(1).await;
    rig.grows("so far");
    rig.until_asked(2).await;
    rig.grows("so far so good");
    rig.until_asked(3).await;
    rig.turns.off.notify_one();
    rig.until_settled().await;
    let seen = rig.seen();
    assert_eq!(seen[..3], ["+ so", "out-1 so far", "out-1 so far so good"]);
    assert_eq!(seen[3..], ["out-1 so far so good"], "the stored answer has the last word");
    assert_eq!(rig.messages.counters().sent, 1);
}

#[tokio::test]
async fn a_restart_goes_on_with_the_same_message() {
    let dir = tempfile::tempdir().unwrap();
    let first = rig(dir.path(), Some(Streaming::Draft), true).await;
    first.accept(message("1", "42", "grow")).await;
    first.grows("half an ans");
    first.until_asked(1).await;
    let known = async {
        let read = |c: &rusqlite::Connection| shown::get(c, "line:default:1");
        while !matches!(
            first.store.read(read).await.unwrap(),
            Some(Shown::Draft { message: Some(_), .. })
        ) {}
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), known).await.expect("the id is kept");
    let image = crash_image(dir.path());
    let again = rig(image.path(), Some(Streaming::Draft), true).await;
    again.grows("another answer");
    again.turns.off.notify_one();
    again.until_settled().await;
    assert_eq!(again.seen().last().unwrap(), "out-1 another answer");
    assert!(!again.seen().iter().any(|line| line.starts_with('+')), "{:?}", again.seen());
}

#[tokio::test]
async fn a_draft_whose_outcome_was_lost_is_looked_up() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig(dir.path(), None, true).await;
    rig.senders.will_answer(Err(SendError::uncertain("cut", "the line was cut")));
    let there = Receipt { message: Some("d".into()), ..Receipt::default() };
    rig.senders.known.lock().unwrap().push_back(Some(Reconciled::Sent(there)));
    rig.accept(message("1", "42", "grow")).await;
    rig.grows("first words");
    rig.until_asked(1).await;
    rig.grows("first words and last");
    rig.until_asked(2).await;
    rig.turns.off.notify_one();
    rig.until_settled().await;
    assert_eq!(rig.seen().last().unwrap(), "d first words and last");
}

#[tokio::test]
async fn an_answer_longer_than_its_draft_goes_on_in_more_messages() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig(dir.path(), None, true).await;
    let (start, end) = ("a".repeat(350), "b".repeat(300));
    rig.accept(message("1", "42", "grow")).await;
    rig.grows(&start);
    rig.until_asked(1).await;
    rig.grows(&format!("{start}\n\n{end}"));
    rig.turns.off.notify_one();
    rig.until_settled().await;
    assert_eq!(rig.seen(), [format!("+ {start}"), format!("out-1 {start}"), format!("+ {end}")]);
}

#[tokio::test]
async fn nothing_begins_among_the_parts_of_the_answer_before() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { text_max: 400, target_interval_ms: 500, ..Limits::default() };
    let senders = FakeSenders { limits, edits: true, ..FakeSenders::default() };
    let rig = Rig::start(dir.path(), senders, Clock::system()).await;
    let (start, end) = ("a".repeat(350), "b".repeat(300));
    rig.accept(message("1", "42", &format!("{start}\n\n{end}"))).await;
    rig.grows("next");
    rig.accept(message("2", "42", "grow")).await;
    rig.until_asked(3).await;
    rig.turns.off.notify_one();
    rig.until_settled().await;
    assert_eq!(rig.seen()[..3], [format!("+ echo {start}"), format!("+ {end}"), "+ next".into()]);
}

#[tokio::test]
async fn a_draft_that_was_deleted_does_not_cost_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig(dir.path(), None, true).await;
    rig.senders.will_answer(Ok(Receipt { message: Some("gone".into()), ..Receipt::default() }));
    rig.senders.will_answer(Err(SendError::permanent("unknown_message", "it was deleted")));
    rig.accept(message("1", "42", "grow")).await;
    rig.grows("words");
    rig.until_asked(1).await;
    rig.turns.off.notify_one();
    rig.until_settled().await;
    assert_eq!(rig.seen(), ["+ words", "gone words", "+ words"]);
    assert_eq!(rig.messages.counters().sent, 1);
}

#[tokio::test]
async fn blocks_go_out_as_paragraphs_end_and_the_answer_is_what_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig(dir.path(), Some(Streaming::Block), false).await;
    let first = format!("{}\n\n{}", "one ".repeat(20).trim(), "two ".repeat(20).trim());
    rig.accept(message("1", "42", "grow")).await;
    rig.grows(&format!("{first}\n\nand then"));
    rig.until_asked(1).await;
    rig.grows(&format!("{first}\n\nand then the end"));
    rig.turns.off.notify_one();
    rig.until_settled().await;
    assert_eq!(rig.seen(), [format!("+ {first}"), "+ and then the end".to_owned()]);
}

#[tokio::test]
async fn final_and_channels_that_cannot_edit_say_it_once() {
    for (streaming, edits) in [(Some(Streaming::Final), true), (Some(Streaming::Draft), false)] {
        let dir = tempfile::tempdir().unwrap();
        let rig = rig(dir.path(), streaming, edits).await;
        rig.accept(message("1", "42", "grow")).await;
        rig.grows("words");
        rig.until_ran(1).await;
        rig.turns.off.notify_one();
        rig.until_settled().await;
        assert_eq!(rig.seen(), ["+ words"], "{streaming:?}");
    }
}
