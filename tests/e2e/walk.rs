//! Both walks of the design, end to end, through a real library and a real socket.
//!
//! **In.** A person writes a line → the example's `receive` side → `Host::emit` → the ABI → the
//! gateway's journal (committed) → `ACK` on the line → the conversation's lane → the agent → the
//! outbox → the ABI → the plugin → a line to the person.
//!
//! **Out.** `send` on the wire → outbox (committed) → the ABI → the plugin → a line to the person →
//! the receipt → the response.

use harness::{
    Gateway, Options,
    line::{Heard, Person, line_port},
};
use serde_json::json;

const ISOLATIONS: [&str; 2] = ["process", "in-process"];

#[tokio::test]
async fn in_a_line_is_kept_answered_and_shown() {
    for isolation in ISOLATIONS {
        let gateway = Gateway::start(Options::default().line_channel(isolation, "")).await;
        let mut client = gateway.client().await;
        let mut ada = Person::connect(line_port(&mut client).await, "ada").await;

        ada.say("m1", "what is a jackfield?\nI wonder").await;
        assert_eq!(ada.hear().await, Heard::Ack("m1".to_owned()), "{isolation}: kept first");
        let reply = ada.message().await;
        assert!(reply.contains("what is a jackfield?\nI wonder"), "{isolation}: {reply}");

        let key = "agent:main:line:direct:ada";
        let done =
            client.event(|event| event.name == "chat" && event.payload["state"] == "final").await;
        assert_eq!(done.payload["sessionKey"], key, "{isolation}");
        let history = client.call("chat.history", json!({ "sessionKey": key })).await;
        let roles: Vec<_> =
            history["messages"].as_array().expect("a list").iter().map(|m| &m["role"]).collect();
        assert_eq!(roles, ["user", "assistant"], "{isolation}: {history}");
    }
}

#[tokio::test]
async fn out_a_send_reaches_the_person_and_answers_with_the_receipt() {
    for isolation in ISOLATIONS {
        let gateway = Gateway::start(Options::default().line_channel(isolation, "")).await;
        let mut client = gateway.client().await;
        let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
        // Once a line is acknowledged, the channel is sure to know who is there.
        ada.say_and_wait("m1", "hello").await;
        ada.message().await;

        let params = json!({
            "channel": "line", "to": "ada", "message": "tea is ready", "idempotencyKey": "send-1",
        });
        let sent = client.call("send", params.clone()).await;
        let Heard::Message { receipt, text } = ada.hear().await else {
            panic!("{isolation}: the person hears it");
        };
        assert_eq!(text, "tea is ready", "{isolation}");
        assert_eq!(sent["messageId"], receipt, "{isolation}: {sent}");
        assert_eq!(sent["channel"], "line", "{isolation}");
        assert_eq!(sent["runId"], "send-1", "{isolation}");

        let replayed = client.call("send", params).await;
        assert_eq!(replayed, sent, "{isolation}: the same key is the same send");
        client
            .call(
                "send",
                json!({ "channel": "line", "to": "line:ada", "message": "come", "idempotencyKey": "2" }),
            )
            .await;
        assert_eq!(ada.message().await, "come", "{isolation}: it was not said twice");
    }
}

#[tokio::test]
async fn people_do_not_wait_for_each_other() {
    let slow = "[agent]\necho_pace_ms = 200";
    let gateway = Gateway::start(Options::default().line_channel("process", "").config(slow)).await;
    let mut client = gateway.client().await;
    let port = line_port(&mut client).await;
    let mut ada = Person::connect(port, "ada").await;
    let mut bob = Person::connect(port, "bob").await;

    ada.say_and_wait("m1", &"word ".repeat(40)).await;
    bob.say_and_wait("m1", "quick").await;
    assert!(bob.message().await.contains("quick"), "while the other run goes on");
    let list = client.call("sessions.list", json!({ "limit": 50 })).await;
    let keys: Vec<_> =
        list["sessions"].as_array().expect("a list").iter().map(|row| &row["key"]).collect();
    assert_eq!(keys.len(), 2, "each has a conversation of their own: {keys:?}");
    let abort = json!({ "sessionKey": "agent:main:line:direct:ada" });
    assert_eq!(client.call("chat.abort", abort).await["aborted"], true, "hers still ran");
}

#[tokio::test]
async fn a_message_to_nobody_is_refused_with_a_reason() {
    let gateway = Gateway::start(Options::default().line_channel("process", "")).await;
    let mut client = gateway.client().await;
    line_port(&mut client).await;
    for params in [
        json!({ "channel": "nowhere", "to": "ada", "message": "hi", "idempotencyKey": "1" }),
        json!({ "channel": "line", "message": "hi", "idempotencyKey": "2" }),
        json!({ "channel": "line", "to": "ada", "message": "hi" }),
    ] {
        let error = client.refused("send", params.clone()).await;
        assert_eq!(error.code, "INVALID_REQUEST", "{params}: {error:?}");
    }
}

#[tokio::test]
async fn a_stranger_gets_a_code_and_no_answer() {
    let options = Options::default()
        .plugin("line-echo")
        .config("[channels.line]\nenabled = true\nlisten = \"127.0.0.1:0\"");
    let gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    let mut eve = Person::connect(line_port(&mut client).await, "eve").await;

    eve.say_and_wait("m1", "let me in please").await;
    let told = eve.message().await;
    assert!(!told.contains("let me in please"), "the agent did not run: {told}");
    let pending = client.call("channels.pairing.list", json!({ "channel": "line" })).await;
    assert_eq!(pending["requests"][0]["senderId"], "eve", "{pending}");
    let is_code = |word: &&str| {
        word.len() == 8 && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    let code = told.split(|c: char| !c.is_ascii_alphanumeric()).find(is_code);
    let code = code.unwrap_or_else(|| panic!("the stranger was told no code: {told}"));

    client.call("channels.pairing.approve", json!({ "channel": "line", "code": code })).await;
    eve.say_and_wait("m2", "and now?").await;
    loop {
        let text = eve.message().await;
        if text.contains("and now?") {
            break;
        }
        assert!(!text.contains("let me in please"), "what came before stays unanswered: {text}");
    }
}
