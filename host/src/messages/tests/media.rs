//! Files that come with messages.

use super::{FakeSenders, Rig, message};
use crate::{
    clock::Clock,
    messages::media::{Missing, Spool},
    plugins::PluginEvent,
};
use jackfield_plugin_api::{attachment::Attachment, event::Event};
use std::{fs, sync::atomic::AtomicBool};

fn with_files(files: Vec<Attachment>) -> PluginEvent {
    let mut event = message("1", "42", "look");
    let Event::Message(message) = &mut event.body else { panic!("a message") };
    message.attachments = files;
    event
}

fn fetched(handle: &str, name: &str) -> Attachment {
    Attachment { fetch: Some(handle.into()), name: Some(name.into()), ..Attachment::default() }
}

#[tokio::test]
async fn files_are_here_before_the_turn_and_lack_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let senders = FakeSenders { away: AtomicBool::new(true), ..FakeSenders::default() };
    let rig = Rig::start(dir.path(), senders, Clock::system()).await;
    let huge = Attachment { bytes: Some(1 << 40), ..fetched("huge", "huge.bin") };
    let inside = Attachment { url: Some("http://127.0.0.1:1/x".into()), ..Attachment::default() };
    let outside = Attachment { path: Some("/etc/passwd".into()), ..Attachment::default() };
    rig.accept(with_files(vec![
        fetched("the words", "notes.TXT"),
        fetched("gone", "gone.jpg"),
        fetched("link", "link.jpg"),
        huge,
        inside,
        outside,
    ]))
    .await;
    rig.until_settled().await;
    let ran = rig.ran();
    let lines: Vec<&str> = ran[0].lines().collect();
    let path = dir.path().join("media/1-0.txt");
    assert_eq!(lines[0], "look");
    assert_eq!(lines[1], format!("[attachment notes.TXT text/plain, 9 bytes: {}]", path.display()));
    for (line, why) in lines[2..].iter().zip(["no such file", "ordinary", "larger", "public", ""]) {
        assert!(line.contains("not available") && line.contains(why), "{line}");
    }
    assert_eq!(lines.len(), 7);
    assert_eq!(fs::read_to_string(path).unwrap(), "the words");
    let left = fs::read_dir(dir.path().join("media")).unwrap().count();
    assert_eq!(left, 1, "nothing half-made stays");
    assert_eq!(rig.messages.counters().media_missing, 5);
}

#[tokio::test]
async fn a_message_brings_at_most_so_many_files_and_a_stranger_none() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    let mut stranger = with_files(vec![fetched("x", "x.txt")]);
    let Event::Message(message) = &mut stranger.body else { panic!("a message") };
    message.sender.id = "7".into();
    stranger.dedupe_key = "7".into();
    rig.accept(stranger).await;
    rig.until_settled().await;
    assert!(!dir.path().join("media").exists(), "nothing is written for who may not talk");
    rig.accept(with_files((0..9).map(|n| fetched("x", &format!("{n}.txt"))).collect())).await;
    rig.until_settled().await;
    assert_eq!(rig.ran()[0].matches("bytes: ").count(), 8);
    assert_eq!(rig.messages.counters().media_missing, 1);
}

#[tokio::test]
async fn the_folder_is_bounded_and_only_what_is_old_makes_room() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("media");
    let spool = Spool::of_size(folder.clone(), 10);
    let old = spool.keep_bytes(Some("a.txt"), None, vec![0; 6]).await.unwrap();
    let full = spool.keep_bytes(None, Some("image/png"), vec![0; 6]).await;
    assert!(matches!(full, Err(Missing::Lack(_))), "{full:?}");
    let saved = fs::metadata(&old).unwrap().modified().unwrap();
    let yesterday = saved - std::time::Duration::from_hours(24);
    fs::File::open(&old).unwrap().set_modified(yesterday).unwrap();
    let new = spool.keep_bytes(None, Some("image/png"), vec![0; 6]).await.unwrap();
    assert!(!old.exists() && new.extension().is_some_and(|ending| ending == "png"), "{new:?}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
}
