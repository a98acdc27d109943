//! Joining, approving, invoking: the room without a gateway around it.

use super::*;
use crate::{
    devices::{ApprovedVia, Ask, TokenKey},
    events::{Item, Outbox, Subscriber},
    protocol::scope::Scopes,
    store::Store,
};
use invoke::{Answer, Invoke, InvokeError};
use std::{sync::Arc, time::Duration};

struct Room {
    nodes: Nodes,
    devices: Devices,
    outbox: Arc<Outbox>,
    _state: tempfile::TempDir,
}

async fn room() -> Room {
    let state = tempfile::tempdir().unwrap();
    let (store, clock) = (Store::open(state.path()).unwrap(), Clock::system());
    let devices = Devices::load(store, clock.clone(), TokenKey::from_bytes([1; 32])).await.unwrap();
    let ask = Ask {
        device_id: "n".into(),
        public_key: "k".into(),
        display_name: Some("Box".into()),
        platform: "linux".into(),
        device_family: Some("Linux".into()),
        client_id: "node-host".into(),
        client_mode: "node".into(),
        role: Role::Node,
        roles: vec![Role::Node],
        scopes: Scopes::NONE,
        remote_ip: None,
        browser_origin: None,
    };
    devices.approve_ask(&ask, ApprovedVia::Silent).await.unwrap();
    let (events, outbox) = (Events::default(), Arc::new(Outbox::default()));
    let subscriber = Subscriber::new(Role::Node, Scopes::NONE, &[], Arc::clone(&outbox));
    events.subscribe(1, Arc::new(subscriber));
    let nodes = Nodes::new(&NodesSection::default(), devices.clone(), events, clock);
    Room { nodes, devices, outbox, _state: state }
}

fn declared(commands: &[&str]) -> Declared {
    Declared {
        platform: "linux".into(),
        device_family: Some("Linux".into()),
        version: "1".into(),
        commands: commands.iter().map(ToString::to_string).collect(),
        ..Declared::default()
    }
}

fn which(timeout: Duration) -> Invoke {
    Invoke {
        node_id: "n".into(),
        command: "system.which".into(),
        params: None,
        timeout,
        idempotency_key: "i".into(),
        session_key: None,
        listener: None,
    }
}

/// The next frame for the node.
async fn sent(outbox: &Outbox) -> Value {
    loop {
        if let Some(Item::Text(text)) = outbox.pop() {
            return serde_json::from_str(&text).unwrap();
        }
        outbox.ready().await;
    }
}

#[tokio::test]
async fn nothing_runs_before_a_person_said_yes() {
    let room = room().await;
    let commands = ["system.which", "system.run", "camera.snap"];
    let waiting = room.nodes.join("n", 1, declared(&commands), false).await.unwrap().unwrap();
    assert_eq!(waiting.commands, ["system.run", "system.which"], "the lists cut the declaration");
    let error = room.nodes.invoke(which(invoke::DEFAULT)).await.unwrap_err();
    assert!(error.to_string().contains("pending approval"), "{error}");
    assert!(!room.nodes.takes_part("n"));

    room.nodes.leave("n", 1).await;
    let again = room.nodes.join("n", 1, declared(&commands), false).await.unwrap();
    assert_eq!(again, None, "the same declaration keeps its request");
    room.nodes.approve(&waiting.request_id).await.unwrap();
    assert!(room.nodes.approve(&waiting.request_id).await.is_err(), "a request is answered once");

    let node = async {
        let request = sent(&room.outbox).await;
        assert_eq!(request["event"], "node.invoke.request");
        let id = request["payload"]["id"].as_str().unwrap().to_owned();
        let answer = || Answer { ok: true, payload_json: Some("{}".into()), ..Answer::default() };
        assert!(!room.nodes.answer(2, &id, answer()), "another connection cannot answer");
        assert!(room.nodes.answer(1, &id, answer()));
        assert!(!room.nodes.answer(1, &id, answer()), "one answer is taken");
    };
    let (answered, ()) = tokio::join!(room.nodes.invoke(which(invoke::DEFAULT)), node);
    assert_eq!(answered.unwrap().payload_json.as_deref(), Some("{}"));
}

#[tokio::test]
async fn time_that_runs_out_is_told_to_the_node_and_a_lost_node_to_the_caller() {
    let room = room().await;
    room.nodes.join("n", 1, declared(&["system.which"]), true).await.unwrap();
    let error = room.nodes.invoke(which(Duration::from_millis(20))).await.unwrap_err();
    assert!(matches!(error, InvokeError::Timeout), "{error}");
    let request = sent(&room.outbox).await;
    let cancel = sent(&room.outbox).await;
    assert_eq!(cancel["event"], "node.invoke.cancel");
    assert_eq!(cancel["payload"]["invokeId"], request["payload"]["id"]);

    let node = async {
        sent(&room.outbox).await;
        room.nodes.leave("n", 1).await;
    };
    let (answered, ()) = tokio::join!(room.nodes.invoke(which(invoke::DEFAULT)), node);
    let error = answered.unwrap_err();
    assert_eq!(error.to_string(), "DISCONNECTED: node disconnected (system.which)");
    let error = room.nodes.invoke(which(invoke::DEFAULT)).await.unwrap_err();
    assert!(matches!(error, InvokeError::NotConnected), "{error}");
}

#[tokio::test]
async fn a_device_without_another_role_goes_with_the_role() {
    let room = room().await;
    room.nodes.join("n", 1, declared(&[]), false).await.unwrap();
    room.nodes.remove("n").await.unwrap();
    assert!(room.devices.device("n").is_none());
    assert!(matches!(room.nodes.invoke(which(invoke::DEFAULT)).await, Err(InvokeError::Unknown)));
}

#[tokio::test]
async fn pieces_of_output_reach_who_listens_and_a_node_not_ready_is_asked_again() {
    let room = room().await;
    room.nodes.join("n", 1, declared(&["system.which"]), true).await.unwrap();
    let ears = Arc::new(Outbox::default());
    let subscriber = Subscriber::new(Role::Operator, Scopes::NONE, &[], Arc::clone(&ears));
    room.nodes.events.subscribe(7, Arc::new(subscriber));
    let node = async {
        let first = sent(&room.outbox).await;
        let refusal = ("NODE_NOT_READY".to_owned(), "starting".to_owned());
        let not_ready = Answer { error: Some(refusal), ..Answer::default() };
        assert!(room.nodes.answer(1, first["payload"]["id"].as_str().unwrap(), not_ready));
        let again = sent(&room.outbox).await;
        let id = again["payload"]["id"].as_str().unwrap().to_owned();
        assert_ne!(again["payload"]["id"], first["payload"]["id"]);
        assert!(room.nodes.progress(1, "n", &id, 1, "two".into()));
        assert!(room.nodes.progress(1, "n", &id, 0, "one".into()));
        assert!(!room.nodes.progress(2, "n", &id, 2, "x".into()), "another connection");
        for (seq, chunk) in [(0, "one"), (1, "two")] {
            let heard = sent(&ears).await;
            assert_eq!(heard["event"], "node.invoke.progress");
            assert_eq!(heard["payload"]["chunk"], chunk);
            assert_eq!(heard["payload"]["seq"], seq);
            assert_eq!(heard.get("seq"), None, "targeted events carry no number");
        }
        room.nodes.answer(1, &id, Answer { ok: true, ..Answer::default() });
    };
    let call = Invoke { listener: Some(7), ..which(invoke::DEFAULT) };
    let (answered, ()) = tokio::join!(room.nodes.invoke(call), node);
    assert!(answered.unwrap().ok);
}
