//! A message: its text, whom it addresses, what it answers.

use super::{
    attachments, place, sender_of, sender_of_chat, topic,
    wire::{Entity, Message},
};
use crate::{client::Me, text::utf16};
use jackfield_plugin_api::event::{InboundMessage, Quote, Sender};

/// The event's contents; `None` for what nobody said, such as a new title.
pub(super) fn read(mut message: Message, me: &Me) -> Option<InboundMessage> {
    if let Some(to) = message.migrate_to_chat_id {
        jackfield_plugin_api::tracing::warn!(
            from = message.chat.id,
            to,
            "a group became a supergroup and has a new id: lists that name it need the new one"
        );
        return None;
    }
    let sender = sender(&message, me)?;
    let (plain, entities) = words(&mut message);
    let mentioned = is_addressed(&plain, &entities, me) || answers(&message, me);
    let mut text = marked(&plain, &entities, me);
    if let Some(described) = described(&message) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&described);
    }
    let attachments = attachments::read(&mut message);
    if text.is_empty() && attachments.is_empty() {
        return None;
    }
    let topic = topic(&message);
    Some(InboundMessage {
        place: place(&message.chat, topic),
        sender,
        message: message.message_id.to_string().into(),
        text,
        attachments,
        reply_to: quote(&message),
        mentioned,
        sent_at_ms: u64::try_from(message.date).ok().map(|seconds| seconds * 1000),
    })
}

/// Who said it: a chat where somebody speaks in its name, else the person.
fn sender(message: &Message, me: &Me) -> Option<Sender> {
    match (&message.sender_chat, &message.from) {
        (Some(chat), _) => Some(sender_of_chat(chat)),
        (None, Some(user)) => Some(sender_of(user, me)),
        // A post without a signature: the channel itself speaks.
        (None, None) => Some(sender_of_chat(&message.chat)),
    }
}

fn words(message: &mut Message) -> (String, Vec<Entity>) {
    if let Some(text) = message.text.take() {
        return (text, std::mem::take(&mut message.entities));
    }
    let caption = message.caption.take().unwrap_or_default();
    (caption, std::mem::take(&mut message.caption_entities))
}

/// Whether the words call this bot: by name, or by a command that is not another bot's.
fn is_addressed(text: &str, entities: &[Entity], me: &Me) -> bool {
    entities.iter().any(|entity| {
        let Some(said) = utf16::slice(text, entity.offset, entity.length) else { return false };
        match entity.kind.as_str() {
            "mention" => said.strip_prefix('@').is_some_and(|name| is_me(name, me)),
            "text_mention" => entity.user.as_ref().is_some_and(|user| user.id == me.id),
            "bot_command" => said.split_once('@').is_none_or(|(_, name)| is_me(name, me)),
            _ => false,
        }
    })
}

fn is_me(name: &str, me: &Me) -> bool {
    !me.username.is_empty() && name.eq_ignore_ascii_case(&me.username)
}

fn answers(message: &Message, me: &Me) -> bool {
    let answered = message.reply_to_message.as_ref().and_then(|answered| answered.from.as_ref());
    answered.is_some_and(|user| user.id == me.id)
}

/// The text with what would be lost as plain text written as Markdown: addresses and code. A
/// command loses the name of this bot.
fn marked(text: &str, entities: &[Entity], me: &Me) -> String {
    let mut marked = String::with_capacity(text.len());
    let mut at = 0;
    for entity in entities {
        let Some(range) = utf16::range(text, entity.offset, entity.length) else { continue };
        if range.start < at {
            continue; // inside one that was written already
        }
        let said = &text[range.clone()];
        let Some(written) = written(said, entity, me) else { continue };
        marked.push_str(&text[at..range.start]);
        marked.push_str(&written);
        at = range.end;
    }
    marked.push_str(&text[at..]);
    marked
}

fn written(said: &str, entity: &Entity, me: &Me) -> Option<String> {
    match entity.kind.as_str() {
        "text_link" => entity.url.as_ref().map(|url| format!("[{said}]({url})")),
        "code" if !said.contains('`') => Some(format!("`{said}`")),
        "pre" if !said.contains("```") => {
            let language = entity.language.as_deref().unwrap_or_default();
            Some(format!("```{language}\n{}\n```", said.trim_end_matches('\n')))
        }
        "bot_command" => {
            let (command, name) = said.split_once('@')?;
            is_me(name, me).then(|| command.to_owned())
        }
        _ => None,
    }
}

/// What is no text and no file, in words.
fn described(message: &Message) -> Option<String> {
    if let Some(venue) = &message.venue {
        return Some(format!("[place: {}, {}]", venue.title, venue.address));
    }
    if let Some(location) = &message.location {
        return Some(format!("[location: {}, {}]", location.latitude, location.longitude));
    }
    if let Some(contact) = &message.contact {
        return Some(format!("[contact: {} {}]", contact.first_name, contact.phone_number));
    }
    if let Some(poll) = &message.poll {
        let options: Vec<&str> = poll.options.iter().map(|option| option.text.as_str()).collect();
        return Some(format!("[poll: {} ({})]", poll.question, options.join(" / ")));
    }
    if let Some(dice) = &message.dice {
        return Some(format!("[dice: {} {}]", dice.emoji, dice.value));
    }
    message
        .sticker
        .as_ref()
        .and_then(|sticker| sticker.emoji.as_ref())
        .map(|emoji| format!("[sticker {emoji}]"))
}

fn quote(message: &Message) -> Option<Quote> {
    let answered = message.reply_to_message.as_ref()?;
    if answered.forum_topic_created.is_some() {
        return None;
    }
    let whole = answered.text.as_ref().or(answered.caption.as_ref());
    let text = message.quote.as_ref().map(|quote| &quote.text).or(whole).cloned();
    let sender = match (&answered.sender_chat, &answered.from) {
        (Some(chat), _) => Some(chat.id),
        (None, from) => from.as_ref().map(|user| user.id),
    };
    Some(Quote {
        message: answered.message_id.to_string().into(),
        sender: sender.map(|id| id.to_string().into()),
        text,
    })
}
