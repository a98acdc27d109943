//! What waits for a person: commands to approve, strangers on a channel.

use harness::{Client, Connect, Gateway, Options};
use serde_json::{Value, json};

fn command(id: &str, two_phase: bool) -> Value {
    json!({
        "id": id, "command": "rm -r build", "commandArgv": ["rm", "-r", "build"], "cwd": "/srv",
        "host": "gateway", "timeoutMs": 60_000, "twoPhase": two_phase,
    })
}

async fn reviewer(gateway: &Gateway) -> Client {
    let scopes = ["operator.read", "operator.approvals"];
    Connect::cli().scopes(&scopes).open(gateway.port).await.expect("a reviewer may come in")
}

#[tokio::test]
async fn somebody_else_decides() {
    let gateway = Gateway::start(Options::default()).await;
    let mut asker = gateway.client().await;
    let mut reviewer = reviewer(&gateway).await;
    let taken = asker.call("exec.approval.request", command("a-1", true)).await;
    assert_eq!(taken["status"], "accepted", "{taken}");
    assert_eq!(taken["deliveryRoute"], "approval-client");
    let asked = reviewer.event(|e| e.name == "exec.approval.requested").await.payload;
    assert_eq!(asked["id"], "a-1");
    assert_eq!(asked["request"]["command"], "rm -r build");
    assert_eq!(asked["request"]["allowedDecisions"], json!(["allow-once", "allow-always", "deny"]));
    assert_eq!(asked["request"]["nodeId"], Value::Null);
    assert_eq!(reviewer.call("exec.approval.list", json!({})).await, json!([asked]));

    let waiting = asker.request("exec.approval.waitDecision", json!({ "id": "a-1" })).await;
    let decide = |decision: &str| json!({ "id": "a-1", "decision": decision });
    let error = reviewer.refused("exec.approval.resolve", decide("perhaps")).await;
    assert_eq!(error.message, "invalid decision");
    let done = reviewer.call("exec.approval.resolve", decide("allow-once")).await;
    assert_eq!(done, json!({ "ok": true }));
    let decided = asker.response(&waiting).await.expect("the decision arrives");
    assert_eq!(decided["decision"], "allow-once", "{decided}");
    let told = asker.event(|e| e.name == "exec.approval.resolved").await.payload;
    assert_eq!(told["decision"], "allow-once");

    let error = reviewer.refused("exec.approval.resolve", decide("deny")).await;
    assert_eq!(error.message, "approval already resolved");
    assert_eq!(error.details["reason"], "APPROVAL_ALREADY_RESOLVED");
    assert_eq!(reviewer.call("exec.approval.list", json!({})).await, json!([]));
}

#[tokio::test]
async fn nobody_there_means_no_decision() {
    let gateway = Gateway::start(Options::default()).await;
    let mut asker = gateway.client().await;
    let answer = asker.call("exec.approval.request", command("a-1", false)).await;
    assert_eq!(answer["decision"], Value::Null, "{answer}");
    assert_eq!(answer["terminalReason"], "no-route");
    let error = asker
        .refused("exec.approval.resolve", json!({ "id": "a-1", "decision": "allow-once" }))
        .await;
    assert_eq!(error.details["reason"], "APPROVAL_NOT_FOUND", "what lapsed stays undecided");
}

#[tokio::test]
async fn time_runs_out() {
    let gateway = Gateway::start(Options::default()).await;
    let mut asker = gateway.client().await;
    let _reviewer = reviewer(&gateway).await;
    let mut ask = command("a-1", false);
    ask["timeoutMs"] = json!(200);
    let answer = asker.call("exec.approval.request", ask).await;
    assert_eq!(answer["decision"], Value::Null, "{answer}");
    assert_eq!(answer["terminalReason"], "timeout");
    assert_eq!(asker.call("exec.approval.list", json!({})).await, json!([]));
}

#[tokio::test]
async fn who_may_not_approve_neither_sees_nor_decides() {
    let gateway = Gateway::start(Options::default()).await;
    let reader = Connect::cli().scopes(&["operator.read", "operator.write"]);
    let mut reader = reader.open(gateway.port).await.expect("a reader may come in");
    for method in ["exec.approval.list", "exec.approval.resolve", "plugin.approval.list"] {
        let error = reader.refused(method, json!({ "id": "a", "decision": "deny" })).await;
        assert_eq!(error.message, "missing scope: operator.approvals", "{method}");
    }
    let mut asker = gateway.client().await;
    let answer = asker.call("exec.approval.request", command("a-1", false)).await;
    assert_eq!(answer["terminalReason"], "no-route", "a reader is no route: {answer}");
}

