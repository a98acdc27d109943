//! The channel as a whole behind the real loop, and the papers that describe it.

mod inward;
mod link;
mod login;
mod outward;
mod papers;
mod stub;
mod uncertain;

use crate::channel::Discord;
use jackfield_plugin_api::{
    Resume,
    frame::{Accepted, Cursor, StoredCursor},
    link::LinkState,
    serde_json,
    testing::{Emitted, FakeHost},
};
use serde::de::DeserializeOwned;
use std::{fs, path::Path};
use stub::{Socket, Stub};

/// A payload of `fixtures`, made from Discord's public documentation.
pub(crate) fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

type Plugin = FakeHost<Discord>;

/// A plugin that is logged in.
async fn logged_in() -> (Stub, Plugin, Socket) {
    let mut stub = Stub::start().await;
    let mut host = Plugin::start(stub.table()).await;
    let socket = stub.login().await;
    host.link(LinkState::Connected).await;
    (stub, host, socket)
}

/// What the gateway gives back of an account's stream.
fn resume(stream: &str, value: &str) -> Resume {
    let cursor = Cursor { stream: stream.to_owned(), value: value.to_owned() };
    Resume { state: None, cursors: vec![StoredCursor { account: "default".into(), cursor }] }
}

/// The next event, stored.
async fn stored(host: &mut Plugin) -> Emitted {
    let event = host.event().await;
    event.answer(Accepted::Stored);
    event
}
