//! Tables as operators write them.

use super::{Config, Login};
use jackfield_plugin_api::{
    PluginError,
    serde_json::{self, Value, json},
};

fn logins(table: Value) -> Result<Vec<Login>, PluginError> {
    serde_json::from_value::<Config>(table).unwrap().logins()
}

#[test]
fn one_bot_needs_a_token_and_nothing_else() {
    let login = logins(json!({"enabled": true, "bot_token": " 7:abc ", "dm_policy": "open"}));
    let login = login.unwrap().remove(0);
    assert_eq!((login.account.as_str(), login.bot_id()), ("default", "7"));
    assert_eq!(login.token.reveal(), "7:abc");
    assert_eq!(login.api_base, "https://api.telegram.org");
    assert!(login.webhook.is_none() && !login.link_preview);
}

#[test]
fn accounts_inherit_what_they_lack() {
    let all = logins(json!({
        "bot_token": "1:a", "api_base": "http://127.0.0.1:1/", "link_preview": true,
        "webhook_url": "https://gw.example.org/telegram/",
        "accounts": {
            "first": {},
            "second": {"bot_token": "2:b", "api_base": "http://127.0.0.1:2", "webhook_url": ""},
            "third": {"bot_token": "3:c", "enabled": false},
        },
    }));
    let all = all.unwrap();
    let names: Vec<_> = all.iter().map(|login| login.account.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(all[0].api_base, "http://127.0.0.1:1");
    assert_eq!(all[0].webhook.as_ref().unwrap().url, "https://gw.example.org/telegram/first");
    assert!(all[0].link_preview && all[1].link_preview);
    assert_eq!(all[1].bot_id(), "2");
    assert!(all[1].webhook.is_none(), "an account may poll beside one with a webhook");
    assert_eq!(all[1].setting("bot_token"), "channels.telegram.accounts.second.bot_token");
}

#[test]
fn a_server_may_be_called_anything() {
    for base in ["http://bot-api:8081", "https://bot.example.org/telegram", "http://[::1]:8081"] {
        let login = logins(json!({"bot_token": "7:a", "api_base": base})).unwrap().remove(0);
        assert_eq!(login.api_base, base);
    }
    // A server of one's own delivers anywhere, in the clear too.
    let table = json!({
        "bot_token": "7:a", "api_base": "http://bot-api:8081",
        "webhook_url": "http://gateway:18789/telegram", "proxy": "socks5h://user:pass@127.0.0.1:1080",
    });
    let login = logins(table).unwrap().remove(0);
    assert_eq!(login.webhook.as_ref().unwrap().url, "http://gateway:18789/telegram/default");
    assert!(login.proxy.is_some() && !format!("{login:?}").contains("pass@"));
}

#[test]
fn what_is_wrong_is_blamed_on_its_setting() {
    for (table, path) in [
        (json!({}), "/bot_token"),
        (json!({"bot_token": " "}), "/bot_token"),
        (json!({"bot_token": "no-token"}), "/bot_token"),
        (json!({"bot_token": "7:with space"}), "/bot_token"),
        (json!({"bot_token": "7:a", "api_base": "api.telegram.org"}), "/api_base"),
        (json!({"bot_token": "7:a", "api_base": "https://x.org/bot7:a"}), "/api_base"),
        (json!({"bot_token": "7:a", "api_base": "https://x.org/bot"}), "/api_base"),
        (json!({"bot_token": "7:a", "proxy": "127.0.0.1:1080"}), "/proxy"),
        (json!({"bot_token": "7:a", "proxy": "mtproto://e.org"}), "/proxy"),
        (json!({"bot_token": "7:a", "webhook_url": "http://e.org/telegram"}), "/webhook_url"),
        (
            json!({"bot_token": "7:a", "webhook_url": "https://e.org:18789/telegram"}),
            "/webhook_url",
        ),
        (json!({"bot_token": "7:a", "local_files": "relative"}), "/local_files"),
        (json!({"bot_token": "7:a", "webhook_url": "gw.example.org"}), "/webhook_url"),
        (
            json!({"bot_token": "7:a", "webhook_url": "https://e.org", "webhook_secret": "ä"}),
            "/webhook_secret",
        ),
        (json!({"accounts": {"a/b": {}}}), "/accounts/a~1b/bot_token"),
        (
            json!({"accounts": {"a": {"bot_token": "7:a"}, "b": {"bot_token": "7:other"}}}),
            "/accounts/b/bot_token",
        ),
        (json!({"accounts": {"a": {"bot_token": "7:a", "enabled": false}}}), "/accounts"),
        (
            json!({"webhook_url": "https://e.org", "accounts": {"a b": {"bot_token": "7:a"}}}),
            "/accounts/a b/webhook_url",
        ),
    ] {
        let error = logins(table.clone()).unwrap_err();
        assert_eq!(error.config_path.as_deref(), Some(path), "{table}: {error}");
        assert!(!error.text.contains("7:a"), "no secret in {error}");
    }
}
