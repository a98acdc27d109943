//! The only place that turns a failure into words on the terminal, or a JSON document, and an exit
//! code.
//!
//! 0 done, 1 failed, 2 wrong usage or configuration, 3 gateway unreachable, 4 not paired or not let
//! in, 75 the store failed, 78 another gateway owns the state directory.

use super::print;
use crate::{config::ConfigError, gateway::GatewayError, store::StoreError};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What was asked for did not happen, or what was looked at is not well.
pub const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// No gateway answers.
pub const UNREACHABLE: u8 = 3;
/// The gateway does not let this client in: not paired, or its credentials are missing or wrong.
pub const NOT_ADMITTED: u8 = 4;

/// What went wrong, and what to do next.
#[derive(Debug)]
pub struct Failure {
    /// One or more sentences that name the thing; empty when everything was said already.
    pub text: String,
    /// The next command to run or the setting to change; empty when the text says it.
    pub next: String,
    /// Exit code.
    pub code: u8,
    /// A word for programs: the wire's code, or one that follows from the exit code.
    pub word: Option<String>,
    /// The wire's details, for programs.
    pub details: Value,
}

impl Failure {
    /// A plain failure.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            next: String::new(),
            code: FAILED,
            word: None,
            details: Value::Null,
        }
    }

    /// An exit code for what the output said already.
    #[must_use]
    pub fn told(code: u8) -> Self {
        Self::new("").code(code)
    }

    /// Adds what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = next.into();
        self
    }

    /// Sets the exit code.
    #[must_use]
    pub fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Adds the wire's code and details.
    #[must_use]
    pub fn wire(mut self, word: &str, details: Value) -> Self {
        self.word = Some(word.to_owned());
        self.details = details;
        self
    }

    /// The failure as a document.
    #[must_use]
    pub fn document(&self) -> Value {
        let word = self.word.as_deref().unwrap_or(match self.code {
            USAGE => "USAGE",
            UNREACHABLE => "UNREACHABLE",
            NOT_ADMITTED => "NOT_PAIRED",
            _ => "FAILED",
        });
        let mut error = json!({"code": word, "message": self.text});
        if !self.next.is_empty() {
            error["next"] = json!(self.next);
        }
        if !self.details.is_null() {
            error["details"] = self.details.clone();
        }
        json!({"ok": false, "error": error, "exitCode": self.code})
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error.to_string())
            .next("correct the file, then: jackfield config check")
            .code(USAGE)
            .wire("CONFIG", Value::Null)
    }
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        let code = match &error {
            GatewayError::Setting { .. } => USAGE,
            GatewayError::Store(StoreError::Locked { .. }) => 78,
            GatewayError::StoreFailed => 75,
            _ => FAILED,
        };
        Self::new(error.to_string()).code(code)
    }
}

/// Prints a failure and answers its exit code.
#[must_use]
pub fn show(failure: &Failure, as_json: bool) -> ExitCode {
    if failure.text.is_empty() {
        return ExitCode::from(failure.code);
    }
    if as_json {
        // A reader that has gone cannot be told anything.
        let _ = print::document(&failure.document());
    } else {
        eprintln!("jackfield: {}", print::lines(&failure.text));
        for line in failure.next.lines() {
            eprintln!("  {}", print::line(line));
        }
    }
    ExitCode::from(failure.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_document_with_a_word_for_programs() {
        let plain = Failure::new("no gateway").code(UNREACHABLE).next("start one").document();
        assert_eq!(
            plain,
            json!({"ok": false, "exitCode": 3, "error":
                {"code": "UNREACHABLE", "message": "no gateway", "next": "start one"}})
        );
        let wire = Failure::new("no").wire("FORBIDDEN", json!({"missingScope": "x"})).document();
        assert_eq!(wire["error"]["code"], "FORBIDDEN");
        assert_eq!(wire["error"]["details"]["missingScope"], "x");
        assert_eq!(wire["exitCode"], 1);
    }
}
