//! Polling: what is confirmed when, and what trouble does.

use super::{
    Plugin, album_part, connected,
    stub::{Reply, Stub, TOKEN},
    text,
};
use jackfield_plugin_api::{
    Resume,
    event::Event,
    frame::{Accepted, Cursor, StoredCursor},
    link::LinkState,
    serde_json::{Value, json},
    testing::run,
};

fn words(event: &Event) -> &str {
    match event {
        Event::Message(message) => &message.text,
        other => panic!("a message, not {other:?}"),
    }
}

fn offsets(stub: &Stub) -> Vec<i64> {
    stub.seen("getUpdates").iter().filter_map(|seen| seen.params["offset"].as_i64()).collect()
}

#[test]
fn what_is_stored_is_confirmed_and_nothing_else() {
    run(async {
        let (stub, mut host) = connected().await;
        let identity = host.link(LinkState::Connected).await.identity;
        assert_eq!(identity.as_deref(), Some("@jack_bot"));
        stub.update(text(500, 1, "one"));
        let one = host.event().await;
        assert_eq!((one.dedupe_key.as_str(), words(&one.body)), ("m:42:1", "one"));
        assert!(one.cursor.as_ref().unwrap().value.starts_with("77:501:"));
        assert_eq!(offsets(&stub), [] as [i64; 0], "not confirmed before it is stored");
        one.answer(Accepted::Stored);
        let polls = stub.seen("getUpdates").len();
        stub.called("getUpdates", polls + 1).await;
        assert_eq!(offsets(&stub), [501]);
        let allowed = stub.seen("getUpdates")[0].params["allowed_updates"].clone();
        assert!(allowed.as_array().unwrap().contains(&json!("message_reaction")));

        stub.update(text(501, 2, "two"));
        host.event().await.answer(Accepted::Duplicate);
        let polls = stub.seen("getUpdates").len();
        stub.called("getUpdates", polls + 1).await;
        assert_eq!(offsets(&stub), [501, 502], "what is known already is confirmed too");
    });
}

#[test]
fn what_is_refused_is_offered_again_in_order() {
    run(async {
        let (stub, mut host) = connected().await;
        stub.update(text(1, 1, "one"));
        let one = host.event().await;
        one.answer(Accepted::Refused);
        host.link(LinkState::Retrying).await;
        stub.update(text(2, 2, "two"));
        let again = host.event().await;
        assert_eq!(words(&again.body), "one");
        again.answer(Accepted::Stored);
        let two = host.event().await;
        assert_eq!(words(&two.body), "two");
        assert_eq!(offsets(&stub), [2], "only what was stored");
        two.answer(Accepted::Stored);
    });
}

#[test]
fn numbers_that_begin_anew_lose_nothing() {
    run(async {
        let (stub, mut host) = connected().await;
        stub.update(text(9_000, 1, "before"));
        host.event().await.answer(Accepted::Stored);
        let polls = stub.seen("getUpdates").len();
        stub.called("getUpdates", polls + 1).await;
        // The server is started anew: the poll breaks, and its numbers begin at one.
        stub.forget();
        stub.reply("getUpdates", Reply::Cut);
        stub.update(text(9_001, 2, "wakes the poll"));
        host.event().await.answer(Accepted::Stored);
        host.link(LinkState::Retrying).await;
        stub.forget();
        stub.update(text(1, 3, "after"));
        let after = host.event().await;
        assert_eq!(words(&after.body), "after");
        after.answer(Accepted::Stored);
    });
}

