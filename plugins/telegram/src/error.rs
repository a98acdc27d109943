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
    /// Something else than a Bot API server answered: a proxy, or whatever listens there.
    Foreign {
        /// The HTTP status.
        code: u16,
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
            Self::Foreign { code } => write!(f, "what answered is no Bot API server ({code})"),
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
    /// A picture, or a voice message, that Telegram takes as a file only.
    FileOnly,
    /// The topic does not exist, or not any more.
    NoTopic,
    /// The message to answer does not exist, or not any more.
    NoAnswered,
    /// The server is too old, or not Telegram's: it has no such method.
    NoMethod,
    /// Anything else.
    Other,
}

/// Words of refusals after which the same file may go as a document.
const FILE_ONLY: [&str; 6] = [
    "photo_invalid",
    "photo_ext_invalid",
    "photo_save_file_invalid",
    "image_process_failed",
    "too big for a photo",
    "voice_messages_forbidden",
];

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
            400 if says(&["can't parse entities", "can't find end of", "entities_too_long"]) => {
                Cause::Markup
            }
            400 if says(&["message is not modified"]) => Cause::NotModified,
            400 if says(&["message to delete not found"]) => Cause::AlreadyGone,
            400 if says(&["no text in the message to edit"]) => Cause::IsCaption,
            400 if says(&FILE_ONLY) => Cause::FileOnly,
            400 if says(&["message thread not found", "topic_deleted", "topic_id_invalid"]) => {
                Cause::NoTopic
            }
            400 if says(&["to be replied not found", "replied message not found"]) => {
                Cause::NoAnswered
            }
            _ => Cause::Other,
        }
    }

    /// One sentence for the operator of this account, with the fix where there is one.
    pub(crate) fn explain(&self, login: &Login) -> String {
        let Self::Refused { code, description, .. } = self else {
            let base = login.setting("api_base");
            let said = format!("{self}; set in `{base}`: {}", login.api_base);
            let proxy = login.setting("proxy");
            return match self {
                Self::Foreign { code: 401 | 404 } => {
                    format!("{said}; check `{}` too", login.setting("bot_token"))
                }
                Self::Unreachable(_) if login.proxy.is_some() => {
                    format!("{said}, through `{proxy}`")
                }
                Self::Unreachable(_) if login.is_telegrams_own() => {
                    format!("{said}; where Telegram is blocked, `{proxy}` leads around")
                }
                _ => said,
            };
        };
        match (self.cause(), code) {
            _ if description.eq_ignore_ascii_case("logged out")
                || description.eq_ignore_ascii_case("Bad Request: logged out") =>
            {
                format!(
                    "this bot was logged out of {} to move to another server: set `{}` to that one, \
                     or wait ten minutes",
                    login.api_base,
                    login.setting("api_base"),
                )
            }
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
            Self::Unanswered(_)
            | Self::Refused { code: 500.., .. }
            | Self::Foreign { code: 500.. } => lost(text),
            Self::Foreign { code: 413 } => {
                SendError::permanent("too_large", format!("{text}: it takes no file of this size"))
            }
            Self::Foreign { .. } => SendError::retryable("not_the_api", text),
            Self::File(_) => SendError::permanent("file_unreadable", text),
            Self::Refused { code: 429, retry_after, .. } => {
                let wait = retry_after.unwrap_or(Duration::from_secs(1));
                let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                SendError::retryable("rate_limited", text).after_ms(ms)
            }
            // The token can be mended without losing what waits.
            Self::Refused { code: 401 | 404, .. } => SendError::retryable("unauthorized", text),
            Self::Refused { ref description, .. } if says(description, "logged out") => {
                SendError::retryable("unauthorized", text)
            }
            Self::Refused { ref description, .. }
                if says(description, "temporarily unavailable") =>
            {
                SendError::retryable("no_file", text)
            }
            Self::Refused { code, description, .. } => permanent(code, &description),
        }
    }
}

fn says(description: &str, words: &str) -> bool {
    description.to_ascii_lowercase().contains(words)
}

fn permanent(code: u16, description: &str) -> SendError {
    match KNOWN.iter().find(|(words, ..)| says(description, words)) {
        Some((_, name, fix)) => {
            SendError::permanent(*name, format!("{description} ({code}): {fix}"))
        }
        None => SendError::permanent("refused", format!("{description} ({code})")),
    }
}

const RIGHTS: &str = "give the bot that right in the chat's settings";
const FETCHING: &str = "Telegram fetches pictures to 5 MB and other files to 20 MB from public \
                        addresses, and of documents only GIF, PDF and ZIP: send the bytes instead";

/// Words of a refusal in lower case, our name for it, and what to do. The first that fits counts.
const KNOWN: [(&str, &str, &str); 39] = [
    ("chat not found", "unknown_conversation", "the person has to write to the bot first"),
    ("peer_id_invalid", "unknown_conversation", "the person has to write to the bot first"),
    ("initiate conversation", "unknown_conversation", "the person has to write to the bot first"),
    ("messages to bots", "unknown_conversation", "bots cannot write to bots"),
    ("messages to the bot", "unknown_conversation", "bots cannot write to bots"),
    ("chat was deleted", "unknown_conversation", "the group is gone"),
    ("chat was deactivated", "unknown_conversation", "the group is gone"),
    ("was upgraded", "unknown_conversation", "the group has another number now"),
    ("bot was blocked", "blocked", "the person blocked the bot"),
    ("user is deactivated", "blocked", "the person's account is gone"),
    ("bot was kicked", "not_a_member", "add the bot to the group again"),
    ("not a member", "not_a_member", "add the bot to the chat"),
    ("administrator rights", "no_rights", "make the bot an administrator there"),
    ("chat_admin_required", "no_rights", "make the bot an administrator there"),
    ("not enough rights", "no_rights", RIGHTS),
    ("have no rights", "no_rights", RIGHTS),
    ("chat_write_forbidden", "no_rights", RIGHTS),
    ("chat_restricted", "no_rights", RIGHTS),
    ("voice_messages_forbidden", "not_accepted", "the person takes no voice messages"),
    ("chat_send_", "no_rights", RIGHTS),
    ("message thread not found", "unknown_thread", "the topic does not exist any more"),
    ("topic_deleted", "unknown_thread", "the topic does not exist any more"),
    ("topic_id_invalid", "unknown_thread", "the topic does not exist any more"),
    ("topic_closed", "thread_closed", "open the topic again or write elsewhere"),
    ("not a forum", "no_threads", "switch topics on in the group's settings"),
    ("is too long", "too_long", "send it in parts"),
    ("message_too_long", "too_long", "send it in parts"),
    ("message can't be edited", "not_editable", "a bot edits its own messages only"),
    (
        "message can't be deleted",
        "not_deletable",
        "it is older than 48 hours, or a right is missing",
    ),
    ("not found", "unknown_message", "it does not exist any more"),
    ("reaction_invalid", "unknown_emoji", "Telegram takes only its own set of reactions"),
    ("http url", "bad_file", FETCHING),
    ("web page content", "bad_file", FETCHING),
    ("webpage_", "bad_file", FETCHING),
    ("must be non-empty", "bad_file", "the file has no bytes"),
    ("wrong remote file", "bad_file", "this bot knows no such file"),
    ("too large", "too_large", "a bot sends at most 50 MB without a server of its own"),
    ("file is too big", "too_large", "a bot fetches at most 20 MB without a server of its own"),
    ("too big", "too_large", "Telegram takes no file of this size"),
];

#[cfg(test)]
mod tests;
