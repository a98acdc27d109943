//! What a refused `connect` says on the wire: code, text, details and close, row by row as recorded.

use crate::{
    auth::{
        Refusal,
        proof::ProofError,
        refusal::{Advised, BadCredential},
    },
    devices::{Device, Need, Pending},
    events::Close,
    protocol::{
        VERSION, VERSION_MIN_PROBE,
        error::{Code, ErrorShape},
        scope::Role,
    },
};
use serde_json::{Value, json};

/// An answer and the close that follows it.
#[derive(Debug)]
pub struct Answer {
    /// The error of the response.
    pub error: ErrorShape,
    /// The close after it.
    pub close: Close,
}

/// The wire's form of a refusal; `None` for a close without an answer.
#[must_use]
pub fn wire(refusal: &Refusal) -> Option<Answer> {
    let error = match refusal {
        Refusal::Worker => return None,
        Refusal::Protocol { min, max } => {
            let error = ErrorShape::invalid("protocol mismatch").details(json!({
                "code": "PROTOCOL_MISMATCH", "clientMinProtocol": min, "clientMaxProtocol": max,
                "expectedProtocol": VERSION, "minimumProbeProtocol": VERSION_MIN_PROBE,
            }));
            return Some(Answer { error, close: Close::new(1002, "protocol mismatch") });
        }
        Refusal::Role => ErrorShape::invalid("invalid role"),
        Refusal::Origin(verdict) => ErrorShape::invalid(
            "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)",
        )
        .details(json!({"code": "CONTROL_UI_ORIGIN_NOT_ALLOWED", "reason": verdict.reason()})),
        Refusal::UiWithoutDevice => {
            ErrorShape::invalid("control ui requires device identity (use HTTPS or localhost secure context)")
                .details(json!({"code": "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"}))
        }
        Refusal::DeviceRequired => ErrorShape::new(Code::NotPaired, "device identity required")
            .details(json!({"code": "DEVICE_IDENTITY_REQUIRED"})),
        Refusal::Proof(error) => proof(*error),
        Refusal::Credential { reason, .. } => credential(reason),
        Refusal::Pairing { need, request, approved, .. } => {
            let error = pairing(*need, request, approved.as_deref());
            let reason = format!("{} (requestId: {})", error.message, request.request_id);
            return Some(Answer { error, close: Close::new(1008, reason) });
        }
        Refusal::Store(error) => {
            tracing::error!(%error, "a connection could not be judged: the store failed");
            ErrorShape::unavailable("the gateway could not store this; see its log")
        }
    };
    let close = Close::new(1008, error.message.clone());
    Some(Answer { error, close })
}

fn proof(error: ProofError) -> ErrorShape {
    let (text, code, reason) = match error {
        ProofError::IdMismatch => {
            ("device identity mismatch", "DEVICE_AUTH_DEVICE_ID_MISMATCH", "device-id-mismatch")
        }
        ProofError::Stale => {
            ("device signature expired", "DEVICE_AUTH_SIGNATURE_EXPIRED", "device-signature-stale")
        }
        ProofError::NonceBlank => {
            ("device nonce required", "DEVICE_AUTH_NONCE_REQUIRED", "device-nonce-missing")
        }
        ProofError::NonceMismatch => {
            ("device nonce mismatch", "DEVICE_AUTH_NONCE_MISMATCH", "device-nonce-mismatch")
        }
        ProofError::BadSignature => {
            ("device signature invalid", "DEVICE_AUTH_SIGNATURE_INVALID", "device-signature")
        }
        ProofError::BadKey => {
            ("device public key invalid", "DEVICE_AUTH_PUBLIC_KEY_INVALID", "device-public-key")
        }
    };
    ErrorShape::invalid(text).details(json!({"code": code, "reason": reason}))
}

struct Credential {
    text: String,
    code: &'static str,
    reason: &'static str,
    retry_with_device_token: bool,
    next: &'static str,
}

fn credential(bad: &BadCredential) -> ErrorShape {
    let row = credential_row(bad);
    let error = ErrorShape::invalid(format!("unauthorized: {}", row.text)).details(json!({
        "code": row.code, "authReason": row.reason,
        "canRetryWithDeviceToken": row.retry_with_device_token, "recommendedNextStep": row.next,
    }));
    match bad {
        BadCredential::RateLimited { retry_after_ms } => error.after_ms(*retry_after_ms),
        _ => error,
    }
}

/// What to do about the token.
fn about_token(advised: Advised) -> &'static str {
    match advised {
        Advised::Here => "use this gateway's gateway.auth.token or pair the device",
        Advised::Away => "set gateway.remote.token to match gateway.auth.token",
        Advised::Interface => {
            "open the link the gateway printed, or enter its token in the settings"
        }
        Advised::Program => "provide gateway auth token",
    }
}

/// What to do about the password.
fn about_password(advised: Advised) -> &'static str {
    match advised {
        Advised::Here => "use this gateway's gateway.auth.password",
        Advised::Away => "set gateway.remote.password to match gateway.auth.password",
        Advised::Interface => "enter the password of this gateway in the settings",
        Advised::Program => "provide gateway auth password",
    }
}

