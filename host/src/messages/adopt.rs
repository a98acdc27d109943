//! Works off the journal: stored events become turns of the agent, and each answer an outbox row, in
//! the transaction that stores the answer.
//!
//! A turn that was finished never runs again; one that a crash cut off does. A row that cannot be
//! worked off goes to the dead letters and lets the next one pass. The step before:
//! [`super::inbound`]; the step after: [`super::delivery`]. Must not know: backends.

mod answer;
mod batch;

use super::{
    access::Refusal,
    album,
    delivery::Delivery,
    inbound::Work,
    lanes::{LaneWork, Next},
    media,
    outbound::lane_of,
    pipe::Pipe,
    progress::Progress,
};
use crate::{
    agent::{File, Outcome, Turn},
    clock,
    store::{
        StoreError, failpoint,
        journal::{self, JournalRow},
    },
};
use answer::Answer;
use batch::Batch;
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

#[cfg(test)]
pub(super) use answer::APOLOGY;

/// Attempts after which a row is given up on.
const ATTEMPTS_MAX: u32 = 8;
/// Longest wait between two attempts.
const BACKOFF_MAX: Duration = Duration::from_mins(10);
/// Wait after the store refused.
const STORE_PAUSE: Duration = Duration::from_secs(5);

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
        let rows = self.heads(lane).await?;
        let Some(row) = rows.first() else { return Ok(Next::Idle) };
        let now_ms = self.pipe.clock.now_ms();
        if row.not_before_ms > now_ms {
            return Ok(Next::After(Duration::from_millis(row.not_before_ms - now_ms)));
        }
        let flow = self.pipe.flow(&row.channel);
        let payload = row.payload.as_deref().unwrap_or_default();
        match serde_json::from_str::<Work>(payload) {
            Err(error) => self.bury(row, format!("its payload cannot be read: {error}")).await,
            Ok(_) if row.attempts >= ATTEMPTS_MAX => {
                let last = row.note.as_deref().unwrap_or("the gateway ended each time");
                let note = format!("failed {ATTEMPTS_MAX} times, at last: {last}");
                self.bury(row, note).await
            }
            Ok(work) => {
                let opened_ms = self.pipe.opened_ms;
                if let Some(wait) = batch::settling(&work, &rows, &flow, now_ms, opened_ms) {
                    return Ok(Next::After(wait));
                }
                let batch = batch::gather(work, &rows, &flow, now_ms);
                if batch.work.unaddressed {
                    return self.pass_over(batch.seqs).await;
                }
                self.attempt(row, batch).await
            }
        }
    }

    async fn attempt(&self, row: &JournalRow, batch: Batch) -> Result<Next, StoreError> {
        let seq = row.seq;
        if !self.pipe.store.write(move |c| journal::begin(c, seq)).await? {
            return Ok(Next::Again);
        }
        failpoint::hit("turn.begun");
        let files = self.files(row, &batch).await;
        let Batch { work, seqs, .. } = batch;
        let newest = seqs.last().copied().unwrap_or(seq);
        let answer = Answer::new(self.pipe.clock.clone(), &row.channel, seqs, &work);
        let answered = answer.answered();
        let (account, reply_lane) = (work.target.account.clone(), lane_of(&work.target));
        let run_id = clock::uuid();
        let progress = Progress::of(&self.pipe, &self.delivery, row, &work, &run_id);
        let turn = Turn {
            run_id: run_id.clone(),
            session_key: row.lane.clone(),
            agent_id: work.agent_id,
            text: work.text,
            files,
            message_key: work.message_key,
            channel: Some(row.channel.clone()),
            commit: Some(answer.into_hook()),
        };
        let listed = self.pipe.running.list(&row.lane, &run_id, newest);
        let run = self.pipe.turns.run(turn);
        let outcome = match progress {
            Some(progress) => progress.accompany(run).await,
            None => run.await,
        };
        drop(listed);
        failpoint::hit("turn.stored");
        if self.heads(&row.lane).await?.first().is_none_or(|head| head.seq != seq) {
            self.pipe.counters.turns.add(1);
            if answered.load(Ordering::SeqCst) {
                self.pipe.counters.sends.add(1);
                self.delivery.wake(&row.channel, account.as_str(), &reply_lane);
            }
            return Ok(Next::Again);
        }
        self.unfinished(row, &outcome).await
    }

    /// The files of all messages of a turn, brought here.
    async fn files(&self, row: &JournalRow, batch: &Batch) -> Vec<File> {
        let mut files = Vec::new();
        let events = std::iter::once(&batch.work.event).chain(&batch.more);
        for (seq, event) in batch.seqs.iter().zip(events) {
            let account = &batch.work.target.account;
            let from = media::From { seq: *seq, channel: &row.channel, account };
            files.extend(self.pipe.bring(&from, event).await);
        }
        files
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

    async fn heads(&self, lane: &str) -> Result<Vec<JournalRow>, StoreError> {
        let lane = lane.to_owned();
        self.pipe.store.read(move |c| journal::heads(c, &lane, album::ROWS_MAX)).await
    }

    /// An album that turned out to address nobody.
    async fn pass_over(&self, seqs: Vec<u64>) -> Result<Next, StoreError> {
        let (note, now_ms) = (Refusal::NotMentioned.as_str(), self.pipe.clock.now_ms());
        let all = move |c: &rusqlite::Connection| {
            let end = |seq: &u64| journal::settle(c, *seq, Some(note), now_ms).map(drop);
            seqs.iter().try_for_each(end)
        };
        self.pipe.store.write(all).await?;
        Ok(Next::Again)
    }

    async fn bury(&self, row: &JournalRow, note: String) -> Result<Next, StoreError> {
        tracing::error!(seq = row.seq, lane = row.lane, note, "an accepted event was given up on");
        let (seq, now_ms) = (row.seq, self.pipe.clock.now_ms());
        self.pipe.store.write(move |c| journal::bury(c, seq, &note, now_ms)).await?;
        self.pipe.counters.dead.add(1);
        Ok(Next::Again)
    }
}

/// 2, 4, 8 … seconds, up to `max`.
pub(super) fn backoff(attempt: u32, max: Duration) -> Duration {
    Duration::from_secs(1 << attempt.min(20)).min(max)
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
