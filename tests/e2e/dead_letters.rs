//! Accepted messages that cannot be worked off: they block nobody, and a person decides on them.

use harness::{
    Gateway, Options, Terminal,
    line::{Person, line_port},
    node,
};
use serde_json::{Value, json};

/// Slow enough that no run has ended when the cut comes.
const SLOW: &str = "[agent]\necho_pace_ms = 300";

/// A gateway on whose last life two messages went bad: one cannot be read, one was tried too often.
async fn with_two_dead() -> Gateway {
    let options = Options::default().line_channel("process", "").config(SLOW);
    let mut gateway = Gateway::start(options).await;
    let port = line_port(&mut gateway.client().await).await;
    for (name, text) in [("ada", "alpha beta gamma delta"), ("bob", "one two three four")] {
        let mut person = Person::connect(port, name).await;
        person.say_and_wait("m1", text).await;
    }
    gateway.kill().await;
    let database = gateway.home().join("state/journal.db").display().to_string();
    for sql in [
        "UPDATE ingress SET payload = '{' WHERE state = 'pending' AND payload LIKE '%alpha beta%'",
        "UPDATE ingress SET attempts = 99 WHERE state = 'pending' AND payload LIKE '%one two%'",
    ] {
        assert_eq!(
            node::run("damage.mjs", &[&database, sql]).await,
            json!({ "changes": 1 }),
            "{sql}"
        );
    }
    gateway.start_again().await;
    gateway
}

async fn dead(terminal: &Terminal, count: usize) -> Vec<Value> {
    harness::eventually("the messages are given up on", async || {
        let list = terminal.document(&["messages", "dead", "list"]).await;
        let rows = list["messages"].as_array().cloned().unwrap_or_default();
        (rows.len() == count && list["total"] == count).then_some(rows)
    })
    .await
}

#[tokio::test]
async fn they_are_listed_shown_retried_and_dropped() {
    let gateway = with_two_dead().await;
    let terminal = Terminal::beside(&gateway);
    let rows = dead(&terminal, 2).await;
    let number = |row: &Value| row["seq"].to_string();
    let (unreadable, tired) = (number(&rows[0]), number(&rows[1]));

    let list = terminal.done(&["messages", "dead", "list"]).await;
    assert!(list.contains("cannot be read") && list.contains("line/default"), "{list}");
    let whole = terminal.document(&["messages", "dead", "show", &unreadable]).await;
    assert_eq!(whole["payload"], "{", "what it holds is shown as it stands: {whole}");
    let page = terminal.done(&["messages", "dead", "show", &tired]).await;
    assert!(page.contains("one two three four"), "{page}");

    terminal.done(&["messages", "dead", "retry", &tired]).await;
    let port = line_port(&mut gateway.client().await).await;
    let mut person = Person::connect(port, "bob").await;
    let answer = person.message().await;
    assert!(answer.contains("one two three four"), "{answer}");
    let rows = dead(&terminal, 1).await;
    assert_eq!(number(&rows[0]), unreadable);
    terminal.done(&["messages", "dead", "drop", &unreadable]).await;
    dead(&terminal, 0).await;
    let said = terminal.done(&["messages", "dead", "list"]).await;
    assert_eq!(said, "No dead messages.\n");
    for verb in ["show", "retry", "drop"] {
        let gone = terminal.run(&["messages", "dead", verb, &unreadable]).await;
        assert_eq!(gone.code, 1, "{verb}");
        assert!(gone.err.contains("no dead message has the number"), "{verb}: {}", gone.err);
    }
}

#[tokio::test]
async fn they_block_nobody() {
    let gateway = with_two_dead().await;
    dead(&Terminal::beside(&gateway), 2).await;
    let port = line_port(&mut gateway.client().await).await;
    let mut person = Person::connect(port, "ada").await;
    person.say("m2", "fence").await;
    let answer = person.message().await;
    assert!(answer.contains("fence"), "the same conversation goes on: {answer}");
}
