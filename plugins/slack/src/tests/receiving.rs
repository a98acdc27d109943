//! Socket Mode: what is acknowledged and when, how connections come and go, what gives up.

use super::{
    conversions::fixture,
    slack::{APP_TOKEN, Answer, BOT_TOKEN, FakeSlack, Line, Paced, Quick},
};
use jackfield_plugin_api::{
    Resume,
    event::Event,
    frame::{Accepted, Cursor, State, StoredCursor},
    link::LinkState,
    serde_json::{Value, json},
    testing::{FakeHost, run},
    tokio,
};

async fn connected() -> (FakeSlack, FakeHost<Quick>, Line) {
    let mut slack = FakeSlack::start().await;
    let mut host = FakeHost::<Quick>::start(slack.socket_table()).await;
    let line = slack.socket().await;
    host.link(LinkState::Connected).await;
    (slack, host, line)
}

/// The event of a fixture at another time.
fn at(name: &str, ts: &str, text: &str) -> Value {
    let mut payload = fixture(name);
    payload["event"]["ts"] = json!(ts);
    payload["event"]["text"] = json!(text);
    payload
}

fn text(event: &Event) -> &str {
    match event {
        Event::Message(message) => &message.text,
        other => panic!("a message, not {other:?}"),
    }
}

#[test]
fn an_envelope_is_acknowledged_only_after_the_host_stored_it() {
    run(async {
        let (_slack, mut host, mut line) = connected().await;
        line.event("e1", &fixture("message_im"));
        let event = host.event().await;
        assert_eq!(event.dedupe_key, "D024BE91L:1355517523.000005");
        let cursor = event.cursor.clone().unwrap();
        assert_eq!(
            (cursor.stream.as_str(), cursor.value.as_str()),
            ("D024BE91L", "1355517523.000005 d")
        );
        assert!(line.is_silent(), "nothing is acknowledged yet");
        event.answer(Accepted::Refused);
        // Slack delivers it again, under the same key.
        line.event("e2", &fixture("message_im"));
        let again = host.event().await;
        assert_eq!(again.dedupe_key, event.dedupe_key);
        again.answer(Accepted::Stored);
        assert_eq!(line.acknowledged().await, "e2", "what was refused stays unacknowledged");
        line.event("e3", &fixture("message_im"));
        host.event().await.answer(Accepted::Duplicate);
        assert_eq!(line.acknowledged().await, "e3");
    });
}

#[test]
fn what_is_of_no_use_is_acknowledged_at_once() {
    run(async {
        let (_slack, mut host, mut line) = connected().await;
        line.event("e1", &fixture("message_join"));
        line.event(
            "e2",
            &json!({"type": "event_callback", "event": {"type": "made_up", "x": [1]}}),
        );
        line.say(json!({"envelope_id": "e3", "type": "made_up_too", "payload": 7}));
        line.event("e4", &json!("no object at all"));
        let mut acknowledged = Vec::new();
        for _ in 0..4 {
            acknowledged.push(line.acknowledged().await);
        }
        acknowledged.sort();
        assert_eq!(acknowledged, ["e1", "e2", "e3", "e4"]);
        line.say(json!({"envelope_id": "e5", "type": "slash_commands", "payload": fixture("slash_command")}));
        let action = host.event().await;
        assert!(matches!(&action.body, Event::Action { name, .. } if name == "/ask"));
        action.answer(Accepted::Stored);
        assert_eq!(line.acknowledged().await, "e5");
    });
}

#[test]
fn messages_keep_their_order_while_names_are_looked_up() {
    run(async {
        let (slack, mut host, mut line) = connected().await;
        slack.prepare("users.info", [Answer::Limited(60)]);
        for n in 0..8 {
            let name = if n % 2 == 0 { "message_im" } else { "message_channel" };
            line.event(
                &format!("e{n}"),
                &at(name, &format!("1700000000.00000{n}"), &n.to_string()),
            );
        }
        for n in 0..8 {
            let event = host.event().await;
            assert_eq!(text(&event.body), n.to_string());
            event.answer(Accepted::Stored);
            assert_eq!(line.acknowledged().await, format!("e{n}"));
        }
    });
}

#[test]
fn a_connection_is_replaced_before_slack_drops_it() {
    run(async {
        let (mut slack, mut host, mut line) = connected().await;
        line.say(json!({"type": "disconnect", "reason": "refresh_requested"}));
        let mut fresh = slack.socket().await;
        // The old one still works.
        line.event("old", &fixture("message_im"));
        host.event().await.answer(Accepted::Stored);
        assert_eq!(line.acknowledged().await, "old");
        drop(line);
        fresh.event("new", &at("message_im", "1700000000.000001", "x"));
        host.event().await.answer(Accepted::Stored);
        assert_eq!(fresh.acknowledged().await, "new");
        let states: Vec<LinkState> = host.links().iter().map(|link| link.state).collect();
        assert_eq!(states, [LinkState::Connecting, LinkState::Connected], "the link never broke");
    });
}

