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
