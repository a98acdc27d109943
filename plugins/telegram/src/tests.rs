//! The whole plugin behind `FakeHost`, against a server of our own.

mod papers;
mod receiving;
mod sending;
mod stub;
mod webhook;

use crate::channel::Telegram;
use jackfield_plugin_api::{
    link::LinkState,
    serde_json::{Value, json},
    testing::FakeHost,
};
use stub::Stub;

type Plugin = FakeHost<Telegram>;

/// A server and a plugin that polls it.
async fn connected() -> (Stub, Plugin) {
    let stub = Stub::start().await;
    let mut host = Plugin::start(stub.table(json!({}))).await;
    host.link(LinkState::Connected).await;
    (stub, host)
}

/// A direct message from Ada.
fn text(update_id: i64, message_id: i64, text: &str) -> Value {
    json!({"update_id": update_id, "message": {
        "message_id": message_id, "date": 1, "text": text,
        "chat": {"id": 42, "type": "private"}, "from": {"id": 42, "first_name": "Ada"},
    }})
}
