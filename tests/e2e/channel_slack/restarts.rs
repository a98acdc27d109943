//! What outlives the process of the plugin.

use super::{Slack, started};
use crate::channels::running;
use harness::gateway::signal;
use rustix::process::Signal;
use serde_json::json;

#[tokio::test]
async fn a_thread_needs_no_new_mention_after_a_crash() {
    let (slack, _gateway, mut client) = started().await;
    let (bot, assembly) = (slack.front.told("bot"), slack.front.told("assembly"));
    let text = format!("<@{bot}> remember this thread");
    let said = slack.control("say", json!({ "channel": assembly, "text": text })).await;
    let thread = json!({ "channel": assembly, "thread_ts": said["ts"] });
    slack.hears_in(thread.clone(), "remember this thread").await;
    let first = running::<Slack>(&mut client, 0).await;
    signal(first, Signal::KILL);
    running::<Slack>(&mut client, first).await;
    let mut answer = thread.clone();
    answer["text"] = json!("do you still?");
    slack.control("say", answer).await;
    slack.hears_in(thread, "do you still?").await;
}
