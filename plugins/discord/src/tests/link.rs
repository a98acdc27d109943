//! The link: what it says, when it comes back and how, and when it gives up.

use super::{
    Plugin, logged_in,
    outward::message,
    resume, stored,
    stub::{CHANNEL, GUILD, OWN, Stub},
};
use jackfield_plugin_api::{
    Resume, event::Event, frame::Accepted, link::LinkState, serde_json::json, testing::run,
};

fn text(event: &Event) -> &str {
    match event {
        Event::Message(message) => &message.text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_outage_of_the_network_costs_no_login() {
    run(async {
        let (mut stub, mut host, socket) = logged_in().await;
        stub.turn_away(4);
        socket.close(4000).await;
        let mut again = stub.connection().await;
        assert_eq!(again.expect(6).await["session_id"], "first", "Discord may still know it");
        host.link(LinkState::Retrying).await;
    });
}

#[test]
fn the_gateway_is_where_discord_says_and_a_dead_address_to_resume_costs_no_login() {
    run(async {
        let mut stub = Stub::start().await;
        let mut table = stub.table();
        table.as_object_mut().unwrap().remove("gateway_url");
        let mut host = Plugin::start(table).await;
        let socket = stub.login().await;
        host.link(LinkState::Connected).await;
        socket.close(4000).await; // READY named an address that nobody listens at
        assert_eq!(stub.connection().await.expect(6).await["session_id"], "first");
    });
}

#[test]
fn a_lost_connection_is_resumed_and_what_was_repeated_is_the_same_event() {
    run(async {
        let (mut stub, mut host, mut socket) = logged_in().await;
        let said = stub.say(CHANNEL, json!({"content": "one"}));
        socket.say(&said).await;
        let first = stored(&mut host).await;
        let sequence = socket.sequence;
        socket.close(4000).await;
        let mut again = stub.connection().await;
        let resumed = again.expect(6).await;
        assert_eq!((&resumed["session_id"], &resumed["seq"]), (&json!("first"), &json!(sequence)));
        again.sequence = sequence - 1;
        again.say(&said).await;
        again.dispatch("RESUMED", json!({})).await;
        let repeated = host.event().await;
        assert_eq!(repeated.dedupe_key, first.dedupe_key);
        repeated.answer(Accepted::Duplicate);
        let states: Vec<_> = host.stop().await.into_iter().map(|report| report.state).collect();
        assert_eq!(
            states[..4],
            [
                LinkState::Connecting,
                LinkState::Connected,
                LinkState::Retrying,
                LinkState::Connected
            ]
        );
    });
}

#[test]
fn a_recall_and_a_resumable_end_are_resumed() {
    run(async {
        let (mut stub, _host, mut socket) = logged_in().await;
        socket.send(json!({"op": 7, "d": null})).await;
        let mut again = stub.connection().await;
        assert_eq!(again.expect(6).await["session_id"], "first");
        again.send(json!({"op": 9, "d": true})).await;
        assert_eq!(stub.connection().await.expect(6).await["session_id"], "first");
    });
}

#[test]
fn what_cannot_be_resumed_is_given_up_after_three_attempts() {
    run(async {
        let (mut stub, _host, socket) = logged_in().await;
        socket.close(1006).await;
        for _ in 0..3 {
            let mut again = stub.connection().await;
            again.expect(6).await;
            again.close(4000).await;
        }
        stub.connection().await.expect(2).await;
    });
}

#[test]
fn a_new_login_reads_what_was_missed_before_anything_newer() {
    run(async {
        let mut stub = Stub::start().await;
        let known = stub.say(CHANNEL, json!({"content": "known"}));
        let known = known["id"].as_str().unwrap();
        let missed: Vec<_> = (0..150)
            .map(|n| stub.say(CHANNEL, json!({"content": format!("missed {n}")})))
            .collect();
        let resume = resume(&format!("{GUILD}/{CHANNEL}"), known);
        let mut host = Plugin::try_start(stub.table(), resume).await.unwrap();
        let mut socket = stub.connection().await;
        socket.expect(2).await;
        socket.ready().await;
        socket.guild(missed.last().unwrap()["id"].as_str()).await;
        socket.say(&stub.say(CHANNEL, json!({"content": "new"}))).await;
        for (n, said) in missed.iter().enumerate() {
            let event = stored(&mut host).await;
            assert_eq!(text(&event.body), format!("missed {n}"));
            let cursor = event.cursor.unwrap();
            assert_eq!(cursor.stream, format!("{GUILD}/{CHANNEL}"));
            assert_eq!(cursor.value, said["id"].as_str().unwrap());
        }
        // The live one may be read from the history too; both are one event.
        let new = stored(&mut host).await;
        assert_eq!(text(&new.body), "new");
        host.stop().await;
    });
}

#[test]
fn direct_chats_are_caught_up_with_after_a_login_anew() {
    run(async {
        let (mut stub, mut host, mut socket) = logged_in().await;
        let said = stub.say("55", json!({"content": "hello"}));
        socket.say(&said).await;
        let first = stored(&mut host).await;
        assert_eq!(first.cursor.unwrap().stream, "dm/55");
        stub.say("55", json!({"content": "missed"}));
        socket.send(json!({"op": 9, "d": false})).await;
        let mut again = stub.connection().await;
        again.expect(2).await;
        again.ready().await;
        let missed = stored(&mut host).await;
        assert_eq!(text(&missed.body), "missed");
        assert_eq!(stub.calls("GET channels/55/messages").len(), 1);
    });
}

#[test]
fn a_deaf_socket_is_noticed_by_its_missing_heartbeats() {
    run(async {
        let mut stub = Stub::start().await;
        let mut host = Plugin::start(stub.table()).await;
        let mut deaf = stub.connection_beating(100).await;
        deaf.ready().await; // and never a word again
        host.link(LinkState::Connected).await;
        let mut again = stub.connection().await;
        assert_eq!(again.expect(6).await["session_id"], "first");
        host.link(LinkState::Retrying).await;
    });
}

#[test]
fn a_socket_that_beats_and_hears_nothing_is_noticed_by_our_own_messages() {
    run(async {
        let (mut stub, mut host, mut socket) = logged_in().await;
        host.send(message(CHANNEL, "heard")).await.unwrap();
        socket.say(&stub.messages(CHANNEL)[0]).await;
        let echo = stored(&mut host).await;
        assert!(echo.body.sender().unwrap().own, "it is marked as ours");
        host.send(message(CHANNEL, "unheard")).await.unwrap();
        let mut again = stub.connection().await;
        assert_eq!(again.expect(6).await["session_id"], "first");
        let detail = host.link(LinkState::Retrying).await.detail.unwrap();
        assert!(detail.contains("deaf"), "{detail}");
    });
}

#[test]
fn events_that_were_not_stored_forbid_to_resume() {
    run(async {
        let (stub, mut host, mut socket) = logged_in().await;
        socket.say(&stub.say(CHANNEL, json!({"content": "never stored"}))).await;
        host.event().await.answer(Accepted::Refused);
        let draining = async {
            host.drain().await;
            host.export().await
        };
        let (state, _) = jackfield_plugin_api::tokio::join!(draining, socket.closed());
        assert_eq!(state.data, json!({"accounts": {}}));
    });
}

#[test]
fn the_next_version_resumes_where_this_one_let_go() {
    run(async {
        let (mut stub, mut host, mut socket) = logged_in().await;
        let draining = async {
            let left = host.drain().await;
            (host.export().await, left)
        };
        let ((state, left), code) =
            jackfield_plugin_api::tokio::join!(draining, async { socket.closed().await });
        assert_eq!((left, code), (0, Some(4000)), "4000 keeps the session");
        let mut next =
            Plugin::try_start(stub.table(), Resume { state: Some(state), cursors: vec![] })
                .await
                .unwrap();
        let mut again = stub.connection().await;
        assert_eq!(again.expect(6).await["session_id"], "first");
        let (probed, ()) = jackfield_plugin_api::tokio::join!(
            next.probe("default"),
            again.dispatch("RESUMED", json!({}))
        );
        assert!(probed.is_ok(), "the gateway judges a version by this: {probed:?}");
        assert_eq!(
            next.link(LinkState::Connected).await.identity.unwrap(),
            format!("assistant ({OWN})")
        );
        // Called off: the old one takes its session up again.
        host.resume().await;
        assert_eq!(stub.connection().await.expect(6).await["session_id"], "first");
    });
}

#[test]
fn after_a_resumption_servers_are_asked_who_we_are_there() {
    run(async {
        let (mut stub, mut host, mut socket) = logged_in().await;
        let draining = async {
            host.drain().await;
            host.export().await
        };
        let (state, _) = jackfield_plugin_api::tokio::join!(draining, socket.closed());
        let resume = Resume { state: Some(state), cursors: vec![] };
        let mut next = Plugin::try_start(stub.table(), resume).await.unwrap();
        let mut again = stub.connection().await;
        again.expect(6).await;
        again.dispatch("RESUMED", json!({})).await;
        for role in ["9", "10"] {
            let said = json!({"content": format!("<@&{role}> hi"), "mention_roles": [role]});
            again.say(&stub.say(CHANNEL, said)).await;
            let event = stored(&mut next).await;
            let Event::Message(message) = event.body else { panic!("a message") };
            assert!(message.mentioned && message.text == "hi", "{message:?}");
            assert_eq!(message.place.title.as_deref(), Some("Testers #general"));
        }
        assert_eq!(stub.calls(&format!("GET guilds/{GUILD}")).len(), 3, "asked once");
    });
}

#[test]
fn stopping_logs_out() {
    run(async {
        let (_stub, host, mut socket) = logged_in().await;
        let (_, code) =
            jackfield_plugin_api::tokio::join!(host.stop(), async { socket.closed().await });
        assert_eq!(code, Some(1000));
    });
}
