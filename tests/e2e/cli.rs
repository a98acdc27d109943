//! The command line as a client: each verb against a real gateway, in words and as a document.

use harness::{
    Gateway, Options, Terminal, eventually, libraries,
    line::{Person, line_port},
};
use serde_json::Value;
use std::fs;

/// A gateway whose line channel is up, and a person beside it.
async fn at_work() -> (Gateway, Terminal) {
    let gateway = Gateway::start(Options::default().line_channel("process", "")).await;
    let terminal = Terminal::beside(&gateway);
    line_port(&mut gateway.client().await).await;
    (gateway, terminal)
}

#[tokio::test]
async fn status_is_green_only_when_every_channel_is_up() {
    let (gateway, terminal) = at_work().await;
    let status = terminal.document(&["status"]).await;
    assert_eq!(status["ok"], true, "{status}");
    assert_eq!(status["problems"], serde_json::json!([]));
    assert!(status["gateway"]["runtimeVersion"].is_string(), "{status}");
    let words = terminal.done(&["status"]).await;
    assert!(words.starts_with("The channel is up."), "{words}");
    assert!(words.contains("connected"), "{words}");
    terminal.done(&["channels", "status", "--probe"]).await;
    let channels = terminal.done(&["channels", "list"]).await;
    assert!(channels.contains("line-echo"), "{channels}");
    drop(gateway);

    let home = Gateway::lay_out(&Options::default().line_channel("process", ""));
    let package = home.path().join("plugins/line-echo");
    let library = fs::read_dir(&package).expect("it was packed").flatten().map(|f| f.path());
    let library = library.into_iter().find(|f| f.extension().is_some_and(|e| e == "so"));
    let library = library.expect("a package has a library");
    fs::remove_file(&library).expect("the play owns it");
    fs::write(&library, "no library").expect("the play owns it");
    let broken = Gateway::start_in(home, Vec::new()).await;
    let terminal = Terminal::beside(&broken);
    let said = eventually("the plugin is refused", async || {
        let said = terminal.run(&["status"]).await;
        said.out.contains("refused").then_some(said)
    });
    let said = said.await;
    assert_eq!(said.code, 1, "{said:?}");
    let mut lines = said.out.lines();
    assert!(lines.next().is_some_and(|line| line.contains("1 of 1")), "{said:?}");
    let why = lines.next().unwrap_or_default();
    assert!(why.contains("line/default") && why.contains("not a library"), "{said:?}");
    assert!(said.out.contains("jackfield plugins info line-echo"), "{said:?}");
    let document = terminal.run(&["status", "--json"]).await;
    assert_eq!(document.code, 1, "{document:?}");
    assert_eq!(document.document()["problems"][0]["state"], "refused");

    assert_eq!(terminal.run(&["health"]).await.code, 1, "nor is its health");
    let list = terminal.done(&["plugins", "list"]).await;
    assert!(list.contains("not a library"), "{list}");
    let doctor = terminal.run(&["doctor", "--json"]).await;
    assert_eq!((doctor.code, &doctor.document()["ok"]), (1, &Value::Bool(false)));
}

#[tokio::test]
async fn the_agent_answers_on_the_terminal() {
    let gateway = Gateway::start(Options::default()).await;
    let terminal = Terminal::beside(&gateway);
    let words = ["agent", "--message", "say it again", "--session", "scratch"];
    let said = terminal.done(&words).await;
    assert_eq!(said.matches("say it again").count(), 1, "streamed once, not repeated: {said:?}");
    assert!(said.ends_with('\n'), "{said:?}");
    let done = terminal.document(&words).await;
    assert_eq!(done["status"], "ok");
    assert!(done["result"]["payloads"][0]["text"].is_string(), "{done}");

    let list = terminal.document(&["sessions", "list"]).await;
    let key = list["sessions"][0]["key"].as_str().expect("there is one").to_owned();
    assert!(key.ends_with(":scratch"), "{list}");
    let history = terminal.done(&["sessions", "history", &key]).await;
    assert!(history.starts_with("user: say it again\nassistant: "), "{history}");
    terminal.done(&["sessions", "reset", &key]).await;
    assert_eq!(terminal.done(&["sessions", "history", &key]).await, "No messages.\n");
    terminal.done(&["sessions", "delete", &key]).await;
    assert_eq!(terminal.run(&["sessions", "delete", &key]).await.code, 1, "it is gone");
    assert_eq!(terminal.run(&["agent", "--message", " "]).await.code, 2, "nothing was asked");
}

