//! An answer of Slack's channel while it is written.

use super::Slack;
use crate::channels::{Platform, connected, hears};
use harness::{Gateway, Options};

#[tokio::test]
async fn an_answer_is_shown_while_it_grows() {
    let mut slack = Slack::start().await;
    let config = format!("{}[agent]\necho_pace_ms = 250\n", slack.config(None));
    let gateway = Gateway::start(Options::default().plugin("slack").config(&config)).await;
    connected::<Slack>(&mut gateway.client().await).await;
    let words = "one two three four five six seven eight nine ten eleven twelve";
    slack.say(1, words).await;
    let draft = hears(&slack, "one").await;
    let whole = hears(&slack, words).await;
    assert_eq!((whole.len(), &whole[0].id), (1, &draft[0].id), "it grows where it stands");
    assert_eq!((slack.heard().await.len(), slack.calls("chat.postMessage").await), (1, 1));
    assert!(slack.calls("chat.update").await > 0);
}
