//! What can go wrong between us and Discord, and what each of it means to the gateway.
//!
//! Texts are made of what Discord answered and of our own words; a token is in none of them, since
//! it travels in a header only and errors of the HTTP library are never printed whole.

use jackfield_plugin_api::SendError;
use std::{fmt, time::Duration};

/// Why a call to the REST API brought no result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// Nothing left this machine: no route, no name, no TLS, no answer to the connection.
    Offline(&'static str),
    /// The request may have arrived, but no answer came.
    Lost(&'static str),
    /// Discord, or our own count of its limits, asks to wait.
    Limited(Duration),
    /// Discord says no: HTTP status, its own code, its words.
    Refused { status: u16, code: u64, text: String },
    /// A fault on Discord's side; the request may have been carried out.
    Broken(u16),
    /// Something before Discord refused, in words that are not Discord's: nothing was done.
    Walled(u16),
    /// The request succeeded, but its answer makes no sense.
    Garbled,
}

/// Discord's own numbers for what it refuses, as far as they change what happens next.
pub(crate) mod code {
    pub(crate) const UNKNOWN_CHANNEL: u64 = 10_003;
    pub(crate) const UNKNOWN_MESSAGE: u64 = 10_008;
    pub(crate) const TOO_LARGE: u64 = 40_005;
    pub(crate) const MISSING_PERMISSIONS: u64 = 50_013;
    pub(crate) const BAD_WEBHOOK_TOKEN: u64 = 50_027;
    pub(crate) const INVALID_FORM: u64 = 50_035;
    pub(crate) const THREAD_ARCHIVED: u64 = 50_083;
    pub(crate) const NO_HISTORY_TO_REPLY: u64 = 160_002;
    pub(crate) const THREAD_EXISTS: u64 = 160_004;
}

/// A refusal that passes by itself: how long Discord is left alone about it.
fn passes_in(code: u64) -> Option<Duration> {
    Some(Duration::from_secs(match code {
        20_022 | 20_028 | 20_029 | 40_062 => 30, // write limits that are no 429
        40_003 => 60,                            // direct chats opened too fast
        130_000 => 10,                           // overloaded
        40_004 | 40_006 | 40_333 => 300,         // switched off for now; Cloudflare
        _ => return None,
    }))
}

/// A wall before Discord is tried again after this long.
const WALL_PAUSE: Duration = Duration::from_mins(1);

/// Whether doing the same thing twice does harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It may create a second one.
    Harmful,
    /// The second time changes nothing.
    Harmless,
}

impl Failure {
    /// Whether the bot's token is rejected; a command's token has an end of its own.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused { status: 401, .. }) && !self.has_code(code::BAD_WEBHOOK_TOKEN)
    }

    pub(crate) fn has_code(&self, wanted: u64) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == wanted)
    }

    /// Whether a reply was refused for being one; as an ordinary message it may go.
    pub(crate) fn is_about_reply(&self) -> bool {
        match self {
            Self::Refused { code: code::NO_HISTORY_TO_REPLY, .. } => true,
            Self::Refused { code: code::INVALID_FORM, text, .. } => {
                text.contains("message_reference")
            }
            _ => false,
        }
    }

    /// Whether asking again later can help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Refused { code, .. } => passes_in(*code).is_some(),
            Self::Garbled | Self::Walled(_) => false,
            _ => true,
        }
    }

    /// The outcome of an attempt that failed this way.
    pub(crate) fn outcome(&self, repeat: Repeat) -> SendError {
        let text = self.to_string();
        let after = |error: SendError, wait: Duration| {
            error.after_ms(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1))
        };
        match self {
            Self::Offline(_) => SendError::retryable("offline", text),
            Self::Limited(wait) => after(SendError::retryable("rate_limited", text), *wait),
            Self::Walled(_) => after(SendError::retryable("blocked", text), WALL_PAUSE),
            // A new token in the settings mends it, and nothing was sent.
            Self::Refused { .. } if self.is_unauthorized() => {
                SendError::retryable("unauthorized", text)
            }
            Self::Refused { code, .. } => match passes_in(*code) {
                Some(wait) => after(SendError::retryable(word(*code), text), wait),
                None => SendError::permanent(word(*code), text),
            },
            Self::Lost(_) | Self::Broken(_) if repeat == Repeat::Harmless => {
                SendError::retryable("no_answer", text)
            }
            Self::Lost(_) => SendError::uncertain("no_answer", text),
            Self::Broken(_) => SendError::uncertain("server_fault", text),
            Self::Garbled if repeat == Repeat::Harmless => SendError::retryable("garbled", text),
            Self::Garbled => SendError::uncertain("garbled", text),
        }
    }
}

fn word(code: u64) -> &'static str {
    match code {
        code::UNKNOWN_CHANNEL => "unknown_conversation",
        code::UNKNOWN_MESSAGE => "unknown_message",
        10_014 => "unknown_emoji",
        20_022 | 20_028 | 20_029 | 40_003 | 40_062 => "rate_limited",
        code::TOO_LARGE | 50_045 => "too_large",
        40_333 => "blocked",
        40_066 | 40_067 => "tag_needed",
        50_007 => "cannot_message_user",
        50_001 | code::MISSING_PERMISSIONS | code::NO_HISTORY_TO_REPLY => "forbidden",
        code::THREAD_ARCHIVED => "archived",
        160_005 => "locked",
        200_000 | 200_001 | 240_000 => "filtered",
        _ => "refused",
    }
}

