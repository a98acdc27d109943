//! Publish and subscribe: one broadcast is written once and handed to every connection it is for.
//!
//! Each connection numbers what passes its own filters. Must not know what an event means, nor what
//! a socket is: a connection gives an [`Outbox`] and the facts that filters need.

pub mod outbox;
pub mod presence;

pub use outbox::{Close, Item, Outbox};

use crate::protocol::{
    event::{EventKind, Guard},
    frame::{EventText, Json, StateVersion},
    scope::{Role, Scopes},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Number of a connection, unique in this life of the gateway.
pub type ConnNumber = u64;

/// What the filters need to know of a connection.
#[derive(Debug)]
pub struct Subscriber {
    /// Its role.
    pub role: Role,
    /// Its scopes.
    pub scopes: Scopes,
    /// It wants tool steps of its own runs (`tool-events`).
    pub tool_events: bool,
    /// It wants run events only of conversations it follows (`session-scoped-events`).
    pub scoped_runs: bool,
    /// It wants the pieces of output of commands that it sends to nodes (`node-invoke-progress`).
    pub node_progress: bool,
    /// The device it proved to be.
    pub device_id: Option<String>,
    /// Where its events go.
    pub outbox: Arc<Outbox>,
    follows: Mutex<Follows>,
}

#[derive(Debug, Default)]
struct Follows {
    list: bool,
    keys: HashSet<String>,
}

/// Conversations one connection may follow; bounds the memory of a careless client.
const FOLLOWED_KEYS_MAX: usize = 512;

impl Subscriber {
    /// A connection that follows nothing yet.
    #[must_use]
    pub fn new(role: Role, scopes: Scopes, caps: &[String], outbox: Arc<Outbox>) -> Self {
        let has = |cap: &str| caps.iter().any(|c| c == cap);
        Self {
            role,
            scopes,
            tool_events: has("tool-events"),
            scoped_runs: has("session-scoped-events"),
            node_progress: has("node-invoke-progress"),
            device_id: None,
            outbox,
            follows: Mutex::default(),
        }
    }

    /// The same connection, of a device.
    #[must_use]
    pub fn of_device(self, device_id: Option<String>) -> Self {
        Self { device_id, ..self }
    }

    /// Follows the list of conversations.
    pub fn follow_list(&self) {
        self.follows().list = true;
    }

    /// Whether it follows the list of conversations.
    #[must_use]
    pub fn follows_list(&self) -> bool {
        self.follows().list
    }

    /// Follows one conversation; false when it follows too many already.
    pub fn follow(&self, key: &str) -> bool {
        let mut follows = self.follows();
        let room = follows.keys.len() < FOLLOWED_KEYS_MAX || follows.keys.contains(key);
        if room {
            follows.keys.insert(key.to_owned());
        }
        room
    }

    /// Ends following one conversation.
    pub fn unfollow(&self, key: &str) {
        self.follows().keys.remove(key);
    }

    /// Whether it follows a conversation.
    #[must_use]
    pub fn follows_key(&self, key: &str) -> bool {
        self.follows().keys.contains(key)
    }

    fn follows(&self) -> std::sync::MutexGuard<'_, Follows> {
        self.follows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn may_receive(&self, guard: Guard) -> bool {
        match guard {
            Guard::Everyone => true,
            Guard::Operators(scope) => self.role == Role::Operator && self.scopes.allows(scope),
            Guard::Targeted => false,
        }
    }
}

/// Which of the connections that may receive an event are meant.
#[derive(Clone, Copy, Debug)]
pub enum Audience<'a> {
    /// All of them.
    All,
    /// Those that see runs of this conversation, and nodes that follow it.
    Run(&'a str),
    /// The connection that started the run, if it wants tool steps.
    RunOwner(ConnNumber),
    /// Those that follow this conversation or the list, except one connection.
    Followers(&'a str, Option<ConnNumber>),
}

/// The hub. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Events {
    hub: Arc<Hub>,
}

#[derive(Debug, Default)]
struct Hub {
    subscribers: RwLock<HashMap<ConnNumber, Arc<Subscriber>>>,
    presence_version: AtomicU64,
    health_version: AtomicU64,
}

impl Events {
    /// Adds a connection past its hello.
    pub fn subscribe(&self, conn: ConnNumber, subscriber: Arc<Subscriber>) {
        self.write().insert(conn, subscriber);
    }

    /// Removes a connection.
    pub fn unsubscribe(&self, conn: ConnNumber) {
        self.write().remove(&conn);
    }

    /// Connections past their hello.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.read().len()
    }

    /// The snapshot versions.
    #[must_use]
    pub fn versions(&self) -> StateVersion {
        StateVersion {
            presence: self.hub.presence_version.load(Ordering::Acquire),
            health: self.hub.health_version.load(Ordering::Acquire),
        }
    }

    /// Counts a change of the presence list.
    pub fn presence_changed(&self) {
        self.hub.presence_version.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts a change of the health snapshot.
    pub fn health_changed(&self) {
        self.hub.health_version.fetch_add(1, Ordering::AcqRel);
    }

    /// Sends an event to everyone its guard admits.
    pub fn publish(&self, kind: EventKind, payload: &Json) {
        self.publish_to(kind, payload, Audience::All);
    }

    /// Sends an event to those of an audience whom its guard admits. Written once, whatever the
    /// number of receivers, and not at all when there is none.
    pub fn publish_to(&self, kind: EventKind, payload: &Json, audience: Audience<'_>) {
        let mut text: Option<Arc<EventText>> = None;
        for (conn, subscriber) in self.read().iter() {
            if !meant(subscriber, *conn, kind, audience) {
                continue;
            }
            let text = text.get_or_insert_with(|| {
                let versions = kind.versioned.then(|| self.versions());
                Arc::new(EventText::new(kind.name, payload, versions))
            });
            subscriber.outbox.event(Arc::clone(text), kind.drop_if_slow);
        }
    }

    /// Sends a targeted event, without a number, to one connection. False when it is gone.
    #[must_use]
    pub fn send_to(&self, conn: ConnNumber, kind: EventKind, payload: &Json) -> bool {
        let Some(subscriber) = self.read().get(&conn).cloned() else { return false };
        let text = EventText::new(kind.name, payload, None).with_seq(None);
        if kind.drop_if_slow {
            subscriber.outbox.text_or_drop(text);
            return true;
        }
        subscriber.outbox.text(text)
    }

    /// Whether anybody but one connection may receive an event.
    #[must_use]
    pub fn reaches(&self, kind: EventKind, except: ConnNumber) -> bool {
        self.read().iter().any(|(conn, s)| *conn != except && s.may_receive(kind.guard))
    }

    /// The subscriber behind a connection.
    #[must_use]
    pub fn subscriber(&self, conn: ConnNumber) -> Option<Arc<Subscriber>> {
        self.read().get(&conn).cloned()
    }

    /// Whether a device is connected, in any role.
    #[must_use]
    pub fn device_connected(&self, device_id: &str) -> bool {
        self.read().values().any(|s| s.device_id.as_deref() == Some(device_id))
    }

    /// Asks the connections of a device to close: all of them, or those of one role.
    pub fn close_device(&self, device_id: &str, role: Option<Role>, close: &Close) {
        for subscriber in self.read().values() {
            let meant = subscriber.device_id.as_deref() == Some(device_id)
                && role.is_none_or(|role| subscriber.role == role);
            if meant {
                subscriber.outbox.close(close.clone());
            }
        }
    }

    /// Asks every connection to close.
    pub fn close_all(&self, close: &Close) {
        for subscriber in self.read().values() {
            subscriber.outbox.close(close.clone());
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<ConnNumber, Arc<Subscriber>>> {
        self.hub.subscribers.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<ConnNumber, Arc<Subscriber>>> {
        self.hub.subscribers.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn meant(
    subscriber: &Subscriber,
    conn: ConnNumber,
    kind: EventKind,
    audience: Audience<'_>,
) -> bool {
    if let Audience::Run(key) = audience
        && subscriber.role == Role::Node
    {
        return subscriber.follows_key(key);
    }
    subscriber.may_receive(kind.guard)
        && match audience {
            Audience::All => true,
            Audience::Run(key) => !subscriber.scoped_runs || subscriber.follows_key(key),
            Audience::RunOwner(owner) => conn == owner && subscriber.tool_events,
            Audience::Followers(key, except) => {
                Some(conn) != except && (subscriber.follows_list() || subscriber.follows_key(key))
            }
        }
}

#[cfg(test)]
mod tests;
