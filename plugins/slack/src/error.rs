//! Why a call to Slack failed, and what that means for the gateway.
//!
//! The one file that turns Slack's error codes into the contract's classes and into advice.

use jackfield_plugin_api::SendError;
use std::{fmt, time::Duration};

/// A call that brought no answer of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// Not one byte reached Slack.
    Unreached(String),
    /// Bytes left, and no answer that can be trusted came back.
    Lost(String),
    /// Too many calls; nothing was done.
    Limited(Duration),
    /// Slack answered no.
    Refused(Refusal),
    /// A file is not what it must be.
    File(String),
    /// A file has more bytes than the gateway takes.
    TooLarge(u64),
}

/// Slack's no.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) method: &'static str,
    /// Slack's word, such as `channel_not_found`.
    pub(crate) code: String,
    /// The scopes that would have been enough, where Slack says so.
    pub(crate) needed: Option<String>,
}

/// Codes that say: this token does not work any more, or never did.
const DEAD: [&str; 5] =
    ["invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"];

/// Codes that say: not with this token, whatever its state.
const UNFIT: [&str; 4] =
    ["missing_scope", "not_allowed_token_type", "team_access_not_granted", "access_denied"];

/// Codes under which Slack itself does not know whether the thing was done.
const DOUBTFUL: [&str; 4] =
    ["internal_error", "fatal_error", "request_timeout", "service_unavailable"];

/// Codes that pass by themselves.
const PASSING: [&str; 4] = ["ratelimited", "rate_limited", "team_added_to_org", "accesslimited"];

impl ApiError {
    /// Whether Slack said no with this word.
    pub(crate) fn is(&self, code: &str) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.code == code)
    }

    /// Whether a person must give another token or change the app: waiting does not help.
    pub(crate) fn is_rejection(&self) -> bool {
        self.is_dead_token() || UNFIT.iter().any(|code| self.is(code))
    }

    /// Whether the token itself is dead, whatever was asked with it.
    pub(crate) fn is_dead_token(&self) -> bool {
        DEAD.iter().any(|code| self.is(code))
    }

    /// For a call that must not be repeated blindly.
    pub(crate) fn of_send(self) -> SendError {
        let text = self.to_string();
        match self {
            Self::Unreached(_) => SendError::retryable("unreachable", text),
            Self::Lost(_) => SendError::uncertain("no_answer", text),
            Self::Limited(after) => limited(after, text),
            Self::File(_) => SendError::permanent("unreadable_file", text),
            Self::TooLarge(_) => SendError::permanent("too_large", text),
            Self::Refused(refusal) => {
                let code = refusal.code.as_str();
                if DOUBTFUL.contains(&code) {
                    SendError::uncertain(code, text)
                } else if PASSING.contains(&code) {
                    SendError::retryable(code, text)
                } else {
                    SendError::permanent(code, text)
                }
            }
        }
    }

    /// For a call that may be repeated: doing it twice is doing it once, or nobody can see it yet.
    pub(crate) fn of_repeatable(self) -> SendError {
        let doubtful = match &self {
            Self::Lost(_) => true,
            Self::Refused(refusal) => DOUBTFUL.contains(&refusal.code.as_str()),
            _ => false,
        };
        let error = self.of_send();
        if doubtful { SendError::retryable(error.code, error.text) } else { error }
    }
}

fn limited(after: Duration, text: String) -> SendError {
    let ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
    SendError::retryable("rate_limited", text).after_ms(ms)
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreached(why) => write!(f, "Slack cannot be reached: {why}"),
            Self::Lost(why) => write!(f, "Slack did not answer: {why}"),
            Self::Limited(after) => {
                write!(f, "Slack asks to wait {} s before the next call", after.as_secs())
            }
            Self::File(why) => f.write_str(why),
            Self::TooLarge(most) => write!(f, "the file is larger than {most} bytes"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, code, needed } = self;
        if let (Some(needed), "missing_scope") = (needed, code.as_str()) {
            let token = if *method == "apps.connections.open" { "app" } else { "bot" };
            return write!(
                f,
                "Slack refuses {method}: the {token} token lacks the scope {needed}; add it to the app \
                 and install the app again"
            );
        }
        write!(f, "Slack refuses {method}: {code}")?;
        match advice(method, code) {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

/// What a person can do about a code.
fn advice(method: &str, code: &str) -> Option<&'static str> {
    let sockets = method == "apps.connections.open";
    Some(match code {
        "invalid_auth" | "not_authed" if sockets => {
            "app_token is wrong or was revoked; make one under Basic Information → App-Level Tokens"
        }
        "not_allowed_token_type" | "missing_scope" if sockets => {
            "app_token must be an app-level token, xapp-…, with the scope connections:write"
        }
        "not_allowed_token_type" => "bot_token must be the bot user's token, xoxb-…",
        "invalid_auth" | "not_authed" => "bot_token is wrong; copy it from OAuth & Permissions",
        "account_inactive" | "token_revoked" | "token_expired" => {
            "the app was removed or its token revoked; install it again and give the new token"
        }
        "missing_scope" => "the token lacks a scope; see the app's OAuth & Permissions",
        "not_in_channel" | "channel_not_found" => {
            "the app is not in that conversation; invite it with /invite"
        }
        "is_archived" => "the conversation is archived",
        "restricted_action" | "no_permission" => "the workspace's administrators do not allow it",
        "msg_too_long" => "the text is longer than Slack takes in one message",
        "cant_update_message" | "edit_window_closed" => {
            "only the app's own messages can be changed"
        }
        "cant_delete_message" => "only the app's own messages can be taken back",
        _ => return None,
    })
}
