//! The threads this account writes in: an answer there is meant for it, mentioned or not.
//!
//! Full case: the oldest is forgotten, and must mention the account again.

use jackfield_plugin_api::serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

const THREADS_MAX: usize = 1000;

pub(crate) struct Threads(Mutex<VecDeque<(String, String)>>);

impl Threads {
    /// With what [`Threads::export`] gave, if anything.
    pub(crate) fn new(exported: &Value) -> Self {
        let pairs =
            exported.as_array().into_iter().flatten().filter_map(|pair| {
                Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()))
            });
        Self(Mutex::new(pairs.take(THREADS_MAX).collect()))
    }

    pub(crate) fn follow(&self, conversation: &str, thread: &str) {
        let mut threads = self.threads();
        let new = (conversation.to_owned(), thread.to_owned());
        threads.retain(|known| *known != new);
        if threads.len() == THREADS_MAX {
            threads.pop_front();
        }
        threads.push_back(new);
    }

    pub(crate) fn follows(&self, conversation: &str, thread: &str) -> bool {
        self.threads().iter().any(|(c, t)| c == conversation && t == thread)
    }

    pub(crate) fn export(&self) -> Value {
        self.threads().iter().map(|(c, t)| json!([c, t])).collect()
    }

    fn threads(&self) -> MutexGuard<'_, VecDeque<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
