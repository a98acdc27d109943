//! One attempt: its calls in order, each once.
//!
//! A message of several calls may fail in its middle. What was done is remembered by the attempt's
//! key, so that the next attempt goes on behind it; a later life, which cannot know, says so.

use super::bot::Bot;
use crate::{
    error::{ApiError, Cause},
    outbound::{Call, edit_of_caption, plan},
};
use jackfield_plugin_api::{
    Outgoing, SendError,
    attachment::Attachment,
    id::MessageId,
    outbound::{Outbound, Receipt},
    serde_json::{Value, json},
};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Kept from the host's time, so that the outcome arrives before the host gives up.
const MARGIN: Duration = Duration::from_millis(500);
/// Longest wait for the answer to a call without files.
const WORDS_PATIENCE: Duration = Duration::from_mins(1);
/// Unfinished messages that are remembered; the oldest is forgotten first.
const UNFINISHED_MAX: usize = 256;
/// Other forms of a call that are tried, one after the other.
const FORMS_MAX: usize = 6;

/// The results of messages that are not finished, by key.
#[derive(Default)]
pub(super) struct Ledger(Mutex<VecDeque<(String, Vec<Value>)>>);

impl Ledger {
    /// What an earlier attempt has done already.
    fn begin(&self, key: &str, attempt: u32) -> Result<Vec<Value>, SendError> {
        let mut unfinished = self.unfinished();
        if let Some((_, done)) = unfinished.iter().find(|(known, _)| known == key) {
            return Ok(done.clone());
        }
        if attempt > 1 {
            let text = "parts of this message may have been sent before the plugin was restarted";
            return Err(SendError::uncertain("restarted", text));
        }
        if unfinished.len() == UNFINISHED_MAX {
            unfinished.pop_front();
        }
        unfinished.push_back((key.to_owned(), Vec::new()));
        Ok(Vec::new())
    }

    fn keep(&self, key: &str, result: &Value) {
        if let Some((_, done)) = self.unfinished().iter_mut().find(|(known, _)| known == key) {
            done.push(result.clone());
        }
    }

    fn finish(&self, key: &str) {
        self.unfinished().retain(|(known, _)| known != key);
    }

