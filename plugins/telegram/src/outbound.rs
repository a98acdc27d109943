//! Things to do → calls of the Bot API. Pure: which methods with which parameters, in which order.
//!
//! Parameters are built as JSON: of some 170 methods a channel needs these few, and a typed model
//! of all of them would be most of the library. Must not know: the network.

mod media;

use crate::{
    client::Upload,
    inbound::GENERAL_TOPIC,
    text::{Piece, render, utf16},
};
use jackfield_plugin_api::{
    SendError,
    attachment::Attachment,
    id::{MessageId, ThreadId},
    outbound::{Outbound, Target},
    serde_json::{Map, Value, json},
};

/// Longest text of a message, UTF-16 units after the markup is read.
const TEXT_MAX: usize = 4096;
/// Longest text under a file.
const CAPTION_MAX: usize = 1024;
const POLL_QUESTION_MAX: usize = 300;
const POLL_OPTION_MAX: usize = 100;
const POLL_OPTIONS: std::ops::RangeInclusive<usize> = 2..=12;
const POLL_OPEN_S: std::ops::RangeInclusive<u64> = 5..=2_628_000;

pub(crate) type Params = Map<String, Value>;

/// One call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) params: Params,
    /// Parameters without markup, for when the markup is not understood.
    pub(crate) plain: Option<Params>,
    pub(crate) uploads: Vec<Upload>,
    /// Doing it twice is the same as doing it once.
    pub(crate) repeatable: bool,
    /// The same as files, for when it is not taken as a picture or as a voice.
    pub(crate) as_document: Option<Box<Self>>,
}

impl Call {
    /// Changes the parameters of the call and of its other forms.
    pub(crate) fn in_every_form(&mut self, change: &dyn Fn(&mut Params)) {
        change(&mut self.params);
        self.plain.as_mut().map(change);
        if let Some(document) = &mut self.as_document {
            document.in_every_form(change);
        }
    }

    /// Gives up on a topic that is gone, where the words still arrive where they belong: in a direct
    /// chat, or behind the message they answer, whose own place counts then.
    pub(crate) fn leave_topic(&mut self) -> bool {
        let direct = self.params["chat_id"].as_i64().is_some_and(|id| id > 0);
        let answers = self.params.contains_key("reply_parameters");
        if !self.params.contains_key("message_thread_id") || !(direct || answers) {
            return false;
        }
        self.in_every_form(&|params| {
            params.remove("message_thread_id");
            if let (false, Some(reply)) = (direct, params.get_mut("reply_parameters")) {
                reply["allow_sending_without_reply"] = false.into();
            }
        });
        true
    }

    /// Gives up on answering a message that is gone, but not on the topic.
    pub(crate) fn answer_nothing(&mut self) -> bool {
        let Some(reply) = self.params.get("reply_parameters") else { return false };
        if reply["allow_sending_without_reply"] == false {
            return false; // the topic is gone too
        }
        self.in_every_form(&|params| {
            params.remove("reply_parameters");
        });
        true
    }
}

/// The calls that do it, in order.
pub(crate) fn plan(body: Outbound, link_preview: bool) -> Result<Vec<Call>, SendError> {
    match body {
        Outbound::Message { to, text, attachments, reply_to, silent } => {
            let frame = Frame::new(&to, reply_to.as_ref(), silent)?;
            message(&frame, &text, &attachments, link_preview)
        }
        Outbound::Edit { to, message, text } => edit(&to, &message, &text, link_preview),
        Outbound::Delete { to, message } => Ok(vec![on_message("deleteMessage", &to, &message)?]),
        Outbound::React { to, message, emoji, added } => {
            let mut call = on_message("setMessageReaction", &to, &message)?;
            let set = if added { vec![reaction(&emoji)] } else { Vec::new() };
            call.params.insert("reaction".to_owned(), set.into());
            Ok(vec![call])
        }
        Outbound::Typing { to, on } => typing(&to, on),
        Outbound::Poll { to, question, options, choices_max, duration_s } => {
            let frame = Frame::new(&to, None, false)?;
            poll(&frame, &question, &options, choices_max, duration_s).map(|call| vec![call])
        }
        Outbound::Action { to, name, params } => action(to.as_ref(), &name, &params),
        Outbound::Unknown => Err(SendError::unsupported("unknown")),
    }
}

/// What every message has in common: where it goes and how.
struct Frame {
    common: Params,
    reply: Option<Value>,
}