#[test]
fn a_stored_place_is_where_the_next_life_begins() {
    run(async {
        let stub = Stub::start().await;
        stub.update(text(500, 1, "stored in an earlier life"));
        stub.update(text(501, 2, "new"));
        let now_s = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let at = |value: String| Resume {
            state: None,
            cursors: vec![StoredCursor {
                account: "default".into(),
                cursor: Cursor { stream: String::new(), value },
            }],
        };
        let table = stub.table(json!({}));
        let mut host =
            Plugin::try_start(table.clone(), at(format!("77:501:{now_s}"))).await.unwrap();
        assert_eq!(words(&host.event().await.body), "new");
        // Of another bot, or too old: everything comes again, and the journal knows it.
        for value in [format!("78:502:{now_s}"), "77:502:1000".to_owned(), "odd".to_owned()] {
            let mut host = Plugin::try_start(table.clone(), at(value.clone())).await.unwrap();
            assert_eq!(words(&host.event().await.body), "new", "{value}");
        }
    });
}

#[test]
fn a_version_that_lets_go_can_listen_again() {
    run(async {
        let (stub, mut old) = connected().await;
        assert_eq!(old.drain().await, 0);
        let polls = stub.seen("getUpdates").len();
        stub.update(text(1, 1, "meanwhile"));
        let mut new = Plugin::start(stub.table(json!({}))).await;
        new.event().await.answer(Accepted::Stored);
        let offset = |seen: &super::stub::Seen| seen.params["offset"].as_i64();
        let all = stub.called("getUpdates", polls + 2).await;
        assert_eq!(all.iter().filter_map(offset).collect::<Vec<_>>(), [2]);
        new.stop().await;
        old.resume().await;
        stub.update(text(2, 2, "back"));
        assert_eq!(words(&old.event().await.body), "back");
    });
}

#[test]
fn each_part_of_an_album_is_handed_over_as_it_comes() {
    run(async {
        let (stub, mut host) = connected().await;
        for update_id in 1..=2 {
            stub.update(album_part(update_id));
            let part = host.event().await;
            let Event::Message(message) = &part.body else { panic!("a message") };
            assert_eq!((message.attachments.len(), part.album.as_deref()), (1, Some("g")));
            part.answer(Accepted::Stored);
        }
        stub.update(text(3, 3, "next"));
        let next = host.event().await;
        assert_eq!((words(&next.body), next.album.as_deref()), ("next", None));
    });
}

#[test]
fn long_words_that_were_cut_are_handed_over_as_one_message() {
    run(async {
        let (stub, mut host) = connected().await;
        stub.update(text(1, 1, &"x".repeat(4096)));
        let first = host.event().await;
        assert_eq!(first.album.as_deref(), Some("long:1"));
        first.answer(Accepted::Stored);
        stub.update(text(2, 2, "and its end"));
        let end = host.event().await;
        assert_eq!(end.album.as_deref(), Some("long:1"));
        end.answer(Accepted::Stored);
    });
}

#[test]
fn a_button_is_answered_once_it_is_stored() {
    run(async {
        let (stub, mut host) = connected().await;
        let mut press = text(1, 1, "milk?");
        let message = press["message"].take();
        press = json!({"update_id": 1, "callback_query": {
            "id": "press-1", "from": {"id": 42, "first_name": "Ada"}, "message": message,
            "data": "yes",
        }});
        stub.update(press);
        let pressed = host.event().await;
        assert!(matches!(pressed.body, Event::Action { .. }));
        assert!(stub.seen("answerCallbackQuery").is_empty());
        pressed.answer(Accepted::Stored);
        let answered = stub.called("answerCallbackQuery", 1).await;
        assert_eq!(answered[0].params, json!({"callback_query_id": "press-1"}));
    });
}

#[test]
fn an_update_that_makes_no_sense_blocks_nobody() {
    run(async {
        let (stub, mut host) = connected().await;
        stub.update(json!({"update_id": 1, "message": {"message_id": {"odd": true}}}));
        stub.update(text(2, 2, "behind it"));
        let event = host.event().await;
        assert_eq!(words(&event.body), "behind it");
        event.answer(Accepted::Stored);
    });
}

