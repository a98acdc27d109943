//! What became unusable is said, kept aside and never replaced by something wider.

use harness::{
    Connect, Gateway, Options, eventually,
    line::{Person, line_port},
};
use serde_json::json;
use std::{fs, process::Command, time::Duration};

#[tokio::test]
async fn a_broken_configuration_is_answered_with_the_last_good_one() {
    let listed = "[channels.line]\nenabled = true\nlisten = \"127.0.0.1:0\"\n\
                  dm_policy = \"allowlist\"\nallow_from = [\"ada\"]";
    let mut gateway = Gateway::start(Options::default().plugin("line-echo").config(listed)).await;
    let status = gateway.client().await.call("status", json!({})).await;
    assert_eq!(status["degraded"], json!([]), "{status}");
    gateway.stop().await;
    let file = gateway.home().join("jackfield.toml");
    let whole = fs::read_to_string(&file).expect("it is there");
    fs::write(&file, &whole[..whole.len() - 4]).expect("it is writable");

    gateway.start_again().await;
    let mut client = gateway.client().await;
    let status = client.call("status", json!({})).await;
    let told = status["degraded"][0].as_str().unwrap_or_default();
    assert!(told.contains("jackfield.toml") && told.contains("last good"), "{status}");
    let port = line_port(&mut client).await;
    let mut eve = Person::connect(port, "eve").await;
    eve.say_and_wait("m1", "am I in now?").await;
    let mut ada = Person::connect(port, "ada").await;
    ada.say_and_wait("m1", "and I?").await;
    assert!(ada.message().await.contains("and I?"), "the list still holds her");
    let refused = client.call("status", json!({})).await["messages"]["refused"].clone();
    assert_eq!(refused, 1, "and nobody else");
    let kept = gateway.home().join("state/config.rejected.toml");
    assert_eq!(fs::read_to_string(kept).expect("a copy"), whole[..whole.len() - 4]);

    fs::write(&file, &whole).expect("it is writable");
    gateway.restart().await;
    let status = gateway.client().await.call("status", json!({})).await;
    assert_eq!(status["degraded"], json!([]), "mended: {status}");
}

/// The same edit takes somebody from the list and has a slip of the pen somewhere else.
#[tokio::test]
async fn the_last_good_configuration_admits_nobody_whom_the_broken_one_keeps_out() {
    let listed = |people: &str| {
        format!(
            "[channels.line]\nenabled = true\nlisten = \"127.0.0.1:0\"\n\
             dm_policy = \"allowlist\"\nallow_from = [{people}]"
        )
    };
    let both = listed("\"ada\", \"eve\"");
    let mut gateway = Gateway::start(Options::default().plugin("line-echo").config(&both)).await;
    gateway.stop().await;
    let file = gateway.home().join("jackfield.toml");
    let whole = fs::read_to_string(&file).expect("it is there");
    let broken =
        whole.replace(&both, &listed("\"ada\"")).replace("[gateway]", "[gateway]\nprot = 1");
    fs::write(&file, broken).expect("it is writable");

    gateway.start_again().await;
    let mut client = gateway.client().await;
    let status = client.call("status", json!({})).await;
    let told = status["degraded"][0].as_str().unwrap_or_default();
    assert!(told.contains("did you mean `port`"), "{status}");
    assert!(
        told.contains("as strict as the file asks for in channels.line.allow_from"),
        "{status}"
    );
    let port = line_port(&mut client).await;
    let mut eve = Person::connect(port, "eve").await;
    eve.say_and_wait("m1", "am I still in?").await;
    let mut ada = Person::connect(port, "ada").await;
    ada.say_and_wait("m1", "and I?").await;
    assert!(ada.message().await.contains("and I?"), "both lists hold her");
    let counted = client.call("status", json!({})).await["messages"].clone();
    assert_eq!((&counted["refused"], &counted["accepted"]), (&json!(1), &json!(1)), "{counted}");
}

#[tokio::test]
async fn a_damaged_database_is_set_aside_and_nothing_starts_from_empty() {
    let mut gateway = Gateway::start(Options::default()).await;
    gateway.stop().await;
    let database = gateway.home().join("state/journal.db");
    let whole = fs::read(&database).expect("it is there");
    fs::write(&database, &whole[..whole.len() / 2]).expect("it is writable");
    for start in ["first", "second"] {
        assert!(!gateway.try_again_with(&[]).await, "{start}: it must not start");
        let tail = gateway.output.tail();
        assert!(tail.contains("damaged") && tail.contains("journal.db.corrupt-"), "{tail}");
    }
    let state = fs::read_dir(gateway.home().join("state")).expect("it is there");
    let aside = state.flatten().find(|file| file.file_name().to_string_lossy().contains("corrupt"));
    fs::remove_file(aside.expect("it is kept").path()).expect("a person moves it away");
    fs::write(&database, whole).expect("a person brings a copy back");
    gateway.start_again().await;
}

#[tokio::test]
async fn a_second_gateway_on_the_same_state_is_refused_at_once() {
    let mut gateway = Gateway::start(Options::default()).await;
    let second = Command::new(harness::libraries::binary())
        .args(["gateway", "--port", "0", "--token", "play-token-0123456789", "--state-dir"])
        .arg(gateway.home().join("state"))
        .env("HOME", gateway.home())
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(78), "{said}");
    assert!(said.contains("another gateway") && said.contains("--state-dir"), "{said}");
    assert!(Connect::cli().open(gateway.port).await.is_ok(), "the first one is not disturbed");
    assert!(!gateway.dies_within(Duration::from_millis(1)).await);
    gateway.kill().await;
    gateway.start_again().await;
}

/// Whatever makes the gateway fall, a person must be able to ask it and mend it.
#[tokio::test]
async fn a_gateway_that_keeps_falling_starts_without_its_channels() {
    let options = Options::default().line_channel("process", "");
    let mut gateway = Gateway::start(options).await;
    for _ in 0..3 {
        line_port(&mut gateway.client().await).await;
        gateway.kill().await;
        gateway.start_again().await;
    }
    line_port(&mut gateway.client().await).await;
    gateway.kill().await;
    // A person starts it with its channels every time; the service manager does not go on for ever.
    let by_systemd = [("INVOCATION_ID".to_owned(), "7c1f".to_owned())];
    assert!(gateway.try_again_with(&by_systemd).await, "it starts");
    let why = "Safe mode: the gateway ended 4 times without a word";
    gateway.output.awaited(why, |line| line.starts_with(why).then_some(())).await;
    let mut client = gateway.client().await;
    let status = client.call("status", json!({})).await;
    let told = status["degraded"][0].as_str().unwrap_or_default();
    assert!(told.starts_with("safe mode: the gateway ended 4 times"), "{status}");
    let row = eventually("the channel is kept back", async || {
        let found = client.call("plugins.inspect", json!({ "pluginId": "line-echo" })).await;
        (found["plugin"]["state"] == "quarantined").then_some(found)
    })
    .await;
    assert!(row["plugin"]["lastError"].as_str().is_some_and(|why| why.contains("plugins reload")));
    assert_eq!(gateway.children(), [0_u32; 0], "nothing was started");

    client.call("plugins.reload", json!({ "pluginId": "line-echo" })).await;
    let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
    ada.say("m1", "is anybody there?").await;
    assert!(ada.message().await.contains("is anybody there?"), "a person started it");
    gateway.restart().await;
    let mut client = gateway.client().await;
    line_port(&mut client).await;
    let status = client.call("status", json!({})).await;
    assert_eq!(status["degraded"], json!([]), "it ended in order: {status}");
}
