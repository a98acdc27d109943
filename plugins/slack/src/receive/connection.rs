//! Reads one Socket Mode connection and acknowledges each envelope once the gateway keeps it.
//!
//! Envelopes keep their order up to the gateway, though their names are looked up at the same time.
//! Full case: with that many envelopes open nothing more is read, so Slack waits. That a connection
//! still hears is proved by pings; one that does not answer is given up.

use super::{Over, Prepared, ended, prepare, settle};
use crate::{account::Workspace, client::socket::Socket, inbound::Delivery};
use futures_util::{
    SinkExt, StreamExt,
    future::BoxFuture,
    stream::{FuturesOrdered, FuturesUnordered},
};
use jackfield_plugin_api::{
    link::LinkState,
    serde_json::{self, Value, json},
    tokio::{
        self,
        sync::oneshot,
        time::{Instant, sleep_until, timeout},
    },
    tracing,
};
use std::{sync::Arc, time::Duration};
use tokio_tungstenite::tungstenite::Message;

/// Envelopes that wait for the gateway.
const OPEN_MAX: usize = 64;
/// Until a frame is taken by the socket.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection that Slack wants replaced is still read.
const LINGER: Duration = Duration::from_secs(15);
/// How long an end waits for what the gateway has not answered.
const FINISH: Duration = Duration::from_secs(3);

/// Why a connection must be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// Slack is about to drop it; it still works.
    Refresh,
    /// It broke.
    Lost,
    /// Slack does not want it: Socket Mode is off, or there are too many.
    Unwanted(String),
}

struct Reader {
    workspace: Arc<Workspace>,
    socket: Socket,
    tell: Option<oneshot::Sender<Leaving>>,
    preparing: FuturesOrdered<BoxFuture<'static, (String, Prepared)>>,
    storing: FuturesUnordered<BoxFuture<'static, (String, bool)>>,
    /// When the ping that is not answered yet went out.
    asked: Option<Instant>,
    /// When the last ping was answered.
    heard: Instant,
    /// No more is read after this, and why.
    until: Option<(Instant, String)>,
}

/// How reading came to its end.
enum Ending {
    /// The account listens no more.
    Over,
    /// Slack wanted the connection replaced, for this reason.
    Replaced(String),
    Broken(String),
}

/// Reads until the connection ends or must not be read any more.
pub(super) async fn serve(
    workspace: Arc<Workspace>,
    socket: Socket,
    tell: oneshot::Sender<Leaving>,
    mut over: Over,
) {
    let mut reader = Reader {
        workspace,
        socket,
        tell: Some(tell),
        preparing: FuturesOrdered::new(),
        storing: FuturesUnordered::new(),
        asked: None,
        heard: Instant::now(),
        until: None,
    };
    let ending = reader.read(&mut over).await;
    if !matches!(ending, Ending::Broken(_)) {
        // In order: what the gateway still decides on is acknowledged, then the socket closes.
        let _ = timeout(FINISH, reader.finish()).await;
        let _ = timeout(FINISH, reader.socket.close(None)).await;
    }
    let last = reader.workspace.socket_closed();
    let (Ending::Replaced(why) | Ending::Broken(why)) = ending else { return };
    if last {
        let account = reader.workspace.account.id().as_str();
        tracing::warn!(account, why, "connection lost");
        reader.workspace.report(LinkState::Retrying, why).await;
    }
    reader.leave(Leaving::Lost);
}

impl Reader {
    async fn read(&mut self, over: &mut Over) -> Ending {
        loop {
            let due = self.due();
            let room = self.preparing.len() + self.storing.len() < OPEN_MAX;
            tokio::select! {
                biased;
                () = ended(over) => return Ending::Over,
                Some((envelope, stored)) = self.storing.next() => {
                    if let Err(why) = self.acknowledge(envelope, stored).await {
                        return Ending::Broken(why);
                    }
                }
                Some((envelope, prepared)) = self.preparing.next() => self.store(envelope, prepared),
                // Before the clock: an answer that waits unread is no silence.
                frame = self.socket.next(), if room => match frame {
                    Some(Ok(frame)) => self.take(frame),
                    Some(Err(error)) => return self.dropped(format!("the connection broke: {error}")),
                    None => return self.dropped("Slack closed the connection".to_owned()),
                },
                () = sleep_until(due) => {
                    if let Some((_, why)) = self.until.take_if(|(until, _)| *until <= Instant::now()) {
                        return Ending::Replaced(why);
                    }
                    if let Err(why) = self.beat(room).await {
                        return self.dropped(why);
                    }
                }
            }
        }
    }

