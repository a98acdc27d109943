//! What is asked of a plugin that runs: sends, requests on its routes, probes, files.
//!
//! While one version hands over to another, whoever asks waits for the other. Must not know: how a
//! life begins or ends.

use super::{
    Attempt, Fetch, Fetched, HttpRequest, HttpResponse, Plugins, Receipt, Reconciled, RouteError,
    SendError,
    confine::Folders,
    ledger,
    live::{self, Handed, Live},
    slot::Slot,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::time;

/// How long a request on a plugin's route waits for a plugin that is starting.
const ROUTE_WAIT: Duration = Duration::from_secs(5);
/// How long a fetch waits for one version to hand over to another.
const FETCH_WAIT: Duration = Duration::from_secs(30);

impl Plugins {
    /// One attempt on a channel.
    ///
    /// # Errors
    /// The plugin's own error; retryable `plugin_not_running` when nothing was handed over;
    /// uncertain `plugin_died` or `timeout` when it may have been.
    pub async fn send(&self, channel: &str, attempt: Attempt) -> Result<Receipt, SendError> {
        let slot = self.enabled(channel)?;
        let deadline = self.shared.clock.monotonic() + attempt.timeout;
        let mut attempt = attempt;
        loop {
            let live = running(slot, deadline).await?;
            attempt.timeout = deadline.saturating_duration_since(self.shared.clock.monotonic());
            match live.send(attempt).await {
                Handed::Answered(outcome) => return outcome,
                // One version hands over to another: the next one gets it.
                Handed::Held(back) => attempt = back,
            }
        }
    }

    /// A request on a plugin's route; `None` when no enabled plugin has one for the path.
    pub async fn http(
        &self,
        path: &str,
        request: HttpRequest,
    ) -> Option<Result<HttpResponse, RouteError>> {
        let (slot, _) = self.find_route(path)?;
        let live = time::timeout(ROUTE_WAIT, slot.live_soon()).await;
        Some(match live.ok().flatten() {
            Some(live) => live.http(request).await,
            None => Err(RouteError::NotRunning(slot.reason())),
        })
    }

    /// Asks a plugin to prove that an account works end to end; the line is for people.
    ///
    /// # Errors
    /// The line that says why not.
    pub async fn probe(
        &self,
        channel: &str,
        account: &str,
        timeout: Duration,
    ) -> Result<String, String> {
        let slot =
            self.slot(channel).ok_or_else(|| format!("no channel `{channel}` is enabled"))?;
        match time::timeout(timeout, slot.live()).await.ok().flatten() {
            Some(live) => live.probe(account, timeout).await,
            None => Err(format!("the plugin is not running ({})", slot.reason())),
        }
    }

    /// Brings the bytes behind an attachment's handle into a file.
    ///
    /// # Errors
    /// The plugin's own error; permanent `unsupported` when it cannot fetch; retryable when it does
    /// not run or takes too long.
    pub async fn fetch(&self, channel: &str, wanted: Fetch) -> Result<Fetched, SendError> {
        let deadline = self.shared.clock.monotonic() + FETCH_WAIT;
        running(self.enabled(channel)?, deadline).await?.fetch(wanted).await
    }

    /// Asks what became of an attempt whose outcome was uncertain; `None` when there is no running
    /// plugin to ask, or it did not answer.
    pub async fn reconcile(&self, channel: &str, attempt: Attempt) -> Option<Reconciled> {
        self.slot(channel)?.live().await?.reconcile(attempt).await
    }

    /// A folder that the channel's plugin may write files into.
    #[must_use]
    pub fn spool(&self, channel: &str) -> Option<PathBuf> {
        let id = self.slot(channel)?.id();
        Some(Folders::of(&self.shared.settings.state_dir, &id).spool)
    }

    fn enabled(&self, channel: &str) -> Result<&Arc<Slot>, SendError> {
        self.slot(channel).ok_or_else(|| {
            let text = format!("no plugin is enabled for channel `{channel}`");
            SendError::permanent("unknown_channel", text)
        })
    }
}

/// The running life; waited for until `deadline` while one version hands over to another.
async fn running(slot: &Slot, deadline: time::Instant) -> Result<Arc<Live>, SendError> {
    let live = time::timeout_at(deadline, slot.live()).await.map_err(|_| live::busy())?;
    live.ok_or_else(|| ledger::not_running(&slot.reason()))
}
