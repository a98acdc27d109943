//! What a person is told when something is set up wrongly: the thing, and the fix.

use super::{
    requests::{now, signed, signed_at},
    slack::{Answer, FakeSlack, Paced, Quick, SIGNING_SECRET},
};
use jackfield_plugin_api::{
    http::HttpRequest,
    link::LinkState,
    serde_json::{Value, json},
    testing::{FakeHost, run, text_to},
};

#[test]
fn tokens_of_two_apps_are_found_out() {
    run(async {
        let app = |id: &str| Answer::Json(json!({ "ok": true, "bot": { "app_id": id } }));
        // The app-level token names its app.
        let slack = FakeSlack::start().await;
        slack.prepare("bots.info", [app("A0BOTSAPP1")]);
        let table = slack.table(json!({ "app_token": "xapp-1-A0OTHERAPP-123-abc" }));
        let mut host = FakeHost::<Quick>::start(table).await;
        let detail = host.link(LinkState::NeedsLogin).await.detail.unwrap();
        assert!(detail.contains("A0BOTSAPP1") && detail.contains("A0OTHERAPP"), "{detail}");
        assert!(detail.contains("bot_token") && detail.contains("app_token"), "{detail}");
        assert_eq!(slack.calls("apps.connections.open").len(), 0);

        // So does the connection.
        let mut slack = FakeSlack::start().await;
        slack.prepare("bots.info", [app("A0BOTSAPP1")]);
        let mut host = FakeHost::<Quick>::start(slack.socket_table()).await;
        let line = slack.raw_socket().await;
        line.say(json!({ "type": "hello", "connection_info": { "app_id": "A0OTHERAPP" } }));
        let detail = host.link(LinkState::NeedsLogin).await.detail.unwrap();
        assert!(detail.contains("A0BOTSAPP1") && detail.contains("A0OTHERAPP"), "{detail}");
    });
}

#[test]
fn a_signing_secret_of_another_app_is_found_out_by_the_first_event() {
    run(async {
        let slack = FakeSlack::start().await;
        let app = json!({ "ok": true, "bot": { "app_id": "A0BOTSAPP1" } });
        slack.prepare("bots.info", [Answer::Json(app)]);
        let table = slack.table(json!({ "signing_secret": SIGNING_SECRET }));
        let mut host = FakeHost::<Quick>::start(table).await;
        host.link(LinkState::Connected).await;
        let event = super::conversions::fixture("message_im");
        assert_eq!(host.http(signed(&event)).await.status, 503);
        let detail = host.link(LinkState::NeedsLogin).await.detail.unwrap();
        assert!(detail.contains("signing_secret and bot_token"), "{detail}");
        assert!(host.probe("default").await.unwrap_err().contains("different apps"));
    });
}

#[test]
fn a_wrong_signing_secret_is_told_until_it_is_proved_right() {
    run(async {
        let slack = FakeSlack::start().await;
        let table = slack.table(json!({ "signing_secret": SIGNING_SECRET }));
        let mut host = FakeHost::<Quick>::start(table).await;
        let first = host.link(LinkState::Connected).await.detail.unwrap();
        assert!(
            first.contains("none came yet") && first.contains("Event Subscriptions"),
            "{first}"
        );
        let body = json!({ "type": "url_verification", "challenge": "c" }).to_string();
        let with = |secret: &str| -> HttpRequest {
            signed_at("/slack/events", "application/json", &body, now(), secret)
        };
        assert_eq!(host.http(with("wrong")).await.status, 401);
        let told = host.probe("default").await.unwrap();
        assert!(told.contains("Signing Secret"), "{told}");
        let told = host.links().last().unwrap().clone();
        assert_eq!(told.state, LinkState::Connected);
        assert!(told.detail.unwrap().contains("Signing Secret"));
        assert_eq!(host.http(with(SIGNING_SECRET)).await.status, 200);
        // Whoever sends rubbish now says nothing about the secret.
        assert_eq!(host.http(with("wrong")).await.status, 401);
        let told = host.probe("default").await.unwrap();
        assert!(!told.contains("Signing Secret"), "{told}");
    });
}

