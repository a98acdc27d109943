//! From an event to its answer.

use super::{FakeSenders, Rig, crash_image, message};
use crate::{
    clock::Clock,
    messages::PairingError,
    plugins::{Inbox, PluginEvent},
    store::{Store, StoreError, journal, records, transcripts},
};
use jackfield_plugin_api::{
    attachment::Attachment,
    event::{ConversationKind, Event},
    frame::Accepted,
    id::MessageId,
    outbound::Outbound,
};

const LANE: &str = "agent:main:line:direct:42";

#[tokio::test]
async fn stored_means_on_disk_with_the_cursor() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    assert_eq!(rig.accept(message("1", "42", "hang")).await, Accepted::Stored);
    let image = crash_image(dir.path());
    let store = Store::open(image.path()).unwrap();
    let (row, cursors) =
        store.read(|c| Ok((journal::head(c, LANE)?, journal::cursors(c, "line")?))).await.unwrap();
    assert_eq!(row.unwrap().dedupe_key, "1");
    assert_eq!(cursors, [("default".into(), String::new(), "1".into())]);
}

#[tokio::test]
async fn an_event_is_answered_once_however_often_it_comes() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    let long = "k".repeat(5000);
    for key in ["1", &long] {
        assert_eq!(rig.accept(message(key, "42", "hi")).await, Accepted::Stored);
        assert_eq!(rig.accept(message(key, "42", "hi")).await, Accepted::Duplicate);
    }
    rig.until_settled().await;
    let image = crash_image(dir.path());
    let again = Rig::plain(image.path()).await;
    assert_eq!(again.accept(message("1", "42", "hi")).await, Accepted::Duplicate);
    again.until_settled().await;
    assert_eq!(rig.senders.texts(), ["echo hi"; 2]);
    assert_eq!(again.senders.texts(), [""; 0]);
    assert_eq!(rig.messages.counters().duplicates, 2);
}

#[tokio::test]
async fn after_a_kill_the_open_turn_runs_and_the_finished_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.accept(message("1", "42", "first")).await;
    rig.until_settled().await;
    rig.accept(message("2", "42", "hang")).await;
    rig.accept(message("3", "42", "third")).await;
    rig.until_ran(2).await;
    let image = crash_image(dir.path());
    let again = Rig::plain(image.path()).await;
    again.until_ran(1).await;
    assert_eq!(again.ran(), ["hang"], "the lane's order holds after the kill");
    assert_eq!(again.messages.backlog().await.unwrap().inbound_pending, 2);
    let key = transcripts::Filter::default();
    let known = again.store.read(move |c| transcripts::list(c, &key)).await.unwrap().0;
    assert_eq!(known[0].session_key, LANE);
    assert_eq!(known[0].display_name.as_deref(), Some("Ann"));
    assert_eq!(known[0].route.as_ref().unwrap()["to"]["conversation"], "chat-42");
}

#[tokio::test]
async fn one_conversation_in_order_others_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.accept(message("1", "42", "hang")).await;
    rig.accept(message("2", "42", "waits")).await;
    let open =
        |key: &str, from: &str| PluginEvent { channel: "open".into(), ..message(key, from, key) };
    for n in 0..20 {
        rig.accept(open(&format!("a{n:02}"), "7")).await;
    }
    rig.until(|backlog| backlog.inbound_pending == 2).await;
    let ran = rig.ran();
    let of_seven: Vec<_> = ran.iter().filter(|text| text.starts_with('a')).collect();
    assert!(of_seven.is_sorted() && of_seven.len() == 20, "{ran:?}");
    assert!(!ran.contains(&"waits".to_owned()));
}

#[tokio::test]
async fn a_failed_turn_is_answered_with_an_apology_and_over() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.accept(message("1", "42", "fail")).await;
    rig.accept(message("2", "42", "silent")).await;
    rig.accept(message("3", "42", "go on")).await;
    rig.until_settled().await;
    assert_eq!(rig.senders.texts(), [super::super::adopt::APOLOGY, "echo go on"]);
    assert_eq!(rig.messages.counters().turns, 3);
}

