//! An answer of Slack's channel while it is written.

use super::Slack;
use crate::channels::{LONG, Platform, asked_for_long, hears};

#[tokio::test]
async fn an_answer_is_shown_while_it_grows() {
    let (slack, _gateway) = asked_for_long::<Slack>().await;
    let draft = hears(&slack, "one").await;
    let whole = hears(&slack, LONG).await;
    assert_eq!((whole.len(), &whole[0].id), (1, &draft[0].id), "it grows where it stands");
    assert_eq!((slack.heard().await.len(), slack.calls("chat.postMessage").await), (1, 1));
    assert!(slack.calls("chat.update").await > 0);
}
