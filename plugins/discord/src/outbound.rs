//! What the gateway wants done, as calls of Discord's API. Pure.
//!
//! Two rules hold for every text: nobody is notified by a mention in it (`allowed_mentions` names no
//! one), and no address in it is previewed, since a preview asks a foreign server for the address.

use crate::{
    client::{Body, Call, Upload},
    inbound::wire::Command,
    text,
};
use jackfield_plugin_api::{
    SendError,
    attachment::Attachment,
    serde_json::{Value, json},
};
use reqwest::Method;
use sha2::{Digest, Sha256};
use std::{fmt::Write, path::Path};

const SUPPRESS_EMBEDS: u32 = 1 << 2;
const SUPPRESS_NOTIFICATIONS: u32 = 1 << 12;
/// Files of one message.
const FILES_MAX: usize = 10;
/// A request has at most 25 MiB; the text and the form around the files take some of it.
const FILES_BYTES_MAX: u64 = 24 * 1024 * 1024;
/// Discord's limits of a poll.
const QUESTION_CHARS_MAX: usize = 300;
const ANSWERS_MAX: usize = 10;
const ANSWER_CHARS_MAX: usize = 55;
const POLL_HOURS_MAX: u64 = 32 * 24;
/// Longest name of a thread or post.
const NAME_CHARS_MAX: usize = 100;
/// Discord takes 25 characters.
const NONCE_CHARS: usize = 24;

/// One message of those that a send becomes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) text: String,
    pub(crate) files: Vec<Upload>,
    pub(crate) nonce: String,
}

/// How a message is sent besides what it says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner<'a> {
    pub(crate) reply_to: Option<&'a str>,
    pub(crate) silent: bool,
    /// Of a post: its name, where it is not the beginning of its text.
    pub(crate) title: Option<&'a str>,
    /// Of a post: what it is sorted under.
    pub(crate) tag: Option<&'a str>,
}

/// The parts of a message: its text, cut where Discord needs it, and its files with the last piece.
pub(crate) fn parts(
    markdown: &str,
    attachments: &[Attachment],
    key: &str,
) -> Result<Vec<Part>, SendError> {
    let mut words = text::render(markdown);
    let mut files = Vec::new();
    for file in attachments {
        match (&file.path, &file.url) {
            (Some(path), _) => files.push((file.bytes.unwrap_or_default(), upload(path, file))),
            // Discord loads nothing by itself: what has an address is named by it.
            (None, Some(url)) => {
                if !words.is_empty() {
                    words.push('\n');
                }
                words.push_str(url);
            }
            (None, None) => {
                let text = "an attachment has neither a file nor an address";
                return Err(SendError::permanent("no_file", text));
            }
        }
    }
    let mut parts: Vec<Part> = text::split(&words).into_iter().map(Part::saying).collect();
    let mut bytes_here = 0;
    for (bytes, file) in files {
        let last = parts.last_mut().expect("a text has a part");
        let fits = last.files.len() < FILES_MAX && bytes_here + bytes <= FILES_BYTES_MAX;
        if fits || last.files.is_empty() {
            bytes_here += bytes;
            last.files.push(file);
        } else {
            bytes_here = bytes;
            parts.push(Part { files: vec![file], ..Part::saying(String::new()) });
        }
    }
    if parts.iter().all(|part| part.text.trim().is_empty() && part.files.is_empty()) {
        return Err(SendError::permanent("empty", "Discord takes no message without text or file"));
    }
    for (at, part) in parts.iter_mut().enumerate() {
        part.nonce = nonce(key, at);
    }
    Ok(parts)
}

impl Part {
    fn saying(text: String) -> Self {
        Self { text, files: Vec::new(), nonce: String::new() }
    }

    /// The body of a new message, without what only some calls take.
    fn body(&self, silent: bool) -> Value {
        let notify = if silent { SUPPRESS_NOTIFICATIONS } else { 0 };
        let mut body = json!({
            "content": self.text,
            "allowed_mentions": {"parse": [], "replied_user": false},
            "flags": SUPPRESS_EMBEDS | notify,
        });
        if !self.files.is_empty() {
            let files = self.files.iter().enumerate();
            let files =
                files.map(|(at, file)| json!({"id": at.to_string(), "filename": file.name}));
            body["attachments"] = files.collect();
        }
        body
    }

