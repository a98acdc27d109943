//! The Events API: signatures, the challenge, commits before answers.

use super::{
    conversions::fixture,
    slack::{FakeSlack, Quick, SIGNING_SECRET},
};
use hmac::{Hmac, KeyInit, Mac};
use jackfield_plugin_api::{
    event::Event,
    frame::Accepted,
    http::HttpRequest,
    link::LinkState,
    serde_json::{Value, json},
    testing::{FakeHost, run},
};
use sha2::Sha256;
use std::{fmt::Write, time::SystemTime};

async fn started() -> (FakeSlack, FakeHost<Quick>) {
    let slack = FakeSlack::start().await;
    let table = slack.table(json!({ "signing_secret": SIGNING_SECRET }));
    let mut host = FakeHost::<Quick>::start(table).await;
    host.link(LinkState::Connected).await;
    (slack, host)
}

pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn signature(secret: &str, time: u64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{time}:{body}").as_bytes());
    mac.finalize().into_bytes().iter().fold("v0=".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

pub(super) fn signed_at(
    path: &str,
    kind: &str,
    body: &str,
    time: u64,
    secret: &str,
) -> HttpRequest {
    HttpRequest::new("POST", path)
        .with_header("content-type", kind)
        .with_header("x-slack-request-timestamp", time.to_string())
        .with_header("x-slack-signature", signature(secret, time, body))
        .with_body(body)
}

pub(super) fn signed(payload: &Value) -> HttpRequest {
    signed_at("/slack/events", "application/json", &payload.to_string(), now(), SIGNING_SECRET)
}

fn form(fields: &[(&str, &str)]) -> HttpRequest {
    let mut url = reqwest::Url::parse("form:").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    let kind = "application/x-www-form-urlencoded";
    signed_at("/slack/events", kind, url.query().unwrap(), now(), SIGNING_SECRET)
}

/// The signature that Slack's documentation works out as its example.
#[test]
fn the_signature_is_slacks() {
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
                trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    assert_eq!(
        signature(SIGNING_SECRET, 1_531_420_618, body),
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    );
}

#[test]
fn the_challenge_is_answered_and_only_slack_is_heard() {
    run(async {
        let (_slack, mut host) = started().await;
        let challenge = json!({"type": "url_verification", "token": "t", "challenge": "3eZbrw1aB"});
        let answer = host.http(signed(&challenge)).await;
        assert_eq!((answer.status, answer.body().unwrap()), (200, b"3eZbrw1aB".to_vec()));
        let body = challenge.to_string();
        let at = |time, secret| signed_at("/slack/events", "application/json", &body, time, secret);
        for (request, status) in [
            (at(now(), "another secret"), 401),
            (at(now() - 301, SIGNING_SECRET), 401),
            (at(now() + 301, SIGNING_SECRET), 401),
            (at(now() - 290, SIGNING_SECRET), 200),
            (at(now(), SIGNING_SECRET).with_body("{}"), 401),
            (HttpRequest::new("POST", "/slack/events").with_body(&body), 401),
            (HttpRequest::new("GET", "/slack/events"), 405),
            (signed(&json!([1, 2])), 400),
            (signed(&json!({"type": "app_rate_limited"})), 200),
        ] {
            assert_eq!(host.http(request.clone()).await.status, status, "{request:?}");
        }
    });
}

#[test]
fn a_request_is_answered_only_after_the_commit() {
    run(async {
        let (_slack, mut host) = started().await;
        for (accepted, status) in
            [(Accepted::Refused, 503), (Accepted::Stored, 200), (Accepted::Duplicate, 200)]
        {
            let request = signed(&fixture("message_im"));
            let (answer, ()) = both(&mut host, request, accepted).await;
            assert_eq!(answer, status, "{accepted:?}");
        }
    });
}

/// Makes a request and answers the event it leads to.
async fn both(host: &mut FakeHost<Quick>, request: HttpRequest, accepted: Accepted) -> (u16, ()) {
    let asked = host.request(request).await;
    let event = host.event().await;
    assert_eq!(event.dedupe_key, "D024BE91L:1355517523.000005");
    event.answer(accepted);
    (host.response(asked).await.status, ())
}

#[test]
fn commands_and_buttons_come_as_forms() {
    run(async {
        let (_slack, mut host) = started().await;
        let command = fixture("slash_command");
        let fields: Vec<(&str, &str)> = command
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str().unwrap()))
            .collect();
        let payload = fixture("block_actions").to_string();
        for (request, expected) in
            [(form(&fields), "/ask"), (form(&[("payload", &payload)]), "approve")]
        {
            let asked = host.request(request).await;
            let event = host.event().await;
            assert!(
                matches!(&event.body, Event::Action { name, .. } if name == expected),
                "{event:?}"
            );
            event.answer(Accepted::Stored);
            for _ in 1..if expected == "approve" { 3 } else { 1 } {
                host.event().await.answer(Accepted::Stored);
            }
            assert_eq!(host.response(asked).await.status, 200);
        }
        assert_eq!(host.http(form(&[("ssl_check", "1")])).await.status, 200);
        assert_eq!(host.http(form(&[("other", "1")])).await.status, 400);
    });
}

#[test]
fn each_account_has_a_path_and_a_secret_of_its_own() {
    run(async {
        let slack = FakeSlack::start().await;
        let mut table = slack.table(json!({}));
        table["accounts"] = json!({
            "home": { "signing_secret": "home secret", "bot_token": "xoxb-3" },
            "work": { "signing_secret": "work secret" },
        });
        let mut host = FakeHost::<Quick>::start(table).await;
        let challenge = json!({"type": "url_verification", "challenge": "c"}).to_string();
        for (path, secret, status) in [
            ("/slack/home/events", "home secret", 200),
            ("/slack/work", "work secret", 200),
            ("/slack/work", "home secret", 401),
            ("/slack/events", "home secret", 200),
            ("/slack/events", "nobody's secret", 401),
        ] {
            let request = signed_at(path, "application/json", &challenge, now(), secret);
            assert_eq!(host.http(request).await.status, status, "{path}");
        }
    });
}

#[test]
fn while_it_is_drained_slack_must_come_again() {
    run(async {
        let (_slack, mut host) = started().await;
        host.drain().await;
        assert_eq!(host.http(signed(&fixture("message_im"))).await.status, 503);
    });
}
