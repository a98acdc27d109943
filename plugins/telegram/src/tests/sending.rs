//! Sending: what each answer of the server makes of an attempt.

use super::{
    Plugin, connected,
    stub::{Reply, Stub, TOKEN},
};
use jackfield_plugin_api::{
    Outgoing, SendError,
    attachment::Attachment,
    error::FailureClass,
    fetch::Fetch,
    outbound::{Outbound, Target},
    serde_json::{Value, json},
    testing::{run, text_to},
};
use std::time::Duration;

fn to(conversation: &str) -> Target {
    Target {
        account: "default".into(),
        conversation: conversation.into(),
        kind: None,
        thread: None,
    }
}

fn with_files(text: &str, attachments: Vec<Attachment>) -> Outbound {
    Outbound::Message {
        to: to("42"),
        text: text.to_owned(),
        attachments,
        reply_to: None,
        silent: false,
    }
}

async fn failing(stub: &Stub, host: &mut Plugin, reply: Reply) -> SendError {
    stub.reply("sendMessage", reply);
    host.send(text_to("42", "tea")).await.unwrap_err()
}

#[test]
fn a_receipt_is_the_platforms() {
    run(async {
        let (stub, mut host) = connected().await;
        let receipt = host.send(text_to("42", "**tea**")).await.unwrap();
        assert_eq!((receipt.message, receipt.conversation), (Some("1".into()), Some("42".into())));
        assert_eq!(stub.seen("sendMessage")[0].params["text"], "<b>tea</b>");
        let question = "Tea?".to_owned();
        let options = vec!["yes".to_owned(), "no".to_owned()];
        let poll =
            Outbound::Poll { to: to("42"), question, options, choices_max: None, duration_s: None };
        assert_eq!(host.send(poll).await.unwrap().extra, json!({"pollId": "poll-1"}));
        let elsewhere = Target { account: "nobody".into(), ..to("42") };
        let typing = Outbound::Typing { to: elsewhere, on: true };
        assert_eq!(host.send(typing).await.unwrap_err().code, "unknown_account");
    });
}

#[test]
fn markup_that_is_not_understood_goes_as_plain_words() {
    run(async {
        let (stub, mut host) = connected().await;
        stub.refuse("sendMessage", 400, "Bad Request: can't parse entities: odd tag", Value::Null);
        host.send(text_to("42", "**tea**")).await.unwrap();
        let seen = stub.seen("sendMessage");
        assert_eq!(
            (&seen[1].params["text"], seen[1].params.get("parse_mode")),
            (&json!("tea"), None)
        );
    });
}

#[test]
fn answers_say_what_may_be_done() {
    run(async {
        let (stub, mut host) = connected().await;
        let limited = json!({"ok": false, "error_code": 429, "description": "Too Many Requests",
                             "parameters": {"retry_after": 7}});
        let error = failing(&stub, &mut host, Reply::Json(429, limited)).await;
        assert_eq!((error.class, error.retry_after_ms), (FailureClass::Retryable, Some(7000)));
        let error = failing(&stub, &mut host, Reply::Cut).await;
        assert_eq!(error.class, FailureClass::Uncertain, "{error}");
        let error = failing(&stub, &mut host, Reply::Raw(502, b"<html>".to_vec())).await;
        assert_eq!(error.class, FailureClass::Uncertain, "{error}");
        let error = failing(&stub, &mut host, Reply::Raw(200, b"garbage".to_vec())).await;
        assert_eq!(error.class, FailureClass::Uncertain, "{error}");
        let blocked = json!({"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"});
        let error = failing(&stub, &mut host, Reply::Json(403, blocked)).await;
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Permanent, "blocked"));
        assert_eq!(stub.seen("sendMessage").len(), 5, "the plugin itself tries nothing twice");

        let nowhere = json!({"bot_token": TOKEN, "api_base": "http://127.0.0.1:1"});
        let mut lost = Plugin::start(nowhere).await;
        let error = lost.send(text_to("42", "tea")).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Retryable, "unreachable"));
        assert!(!error.text.contains("secret-part"), "{error}");
    });
}

