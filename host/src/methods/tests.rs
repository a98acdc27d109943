//! What the right to write reaches, name by name: all else is the owner's, or somebody's of its own.

use super::{Access, Scope, table};
use serde_json::json;
use std::collections::BTreeSet;

/// What somebody who may write can do: talk, be answered, and keep order among conversations. A method
/// that is added here lets every writing client do it, programs of agents included.
const WRITERS: &[&str] = &[
    "agent",
    "agent.wait",
    "chat.abort",
    "chat.send",
    "message.action",
    "messages.dead.retry",
    "node.pending.enqueue",
    "poll",
    "send",
    "sessions.abort",
    "sessions.create",
    "sessions.groups.defaults",
    "sessions.patch",
    "sessions.send",
    "wake",
];

/// Settings, lists, approvals, plugins, jobs and restarts: the owner's alone.
const OWNERS: &[&str] = &[
    "config.set",
    "config.patch",
    "config.apply",
    "plugins.reload",
    "plugins.upgrade",
    "cron.add",
    "cron.update",
    "cron.remove",
    "cron.run",
    "set-heartbeats",
    "sessions.delete",
    "sessions.reset",
    "messages.dead.drop",
];

#[test]
fn who_may_write_reaches_nothing_of_the_owners() {
    let (mut writers, mut owners) = (BTreeSet::new(), BTreeSet::new());
    for method in table().all() {
        match method.access {
            Access::Operator(Scope::Write) => writers.insert(method.name),
            Access::Operator(Scope::Admin) => owners.insert(method.name),
            _ => false,
        };
    }
    assert_eq!(writers, WRITERS.iter().copied().collect());
    let missing: Vec<_> = OWNERS.iter().filter(|name| !owners.contains(*name)).collect();
    assert_eq!(missing, [&""; 0]);
}

#[test]
fn letting_people_and_devices_in_needs_the_right_to_pair() {
    let table = table();
    for name in ["channels.pairing.approve", "device.pair.approve", "node.pair.approve"] {
        let access = table.find(name).expect(name).access;
        let scope = match access {
            Access::Operator(scope) => scope,
            Access::Decided(decide) => decide(&json!({})),
            Access::Anyone | Access::Node => panic!("{name} is open to others"),
        };
        assert!(matches!(scope, Scope::Pairing | Scope::Admin), "{name}");
    }
    let approve = table.find("channels.pairing.approve").expect("it is there").access;
    let Access::Decided(decide) = approve else { panic!("its parameters decide") };
    assert_eq!(decide(&json!({ "bootstrapCommandOwner": true })), Scope::Admin);
}
