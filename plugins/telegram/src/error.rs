//! What went wrong with a call, and what that means: for an attempt to send, and for a person.
//!
//! Pure. Must not know: how a call travels.

use crate::config::Login;
use jackfield_plugin_api::SendError;
use std::{fmt, time::Duration};

/// Why a call of the Bot API brought no result. None of its texts holds the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// Telegram answered, and said no.
    Refused {
        /// Its `error_code`, or the HTTP status where it gave none.
        code: u16,
        /// Its `description`.
        description: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
        /// The group became a supergroup with this id.
        migrated_to: Option<i64>,
    },
    /// Nothing was sent: no address, no connection, no TLS.
    Unreachable(String),
    /// Something was sent, and no answer that makes sense came back.
    Unanswered(String),
    /// A file to send cannot be read.
    File(String),
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code, description, .. } => write!(f, "{description} ({code})"),
            Self::Unreachable(reason) => write!(f, "cannot reach the server: {reason}"),
            Self::Unanswered(reason) => write!(f, "no answer: {reason}"),
            Self::File(reason) => f.write_str(reason),
        }
    }
}

/// What a refusal is about, where that changes what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The token is not, or no longer, that of a bot.
    Token,
    /// Somebody else takes this bot's updates.
    OtherPoller,
    /// A webhook is set, so polling is not possible.
    WebhookSet,
    /// The markup was not understood.
    Markup,
    /// An edit that changes nothing.
    NotModified,
    /// A message to delete that is gone.
    AlreadyGone,
    /// An edit of text where there is a caption.
    IsCaption,
    /// A picture that Telegram takes as a file only.
    NotAPhoto,
    /// The server is too old, or not Telegram's: it has no such method.
    NoMethod,
    /// Anything else.
    Other,
}

impl ApiError {
    /// Telegram tells most causes apart by words alone.
    pub(crate) fn cause(&self) -> Cause {
        let Self::Refused { code, description, .. } = self else { return Cause::Other };
        let said = description.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        match code {
            404 if says(&["method"]) => Cause::NoMethod,
            401 | 404 => Cause::Token,
            409 if says(&["webhook"]) => Cause::WebhookSet,
            409 => Cause::OtherPoller,
            400 if says(&["can't parse entities", "can't find end of"]) => Cause::Markup,
            400 if says(&["message is not modified"]) => Cause::NotModified,
            400 if says(&["message to delete not found"]) => Cause::AlreadyGone,
            400 if says(&["no text in the message to edit"]) => Cause::IsCaption,
            400 if says(&["photo_invalid", "photo_ext_invalid", "image_process_failed"]) => {
                Cause::NotAPhoto
            }
            _ => Cause::Other,
        }
    }

    /// One sentence for the operator of this account, with the fix where there is one.
    pub(crate) fn explain(&self, login: &Login) -> String {
        let Self::Refused { code, description, .. } = self else {
            return format!("{self}; set in `{}`: {}", login.setting("api_base"), login.api_base);
        };
        match (self.cause(), code) {
            (Cause::Token, 404) => format!(
                "{} does not know this bot (404): check `{}`, and that `{}` is a Bot API server",
                login.api_base,
                login.setting("bot_token"),
                login.setting("api_base"),
            ),
            (Cause::Token, _) => format!(
                "Telegram rejects the token ({code}): set `{}` to the one that @BotFather shows \
                 under /token, then reload the plugin",
                login.setting("bot_token"),
            ),
            (Cause::OtherPoller, _) => {
                "another program takes this bot's messages (409): stop it, or give the gateway a \
                 bot of its own"
                    .to_owned()
            }
            (Cause::WebhookSet, _) => format!("a webhook is set (409): {description}"),
            _ => self.to_string(),
        }
    }

    /// What it means for an attempt. `repeatable`: doing it twice is the same as doing it once.
    pub(crate) fn outcome(self, repeatable: bool) -> SendError {
        let lost = |text: String| {
            if repeatable {
                SendError::retryable("no_answer", text)
            } else {
                SendError::uncertain("no_answer", text)
            }
        };
        let (text, cause) = (self.to_string(), self.cause());
        match self {
            _ if cause == Cause::NoMethod => SendError::permanent("unsupported", text),
            Self::Unreachable(_) => SendError::retryable("unreachable", text),
            Self::Unanswered(_) | Self::Refused { code: 500.., .. } => lost(text),
            Self::File(_) => SendError::permanent("file_unreadable", text),
            Self::Refused { code: 429, retry_after, .. } => {
                let wait = retry_after.unwrap_or(Duration::from_secs(1));
                let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                SendError::retryable("rate_limited", text).after_ms(ms)
            }
            // The token can be mended without losing what waits.
            Self::Refused { code: 401 | 404, .. } => SendError::retryable("unauthorized", text),
            Self::Refused { code, description, .. } => permanent(code, &description),
        }
    }
}

fn permanent(code: u16, description: &str) -> SendError {
    let said = description.to_ascii_lowercase();
    let known = [
        ("chat not found", "unknown_conversation", "the person has to write to the bot first"),
        ("bot was blocked", "blocked", "the person blocked the bot"),
        ("user is deactivated", "blocked", "the person's account is gone"),
        ("bot was kicked", "not_a_member", "add the bot to the group again"),
        ("not enough rights", "no_rights", "give the bot that right in the group's settings"),
        ("have no rights", "no_rights", "give the bot that right in the group's settings"),
        ("message thread not found", "unknown_thread", "the topic does not exist any more"),
        ("topic_closed", "thread_closed", "open the topic again or write elsewhere"),
        ("message is too long", "too_long", "send it in parts"),
        ("reaction_invalid", "unknown_emoji", "Telegram takes only its own set of reactions"),
        ("too large", "too_large", "a bot sends at most 50 MB without a server of its own"),
        ("too big", "too_large", "a bot fetches at most 20 MB without a server of its own"),
    ];
    match known.iter().find(|(words, ..)| said.contains(words)) {
        Some((_, name, fix)) => {
            SendError::permanent(*name, format!("{description} ({code}): {fix}"))
        }
        None => SendError::permanent("refused", format!("{description} ({code})")),
    }
}

#[cfg(test)]
mod tests;
