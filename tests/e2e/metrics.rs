//! What monitors read: counts of the gateway and what each plugin takes, for holders of the secret.

use harness::{
    Exchange, Gateway, Options, eventually,
    gateway::TOKEN,
    http,
    line::{Person, line_port},
    sums,
};
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

/// What every play is asked at its end, shown to notice when a message is gone.
#[tokio::test]
async fn a_message_that_is_gone_from_the_outbox_is_noticed() {
    let mut gateway = Gateway::start(Options::default().line_channel("process", "")).await;
    let mut ada = Person::connect(line_port(&mut gateway.client().await).await, "ada").await;
    for n in 1..=3 {
        ada.say(&format!("m{n}"), "hello").await;
        ada.message().await;
    }
    sums::of_gateway(gateway.port).expect("it adds up");
    gateway.stop().await;
    let state = gateway.home().join("state");
    sums::of_state(&state).expect("it adds up");
    let spoil = |change: &str| {
        let c = rusqlite::Connection::open(state.join("journal.db")).expect("it is there");
        c.execute_batch(change).expect("the play owns it");
        sums::of_state(&state).expect_err(change)
    };
    spoil("UPDATE outbox SET receipts = '[]' WHERE seq = 3");
    spoil("UPDATE outbox SET state = 'failed', error = NULL WHERE seq = 3");
    assert_eq!(
        spoil("DELETE FROM outbox WHERE seq = 2"),
        "3 were accepted to be sent, and 2 are in the outbox"
    );
    std::fs::remove_file(state.join("journal.db")).expect("the play owns it");
}
