//! How the command line comes in, how it is refused, and the exit codes that scripts trust.

use harness::{Connect, Gateway, Options, Terminal, gateway::TOKEN};
use serde_json::{Value, json};
use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).expect("it was written").permissions().mode() & 0o777
}

#[tokio::test]
async fn nothing_there_is_three() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.local_addr().expect("it is bound").port()
    };
    let terminal = Terminal::anywhere();
    let url = format!("ws://127.0.0.1:{port}");
    let said = terminal.run(&["status", "--url", &url]).await;
    assert_eq!((said.code, said.out.as_str()), (3, ""), "{said:?}");
    assert!(said.err.contains("jackfield gateway"), "it says what to do: {said:?}");
    let error = terminal.run(&["status", "--url", &url, "--json"]).await;
    assert_eq!((error.code, error.err.as_str()), (3, ""), "{error:?}");
    assert_eq!(error.document()["error"]["code"], "UNREACHABLE");
    let doctor = terminal.run(&["doctor", "--port", &port.to_string()]).await;
    assert_eq!(doctor.code, 0, "a gateway that does not run is nothing wrong: {doctor:?}");
}

#[tokio::test]
async fn what_is_no_gateway_is_three_as_well() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let words = ["health", "--url", &format!("ws://127.0.0.1:{port}"), "--timeout", "200ms"];
    let said = Terminal::anywhere().run(&words).await;
    assert_eq!(said.code, 3, "it never answers: {said:?}");
}

#[tokio::test]
async fn wrong_words_are_two() {
    let terminal = Terminal::anywhere();
    for words in [
        &["no-such-verb"][..],
        &["call"],
        &["call", "health", "--params", "[1]"],
        &["status", "--url", "ftp://x"],
        &["status", "--url", "ws://192.0.2.1:1", "--token", "t"],
        &["logs", "--limit", "0"],
        &["config", "set", "a..b", "1"],
    ] {
        let said = terminal.run(words).await;
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words:?}: {said:?}");
        let error = terminal.run(&[words, &["--json"]].concat()).await;
        assert_eq!((error.code, error.err.as_str()), (2, ""), "{words:?}: {error:?}");
        assert_eq!(error.document()["exitCode"], 2, "{words:?}");
    }
    let config = terminal.home().join("jackfield.toml");
    fs::write(&config, "[gateway\n").expect("the home is writable");
    let file = config.display().to_string();
    let said = terminal.run(&["status", "--config", &file]).await;
    assert_eq!(said.code, 2, "{said:?}");
    fs::write(&config, "[gateway]\nprot = 1\n").expect("the home is writable");
    let said = terminal.run(&["config", "check", "--config", &file, "--json"]).await;
    assert_eq!((said.code, &said.document()["error"]["code"]), (2, &json!("CONFIG")));
    assert_eq!(terminal.run(&["doctor", "--config", &file, "--port", "1"]).await.code, 1);
}

#[tokio::test]
async fn a_wrong_token_is_four_and_a_right_one_is_remembered() {
    let gateway = Gateway::start(Options::default()).await;
    let terminal = Terminal::anywhere();
    let url = format!("ws://127.0.0.1:{}", gateway.port);
    let status = ["status", "--url", url.as_str()];
    let none = terminal.run(&status).await;
    assert_eq!(none.code, 4, "{none:?}");
    assert!(none.err.contains("--token"), "{none:?}");
    let wrong = terminal.run(&[&status[..], &["--token", "wrong", "--json"]].concat()).await;
    assert_eq!(wrong.code, 4, "{wrong:?}");
    assert_eq!(wrong.document()["error"]["details"]["code"], "AUTH_TOKEN_MISMATCH");

    terminal.done(&[&status[..], &["--token", TOKEN]].concat()).await;
    assert_eq!(mode(&terminal.identity()), 0o600);
    assert_eq!(mode(&terminal.identity().with_extension("tokens")), 0o600);
    terminal.done(&status).await;
    let wrong = terminal.run(&[&status[..], &["--token", "wrong"]].concat()).await;
    assert_eq!(wrong.code, 4, "a given token is not overruled by a remembered one: {wrong:?}");

    let more = terminal.run(&["sessions", "reset", "main", "--url", &url]).await;
    assert_eq!(more.code, 4, "the remembered token is for what was asked before: {more:?}");
}

#[tokio::test]
async fn a_device_that_is_not_paired_is_four_and_told_how() {
    let config = format!(
        "[gateway]\nauto_approve_local = false\nauth = {{ mode = \"token\", token = \"{TOKEN}\" }}"
    );
    let gateway = Gateway::start(Options::default().only_config(&config)).await;
    let terminal = Terminal::beside(&gateway);
    let said = terminal.run(&["status", "--json"]).await;
    assert_eq!(said.code, 4, "{said:?}");
    let error = said.document()["error"].clone();
    assert_eq!(error["code"], "NOT_PAIRED");
    let request = error["details"]["requestId"].as_str().expect("a request waits");
    let next = error["next"].as_str().unwrap_or_default();
    assert!(next.contains(&format!("jackfield devices approve {request}")), "{next}");

    // Somebody has to be the first: the machine's own secret is enough for that, and for no more.
    let asked = terminal.run(&["devices", "approve"]).await;
    assert_eq!(asked.code, 2, "nothing is approved unnamed: {asked:?}");
    assert!(asked.err.contains(request), "{asked:?}");
    terminal.done(&["devices", "approve", request]).await;
    terminal.done(&["status"]).await;
    let more = terminal.run(&["sessions", "reset", "main", "--json"]).await;
    assert_eq!(more.code, 4, "a wider right is another request: {more:?}");
    let request = more.document()["error"]["details"]["requestId"].clone();
    terminal.done(&["devices", "reject", request.as_str().expect("it waits")]).await;
}

#[tokio::test]
async fn the_state_directory_gives_the_token_where_it_may_be_read() {
    let home = Gateway::lay_out(&Options::default().only_config("[gateway]\n"));
    let gateway = Gateway::start_in(home, Vec::new()).await;
    let terminal = Terminal::beside(&gateway);
    terminal.done(&["status"]).await;
    let hello = Connect::cli().auth(json!({ "token": "another" })).open(gateway.port).await;
    assert!(hello.is_err(), "it did ask for the token");
}

#[tokio::test]
async fn files_of_its_own_need_no_gateway() {
    let terminal = Terminal::anywhere();
    let config = terminal.home().join("made.toml").display().to_string();
    let made = terminal.document(&["config", "init", "--config", &config]).await;
    assert_eq!((&made["written"], &made["path"]), (&json!(true), &json!(config)));
    let again = terminal.document(&["config", "init", "--config", &config]).await;
    assert_eq!(again["written"], false);
    assert_eq!(terminal.document(&["config", "check", "--config", &config]).await["ok"], true);
    let path: Value = terminal.document(&["config", "path"]).await;
    assert!(path["path"].as_str().is_some_and(|p| p.ends_with("jackfield.toml")), "{path}");
    for shell in ["bash", "zsh", "fish"] {
        let script = terminal.done(&["completions", shell]).await;
        assert!(script.contains("devices") && script.contains("pairing"), "{shell}");
    }
}
