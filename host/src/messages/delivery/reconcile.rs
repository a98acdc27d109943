//! Finding out what became of an attempt when its own answer does not say.
//!
//! The platform is asked through its plugin, a few times while the plugin is away, then no more. Must
//! not know: what follows from the answer.

use super::super::{
    pipe::Pipe,
    progress::shown::{self, Shown},
};
use crate::{
    plugins::Attempt,
    store::{StoreError, outbox::OutboxRow},
};
use jackfield_plugin_api::{fetch::Reconciled, id::MessageId, outbound::Outbound};
use std::time::Duration;

/// Waits between the questions, while nobody answers: about half a minute in all.
const PAUSES: [Duration; 5] = {
    let unit = if cfg!(test) { 10 } else { 1000 };
    let of = Duration::from_millis;
    [of(unit), of(2 * unit), of(4 * unit), of(8 * unit), of(15 * unit)]
};
/// How long the platform may take over one question.
const TIME: Duration = Duration::from_secs(30);

impl Pipe {
    /// What became of an attempt; `None` when the gateway stops before it is known.
    pub(in crate::messages) async fn find_out(
        &self,
        channel: &str,
        asked: Attempt,
    ) -> Option<Reconciled> {
        let asked = Attempt { timeout: TIME, ..asked };
        for pause in PAUSES {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                answer = self.senders.reconcile(channel, asked.clone()) => {
                    if answer.is_some() {
                        return answer;
                    }
                }
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(pause) => {}
            }
        }
        Some(Reconciled::Unknown)
    }

    /// The message that a draft's lost attempt made, if the platform can tell.
    pub(in crate::messages) async fn find_draft(
        &self,
        channel: &str,
        idem_key: String,
        body: Outbound,
    ) -> Option<MessageId> {
        let asked = Attempt { idem_key, attempt: 1, timeout: TIME, body };
        match self.find_out(channel, asked).await? {
            Reconciled::Sent(receipt) => receipt.message,
            Reconciled::NotSent | Reconciled::Unknown => None,
        }
    }

    /// The draft that a row brings to its end.
    pub(super) async fn draft_of(&self, row: &OutboxRow) -> Result<Option<MessageId>, StoreError> {
        let Some((scope, key)) = row.idem.clone() else { return Ok(None) };
        if scope != shown::TURN || row.parts.is_some() {
            return Ok(None);
        }
        let known = self.store.read(move |c| shown::get(c, &key)).await?;
        Ok(match known {
            Some(Shown::Draft { message: Some(message), .. }) => Some(message),
            Some(Shown::Draft { asked, text, message: None }) => {
                let body = serde_json::from_value::<Outbound>(row.body.clone());
                let Ok(Outbound::Message { to, reply_to, .. }) = body else { return Ok(None) };
                let body = Outbound::Message {
                    to,
                    text,
                    attachments: Vec::new(),
                    reply_to,
                    silent: false,
                };
                self.find_draft(&row.channel, asked, body).await
            }
            _ => None,
        })
    }
}
