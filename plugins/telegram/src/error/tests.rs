//! Refusals as the documentation and the server's source word them.

use super::{ApiError, Cause};
use crate::config::{Config, Login};
use jackfield_plugin_api::{
    error::FailureClass,
    serde_json::{self, json},
};
use std::time::Duration;

fn refused(code: u16, description: &str) -> ApiError {
    ApiError::Refused {
        code,
        description: description.to_owned(),
        retry_after: None,
        migrated_to: None,
    }
}

fn login(table: serde_json::Value) -> Login {
    serde_json::from_value::<Config>(table).unwrap().logins().unwrap().remove(0)
}

#[test]
fn causes_are_told_apart() {
    for (code, description, cause) in [
        (401, "Unauthorized", Cause::Token),
        (404, "Not Found", Cause::Token),
        (404, "Not Found: method not found", Cause::NoMethod),
        (
            409,
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            Cause::OtherPoller,
        ),
        (
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            Cause::WebhookSet,
        ),
        (
            400,
            "Bad Request: can't parse entities: Unsupported start tag \"x\" at byte offset 0",
            Cause::Markup,
        ),
        (
            400,
            "Bad Request: message is not modified: specified new message content is exactly the same",
            Cause::NotModified,
        ),
        (400, "Bad Request: message to delete not found", Cause::AlreadyGone),
        (400, "Bad Request: there is no text in the message to edit", Cause::IsCaption),
        (400, "Bad Request: PHOTO_INVALID_DIMENSIONS", Cause::FileOnly),
        (
            400,
            "Bad Request: file of size 11000000 bytes is too big for a photo; the maximum size is 10485760 bytes",
            Cause::FileOnly,
        ),
        (400, "Bad Request: VOICE_MESSAGES_FORBIDDEN", Cause::FileOnly),
        (400, "Bad Request: ENTITIES_TOO_LONG", Cause::Markup),
        (400, "Bad Request: message thread not found", Cause::NoTopic),
        (400, "Bad Request: message to be replied not found", Cause::NoAnswered),
        (400, "Bad Request: chat not found", Cause::Other),
        (500, "Internal Server Error: can't parse entities", Cause::Other),
    ] {
        assert_eq!(refused(code, description).cause(), cause, "{description}");
    }
}

#[test]
fn outcomes_say_whether_anything_was_sent() {
    use FailureClass::{Permanent, Retryable, Uncertain};
    for (error, repeatable, class, name) in [
        (ApiError::Unreachable("refused".into()), false, Retryable, "unreachable"),
        (ApiError::Unanswered("reset".into()), false, Uncertain, "no_answer"),
        (ApiError::Unanswered("reset".into()), true, Retryable, "no_answer"),
        (ApiError::File("gone".into()), false, Permanent, "file_unreadable"),
        (refused(502, "Bad Gateway"), false, Uncertain, "no_answer"),
        (refused(502, "Bad Gateway"), true, Retryable, "no_answer"),
        (refused(401, "Unauthorized"), false, Retryable, "unauthorized"),
        (refused(404, "Not Found: method not found"), false, Permanent, "unsupported"),
        (refused(400, "Bad Request: chat not found"), false, Permanent, "unknown_conversation"),
        (refused(403, "Forbidden: bot was blocked by the user"), false, Permanent, "blocked"),
        (refused(400, "Bad Request: REACTION_INVALID"), true, Permanent, "unknown_emoji"),
        (refused(400, "Bad Request: something new"), false, Permanent, "refused"),
        (refused(413, "Request Entity Too Large"), false, Permanent, "too_large"),
        (ApiError::Foreign { code: 404 }, false, Retryable, "not_the_api"),
        (ApiError::Foreign { code: 502 }, false, Uncertain, "no_answer"),
        (ApiError::Foreign { code: 413 }, false, Permanent, "too_large"),
    ] {
        let outcome = error.outcome(repeatable);
        assert_eq!((outcome.class, outcome.code.as_str()), (class, name), "{}", outcome.text);
    }
}