#[tokio::test]
async fn any_method_can_be_called() {
    let gateway = Gateway::start(Options::default()).await;
    let terminal = Terminal::beside(&gateway);
    let health: Value = terminal.done(&["call", "health"]).await.parse().expect("JSON");
    assert_eq!(health["ok"], true);
    let params = r#"{"limit": 1}"#;
    let list: Value =
        terminal.done(&["call", "sessions.list", "--params", params]).await.parse().expect("JSON");
    assert_eq!(list["limitApplied"], 1, "the parameters arrive");
    let unknown = terminal.run(&["call", "no.such.method", "--json"]).await;
    assert_eq!(unknown.code, 1, "{unknown:?}");
    let error = unknown.document();
    assert_eq!(error["error"]["code"], "INVALID_REQUEST");
    assert!(error["error"]["message"].as_str().is_some_and(|m| m.contains("unknown method")));
    assert_eq!(error["exitCode"], 1);
    let scope = ["call", "sessions.reset", "--params", "{\"key\":\"main\"}", "--scope", "read"];
    let raised = terminal.run(&scope).await;
    assert!(!raised.err.contains("missing scope"), "it brings what the gateway names: {raised:?}");
}

#[tokio::test]
async fn a_message_goes_out_on_a_channel_once() {
    let (gateway, terminal) = at_work().await;
    let port = line_port(&mut gateway.client().await).await;
    let mut ada = Person::connect(port, "ada").await;
    let words = ["message", "send", "--channel", "line", "--to", "ada", "-m", "come", "--key", "k"];
    let said = terminal.done(&words).await;
    assert!(said.starts_with("sent as ") && said.contains("on line"), "{said}");
    assert_eq!(ada.message().await, "come");
    assert_eq!(terminal.done(&words).await, said, "the same key is the same message");
    let nowhere = ["message", "send", "--channel", "nowhere", "--to", "x", "-m", "y"];
    let refused = terminal.run(&nowhere).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert_eq!(terminal.run(&["message", "send", "--channel", "line", "--to", "x"]).await.code, 2);
}

#[tokio::test]
async fn the_log_is_printed_and_followed() {
    let (_gateway, terminal) = at_work().await;
    let tail = terminal.document(&["logs", "--limit", "2"]).await;
    assert!(tail["lines"].as_array().is_some_and(|lines| lines.len() == 2), "{tail}");
    let (_child, output) = terminal.watch(&["logs", "--follow"]);
    let seen = |word: &'static str| move |line: &str| line.contains(word).then(|| line.to_owned());
    let line = output.awaited("that the plugin came up", seen("to=Running")).await;
    assert!(line.contains(" INFO "), "{line}");
    let before = output.lines().len();
    terminal.done(&["plugins", "reload", "line-echo"]).await;
    let more = eventually("what was added is printed", async || {
        let lines = output.lines();
        lines[before..].iter().any(|line| line.contains("took over")).then_some(lines)
    });
    assert!(more.await.iter().all(|line| !line.starts_with('{')), "for people, not raw");
}

#[tokio::test]
async fn plugins_are_seen_with_and_without_a_gateway() {
    let (gateway, terminal) = at_work().await;
    let info = terminal.done(&["plugins", "info", "line-echo"]).await;
    assert!(info.contains("running") && info.contains("listening on"), "{info}");
    assert_eq!(terminal.run(&["plugins", "info", "none"]).await.code, 1);

    let plugins = gateway.home().join("plugins").display().to_string();
    let offline = ["plugins", "list", "--offline", "--plugin-dir", &plugins];
    drop(gateway);
    let gone = terminal.done(&offline).await;
    assert!(gone.contains("cannot read this plugin folder"), "that home is gone: {gone}");

    let home = Gateway::lay_out(&Options::default().plugin("line-echo"));
    let terminal = Terminal::anywhere();
    let plugins = home.path().join("plugins").display().to_string();
    let offline = ["plugins", "list", "--offline", "--plugin-dir", &plugins];
    let list = terminal.document(&offline).await;
    assert_eq!(list["plugins"][0]["id"], "line-echo", "{list}");
    assert_eq!(list["plugins"][0]["state"], "installed");

    let package = format!("{plugins}/line-echo");
    let fine = terminal.document(&["plugins", "explain", &package]).await;
    assert_eq!(fine["ok"], true, "{fine}");
    let manifest = libraries::source("line-echo").join("plugin.toml").display().to_string();
    let unpacked = terminal.run(&["plugins", "explain", &manifest]).await;
    assert_eq!(unpacked.code, 1, "{unpacked:?}");
    assert!(unpacked.out.contains("jackfield plugins pack"), "{unpacked:?}");
}
