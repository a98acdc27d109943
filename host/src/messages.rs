//! The pipe between channels and the agent: nothing accepted is lost, answered twice or sent twice.
//!
//! In: [`inbound`] stores an event with the plugin's cursor and only then is it acknowledged;
//! [`adopt`] turns it into one turn of its conversation. Out: [`outbound`] stores what shall be sent,
//! [`delivery`] sends it once. Who may talk is decided in [`access`]. Must not know: any platform,
//! the wire, how a plugin runs or a backend answers.

mod access;
mod adopt;
mod album;
mod chunk;
mod conversation;
mod counters;
mod delivery;
mod inbound;
mod intent;
mod lanes;
mod loops;
mod media;
mod operator;
mod outbound;
mod pairing;
mod pipe;
mod policy;
mod progress;
mod route;
mod running;
mod stream;
mod turnstile;
mod waiters;
mod withheld;
mod words;

#[cfg(test)]
mod tests;

pub use counters::Counted;
pub use intent::Intent;
pub use media::{FILE_BYTES_MAX, FILES_MAX, Lack, Missing, Spool};
pub use operator::PairingError;
pub use outbound::{Delivered, DeliveryError, SEND_WAIT, SendRequest};
pub use pairing::{ApprovedSender, CODE_MS, PENDING_MAX, PairingRequest};
pub use pipe::Senders;
pub use policy::{ChannelPolicy, ChannelRules, DmPolicy, Flow, FlowRules, GroupPolicy, GroupRule};
pub use route::Route;

use crate::{
    agent::Turns,
    clock::Clock,
    config::Secret,
    plugins::{Inbox, PluginEvent},
    store::{Store, StoreError, journal, outbox},
};
use adopt::Adoption;
use delivery::Delivery;
use futures_util::{FutureExt, future::BoxFuture};
use inbound::{Arrival, Verdict};
use jackfield_plugin_api::{
    frame::{Accepted, Cursor, StoredCursor},
    link::{LinkReport, LinkState},
    outbound::{Outbound, Receipt},
};
use lanes::Lanes;
use media::Media;
use outbound::Outgoing;
use pipe::Pipe;
use serde::Serialize;
use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};
use stream::Streams;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Conversations that may be worked on at once; the agent has a cap of its own below this.
const CONVERSATIONS_MAX: usize = 64;
/// How often what is not needed any more is dropped.
const PRUNE_EVERY: Duration = Duration::from_hours(1);
/// How long an ended send is remembered, for its key and for people.
const OUTBOX_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// What the operator decided.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Channel → who may talk there. A channel that is missing gets the strict defaults.
    pub channels: HashMap<String, ChannelPolicy>,
    /// Channel → how its messages become turns.
    pub flows: HashMap<String, Flow>,
    /// Channel → web addresses of its operator's choosing, which files may come from even if they are
    /// not public.
    pub own_addresses: HashMap<String, Vec<String>>,
    /// Where files are kept.
    pub media: PathBuf,
    /// The agent that answers.
    pub default_agent: String,
    /// What nobody is told, whoever says it.
    pub secrets: Vec<Secret>,
}

/// What waits, and what people should look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Backlog {
    /// Events accepted and not answered.
    pub inbound_pending: u64,
    /// Events given up on.
    pub inbound_dead: u64,
    /// Sends that wait or are under way.
    pub outbound_pending: u64,
    /// Sends whose outcome nobody knows.
    pub outbound_unknown: u64,
}

/// The pipe. One per gateway.
pub struct Messages {
    pipe: Arc<Pipe>,
    streams: Arc<Streams>,
    delivery: Arc<Delivery>,
    outgoing: Outgoing,
    lanes: Arc<Lanes>,
    guesses: pairing::Guesses,
}

