//! Nodes: devices that offer commands. Which are here, what they may do, and commands under way.
//!
//! What must outlive a restart stands in the device's record: the approved surface and the one that
//! waits. The rest lives here as long as the node is connected. Must not know: who may approve or
//! invoke (the methods do), frames, sockets.

pub mod allowlist;
pub mod invoke;
pub mod mailbox;
pub mod pairing;
pub mod platform;
pub mod progress;
pub mod rows;
pub mod surface;

use crate::{
    clock::Clock,
    config::nodes::NodesSection,
    devices::{Device, DeviceError, Devices},
    events::{ConnNumber, Events},
    protocol::scope::Role,
};
use allowlist::{Kind, Policy};
use platform::Platform;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, PoisonError},
};
use surface::{PendingSurface, Surface};

/// Commands or abilities taken from one declaration; a node has a few dozen.
const DECLARED_MAX: usize = 512;

/// What a node says of itself when it connects. Commands are those the lists allow.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the wire's own names")]
pub struct Declared {
    pub client_id: String,
    pub client_mode: String,
    pub display_name: Option<String>,
    pub platform: String,
    pub version: String,
    pub device_family: Option<String>,
    pub caps: Vec<String>,
    pub commands: Vec<String>,
    pub permissions: Option<BTreeMap<String, bool>>,
    pub path_env: Option<String>,
    pub remote_ip: Option<String>,
    /// Its device was let in without asking a person.
    pub silent: bool,
}

/// A connected node.
#[derive(Clone, Debug)]
struct Live {
    conn: ConnNumber,
    declared: Declared,
    /// Whether it declared any command, allowed or not.
    declared_any: bool,
    connected_at_ms: u64,
    host_stats: Option<Value>,
    plugin_tools: Option<Vec<Value>>,
    alive_noted_at_ms: u64,
}

#[derive(Debug, Default)]
struct State {
    live: HashMap<String, Live>,
    invokes: invoke::Pending,
    boxes: HashMap<String, mailbox::Mailbox>,
}

/// The room's face.
#[derive(Debug)]
pub struct Nodes {
    devices: Devices,
    events: Events,
    clock: Clock,
    policy: Policy,
    state: Mutex<State>,
}

impl Nodes {
    /// No node connected yet.
    #[must_use]
    pub fn new(section: &NodesSection, devices: Devices, events: Events, clock: Clock) -> Self {
        Self { devices, events, clock, policy: Policy::new(section), state: Mutex::default() }
    }

    /// A node has connected. Answers the request that now waits for a person, if it is new.
    /// With `approved` its first surface needs nobody: the setup code stood for that.
    ///
    /// # Errors
    /// When the device is gone or its record cannot be stored.
    pub async fn join(
        &self,
        node_id: &str,
        conn: ConnNumber,
        mut declared: Declared,
        approved: bool,
    ) -> Result<Option<PendingSurface>, DeviceError> {
        let declared_any = !declared.commands.is_empty();
        self.tidy(&mut declared);
        let mut before = None;
        let device = self
            .devices
            .update(node_id, |device, now| {
                let mut surface = approved_surface(device);
                before = waiting_surface(device);
                let mut waiting =
                    surface::reconcile(surface.as_ref(), before.clone(), &declared, now);
                if approved && surface.is_none() {
                    surface = waiting.take().map(|w| surface::approve(w, None, now));
                }
                if let Some(surface) = &mut surface {
                    surface.last_connected_at_ms = Some(now);
                }
                put_surfaces(device, surface.as_ref(), waiting.as_ref());
            })
            .await?;
        let live = Live {
            conn,
            declared,
            declared_any,
            connected_at_ms: self.clock.now_ms(),
            host_stats: approved_surface(&device).and_then(|s| s.last_host_stats),
            plugin_tools: None,
            alive_noted_at_ms: 0,
        };
        self.lock().live.insert(node_id.to_owned(), live);
        let known = before.map(|w| w.request_id);
        Ok(waiting_surface(&device).filter(|w| Some(&w.request_id) != known.as_ref()))
    }

