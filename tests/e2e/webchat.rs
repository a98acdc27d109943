//! WebChat in a real browser: the printed address is opened, a message is sent, the reply streams
//! in, and a reload shows the conversation again.

use harness::{Gateway, Options, node};
use serde_json::{Value, json};

async fn printed_url(gateway: &Gateway) -> String {
    let url = |line: &str| line.strip_prefix("WebChat: ").map(str::to_owned);
    gateway.output.awaited("`WebChat: <address>`", url).await
}

#[tokio::test]
async fn a_person_writes_and_sees_the_reply_stream_in() {
    let options = Options::default()
        .plugin("webchat")
        .config("[channels.webchat]\nenabled = true\n[agent]\necho_pace_ms = 60");
    let gateway = Gateway::start(options).await;
    let url = printed_url(&gateway).await;
    assert!(url.contains("/webchat/#token="), "{url}");

    let told = node::run("webchat.mjs", &[&url]).await;
    assert_eq!(told["state"], "connected", "{told}");
    assert_eq!(told["tokenInUrl"], false, "the secret leaves the address bar: {told}");
    let lengths: Vec<u64> =
        told["streamed"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    assert!(lengths.len() > 2 && lengths.is_sorted(), "it streams: {told}");
    assert_eq!(told["user"], "hello from a real browser, word by word by word", "{told}");
    assert!(told["reply"].as_str().is_some_and(|t| t.contains("hello from a real browser")));
    assert_eq!(told["afterReload"], json!([told["user"], told["reply"]]), "{told}");
    let inert = json!({ "shown": true, "made": [], "ran": null });
    assert_eq!(told["hostile"], inert, "words stay words: {told}");
    assert_eq!(told["violations"], json!([]), "the content security policy holds: {told}");
    assert_eq!(told["complaints"], json!([]), "the console stays silent: {told}");
    assert_eq!(told["phoneOverflow"], 0, "no sideways scrolling at 360 px: {told}");
}

/// S06: no link makes the page speak to another gateway, so none gets a secret.
#[tokio::test]
async fn s06_a_link_cannot_send_the_page_elsewhere() {
    let options = Options::default().plugin("webchat").config("[channels.webchat]\nenabled = true");
    let gateway = Gateway::start(options).await;
    let url = printed_url(&gateway).await;
    let trap = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    trap.set_nonblocking(true).expect("it can");
    let elsewhere = format!("ws://127.0.0.1:{}", trap.local_addr().expect("it is bound").port());
    let told = node::run("lure.mjs", &[&url, &elsewhere]).await;
    let opened = told["sockets"].as_array().expect("a list of addresses");
    assert!(!opened.is_empty(), "the page connects: {told}");
    let own = format!("ws://127.0.0.1:{}", gateway.port);
    assert!(opened.iter().all(|at| at.as_str().is_some_and(|at| at.starts_with(&own))), "{told}");
    assert!(trap.accept().is_err(), "nobody came to the other gateway");
}
