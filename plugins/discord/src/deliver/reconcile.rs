//! What became of a message whose sending nobody saw the end of.
//!
//! Within two minutes the same call is made again: Discord recognises the nonce and answers with the
//! message it has, or takes it now. Later its memory of nonces is over, and the channel's history is
//! read instead. What neither can tell stays unknown.

use super::{Job, deliver};
use crate::{
    account::Bot,
    client::Call,
    error::Failure,
    inbound::{
        sent_at_ms,
        wire::{Message, User},
    },
    outbound,
};
use jackfield_plugin_api::{
    Outgoing,
    error::FailureClass,
    fetch::Reconciled,
    outbound::{Outbound, Target},
    serde_json::Value,
    tokio::time::{Instant, sleep},
};
use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Discord says that it knows a nonce for a few minutes.
const NONCE_LIFE: Duration = Duration::from_mins(2);
const PAGE: usize = 100;
const PAGES_MAX: usize = 3;
/// A send that is older is not looked for.
const LOOK_BACK_MS: u64 = 24 * 3600 * 1000;

/// Finds out, sending again only where that cannot make a second message.
pub(crate) async fn reconcile(bot: &Bot, out: &Outgoing) -> Reconciled {
    let attempt = bot.known_attempt(&out.idem_key);
    let fresh = attempt.as_ref().is_some_and(|attempt| attempt.first.elapsed() < NONCE_LIFE);
    match (&out.body, fresh) {
        // Posts of a forum carry no nonce; deliver would make a second one.
        (Outbound::Message { .. } | Outbound::Poll { .. }, true) if !is_post(bot, out).await => {
            repeat(bot, out).await
        }
        (Outbound::Message { .. } | Outbound::Poll { .. }, _) => look(bot, out).await,
        // The other kinds never end uncertain.
        _ => Reconciled::Unknown,
    }
}

async fn is_post(bot: &Bot, out: &Outgoing) -> bool {
    let Some(to) = target(&out.body) else { return false };
    let goal = Job::new(bot, out).goal(to).await;
    goal.is_ok_and(|goal| goal.forum)
}

fn target(body: &Outbound) -> Option<&Target> {
    match body {
        Outbound::Message { to, .. } | Outbound::Poll { to, .. } => Some(to),
        _ => None,
    }
}

async fn repeat(bot: &Bot, out: &Outgoing) -> Reconciled {
    let until = Instant::now() + out.timeout / 2;
    loop {
        let error = match deliver(bot, out).await {
            Ok(receipt) => return Reconciled::Sent(receipt),
            Err(error) => error,
        };
        let wait = Duration::from_millis(error.retry_after_ms.unwrap_or(1000));
        match error.class {
            FailureClass::Permanent => return Reconciled::NotSent,
            _ if Instant::now() + wait > until => {
                return Reconciled::Unknown;
            }
            _ => sleep(wait).await,
        }
    }
}

async fn look(bot: &Bot, out: &Outgoing) -> Reconciled {
    let nonces = match &out.body {
        Outbound::Message { text, attachments, .. } => {
            let Ok(parts) = outbound::parts(text, attachments, &out.idem_key) else {
                return Reconciled::NotSent;
            };
            parts.into_iter().map(|part| part.nonce).collect()
        }
        _ => vec![outbound::nonce(&out.idem_key, 0)],
    };
    let Some(to) = target(&out.body) else { return Reconciled::Unknown };
    let Ok(goal) = Job::new(bot, out).goal(to).await else { return Reconciled::Unknown };
    if goal.forum {
        return Reconciled::Unknown;
    }
    match history(bot, &goal.channel).await {
        Ok(history) => history.verdict(&nonces),
        Err(_) => Reconciled::Unknown,
    }
}

/// Our own messages of a channel, newest first, as far back as is looked.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) by_nonce: HashMap<String, String>,
    /// Messages of ours, with a nonce or without.
    own: usize,
    /// Everything that could be the message was seen.
    whole: bool,
}

