//! A front before crabline's Discord gateway, ours: it lets a play close, hold and repeat what passes.
//!
//! Crabline takes the login token bare, while libraries write `Bot ` before it, as Discord allows;
//! the front takes that off, so crabline itself stays as its authors made it.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast,
};
use tokio_tungstenite::{
    accept_async, connect_async,
    tungstenite::protocol::{CloseFrame, Message},
};

/// The front; it ends with its runtime.
pub(crate) struct Front {
    /// Where it listens.
    pub(crate) port: u16,
    orders: broadcast::Sender<Order>,
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
enum Order {
    Close(u16),
    Send(Value),
}

#[derive(Default)]
struct Shared {
    /// Nobody gets through.
    held: AtomicBool,
    /// Nothing can be resumed.
    forgetful: AtomicBool,
    /// What crabline said, oldest first.
    said: Mutex<Vec<Value>>,
}

impl Front {
    /// Puts a front before the gateway at `url`.
    pub(crate) async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let (orders, _) = broadcast::channel(16);
        let shared = Arc::new(Shared::default());
        let (inner_orders, inner, url) = (orders.clone(), Arc::clone(&shared), url.to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if !inner.held.load(Ordering::SeqCst) {
                    let orders = inner_orders.subscribe();
                    tokio::spawn(pass(stream, url.clone(), orders, Arc::clone(&inner)));
                }
            }
        });
        Self { port, orders, shared }
    }

    /// Closes the open connection with this code.
    pub(super) fn close(&self, code: u16) {
        self.orders.send(Order::Close(code)).expect("a connection is open");
    }

    /// Lets nobody through, or again.
    pub(super) fn hold(&self, held: bool) {
        self.shared.held.store(held, Ordering::SeqCst);
    }

    /// From now on nothing can be resumed, as at Discord after a while. Crabline would resume, and
    /// repeat nothing.
    pub(super) fn forget(&self) {
        self.shared.forgetful.store(true, Ordering::SeqCst);
    }

    /// What crabline has dispatched of this kind, as it was sent.
    pub(super) fn dispatched(&self, kind: &str) -> Vec<Value> {
        let said = self.shared.said.lock().expect("nobody panicked with it");
        said.iter().filter(|frame| frame["t"] == kind).cloned().collect()
    }

    /// Sends a frame as if it came from Discord.
    pub(super) fn send(&self, frame: Value) {
        self.orders.send(Order::Send(frame)).expect("a connection is open");
    }

    /// Dispatches what crabline cannot, without using up a number of its sequence.
    pub(super) fn dispatch(&self, kind: &str, data: Value) {
        let said = self.shared.said.lock().expect("nobody panicked with it");
        let last = said.iter().rev().find_map(|frame| frame["s"].as_u64());
        drop(said);
        self.send(json!({ "op": 0, "t": kind, "s": last, "d": data }));
    }
}

async fn pass(
    stream: TcpStream,
    url: String,
    mut orders: broadcast::Receiver<Order>,
    shared: Arc<Shared>,
) {
    let Ok(mut adapter) = accept_async(stream).await else { return };
    let url = format!("{url}?v=10&encoding=json");
    let (mut crabline, _) = connect_async(url).await.expect("crabline listens");
    loop {
        tokio::select! {
            frame = adapter.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let mut frame: Value = serde_json::from_str(&text).expect("frames are JSON");
                    if let Some(token) = frame.pointer_mut("/d/token") {
                        let bare = token.as_str().and_then(|token| token.strip_prefix("Bot "));
                        *token = bare.expect("the token is named a bot's").into();
                    }
                    if frame["op"] == 6 && shared.forgetful.load(Ordering::SeqCst) {
                        let invalid = json!({ "op": 9, "d": false });
                        adapter.send(Message::text(invalid.to_string())).await.ok();
                        continue;
                    }
                    crabline.send(Message::text(frame.to_string())).await.ok();
                }
                Some(Ok(_)) => {}
                _ => return,
            },
            frame = crabline.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text).expect("frames are JSON");
                    shared.said.lock().expect("nobody panicked with it").push(frame);
                    adapter.send(Message::Text(text)).await.ok();
                }
                Some(Ok(Message::Close(frame))) => {
                    adapter.send(Message::Close(frame)).await.ok();
                    return;
                }
                Some(Ok(_)) => {}
                _ => return,
            },
            order = orders.recv() => match order {
                Ok(Order::Send(frame)) => {
                    adapter.send(Message::text(frame.to_string())).await.ok();
                }
                Ok(Order::Close(code)) => {
                    let frame = CloseFrame { code: code.into(), reason: "told to".into() };
                    adapter.close(Some(frame)).await.ok();
                    return;
                }
                Err(_) => return,
            },
        }
    }
}
