//! A message whose words are not there yet: its way is checked now, and it is stored in somebody else's
//! transaction when the words are.
//!
//! Must not know: who writes the words.

use super::{
    Messages,
    outbound::{Delivered, DeliveryError, SEND_WAIT, SendRequest, lane_of, message},
};
use crate::{clock, store::outbox};
use jackfield_plugin_api::outbound::Outbound;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The way of a message to come.
#[derive(Clone)]
pub struct Intent {
    channel: String,
    body: Outbound,
    id: String,
    idem: Option<(String, String)>,
    stored: Arc<AtomicBool>,
}

impl Messages {
    /// Checks where a message will go; its text may be empty yet.
    ///
    /// # Errors
    /// `UnknownChannel`, `Unsupported` or `Invalid`.
    pub fn intend(&self, request: SendRequest) -> Result<Intent, DeliveryError> {
        if request.to.is_empty() {
            return Err(DeliveryError::Invalid("a message needs a target"));
        }
        let (channel, idem) = (request.channel.clone(), request.idem.clone());
        let body = self.outgoing.fitting(&channel, message(request))?;
        Ok(Intent { channel, body, id: clock::uuid(), idem, stored: Arc::default() })
    }

    /// Waits for what becomes of an intent whose transaction is committed; `None` when it stored
    /// nothing.
    ///
    /// # Errors
    /// See [`DeliveryError`].
    pub async fn deliver(&self, intent: &Intent) -> Result<Option<Delivered>, DeliveryError> {
        if !intent.stored.load(Ordering::SeqCst) {
            return Ok(None);
        }
        let Outbound::Message { to, .. } = &intent.body else { return Ok(None) };
        self.pipe.counters.sends.add(1);
        self.delivery.wake(&intent.channel, to.account.as_str(), &lane_of(to));
        self.outgoing.outcome(&intent.channel, &intent.id, SEND_WAIT).await.map(Some)
    }
}

impl Intent {
    /// Puts the message into the outbox, once per key; a text without words puts nothing there.
    ///
    /// # Errors
    /// The database's.
    pub fn store(&self, c: &rusqlite::Connection, text: &str, now_ms: u64) -> rusqlite::Result<()> {
        let mut body = self.body.clone();
        let Outbound::Message { to, text: words, .. } = &mut body else { return Ok(()) };
        if text.trim().is_empty() {
            return Ok(());
        }
        text.trim().clone_into(words);
        let (account, lane) = (to.account.clone(), lane_of(to));
        let body = serde_json::to_value(&body)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let row = outbox::NewRow {
            id: &self.id,
            channel: &self.channel,
            account: account.as_str(),
            lane: &lane,
            idem: self.idem.as_ref().map(|(scope, key)| (scope.as_str(), key.as_str())),
            body: &body,
            now_ms,
        };
        let (_, new) = outbox::insert(c, &row)?;
        self.stored.store(new, Ordering::SeqCst);
        Ok(())
    }
}