impl Frame {
    fn new(to: &Target, reply_to: Option<&MessageId>, silent: bool) -> Result<Self, SendError> {
        let mut common = place(to)?;
        if silent {
            common.insert("disable_notification".to_owned(), true.into());
        }
        let reply = match reply_to {
            // An answer to what is gone by now is still an answer.
            Some(message) => Some(json!({
                "message_id": number(message)?, "allow_sending_without_reply": true,
            })),
            None => None,
        };
        Ok(Self { common, reply })
    }

    /// Parameters of the first call, or of a later one, which answers nothing.
    fn params(&self, first: bool) -> Params {
        let mut params = self.common.clone();
        if let (true, Some(reply)) = (first, &self.reply) {
            params.insert("reply_parameters".to_owned(), reply.clone());
        }
        params
    }
}

fn message(
    frame: &Frame,
    text: &str,
    attachments: &[Attachment],
    link_preview: bool,
) -> Result<Vec<Call>, SendError> {
    let mut calls = Vec::new();
    let mut caption = None;
    let mut pieces = render(text, TEXT_MAX);
    if !attachments.is_empty() && pieces.len() == 1 && utf16::len(&pieces[0].plain) <= CAPTION_MAX {
        caption = pieces.pop();
    }
    for piece in pieces {
        let params = frame.params(calls.is_empty());
        calls.push(text_call("sendMessage", params, &piece, link_preview));
    }
    media::plan(frame, caption, attachments, &mut calls)?;
    if calls.is_empty() {
        return Err(SendError::permanent("empty", "a message needs text or a file"));
    }
    Ok(calls)
}

fn edit(
    to: &Target,
    message: &MessageId,
    text: &str,
    link_preview: bool,
) -> Result<Vec<Call>, SendError> {
    let pieces = render(text, TEXT_MAX);
    let piece = match pieces.as_slice() {
        [] => return Err(SendError::permanent("empty", "a message needs text")),
        [piece] => piece.clone(),
        // One message cannot become two by an edit: without markup the text may still fit.
        _ if utf16::len(text) <= TEXT_MAX => {
            let mut params = on_message("editMessageText", to, message)?.params;
            params.insert("text".to_owned(), text.into());
            let method = "editMessageText";
            return Ok(vec![Call { method, params, repeatable: true, ..Call::default() }]);
        }
        _ => {
            let text = format!("a message on Telegram has at most {TEXT_MAX} characters");
            return Err(SendError::permanent("too_long", text));
        }
    };
    let call = on_message("editMessageText", to, message)?;
    let call = text_call("editMessageText", call.params, &piece, link_preview);
    Ok(vec![Call { repeatable: true, ..call }])
}

/// The same edit for a message that is a file with words under it.
pub(crate) fn edit_of_caption(mut params: Params) -> Params {
    params.remove("link_preview_options");
    if let Some(text) = params.remove("text") {
        params.insert("caption".to_owned(), text);
    }
    params
}

fn text_call(method: &'static str, mut params: Params, piece: &Piece, preview: bool) -> Call {
    // A preview makes the server fetch the address, and that tells it things.
    params.insert("link_preview_options".to_owned(), json!({ "is_disabled": !preview }));
    marked_call(method, params, "text", piece)
}

/// A call with marked-up words in `field`.
fn marked_call(method: &'static str, params: Params, field: &str, piece: &Piece) -> Call {
    let mut plain = params.clone();
    plain.insert(field.to_owned(), piece.plain.clone().into());
    let mut marked = params;
    marked.insert(field.to_owned(), piece.html.clone().into());
    marked.insert("parse_mode".to_owned(), "HTML".into());
    Call { method, params: marked, plain: Some(plain), ..Call::default() }
}

fn typing(to: &Target, on: bool) -> Result<Vec<Call>, SendError> {
    if !on {
        return Ok(Vec::new()); // it ends by itself within five seconds
    }
    let mut params = chat(to)?;
    // Unlike a message, the signal has to name the general topic too.
    if let Some(thread) = &to.thread {
        params.insert("message_thread_id".to_owned(), topic(thread)?.into());
    }
    params.insert("action".to_owned(), "typing".into());
    Ok(vec![Call { method: "sendChatAction", params, repeatable: true, ..Call::default() }])
}

fn reaction(emoji: &str) -> Value {
    if !emoji.is_empty() && emoji.bytes().all(|b| b.is_ascii_digit()) {
        return json!({ "type": "custom_emoji", "custom_emoji_id": emoji });
    }
    // Telegram's set writes the heart and its like without the sign that asks for colour.
    json!({ "type": "emoji", "emoji": emoji.replace('\u{fe0f}', "") })
}

