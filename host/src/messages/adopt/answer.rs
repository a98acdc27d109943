//! What the transaction that stores a turn's answer does besides: the messages it answers are done,
//! and the answer is on its way out.

use super::super::{inbound::Work, outbound::lane_of, progress::shown};
use crate::{
    agent::{CommitHook, Outcome, OutcomeStatus},
    clock::{self, Clock},
    store::{failpoint, journal, outbox},
};
use jackfield_plugin_api::{
    id::MessageId,
    outbound::{Outbound, Target},
};
use shown::Shown;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

pub(in crate::messages) const APOLOGY: &str =
    "Sorry, something went wrong and I cannot answer that.";

/// What an answer is stored with.
pub(super) struct Answer {
    clock: Clock,
    channel: String,
    /// Numbers of the messages it answers, the first of them first.
    seqs: Vec<u64>,
    target: Target,
    reply_to: Option<MessageId>,
    message_key: String,
    /// Set once the answer lies in the outbox.
    answered: Arc<AtomicBool>,
}

impl Answer {
    pub(super) fn new(clock: Clock, channel: &str, seqs: Vec<u64>, work: &Work) -> Self {
        Self {
            clock,
            channel: channel.to_owned(),
            seqs,
            target: work.target.clone(),
            reply_to: work.reply_to.clone(),
            message_key: work.message_key.clone(),
            answered: Arc::default(),
        }
    }

    /// Whether something lies in the outbox now.
    pub(super) fn answered(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.answered)
    }

    pub(super) fn into_hook(self) -> CommitHook {
        Box::new(move |c, outcome| self.store(c, outcome))
    }

    fn store(self, c: &rusqlite::Connection, outcome: &Outcome) -> rusqlite::Result<()> {
        failpoint::hit("turn.storing");
        let now_ms = self.clock.now_ms();
        let (first, rest) = self.seqs.split_first().expect("a turn answers a message");
        if !journal::settle(c, *first, None, now_ms)? {
            return Ok(());
        }
        for seq in rest {
            journal::settle(c, *seq, None, now_ms)?;
        }
        let shown = shown::get(c, &self.message_key)?;
        let text = unsaid(outcome, shown.as_ref());
        if text.is_empty() || matches!(shown, Some(Shown::Blocks { .. })) {
            shown::forget(c, &self.message_key)?;
        }
        if text.is_empty() {
            return Ok(());
        }
        let (account, lane) = (self.target.account.clone(), lane_of(&self.target));
        let body = Outbound::Message {
            to: self.target,
            text: text.to_owned(),
            attachments: Vec::new(),
            reply_to: self.reply_to.filter(|_| !matches!(shown, Some(Shown::Blocks { .. }))),
            silent: false,
        };
        let body = serde_json::to_value(body)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let row = outbox::NewRow {
            id: &clock::uuid(),
            channel: &self.channel,
            account: account.as_str(),
            lane: &lane,
            idem: Some((shown::TURN, &self.message_key)),
            body: &body,
            now_ms,
        };
        let (_, new) = outbox::insert(c, &row)?;
        self.answered.store(new, Ordering::SeqCst);
        Ok(())
    }
}

/// What is still to be said. A draft is always brought to its end, blocks stand as they are.
fn unsaid<'a>(outcome: &'a Outcome, shown: Option<&Shown>) -> &'a str {
    let whole = outcome.text.trim();
    match (outcome.status, shown) {
        (OutcomeStatus::Error | OutcomeStatus::Timeout, _) => APOLOGY,
        (OutcomeStatus::Aborted, Some(Shown::Draft { .. })) => whole,
        (OutcomeStatus::Aborted, _) => "",
        (OutcomeStatus::Ok, Some(Shown::Blocks { text, .. })) => {
            outcome.text.strip_prefix(text.as_str()).map_or(whole, str::trim)
        }
        (OutcomeStatus::Ok, _) => whole,
    }
}
