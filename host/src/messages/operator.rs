//! What an operator looks at and decides: strangers who wait, people who were let in, dead letters.
//!
//! Must not know: who the operator is; the methods above check that.

use super::{
    Messages,
    pairing::{self, ApprovedSender, PairingRequest},
};
use crate::store::{
    StoreError,
    journal::{self, JournalRow},
};

/// Why a pairing was not decided.
#[derive(Debug, thiserror::Error)]
pub enum PairingError {
    /// Nobody waits under this id or code.
    #[error("no pairing request with this id or code waits; codes are good for one hour")]
    NotFound,
    /// Codes were guessed too often.
    #[error("too many wrong codes; try again in five minutes")]
    TooManyGuesses,
    /// Nothing was stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Messages {
    /// Strangers who wait for the operator, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn pairing_list(&self) -> Result<Vec<PairingRequest>, StoreError> {
        let now_ms = self.pipe.clock.now_ms();
        self.pipe.store.write(move |c| pairing::waiting(c, now_ms)).await
    }

    /// Lets a stranger in, found by request id or code.
    ///
    /// # Errors
    /// See [`PairingError`].
    pub async fn pairing_approve(
        &self,
        channel: &str,
        account: Option<&str>,
        id_or_code: &str,
    ) -> Result<PairingRequest, PairingError> {
        self.decide_pairing(channel, account, id_or_code, true).await
    }

    /// Turns a stranger away, found by request id or code; the next message makes a new request.
    ///
    /// # Errors
    /// See [`PairingError`].
    pub async fn pairing_dismiss(
        &self,
        channel: &str,
        account: Option<&str>,
        id_or_code: &str,
    ) -> Result<PairingRequest, PairingError> {
        self.decide_pairing(channel, account, id_or_code, false).await
    }

    /// Everybody the operator let in by pairing.
    ///
    /// # Errors
    /// The store's.
    pub async fn approved_senders(&self) -> Result<Vec<ApprovedSender>, StoreError> {
        self.pipe.store.read(pairing::approved).await
    }

    /// Takes an approval back; false when there was none.
    ///
    /// # Errors
    /// The store's.
    pub async fn revoke_sender(
        &self,
        channel: &str,
        account: &str,
        sender: &str,
    ) -> Result<bool, StoreError> {
        let name = (channel.to_owned(), account.to_owned(), sender.to_owned());
        self.pipe.store.write(move |c| pairing::revoke(c, &name.0, &name.1, &name.2)).await
    }

    /// Events that were given up on, the oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn dead_list(&self, limit: u64) -> Result<Vec<JournalRow>, StoreError> {
        self.pipe.store.read(move |c| journal::dead(c, limit)).await
    }

    /// One event that was given up on, by its number.
    ///
    /// # Errors
    /// The store's.
    pub async fn dead_find(&self, seq: u64) -> Result<Option<JournalRow>, StoreError> {
        self.pipe.store.read(move |c| journal::dead_one(c, seq)).await
    }

    /// Tries a dead event again; false when there is none with this number.
    ///
    /// # Errors
    /// The store's.
    pub async fn dead_retry(&self, seq: u64) -> Result<bool, StoreError> {
        let lane = self.pipe.store.write(move |c| journal::revive(c, seq)).await?;
        if let Some(lane) = &lane {
            self.lanes.wake(lane);
        }
        Ok(lane.is_some())
    }

    /// Forgets a dead event for good; false when there is none with this number.
    ///
    /// # Errors
    /// The store's.
    pub async fn dead_drop(&self, seq: u64) -> Result<bool, StoreError> {
        self.pipe.store.write(move |c| journal::drop_dead(c, seq)).await
    }

    async fn decide_pairing(
        &self,
        channel: &str,
        account: Option<&str>,
        id_or_code: &str,
        approve: bool,
    ) -> Result<PairingRequest, PairingError> {
        let now_ms = self.pipe.clock.now_ms();
        if !self.guesses.allowed(channel, now_ms) {
            return Err(PairingError::TooManyGuesses);
        }
        let (name, account, named) =
            (channel.to_owned(), account.map(str::to_owned), id_or_code.to_owned());
        let decided = self
            .pipe
            .store
            .write(move |c| pairing::decide(c, &name, account.as_deref(), &named, approve, now_ms))
            .await?;
        decided.ok_or_else(|| {
            self.guesses.note(channel, now_ms);
            PairingError::NotFound
        })
    }
}
