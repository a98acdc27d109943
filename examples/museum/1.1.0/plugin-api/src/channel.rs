//! What an author implements: [`Channel`], one value per running plugin.
//!
//! The life of a channel: `start` → any number of `send`, `http`, `probe`, `fetch`, `reconcile`,
//! `configure` at the same time → maybe `drain` → `export` (a newer version takes over) or `resume` (the take-over was called
//! off) → `stop`. All of it runs on the plugin's own single-threaded runtime: whatever blocks the
//! thread blocks everything, and the gateway ends a plugin that stops answering its pings.
//!
//! Must not know: frames, the binary interface, how the host runs the plugin.

use crate::{
    error::{PluginError, SendError},
    fetch::{Fetch, Fetched, Reconciled},
    frame::{State, StoredCursor},
    host::Host,
    http::{HttpRequest, HttpResponse},
    id::AccountId,
    outbound::{Outbound, Receipt},
};
use serde::de::DeserializeOwned;
use std::{future::Future, time::Duration};

/// One attempt at one thing to do on the platform.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The thing.
    pub body: Outbound,
    /// Same on every attempt of the same thing: pass it on where the platform takes such keys.
    pub idem_key: String,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// How long the host waits; when it is over the attempt is dropped and counts as uncertain.
    pub timeout: Duration,
}

/// Where an earlier life of the plugin left off.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    /// What the previous version exported, if it did.
    pub state: Option<State>,
    /// The newest cursor of each stream that the host stored together with an event.
    pub cursors: Vec<StoredCursor>,
}

impl Resume {
    /// The stored cursor of one account's stream (`""` where an account has only one stream).
    #[must_use]
    pub fn cursor(&self, account: &str, stream: &str) -> Option<&str> {
        self.cursors
            .iter()
            .find(|c| c.account.as_str() == account && c.cursor.stream == stream)
            .map(|c| c.cursor.value.as_str())
    }
}

/// A channel adapter. Only `start` and `send` must be written, both as plain `async fn`.
///
/// A panic in any method is caught: in `send` it becomes an uncertain failure, in `http` a 500, in
/// `probe`, `fetch` and `reconcile` a failure of that question, in `start` and the others it ends this life of the plugin and the host starts it anew.
pub trait Channel: Send + Sync + Sized + 'static {
    /// The channel's table in the configuration. The table also carries keys that are the host's
    /// (`enabled`, `dm_policy`, `allow_from`, …), so do not deny unknown fields.
    type Config: DeserializeOwned + Send + 'static;

    /// Two versions may send at once during a hot swap; repeat it as `runtime.swap_safe` in the
    /// manifest.
    const SWAP_SAFE: bool = false;

    /// Called once, first. Check the settings, start the tasks that listen to the platform with
    /// [`Host::spawn`], return. Do not await [`Host::emit`] here: the gateway takes messages from a
    /// plugin once it is ready. An error is shown to the operator, so name the setting and the fix.
    fn start(
        host: Host,
        config: Self::Config,
        resume: Resume,
    ) -> impl Future<Output = Result<Self, PluginError>> + Send;

    /// Called for every outbound thing, after `start` succeeded. Attempts for different
    /// conversations overlap; within one conversation the host waits for the answer. Never retry in
    /// here: say what happened and the host decides. Answer [`SendError::unsupported`] to kinds the
    /// channel cannot do.
    fn send(&self, out: Outgoing) -> impl Future<Output = Result<Receipt, SendError>> + Send;

    /// Called for a request on a route the manifest declares, after `start` succeeded. Default: 404.
    fn http(&self, request: HttpRequest) -> impl Future<Output = HttpResponse> + Send {
        drop(request);
        async { HttpResponse::text(404, "Not found\n") }
    }

    /// Called when somebody asks whether an account works: make a harmless round trip to the
    /// platform and say what it answered. Default: says that there is no deeper check.
    fn probe(&self, account: AccountId) -> impl Future<Output = Result<String, String>> + Send {
        drop(account);
        async { Ok("running; this channel has no deeper check".to_owned()) }
    }

    /// Called to bring the bytes behind an [`Attachment::fetch`](crate::attachment::Attachment::fetch)
    /// handle into a file: write `wanted.path`, at most `wanted.bytes_max` bytes. The host asks after
    /// the message is stored, maybe in a later life of the plugin and more than once; it drops
    /// interest after a minute. Default: this channel cannot.
    fn fetch(&self, wanted: Fetch) -> impl Future<Output = Result<Fetched, SendError>> + Send {
        drop(wanted);
        async { Err(SendError::unsupported("fetch")) }
    }

    /// Called after a send whose outcome was uncertain, maybe in a later life of the plugin: ask the
    /// platform whether the attempt with this `idem_key` got out. Never send in here. Default: nobody
    /// can tell.
    fn reconcile(&self, out: Outgoing) -> impl Future<Output = Reconciled> + Send {
        drop(out);
        async { Reconciled::Unknown }
    }

    /// Called when a newer version stands ready: stop taking new things from the platform (with an
    /// exclusive link, let go of it) and return. Sends in flight go on; the runtime waits for them
    /// and for unanswered events before it tells the host. Default: nothing to stop.
    fn drain(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Called when the take-over was called off, possibly in the middle of `drain`: listen again.
    fn resume(&self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// Called after `drain`: whatever the next version needs beyond the stored cursors. Default:
    /// nothing.
    fn export(&self) -> impl Future<Output = Option<State>> + Send {
        async { None }
    }

    /// Called when the channel's table changed. Default: cannot, so the host starts the plugin anew
    /// with the new table.
    fn configure(
        &self,
        config: Self::Config,
    ) -> impl Future<Output = Result<(), PluginError>> + Send {
        drop(config);
        async { Err(PluginError::new("new settings need a restart of the plugin")) }
    }

    /// Called last, once, after [`Host::shutdown`] resolved and sends in flight had their chance:
    /// log out, flush, close. Bounded by the host's patience, a few seconds.
    fn stop(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

impl Outbound {
    /// The wire name of the kind, for logs and for [`SendError::unsupported`].
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message",
            Self::Edit { .. } => "edit",
            Self::Delete { .. } => "delete",
            Self::React { .. } => "react",
            Self::Typing { .. } => "typing",
            Self::Poll { .. } => "poll",
            Self::Action { .. } => "action",
            Self::Unknown => "unknown",
        }
    }
}
