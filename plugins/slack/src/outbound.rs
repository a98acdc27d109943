//! What the gateway wants done, as calls of Slack's: the forms (pure), `perform` and `sharing`, which
//! make the calls, and `reconcile`, which finds out what became of them.
//!
//! Walk 2: [`crate::channel`] → here → [`crate::client`]. Must not know: how events come in.

mod history;
mod perform;
mod reconcile;
mod sharing;

pub(crate) use perform::perform;
pub(crate) use reconcile::reconcile;

use crate::{
    client::{
        Form,
        files::{self, Shares},
    },
    text,
};
use jackfield_plugin_api::{
    attachment::Attachment,
    id::{MessageId, ThreadId},
    serde_json::{Value, json},
};

/// Characters of one message after rendering: what Slack advises, and what an edit takes.
const PIECE_CHARS_MAX: usize = 4000;
/// Names our key among the metadata of a message.
const METADATA: &str = "jackfield_message";

/// The pieces that a text goes out as; none for an empty one. Files that have a public address go
/// along as links.
fn pieces(markdown: &str, attachments: &[Attachment]) -> Vec<String> {
    let mut markdown = markdown.trim().to_owned();
    for (name, url) in attachments.iter().filter_map(|a| Some((a.name.as_ref(), a.url.as_ref()?))) {
        let name = name.unwrap_or(url).replace(['[', ']', '\n'], " ");
        let gap = if markdown.is_empty() { "" } else { "\n\n" };
        for part in [gap, "[", &name, "](<", url, ">)"] {
            markdown.push_str(part);
        }
    }
    let rendered = text::to_mrkdwn(&markdown);
    if rendered.is_empty() {
        return Vec::new();
    }
    text::pieces(&rendered, PIECE_CHARS_MAX)
}

/// The thread something stands in: the one it was meant for, or that of the message it answers.
fn thread(
    thread: Option<&ThreadId>,
    reply_to: Option<&MessageId>,
    reply_in_thread: bool,
) -> Option<String> {
    let thread = thread.map(ThreadId::as_str);
    let begun = reply_to.map(MessageId::as_str).filter(|_| reply_in_thread);
    thread.or(begun).map(str::to_owned)
}

/// A new message, or one piece of it. The key rides along, unseen, so that it can be found again.
fn post(conversation: &str, thread: Option<&str>, text: &str, key: &str, piece: usize) -> Form {
    let metadata =
        json!({ "event_type": METADATA, "event_payload": { "key": key, "piece": piece } });
    let mut form = vec![
        ("channel", conversation.to_owned()),
        ("text", text.to_owned()),
        // Previews would let a text make Slack fetch an address.
        ("unfurl_links", "false".to_owned()),
        ("unfurl_media", "false".to_owned()),
        ("metadata", metadata.to_string()),
    ];
    if let Some(thread) = thread {
        form.push(("thread_ts", thread.to_owned()));
    }
    form
}

/// Which piece of the message with this key a message of the history is.
fn piece_of(message: &Value, key: &str) -> Option<usize> {
    let metadata = &message["metadata"];
    let ours = metadata["event_type"] == METADATA && metadata["event_payload"]["key"] == key;
    let piece = metadata["event_payload"]["piece"].as_u64().filter(|_| ours)?;
    usize::try_from(piece).ok()
}

/// Whether a message shows a key of ours; Slack may keep to itself what a message's metadata says.
fn has_key(message: &Value) -> bool {
    let metadata = &message["metadata"];
    metadata["event_type"] == METADATA && metadata["event_payload"]["key"].is_string()
}

/// New text for a message of ours.
fn update(conversation: &str, message: &MessageId, text: &str) -> Form {
    vec![
        ("channel", conversation.to_owned()),
        ("ts", message.to_string()),
        ("text", text.to_owned()),
    ]
}

fn delete(conversation: &str, message: &MessageId) -> Form {
    vec![("channel", conversation.to_owned()), ("ts", message.to_string())]
}

fn reaction(conversation: &str, message: &MessageId, name: String) -> Form {
    vec![("channel", conversation.to_owned()), ("timestamp", message.to_string()), ("name", name)]
}

/// The line below a thread with an assistant; an empty one clears it.
fn status(conversation: &str, thread: &ThreadId, on: bool) -> Form {
    let status = if on { "is writing…" } else { "" };
    vec![
        ("channel_id", conversation.to_owned()),
        ("thread_ts", thread.to_string()),
        ("status", status.to_owned()),
    ]
}

/// Shows files whose bytes Slack has, all in one message.
fn share(conversation: &str, thread: Option<&str>, files: &Value) -> Form {
    let mut form = vec![("files", files.to_string()), ("channel_id", conversation.to_owned())];
    if let Some(thread) = thread {
        form.push(("thread_ts", thread.to_owned()));
    }
    form
}

/// The message that a shared file stands in, where Slack says so already.
fn shared_in(answer: &Value, conversation: &str) -> Option<String> {
    match files::shares_of(&answer["files"][0], conversation) {
        Shares::In(ts) => ts,
        Shares::Nowhere => None,
    }
}
