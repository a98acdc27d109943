//! What goes out: where to, how often, and what is said of attempts that went wrong.

use super::{
    Plugin, logged_in,
    stub::{ADA, CHANNEL, GUILD, Reply},
};
use jackfield_plugin_api::{
    Outgoing,
    attachment::Attachment,
    error::FailureClass,
    event::ConversationKind,
    fetch::Reconciled,
    outbound::{Outbound, Target},
    serde_json::{Value, json},
    testing::run,
};
use std::time::Duration;

pub(super) fn to(conversation: &str) -> Target {
    Target {
        account: "default".into(),
        conversation: conversation.into(),
        kind: None,
        thread: None,
    }
}

pub(super) fn message(conversation: &str, text: &str) -> Outbound {
    let text = text.to_owned();
    let to = to(conversation);
    Outbound::Message { to, text, attachments: vec![], reply_to: None, silent: false }
}

pub(super) fn attempt(body: Outbound, key: &str, attempt: u32) -> Outgoing {
    Outgoing { body, idem_key: key.to_owned(), attempt, timeout: Duration::from_secs(2) }
}

pub(super) async fn made(
    host: &mut Plugin,
    out: &Outgoing,
) -> Result<jackfield_plugin_api::outbound::Receipt, jackfield_plugin_api::SendError> {
    let seq = host.dispatch(out.clone()).await;
    host.outcome(seq).await
}

pub(super) fn contents(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["content"].as_str().unwrap()).collect()
}

#[test]
fn a_lost_answer_is_uncertain_and_asking_again_makes_no_second_message() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        stub.rule(&format!("POST channels/{CHANNEL}/messages"), 1, Reply::Silence);
        let out = attempt(message(CHANNEL, "once"), "key", 1);
        let error = made(&mut host, &out).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Uncertain, "no_answer"));
        let Reconciled::Sent(receipt) = host.reconcile(out).await else { panic!("it went out") };
        let [sent] = &stub.messages(CHANNEL)[..] else { panic!("one message") };
        assert_eq!(receipt.message.unwrap().as_str(), sent["id"]);
    });
}

#[test]
fn a_send_of_several_parts_goes_on_where_it_stopped() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        let long = format!("{}\n{}\n{}", "a".repeat(1900), "b".repeat(1900), "c".repeat(1900));
        let call = format!("POST channels/{CHANNEL}/messages");
        let mut out = attempt(message(CHANNEL, &long), "key", 1);
        // The second part meets a limit that it waits for no longer.
        let limited = Reply::Status(
            429,
            vec![
                ("retry-after", "1"),
                ("x-ratelimit-bucket", "b"),
                ("x-ratelimit-scope", "shared"),
            ],
            json!({"message": "You are being rate limited.", "retry_after": 1.0}),
        );
        let first = json!({"id": "1", "channel_id": CHANNEL});
        stub.rule(&call, 1, Reply::Status(200, vec![], first));
        stub.rule(&call, 1, limited);
        let error = made(&mut host, &out).await.unwrap_err();
        assert_eq!((error.class, error.retry_after_ms), (FailureClass::Retryable, Some(1000)));
        assert!(error.text.starts_with("after 1 of 3 parts"), "{error}");
        out.attempt = 2;
        out.timeout = Duration::from_secs(8);
        let receipt = made(&mut host, &out).await.unwrap();
        assert_eq!(receipt.parts.len(), 3);
        assert_eq!(receipt.parts[0].as_str(), "1", "the first part is not sent again");
        assert_eq!(contents(&stub.messages(CHANNEL)), ["b".repeat(1900), "c".repeat(1900)]);
    });
}

#[test]
fn long_limits_are_the_gateways_to_wait_for() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        let global = Reply::Status(
            429,
            vec![("retry-after", "3600"), ("x-ratelimit-global", "true")],
            json!({"retry_after": 3600.0, "global": true}),
        );
        stub.rule("POST channels", 1, global);
        let error = host.send(message(CHANNEL, "x")).await.unwrap_err();
        assert_eq!((error.class, error.retry_after_ms), (FailureClass::Retryable, Some(3_600_000)));
        let error = host.send(message(CHANNEL, "y")).await.unwrap_err();
        assert_eq!(error.code, "rate_limited");
        assert_eq!(stub.calls("POST channels").len(), 1, "Discord is left alone");
    });
}

