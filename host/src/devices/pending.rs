//! Requests that wait for a person: one per device, replaced when the device asks for more.

use super::record::Device;
use crate::{
    clock,
    protocol::scope::{Role, Scopes},
};
use serde::{Serialize, Serializer};
use std::collections::HashMap;

/// How long a request waits after the device's last try, milliseconds.
pub const PENDING_MS: u64 = 5 * 60 * 1000;
/// Requests kept; the oldest goes first.
const PENDING_MAX: usize = 64;

/// What a device asks for when it connects.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the wire's own names")]
pub struct Ask {
    pub device_id: String,
    pub public_key: String,
    pub display_name: Option<String>,
    pub platform: String,
    pub device_family: Option<String>,
    pub client_id: String,
    pub client_mode: String,
    /// The role of this connection.
    pub role: Role,
    /// That role, and roles of superseded requests.
    pub roles: Vec<Role>,
    /// Scopes of this connection, and of superseded requests.
    pub scopes: Scopes,
    pub remote_ip: Option<String>,
    pub browser_origin: Option<String>,
}

/// Why a device may not come in as it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It is not known.
    Pairing,
    /// It is known, in another role.
    Role,
    /// It is known, with fewer scopes.
    Scopes,
    /// It says it is another kind of machine than before.
    Metadata,
}

impl Ask {
    /// What the known `device` lacks to come in as asked.
    #[must_use]
    pub fn need(&self, device: &Device) -> Option<Need> {
        if device.public_key != self.public_key {
            return Some(Need::Pairing);
        }
        if !device.roles.contains(&self.role) {
            return Some(Need::Role);
        }
        if self.role == Role::Operator && !Scopes::from_words(&device.scopes).covers(self.scopes) {
            return Some(Need::Scopes);
        }
        let same = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b.trim());
        let family = |f: &Option<String>| f.clone().unwrap_or_default();
        let same_machine = same(&device.platform, &self.platform)
            && same(&family(&device.device_family), &family(&self.device_family));
        if same_machine { None } else { Some(Need::Metadata) }
    }
}

/// A request that waits.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the wire's own names")]
pub struct Pending {
    pub request_id: String,
    pub device_id: String,
    pub public_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub platform: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    pub client_id: String,
    pub client_mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser_origin: Option<String>,
    pub role: Role,
    pub roles: Vec<Role>,
    #[serde(serialize_with = "scope_words")]
    pub scopes: Scopes,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<String>,
    pub silent: bool,
    pub is_repair: bool,
    pub ts: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn scope_words<S: Serializer>(scopes: &Scopes, out: S) -> Result<S::Ok, S::Error> {
    scopes.words().serialize(out)
}

impl Pending {
    fn new(ask: &Ask, known: bool, now_ms: u64) -> Self {
        Self {
            request_id: clock::uuid(),
            device_id: ask.device_id.clone(),
            public_key: ask.public_key.clone(),
            display_name: ask.display_name.clone(),
            platform: ask.platform.clone(),
            device_family: ask.device_family.clone(),
            client_id: ask.client_id.clone(),
            client_mode: ask.client_mode.clone(),
            browser_origin: ask.browser_origin.clone(),
            role: ask.role,
            roles: ask.roles.clone(),
            scopes: ask.scopes,
            remote_ip: ask.remote_ip.clone(),
            silent: false,
            is_repair: known,
            ts: now_ms,
        }
    }

    /// What is asked for, as an approval grants it.
    #[must_use]
    pub fn ask(&self) -> Ask {
        Ask {
            device_id: self.device_id.clone(),
            public_key: self.public_key.clone(),
            display_name: self.display_name.clone(),
            platform: self.platform.clone(),
            device_family: self.device_family.clone(),
            client_id: self.client_id.clone(),
            client_mode: self.client_mode.clone(),
            role: self.role,
            roles: self.roles.clone(),
            scopes: self.scopes,
            remote_ip: self.remote_ip.clone(),
            browser_origin: self.browser_origin.clone(),
        }
    }