impl Messages {
    /// Settles what the last run left behind and takes up the work that waits.
    ///
    /// # Errors
    /// The store's; then nothing was begun.
    pub async fn start(
        store: Store,
        clock: Clock,
        mut settings: Settings,
        turns: Arc<dyn Turns>,
        senders: Arc<dyn Senders>,
        tracker: TaskTracker,
        stop: CancellationToken,
    ) -> Result<Arc<Self>, StoreError> {
        warn_of_stars(&settings);
        let counters = counters::Counters::default();
        let spool = Spool::new(std::mem::take(&mut settings.media));
        let media = Media::new(spool, std::mem::take(&mut settings.own_addresses));
        let (running, turnstiles) = (running::Running::default(), turnstile::Turnstiles::default());
        let opened_ms = clock.now_ms();
        let pipe = Arc::new(Pipe {
            store,
            clock,
            opened_ms,
            settings,
            turns,
            senders,
            counters,
            media,
            running,
            turnstiles,
            tracker,
            stop,
        });
        let delivery = Arc::new(Delivery::new(Arc::clone(&pipe)));
        delivery.recover().await?;
        let adoption = Adoption { pipe: Arc::clone(&pipe), delivery: Arc::clone(&delivery) };
        let lanes = Lanes::start(
            Box::new(adoption),
            CONVERSATIONS_MAX,
            pipe.clock.clone(),
            pipe.tracker.clone(),
            pipe.stop.clone(),
        );
        pipe.tracker.spawn(prune(Arc::clone(&pipe)));
        Ok(Arc::new(Self {
            streams: Arc::default(),
            outgoing: Outgoing { pipe: Arc::clone(&pipe), delivery: Arc::clone(&delivery) },
            guesses: pairing::Guesses::default(),
            pipe,
            delivery,
            lanes,
        }))
    }

    /// Sends a message and waits up to [`SEND_WAIT`] for what becomes of it. Under a key that was used
    /// before, answers what became of that message.
    ///
    /// # Errors
    /// See [`DeliveryError`]; only `NotSent` and `Store` leave the key free for another try.
    pub async fn send(&self, request: SendRequest) -> Result<Delivered, DeliveryError> {
        self.outgoing.send(request).await
    }

    /// Takes a message on, durably; answers its outbox id.
    ///
    /// # Errors
    /// `UnknownChannel`, `Unsupported`, `Invalid` or `Store`.
    pub async fn enqueue(&self, request: SendRequest) -> Result<String, DeliveryError> {
        self.outgoing.enqueue(request).await
    }

    /// Does one thing on a channel (an edit, a reaction, a poll, an action) and waits for it.
    ///
    /// # Errors
    /// As [`Messages::send`].
    pub async fn act(
        &self,
        channel: &str,
        body: Outbound,
        timeout: Duration,
    ) -> Result<Receipt, DeliveryError> {
        self.outgoing.act(channel, body, None, timeout).await
    }

    /// As [`Messages::act`], once per scope and key.
    ///
    /// # Errors
    /// As [`Messages::send`].
    pub async fn act_once(
        &self,
        channel: &str,
        body: Outbound,
        idem: (String, String),
        timeout: Duration,
    ) -> Result<Receipt, DeliveryError> {
        self.outgoing.act(channel, body, Some(idem), timeout).await
    }

