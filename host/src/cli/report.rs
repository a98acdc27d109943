//! The only place that turns a failure into words on the terminal and an exit code.
//!
//! 0 done, 1 failed, 2 wrong usage or configuration, 3 gateway unreachable, 4 not paired, 78 another
//! gateway owns the state directory.

use crate::{config::ConfigError, gateway::GatewayError, store::StoreError};
use std::process::ExitCode;

/// What went wrong, and what to do next.
#[derive(Debug)]
pub struct Failure {
    /// One or more sentences that name the thing.
    pub text: String,
    /// The next command to run or the setting to change; empty when the text says it.
    pub next: String,
    /// Exit code.
    pub code: u8,
}

impl Failure {
    /// A plain failure.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), next: String::new(), code: 1 }
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
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error.to_string()).code(2)
    }
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        let code = match &error {
            GatewayError::Setting { .. } => 2,
            GatewayError::Store(StoreError::Locked { .. }) => 78,
            GatewayError::StoreFailed => 75,
            _ => 1,
        };
        Self::new(error.to_string()).code(code)
    }
}

/// Prints a failure and answers its exit code.
#[must_use]
pub fn show(failure: &Failure) -> ExitCode {
    eprintln!("jackfield: {}", failure.text);
    if !failure.next.is_empty() {
        eprintln!("  {}", failure.next);
    }
    ExitCode::from(failure.code)
}
