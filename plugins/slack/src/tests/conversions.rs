//! Every fixture, as the events it becomes.

use crate::inbound::{Conversation, Delivery, Incoming, Known, Me, Seen, View, read, wanted};
use jackfield_plugin_api::{
    event::{ConversationKind, Event, InboundMessage},
    serde_json::{self, Value, json},
};
use std::{fs, path::Path};

pub(super) fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let text = fs::read_to_string(path.with_extension("json")).unwrap();
    let fixture: Value = serde_json::from_str(&text).unwrap();
    assert!(fixture["_source"].is_string(), "{name} says where it comes from");
    fixture
}

pub(super) fn converted_with(
    delivery: &Delivery,
    reply_in_thread: bool,
    follows: bool,
) -> Vec<Incoming> {
    let me = Me {
        user: "U0BOTBOT1".to_owned(),
        bot: Some("B0BOTBOT1".to_owned()),
        name: "jack".to_owned(),
        team: "Example".to_owned(),
        team_id: Some("T061EG9RZ".to_owned()),
        ..Me::default()
    };
    let mut known = Known::default();
    known.names.insert("U0ADAADA1".to_owned(), "Ada".to_owned());
    known.names.insert("U2147483697".to_owned(), "Steve".to_owned());
    let view = View { me: &me, known: &known, reply_in_thread, follows: &|_, _| follows };
    read(delivery, &view)
}

fn converted(name: &str) -> Vec<Incoming> {
    converted_with(&Delivery::Event(fixture(name)), true, false)
}

fn message(name: &str) -> (String, InboundMessage) {
    match converted(name).remove(0) {
        Incoming { key, event: Event::Message(message), .. } => (key, message),
        other => panic!("{name} is a message, not {other:?}"),
    }
}

#[test]
fn a_direct_message_is_read_as_markdown() {
    let (key, message) = message("message_im");
    assert_eq!(key, "D024BE91L:1355517523.000005");
    assert_eq!(message.place.kind, ConversationKind::Direct);
    assert_eq!(message.place.thread, None);
    assert_eq!(message.text, "Hello **there** & [see this](https://example.com)");
    assert_eq!(message.sender.name.as_deref(), Some("Steve"));
    assert!(!message.sender.bot && !message.sender.own);
    assert_eq!(message.sent_at_ms, Some(1_355_517_523_000));
}

#[test]
fn a_message_in_a_channel_begins_a_thread_and_is_told_once() {
    let (key, message_) = message("message_channel");
    assert_eq!(message_.place.kind, ConversationKind::Channel);
    assert_eq!(message_.place.thread.as_ref().unwrap().as_str(), "1355517523.000005");
    assert!(message_.mentioned);
    assert_eq!(message_.text, "what does @Ada say?", "the call itself is left out");
    let (again, mention) = message("app_mention");
    assert_eq!(again, key, "Slack tells a mention twice, under one key");
    assert_eq!(mention, message_);
    let flat = converted_with(&Delivery::Event(fixture("message_channel")), false, false);
    assert_eq!(flat[0].event.place().unwrap().thread, None);
}

#[test]
fn an_answer_in_a_thread_of_ours_is_meant_for_us() {
    let (_, answer) = message("message_thread");
    assert_eq!(answer.place.thread.as_ref().unwrap().as_str(), "1355517523.000005");
    let quote = answer.reply_to.as_ref().unwrap();
    assert_eq!(quote.sender.as_ref().unwrap().as_str(), "U0BOTBOT1");
    assert!(answer.mentioned, "its parent is ours");
    let mut foreign = fixture("message_thread");
    foreign["event"]["parent_user_id"] = json!("U0ADAADA1");
    for follows in [true, false] {
        let event =
            converted_with(&Delivery::Event(foreign.clone()), true, follows).remove(0).event;
        let Event::Message(message) = event else { panic!("a message") };
        assert_eq!(message.mentioned, follows, "we wrote in it, or did not");
    }
}

#[test]
fn kinds_of_conversations_are_told_apart() {
    assert_eq!(message("message_mpim").1.place.kind, ConversationKind::Group);
    let mut untyped = fixture("message_mpim");
    untyped["event"].as_object_mut().unwrap().remove("channel_type");
    let delivery = Delivery::Event(untyped);
    assert_eq!(wanted(&delivery).conversation.as_deref(), Some("C0MPIMMPIM"));
    let me = Me::default();
    let group = Conversation { kind: ConversationKind::Group, title: None };
    let known = Known { conversation: Some(group), ..Known::default() };
    let view = View { me: &me, known: &known, reply_in_thread: true, follows: &|_, _| false };
    let place = read(&delivery, &view).remove(0).event.place().cloned().unwrap();
    assert_eq!(place.kind, ConversationKind::Group, "as Slack describes it");
}

#[test]
fn edits_are_told_when_the_words_changed() {
    let Incoming { key, event, seen } = converted("message_changed").remove(0);
    assert_eq!(key, "C2147483705:1355517523.000005:edit:1358878755.000000");
    assert_eq!(seen, None);
    let Event::Edited(message) = event else { panic!("an edit") };
    assert_eq!(
        (message.text.as_str(), message.message.as_str()),
        ("Hello, world!", "1355517523.000005")
    );
    assert_eq!(converted("message_unfurled"), []);
}

