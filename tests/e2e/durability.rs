//! What was acknowledged survives a power cut: nothing is lost, nothing is answered twice.

use harness::{
    Gateway, Options,
    line::{Heard, Person, line_port},
};
use serde_json::json;

/// Slow enough that no run has ended when the cut comes.
const SLOW: &str = "[agent]\necho_pace_ms = 300";

/// The text of the next message that answers `to`, and how many answers to others came before.
async fn answers_until(person: &mut Person, to: &str) -> Vec<String> {
    let mut answers = Vec::new();
    loop {
        let text = person.message().await;
        let last = text.contains(to);
        answers.push(text);
        if last {
            return answers;
        }
    }
}

#[tokio::test]
async fn an_acknowledged_line_is_answered_once_after_a_crash() {
    let options = Options::default().line_channel("process", "").config(SLOW);
    let mut gateway = Gateway::start(options).await;
    let port = line_port(&mut gateway.client().await).await;
    let people: Vec<String> = (0..5).map(|n| format!("person-{n}")).collect();
    for name in &people {
        let mut person = Person::connect(port, name).await;
        let before = person.say_and_wait("m1", "alpha beta gamma delta epsilon").await;
        assert!(before.is_empty(), "{name}: the acknowledgement comes first: {before:?}");
    }
    gateway.kill().await;
    gateway.start_again().await;

    let port = line_port(&mut gateway.client().await).await;
    for name in &people {
        let mut person = Person::connect(port, name).await;
        let again = person.say_and_wait("m1", "alpha beta gamma delta epsilon").await;
        // A platform that saw no acknowledgement delivers again; that is no new message. The next
        // one of the same conversation is answered after everything before it.
        person.say("m2", "fence").await;
        let mut heard: Vec<String> = again.into_iter().filter_map(text_of).collect();
        heard.extend(answers_until(&mut person, "fence").await);
        let first = heard.iter().filter(|text| text.contains("epsilon")).count();
        assert_eq!((first, heard.len()), (1, 2), "{name} heard {heard:?}");
    }
}

fn text_of(heard: Heard) -> Option<String> {
    match heard {
        Heard::Message { text, .. } => Some(text),
        _ => None,
    }
}

#[tokio::test]
async fn what_was_sent_is_not_sent_again_after_a_crash() {
    let mut gateway = Gateway::start(Options::default().line_channel("process", "")).await;
    let mut client = gateway.client().await;
    let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
    ada.say_and_wait("m1", "hello").await;
    ada.message().await;
    let send = |message: &str, key: &str| json!({ "channel": "line", "to": "ada", "message": message, "idempotencyKey": key });
    client.call("send", send("once", "key-1")).await;
    assert_eq!(ada.message().await, "once");

    gateway.kill().await;
    gateway.start_again().await;
    let mut client = gateway.client().await;
    let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
    ada.say_and_wait("m2", "hello again").await;
    let heard = answers_until(&mut ada, "hello again").await;
    assert_eq!(heard.len(), 1, "the old message is not said again: {heard:?}");
    client.call("send", send("twice", "key-2")).await;
    assert_eq!(ada.message().await, "twice");
}

#[tokio::test]
async fn a_conversation_survives_a_crash() {
    let mut gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let ask = json!({ "message": "keep me", "sessionKey": "main", "idempotencyKey": "run-1" });
    client.call_two_stage("agent", ask).await;
    let history = json!({ "sessionKey": "agent:main:main" });
    let before = client.call("chat.history", history.clone()).await["messages"].clone();

    gateway.kill().await;
    gateway.start_again().await;
    let after = gateway.client().await.call("chat.history", history).await["messages"].clone();
    assert_eq!(before, after);
    assert_eq!(after.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_gateway_that_stops_says_so_and_comes_back_with_everything() {
    let mut gateway = Gateway::start(Options::default().line_channel("process", "")).await;
    let mut client = gateway.client().await;
    line_port(&mut client).await;
    let children = gateway.children();
    assert!(!children.is_empty(), "the plugin has a process");
    gateway.stop().await;
    let told = client.event(|event| event.name == "shutdown").await;
    assert!(told.payload["reason"].is_string(), "{told:?}");
    assert_eq!(
        client.end().await,
        harness::Incoming::Closed { code: 1012, reason: "service restart".to_owned() }
    );
    assert!(children.iter().all(|pid| harness::gateway::is_gone(*pid)), "no process is left");

    gateway.start_again().await;
    line_port(&mut gateway.client().await).await;
}
