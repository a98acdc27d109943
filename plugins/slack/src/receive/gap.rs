//! Looks back after a time in which nothing could come in: what was written meanwhile is read from
//! Slack's history, under the keys that live events have, so nothing is told twice.
//!
//! Bounded: the conversations used last, one page each, and nothing older than a day. Answers inside
//! threads are not in that history; those are left to Slack's own redelivery.

use super::{hand_over, prepare};
use crate::{
    account::Workspace,
    error::ApiError,
    inbound::{Delivery, Seen, time_ms},
};
use jackfield_plugin_api::{
    serde_json::{Value, json},
    tokio::{sync::oneshot, time::timeout},
    tracing,
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const HEAD_START: Duration = Duration::from_secs(2);

const CONVERSATIONS_MAX: usize = 30;
const PAGE: usize = 100;
const AGE_MAX_MS: u64 = 24 * 60 * 60 * 1000;

/// Begins to look back, and waits a moment for it: what is older comes first where that can be had
/// within the time that Slack waits for what is newer.
pub(super) async fn begin(workspace: &Arc<Workspace>) {
    let (done, over) = oneshot::channel();
    let workspace = Arc::clone(workspace);
    workspace.account.host().clone().spawn(async move {
        look_back(&workspace).await;
        let _ = done.send(()); // nobody may be waiting any more
    });
    let _ = timeout(HEAD_START, over).await;
}

pub(super) async fn look_back(workspace: &Workspace) {
    let recent = workspace.stream.recent();
    let day_ago = now_ms().saturating_sub(AGE_MAX_MS);
    let fresh = recent.into_iter().take(CONVERSATIONS_MAX);
    let mut found = 0;
    for seen in fresh {
        let oldest = if time_ms(&seen.ts).is_some_and(|ms| ms >= day_ago) {
            seen.ts.clone()
        } else {
            format!("{}.000000", day_ago / 1000)
        };
        match history(workspace, &seen, oldest).await {
            Ok(messages) => {
                for message in messages {
                    let events = prepare(workspace, &message).await;
                    found += events.len();
                    if !hand_over(workspace, events).await {
                        return;
                    }
                }
            }
            Err(error @ ApiError::Refused(_)) if !error.is_rejection() => {
                tracing::debug!(%error, "a conversation cannot be looked back on");
            }
            Err(error) => {
                tracing::info!(%error, "the look back ends here");
                return;
            }
        }
    }
    if found > 0 {
        tracing::info!(account = workspace.account.id().as_str(), found, "looked back after a gap");
    }
}

/// What was written since, oldest first, as if it were delivered now.
async fn history(
    workspace: &Workspace,
    seen: &Seen,
    oldest: String,
) -> Result<Vec<Delivery>, ApiError> {
    let form = vec![
        ("channel", seen.conversation.clone()),
        ("oldest", oldest),
        ("limit", PAGE.to_string()),
    ];
    let mut answer = workspace.bot.call("conversations.history", &form).await?;
    let Value::Array(messages) = answer["messages"].take() else { return Ok(Vec::new()) };
    let deliveries = messages.into_iter().rev().map(|mut message| {
        message["type"] = json!("message");
        message["channel"] = json!(seen.conversation);
        message["channel_type"] = json!(seen.type_word());
        Delivery::Event(json!({ "event": message }))
    });
    Ok(deliveries.collect())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
