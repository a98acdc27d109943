//! Text both ways: Markdown to Slack's markup and back, cut to size, emoji by name. Pure.
//!
//! Must not know: the Web API, events.

mod emoji;
mod read;
mod render;
mod split;
mod table;

pub(crate) use emoji::{character, name as emoji_name};
pub(crate) use read::to_markdown;
pub(crate) use render::to_mrkdwn;
pub(crate) use split::pieces;

/// Escapes what Slack reads as its own.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Undoes [`escape`].
fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
