//! The newest message of each conversation that went to the gateway: where a look back begins.
//!
//! Full case: the conversation that was silent longest is forgotten.

use crate::inbound::Seen;
use jackfield_plugin_api::{Resume, frame::Cursor, id::AccountId};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

const CONVERSATIONS_MAX: usize = 1000;

pub(crate) struct Stream(Mutex<HashMap<String, Seen>>);

impl Stream {
    /// As the gateway stored it.
    pub(crate) fn new(resume: &Resume, account: &AccountId) -> Self {
        let own = resume.cursors.iter().filter(|stored| stored.account == *account);
        let seen = own.filter_map(|stored| Seen::from_cursor(&stored.cursor));
        let stream = Self(Mutex::default());
        seen.for_each(|seen| stream.advance(seen));
        stream
    }

    /// The cursor of a message, unless a newer one is known already.
    pub(crate) fn cursor(&self, seen: &Seen) -> Option<Cursor> {
        (!self.is_known(seen)).then(|| seen.cursor())
    }

    /// Moves on to a message that the gateway keeps.
    pub(crate) fn advance(&self, seen: Seen) {
        if self.is_known(&seen) {
            return;
        }
        let mut newest = self.newest();
        if newest.len() >= CONVERSATIONS_MAX && !newest.contains_key(&seen.conversation) {
            let silent = newest.values().min().map(|seen| seen.conversation.clone());
            silent.and_then(|conversation| newest.remove(&conversation));
        }
        newest.insert(seen.conversation.clone(), seen);
    }

    fn is_known(&self, seen: &Seen) -> bool {
        self.newest().get(&seen.conversation).is_some_and(|known| known.ts >= seen.ts)
    }

    /// Conversations, the most recently used first.
    pub(crate) fn recent(&self) -> Vec<Seen> {
        let mut recent: Vec<Seen> = self.newest().values().cloned().collect();
        recent.sort_by(|a, b| b.cmp(a));
        recent
    }

    fn newest(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
