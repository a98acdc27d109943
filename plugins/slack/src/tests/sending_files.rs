//! Files both ways: three calls up, and down only from Slack's own hosts.

use super::{
    sending::{attempt, outgoing, place, started},
    slack::{Answer, BOT_TOKEN, FakeSlack},
};
use jackfield_plugin_api::{
    attachment::Attachment,
    error::FailureClass,
    fetch::{Fetch, Reconciled},
    outbound::Outbound,
    serde_json::{self, Value, json},
    testing::run,
};
use std::fs;

fn upload_answer(slack: &FakeSlack) -> Answer {
    let url = format!("http://127.0.0.1:{}/api/upload", slack.port);
    Answer::Json(json!({ "ok": true, "upload_url": url, "file_id": "F1" }))
}

fn message(text: &str, attachments: Vec<Attachment>) -> Outbound {
    let to = place("C1", Some("1.1"));
    Outbound::Message { to, text: text.to_owned(), attachments, reply_to: None, silent: false }
}

#[test]
fn a_file_goes_up_in_three_calls_after_its_text() {
    run(async {
        let (slack, mut host) = started().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spooled");
        fs::write(&path, b"some bytes").unwrap();
        slack.prepare("files.getUploadURLExternal", [upload_answer(&slack)]);
        let shares = json!({ "private": { "C1": [{ "ts": "5.5" }] } });
        let complete = json!({ "ok": true, "files": [{ "id": "F1", "shares": shares }] });
        slack.prepare("files.completeUploadExternal", [Answer::Json(complete)]);
        let file = Attachment {
            name: Some("notes.txt".to_owned()),
            path: Some(path.to_str().unwrap().to_owned()),
            ..Attachment::default()
        };
        let receipt = host.send(message("look", vec![file])).await.unwrap();
        assert_eq!(receipt.parts.len(), 2);
        assert_eq!(receipt.message.unwrap().as_str(), "5.5");
        assert_eq!(slack.calls("chat.postMessage")[0].form["text"], "look");
        let asked = &slack.calls("files.getUploadURLExternal")[0].form;
        assert_eq!((asked["filename"].as_str(), asked["length"].as_str()), ("notes.txt", "10"));
        let up = &slack.calls("upload")[0];
        assert_eq!(up.body, b"some bytes");
        assert_eq!(up.bearer, "", "the address itself is the permission");
        let done = &slack.calls("files.completeUploadExternal")[0].form;
        let files: Value = serde_json::from_str(&done["files"]).unwrap();
        assert_eq!(files, json!([{ "id": "F1", "title": "notes.txt" }]));
        assert_eq!((done["channel_id"].as_str(), done["thread_ts"].as_str()), ("C1", "1.1"));
    });
}

#[test]
fn until_a_file_is_shared_it_may_be_brought_again() {
    run(async {
        let (slack, mut host) = started().await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, b"x").unwrap();
        let path = Some(path.to_str().unwrap().to_owned());
        let file = || vec![Attachment { path: path.clone(), ..Attachment::default() }];
        slack.prepare("files.getUploadURLExternal", [Answer::Cut, upload_answer(&slack)]);
        let error = host.send(message("", file())).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Retryable);
        slack.prepare("files.completeUploadExternal", [Answer::Cut]);
        let error = host.send(message("", file())).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Uncertain);
        let gone =
            vec![Attachment { path: Some("/nowhere/x".to_owned()), ..Attachment::default() }];
        let error = host.send(message("", gone)).await.unwrap_err();
        assert_eq!(
            (error.class, error.code.as_str()),
            (FailureClass::Permanent, "unreadable_file")
        );
    });
}

fn spooled() -> (tempfile::TempDir, Vec<Attachment>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.txt");
    fs::write(&path, b"x").unwrap();
    let path = Some(path.to_str().unwrap().to_owned());
    (folder, vec![Attachment { path, ..Attachment::default() }])
}

/// What Slack says of the file, shared in that message or nowhere.
fn info(ts: Option<&str>) -> Answer {
    let shares = ts.map(|ts| json!({ "public": { "C1": [{ "ts": ts }] } }));
    Answer::Json(json!({ "ok": true, "file": { "id": "F1", "shares": shares } }))
}

#[test]
fn the_message_of_a_file_is_waited_for() {
    run(async {
        let (slack, mut host) = started().await;
        let (_folder, file) = spooled();
        // Slack answers before it shows the file.
        slack.prepare("files.getUploadURLExternal", [upload_answer(&slack), upload_answer(&slack)]);
        slack.prepare("files.info", [info(None), info(Some("7.7"))]);
        let receipt = host.send(message("", file.clone())).await.unwrap();
        assert_eq!(receipt.message.unwrap().as_str(), "7.7");
        // Without the scope nothing more is known, and the file is there all the same.
        let no = json!({ "ok": false, "error": "missing_scope", "needed": "files:read" });
        slack.prepare("files.info", [Answer::Json(no)]);
        assert_eq!(host.send(message("", file)).await.unwrap().message, None);
    });
}