#[tokio::test]
async fn a_stranger_is_let_in_or_turned_away() {
    let strict = "[plugins.line-echo]\nisolation = \"process\"\n\
                  [channels.line]\nenabled = true\nlisten = \"127.0.0.1:0\"\ndm_policy = \"pairing\"\n";
    let options = Options::default().plugin("line-echo").config(strict);
    let gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    let port = harness::line::line_port(&mut client).await;
    let mut ada = harness::line::Person::connect(port, "ada").await;
    ada.say("1", "hello").await;
    let code = ada.message().await;

    let list = client.call("channels.pairing.list", json!({})).await;
    assert_eq!(list["limits"]["pendingPerAccount"], 3, "{list}");
    let request = &list["requests"][0];
    assert_eq!(request["senderId"], "ada", "{list}");
    assert_eq!(request["channel"], "line");
    let shown = list.to_string();
    let words = code.split(|c: char| !c.is_ascii_alphanumeric());
    let secret = words
        .filter(|word| word.len() == 8)
        .find(|word| word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()));
    let secret = secret.unwrap_or_else(|| panic!("no code in {code}"));
    assert!(!shown.contains(secret), "the code is the stranger's alone");

    let approve = json!({ "channel": "line", "accountId": "default", "requestId": request["requestId"], "notify": true });
    let approved = client.call("channels.pairing.approve", approve.clone()).await;
    assert_eq!(approved["senderId"], "ada");
    assert_eq!(approved["notification"], "sent", "{approved}");
    assert!(ada.message().await.contains("approved"));
    ada.say("2", "may I?").await;
    assert!(ada.message().await.contains("may I?"));
    let error = client.refused("channels.pairing.approve", approve).await;
    assert!(error.message.contains("no pairing request"), "{error:?}");
}

#[tokio::test]
async fn how_they_ended_is_told_in_one_form_and_outlives_a_restart() {
    let mut gateway = Gateway::start(Options::default()).await;
    let mut asker = gateway.client().await;
    let answer = asker.call("exec.approval.request", command("nobody", false)).await;
    assert_eq!(answer["terminalReason"], "no-route", "{answer}");
    let mut reviewer = reviewer(&gateway).await;
    for id in ["one", "two", "three"] {
        asker.call("exec.approval.request", command(id, true)).await;
    }
    let waits = reviewer.call("approval.get", json!({"id": "one"})).await["approval"].clone();
    assert_eq!((&waits["status"], &waits["urlPath"]), (&json!("pending"), &json!("/approve/one")));
    assert_eq!(waits["presentation"]["commandText"], "rm -r build", "{waits}");
    let decide = |id: &str, kind: &str, decision: &str| json!({"id": id, "kind": kind, "decision": decision});
    let done = reviewer.call("approval.resolve", decide("one", "exec", "allow-once")).await;
    assert_eq!((&done["applied"], &done["approval"]["status"]), (&json!(true), &json!("allowed")));
    let told = asker.event(|e| e.name == "exec.approval.resolved").await.payload;
    assert_eq!((&told["id"], &told["decision"]), (&json!("one"), &json!("allow-once")));
    let late = reviewer.call("approval.resolve", decide("one", "exec", "deny")).await;
    assert_eq!((&late["applied"], &late["approval"]["status"]), (&json!(false), &json!("allowed")));
    // An answer that is none for this request denies it.
    let odd = reviewer.call("approval.resolve", decide("two", "plugin", "allow-once")).await;
    assert_eq!(odd["approval"]["reason"], "malformed-verdict", "{odd}");
    let error = reviewer.refused("approval.resolve", decide("none", "exec", "deny")).await;
    assert_eq!(error.details["reason"], "APPROVAL_NOT_FOUND", "{error:?}");

    gateway.restart().await;
    let mut reviewer = self::reviewer(&gateway).await;
    let first = reviewer.call("approval.history", json!({"limit": 3})).await;
    let next = json!({"limit": 3, "cursor": first["nextCursor"]});
    let second = reviewer.call("approval.history", next).await;
    assert_eq!(second.get("nextCursor"), None, "{second}");
    let items = [&first, &second].into_iter().filter_map(|p| p["items"].as_array()).flatten();
    let ends: Vec<_> = items.map(|i| (i["id"].clone(), i["status"].clone())).collect();
    let wanted = json!([
        ["three", "cancelled"],
        ["two", "denied"],
        ["one", "allowed"],
        ["nobody", "denied"],
    ]);
    assert_eq!(json!(ends), wanted);
    let error = reviewer.refused("approval.history", json!({"cursor": "x"})).await;
    assert_eq!(error.message, "invalid approval.history cursor");
    let grants = reviewer.call("exec.approval.grants.list", json!({})).await;
    assert_eq!(grants, json!({"grants": []}));
}