#[test]
fn a_server_that_never_answers_leaves_the_outcome_open() {
    run(async {
        let (stub, mut host) = connected().await;
        // It reads nothing: the request is on its way, and no answer comes.
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", silent.local_addr().unwrap());
        let mut lost = Plugin::start(json!({"bot_token": TOKEN, "api_base": base})).await;
        let attempt = |body| Outgoing {
            body,
            idem_key: "k".to_owned(),
            attempt: 1,
            timeout: Duration::from_millis(900),
        };
        let seq = lost.dispatch(attempt(text_to("42", "tea"))).await;
        assert_eq!(lost.outcome(seq).await.unwrap_err().class, FailureClass::Uncertain);
        let delete = Outbound::Delete { to: to("42"), message: "1".into() };
        let seq = lost.dispatch(attempt(delete)).await;
        let error = lost.outcome(seq).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Retryable, "deleting twice is deleting once");
        host.send(text_to("42", "unharmed")).await.unwrap();
        assert_eq!(stub.seen("sendMessage").len(), 1);
    });
}

#[test]
fn edits_and_deletions_that_change_nothing_are_done() {
    run(async {
        let (stub, mut host) = connected().await;
        let edit = || Outbound::Edit { to: to("42"), message: "9".into(), text: "*same*".into() };
        stub.refuse("editMessageText", 400, "Bad Request: message is not modified: x", Value::Null);
        assert_eq!(host.send(edit()).await.unwrap().message, Some("9".into()));
        stub.refuse(
            "editMessageText",
            400,
            "Bad Request: there is no text in the message to edit",
            Value::Null,
        );
        host.send(edit()).await.unwrap();
        let caption = stub.seen("editMessageCaption").remove(0).params;
        assert_eq!(
            caption,
            json!({"chat_id": 42, "message_id": 9, "caption": "<i>same</i>", "parse_mode": "HTML"})
        );
        stub.refuse("deleteMessage", 400, "Bad Request: message to delete not found", Value::Null);
        let delete = Outbound::Delete { to: to("42"), message: "9".into() };
        host.send(delete).await.unwrap();
    });
}

#[test]
fn a_group_that_moved_is_followed() {
    run(async {
        let (stub, mut host) = connected().await;
        let moved = json!({"migrate_to_chat_id": -100_500});
        stub.refuse("sendMessage", 400, "Bad Request: group chat was upgraded", moved);
        let receipt = host.send(text_to("-5", "tea")).await.unwrap();
        assert_eq!(receipt.conversation, Some("-100500".into()));
        assert_eq!(stub.seen("sendMessage")[1].params["chat_id"], -100_500);
    });
}

#[test]
fn a_topic_or_a_message_that_is_gone_costs_no_answer() {
    run(async {
        let (stub, mut host) = connected().await;
        let answer = |conversation: &str| Outbound::Message {
            to: Target { thread: Some("5".into()), ..to(conversation) },
            text: "tea".to_owned(),
            attachments: vec![],
            reply_to: Some("9".into()),
            silent: false,
        };
        let no_topic = "Bad Request: message thread not found";
        let no_answered = "Bad Request: message to be replied not found";
        stub.refuse("sendMessage", 400, no_topic, Value::Null);
        stub.refuse("sendMessage", 400, no_answered, Value::Null);
        host.send(answer("42")).await.unwrap();
        let last = stub.seen("sendMessage").pop().unwrap().params;
        assert_eq!((last.get("message_thread_id"), last.get("reply_parameters")), (None, None));
        stub.refuse("sendMessage", 400, no_topic, Value::Null);
        stub.refuse("sendMessage", 400, no_answered, Value::Null);
        let error = host.send(answer("-100")).await.unwrap_err();
        assert_eq!(error.code, "unknown_message", "not into another topic: {error}");
        assert_eq!(stub.seen("sendMessage").len(), 5);
    });
}