#[test]
fn a_rejected_token_is_explained_and_ends_the_attempts() {
    run(async {
        for (code, description) in [(401, "Unauthorized"), (404, "Not Found")] {
            let stub = Stub::start().await;
            stub.refuse("getMe", code, description, Value::Null);
            let mut host = Plugin::start(stub.table(json!({}))).await;
            let told = host.link(LinkState::NeedsLogin).await.detail.unwrap();
            assert!(told.contains("`channels.telegram.bot_token`"), "{told}");
            assert_eq!(host.drain().await, 0);
            assert_eq!(stub.seen("getMe").len(), 1, "nobody asks again");
        }
    });
}

#[test]
fn another_poller_is_explained_and_survived() {
    run(async {
        let (stub, mut host) = connected().await;
        let said = "Conflict: terminated by other getUpdates request";
        stub.refuse("getUpdates", 409, said, Value::Null);
        stub.update(text(1, 1, "ends the poll that waits"));
        host.event().await.answer(Accepted::Stored);
        let told = host.link(LinkState::Retrying).await.detail.unwrap();
        assert!(told.contains("another program"), "{told}");
        stub.update(text(2, 2, "still here"));
        loop {
            let event = host.event().await;
            event.answer(Accepted::Stored);
            if words(&event.body) == "still here" {
                break;
            }
        }
        assert_eq!(host.links().last().unwrap().state, LinkState::Connected);
    });
}

#[test]
fn a_poller_that_stays_is_the_state_of_things() {
    run(async {
        let (stub, mut host) = connected().await;
        let said = "Conflict: terminated by other getUpdates request";
        stub.called("getUpdates", 2).await; // the second one waits
        let taken = Reply::Json(200, json!({"ok": true, "result": []}));
        for _ in 0..2 {
            // We throw the other out, are let in, and are thrown out in turn.
            stub.refuse("getUpdates", 409, said, Value::Null);
            stub.reply("getUpdates", taken.clone());
        }
        stub.update(text(1, 1, "ends the poll that waits"));
        host.event().await.answer(Accepted::Stored);
        stub.called("getUpdates", 7).await;
        let last = host.links().last().unwrap();
        assert_eq!(last.state, LinkState::Retrying, "being let in for a moment is no link");
        assert!(last.detail.as_ref().unwrap().contains("another program"));
        stub.update(text(2, 2, "it went away"));
        host.event().await.answer(Accepted::Stored);
        assert_eq!(host.links().last().unwrap().state, LinkState::Connected);
    });
}

#[test]
fn what_is_no_bot_api_server_is_asked_again() {
    run(async {
        let stub = Stub::start().await;
        stub.reply("getMe", Reply::Raw(404, b"not found".to_vec()));
        let mut host = Plugin::start(stub.table(json!({}))).await;
        let told = host.link(LinkState::NeedsLogin).await.detail.unwrap();
        assert!(told.contains("api_base") && told.contains("bot_token"), "{told}");
        host.link(LinkState::Connected).await;
        stub.called("getUpdates", 2).await;
        // Once known the token is not what is wrong.
        stub.reply("getUpdates", Reply::Raw(404, b"not found".to_vec()));
        stub.update(text(1, 1, "ends the poll that waits"));
        host.event().await.answer(Accepted::Stored);
        host.link(LinkState::Retrying).await;
    });
}

#[test]
fn privacy_mode_shows_where_everything_is_wanted() {
    run(async {
        let me = |all: bool| {
            let me = json!({"id": 77, "username": "jack_bot", "can_read_all_group_messages": all});
            Reply::Json(200, json!({"ok": true, "result": me}))
        };
        let groups = json!({"groups": {"-100": {"require_mention": false}}});
        let stub = Stub::start().await;
        stub.reply("getMe", me(false));
        let mut host = Plugin::start(stub.table(groups.clone())).await;
        host.link(LinkState::Connected).await;
        stub.reply("getMe", me(true));
        let probed = host.probe("default").await.unwrap();
        assert!(!probed.contains("/setprivacy"), "it was mended: {probed}");
        for (sees_all, more, told) in [
            (false, groups.clone(), true),
            (false, json!({"require_mention": false, "group_policy": "open"}), true),
            (false, json!({"require_mention": false, "group_policy": "disabled"}), false),
            (false, json!({}), false),
            (true, groups, false),
        ] {
            let stub = Stub::start().await;
            stub.reply("getMe", me(sees_all));
            let mut host = Plugin::start(stub.table(more.clone())).await;
            let detail = host.link(LinkState::Connected).await.detail.unwrap();
            assert_eq!(detail.contains("/setprivacy"), told, "{more}: {detail}");
        }
    });
}