    /// A connection that breaks after Slack wanted it replaced broke for that reason.
    fn dropped(&mut self, why: String) -> Ending {
        Ending::Broken(self.until.take().map_or(why, |(_, reason)| reason))
    }

    async fn finish(&mut self) {
        while let Some((envelope, prepared)) = self.preparing.next().await {
            self.store(envelope, prepared);
        }
        while let Some((envelope, stored)) = self.storing.next().await {
            if self.acknowledge(envelope, stored).await.is_err() {
                return;
            }
        }
    }

    fn take(&mut self, frame: Message) {
        match frame {
            Message::Pong(_) => {
                self.asked = None;
                self.heard = Instant::now();
                self.workspace.round_trip();
            }
            Message::Text(text) => match serde_json::from_str::<Value>(&text) {
                Ok(said) => self.hear(said),
                Err(error) => tracing::warn!(%error, "Slack sent a frame that is no JSON"),
            },
            _ => {} // pings are answered by the library, and an end shows by itself
        }
    }

    fn hear(&mut self, mut said: Value) {
        let kind = said["type"].as_str().unwrap_or_default().to_owned();
        if kind == "disconnect" {
            return self.disconnect(said["reason"].as_str().unwrap_or_default());
        }
        let Some(envelope) = said["envelope_id"].as_str().map(str::to_owned) else { return };
        let payload = said["payload"].take();
        let delivery = match kind.as_str() {
            "events_api" => Delivery::Event(payload),
            "slash_commands" => Delivery::Command(payload),
            "interactive" => Delivery::Interactive(payload),
            _ => {
                // Of no use to us, now or later.
                tracing::debug!(kind, "an envelope of an unknown kind");
                return self.store(envelope, Prepared::Nothing);
            }
        };
        let workspace = Arc::clone(&self.workspace);
        self.preparing.push_back(Box::pin(async move {
            let prepared = prepare(&workspace, &delivery).await;
            (envelope, prepared)
        }));
    }

    fn disconnect(&mut self, reason: &str) {
        tracing::debug!(reason, "Slack wants the connection replaced");
        self.until = Some((Instant::now() + LINGER, said_of(reason)));
        self.leave(match reason {
            "link_disabled" | "too_many_websockets" => Leaving::Unwanted(said_of(reason)),
            _ => Leaving::Refresh,
        });
    }

    fn leave(&mut self, why: Leaving) {
        if let Some(tell) = self.tell.take() {
            let _ = tell.send(why); // nobody listens once it is over
        }
    }

    fn store(&mut self, envelope: String, prepared: Prepared) {
        self.storing.push(Box::pin(async move { (envelope, settle(prepared).await) }));
    }

    /// Tells Slack, if the gateway keeps it; otherwise Slack delivers it again.
    async fn acknowledge(&mut self, envelope: String, stored: bool) -> Result<(), String> {
        if !stored {
            tracing::info!(envelope, "not stored, so not acknowledged");
            return Ok(());
        }
        self.write(Message::text(json!({ "envelope_id": envelope }).to_string())).await
    }

    fn due(&self) -> Instant {
        let pace = self.workspace.pace;
        let beat = self.asked.map_or(self.heard + pace.ping, |asked| asked + pace.pong);
        self.until.as_ref().map_or(beat, |(until, _)| (*until).min(beat))
    }

    async fn beat(&mut self, reading: bool) -> Result<(), String> {
        if !reading {
            // An answer could not be seen.
            (self.asked, self.heard) = (None, Instant::now());
            return Ok(());
        }
        if self.asked.is_some() {
            return Err("the connection went deaf: it did not answer".to_owned());
        }
        self.write(Message::Ping(Vec::new().into())).await?;
        self.asked = Some(Instant::now());
        Ok(())
    }

    async fn write(&mut self, frame: Message) -> Result<(), String> {
        match timeout(WRITE_PATIENCE, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the connection broke: {error}")),
            Err(_) => Err("the connection went deaf: it takes nothing".to_owned()),
        }
    }
}

/// What a person should know of a reason that Slack gives for ending a connection.
pub(super) fn said_of(reason: &str) -> String {
    match reason {
        "link_disabled" => {
            "Socket Mode is switched off in the app's settings: switch it on under Socket Mode".into()
        }
        "too_many_websockets" => {
            "the app has more connections open than Slack allows: something else uses this app token".into()
        }
        "" => "Slack ended the connection without a reason".into(),
        reason => format!("Slack ended the connection: {reason}"),
    }
}
