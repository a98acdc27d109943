//! What comes in, from the socket to the offer.

use super::{
    Plugin, logged_in, stored,
    stub::{ADA, CHANNEL, GUILD, OWN, Stub},
};
use jackfield_plugin_api::{
    event::{ConversationKind, Event},
    fetch::Fetch,
    frame::Accepted,
    outbound::Outbound,
    serde_json::json,
    testing::run,
};

#[test]
fn what_is_refused_is_offered_again_in_the_same_order() {
    run(async {
        let (stub, mut host, mut socket) = logged_in().await;
        let said: Vec<_> =
            (0..3).map(|n| stub.say(CHANNEL, json!({"content": n.to_string()}))).collect();
        for message in &said {
            socket.say(message).await;
        }
        let first: Vec<_> = [host.event().await, host.event().await, host.event().await].into();
        first[0].answer(Accepted::Stored);
        first[1].answer(Accepted::Refused);
        first[2].answer(Accepted::Refused);
        let again = [stored(&mut host).await, stored(&mut host).await];
        assert_eq!(again[0].dedupe_key, first[1].dedupe_key);
        assert_eq!(again[1].dedupe_key, first[2].dedupe_key);
    });
}

#[test]
fn a_thread_nobody_told_of_is_asked_for() {
    run(async {
        let (stub, mut host, mut socket) = logged_in().await;
        let thread = json!({"id": "78", "type": 11, "parent_id": CHANNEL, "name": "told"});
        let list = json!({"threads": [thread], "members": [], "guild_id": GUILD});
        socket.dispatch("THREAD_LIST_SYNC", list).await;
        let mut told = stub.say("78", json!({"content": "in one we know"}));
        told["guild_id"] = GUILD.into();
        socket.say(&told).await;
        let place = stored(&mut host).await.body.place().unwrap().clone();
        assert_eq!(place.title.as_deref(), Some("Testers #general › told"));
        assert!(stub.calls("GET channels/78").is_empty());
        stub.note_channel(json!({"id": "77", "type": 11, "parent_id": CHANNEL, "name": "side"}));
        let mut said = stub.say("77", json!({"content": "in the thread"}));
        said["guild_id"] = GUILD.into();
        socket.say(&said).await;
        let event = stored(&mut host).await;
        let place = event.body.place().unwrap();
        assert_eq!((place.conversation.as_str(), place.kind), (CHANNEL, ConversationKind::Channel));
        assert_eq!(place.thread.as_ref().unwrap().as_str(), "77");
        assert_eq!(event.cursor.unwrap().stream, format!("{GUILD}/77"));
    });
}

