//! Works off the outbox: per link, fairly across targets, in order within one.
//!
//! `dispatching` is durable before a plugin is asked, so a crash never sends twice: what was under way
//! is looked up on its platform, and where that cannot tell it becomes `unknown` and is shown once. Provably unsent rows are tried again, after the wait the
//! platform asked for, also across a restart. The step before: [`super::outbound`] or
//! [`super::adopt`]; the step after: [`crate::plugins`]. Must not know: what a message says.

mod attempt;
mod pace;
mod reconcile;

use super::{
    adopt::millis,
    lanes::{LaneWork, Lanes, Next},
    pipe::Pipe,
    progress::shown,
    waiters::Waiters,
};
use crate::{
    clock,
    plugins::Attempt,
    store::{
        StoreError, failpoint,
        outbox::{self, OutboxRow, State},
    },
};
use attempt::Verdict;
use futures_util::{FutureExt, future::BoxFuture};
use jackfield_plugin_api::{
    error::SendError,
    manifest::Limits,
    outbound::{Outbound, Receipt},
};
use pace::Pace;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Attempts of one link that may be under way at once, each to another target.
const LINK_WIDTH: usize = 4;
/// Links that may exist; rows for more wait for the next start.
const LINKS_MAX: usize = 1024;
/// What is not sent by then is not news any more.
const EXPIRY_MS: u64 = 24 * 60 * 60 * 1000;
/// Wait while nothing serves the channel.
const ABSENT_PAUSE: Duration = Duration::from_secs(30);
/// Wait after the store refused.
const STORE_PAUSE: Duration = Duration::from_secs(5);

type LinkName = (String, String);

/// All links that have, or had, something to send.
pub(super) struct Delivery {
    pipe: Arc<Pipe>,
    links: Mutex<HashMap<LinkName, Arc<Lanes>>>,
    pub(super) waiters: Arc<Waiters>,
}

impl Delivery {
    pub(super) fn new(pipe: Arc<Pipe>) -> Self {
        Self { pipe, links: Mutex::default(), waiters: Arc::default() }
    }

    /// Takes up what the last run left, then begins to send.
    pub(super) async fn recover(&self) -> Result<(), StoreError> {
        let (open, left) = self
            .pipe
            .store
            .read(|c| {
                let left = outbox::count(c, State::Queued)? + outbox::count(c, State::Dispatching)?;
                Ok((outbox::open_lanes(c)?, left))
            })
            .await?;
        self.pipe.counters.sends.add(left);
        for (channel, account, lane) in open {
            self.resume(&channel, &account, &lane);
        }
        Ok(())
    }

    /// There is something left to send on this lane.
    fn resume(&self, channel: &str, account: &str, lane: &str) {
        if let Some(link) = self.link(channel, account) {
            link.wake(lane);
        }
    }

    /// There is something new to send on this lane.
    pub(super) fn wake(&self, channel: &str, account: &str, lane: &str) {
        if let Some(link) = self.link(channel, account) {
            link.hurry(lane);
        }
    }

    /// The link carries messages again: what only waited for that goes out now.
    pub(super) async fn hasten(&self, channel: &str, account: &str) {
        let (c_channel, c_account) = (channel.to_owned(), account.to_owned());
        let open = self
            .pipe
            .store
            .write(move |c| {
                outbox::hasten(c, &c_channel, &c_account)?;
                outbox::open_lanes_of(c, &c_channel, &c_account)
            })
            .await;
        match open {
            Ok(open) => open.iter().for_each(|lane| self.resume(channel, account, lane)),
            Err(error) => tracing::warn!(%error, "waiting messages keep their wait"),
        }
    }

    /// One attempt that is neither stored nor repeated.
    pub(super) async fn signal(
        &self,
        channel: &str,
        body: Outbound,
        timeout: Duration,
    ) -> Result<Receipt, SendError> {
        let attempt = Attempt { idem_key: clock::uuid(), attempt: 1, timeout, body };
        self.pipe.senders.send(channel, attempt).await
    }

