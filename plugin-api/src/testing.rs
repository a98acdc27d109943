//! [`FakeHost`]: drives a [`Channel`] in `cargo test`, with no gateway and no library file.
//!
//! The channel runs on the test's own runtime behind the very loop that runs it in a gateway, so
//! credit, the panic wall and the order of frames are the real ones. Every wait has a limit and
//! panics with what was expected.
//!
//! ```
//! use jackfield_plugin_api::{
//!     Channel, Host, Outgoing, PluginError, Resume, SendError,
//!     frame::Accepted, outbound::Receipt, testing::{self, FakeHost},
//! };
//!
//! struct Void;
//!
//! impl Channel for Void {
//!     type Config = serde_json::Value;
//!     async fn start(host: Host, _: Self::Config, _: Resume) -> Result<Self, PluginError> {
//!         host.clone().spawn(async move {
//!             let event = testing::message("ada", "hello");
//!             host.emit("default", "ada:1", None, event).await.ok();
//!         });
//!         Ok(Self)
//!     }
//!     async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
//!         Err(SendError::unsupported(out.body.kind()))
//!     }
//! }
//!
//! testing::run(async {
//!     let mut host = FakeHost::<Void>::start(serde_json::json!({})).await;
//!     let event = host.event().await;
//!     assert_eq!(event.dedupe_key, "ada:1");
//!     event.answer(Accepted::Stored);
//!     let refused = host.send(testing::text_to("ada", "hi")).await.unwrap_err();
//!     assert_eq!(refused.code, "unsupported");
//!     host.stop().await;
//! });
//! ```

mod sample;
#[cfg(test)]
mod tests;
mod wire;

pub use sample::{message, text_to};

use crate::{
    channel::{Channel, Outgoing, Resume},
    error::{PluginError, SendError},
    event::Event,
    fetch::{Fetch, Fetched, Reconciled},
    frame::{Accepted, Cursor, HostFrame, PluginFrame, State},
    http::{HttpRequest, HttpResponse},
    id::AccountId,
    link::{LinkReport, LinkState},
    outbound::{Outbound, Receipt},
};
use serde_json::Value;
use std::{future::Future, marker::PhantomData};
use tokio::sync::mpsc;
use wire::{PATIENCE, PLACES, Wire};

/// Runs a test's future on a fresh single-threaded runtime: for authors who need no tokio of their
/// own. Inside `#[tokio::test]` it is not needed.
///
/// # Panics
/// When the system has no event queue left.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime needs only an event queue from the system").block_on(test)
}

/// A host with one plugin, as a test holds it.
pub struct FakeHost<C> {
    wire: Wire,
    last_number: u64,
    channel: PhantomData<fn() -> C>,
}

/// An event the channel emitted; it stays unanswered until [`Emitted::answer`].
#[derive(Debug)]
pub struct Emitted {
    /// Its number.
    pub id: u64,
    /// The account it happened on.
    pub account: AccountId,
    /// The platform's id of it.
    pub dedupe_key: String,
    /// The place in the stream after it.
    pub cursor: Option<Cursor>,
    /// The album it is part of.
    pub album: Option<String>,
    /// The event.
    pub body: Event,
    inbox: mpsc::Sender<HostFrame>,
}

impl Emitted {
    /// Answers as the gateway would after its commit.
    ///
    /// # Panics
    /// When the channel has ended or lets hundreds of answers wait.
    pub fn answer(&self, accepted: Accepted) {
        let ack = HostFrame::EventAck { id: self.id, accepted };
        self.inbox.try_send(ack).expect("the channel takes answers");
    }
}

impl<C: Channel> FakeHost<C> {
    /// Starts the channel with this table and waits until it is ready.
    ///
    /// # Panics
    /// When `start` fails; its error is the message.
    pub async fn start(config: Value) -> Self {
        match Self::try_start(config, Resume::default()).await {
            Ok(host) => host,
            Err(error) => panic!("the channel did not start: {error}"),
        }
    }

