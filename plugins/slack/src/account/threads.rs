//! The threads this account writes in: an answer there is meant for it, mentioned or not.
//!
//! Kept in a file as well, since a restart must not make people mention it once more. Full case: the
//! oldest is forgotten, and must mention the account again.

use super::kept::Kept;
use jackfield_plugin_api::serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

const THREADS_MAX: usize = 1000;
/// Of one conversation, for a look back.
const RECENT_MAX: usize = 5;

pub(crate) struct Threads {
    known: Mutex<VecDeque<(String, String)>>,
    kept: Kept,
}

impl Threads {
    /// With what [`Threads::export`] gave, or else what an earlier life kept.
    pub(crate) fn new(exported: Option<&Value>, kept: Kept) -> Self {
        let known = exported.map_or_else(|| pairs(&kept.read()), pairs);
        Self { known: Mutex::new(known), kept }
    }

    pub(crate) async fn follow(&self, conversation: &str, thread: &str) {
        let new = (conversation.to_owned(), thread.to_owned());
        {
            let mut threads = self.threads();
            if threads.back() == Some(&new) {
                return;
            }
            threads.retain(|known| *known != new);
            if threads.len() == THREADS_MAX {
                threads.pop_front();
            }
            threads.push_back(new);
        }
        self.kept.write(|| self.export()).await;
    }

    pub(crate) fn follows(&self, conversation: &str, thread: &str) -> bool {
        self.threads().iter().any(|(c, t)| c == conversation && t == thread)
    }

    /// Those of a conversation that were written in last, the newest first.
    pub(crate) fn recent(&self, conversation: &str) -> Vec<String> {
        let threads = self.threads();
        let own = threads.iter().rev().filter(|(c, _)| c == conversation);
        own.take(RECENT_MAX).map(|(_, thread)| thread.clone()).collect()
    }

    pub(crate) fn export(&self) -> Value {
        self.threads().iter().map(|(c, t)| json!([c, t])).collect()
    }

    fn threads(&self) -> MutexGuard<'_, VecDeque<(String, String)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pairs(exported: &Value) -> VecDeque<(String, String)> {
    let pairs = exported
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned())));
    pairs.take(THREADS_MAX).collect()
}
