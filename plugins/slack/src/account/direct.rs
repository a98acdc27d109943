//! Direct chats by the person they are with.
//!
//! Full case: all are forgotten, and asked for again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

const CHATS_MAX: usize = 4096;

#[derive(Default)]
pub(crate) struct Direct(Mutex<HashMap<String, String>>);

impl Direct {
    pub(crate) fn of(&self, person: &str) -> Option<String> {
        self.chats().get(person).cloned()
    }

    pub(crate) fn keep(&self, person: &str, conversation: &str) {
        let mut chats = self.chats();
        if chats.len() >= CHATS_MAX {
            chats.clear();
        }
        chats.insert(person.to_owned(), conversation.to_owned());
    }

    fn chats(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
