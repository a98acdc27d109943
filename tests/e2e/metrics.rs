//! What monitors read: counts of the gateway and what each plugin takes, for holders of the secret.

use harness::{Exchange, Gateway, Options, eventually, gateway::TOKEN, http};
use serde_json::json;

#[tokio::test]
async fn numbers_of_the_gateway_and_of_each_plugin() {
    let exchange = Exchange::open().await;
    let gateway = Gateway::start(Options::default().stand_in("process", &exchange)).await;
    let mut client = gateway.client().await;
    exchange.publish("ada", "hello");
    exchange.heard("ada", "hello", 1).await;

    assert_eq!(http::get(gateway.port, "/metrics", &[]).await.status, 401);
    let secret = format!("Bearer {TOKEN}");
    let page = eventually("the answer is counted", async || {
        let page = http::get(gateway.port, "/metrics", &[("authorization", &secret)]).await;
        assert_eq!(page.status, 200);
        page.body.contains("\njackfield_messages_sent_total 1\n").then(|| page.body.clone())
    })
    .await;
    let of = "{plugin=\"stand-in\",channel=\"stand-in\"}";
    for line in [
        "jackfield_messages_accepted_total 1".to_owned(),
        "jackfield_connections 1".to_owned(),
        format!("jackfield_plugin_up{of} 1"),
        format!("jackfield_plugin_events_total{of} 1"),
        format!("jackfield_plugin_sent_total{of} 1"),
        format!("jackfield_plugin_falls_total{of} 0"),
    ] {
        assert!(page.lines().any(|got| got == line), "no `{line}` in:\n{page}");
    }
    assert!(page.contains(&format!("jackfield_plugin_memory_bytes{of} ")), "{page}");

    let row = client.call("plugins.inspect", json!({ "pluginId": "stand-in" })).await;
    let usage = &row["plugin"]["usage"];
    assert!(usage["memoryBytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20), "{row}");
    assert!(usage["threads"].as_u64().is_some_and(|threads| threads >= 2), "{row}");
    let status = client.call("channels.status", json!({})).await;
    assert_eq!(status["channelAccounts"]["stand-in"][0]["plugin"]["usage"]["events"], 1);
}
