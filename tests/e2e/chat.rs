//! A conversation on the wire: sending, streaming, history, stopping, asking twice.

use harness::{Client, Event, Gateway, Options};
use serde_json::{Value, json};

const KEY: &str = "agent:main:main";

/// Slow enough that a run is still going on when the play's next request arrives.
const SLOW: &str = "[agent]\necho_pace_ms = 250";

fn send(message: &str, idempotency_key: &str) -> Value {
    json!({ "sessionKey": KEY, "message": message, "idempotencyKey": idempotency_key })
}

fn is_chat(event: &Event, run: &str, state: &str) -> bool {
    event.name == "chat" && event.payload["runId"] == run && event.payload["state"] == state
}

/// Every chat event of a run, up to its terminal one.
async fn chat_of(client: &mut Client, run: &str) -> Vec<Event> {
    let ends = ["final", "aborted", "error"];
    let events = client.events_until(|event| ends.iter().any(|end| is_chat(event, run, end))).await;
    let mine = |event: &Event| event.name == "chat" && event.payload["runId"] == run;
    events.into_iter().filter(mine).collect()
}

fn text(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        other => panic!("a message without content: {other}"),
    }
}

async fn messages(client: &mut Client) -> Vec<Value> {
    let history = client.call("chat.history", json!({ "sessionKey": KEY, "limit": 50 })).await;
    history["messages"].as_array().cloned().expect("messages is a list")
}

#[tokio::test]
async fn a_reply_streams_in_and_ends_once() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let words = "one two three four five";

    let ack = client.call("chat.send", send(words, "run-1")).await;
    assert_eq!(ack["runId"], "run-1");
    assert_eq!(ack["status"], "started");

    let events = chat_of(&mut client, "run-1").await;
    let deltas: Vec<_> = events.iter().filter(|e| e.payload["state"] == "delta").collect();
    assert!(deltas.len() > 1, "it streams: {events:?}");
    let mut so_far = String::new();
    for delta in &deltas {
        let new = delta.payload["deltaText"].as_str().expect("a delta has its new text");
        if delta.payload["replace"] == true {
            so_far.clear();
        }
        so_far.push_str(new);
        assert_eq!(text(&delta.payload["message"]), so_far, "the message is cumulative");
    }
    let last = &events.last().expect("there is a terminal event").payload;
    assert_eq!(last["state"], "final");
    assert_eq!(last["sessionKey"], KEY);
    assert_eq!(text(&last["message"]), so_far, "the final is what was streamed");
    assert!(so_far.contains(words), "the echo says what it was told: {so_far}");

    client.call("health", json!({})).await;
    let more = client.take_events();
    assert!(!more.iter().any(|e| e.name == "chat"), "nothing comes after the end: {more:?}");
}

#[tokio::test]
async fn every_operator_sees_it() {
    let gateway = Gateway::start(Options::default()).await;
    let mut sender = gateway.client().await;
    let mut watcher = gateway.client().await;
    sender.call("chat.send", send("hello there", "run-1")).await;
    let seen = chat_of(&mut watcher, "run-1").await;
    assert_eq!(seen.last().expect("it ends").payload["state"], "final");
}

#[tokio::test]
async fn history_keeps_both_sides_across_a_restart() {
    let mut gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    assert!(messages(&mut client).await.is_empty(), "a new conversation is empty");
    client.call("chat.send", send("remember this", "run-1")).await;
    chat_of(&mut client, "run-1").await;
    let before = messages(&mut client).await;

    gateway.restart().await;
    let mut client = gateway.client().await;
    let after = messages(&mut client).await;
    assert_eq!(before, after, "a restart changes nothing");
    let roles: Vec<_> = after.iter().filter_map(|message| message["role"].as_str()).collect();
    assert_eq!(roles, ["user", "assistant"]);
    assert_eq!(text(&after[0]), "remember this");
    assert!(text(&after[1]).contains("remember this"));
    let id = |message: &Value| message["__openclaw"]["id"].as_str().map(str::to_owned);
    assert!(id(&after[0]).is_some() && id(&after[0]) != id(&after[1]), "{after:?}");

    let list = client.call("sessions.list", json!({ "limit": 50 })).await;
    let keys: Vec<_> = list["sessions"].as_array().expect("a list").iter().collect();
    assert!(keys.iter().any(|row| row["key"] == KEY), "{list}");
}

#[tokio::test]
async fn a_run_can_be_stopped_and_keeps_what_it_said() {
    let gateway = Gateway::start(Options::default().config(SLOW)).await;
    let mut client = gateway.client().await;
    let words = "a b c d e f g h i j k l m n o p q r s t u v w x y z";
    client.call("chat.send", send(words, "run-1")).await;
    client.event(|event| is_chat(event, "run-1", "delta")).await;

    let id = client.request("chat.abort", json!({ "sessionKey": KEY })).await;
    let aborted = client.event(|event| is_chat(event, "run-1", "aborted")).await;
    assert_eq!(aborted.payload["stopReason"], "rpc");
    let answer = client.response(&id).await.expect("a run can be stopped");
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["aborted"], true);
    assert_eq!(answer["runIds"], json!(["run-1"]));

    let again = client.call("chat.abort", json!({ "sessionKey": KEY })).await;
    assert_eq!(again["aborted"], false, "nothing is left to stop");
    let partial = text(&aborted.payload["message"]);
    assert!(!partial.is_empty() && partial.len() < words.len(), "partial: {partial}");
    let kept = messages(&mut client).await;
    assert!(kept.iter().any(|message| text(message) == partial), "{partial}: {kept:?}");
}

#[tokio::test]
async fn the_same_key_is_the_same_run() {
    let gateway = Gateway::start(Options::default().config(SLOW)).await;
    let mut client = gateway.client().await;
    client.call("chat.send", send("count to three", "run-1")).await;

    let joined = client.call("chat.send", send("count to three", "run-1")).await;
    assert_eq!(joined["status"], "in_flight");
    assert_eq!(joined["runId"], "run-1");
    let conflict = client.refused("chat.send", send("something else", "run-1")).await;
    assert_eq!(conflict.code, "INVALID_REQUEST");
    assert_eq!(conflict.details["reason"], "chat-request-conflict");

    chat_of(&mut client, "run-1").await;
    let replayed = client.call("chat.send", send("count to three", "run-1")).await;
    assert_eq!(replayed["status"], "ok", "the outcome is remembered: {replayed}");
    assert_eq!(messages(&mut client).await.len(), 2, "it ran once");
}

#[tokio::test]
async fn runs_of_one_conversation_take_turns() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    for (run, words) in [("run-1", "first in line"), ("run-2", "second in line")] {
        client.call("chat.send", send(words, run)).await;
    }
    let events = client.events_until(|event| is_chat(event, "run-2", "final")).await;
    let position = |run: &str, state: &str| events.iter().position(|e| is_chat(e, run, state));
    assert!(position("run-1", "final") < position("run-2", "delta"), "{events:?}");
    assert!(position("run-1", "final").is_some());
    let replies = messages(&mut client).await;
    let replies = replies.iter().filter(|message| message["role"] == "assistant");
    let replies: Vec<String> = replies.map(text).collect();
    assert_eq!(replies.len(), 2, "{replies:?}");
    assert!(replies[0].contains("first") && replies[1].contains("second"), "{replies:?}");
}
