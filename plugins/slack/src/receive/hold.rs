//! Keeps one Socket Mode connection open for as long as the account listens: opens, waits for Slack's
//! hello, lets `connection` read, replaces it before Slack drops it, and waits when it broke.
//!
//! On a rejected token it waits for a person, and looks now and then whether one has acted.

use super::{
    Over, Pauses,
    connection::{Leaving, said_of, serve},
    ended, gap,
};
use crate::{
    account::{Workspace, one_app},
    client::{
        Api,
        socket::{self, Socket},
    },
    error::ApiError,
};
use futures_util::StreamExt;
use jackfield_plugin_api::{
    link::LinkState,
    serde_json::{self, Value},
    tokio::{
        self,
        sync::oneshot,
        time::{Instant, sleep, timeout},
    },
    tracing,
};
use std::{sync::Arc, time::Duration};
use tokio_tungstenite::tungstenite::Message;

const HELLO_PATIENCE: Duration = Duration::from_secs(15);
/// A connection that lived this long was a good one.
const HEALTHY: Duration = Duration::from_secs(30);
/// While Socket Mode is switched off, or too many connections are open.
const LONG_PAUSE: Duration = Duration::from_secs(30);

pub(super) async fn hold(workspace: Arc<Workspace>, app: Api, mut over: Over) {
    let mut pauses = Pauses::new(workspace.pace);
    // The account has only just been introduced.
    let mut proved = true;
    loop {
        let opened = tokio::select! {
            () = ended(&mut over) => return,
            opened = open(&workspace, &app, proved) => opened,
        };
        proved = false;
        let pause = match opened {
            Ok(socket) => {
                let began = Instant::now();
                let Some(leaving) = hosted(&workspace, socket, &mut over).await else { return };
                if began.elapsed() >= HEALTHY {
                    pauses.reset();
                }
                match leaving {
                    // The old one goes on until the new one stands.
                    Leaving::Refresh if began.elapsed() >= HEALTHY => continue,
                    Leaving::Refresh | Leaving::Lost => pauses.next(),
                    Leaving::Unwanted(why) => {
                        if workspace.sockets() <= 1 {
                            workspace.report(LinkState::Retrying, why).await;
                        }
                        pauses.next().max(LONG_PAUSE.min(workspace.pace.pause_max))
                    }
                }
            }
            Err(error) if error.is_rejection() => {
                let account = workspace.account.id().as_str();
                tracing::error!(account, %error, "cannot open a connection");
                workspace.report(LinkState::NeedsLogin, error.to_string()).await;
                // What a person changes in the app's settings needs no new token.
                workspace.pace.proof
            }
            Err(error) => {
                if workspace.sockets() == 0 {
                    workspace.report(LinkState::Retrying, error.to_string()).await;
                }
                pauses.after(&error)
            }
        };
        tokio::select! {
            () = ended(&mut over) => return,
            () = sleep(pause) => {}
        }
    }
}

/// A connection on which Slack said hello. When none stood, the bot token is proved as well: without
/// it no message would flow.
async fn open(workspace: &Workspace, app: &Api, proved: bool) -> Result<Socket, ApiError> {
    if !proved && workspace.sockets() == 0 {
        workspace.introduce().await?;
    }
    let mut socket = socket::open(app).await?;
    let late = || Err(ApiError::Lost("the connection never said hello".to_owned()));
    let hello = timeout(HELLO_PATIENCE, hello(&mut socket)).await.unwrap_or_else(|_| late())?;
    let me = workspace.me();
    let bot = me.as_ref().and_then(|me| me.app.as_deref());
    one_app(bot, hello["connection_info"]["app_id"].as_str())?;
    count(workspace, hello["num_connections"].as_u64());
    Ok(socket)
}

async fn hello(socket: &mut Socket) -> Result<Value, ApiError> {
    while let Some(Ok(frame)) = socket.next().await {
        let Message::Text(text) = frame else { continue };
        let said: Value = serde_json::from_str(&text).unwrap_or_default();
        match said["type"].as_str() {
            Some("hello") => return Ok(said),
            Some("disconnect") => {
                let reason = said["reason"].as_str().unwrap_or_default();
                return Err(ApiError::TurnedAway(said_of(reason)));
            }
            _ => {}
        }
    }
    Err(ApiError::Lost("the connection closed before its hello".to_owned()))
}

/// Notes how many connections of the app are not from here, as Slack counts.
fn count(workspace: &Workspace, all: Option<u64>) {
    let siblings: usize = workspace.siblings().map(|sibling| sibling.sockets()).sum();
    let own = workspace.sockets() + siblings + 1;
    let strangers = all.unwrap_or(0).saturating_sub(own as u64);
    workspace.signs(|signs| signs.strangers = strangers);
    if strangers > 0 {
        let account = workspace.account.id().as_str();
        tracing::info!(
            account,
            strangers,
            "Slack counts connections of this app that are not from here"
        );
    }
}

/// Lets a connection be read by a task of its own; why it must be replaced, `None` when it is over.
async fn hosted(workspace: &Arc<Workspace>, socket: Socket, over: &mut Over) -> Option<Leaving> {
    if workspace.socket_opened() {
        tokio::select! {
            () = ended(over) => {}
            () = gap::begin(workspace) => {}
        }
    }
    let connected = async || {
        let detail = format!("connected by Socket Mode{}", workspace.remarks());
        workspace.report(LinkState::Connected, detail).await;
    };
    connected().await;
    let (tell, mut told) = oneshot::channel();
    let serving = serve(Arc::clone(workspace), socket, tell, over.clone());
    workspace.account.host().spawn(serving);
    loop {
        tokio::select! {
            () = ended(over) => return None,
            told = &mut told => return Some(told.unwrap_or(Leaving::Lost)),
            () = sleep(workspace.pace.proof) => {}
        }
        // A send may have met a token that Slack turned away for a moment.
        if workspace.is_doubted() && workspace.introduce().await.is_ok() {
            connected().await;
        }
    }
}
