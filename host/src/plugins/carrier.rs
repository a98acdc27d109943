//! What carries frames to and from one life of a plugin, whether it runs here or in a process of
//! its own: two bounded queues and a way to end it.
//!
//! Must not know: what frames mean, when a life shall end.

use super::{Refusal, confine::Layer};
use jackfield_plugin_api::frame::{
    FRAME_BYTES_HARD, FRAME_BYTES_MAX, HostFrame, PluginFrame, WINDOW,
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

/// Room towards the plugin: a window each of messages, event answers and requests, and one more for
/// everything else. Credit keeps it from ever filling; if it fills, the plugin has stopped reading.
pub(super) const OUTGOING_MAX: usize = 4 * WINDOW as usize;
/// Room from the plugin. When it is full the plugin waits: `FULL` here, a full socket there.
pub(super) const INCOMING_MAX: usize = 2 * WINDOW as usize;

/// Towards the plugin.
pub(super) enum Outgoing {
    /// One frame.
    Frame {
        /// Its JSON.
        bytes: Vec<u8>,
        /// Says whether the plugin may have seen it; frames without one are always sent.
        ticket: Option<Arc<Ticket>>,
        /// Held until the frame is handed over; what is behind it bounds the queue.
        credit: Option<Arc<OwnedSemaphorePermit>>,
    },
    /// Nothing more will come: close the instance.
    Close,
}

/// From the plugin, in order; `Ended` or `Refused` is the last.
#[derive(Debug)]
pub(super) enum Incoming {
    /// The library is open and is what its manifest says; its process is closed in by these.
    Loaded(Vec<Layer>),
    /// It will not be opened.
    Refused(Refusal),
    /// The plugin spoke.
    Frame(Box<PluginFrame>),
    /// This life is over.
    Ended(Exit),
}

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// The instance closed in order.
    Closed,
    /// The process ended by itself with this code.
    Code(i32),
    /// The process was ended by this signal.
    Signal(i32),
    /// A call into the plugin does not come back; its thread is written off.
    Lost,
    /// It broke a rule of the protocol, or panicked.
    Fault(String),
}

/// One life's queues.
pub(super) struct Carrier {
    pub(super) outgoing: mpsc::Sender<Outgoing>,
    pub(super) incoming: mpsc::Receiver<Incoming>,
    /// Its process, when it has one of its own.
    pub(super) pid: Option<u32>,
    /// Ends it at once.
    pub(super) kill: CancellationToken,
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.kill.cancel();
    }
}

/// A host frame as JSON.
pub(super) fn encode(frame: &HostFrame) -> Vec<u8> {
    serde_json::to_vec(frame).expect("frames have string keys and no failing serializers")
}

/// JSON as a plugin frame, within the limits: only an HTTP answer may be large.
pub(super) fn decode(bytes: &[u8]) -> Result<PluginFrame, String> {
    if bytes.len() > FRAME_BYTES_HARD {
        return Err(format!("sent a frame of {} bytes", bytes.len()));
    }
    let frame: PluginFrame =
        serde_json::from_slice(bytes).map_err(|error| format!("sent what is no frame: {error}"))?;
    if bytes.len() > FRAME_BYTES_MAX && !matches!(frame, PluginFrame::HttpReply { .. }) {
        return Err(format!("sent a frame of {} bytes", bytes.len()));
    }
    Ok(frame)
}

/// How far one frame came. Decides whether a failed attempt is provably unsent.
#[derive(Debug, Default)]
pub(super) struct Ticket(AtomicU8);

const QUEUED: u8 = 0;
const DISPATCHED: u8 = 1;
const WITHDRAWN: u8 = 2;

impl Ticket {
    /// Called just before the frame is handed over; false when it was withdrawn: skip it.
    pub(super) fn dispatch(&self) -> bool {
        self.leave_queue_for(DISPATCHED)
    }

    /// Takes the frame back; false when the plugin may have it already.
    pub(super) fn withdraw(&self) -> bool {
        self.leave_queue_for(WITHDRAWN)
    }

    fn leave_queue_for(&self, stage: u8) -> bool {
        let moved = self.0.compare_exchange(QUEUED, stage, Ordering::AcqRel, Ordering::Acquire);
        moved.is_ok()
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("ended by itself without being asked"),
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => match signal_name(*signal) {
                Some(name) => write!(f, "killed by {name}"),
                None => write!(f, "killed by signal {signal}"),
            },
            Self::Lost => f.write_str("a call into it never came back"),
            Self::Fault(what) => f.write_str(what),
        }
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    const NAMES: [(i32, &str); 14] = [
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGSYS, "SIGSYS"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGTRAP, "SIGTRAP"),
    ];
    NAMES.iter().find(|(number, _)| *number == signal).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_leaves_the_queue_once() {
        let sent = Ticket::default();
        assert!(sent.dispatch());
        assert!(!sent.withdraw(), "it may have been seen");
        let taken_back = Ticket::default();
        assert!(taken_back.withdraw());
        assert!(!taken_back.dispatch(), "it must not be sent");
    }

    #[test]
    fn only_an_http_answer_may_be_large() {
        let body = "x".repeat(FRAME_BYTES_MAX);
        let http = format!(
            r#"{{"t":"http_reply","req_id":1,"response":{{"status":200,"body_b64":"{body}"}}}}"#
        );
        assert!(decode(http.as_bytes()).is_ok());
        let log = format!(r#"{{"t":"log","level":3,"target":"x","message":"{body}"}}"#);
        assert!(decode(log.as_bytes()).unwrap_err().contains("a frame of"));
        assert!(decode(b"\xff").unwrap_err().contains("no frame"));
        assert_eq!(decode(br#"{"t":"from_the_future","x":1}"#), Ok(PluginFrame::Unknown));
    }

    #[test]
    fn exits_read_as_people_say_them() {
        assert_eq!(Exit::Signal(libc::SIGBUS).to_string(), "killed by SIGBUS");
        assert_eq!(Exit::Signal(64).to_string(), "killed by signal 64");
        assert_eq!(Exit::Code(0).to_string(), "exited with code 0");
    }
}
