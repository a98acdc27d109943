//! Logging in: what a person must change when it fails, and what is said meanwhile.

use super::{
    Plugin, stored,
    stub::{CHANNEL, OWN, Reply, Stub, TOKEN},
};
use jackfield_plugin_api::{link::LinkState, serde_json::json, testing::run};

#[test]
fn a_rejected_token_names_itself_and_the_fix_and_is_not_tried_again() {
    run(async {
        let stub = Stub::start().await;
        let mut table = stub.table();
        table["bot_token"] = "wr0ng".into();
        let mut host = Plugin::start(table).await;
        let link = host.link(LinkState::NeedsLogin).await;
        let detail = link.detail.unwrap();
        assert!(
            detail.contains("bot_token") && detail.contains("Reset") | detail.contains("reset"),
            "{detail}"
        );
        assert!(!detail.contains("wr0ng"), "{detail}");
        let probe = host.probe("default").await.unwrap_err();
        assert!(probe.contains("bot_token"), "{probe}");
        host.stop().await;
    });
}

#[test]
fn fatal_close_codes_stop_and_say_what_to_change() {
    for (code, words) in [(4004, "bot_token"), (4014, "Message Content"), (4013, "4013")] {
        run(async {
            let mut stub = Stub::start().await;
            let mut host = Plugin::start(stub.table()).await;
            let mut socket = stub.connection().await;
            let identify = socket.expect(2).await;
            assert_eq!(identify["token"], format!("Bot {TOKEN}"));
            assert_eq!(identify["intents"].as_u64().unwrap() & 1 << 15, 1 << 15, "message content");
            socket.close(code).await;
            let detail = host.link(LinkState::NeedsLogin).await.detail.unwrap();
            assert!(detail.contains(words) && !detail.contains(TOKEN), "{detail}");
            host.stop().await;
        });
    }
}

#[test]
fn a_missing_intent_is_waited_for_and_costs_no_logins() {
    run(async {
        let mut stub = Stub::start().await;
        let mut host = Plugin::start(stub.table()).await;
        let mut socket = stub.connection().await;
        socket.expect(2).await;
        socket.close(4014).await;
        host.link(LinkState::NeedsLogin).await;
        stub.called("GET applications/@me").await;
        stub.application_flags(1 << 19);
        stub.login().await;
        host.link(LinkState::Connected).await;
    });
}

#[test]
fn a_bot_in_no_server_says_how_it_is_invited() {
    run(async {
        let mut stub = Stub::start().await;
        let mut host = Plugin::start(stub.table()).await;
        let mut socket = stub.connection().await;
        socket.expect(2).await;
        socket.ready_in(json!([])).await;
        let detail = host.link(LinkState::Connected).await.detail.unwrap();
        assert!(detail.contains("client_id=600000000000000001"), "{detail}");
        assert!(
            detail.contains(&format!("permissions={}", crate::account::PERMISSIONS)),
            "{detail}"
        );
        let probe = host.probe("default").await.unwrap();
        assert!(probe.contains("oauth2/authorize"), "{probe}");
        socket.guild(None).await;
        socket.say(&stub.say(CHANNEL, json!({"content": "welcome"}))).await;
        stored(&mut host).await;
        let reports = host.stop().await;
        let up = reports.iter().rfind(|report| report.state == LinkState::Connected).unwrap();
        assert_eq!(up.detail, None, "somebody did");
    });
}

#[test]
fn without_message_content_the_intent_is_not_asked_for() {
    run(async {
        let mut stub = Stub::start().await;
        let mut table = stub.table();
        table["message_content"] = false.into();
        let _host = Plugin::start(table).await;
        let identify = stub.connection().await.expect(2).await;
        assert_eq!(identify["intents"].as_u64().unwrap() & 1 << 15, 0);
    });
}

#[test]
fn no_login_is_made_when_the_day_s_are_used_up() {
    run(async {
        let mut stub = Stub::start().await;
        stub.remaining_logins(0);
        let mut host = Plugin::start(stub.table()).await;
        let detail = host.link(LinkState::Retrying).await.detail.unwrap();
        assert!(detail.contains("no more logins"), "{detail}");
        stub.remaining_logins(5);
        stub.login().await;
        host.link(LinkState::Connected).await;
    });
}

#[test]
fn the_command_of_the_settings_is_registered() {
    run(async {
        let mut stub = Stub::start().await;
        let mut table = stub.table();
        table["slash_command"] = "ask".into();
        let host = Plugin::start(table).await;
        let mut socket = stub.login().await;
        let path = "applications/600000000000000001/commands";
        let call = stub.called(&format!("POST {path}")).await;
        assert_eq!(call.body["name"], "ask");
        jackfield_plugin_api::tokio::join!(host.stop(), socket.closed());
        // Another life under another name takes it back, and leaves those of others alone.
        let mine = json!({"id": "1", "name": "ask", "description": "Ask the assistant"});
        let other = json!({"id": "2", "name": "roll", "description": "Roll dice"});
        let list = Reply::Status(200, vec![], json!([mine, other]));
        stub.rule(&format!("GET {path}"), 1, list);
        let mut table = stub.table();
        table["slash_command"] = "tell".into();
        let _next = Plugin::start(table).await;
        let _socket = stub.login().await;
        stub.called(&format!("DELETE {path}/1")).await;
        let calls = stub.called_times(&format!("POST {path}"), 2).await;
        assert_eq!(calls[1].body["name"], "tell");
        assert!(stub.calls(&format!("DELETE {path}/2")).is_empty());
    });
}

#[test]
fn trouble_with_discord_is_waited_out() {
    run(async {
        let mut stub = Stub::start().await;
        stub.rule("GET gateway/bot", 2, Reply::Status(502, vec![], json!({})));
        let mut host = Plugin::start(stub.table()).await;
        let detail = host.link(LinkState::Retrying).await.detail.unwrap();
        assert!(detail.contains("502"), "{detail}");
        let _socket = stub.login().await;
        let connected = host.link(LinkState::Connected).await;
        assert_eq!(connected.identity.unwrap(), format!("assistant ({OWN})"));
        assert!(host.probe("default").await.unwrap().contains("listening"));
    });
}
