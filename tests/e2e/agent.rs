//! `agent` answers twice, `agent.wait` waits, and the same key is the same run.

use harness::{Gateway, Options};
use serde_json::{Value, json};

const SLOW: &str = "[agent]\necho_pace_ms = 250";

fn ask(message: &str, key: &str) -> Value {
    json!({ "message": message, "sessionKey": "agent:main:main", "idempotencyKey": key })
}

#[tokio::test]
async fn it_answers_at_once_and_at_the_end() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let (accepted, done) = client.call_two_stage("agent", ask("good morning", "run-1")).await;

    assert_eq!(accepted["runId"], "run-1");
    assert_eq!(accepted["status"], "accepted");
    assert_eq!(accepted["sessionKey"], "agent:main:main");
    assert!(accepted["acceptedAt"].is_u64(), "{accepted}");
    assert_eq!(done["runId"], "run-1");
    assert_eq!(done["status"], "ok");
    assert_eq!(done["summary"], "completed");
    let text = done["result"]["payloads"][0]["text"].as_str().expect("the reply's text");
    assert!(text.contains("good morning"), "{text}");
}

#[tokio::test]
async fn its_events_tell_the_run_from_start_to_end() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    client.call_two_stage("agent", ask("one two three", "run-1")).await;
    client.call_two_stage("agent", ask("a fence", "run-2")).await;

    let events = client.take_events();
    let mine = events.iter().filter(|e| e.name == "agent" && e.payload["runId"] == "run-1");
    let mine: Vec<&Value> = mine.map(|event| &event.payload).collect();
    let numbers: Vec<u64> = mine.iter().filter_map(|p| p["seq"].as_u64()).collect();
    assert!(numbers.is_sorted() && numbers.first() == Some(&1), "{numbers:?}");
    assert_eq!(numbers.len(), mine.len(), "every event of a run is numbered");

    let phases: Vec<&str> = mine
        .iter()
        .filter(|payload| payload["stream"] == "lifecycle")
        .filter_map(|payload| payload["data"]["phase"].as_str())
        .collect();
    assert_eq!(phases.first(), Some(&"start"), "{phases:?}");
    assert_eq!(phases.last(), Some(&"end"), "{phases:?}");
    let said = mine.iter().rfind(|payload| payload["stream"] == "assistant");
    let text = said.and_then(|payload| payload["data"]["text"].as_str());
    assert!(text.is_some_and(|text| text.contains("one two three")), "{mine:?}");
}

#[tokio::test]
async fn waiting_ends_with_the_run_or_with_the_time() {
    let gateway = Gateway::start(Options::default().config(SLOW)).await;
    let mut client = gateway.client().await;
    let wait = |run: &str, ms: u64| json!({ "runId": run, "timeoutMs": ms });

    let unknown = client.call("agent.wait", wait("nobody", 50)).await;
    assert_eq!(unknown, json!({ "runId": "nobody", "status": "timeout" }));

    client.call("agent", ask("take your time with these words", "run-1")).await;
    let early = client.call("agent.wait", wait("run-1", 50)).await;
    assert_eq!(early["status"], "timeout");
    let done = client.call("agent.wait", wait("run-1", 30_000)).await;
    assert_eq!(done["runId"], "run-1");
    assert_eq!(done["status"], "ok");
    assert!(done["endedAt"].is_u64(), "{done}");
    let later = client.call("agent.wait", wait("run-1", 50)).await;
    assert_eq!(later["status"], "ok", "an end is remembered");
}

#[tokio::test]
async fn the_same_key_is_the_same_run() {
    let gateway = Gateway::start(Options::default().config(SLOW)).await;
    let mut client = gateway.client().await;
    let first = client.request("agent", ask("only once please", "run-1")).await;
    client.response(&first).await.expect("it is accepted");

    let joined = client.call("agent", ask("only once please", "run-1")).await;
    assert_eq!(joined["status"], "in_flight");
    let done = client.response(&first).await.expect("it ends well");
    assert_eq!(done["status"], "ok");
    let replayed = client.call("agent", ask("only once please", "run-1")).await;
    assert_eq!(replayed["status"], "ok", "the outcome is one response: {replayed}");
    assert_eq!(replayed["result"], done["result"]);

    let history = client.call("chat.history", json!({ "sessionKey": "agent:main:main" })).await;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(2), "it ran once: {history}");
}

#[tokio::test]
async fn it_insists_on_a_key_and_a_message() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    for (params, missing) in [
        (json!({ "message": "hello" }), "idempotencyKey"),
        (json!({ "idempotencyKey": "run-1" }), "message"),
    ] {
        let error = client.refused("agent", params).await;
        assert_eq!(error.code, "INVALID_REQUEST");
        let expected = format!("invalid agent params: must have required property '{missing}'");
        assert!(error.message.starts_with(&expected), "{}", error.message);
    }
}
