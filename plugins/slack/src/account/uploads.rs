//! Files that Slack has and that may be shared already, by the key of their message: Slack tells of a
//! file whether it was shared, so this is what an uncertain message is looked up by.
//!
//! Kept in a file as well, since the uncertain end may be that of this process. Full case: the oldest is
//! forgotten, and its message cannot be looked up any more.

use super::kept::Kept;
use jackfield_plugin_api::serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

const MESSAGES_MAX: usize = 256;

pub(crate) struct Uploads {
    known: Mutex<VecDeque<(String, Vec<String>)>>,
    kept: Kept,
}

impl Uploads {
    /// With what an earlier life kept.
    pub(crate) fn new(kept: Kept) -> Self {
        Self { known: Mutex::new(entries(&kept.read())), kept }
    }

    /// The ids of the files, in their order.
    pub(crate) fn of(&self, key: &str) -> Option<Vec<String>> {
        let find = |entries: &VecDeque<(String, Vec<String>)>| {
            entries.iter().find(|(of, _)| of == key).map(|(_, ids)| ids.clone())
        };
        // The version before this one may have noted it after this one began.
        find(&self.known()).or_else(|| find(&entries(&self.kept.read())))
    }

    /// Before they are shared.
    pub(crate) async fn note(&self, key: &str, ids: &[String]) {
        {
            let mut known = self.known();
            known.retain(|(of, _)| of != key);
            if known.len() == MESSAGES_MAX {
                known.pop_front();
            }
            known.push_back((key.to_owned(), ids.to_vec()));
        }
        self.kept.write(|| self.all()).await;
    }

    pub(crate) async fn forget(&self, key: &str) {
        let some = {
            let mut known = self.known();
            let before = known.len();
            known.retain(|(of, _)| of != key);
            known.len() < before
        };
        if some {
            self.kept.write(|| self.all()).await;
        }
    }

    fn all(&self) -> Value {
        self.known().iter().map(|(key, ids)| json!([key, ids])).collect()
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<(String, Vec<String>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entries(kept: &Value) -> VecDeque<(String, Vec<String>)> {
    let entries = kept.as_array().into_iter().flatten().filter_map(|entry| {
        let ids = entry[1].as_array()?.iter().filter_map(|id| id.as_str().map(str::to_owned));
        Some((entry[0].as_str()?.to_owned(), ids.collect()))
    });
    entries.take(MESSAGES_MAX).collect()
}
