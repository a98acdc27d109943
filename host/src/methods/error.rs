//! The only map from what can go wrong in a method to what the wire says.
//!
//! Internal texts stop here: a failure of ours is logged in full and answered in general terms.

use crate::{
    agent::RunError,
    devices::DeviceError,
    protocol::{
        error::{Code, ErrorShape},
        frame::Json,
        scope::{Role, Scope},
    },
    store::StoreError,
};
use serde_json::{Value, json};

/// What can go wrong in a method.
#[derive(Debug, thiserror::Error)]
pub enum MethodError {
    /// The request cannot be carried out as it stands.
    #[error("{0}")]
    Invalid(String),
    /// The same, with facts for programs.
    #[error("{0}")]
    InvalidWith(String, Value),
    /// Not now; later perhaps.
    #[error("{0}")]
    Unavailable(String),
    /// The same, with facts for programs; the flag says whether to try again.
    #[error("{0}")]
    UnavailableWith(String, Value, bool),
    /// A channel account is not logged in.
    #[error("{0}")]
    NotLinked(String),
    /// The caller's role may not call this.
    #[error("unauthorized role: {}", .0.as_str())]
    WrongRole(Role),
    /// The caller lacks a scope.
    #[error("missing scope: {}", .0.as_str())]
    MissingScope(Scope),
    /// Too many control-plane writes.
    #[error("rate limit exceeded for {method}; retry after {}s", .retry_after_ms.div_ceil(1000))]
    RateLimited {
        /// The method.
        method: String,
        /// Until the next is allowed, milliseconds.
        retry_after_ms: u64,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A run was not accepted.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The registry of devices.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// A failed answer: the error, and the result that a failed run carries beside it.
#[derive(Debug)]
pub struct Failure {
    /// The wire's error.
    pub error: ErrorShape,
    /// Beside it, rarely.
    pub payload: Option<Json>,
    /// Counts towards closing the connection.
    pub wrong_role: bool,
}

impl From<ErrorShape> for Failure {
    fn from(error: ErrorShape) -> Self {
        Self { error, payload: None, wrong_role: false }
    }
}

impl From<MethodError> for Failure {
    fn from(error: MethodError) -> Self {
        let wrong_role = matches!(error, MethodError::WrongRole(_));
        Self { wrong_role, ..Self::from(shape(error)) }
    }
}

fn shape(error: MethodError) -> ErrorShape {
    let text = error.to_string();
    match error {
        MethodError::Device(DeviceError::Store(error)) | MethodError::Store(error) => store(&error),
        MethodError::Invalid(_) | MethodError::WrongRole(_) | MethodError::Device(_) => {
            ErrorShape::invalid(text)
        }
        MethodError::InvalidWith(_, details) => ErrorShape::invalid(text).details(details),
        MethodError::Unavailable(_) => ErrorShape::unavailable(text),
        MethodError::UnavailableWith(_, details, retryable) => {
            ErrorShape::new(Code::Unavailable, text).details(details).retryable(retryable)
        }
        MethodError::NotLinked(_) => ErrorShape::new(Code::NotLinked, text),
        MethodError::MissingScope(scope) => ErrorShape::new(Code::Forbidden, text).details(json!({
            "code": "MISSING_SCOPE", "missingScope": scope.as_str(), "requiredScopes": [scope.as_str()],
        })),
        MethodError::RateLimited { retry_after_ms, .. } => {
            ErrorShape::unavailable(text).after_ms(retry_after_ms)
        }
        MethodError::Run(error) => run(error),
    }
}

fn store(error: &StoreError) -> ErrorShape {
    tracing::error!(%error, "a request failed in the store");
    match error {
        StoreError::Full => {
            ErrorShape::unavailable("the gateway's disk is full; nothing was stored")
        }
        StoreError::Closed => ErrorShape::unavailable("the gateway is stopping"),
        _ => ErrorShape::unavailable("the gateway could not store this; see its log"),
    }
}

fn run(error: RunError) -> ErrorShape {
    match error {
        RunError::Busy => {
            ErrorShape::unavailable("The server is busy. Please try again in a moment.")
                .after_ms(1000)
        }
        RunError::Conflict => {
            ErrorShape::invalid("this idempotencyKey was already used for another message")
                .details(json!({"reason": "chat-request-conflict"}))
        }
        RunError::UnknownAgent(id) => ErrorShape::invalid(format!("unknown agent id: {id}")),
        RunError::Stopping => ErrorShape::unavailable("the gateway is stopping"),
        RunError::Store(error) => store(&error),
    }
}
