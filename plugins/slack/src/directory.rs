//! Names of people and conversations, asked of Slack once and remembered for a while.
//!
//! A name is a comfort: looking one up is bounded in time and never fails a message. Where Slack
//! refuses (a scope is missing, too many calls), it is left alone for some minutes.
//! Full case: a map that is full forgets everything and begins anew.

use crate::{
    client::Api,
    error::ApiError,
    inbound::{Conversation, Known, Wanted},
};
use futures_util::future::{join_all, join3};
use jackfield_plugin_api::{event::ConversationKind, serde_json::Value};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// What one message may wait for names: Slack wants its acknowledgement within three seconds.
const PATIENCE: Duration = Duration::from_millis(800);
const KEPT_FOR: Duration = Duration::from_hours(6);
/// After a failure.
const PAUSE: Duration = Duration::from_mins(5);
const ENTRIES_MAX: usize = 4096;
/// People asked for on behalf of one message.
const USERS_MAX: usize = 8;
/// Channels named in one message that are asked for.
const CHANNELS_MAX: usize = 4;

#[derive(Default)]
pub(crate) struct Directory {
    users: Shelf<Option<String>>,
    conversations: Shelf<Option<Conversation>>,
}

impl Directory {
    /// What is known of everything a delivery names, after asking for what is not.
    pub(crate) async fn known(&self, api: &Api, wanted: &Wanted) -> Known {
        let users = join_all(wanted.users.iter().take(USERS_MAX).map(async |id| {
            let asked = vec![("user", id.clone())];
            let name = self.users.or_ask(id, api.call("users.info", &asked), name).await??;
            Some((id.clone(), name))
        }));
        let channels = join_all(wanted.channels.iter().take(CHANNELS_MAX).map(async |id| {
            let title = self.conversation(api, id).await?.title?;
            Some((id.clone(), title.trim_start_matches('#').to_owned()))
        }));
        let conversation = async { self.conversation(api, wanted.conversation.as_ref()?).await };
        let (users, channels, conversation) = join3(users, channels, conversation).await;
        let names = users.into_iter().chain(channels).flatten().collect();
        Known { names, conversation }
    }

    async fn conversation(&self, api: &Api, id: &str) -> Option<Conversation> {
        let asked = vec![("channel", id.to_owned())];
        self.conversations.or_ask(id, api.call("conversations.info", &asked), described).await?
    }
}

struct Shelf<T> {
    kept: Mutex<HashMap<String, (T, Instant)>>,
    paused_until: Mutex<Option<Instant>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { kept: Mutex::default(), paused_until: Mutex::default() }
    }
}

impl<T: Clone> Shelf<T> {
    async fn or_ask(
        &self,
        id: &str,
        asking: impl Future<Output = Result<Value, ApiError>>,
        read: fn(&Value) -> T,
    ) -> Option<T> {
        if let Some(kept) = self.kept(id) {
            return Some(kept);
        }
        if lock(&self.paused_until).is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match timeout(PATIENCE, asking).await {
            Ok(Ok(answer)) => {
                let found = read(&answer);
                self.keep(id, found.clone());
                Some(found)
            }
            // That one has no name for us, such as somebody of another organisation; others may.
            Ok(Err(error @ ApiError::Refused(_)))
                if !error.is_rejection() && !error.is_doubtful() =>
            {
                self.keep(id, read(&Value::Null));
                None
            }
            Ok(Err(error)) => {
                note(&error);
                *lock(&self.paused_until) = Some(Instant::now() + PAUSE);
                None
            }
            Err(_) => None,
        }
    }

    fn kept(&self, id: &str) -> Option<T> {
        let kept = lock(&self.kept);
        kept.get(id).filter(|(_, at)| at.elapsed() < KEPT_FOR).map(|(value, _)| value.clone())
    }

    fn keep(&self, id: &str, value: T) {
        let mut kept = lock(&self.kept);
        if kept.len() >= ENTRIES_MAX {
            kept.clear();
        }
        kept.insert(id.to_owned(), (value, Instant::now()));
    }
}

fn note(error: &ApiError) {
    jackfield_plugin_api::tracing::info!(%error, "names cannot be looked up for some minutes");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name a person chose, as others see it.
fn name(answer: &Value) -> Option<String> {
    let user = &answer["user"];
    let names = [
        &user["profile"]["display_name"],
        &user["profile"]["real_name"],
        &user["real_name"],
        &user["name"],
    ];
    names.into_iter().filter_map(Value::as_str).find(|name| !name.is_empty()).map(str::to_owned)
}

fn described(answer: &Value) -> Option<Conversation> {
    let channel = &answer["channel"];
    let is = |key: &str| channel[key] == true;
    let kind = if is("is_im") {
        ConversationKind::Direct
    } else if is("is_mpim") {
        ConversationKind::Group
    } else if channel.is_object() {
        ConversationKind::Channel
    } else {
        return None;
    };
    let title = channel["name"].as_str().filter(|_| kind == ConversationKind::Channel);
    Some(Conversation { kind, title: title.map(|title| format!("#{title}")) })
}