#[test]
fn a_lost_connection_comes_back_and_the_gap_is_looked_at() {
    run(async {
        let (mut slack, mut host, mut line) = connected().await;
        line.event("e1", &fixture("message_im"));
        host.event().await.answer(Accepted::Stored);
        line.acknowledged().await;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let ts = |back: u64| format!("{}.000100", now.as_secs() - back);
        line.event("e2", &at("message_im", &ts(60), "fresh"));
        host.event().await.answer(Accepted::Stored);
        line.acknowledged().await;
        let missed = json!({ "ok": true, "messages": [
            { "type": "message", "user": "U2147483697", "text": "second", "ts": ts(10) },
            { "type": "message", "user": "U2147483697", "text": "first", "ts": ts(20) },
        ]});
        slack.prepare("conversations.history", [Answer::Json(missed)]);
        let before = slack.calls("conversations.history").len();
        drop(line);
        host.link(LinkState::Retrying).await;
        let _line = slack.socket().await;
        for expected in ["first", "second"] {
            let event = host.event().await;
            assert_eq!(text(&event.body), expected);
            assert_eq!(event.body.place().unwrap().conversation.as_str(), "D024BE91L");
            event.answer(Accepted::Stored);
        }
        let asked = slack.call("conversations.history", before + 1).await;
        assert_eq!(asked.form["oldest"], ts(60));
    });
}

#[test]
fn a_new_life_looks_back_from_the_stored_cursor() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let ts = format!("{}.000100", now.as_secs() - 30);
        let cursor = Cursor { stream: "C024BE91L".to_owned(), value: format!("{ts} c") };
        let state = json!({ "threads": { "default": [["C024BE91L", "1.2"]] } });
        let resume = Resume {
            state: Some(State { schema: 1, data: state.clone() }),
            cursors: vec![StoredCursor { account: "default".into(), cursor }],
        };
        let mut host = FakeHost::<Quick>::try_start(slack.socket_table(), resume).await.unwrap();
        let _line = slack.socket().await;
        assert_eq!(slack.call("conversations.history", 1).await.form["oldest"], ts);
        assert_eq!(host.drain().await, 0);
        let exported = host.export().await;
        assert_eq!((exported.schema, exported.data), (1, state), "threads are handed on");
    });
}

#[test]
fn a_deaf_connection_is_found_out_and_replaced() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let mut host = FakeHost::<Paced<30>>::start(slack.socket_table()).await;
        let line = slack.socket().await;
        host.link(LinkState::Connected).await;
        line.go_deaf();
        let broken = host.link(LinkState::Retrying).await;
        assert!(broken.detail.unwrap().contains("deaf"));
        let mut fresh = slack.socket().await;
        fresh.event("e1", &fixture("message_im"));
        host.event().await.answer(Accepted::Stored);
        assert_eq!(fresh.acknowledged().await, "e1");
    });
}

#[test]
fn as_many_connections_as_asked_for_and_one_lost_does_not_matter() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let mut table = slack.socket_table();
        table["num_connections"] = json!(2);
        let mut host = FakeHost::<Quick>::start(table).await;
        let (first, mut second) = (slack.socket().await, slack.socket().await);
        host.link(LinkState::Connected).await;
        drop(first);
        let _third = slack.socket().await;
        second.event("e1", &fixture("message_im"));
        host.event().await.answer(Accepted::Stored);
        assert_eq!(second.acknowledged().await, "e1");
        assert!(host.links().iter().all(|link| link.state != LinkState::Retrying));
        assert!(host.probe("default").await.unwrap().contains("2 open"));
        assert_eq!(slack.calls("apps.connections.open").len(), 3);
    });
}

#[test]
fn a_probe_waits_for_the_first_connection() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let mut host = FakeHost::<Quick>::start(slack.socket_table()).await;
        let mut probe = std::pin::pin!(host.probe("default"));
        let line = slack.raw_socket();
        let line = tokio::select! {
            probed = &mut probe => panic!("nothing is open yet: {probed:?}"),
            line = line => line,
        };
        line.say(json!({"type": "hello"}));
        assert!(probe.await.unwrap().contains("1 open"));
    });
}

#[test]
fn rejected_tokens_stop_the_account_and_say_which() {
    run(async {
        for (method, code, hints) in [
            ("auth.test", json!({"ok": false, "error": "invalid_auth"}), ["bot_token", "OAuth"]),
            (
                "auth.test",
                json!({"ok": false, "error": "account_inactive"}),
                ["removed", "install"],
            ),
            (
                "apps.connections.open",
                json!({"ok": false, "error": "missing_scope", "needed": "connections:write"}),
                ["app token", "connections:write"],
            ),
            (
                "apps.connections.open",
                json!({"ok": false, "error": "not_allowed_token_type"}),
                ["app_token", "xapp-"],
            ),
        ] {
            let slack = FakeSlack::start().await;
            slack.prepare(method, [Answer::Json(code.clone())]);
            let mut host = FakeHost::<Quick>::start(slack.socket_table()).await;
            let detail = host.link(LinkState::NeedsLogin).await.detail.unwrap();
            assert!(hints.iter().all(|hint| detail.contains(hint)), "{code}: {detail}");
            for secret in [BOT_TOKEN, APP_TOKEN] {
                assert!(!detail.contains(secret), "{detail}");
            }
            assert_eq!(slack.calls(method).len(), 1, "it is not tried again");
        }
    });
}

