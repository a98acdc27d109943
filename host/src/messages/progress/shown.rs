//! What of an answer is on the platform already, kept under the name of the message it answers.
//!
//! The transaction that stores the answer, and the attempt that sends it, continue from here. A row
//! that was forgotten costs a second copy, never a lost answer.

use crate::store::records;
use jackfield_plugin_api::id::MessageId;
use rusqlite::{Connection, Result};
use serde::{Deserialize, Serialize};

const KIND: &str = "shown";
/// Scope of the outbox rows that answer a message, under the name of that message.
pub(in crate::messages) const TURN: &str = "turn";

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "as", rename_all = "snake_case")]
pub(in crate::messages) enum Shown {
    /// One message that is edited as the answer grows.
    Draft {
        /// Key of the attempt that made it.
        asked: String,
        /// What it said at first.
        text: String,
        /// Its id; unknown while that attempt goes on, and after one whose outcome was lost.
        message: Option<MessageId>,
    },
    /// These words, for good.
    Blocks {
        /// All of them.
        text: String,
        /// In so many messages.
        count: u32,
    },
}

pub(in crate::messages) fn get(c: &Connection, key: &str) -> Result<Option<Shown>> {
    records::get(c, KIND, key)
}

pub(in crate::messages) fn put(c: &Connection, key: &str, what: &Shown, now_ms: u64) -> Result<()> {
    records::put(c, KIND, key, what, now_ms)
}

pub(in crate::messages) fn forget(c: &Connection, key: &str) -> Result<()> {
    records::delete(c, KIND, key).map(drop)
}

/// Drops what nobody continued.
pub(in crate::messages) fn prune(c: &Connection, before_ms: u64) -> Result<usize> {
    records::prune(c, KIND, before_ms)
}
