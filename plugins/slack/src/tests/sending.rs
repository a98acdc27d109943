//! What goes out: forms, receipts, and the class of every failure.

use super::slack::{Answer, BOT_TOKEN, Call, FakeSlack, Quick};
use jackfield_plugin_api::{
    Outgoing, SendError,
    error::FailureClass::{self, Permanent, Retryable, Uncertain},
    fetch::Reconciled,
    link::LinkState,
    outbound::{Outbound, Receipt, Target},
    serde_json::{self, Value, json},
    testing::{FakeHost, run, text_to},
};
use std::time::Duration;

pub(super) async fn started() -> (FakeSlack, FakeHost<Quick>) {
    let slack = FakeSlack::start().await;
    let table = slack.table(json!({ "signing_secret": "s" }));
    let mut host = FakeHost::<Quick>::start(table).await;
    host.link(LinkState::Connected).await;
    (slack, host)
}

pub(super) fn place(conversation: &str, thread: Option<&str>) -> Target {
    let thread = thread.map(Into::into);
    Target { account: "default".into(), conversation: conversation.into(), kind: None, thread }
}

fn no(code: &str) -> Answer {
    Answer::Json(json!({ "ok": false, "error": code }))
}

pub(super) fn outgoing(body: Outbound, key: &str, attempt: u32) -> Outgoing {
    Outgoing { body, idem_key: key.to_owned(), attempt, timeout: Duration::from_secs(20) }
}

pub(super) async fn attempt(
    host: &mut FakeHost<Quick>,
    body: Outbound,
    key: &str,
    attempt: u32,
) -> Result<Receipt, SendError> {
    let seq = host.dispatch(outgoing(body, key, attempt)).await;
    host.outcome(seq).await
}

fn metadata(call: &Call) -> Value {
    serde_json::from_str(&call.form["metadata"]).unwrap()
}

#[test]
fn a_message_is_rendered_and_carries_its_key() {
    run(async {
        let (slack, mut host) = started().await;
        let receipt = host.send(text_to("C1", "**hi** & <!channel>")).await.unwrap();
        assert!(receipt.message.unwrap().as_str().starts_with("1700000000."));
        let call = slack.calls("chat.postMessage").remove(0);
        assert_eq!(call.form["text"], "*hi* &amp; &lt;!channel&gt;");
        assert_eq!(
            (call.form["channel"].as_str(), call.form["unfurl_links"].as_str()),
            ("C1", "false")
        );
        assert_eq!(metadata(&call)["event_payload"], json!({"key": "test-1", "piece": 0}));
        assert!(!call.form.contains_key("thread_ts"));
        assert_eq!(call.bearer, format!("Bearer {BOT_TOKEN}"));
    });
}

#[test]
fn answers_stand_in_threads_and_people_are_written_to_directly() {
    run(async {
        let (slack, mut host) = started().await;
        for (thread, reply_to, expected) in [
            (Some("1.1"), Some("1.2"), "1.1"),
            (None, Some("1.2"), "1.2"),
            (Some("1.3"), None, "1.3"),
        ] {
            let body = Outbound::Message {
                to: place("C1", thread),
                text: "x".to_owned(),
                attachments: Vec::new(),
                reply_to: reply_to.map(Into::into),
                silent: false,
            };
            host.send(body).await.unwrap();
            let call = slack.calls("chat.postMessage").pop().unwrap();
            assert_eq!(call.form["thread_ts"], expected);
        }
        for _ in 0..2 {
            let receipt = host.send(text_to("U0ADAADA1", "x")).await.unwrap();
            assert_eq!(receipt.conversation.unwrap().as_str(), "D0OPENED01");
        }
        assert_eq!(slack.calls("conversations.open").len(), 1, "asked once");
        assert_eq!(slack.calls("chat.postMessage").pop().unwrap().form["channel"], "D0OPENED01");
    });
}

#[test]
fn edits_deletions_and_reactions_are_done_once_or_twice_alike() {
    run(async {
        let (slack, mut host) = started().await;
        let (to, message) = (|| place("C1", None), || "1.1".into());
        let edit = || Outbound::Edit { to: to(), message: message(), text: "*new*".to_owned() };
        let delete = || Outbound::Delete { to: to(), message: message() };
        let react =
            |added| Outbound::React {
                to: to(), message: message(), emoji: "👀".to_owned(), added
            };
        slack.prepare("chat.delete", [no("message_not_found")]);
        slack.prepare("reactions.add", [no("already_reacted")]);
        slack.prepare("reactions.remove", [no("no_reaction")]);
        for body in [edit(), delete(), react(true), react(false)] {
            let kind = body.kind();
            host.send(body).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        }
        assert_eq!(slack.calls("chat.update")[0].form["text"], "_new_");
        assert_eq!(slack.calls("reactions.add")[0].form["name"], "eyes");
        assert_eq!(slack.calls("reactions.remove")[0].form["timestamp"], "1.1");
        for (method, body) in
            [("chat.update", edit()), ("chat.delete", delete()), ("reactions.add", react(true))]
        {
            slack.prepare(method, [Answer::Cut]);
            let error = host.send(body).await.unwrap_err();
            assert_eq!(error.class, FailureClass::Retryable, "{method}: it may be done twice");
        }
        let odd = Outbound::React {
            to: to(),
            message: message(),
            emoji: "no such".to_owned(),
            added: true,
        };
        assert_eq!(host.send(odd).await.unwrap_err().code, "unknown_emoji");
    });
}