    fn unfinished(&self) -> MutexGuard<'_, VecDeque<(String, Vec<Value>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the attempt.
pub(super) async fn run(bot: &Bot, ledger: &Ledger, out: Outgoing) -> Result<Receipt, SendError> {
    let deadline = Instant::now() + out.timeout.saturating_sub(MARGIN).max(MARGIN);
    let (body, key) = (measured(out.body).await, out.idem_key);
    let edited = match &body {
        Outbound::Edit { message, .. } => Some(message.clone()),
        _ => None,
    };
    let calls = plan(body, bot.login.link_preview)?;
    let several = calls.len() > 1;
    let mut done = if several { ledger.begin(&key, out.attempt)? } else { Vec::new() };
    let count = calls.len();
    for call in calls.into_iter().skip(done.len()) {
        let left = deadline.saturating_duration_since(Instant::now());
        // Words are said at once or not at all; files take their time.
        let patience = if call.uploads.is_empty() { left.min(WORDS_PATIENCE) } else { left };
        let repeatable = call.repeatable;
        let result = make(bot, call, patience).await.map_err(|error| {
            let error = error.outcome(repeatable);
            if several {
                let text = format!("part {} of {count}: {}", done.len() + 1, error.text);
                return SendError { text, ..error };
            }
            error
        })?;
        if several {
            ledger.keep(&key, &result);
        }
        done.push(result);
    }
    ledger.finish(&key);
    Ok(receipt(&done, edited))
}

/// Sizes decide how a picture is sent; the disk knows them.
async fn measured(mut body: Outbound) -> Outbound {
    if let Outbound::Message { attachments, .. } = &mut body {
        for Attachment { path, bytes, .. } in attachments {
            if let (Some(path), None) = (path, &bytes) {
                *bytes = tokio::fs::metadata(path).await.ok().map(|found| found.len());
            }
        }
    }
    body
}

/// Makes one call; where Telegram provably did nothing and says why, in another form.
async fn make(bot: &Bot, mut call: Call, patience: Duration) -> Result<Value, ApiError> {
    let mut forms = 0;
    loop {
        let made = bot.client.call_with(call.method, &call.params, &call.uploads, patience).await;
        let error = match made {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        forms += 1;
        if forms == FORMS_MAX {
            return Err(error);
        }
        match (error.cause(), &error) {
            (Cause::NotModified | Cause::AlreadyGone, _) if call.repeatable => {
                return Ok(Value::Null);
            }
            (Cause::Markup, _) if call.plain.is_some() => {
                call.params = call.plain.take().unwrap_or_default();
            }
            (Cause::IsCaption, _) if call.method == "editMessageText" => {
                call.method = "editMessageCaption";
                call.params = edit_of_caption(call.params);
                call.plain = call.plain.map(edit_of_caption);
            }
            (Cause::NoTopic, _) if call.leave_topic() => {}
            (Cause::NoAnswered, _) if call.answer_nothing() => {}
            (Cause::FileOnly, _) if call.as_document.is_some() => {
                call = call.as_document.take().map(|call| *call).unwrap_or_default();
            }
            (_, ApiError::Refused { migrated_to: Some(id), .. }) => {
                call.in_every_form(&|params| {
                    params.insert("chat_id".to_owned(), (*id).into());
                });
            }
            _ => return Err(error),
        }
    }
}

fn receipt(results: &[Value], edited: Option<MessageId>) -> Receipt {
    let messages = results.iter().flat_map(|result| match result {
        Value::Array(messages) => messages.as_slice(),
        one => std::slice::from_ref(one),
    });
    let mut parts: Vec<MessageId> = Vec::new();
    let mut receipt = Receipt::default();
    for message in messages {
        if let Some(id) = message["message_id"].as_i64() {
            parts.push(id.to_string().into());
        }
        if let Some(chat) = message["chat"]["id"].as_i64() {
            receipt.conversation = Some(chat.to_string().into());
        }
        if let Some(poll) = message["poll"]["id"].as_str() {
            receipt.extra = json!({ "pollId": poll });
        }
        // A new topic.
        if let (Some(topic), Some(name)) =
            (message["message_thread_id"].as_i64(), message["name"].as_str())
        {
            receipt.extra = json!({ "threadId": topic.to_string(), "name": name });
        }
    }
    receipt.message = parts.last().cloned().or(edited);
    if parts.len() > 1 {
        receipt.parts = parts;
    }
    receipt
}

#[cfg(test)]
mod tests {
    use super::{Ledger, receipt};
    use jackfield_plugin_api::{error::FailureClass, serde_json::json};

    #[test]
    fn what_was_done_is_not_done_again() {
        let ledger = Ledger::default();
        assert!(ledger.begin("a", 1).unwrap().is_empty());
        ledger.keep("a", &json!(1));
        assert_eq!(ledger.begin("a", 2).unwrap(), [json!(1)]);
        ledger.finish("a");
        let error = ledger.begin("a", 3).unwrap_err();
        assert_eq!(error.class, FailureClass::Uncertain, "an earlier life may have sent parts");
        for n in 0..300 {
            ledger.begin(&n.to_string(), 1).unwrap();
        }
        assert_eq!(ledger.unfinished().len(), super::UNFINISHED_MAX);
    }

    #[test]
    fn a_receipt_names_every_message() {
        let album = json!([
            { "message_id": 7, "chat": { "id": -5 } },
            { "message_id": 8, "chat": { "id": -5 } },
        ]);
        let made = receipt(&[json!({ "message_id": 6, "chat": { "id": -5 } }), album], None);
        assert_eq!(made.message, Some("8".into()));
        assert_eq!(made.parts, ["6".into(), "7".into(), "8".into()]);
        assert_eq!(made.conversation, Some("-5".into()));
        assert_eq!(receipt(&[json!(null)], Some("3".into())).message, Some("3".into()));
    }
}