    fn covers(&self, ask: &Ask) -> bool {
        self.public_key == ask.public_key
            && self.platform == ask.platform
            && self.device_family == ask.device_family
            && self.roles.contains(&ask.role)
            && self.scopes.covers(ask.scopes)
    }
}

/// The list, at most one request a device.
#[derive(Debug, Default)]
pub struct PendingList {
    by_device: HashMap<String, Pending>,
}

impl PendingList {
    /// Adds an ask. The same ask keeps its request; a larger or different one supersedes it, with
    /// roles and scopes of both. Answers the request, what it superseded, and whether it is new.
    pub fn put(&mut self, ask: &Ask, known: bool, now_ms: u64) -> (Pending, Option<Pending>, bool) {
        self.expire(now_ms);
        if let Some(waiting) = self.by_device.get_mut(&ask.device_id)
            && waiting.covers(ask)
        {
            waiting.ts = now_ms;
            return (waiting.clone(), None, false);
        }
        let superseded = self.by_device.remove(&ask.device_id);
        let mut request = Pending::new(ask, known, now_ms);
        if let Some(old) = superseded.as_ref().filter(|old| old.public_key == ask.public_key) {
            request.scopes = request.scopes.union(old.scopes);
            for role in &old.roles {
                if !request.roles.contains(role) {
                    request.roles.push(*role);
                }
            }
        }
        if self.by_device.len() >= PENDING_MAX
            && let Some(oldest) =
                self.by_device.values().min_by_key(|p| p.ts).map(|p| p.device_id.clone())
        {
            self.by_device.remove(&oldest);
        }
        self.by_device.insert(ask.device_id.clone(), request.clone());
        (request, superseded, true)
    }

    /// The waiting requests, the newest first.
    pub fn list(&mut self, now_ms: u64) -> Vec<Pending> {
        self.expire(now_ms);
        let mut list: Vec<Pending> = self.by_device.values().cloned().collect();
        list.sort_by_key(|p| (std::cmp::Reverse(p.ts), p.request_id.clone()));
        list
    }

    /// A request by id.
    pub fn get(&mut self, request_id: &str, now_ms: u64) -> Option<&Pending> {
        self.expire(now_ms);
        self.by_device.values().find(|p| p.request_id == request_id)
    }

    /// Removes a request by id.
    pub fn take(&mut self, request_id: &str, now_ms: u64) -> Option<Pending> {
        let device = self.get(request_id, now_ms)?.device_id.clone();
        self.by_device.remove(&device)
    }

    /// Removes whatever a device asked for.
    pub fn forget(&mut self, device_id: &str) -> Option<Pending> {
        self.by_device.remove(device_id)
    }

    fn expire(&mut self, now_ms: u64) {
        self.by_device.retain(|_, p| now_ms.saturating_sub(p.ts) < PENDING_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(scopes: &[&str], role: Role) -> Ask {
        Ask {
            device_id: "d".into(),
            public_key: "k".into(),
            display_name: None,
            platform: "linux".into(),
            device_family: None,
            client_id: "cli".into(),
            client_mode: "cli".into(),
            role,
            roles: vec![role],
            scopes: Scopes::from_words(scopes),
            remote_ip: None,
            browser_origin: None,
        }
    }

    #[test]
    fn the_same_ask_keeps_its_request_and_a_larger_one_supersedes_it_as_union() {
        let mut list = PendingList::default();
        let (first, _, new) = list.put(&ask(&["operator.read"], Role::Operator), false, 0);
        assert!(new);
        let (again, superseded, new) =
            list.put(&ask(&["operator.read"], Role::Operator), false, 10);
        assert!(again.request_id == first.request_id && superseded.is_none() && !new);
        let (larger, superseded, _) = list.put(&ask(&[], Role::Node), true, 20);
        assert_eq!(superseded.unwrap().request_id, first.request_id);
        assert_ne!(larger.request_id, first.request_id);
        assert_eq!(larger.roles, [Role::Node, Role::Operator]);
        assert_eq!(larger.scopes.words(), ["operator.read"]);
        assert_eq!(list.list(20).len(), 1);
    }

    #[test]
    fn a_request_expires_five_minutes_after_the_last_try() {
        let mut list = PendingList::default();
        let (request, ..) = list.put(&ask(&[], Role::Node), false, 0);
        list.put(&ask(&[], Role::Node), false, PENDING_MS - 1);
        assert!(list.get(&request.request_id, PENDING_MS + 1).is_some());
        assert!(list.take(&request.request_id, 3 * PENDING_MS).is_none());
    }
}
