//! Settings that cannot work are blamed on their key, with the fix.

use super::slack::{BOT_TOKEN, FakeSlack, Quick};
use jackfield_plugin_api::{
    Resume,
    link::LinkState,
    serde_json::{Value, json},
    testing::{FakeHost, run},
};

async fn refused(table: Value) -> (String, String) {
    let started = FakeHost::<Quick>::try_start(table, Resume::default()).await;
    let error = started.err().expect("it does not start");
    (error.config_path.unwrap_or_default(), error.text)
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    run(async {
        for (table, path, hint) in [
            (json!({}), "/bot_token", "xoxb-"),
            (
                json!({"bot_token": "xapp-1", "app_token": "xapp-1"}),
                "/bot_token",
                "an app-level token",
            ),
            (json!({"bot_token": "xoxp-1", "app_token": "xapp-1"}), "/bot_token", "a user's token"),
            (json!({"bot_token": "xoxb-1"}), "/app_token", "signing_secret"),
            (json!({"bot_token": "xoxb-1", "app_token": "xoxb-1"}), "/app_token", "a bot token"),
            (
                json!({"bot_token": "xoxb-1", "signing_secret": "s", "api_base": "http://example.com"}),
                "/api_base",
                "https",
            ),
            (
                json!({"bot_token": "xoxb-1", "app_token": "xapp-1", "num_connections": 11}),
                "/num_connections",
                "10",
            ),
            (
                json!({"app_token": "xapp-1", "accounts": {"work": {"bot_token": ""}}}),
                "/accounts/work/bot_token",
                "missing",
            ),
            (
                json!({"bot_token": "xoxb-1", "app_token": "xapp-1", "accounts": {"a": {}, "b": {}}}),
                "/accounts/b/bot_token",
                "account `a` as well",
            ),
        ] {
            let (blamed, text) = refused(table.clone()).await;
            assert_eq!(blamed, path, "{table}: {text}");
            assert!(text.contains(hint), "{table}: {text}");
        }
    });
}

#[test]
fn accounts_inherit_what_they_leave_out() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let mut table = slack.table(json!({ "signing_secret": "top" }));
        table["accounts"] = json!({
            "home": {},
            "work": { "bot_token": "xoxb-2-of-work" },
            "old": { "enabled": false },
        });
        let mut host = FakeHost::<Quick>::start(table).await;
        for n in 1..=2 {
            slack.call("auth.test", n).await;
        }
        let mut bearers: Vec<String> =
            slack.calls("auth.test").into_iter().map(|call| call.bearer).collect();
        bearers.sort();
        assert_eq!(bearers, [format!("Bearer {BOT_TOKEN}"), "Bearer xoxb-2-of-work".to_owned()]);
        let link = host.link(LinkState::Connected).await;
        assert_eq!(link.identity.as_deref(), Some("@jack in Example"));
        let error = host.probe("old").await.unwrap_err();
        assert!(error.contains("no account `old`"), "{error}");
        assert!(host.probe("work").await.unwrap().contains("@jack in Example"));
    });
}

#[test]
fn a_line_end_behind_a_token_does_no_harm() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let mut table = slack.table(json!({ "signing_secret": "s\n" }));
        table["bot_token"] = json!(format!("{BOT_TOKEN}\n"));
        let _host = FakeHost::<Quick>::start(table).await;
        assert_eq!(slack.call("auth.test", 1).await.bearer, format!("Bearer {BOT_TOKEN}"));
    });
}
