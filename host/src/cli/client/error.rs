//! What can go wrong between this program and a gateway, and what a person does about it.

use crate::cli::report::{Failure, NOT_ADMITTED, UNREACHABLE, USAGE};
use serde::Deserialize;
use serde_json::{Value, json};

/// The error of a response, read leniently: another gateway may know other codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireError {
    /// What kind.
    pub code: String,
    /// For people.
    pub message: String,
    /// For programs.
    #[serde(default)]
    pub details: Value,
    /// How long to wait before another attempt, milliseconds.
    #[serde(default)]
    pub retry_after_ms: Option<u64>,
}

impl WireError {
    /// The finer code in the details, or nothing.
    #[must_use]
    pub fn detail(&self) -> &str {
        self.details["code"].as_str().unwrap_or_default()
    }
}

/// Why a gateway could not be asked, or did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing answers at the address.
    #[error("no gateway answers at {url}: {why}")]
    Unreachable {
        /// The address.
        url: String,
        /// The system's words.
        why: String,
    },
    /// Something answers that is not a gateway, or a gateway that takes nobody now.
    #[error("what answers at {url} is not a gateway that takes connections: {why}")]
    NotAGateway {
        /// The address.
        url: String,
        /// What it said.
        why: String,
    },
    /// The gateway did not let this client in.
    #[error("the gateway at {url} refused: {}", .error.message)]
    Refused {
        /// The address.
        url: String,
        /// Its words.
        error: WireError,
    },
    /// The connection ended before the answer.
    #[error("the gateway at {url} closed the connection{}", closed(.why))]
    Closed {
        /// The address.
        url: String,
        /// The reason it gave.
        why: String,
    },
    /// No answer in time.
    #[error("{what} got no answer within {limit}")]
    Late {
        /// What was waited for.
        what: String,
        /// How long, for people.
        limit: String,
    },
    /// The gateway answered with an error.
    #[error("{method} failed: {}", .error.message)]
    Failed {
        /// What was called.
        method: String,
        /// Its words.
        error: WireError,
    },
    /// The device identity of this client cannot be used.
    #[error("the identity in {path} cannot be used: {why}")]
    Identity {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

fn closed(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(": {why}") }
}

