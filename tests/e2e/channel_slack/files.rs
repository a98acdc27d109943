//! Files of Slack: up by the three calls of an upload, down through the core's limits.

use super::{Slack, started};
use crate::channels::Platform;
use harness::eventually;
use serde_json::json;

#[tokio::test]
async fn files_go_both_ways() {
    let (slack, _gateway, mut client) = started().await;
    // Nine bytes, "the notes", up in three calls.
    let file = json!({
        "channel": "slack", "to": Slack::PEER, "message": "read this", "buffer": "dGhlIG5vdGVz",
        "filename": "notes.txt", "contentType": "text/plain", "idempotencyKey": "file",
    });
    client.call("send", file).await;
    let direct = json!({ "channel": slack.front.told("direct") });
    let shared = eventually("the file is there", async || {
        let heard = slack.control("heard", direct.clone()).await;
        let all = heard["messages"].as_array().expect("a list");
        all.iter().find_map(|message| message["files"].get(0)).cloned()
    })
    .await;
    assert_eq!((&shared["name"], &shared["size"]), (&json!("notes.txt"), &json!(9)), "{shared}");
    let seen = slack.control("read", json!({ "url": shared["url_private"] })).await;
    assert_eq!(seen["content"], "the notes");
    for method in ["files.getUploadURLExternal", "files.completeUploadExternal"] {
        assert_eq!(slack.calls(method).await, 1, "{method}");
    }

    let brought = json!({ "text": "and this?", "name": "answer.txt", "content": "forty-two" });
    assert_eq!(slack.control("share", brought).await["acknowledged"], true);
    let told = slack.hears_in(direct, "answer.txt").await.text;
    assert!(told.contains("and this?") && told.contains("9 bytes"), "{told}");
}

#[tokio::test]
async fn a_file_whose_answer_was_lost_is_looked_up_and_shown_once() {
    let (slack, _gateway, mut client) = started().await;
    let lost = json!({ "method": "files.completeUploadExternal", "kind": "lose" });
    slack.control("fault", lost).await;
    let file = json!({
        "channel": "slack", "to": Slack::PEER, "message": "", "buffer": "dGhlIG5vdGVz",
        "filename": "lost.txt", "contentType": "text/plain", "idempotencyKey": "lost",
    });
    let sent = client.call("send", file).await;
    let heard = slack.control("heard", json!({ "channel": slack.front.told("direct") })).await;
    let with_files: Vec<_> = heard["messages"].as_array().expect("a list").iter().collect();
    let shown: Vec<_> =
        with_files.iter().filter(|message| message["files"][0].is_object()).collect();
    assert_eq!(shown.len(), 1, "shown once: {heard}");
    assert_eq!(sent["messageId"], shown[0]["ts"], "{sent}");
    assert_eq!(slack.calls("files.completeUploadExternal").await, 1);
    assert!(slack.calls("files.info").await >= 1, "Slack was asked");
}