#[tokio::test]
async fn what_cannot_be_worked_off_lets_the_next_one_pass() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.accept(message("1", "42", "hang")).await;
    rig.accept(message("2", "42", "tried too often")).await;
    rig.accept(message("3", "42", "fine")).await;
    rig.until_ran(1).await;
    rig.store
        .write(|c| {
            c.execute("UPDATE ingress SET payload = '{' WHERE dedupe_key = '1'", [])?;
            for _ in 0..8 {
                journal::begin(c, 2)?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let image = crash_image(dir.path());
    let again = Rig::plain(image.path()).await;
    again.until_settled().await;
    assert_eq!(again.ran(), ["fine"]);
    let dead = again.messages.dead_list(10).await.unwrap();
    assert_eq!(dead.iter().map(|row| row.dedupe_key.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert!(dead[0].note.as_ref().unwrap().contains("cannot be read"));
    assert_eq!(again.messages.counters().dead, 2);
    assert!(again.messages.dead_drop(dead[0].seq).await.unwrap());
    assert!(again.messages.dead_retry(dead[1].seq).await.unwrap());
    assert!(!again.messages.dead_retry(dead[1].seq).await.unwrap());
    again.until_settled().await;
    assert_eq!(again.ran(), ["fine", "tried too often"]);
    assert_eq!(again.messages.backlog().await.unwrap().inbound_dead, 0);
}

#[tokio::test]
async fn a_turn_that_was_not_stored_is_put_off_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.accept(message("1", "42", "lost")).await;
    let row = loop {
        let row = rig.store.read(|c| journal::head(c, LANE)).await.unwrap().unwrap();
        if row.not_before_ms > 0 {
            break row;
        }
    };
    assert_eq!(row.attempts, 1);
    assert!(row.note.is_some());
    assert_eq!(rig.messages.counters().turns, 0);
}

#[tokio::test]
async fn a_stranger_gets_a_code_once_and_is_let_in_by_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    for key in ["1", "2"] {
        assert_eq!(rig.accept(message(key, "7", "let me in")).await, Accepted::Stored);
    }
    assert_eq!(rig.accept(message("1", "7", "let me in")).await, Accepted::Duplicate);
    rig.until_settled().await;
    assert_eq!(rig.ran(), [""; 0]);
    let texts = rig.senders.texts();
    let [text] = texts.as_slice() else { panic!("{texts:?}") };
    let code = text.split("code is ").nth(1).unwrap()[..8].to_owned();
    let wrong = rig.messages.pairing_approve("line", None, "AAAAAAAA").await;
    assert!(matches!(wrong, Err(PairingError::NotFound)), "{wrong:?}");
    assert_eq!(rig.messages.pairing_list().await.unwrap().len(), 1);
    let paired = rig.messages.pairing_approve("line", None, &code).await.unwrap();
    assert_eq!(paired.sender_id, "7");
    rig.accept(message("3", "7", "thanks")).await;
    rig.until_settled().await;
    assert_eq!(rig.ran(), ["thanks"]);
    let image = crash_image(dir.path());
    let again = Rig::plain(image.path()).await;
    assert_eq!(again.messages.approved_senders().await.unwrap()[0].sender_id, "7");
    assert!(again.messages.revoke_sender("line", "default", "7").await.unwrap());
    again.accept(message("4", "7", "still here?")).await;
    again.until_settled().await;
    assert_eq!(again.ran(), [""; 0]);
    assert_eq!((rig.messages.counters().refused, rig.messages.counters().accepted), (2, 1));
}

#[tokio::test]
async fn in_a_group_the_answer_quotes_the_message_and_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    let mut event = PluginEvent { channel: "open".into(), ..message("1", "42", "") };
    if let Event::Message(message) = &mut event.body {
        message.place.kind = ConversationKind::Group;
        message.mentioned = true;
        message.attachments = vec![Attachment {
            name: Some("a]\n[b".into()),
            mime: Some("image/png".into()),
            ..Attachment::default()
        }];
    }
    rig.accept(event).await;
    rig.until(|backlog| backlog.inbound_pending == 0).await;
    assert_eq!(
        rig.ran(),
        ["[attachment a___b image/png: not available, the channel says not where it is]"]
    );
    let body = rig
        .store
        .read(|c| c.query_row("SELECT body FROM outbox", [], |row| row.get::<_, String>(0)))
        .await
        .unwrap();
    let Outbound::Message { reply_to, .. } = serde_json::from_str(&body).unwrap() else {
        panic!("{body}")
    };
    assert_eq!(reply_to, Some(MessageId::from("1")));
}

#[tokio::test]
async fn a_full_disk_refuses_and_the_cursor_waits_for_what_was_refused() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path(), FakeSenders::default(), Clock::system()).await;
    let pages: i64 =
        rig.store.read(|c| c.query_row("PRAGMA page_count", [], |row| row.get(0))).await.unwrap();
    let limit = |pages: i64| {
        rig.store
            .read(move |c| c.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())))
    };
    limit(pages + 2).await.unwrap();
    let big = message("1", "42", &"x".repeat(100_000));
    assert_eq!(rig.accept(big.clone()).await, Accepted::Refused);
    let refused = PluginEvent { channel: "line".into(), ..message("2", "stranger-bot", "s") };
    assert_eq!(rig.accept(refused).await, Accepted::Stored);
    assert!(rig.messages.cursors("line").await.is_empty());
    limit(pages + 1000).await.unwrap();
    assert_eq!(rig.accept(big).await, Accepted::Stored);
    assert_eq!(rig.accept(message("3", "42", "last")).await, Accepted::Stored);
    assert_eq!(rig.messages.cursors("line").await[0].cursor.value, "3");
    assert_eq!(rig.messages.counters().unavailable, 1);
}

