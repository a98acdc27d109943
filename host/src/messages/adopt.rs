//! Works off the journal: each stored event becomes one turn of the agent, and its answer an outbox
//! row, in the transaction that stores the answer.
//!
//! A turn that was finished never runs again; one that a crash cut off does. A row that cannot be
//! worked off goes to the dead letters and lets the next one pass. The step before:
//! [`super::inbound`]; the step after: [`super::delivery`]. Must not know: backends.

use super::{
    delivery::Delivery,
    inbound::Work,
    lanes::{LaneWork, Next},
    outbound::lane_of,
    pipe::Pipe,
};
use crate::{
    agent::{CommitHook, Outcome, OutcomeStatus, Turn},
    clock,
    plugins::Attempt,
    store::{
        StoreError,
        journal::{self, JournalRow},
        outbox,
    },
};
use futures_util::{FutureExt, future::BoxFuture};
use jackfield_plugin_api::outbound::Outbound;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Attempts after which a row is given up on.
const ATTEMPTS_MAX: u32 = 8;
/// Longest wait between two attempts.
const BACKOFF_MAX: Duration = Duration::from_mins(10);
/// Wait after the store refused.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// How often platforms want to hear that an answer is being written.
const TYPING_EVERY: Duration = Duration::from_secs(4);
pub(super) const APOLOGY: &str = "Sorry, something went wrong and I cannot answer that.";

/// The work of the inbound lanes.
pub(super) struct Adoption {
    pub(super) pipe: Arc<Pipe>,
    pub(super) delivery: Arc<Delivery>,
}

impl LaneWork for Adoption {
    fn step<'a>(&'a self, lane: &'a str) -> BoxFuture<'a, Next> {
        async move {
            match self.advance(lane).await {
                Ok(next) => next,
                Err(StoreError::Closed | StoreError::Failed(_)) => Next::Idle,
                Err(error) => {
                    tracing::warn!(lane, %error, "a lane must wait for the store");
                    Next::After(STORE_PAUSE)
                }
            }
        }
        .boxed()
    }

    fn open(&self) -> BoxFuture<'_, Option<Vec<String>>> {
        self.pipe.store.read(journal::pending_lanes).map(Result::ok).boxed()
    }
}

impl Adoption {
    async fn advance(&self, lane: &str) -> Result<Next, StoreError> {
        let Some(row) = self.head(lane).await? else { return Ok(Next::Idle) };
        let now_ms = self.pipe.clock.now_ms();
        if row.not_before_ms > now_ms {
            return Ok(Next::After(Duration::from_millis(row.not_before_ms - now_ms)));
        }
        let payload = row.payload.as_deref().unwrap_or_default();
        match serde_json::from_str::<Work>(payload) {
            Err(error) => self.bury(&row, format!("its payload cannot be read: {error}")).await,
            Ok(_) if row.attempts >= ATTEMPTS_MAX => {
                let last = row.note.as_deref().unwrap_or("the gateway ended each time");
                let note = format!("failed {ATTEMPTS_MAX} times, at last: {last}");
                self.bury(&row, note).await
            }
            Ok(work) => self.attempt(row, work).await,
        }
    }

    async fn attempt(&self, row: JournalRow, work: Work) -> Result<Next, StoreError> {
        let seq = row.seq;
        if !self.pipe.store.write(move |c| journal::begin(c, seq)).await? {
            return Ok(Next::Again);
        }
        let answered = Arc::new(AtomicBool::new(false));
        let hook = self.hook(&row, &work, Arc::clone(&answered));
        let (account, reply_lane) = (work.target.account.clone(), lane_of(&work.target));
        let turn = Turn {
            run_id: clock::uuid(),
            session_key: row.lane.clone(),
            agent_id: work.agent_id.clone(),
            text: work.text.clone(),
            message_key: work.message_key.clone(),
            channel: Some(row.channel.clone()),
            commit: Some(hook),
        };
        let outcome = self.run(turn, &row, &work).await;
        if self.head(&row.lane).await?.is_none_or(|head| head.seq != seq) {
            self.pipe.counters.turns.add(1);
            if answered.load(Ordering::SeqCst) {
                self.pipe.counters.sends.add(1);
                self.delivery.wake(&row.channel, account.as_str(), &reply_lane);
            }
            return Ok(Next::Again);
        }
        self.unfinished(&row, &outcome).await
    }