impl ClientError {
    /// The scopes whose lack the gateway names, if that is the trouble.
    #[must_use]
    pub fn missing_scopes(&self) -> Vec<&str> {
        match self {
            Self::Failed { error, .. } if error.detail() == "MISSING_SCOPE" => {
                let all = error.details["requiredScopes"].as_array().into_iter().flatten();
                all.chain([&error.details["missingScope"]]).filter_map(Value::as_str).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let failure = Self::new(error.to_string());
        match error {
            ClientError::Unreachable { .. } => failure.code(UNREACHABLE).next(
                "start one: jackfield gateway\nor name another: --url ws://HOST:PORT; jackfield doctor looks closer",
            ),
            ClientError::NotAGateway { .. } => failure
                .code(UNREACHABLE)
                .wire("NOT_A_GATEWAY", Value::Null)
                .next("see what is there: jackfield doctor"),
            ClientError::Closed { .. } => failure
                .code(UNREACHABLE)
                .wire("CLOSED", Value::Null)
                .next("see whether it still runs: jackfield status"),
            ClientError::Late { .. } => {
                failure.wire("TIMEOUT", Value::Null).next("give it longer: --timeout 60s")
            }
            ClientError::Identity { path, .. } => failure
                .code(USAGE)
                .next(format!("chmod 600 {path}, or choose another with --identity FILE")),
            ClientError::Refused { error, .. } => {
                failure.code(NOT_ADMITTED).next(admission(&error)).wire(&error.code, error.details)
            }
            ClientError::Failed { method, error } => failed(failure, &method, error),
        }
    }
}

/// What to do about a refused `connect`.
fn admission(error: &WireError) -> String {
    const TOKEN: &str = "--token TOKEN or OPENCLAW_GATEWAY_TOKEN";
    match error.detail() {
        "PAIRING_REQUIRED" => match error.details["requestId"].as_str() {
            Some(id) => format!(
                "on a machine that may: jackfield devices approve {id}\nthen run this again"
            ),
            None => "on a machine that may: jackfield devices list".to_owned(),
        },
        "AUTH_TOKEN_MISSING" | "DEVICE_IDENTITY_REQUIRED" => format!(
            "give the gateway's token: {TOKEN}\nthe gateway prints where it keeps it when it starts"
        ),
        "AUTH_PASSWORD_MISSING" | "AUTH_PASSWORD_MISMATCH" => {
            "give the gateway's password: --password or OPENCLAW_GATEWAY_PASSWORD".to_owned()
        }
        "AUTH_TOKEN_MISMATCH" => format!("give the right token: {TOKEN}"),
        "AUTH_DEVICE_TOKEN_MISMATCH" => format!(
            "this device's token was revoked or replaced; come in with the gateway's own: {TOKEN}"
        ),
        "AUTH_SCOPE_MISMATCH" => format!(
            "this device may do less than this verb needs; come in with the gateway's token: {TOKEN}"
        ),
        "AUTH_RATE_LIMITED" => {
            let wait = error.retry_after_ms.map_or(300, |ms| ms.div_ceil(1000));
            format!("wait {wait} s, then run this again with the right token")
        }
        "PROTOCOL_MISMATCH" => "use the jackfield of the gateway's version".to_owned(),
        _ => "jackfield doctor looks closer".to_owned(),
    }
}

fn failed(failure: Failure, method: &str, error: WireError) -> Failure {
    let failure = if error.message == format!("unknown method: {method}") {
        failure.next("this gateway does not have it; what it is: jackfield status")
    } else if error.detail() == "MISSING_SCOPE" {
        failure.next("come in with the gateway's own token: --token TOKEN")
    } else if let Some(ms) = error.retry_after_ms {
        failure.next(format!("try again in {} s", ms.div_ceil(1000).max(1)))
    } else if error.code == "INVALID_REQUEST" {
        failure.next("correct what it names; what this verb takes: run it with --help")
    } else {
        failure.next("what the gateway says of it: jackfield logs --problems")
    };
    let details = if error.details.is_null() { json!(null) } else { error.details };
    failure.wire(&error.code, details)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(code: &str, details: Value) -> WireError {
        WireError { code: code.into(), message: "m".into(), details, retry_after_ms: None }
    }

    #[test]
    fn scripts_can_tell_the_kinds_of_failure_apart() {
        let url = || "ws://x".to_owned();
        let code = |error: ClientError| Failure::from(error).code;
        assert_eq!(code(ClientError::Unreachable { url: url(), why: "no".into() }), 3);
        assert_eq!(code(ClientError::Closed { url: url(), why: String::new() }), 3);
        assert_eq!(code(ClientError::Late { what: "x".into(), limit: "1s".into() }), 1);
        let refused = wire("NOT_PAIRED", json!({"code": "PAIRING_REQUIRED", "requestId": "r-1"}));
        let refused = Failure::from(ClientError::Refused { url: url(), error: refused });
        assert_eq!((refused.code, refused.word.as_deref()), (4, Some("NOT_PAIRED")));
        assert!(refused.next.contains("jackfield devices approve r-1"), "{}", refused.next);
    }

    #[test]
    fn every_failure_ends_with_what_to_do() {
        for code in ["PAIRING_REQUIRED", "AUTH_TOKEN_MISMATCH", "AUTH_RATE_LIMITED", "ANOTHER"] {
            assert!(!admission(&wire("X", json!({"code": code}))).is_empty(), "{code}");
        }
        let error = wire("INVALID_REQUEST", Value::Null);
        let failed = ClientError::Failed { method: "x".into(), error };
        assert!(!Failure::from(failed).next.is_empty());
    }

    #[test]
    fn the_scopes_that_are_missing_are_read_from_the_answer() {
        let details = json!({"code": "MISSING_SCOPE", "missingScope": "operator.write",
                             "requiredScopes": ["operator.write"]});
        let error = ClientError::Failed { method: "m".into(), error: wire("FORBIDDEN", details) };
        assert!(error.missing_scopes().contains(&"operator.write"));
    }
}
