//! How far messages of several parts have come, by idempotency key: what is posted is not posted
//! again when a later part has to be tried again.
//!
//! Full case: the oldest is forgotten; its parts are then looked for in Slack's history.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

const MESSAGES_MAX: usize = 256;

#[derive(Default)]
pub(crate) struct Progress(Mutex<VecDeque<(String, Vec<String>)>>);

impl Progress {
    /// The ids of the parts that are posted, in order.
    pub(crate) fn of(&self, key: &str) -> Option<Vec<String>> {
        self.kept().iter().find(|(of, _)| of == key).map(|(_, parts)| parts.clone())
    }

    pub(crate) fn note(&self, key: &str, parts: &[String]) {
        let mut kept = self.kept();
        kept.retain(|(of, _)| of != key);
        if kept.len() == MESSAGES_MAX {
            kept.pop_front();
        }
        kept.push_back((key.to_owned(), parts.to_vec()));
    }

    pub(crate) fn forget(&self, key: &str) {
        self.kept().retain(|(of, _)| of != key);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(String, Vec<String>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
