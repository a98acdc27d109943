//! What others ask to send: checked against the channel's abilities, stored, and waited for.
//!
//! A request with a key is stored once, however often it comes; everybody who asks under that key gets
//! the same answer. The step before: a method or an answer; the step after: [`super::delivery`].
//! Must not know: how an attempt is made.

use super::{delivery::Delivery, pipe::Pipe};
use crate::{
    clock,
    store::{
        StoreError,
        outbox::{self, OutboxRow, State},
    },
};
use jackfield_plugin_api::{
    attachment::Attachment,
    error::SendError,
    id::DEFAULT_ACCOUNT,
    manifest::Capabilities,
    outbound::{Outbound, Receipt, Target},
};
use std::{sync::Arc, time::Duration};

/// How long [`Outgoing::send`] waits for an outcome.
pub const SEND_WAIT: Duration = Duration::from_secs(30);

/// A message to send.
#[derive(Clone, Debug, Default)]
pub struct SendRequest {
    /// The channel.
    pub channel: String,
    /// The account; `None` = `default`.
    pub account: Option<String>,
    /// The conversation, or the peer of a direct one.
    pub to: String,
    /// The thread inside it.
    pub thread: Option<String>,
    /// Markdown.
    pub text: String,
    /// Files.
    pub attachments: Vec<Attachment>,
    /// The message to answer.
    pub reply_to: Option<String>,
    /// Without a notification, where the platform can.
    pub silent: bool,
    /// Scope and key: the same pair is sent once.
    pub idem: Option<(String, String)>,
}

/// Something that went out.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivered {
    /// The platform's id of the last message; the outbox id where the platform gave none.
    pub message_id: String,
    /// The conversation it went to.
    pub conversation_id: String,
    /// The channel.
    pub channel: String,
    /// The row, unique.
    pub outbox_id: String,
    /// Everything the platform said.
    pub receipt: Receipt,
}