#[test]
fn a_bot_token_that_died_meanwhile_is_found_when_connecting_again() {
    run(async {
        let (mut slack, mut host, line) = connected().await;
        slack.prepare("auth.test", [Answer::Json(json!({"ok": false, "error": "token_revoked"}))]);
        drop(line);
        let detail = host.link(LinkState::NeedsLogin).await.detail.unwrap();
        assert!(detail.contains("install it again"), "{detail}");
        slack.call("auth.test", 2).await;
        assert_eq!(slack.calls("apps.connections.open").len(), 1);
    });
}

#[test]
fn everything_else_is_tried_again() {
    run(async {
        let mut slack = FakeSlack::start().await;
        slack.prepare(
            "auth.test",
            [Answer::Cut, Answer::Limited(0), Answer::Bytes("text/html", vec![b'<'])],
        );
        let refused = json!({"ok": false, "error": "internal_error"});
        slack.prepare("apps.connections.open", [Answer::Cut, Answer::Json(refused)]);
        let mut host = FakeHost::<Quick>::start(slack.socket_table()).await;
        host.link(LinkState::Retrying).await;
        let turned_away = slack.raw_socket().await;
        turned_away.say(json!({"type": "disconnect", "reason": "too_many_websockets"}));
        let _line = slack.socket().await;
        let detail = host.link(LinkState::Connected).await.detail.unwrap();
        assert!(detail.contains("lacks") && detail.contains("files:write"), "{detail}");
        let details: Vec<_> =
            host.links().iter().map(|link| link.detail.clone().unwrap()).collect();
        assert!(
            details.iter().any(|detail| detail.contains("more connections open")),
            "{details:?}"
        );
    });
}

#[test]
fn drain_lets_go_and_resume_listens_again() {
    run(async {
        let (mut slack, mut host, mut line) = connected().await;
        line.event("e1", &fixture("message_im"));
        host.event().await.answer(Accepted::Stored);
        assert_eq!(line.acknowledged().await, "e1");
        assert_eq!(host.drain().await, 0);
        assert_eq!(line.hear().await, None, "the connection is closed");
        assert_eq!(host.links().last().unwrap().state, LinkState::Stopped);
        host.resume().await;
        let mut line = slack.socket().await;
        line.event("e2", &at("message_im", "1700000000.000001", "x"));
        host.event().await.answer(Accepted::Stored);
        assert_eq!(line.acknowledged().await, "e2");
        host.stop().await;
        assert_eq!(line.hear().await, None);
    });
}

#[test]
fn who_is_called_into_a_thread_hears_how_it_began() {
    run(async {
        let (mut slack, mut host, mut line) = connected().await;
        let mut call = fixture("message_thread");
        call["event"]["parent_user_id"] = json!("U2147483697");
        call["event"]["text"] = json!("<@U0BOTBOT1> what do you think?");
        let own = call["event"]["ts"].clone();
        let said = |user: &str, text: &str, ts: &str| json!({ "type": "message", "user": user, "text": text, "ts": ts });
        let thread = || {
            Answer::Json(json!({ "ok": true, "messages": [
                said("U2147483697", "*Lunch* at noon?", "1355517523.000005"),
                said("U0ADAADA1", "rather at one", "1355517523.000006"),
                { "type": "message", "subtype": "channel_join", "user": "U1", "text": "x", "ts": "1355517523.000007" },
                { "type": "message", "text": "the call itself", "ts": own },
            ]}))
        };
        slack.prepare("conversations.replies", [thread(), Answer::Cut]);
        let quoted = async |host: &mut FakeHost<Quick>, line: &mut Line, payload: &Value| {
            line.event("e", payload);
            let event = host.event().await;
            event.answer(Accepted::Stored);
            line.acknowledged().await;
            let Event::Message(message) = event.body else { panic!("a message") };
            message.reply_to.unwrap().text
        };
        let text = quoted(&mut host, &mut line, &call).await.unwrap();
        assert_eq!(text, "**Lunch** at noon?\nAda: rather at one");
        let asked = slack.call("conversations.replies", 1).await;
        assert_eq!(asked.form["ts"], "1355517523.000005");
        // Without an answer it comes without that.
        assert_eq!(quoted(&mut host, &mut line, &call).await, None);
        // Where nobody calls, nothing is asked.
        call["event"]["text"] = json!("hm");
        assert_eq!(quoted(&mut host, &mut line, &call).await, None);
        assert_eq!(slack.calls("conversations.replies").len(), 2);
    });
}