fn credential_row(bad: &BadCredential) -> Credential {
    let row = |text: &str, code, reason, next| Credential {
        text: text.to_owned(),
        code,
        reason,
        retry_with_device_token: false,
        next,
    };
    match bad {
        BadCredential::TokenMissing(advised) => row(
            &format!("gateway token missing ({})", about_token(*advised)),
            "AUTH_TOKEN_MISSING",
            "token_missing",
            "update_auth_configuration",
        ),
        BadCredential::TokenMismatch { retry_with_device_token, advised } => {
            let retry = *retry_with_device_token;
            let next = if retry { "retry_with_device_token" } else { "update_auth_credentials" };
            let text = format!("gateway token mismatch ({})", about_token(*advised));
            let plain = row(&text, "AUTH_TOKEN_MISMATCH", "token_mismatch", next);
            Credential { retry_with_device_token: retry, ..plain }
        }
        BadCredential::PasswordMissing(advised) => row(
            &format!("gateway password missing ({})", about_password(*advised)),
            "AUTH_PASSWORD_MISSING",
            "password_missing",
            "update_auth_configuration",
        ),
        BadCredential::PasswordMismatch(advised) => row(
            &format!("gateway password mismatch ({})", about_password(*advised)),
            "AUTH_PASSWORD_MISMATCH",
            "password_mismatch",
            "update_auth_credentials",
        ),
        BadCredential::DeviceTokenMismatch => row(
            "device token mismatch (rotate/reissue device token)",
            "AUTH_DEVICE_TOKEN_MISMATCH",
            "device_token_mismatch",
            "update_auth_credentials",
        ),
        BadCredential::ScopeMismatch => row(
            "device token scope mismatch (re-pair or approve scope upgrade)",
            "AUTH_SCOPE_MISMATCH",
            "scope_mismatch",
            "review_auth_configuration",
        ),
        BadCredential::BootstrapInvalid => row(
            "setup code invalid, expired, revoked, or already used (create a new code; review `openclaw devices list`)",
            "AUTH_BOOTSTRAP_TOKEN_INVALID",
            "bootstrap_token_invalid",
            "update_auth_credentials",
        ),
        BadCredential::IdentityHeaderRequired => row(
            "the trusted proxy did not name a user",
            "AUTH_IDENTITY_HEADER_REQUIRED",
            "identity_header_required",
            "review_auth_configuration",
        ),
        BadCredential::RateLimited { .. } => row(
            "too many failed authentication attempts (retry later)",
            "AUTH_RATE_LIMITED",
            "rate_limited",
            "wait_then_retry",
        ),
    }
}

fn pairing(need: Need, request: &Pending, approved: Option<&Device>) -> ErrorShape {
    let (reason, text, hint) = match need {
        Need::Pairing => (
            "not-paired",
            "device is not approved yet",
            "Approve this device from the pending pairing requests.",
        ),
        Need::Role => (
            "role-upgrade",
            "device is asking for a higher role than currently approved",
            "Review the requested role upgrade, then approve the pending request.",
        ),
        Need::Scopes => (
            "scope-upgrade",
            "device is asking for more scopes than currently approved",
            "Review the requested scopes, then approve the pending upgrade.",
        ),
        Need::Metadata => (
            "metadata-upgrade",
            "device identity changed and must be re-approved",
            "Review the changed device details, then approve the pending request.",
        ),
    };
    let mut details = json!({
        "code": "PAIRING_REQUIRED", "reason": reason, "requestId": request.request_id,
        "remediationHint": hint, "deviceId": request.device_id, "requestedRole": request.role,
    });
    if request.role == Role::Operator {
        details["requestedScopes"] = json!(request.scopes.words());
    }
    if let Some(device) = approved {
        details["approvedRoles"] = json!(device.roles);
        details["approvedScopes"] =
            if device.scopes.is_empty() { Value::Array(vec![]) } else { json!(device.scopes) };
    }
    ErrorShape::new(Code::NotPaired, format!("pairing required: {text}")).details(details)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_wrong_token_says_what_to_do_next() {
        let refusal = |retry_with_device_token, advised| Refusal::Credential {
            reason: BadCredential::TokenMismatch { retry_with_device_token, advised },
            delay: Duration::ZERO,
        };
        let answer = wire(&refusal(true, Advised::Here)).unwrap();
        assert_eq!(
            answer.error.message,
            "unauthorized: gateway token mismatch (use this gateway's gateway.auth.token or pair the device)"
        );
        assert_eq!(answer.close.reason, answer.error.message);
        let details = answer.error.details.unwrap();
        assert_eq!(details["recommendedNextStep"], "retry_with_device_token");
        assert_eq!(details["canRetryWithDeviceToken"], true);
        let remote = wire(&refusal(false, Advised::Away)).unwrap().error;
        assert!(remote.message.contains("gateway.remote.token"));
        assert_eq!(remote.details.unwrap()["recommendedNextStep"], "update_auth_credentials");
    }

    #[test]
    fn a_lockout_says_when_to_come_back() {
        let reason = BadCredential::RateLimited { retry_after_ms: 1234 };
        let error = wire(&Refusal::Credential { reason, delay: Duration::ZERO }).unwrap().error;
        assert_eq!((error.retryable, error.retry_after_ms), (Some(true), Some(1234)));
    }

    #[test]
    fn a_worker_is_closed_without_an_answer() {
        assert!(wire(&Refusal::Worker).is_none());
    }
}