    fn fill(&self, mut call: Call, body: Value) -> Call {
        call.body = if self.files.is_empty() {
            Body::Json(body)
        } else {
            Body::Files(body, self.files.clone())
        };
        call
    }
}

/// A new message. Discord answers a nonce it has seen in the last minutes with the message it has.
pub(crate) fn create(channel: &str, part: &Part, manner: Manner<'_>) -> Call {
    let mut body = part.body(manner.silent);
    body["nonce"] = part.nonce.as_str().into();
    body["enforce_nonce"] = true.into();
    if let Some(message) = manner.reply_to {
        body["message_reference"] = json!({"message_id": message, "fail_if_not_exists": false});
    }
    part.fill(Call::new(Method::POST, format!("channels/{channel}/messages")), body)
}

/// The answer to a command, in the place of "thinking".
pub(crate) fn answer(application: &str, token: &str, part: &Part) -> Call {
    let path = format!("webhooks/{application}/{token}/messages/@original");
    let mut body = part.body(false);
    body["flags"] = SUPPRESS_EMBEDS.into();
    part.fill(Call::new(Method::PATCH, path), body)
}

/// The sign that a command or button was noticed.
pub(crate) fn noticed(id: &str, token: &str, body: Value) -> Call {
    Call::new(Method::POST, format!("interactions/{id}/{token}/callback")).json(body)
}

/// A new post of a forum. Discord takes no nonce with it.
pub(crate) fn post(forum: &str, part: &Part, manner: Manner<'_>) -> Call {
    let name = post_name(part, manner.title);
    let mut body = json!({"name": name, "message": part.body(manner.silent)});
    if let Some(tag) = manner.tag {
        body["applied_tags"] = json!([tag]);
    }
    part.fill(Call::new(Method::POST, format!("channels/{forum}/threads")), body)
}

/// What a post is called: as is said, else as its text begins.
pub(crate) fn post_name(part: &Part, title: Option<&str>) -> String {
    let line = |line: &'_ str| line.trim_matches(['#', '*', '_', '`', '>', ' ']).to_owned();
    let begins = || part.text.lines().map(line).find(|line| !line.is_empty());
    let title = title.map(str::to_owned).or_else(begins);
    thread_name(&title.unwrap_or_else(|| "New post".to_owned()))
}

/// A thread, on a message or by itself.
pub(crate) fn thread(
    channel: &str,
    message: Option<&str>,
    name: &str,
    announcements: bool,
) -> Call {
    let name = thread_name(name);
    match message {
        Some(message) => {
            let path = format!("channels/{channel}/messages/{message}/threads");
            Call::new(Method::POST, path).json(json!({"name": name}))
        }
        // 11 is a public thread, 10 one of a channel for announcements.
        None => Call::new(Method::POST, format!("channels/{channel}/threads"))
            .json(json!({"name": name, "type": if announcements { 10 } else { 11 }})),
    }
}

fn thread_name(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect()
}

/// New text for a message of ours.
pub(crate) fn edit(channel: &str, message: &str, text: &str) -> Call {
    Call::new(Method::PATCH, format!("channels/{channel}/messages/{message}")).json(json!({
        "content": text,
        "allowed_mentions": {"parse": []},
        "flags": SUPPRESS_EMBEDS,
    }))
}

pub(crate) fn delete(channel: &str, message: &str) -> Call {
    Call::new(Method::DELETE, format!("channels/{channel}/messages/{message}"))
}

pub(crate) fn pin(channel: &str, message: &str, on: bool) -> Call {
    let method = if on { Method::PUT } else { Method::DELETE };
    Call::new(method, format!("channels/{channel}/messages/pins/{message}"))
}

pub(crate) fn typing(channel: &str) -> Call {
    Call::new(Method::POST, format!("channels/{channel}/typing"))
}