    /// Where files are kept that clients send.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.pipe.media.spool
    }

    /// What went through since the start.
    #[must_use]
    pub fn counters(&self) -> Counted {
        self.pipe.counters.snapshot()
    }

    /// What waits, as stored.
    ///
    /// # Errors
    /// The store's.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        self.pipe
            .store
            .read(|c| {
                let inbound = journal::counts(c)?;
                let count = |state| outbox::count(c, state);
                Ok(Backlog {
                    inbound_pending: inbound.pending,
                    inbound_dead: inbound.dead,
                    outbound_pending: count(outbox::State::Queued)?
                        + count(outbox::State::Dispatching)?,
                    outbound_unknown: count(outbox::State::Unknown)?,
                })
            })
            .await
    }

    /// Says in the log how the sends of this run ended, and whether none is missing. Called when
    /// nothing is under way any more.
    pub async fn add_up(&self) {
        let Ok(backlog) = self.backlog().await else { return };
        let Counted { sends, sent, failed, unknown, .. } = self.counters();
        let pending = backlog.outbound_pending;
        if sends == sent + failed + unknown + pending {
            tracing::info!(sends, sent, failed, unknown, pending, "the outbox adds up");
        } else {
            tracing::error!(
                sends,
                sent,
                failed,
                unknown,
                pending,
                "the outbox does not add up; please report this"
            );
        }
    }

    async fn take(&self, arrival: Option<Arrival>, channel: &str, account: &str) -> Accepted {
        let counters = &self.pipe.counters;
        let (Some(arrival), false) = (arrival, self.pipe.stop.is_cancelled()) else {
            counters.unavailable.add(1);
            return Accepted::Refused;
        };
        let verdict = match arrival.store(&self.pipe, &self.streams).await {
            Ok(verdict) => verdict,
            Err(error) => {
                tracing::warn!(channel, account, %error, "an event was not stored; the plugin keeps it");
                counters.unavailable.add(1);
                return Accepted::Refused;
            }
        };
        match &verdict {
            Verdict::Duplicate => counters.duplicates.add(1),
            Verdict::Refused { refusal, code_lane } => {
                counters.refused.add(1);
                tracing::debug!(
                    channel,
                    account,
                    reason = refusal.as_str(),
                    "an event was refused"
                );
                if let Some(lane) = code_lane {
                    counters.sends.add(1);
                    self.delivery.wake(channel, account, lane);
                }
            }
            Verdict::Stored { lane, supersedes } => {
                counters.accepted.add(1);
                if let Some((lane, seq)) = lane {
                    if *supersedes {
                        self.pipe.running.supersede(&self.pipe, lane, *seq);
                    }
                    self.lanes.wake(lane);
                }
            }
        }
        inbound::answer(&verdict)
    }
}

impl Inbox for Messages {
    fn accept(&self, event: PluginEvent) -> BoxFuture<'_, Accepted> {
        let (channel, account) = (event.channel.clone(), event.account.clone());
        // Before the first await, so that the order of calls is the order of arrival.
        let arrival = Arrival::enter(event, &self.streams);
        async move { self.take(arrival, &channel, account.as_str()).await }.boxed()
    }

    fn cursors(&self, channel: &str) -> BoxFuture<'_, Vec<StoredCursor>> {
        let channel = channel.to_owned();
        async move {
            let stored = self.pipe.store.read(move |c| journal::cursors(c, &channel)).await;
            stored
                .unwrap_or_else(|error| {
                    tracing::error!(%error, "cursors cannot be read; streams begin where platforms let them");
                    Vec::new()
                })
                .into_iter()
                .map(|(account, stream, value)| StoredCursor {
                    account: account.into(),
                    cursor: Cursor { stream, value },
                })
                .collect()
        }
        .boxed()
    }

    fn link_changed(&self, channel: &str, report: LinkReport) {
        if report.state != LinkState::Connected || self.pipe.stop.is_cancelled() {
            return;
        }
        let (channel, delivery) = (channel.to_owned(), Arc::clone(&self.delivery));
        self.pipe
            .tracker
            .spawn(async move { delivery.hasten(&channel, report.account.as_str()).await });
    }
}

/// People write `*` and mean everybody; here it is an id that nobody has.
fn warn_of_stars(settings: &Settings) {
    for (channel, policy) in &settings.channels {
        if policy.allow_from.iter().chain(&policy.group_allow_from).any(|id| id == "*") {
            tracing::warn!(
                channel,
                "`*` in an allow-list allows nobody; write dm_policy = \"open\" or group_policy = \"open\""
            );
        }
    }
}

async fn prune(pipe: Arc<Pipe>) {
    loop {
        let now_ms = pipe.clock.now_ms();
        let pruned = pipe
            .store
            .write(move |c| {
                let tombstones = journal::prune(c, now_ms)?;
                let before_ms = now_ms.saturating_sub(OUTBOX_KEPT_MS);
                progress::shown::prune(c, before_ms)?;
                loops::prune(c, now_ms)?;
                Ok((tombstones, outbox::prune(c, before_ms)?))
            })
            .await;
        match pruned {
            Ok((tombstones, sends)) => tracing::debug!(tombstones, sends, "dropped what is old"),
            Err(error) => tracing::warn!(%error, "old rows could not be dropped"),
        }
        tokio::select! {
            () = pipe.stop.cancelled() => return,
            () = tokio::time::sleep(PRUNE_EVERY) => {}
        }
    }
}
