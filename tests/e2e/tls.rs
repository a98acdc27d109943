//! TLS on the gateway's own port: a certificate of its own making that clients pin, one from files
//! that is renewed in place, and an open port that may not be plain.

use harness::{Gateway, Options, Terminal, eventually, gateway::TOKEN, node, patiently};
use std::fs;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const SHOWN: &str = "TLS certificate, SHA-256: ";

/// A gateway with TLS, and the fingerprint it printed.
async fn gateway(more: &str) -> (Gateway, String) {
    let options = Options::default().config(&format!("[gateway.tls]\nenabled = true\n{more}"));
    let gateway = Gateway::start(options).await;
    let shown = gateway
        .output
        .awaited("the fingerprint", |line| line.strip_prefix(SHOWN).map(str::to_owned));
    let shown = shown.await;
    (gateway, shown)
}

#[tokio::test]
async fn the_own_certificate_is_pinned_by_the_command_line_and_the_reference_client() {
    let (mut gateway, shown) = gateway("").await;
    let beside = Terminal::beside(&gateway).document(&["status"]).await;
    assert_eq!(beside["gateway"]["tlsFingerprint"], shown.as_str(), "{beside}");
    assert!(beside["url"].as_str().is_some_and(|url| url.starts_with("wss://")), "{beside}");

    let url = format!("wss://127.0.0.1:{}", gateway.port);
    let elsewhere = Terminal::anywhere();
    let words = ["health", "--url", &url, "--token", TOKEN, "--tls-fingerprint"];
    assert_eq!(elsewhere.run(&[&words[..], &[&shown]].concat()).await.code, 0);
    let wrong = format!("{}00", &shown[..shown.len() - 2]);
    let wrong = if wrong == shown { wrong.replace("00", "11") } else { wrong };
    let refused = elsewhere.run(&[&words[..], &[&wrong]].concat()).await;
    assert_eq!(refused.code, 3, "another certificate than the pinned one: {refused:?}");
    let unknown = elsewhere.run(&words[..words.len() - 1]).await;
    assert_eq!(unknown.code, 3, "nobody vouches for it: {unknown:?}");

    let told = node::run("pinned.mjs", &[&url, TOKEN, &shown]).await;
    assert_eq!(told["pinned"]["protocol"], 4, "{told}");
    let error = told["other"]["error"].as_str().unwrap_or_default();
    assert!(error.contains("fingerprint mismatch"), "{told}");

    gateway.restart().await;
    let again =
        gateway.output.awaited("it again", |line| line.strip_prefix(SHOWN).map(str::to_owned));
    assert_eq!(again.await, shown, "it is kept, or pins would break");
}

#[tokio::test]
async fn who_speaks_plainly_is_told_so() {
    let (gateway, _) = gateway("").await;
    let mut plain = TcpStream::connect(("127.0.0.1", gateway.port)).await.expect("it listens");
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("it reads");
    let mut answer = String::new();
    let read = patiently(plain.read_to_string(&mut answer), || "no answer".to_owned());
    read.await.expect("the answer is text");
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("use https://"), "{answer}");
    let page = Terminal::beside(&gateway).run(&["health"]).await;
    assert_eq!(page.code, 0, "{page:?}");
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let (first, old) = gateway("").await;
    let (second, new) = gateway("").await;
    let files = tempfile::tempdir().expect("a temporary folder can be made");
    let copy = |from: &Gateway| {
        for name in ["key.pem", "cert.pem"] {
            let from = from.home().join("state/tls").join(name);
            fs::copy(from, files.path().join(name)).expect("the gateway made it");
        }
    };
    copy(&first);
    let at = |name: &str| files.path().join(name).display().to_string();
    let own = format!("cert = \"{}\"\nkey = \"{}\"\n", at("cert.pem"), at("key.pem"));
    let (gateway, shown) = gateway(&own).await;
    assert_eq!(shown, old);
    copy(&second);
    let terminal = Terminal::beside(&gateway);
    eventually("the renewed certificate is shown", async || {
        let status = terminal.run(&["status", "--json"]).await;
        (status.code == 0 && status.document()["gateway"]["tlsFingerprint"] == new.as_str())
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_open_port_is_not_plain_unless_that_is_wanted() {
    let start = |more: &'static [&'static str]| async move {
        let words = ["gateway", "--port", "0", "--bind", "0.0.0.0", "--token", TOKEN];
        let terminal = Terminal::anywhere();
        let words = [&words[..], more].concat();
        let (mut child, output) = terminal.watch(&words);
        let listens = output.awaited("its verdict", |line| {
            (line.starts_with("listening on "))
                .then_some(true)
                .or(line.contains("TLS").then_some(false))
        });
        let listens = listens.await;
        child.start_kill().ok();
        (listens, output.tail())
    };
    let (listens, said) = start(&[]).await;
    assert!(!listens && said.contains("gateway.tls.enabled = true"), "{said}");
    let (listens, said) = start(&["--allow-plain-bind"]).await;
    assert!(listens, "{said}");
}