#[test]
fn refusals_name_the_fix() {
    for (code, description, name) in [
        (403, "Forbidden: bot was kicked from the supergroup chat", "not_a_member"),
        (403, "Forbidden: bot is not a member of the channel chat", "not_a_member"),
        (403, "Forbidden: bot can't initiate conversation with a user", "unknown_conversation"),
        (403, "Forbidden: bot can't send messages to bots", "unknown_conversation"),
        (403, "Forbidden: the group chat was deleted", "unknown_conversation"),
        (400, "Bad Request: need administrator rights in the channel chat", "no_rights"),
        (400, "Bad Request: not enough rights to send photos to the chat", "no_rights"),
        (400, "Bad Request: CHAT_SEND_DOCS_FORBIDDEN", "no_rights"),
        (400, "Bad Request: message thread not found", "unknown_thread"),
        (400, "Bad Request: TOPIC_CLOSED", "thread_closed"),
        (400, "Bad Request: the chat is not a forum", "no_threads"),
        (400, "Bad Request: message to edit not found", "unknown_message"),
        (400, "Bad Request: message can't be edited", "not_editable"),
        (400, "Bad Request: message can't be deleted for everyone", "not_deletable"),
        (400, "Bad Request: message caption is too long", "too_long"),
        (400, "Bad Request: wrong file identifier/HTTP URL specified", "bad_file"),
        (400, "Bad Request: failed to get HTTP URL content", "bad_file"),
        (400, "Bad Request: wrong type of the web page content", "bad_file"),
        (400, "Bad Request: WEBPAGE_CURL_FAILED", "bad_file"),
        (400, "Bad Request: file must be non-empty", "bad_file"),
        (400, "Bad Request: file is too big", "too_large"),
    ] {
        let outcome = refused(code, description).outcome(true);
        let told = (outcome.class, outcome.code.as_str());
        assert_eq!(told, (FailureClass::Permanent, name), "{description}");
        assert!(outcome.text.len() > description.len() + 10, "no fix in {}", outcome.text);
    }
    for (description, name) in [
        ("Bad Request: wrong file_id or the file is temporarily unavailable", "no_file"),
        ("Logged out", "unauthorized"),
    ] {
        let outcome = refused(400, description).outcome(false);
        assert_eq!((outcome.class, outcome.code.as_str()), (FailureClass::Retryable, name));
    }
}

#[test]
fn a_wait_that_was_asked_for_is_passed_on() {
    let error = ApiError::Refused {
        code: 429,
        description: "Too Many Requests: retry after 35".to_owned(),
        retry_after: Some(Duration::from_secs(35)),
        migrated_to: None,
    };
    let outcome = error.outcome(false);
    assert_eq!(outcome.class, FailureClass::Retryable);
    assert_eq!(outcome.retry_after_ms, Some(35_000));
}

#[test]
fn explanations_name_the_setting_and_hide_the_token() {
    let table = json!({"accounts": {"work": {"bot_token": "7:secret-part"}}});
    let work = login(table);
    let only = login(json!({"bot_token": "7:secret-part", "api_base": "http://127.0.0.1:9"}));
    let text = refused(401, "Unauthorized").explain(&work);
    assert!(text.contains("`channels.telegram.accounts.work.bot_token`"), "{text}");
    let text = refused(404, "Not Found").explain(&only);
    assert!(text.contains("`channels.telegram.bot_token`") && text.contains("api_base"), "{text}");
    let text = refused(409, "Conflict: terminated by other getUpdates request").explain(&only);
    assert!(text.contains("another program"), "{text}");
    let text = ApiError::Unreachable("Connection refused".into()).explain(&only);
    assert!(text.contains("http://127.0.0.1:9") && !text.contains("proxy"), "{text}");
    let text = ApiError::Foreign { code: 404 }.explain(&only);
    assert!(text.contains("api_base") && text.contains("bot_token"), "{text}");
    let text = refused(400, "Logged out").explain(&only);
    assert!(text.contains("`channels.telegram.api_base`"), "{text}");
    let blocked = || ApiError::Unreachable("timed out".into());
    let text = blocked().explain(&work);
    assert!(text.contains("blocked, `channels.telegram.accounts.work.proxy`"), "{text}");
    let table = json!({"bot_token": "7:a", "proxy": "socks5h://user:pass-word@127.0.0.1:1080"});
    let text = blocked().explain(&login(table));
    assert!(text.contains("through `channels.telegram.proxy`"), "{text}");
    assert!(!text.contains("pass-word"), "{text}");
    assert!(!format!("{only:?}").contains("secret-part"), "nor does a log of the settings");
}
