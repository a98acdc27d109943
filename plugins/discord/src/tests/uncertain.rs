//! What is found of sends whose end nobody saw, within one life and after another.

use super::{
    Plugin, logged_in,
    outward::{attempt, contents, made, message, to},
    stub::{ADA, CHANNEL, GUILD, Reply, Stub},
};
use jackfield_plugin_api::{
    error::FailureClass,
    fetch::Reconciled,
    outbound::{Outbound, Receipt},
    serde_json::{Value, json},
    testing::run,
};

fn sent(outcome: Reconciled) -> Receipt {
    match outcome {
        Reconciled::Sent(receipt) => receipt,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_life_that_remembers_nothing_finds_the_message_by_its_words() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        host.send(message(CHANNEL, "another")).await.unwrap();
        stub.rule(&format!("POST channels/{CHANNEL}/messages"), 1, Reply::Silence);
        let out = attempt(message(CHANNEL, "**once** \n"), "key", 1);
        made(&mut host, &out).await.unwrap_err();
        stub.forget_nonces();
        // A new life on the same Discord, not even logged in.
        let mut next = Plugin::start(stub.table()).await;
        let receipt = sent(next.reconcile(out).await);
        assert_eq!(receipt.message.unwrap().as_str(), stub.messages(CHANNEL)[1]["id"]);
        let never = attempt(message(CHANNEL, "never"), "other key", 1);
        assert_eq!(next.reconcile(never).await, Reconciled::NotSent);
        assert_eq!(contents(&stub.messages(CHANNEL)), ["another", "**once** "]);
        // Words that are there twice may be those of another send.
        host.send(message(CHANNEL, "another")).await.unwrap();
        let twice = attempt(message(CHANNEL, "another"), "third key", 1);
        assert_eq!(next.reconcile(twice).await, Reconciled::Unknown);
    });
}

#[test]
fn while_discord_cannot_be_asked_the_question_waits() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        let person = format!("user:{ADA}");
        host.send(message(&person, "once")).await.unwrap();
        let opening = "POST users/@me/channels";
        let direct = stub.calls(opening).len();
        // A new life has to find the direct chat first.
        let mut next = Plugin::start(stub.table()).await;
        stub.rule(opening, 1, Reply::Status(502, vec![], json!({})));
        sent(next.reconcile(attempt(message(&person, "once"), "key", 1)).await);
        assert_eq!(stub.calls(opening).len(), direct + 2);
    });
}

#[test]
fn a_history_that_may_not_be_read_proves_nothing() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        stub.note_channel(json!({"id": "90", "type": 0, "guild_id": GUILD, "name": "hidden"}));
        stub.note_channel(json!({"id": "91", "type": 1, "recipients": []}));
        for (channel, verdict) in [("90", Reconciled::Unknown), ("91", Reconciled::NotSent)] {
            // Discord answers with no messages where Read Message History is missing.
            assert!(stub.messages(channel).is_empty());
            let out = attempt(message(channel, "words"), channel, 1);
            assert_eq!(host.reconcile(out).await, verdict, "{channel}");
        }
        // A long message that another life began goes on only where it can be seen how far it got.
        let long = format!("{}\n{}", "a".repeat(1900), "b".repeat(1900));
        let error = made(&mut host, &attempt(message("90", &long), "key", 2)).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Uncertain, "cannot_tell"));
        assert!(stub.messages("90").is_empty());
    });
}

#[test]
fn what_came_back_over_the_socket_needs_no_question() {
    run(async {
        let (stub, mut host, mut socket) = logged_in().await;
        let call = format!("POST channels/{CHANNEL}/messages");
        stub.rule(&call, 1, Reply::Silence);
        let out = attempt(message(CHANNEL, "once"), "key", 1);
        made(&mut host, &out).await.unwrap_err();
        socket.say(&stub.messages(CHANNEL)[0]).await;
        super::stored(&mut host).await;
        let receipt = sent(host.reconcile(out).await);
        assert_eq!(receipt.message.unwrap().as_str(), stub.messages(CHANNEL)[0]["id"]);
        assert_eq!(stub.calls(&call).len(), 1);
    });
}

