//! What a person sees while the agent is at work on their message: that it writes, and its answer as
//! it grows.
//!
//! Goes beside a run and ends with it. What was shown is kept in [`shown`], so that the stored answer
//! continues it, also after a restart. Must not know: how a run is carried out.

mod block;
mod draft;
pub(super) mod shown;

use super::{delivery::Delivery, inbound::Work, outbound::lane_of, pipe::Pipe, withheld};
use crate::{
    agent::Outcome, config::messages::Streaming, plugins::ChannelFacts, store::journal::JournalRow,
};
use jackfield_plugin_api::{
    id::MessageId,
    outbound::{Outbound, Target},
};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// How often platforms want to hear that an answer is being written.
const TYPING_EVERY: Duration = Duration::from_secs(4);

/// One run as its person sees it.
pub(super) struct Progress {
    pipe: Arc<Pipe>,
    delivery: Arc<Delivery>,
    facts: ChannelFacts,
    channel: String,
    target: Target,
    reply_to: Option<MessageId>,
    /// Names the message that is answered; see [`shown`].
    key: String,
    /// Its number in the journal.
    seq: u64,
    run_id: String,
    /// The outbox lane of the target.
    lane: String,
}

impl Progress {
    /// For a run on a channel that can carry messages; `None` for others.
    pub(super) fn of(
        pipe: &Arc<Pipe>,
        delivery: &Arc<Delivery>,
        row: &JournalRow,
        work: &Work,
        run_id: &str,
    ) -> Option<Self> {
        Some(Self {
            facts: pipe.senders.facts(&row.channel)?,
            pipe: Arc::clone(pipe),
            delivery: Arc::clone(delivery),
            channel: row.channel.clone(),
            target: work.target.clone(),
            reply_to: work.reply_to.clone(),
            key: work.message_key.clone(),
            seq: row.seq,
            run_id: run_id.to_owned(),
            lane: lane_of(&work.target),
        })
    }

    /// Waits for the run and shows it meanwhile.
    pub(super) async fn accompany(&self, run: impl Future<Output = Outcome>) -> Outcome {
        let over = CancellationToken::new();
        let run = async {
            let outcome = run.await;
            over.cancel();
            outcome
        };
        let (outcome, (), ()) = tokio::join!(run, self.type_until(&over), self.show_until(&over));
        outcome
    }

    async fn show_until(&self, over: &CancellationToken) {
        let able = self.facts.capabilities.messages;
        let edits = able && self.facts.capabilities.edit;
        match self.pipe.flow(&self.channel).streaming {
            None | Some(Streaming::Draft) if edits => self.draft_until(over).await,
            Some(Streaming::Block) if able => self.blocks_until(over).await,
            _ => {}
        }
    }

    async fn type_until(&self, over: &CancellationToken) {
        if !self.facts.capabilities.typing {
            return;
        }
        let beats = async {
            loop {
                // Whatever is being sent to them says the same.
                if let Some(_free) =
                    self.pipe.turnstiles.try_pass(&self.channel, self.account(), &self.lane)
                {
                    let typing = Outbound::Typing { to: self.target.clone(), on: true };
                    // A signal that is lost is not worth a word; the next one follows.
                    let _ = self.delivery.signal(&self.channel, typing, TYPING_EVERY).await;
                }
                tokio::time::sleep(TYPING_EVERY).await;
            }
        };
        tokio::select! {
            biased;
            () = over.cancelled() => {}
            () = beats => {}
        }
    }

    fn account(&self) -> &str {
        self.target.account.as_str()
    }

    /// The answer so far; empty before its first word.
    fn words(&self) -> String {
        let words = self.pipe.turns.partial(&self.run_id).unwrap_or_default();
        withheld::text(&self.pipe.settings.secrets, words)
    }

    fn message(&self, text: &str) -> Outbound {
        Outbound::Message {
            to: self.target.clone(),
            text: text.to_owned(),
            attachments: Vec::new(),
            reply_to: self.reply_to.clone(),
            silent: false,
        }
    }
}
