//! One attempt at the next part of a row; its outcome is stored before another part is asked for.
//!
//! Must not know: lanes, or when an attempt is due.

use super::{super::adopt::backoff, super::chunk, super::withheld, Link};
use crate::{
    clock,
    config::Secret,
    plugins::Attempt,
    store::{
        failpoint,
        outbox::{self, OutboxRow, State},
    },
};
use jackfield_plugin_api::{
    error::{FailureClass, SendError},
    fetch::Reconciled,
    id::MessageId,
    manifest::Limits,
    outbound::{Outbound, Receipt, Target},
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
/// End of the key of a draft's last edit.
const FINAL: &str = ".final";

/// What an attempt came to.
pub(super) enum Verdict {
    Sent,
    /// A part is out; the next one is as if nothing had been tried.
    More,
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
    /// Sends the next part of a row. One that is under way already was cut off in the middle of it:
    /// what became of it is found out first.
    pub(super) async fn attempt_part(
        &self,
        row: &OutboxRow,
        parts: Vec<Outbound>,
        timeout: Duration,
    ) -> Verdict {
        let index = usize::try_from(row.next_part).unwrap_or(usize::MAX);
        let last = index + 1 >= parts.len();
        let Some(body) = parts.into_iter().nth(index) else {
            let text = "more parts of the stored message were sent than it has";
            return Verdict::Never(SendError::permanent("unreadable", text));
        };
        let idem_key = match (index, &body) {
            (0, Outbound::Edit { .. }) if is_message(row) => {
                format!("{}{FINAL}", row.provider_key)
            }
            (0, _) => row.provider_key.clone(),
            _ => format!("{}.{index}", row.provider_key),
        };
        let cut_off = row.state == State::Dispatching;
        let attempt = row.attempts + u32::from(!cut_off);
        let ask = Attempt { idem_key, attempt, timeout, body };
        let answer = if cut_off {
            let text = "the gateway ended while this was being sent";
            Err((ask, SendError::uncertain("restarted", text)))
        } else {
            self.ask(ask, timeout).await
        };
        let receipt = match self.certain(answer, attempt).await {
            Ok(receipt) => receipt,
            Err(verdict) => return verdict,
        };
        let mut receipts = row.receipts.clone();
        receipts.push(as_json(&receipt));
        failpoint::hit("outbox.answered");
        if self.keep_part(&row.id, receipts, last).await.is_none() {
            return Verdict::Stopped;
        }
        failpoint::hit("outbox.part_stored");
        if last { Verdict::Sent } else { Verdict::More }
    }

    /// Makes one attempt; a failure comes with what was asked. An edit of a draft that is gone
    /// becomes a message.
    async fn ask(
        &self,
        attempt: Attempt,
        timeout: Duration,
    ) -> Result<Receipt, (Attempt, SendError)> {
        match (self.ask_once(&attempt, timeout).await, &attempt.body) {
            (Ok(receipt), _) => Ok(receipt),
            (Err(error), Outbound::Edit { to, text, .. })
                if error.class == FailureClass::Permanent && attempt.idem_key.ends_with(FINAL) =>
            {
                let anew = Attempt {
                    idem_key: format!("{}.anew", attempt.idem_key),
                    body: message(to.clone(), text.clone(), None),
                    ..attempt
                };
                self.ask_once(&anew, timeout).await.map_err(|error| (anew, error))
            }
            (Err(error), _) => Err((attempt, error)),
        }
    }

    async fn ask_once(&self, attempt: &Attempt, timeout: Duration) -> Result<Receipt, SendError> {
        let sending = self.pipe.senders.send(&self.channel, attempt.clone());
        tokio::time::timeout(timeout + GRACE, sending).await.unwrap_or_else(|_| {
            Err(SendError::uncertain("timeout", "the plugin did not answer in time"))
        })
    }

    /// The outcome, after asking the platform where nobody knows.
    async fn certain(
        &self,
        answer: Result<Receipt, (Attempt, SendError)>,
        attempt: u32,
    ) -> Result<Receipt, Verdict> {
        let (asked, error) = match answer {
            Ok(receipt) => return Ok(receipt),
            Err(failed) => failed,
        };
        if !matches!(error.class, FailureClass::Uncertain | FailureClass::Unknown) {
            return Err(judge(error, attempt));
        }
        match self.pipe.find_out(&self.channel, asked).await {
            Some(Reconciled::Sent(receipt)) => Ok(receipt),
            Some(Reconciled::NotSent) => {
                let text = format!("it did not get out ({})", error.text);
                Err(judge(SendError::retryable("not_sent", text), attempt))
            }
            Some(Reconciled::Unknown) => Err(Verdict::Unknown(error)),
            None => Err(Verdict::Stopped),
        }
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

/// The bodies a row goes out as: those stored with it, or the message cut to the platform's size, the
/// first piece as the last edit of a draft where there is one. `None` when the row cannot be read.
pub(super) fn parts(
    row: &OutboxRow,
    limits: &Limits,
    draft: Option<MessageId>,
    secrets: &[Secret],
) -> Option<Vec<Outbound>> {
    if let Some(stored) = &row.parts {
        return stored.iter().map(|part| serde_json::from_value(part.clone()).ok()).collect();
    }
    let body = withheld::body(secrets, serde_json::from_value(row.body.clone()).ok()?);
    let Outbound::Message { to, text, attachments, reply_to, silent } = body else {
        return Some(vec![body]);
    };
    let texts = chunk::split(&text, limits.text_max as usize, limits.text_unit);
    let last = texts.len().saturating_sub(1);
    let (mut files, mut answers, mut draft) = (Some(attachments), reply_to, draft);
    Some(
        texts
            .into_iter()
            .enumerate()
            .map(|(index, text)| match draft.take() {
                Some(message) => Outbound::Edit { to: to.clone(), message, text },
                None => Outbound::Message {
                    to: to.clone(),
                    text,
                    // Files close the message; only its beginning answers the other one.
                    attachments: if index == last {
                        files.take().unwrap_or_default()
                    } else {
                        vec![]
                    },
                    reply_to: answers.take(),
                    silent,
                },
            })
            .collect(),
    )
}

/// Whether it makes new messages, which platforms count.
pub(super) fn is_new(row: &OutboxRow) -> bool {
    is_message(row) || row.body["kind"] == "poll"
}

fn is_message(row: &OutboxRow) -> bool {
    row.body["kind"] == "message"
}

fn message(to: Target, text: String, reply_to: Option<MessageId>) -> Outbound {
    Outbound::Message { to, text, attachments: Vec::new(), reply_to, silent: false }
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
