//! Updates as the documentation shows them, and what becomes of each.

use super::{Item, Read, read};
use crate::client::Me;
use jackfield_plugin_api::{
    event::{ConversationKind, Event, InboundMessage},
    serde_json::{self, Value, json, value::RawValue},
};

fn me() -> Me {
    Me { id: 77, username: "jack_bot".to_owned(), can_read_all_group_messages: None }
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn read_value(update: &Value) -> Read {
    let raw = RawValue::from_string(update.to_string()).unwrap();
    read(&raw, &me())
}

fn items(updates: &Value) -> Vec<Item> {
    let list = updates.as_array().cloned().unwrap_or_else(|| vec![updates.clone()]);
    list.iter()
        .flat_map(|update| {
            let read = read_value(update);
            assert_eq!(read.complaint, None, "{update}");
            assert_eq!(read.update_id, update["update_id"].as_i64());
            read.items
        })
        .collect()
}

fn only(name: &str) -> Item {
    let mut items = items(&fixture(name));
    assert_eq!(items.len(), 1, "{name}");
    items.remove(0)
}

fn message(item: &Item) -> &InboundMessage {
    match &item.event {
        Event::Message(message) | Event::Edited(message) => message,
        other => panic!("a message, not {other:?}"),
    }
}

/// A message in a group with this text and these entities.
fn said(text: &str, entities: Value) -> InboundMessage {
    let update = json!({"update_id": 1, "message": {
        "message_id": 1, "date": 1, "text": text, "entities": entities,
        "chat": {"id": -5, "type": "group"}, "from": {"id": 42, "first_name": "Ada"},
    }});
    message(&items(&update)[0]).clone()
}

#[test]
fn a_direct_message() {
    let item = only("direct");
    assert_eq!((item.dedupe_key.as_str(), item.update_id), ("m:42:11", 9001));
    let message = message(&item);
    assert_eq!(message.text, "hello there");
    assert_eq!(message.place.conversation.as_str(), "42");
    assert_eq!(message.place.kind, ConversationKind::Direct);
    assert_eq!((&message.place.thread, &message.reply_to), (&None, &None));
    let sender = &message.sender;
    assert_eq!((sender.id.as_str(), sender.bot, sender.own), ("42", false, false));
    assert_eq!(sender.name.as_deref(), Some("Ada L"));
    assert_eq!(sender.username.as_deref(), Some("ada"));
    assert_eq!(message.sent_at_ms, Some(1_795_551_882_000));
}

#[test]
fn a_mention_is_found_behind_characters_of_two_units() {
    let item = only("mention");
    let message = message(&item);
    assert!(message.mentioned);
    assert_eq!(message.place.kind, ConversationKind::Group);
    assert_eq!(message.place.title.as_deref(), Some("Tea 🫖"));
}

#[test]
fn who_is_addressed() {
    let mention = |text: &str, kind: &str, offset: usize, length: usize| {
        said(text, json!([{"type": kind, "offset": offset, "length": length}]))
    };
    assert!(!mention("@jack_bot_two hi", "mention", 0, 13).mentioned, "another bot's name");
    assert!(!said("I wrote to jack_bot@example.org", json!([])).mentioned, "words are no mention");
    let named = json!([{"type": "text_mention", "offset": 0, "length": 4, "user": {"id": 77}}]);
    assert!(said("Jack tea", named).mentioned);
    let command = mention("/tea@JACK_bot now", "bot_command", 0, 13);
    assert!(command.mentioned);
    assert_eq!(command.text, "/tea now", "our own name is no part of the command");
    assert!(mention("/tea now", "bot_command", 0, 4).mentioned);
    let other = mention("/tea@other_bot now", "bot_command", 0, 14);
    assert!(!other.mentioned);
    assert_eq!(other.text, "/tea@other_bot now");
    assert!(!mention("short", "mention", 3, 40).mentioned, "an entity beyond the end");
}

#[test]
fn addresses_and_code_survive_as_markdown() {
    let entities = json!([
        {"type": "text_link", "offset": 3, "length": 4, "url": "https://example.org/tea"},
        {"type": "bold", "offset": 8, "length": 2},
        {"type": "code", "offset": 11, "length": 4},
        {"type": "pre", "offset": 16, "length": 5, "language": "rust"},
    ]);
    let text = "🫖 here is code\nlet x";
    let expected = "🫖 [here](https://example.org/tea) **is** `code`\n```rust\nlet x\n```";
    assert_eq!(said(text, entities).text, expected);
}

#[test]
fn markup_lies_inside_markup() {
    let marks = |text: &str, marks: &[(&str, usize, usize)]| {
        let entities = marks.iter().map(|(kind, offset, length)| {
            json!({"type": kind, "offset": offset, "length": length, "url": "https://e.org",
                   "user": {"id": 43, "first_name": "Bob"}, "custom_emoji_id": "5"})
        });
        said(text, entities.collect()).text
    };
    let nested = marks("hot tea now", &[("bold", 0, 11), ("italic", 4, 4), ("text_link", 8, 3)]);
    assert_eq!(nested, "**hot *tea* [now](https://e.org)**");
    assert_eq!(marks("no yes", &[("strikethrough", 0, 2)]), "~~no~~ yes");
    assert_eq!(marks("it is Bob", &[("spoiler", 6, 3)]), "it is ||Bob||");
    assert_eq!(marks("ask Bob", &[("text_mention", 4, 3)]), "ask [Bob](tg://user?id=43)");
    assert_eq!(marks("tea 🍵", &[("custom_emoji", 4, 2), ("underline", 0, 3)]), "tea 🍵");
    for kind in ["blockquote", "expandable_blockquote"] {
        let quoted = marks("one\ntwo\nso what", &[(kind, 0, 7), ("bold", 4, 3)]);
        assert_eq!(quoted, "> one\n> **two**\n\nso what");
    }
    assert_eq!(marks("a `b` c", &[("code", 2, 3)]), "a `b` c", "signs of its own");
    assert_eq!(marks("abc", &[("bold", 0, 2), ("italic", 1, 2)]), "**ab**c", "they overlap");
    assert_eq!(marks("  ", &[("bold", 0, 2)]), "  ");
}

#[test]
fn what_is_beside_the_words_costs_no_message() {
    let mut update = fixture("direct");
    let said = update["message"].as_object_mut().unwrap();
    for field in ["entities", "quote", "forward_origin", "external_reply", "poll", "checklist"] {
        said.insert(field.to_owned(), json!("of next year"));
    }
    assert_eq!(message(&items(&update)[0]).text, "hello there");
}

#[test]
fn a_topic_and_its_beginning() {
    let item = only("topic");
    let first = message(&item);
    assert_eq!(first.place.thread, Some("5".into()));
    assert_eq!(first.reply_to, None, "the topic's beginning is nothing that anybody said");
    let mut update = fixture("topic");
    let said = update["message"].as_object_mut().unwrap();
    for field in ["message_thread_id", "is_topic_message", "reply_to_message"] {
        said.remove(field);
    }
    let general = items(&update);
    assert_eq!(message(&general[0]).place.thread, Some("1".into()), "the general topic");
    // An answer there carries the number of its chain, which is no topic.
    let said = update["message"].as_object_mut().unwrap();
    said.insert("message_thread_id".to_owned(), json!(8));
    said.insert("reply_to_message".to_owned(), json!({"message_id": 8, "chat": {"id": -5}}));
    assert_eq!(message(&items(&update)[0]).place.thread, Some("1".into()));
}

#[test]
fn a_topic_that_the_bot_began_does_not_address_it() {
    let mut update = fixture("topic");
    update["message"]["reply_to_message"]["from"] = json!({"id": 77, "is_bot": true});
    assert!(!message(&items(&update)[0]).mentioned);
}

#[test]
fn a_direct_chat_has_topics_where_it_says_so() {
    let mut update = fixture("direct");
    update["message"]["message_thread_id"] = json!(8);
    assert_eq!(message(&items(&update)[0]).place.thread, None, "a chain of replies");
    update["message"]["is_topic_message"] = json!(true);
    assert_eq!(message(&items(&update)[0]).place.thread, Some("8".into()));
}

#[test]
fn an_answer_says_what_it_answers() {
    let answer = |more: Value| {
        let mut update = fixture("direct");
        update["message"].as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        message(&items(&update)[0]).clone()
    };
    let photo = json!([{"file_id": "cup", "width": 9, "height": 9}]);
    let chat = json!({"id": 42, "type": "private"});
    let of_photo =
        answer(json!({"reply_to_message": {"message_id": 5, "chat": chat, "photo": photo}}));
    assert_eq!(of_photo.reply_to.unwrap().text.as_deref(), Some("[photo]"));
    let files: Vec<_> = of_photo.attachments.iter().map(|file| file.fetch.as_deref()).collect();
    assert_eq!(files, [Some("cup")], "who asks about a picture answers it");
    let elsewhere = answer(json!({
        "external_reply": {"origin": {"type": "channel", "chat": {"id": -1007}}, "chat": {"id": -1007},
                           "message_id": 3},
        "quote": {"text": "tea is served", "position": 0},
    }));
    let quote = elsewhere.reply_to.unwrap();
    assert_eq!((quote.message.as_str(), quote.text.as_deref()), ("-1007:3", Some("tea is served")));
    assert_eq!(quote.sender, Some("-1007".into()));
}

#[test]
fn what_is_forwarded_is_not_the_senders_own_word() {
    let forwarded = |origin: Value| {
        let mut update = fixture("direct");
        update["message"]["forward_origin"] = origin;
        message(&items(&update)[0]).text.clone()
    };
    let user =
        json!({"type": "user", "sender_user": {"id": 5, "first_name": "Bob", "last_name": "B"}});
    assert_eq!(forwarded(user), "[forwarded from Bob B]\nhello there");
    let hidden = json!({"type": "hidden_user", "sender_user_name": "B]\n[o"});
    assert_eq!(forwarded(hidden), "[forwarded from B   o]\nhello there");
    let channel =
        json!({"type": "channel", "chat": {"id": -1007, "title": "News"}, "message_id": 3});
    assert_eq!(forwarded(channel.clone()), "[forwarded from News]\nhello there");
    assert_eq!(forwarded(json!({"type": "user"})), "[forwarded]\nhello there");
    let mut update = fixture("direct");
    update["message"]["forward_origin"] = channel;
    update["message"]["is_automatic_forward"] = json!(true);
    assert_eq!(message(&items(&update)[0]).text, "hello there");
    let mut album = fixture("album");
    for part in album.as_array_mut().unwrap() {
        part["message"]["forward_origin"] = json!({"type": "hidden_user", "sender_user_name": "B"});
    }
    let told: Vec<_> = items(&album).iter().map(|item| message(item).text.clone()).collect();
    let said = |text: &str| format!("[forwarded from B]\n{text}");
    assert_eq!(told, [said("look"), String::new(), said("meanwhile"), String::new()], "once");
}

#[test]
fn an_answer_quotes_and_a_chain_of_replies_is_no_topic() {
    let item = only("chain");
    let message = message(&item);
    assert_eq!(message.place.thread, None);
    assert!(message.mentioned, "it answers us");
    let quote = message.reply_to.as_ref().unwrap();
    assert_eq!(quote.message.as_str(), "8");
    assert_eq!(quote.sender, Some("77".into()));
    assert_eq!(quote.text.as_deref(), Some("what the bot"));
}

#[test]
fn an_edit_is_known_apart_from_its_message() {
    let item = only("edited");
    assert_eq!(item.dedupe_key, "e:42:11:1795551890:9005");
    assert!(matches!(&item.event, Event::Edited(edited) if edited.text == "hello where"));
}

#[test]
fn those_who_speak_in_the_name_of_a_chat() {
    let item = only("channel_post");
    let post = message(&item);
    assert_eq!(post.place.kind, ConversationKind::Channel);
    assert_eq!(post.sender.id.as_str(), "-1007");
    let item = only("anonymous");
    let sender = &message(&item).sender;
    assert_eq!((sender.id.as_str(), sender.bot), ("-1001234", false), "not the stand-in bot");
}

#[test]
fn our_own_words_and_other_bots_are_marked() {
    let from = |from: Value| {
        let mut update = fixture("direct");
        update["message"]["from"] = from;
        message(&items(&update)[0]).sender.clone()
    };
    assert!(from(json!({"id": 77, "is_bot": true, "first_name": "Jack"})).own);
    let other = from(json!({"id": 78, "is_bot": true, "first_name": "Jill"}));
    assert!(other.bot && !other.own);
}

#[test]
fn reactions_are_told_one_by_one() {
    let told: Vec<_> = items(&fixture("reaction"))
        .into_iter()
        .map(|item| match item.event {
            Event::Reaction { emoji, added, message, sender, place } => {
                assert_eq!((message.as_str(), sender.id.as_str()), ("12", "42"));
                assert_eq!(place.conversation.as_str(), "-1001234");
                (item.dedupe_key, emoji, added)
            }
            other => panic!("a reaction, not {other:?}"),
        })
        .collect();
    let custom = "5368324170671202286";
    assert_eq!(
        told,
        [
            ("r:-1001234:12:42:1795551888:-👍:9008".to_owned(), "👍".to_owned(), false),
            (format!("r:-1001234:12:42:1795551888:+{custom}:9008"), custom.to_owned(), true),
        ]
    );
}

#[test]
fn a_button_is_an_action() {
    let item = only("button");
    assert_eq!(item.callback.as_deref(), Some("4382bfdwdsb323b2d9"));
    let Event::Action { name, value, message, sender, .. } = &item.event else {
        panic!("an action");
    };
    assert_eq!((name.as_str(), value), ("button", &json!("yes")));
    assert_eq!(message, &Some("16".into()));
    assert_eq!(sender.id.as_str(), "42", "who pressed, not who wrote");
}

#[test]
fn the_messages_of_an_album_name_it() {
    let items = items(&fixture("album"));
    let told: Vec<_> = items
        .iter()
        .map(|item| {
            let message = message(item);
            let file = message.attachments.first().and_then(|file| file.fetch.as_deref());
            (item.album.as_deref(), message.text.as_str(), file)
        })
        .collect();
    let part = |text, file| (Some("g1"), text, Some(file));
    let meanwhile = (None, "meanwhile", None);
    assert_eq!(told, [part("look", "large-1"), part("", "large-2"), meanwhile, part("", "clip")]);
}

#[test]
fn every_kind_of_file() {
    let found: Vec<_> = items(&fixture("files"))
        .iter()
        .map(|item| {
            let message = message(item);
            assert_eq!(message.attachments.len(), 1, "{message:?}");
            let file = message.attachments[0].clone();
            (file.fetch.unwrap(), file.mime.unwrap(), file.name, message.text.clone())
        })
        .collect();
    let row = |id: &str, mime: &str, name: Option<&str>, text: &str| {
        (id.to_owned(), mime.to_owned(), name.map(str::to_owned), text.to_owned())
    };
    assert_eq!(
        found,
        [
            row("doc", "application/pdf", Some("tea.pdf"), ""),
            row("gif", "video/mp4", None, ""),
            row("voice", "audio/ogg", None, ""),
            row("song", "audio/mpeg", Some("tea.mp3"), ""),
            row("round", "video/mp4", None, ""),
            row("cup", "video/webm", None, "[sticker 🍵]"),
        ]
    );
}

#[test]
fn what_has_no_text_is_put_into_words() {
    let texts: Vec<_> =
        items(&fixture("described")).iter().map(|item| message(item).text.clone()).collect();
    assert_eq!(
        texts,
        [
            "[location: 52.5, 13.25]",
            "[place: Tea House, Leaf Lane 1]",
            "[contact: Bob +4930123]",
            "[poll: Tea? (yes / no)]",
            "[dice: 🎲 6]",
            "[checklist: Tea (☑ boil / ☐ pour)]",
            "[game: Go]",
            "[invoice: Tea]",
            "[story]",
            "[paid media]",
        ]
    );
}

#[test]
fn what_nobody_said_is_passed_over() {
    assert_eq!(items(&fixture("silent")), []);
}

#[test]
fn an_update_that_cannot_be_read_still_has_its_number() {
    let read = read_value(&json!({"update_id": 7, "message": {"message_id": "no number"}}));
    assert_eq!((read.update_id, read.items.len()), (Some(7), 0));
    assert!(read.complaint.is_some());
    let read = read_value(&json!("no update at all"));
    assert_eq!(read.update_id, None);
    assert!(read.complaint.is_some());
}
