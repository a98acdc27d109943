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
        (400, "Bad Request: PHOTO_INVALID_DIMENSIONS", Cause::NotAPhoto),
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
    ] {
        let outcome = error.outcome(repeatable);
        assert_eq!((outcome.class, outcome.code.as_str()), (class, name), "{}", outcome.text);
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
    assert!(text.contains("http://127.0.0.1:9"), "{text}");
    assert!(!format!("{only:?}").contains("secret-part"), "nor does a log of the settings");
}