#[test]
fn edits_deletions_and_reactions_are_told_and_our_own_echoes_are_not() {
    run(async {
        let (stub, mut host, mut socket) = logged_in().await;
        let said = stub.say(CHANNEL, json!({"content": "first"}));
        let id = said["id"].as_str().unwrap();
        socket.say(&said).await;
        stored(&mut host).await;
        // An update without text: the adapter asks for the whole message.
        stub.amend(CHANNEL, id, "edited_timestamp", "t1");
        let edit = json!({
            "id": id, "channel_id": CHANNEL, "guild_id": GUILD, "edited_timestamp": "t1",
        });
        socket.dispatch("MESSAGE_UPDATE", edit).await;
        let preview = json!({"id": id, "channel_id": CHANNEL, "guild_id": GUILD, "embeds": []});
        socket.dispatch("MESSAGE_UPDATE", preview).await;
        let reaction = |who: &str| {
            json!({
                "user_id": who, "channel_id": CHANNEL, "guild_id": GUILD, "message_id": id,
                "emoji": {"id": null, "name": "👍"},
            })
        };
        socket.dispatch("MESSAGE_REACTION_ADD", reaction(OWN)).await;
        socket.dispatch("MESSAGE_REACTION_ADD", reaction(ADA)).await;
        socket.dispatch("MESSAGE_REACTION_REMOVE", reaction(ADA)).await;
        let gone = json!({"ids": [id, "1"], "channel_id": CHANNEL, "guild_id": GUILD});
        socket.dispatch("MESSAGE_DELETE_BULK", gone).await;
        let mut kinds = Vec::new();
        while kinds.len() < 4 {
            kinds.push(stored(&mut host).await);
        }
        let Event::Edited(edited) = &kinds[0].body else { panic!("{:?}", kinds[0].body) };
        assert_eq!(
            (edited.text.as_str(), kinds[0].dedupe_key.as_str()),
            ("first", &*format!("e:{id}:t1"))
        );
        let reactions: Vec<_> = kinds[1..3]
            .iter()
            .map(|told| match &told.body {
                Event::Reaction { sender, added, .. } => (sender.id.as_str(), *added),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(reactions, [(ADA, true), (ADA, false)]);
        assert_ne!(kinds[1].dedupe_key, kinds[2].dedupe_key);
        let Event::Deleted { sender, message, .. } = &kinds[3].body else { panic!("a deletion") };
        assert_eq!((sender.id.as_str(), message.as_str()), (ADA, id), "only what was seen");
    });
}

#[test]
fn a_command_is_noticed_at_once_and_answered_in_its_place() {
    run(async {
        let (stub, mut host, mut socket) = logged_in().await;
        let command = json!({
            "id": "40", "application_id": "600000000000000001", "type": 2, "token": "tok",
            "guild_id": GUILD, "channel_id": CHANNEL, "member": {"user": {"id": ADA}},
            "data": {"name": "ask", "options": [{"name": "text", "type": 3, "value": "why"}]},
        });
        socket.dispatch("INTERACTION_CREATE", command).await;
        let event = stored(&mut host).await;
        assert_eq!(event.dedupe_key, "i:40");
        let Event::Action { name, value, .. } = &event.body else { panic!("{:?}", event.body) };
        assert_eq!((name.as_str(), value), ("ask", &json!({"text": "why"})));
        let noticed = stub.called("POST interactions/40/tok/callback").await;
        assert_eq!(noticed.body, json!({"type": 5}), "thinking");
        let receipt = host.send(super::outward::message(CHANNEL, "because")).await.unwrap();
        assert_eq!(receipt.message.unwrap().as_str(), "800000000000000001");
        let answer = stub.called("PATCH webhooks/600000000000000001/tok/messages/@original").await;
        assert_eq!(answer.body["content"], "because");
        host.send(super::outward::message(CHANNEL, "more")).await.unwrap();
        assert_eq!(stub.messages(CHANNEL).len(), 1, "a command is answered once");
    });
}

#[test]
fn the_command_of_the_settings_is_a_message_and_its_answer_finds_it() {
    run(async {
        let mut stub = Stub::start().await;
        let mut table = stub.table();
        table["slash_command"] = "ask".into();
        let mut host = Plugin::start(table).await;
        let mut socket = stub.login().await;
        for id in ["40", "41"] {
            let command = json!({
                "id": id, "application_id": "600000000000000001", "type": 2, "token": id,
                "guild_id": GUILD, "channel_id": CHANNEL, "member": {"user": {"id": ADA}},
                "data": {"name": "ask", "options": [{"name": "text", "type": 3, "value": "why"}]},
            });
            socket.dispatch("INTERACTION_CREATE", command).await;
            let Event::Message(asked) = stored(&mut host).await.body else { panic!("a message") };
            assert_eq!((asked.text.as_str(), asked.message.as_str()), ("why", id));
        }
        let answers = |to: &str, text: &str| Outbound::Message {
            to: super::outward::to(CHANNEL),
            text: text.to_owned(),
            attachments: vec![],
            reply_to: Some(to.into()),
            silent: false,
        };
        host.send(answers("41", "because")).await.unwrap();
        let answer = stub.called("PATCH webhooks/600000000000000001/41/messages/@original").await;
        assert_eq!(answer.body["content"], "because", "not the one that was asked first");
        host.send(answers("7", "to a message")).await.unwrap();
        assert_eq!(stub.messages(CHANNEL)[0]["message_reference"]["message_id"], "7");
    });
}

#[test]
fn what_a_message_hangs_on_is_asked_for_where_discord_leaves_it_out() {
    run(async {
        let (stub, mut host, mut socket) = logged_in().await;
        let first = stub.say(
            CHANNEL,
            json!({"content": "", "attachments": [
                {"id": "1", "filename": "plan.pdf"},
            ]}),
        );
        let id = first["id"].as_str().unwrap();
        let reply =
            json!({"content": "this?", "type": 19, "message_reference": {"message_id": id}});
        socket.say(&stub.say(CHANNEL, reply)).await;
        let quote_of = |event: Event| match event {
            Event::Message(message) => message.reply_to.map(|quote| quote.text),
            other => panic!("{other:?}"),
        };
        let told = quote_of(stored(&mut host).await.body);
        assert_eq!(told.unwrap().as_deref(), Some("[file: plan.pdf]"));
        // A thread below a message: what it hangs on goes with the first, and the first for us.
        let begun = stub.say(CHANNEL, json!({"content": "how it began"}));
        let thread = begun["id"].as_str().unwrap().to_owned();
        stub.note_channel(json!({"id": thread, "type": 11, "parent_id": CHANNEL, "name": "t"}));
        let mut quotes = Vec::new();
        for mentions in [json!([]), json!([]), json!([{"id": OWN}]), json!([{"id": OWN}])] {
            let said = json!({"content": "words", "mentions": mentions, "guild_id": GUILD});
            socket.say(&stub.say(&thread, said)).await;
            quotes.push(quote_of(stored(&mut host).await.body).is_some());
        }
        assert_eq!(quotes, [true, false, true, false]);
    });
}

#[test]
fn a_file_is_fetched_by_a_fresh_address_and_no_further_than_allowed() {
    run(async {
        let (stub, mut host, mut socket) = logged_in().await;
        let url = stub.note_file("cat.png", b"four");
        let mut said = stub.say(CHANNEL, json!({"content": "", "attachments": [
            {"id": "9", "filename": "cat.png", "content_type": "image/png", "size": 4, "url": url},
        ]}));
        said["attachments"][0]["url"] = "http://127.0.0.1:1/expired".into();
        socket.say(&said).await;
        let event = stored(&mut host).await;
        let Event::Message(message) = &event.body else { panic!("a message") };
        let handle = message.attachments[0].fetch.clone().unwrap();
        let folder = std::env::temp_dir().join(format!("jackfield-discord-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("cat").to_str().unwrap().to_owned();
        let wanted = Fetch { account: "default".into(), handle, path: path.clone(), bytes_max: 4 };
        let got = host.fetch(wanted.clone()).await.unwrap();
        assert_eq!((got.bytes, got.mime.as_deref()), (4, Some("image/png")));
        assert_eq!(std::fs::read(&path).unwrap(), b"four");
        let path = folder.join("more").to_str().unwrap().to_owned();
        let error =
            host.fetch(Fetch { path: path.clone(), bytes_max: 3, ..wanted }).await.unwrap_err();
        assert_eq!(error.code, "too_large");
        assert!(!std::path::Path::new(&path).exists(), "nothing is left behind");
        std::fs::remove_dir_all(folder).ok();
    });
}
