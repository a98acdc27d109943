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
    /// Slack closed the connection by itself, for a reason it gave.
    TurnedAway(String),
    /// Too many calls; nothing was done.
    Limited(Duration),
    /// Slack answered no.
    Refused(Refusal),
    /// A file is not what it must be.
    File(String),
    /// A file has more bytes than the gateway takes.
    TooLarge(u64),
    /// The tokens are good, each by itself, and do not belong together.
    Mixed(String),
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
const DEAD: [&str; 7] = [
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "user_removed_from_team",
    "team_disabled",
];

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

    /// Whether Slack itself does not know if it did it.
    pub(crate) fn is_doubtful(&self) -> bool {
        matches!(self, Self::Lost(_)) || DOUBTFUL.iter().any(|code| self.is(code))
    }

    /// Whether a person must give another token or change the app: waiting does not help.
    pub(crate) fn is_rejection(&self) -> bool {
        let mixed = matches!(self, Self::Mixed(_));
        mixed || self.is_dead_token() || UNFIT.iter().any(|code| self.is(code))
    }

    /// Whether the token itself is dead, whatever was asked with it.
    pub(crate) fn is_dead_token(&self) -> bool {
        DEAD.iter().any(|code| self.is(code))
    }

    /// For a call that must not be repeated blindly.
    pub(crate) fn of_send(self) -> SendError {
        let text = self.to_string();
        match self {
            Self::Unreached(_) | Self::TurnedAway(_) => SendError::retryable("unreachable", text),
            Self::Lost(_) => SendError::uncertain("no_answer", text),
            Self::Limited(after) => limited(after, text),
            Self::File(_) => SendError::permanent("unreadable_file", text),
            Self::TooLarge(_) => SendError::permanent("too_large", text),
            Self::Mixed(_) => SendError::retryable("mixed_tokens", text),
            // It waits in the gateway for a token that works.
            Self::Refused(ref refusal) if DEAD.contains(&refusal.code.as_str()) => {
                SendError::retryable(refusal.code.clone(), text)
            }
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
        let doubtful = self.is_doubtful();
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
            Self::File(why) | Self::Mixed(why) | Self::TurnedAway(why) => f.write_str(why),
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
    if method == "apps.connections.open"
        && let Some(advice) = of_sockets(code)
    {
        return Some(advice);
    }
    of_token(code).or_else(|| of_place(code)).or_else(|| of_thing(code))
}

fn of_sockets(code: &str) -> Option<&'static str> {
    Some(match code {
        "invalid_auth" | "not_authed" => {
            "app_token is wrong or was revoked; make one under Basic Information → App-Level Tokens"
        }
        "not_allowed_token_type" | "missing_scope" => {
            "app_token must be an app-level token, xapp-…, with the scope connections:write"
        }
        "forbidden_team" => "Slack does not let this workspace use Socket Mode",
        _ => return None,
    })
}

fn of_token(code: &str) -> Option<&'static str> {
    Some(match code {
        "not_allowed_token_type" => "bot_token must be the bot user's token, xoxb-…",
        "invalid_auth" | "not_authed" => {
            "bot_token is wrong, or Slack does not take it from this address; copy it from OAuth & \
             Permissions and see the allowed addresses there"
        }
        "token_expired" => {
            "token rotation is on for this app, so its tokens last half a day; it cannot be switched \
             off again: make an app without it"
        }
        "account_inactive" | "token_revoked" | "user_removed_from_team" => {
            "the app was removed or its token revoked; install it again and give the new token"
        }
        "team_disabled" => "the workspace does not exist any more",
        "missing_scope" => "the token lacks a scope; see the app's OAuth & Permissions",
        "team_access_not_granted"
        | "org_login_required"
        | "ekm_access_denied"
        | "accesslimited"
        | "enterprise_is_restricted" => "the organisation's administrators do not allow it",
        _ => return None,
    })
}

fn of_place(code: &str) -> Option<&'static str> {
    Some(match code {
        "not_in_channel" | "channel_not_found" => {
            "the app is not in that conversation; invite it with /invite"
        }
        "is_archived" => "the conversation is archived",
        "messages_tab_disabled" => {
            "people cannot write to the app: switch on App Home → Messages Tab, and let people write \
             there"
        }
        "cannot_dm_bot" => "an app cannot write to another app",
        "user_disabled" | "user_not_found" => "that person is not in the workspace any more",
        "thread_not_found" | "cannot_reply_to_message" => "the message to answer is gone",
        "restricted_action_thread_locked" | "thread_locked" => "the thread is locked",
        "restricted_action"
        | "no_permission"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel"
        | "restricted_action_non_threadable_channel" => {
            "the workspace's administrators do not allow it"
        }
        _ => return None,
    })
}

fn of_thing(code: &str) -> Option<&'static str> {
    Some(match code {
        "msg_too_long" => "the text is longer than Slack takes in one message",
        "cant_update_message" => "only the app's own messages can be changed",
        "edit_window_closed" => "the workspace lets messages be changed for some time only",
        "cant_delete_message" => "only the app's own messages can be taken back",
        "message_not_found" | "bad_timestamp" => "the message is gone, or stands elsewhere",
        "invalid_name" => "the workspace has no emoji of that name",
        "too_many_emoji" | "too_many_reactions" => {
            "the message has as many reactions as it can have"
        }
        "not_reactable" => "that message takes no reactions",
        "file_uploads_disabled"
        | "file_upload_size_restricted"
        | "file_type_blocked"
        | "slack_connect_file_upload_sharing_blocked" => {
            "the workspace's administrators do not allow that file"
        }
        "storage_limit_reached" => "the workspace's storage is full",
        _ => return None,
    })
}
