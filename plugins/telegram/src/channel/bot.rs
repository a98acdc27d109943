//! One bot while it lives: its login, its door to the server, and what is known of its link.

use crate::{
    client::{Client, Me},
    config::Login,
    error::ApiError,
    inbound::Item,
    receive::fragments::Fragments,
};
use jackfield_plugin_api::{
    Account, PluginError,
    link::{LinkReport, LinkState},
    serde_json::json,
    tokio::{sync::watch, time::timeout},
};
use serde::Deserialize;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const ASK_PATIENCE: Duration = Duration::from_secs(15);
/// How long a probe waits until the first answer proves that updates come: a version that has just
/// begun may meet the last poll of the one before it.
const PROOF_PATIENCE: Duration = Duration::from_secs(6);

pub(crate) struct Bot {
    pub(crate) login: Login,
    pub(crate) client: Client,
    pub(crate) account: Account,
    known: Mutex<Known>,
    /// When an answer proved that updates would come.
    proved: watch::Sender<Option<Instant>>,
}

#[derive(Default)]
struct Known {
    /// Where the journal stood at the start.
    cursor: Option<String>,
    me: Option<Me>,
    /// Long messages that came in part.
    fragments: Fragments,
    /// What was reported last; the same is not said twice.
    reported: Option<(LinkState, String)>,
}

/// What the server knows of the way updates take.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WebhookInfo {
    pub(crate) url: String,
    pub(crate) pending_update_count: u64,
    pub(crate) last_error_date: Option<i64>,
    pub(crate) last_error_message: Option<String>,
}

impl Bot {
    pub(crate) fn new(
        login: Login,
        account: Account,
        cursor: Option<String>,
    ) -> Result<Self, PluginError> {
        let client = Client::new(&login)?;
        let known = Mutex::new(Known { cursor, ..Known::default() });
        Ok(Self { login, client, account, known, proved: watch::Sender::new(None) })
    }

    /// Where the journal stood at the start; once.
    pub(crate) fn take_cursor(&self) -> Option<String> {
        self.known().cursor.take()
    }

    /// Names what belongs to a message that Telegram's programs cut.
    pub(crate) fn name_fragments(&self, items: &mut [Item]) {
        let mut known = self.known();
        for item in items {
            known.fragments.join(item);
        }
    }

    /// Asks who this is, and keeps the answer.
    pub(crate) async fn identify(&self) -> Result<Me, ApiError> {
        let me = self.client.me(ASK_PATIENCE).await?;
        self.known().me = Some(me.clone());
        Ok(me)
    }

    /// Who this is, once known.
    pub(crate) fn me(&self) -> Option<Me> {
        self.known().me.clone()
    }

    /// An answer just proved that updates would come.
    pub(crate) fn proved(&self) {
        self.proved.send_replace(Some(Instant::now()));
    }

    /// Whether something proved so since then.
    pub(crate) fn proved_since(&self, then: Instant) -> bool {
        self.proved.borrow().is_some_and(|at| at > then)
    }

    /// Reports the link, if that is news.
    pub(crate) async fn report(&self, state: LinkState, detail: impl Into<String>) {
        let detail = detail.into();
        let identity = {
            let mut known = self.known();
            let news = (state, detail.clone());
            if known.reported.as_ref() == Some(&news) {
                return;
            }
            known.reported = Some(news);
            known.me.as_ref().map(name)
        };
        let report = LinkReport {
            account: self.account.id().clone(),
            state,
            detail: Some(detail),
            identity,
        };
        self.account.host().link(report).await;
    }

    /// The way updates take, in words; with what the operator wants and this way does not bring.
    pub(crate) fn way(&self) -> String {
        let way = match &self.login.webhook {
            Some(webhook) => format!("webhook {}", webhook.url),
            None => "polling".to_owned(),
        };
        let me = self.me();
        let private = me.is_some_and(|me| me.can_read_all_group_messages == Some(false));
        if private && self.login.wants_all {
            format!(
                "{way}; privacy mode is on, so groups show the bot only what addresses it, unless \
                 it is an administrator there: at @BotFather /setprivacy, Disable, then remove the \
                 bot from its groups and add it again"
            )
        } else {
            way
        }
    }

    pub(crate) async fn webhook_info(&self) -> Result<WebhookInfo, ApiError> {
        self.client.call("getWebhookInfo", &json!({}), ASK_PATIENCE).await
    }

    /// Asks the server who this is and whether messages flow, whatever the link says.
    pub(crate) async fn probe(&self) -> Result<String, String> {
        let explain = |error: ApiError| error.explain(&self.login);
        let me = self.identify().await.map_err(explain)?;
        let info = self.webhook_info().await.map_err(explain)?;
        let waiting = info.pending_update_count;
        let mut proved = self.proved.subscribe();
        // That it did not come in time shows below.
        let _ = timeout(PROOF_PATIENCE, proved.wait_for(Option::is_some)).await;
        let age = self.proved.borrow().map(|at| at.elapsed().as_secs());
        match age {
            Some(age) => Ok(format!(
                "{} (id {}), proved {age} s ago, {waiting} waiting at Telegram, {}",
                name(&me),
                me.id,
                self.way()
            )),
            None => Err(format!("{} answers, but takes no messages yet", name(&me))),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(me: &Me) -> String {
    if me.username.is_empty() { me.id.to_string() } else { format!("@{}", me.username) }
}