pub(crate) fn unarchive(channel: &str) -> Call {
    Call::new(Method::PATCH, format!("channels/{channel}")).json(json!({"archived": false}))
}

/// A reaction: an emoji itself, or `name:id` of one of a server's, in any of the ways people write it.
pub(crate) fn react(channel: &str, message: &str, emoji: &str, added: bool) -> Call {
    let bare = emoji.trim().trim_matches(['<', '>']);
    let bare = bare.strip_prefix("a:").unwrap_or(bare).trim_matches(':');
    let method = if added { Method::PUT } else { Method::DELETE };
    let emoji = escaped(bare);
    Call::new(method, format!("channels/{channel}/messages/{message}/reactions/{emoji}/@me"))
}

/// A poll. Discord knows one answer or as many as you like, and hours.
pub(crate) fn poll(
    channel: &str,
    (question, options): (&str, &[String]),
    choices_max: Option<u32>,
    duration_s: Option<u64>,
    key: &str,
) -> Result<Call, SendError> {
    let bad = |text: String| SendError::permanent("invalid_poll", text);
    if question.trim().is_empty() || options.iter().any(|option| option.trim().is_empty()) {
        return Err(bad("a poll needs a question, and words in each answer".to_owned()));
    }
    if question.chars().count() > QUESTION_CHARS_MAX {
        return Err(bad(format!("a question has at most {QUESTION_CHARS_MAX} characters")));
    }
    if options.is_empty() || options.len() > ANSWERS_MAX {
        return Err(bad(format!("a poll has 1 to {ANSWERS_MAX} answers")));
    }
    if options.iter().any(|option| option.chars().count() > ANSWER_CHARS_MAX) {
        return Err(bad(format!("an answer has at most {ANSWER_CHARS_MAX} characters")));
    }
    let answers: Vec<_> =
        options.iter().map(|text| json!({"poll_media": {"text": text}})).collect();
    let hours = duration_s.map_or(24, |s| s.div_ceil(3600)).clamp(1, POLL_HOURS_MAX);
    let body = json!({
        "poll": {
            "question": {"text": question},
            "answers": answers,
            "duration": hours,
            "allow_multiselect": choices_max.is_some_and(|most| most > 1),
        },
        "nonce": nonce(key, 0),
        "enforce_nonce": true,
    });
    Ok(Call::new(Method::POST, format!("channels/{channel}/messages")).json(body))
}

/// The command of the settings: one text, free to write.
pub(crate) fn register(application: &str, name: &str) -> Call {
    Call::new(Method::POST, format!("applications/{application}/commands")).json(json!({
        "name": name,
        "description": Command::DESCRIPTION,
        "type": 1,
        "options": [{
            "type": 3,
            "name": "text",
            "description": "What you want to say",
            "required": true,
        }],
    }))
}

/// Takes a command back.
pub(crate) fn unregister(application: &str, command: &str) -> Call {
    Call::new(Method::DELETE, format!("applications/{application}/commands/{command}"))
}

/// Says which attempt is which: the same for every attempt at the same part.
pub(crate) fn nonce(key: &str, part: usize) -> String {
    let mut nonce = String::with_capacity(2 * NONCE_CHARS);
    for byte in Sha256::digest(format!("{part}:{key}")) {
        write!(nonce, "{byte:02x}").expect("a string takes everything");
    }
    nonce.truncate(NONCE_CHARS);
    nonce
}

fn upload(path: &str, file: &Attachment) -> Upload {
    let own = Path::new(path).file_name().and_then(|name| name.to_str());
    let name = file.name.as_deref().or(own).unwrap_or("file");
    let name: String = name.chars().filter(|c| !c.is_control() && !"/\\".contains(*c)).collect();
    Upload { path: path.to_owned(), name, mime: file.mime.clone() }
}

fn escaped(text: &str) -> String {
    let mut path = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte) {
            path.push(char::from(byte));
        } else {
            write!(path, "%{byte:02X}").expect("a string takes everything");
        }
    }
    path
}

#[cfg(test)]
mod tests;
