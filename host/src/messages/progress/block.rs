//! Finished paragraphs of a growing answer, each few of them a message of its own.
//!
//! A block is an outbox row like any other, stored together with the note of what was said; the
//! stored answer is what is left. After a restart the answer may come out otherwise, so what was said
//! before stays and the rest follows in one piece.

use super::{
    Progress,
    shown::{self, Shown},
};
use crate::{
    clock,
    messages::chunk,
    store::{StoreError, journal, outbox},
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a growing answer is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 1000 });
/// Least length of a block, bytes; shorter ones wait for the next paragraph.
const BLOCK_MIN: usize = 120;

impl Progress {
    pub(super) async fn blocks_until(&self, over: &CancellationToken) {
        let key = self.key.clone();
        let known = self.pipe.store.read(move |c| shown::get(c, &key)).await;
        if !matches!(known, Ok(None)) {
            return;
        }
        let (mut said, mut count) = (String::new(), 0);
        loop {
            tokio::select! {
                biased;
                () = over.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let words = self.words();
            if !words.starts_with(&said) {
                return;
            }
            let Some(end) = chunk::settled(&words, said.len(), BLOCK_MIN) else { continue };
            let block = words[said.len()..end].trim().to_owned();
            count += 1;
            said.replace_range(.., &words[..end]);
            match self.say(block, Shown::Blocks { text: said.clone(), count }, count).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(channel = self.channel, %error, "a block was not stored");
                    return;
                }
            }
        }
    }

    /// Stores one block; false when the turn is over already, so that nothing follows its answer.
    async fn say(&self, block: String, so_far: Shown, count: u32) -> Result<bool, StoreError> {
        let mut body = self.message(&block);
        if let (jackfield_plugin_api::outbound::Outbound::Message { reply_to, .. }, true) =
            (&mut body, count > 1)
        {
            *reply_to = None;
        }
        let body = serde_json::to_value(body)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
            .map_err(StoreError::Job)?;
        let (channel, account, lane) =
            (self.channel.clone(), self.account().to_owned(), self.lane.clone());
        let (key, seq, now_ms) = (self.key.clone(), self.seq, self.pipe.clock.now_ms());
        let said = self.pipe.store.write(move |c| {
            if !journal::is_pending(c, seq)? {
                return Ok(false);
            }
            shown::put(c, &key, &so_far, now_ms)?;
            let row = outbox::NewRow {
                id: &clock::uuid(),
                channel: &channel,
                account: &account,
                lane: &lane,
                idem: Some(("block", &format!("{key}#{count}"))),
                body: &body,
                now_ms,
            };
            outbox::insert(c, &row).map(|(_, new)| new)
        });
        let said = said.await?;
        if said {
            self.pipe.counters.sends.add(1);
            self.delivery.wake(&self.channel, self.account(), &self.lane);
        }
        Ok(said)
    }
}