fn poll(
    frame: &Frame,
    question: &str,
    options: &[String],
    choices_max: Option<u32>,
    duration_s: Option<u64>,
) -> Result<Call, SendError> {
    let bad = |text: String| Err(SendError::permanent("bad_poll", text));
    if !POLL_OPTIONS.contains(&options.len()) {
        return bad(format!("a poll on Telegram has 2 to 12 answers, not {}", options.len()));
    }
    if question.is_empty() || utf16::len(question) > POLL_QUESTION_MAX {
        return bad(format!("a poll's question has 1 to {POLL_QUESTION_MAX} characters"));
    }
    if options.iter().any(|o| o.is_empty() || utf16::len(o) > POLL_OPTION_MAX) {
        return bad(format!("a poll's answer has 1 to {POLL_OPTION_MAX} characters"));
    }
    let mut params = frame.params(true);
    params.insert("question".to_owned(), question.into());
    let answers = options.iter().map(|option| json!({ "text": option })).collect::<Vec<_>>();
    params.insert("options".to_owned(), answers.into());
    if choices_max.is_some_and(|max| max > 1) {
        params.insert("allows_multiple_answers".to_owned(), true.into());
    }
    if let Some(seconds) = duration_s {
        if !POLL_OPEN_S.contains(&seconds) {
            return bad(format!(
                "a poll on Telegram stays open for {} to {} seconds, or for ever",
                POLL_OPEN_S.start(),
                POLL_OPEN_S.end()
            ));
        }
        params.insert("open_period".to_owned(), seconds.into());
    }
    Ok(Call { method: "sendPoll", params, ..Call::default() })
}

fn action(to: Option<&Target>, name: &str, given: &Value) -> Result<Vec<Call>, SendError> {
    let Some(to) = to else {
        return Err(SendError::permanent("bad_action", format!("`{name}` needs a chat")));
    };
    let text = |key: &str| given.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let need = |key: &str| {
        text(key).ok_or_else(|| {
            SendError::permanent("bad_action", format!("`{name}` needs the parameter `{key}`"))
        })
    };
    let mut params = chat(to)?;
    let (method, repeatable) = match name {
        "pin" | "unpin" => {
            params.insert("message_id".to_owned(), number(&need("messageId")?.into())?.into());
            if name == "pin" { ("pinChatMessage", true) } else { ("unpinChatMessage", true) }
        }
        "topic-create" => {
            params.insert("name".to_owned(), need("name")?.into());
            ("createForumTopic", false)
        }
        "topic-edit" => {
            let thread =
                to.thread.as_ref().map(ThreadId::as_str).map_or_else(|| need("threadId"), Ok)?;
            params.insert("message_thread_id".to_owned(), topic(&thread.into())?.into());
            params.insert("name".to_owned(), need("name")?.into());
            ("editForumTopic", true)
        }
        _ => return Err(SendError::unsupported(name)),
    };
    Ok(vec![Call { method, params, repeatable, ..Call::default() }])
}

fn on_message(method: &'static str, to: &Target, message: &MessageId) -> Result<Call, SendError> {
    let mut params = chat(to)?;
    params.insert("message_id".to_owned(), number(message)?.into());
    Ok(Call { method, params, repeatable: true, ..Call::default() })
}

/// The chat and the topic of a message.
fn place(to: &Target) -> Result<Params, SendError> {
    let mut params = chat(to)?;
    if let Some(thread) = &to.thread {
        let topic = topic(thread)?;
        // The server refuses the general topic's number here.
        if topic != GENERAL_TOPIC {
            params.insert("message_thread_id".to_owned(), topic.into());
        }
    }
    Ok(params)
}

fn chat(to: &Target) -> Result<Params, SendError> {
    let id = to.conversation.as_str();
    let chat: Value = match id.parse::<i64>() {
        Ok(number) => number.into(),
        Err(_) if id.len() > 1 && id.starts_with('@') => id.into(),
        Err(_) => {
            let text = format!("`{id}` is no chat of Telegram: give its number, or @name");
            return Err(SendError::permanent("unknown_conversation", text));
        }
    };
    Ok(Params::from_iter([("chat_id".to_owned(), chat)]))
}

fn topic(thread: &ThreadId) -> Result<i64, SendError> {
    thread.as_str().parse().map_err(|_| {
        SendError::permanent("unknown_thread", format!("`{thread}` is no topic of Telegram"))
    })
}

fn number(message: &MessageId) -> Result<i64, SendError> {
    message.as_str().parse().map_err(|_| {
        SendError::permanent("unknown_message", format!("`{message}` is no message of Telegram"))
    })
}

#[cfg(test)]
mod tests;