impl History {
    fn verdict(&self, nonces: &[String]) -> Reconciled {
        let sent: Vec<String> =
            nonces.iter().filter_map(|nonce| self.by_nonce.get(nonce).cloned()).collect();
        if sent.len() == nonces.len() {
            return Reconciled::Sent(super::receipt(sent));
        }
        // Without a single nonce in sight, not seeing ours proves nothing.
        let telling = self.own == 0 || !self.by_nonce.is_empty();
        if self.whole && telling { Reconciled::NotSent } else { Reconciled::Unknown }
    }

    fn take(&mut self, messages: &[Message], own: &str) {
        let of_us = |m: &&Message| m.author.as_ref().is_some_and(|author| author.id == own);
        for message in messages.iter().filter(of_us) {
            self.own += 1;
            if let Some(nonce) = message.nonce.as_ref().and_then(Value::as_str) {
                self.by_nonce.insert(nonce.to_owned(), message.id.clone());
            }
        }
    }
}

pub(super) async fn history(bot: &Bot, channel: &str) -> Result<History, Failure> {
    let mut own = bot.identity().user;
    if own.is_empty() {
        // Asked before the first login: without knowing who we are, nothing there would be ours.
        own = bot.rest.patiently::<User>(&Call::get("users/@me")).await?.id;
    }
    let mut history = History::default();
    let mut before = String::new();
    for _ in 0..PAGES_MAX {
        let call = Call::get(format!("channels/{channel}/messages?limit={PAGE}{before}"));
        let page: Vec<Message> = bot.rest.patiently(&call).await?;
        history.take(&page, &own);
        let oldest = page.iter().min_by_key(|message| message.id.parse::<u64>().unwrap_or(0));
        let old = oldest.and_then(|message| sent_at_ms(&message.id)).is_some_and(is_old);
        if page.len() < PAGE || old {
            history.whole = true;
            break;
        }
        before = oldest.map(|message| format!("&before={}", message.id)).unwrap_or_default();
    }
    Ok(history)
}

fn is_old(ms: u64) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(ms.saturating_add(LOOK_BACK_MS)) < now
}

#[cfg(test)]
mod tests {
    use super::History;
    use crate::inbound::wire::Message;
    use jackfield_plugin_api::{
        fetch::Reconciled,
        serde_json::{from_value, json},
    };

    fn history(messages: jackfield_plugin_api::serde_json::Value, whole: bool) -> History {
        let messages: Vec<Message> = from_value(messages).unwrap();
        let mut history = History { whole, ..History::default() };
        history.take(&messages, "me");
        history
    }

    #[test]
    fn history_tells_only_what_it_shows() {
        let messages = json!([
            {"id": "3", "channel_id": "1", "author": {"id": "me"}, "nonce": "b"},
            {"id": "2", "channel_id": "1", "author": {"id": "me"}, "nonce": "a"},
            {"id": "1", "channel_id": "1", "author": {"id": "other"}, "nonce": "c"},
        ]);
        let seen = history(messages.clone(), true);
        let verdict = |nonces: &[&str]| {
            seen.verdict(&nonces.iter().map(|nonce| (*nonce).to_owned()).collect::<Vec<_>>())
        };
        let Reconciled::Sent(receipt) = verdict(&["a", "b"]) else { panic!("both are there") };
        assert_eq!(receipt.message.unwrap().as_str(), "3");
        assert_eq!(receipt.parts.len(), 2);
        assert_eq!(verdict(&["a", "z"]), Reconciled::NotSent, "the rest can follow");
        assert_eq!(verdict(&["c"]), Reconciled::NotSent, "another's message");
        assert_eq!(history(messages, false).verdict(&["z".to_owned()]), Reconciled::Unknown);
        let silent = json!([{"id": "3", "channel_id": "1", "author": {"id": "me"}}]);
        assert_eq!(
            history(silent, true).verdict(&["z".to_owned()]),
            Reconciled::Unknown,
            "a history without nonces proves nothing"
        );
        assert_eq!(history(json!([]), true).verdict(&["z".to_owned()]), Reconciled::NotSent);
    }
}
