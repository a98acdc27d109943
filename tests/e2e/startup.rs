//! The first start and the failed one: what a newcomer meets.

use harness::{Connect, Gateway, Options, libraries};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, process::Command};

#[tokio::test]
async fn with_no_configuration_it_starts_on_defaults() {
    let home = Gateway::lay_out(&Options::default().plugin("webchat"));
    fs::remove_file(home.path().join("jackfield.toml")).expect("it was laid out");
    let mut gateway = Gateway::start_in(home, Vec::new()).await;
    let token = |line: &str| line.split("/webchat/#token=").nth(1).map(str::to_owned);
    let token = gateway.output.awaited("the address of WebChat", token).await;
    assert!(token.len() >= 32, "a generated secret is long: {} characters", token.len());

    let connect = Connect::cli().auth(json!({ "token": token }));
    let mut client = connect.open(gateway.port).await.expect("the printed secret is the right one");
    let health = client.call("health", json!({})).await;
    assert_eq!(health["ok"], true, "{health}");

    gateway.restart().await;
    let again = connect.open(gateway.port).await;
    assert!(again.is_ok(), "the secret is kept: {:?}", again.err());
    let secret = fs::read_dir(gateway.home().join("state")).expect("it keeps its state there");
    for file in secret
        .flatten()
        .filter(|file| fs::read_to_string(file.path()).is_ok_and(|text| text.contains(&token)))
    {
        let mode = file.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is for its owner alone", file.path().display());
    }
}

#[tokio::test]
async fn the_starter_configuration_is_one_it_accepts() {
    let home = Gateway::lay_out(&Options::default().plugin("webchat"));
    let config = home.path().join("jackfield.toml");
    fs::remove_file(&config).expect("it was laid out");
    let init = || {
        let mut command = Command::new(libraries::binary());
        let plugins = home.path().join("plugins");
        command.args(["config", "init", "--config"]).arg(&config);
        let ran = command.arg("--plugin-dir").arg(plugins).output();
        assert!(ran.expect("the binary runs").status.success());
        fs::read_to_string(&config).expect("a starter configuration was written")
    };
    let text = init();
    assert!(text.contains('#'), "it explains itself");
    assert_eq!(init(), text, "a file that is there is left alone");

    let gateway = Gateway::start_in(home, Vec::new()).await;
    let token = |line: &str| line.split("/webchat/#token=").nth(1).map(str::to_owned);
    gateway.output.awaited("the address of WebChat", token).await;
}

#[tokio::test]
async fn a_flag_gives_the_secret() {
    let options = Options::default().only_config("").flag("--token").flag("a-secret-of-the-flag");
    let gateway = Gateway::start(options).await;
    let connect = Connect::cli().auth(json!({ "token": "a-secret-of-the-flag" }));
    connect.open(gateway.port).await.expect("the flag gives the secret");
}

#[tokio::test]
async fn two_gateways_do_not_share_a_state() {
    let gateway = Gateway::start(Options::default()).await;
    let second = Command::new(libraries::binary())
        .args(["gateway", "--port", "0", "--config"])
        .arg(gateway.home().join("jackfield.toml"))
        .arg("--state-dir")
        .arg(gateway.home().join("state"))
        .output()
        .expect("the binary runs");
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains(&gateway.pid().to_string()), "it names the other process: {said}");
    gateway.client().await.call("health", json!({})).await;
}

#[test]
fn a_wrong_configuration_is_refused_with_the_place_and_a_hint() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("jackfield.toml");
    for (text, words) in [
        ("[gateway]\nprot = 1\n", ["prot", "port"]),
        ("[gateway]\nport = \"many\"\n", ["gateway.port", "jackfield.toml"]),
        ("[gateway\n", ["jackfield.toml", "1"]),
    ] {
        fs::write(&config, text).expect("the folder is writable");
        let ran = Command::new(libraries::binary())
            .args(["gateway", "--port", "0", "--config"])
            .arg(&config)
            .arg("--state-dir")
            .arg(folder.path().join("state"))
            .output()
            .expect("the binary runs");
        assert!(!ran.status.success(), "{text}");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(words.iter().all(|word| said.contains(word)), "{words:?} in: {said}");
    }
}

/// S19: no start with a secret that is none, or a door that is open to others.
#[tokio::test]
async fn s19_a_door_that_would_stand_open_is_refused_and_the_setting_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("jackfield.toml");
    let token = |text: &str| (format!("auth = {{ token = \"{text}\" }}"), "gateway.auth.token");
    let open = "bind = \"0.0.0.0\"\nallow_plain_bind = true\nauth = { mode = \"none\" }";
    let behind = "trusted_proxies = [\"127.0.0.1\"]\nauth = { mode = \"none\" }";
    let no_proxy = "auth = { mode = \"trusted-proxy\", user_header = \"x-user\" }";
    for (text, named) in [
        token(""),
        token("  "),
        token("undefined"),
        token("null"),
        token("changeme"),
        token("<token>"),
        ("auth = { mode = \"password\" }".to_owned(), "gateway.auth.password"),
        ("auth = { mode = \"password\", password = \"null\" }".to_owned(), "gateway.auth.password"),
        (open.to_owned(), "gateway.auth.mode"),
        (behind.to_owned(), "gateway.auth.mode"),
        (no_proxy.to_owned(), "gateway.trusted_proxies"),
        ("bind = \"0.0.0.0\"".to_owned(), "gateway.tls.enabled"),
    ] {
        fs::write(&config, format!("[gateway]\n{text}\n")).expect("the folder is writable");
        let ran = tokio::process::Command::new(libraries::binary())
            .args(["gateway", "--port", "0", "--config"])
            .arg(&config)
            .arg("--state-dir")
            .arg(folder.path().join("state"))
            .env_remove("OPENCLAW_GATEWAY_TOKEN")
            .kill_on_drop(true)
            .output();
        let ran = harness::patiently(ran, || format!("it starts with {text}"));
        let ran = ran.await.expect("the binary runs");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{text}: {said}");
        assert!(said.contains(named), "{text}: `{named}` in: {said}");
    }
}
