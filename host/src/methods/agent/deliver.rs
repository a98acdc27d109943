//! Bringing an agent's answer to a channel: its way is known before the run begins, and the answer and
//! its place in the outbox are stored together.

use super::AgentParams;
use crate::{
    agent::{CommitHook, OutcomeStatus},
    messages::{DeliveryError, Intent, Route},
    methods::{Core, MethodError, send},
    store::transcripts,
};
use serde_json::{Value, json as value};

/// The way of the answer that was asked for; `None` when it stays here.
///
/// # Errors
/// When there is none, unless it was only wished for.
pub(super) async fn intent(
    core: &Core,
    params: &AgentParams,
    session_key: &str,
) -> Result<Option<Intent>, MethodError> {
    if params.deliver != Some(true) {
        return Ok(None);
    }
    let planned = match route(core, params, session_key).await? {
        Some(sending) => {
            core.messages.intend(send::request(sending)).map_err(|error| error.to_string())
        }
        None => Err("deliver needs a channel and a recipient: give `channel` and `to`, or use a \
                     conversation that runs on a channel"
            .to_owned()),
    };
    match planned {
        Ok(intent) => Ok(Some(intent)),
        Err(text) if params.best_effort_deliver == Some(true) => {
            tracing::warn!(text, "an answer will not be delivered");
            Ok(None)
        }
        Err(text) => Err(MethodError::Invalid(text)),
    }
}

async fn route(
    core: &Core,
    params: &AgentParams,
    session_key: &str,
) -> Result<Option<send::Sending>, MethodError> {
    let some = |given: &Option<String>| given.clone().filter(|text| !text.is_empty());
    let channel = some(&params.reply_channel).or(some(&params.channel)).filter(|c| c != "last");
    let to = some(&params.reply_to).or(some(&params.to));
    let key = session_key.to_owned();
    let row = core.store.read(move |c| transcripts::conversation(c, &key)).await?;
    // A way that the conversation knows helps out only on the channel it leads to.
    let known = row.and_then(|row| Route::read(&row.route?)).filter(|known| {
        to.is_none() && channel.as_ref().is_none_or(|channel| *channel == known.channel)
    });
    if let Some(known) = &known
        && !core.messages.still_admits(known).await?
    {
        return Err(MethodError::Invalid(
            "the conversation leads to somebody who may not write to the assistant any more; give \
             `channel` and `to`"
                .to_owned(),
        ));
    }
    let way = known.as_ref().map(|known| &known.to);
    let (Some(channel), Some(to)) = (
        channel.or_else(|| Some(known.as_ref()?.channel.clone())),
        to.or_else(|| Some(way?.conversation.as_str().to_owned())),
    ) else {
        return Ok(None);
    };
    let account = some(&params.reply_account_id).or(some(&params.account_id));
    Ok(Some(send::Sending {
        channel,
        account: account.or_else(|| Some(way?.account.as_str().to_owned())),
        to,
        thread: some(&params.thread_id).or_else(|| Some(way?.thread.as_ref()?.to_string())),
        text: String::new(),
        reply_to: None,
        silent: false,
        idem: ("agent", params.idempotency_key.clone()),
    }))
}

/// What stores the answer in the outbox together with itself.
pub(super) fn hook(core: &Core, intent: &Intent) -> CommitHook {
    let (intent, clock) = (intent.clone(), core.clock.clone());
    Box::new(move |c, outcome| match outcome.status {
        OutcomeStatus::Ok => intent.store(c, &outcome.text, clock.now_ms()),
        OutcomeStatus::Error | OutcomeStatus::Aborted | OutcomeStatus::Timeout => Ok(()),
    })
}

/// Waits for what becomes of the answer on its channel, and says it.
pub(super) async fn fate(core: &Core, intent: &Intent) -> Value {
    match core.messages.deliver(intent).await {
        Ok(Some(sent)) => value!({"status": "sent", "messageId": sent.message_id}),
        Ok(None) => value!({"status": "suppressed"}),
        Err(error @ (DeliveryError::Unknown { .. } | DeliveryError::Pending { .. })) => {
            value!({"status": "unknown", "error": error.to_string()})
        }
        Err(error) => {
            tracing::warn!(%error, "an answer could not be delivered");
            value!({"status": "failed", "error": error.to_string()})
        }
    }
}
