//! What plugins report, on its way to the message pipe; and the word that something changed, for the
//! health snapshot.

use crate::{
    messages::Messages,
    plugins::{Inbox, PluginEvent},
};
use futures_util::future::BoxFuture;
use jackfield_plugin_api::{
    frame::{Accepted, StoredCursor},
    link::LinkReport,
};
use std::sync::Arc;
use tokio::sync::watch;

/// The inbox that plugins are given.
pub struct Ears {
    messages: Arc<Messages>,
    changes: watch::Sender<u64>,
}

impl Ears {
    /// Ears in front of the pipe, and where changes are counted.
    #[must_use]
    pub fn new(messages: Arc<Messages>) -> (Arc<Self>, watch::Receiver<u64>) {
        let (changes, seen) = watch::channel(0);
        (Arc::new(Self { messages, changes }), seen)
    }
}

impl Inbox for Ears {
    fn accept(&self, event: PluginEvent) -> BoxFuture<'_, Accepted> {
        self.messages.accept(event)
    }

    fn cursors(&self, channel: &str) -> BoxFuture<'_, Vec<StoredCursor>> {
        self.messages.cursors(channel)
    }

    fn link_changed(&self, channel: &str, report: LinkReport) {
        self.messages.link_changed(channel, report);
        self.changes.send_modify(|n| *n += 1);
    }
}
