//! What an author may ask of the host: take an event, note a link, run a task, say when it is over.
//!
//! Walk 1, first step: the platform's event enters here and comes back as [`Accepted`] once the host
//! has stored it; the next step is the host's callback table.
//!
//! Must not know: how frames are encoded or carried.

use crate::{
    error::PluginError,
    event::Event,
    frame::{Accepted, Cursor, PluginFrame},
    id::{AccountId, DEFAULT_ACCOUNT},
    link::{LinkReport, LinkState},
    runtime::{ledger::Ledger, wall::wall},
};
use std::{
    fmt,
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::{
    runtime::Handle,
    sync::{mpsc, watch},
    task::AbortHandle,
};

/// The host has gone, or this life of the plugin is ending: nothing is taken any more. The event was
/// not acknowledged, so the platform must not be told either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostGone;

impl fmt::Display for HostGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the host takes nothing any more")
    }
}

impl std::error::Error for HostGone {}

/// The host as a channel sees it. Cheap to clone; every clone is the same host.
#[derive(Clone)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
}

/// What all clones of a [`Host`] and the runtime's own tasks have in common.
pub(crate) struct Shared {
    pub(crate) id: String,
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) outbox: mpsc::Sender<PluginFrame>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) shutdown: watch::Sender<bool>,
    pub(crate) tasks: Handle,
}

impl Host {
    /// Hands one event over and waits until the host has durably stored it.
    ///
    /// `Stored` and `Duplicate`: acknowledge to the platform, now or later. `Refused`: do not; offer
    /// the event again after a pause. Waits for credit first (at most a window of events is
    /// unanswered), so a flood becomes backpressure on whoever calls. Events go out in the order in
    /// which the calls began. Dropping the future does not take the event back.
    ///
    /// An event beyond [`crate::frame::FRAME_BYTES_MAX`] is logged and answered `Refused`.
    ///
    /// # Errors
    /// [`HostGone`] when this life ends before the answer: assume nothing.
    pub async fn emit(
        &self,
        account: impl Into<AccountId>,
        dedupe_key: impl Into<String>,
        cursor: Option<Cursor>,
        event: Event,
    ) -> Result<Accepted, HostGone> {
        self.report(account.into(), dedupe_key.into(), cursor, None, event).await
    }

    /// [`Host::emit`] for a message that is part of an album, where the platform delivers the files
    /// of one message one by one. `album` is its name: the same for all parts, and for nothing else
    /// in that conversation.
    ///
    /// Each part is stored and answered for itself, so do not hold one back for the others. The
    /// gateway waits a moment for more parts and takes them as one message, which counts as
    /// addressed to the account if any part is. Gateways before 1.2 take each part for itself.
    ///
    /// # Errors
    /// As [`Host::emit`].
    pub async fn emit_part(
        &self,
        account: impl Into<AccountId>,
        dedupe_key: impl Into<String>,
        cursor: Option<Cursor>,
        album: impl Into<String>,
        event: Event,
    ) -> Result<Accepted, HostGone> {
        self.report(account.into(), dedupe_key.into(), cursor, Some(album.into()), event).await
    }

    async fn report(
        &self,
        account: AccountId,
        dedupe_key: String,
        cursor: Option<Cursor>,
        album: Option<String>,
        body: Event,
    ) -> Result<Accepted, HostGone> {
        let Shared { ledger, outbox, .. } = &*self.shared;
        let credit = ledger.credit().await.ok_or(HostGone)?;
        let slot = outbox.reserve().await.map_err(|_| HostGone)?;
        // The number and the place in the queue are taken under one lock, so numbers never swap.
        let answer = ledger
            .enter(credit, |id| {
                slot.send(PluginFrame::Event { id, account, dedupe_key, cursor, album, body });
            })
            .ok_or(HostGone)?;
        match answer.await {
            Ok(Accepted::Unknown) => Ok(Accepted::Refused),
            Ok(accepted) => Ok(accepted),
            Err(_) => Err(HostGone),
        }
    }