#[test]
fn what_is_not_taken_as_it_is_goes_as_a_file() {
    run(async {
        let (stub, mut host) = connected().await;
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, name).unwrap();
            Attachment { path: path.to_str().map(str::to_owned), ..Attachment::default() }
        };
        let forbidden = "Bad Request: VOICE_MESSAGES_FORBIDDEN";
        stub.refuse("sendVoice", 400, forbidden, Value::Null);
        host.send(with_files("listen", vec![file("tea.ogg")])).await.unwrap();
        assert!(stub.seen("sendDocument")[0].body.contains("filename=\"tea.ogg\""));
        let odd = "Bad Request: PHOTO_INVALID_DIMENSIONS";
        stub.refuse("sendMediaGroup", 400, odd, Value::Null);
        host.send(with_files("", vec![file("a.png"), file("b.png")])).await.unwrap();
        let albums = stub.seen("sendMediaGroup");
        assert!(albums[0].body.contains(r#""type":"photo""#));
        assert!(
            albums[1].body.contains(r#""type":"document""#) && !albums[1].body.contains("photo")
        );
    });
}

#[test]
fn a_proxy_leads_to_the_server() {
    run(async {
        // What is asked of a proxy names the whole address; the stub answers it like its own.
        let proxy = Stub::start().await;
        let table = json!({
            "bot_token": TOKEN, "api_base": "http://telegram.invalid",
            "proxy": format!("http://127.0.0.1:{}", proxy.port),
        });
        let mut host = Plugin::start(table).await;
        host.link(jackfield_plugin_api::link::LinkState::Connected).await;
        host.send(text_to("42", "tea")).await.unwrap();
        assert_eq!(proxy.seen("sendMessage").len(), 1);
    });
}

#[test]
fn files_are_streamed_and_a_picture_may_go_as_a_file() {
    run(async {
        let (stub, mut host) = connected().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool-17");
        std::fs::write(&path, "the bytes of a cup").unwrap();
        let file = Attachment {
            path: Some(path.to_str().unwrap().to_owned()),
            name: Some("cup.png".to_owned()),
            mime: Some("image/png".to_owned()),
            ..Attachment::default()
        };
        stub.refuse("sendPhoto", 400, "Bad Request: PHOTO_INVALID_DIMENSIONS", Value::Null);
        host.send(with_files("a *cup*", vec![file.clone()])).await.unwrap();
        let body = stub.seen("sendDocument").remove(0).body;
        for part in ["the bytes of a cup", "filename=\"cup.png\"", "a <i>cup</i>", "image/png"] {
            assert!(body.contains(part), "no {part} in {body}");
        }
        let receipt = host.send(with_files("", vec![file.clone(), file])).await.unwrap();
        assert_eq!(receipt.parts, ["2".into(), "3".into()]);
        assert!(stub.seen("sendMediaGroup")[0].body.contains("attach://file1"));

        let gone = Attachment { path: Some("/nowhere/at/all.pdf".into()), ..Attachment::default() };
        let error = host.send(with_files("", vec![gone])).await.unwrap_err();
        assert_eq!(
            (error.class, error.code.as_str()),
            (FailureClass::Permanent, "file_unreadable")
        );
    });
}

#[test]
fn a_message_of_several_parts_goes_on_where_it_stopped() {
    run(async {
        let (stub, mut host) = connected().await;
        let long = with_files(
            &"tea ".repeat(400),
            vec![Attachment { url: Some("https://e.org/cup.png".into()), ..Attachment::default() }],
        );
        let attempt = |attempt| Outgoing {
            body: long.clone(),
            idem_key: "long".to_owned(),
            attempt,
            timeout: Duration::from_secs(5),
        };
        let wait = json!({"retry_after": 1});
        stub.refuse("sendPhoto", 429, "Too Many Requests: retry after 1", wait);
        let seq = host.dispatch(attempt(1)).await;
        let error = host.outcome(seq).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Retryable);
        assert!(error.text.starts_with("part 2 of 2"), "{error}");
        let seq = host.dispatch(attempt(2)).await;
        let receipt = host.outcome(seq).await.unwrap();
        assert_eq!(receipt.parts, ["1".into(), "2".into()]);
        assert_eq!(stub.seen("sendMessage").len(), 1, "the first part went out once");

        // A later life cannot know what an earlier one did.
        let mut next = Plugin::start(stub.table(json!({}))).await;
        let seq = next.dispatch(attempt(3)).await;
        assert_eq!(next.outcome(seq).await.unwrap_err().class, FailureClass::Uncertain);
        assert_eq!(stub.seen("sendMessage").len(), 1);
    });
}

