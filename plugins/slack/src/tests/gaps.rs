//! Looking back after a time without a connection: pages, threads, limits.

use super::slack::{Answer, FakeSlack, Quick};
use jackfield_plugin_api::{
    Resume,
    event::Event,
    frame::{Accepted, Cursor, State, StoredCursor},
    serde_json::{Value, json},
    testing::{FakeHost, run},
};
use std::time::{SystemTime, UNIX_EPOCH};

/// The id of a message so many seconds ago.
fn ts(back: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    format!("{}.000100", now - back)
}

fn message(text: &str, ts: &str, thread: Option<&str>) -> Value {
    let mut message = json!({ "type": "message", "user": "U2147483697", "text": text, "ts": ts });
    if let Some(thread) = thread {
        message["thread_ts"] = json!(thread);
    }
    message
}

fn page(messages: &[Value], next: &str) -> Answer {
    Answer::Json(json!({
        "ok": true, "messages": messages, "has_more": !next.is_empty(),
        "response_metadata": { "next_cursor": next },
    }))
}

/// A life that left off at this cursor, with these threads.
async fn resumed(slack: &FakeSlack, cursor: &str, threads: Value) -> FakeHost<Quick> {
    let cursor = Cursor { stream: "C024BE91L".to_owned(), value: cursor.to_owned() };
    let data = json!({ "threads": { "default": threads } });
    let resume = Resume {
        state: Some(State { schema: 1, data }),
        cursors: vec![StoredCursor { account: "default".into(), cursor }],
    };
    FakeHost::<Quick>::try_start(slack.socket_table(), resume).await.unwrap()
}

async fn heard(host: &mut FakeHost<Quick>, n: usize) -> Vec<(String, String)> {
    let mut heard = Vec::new();
    for _ in 0..n {
        let event = host.event().await;
        let Event::Message(message) = &event.body else { panic!("a message") };
        let thread = message.place.thread.as_ref().map_or("", |thread| thread.as_str());
        heard.push((message.text.clone(), thread.to_owned()));
        event.answer(Accepted::Stored);
    }
    heard
}

#[test]
fn a_limit_is_waited_for_and_all_pages_are_read_in_order() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let pages = [
            Answer::Limited(0),
            page(&[message("third", &ts(10), None), message("second", &ts(20), None)], "more"),
            page(&[message("first", &ts(30), None)], ""),
        ];
        slack.prepare("conversations.history", pages);
        let mut host = resumed(&slack, &format!("{} c", ts(60)), json!([])).await;
        let _line = slack.socket().await;
        let texts: Vec<String> = heard(&mut host, 3).await.into_iter().map(|(t, _)| t).collect();
        assert_eq!(texts, ["first", "second", "third"]);
        assert_eq!(slack.call("conversations.history", 3).await.form["cursor"], "more");
    });
}

#[test]
fn threads_that_went_on_are_read_as_well() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let (seen, parent, followed, last) = (ts(60), ts(50), ts(5000), ts(6000));
        let mut answered = message("a question", &parent, Some(&parent));
        answered["latest_reply"] = json!(ts(10));
        slack.prepare("conversations.history", [page(&[answered.clone()], "")]);
        let reply = |text: &str, back: u64, thread: &str| {
            // The first message of a thread comes along, however old it is.
            page(
                &[message("old", thread, Some(thread)), message(text, &ts(back), Some(thread))],
                "",
            )
        };
        slack.prepare(
            "conversations.replies",
            [
                reply("where the account wrote last", 40, &last),
                reply("where it writes", 30, &followed),
                reply("an answer", 20, &parent),
            ],
        );
        let cursor = format!("{seen} c {last}");
        let threads = json!([["C024BE91L", followed], ["C0ELSEWHERE", "1.1"]]);
        let mut host = resumed(&slack, &cursor, threads).await;
        let _line = slack.socket().await;
        let expected = [
            ("a question", &parent),
            ("where the account wrote last", &last),
            ("where it writes", &followed),
            ("an answer", &parent),
        ];
        let expected = expected.map(|(text, thread)| (text.to_owned(), thread.clone()));
        assert_eq!(heard(&mut host, 4).await, expected);
        let asked = slack.calls("conversations.replies");
        assert_eq!(asked.len(), 3, "{asked:?}");
        assert!(asked.iter().all(|call| call.form["oldest"] == seen));
    });
}
