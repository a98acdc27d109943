//! The configuration over the wire: shown without secrets, changed against what the caller saw.

use harness::{Client, Connect, Gateway, Options, gateway::TOKEN};
use serde_json::{Value, json};
use std::fs;

const REDACTED: &str = "__OPENCLAW_REDACTED__";

async fn shown(client: &mut Client) -> Value {
    client.call("config.get", json!({})).await
}

fn file(gateway: &Gateway) -> String {
    fs::read_to_string(gateway.home().join("jackfield.toml")).expect("there is a file")
}

fn against(shown: &Value, raw: &Value) -> Value {
    json!({ "raw": raw.to_string(), "baseHash": shown["hash"] })
}

#[tokio::test]
async fn secrets_never_show() {
    let more = "[channels.line]\nenabled = false\nbot_token = \"very-hidden\"\nname = \"desk\"";
    let gateway = Gateway::start(Options::default().config(more)).await;
    let reader = Connect::cli().scopes(&["operator.read"]);
    let mut reader = reader.open(gateway.port).await.expect("a reader may come in");
    let config = shown(&mut reader).await;
    let text = config.to_string();
    assert!(!text.contains(TOKEN) && !text.contains("very-hidden"), "{text}");
    assert_eq!(config["config"]["gateway"]["auth"]["token"], REDACTED);
    assert_eq!(config["parsed"]["channels"]["line"]["bot_token"], REDACTED);
    assert_eq!(config["parsed"]["channels"]["line"]["name"], "desk");
    assert_eq!((&config["exists"], &config["valid"]), (&json!(true), &json!(true)));
    assert_eq!(config["issues"], json!([]));
    assert_eq!(config["hash"], config["appliedConfigHash"], "nothing changed since the start");
    let raw: Value = serde_json::from_str(config["raw"].as_str().expect("raw is text"))
        .expect("raw is what clients edit");
    assert_eq!(raw, config["config"]);
    for method in ["config.set", "config.patch", "config.apply"] {
        let error = reader.refused(method, json!({ "raw": "{}" })).await;
        assert_eq!(error.message, "missing scope: operator.admin");
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_keeps_the_rest() {
    let gateway = Gateway::start(Options::default().config("# keep me\n")).await;
    let mut client = gateway.client().await;
    let mut watcher = gateway.client().await;
    let before = shown(&mut client).await;
    let change = json!({ "agent": { "timeout_s": 42 } });
    let done = client.call("config.patch", against(&before, &change)).await;
    assert_eq!(done["ok"], true);
    assert_eq!(done["changedPaths"], json!(["agent.timeout_s"]), "{done}");
    assert_eq!(done["requiresRestart"], true, "it says that a restart is due: {done}");
    assert_eq!(done["config"]["gateway"]["auth"]["token"], REDACTED);
    let told = watcher.event(|e| e.name == "config.changed").await.payload;
    assert_eq!(told["hash"], done["hash"]);

    let text = file(&gateway);
    assert!(text.contains("# keep me") && text.contains("timeout_s = 42"), "{text}");
    assert!(text.contains(TOKEN) && !text.contains(REDACTED), "the secret is what it was: {text}");
    let after = shown(&mut client).await;
    assert_eq!(after["hash"], done["hash"]);
    assert_ne!(after["hash"], after["appliedConfigHash"]);

    let stale = client.refused("config.patch", against(&before, &change)).await;
    assert_eq!(stale.message, "config changed since last load; re-run config.get and retry");
    let unnamed = client.refused("config.patch", json!({ "raw": change.to_string() })).await;
    assert_eq!(unnamed.message, "config base hash required; re-run config.get and retry");
    assert_eq!(file(&gateway), text, "a refused change changes nothing");
}

#[tokio::test]
async fn what_was_shown_can_be_set_and_survives_a_restart() {
    let mut gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let before = shown(&mut client).await;
    let mut edited = before["config"].clone();
    edited["heartbeat"] = json!({ "every": "1h" });
    let done = client.call("config.set", against(&before, &edited)).await;
    assert_eq!(done["changedPaths"], json!(["heartbeat.every"]), "{done}");
    assert!(file(&gateway).contains(TOKEN));

    gateway.restart().await;
    let mut client = gateway.client().await;
    let after = shown(&mut client).await;
    assert_eq!(after["hash"], after["appliedConfigHash"], "it runs with what was set");
    let status = client.call("status", json!({})).await;
    assert_eq!(status["heartbeat"]["agents"][0]["every"], "60m", "{status}");

    let same = client.call("config.set", against(&after, &after["config"])).await;
    assert_eq!((&same["noop"], &same["requiresRestart"]), (&json!(true), &json!(false)));
    assert_eq!(same["hash"], after["hash"], "setting what stands changes nothing");
    let toml = "[gateway.auth]\ntoken = \"__OPENCLAW_REDACTED__\" # mine\n";
    let params = json!({ "raw": toml, "baseHash": after["hash"] });
    client.call("config.apply", params).await;
    assert_eq!(file(&gateway), format!("[gateway.auth]\ntoken = \"{TOKEN}\" # mine\n"));
}

#[tokio::test]
async fn nonsense_is_refused_before_it_is_written() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let before = shown(&mut client).await;
    let text = file(&gateway);
    for (change, word) in [
        (json!({ "gateway": { "prot": 1 } }), "did you mean `port`"),
        (
            json!({ "gateway": { "bind": "0.0.0.0", "auth": { "mode": "none" } } }),
            "without authentication",
        ),
        (json!({ "gateway": { "auth": { "password": REDACTED } } }), "no value to keep"),
        (json!({ "channels": { "line": { "dm_policy": "everyone" } } }), "channels.line"),
        (json!({ "channels": { "line": { "queue": "sometimes" } } }), "channels.line.queue"),
        (json!({ "agent": { "id": "${NOT_SET_ANYWHERE}" } }), "NOT_SET_ANYWHERE"),
        (json!([]), "must be an object"),
    ] {
        let error = client.refused("config.patch", against(&before, &change)).await;
        assert_eq!(error.code, "INVALID_REQUEST");
        assert!(error.message.contains(word), "{change}: {error:?}");
    }
    assert_eq!(file(&gateway), text);
    assert_eq!(shown(&mut client).await["hash"], before["hash"]);
}

#[tokio::test]
async fn the_schema_tells_what_can_be_set() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let whole = client.call("config.schema", json!({})).await;
    assert!(whole["schema"]["properties"]["gateway"].is_object(), "{whole}");
    assert_eq!(whole["uiHints"]["gateway.auth.token"]["sensitive"], true);
    let port = client.call("config.schema.lookup", json!({ "path": "gateway.port" })).await;
    assert_eq!(port["schema"]["type"], "integer", "{port}");
    assert_eq!(port["reloadKind"], "restart");
    let auth = client.call("config.schema.lookup", json!({ "path": "gateway.auth" })).await;
    let keys: Vec<_> = auth["children"].as_array().expect("a list").iter().collect();
    assert!(keys.iter().any(|child| child["path"] == "gateway.auth.token"), "{auth}");
    let error = client.refused("config.schema.lookup", json!({ "path": "gateway.prot" })).await;
    assert_eq!(error.message, "config schema path not found");
}
