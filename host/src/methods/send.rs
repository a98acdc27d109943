//! `send`, `poll` and `message.action`: doing something on a channel, once per key.

use super::{Access, Caller, Core, Failure, MethodError, Responder, Shape, Table, files};
use crate::{
    messages::{DeliveryError, SendRequest},
    protocol::{
        error::ErrorShape,
        frame::{Json, json},
        scope::Scope,
    },
};
use jackfield_plugin_api::{
    id::DEFAULT_ACCOUNT,
    outbound::{Outbound, Receipt, Target},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json as value};
use std::{sync::Arc, time::Duration};

/// How long an action may take.
const ACT: Duration = Duration::from_secs(30);

/// Adds the family.
pub fn add(table: &mut Table) {
    table.streamed::<SendParams, Sent, _, _>("send", Access::Operator(Scope::Write), send);
    table.streamed::<PollParams, Sent, _, _>("poll", Access::Operator(Scope::Write), poll).hidden();
    table.streamed::<ActionParams, Shape, _, _>(
        "message.action",
        Access::Operator(Scope::Write),
        action,
    );
}

/// A message for a channel.
pub struct Sending {
    /// The channel.
    pub channel: String,
    /// The account.
    pub account: Option<String>,
    /// The chat.
    pub to: String,
    /// The thread in it.
    pub thread: Option<String>,
    /// Markdown.
    pub text: String,
    /// The message to answer.
    pub reply_to: Option<String>,
    /// Without a notification.
    pub silent: bool,
    /// Family and key; the same pair is sent once.
    pub idem: (&'static str, String),
}

/// The message pipe's form of it.
#[must_use]
pub fn request(of: Sending) -> SendRequest {
    SendRequest {
        channel: of.channel,
        account: of.account,
        to: of.to,
        thread: of.thread,
        text: of.text,
        attachments: Vec::new(),
        reply_to: of.reply_to,
        silent: of.silent,
        idem: Some((of.idem.0.to_owned(), of.idem.1)),
    }
}

/// Parameters of `send`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendParams {
    #[schemars(length(min = 1))]
    to: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    media_url: Option<String>,
    #[serde(default)]
    media_urls: Vec<String>,
    #[serde(flatten)]
    file: files::Upload,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    account_id: Option<String>,
    #[serde(default)]
    reply_to_id: Option<String>,
    #[serde(default)]
    thread_id: Option<String>,
    #[serde(default)]
    silent: Option<bool>,
    #[schemars(length(min = 1))]
    idempotency_key: String,
}

/// What was sent.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    run_id: String,
    message_id: String,
    channel: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    poll_id: Option<String>,
}

async fn send(core: Arc<Core>, _: Arc<Caller>, params: SendParams, to: Responder) {
    reply(&to, send_now(&core, params).await);
}

async fn send_now(core: &Core, params: SendParams) -> Result<Json, Failure> {
    let key = params.idempotency_key.clone();
    let channel = channel(core, params.channel)?;
    let urls = params.media_url.iter().chain(&params.media_urls);
    let attachments = files::attachments(core, urls, params.file).await?;
    let request = SendRequest {
        attachments,
        ..request(Sending {
            to: bare(&channel, &params.to),
            channel,
            account: params.account_id,
            thread: params.thread_id,
            text: params.message.unwrap_or_default(),
            reply_to: params.reply_to_id,
            silent: params.silent == Some(true),
            idem: ("send", key.clone()),
        })
    };
    let sent = core.messages.send(request).await.map_err(failure)?;
    Ok(json(&Sent {
        run_id: key,
        message_id: sent.message_id,
        channel: sent.channel,
        chat_id: Some(sent.conversation_id),
        poll_id: None,
    }))
}

/// The channel to use: the one named, else the only one that carries messages.
fn channel(core: &Core, named: Option<String>) -> Result<String, Failure> {
    if let Some(named) = named.filter(|c| !c.is_empty()) {
        return Ok(named.to_ascii_lowercase());
    }
    let mut able = core.plugins.list().into_iter().filter(|p| {
        p.enabled && core.plugins.capabilities(&p.channel).is_some_and(|c| c.capabilities.messages)
    });
    match (able.next(), able.next()) {
        (Some(only), None) => Ok(only.channel),
        (None, _) => {
            Err(MethodError::Invalid("no channel that sends messages is enabled".to_owned()).into())
        }
        _ => Err(MethodError::Invalid(
            "several channels are enabled; say which with `channel`".to_owned(),
        )
        .into()),
    }
}

