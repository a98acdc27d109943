//! Large answers of nodes and what they say meanwhile: nobody else waits for them.

use harness::{Client, Connect, Gateway, Identity, Options};
use serde_json::{Value, json};

/// Bytes of a large answer; two of them in one frame would be close to the limit of a frame.
const LARGE: usize = 11 << 20;
/// Bytes of a piece of progress, the most the wire allows.
const PIECE: usize = 16_384;
/// Round trips that others make while something large is under way.
const ROUNDS: usize = 20;

struct House {
    _gateway: Gateway,
    node: Client,
    /// Calls the node, and hears what it says meanwhile.
    caller: Client,
    other: Client,
}

impl House {
    async fn open() -> Self {
        let gateway = Gateway::start(Options::default()).await;
        let caps = json!(["node-invoke-progress"]);
        let mut caller =
            Connect::cli().with("caps", caps).open(gateway.port).await.expect("a right secret");
        let client = json!({
            "id": "node-host", "mode": "node", "version": "1.0.0", "platform": "linux",
            "deviceFamily": "Linux",
        });
        let node = Connect::device(&Identity::number(1))
            .with("client", client)
            .scopes(&[])
            .with("role", json!("node"))
            .with("commands", json!(["system.which"]))
            .open(gateway.port)
            .await
            .expect("local nodes are let in");
        let event = caller.event(|event| event.name == "node.pair.requested").await;
        let request = json!({ "requestId": event.payload["requestId"] });
        caller.call("node.pair.approve", request).await;
        let other = gateway.client().await;
        Self { _gateway: gateway, node, caller, other }
    }

    /// Sends a command; returns the request's id here and the command's id at the node.
    async fn invoke(&mut self) -> (String, Value) {
        let call = json!({
            "nodeId": Identity::number(1).device_id(), "command": "system.which",
            "idempotencyKey": "play", "timeoutMs": 120_000,
        });
        let id = self.caller.request("node.invoke", call).await;
        let asked = self.node.event(|event| event.name == "node.invoke.request").await;
        (id, asked.payload["id"].clone())
    }
}

fn result(invoke: &Value, key: &str, value: Value) -> Value {
    let mut result = json!({ "id": invoke, "nodeId": Identity::number(1).device_id(), "ok": true });
    result[key] = value;
    result
}

/// What a node says as JSON text that holds `bytes` bytes.
fn snapshot(bytes: usize) -> Value {
    json!(json!({ "base64": "a".repeat(bytes) }).to_string())
}

/// Asks for a turn of the agent and waits for its end.
async fn converses(client: &mut Client, key: &str) {
    let said = json!({ "sessionKey": key, "message": "hello", "idempotencyKey": key });
    client.call("chat.send", said).await;
    client.event(|event| event.name == "chat" && event.payload["state"] == "final").await;
}

#[tokio::test]
async fn an_answer_on_its_way_leaves_room_for_everything_else() {
    let mut house = House::open().await;
    let (first, at_node) = house.invoke().await;
    for seq in 0..ROUNDS {
        let piece = json!({
            "invokeId": at_node, "nodeId": Identity::number(1).device_id(), "seq": seq,
            "chunk": "p".repeat(PIECE),
        });
        house.node.call("node.invoke.progress", piece).await;
    }
    let answer = result(&at_node, "payloadJSON", snapshot(LARGE));
    let (told, rest) = house.node.begin_request("node.invoke.result", answer).await;

    // Half of it is there. The caller, others and the node itself go on meanwhile.
    for _ in 0..ROUNDS {
        house.other.call("health", json!({})).await;
        house.caller.call("health", json!({})).await;
    }
    converses(&mut house.other, "main").await;
    let (second, second_at_node) = house.invoke().await;
    let pieces: Vec<Value> = house
        .caller
        .take_events()
        .into_iter()
        .filter(|event| event.name == "node.invoke.progress")
        .map(|event| event.payload["seq"].clone())
        .collect();
    let expected: Vec<Value> = (0..ROUNDS).map(Value::from).collect();
    assert_eq!(pieces, expected, "each was heard before the answer, in order");

    house.node.end_request(&rest).await;
    assert_eq!(house.node.response(&told).await, Ok(json!({ "ok": true })));
    let answer = house.caller.response(&first).await.expect("the node answered");
    assert_eq!(answer["payload"]["base64"].as_str().map(str::len), Some(LARGE));
    let small = result(&second_at_node, "payload", json!({ "bins": {} }));
    house.node.call("node.invoke.result", small).await;
    let answer = house.caller.response(&second).await.expect("the node answered");
    assert_eq!(answer["payload"], json!({ "bins": {} }));
}

#[tokio::test]
async fn many_large_answers_at_once_leave_others_their_turns() {
    let mut house = House::open().await;
    let mut calls = Vec::new();
    for _ in 0..4 {
        calls.push(house.invoke().await);
    }
    let House { node, caller, other, .. } = &mut house;
    let telling = async {
        let mut told = Vec::new();
        for (_, at_node) in &calls {
            let answer = result(at_node, "payloadJSON", snapshot(LARGE));
            told.push(node.request("node.invoke.result", answer).await);
        }
        for id in &told {
            assert_eq!(node.response(id).await, Ok(json!({ "ok": true })));
        }
    };
    let hearing = async {
        for (call, _) in &calls {
            let answer = caller.response(call).await.expect("it is not cut off for their size");
            assert_eq!(answer["payload"]["base64"].as_str().map(str::len), Some(LARGE));
        }
    };
    let rounds = async {
        for _ in 0..ROUNDS {
            other.call("health", json!({})).await;
        }
        converses(other, "main").await;
    };
    tokio::join!(telling, hearing, rounds);
    house.caller.call("health", json!({})).await;
}

#[tokio::test]
async fn an_answer_is_said_once_where_a_frame_has_no_room_for_it_twice() {
    let mut house = House::open().await;
    let (call, at_node) = house.invoke().await;
    let bytes = 20 << 20;
    let answer = result(&at_node, "payloadJSON", snapshot(bytes));
    house.node.call("node.invoke.result", answer).await;
    let answer = house.caller.response(&call).await.expect("the node answered");
    assert_eq!(answer["payload"]["base64"].as_str().map(str::len), Some(bytes));
    assert_eq!(answer["payloadJSON"], Value::Null, "beside it there is no room for the text");
}
