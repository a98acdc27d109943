//! Looks for a message of ours in Slack's history, by the key in its metadata.

use super::{has_key, piece_of};
use crate::{account::Workspace, error::ApiError};
use jackfield_plugin_api::serde_json::Value;
use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

/// Seconds to look back: the gateway gives a message up after a day.
const BACK_S: u64 = 24 * 60 * 60;
const PAGES_MAX: usize = 5;
const PAGE: usize = 200;

/// What was found of a message.
pub(super) struct Found {
    /// Id by number of the piece.
    pub(super) pieces: BTreeMap<usize, String>,
    /// All that could hold it was read, and could be told apart.
    pub(super) whole: bool,
}

/// A text that this bot wrote.
fn is_own(workspace: &Workspace, message: &Value) -> bool {
    let bot = workspace.me().and_then(|me| me.bot.clone());
    bot.is_some_and(|bot| message["bot_id"] == bot) && message["files"].is_null()
}

pub(super) async fn find(
    workspace: &Workspace,
    conversation: &str,
    thread: Option<&str>,
    key: &str,
) -> Result<Found, ApiError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let method = if thread.is_some() { "conversations.replies" } else { "conversations.history" };
    let mut form = vec![
        ("channel", conversation.to_owned()),
        ("oldest", format!("{}.000000", now.saturating_sub(BACK_S))),
        ("limit", PAGE.to_string()),
        ("include_all_metadata", "true".to_owned()),
    ];
    form.extend(thread.map(|thread| ("ts", thread.to_owned())));
    let mut found = Found { pieces: BTreeMap::new(), whole: false };
    let mut blind = false;
    for _ in 0..PAGES_MAX {
        let answer = workspace.bot.call(method, &form).await?;
        for message in answer["messages"].as_array().into_iter().flatten() {
            if let (Some(piece), Some(ts)) = (piece_of(message, key), message["ts"].as_str()) {
                found.pieces.insert(piece, ts.to_owned());
            }
            blind |= is_own(workspace, message) && !has_key(message);
        }
        let next = answer["response_metadata"]["next_cursor"].as_str().unwrap_or_default();
        if next.is_empty() || answer["has_more"] == Value::Bool(false) {
            found.whole = !blind;
            break;
        }
        form.retain(|(name, _)| *name != "cursor");
        form.push(("cursor", next.to_owned()));
    }
    Ok(found)
}
