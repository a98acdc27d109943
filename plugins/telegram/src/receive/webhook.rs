//! Webhook: Telegram posts each update to the gateway, which answers 200 once it is stored.
//!
//! The address is not secret, so Telegram proves itself by a header. One connection at a time keeps
//! the order of messages.

use super::{Ended, offer};
use crate::{
    channel::bot::{Bot, WebhookInfo},
    config::{Login, Webhook},
    error::ApiError,
    inbound,
};
use jackfield_plugin_api::{
    http::{HttpRequest, HttpResponse},
    link::LinkState,
    serde_json::{self, Value, json, value::RawValue},
    tokio::time::sleep,
    tracing,
};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::Arc,
    time::{Duration, Instant},
};
use subtle::ConstantTimeEq;

const PREFIX: &str = "/telegram/";
const SECRET_HEADER: &str = "x-telegram-bot-api-secret-token";
/// How often the server is asked whether the webhook still stands and works.
const CHECK: Duration = Duration::from_secs(45);
const SET_PATIENCE: Duration = Duration::from_secs(20);

/// Sets the webhook and looks after it until there is trouble.
pub(super) async fn tend(bot: &Arc<Bot>, webhook: &Webhook) -> Ended {
    match watch(bot, webhook).await {
        Ok(never) => match never {},
        Err(error) => Ended::Trouble(error),
    }
}

async fn watch(bot: &Bot, webhook: &Webhook) -> Result<std::convert::Infallible, ApiError> {
    // An error from before this life is no news.
    let known_error = bot.webhook_info().await?.last_error_date;
    let mut health = Health { known_error, failing: false };
    set(bot, webhook).await?;
    let mut checked = Instant::now();
    loop {
        let info = bot.webhook_info().await?;
        if info.url != webhook.url {
            tracing::warn!(account = %bot.account.id(), "somebody changed the webhook; it is set again");
            set(bot, webhook).await?;
        }
        if health.is_good(&info, bot.proved_since(checked)) {
            bot.proved();
            bot.report(LinkState::Connected, bot.way()).await;
        } else {
            let text = format!(
                "Telegram cannot deliver to {}: {}",
                webhook.url,
                info.last_error_message.unwrap_or_default()
            );
            tracing::warn!(
                account = %bot.account.id(), waiting = info.pending_update_count, "{text}"
            );
            bot.report(LinkState::Retrying, text).await;
        }
        // Behind our own proof, which is no update.
        checked = Instant::now();
        sleep(CHECK).await;
    }
}

/// Whether updates come, by what the server tells of its attempts.
struct Health {
    known_error: Option<i64>,
    failing: bool,
}

impl Health {
    /// `came`: an update was taken since the last time. After an error the server waits minutes
    /// before it tries again: no new error is no good news while something waits there.
    fn is_good(&mut self, info: &WebhookInfo, came: bool) -> bool {
        let news = info.last_error_date != self.known_error;
        self.known_error = info.last_error_date;
        let waits = info.pending_update_count > 0;
        self.failing = (news || (self.failing && waits)) && !came;
        !self.failing
    }
}

async fn set(bot: &Bot, webhook: &Webhook) -> Result<(), ApiError> {
    let params = json!({
        "url": webhook.url, "secret_token": secret(&bot.login, webhook), "max_connections": 1,
        "allowed_updates": inbound::ALLOWED,
    });
    bot.client.call::<Value>("setWebhook", &params, SET_PATIENCE).await.map(drop)
}

/// The operator's secret, or one that follows from the token and does not reveal it.
fn secret(login: &Login, webhook: &Webhook) -> String {
    if let Some(secret) = &webhook.secret {
        return secret.reveal().to_owned();
    }
    let digest = Sha256::digest(format!("jackfield webhook {}", login.token.reveal()));
    digest.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // a string takes everything
        hex
    })
}

/// Answers one request below `/telegram/`.
pub(crate) async fn answer(
    bots: &BTreeMap<String, Arc<Bot>>,
    open: bool,
    request: &HttpRequest,
) -> HttpResponse {
    let account = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let Some((bot, webhook)) =
        bots.get(account).and_then(|bot| Some((bot, bot.login.webhook.as_ref()?)))
    else {
        return HttpResponse::text(404, "Not found\n");
    };
    if request.method != "POST" {
        return HttpResponse::text(405, "Only POST\n").with_header("allow", "POST");
    }
    let given = request.header(SECRET_HEADER).unwrap_or_default();
    let expected = secret(&bot.login, webhook);
    if !bool::from(given.as_bytes().ct_eq(expected.as_bytes())) {
        return HttpResponse::text(401, "Who are you?\n");
    }
    let later = || HttpResponse::text(503, "Later\n").with_header("retry-after", "1");
    let Some(me) = bot.me().filter(|_| open) else { return later() };
    let body = request.body().unwrap_or_default();
    let Ok(raw) = serde_json::from_slice::<&RawValue>(&body) else {
        return HttpResponse::text(400, "Not JSON\n");
    };
    let read = inbound::read(raw, &me);
    if let Some(complaint) = read.complaint {
        // Refused it would come again for a day, and everything behind it would wait.
        tracing::warn!(account, "an update is skipped: {complaint}");
    }
    match offer(bot, me.id, read.items).await {
        Ok(rest) if rest.is_empty() => {
            bot.proved();
            HttpResponse::new(200)
        }
        _ => later(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, WebhookInfo};

    #[test]
    fn silence_after_an_error_is_no_good_news() {
        let mut health = Health { known_error: Some(1), failing: false };
        let told = |error: i64, waiting: u64| WebhookInfo {
            last_error_date: Some(error),
            pending_update_count: waiting,
            ..WebhookInfo::default()
        };
        assert!(health.is_good(&told(1, 0), false), "an error of long ago");
        assert!(!health.is_good(&told(2, 3), false));
        assert!(!health.is_good(&told(2, 3), false), "it has not tried again");
        assert!(health.is_good(&told(2, 0), false), "nothing waits any more");
        assert!(!health.is_good(&told(3, 1), false));
        assert!(health.is_good(&told(3, 9), true), "they come");
        assert!(health.is_good(&told(3, 9), false), "and are worked off");
    }
}
