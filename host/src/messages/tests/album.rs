//! Albums, whose parts come one by one.

use super::{FakeSenders, Rig, crash_image, message};
use crate::{
    clock::Clock, config::messages::QueueMode, messages::Flow, plugins::PluginEvent,
    store::transcripts,
};
use jackfield_plugin_api::{
    attachment::Attachment,
    event::{ConversationKind, Event},
};
use std::time::Duration;

fn part(key: &str, text: &str, album: &str) -> PluginEvent {
    let mut event = message(key, "42", text);
    event.album = Some(album.into());
    if let Event::Message(message) = &mut event.body {
        let (fetch, name) = (Some(key.to_owned()), Some(format!("{key}.txt")));
        message.attachments = vec![Attachment { fetch, name, ..Attachment::default() }];
    }
    event
}

/// The same in a group, where somebody must be addressed.
fn in_group(mut event: PluginEvent, mentioned: bool) -> PluginEvent {
    event.channel = "open".into();
    if let Event::Message(message) = &mut event.body {
        message.place.kind = ConversationKind::Group;
        message.mentioned = mentioned;
    }
    event
}

#[tokio::test]
async fn the_parts_of_an_album_are_one_turn_with_all_files() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.accept(part("1", "", "a")).await;
    rig.accept(part("2", "look", "a")).await;
    rig.accept(message("3", "42", "said between")).await;
    rig.accept(part("4", "", "a")).await;
    rig.accept(part("5", "another", "b")).await;
    rig.until_settled().await;
    let ran = rig.ran();
    assert_eq!(ran.len(), 3, "{ran:?}");
    assert!(ran[0].starts_with("look\n"), "{ran:?}");
    for name in ["1.txt", "2.txt", "4.txt"] {
        assert!(ran[0].contains(name), "{name}: {ran:?}");
    }
    assert_eq!(ran[1], "said between");
    assert!(ran[2].starts_with("another\n") && ran[2].contains("5.txt"), "{ran:?}");
}

#[tokio::test]
async fn an_album_waits_for_parts_that_a_restart_delayed() {
    let dir = tempfile::tempdir().unwrap();
    let image = {
        let rig = Rig::plain(dir.path()).await;
        rig.accept(part("1", "one", "a")).await;
        crash_image(dir.path())
    };
    let again = Rig::plain(image.path()).await;
    again
        .store
        .write(|c| c.execute("UPDATE ingress SET received_ms = received_ms - 60000", []))
        .await
        .unwrap();
    again.accept(part("2", "two", "a")).await;
    again.until_settled().await;
    let ran = again.ran();
    assert_eq!(ran.len(), 1, "{ran:?}");
    assert!(ran[0].starts_with("one\ntwo\n"), "{ran:?}");
}

#[tokio::test]
async fn a_group_is_addressed_by_an_album_if_any_part_does() {
    let dir = tempfile::tempdir().unwrap();
    let flow = Flow { queue: QueueMode::Collect, debounce: Duration::ZERO, streaming: None };
    let rig = Rig::flowing(dir.path(), FakeSenders::default(), Clock::system(), flow).await;
    rig.accept(in_group(part("1", "nobody is meant", "a"), false)).await;
    rig.accept(in_group(part("2", "", "a"), false)).await;
    rig.until(|b| b.inbound_pending == 0).await;
    let all = transcripts::Filter::default();
    let known = rig.store.read(move |c| transcripts::list(c, &all)).await.unwrap().0;
    assert_eq!(known.len(), 0, "what is overheard begins no conversation");
    rig.accept(in_group(part("3", "", "b"), false)).await;
    rig.accept(in_group(part("4", "for you", "b"), true)).await;
    rig.accept(in_group(part("5", "", "c"), false)).await;
    rig.accept(in_group(message("6", "42", "and this"), true)).await;
    rig.until_settled().await;
    let ran = rig.ran();
    assert_eq!(ran.len(), 2, "{ran:?}");
    assert!(ran[0].starts_with("for you\n"), "{ran:?}");
    assert_eq!(ran[1], "and this", "what was overheard comes with nobody's words");
    assert!(ran[0].contains("3.txt") && ran[0].contains("4.txt"), "{ran:?}");
}

#[tokio::test]
async fn what_is_overheard_calls_nothing_off() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::plain(dir.path()).await;
    rig.accept(in_group(message("1", "42", "hang"), true)).await;
    rig.until_ran(1).await;
    rig.accept(in_group(part("2", "/stop", "a"), false)).await;
    rig.accept(in_group(message("3", "42", "waits"), true)).await;
    assert_eq!(rig.ran(), ["hang"]);
    assert_eq!(rig.messages.backlog().await.unwrap().inbound_pending, 3);
    rig.turns.off.notify_one();
    rig.until_settled().await;
    assert_eq!(rig.ran(), ["hang", "waits"]);
}
