//! What is asked of Discord, compared with its public documentation.

use super::{Manner, answer, create, edit, nonce, parts, poll, post, react, register, thread};
use crate::client::{Body, Call};
use jackfield_plugin_api::{
    attachment::Attachment,
    serde_json::{Value, json},
};
use reqwest::Method;

fn json_of(call: &Call) -> Value {
    match &call.body {
        Body::Json(body) | Body::Files(body, _) => body.clone(),
        Body::Empty => Value::Null,
    }
}

#[test]
fn a_message_mentions_nobody_previews_nothing_and_carries_its_nonce() {
    let part = &parts("hi @everyone https://x.example", &[], "key").unwrap()[0];
    let call = create("1", part, Manner { reply_to: Some("2"), silent: true, ..Manner::default() });
    assert_eq!((&call.method, call.path.as_str()), (&Method::POST, "channels/1/messages"));
    assert_eq!(
        json_of(&call),
        json!({
            "content": "hi @everyone https://x.example",
            "allowed_mentions": {"parse": [], "replied_user": false},
            "flags": 4100,
            "nonce": nonce("key", 0),
            "enforce_nonce": true,
            "message_reference": {"message_id": "2", "fail_if_not_exists": false},
        })
    );
    let edited = json_of(&edit("1", "2", "new"));
    assert_eq!(edited["flags"], 4, "an edit shows no previews either");
    assert_eq!(edited["allowed_mentions"], json!({"parse": []}));
}

#[test]
fn a_nonce_belongs_to_one_part_of_one_send() {
    let nonces = [nonce("a", 0), nonce("a", 1), nonce("b", 0), nonce("a", 0)];
    assert_eq!(nonces[0], nonces[3]);
    assert!(nonces[0] != nonces[1] && nonces[0] != nonces[2]);
    assert!(nonces.iter().all(|nonce| nonce.len() <= 25), "Discord takes 25 characters");
}

#[test]
fn files_go_with_the_last_piece_of_text_ten_at_a_time() {
    let file = |n: usize| Attachment {
        path: Some(format!("/spool/{n}")),
        name: Some(format!("../a/{n}.txt")),
        mime: Some("text/plain".to_owned()),
        ..Attachment::default()
    };
    let files: Vec<_> = (0..11).map(file).collect();
    let parts = parts(&"long words ".repeat(300), &files, "key").unwrap();
    let counts: Vec<_> = parts.iter().map(|part| part.files.len()).collect();
    assert_eq!(counts, [0, 10, 1]);
    let call = create("1", &parts[2], Manner::default());
    let Body::Files(body, uploads) = &call.body else { panic!("a form") };
    assert_eq!(body["attachments"], json!([{"id": "0", "filename": "..a10.txt"}]));
    assert_eq!((uploads[0].path.as_str(), uploads[0].name.as_str()), ("/spool/10", "..a10.txt"));
}

#[test]
fn files_of_one_message_are_no_more_than_a_request_takes() {
    let file = |n: usize| Attachment {
        path: Some(format!("/spool/{n}")),
        bytes: Some(9 << 20),
        ..Attachment::default()
    };
    let parts = parts("see", &(0..5).map(file).collect::<Vec<_>>(), "k").unwrap();
    let counts: Vec<_> = parts.iter().map(|part| part.files.len()).collect();
    assert_eq!(counts, [2, 2, 1], "25 MiB are the most");
    assert_eq!(parts[0].text, "see");
}

#[test]
fn what_has_only_an_address_is_named_and_what_has_nothing_is_refused() {
    let url = Attachment { url: Some("https://x/y.png".to_owned()), ..Attachment::default() };
    assert_eq!(parts("see", &[url], "k").unwrap()[0].text, "see\nhttps://x/y.png");
    assert_eq!(parts("see", &[Attachment::default()], "k").unwrap_err().code, "no_file");
    assert_eq!(parts(" \n", &[], "k").unwrap_err().code, "empty");
}

#[test]
fn reactions_are_written_as_discord_wants_them() {
    for (emoji, path) in [
        ("👍", "%F0%9F%91%8D"),
        ("LUL:4177", "LUL:4177"),
        ("<:LUL:4177>", "LUL:4177"),
        ("<a:dance:4177>", "dance:4177"),
    ] {
        let call = react("1", "2", emoji, true);
        assert_eq!(call.path, format!("channels/1/messages/2/reactions/{path}/@me"));
    }
    assert_eq!(react("1", "2", "👍", false).method, Method::DELETE);
}

#[test]
fn polls_keep_to_discords_limits() {
    let options = ["yes".to_owned(), "no".to_owned()];
    let call = poll("1", ("Really?", &options), Some(2), Some(5400), "k").unwrap();
    assert_eq!(
        json_of(&call)["poll"],
        json!({
            "question": {"text": "Really?"},
            "answers": [{"poll_media": {"text": "yes"}}, {"poll_media": {"text": "no"}}],
            "duration": 2,
            "allow_multiselect": true,
        })
    );
    let many = vec!["x".to_owned(); 11];
    for (question, options) in [
        ("q", &many[..]),
        ("q", &["x".repeat(56)]),
        (&*"q".repeat(301), &options),
        (" ", &options),
        ("q", &[String::new()]),
    ] {
        let error = poll("1", (question, options), None, None, "k").unwrap_err();
        assert_eq!(error.code, "invalid_poll");
    }
}

#[test]
fn posts_threads_commands_and_answers_have_their_routes() {
    let part = &parts("# Title here\nbody", &[], "k").unwrap()[0];
    let new = post("7", part, Manner::default());
    assert_eq!(new.path, "channels/7/threads");
    assert_eq!(json_of(&new)["name"], "Title here");
    assert_eq!(json_of(&new)["message"]["content"], "# Title here\nbody");
    assert_eq!(json_of(&new)["applied_tags"], Value::Null);
    let manner = Manner { title: Some("Called so"), tag: Some("9"), ..Manner::default() };
    let named = json_of(&post("7", part, manner));
    assert_eq!((&named["name"], &named["applied_tags"]), (&json!("Called so"), &json!(["9"])));
    assert_eq!(thread("7", Some("8"), "n", false).path, "channels/7/messages/8/threads");
    assert_eq!(json_of(&thread("7", None, "n", false)), json!({"name": "n", "type": 11}));
    assert_eq!(json_of(&thread("7", None, "n", true))["type"], 10, "of announcements");
    let answer = answer("5", "token", part);
    assert_eq!(answer.path, "webhooks/5/token/messages/@original");
    assert_eq!((&answer.method, &json_of(&answer)["flags"]), (&Method::PATCH, &json!(4)));
    assert_eq!(json_of(&register("5", "ask"))["name"], "ask");
}
