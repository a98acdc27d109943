//! Order, overlap, refusal and credit of events, against an inbox that answers when it is told to.

use super::*;
use crate::plugins::LinkReport;
use jackfield_plugin_api::{
    event::{ConversationKind, Event, InboundMessage, Place, Sender},
    frame::{Cursor, StoredCursor},
    id::AccountId,
};
use std::sync::Mutex;

/// Holds every event until the test decides it, by dedupe key.
#[derive(Default)]
struct Desk {
    waiting: Mutex<Vec<(String, oneshot::Sender<Accepted>)>>,
}

impl Desk {
    fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> =
            self.waiting.lock().unwrap().iter().map(|(k, _)| k.clone()).collect();
        keys.sort();
        keys
    }

    fn decide(&self, key: &str, accepted: Accepted) {
        let mut waiting = self.waiting.lock().unwrap();
        let index = waiting.iter().position(|(k, _)| k == key).expect("the event was offered");
        waiting.remove(index).1.send(accepted).unwrap();
    }
}

impl Inbox for Desk {
    fn accept(&self, event: PluginEvent) -> BoxFuture<'_, Accepted> {
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().unwrap().push((event.dedupe_key, sender));
        async move { answer.await.unwrap() }.boxed()
    }

    fn cursors(&self, _: &str) -> BoxFuture<'_, Vec<StoredCursor>> {
        async { Vec::new() }.boxed()
    }

    fn link_changed(&self, _: &str, _: LinkReport) {}
}

fn event(key: &str, conversation: &str, stream: Option<&str>) -> PluginEvent {
    let place = Place {
        conversation: conversation.into(),
        kind: ConversationKind::Direct,
        title: None,
        thread: None,
    };
    let sender = Sender { id: "u".into(), name: None, username: None, bot: false, own: false };
    PluginEvent {
        channel: "line".into(),
        account: AccountId("default".into()),
        dedupe_key: key.into(),
        cursor: stream.map(|stream| Cursor { stream: stream.into(), value: key.into() }),
        album: None,
        body: Event::Message(InboundMessage {
            place,
            sender,
            message: key.into(),
            text: String::new(),
            attachments: Vec::new(),
            reply_to: None,
            mentioned: false,
            sent_at_ms: None,
        }),
    }
}

/// Drives what can go on without an answer, and gives what is decided.
fn turn(intake: &mut Intake) -> Vec<(u64, Accepted)> {
    let mut done = Vec::new();
    while !intake.is_idle() {
        match intake.resolved().now_or_never() {
            Some(resolved) => done.push((resolved.id, resolved.accepted)),
            None => break,
        }
    }
    done
}

#[test]
fn conversations_overlap_and_each_keeps_its_order() {
    let desk = Arc::new(Desk::default());
    let mut intake = Intake::new(desk.clone());
    for (id, key, conversation) in [(1, "a1", "a"), (2, "a2", "a"), (3, "b1", "b")] {
        intake.offer(id, event(key, conversation, None));
    }
    assert_eq!(turn(&mut intake), []);
    assert_eq!(desk.keys(), ["a1", "b1"], "a2 waits for a1");
    desk.decide("b1", Accepted::Stored);
    assert_eq!(turn(&mut intake), [(3, Accepted::Stored)], "answered as it resolves");
    desk.decide("a1", Accepted::Duplicate);
    assert_eq!(turn(&mut intake), [(1, Accepted::Duplicate)]);
    desk.decide("a2", Accepted::Stored);
    assert_eq!(turn(&mut intake), [(2, Accepted::Stored)]);
}

#[test]
fn a_cursor_never_overtakes_an_event_of_its_stream() {
    let desk = Arc::new(Desk::default());
    let mut intake = Intake::new(desk.clone());
    intake.offer(1, event("a", "a", Some("s")));
    intake.offer(2, event("b", "b", Some("s")));
    intake.offer(3, event("c", "c", Some("other")));
    turn(&mut intake);
    assert_eq!(desk.keys(), ["a", "c"]);
    desk.decide("a", Accepted::Stored);
    turn(&mut intake);
    assert_eq!(desk.keys(), ["b", "c"]);
}

#[test]
fn what_waits_behind_a_refused_event_is_refused_and_may_come_again() {
    let desk = Arc::new(Desk::default());
    let mut intake = Intake::new(desk.clone());
    intake.offer(1, event("a1", "a", None));
    intake.offer(2, event("a2", "a", None));
    intake.offer(3, event("b1", "b", None));
    turn(&mut intake);
    desk.decide("a1", Accepted::Refused);
    assert_eq!(turn(&mut intake), [(1, Accepted::Refused), (2, Accepted::Refused)]);
    intake.offer(4, event("a1", "a", None));
    turn(&mut intake);
    assert_eq!(desk.keys(), ["a1", "b1"], "offered again, it is asked again");
}

#[test]
fn a_window_of_events_is_taken_and_room_returns_with_the_written_answer() {
    let desk = Arc::new(Desk::default());
    let mut intake = Intake::new(desk.clone());
    for id in 0..u64::from(WINDOW) {
        assert!(intake.has_room());
        intake.offer(id, event(&id.to_string(), &id.to_string(), None));
    }
    assert!(!intake.has_room());
    turn(&mut intake);
    desk.decide("0", Accepted::Stored);
    let resolved = intake.resolved().now_or_never().expect("decided");
    assert!(!intake.has_room(), "its answer is not written yet");
    drop(resolved);
    assert!(intake.has_room());
}
