//! Jobs, settings and strangers from the command line.

use harness::{
    Gateway, Options, Terminal,
    line::{Heard, Person, line_port},
};
use std::fs;

#[tokio::test]
async fn a_job_is_added_run_and_removed() {
    let gateway = Gateway::start(Options::default()).await;
    let terminal = Terminal::beside(&gateway);
    let add = ["cron", "add", "--name", "report", "--every", "45m", "--message", "sum up"];
    let job = terminal.document(&add).await;
    assert_eq!(job["schedule"]["everyMs"], 2_700_000, "{job}");
    let list = terminal.done(&["cron", "list"]).await;
    assert!(list.contains("report") && list.contains("every 45m"), "{list}");
    let status = terminal.document(&["cron", "status"]).await;
    assert_eq!(status["jobs"], 1, "{status}");
    assert!(terminal.done(&["cron", "run", "report"]).await.starts_with("started "));
    assert!(terminal.done(&["cron", "run", "report", "--due"]).await.contains("not due"));
    terminal.done(&["cron", "remove", "report"]).await;
    assert_eq!(terminal.run(&["cron", "remove", "report"]).await.code, 1, "it is gone");
    assert_eq!(terminal.run(&["cron", "add", "--name", "x", "--message", "y"]).await.code, 2);
}

#[tokio::test]
async fn a_setting_is_read_and_changed_in_its_file() {
    let gateway =
        Gateway::start(Options::default().config("# a comment stays\n[agent]\nbackend = \"echo\""))
            .await;
    let terminal = Terminal::beside(&gateway);
    assert_eq!(terminal.done(&["config", "get", "agent.backend"]).await, "echo\n");
    let secret = terminal.done(&["config", "get", "gateway.auth.token"]).await;
    assert!(!secret.contains("play-token"), "secrets are not shown: {secret}");
    let changed = terminal.done(&["config", "set", "agent.timeout_s", "90"]).await;
    assert!(changed.contains("starts anew"), "{changed}");
    let text = fs::read_to_string(gateway.home().join("jackfield.toml")).expect("it is there");
    assert!(text.contains("timeout_s = 90") && text.contains("# a comment stays"), "{text}");
    assert!(text.contains("play-token"), "the secret stayed what it was: {text}");

    let slip = terminal.run(&["config", "set", "agent.timeot_s", "90"]).await;
    assert_eq!(slip.code, 1, "{slip:?}");
    assert!(slip.err.contains("did you mean `timeout_s`"), "{slip:?}");
    assert_eq!(terminal.run(&["config", "get", "agent.nothing"]).await.code, 1);
}

#[tokio::test]
async fn a_stranger_is_let_in_by_the_words_they_were_told() {
    let options = Options::default()
        .plugin("line-echo")
        .config("[channels.line]\nenabled = true\nlisten = \"127.0.0.1:0\"");
    let gateway = Gateway::start(options).await;
    let terminal = Terminal::beside(&gateway);
    let port = line_port(&mut gateway.client().await).await;
    let mut eve = Person::connect(port, "eve").await;
    eve.say_and_wait("m1", "let me in please").await;
    let told = eve.message().await;
    let command = told.split("jackfield ").nth(1).expect("the message names the command");
    let words: Vec<&str> = command.lines().next().unwrap_or("").split(' ').collect();
    let list = terminal.done(&["channels", "pairing", "list"]).await;
    assert!(list.contains("eve") && list.contains("line/default"), "{list}");
    let said = terminal.done(&words).await;
    assert_eq!(said, "eve may write from now on.\n");
    assert_eq!(terminal.done(&["channels", "pairing", "list"]).await, "Nobody waits.\n");

    let mut bob = Person::connect(port, "bob").await;
    let before = bob.say_and_wait("m1", "me too").await;
    if before.is_empty() {
        assert!(matches!(bob.hear().await, Heard::Message { .. }), "bob is told a code");
    }
    let gone = terminal.done(&["channels", "pairing", "dismiss", "line", "bob"]).await;
    assert_eq!(gone, "bob was turned away.\n");
    assert_eq!(terminal.run(&["channels", "pairing", "dismiss", "line", "bob"]).await.code, 1);
}
