//! Whether the socket hears: what we send by REST comes back on it, so silence after a send betrays a
//! socket that is alive and deaf. Pure.

use jackfield_plugin_api::tokio::time::Instant;
use std::time::Duration;

/// A message comes back well within this. Tests wait for it.
const PATIENCE: Duration = Duration::from_millis(if cfg!(test) { 300 } else { 30_000 });

/// How often [`Echo::is_overdue`] is to be asked.
pub(crate) const ECHO_LOOK: Duration = Duration::from_millis(if cfg!(test) { 50 } else { 5_000 });

#[derive(Default)]
pub(crate) struct Echo {
    /// Something came back once, so this server does send our own messages back.
    proved: bool,
    /// The oldest message that has not come back, and when it should have.
    due: Option<(u64, Instant)>,
}

impl Echo {
    /// A message of ours was taken.
    pub(crate) fn sent(&mut self, message: &str) {
        if let (true, None, Ok(number)) = (self.proved, self.due, message.parse()) {
            self.due = Some((number, Instant::now() + PATIENCE));
        }
    }

    /// Whether a message of ours that comes in would tell something.
    pub(crate) fn listens(&self) -> bool {
        !self.proved || self.due.is_some()
    }

    /// A message of ours came in.
    pub(crate) fn heard(&mut self, message: &str) {
        self.proved = true;
        let number = message.parse().unwrap_or(0);
        self.due = self.due.filter(|(due, _)| *due > number);
    }

    /// Whether the socket counts as deaf.
    pub(crate) fn is_overdue(&self) -> bool {
        self.due.is_some_and(|(_, at)| at <= Instant::now())
    }

    /// A new connection owes nothing.
    pub(crate) fn forgive(&mut self) {
        self.due = None;
    }
}

#[cfg(test)]
mod tests {
    use super::{Echo, Instant};

    #[test]
    fn only_a_server_that_echoes_is_expected_to() {
        let mut echo = Echo::default();
        echo.sent("5");
        assert_eq!(echo.due, None);
        echo.heard("5");
        echo.sent("7");
        echo.sent("9");
        assert!(echo.due.is_some() && echo.listens());
        echo.heard("6");
        assert!(echo.due.is_some(), "that was an older one");
        echo.heard("7");
        assert_eq!(echo.due, None);
        assert!(!echo.listens());
        echo.sent("11");
        assert!(!echo.is_overdue());
        echo.due = Some((11, Instant::now()));
        assert!(echo.is_overdue());
        echo.forgive();
        assert_eq!(echo.due, None);
    }
}