#[test]
fn what_slack_cannot_do_is_said() {
    run(async {
        let (slack, mut host) = started().await;
        let poll = Outbound::Poll {
            to: place("C1", None),
            question: "?".to_owned(),
            options: vec!["a".to_owned(), "b".to_owned()],
            choices_max: None,
            duration_s: None,
        };
        let action = Outbound::Action {
            to: Some(place("C1", None)),
            name: "pin".to_owned(),
            params: Value::Null,
        };
        let typing = |thread| Outbound::Typing { to: place("D1", thread), on: true };
        for body in [poll, action, typing(None)] {
            assert_eq!(host.send(body).await.unwrap_err().code, "unsupported");
        }
        host.send(typing(Some("1.1"))).await.unwrap();
        assert_eq!(slack.calls("assistant.threads.setStatus")[0].form["status"], "is writing…");
        let mut elsewhere = place("C1", None);
        elsewhere.account = "work".into();
        let body = Outbound::Delete { to: elsewhere, message: "1.1".into() };
        assert_eq!(host.send(body).await.unwrap_err().code, "unknown_account");
    });
}

#[test]
fn every_failure_has_its_class() {
    run(async {
        let (slack, mut host) = started().await;
        for (answer, class, code) in [
            (no("channel_not_found"), Permanent, "channel_not_found"),
            (no("not_in_channel"), Permanent, "not_in_channel"),
            (no("fatal_error"), Uncertain, "fatal_error"),
            (no("internal_error"), Uncertain, "internal_error"),
            (Answer::Cut, Uncertain, "no_answer"),
            (Answer::Bytes("text/html", b"<html>".to_vec()), Uncertain, "no_answer"),
            (Answer::Limited(7), Retryable, "rate_limited"),
            (no("ratelimited"), Retryable, "rate_limited"),
        ] {
            slack.prepare("chat.postMessage", [answer.clone()]);
            let error = host.send(text_to("C1", "x")).await.unwrap_err();
            assert_eq!((error.class, error.code.as_str()), (class, code), "{answer:?}");
            assert!(!error.text.contains(BOT_TOKEN));
            if matches!(answer, Answer::Limited(_)) {
                assert_eq!(error.retry_after_ms, Some(7000));
            }
        }
        slack.prepare("chat.postMessage", [no("token_revoked")]);
        let error = host.send(text_to("C1", "x")).await.unwrap_err();
        assert_eq!(error.class, Retryable, "it waits for a token that works");
        assert!(
            host.link(LinkState::NeedsLogin).await.detail.unwrap().contains("install it again")
        );
    });
}

#[test]
fn a_text_of_which_nothing_is_left_is_not_said_to_be_sent() {
    run(async {
        let (slack, mut host) = started().await;
        assert_eq!(host.send(text_to("C1", " \n")).await.unwrap_err().code, "empty");
        assert_eq!(slack.calls("chat.postMessage").len(), 0);
    });
}

#[test]
fn nothing_left_when_slack_cannot_be_reached() {
    run(async {
        let table = json!({
            "bot_token": BOT_TOKEN, "signing_secret": "s", "api_base": "http://127.0.0.1:1/api",
        });
        let mut host = FakeHost::<Quick>::start(table).await;
        let error = host.send(text_to("C1", "x")).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Retryable, "unreachable"));
        let detail = host.link(LinkState::Retrying).await.detail.unwrap();
        assert!(!detail.contains(BOT_TOKEN), "{detail}");
    });
}

/// Escapes make it far longer than the gateway could know.
fn outgrown() -> Outbound {
    text_to("C1", &"a && b < c\n".repeat(300))
}

#[test]
fn a_text_that_outgrew_one_message_goes_on_where_it_stopped() {
    run(async {
        let (slack, mut host) = started().await;
        let fine = |ts: &str| Answer::Json(json!({ "ok": true, "ts": ts }));
        slack.prepare("chat.postMessage", [fine("1.1"), Answer::Limited(1)]);
        let error = attempt(&mut host, outgrown(), "k", 1).await.unwrap_err();
        assert_eq!(error.code, "rate_limited");
        let receipt = attempt(&mut host, outgrown(), "k", 2).await.unwrap();
        let pieces: Vec<Value> = slack
            .calls("chat.postMessage")
            .iter()
            .map(|call| metadata(call)["event_payload"]["piece"].clone())
            .collect();
        assert_eq!(pieces[..3], [json!(0), json!(1), json!(1)], "the first is not said again");
        assert_eq!(receipt.parts[0].as_str(), "1.1");
        assert_eq!(receipt.parts.len(), pieces.len() - 1);
        assert_eq!(receipt.message, receipt.parts.last().cloned());
    });
}

