//! Who receives what, and under which number.

use super::*;
use crate::protocol::{event, frame::json};
use serde_json::{Value, json as value};

fn join(
    events: &Events,
    conn: ConnNumber,
    role: Role,
    scopes: &[&str],
    caps: &[&str],
) -> Arc<Subscriber> {
    let caps: Vec<String> = caps.iter().map(ToString::to_string).collect();
    let subscriber =
        Arc::new(Subscriber::new(role, Scopes::from_words(scopes), &caps, Arc::default()));
    events.subscribe(conn, Arc::clone(&subscriber));
    subscriber
}

fn drain(subscriber: &Subscriber) -> Vec<Value> {
    std::iter::from_fn(|| subscriber.outbox.pop())
        .filter_map(|item| match item {
            Item::Text(text) => Some(text),
            Item::Event(text, seq) => Some(text.with_seq(Some(seq))),
            Item::Close(_) => None,
        })
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect()
}

#[test]
fn numbers_are_per_connection_and_count_only_what_it_may_see() {
    let events = Events::default();
    let reader = join(&events, 1, Role::Operator, &["operator.read"], &[]);
    let bare = join(&events, 2, Role::Operator, &[], &[]);
    let node = join(&events, 3, Role::Node, &[], &[]);
    events.publish(event::AGENT, &json(&value!({})));
    events.publish(event::TICK, &json(&value!({"ts": 1})));
    events.publish(event::DEVICE_PAIR_REQUESTED, &json(&value!({})));
    let seqs = |frames: &[Value]| frames.iter().map(|f| f["seq"].as_u64()).collect::<Vec<_>>();
    assert_eq!(seqs(&drain(&reader)), [Some(1), Some(2)]);
    let bare = drain(&bare);
    assert_eq!((seqs(&bare), &bare[0]["event"]), (vec![Some(1)], &value!("tick")));
    assert_eq!(seqs(&drain(&node)), [Some(1)]);
}

#[test]
fn only_presence_and_health_carry_versions() {
    let events = Events::default();
    let reader = join(&events, 1, Role::Operator, &["operator.read"], &[]);
    events.health_changed();
    events.publish(event::HEALTH, &json(&value!({"ok": true})));
    events.publish(event::CHAT, &json(&value!({})));
    let frames = drain(&reader);
    assert_eq!(frames[0]["stateVersion"], value!({"presence": 0, "health": 1}));
    assert_eq!(frames[1].get("stateVersion"), None);
}

#[test]
fn run_events_follow_subscriptions_where_a_client_asked_for_that() {
    let events = Events::default();
    let all = join(&events, 1, Role::Operator, &["operator.read"], &[]);
    let scoped = join(&events, 2, Role::Operator, &["operator.read"], &["session-scoped-events"]);
    let node = join(&events, 3, Role::Node, &[], &[]);
    scoped.follow("agent:main:a");
    node.follow("agent:main:b");
    events.publish_to(event::CHAT, &json(&value!({})), Audience::Run("agent:main:a"));
    events.publish_to(event::CHAT, &json(&value!({})), Audience::Run("agent:main:b"));
    assert_eq!(drain(&all).len(), 2);
    assert_eq!(drain(&scoped).len(), 1);
    assert_eq!(drain(&node).len(), 1);
}

#[test]
fn tool_steps_reach_the_owner_that_asked_and_followers() {
    let events = Events::default();
    let owner = join(&events, 1, Role::Operator, &["operator.read"], &["tool-events"]);
    let deaf_owner = join(&events, 2, Role::Operator, &["operator.read"], &[]);
    let watcher = join(&events, 3, Role::Operator, &["operator.read"], &[]);
    watcher.follow_list();
    let payload = json(&value!({}));
    events.publish_to(event::AGENT, &payload, Audience::RunOwner(1));
    events.publish_to(event::AGENT, &payload, Audience::RunOwner(2));
    events.publish_to(event::SESSION_TOOL, &payload, Audience::Followers("k", Some(1)));
    assert_eq!((drain(&owner).len(), drain(&deaf_owner).len(), drain(&watcher).len()), (1, 0, 1));
}

#[test]
fn a_targeted_event_has_no_number() {
    let events = Events::default();
    let node = join(&events, 9, Role::Node, &[], &[]);
    assert!(events.send_to(9, event::NODE_INVOKE_REQUEST, &json(&value!({"id": "1"}))));
    assert!(!events.send_to(8, event::NODE_INVOKE_REQUEST, &json(&value!({}))));
    assert_eq!(drain(&node)[0].get("seq"), None);
}