    /// The turn ended without being stored: by a stop, then it runs again after the start; or by a
    /// failure, then it is tried again later.
    async fn unfinished(&self, row: &JournalRow, outcome: &Outcome) -> Result<Next, StoreError> {
        let seq = row.seq;
        if self.pipe.stop.is_cancelled() {
            self.pipe.store.write(move |c| journal::release(c, seq)).await?;
            return Ok(Next::Idle);
        }
        let wait = backoff(row.attempts + 1, BACKOFF_MAX);
        let note = outcome.error.clone().unwrap_or_else(|| "the turn was not stored".to_owned());
        tracing::warn!(seq, lane = row.lane, note, "a turn did not finish; it is tried again");
        let until = self.pipe.clock.now_ms().saturating_add(millis(wait));
        self.pipe.store.write(move |c| journal::put_off(c, seq, until, &note)).await?;
        Ok(Next::After(wait))
    }

    async fn run(&self, turn: Turn, row: &JournalRow, work: &Work) -> Outcome {
        let mut run = self.pipe.turns.run(turn);
        let facts = self.pipe.senders.facts(&row.channel);
        if !facts.is_some_and(|facts| facts.capabilities.typing) {
            return run.await;
        }
        loop {
            let signal = Attempt {
                idem_key: clock::uuid(),
                attempt: 1,
                timeout: TYPING_EVERY,
                body: Outbound::Typing { to: work.target.clone(), on: true },
            };
            let beat = async {
                // A signal that is lost is not worth a word; the next one follows.
                let _ = self.pipe.senders.send(&row.channel, signal).await;
                tokio::time::sleep(TYPING_EVERY).await;
            };
            tokio::select! {
                biased;
                outcome = &mut run => return outcome,
                () = beat => {}
            }
        }
    }

    async fn head(&self, lane: &str) -> Result<Option<JournalRow>, StoreError> {
        let lane = lane.to_owned();
        self.pipe.store.read(move |c| journal::head(c, &lane)).await
    }

    async fn bury(&self, row: &JournalRow, note: String) -> Result<Next, StoreError> {
        tracing::error!(seq = row.seq, lane = row.lane, note, "an accepted event was given up on");
        let (seq, now_ms) = (row.seq, self.pipe.clock.now_ms());
        self.pipe.store.write(move |c| journal::bury(c, seq, &note, now_ms)).await?;
        self.pipe.counters.dead.add(1);
        Ok(Next::Again)
    }

    /// What the transaction that stores the answer does besides.
    fn hook(&self, row: &JournalRow, work: &Work, answered: Arc<AtomicBool>) -> CommitHook {
        let (seq, channel, clock) = (row.seq, row.channel.clone(), self.pipe.clock.clone());
        let (target, reply_to) = (work.target.clone(), work.reply_to.clone());
        let message_key = work.message_key.clone();
        Box::new(move |c, outcome| {
            let now_ms = clock.now_ms();
            if !journal::settle(c, seq, now_ms)? {
                return Ok(());
            }
            let text = match outcome.status {
                OutcomeStatus::Ok => outcome.text.trim(),
                OutcomeStatus::Error | OutcomeStatus::Timeout => APOLOGY,
                OutcomeStatus::Aborted => "",
            };
            if text.is_empty() {
                return Ok(());
            }
            let (account, lane) = (target.account.clone(), lane_of(&target));
            let body = Outbound::Message {
                to: target,
                text: text.to_owned(),
                attachments: Vec::new(),
                reply_to,
                silent: false,
            };
            let body = serde_json::to_value(body)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            let (_, new) = outbox::insert(
                c,
                &outbox::NewRow {
                    id: &clock::uuid(),
                    channel: &channel,
                    account: account.as_str(),
                    lane: &lane,
                    idem: Some(("turn", &message_key)),
                    body: &body,
                    now_ms,
                },
            )?;
            answered.store(new, Ordering::SeqCst);
            Ok(())
        })
    }
}

/// 2, 4, 8 … seconds, up to `max`.
pub(super) fn backoff(attempt: u32, max: Duration) -> Duration {
    Duration::from_secs(1 << attempt.min(20)).min(max)
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
