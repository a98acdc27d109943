//! A message: its text, whom it addresses, what it answers.

use super::{
    attachments,
    described::{described, forwarded, kind_of_file},
    place, sender_of, sender_of_chat, topic,
    wire::{Entity, Message},
    words::marked,
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
    let parts = [Some(marked(&plain, &entities, me)), described(&message)];
    let parts: Vec<_> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    let (forwarded, reply_to) = (forwarded(&message), quote(&message));
    let mut attachments = attachments::read(&mut message);
    if parts.is_empty() && attachments.is_empty() {
        return None;
    }
    // Otherwise a forwarded word would be the sender's own. Of an album the part with words says it.
    let told = forwarded.filter(|_| message.media_group_id.is_none() || !parts.is_empty());
    let text = told.into_iter().chain(parts).collect::<Vec<_>>().join("\n");
    // Who asks about a picture answers it: in a group the bot may never have seen it.
    if let (true, Some(answered), true) =
        (attachments.is_empty(), message.reply_to_message.as_mut(), reply_to.is_some())
    {
        attachments = attachments::read(answered);
    }
    let topic = topic(&message);
    Some(InboundMessage {
        place: place(&message.chat, topic),
        sender,
        message: message.message_id.to_string().into(),
        text,
        attachments,
        reply_to,
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
            "mention" => said.strip_prefix('@').is_some_and(|name| me.is_called(name)),
            "text_mention" => entity.user.as_ref().is_some_and(|user| user.id == me.id),
            "bot_command" => said.split_once('@').is_none_or(|(_, name)| me.is_called(name)),
            _ => false,
        }
    })
}

fn answers(message: &Message, me: &Me) -> bool {
    answered(message).and_then(|answered| answered.from.as_ref()).is_some_and(|u| u.id == me.id)
}

/// What this message answers. Every message in a topic that answers nothing answers the topic's
/// beginning, which nobody said.
fn answered(message: &Message) -> Option<&Message> {
    let answered = message.reply_to_message.as_deref()?;
    answered.forum_topic_created.is_none().then_some(answered)
}

fn quote(message: &Message) -> Option<Quote> {
    let part = message.quote.as_ref().map(|quote| quote.text.clone());
    if let Some(answered) = answered(message) {
        let whole = || answered.text.clone().or_else(|| answered.caption.clone());
        let kind = || described(answered).or_else(|| kind_of_file(answered).map(str::to_owned));
        let sender = match (&answered.sender_chat, &answered.from) {
            (Some(chat), _) => Some(chat.id),
            (None, from) => from.as_ref().map(|user| user.id),
        };
        return Some(Quote {
            message: answered.message_id.to_string().into(),
            sender: sender.map(|id| id.to_string().into()),
            text: part.or_else(whole).or_else(kind),
        });
    }
    let elsewhere = message.external_reply.as_ref()?;
    let chat = elsewhere.chat.as_ref().map_or(0, |chat| chat.id);
    let sender = elsewhere.origin.as_ref().and_then(|origin| {
        let chat = origin.chat().map(|chat| chat.id);
        origin.sender_user.as_ref().map(|user| user.id).or(chat)
    });
    Some(Quote {
        // Its number means something in its own chat only.
        message: format!("{chat}:{}", elsewhere.message_id.unwrap_or(0)).into(),
        sender: sender.map(|id| id.to_string().into()),
        text: part,
    })
}
