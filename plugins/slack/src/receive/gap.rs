//! Looks back after a time in which nothing could come in: what was written meanwhile is read from
//! Slack's history, under the keys that live events have, so nothing is told twice.
//!
//! Bounded: the conversations used last, the threads in them that are likely to have gone on, some
//! pages each, nothing older than a day, and some minutes of waiting where Slack asks for it.
//! Full case: one look back runs and one waits; more would find nothing else.

use super::{hand_over, read};
use crate::{
    account::Workspace,
    client::Form,
    error::ApiError,
    inbound::{Delivery, Seen, time_ms},
};
use jackfield_plugin_api::{
    serde_json::{Value, json},
    tokio::{
        sync::oneshot,
        time::{sleep, timeout},
    },
    tracing,
};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const HEAD_START: Duration = Duration::from_secs(2);

const CONVERSATIONS_MAX: usize = 30;
/// Of one conversation.
const THREADS_MAX: usize = 5;
/// Of all conversations.
const THREADS_IN_ALL: usize = 20;
const PAGE: usize = 100;
/// Slack gives some apps fifteen messages a page.
const PAGES_MAX: usize = 3;
const AGE_MAX_MS: u64 = 24 * 60 * 60 * 1000;
/// One look back waits no longer than this where Slack limits it.
const WAITS_MAX: Duration = Duration::from_mins(5);

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
    let Ok(_place) = workspace.looks.try_acquire() else { return };
    let _turn = workspace.looking.lock().await;
    let mut look = Look { workspace, waits: WAITS_MAX, threads: THREADS_IN_ALL, found: 0 };
    let recent = workspace.stream.recent();
    for seen in recent.into_iter().take(CONVERSATIONS_MAX) {
        match look.conversation(&seen).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error @ ApiError::Refused(_)) if !error.is_dead_token() => {
                tracing::debug!(%error, "a conversation cannot be looked back on");
            }
            Err(error) => {
                tracing::info!(%error, "the look back ends here");
                break;
            }
        }
    }
    if look.found > 0 {
        let (account, found) = (workspace.account.id().as_str(), look.found);
        tracing::info!(account, found, "looked back after a gap");
    }
}

struct Look<'a> {
    workspace: &'a Workspace,
    /// What may still be waited.
    waits: Duration,
    /// Threads that may still be read.
    threads: usize,
    found: usize,
}

impl Look<'_> {
    /// Hands over what was written in a conversation and its threads; false when the gateway takes
    /// nothing.
    async fn conversation(&mut self, seen: &Seen) -> Result<bool, ApiError> {
        let oldest = since(&seen.ts);
        let form = vec![("channel", seen.conversation.clone())];
        let mut messages = self.pages("conversations.history", form, &oldest).await?;
        for thread in self.likely(seen, &messages, &oldest) {
            let form = vec![("channel", seen.conversation.clone()), ("ts", thread)];
            match self.pages("conversations.replies", form, &oldest).await {
                Ok(answers) => messages.extend(answers),
                Err(error @ ApiError::Refused(_)) if !error.is_dead_token() => {
                    tracing::debug!(%error, "a thread cannot be looked back on");
                }
                Err(error) => return Err(error),
            }
        }
        messages.sort_by(|a, b| a["ts"].as_str().cmp(&b["ts"].as_str()));
        messages.dedup_by(|a, b| a["ts"] == b["ts"]);
        for message in messages {
            let Some(me) = self.workspace.me() else { return Ok(false) };
            let events = read(self.workspace, &me, &delivery(message, seen)).await;
            self.found += events.len();
            if !hand_over(self.workspace, events).await {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The threads that may have gone on: those begun or answered since, those the account writes in,
    /// and that of the newest message.
    fn likely(&mut self, seen: &Seen, messages: &[Value], oldest: &str) -> BTreeSet<String> {
        let answered = messages.iter().filter(|message| {
            message["latest_reply"].as_str().is_some_and(|latest| latest > oldest)
        });
        let answered = answered.filter_map(|message| message["ts"].as_str().map(str::to_owned));
        let followed = self.workspace.threads.recent(&seen.conversation);
        let all = seen.thread.iter().cloned().chain(answered).chain(followed);
        let mut likely = BTreeSet::new();
        for thread in all {
            if likely.len() == THREADS_MAX.min(self.threads) {
                break;
            }
            likely.insert(thread);
        }
        self.threads -= likely.len();
        likely
    }

    /// The messages after `oldest`, in no order.
    async fn pages(
        &mut self,
        method: &'static str,
        mut form: Form,
        oldest: &str,
    ) -> Result<Vec<Value>, ApiError> {
        form.extend([("oldest", oldest.to_owned()), ("limit", PAGE.to_string())]);
        let mut messages = Vec::new();
        for _ in 0..PAGES_MAX {
            let mut answer = self.call(method, &form).await?;
            if let Value::Array(page) = answer["messages"].take() {
                // The first message of a thread comes along with every page of it.
                let newer = |message: &Value| message["ts"].as_str().is_some_and(|ts| ts > oldest);
                messages.extend(page.into_iter().filter(newer));
            }
            let next = answer["response_metadata"]["next_cursor"].as_str().unwrap_or_default();
            if next.is_empty() || answer["has_more"] != true {
                break;
            }
            form.retain(|(name, _)| *name != "cursor");
            form.push(("cursor", next.to_owned()));
        }
        Ok(messages)
    }

    /// A call that waits as long as Slack asks, within bounds.
    async fn call(&mut self, method: &'static str, form: &Form) -> Result<Value, ApiError> {
        loop {
            match self.workspace.bot.call(method, form).await {
                Err(ApiError::Limited(wait)) if wait <= self.waits => {
                    self.waits -= wait;
                    sleep(wait).await;
                    if !self.workspace.is_listening() {
                        return Err(ApiError::Limited(wait));
                    }
                }
                answer => return answer,
            }
        }
    }
}

/// As if it were delivered now.
fn delivery(mut message: Value, seen: &Seen) -> Delivery {
    message["type"] = json!("message");
    message["channel"] = json!(seen.conversation);
    message["channel_type"] = json!(seen.type_word());
    Delivery::Event(json!({ "event": message }))
}

/// Where to begin: behind what was seen, and not more than a day ago.
fn since(ts: &str) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
    let day_ago = now.saturating_sub(AGE_MAX_MS);
    if time_ms(ts).is_some_and(|ms| ms >= day_ago) {
        ts.to_owned()
    } else {
        format!("{}.000000", day_ago / 1000)
    }
}