#[test]
fn parts_that_an_earlier_life_got_out_are_not_sent_again() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        let long = format!("{}\n{}\n{}", "a".repeat(1900), "b".repeat(1900), "c".repeat(1900));
        let call = format!("POST channels/{CHANNEL}/messages");
        let mut out = attempt(message(CHANNEL, &long), "key", 1);
        let broken = Reply::Status(502, vec![], Value::Null);
        host.send(message(CHANNEL, "before")).await.unwrap();
        stub.say_ours(CHANNEL, &"a".repeat(1900));
        stub.rule(&call, 1, broken);
        made(&mut host, &out).await.unwrap_err();
        stub.forget_nonces();
        let mut next = Plugin::start(stub.table()).await;
        assert_eq!(next.reconcile(out.clone()).await, Reconciled::NotSent, "not all of it");
        out.attempt = 2;
        let receipt = made(&mut next, &out).await.unwrap();
        assert_eq!(receipt.parts.len(), 3);
        let said = stub.messages(CHANNEL);
        let words = ["before".to_owned(), "a".repeat(1900), "b".repeat(1900), "c".repeat(1900)];
        assert_eq!(contents(&said), words);
    });
}

#[test]
fn an_uncertain_post_is_looked_for_and_never_made_twice() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        stub.note_channel(json!({"id": "88", "type": 15, "guild_id": GUILD, "name": "help"}));
        stub.rule("POST channels/88/threads", 1, Reply::Silence);
        let out = attempt(message("88", "# A question\nand words"), "key", 1);
        let error = made(&mut host, &out).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Uncertain);
        let receipt = sent(host.reconcile(out.clone()).await);
        assert_eq!(receipt.conversation.unwrap().as_str(), stub.posts()[0]["id"]);
        // Also by a life that remembers nothing.
        let mut next = Plugin::start(stub.table()).await;
        sent(next.reconcile(out).await);
        let other = attempt(message("88", "# A question\nand other words"), "key 2", 1);
        assert_eq!(next.reconcile(other).await, Reconciled::Unknown, "it is called the same");
        let never = attempt(message("88", "# Never asked"), "key 3", 1);
        assert_eq!(next.reconcile(never).await, Reconciled::NotSent);
        assert_eq!(stub.posts().len(), 1);
    });
}

#[test]
fn a_long_post_goes_on_in_its_own_thread() {
    run(async {
        let (stub, mut host, _socket) = logged_in().await;
        stub.note_channel(json!({"id": "88", "type": 15, "guild_id": GUILD, "name": "help"}));
        let long = format!("{}\n{}", "a".repeat(1900), "b".repeat(1900));
        let mut out = attempt(message("88", &long), "key", 1);
        // The post is made, but nobody hears of it, so what should follow does not.
        stub.rule("POST channels/88", 1, Reply::Silence);
        made(&mut host, &out).await.unwrap_err();
        assert_eq!(host.reconcile(out.clone()).await, Reconciled::NotSent, "not all of it");
        out.attempt = 2;
        let receipt = made(&mut host, &out).await.unwrap();
        assert_eq!(receipt.parts.len(), 2);
        let post = stub.posts()[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(stub.posts().len(), 1);
        assert_eq!(contents(&stub.messages(&post)), ["a".repeat(1900), "b".repeat(1900)]);
    });
}

#[test]
fn an_edit_whose_end_is_open_is_made_again() {
    run(async {
        let mut stub = Stub::start().await;
        let mut host = Plugin::start(stub.table()).await;
        stub.login().await;
        let message = stub.say_ours(CHANNEL, "draft");
        let edit = Outbound::Edit {
            to: to(CHANNEL),
            message: message.as_str().into(),
            text: "the answer".to_owned(),
        };
        let receipt = sent(host.reconcile(attempt(edit, "key", 1)).await);
        assert_eq!(receipt.message.unwrap().as_str(), message);
        assert_eq!(contents(&stub.messages(CHANNEL)), ["the answer"]);
    });
}
