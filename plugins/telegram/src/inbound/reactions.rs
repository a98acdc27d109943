//! Reactions: Telegram tells what stood there before and what stands there now; the core is told
//! what was added and what was removed. No topic is given, so none is named.

use super::{
    place, sender_of, sender_of_chat,
    wire::{Reaction, ReactionChange},
};
use crate::client::Me;
use jackfield_plugin_api::event::Event;

/// The changes, each with the beginning of its key.
pub(super) fn read(change: ReactionChange, me: &Me) -> Vec<(String, Event)> {
    let sender = match (&change.user, &change.actor_chat) {
        (Some(user), _) => sender_of(user, me),
        (None, Some(chat)) => sender_of_chat(chat),
        (None, None) => return Vec::new(),
    };
    let names = |list: &[Reaction]| list.iter().map(name).collect::<Vec<_>>();
    let (old, new) = (names(&change.old_reaction), names(&change.new_reaction));
    let removed = old.iter().filter(|emoji| !new.contains(emoji)).map(|emoji| (emoji, false));
    let added = new.iter().filter(|emoji| !old.contains(emoji)).map(|emoji| (emoji, true));
    removed
        .chain(added)
        .map(|(emoji, added)| {
            let sign = if added { '+' } else { '-' };
            let (chat, message, at) = (change.chat.id, change.message_id, change.date);
            let key = format!("r:{chat}:{message}:{}:{at}:{sign}{emoji}", sender.id);
            let event = Event::Reaction {
                place: place(&change.chat, None),
                sender: sender.clone(),
                message: message.to_string().into(),
                emoji: emoji.clone(),
                added,
            };
            (key, event)
        })
        .collect()
}

fn name(reaction: &Reaction) -> String {
    match (reaction.kind.as_str(), &reaction.emoji, &reaction.custom_emoji_id) {
        (_, Some(emoji), _) => emoji.clone(),
        (_, None, Some(id)) => id.clone(),
        (kind, None, None) => kind.to_owned(),
    }
}
