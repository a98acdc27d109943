//! Long polling.
//!
//! An offset is sent once, to confirm what was stored, and then left out: without it the server
//! gives the oldest updates it holds, whatever their numbers are. Numbers begin anew after a silent
//! week, and an offset from before would throw the new ones away. After trouble nothing is confirmed
//! at all: what comes twice is known. The first poll after trouble does not wait, so that the link
//! says within a moment whether messages flow.

use super::{
    Ended, hand_over,
    pause::Pause,
    place::{Place, now_s},
};
use crate::{
    channel::bot::Bot,
    client::Me,
    error::{ApiError, Cause},
    inbound::{self, Item},
};
use jackfield_plugin_api::{
    link::LinkState,
    serde_json::{Value, json, value::RawValue},
    tracing,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How long the server may hold a poll without news.
const HOLD: Duration = Duration::from_secs(30);
/// How much longer an answer may take before the connection counts as deaf.
const GRACE: Duration = Duration::from_secs(10);
/// How often the bot is asked for anew: people change its name and its privacy mode.
const REFRESH: Duration = Duration::from_mins(10);
/// Most updates of one answer.
const BATCH_MAX: usize = 100;

/// Polls until there is trouble. `contested`: another program polls too, so that only a poll that was
/// held to its end, or brings something, means that messages flow.
pub(super) async fn run(bot: &Arc<Bot>, me: &Me, contested: bool) -> Ended {
    match poll(bot, me, contested).await {
        Ok(never) => match never {},
        Err(ended) => ended,
    }
}

async fn poll(bot: &Arc<Bot>, me: &Me, contested: bool) -> Result<std::convert::Infallible, Ended> {
    let stored = bot.take_cursor().and_then(|cursor| Place::read(&cursor));
    let mut confirmed = stored.and_then(|place| place.offset(me.id, now_s()));
    let mut hold = Duration::ZERO;
    let mut pause = Pause::default();
    let (mut me, mut asked) = (me.clone(), Instant::now());
    loop {
        if asked.elapsed() > REFRESH {
            // What was known stays good enough where it cannot be asked for.
            me = bot.identify().await.unwrap_or(me);
            asked = Instant::now();
        }
        let batch = match updates(bot, confirmed.take(), hold).await {
            Ok(batch) => batch,
            Err(error) if error.cause() == Cause::WebhookSet => {
                tracing::warn!(account = %bot.account.id(), "a webhook was set; it is removed");
                remove_webhook(bot).await.map_err(Ended::Trouble)?;
                pause.wait(&error).await;
                continue;
            }
            Err(error) => return Err(Ended::Trouble(error)),
        };
        if !contested || !hold.is_zero() || !batch.is_empty() {
            bot.proved();
            bot.report(LinkState::Connected, bot.way()).await;
        }
        hold = HOLD;
        pause.reset();
        let read = Batch::read(&batch, &me);
        for complaint in &read.complaints {
            tracing::warn!(account = %bot.account.id(), "an update is skipped: {complaint}");
        }
        hand_over(bot, me.id, read.items).await.map_err(|_| Ended::HostGone)?;
        confirmed = read.last.map(|last| last + 1);
    }
}

/// What a batch came to.
struct Batch {
    items: Vec<Item>,
    complaints: Vec<String>,
    /// The number of its last update.
    last: Option<i64>,
}

impl Batch {
    fn read(batch: &[Box<RawValue>], me: &Me) -> Self {
        let mut all = Self { items: Vec::new(), complaints: Vec::new(), last: None };
        for raw in batch {
            let read = inbound::read(raw, me);
            all.items.extend(read.items);
            all.complaints.extend(read.complaint);
            all.last = read.update_id.or(all.last);
        }
        all
    }
}

async fn updates(
    bot: &Bot,
    offset: Option<i64>,
    hold: Duration,
) -> Result<Vec<Box<RawValue>>, ApiError> {
    let mut params = json!({
        "timeout": hold.as_secs(), "limit": BATCH_MAX, "allowed_updates": inbound::ALLOWED,
    });
    if let Some(offset) = offset {
        params["offset"] = offset.into();
    }
    bot.client.call("getUpdates", &params, hold + GRACE).await
}

async fn remove_webhook(bot: &Bot) -> Result<(), ApiError> {
    let params = json!({ "drop_pending_updates": false });
    bot.client.call::<Value>("deleteWebhook", &params, GRACE).await.map(drop)
}
