//! Files that clients send along, and those that a plugin brings from its platform.

use base64::{Engine, engine::general_purpose::STANDARD};
use harness::{
    Exchange, Gateway, Options, eventually,
    line::{Person, line_port},
};
use serde_json::{Value, json};
use std::fs;

#[tokio::test]
async fn a_file_of_a_client_reaches_the_agent_and_stays_in_the_conversation() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let file = |content: &str| json!({ "type": "file", "mimeType": "text/plain", "fileName": "notes.txt", "content": content });
    let ask = |key: &str, files: Value| json!({ "sessionKey": "main", "message": "read this", "idempotencyKey": key, "attachments": files });
    let wrong = client.refused("chat.send", ask("1", json!([file("not base64!")]))).await;
    assert!(wrong.message.contains("attachments[0].content"), "{wrong:?}");
    let many: Vec<Value> = (0..9).map(|_| file("eA==")).collect();
    let wrong = client.refused("chat.send", ask("2", json!(many))).await;
    assert!(wrong.message.contains("8 files"), "{wrong:?}");

    let words = STANDARD.encode("all my notes");
    client.call("chat.send", ask("3", json!([file(&words)]))).await;
    let done = client.event(|e| e.name == "chat" && e.payload["state"] == "final").await;
    let answer = done.payload["message"]["content"][0]["text"].as_str().unwrap_or_default();
    assert!(answer.contains("notes.txt text/plain, 12 bytes"), "the agent was told: {answer}");
    let history = client.call("chat.history", json!({ "sessionKey": "main" })).await;
    let said = &history["messages"][0];
    assert_eq!(said["content"][0]["text"], "read this", "{said}");
    let kept = &said["attachments"][0];
    assert_eq!((&kept["fileName"], &kept["sizeBytes"]), (&json!("notes.txt"), &json!(12)));
    let path = kept["path"].as_str().expect("it has a place");
    assert!(path.starts_with(&*gateway.home().join("state/media").to_string_lossy()), "{path}");
    assert_eq!(fs::read_to_string(path).expect("it is there"), "all my notes");
}

#[tokio::test]
async fn a_channel_that_takes_no_files_says_so_and_addresses_must_be_of_the_web() {
    let gateway = Gateway::start(Options::default().line_channel("process", "")).await;
    let mut client = gateway.client().await;
    let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
    ada.say_and_wait("m1", "hello").await;
    let send = |key: &str, with: Value| {
        let mut params = json!({ "channel": "line", "to": "ada", "idempotencyKey": key });
        params.as_object_mut().expect("an object").extend(with.as_object().expect("one").clone());
        params
    };
    let upload = json!({ "buffer": STANDARD.encode("x"), "filename": "x.txt" });
    let error = client.refused("send", send("1", upload)).await;
    assert!(error.message.contains("files"), "{error:?}");
    let error = client.refused("send", send("2", json!({ "mediaUrl": "/etc/passwd" }))).await;
    assert!(error.message.contains("web address"), "{error:?}");
}

#[tokio::test]
async fn a_plugin_brings_the_files_of_its_platform_as_part_of_the_job() {
    for isolation in ["process", "in-process"] {
        let exchange = Exchange::open().await;
        let mut gateway = Gateway::start(Options::default().stand_in(isolation, &exchange)).await;
        let media = gateway.home().join("state/media").to_string_lossy().into_owned();
        let content = |answer: &str| {
            let (_, path) = answer.split_once(" bytes: ").expect(answer);
            let path = path.trim_end_matches(']');
            assert!(path.starts_with(&media), "{isolation}: {path}");
            fs::read_to_string(path).expect("it is there")
        };
        exchange.keep("notes.txt", Some(b"all my notes"));
        exchange.publish("ada", "file:notes.txt read this");
        let answer = exchange.heard("ada", "read this", 1).await.remove(0);
        assert!(answer.contains("[attachment notes.txt text/plain, 12 bytes: "), "{answer}");
        assert_eq!(content(&answer), "all my notes", "{isolation}");

        exchange.keep("lost.txt", None);
        exchange.publish("ada", "file:lost.txt and that");
        let answer = exchange.heard("ada", "and that", 1).await.remove(0);
        assert!(answer.contains("not available, the platform lost it"), "{isolation}: {answer}");
        let status = gateway.client().await.call("status", json!({})).await;
        assert_eq!(status["messages"]["mediaMissing"], 1, "{isolation}: {status}");

        // The message is kept though its file is not there yet; a kill takes neither.
        exchange.publish("bob", "file:late.txt keep it");
        eventually("the file is asked for", async || {
            (exchange.wanted("late.txt") > 0).then_some(())
        })
        .await;
        gateway.kill().await;
        exchange.keep("late.txt", Some(b"better late"));
        gateway.start_again().await;
        let answers = exchange.heard("bob", "keep it", 1).await;
        assert_eq!(content(&answers[0]), "better late", "{isolation}");
        assert_eq!(answers.len(), 1, "{isolation}: answered once: {answers:?}");
    }
}
