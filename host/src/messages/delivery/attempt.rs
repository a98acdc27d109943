//! One attempt at a row: its parts in order, each outcome stored before the next part is asked for.
//!
//! Must not know: lanes, or when an attempt is due.

use super::{super::adopt::backoff, super::chunk, Link};
use crate::{
    clock,
    plugins::Attempt,
    store::outbox::{self, OutboxRow},
};
use jackfield_plugin_api::{
    error::{FailureClass, SendError},
    manifest::Limits,
    outbound::{Outbound, Receipt},
};
use serde::Serialize;
use serde_json::Value;
use std::time::Duration;

/// Longest wait between two attempts, unless the platform asks for more.
const BACKOFF_MAX: Duration = Duration::from_mins(10);
/// Longest wait that a platform may ask for; the row expires by then anyway.
const ASKED_MAX: Duration = Duration::from_hours(24);
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
/// What the carrier gets on top of the plugin's time before an attempt counts as lost.
const GRACE: Duration = Duration::from_secs(5);

/// What an attempt came to.
pub(super) enum Verdict {
    Sent,
    Later {
        wait: Duration,
        paced: bool,
        error: SendError,
    },
    Never(SendError),
    Unknown(SendError),
    /// The outcome could not be stored; the row stays as it is.
    Stopped,
}

impl Link {
    pub(super) async fn attempt_parts(
        &self,
        row: &OutboxRow,
        parts: Vec<Outbound>,
        timeout: Duration,
    ) -> Verdict {
        let mut receipts = row.receipts.clone();
        let first = usize::try_from(row.next_part).unwrap_or(usize::MAX);
        let count = parts.len();
        let mut attempt = row.attempts + 1;
        for (index, body) in parts.into_iter().enumerate().skip(first) {
            let idem_key = match index {
                0 => row.provider_key.clone(),
                _ => format!("{}.{index}", row.provider_key),
            };
            let ask = Attempt { idem_key, attempt, timeout, body };
            match self.ask(ask, timeout).await {
                Ok(receipt) => receipts.push(as_json(&receipt)),
                Err(error) => return judge(error, attempt),
            }
            if self.keep_part(&row.id, receipts.clone(), index + 1 == count).await.is_none() {
                return Verdict::Stopped;
            }
            attempt = 1;
        }
        Verdict::Sent
    }

    async fn ask(&self, attempt: Attempt, timeout: Duration) -> Result<Receipt, SendError> {
        let sending = self.pipe.senders.send(&self.channel, attempt);
        tokio::time::timeout(timeout + GRACE, sending).await.unwrap_or_else(|_| {
            Err(SendError::uncertain("timeout", "the plugin did not answer in time"))
        })
    }

    async fn keep_part(&self, id: &str, receipts: Vec<Value>, last: bool) -> Option<()> {
        let (id, clock) = (id.to_owned(), self.pipe.clock.clone());
        self.pipe.keep(move |c| outbox::part_sent(c, &id, &receipts, last, clock.now_ms())).await
    }
}

fn judge(error: SendError, attempt: u32) -> Verdict {
    match error.class {
        FailureClass::Retryable => {
            let asked = error.retry_after_ms.map(Duration::from_millis);
            let wait = match asked {
                Some(asked) => asked.min(ASKED_MAX),
                None => jittered(backoff(attempt, BACKOFF_MAX)),
            };
            Verdict::Later { wait, paced: asked.is_some(), error }
        }
        FailureClass::Permanent => Verdict::Never(error),
        FailureClass::Uncertain | FailureClass::Unknown => Verdict::Unknown(error),
    }
}

/// Up to a quarter less, so that rows that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let [chance] = clock::random_bytes::<1>();
    wait.saturating_sub(wait / 1024 * u32::from(chance))
}

/// The bodies a row goes out as: those stored with it, or the message cut to the platform's size.
/// `None` when the row cannot be read.
pub(super) fn parts(row: &OutboxRow, limits: &Limits) -> Option<Vec<Outbound>> {
    if let Some(stored) = &row.parts {
        return stored.iter().map(|part| serde_json::from_value(part.clone()).ok()).collect();
    }
    let body: Outbound = serde_json::from_value(row.body.clone()).ok()?;
    let Outbound::Message { to, text, attachments, reply_to, silent } = body else {
        return Some(vec![body]);
    };
    let texts = chunk::split(&text, limits.text_max as usize, limits.text_unit);
    let last = texts.len().saturating_sub(1);
    let (mut files, mut answers) = (Some(attachments), reply_to);
    Some(
        texts
            .into_iter()
            .enumerate()
            .map(|(index, text)| Outbound::Message {
                to: to.clone(),
                text,
                // Files close the message; only its beginning answers the other one.
                attachments: if index == last { files.take().unwrap_or_default() } else { vec![] },
                reply_to: answers.take(),
                silent,
            })
            .collect(),
    )
}

/// Time one attempt may take.
pub(super) fn timeout(limits: &Limits) -> Duration {
    match limits.send_timeout_ms {
        0 => TIMEOUT_DEFAULT,
        ms => Duration::from_millis(ms.into()),
    }
}

/// The contract's types are plain data: they always have a JSON form.
pub(super) fn as_json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("plain data has a JSON form")
}