    /// A node's connection has ended: its commands fail, its figures are kept.
    pub async fn leave(&self, node_id: &str, conn: ConnNumber) {
        let gone = {
            let mut state = self.lock();
            state.invokes.disconnected(conn);
            let current = state.live.get(node_id).is_some_and(|live| live.conn == conn);
            current.then(|| state.live.remove(node_id)).flatten()
        };
        let Some(live) = gone else { return };
        let kept = self.devices.update(node_id, |device, now| {
            if let Some(mut surface) = approved_surface(device) {
                surface.last_disconnected_at_ms = Some(now);
                surface.last_host_stats = live.host_stats.or(surface.last_host_stats);
                put_surface(device, &surface);
            }
        });
        match kept.await {
            // A removed device has no record to write to.
            Ok(_) | Err(DeviceError::UnknownDevice) => {}
            Err(error) => tracing::warn!(node = node_id, %error, "its end could not be noted"),
        }
    }

    /// Cuts the declaration to what the lists allow, in one order and without doubles.
    fn tidy(&self, declared: &mut Declared) {
        let sort = |list: &mut Vec<String>| {
            list.truncate(DECLARED_MAX);
            list.sort_unstable();
            list.dedup();
        };
        sort(&mut declared.caps);
        let kind = Kind {
            platform: Platform::of(&declared.platform, declared.device_family.as_deref()),
            family: declared.device_family.as_deref(),
            caps: &declared.caps,
        };
        declared.commands.retain(|command| self.policy.allows(kind, command));
        sort(&mut declared.commands);
    }

    /// The device of a node, if it is one.
    #[must_use]
    pub fn device(&self, node_id: &str) -> Option<Device> {
        self.devices.device(node_id).filter(|d| d.roles.contains(&Role::Node))
    }

    /// Whether a person approved anything of this node, so that it may take part.
    #[must_use]
    pub fn takes_part(&self, node_id: &str) -> bool {
        self.device(node_id).is_some_and(|d| d.node_surface.is_some())
    }

    /// The surface of a node that waits for a person.
    #[must_use]
    pub fn waiting(&self, node_id: &str) -> Option<PendingSurface> {
        waiting_surface(&self.device(node_id)?)
    }

    /// The connection of a node.
    #[must_use]
    pub fn connection(&self, node_id: &str) -> Option<ConnNumber> {
        self.lock().live.get(node_id).map(|live| live.conn)
    }

    /// Keeps what a node reports of its machine; answers it as it is shown. `None` when the node
    /// is not connected.
    pub fn host_stats(&self, node_id: &str, mut stats: Value) -> Option<Value> {
        stats["updatedAtMs"] = Value::from(self.clock.now_ms());
        let mut state = self.lock();
        state.live.get_mut(node_id)?.host_stats = Some(stats.clone());
        Some(stats)
    }

    /// Keeps the tools that a node's extensions offer.
    pub fn plugin_tools(&self, node_id: &str, tools: Vec<Value>) {
        if let Some(live) = self.lock().live.get_mut(node_id) {
            live.plugin_tools = Some(tools);
        }
    }

    /// Notes durably that a node gave a sign of life, at most once in `every_ms`; false when it
    /// was too soon.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn alive(
        &self,
        node_id: &str,
        reason: &str,
        every_ms: u64,
    ) -> Result<bool, DeviceError> {
        let now = self.clock.now_ms();
        let due = self.lock().live.get_mut(node_id).is_some_and(|live| {
            let due = now.saturating_sub(live.alive_noted_at_ms) >= every_ms;
            if due {
                live.alive_noted_at_ms = now;
            }
            due
        });
        if due {
            self.devices
                .update(node_id, |device, now| {
                    device.last_seen_at_ms = Some(now);
                    device.last_seen_reason = Some(reason.to_owned());
                })
                .await?;
        }
        Ok(due)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The approved surface of a record; one that cannot be read counts as none, and is asked for anew.
fn approved_surface(device: &Device) -> Option<Surface> {
    serde_json::from_value(device.node_surface.clone()?).ok()
}

fn waiting_surface(device: &Device) -> Option<PendingSurface> {
    serde_json::from_value(device.pending_node_surface.clone()?).ok()
}

fn put_surfaces(device: &mut Device, approved: Option<&Surface>, waiting: Option<&PendingSurface>) {
    device.node_surface = None;
    if let Some(surface) = approved {
        put_surface(device, surface);
    }
    device.pending_node_surface =
        waiting.map(|w| serde_json::to_value(w).expect("a surface is plain data"));
}

fn put_surface(device: &mut Device, surface: &Surface) {
    device.node_surface = Some(serde_json::to_value(surface).expect("a surface is plain data"));
}

#[cfg(test)]
mod tests;
