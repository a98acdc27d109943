//! What became of an attempt whose answer was lost: a text is looked for in Slack's history by the key
//! in its metadata, files by what Slack says of them.
//!
//! What took the answer may still be wrong, so it is asked again while Slack cannot be asked at all.

use super::{
    history,
    perform::{conversation, receipt},
    pieces, sharing, thread,
};
use crate::{account::Workspace, client::files::Shares, error::ApiError};
use jackfield_plugin_api::{
    Outgoing, SendError,
    error::FailureClass,
    fetch::Reconciled,
    outbound::{Outbound, Target},
    tokio::time::{Instant, sleep, timeout_at},
};
use std::time::Duration;

/// Whether a message got out whose answer was lost.
pub(crate) async fn reconcile(workspace: &Workspace, out: &Outgoing) -> Reconciled {
    if !matches!(out.body, Outbound::Message { .. }) {
        // Doing these twice is doing them once, so trying again is as good as knowing.
        return match out.body {
            Outbound::Edit { .. } | Outbound::Delete { .. } | Outbound::React { .. } => {
                Reconciled::NotSent
            }
            _ => Reconciled::Unknown,
        };
    }
    let until = Instant::now() + out.timeout / 4 * 3;
    loop {
        let wait = match timeout_at(until, ask(workspace, out)).await {
            Ok(Ok(answer)) => return answer,
            // Slack is away, or wants a pause: it may well tell in a moment.
            Ok(Err(error)) if error.class == FailureClass::Retryable => {
                let asked = error.retry_after_ms.map(Duration::from_millis);
                asked.unwrap_or_default().max(workspace.pace.second_look)
            }
            Ok(Err(_)) | Err(_) => return Reconciled::Unknown,
        };
        if Instant::now() + wait > until {
            return Reconciled::Unknown;
        }
        sleep(wait).await;
    }
}

async fn ask(workspace: &Workspace, out: &Outgoing) -> Result<Reconciled, SendError> {
    let Outbound::Message { to, text, attachments, reply_to, .. } = &out.body else {
        return Ok(Reconciled::Unknown);
    };
    let conversation = conversation(workspace, to).await?;
    let thread = thread(to.thread.as_ref(), reply_to.as_ref(), workspace.settings.reply_in_thread);
    let pieces = pieces(text, attachments).len();
    let mut sent = Vec::new();
    for look in 0..2 {
        if pieces == 0 {
            break;
        }
        let found = history::find(workspace, &conversation, thread.as_deref(), &out.idem_key).await;
        let found = found.map_err(ApiError::of_repeatable)?;
        sent = found.pieces.into_values().collect();
        match sent.len() {
            all if all >= pieces => break,
            _ if !found.whole => return Ok(Reconciled::Unknown),
            // The next attempt goes on behind what is there.
            _ if look == 1 => return Ok(Reconciled::NotSent),
            _ => sleep(workspace.pace.second_look).await,
        }
    }
    if attachments.iter().any(|file| file.url.is_none()) {
        let answer = files(workspace, &conversation, &out.idem_key, sent, to).await;
        return answer.map_err(ApiError::of_repeatable);
    }
    Ok(match pieces {
        0 => Reconciled::Unknown,
        _ => Reconciled::Sent(receipt(sent, &conversation, to)),
    })
}

/// All of the text is there; now its files.
async fn files(
    workspace: &Workspace,
    conversation: &str,
    key: &str,
    mut sent: Vec<String>,
    to: &Target,
) -> Result<Reconciled, ApiError> {
    Ok(match sharing::find(workspace, conversation, key).await? {
        Some(Shares::In(ts)) => {
            sent.extend(ts);
            Reconciled::Sent(receipt(sent, conversation, to))
        }
        Some(Shares::Nowhere) => Reconciled::NotSent,
        None => Reconciled::Unknown,
    })
}
