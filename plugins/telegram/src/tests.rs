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

/// One picture of an album of hers.
fn album_part(update_id: i64) -> Value {
    let mut update = text(update_id, update_id, "");
    let message = update["message"].as_object_mut().expect("it has fields");
    message.remove("text");
    message.insert("media_group_id".to_owned(), json!("g"));
    let size = json!({"file_id": format!("f{update_id}"), "width": 1, "height": 1});
    message.insert("photo".to_owned(), json!([size]));
    update
}
