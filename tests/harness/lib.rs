//! The harness of the plays: starts a real gateway, speaks the wire to it, and tells what it said.
//!
//! It knows the gateway only from outside, as an operator or a client does: its command line, what
//! it prints, its sockets and its folders. It must not know the gateway's types; a play that needs
//! one is a unit test in the wrong place. Everything here panics when a play goes wrong, with the
//! gateway's last words printed.
#![expect(
    clippy::missing_panics_doc,
    reason = "a panic is how a harness reports; every function may"
)]

pub mod cc;
pub mod client;
pub mod connect;
pub mod crabline;
pub mod digest;
pub mod disk;
pub mod eventually;
pub mod exchange;
pub mod gateway;
pub mod http;
pub mod identity;
pub mod libraries;
pub mod line;
pub mod model;
pub mod node;
pub mod openclaw;
pub mod output;
pub mod pi;
pub mod proxy;
pub mod script;
pub mod socket;
pub mod sums;
pub mod terminal;

use std::time::Duration;

pub use client::{Client, Event, WireError};
pub use connect::{Connect, Proof};
pub use crabline::Crabline;
pub use eventually::{eventually, patiently};
pub use exchange::Exchange;
pub use gateway::{Gateway, Options};
pub use identity::Identity;
pub use openclaw::OpenClaw;
pub use socket::{Incoming, Socket};
pub use terminal::{Said, Terminal};

/// How long a play waits for one thing before it counts as not happening. Long, because a busy
/// machine is slow and a failed log-in is answered late on purpose.
pub const PATIENCE: Duration = Duration::from_mins(1);