    /// Takes a row back of which nothing was sent; false when it is too late.
    pub(super) async fn withdraw(&self, id: &str, error: &SendError) -> Result<bool, StoreError> {
        let (row, error) = (id.to_owned(), attempt::as_json(error));
        let now_ms = self.pipe.clock.now_ms();
        let withdrawn =
            self.pipe.store.write(move |c| outbox::withdraw(c, &row, &error, now_ms)).await?;
        if withdrawn {
            self.pipe.counters.failed.add(1);
            self.waiters.settle(id);
        }
        Ok(withdrawn)
    }

    fn link(&self, channel: &str, account: &str) -> Option<Arc<Lanes>> {
        let name = (channel.to_owned(), account.to_owned());
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = links.get(&name) {
            return Some(Arc::clone(link));
        }
        if links.len() >= LINKS_MAX {
            tracing::error!(
                channel,
                account,
                "too many links; this one sends after the next start"
            );
            return None;
        }
        let work = Link {
            pipe: Arc::clone(&self.pipe),
            waiters: Arc::clone(&self.waiters),
            channel: channel.to_owned(),
            account: account.to_owned(),
            pace: Pace::default(),
        };
        let lanes = Lanes::start(
            Box::new(work),
            LINK_WIDTH,
            self.pipe.clock.clone(),
            self.pipe.tracker.clone(),
            self.pipe.stop.clone(),
        );
        links.insert(name, Arc::clone(&lanes));
        Some(lanes)
    }
}

/// The work of one link's lanes.
struct Link {
    pipe: Arc<Pipe>,
    waiters: Arc<Waiters>,
    channel: String,
    account: String,
    pace: Pace,
}

impl LaneWork for Link {
    fn step<'a>(&'a self, lane: &'a str) -> BoxFuture<'a, Next> {
        async move {
            match self.advance(lane).await {
                Ok(next) => next,
                Err(StoreError::Closed | StoreError::Failed(_)) => Next::Idle,
                Err(error) => {
                    tracing::warn!(channel = self.channel, %error, "sending must wait for the store");
                    Next::After(STORE_PAUSE)
                }
            }
        }
        .boxed()
    }

    fn open(&self) -> BoxFuture<'_, Option<Vec<String>>> {
        let (channel, account) = (self.channel.clone(), self.account.clone());
        self.pipe
            .store
            .read(move |c| outbox::open_lanes_of(c, &channel, &account))
            .map(Result::ok)
            .boxed()
    }
}

impl Link {
    async fn advance(&self, lane: &str) -> Result<Next, StoreError> {
        let (channel, account, name) =
            (self.channel.clone(), self.account.clone(), lane.to_owned());
        let head =
            self.pipe.store.read(move |c| outbox::head(c, &channel, &account, &name)).await?;
        let Some(row) = head else { return Ok(Next::Idle) };
        if row.state != State::Dispatching
            && let Some(next) = self.not_yet(&row).await
        {
            return Ok(next);
        }
        let limits = match self.pipe.senders.facts(&self.channel) {
            Some(facts) => facts.limits,
            None if row.state == State::Dispatching => Limits::default(),
            None => return Ok(Next::After(ABSENT_PAUSE)),
        };
        // What shows a growing answer there comes to its end first.
        let _free = self.pipe.turnstiles.pass(&self.channel, &self.account, lane).await;
        let draft = self.pipe.draft_of(&row).await?;
        let Some(parts) = attempt::parts(&row, &limits, draft, &self.pipe.settings.secrets) else {
            let error = SendError::permanent("unreadable", "the stored message cannot be read");
            self.end(&row.id, State::Failed, error).await;
            return Ok(Next::Again);
        };
        if row.state == State::Queued {
            if !self.turn(&row, &limits).await {
                return Ok(Next::Idle);
            }
            if !self.dispatch(&row, &parts).await? {
                return Ok(Next::Again);
            }
        }
        failpoint::hit("outbox.dispatching");
        match self.attempt_part(&row, parts, attempt::timeout(&limits)).await {
            Verdict::Sent => {
                self.pipe.counters.sent.add(1);
                self.waiters.settle(&row.id);
            }
            Verdict::More => {}
            Verdict::Stopped => return Ok(Next::Idle),
            Verdict::Later { wait, paced, error } => {
                self.requeue(&row.id, wait, paced, error).await;
                return Ok(Next::After(wait));
            }
            Verdict::Never(error) => self.end(&row.id, State::Failed, error).await,
            Verdict::Unknown(error) => self.end(&row.id, State::Unknown, error).await,
        }
        Ok(Next::Again)
    }