/// Parameters of `poll`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PollParams {
    #[schemars(length(min = 1))]
    to: String,
    #[schemars(length(min = 1))]
    question: String,
    #[schemars(length(min = 2))]
    options: Vec<String>,
    #[serde(default)]
    #[schemars(range(min = 1, max = 12))]
    max_selections: Option<u32>,
    #[serde(default)]
    #[schemars(range(min = 1, max = 604_800))]
    duration_seconds: Option<u64>,
    #[serde(default)]
    #[schemars(range(min = 1))]
    duration_hours: Option<u64>,
    #[serde(default)]
    thread_id: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    account_id: Option<String>,
    #[schemars(length(min = 1))]
    idempotency_key: String,
}

async fn poll(core: Arc<Core>, _: Arc<Caller>, params: PollParams, to: Responder) {
    reply(&to, poll_now(&core, params).await);
}

async fn poll_now(core: &Core, params: PollParams) -> Result<Json, Failure> {
    let channel = channel(core, params.channel)?;
    let chat = bare(&channel, &params.to);
    let body = Outbound::Poll {
        to: target(params.account_id, chat.clone(), params.thread_id),
        question: params.question,
        options: params.options,
        choices_max: params.max_selections,
        duration_s: params
            .duration_seconds
            .or(params.duration_hours.map(|h| h.saturating_mul(3600))),
    };
    let idem = ("poll".to_owned(), params.idempotency_key.clone());
    let receipt = core.messages.act_once(&channel, body, idem, ACT).await.map_err(failure)?;
    let text = |name: &str| receipt.extra.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(json(&Sent {
        poll_id: text("pollId"),
        chat_id: Some(receipt.conversation.as_ref().map_or(chat, |c| c.0.clone())),
        message_id: message_id(&receipt, &params.idempotency_key),
        run_id: params.idempotency_key,
        channel,
    }))
}

/// Parameters of `message.action`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionParams {
    #[schemars(length(min = 1))]
    channel: String,
    #[schemars(length(min = 1))]
    action: String,
    params: Map<String, Value>,
    #[serde(default)]
    account_id: Option<String>,
    #[schemars(length(min = 1))]
    idempotency_key: String,
}

async fn action(core: Arc<Core>, _: Arc<Caller>, params: ActionParams, to: Responder) {
    reply(&to, action_now(&core, params).await);
}

async fn action_now(core: &Core, given: ActionParams) -> Result<Json, Failure> {
    let channel = given.channel.to_ascii_lowercase();
    let text = |name: &str| given.params.get(name).and_then(Value::as_str).map(str::to_owned);
    let chat = text("to").or_else(|| text("target")).unwrap_or_default();
    let chat = bare(&channel, &chat);
    let dry = given.params.get("dryRun").and_then(Value::as_bool) == Some(true);
    if dry {
        return Ok(json(
            &value!({"ok": true, "dryRun": true, "channel": channel, "action": given.action}),
        ));
    }
    let body = outbound(&given, &chat)?;
    let idem = (format!("action:{channel}"), given.idempotency_key.clone());
    let receipt = core.messages.act_once(&channel, body, idem, ACT).await.map_err(failure)?;
    let mut answer = value!({
        "ok": true, "channel": channel, "action": given.action,
        "messageId": message_id(&receipt, &given.idempotency_key),
        "chatId": receipt.conversation.as_ref().map_or(chat, |c| c.0.clone()),
    });
    if let Some(poll) = receipt.extra.get("pollId") {
        answer["pollId"] = poll.clone();
    }
    Ok(json(&answer))
}