#[test]
fn files_whose_answer_was_lost_are_looked_up_and_never_shown_twice() {
    run(async {
        let (slack, mut host) = started().await;
        let (_folder, file) = spooled();
        slack.prepare("files.getUploadURLExternal", [upload_answer(&slack)]);
        slack.prepare("files.completeUploadExternal", [Answer::Cut]);
        let error = attempt(&mut host, message("", file.clone()), "k", 1).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Uncertain);
        let ask = || outgoing(message("", file.clone()), "k", 1);
        // Shown late.
        slack.prepare("files.info", [info(None), info(Some("7.7"))]);
        let Reconciled::Sent(receipt) = host.reconcile(ask()).await else { panic!("it was sent") };
        assert_eq!(receipt.message.unwrap().as_str(), "7.7");
        let other = outgoing(message("", file.clone()), "unheard of", 1);
        assert_eq!(host.reconcile(other).await, Reconciled::Unknown);

        // Not shown at all: the next attempt shows what is there already.
        slack.prepare("files.getUploadURLExternal", [upload_answer(&slack)]);
        slack.prepare("files.completeUploadExternal", [Answer::Cut]);
        attempt(&mut host, message("", file.clone()), "k", 1).await.unwrap_err();
        slack.prepare("files.info", (0..4).map(|_| info(None)));
        assert_eq!(host.reconcile(ask()).await, Reconciled::NotSent);
        let uploads = slack.calls("upload").len();
        slack.prepare("files.info", [info(None), info(Some("8.8"))]);
        let receipt = attempt(&mut host, message("", file.clone()), "k", 2).await.unwrap();
        assert_eq!(receipt.message.unwrap().as_str(), "8.8");
        assert_eq!(slack.calls("upload").len(), uploads, "its bytes are not brought again");
    });
}

#[test]
fn files_that_slack_forgot_are_brought_anew_unless_they_were_shown() {
    run(async {
        let (slack, mut host) = started().await;
        let (_folder, file) = spooled();
        for shown_meanwhile in [true, false] {
            slack.prepare("files.getUploadURLExternal", [upload_answer(&slack)]);
            let gone = json!({ "ok": false, "error": "file_not_found" });
            slack.prepare("files.completeUploadExternal", [Answer::Cut, Answer::Json(gone)]);
            attempt(&mut host, message("", file.clone()), "k", 1).await.unwrap_err();
            let uploads = slack.calls("upload").len();
            slack.prepare("files.info", [info(None)]);
            if !shown_meanwhile {
                slack.prepare("files.getUploadURLExternal", [upload_answer(&slack)]);
                slack.prepare("files.info", [info(None)]);
            }
            slack.prepare("files.info", [info(Some("9.9"))]);
            let receipt = attempt(&mut host, message("", file.clone()), "k", 2).await.unwrap();
            assert_eq!(receipt.message.unwrap().as_str(), "9.9");
            let anew = slack.calls("upload").len() - uploads;
            assert_eq!(anew, usize::from(!shown_meanwhile));
        }
    });
}

#[test]
fn a_file_that_has_an_address_goes_along_as_a_link() {
    run(async {
        let (slack, mut host) = started().await;
        let file = Attachment {
            name: Some("cat.png".to_owned()),
            url: Some("https://example.com/cat.png".to_owned()),
            ..Attachment::default()
        };
        host.send(message("look", vec![file])).await.unwrap();
        let text = slack.calls("chat.postMessage")[0].form["text"].clone();
        assert_eq!(text, "look\n\n<https://example.com/cat.png|cat.png>");
    });
}

#[test]
fn a_file_comes_down_with_the_token_and_within_its_limit() {
    run(async {
        let (slack, mut host) = started().await;
        let folder = tempfile::tempdir().unwrap();
        let wanted = |name: &str, bytes_max| Fetch {
            account: "default".into(),
            handle: "F1".to_owned(),
            path: folder.path().join(name).to_str().unwrap().to_owned(),
            bytes_max,
        };
        let info = |url: &str, size: Value| {
            let file = json!({ "url_private_download": url, "name": "a.gif", "mimetype": "image/gif", "size": size });
            Answer::Json(json!({ "ok": true, "file": file }))
        };
        let here = format!("http://127.0.0.1:{}/api/files-pri", slack.port);
        slack.prepare("files.info", [info(&here, json!(7))]);
        slack.prepare("files-pri", [Answer::Bytes("image/gif", b"GIF89a!".to_vec())]);
        let fetched = host.fetch(wanted("a", 100)).await.unwrap();
        assert_eq!((fetched.bytes, fetched.name.as_deref()), (7, Some("a.gif")));
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"GIF89a!");
        assert_eq!(slack.calls("files-pri")[0].bearer, format!("Bearer {BOT_TOKEN}"));

        let login = || Answer::Bytes("text/html; charset=utf-8", b"<html>".to_vec());
        let long = || Answer::Bytes("image/gif", vec![b'x'; 200]);
        for (n, (url, size, bytes, hint)) in [
            (here.as_str(), json!(700), None, "larger than 100"),
            (here.as_str(), json!(null), Some(long()), "larger than 100"),
            (here.as_str(), json!(7), Some(login()), "files:read"),
            ("https://evil.example/f", json!(7), None, "own hosts"),
            ("https://slack.com.evil.example/f", json!(7), None, "own hosts"),
        ]
        .into_iter()
        .enumerate()
        {
            slack.prepare("files.info", [info(url, size)]);
            slack.prepare("files-pri", bytes);
            let name = format!("b{n}");
            let error = host.fetch(wanted(&name, 100)).await.unwrap_err();
            assert!(error.text.contains(hint), "{error}");
            assert_eq!(error.class, FailureClass::Permanent);
            assert!(!folder.path().join(name).exists(), "nothing half stays behind");
        }
    });
}
