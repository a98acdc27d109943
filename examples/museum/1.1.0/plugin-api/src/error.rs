//! Why an attempt failed, in the terms the core acts on.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the core may do about a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Provably not sent; trying again may work.
    Retryable,
    /// Provably not sent; trying again cannot work.
    Permanent,
    /// Bytes left and no answer came: it may or may not have been sent. Never resent blindly.
    Uncertain,
    /// A class this side does not know; treated as `Uncertain`.
    #[serde(other)]
    Unknown,
}

/// The answer to an attempt that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SendError {
    /// What may be done about it.
    pub class: FailureClass,
    /// Short machine-readable reason, `snake_case`, such as `rate_limited` or `unknown_conversation`.
    pub code: String,
    /// One sentence for people; names the thing and the fix. Never holds a secret.
    pub text: String,
    /// Milliseconds the platform asked to wait, when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl SendError {
    /// A failure that trying again cannot mend.
    pub fn permanent(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(FailureClass::Permanent, code, text)
    }

    /// A failure before anything was sent, worth another attempt.
    pub fn retryable(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(FailureClass::Retryable, code, text)
    }

    /// A failure after which nobody knows whether the message went out.
    pub fn uncertain(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(FailureClass::Uncertain, code, text)
    }

    /// The answer to a kind of thing this channel cannot do.
    #[must_use]
    pub fn unsupported(what: &str) -> Self {
        Self::permanent("unsupported", format!("this channel cannot do `{what}`"))
    }

    /// Adds the wait the platform asked for.
    #[must_use]
    pub fn after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    fn new(class: FailureClass, code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { class, code: code.into(), text: text.into(), retry_after_ms: None }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}

impl std::error::Error for SendError {}

/// A plugin that cannot start or go on; its text names what is wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PluginError {
    /// One or two sentences for the operator. Never holds a secret.
    pub text: String,
    /// JSON pointer into the channel's configuration when a setting is to blame, such as `/listen`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_path: Option<String>,
}

impl PluginError {
    /// A failure that is not a setting's fault.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), config_path: None }
    }

    /// A failure caused by the setting at the JSON pointer `path`.
    pub fn config(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { text: text.into(), config_path: Some(path.into()) }
    }
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.config_path {
            Some(path) => write!(f, "setting `{path}`: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl std::error::Error for PluginError {}