/// What to do about a refusal, where there is more to say than Discord does.
fn advice(code: u64) -> &'static str {
    match code {
        10_014 => "; give the emoji itself, or a server's own as name:id",
        30_010 => "; the message has as many different reactions as it can have",
        40_333 => "; Discord's Cloudflare blocks this machine's address for a while",
        40_066 | 40_067 => {
            "; the forum wants a tag on each post that only moderators may set: allow one to everybody"
        }
        50_001 => "; give the bot's role View Channel there",
        code::MISSING_PERMISSIONS => {
            "; give the bot's role the permission in the channel's settings"
        }
        50_007 => "; the person shares no server with the bot or takes no direct messages",
        code::TOO_LARGE | 50_045 => "; the files are larger than this server takes",
        code::THREAD_ARCHIVED => "; the thread is archived and the bot may not open it",
        160_005 => "; only somebody with Manage Threads can unlock the thread",
        200_000 | 200_001 => "; a rule of the server's AutoMod did it: let it spare the bot's role",
        _ => "",
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offline(what) => write!(f, "Discord cannot be reached: {what}"),
            Self::Lost(what) => write!(f, "Discord did not answer: {what}"),
            Self::Limited(after) => {
                write!(f, "Discord's rate limit: wait {:.1} s", after.as_secs_f32())
            }
            Self::Refused { status, code, text } => {
                write!(f, "Discord refused it: {text} ({status}, code {code})")?;
                f.write_str(if self.is_unauthorized() {
                    "; the bot token is not valid: reset it in the Developer Portal, page Bot, and \
                     change bot_token"
                } else {
                    advice(*code)
                })
            }
            Self::Broken(status) => write!(f, "Discord has trouble: status {status}"),
            Self::Walled(status) => write!(
                f,
                "something before Discord refused it (status {status}, not in Discord's words): a \
                 proxy, a wrong api_base, or Cloudflare, which blocks an address for some time"
            ),
            Self::Garbled => f.write_str("Discord's answer could not be read"),
        }
    }
}

/// Why the link of an account ended for good: what a person must change.
pub(crate) fn fatal_close(close: u16) -> Option<&'static str> {
    Some(match close {
        4004 => {
            "Discord rejects the bot token (4004): reset it in the Developer Portal, page Bot, and \
             change bot_token"
        }
        4010 | 4011 => {
            "Discord wants this bot split into shards (it is in more than 2500 servers), which this \
             adapter cannot do"
        }
        4012 => "Discord no longer speaks version 10 of its gateway: a newer adapter is needed",
        4013 => "Discord knows an intent of ours no longer (4013): a newer adapter is needed",
        4014 => {
            "Discord denies the Message Content intent (4014): switch it on in the Developer Portal, \
             page Bot, Privileged Gateway Intents (it is tried again by itself then), or set \
             message_content = false"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Failure, Repeat, code, fatal_close};
    use jackfield_plugin_api::error::FailureClass;
    use std::time::Duration;

    #[test]
    fn a_failure_says_truthfully_what_happened() {
        use FailureClass::{Permanent, Retryable, Uncertain};
        let refused = |status, code| Failure::Refused { status, code, text: "No".to_owned() };
        for (failure, repeat, class, word) in [
            (Failure::Offline("no route"), Repeat::Harmful, Retryable, "offline"),
            (Failure::Lost("timeout"), Repeat::Harmful, Uncertain, "no_answer"),
            (Failure::Lost("timeout"), Repeat::Harmless, Retryable, "no_answer"),
            (Failure::Broken(502), Repeat::Harmful, Uncertain, "server_fault"),
            (Failure::Broken(502), Repeat::Harmless, Retryable, "no_answer"),
            (Failure::Garbled, Repeat::Harmful, Uncertain, "garbled"),
            (refused(401, 0), Repeat::Harmful, Retryable, "unauthorized"),
            (
                refused(404, code::UNKNOWN_CHANNEL),
                Repeat::Harmful,
                Permanent,
                "unknown_conversation",
            ),
            (refused(403, 50_001), Repeat::Harmful, Permanent, "forbidden"),
            (refused(403, 40_333), Repeat::Harmful, Retryable, "blocked"),
            (refused(400, 40_003), Repeat::Harmful, Retryable, "rate_limited"),
            (refused(400, 160_005), Repeat::Harmful, Permanent, "locked"),
            (refused(401, code::BAD_WEBHOOK_TOKEN), Repeat::Harmful, Permanent, "refused"),
            (Failure::Walled(403), Repeat::Harmful, Retryable, "blocked"),
            (refused(400, 50_035), Repeat::Harmful, Permanent, "refused"),
        ] {
            let error = failure.outcome(repeat);
            assert_eq!((error.class, error.code.as_str()), (class, word), "{failure:?}");
        }
        let limited = Failure::Limited(Duration::from_millis(1500)).outcome(Repeat::Harmful);
        assert_eq!((limited.class, limited.retry_after_ms), (Retryable, Some(1500)));
    }

    #[test]
    fn what_ends_a_link_names_the_fix() {
        assert!(fatal_close(4004).unwrap().contains("bot_token"));
        assert!(fatal_close(4014).unwrap().contains("Message Content"));
        assert!(fatal_close(4013).is_some());
        for passing in [1000, 1006, 4000, 4007, 4008, 4009] {
            assert_eq!(fatal_close(passing), None, "{passing}");
        }
    }
}
