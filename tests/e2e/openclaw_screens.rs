//! The original's screens, unchanged: the one in a terminal and the one in a browser.

use harness::{
    Gateway, OpenClaw, Options, eventually, gateway::TOKEN, libraries::root, node, output::Output,
};
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// Shorter than the patience of what it waits with, so that the screen can be told.
const PATIENCE: Duration = Duration::from_secs(50);

/// What was written to the screen, without the codes that move the cursor.
fn plain(screen: &Output) -> String {
    let written = screen.lines().join("\n");
    let mut text = String::with_capacity(written.len());
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_code(&mut chars),
            '\r' => {}
            c => text.push(c),
        }
    }
    text
}

/// Passes over the rest of one code: `ESC [ … letter`, `ESC ] … BEL`, or `ESC` and one more.
fn skip_code(chars: &mut std::str::Chars<'_>) {
    match chars.next() {
        Some('[') => {
            chars.find(|c| c.is_ascii_alphabetic() || *c == '~');
        }
        Some(']') => {
            chars.find(|c| matches!(c, '\u{7}' | '\u{1b}'));
        }
        _ => {}
    }
}

fn end_of(text: &str) -> String {
    let from = text.chars().count().saturating_sub(2500);
    text.chars().skip(from).collect()
}

#[tokio::test]
async fn a_person_at_a_terminal_chats_asks_and_calls_off() {
    let options = Options::default().config("[agent]\necho_pace_ms = 40");
    let gateway = Gateway::start(options).await;
    let claw = OpenClaw::of(&gateway);
    let (_tui, mut keys, screen) = claw.at_terminal(&["tui"]);
    let shows = async |what: &str| {
        let asked = async || plain(&screen).contains(what).then_some(());
        let shown = tokio::time::timeout(PATIENCE, eventually(what, asked)).await;
        assert!(shown.is_ok(), "the screen does not show {what:?}:\n{}", end_of(&plain(&screen)));
    };
    shows("gateway connected").await;
    let mut client = gateway.client().await;
    keys.write_all(b"hello terminal\r").await.expect("it reads keys");
    let heard = client.event(|e| e.name == "chat" && e.payload["state"] == "final").await;
    assert_eq!(heard.payload["message"]["content"][0]["text"], "hello terminal");
    shows("hello terminal").await;
    keys.write_all(b"/gateway-status\r").await.expect("it reads keys");
    shows("Recent sessions:").await;
    keys.write_all(b"/status\r").await.expect("it reads keys");
    shows("Conversation: agent:main:main").await;

    let long = "word ".repeat(400);
    keys.write_all(long.as_bytes()).await.expect("it reads keys");
    keys.write_all(b"\r").await.expect("it reads keys");
    client.event(|e| e.name == "chat" && e.payload["state"] == "delta").await;
    keys.write_all(b"\x1b").await.expect("it reads keys");
    let end = client.event(|e| e.name == "chat" && e.payload["state"] == "aborted").await;
    assert_eq!(end.payload["sessionKey"], "agent:main:main", "{:?}", end.payload);
    // It takes the order only once it knows itself that the run is over.
    shows("run aborted").await;
    keys.write_all(b"/new\r").await.expect("it reads keys");
    shows("new session: agent:main:tui-").await;
}

#[tokio::test]
async fn a_person_at_the_control_page_chats_and_looks_around() {
    let page = root().join("tests/node/node_modules/openclaw/dist/control-ui");
    let settings = format!(
        "[gateway]\nauth = {{ mode = \"token\", token = \"{TOKEN}\" }}\n\
         [gateway.control_ui]\nroot = \"{}\"\n",
        page.display()
    );
    let options = Options::default().only_config(&settings).line_channel("in-process", "");
    let gateway = Gateway::start(options).await;
    let url = format!("http://127.0.0.1:{}/", gateway.port);
    let told = node::run("controlui.mjs", &[&url, TOKEN]).await;
    assert_eq!(told["sent"], json!(["hello control page", "hello control page"]), "{told}");
    assert_eq!(told["refused"], json!([]), "it asks for nothing that is not there: {told}");
    assert_eq!(told["complaints"], json!([]), "the console stays silent: {told}");
    assert_eq!(told["banners"], json!([]), "no screen shows a failure: {told}");
    assert_eq!(told["phoneOverflow"], 0, "no sideways scrolling on a phone: {told}");
    assert_eq!(told["configWithoutSecret"], 401, "{told}");
}