#[test]
fn what_was_taken_back_is_told() {
    let Incoming { key, event, .. } = converted("message_deleted").remove(0);
    assert_eq!(key, "C2147483705:1358878749.000002:deleted");
    let Event::Deleted { place, sender, message } = event else { panic!("a deletion") };
    assert_eq!(place.thread.unwrap().as_str(), "1355517523.000005");
    assert_eq!((sender.id.as_str(), message.as_str()), ("U2147483697", "1358878749.000002"));
}

#[test]
fn bots_and_own_messages_are_marked() {
    let (_, bot) = message("message_bot");
    assert!(bot.sender.bot && !bot.sender.own);
    assert_eq!((bot.sender.id.as_str(), bot.sender.name.as_deref()), ("BB12033", Some("github")));
    assert_eq!(bot.text, "> Pushing is the **answer**\n> Build 7\n> green & fast");
    let (_, own) = message("message_own");
    assert!(own.sender.own && own.sender.bot);
}

#[test]
fn files_come_along_as_handles() {
    let (_, with_files) = message("message_files");
    let [hosted, elsewhere] = with_files.attachments.as_slice() else { panic!("two files") };
    assert_eq!(hosted.fetch.as_deref(), Some("F2147483862"));
    assert_eq!((hosted.bytes, hosted.mime.as_deref()), (Some(137_531), Some("image/gif")));
    assert_eq!(hosted.url, None, "a private address is of no use to others");
    assert_eq!(elsewhere.url.as_deref(), Some("https://docs.example.com/d/1"));
}

#[test]
fn forwarded_messages_are_quoted_and_notices_left_out() {
    let (_, shared) = message("message_shared");
    assert_eq!(shared.text, "what of this?\n> Ada\n> ship it\n> on **Monday**");
    assert_eq!(converted("message_join"), []);
}

#[test]
fn reactions_come_as_emoji() {
    let Incoming { key, event, .. } = converted("reaction_added").remove(0);
    assert_eq!(key, "C024BE91L:1360782400.498405:added:thumbsup:U2147483697:1360782804.083113");
    let Event::Reaction { emoji, added, message, .. } = event else { panic!("a reaction") };
    assert_eq!((emoji.as_str(), added, message.as_str()), ("👍", true, "1360782400.498405"));
    let event = converted("reaction_removed").remove(0).event;
    let Event::Reaction { emoji, added, .. } = event else { panic!("a reaction") };
    assert_eq!((emoji.as_str(), added), ("partyparrot", false));
}

#[test]
fn commands_are_actions() {
    let delivery = Delivery::Command(fixture("slash_command"));
    let Incoming { key, event, .. } = converted_with(&delivery, true, false).remove(0);
    assert_eq!(key, "command:13345224609.738474920.8088930838d88f008e0");
    let Event::Action { place, sender, name, value, message } = event else { panic!("an action") };
    assert_eq!((name.as_str(), value), ("/ask", json!("the **weather** & time")));
    assert_eq!((place.kind, place.title.as_deref()), (ConversationKind::Channel, Some("#test")));
    assert_eq!((sender.id.as_str(), sender.username.as_deref()), ("U2147483697", Some("steve")));
    assert_eq!(message, None);
}

#[test]
fn buttons_menus_and_shortcuts_are_actions() {
    let delivery = Delivery::Interactive(fixture("block_actions"));
    let events = converted_with(&delivery, true, false);
    let said: Vec<(String, Value)> = events
        .iter()
        .map(|incoming| match &incoming.event {
            Event::Action { name, value, message, place, .. } => {
                assert_eq!(message.as_ref().unwrap().as_str(), "1548261231.000200");
                assert_eq!(place.thread.as_ref().unwrap().as_str(), "1548261231.000200");
                (name.clone(), value.clone())
            }
            other => panic!("an action, not {other:?}"),
        })
        .collect();
    let expected = [("approve", "click_me_123"), ("priority", "high"), ("due", "2026-11-24")];
    assert_eq!(said, expected.map(|(name, value)| (name.to_owned(), json!(value))));
    assert_eq!(events[2].key, "action:12466734323.1395872398:2");

    let delivery = Delivery::Interactive(fixture("message_action"));
    let event = converted_with(&delivery, true, false).remove(0).event;
    let Event::Action { name, value, place, .. } = event else { panic!("an action") };
    assert_eq!((name.as_str(), value), ("summarise", json!("a **long** story")));
    assert_eq!(place.kind, ConversationKind::Direct);
}

#[test]
fn a_place_in_the_stream_survives_its_cursor() {
    for name in ["message_im", "message_channel", "message_mpim"] {
        let seen = converted(name).remove(0).seen.unwrap();
        assert_eq!(Seen::from_cursor(&seen.cursor()), Some(seen));
    }
}

#[test]
fn rubbish_is_no_event() {
    for payload in [json!(null), json!({"event": 7}), json!({"event": {"type": "message"}})] {
        let deliveries = [Delivery::Event(payload.clone()), Delivery::Command(payload.clone())];
        for delivery in deliveries.into_iter().chain([Delivery::Interactive(payload)]) {
            assert_eq!(converted_with(&delivery, true, false), [], "{delivery:?}");
            let _ = wanted(&delivery);
        }
    }
}