#[test]
fn refusals_are_final_and_faults_of_discords_are_uncertain() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        let forbidden = json!({"code": 50_013, "message": "Missing Permissions"});
        stub.rule("POST channels", 1, Reply::Status(403, vec![], forbidden));
        let error = host.send(message(CHANNEL, "x")).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Permanent, "forbidden"));
        stub.rule("POST channels", 1, Reply::Status(502, vec![], Value::Null));
        let error = host.send(message(CHANNEL, "x")).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Uncertain, "server_fault"));
        let error = host.send(message("general", "x")).await.unwrap_err();
        assert_eq!(error.code, "unknown_conversation");
        let mut other = to(CHANNEL);
        other.account = "nobody".into();
        let typing = Outbound::Typing { to: other, on: true };
        assert_eq!(host.send(typing).await.unwrap_err().code, "unknown_account");
    });
}

#[test]
fn a_rejected_token_is_not_tried_with_every_message() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        let rejected = json!({"code": 0, "message": "401: Unauthorized"});
        stub.rule("POST channels", 9, Reply::Status(401, vec![], rejected));
        for _ in 0..3 {
            let error = host.send(message(CHANNEL, "x")).await.unwrap_err();
            assert_eq!(
                (error.class, error.code.as_str()),
                (FailureClass::Retryable, "unauthorized")
            );
        }
        assert_eq!(stub.calls("POST channels").len(), 1, "Discord locks out who goes on");
    });
}

#[test]
fn a_person_is_written_to_in_their_direct_chat() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        let receipt = host.send(message(&format!("user:{ADA}"), "hi")).await.unwrap();
        assert_eq!(receipt.conversation.unwrap().as_str(), "700000000000000001");
        let mut direct = to(ADA);
        direct.kind = Some(ConversationKind::Direct);
        let typing = Outbound::Typing { to: direct, on: true };
        host.send(typing).await.unwrap();
        stub.called("POST channels/700000000000000001/typing").await;
        assert_eq!(stub.calls("POST users/@me/channels").len(), 1, "the chat is remembered");
    });
}

#[test]
fn a_forum_gets_a_post_and_a_sleeping_thread_is_woken() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        stub.note_channel(json!({"id": "88", "type": 15, "guild_id": GUILD, "name": "help"}));
        let receipt = host.send(message("88", "# A question\nand words")).await.unwrap();
        assert_eq!(receipt.conversation.unwrap().as_str(), stub.posts()[0]["id"]);
        let post = stub.called("POST channels/88/threads").await;
        assert_eq!(post.body["name"], "A question");
        let asleep = json!({"code": 50_083, "message": "Thread is archived"});
        stub.rule("PUT channels/88/messages/5/reactions", 1, Reply::Status(400, vec![], asleep));
        let to = to("88");
        let react = Outbound::React { to, message: "5".into(), emoji: "👍".into(), added: true };
        host.send(react).await.unwrap();
        assert_eq!(stub.called("PATCH channels/88").await.body, json!({"archived": false}));
        assert_eq!(stub.calls("PUT channels/88/messages/5/reactions").len(), 2);
    });
}

#[test]
fn files_go_as_a_form_and_edits_that_outgrow_a_message_go_on_behind_it() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        let path = std::env::temp_dir().join(format!("jackfield-note-{}", std::process::id()));
        std::fs::write(&path, "the note").unwrap();
        let file = Attachment {
            path: Some(path.to_str().unwrap().to_owned()),
            name: Some("note.txt".to_owned()),
            mime: Some("text/plain".to_owned()),
            ..Attachment::default()
        };
        let body = Outbound::Message {
            to: to(CHANNEL),
            text: "see".to_owned(),
            attachments: vec![file],
            reply_to: Some("5".into()),
            silent: true,
        };
        let receipt = host.send(body).await.unwrap();
        std::fs::remove_file(path).ok();
        let sent = &stub.messages(CHANNEL)[0];
        let form = sent["form"].as_str().unwrap();
        assert!(form.contains("name=\"files[0]\"; filename=\"note.txt\""), "{form}");
        assert!(form.contains("the note") && form.contains("text/plain"), "{form}");
        assert_eq!(sent["message_reference"]["message_id"], "5");
        assert_eq!(sent["flags"], 4100);
        let table = format!("| {} | b |\n|---|---|\n| c | d |", "a".repeat(1000));
        let message = receipt.message.clone().unwrap();
        let edit = Outbound::Edit { to: to(CHANNEL), message, text: table.clone() };
        host.send(edit).await.unwrap();
        assert_eq!(contents(&stub.messages(CHANNEL)), [table], "a draft stays one message");
        let long = format!("{}\n{}", "a".repeat(1500), "b".repeat(1500));
        let message = receipt.message.unwrap();
        let edit = Outbound::Edit { to: to(CHANNEL), message: message.clone(), text: long };
        let receipt = host.send(edit).await.unwrap();
        assert_eq!(receipt.parts[0], message);
        assert_eq!(contents(&stub.messages(CHANNEL)), ["a".repeat(1500), "b".repeat(1500)]);
    });
}