#[tokio::test]
async fn a_failed_store_acknowledges_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    let failure = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_WRITE);
    let failed =
        rig.store.write(move |_| Err::<(), _>(rusqlite::Error::SqliteFailure(failure, None))).await;
    assert!(matches!(failed, Err(StoreError::Failed(_))));
    assert_eq!(rig.accept(message("1", "42", "hi")).await, Accepted::Refused);
    assert_eq!(rig.ran(), [""; 0]);
}

#[tokio::test]
async fn an_event_that_cannot_be_decided_on_becomes_a_dead_letter() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.store
        .write(|c| records::put(c, "channel-pairing", "damaged", &"not a request", 1))
        .await
        .unwrap();
    assert_eq!(rig.accept(message("1", "7", "hello")).await, Accepted::Stored);
    assert_eq!(rig.accept(message("1", "7", "hello")).await, Accepted::Duplicate);
    assert_eq!(rig.accept(message("2", "42", "hi")).await, Accepted::Stored);
    rig.until_settled().await;
    assert_eq!(rig.ran(), ["hi"]);
    assert_eq!(rig.messages.cursors("line").await[0].cursor.value, "2");
    assert_eq!(rig.messages.dead_list(10).await.unwrap()[0].dedupe_key, "1");
}

#[tokio::test]
async fn while_a_turn_runs_the_sender_sees_typing() {
    let dir = tempfile::tempdir().unwrap();
    let senders = FakeSenders { types: true, ..FakeSenders::default() };
    let rig = Rig::start(dir.path(), senders, Clock::system()).await;
    rig.accept(message("1", "42", "hang")).await;
    rig.until_ran(1).await;
    while rig.senders.texts().is_empty() {
        tokio::task::yield_now().await;
    }
    let asked = rig.senders.asked.lock().unwrap()[0].body.clone();
    assert!(matches!(asked, Outbound::Typing { on: true, .. }), "{asked:?}");
    assert_eq!(rig.messages.counters().sends, 0);
}

#[tokio::test]
async fn a_pairing_of_one_account_opens_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.accept(message("1", "7", "let me in")).await;
    let waiting = rig.messages.pairing_list().await.unwrap();
    rig.messages.pairing_approve("line", None, &waiting[0].request_id).await.unwrap();
    let elsewhere = PluginEvent { account: "work".into(), ..message("2", "7", "and here?") };
    rig.accept(elsewhere).await;
    rig.accept(message("3", "7", "here I am")).await;
    rig.until_settled().await;
    assert_eq!(rig.ran(), ["here I am"]);
}

#[tokio::test]
async fn bots_that_answer_each_other_come_to_an_end_until_a_person_speaks() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    let say = |n: u32, bot: bool| {
        let mut event = message(&n.to_string(), "42", &n.to_string());
        if let Event::Message(message) = &mut event.body {
            message.sender.bot = bot;
        }
        rig.accept(event)
    };
    for n in 0..9 {
        say(n, true).await;
    }
    rig.until_settled().await;
    assert_eq!(rig.ran().len(), 6, "{:?}", rig.ran());
    say(20, false).await;
    say(21, true).await;
    rig.until_settled().await;
    assert_eq!(rig.ran()[6..], ["20", "21"]);
}
