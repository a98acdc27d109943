//! Things to do, and the calls they become; parameters as the documentation names them.

use super::{Call, plan};
use jackfield_plugin_api::{
    SendError,
    attachment::Attachment,
    outbound::{Outbound, Target},
    serde_json::{Value, json},
};

fn to(conversation: &str, thread: Option<&str>) -> Target {
    Target {
        account: "default".into(),
        conversation: conversation.into(),
        kind: None,
        thread: thread.map(Into::into),
    }
}

fn message(text: &str, attachments: Vec<Attachment>) -> Outbound {
    Outbound::Message {
        to: to("-1001", Some("5")),
        text: text.to_owned(),
        attachments,
        reply_to: Some("9".into()),
        silent: true,
    }
}

fn calls(body: Outbound) -> Vec<Call> {
    plan(body, false).unwrap()
}

fn only(body: Outbound) -> (&'static str, Value) {
    let mut calls = calls(body);
    assert_eq!(calls.len(), 1, "{calls:?}");
    let call = calls.remove(0);
    (call.method, Value::Object(call.params))
}

fn refused(body: Outbound) -> SendError {
    plan(body, false).unwrap_err()
}

fn at(path: &str, mime: &str) -> Attachment {
    Attachment { path: Some(path.into()), mime: Some(mime.into()), ..Attachment::default() }
}

#[test]
fn a_message_goes_where_and_how_it_should() {
    let call = calls(message("**tea** is ready", vec![])).remove(0);
    assert_eq!(call.method, "sendMessage");
    let common = json!({
        "chat_id": -1001, "message_thread_id": 5, "disable_notification": true,
        "link_preview_options": {"is_disabled": true},
        "reply_parameters": {"message_id": 9, "allow_sending_without_reply": true},
    });
    let with = |more: Value| {
        let mut all = common.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        all
    };
    let marked = json!({"text": "<b>tea</b> is ready", "parse_mode": "HTML"});
    assert_eq!(call.params, with(marked));
    assert_eq!(call.plain, Some(with(json!({"text": "tea is ready"}))));
    assert!(!call.repeatable, "saying it twice is saying it twice");
}

#[test]
fn the_general_topic_is_named_for_typing_alone() {
    let body = Outbound::Message {
        to: to("-1001", Some("1")),
        text: "hi".to_owned(),
        attachments: vec![],
        reply_to: None,
        silent: false,
    };
    assert_eq!(only(body).1.get("message_thread_id"), None);
    let (method, params) = only(Outbound::Typing { to: to("-1001", Some("1")), on: true });
    assert_eq!(method, "sendChatAction");
    assert_eq!(params, json!({"chat_id": -1001, "message_thread_id": 1, "action": "typing"}));
    let off = Outbound::Typing { to: to("-1001", None), on: false };
    assert_eq!(calls(off), [], "it ends by itself");
}

#[test]
fn markup_that_outgrows_a_message_is_cut_again() {
    let table = format!("| {} | b |\n|---|---|\n{}", "a".repeat(100), "| x | y |\n".repeat(60));
    let calls = calls(message(&table, vec![]));
    assert_eq!(calls.len(), 2);
    assert!(calls[0].params.contains_key("reply_parameters"));
    assert!(!calls[1].params.contains_key("reply_parameters"), "only the beginning answers");
    let edit = Outbound::Edit { to: to("1", None), message: "3".into(), text: table.clone() };
    let (_, params) = only(edit);
    assert_eq!((&params["text"], params.get("parse_mode")), (&json!(table), None));
    let endless = Outbound::Edit { to: to("1", None), message: "3".into(), text: "a".repeat(5000) };
    assert_eq!(refused(endless).code, "too_long");
}

#[test]
fn edits_deletions_and_reactions_name_their_message() {
    let edit = Outbound::Edit { to: to("42", None), message: "3".into(), text: "*new*".into() };
    let (method, params) = only(edit);
    assert_eq!(method, "editMessageText");
    assert_eq!(
        params,
        json!({"chat_id": 42, "message_id": 3, "text": "<i>new</i>", "parse_mode": "HTML",
               "link_preview_options": {"is_disabled": true}})
    );
    let delete = Outbound::Delete { to: to("42", None), message: "3".into() };
    assert_eq!(only(delete), ("deleteMessage", json!({"chat_id": 42, "message_id": 3})));
    let react = |emoji: &str, added: bool| {
        let emoji = emoji.to_owned();
        only(Outbound::React { to: to("42", None), message: "3".into(), emoji, added }).1
    };
    assert_eq!(react("❤️", true)["reaction"], json!([{"type": "emoji", "emoji": "❤"}]));
    let custom = json!([{"type": "custom_emoji", "custom_emoji_id": "5368"}]);
    assert_eq!(react("5368", true)["reaction"], custom);
    assert_eq!(react("❤️", false)["reaction"], json!([]));
}

