//! The gateway's end of a connection, played by a test.

use super::{CHANNEL, GUILD, OWN, PATIENCE};
use futures_util::{SinkExt, StreamExt};
use jackfield_plugin_api::{
    serde_json::{self, Value, json},
    tokio::{net::TcpStream, time::timeout},
};
use std::time::Duration;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{CloseFrame, Message},
};

/// One connection to the gateway, the server's end.
pub(in crate::tests) struct Socket {
    socket: WebSocketStream<TcpStream>,
    pub(in crate::tests) sequence: u64,
}

impl Socket {
    pub(super) fn over(socket: WebSocketStream<TcpStream>) -> Self {
        Self { socket, sequence: 0 }
    }

    pub(in crate::tests) async fn send(&mut self, frame: Value) {
        self.socket.send(Message::text(frame.to_string())).await.unwrap();
    }

    /// The next frame with this opcode; heartbeats between are answered.
    pub(in crate::tests) async fn expect(&mut self, op: u8) -> Value {
        loop {
            let frame = timeout(PATIENCE, self.socket.next()).await;
            let frame = frame.unwrap_or_else(|_| panic!("no frame with op {op}"));
            let Some(Ok(Message::Text(text))) = frame else { panic!("closed before op {op}") };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["op"] == op {
                return frame["d"].clone();
            }
            if frame["op"] == 1 {
                self.send(json!({"op": 11})).await;
            }
        }
    }

    pub(in crate::tests) async fn dispatch(&mut self, kind: &str, data: Value) {
        self.sequence += 1;
        let sequence = self.sequence;
        self.send(json!({"op": 0, "t": kind, "s": sequence, "d": data})).await;
    }

    pub(in crate::tests) async fn ready(&mut self) {
        self.ready_in(json!([{"id": GUILD, "unavailable": true}])).await;
    }

    /// A login that finds the bot in these servers.
    pub(in crate::tests) async fn ready_in(&mut self, guilds: Value) {
        let ready = json!({
            "user": {"id": OWN, "username": "assistant", "bot": true},
            "application": {"id": "600000000000000001"},
            "session_id": "first", "resume_gateway_url": "ws://127.0.0.1:1",
            "guilds": guilds,
        });
        self.dispatch("READY", ready).await;
    }

    /// Tells of the server; `last` is the newest message of its channel.
    pub(in crate::tests) async fn guild(&mut self, last: Option<&str>) {
        let guild = json!({
            "id": GUILD, "name": "Testers", "members": [], "roles": [], "threads": [],
            "channels": [{"id": CHANNEL, "type": 0, "name": "general", "last_message_id": last}],
        });
        self.dispatch("GUILD_CREATE", guild).await;
    }

    pub(in crate::tests) async fn say(&mut self, message: &Value) {
        let mut message = message.clone();
        if message["channel_id"] == CHANNEL {
            message["guild_id"] = GUILD.into();
        }
        self.dispatch("MESSAGE_CREATE", message).await;
    }

    pub(in crate::tests) async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "told to".into() };
        self.socket.close(Some(frame)).await.ok();
        while let Ok(Some(Ok(_))) = timeout(Duration::from_secs(1), self.socket.next()).await {}
    }

    /// The code with which the adapter closes.
    pub(in crate::tests) async fn closed(&mut self) -> Option<u16> {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("it closes") {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    }
}