fn fetch(folder: &tempfile::TempDir, name: &str, bytes_max: u64) -> Fetch {
    let path = folder.path().join(name).to_str().unwrap().to_owned();
    Fetch { account: "default".into(), handle: "doc".to_owned(), path, bytes_max }
}

#[test]
fn a_file_is_fetched_up_to_the_limit() {
    run(async {
        let (stub, mut host) = connected().await;
        let folder = tempfile::tempdir().unwrap();
        let found = |result: Value| Reply::Json(200, json!({"ok": true, "result": result}));
        let there = || found(json!({"file_id": "doc", "file_path": "documents/tea.pdf"}));
        stub.reply("getFile", there());
        stub.reply("tea.pdf", Reply::Raw(200, b"0123456789".to_vec()));
        let fetched = host.fetch(fetch(&folder, "a", 10)).await.unwrap();
        assert_eq!(fetched.bytes, 10);
        assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), b"0123456789");

        stub.reply("getFile", there());
        stub.reply("tea.pdf", Reply::Raw(200, b"0123456789".to_vec()));
        let error = host.fetch(fetch(&folder, "b", 9)).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Permanent, "too_large"));
        stub.reply("getFile", found(json!({"file_size": 99, "file_path": "documents/tea.pdf"})));
        assert_eq!(host.fetch(fetch(&folder, "c", 9)).await.unwrap_err().code, "too_large");
        stub.refuse("getFile", 400, "Bad Request: file is too big", Value::Null);
        assert_eq!(host.fetch(fetch(&folder, "d", 9)).await.unwrap_err().code, "too_large");
        stub.reply("getFile", there());
        stub.reply("tea.pdf", Reply::Raw(404, Vec::new()));
        let error = host.fetch(fetch(&folder, "e", 9)).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Retryable);
    });
}

#[test]
fn a_local_servers_files_are_read_below_one_folder_only() {
    run(async {
        let stub = Stub::start().await;
        let (shared, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let inside = shared.path().join("tea.pdf");
        std::fs::write(&inside, "tea").unwrap();
        std::fs::write(other.path().join("secret"), "secret").unwrap();
        let link = shared.path().join("link");
        std::os::unix::fs::symlink(other.path().join("secret"), &link).unwrap();
        let is_at = |path: &std::path::Path| {
            let result = json!({"file_path": path.to_str().unwrap()});
            stub.reply("getFile", Reply::Json(200, json!({"ok": true, "result": result})));
        };
        let target = tempfile::tempdir().unwrap();
        let folder = json!({"local_files": shared.path().to_str().unwrap()});
        let mut host = Plugin::start(stub.table(folder)).await;
        is_at(&inside);
        assert_eq!(host.fetch(fetch(&target, "a", 99)).await.unwrap().bytes, 3);
        for (name, path) in [
            ("b", other.path().join("secret")),
            ("c", shared.path().join("../").join(other.path().file_name().unwrap()).join("secret")),
            ("d", link),
            ("e", shared.path().join("gone")),
        ] {
            is_at(&path);
            let error = host.fetch(fetch(&target, name, 99)).await.unwrap_err();
            assert_eq!(error.code, "not_allowed", "{}: {error}", path.display());
            assert!(!target.path().join(name).exists());
        }
        let mut closed = Plugin::start(stub.table(json!({}))).await;
        is_at(&inside);
        let error = closed.fetch(fetch(&target, "f", 99)).await.unwrap_err();
        assert!(error.text.contains("local_files"), "{error}");
    });
}
