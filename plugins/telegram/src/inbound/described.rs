//! What is no text, in words: places, contacts, polls, and where a message came from.
//!
//! Names are a stranger's words: they are kept on one line and cannot close a bracket of ours.

use super::wire::{Checklist, Message, Origin};

/// Longest name that is told.
const NAME_MAX: usize = 80;

/// What is no text and no file, in words.
pub(super) fn described(message: &Message) -> Option<String> {
    if let Some(venue) = &message.venue {
        return Some(format!("[place: {}, {}]", venue.title, venue.address));
    }
    if let Some(location) = &message.location {
        return Some(format!("[location: {}, {}]", location.latitude, location.longitude));
    }
    if let Some(contact) = &message.contact {
        let names = [Some(contact.first_name.as_str()), contact.last_name.as_deref()];
        let name = names.into_iter().flatten().collect::<Vec<_>>().join(" ");
        return Some(format!("[contact: {name} {}]", contact.phone_number));
    }
    if let Some(poll) = &message.poll {
        let options: Vec<&str> = poll.options.iter().map(|option| option.text.as_str()).collect();
        return Some(format!("[poll: {} ({})]", poll.question, options.join(" / ")));
    }
    if let Some(dice) = &message.dice {
        return Some(format!("[dice: {} {}]", dice.emoji, dice.value));
    }
    if let Some(list) = &message.checklist {
        return Some(checklist(list));
    }
    if let Some(game) = &message.game {
        return Some(format!("[game: {}]", game.title));
    }
    if let Some(invoice) = &message.invoice {
        return Some(format!("[invoice: {}]", invoice.title));
    }
    if message.story.is_some() {
        return Some("[story]".to_owned());
    }
    if message.paid_media.is_some() {
        return Some("[paid media]".to_owned());
    }
    let sticker = message.sticker.as_ref().and_then(|sticker| sticker.emoji.as_ref());
    sticker.map(|emoji| format!("[sticker {emoji}]"))
}

fn checklist(list: &Checklist) -> String {
    let tasks = list.tasks.iter().map(|task| {
        let done = task.completion_date.is_some_and(|at| at > 0);
        format!("{} {}", if done { "☑" } else { "☐" }, task.text)
    });
    format!("[checklist: {} ({})]", list.title, tasks.collect::<Vec<_>>().join(" / "))
}

/// The kind of the file of a message that is only talked about.
pub(super) fn kind_of_file(message: &Message) -> Option<&'static str> {
    let kinds = [
        (!message.photo.is_empty(), "[photo]"),
        (message.animation.is_some(), "[animation]"),
        (message.video.is_some(), "[video]"),
        (message.video_note.is_some(), "[video message]"),
        (message.voice.is_some(), "[voice message]"),
        (message.audio.is_some(), "[audio]"),
        (message.document.is_some(), "[file]"),
        (message.sticker.is_some(), "[sticker]"),
    ];
    kinds.into_iter().find_map(|(is, words)| is.then_some(words))
}

/// Who said first what is forwarded here; `None` for a post that Telegram itself brings from a
/// channel into its discussion group, where the channel is the sender anyway.
pub(super) fn forwarded(message: &Message) -> Option<String> {
    let origin = message.forward_origin.as_ref().filter(|_| !message.is_automatic_forward)?;
    Some(match name(origin) {
        Some(name) => format!("[forwarded from {name}]"),
        None => "[forwarded]".to_owned(),
    })
}

fn name(origin: &Origin) -> Option<String> {
    let name = match (&origin.sender_user, &origin.sender_user_name, origin.chat()) {
        (Some(user), ..) => user.name(),
        (None, Some(hidden), _) => hidden.clone(),
        (None, None, chat) => chat?.title.clone()?,
    };
    let plain = |c: char| if c.is_control() || "[]".contains(c) { ' ' } else { c };
    let name: String = name.chars().map(plain).take(NAME_MAX).collect();
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}
