//! Platforms that call the gateway must prove who they are, on every channel that takes their calls,
//! and what they say twice is heard once, across restarts too.

use crate::{channel_slack::Crab, channel_telegram::Telegram, channels::Platform, hostile::raw};
use harness::{Client, Gateway, Options, eventually, http};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::{fmt::Write as _, time::UNIX_EPOCH};

type Headers = Vec<(&'static str, String)>;

/// One call as its platform makes it, and how else it could come.
struct Call {
    channel: &'static str,
    path: &'static str,
    body: Value,
    /// As the platform proves it.
    genuine: Headers,
    /// What proves nothing.
    forged: Vec<(&'static str, Headers)>,
    /// The same proof, written otherwise; whether it counts is the platform's affair.
    rewritten: Headers,
}

const SECRET: &str = "a-secret-for-the-play";
const SLACK_TIME: &str = "x-slack-request-timestamp";
const SLACK_PROOF: &str = "x-slack-signature";
const TELEGRAM_PROOF: &str = "x-telegram-bot-api-secret-token";

fn telegram() -> Call {
    let with = |secret: &str| vec![(TELEGRAM_PROOF, secret.to_owned())];
    Call {
        channel: "telegram",
        path: "/telegram/default",
        body: json!({ "update_id": 700, "message": {
            "message_id": 70, "date": 1_795_551_882, "chat": { "id": 4242, "type": "private" },
            "from": { "id": 4242, "is_bot": false, "first_name": "Ada" }, "text": "by webhook",
        }}),
        genuine: with(SECRET),
        forged: vec![
            ("unsigned", vec![]),
            ("blank", with("")),
            ("wrong", with("another-secret-for-it")),
            ("cut off", with(&SECRET[1..])),
            ("too long", with(&format!("{SECRET}x"))),
            ("other case", with(&SECRET.to_uppercase())),
            ("as a bearer", vec![("authorization", format!("Bearer {SECRET}"))]),
        ],
        rewritten: with(&format!("  {SECRET}  ")),
    }
}

fn slack(secret: &str) -> Call {
    let body = json!({ "type": "event_callback", "team_id": "T0", "event_id": "Ev070", "event": {
        "type": "message", "channel": "D0CRABDM1", "channel_type": "im", "user": "U0CRABBY1",
        "text": "by webhook", "ts": "1795551882.000700",
    }});
    let text = body.to_string();
    let now = UNIX_EPOCH.elapsed().expect("a clock after 1970").as_secs();
    let with =
        |time: u64, proof: String| vec![(SLACK_TIME, time.to_string()), (SLACK_PROOF, proof)];
    let proof = |time: u64, secret: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
        mac.update(format!("v0:{time}:{text}").as_bytes());
        mac.finalize().into_bytes().iter().fold("v0=".to_owned(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes every write");
            text
        })
    };
    let right = proof(now, secret);
    let bare = right.trim_start_matches("v0=");
    Call {
        channel: "slack",
        path: "/slack/events",
        genuine: with(now, right.clone()),
        forged: vec![
            ("unsigned", vec![]),
            ("blank", with(now, String::new())),
            ("wrong", with(now, proof(now, "another secret"))),
            ("cut off", with(now, right[..right.len() - 2].to_owned())),
            ("odd digits", with(now, right[..right.len() - 1].to_owned())),
            ("without its version", with(now, bare.to_owned())),
            ("of another version", with(now, format!("v1={bare}"))),
            ("too old", with(now - 301, proof(now - 301, secret))),
            ("from the future", with(now + 400, proof(now + 400, secret))),
            ("of another time", with(now - 1, right.clone())),
            ("without a time", vec![(SLACK_PROOF, right.clone())]),
        ],
        rewritten: with(now, format!("v0={}", bare.to_uppercase())),
        body,
    }
}

async fn post(port: u16, call: &Call, headers: &Headers) -> u16 {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    http::post_json(port, call.path, &headers, &call.body).await.status
}

async fn ready(client: &mut Client, channel: &str) {
    eventually("the link is up", async || {
        let status = client.call("channels.status", json!({ "channel": channel })).await;
        (status["channelAccounts"][channel][0]["connected"] == true).then_some(())
    })
    .await;
}

async fn counted(client: &mut Client) -> Value {
    client.call("status", json!({})).await["messages"].clone()
}

async fn only_the_platform_is_heard_and_once(config: &str, call: Call) {
    let options = Options::default().plugin(call.channel).config(config);
    let mut gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    ready(&mut client, call.channel).await;
    for (what, headers) in &call.forged {
        assert_eq!(post(gateway.port, &call, headers).await, 401, "{}: {what}", call.channel);
    }
    let announced = format!(
        "POST {} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-length: 104857600\r\n\r\n",
        call.path, gateway.port
    );
    let refused = raw(gateway.port, &announced).await;
    assert_eq!(refused, Some(413), "{}: before a byte of 100 MiB is read", call.channel);
    let before = counted(&mut client).await;
    assert_eq!((&before["accepted"], &before["refused"]), (&json!(0), &json!(0)), "{before}");

    assert_eq!(post(gateway.port, &call, &call.genuine).await, 200, "{}", call.channel);
    assert_eq!(post(gateway.port, &call, &call.genuine).await, 200, "{}", call.channel);
    post(gateway.port, &call, &call.rewritten).await;
    let after = counted(&mut client).await;
    assert_eq!(after["accepted"], 1, "{}: {after}", call.channel);
    assert!(after["duplicates"].as_u64() >= Some(1), "{}: {after}", call.channel);

    gateway.restart().await;
    let mut client = gateway.client().await;
    ready(&mut client, call.channel).await;
    assert_eq!(post(gateway.port, &call, &call.genuine).await, 200, "{}", call.channel);
    let again = counted(&mut client).await;
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(1)), "{again}");
}

#[tokio::test]
async fn telegrams_calls_need_its_secret() {
    let platform = Telegram::start().await;
    let config = format!(
        "{}webhook_url = \"http://127.0.0.1:9/telegram\"\nwebhook_secret = \"{SECRET}\"",
        platform.config(None)
    );
    only_the_platform_is_heard_and_once(&config, telegram()).await;
}

#[tokio::test]
async fn slacks_calls_need_its_signature() {
    let crab = Crab::start().await;
    let call = slack(crab.signing_secret());
    only_the_platform_is_heard_and_once(&crab.config(), call).await;
}
