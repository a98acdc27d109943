//! What a message says: its text, and what is shown below it. Pure.
//!
//! A person's words are the text; an app may say more in blocks and attachments, or all of it.

use super::{View, blocks, message::File};
use crate::text;
use jackfield_plugin_api::serde_json::Value;
use serde::Deserialize;

/// What Slack writes where an app wrote no text.
const NO_TEXT: &str = "This content can't be displayed.";

/// The parts of a message that say something.
pub(super) struct Written<'a> {
    pub(super) text: &'a str,
    pub(super) blocks: &'a Value,
    pub(super) attachments: &'a [Shared],
    pub(super) by_app: bool,
}

/// Another message or a page shown inside a message, or what an app has to say besides its text.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Shared {
    is_msg_unfurl: bool,
    is_share: bool,
    /// The address that it is the preview of.
    from_url: Option<String>,
    author_name: Option<String>,
    pretext: Option<String>,
    title: Option<String>,
    text: Option<String>,
    fallback: Option<String>,
    fields: Vec<Field>,
    blocks: Value,
    pub(super) files: Vec<File>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Field {
    title: String,
    value: String,
}

impl Shared {
    pub(super) fn is_forwarded(&self) -> bool {
        self.is_msg_unfurl || self.is_share
    }

    /// The preview of a link adds nothing to it.
    fn is_preview(&self) -> bool {
        self.from_url.is_some() && !self.is_forwarded()
    }
}

/// The text as Markdown, without the mention that calls this account, and what is shown below it.
pub(super) fn words(written: &Written<'_>, view: &View<'_>) -> String {
    let markdown = |text: &str| text::to_markdown(text, &|id| view.name_of(id));
    let mut text = markdown(without_call(written.text, &view.me.user));
    if text.is_empty() {
        text = markdown(written.text);
    }
    if text.is_empty() || written.by_app {
        let shown = blocks::to_markdown(written.blocks, &markdown);
        text = joined(if written.text == NO_TEXT { String::new() } else { text }, shown);
    }
    let bare = text.is_empty();
    for shared in written.attachments.iter().filter(|shared| bare || !shared.is_preview()) {
        for line in below(shared, &markdown).lines() {
            text.push_str(if text.is_empty() { "> " } else { "\n> " });
            text.push_str(line);
        }
    }
    text
}

/// A text without the mention at its beginning.
fn without_call<'a>(text: &'a str, user: &str) -> &'a str {
    let bare = text.trim_start();
    let call = bare.strip_prefix("<@").and_then(|rest| rest.strip_prefix(user));
    let after = call.and_then(|rest| match rest.split_once('>')? {
        (label, after) if label.is_empty() || label.starts_with('|') => Some(after),
        _ => None,
    });
    after.map_or(bare, |after| after.trim_start_matches([' ', ',', ':']))
}

/// Text and blocks of an app, where one often says the other once more.
fn joined(text: String, shown: String) -> String {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let (of_text, of_shown) = (letters(&text), letters(&shown));
    if !shown.is_empty() && of_shown.contains(&of_text) {
        shown
    } else if of_text.contains(&of_shown) {
        text
    } else {
        format!("{text}\n{shown}")
    }
}

/// What is shown below a message.
fn below(shared: &Shared, markdown: &dyn Fn(&str) -> String) -> String {
    let parts = [&shared.author_name, &shared.pretext, &shared.title, &shared.text];
    let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
    let mut parts: Vec<String> = parts.map(|part| markdown(part)).collect();
    let fields = shared.fields.iter().map(|field| (markdown(&field.title), markdown(&field.value)));
    parts.extend(fields.map(|(title, value)| match title.as_str() {
        "" => value,
        title => format!("{title}: {value}"),
    }));
    let shown = blocks::to_markdown(&shared.blocks, markdown);
    if !shown.is_empty() {
        parts.push(shown);
    }
    if parts.is_empty() {
        parts.extend(shared.fallback.as_deref().map(markdown));
    }
    parts.join("\n")
}
