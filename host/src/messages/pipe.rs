//! What every part of the pipe holds: the store, the clock, the settings and the two rooms it speaks
//! to, each behind a trait.

use super::{
    Settings,
    counters::Counters,
    media::Media,
    policy::{ChannelPolicy, Flow},
    running::Running,
    turnstile::Turnstiles,
};
use crate::{
    agent::Turns,
    clock::Clock,
    plugins::{Attempt, ChannelFacts},
    store::{Store, StoreError},
};
use futures_util::future::BoxFuture;
use jackfield_plugin_api::{
    error::SendError,
    fetch::{Fetch, Fetched, Reconciled},
    outbound::Receipt,
};
use std::{borrow::Cow, path::PathBuf, sync::Arc, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Pause before work is tried again that the store refused.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// The plugins, as far as sending needs them.
pub trait Senders: Send + Sync + 'static {
    /// Makes one attempt on a channel.
    fn send(&self, channel: &str, attempt: Attempt) -> BoxFuture<'_, Result<Receipt, SendError>>;
    /// Brings the bytes behind an attachment's handle into a file.
    fn fetch(&self, channel: &str, wanted: Fetch) -> BoxFuture<'_, Result<Fetched, SendError>>;
    /// A folder that the channel's plugin may write files into; `None` when no plugin serves it.
    fn spool(&self, channel: &str) -> Option<PathBuf>;
    /// Asks what became of an attempt whose outcome is uncertain; `None` when nobody could be asked.
    fn reconcile(&self, channel: &str, attempt: Attempt) -> BoxFuture<'_, Option<Reconciled>>;
    /// What a channel can do; `None` when no enabled plugin serves it.
    fn facts(&self, channel: &str) -> Option<ChannelFacts>;
}

pub(super) struct Pipe {
    pub(super) store: Store,
    pub(super) clock: Clock,
    /// When this run of the gateway began, wall clock.
    pub(super) opened_ms: u64,
    pub(super) settings: Settings,
    pub(super) turns: Arc<dyn Turns>,
    pub(super) senders: Arc<dyn Senders>,
    pub(super) counters: Counters,
    pub(super) media: Media,
    pub(super) running: Running,
    pub(super) turnstiles: Turnstiles,
    pub(super) tracker: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl Pipe {
    /// The access rules of a channel; one that nobody configured gets the strict defaults.
    pub(super) fn policy(&self, channel: &str) -> Cow<'_, ChannelPolicy> {
        match self.settings.channels.get(channel) {
            Some(policy) => Cow::Borrowed(policy),
            None => Cow::Owned(ChannelPolicy::default()),
        }
    }

    /// How messages of a channel become turns.
    pub(super) fn agent(&self, channel: &str) -> &str {
        let chosen = self.settings.channels.get(channel).and_then(|policy| policy.agent.as_deref());
        chosen.unwrap_or(&self.settings.default_agent)
    }

    /// How messages of a channel become turns.
    pub(super) fn flow(&self, channel: &str) -> Flow {
        self.settings.flows.get(channel).copied().unwrap_or_default()
    }

    /// Stores what must not be forgotten: tries again while the disk is full. `None` when the store
    /// will take nothing more in this run, or the job itself is wrong.
    pub(super) async fn keep<T, F>(&self, job: F) -> Option<T>
    where
        T: Send + 'static,
        F: Fn(&rusqlite::Connection) -> rusqlite::Result<T> + Send + Sync + 'static,
    {
        let job = Arc::new(job);
        loop {
            let job = Arc::clone(&job);
            match self.store.write(move |c| job(c)).await {
                Ok(value) => return Some(value),
                Err(StoreError::Full) => {
                    tracing::warn!("the disk is full; waiting to store an outcome");
                    tokio::select! {
                        () = self.stop.cancelled() => return None,
                        () = tokio::time::sleep(STORE_PAUSE) => {}
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "an outcome could not be stored");
                    return None;
                }
            }
        }
    }
}