#[test]
fn a_new_version_is_judged_once_it_was_let_in() {
    run(async {
        let stub = Stub::start().await;
        let said = "Conflict: terminated by other getUpdates request";
        stub.refuse("getUpdates", 409, said, Value::Null);
        let mut host = Plugin::start(stub.table(json!({}))).await;
        let probed = host.probe("default").await;
        assert!(probed.as_ref().is_ok_and(|told| told.contains("polling")), "{probed:?}");
    });
}

#[test]
fn a_webhook_that_somebody_set_is_removed() {
    run(async {
        let stub = Stub::start().await;
        let said = "Conflict: can't use getUpdates method while webhook is active";
        stub.refuse("getUpdates", 409, said, Value::Null);
        let mut host = Plugin::start(stub.table(json!({}))).await;
        host.link(LinkState::Connected).await;
        let removed = stub.seen("deleteWebhook");
        assert_eq!(removed[0].params, json!({"drop_pending_updates": false}));
    });
}

#[test]
fn one_account_in_trouble_leaves_the_others_alone() {
    run(async {
        let stub = Stub::start().await;
        let accounts = json!({"good": {}, "bad": {"bot_token": "78:another-secret"}});
        let mut host = Plugin::start(stub.table(json!({ "accounts": accounts }))).await;
        let bad = host.link(LinkState::NeedsLogin).await;
        assert_eq!(bad.account.as_str(), "bad");
        assert!(bad.detail.unwrap().contains("channels.telegram.accounts.bad.bot_token"));
        host.link(LinkState::Connected).await;
        stub.update(text(1, 1, "for the good one"));
        assert_eq!(host.event().await.account.as_str(), "good");
        let probed = host.probe("good").await.unwrap();
        assert!(probed.contains("@jack_bot") && probed.contains("polling"), "{probed}");
        assert!(host.probe("bad").await.unwrap_err().contains("bot_token"));
        assert!(host.probe("nobody").await.unwrap_err().contains("no account `nobody`"));
    });
}

#[test]
fn no_trouble_shows_the_token() {
    run(async {
        let secret = TOKEN.split(':').nth(1).unwrap();
        // A server that quotes the address, one that cuts, and none at all.
        let stub = Stub::start().await;
        let page = format!("<html>Cannot POST /bot{TOKEN}/getMe</html>");
        stub.reply("getMe", Reply::Raw(502, page.clone().into_bytes()));
        stub.reply("getMe", Reply::Raw(200, page.into_bytes()));
        stub.reply("getMe", Reply::Cut);
        let mut host = Plugin::start(stub.table(json!({}))).await;
        host.link(LinkState::Connected).await;
        let nowhere = json!({"bot_token": TOKEN, "api_base": "http://127.0.0.1:1"});
        let mut lost = Plugin::start(nowhere).await;
        lost.link(LinkState::Retrying).await;
        let told: Vec<_> = host.links().iter().chain(lost.links()).cloned().collect();
        assert!(told.iter().filter(|report| report.state == LinkState::Retrying).count() >= 4);
        for report in told {
            let detail = report.detail.unwrap_or_default();
            assert!(!detail.contains(secret), "{detail}");
        }
        let probed = lost.probe("default").await.unwrap_err();
        assert!(!probed.contains(secret) && probed.contains("api_base"), "{probed}");
    });
}