    /// Starts the channel where an earlier life left off, or says why it would not.
    ///
    /// # Errors
    /// What `start` returned, or what its panic said.
    ///
    /// # Panics
    /// When nothing happens in time.
    pub async fn try_start(config: Value, resume: Resume) -> Result<Self, PluginError> {
        let mut host = Self::over(Wire::open::<C>(PLACES));
        let Resume { state, cursors } = resume;
        host.wire.tell(HostFrame::Start { config, state, cursors, epoch: 1 }).await;
        let started = host.wire.next("ready or fatal", |frame| match frame {
            PluginFrame::Ready { .. } => Some(Ok(())),
            PluginFrame::Fatal { error } => Some(Err(error.clone())),
            _ => None,
        });
        started.await.map(|()| host)
    }

    fn over(wire: Wire) -> Self {
        Self { wire, last_number: 0, channel: PhantomData }
    }

    /// The next event the channel emits.
    ///
    /// # Panics
    /// When none comes in time.
    pub async fn event(&mut self) -> Emitted {
        let inbox = self.wire.inbox.clone();
        self.wire
            .next("an event", |frame| match frame {
                PluginFrame::Event { id, account, dedupe_key, cursor, album, body } => {
                    Some(Emitted {
                        id: *id,
                        account: account.clone(),
                        dedupe_key: dedupe_key.clone(),
                        cursor: cursor.clone(),
                        album: album.clone(),
                        body: body.clone(),
                        inbox: inbox.clone(),
                    })
                }
                _ => None,
            })
            .await
    }

    /// Asks the channel to do one thing and waits for the outcome.
    ///
    /// # Errors
    /// What the channel answered.
    ///
    /// # Panics
    /// When it does not answer in time.
    pub async fn send(&mut self, body: Outbound) -> Result<Receipt, SendError> {
        let number = self.last_number + 1;
        let idem_key = format!("test-{number}");
        let seq = self.dispatch(Outgoing { body, idem_key, attempt: 1, timeout: PATIENCE }).await;
        self.outcome(seq).await
    }

    /// Begins one attempt; [`FakeHost::outcome`] waits for its end. For attempts that overlap.
    pub async fn dispatch(&mut self, out: Outgoing) -> u64 {
        let seq = self.number();
        let timeout_ms = u64::try_from(out.timeout.as_millis()).unwrap_or(u64::MAX);
        let Outgoing { body, idem_key, attempt, .. } = out;
        self.wire.tell(HostFrame::Msg { seq, idem_key, attempt, timeout_ms, body }).await;
        seq
    }

    /// Waits for the end of the attempt that `dispatch` began.
    ///
    /// # Errors
    /// What the channel answered.
    ///
    /// # Panics
    /// When it does not answer in time.
    pub async fn outcome(&mut self, seq: u64) -> Result<Receipt, SendError> {
        self.wire
            .next("the outcome of a send", |frame| match frame {
                PluginFrame::Ack { seq: of, receipt } if *of == seq => Some(Ok(receipt.clone())),
                PluginFrame::Nack { seq: of, error } if *of == seq => Some(Err(error.clone())),
                _ => None,
            })
            .await
    }

    /// Makes a request on a route of the channel.
    ///
    /// # Panics
    /// When it does not answer in time.
    pub async fn http(&mut self, request: HttpRequest) -> HttpResponse {
        let req_id = self.request(request).await;
        self.response(req_id).await
    }

    /// Begins a request; [`FakeHost::response`] waits for its answer. For answers that wait for an
    /// event to be stored.
    pub async fn request(&mut self, request: HttpRequest) -> u64 {
        let req_id = self.number();
        self.wire.tell(HostFrame::Http { req_id, request }).await;
        req_id
    }

    /// Waits for the answer to what `request` began.
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn response(&mut self, req_id: u64) -> HttpResponse {
        self.wire
            .next("an answer to a request", |frame| match frame {
                PluginFrame::HttpReply { req_id: of, response } if *of == req_id => {
                    Some(response.clone())
                }
                _ => None,
            })
            .await
    }

    /// Asks whether an account works.
    ///
    /// # Errors
    /// What is wrong, as the channel puts it.
    ///
    /// # Panics
    /// When it does not answer in time.
    pub async fn probe(&mut self, account: &str) -> Result<String, String> {
        let req_id = self.number();
        self.wire.tell(HostFrame::Probe { req_id, account: account.into() }).await;
        self.wire
            .next("an answer to a probe", |frame| match frame {
                PluginFrame::ProbeReply { req_id: of, ok, detail } if *of == req_id => {
                    let detail = detail.clone().unwrap_or_default();
                    Some(if *ok { Ok(detail) } else { Err(detail) })
                }
                _ => None,
            })
            .await
    }