/// Why something did not go out, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// No enabled plugin serves the channel.
    #[error("no enabled plugin serves the channel `{0}`")]
    UnknownChannel(String),
    /// The channel cannot do this.
    #[error("the channel `{channel}` cannot do this: {what}")]
    Unsupported {
        /// The channel.
        channel: String,
        /// What is missing.
        what: &'static str,
    },
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(&'static str),
    /// Not sent, and not tried any more.
    #[error("not sent: {0}")]
    Failed(SendError),
    /// Not sent in time and taken back: asking again is safe.
    #[error("not sent in time: {0}")]
    NotSent(SendError),
    /// It may or may not have been sent; it is not sent again by itself.
    #[error("nobody knows whether it was sent: {error}")]
    Unknown {
        /// The row.
        outbox_id: String,
        /// What happened.
        error: SendError,
    },
    /// It is still being sent.
    #[error("still being sent; ask again with the same key")]
    Pending {
        /// The row.
        outbox_id: String,
    },
    /// Nothing was stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request as it goes to the plugin.
pub(super) fn message(request: SendRequest) -> Outbound {
    Outbound::Message {
        to: Target {
            account: request.account.as_deref().unwrap_or(DEFAULT_ACCOUNT).into(),
            conversation: request.to.into(),
            kind: None,
            thread: request.thread.map(Into::into),
        },
        text: request.text,
        attachments: request.attachments,
        reply_to: request.reply_to.map(Into::into),
        silent: request.silent,
    }
}

/// The way out.
pub(super) struct Outgoing {
    pub(super) pipe: Arc<Pipe>,
    pub(super) delivery: Arc<Delivery>,
}

impl Outgoing {
    /// Stores a message and waits for what becomes of it.
    pub(super) async fn send(&self, request: SendRequest) -> Result<Delivered, DeliveryError> {
        let channel = request.channel.clone();
        let id = self.enqueue(request).await?;
        self.outcome(&channel, &id, SEND_WAIT).await
    }

    /// Stores a message and answers its row's id.
    pub(super) async fn enqueue(&self, request: SendRequest) -> Result<String, DeliveryError> {
        if request.to.is_empty() {
            return Err(DeliveryError::Invalid("a message needs a target"));
        }
        if request.text.trim().is_empty() && request.attachments.is_empty() {
            return Err(DeliveryError::Invalid("a message needs text or a file"));
        }
        let (channel, idem) = (request.channel.clone(), request.idem.clone());
        self.store(&channel, message(request), idem).await
    }

    /// Does one thing on a channel and waits for it. A typing signal is neither stored nor repeated.
    pub(super) async fn act(
        &self,
        channel: &str,
        body: Outbound,
        idem: Option<(String, String)>,
        timeout: Duration,
    ) -> Result<Receipt, DeliveryError> {
        if matches!(body, Outbound::Typing { .. }) {
            self.fitting(channel, body.clone())?;
            return self
                .delivery
                .signal(channel, body, timeout)
                .await
                .map_err(DeliveryError::Failed);
        }
        let id = self.store(channel, body, idem).await?;
        self.outcome(channel, &id, timeout).await.map(|delivered| delivered.receipt)
    }

    async fn store(
        &self,
        channel: &str,
        body: Outbound,
        idem: Option<(String, String)>,
    ) -> Result<String, DeliveryError> {
        let body = self.fitting(channel, body)?;
        let (account, lane) = match body.target() {
            Some(to) => (to.account.as_str().to_owned(), lane_of(to)),
            None => (DEFAULT_ACCOUNT.to_owned(), String::new()),
        };
        let body = serde_json::to_value(&body)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
            .map_err(StoreError::Job)?;
        let row = (channel.to_owned(), account.clone(), lane.clone());
        let now_ms = self.pipe.clock.now_ms();
        let (id, new) = self
            .pipe
            .store
            .write(move |c| {
                outbox::insert(
                    c,
                    &outbox::NewRow {
                        id: &clock::uuid(),
                        channel: &row.0,
                        account: &row.1,
                        lane: &row.2,
                        idem: idem.as_ref().map(|(scope, key)| (scope.as_str(), key.as_str())),
                        body: &body,
                        now_ms,
                    },
                )
            })
            .await?;
        if new {
            self.pipe.counters.sends.add(1);
            self.delivery.wake(channel, &account, &lane);
        }
        Ok(id)
    }

    /// The thing as this channel can do it, or why it cannot.
    pub(super) fn fitting(
        &self,
        channel: &str,
        mut body: Outbound,
    ) -> Result<Outbound, DeliveryError> {
        let facts = self
            .pipe
            .senders
            .facts(channel)
            .ok_or_else(|| DeliveryError::UnknownChannel(channel.to_owned()))?;
        let can = &facts.capabilities;
        let missing = match &mut body {
            Outbound::Message { to, attachments, reply_to, silent, .. } => {
                // Wishes are dropped where the platform cannot; what changes the meaning is refused.
                *silent &= can.silent;
                if !can.reply {
                    *reply_to = None;
                }
                refuse(can.messages, "messages")
                    .or(refuse(can.media || attachments.is_empty(), "files"))
                    .or(refuse(can.threads || to.thread.is_none(), "threads"))
            }
            other => missing_ability(can, other),
        };
        match missing {
            Some(what) => Err(DeliveryError::Unsupported { channel: channel.to_owned(), what }),
            None => Ok(body),
        }
    }

    pub(super) async fn outcome(
        &self,
        channel: &str,
        id: &str,
        wait: Duration,
    ) -> Result<Delivered, DeliveryError> {
        let deadline = self.pipe.clock.monotonic() + wait;
        loop {
            let settled = self.delivery.waiters.wait_for(id);
            if let Some(result) = read_outcome(channel, self.row(id).await?) {
                return result;
            }
            // An error means that the delivery is gone; the row then says all there is to say.
            if tokio::time::timeout_at(deadline, settled).await.is_err() {
                break;
            }
        }
        self.delivery.waiters.forget(id);
        let error = SendError::retryable("timeout", "its turn did not come in time");
        let row = self.row(id).await?;
        let error = row.as_ref().and_then(error_of).unwrap_or(error);
        if self.delivery.withdraw(id, &error).await? {
            return Err(DeliveryError::NotSent(error));
        }
        let pending = || Err(DeliveryError::Pending { outbox_id: id.to_owned() });
        read_outcome(channel, self.row(id).await?).unwrap_or_else(pending)
    }

    async fn row(&self, id: &str) -> Result<Option<OutboxRow>, StoreError> {
        let id = id.to_owned();
        self.pipe.store.read(move |c| outbox::row(c, &id)).await
    }
}

/// Rows for the same target go out in order; the name is JSON, so that no id can be read as another.
pub(super) fn lane_of(to: &Target) -> String {
    serde_json::json!([to.conversation, to.thread]).to_string()
}

/// What a terminal row amounts to.
fn read_outcome(channel: &str, row: Option<OutboxRow>) -> Option<Result<Delivered, DeliveryError>> {
    let Some(row) = row else {
        return Some(Err(DeliveryError::Invalid("the message is not known any more")));
    };
    let error = |row: &OutboxRow| {
        error_of(row).unwrap_or_else(|| SendError::permanent("unknown", "no reason was kept"))
    };
    match row.state {
        State::Queued | State::Dispatching => None,
        State::Failed => Some(Err(DeliveryError::Failed(error(&row)))),
        State::Unknown => {
            let error = error(&row);
            Some(Err(DeliveryError::Unknown { outbox_id: row.id, error }))
        }
        State::Sent => Some(Ok(delivered(channel, row))),
    }
}

fn delivered(channel: &str, row: OutboxRow) -> Delivered {
    let mut parts: Vec<Receipt> =
        row.receipts.into_iter().filter_map(|r| serde_json::from_value(r).ok()).collect();
    let mut receipt = parts.pop().unwrap_or_default();
    if !parts.is_empty() {
        let last = receipt.message.clone();
        receipt.parts = parts.into_iter().filter_map(|part| part.message).chain(last).collect();
    }
    let asked = serde_json::from_value::<Outbound>(row.body).ok();
    let asked = asked.as_ref().and_then(Outbound::target).map(|to| to.conversation.clone());
    Delivered {
        message_id: receipt.message.as_ref().map_or_else(|| row.id.clone(), ToString::to_string),
        conversation_id: receipt
            .conversation
            .clone()
            .or(asked)
            .map(|conversation| conversation.0)
            .unwrap_or_default(),
        channel: channel.to_owned(),
        outbox_id: row.id,
        receipt,
    }
}

fn error_of(row: &OutboxRow) -> Option<SendError> {
    serde_json::from_value(row.error.clone()?).ok()
}

fn missing_ability(can: &Capabilities, body: &Outbound) -> Option<&'static str> {
    match body {
        Outbound::Message { .. } => refuse(can.messages, "messages"),
        Outbound::Edit { .. } => refuse(can.edit, "edits"),
        Outbound::Delete { .. } => refuse(can.delete, "deleting"),
        Outbound::React { .. } => refuse(can.react, "reactions"),
        Outbound::Typing { .. } => refuse(can.typing, "typing signals"),
        Outbound::Poll { .. } => refuse(can.polls, "polls"),
        Outbound::Action { name, .. } => {
            refuse(can.actions.contains(name), "an action of this name")
        }
        Outbound::Unknown => Some("an unknown kind"),
    }
}

fn refuse(can: bool, what: &'static str) -> Option<&'static str> {
    (!can).then_some(what)
}