    /// Reports an account's link; call it whenever the state changes. Reports keep their order, and
    /// wait while the host is busy. Once the host is gone a report is dropped: nobody could read it.
    pub async fn link(&self, report: LinkReport) {
        let _ = self.shared.outbox.send(PluginFrame::Link(report)).await;
    }

    /// A handle for one account, so that its name is written once.
    pub fn account(&self, account: impl Into<AccountId>) -> Account {
        Account { host: self.clone(), id: account.into() }
    }

    /// The account of a channel that knows only one.
    #[must_use]
    pub fn default_account(&self) -> Account {
        self.account(DEFAULT_ACCOUNT)
    }

    /// A folder of the plugin's own, for what it keeps between its lives and its versions: the one
    /// place where a confined plugin may write without asking. `None` where the host gives none, as
    /// in tests.
    #[must_use]
    pub fn state_dir(&self) -> Option<&Path> {
        self.shared.state_dir.as_deref()
    }

    /// Resolves when this life of the plugin begins to end; immediately if it already has.
    pub async fn shutdown(&self) {
        let mut ending = self.shared.shutdown.subscribe();
        // Cannot fail while `self` holds the sender.
        let _ = ending.wait_for(|over| *over).await;
    }

    /// Runs a task on the plugin's runtime. It ends with the plugin. A task that panics leaves the
    /// channel half alive, so the panic is reported as fatal and the host starts the plugin anew.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let outbox = self.shared.outbox.clone();
        let guarded = async move {
            if let Err(text) = wall(task).await {
                let error = PluginError::new(format!("a task of the plugin panicked: {text}"));
                let _ = outbox.send(PluginFrame::Fatal { error }).await;
            }
        };
        self.shared.tasks.spawn(guarded).abort_handle()
    }

    /// Ends this life: the host shows the error and starts the plugin anew with a growing pause. For
    /// what waiting cannot mend inside the plugin; report trouble with the platform as a link state.
    pub async fn fail(&self, error: PluginError) {
        let _ = self.shared.outbox.send(PluginFrame::Fatal { error }).await;
    }

    /// The id under which the host runs this plugin.
    #[must_use]
    pub fn plugin_id(&self) -> &str {
        &self.shared.id
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("plugin", &self.shared.id).finish_non_exhaustive()
    }
}

/// The host, for one account.
#[derive(Clone, Debug)]
pub struct Account {
    host: Host,
    id: AccountId,
}

impl Account {
    /// The account's name.
    #[must_use]
    pub fn id(&self) -> &AccountId {
        &self.id
    }

    /// The host behind it.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// [`Host::emit`] for this account.
    ///
    /// # Errors
    /// [`HostGone`], as there.
    pub async fn emit(
        &self,
        dedupe_key: impl Into<String>,
        cursor: Option<Cursor>,
        event: Event,
    ) -> Result<Accepted, HostGone> {
        self.host.emit(self.id.clone(), dedupe_key, cursor, event).await
    }

    /// [`Host::emit_part`] for this account.
    ///
    /// # Errors
    /// [`HostGone`], as there.
    pub async fn emit_part(
        &self,
        dedupe_key: impl Into<String>,
        cursor: Option<Cursor>,
        album: impl Into<String>,
        event: Event,
    ) -> Result<Accepted, HostGone> {
        self.host.emit_part(self.id.clone(), dedupe_key, cursor, album, event).await
    }

    /// Reports the link's state with one line for people.
    pub async fn link(&self, state: LinkState, detail: impl Into<String>) {
        let detail = Some(detail.into());
        let account = self.id.clone();
        self.host.link(LinkReport { account, state, detail, identity: None }).await;
    }

    /// Reports that messages flow, and who this account is on its platform.
    pub async fn connected_as(&self, identity: impl Into<String>) {
        let account = self.id.clone();
        let identity = Some(identity.into());
        self.host
            .link(LinkReport { account, state: LinkState::Connected, detail: None, identity })
            .await;
    }
}