#[test]
fn files_alone_by_their_kind() {
    for (mime, method, field) in [
        ("image/png", "sendPhoto", "photo"),
        ("image/gif", "sendAnimation", "animation"),
        ("video/mp4", "sendVideo", "video"),
        ("audio/mpeg", "sendAudio", "audio"),
        ("audio/ogg; codecs=opus", "sendVoice", "voice"),
        ("image/svg+xml", "sendDocument", "document"),
        ("application/pdf", "sendDocument", "document"),
    ] {
        let calls = calls(message("words", vec![at("/spool/a", mime)]));
        assert_eq!((calls.len(), calls[0].method), (1, method), "{mime}");
        assert_eq!(calls[0].uploads[0].field, field, "{mime}");
        assert_eq!(calls[0].params["caption"], "words");
        assert_eq!(calls[0].params["message_thread_id"], 5);
    }
    let named =
        Attachment { url: Some("https://e.org/cup.JPG?x=1".into()), ..Attachment::default() };
    let (method, params) = only(message("", vec![named]));
    assert_eq!((method, &params["photo"]), ("sendPhoto", &json!("https://e.org/cup.JPG?x=1")));
    let large = Attachment { bytes: Some(11 << 20), ..at("/spool/a", "image/png") };
    assert_eq!(only(message("", vec![large])).0, "sendDocument", "too large for a picture");
}

#[test]
fn a_picture_may_have_to_go_as_a_file() {
    let call = calls(message("words", vec![at("/spool/a.png", "image/png")])).remove(0);
    let file = call.as_document.unwrap();
    assert_eq!((file.method, file.uploads[0].field.as_str()), ("sendDocument", "document"));
    assert_eq!(file.params["caption"], "words");
}

#[test]
fn files_that_belong_together_are_an_album() {
    let photo = || at("/spool/a.png", "image/png");
    let address = Attachment { url: Some("https://e.org/b.mp4".into()), ..Attachment::default() };
    let calls = calls(message("*look*", vec![photo(), address, photo()]));
    assert_eq!((calls.len(), calls[0].method), (1, "sendMediaGroup"));
    assert_eq!(
        calls[0].params["media"],
        json!([
            {"type": "photo", "media": "attach://file0", "caption": "<i>look</i>", "parse_mode": "HTML"},
            {"type": "video", "media": "https://e.org/b.mp4", "supports_streaming": true},
            {"type": "photo", "media": "attach://file2"},
        ])
    );
    let fields: Vec<_> = calls[0].uploads.iter().map(|upload| upload.field.as_str()).collect();
    assert_eq!(fields, ["file0", "file2"]);
    assert_eq!(calls[0].plain.as_ref().unwrap()["media"][0]["caption"], "look");
    let files = calls[0].as_document.as_ref().unwrap();
    let kinds: Vec<_> = files.params["media"].as_array().unwrap().iter().collect();
    assert!(kinds.iter().all(|file| file["type"] == "document"), "{kinds:?}");
    assert_eq!(kinds[2]["caption"], "<i>look</i>", "under files the words stand at the end");
    assert_eq!(files.params["reply_parameters"]["message_id"], 9);
}

#[test]
fn a_topic_that_is_gone_is_left_only_where_nothing_is_misplaced() {
    let call = |conversation: &str, reply_to: Option<&str>| {
        let body = Outbound::Message {
            to: to(conversation, Some("5")),
            text: "*tea*".to_owned(),
            attachments: vec![],
            reply_to: reply_to.map(Into::into),
            silent: false,
        };
        calls(body).remove(0)
    };
    let mut direct = call("42", None);
    assert!(direct.leave_topic());
    for params in [&direct.params, direct.plain.as_ref().unwrap()] {
        assert_eq!(params.get("message_thread_id"), None);
    }
    assert!(!direct.leave_topic(), "once");
    assert!(!call("-1001", None).leave_topic(), "it would stand in the general topic");
    let mut answer = call("-1001", Some("9"));
    assert!(answer.leave_topic());
    let reply = json!({"message_id": 9, "allow_sending_without_reply": false});
    assert_eq!(answer.params["reply_parameters"], reply);
    assert!(!answer.answer_nothing(), "nor there");
    let mut answer = call("-1001", Some("9"));
    assert!(answer.answer_nothing());
    assert_eq!(answer.params["message_thread_id"], 5);
    assert_eq!(answer.params.get("reply_parameters"), None);
}

