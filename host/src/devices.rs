//! Paired devices: who is known, with which roles and scopes, and the requests that wait.
//!
//! The registry lives in memory and writes every change through to the store before it counts.
//! It decides nothing about a connection; [`crate::auth`] asks it. Must not know: sockets, frames.

pub mod pending;
pub mod record;
pub mod setup;
pub mod token;
pub mod upgrade;

pub use pending::{Ask, Need, Pending};
pub use record::{ApprovedVia, Device, TokenRecord};
pub use token::{Issued, TokenKey, TokenVerdict};
pub use upgrade::Outcome;

use crate::{
    clock::Clock,
    protocol::scope::{Role, Scopes},
    store::{Store, StoreError, records},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Kind of the records in the store.
const RECORDS: &str = "device";
/// A device cluster of throw-away identities is pruned of members older than this, milliseconds.
const SILENT_CLUSTER_MS: u64 = 60_000;

/// Why a change to the registry failed.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No such device.
    #[error("unknown deviceId")]
    UnknownDevice,
    /// No such pairing request; it may have expired.
    #[error("unknown requestId")]
    UnknownRequest,
    /// The caller may not do this.
    #[error("{0}")]
    Denied(&'static str),
    /// The change could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What an approval did.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The request that was approved.
    pub request: Pending,
    /// The device as it is now.
    pub device: Device,
}

/// The registry. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Devices {
    store: Store,
    clock: Clock,
    key: Arc<TokenKey>,
    state: Arc<Mutex<State>>,
    /// Changes go one at a time: each reads a record, alters it and stores it.
    changes: Arc<tokio::sync::Mutex<()>>,
    /// Counts requests that were answered; those who wait for an answer look again.
    answered: Arc<tokio::sync::watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct State {
    paired: HashMap<String, Device>,
    pending: pending::PendingList,
    setups: setup::SetupList,
    outcomes: upgrade::Outcomes,
}

impl Devices {
    /// Loads the registry.
    ///
    /// # Errors
    /// When the store cannot be read; an unreadable registry must never pass for an empty one.
    pub async fn load(store: Store, clock: Clock, key: TokenKey) -> Result<Self, StoreError> {
        let rows = store.read(|c| records::list::<serde_json::Value>(c, RECORDS)).await?;
        let mut paired = HashMap::new();
        for row in rows {
            match serde_json::from_value::<Device>(row.body) {
                Ok(device) => {
                    paired.insert(device.device_id.clone(), device);
                }
                Err(error) => {
                    tracing::error!(device = row.id, %error, "device record is unreadable; it stays in the store, the device must pair anew");
                }
            }
        }
        let state = State { paired, ..State::default() };
        Ok(Self {
            store,
            clock,
            key: Arc::new(key),
            state: Arc::new(Mutex::new(state)),
            changes: Arc::default(),
            answered: Arc::new(tokio::sync::watch::Sender::new(0)),
        })
    }

    /// A device by id.
    #[must_use]
    pub fn device(&self, id: &str) -> Option<Device> {
        self.lock().paired.get(id).cloned()
    }

    /// All devices, the newest first.
    #[must_use]
    pub fn paired(&self) -> Vec<Device> {
        let mut list: Vec<Device> = self.lock().paired.values().cloned().collect();
        list.sort_by_key(|d| (std::cmp::Reverse(d.approved_at_ms), d.device_id.clone()));
        list
    }

    /// Requests that wait, the newest first.
    #[must_use]
    pub fn pending(&self) -> Vec<Pending> {
        self.lock().pending.list(self.clock.now_ms())
    }

    /// A waiting request by id.
    #[must_use]
    pub fn pending_request(&self, request_id: &str) -> Option<Pending> {
        self.lock().pending.get(request_id, self.clock.now_ms()).cloned()
    }

    /// What the device still needs before it may come in as asked; `None` when nothing.
    #[must_use]
    pub fn need(&self, ask: &Ask) -> Option<Need> {
        self.lock().paired.get(&ask.device_id).map_or(Some(Need::Pairing), |d| ask.need(d))
    }

    /// Puts the ask on the list of waiting requests, or finds it there. The second value is the
    /// request it superseded, if it did.
    #[must_use]
    pub fn request(&self, ask: &Ask) -> (Pending, Option<Pending>, bool) {
        let known = self.device(&ask.device_id).is_some();
        let answer = self.lock().pending.put(ask, known, self.clock.now_ms());
        if let Some(old) = &answer.1 {
            self.answered(old, Outcome::Rejected);
        }
        answer
    }

    /// Approves an ask without a waiting request: local, bootstrap, trusted.
    ///
    /// # Errors
    /// When the change cannot be stored.
    pub async fn approve_ask(&self, ask: &Ask, via: ApprovedVia) -> Result<Device, DeviceError> {
        let _one = self.changes.lock().await;
        let now = self.clock.now_ms();
        let device = self
            .lock()
            .paired
            .get(&ask.device_id)
            .map_or_else(|| Device::new(ask, via, now), |known| known.upgraded(ask, via, now));
        self.save(device.clone()).await?;
        let waiting = self.lock().pending.forget(&ask.device_id);
        if let Some(request) = waiting {
            let granted = Scopes::from_words(&device.scopes).covers(request.scopes);
            self.answered(&request, if granted { Outcome::Approved } else { Outcome::Rejected });
        }
        Ok(device)
    }

    /// Approves a waiting request.
    ///
    /// # Errors
    /// When it is unknown or cannot be stored.
    pub async fn approve(&self, request_id: &str) -> Result<Approval, DeviceError> {
        let request = self.pending_request(request_id).ok_or(DeviceError::UnknownRequest)?;
        let device = self.approve_ask(&request.ask(), ApprovedVia::Owner).await?;
        Ok(Approval { request, device })
    }

    /// Takes a waiting request off the list.
    ///
    /// # Errors
    /// When it is unknown.
    pub fn reject(&self, request_id: &str) -> Result<Pending, DeviceError> {
        let now = self.clock.now_ms();
        let request =
            self.lock().pending.take(request_id, now).ok_or(DeviceError::UnknownRequest)?;
        self.answered(&request, Outcome::Rejected);
        Ok(request)
    }

    /// Forgets a device with all its tokens.
    ///
    /// # Errors
    /// When it is unknown or the change cannot be stored.
    pub async fn remove(&self, id: &str) -> Result<Device, DeviceError> {
        let _one = self.changes.lock().await;
        let device = self.device(id).ok_or(DeviceError::UnknownDevice)?;
        let key = id.to_owned();
        self.store.write(move |c| records::delete(c, RECORDS, &key)).await?;
        let waiting = {
            let mut state = self.lock();
            state.paired.remove(id);
            state.pending.forget(id)
        };
        if let Some(request) = waiting {
            self.answered(&request, Outcome::Rejected);
        }
        Ok(device)
    }

    /// Gives a device a name for people.
    ///
    /// # Errors
    /// When it is unknown or the change cannot be stored.
    pub async fn rename(&self, id: &str, label: &str) -> Result<(), DeviceError> {
        self.update(id, |device, _| device.operator_label = Some(label.to_owned())).await.map(drop)
    }

    /// Notes a sign of life. Kept in memory; written with the next real change.
    pub fn seen(&self, id: &str, reason: &str) {
        let now = self.clock.now_ms();
        if let Some(device) = self.lock().paired.get_mut(id) {
            device.last_seen_at_ms = Some(now);
            device.last_seen_reason = Some(reason.to_owned());
        }
    }

    /// The token of a device and role for its hello: the living one when it covers what the caller
    /// was let in with, else a new one for all the device is approved for.
    ///
    /// # Errors
    /// When the device is unknown or a new token cannot be stored.
    pub async fn token_for(
        &self,
        id: &str,
        role: Role,
        asked: Scopes,
    ) -> Result<Issued, DeviceError> {
        let device = self.device(id).ok_or(DeviceError::UnknownDevice)?;
        if let Some(record) = device.covering_token(role, asked) {
            return Ok(self.key.reveal(id, record));
        }
        let key = Arc::clone(&self.key);
        let device = self
            .update(id, move |device, now| {
                if device.covering_token(role, asked).is_none() {
                    let before = device.tokens.get(&role).map(|t| t.created_at_ms);
                    let scopes = device.granted(role);
                    device
                        .tokens
                        .insert(role, key.mint(&device.device_id, role, scopes, now, before));
                }
            })
            .await?;
        let record = device.living_token(role).ok_or(DeviceError::UnknownDevice)?;
        Ok(self.key.reveal(id, record))
    }

    /// Replaces the token of a device and role. Scopes beyond what the device is approved for are
    /// cut off.
    ///
    /// # Errors
    /// When the device or role is unknown, or the change cannot be stored.
    pub async fn issue(
        &self,
        id: &str,
        role: Role,
        scopes: Option<Scopes>,
    ) -> Result<Issued, DeviceError> {
        let key = Arc::clone(&self.key);
        let device = self
            .update(id, move |device, now| {
                let granted = device.granted(role);
                let within = |s: Scopes| {
                    if granted.covers(s) { s.normalised() } else { granted.intersection(s) }
                };
                let scopes = scopes.map_or(granted, within);
                let before = device.tokens.get(&role).map(|t| t.created_at_ms);
                device.tokens.insert(role, key.mint(&device.device_id, role, scopes, now, before));
            })
            .await?;
        let record = device.tokens.get(&role).ok_or(DeviceError::UnknownDevice)?;
        Ok(self.key.reveal(id, record))
    }

    /// Ends the token of a device and role; answers when.
    ///
    /// # Errors
    /// When the device or its token is unknown, or the change cannot be stored.
    pub async fn revoke(&self, id: &str, role: Role) -> Result<u64, DeviceError> {
        let device = self.device(id).ok_or(DeviceError::UnknownDevice)?;
        if !device.tokens.contains_key(&role) {
            return Err(DeviceError::UnknownDevice);
        }
        let device = self
            .update(id, move |device, now| {
                if let Some(token) = device.tokens.get_mut(&role) {
                    token.revoked_at_ms = Some(now);
                }
            })
            .await?;
        Ok(device.tokens.get(&role).and_then(|t| t.revoked_at_ms).unwrap_or_default())
    }

    /// Checks a device token.
    #[must_use]
    pub fn verify(
        &self,
        id: &str,
        public_key: &str,
        role: Role,
        token: &str,
        asked: Scopes,
    ) -> TokenVerdict {
        let mut state = self.lock();
        let Some(device) = state.paired.get_mut(id) else { return TokenVerdict::Mismatch };
        if device.public_key != public_key {
            return TokenVerdict::Mismatch;
        }
        let verdict = self.key.verify(device, role, token, asked);
        if verdict == TokenVerdict::Good
            && let Some(record) = device.tokens.get_mut(&role)
        {
            record.last_used_at_ms = Some(self.clock.now_ms());
        }
        verdict
    }

    /// Removes silently approved, disconnected devices of the same cluster, so that throw-away
    /// identities of a command line do not pile up.
    ///
    /// # Errors
    /// When the change cannot be stored.
    pub async fn prune_cluster(
        &self,
        of: &Device,
        connected: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<(), DeviceError> {
        let now = self.clock.now_ms();
        let stale: Vec<String> = self
            .lock()
            .paired
            .values()
            .filter(|d| d.device_id != of.device_id && d.same_cluster(of))
            .filter(|d| d.approved_via == ApprovedVia::Silent && !d.is_kept())
            .filter(|d| {
                now.saturating_sub(d.last_seen_at_ms.unwrap_or(d.approved_at_ms))
                    > SILENT_CLUSTER_MS
            })
            .map(|d| d.device_id.clone())
            .filter(|id| !connected(id))
            .collect();
        for id in stale {
            self.remove(&id).await?;
        }
        Ok(())
    }

    /// Applies a change and stores it before it becomes visible.
    ///
    /// # Errors
    /// When the device is unknown or the change cannot be stored.
    pub async fn update(
        &self,
        id: &str,
        change: impl FnOnce(&mut Device, u64),
    ) -> Result<Device, DeviceError> {
        let _one = self.changes.lock().await;
        let mut device = self.device(id).ok_or(DeviceError::UnknownDevice)?;
        change(&mut device, self.clock.now_ms());
        self.save(device.clone()).await?;
        Ok(device)
    }

    async fn save(&self, device: Device) -> Result<(), DeviceError> {
        let body = serde_json::to_value(&device).expect("a device record is plain data");
        let (id, now) = (device.device_id.clone(), self.clock.now_ms());
        self.store.write(move |c| records::put(c, RECORDS, &id, &body, now)).await?;
        self.lock().paired.insert(device.device_id.clone(), device);
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