fn history(pieces: &[u64], key: &str) -> Answer {
    let message = |piece: &u64| {
        let payload = json!({ "key": key, "piece": piece });
        let metadata = json!({ "event_type": "jackfield_message", "event_payload": payload });
        json!({ "ts": format!("9.{piece}"), "metadata": metadata })
    };
    let messages: Vec<Value> = pieces.iter().map(message).collect();
    Answer::Json(json!({ "ok": true, "messages": messages, "has_more": false }))
}

#[test]
fn a_new_life_finds_in_the_history_what_an_old_one_posted() {
    run(async {
        let (slack, mut host) = started().await;
        slack.prepare("conversations.history", [history(&[0], "k")]);
        let receipt = attempt(&mut host, outgrown(), "k", 2).await.unwrap();
        assert_eq!(receipt.parts[0].as_str(), "9.0");
        assert_eq!(metadata(&slack.calls("chat.postMessage")[0])["event_payload"]["piece"], 1);
    });
}

#[test]
fn a_lost_answer_is_reconciled_by_the_key() {
    run(async {
        let (mut slack, mut host) = started().await;
        let ask = || outgoing(text_to("C1", "x"), "k", 1);
        slack.prepare("conversations.history", [history(&[0], "other"), history(&[0], "k")]);
        let Reconciled::Sent(receipt) = host.reconcile(ask()).await else { panic!("it was sent") };
        assert_eq!(receipt.message.unwrap().as_str(), "9.0");
        let asked = slack.call("conversations.history", 1).await;
        assert_eq!(asked.form["include_all_metadata"], "true");
        slack.prepare("conversations.history", [history(&[], ""), history(&[], "")]);
        assert_eq!(host.reconcile(ask()).await, Reconciled::NotSent);
        slack.prepare("conversations.history", [no("missing_scope")]);
        assert_eq!(host.reconcile(ask()).await, Reconciled::Unknown);
        // What took the answer takes some questions as well.
        slack.prepare(
            "conversations.history",
            [Answer::Cut, Answer::Limited(0), history(&[0], "k")],
        );
        assert!(matches!(host.reconcile(ask()).await, Reconciled::Sent(_)));
        let mut in_thread = ask();
        if let Outbound::Message { to, .. } = &mut in_thread.body {
            to.thread = Some("1.1".into());
        }
        slack.prepare("conversations.replies", [history(&[0], "k")]);
        assert!(matches!(host.reconcile(in_thread).await, Reconciled::Sent(_)));
        assert_eq!(slack.calls("conversations.replies")[0].form["ts"], "1.1");
    });
}

#[test]
fn while_slack_cannot_be_asked_the_question_waits() {
    run(async {
        let (slack, mut host) = started().await;
        let ask = || outgoing(text_to("C1", "x"), "k", 1);
        let away = [Answer::Cut, Answer::Limited(0), no("internal_error"), history(&[0], "k")];
        slack.prepare("conversations.history", away);
        assert!(matches!(host.reconcile(ask()).await, Reconciled::Sent(_)));
        let mut to_person = ask();
        if let Outbound::Message { to, .. } = &mut to_person.body {
            to.conversation = "U1".into();
        }
        slack.prepare("conversations.open", [Answer::Cut]);
        slack.prepare("conversations.history", [history(&[0], "k")]);
        assert!(matches!(host.reconcile(to_person).await, Reconciled::Sent(_)));
        let ages = Outgoing { timeout: Duration::from_millis(200), ..ask() };
        slack.prepare("conversations.history", [Answer::Limited(60)]);
        assert_eq!(host.reconcile(ages).await, Reconciled::Unknown, "not for ever");
    });
}

#[test]
fn own_messages_without_their_keys_prove_nothing() {
    run(async {
        let (slack, mut host) = started().await;
        let stripped = json!({ "event_type": "jackfield_message" });
        let own = json!({ "ts": "9.9", "bot_id": "B0BOTBOT1", "text": "x", "metadata": stripped });
        let answer = json!({ "ok": true, "messages": [own], "has_more": false });
        slack
            .prepare("conversations.history", [Answer::Json(answer.clone()), Answer::Json(answer)]);
        let ask = outgoing(text_to("C1", "x"), "k", 1);
        assert_eq!(host.reconcile(ask).await, Reconciled::Unknown, "one of them may be it");
    });
}
