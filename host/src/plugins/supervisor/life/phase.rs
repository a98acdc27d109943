//! How far a life is, what it is to its plugin, and what can happen to it.
//!
//! Must not know: what any of it leads to.

use crate::plugins::{carrier::Incoming, intake::Resolved};
use jackfield_plugin_api::frame::State;

/// How far a life is; it only goes forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::plugins::supervisor) enum Phase {
    /// Launched; the library is being opened, or `hello` is awaited.
    Loading,
    /// It said `hello` and waits for the running version to hand over.
    Greeted,
    /// `start` was sent.
    Starting,
    /// It said `ready`.
    Running,
    /// It gets nothing new and finishes what it has.
    Leaving,
    /// It was told to stop and its instance is being closed.
    Closing,
    /// It was ended by force.
    Killed,
}

/// What a life is to the plugin's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plugins::supervisor) enum Role {
    /// It is the plugin, as far as anybody outside can tell.
    Serving,
    /// It may become the plugin; what it reports is kept for then.
    Candidate,
    /// It was the plugin and stands by.
    Parked,
}

/// What a running version handed over, or said about that.
#[derive(Debug, Default)]
pub(in crate::plugins::supervisor) struct HandOver {
    /// It stopped taking new things.
    pub(in crate::plugins::supervisor) drained: bool,
    /// Its state.
    pub(in crate::plugins::supervisor) state: Option<State>,
}

/// What happens next in a life.
pub(in crate::plugins::supervisor) enum Happening {
    /// It spoke, or its carrier did.
    Heard(Option<Incoming>),
    /// Storage decided on one of its events.
    Resolved(Resolved),
    /// The present phase has taken too long.
    Overdue,
}