    /// Asks the channel for the bytes behind a handle and waits until they are in the file.
    ///
    /// # Errors
    /// What the channel answered.
    ///
    /// # Panics
    /// When it does not answer in time, or says both or neither.
    pub async fn fetch(&mut self, wanted: Fetch) -> Result<Fetched, SendError> {
        let req_id = self.number();
        let Fetch { account, handle, path, bytes_max } = wanted;
        self.wire.tell(HostFrame::Fetch { req_id, account, handle, path, bytes_max }).await;
        let (fetched, error) = self
            .wire
            .next("an answer to a fetch", |frame| match frame {
                PluginFrame::Fetched { req_id: of, fetched, error } if *of == req_id => {
                    Some((fetched.clone(), error.clone()))
                }
                _ => None,
            })
            .await;
        match (fetched, error) {
            (Some(fetched), None) => Ok(fetched),
            (None, Some(error)) => Err(error),
            both => panic!("an answer that says one thing: {both:?}"),
        }
    }

    /// Asks what became of an attempt whose outcome was uncertain.
    ///
    /// # Panics
    /// When it does not answer in time.
    pub async fn reconcile(&mut self, out: Outgoing) -> Reconciled {
        let req_id = self.number();
        let Outgoing { body, idem_key, attempt, .. } = out;
        self.wire.tell(HostFrame::Reconcile { req_id, idem_key, attempt, body }).await;
        self.wire
            .next("an answer to a reconcile", |frame| match frame {
                PluginFrame::Reconciled { req_id: of, outcome } if *of == req_id => {
                    Some(outcome.clone())
                }
                _ => None,
            })
            .await
    }

    /// Every link report that has arrived so far, oldest first.
    pub fn links(&mut self) -> &[LinkReport] {
        self.wire.gather();
        &self.wire.links
    }

    /// The newest report once the channel has reported `state` for any account.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn link(&mut self, state: LinkState) -> LinkReport {
        loop {
            if let Some(found) = self.links().iter().rev().find(|report| report.state == state) {
                return found.clone();
            }
            let frame = self.wire.receive("a link report").await;
            self.wire.keep(frame);
        }
    }

    /// Changes the channel's table; a channel that cannot apply it says so by [`FakeHost::fatal`].
    pub async fn configure(&mut self, config: Value) {
        self.wire.tell(HostFrame::Config { config }).await;
    }

    /// Waits until the channel gives up, and why.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn fatal(&mut self) -> PluginError {
        self.wire
            .next("a fatal error", |frame| match frame {
                PluginFrame::Fatal { error } => Some(error.clone()),
                _ => None,
            })
            .await
    }

    /// Drains the channel for a hot swap; returns what was still in flight.
    ///
    /// # Panics
    /// When it does not finish in time.
    pub async fn drain(&mut self) -> u32 {
        let epoch = self.number();
        self.wire.tell(HostFrame::Drain { epoch }).await;
        self.wire
            .next("drained", |frame| match frame {
                PluginFrame::Drained { epoch: of, in_flight } if *of == epoch => Some(*in_flight),
                _ => None,
            })
            .await
    }

    /// Calls the hot swap off.
    pub async fn resume(&mut self) {
        let epoch = self.number();
        self.wire.tell(HostFrame::Resume { epoch }).await;
    }

    /// Asks for the state; schema 0 and null when the channel has none. Hand it to the next one
    /// with [`FakeHost::try_start`].
    ///
    /// # Panics
    /// When it does not come in time.
    pub async fn export(&mut self) -> State {
        let epoch = self.number();
        self.wire.tell(HostFrame::Export { epoch }).await;
        self.wire
            .next("the state", |frame| match frame {
                PluginFrame::State { epoch: of, state } if *of == epoch => Some(state.clone()),
                _ => None,
            })
            .await
    }

    /// Ends the channel in order and waits for it; returns its link reports.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn stop(mut self) -> Vec<LinkReport> {
        self.wire.stop().await;
        std::mem::take(&mut self.wire.links)
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}
