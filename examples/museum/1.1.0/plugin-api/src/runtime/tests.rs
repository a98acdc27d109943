//! The runtime as the host meets it: foreign threads, a full queue, frames of another age, the end.

use super::{Identity, Running, inbox_places, launch, outbox::Port};
use crate::{
    abi::Status,
    channel::{Channel, Outgoing, Resume},
    error::{PluginError, SendError},
    frame::{Init, PluginFrame, WINDOW},
    host::Host,
    outbound::Receipt,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// A host's end that passes every frame on, and hears of the release by the channel's end.
struct Pipe(Mutex<Option<Sender<PluginFrame>>>);

impl Port for Pipe {
    fn emit(&self, frame: &[u8]) -> Status {
        let frame = serde_json::from_slice(frame).unwrap();
        match &*self.0.lock().unwrap() {
            Some(frames) => frames.send(frame).map_or(Status::CLOSED, |()| Status::OK),
            None => Status::CLOSED,
        }
    }

    fn release(&self) {
        self.0.lock().unwrap().take();
    }
}

/// Blocks its thread in `send`, as no channel should, until the test lets go.
struct Blocking;

/// What a test and its channel share: «I am inside» and «go on».
type Gate = (Sender<()>, Arc<Mutex<Receiver<()>>>);
static GATES: Mutex<Vec<(String, Gate)>> = Mutex::new(Vec::new());

impl Channel for Blocking {
    type Config = Value;

    async fn start(_: Host, _: Value, _: Resume) -> Result<Self, PluginError> {
        Ok(Self)
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        let (inside, go_on) = {
            let gates = GATES.lock().unwrap();
            let (_, gate) = gates.iter().find(|(name, _)| *name == out.idem_key).unwrap();
            gate.clone()
        };
        inside.send(()).unwrap();
        let _ = go_on.lock().unwrap().recv();
        Ok(Receipt::default())
    }
}

fn opened() -> (Running, Receiver<PluginFrame>) {
    let (frames, seen) = channel();
    let init = Init { id: "under-test".to_owned(), generation: 1, window: WINDOW, state_dir: None };
    let identity = Identity { id: "blocking", version: "1.2.3" };
    let port = Arc::new(Pipe(Mutex::new(Some(frames))));
    (launch::<Blocking>(identity, &init, port).unwrap(), seen)
}

fn tell(running: &Running, frame: &Value) -> Status {
    running.deliver(frame.to_string().as_bytes())
}

fn next(seen: &Receiver<PluginFrame>) -> PluginFrame {
    seen.recv_timeout(PATIENCE).expect("a frame comes in time")
}

fn ready(running: &Running, seen: &Receiver<PluginFrame>) {
    assert!(matches!(next(seen), PluginFrame::Hello { .. }));
    assert_eq!(tell(running, &json!({"t": "start", "config": {}, "epoch": 1})), Status::OK);
    assert_eq!(next(seen), PluginFrame::Ready { epoch: 1 });
}

/// Brings the channel's thread to a halt inside `send`; the answer lets it go on.
fn blocked(name: &str, running: &Running) -> Sender<()> {
    let (inside, is_inside) = channel();
    let (let_go, go_on) = channel();
    GATES.lock().unwrap().push((name.to_owned(), (inside, Arc::new(Mutex::new(go_on)))));
    let typing = json!({"kind": "typing", "on": true,
        "to": {"account": "default", "conversation": "ada"}});
    let msg = json!({"t": "msg", "seq": 1, "idem_key": name, "attempt": 1, "timeout_ms": 60_000,
        "body": typing});
    assert_eq!(tell(running, &msg), Status::OK);
    is_inside.recv_timeout(PATIENCE).expect("the channel gets to its send");
    let_go
}

#[test]
fn hello_comes_first_and_names_the_plugin() {
    let (running, seen) = opened();
    let PluginFrame::Hello { protocol, id, version, features } = next(&seen) else {
        panic!("something came before hello");
    };
    assert_eq!((protocol.as_str(), id.as_str(), version.as_str()), ("1.0", "blocking", "1.2.3"));
    assert_eq!(features, ["fetch", "reconcile"]);
    assert_eq!(running.close(PATIENCE), Status::OK);
    assert!(seen.recv().is_err(), "nothing follows the release");
    assert_eq!(tell(&running, &json!({"t": "ping", "n": 1})), Status::CLOSED);
    assert_eq!(running.close(PATIENCE), Status::OK, "a second close finds nothing to do");
}

#[test]
fn frames_of_a_newer_and_of_an_older_host_are_understood() {
    let (running, seen) = opened();
    ready(&running, &seen);
    // A frame nobody here knows, fields nobody here knows, fields a newer age would send.
    assert_eq!(tell(&running, &json!({"t": "teleport", "to": "the moon"})), Status::OK);
    assert_eq!(tell(&running, &json!({"t": "hello", "protocol": "1.9", "host": "x"})), Status::OK);
    assert_eq!(tell(&running, &json!({"t": "ping", "n": 5, "mood": "fine"})), Status::OK);
    assert_eq!(next(&seen), PluginFrame::Pong { n: 5 });
    let answer = json!({"t": "event_ack", "id": 77, "accepted": "postponed"});
    assert_eq!(tell(&running, &answer), Status::OK);
    assert_eq!(running.deliver(b"{\"t\":"), Status::BAD_FRAME);
    assert_eq!(running.deliver(b"{\"t\":\"ping\"}"), Status::BAD_FRAME);
    assert_eq!(tell(&running, &json!({"t": "ping", "n": 6})), Status::OK);
    assert_eq!(next(&seen), PluginFrame::Pong { n: 6 });
    assert_eq!(running.close(PATIENCE), Status::OK);
}

#[test]
fn work_before_start_is_sent_back() {
    let (running, seen) = opened();
    next(&seen);
    let msg = json!({"t": "msg", "seq": 9, "idem_key": "k", "attempt": 1, "timeout_ms": 1,
        "body": {"kind": "teleport"}});
    assert_eq!(tell(&running, &msg), Status::OK);
    let PluginFrame::Nack { seq: 9, error } = next(&seen) else { panic!("no nack") };
    assert_eq!(error.code, "not_started");
    assert_eq!(running.close(PATIENCE), Status::OK);
}

#[test]
fn a_full_queue_says_so_and_loses_nothing() {
    let (running, seen) = opened();
    ready(&running, &seen);
    let let_go = blocked("full-queue", &running);
    let places =
        inbox_places(&Init { id: String::new(), generation: 1, window: WINDOW, state_dir: None })
            as u64;
    for n in 0..places {
        assert_eq!(tell(&running, &json!({"t": "ping", "n": n})), Status::OK, "ping {n}");
    }
    assert_eq!(tell(&running, &json!({"t": "ping", "n": places})), Status::FULL);
    let_go.send(()).unwrap();
    let mut pongs = BTreeSet::new();
    while pongs.len() < usize::try_from(places).unwrap() {
        if let PluginFrame::Pong { n } = next(&seen) {
            assert!(pongs.insert(n), "pong {n} came twice");
        }
    }
    assert_eq!(pongs.last(), Some(&(places - 1)));
    assert_eq!(running.close(PATIENCE), Status::OK);
}

#[test]
fn close_keeps_its_deadline_when_the_thread_is_blocked() {
    let (running, seen) = opened();
    ready(&running, &seen);
    let let_go = blocked("close-deadline", &running);
    assert_eq!(running.close(Duration::from_millis(50)), Status::FULL);
    let_go.send(()).unwrap();
    assert_eq!(running.close(PATIENCE), Status::OK, "once unblocked it ends");
}

#[test]
fn stop_ends_the_thread_without_a_close() {
    let (running, seen) = opened();
    ready(&running, &seen);
    assert_eq!(tell(&running, &json!({"t": "stop"})), Status::OK);
    assert!(seen.recv_timeout(PATIENCE).is_err());
    assert_eq!(running.close(PATIENCE), Status::OK);
}

#[test]
fn a_host_that_closed_its_end_ends_the_plugin() {
    let (running, seen) = opened();
    ready(&running, &seen);
    drop(seen);
    assert_eq!(tell(&running, &json!({"t": "ping", "n": 1})), Status::OK);
    // `close` would end it too, so wait for the thread's own end first.
    let thread = running.thread.lock().unwrap().take().unwrap();
    assert_eq!(
        thread.ended.recv_timeout(PATIENCE),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
}