    /// Why a row is not sent now.
    async fn not_yet(&self, row: &OutboxRow) -> Option<Next> {
        let now_ms = self.pipe.clock.now_ms();
        if now_ms.saturating_sub(row.created_ms) >= EXPIRY_MS {
            let error = SendError::permanent("expired", "it could not be sent within 24 hours");
            self.end(&row.id, State::Failed, error).await;
            return Some(Next::Again);
        }
        let asked = row.not_before_ms.saturating_sub(now_ms);
        let pace = attempt::is_new(row).then_some(&self.pace);
        let paced = pace.and_then(|it| it.wait_of(&row.lane, self.pipe.clock.monotonic()));
        let wait = Duration::from_millis(asked).max(paced.unwrap_or_default());
        (!wait.is_zero()).then_some(Next::After(wait))
    }

    /// Waits until the platform allows another message there; false when the gateway stops.
    async fn turn(&self, row: &OutboxRow, limits: &Limits) -> bool {
        if !attempt::is_new(row) {
            return true;
        }
        let wait = self.pace.take(&row.lane, limits, self.pipe.clock.monotonic());
        tokio::select! {
            () = self.pipe.stop.cancelled() => false,
            () = tokio::time::sleep(wait) => true,
        }
    }

    /// Notes durably that the plugin is about to be asked; false when the row was taken back.
    async fn dispatch(&self, row: &OutboxRow, parts: &[Outbound]) -> Result<bool, StoreError> {
        let (id, idem, now_ms) = (row.id.clone(), row.idem.clone(), self.pipe.clock.now_ms());
        // The first of them is the last that finds something to note or to forget.
        let parts: Option<Vec<_>> =
            row.parts.is_none().then(|| parts.iter().map(attempt::as_json).collect());
        let write = self.pipe.store.write(move |c| {
            if let (Some((scope, key)), true) = (&idem, parts.is_some())
                && scope == shown::TURN
            {
                // From here on the parts themselves name the draft.
                shown::forget(c, key)?;
            }
            outbox::dispatch(c, &id, parts.as_deref(), now_ms)
        });
        write.await
    }

    async fn requeue(&self, id: &str, wait: Duration, paced: bool, error: SendError) {
        tracing::info!(id, channel = self.channel, %error, wait_ms = millis(wait), "not sent; tried again later");
        let (row, error) = (id.to_owned(), attempt::as_json(&error));
        let clock = self.pipe.clock.clone();
        let until = clock.now_ms().saturating_add(millis(wait));
        self.pipe
            .keep(move |c| outbox::requeue(c, &row, until, paced, &error, clock.now_ms()))
            .await;
    }

    async fn end(&self, id: &str, state: State, error: SendError) {
        let (row, text, kept) = (id.to_owned(), error.to_string(), attempt::as_json(&error));
        let (channel, error) = (self.channel.as_str(), text);
        if state == State::Unknown {
            // Told before it is kept: a kill in between has it told again, not never.
            let told = "nobody knows whether this was sent; it is not sent again";
            tracing::warn!(id, channel, error, "{told}");
        }
        let clock = self.pipe.clock.clone();
        let ended =
            self.pipe.keep(move |c| outbox::end(c, &row, state, &kept, clock.now_ms())).await;
        if ended != Some(true) {
            return;
        }
        if state == State::Unknown {
            self.pipe.counters.unknown.add(1);
        } else {
            self.pipe.counters.failed.add(1);
            tracing::warn!(id, channel, error, "not sent, and not tried again");
        }
        self.waiters.settle(id);
    }
}