#[test]
fn socket_mode_that_is_switched_off_is_said_and_comes_back() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let mut host = FakeHost::<Quick>::start(slack.socket_table()).await;
        let line = slack.socket().await;
        host.link(LinkState::Connected).await;
        line.say(json!({ "type": "disconnect", "reason": "link_disabled" }));
        let detail = host.link(LinkState::Retrying).await.detail.unwrap();
        assert!(detail.contains("switch it on under Socket Mode"), "{detail}");
        drop(line);
        let refused = slack.raw_socket().await;
        refused.say(json!({ "type": "disconnect", "reason": "link_disabled" }));
        let _line = slack.socket().await;
        host.link(LinkState::Connected).await;
        let details = host.links().iter().filter_map(|link| link.detail.clone());
        let said: Vec<String> = details.filter(|detail| detail.contains("Slack did not")).collect();
        assert_eq!(said, Vec::<String>::new(), "the reason is Slack's answer");
    });
}

#[test]
fn a_probe_says_what_came_in_and_who_else_listens() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let mut host = FakeHost::<Quick>::start(slack.socket_table()).await;
        let mut line = slack.raw_socket().await;
        line.say(json!({ "type": "hello", "num_connections": 3 }));
        host.link(LinkState::Connected).await;
        let told = host.probe("default").await.unwrap();
        assert!(told.contains("no event yet") && told.contains("Event Subscriptions"), "{told}");
        assert!(told.contains("2 more connections"), "{told}");
        line.event("e1", &super::conversions::fixture("message_join"));
        line.acknowledged().await;
        let told = host.probe("default").await.unwrap();
        assert!(
            told.contains("last event 0 s ago") || told.contains("last event 1 s ago"),
            "{told}"
        );
    });
}

#[test]
fn a_token_that_expires_is_named() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let who = json!({ "ok": true, "user_id": "U1", "user": "jack", "team": "E", "expires_in": 43_000 });
        slack.prepare("auth.test", [Answer::Json(who)]);
        let mut host = FakeHost::<Quick>::start(slack.socket_table()).await;
        let _line = slack.socket().await;
        let detail = host.link(LinkState::Connected).await.detail.unwrap();
        assert!(detail.contains("token rotation"), "{detail}");
    });
}

#[test]
fn names_that_slack_keeps_to_itself_cost_no_others() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let mut host = FakeHost::<Quick>::start(slack.socket_table()).await;
        let mut line = slack.socket().await;
        host.link(LinkState::Connected).await;
        slack.prepare(
            "users.info",
            [Answer::Json(json!({ "ok": false, "error": "user_not_visible" }))],
        );
        let from = |n: u32| {
            let mut event = super::conversions::fixture("message_im");
            event["event"]["user"] = json!(format!("U000000{n:03}"));
            event["event"]["ts"] = json!(format!("1700000000.00000{n}"));
            event
        };
        for (n, name) in [(1, Value::Null), (2, json!("Ada"))] {
            line.event("e", &from(n));
            let event = host.event().await;
            let sender = event.body.sender().unwrap();
            assert_eq!(json!(sender.name), name);
            event.answer(jackfield_plugin_api::frame::Accepted::Stored);
            line.acknowledged().await;
        }
    });
}

#[test]
fn a_token_that_works_again_needs_nobody() {
    run(async {
        let no = |code: &str| Answer::Json(json!({ "ok": false, "error": code }));
        let mut slack = FakeSlack::start().await;
        slack.prepare("auth.test", [no("invalid_auth")]);
        slack.prepare("apps.connections.open", [no("missing_scope")]);
        let mut host = FakeHost::<Paced<60_000, 20>>::start(slack.socket_table()).await;
        host.link(LinkState::NeedsLogin).await;
        let _line = slack.socket().await;
        host.link(LinkState::Connected).await;
        let asked = host.links().iter().filter(|link| link.state == LinkState::NeedsLogin).count();
        assert_eq!(asked, 2, "once for each token");
        // A send that meets it while a connection stands.
        slack.prepare("chat.postMessage", [no("token_revoked")]);
        host.send(text_to("C1", "x")).await.unwrap_err();
        let last = |host: &mut FakeHost<_>| host.links().last().unwrap().state;
        assert_eq!(last(&mut host), LinkState::NeedsLogin);
        // Each question is a round trip, so this is many times as long as it takes.
        for _ in 0..2000 {
            if last(&mut host) == LinkState::Connected {
                return;
            }
            host.probe("default").await.unwrap();
        }
        panic!("it was never looked at again");
    });
}
