//! Where something goes: from the gateway's target to a channel of Discord's.
//!
//! A target is a channel's number, or `user:` and a person's; a number alone may be a person's too
//! where the gateway says that it is a direct chat or does not say what it is.

use crate::{
    account::Bot,
    client::{Call, PATIENCE},
    error::{Failure, Repeat, code},
    inbound::wire::Channel,
    places::Kind,
};
use jackfield_plugin_api::{
    SendError, event::ConversationKind, outbound::Target, serde_json::json,
};
use reqwest::Method;
use std::time::Duration;

/// A channel that messages go to.
pub(super) struct Goal {
    pub(super) channel: String,
    /// It takes posts, not messages.
    pub(super) forum: bool,
    /// The channel was made for this send.
    pub(super) created: Option<String>,
}

impl Goal {
    pub(super) fn channel(channel: &str) -> Self {
        Self { channel: channel.to_owned(), forum: false, created: None }
    }

    /// A channel that was made for this send.
    pub(super) fn made(channel: &str) -> Self {
        Self { created: Some(channel.to_owned()), ..Self::channel(channel) }
    }
}

pub(super) async fn resolve(bot: &Bot, to: &Target, left: Duration) -> Result<Goal, SendError> {
    if let Some(thread) = &to.thread {
        return Ok(Goal::channel(number(thread.as_str())?));
    }
    let written = to.conversation.as_str();
    if let Some(person) = written.strip_prefix("user:") {
        return direct(bot, number(person)?, left).await;
    }
    let bare = written.strip_prefix("channel:");
    let id = number(bare.unwrap_or(written))?;
    let may_be_person = bare.is_none()
        && !matches!(to.kind, Some(ConversationKind::Group | ConversationKind::Channel));
    match known(bot, id, left).await {
        Ok(kind) => Ok(Goal { forum: kind == Kind::Forum, ..Goal::channel(id) }),
        Err(failure) if may_be_person && failure.has_code(code::UNKNOWN_CHANNEL) => {
            direct(bot, id, left).await
        }
        Err(failure) => Err(failure.outcome(Repeat::Harmless)),
    }
}

/// The number in a target.
fn number(text: &str) -> Result<&str, SendError> {
    let fits = !text.is_empty() && text.len() <= 20 && text.bytes().all(|c| c.is_ascii_digit());
    fits.then_some(text).ok_or_else(|| {
        let text = format!(
            "`{text}` is no Discord number: give a channel's, or user: and a person's (Discord \
             shows them with Developer Mode on)"
        );
        SendError::permanent("unknown_conversation", text)
    })
}

/// What a channel is for; asked for when it is not known yet.
async fn known(bot: &Bot, id: &str, left: Duration) -> Result<Kind, Failure> {
    if let Some(known) = bot.places().known(id) {
        return Ok(known.kind);
    }
    let channel: Channel = bot.rest.ask(&Call::get(format!("channels/{id}")), left).await?;
    let mut places = bot.places();
    places.note(&channel, None);
    Ok(places.known(id).map_or(Kind::Text, |known| known.kind))
}

/// The direct chat with a person; making it twice makes it once.
async fn direct(bot: &Bot, person: &str, left: Duration) -> Result<Goal, SendError> {
    let known = bot.places().direct(person);
    if let Some(channel) = known {
        return Ok(Goal::channel(&channel));
    }
    let call = Call::new(Method::POST, "users/@me/channels").json(json!({"recipient_id": person}));
    let channel: Channel = bot
        .rest
        .ask(&call, left.min(PATIENCE))
        .await
        .map_err(|failure| failure.outcome(Repeat::Harmless))?;
    let mut places = bot.places();
    places.note(&channel, None);
    places.note_direct(person, &channel.id);
    Ok(Goal { created: Some(channel.id.clone()), ..Goal::channel(&channel.id) })
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn only_numbers_are_numbers() {
        assert_eq!(number("135000000000000010").unwrap(), "135000000000000010");
        for bad in ["", "general", "１２", "1/../2", "123456789012345678901"] {
            let error = number(bad).unwrap_err();
            assert_eq!(error.code, "unknown_conversation");
            assert!(error.text.contains("user:"), "{}", error.text);
        }
    }
}