#[test]
fn albums_have_ten_files_and_one_family() {
    let mut files = vec![at("/spool/a.png", "image/png"); 12];
    files.push(at("/spool/a.pdf", "application/pdf"));
    files.push(at("/spool/a.ogg", "audio/ogg"));
    let methods: Vec<_> = calls(message("", files)).iter().map(|call| call.method).collect();
    assert_eq!(methods, ["sendMediaGroup", "sendMediaGroup", "sendDocument", "sendVoice"]);
}

#[test]
fn words_that_do_not_fit_under_a_file_go_before_it() {
    let calls = calls(message(&"tea ".repeat(300), vec![at("/spool/a.png", "image/png")]));
    let methods: Vec<_> = calls.iter().map(|call| call.method).collect();
    assert_eq!(methods, ["sendMessage", "sendPhoto"]);
    assert!(!calls[1].params.contains_key("caption"));
    assert!(!calls[1].params.contains_key("reply_parameters"));
}

#[test]
fn a_poll_keeps_to_the_limits_or_says_which() {
    let poll = |options: usize, choices_max, duration_s| Outbound::Poll {
        to: to("42", None),
        question: "Tea?".to_owned(),
        options: (0..options).map(|n| format!("cup {n}")).collect(),
        choices_max,
        duration_s,
    };
    let (method, params) = only(poll(2, Some(2), Some(60)));
    assert_eq!(method, "sendPoll");
    assert_eq!(
        params,
        json!({"chat_id": 42, "question": "Tea?", "allows_multiple_answers": true,
               "options": [{"text": "cup 0"}, {"text": "cup 1"}], "open_period": 60})
    );
    assert_eq!(only(poll(3, Some(1), None)).1.get("allows_multiple_answers"), None);
    for odd in [poll(1, None, None), poll(13, None, None), poll(2, None, Some(3_000_000))] {
        assert_eq!(refused(odd).code, "bad_poll");
    }
}

#[test]
fn named_actions() {
    let act = |name: &str, params: Value| {
        let to = Some(to("-1001", Some("5")));
        plan(Outbound::Action { to, name: name.to_owned(), params }, false)
    };
    let call = act("pin", json!({"messageId": "3"})).unwrap().remove(0);
    assert_eq!((call.method, &call.params["message_id"]), ("pinChatMessage", &json!(3)));
    let call = act("topic-create", json!({"name": "Green"})).unwrap().remove(0);
    assert_eq!((call.method, &call.params["name"]), ("createForumTopic", &json!("Green")));
    assert!(!call.repeatable);
    let call = act("topic-edit", json!({"name": "Black"})).unwrap().remove(0);
    assert_eq!((call.method, &call.params["message_thread_id"]), ("editForumTopic", &json!(5)));
    assert_eq!(act("unpin", json!({})).unwrap_err().code, "bad_action");
    assert_eq!(act("dance", json!({})).unwrap_err().code, "unsupported");
}

#[test]
fn ids_that_are_none_are_refused() {
    let text =
        |conversation: &str, thread: Option<&str>, reply_to: Option<&str>| Outbound::Message {
            to: to(conversation, thread),
            text: "hi".to_owned(),
            attachments: vec![],
            reply_to: reply_to.map(Into::into),
            silent: false,
        };
    assert_eq!(only(text("@tea_news", None, None)).1["chat_id"], "@tea_news");
    for (conversation, thread, reply_to, code) in [
        ("ada", None, None, "unknown_conversation"),
        ("@", None, None, "unknown_conversation"),
        ("42", Some("general"), None, "unknown_thread"),
        ("42", None, Some("first"), "unknown_message"),
    ] {
        assert_eq!(refused(text(conversation, thread, reply_to)).code, code);
    }
    assert_eq!(refused(message(" ", vec![])).code, "empty");
    for url in ["file:///etc/passwd", "ftp://e.org/a"] {
        let file = Attachment { url: Some(url.into()), ..Attachment::default() };
        assert_eq!(refused(message("", vec![file])).code, "bad_file", "{url}");
    }
    assert_eq!(refused(Outbound::Unknown).code, "unsupported");
}
