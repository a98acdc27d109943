//! Names of events, and who may receive each.

use super::scope::Scope;

/// Who an event is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Every connection past its hello, nodes and scope-less callers included.
    Everyone,
    /// Operators that hold the scope.
    Operators(Scope),
    /// Never broadcast: sent to one connection.
    Targeted,
}

/// One event: its name and who may receive it.
#[derive(Clone, Copy, Debug)]
pub struct EventKind {
    /// Name on the wire.
    pub name: &'static str,
    /// Who may receive it.
    pub guard: Guard,
    /// Skipped for a client whose buffer is full, instead of cutting that client off.
    pub drop_if_slow: bool,
    /// Carries `stateVersion`.
    pub versioned: bool,
}

const fn kind(name: &'static str, guard: Guard) -> EventKind {
    EventKind { name, guard, drop_if_slow: false, versioned: false }
}

const fn droppable(name: &'static str, guard: Guard) -> EventKind {
    EventKind { drop_if_slow: true, ..kind(name, guard) }
}

const READ: Guard = Guard::Operators(Scope::Read);
const PAIRING: Guard = Guard::Operators(Scope::Pairing);
const APPROVALS: Guard = Guard::Operators(Scope::Approvals);

/// First frame of every connection.
pub const CHALLENGE: EventKind = kind("connect.challenge", Guard::Targeted);
/// A sign of life. Never dropped for slow clients: they would take silence for death.
pub const TICK: EventKind = kind("tick", Guard::Everyone);
/// The health snapshot changed.
pub const HEALTH: EventKind = EventKind { versioned: true, ..kind("health", Guard::Everyone) };
/// A heartbeat run ended.
pub const HEARTBEAT: EventKind = droppable("heartbeat", Guard::Everyone);
/// The gateway is about to stop.
pub const SHUTDOWN: EventKind = kind("shutdown", Guard::Everyone);
/// The presence list changed.
pub const PRESENCE: EventKind = EventKind { versioned: true, ..droppable("presence", READ) };
/// Progress of a run.
pub const AGENT: EventKind = kind("agent", READ);
/// Progress of a run as chat clients show it.
pub const CHAT: EventKind = kind("chat", READ);
/// An entry was added to a conversation.
pub const SESSION_MESSAGE: EventKind = kind("session.message", READ);
/// A tool step of a run, for those who watch a conversation.
pub const SESSION_TOOL: EventKind = kind("session.tool", READ);
/// The list of conversations changed.
pub const SESSIONS_CHANGED: EventKind = kind("sessions.changed", READ);
/// A scheduled job changed or ran.
pub const CRON: EventKind = droppable("cron", READ);
/// The configuration changed.
pub const CONFIG_CHANGED: EventKind = kind("config.changed", READ);
/// A plugin's state changed.
pub const PLUGINS_CHANGED: EventKind = kind("plugins.changed", READ);
/// A device asks to be approved.
pub const DEVICE_PAIR_REQUESTED: EventKind = kind("device.pair.requested", PAIRING);
/// Such a request was answered.
pub const DEVICE_PAIR_RESOLVED: EventKind = kind("device.pair.resolved", PAIRING);
/// A device record changed.
pub const DEVICE_PAIR_CHANGED: EventKind = kind("device.pair.changed", PAIRING);
/// A setup code was redeemed.
pub const DEVICE_SETUP_COMPLETED: EventKind = kind("device.pair.setup.completed", PAIRING);
/// A node declares commands that need approval.
pub const NODE_PAIR_REQUESTED: EventKind = kind("node.pair.requested", PAIRING);
/// Such a request was answered.
pub const NODE_PAIR_RESOLVED: EventKind = kind("node.pair.resolved", PAIRING);
/// A node came, went or changed.
pub const NODE_PRESENCE: EventKind = kind("node.presence", READ);
/// A node reported figures of its machine.
pub const NODE_HOST_STATS: EventKind = kind("node.hostStats", READ);
/// A node reported what it can run.
pub const NODE_RUNNERS_CHANGED: EventKind = kind("node.runnerInventory.changed", READ);
/// A command for a node.
pub const NODE_INVOKE_REQUEST: EventKind = kind("node.invoke.request", Guard::Targeted);
/// A command for a node is called off.
pub const NODE_INVOKE_CANCEL: EventKind = kind("node.invoke.cancel", Guard::Targeted);
/// A piece of output of a command for a node. The pieces have numbers of their own, and the answer
/// matters more than they do.
pub const NODE_INVOKE_PROGRESS: EventKind = droppable("node.invoke.progress", Guard::Targeted);
/// A command or tool step waits for a decision.
pub const EXEC_APPROVAL_REQUESTED: EventKind = kind("exec.approval.requested", APPROVALS);
/// Such a decision was made.
pub const EXEC_APPROVAL_RESOLVED: EventKind = kind("exec.approval.resolved", APPROVALS);
/// Wake words.
pub const VOICEWAKE_CHANGED: EventKind = kind("voicewake.changed", READ);
/// Where what was heard goes.
pub const VOICEWAKE_ROUTING_CHANGED: EventKind = kind("voicewake.routing.changed", READ);

/// Every event this gateway sends; announced in `hello-ok`.
pub const ALL: &[EventKind] = &[
    CHALLENGE,
    TICK,
    HEALTH,
    HEARTBEAT,
    SHUTDOWN,
    PRESENCE,
    AGENT,
    CHAT,
    SESSION_MESSAGE,
    SESSION_TOOL,
    SESSIONS_CHANGED,
    CRON,
    CONFIG_CHANGED,
    PLUGINS_CHANGED,
    DEVICE_PAIR_REQUESTED,
    DEVICE_PAIR_RESOLVED,
    DEVICE_PAIR_CHANGED,
    DEVICE_SETUP_COMPLETED,
    NODE_PAIR_REQUESTED,
    NODE_PAIR_RESOLVED,
    NODE_PRESENCE,
    NODE_HOST_STATS,
    NODE_RUNNERS_CHANGED,
    NODE_INVOKE_REQUEST,
    NODE_INVOKE_CANCEL,
    NODE_INVOKE_PROGRESS,
    EXEC_APPROVAL_REQUESTED,
    EXEC_APPROVAL_RESOLVED,
    VOICEWAKE_CHANGED,
    VOICEWAKE_ROUTING_CHANGED,
];
