//! Updates on their way in: the bot is identified, then it polls or waits for the webhook.
//!
//! Walk 1, first step: updates become events here (by `inbound`) and are handed over; Telegram is
//! told only what the gateway has stored. Trouble never ends this but a rejected token does. Must
//! not know: how things are sent.

pub(crate) mod fragments;
mod pause;
mod place;
mod poll;
pub(crate) mod webhook;

use crate::{
    channel::bot::Bot,
    error::{ApiError, Cause},
    inbound::Item,
};
use futures_util::future::join_all;
use jackfield_plugin_api::{
    HostGone,
    frame::{Accepted, Cursor},
    link::LinkState,
    serde_json::{Value, json},
    tokio::{self, sync::watch},
    tracing,
};
use pause::{HEALTHY, Pause};
use place::{Place, now_s};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// So often in a row another poller may throw us out before its presence is the state of things. One
/// is met at each change of versions.
const CONFLICTS_MAX: u32 = 2;
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// Takes one bot's updates until `open` turns false.
pub(crate) async fn listen(bot: Arc<Bot>, mut open: watch::Receiver<bool>) {
    // What is cut off in its middle comes again: nothing is confirmed before it is stored.
    tokio::select! {
        _ = open.wait_for(|open| !open) => {}
        () = work(&bot) => {}
    }
}

async fn work(bot: &Arc<Bot>) {
    bot.report(LinkState::Connecting, "asking Telegram who this is").await;
    let mut pause = Pause::default();
    let mut conflicts = 0;
    loop {
        let begun = Instant::now();
        let ended = match bot.identify().await {
            Ok(me) => match &bot.login.webhook {
                None => poll::run(bot, &me, conflicts >= CONFLICTS_MAX).await,
                Some(webhook) => webhook::tend(bot, webhook).await,
            },
            Err(error) => Ended::Trouble(error),
        };
        let Ended::Trouble(error) = ended else { return };
        let well = begun.elapsed();
        pause.after(well);
        conflicts = match error.cause() {
            Cause::OtherPoller if well < HEALTHY => conflicts + 1,
            Cause::OtherPoller => 1,
            _ => 0,
        };
        let text = error.explain(&bot.login);
        if error.cause() == Cause::Token {
            tracing::error!(account = %bot.account.id(), "{text}");
            bot.report(LinkState::NeedsLogin, text).await;
            return;
        }
        tracing::warn!(account = %bot.account.id(), "{text}");
        // Some servers say by a bare status that they do not know the token; something in between
        // may mean something else by it, so asking goes on.
        let unknown = matches!(error, ApiError::Foreign { code: 401 | 404 }) && bot.me().is_none();
        let state = if unknown { LinkState::NeedsLogin } else { LinkState::Retrying };
        bot.report(state, text).await;
        pause.wait(&error).await;
    }
}

/// Why listening stopped for now.
enum Ended {
    /// The plugin's life is over.
    HostGone,
    /// The server refused or is away.
    Trouble(ApiError),
}

/// Hands events over, in order, until all are stored.
async fn hand_over(bot: &Arc<Bot>, bot_id: i64, mut items: Vec<Item>) -> Result<(), HostGone> {
    let mut pause = Pause::default();
    loop {
        items = offer(bot, bot_id, items).await?;
        if items.is_empty() {
            return Ok(());
        }
        let text = "the gateway stores nothing at the moment; messages wait at Telegram";
        bot.report(LinkState::Retrying, text).await;
        pause.wait_a_while().await;
    }
}

/// Offers events once, in order, a cursor with each; returns those from the first that was not
/// stored.
async fn offer(bot: &Arc<Bot>, bot_id: i64, mut items: Vec<Item>) -> Result<Vec<Item>, HostGone> {
    bot.name_fragments(&mut items);
    let emitting = items.iter().map(|item| {
        let value = Place { bot_id, next: item.update_id + 1, at_s: now_s() }.to_string();
        let cursor = Some(Cursor { stream: String::new(), value });
        report(bot, item, cursor)
    });
    let mut stored = 0;
    for answer in join_all(emitting).await {
        match answer? {
            Accepted::Stored | Accepted::Duplicate => stored += 1,
            // What was stored behind it is known when it comes again.
            _ => break,
        }
    }
    for item in items.drain(..stored) {
        if let Some(callback) = item.callback {
            answer_callback(bot, callback);
        }
    }
    Ok(items)
}

async fn report(bot: &Bot, item: &Item, cursor: Option<Cursor>) -> Result<Accepted, HostGone> {
    let (key, event) = (item.dedupe_key.clone(), item.event.clone());
    match &item.album {
        Some(album) => bot.account.emit_part(key, cursor, album.as_str(), event).await,
        None => bot.account.emit(key, cursor, event).await,
    }
}

/// Ends the waiting circle on a button. Whether that works changes nothing.
fn answer_callback(bot: &Arc<Bot>, id: String) {
    let bot = Arc::clone(bot);
    bot.account.host().clone().spawn(async move {
        let params = json!({ "callback_query_id": id });
        let answered: Result<Value, ApiError> =
            bot.client.call("answerCallbackQuery", &params, ANSWER_PATIENCE).await;
        if let Err(error) = answered {
            tracing::debug!("a button was not answered: {error}");
        }
    });
}