fn outbound(given: &ActionParams, chat: &str) -> Result<Outbound, Failure> {
    let field = |name: &str| given.params.get(name);
    let text = |name: &str| field(name).and_then(Value::as_str).map(str::to_owned);
    let need = |name: &str| {
        text(name).filter(|t| !t.is_empty()).ok_or_else(|| {
            Failure::from(MethodError::Invalid(format!("{} needs params.{name}", given.action)))
        })
    };
    let to = || {
        target(
            given.account_id.clone().or_else(|| text("accountId")),
            chat.to_owned(),
            text("threadId"),
        )
    };
    if chat.is_empty() {
        return Err(MethodError::Invalid(format!("{} needs params.to", given.action)).into());
    }
    Ok(match given.action.as_str() {
        "send" | "reply" | "thread-reply" => Outbound::Message {
            to: to(),
            text: text("message").unwrap_or_default(),
            attachments: Vec::new(),
            reply_to: text("replyTo").or_else(|| text("replyToId")).map(Into::into),
            silent: field("silent").and_then(Value::as_bool) == Some(true),
        },
        "edit" => {
            Outbound::Edit { to: to(), message: need("messageId")?.into(), text: need("message")? }
        }
        "delete" | "unsend" => Outbound::Delete { to: to(), message: need("messageId")?.into() },
        "react" => Outbound::React {
            to: to(),
            message: need("messageId")?.into(),
            emoji: need("emoji")?,
            added: field("remove").and_then(Value::as_bool) != Some(true),
        },
        "poll" => Outbound::Poll {
            to: to(),
            question: need("pollQuestion")?,
            options: words(field("pollOption")),
            choices_max: (field("pollMulti").and_then(Value::as_bool) == Some(true)).then_some(12),
            duration_s: field("pollDurationSeconds").and_then(Value::as_u64),
        },
        other => Outbound::Action {
            to: Some(to()),
            name: other.to_owned(),
            params: Value::Object(given.params.clone()),
        },
    })
}

/// A recipient without the channel's name before it, as clients that know several channels write it.
fn bare(channel: &str, to: &str) -> String {
    let to = to.trim();
    let named = to.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case(channel));
    named.map_or(to, |(_, rest)| rest).to_owned()
}

fn words(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|w| w.as_str().map(str::to_owned)).collect()
}

fn target(account: Option<String>, chat: String, thread: Option<String>) -> Target {
    Target {
        account: account.unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned()).into(),
        conversation: chat.into(),
        kind: None,
        thread: thread.map(Into::into),
    }
}

fn message_id(receipt: &Receipt, fallback: &str) -> String {
    receipt.message.as_ref().map_or_else(|| fallback.to_owned(), |m| m.0.clone())
}

fn reply(to: &Responder, result: Result<Json, Failure>) {
    match result {
        Ok(result) => to.ok(&result),
        Err(failure) => to.fail(&failure),
    }
}

fn failure(error: DeliveryError) -> Failure {
    let text = error.to_string();
    let shape = match error {
        DeliveryError::UnknownChannel(_)
        | DeliveryError::Unsupported { .. }
        | DeliveryError::Invalid(_) => ErrorShape::invalid(text),
        DeliveryError::Failed(error) => ErrorShape::unavailable(text)
            .retryable(false)
            .details(value!({"reason": error.code, "delivery": "failed"})),
        DeliveryError::NotSent(error) => {
            let shape = ErrorShape::unavailable(text)
                .details(value!({"reason": error.code, "delivery": "not-sent"}));
            error.retry_after_ms.map_or(shape.clone(), |ms| shape.after_ms(ms))
        }
        DeliveryError::Unknown { outbox_id, error } => ErrorShape::unavailable(text)
            .retryable(false)
            .details(value!({"reason": error.code, "delivery": "unknown", "outboxId": outbox_id})),
        DeliveryError::Pending { outbox_id } => ErrorShape::unavailable(text)
            .details(value!({"delivery": "pending", "outboxId": outbox_id})),
        DeliveryError::Store(error) => return MethodError::from(error).into(),
    };
    shape.into()
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn a_recipient_may_carry_its_channel() {
        assert_eq!(bare("line", "line:12345"), "12345");
        assert_eq!(bare("line", "Line:a:b"), "a:b");
        assert_eq!(bare("line", "other:12345"), "other:12345", "only its own channel's name");
        assert_eq!(bare("line", " 12345 "), "12345");
    }
}
