//! What consoles and operators ask of the gateway itself: how steady it runs, what catalogues offer,
//! and its secrets read again.

use harness::{Connect, Gateway, Options, eventually, gateway::TOKEN};
use serde_json::{Value, json};
use std::fs;

#[tokio::test]
async fn it_tells_how_steady_it_runs() {
    let gateway = Gateway::start(Options::default().line_channel("in-process", "")).await;
    let mut client = gateway.client().await;
    harness::line::line_port(&mut client).await;
    // A plugin names its port while it starts.
    eventually("the plugin's start is told", async || {
        let told = client.call("diagnostics.stability", json!({"type": "plugin.state"})).await;
        let mut states = told["events"].as_array().expect("a list of events").iter();
        let runs = |e: &Value| e["pluginId"] == "line-echo" && e["outcome"] == "running";
        states.any(runs).then_some(())
    })
    .await;
    let all = client.call("diagnostics.stability", json!({})).await;
    assert!(all["summary"]["memory"]["maxRssBytes"].as_u64().is_some_and(|b| b > 1 << 20), "{all}");
    let after = json!({"sinceSeq": all["lastSeq"]});
    assert_eq!(client.call("diagnostics.stability", after).await["count"], 0);
    client.refused("diagnostics.stability", json!({"limit": 0})).await;
}

#[tokio::test]
async fn what_no_catalogue_is_asked_for_is_said_and_what_is_here_is_shown() {
    let gateway = Gateway::start(Options::default().line_channel("in-process", "")).await;
    let mut client = gateway.client().await;
    let browse = client.call("plugins.catalog.browse", json!({"intent": "all"})).await;
    let mut items = browse["items"].as_array().expect("a list").iter();
    let item = items.find(|i| i["local"]["pluginId"] == "line-echo").cloned();
    let item = item.unwrap_or_else(|| panic!("the installed plugin is shown: {browse}"));
    assert!(browse["remoteError"].as_str().is_some_and(|t| t.contains("plugins list")), "{browse}");
    assert_eq!(client.call("plugins.catalog.get", json!({"id": item["id"]})).await, item);
    let none = client.call("plugins.catalog.browse", json!({"query": "no such thing"})).await;
    assert_eq!(none["items"], json!([]));
    for method in ["plugins.catalog.categories", "plugins.search", "skills.search"] {
        let error = client.refused(method, json!({"query": "x"})).await;
        assert_eq!(error.code, "UNAVAILABLE", "{method}: {error:?}");
    }
    let library = client.call("skills.library.list", json!({"scope": "all"})).await;
    assert_eq!((&library["entries"], &library["canManageWorkspace"]), (&json!([]), &json!(false)));
    let error = client.refused("skills.library.save", json!({})).await;
    assert_eq!(error.message, "unknown method: skills.library.save");
}

#[tokio::test]
async fn a_changed_secret_is_read_again_and_the_former_one_is_worth_nothing() {
    let settings = |token: &str| {
        format!(
            "[gateway]\nreload = \"manual\"\nauth = {{ mode = \"token\", token = \"{token}\" }}\n"
        )
    };
    let gateway = Gateway::start(Options::default().only_config(&settings(TOKEN))).await;
    let mut client = gateway.client().await;
    let file = gateway.home().join("jackfield.toml");
    fs::write(&file, "[gateway\n").expect("the file is ours");
    let error = client.refused("secrets.reload", json!({})).await;
    assert_eq!(error.code, "UNAVAILABLE", "{error:?}");
    let new = "another secret that is long enough";
    fs::write(&file, settings(new)).expect("the file is ours");
    let done = client.call("secrets.reload", json!({})).await;
    assert_eq!(done, json!({"ok": true, "warningCount": 0}));
    client.end().await;
    let with =
        async |token: &str| Connect::cli().auth(json!({ "token": token })).open(gateway.port).await;
    harness::eventually("the new secret opens", async || with(new).await.ok().map(drop)).await;
    let refusal = with(TOKEN).await.err().expect("the former secret is worth nothing");
    let code: Value = refusal.error.expect("it is told why").details["code"].clone();
    assert_eq!(code, "AUTH_TOKEN_MISMATCH");
}