#[test]
fn a_reply_that_is_refused_for_being_one_goes_as_a_message() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        let call = format!("POST channels/{CHANNEL}/messages");
        let odd = json!({"code": 50_035, "message": "Invalid Form Body", "errors":
            {"message_reference": {"_errors": [{"message": "Cannot reply to a system message"}]}}});
        let blind = json!({"code": 160_002, "message": "Cannot reply without permission"});
        for body in [odd, blind] {
            stub.rule(&call, 1, Reply::Status(400, vec![], body));
            let Outbound::Message { to, text, .. } = message(CHANNEL, "words") else { panic!() };
            let reply_to = Some("5".into());
            let body = Outbound::Message { to, text, attachments: vec![], reply_to, silent: false };
            host.send(body).await.unwrap();
        }
        let said = stub.messages(CHANNEL);
        assert!(
            said.len() == 2 && said.iter().all(|m| m["message_reference"].is_null()),
            "{said:?}"
        );
    });
}

#[test]
fn a_post_has_the_tag_that_its_forum_wants() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        stub.note_channel(json!({
            "id": "88", "type": 15, "guild_id": GUILD, "name": "help", "flags": 16,
            "available_tags": [
                {"id": "1", "name": "Solved", "moderated": true}, {"id": "2", "name": "Question"},
            ],
        }));
        host.send(message("88", "Why?")).await.unwrap();
        let make = |params| Outbound::Action {
            to: Some(to("88")),
            name: "thread-create".to_owned(),
            params,
        };
        let made = make(json!({"name": "Named", "content": "words", "tag": "solved"}));
        let receipt = host.send(made).await.unwrap();
        assert_eq!(receipt.extra["threadId"], stub.posts()[1]["id"]);
        let posts = stub.calls("POST channels/88/threads");
        let tags: Vec<_> = posts.iter().map(|post| &post.body["applied_tags"]).collect();
        assert_eq!(tags, [&json!(["2"]), &json!(["1"])]);
        assert_eq!(posts[1].body["name"], "Named");
        let error = host.send(make(json!({"name": "n", "content": "c", "tag": "x"}))).await;
        assert_eq!(error.unwrap_err().code, "unknown_tag");
        let error = host.send(make(json!({"name": "n"}))).await;
        assert_eq!(error.unwrap_err().code, "no_content");
        let (question, options) = ("?".to_owned(), vec!["a".to_owned()]);
        let (to, choices_max, duration_s) = (to("88"), None, None);
        let poll = Outbound::Poll { to, question, options, choices_max, duration_s };
        assert_eq!(host.send(poll).await.unwrap_err().code, "no_poll_here");
    });
}

#[test]
fn threads_are_made_and_messages_pinned_by_name() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        let action = |name: &str, params| Outbound::Action {
            to: Some(to(CHANNEL)),
            name: name.to_owned(),
            params,
        };
        let made = action("thread-create", json!({"name": "Side", "messageId": "5"}));
        assert_eq!(host.send(made).await.unwrap().extra["threadId"], "750000000000000001");
        stub.called(&format!("POST channels/{CHANNEL}/messages/5/threads")).await;
        let made = action("thread-create", json!({"name": "Side"}));
        assert_eq!(host.send(made).await.unwrap().extra["threadId"], "750000000000000001");
        let exists = json!({"code": 160_004, "message": "A thread has already been created"});
        let call = format!("POST channels/{CHANNEL}/messages/6/threads");
        stub.rule(&call, 1, Reply::Status(400, vec![], exists));
        let again = action("thread-create", json!({"name": "Side", "messageId": "6"}));
        assert_eq!(host.send(again).await.unwrap().extra["threadId"], "6", "it has that number");
        host.send(action("pin", json!({"messageId": "5"}))).await.unwrap();
        stub.called(&format!("PUT channels/{CHANNEL}/messages/pins/5")).await;
        assert_eq!(host.send(action("pin", json!({}))).await.unwrap_err().code, "no_message");
        assert_eq!(host.send(action("ban", json!({}))).await.unwrap_err().code, "unsupported");
    });
}
