//! Small notes for nodes that sleep: fetched when they wake. In memory; each note expires.

use super::Nodes;
use crate::clock;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Notes kept for one node; the oldest goes first.
const NOTES_MAX: usize = 32;
/// Life of a note unless its sender says otherwise, milliseconds.
const NOTE_MS: u64 = 24 * 60 * 60 * 1000;
/// Notes handed out at once unless the node asks for another number.
const DRAIN: usize = 4;
/// Most notes handed out at once.
const DRAIN_MAX: usize = 10;

/// What a note asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NoteKind {
    /// Report how you are.
    #[serde(rename = "status.request")]
    Status,
    /// Report where you are.
    #[serde(rename = "location.request")]
    Location,
}

/// How urgent a note is, least first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// The gateway's own request.
    Default,
    /// Ordinary.
    Normal,
    /// Before the others.
    High,
}

/// A note.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the wire's own names")]
pub struct Note {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: NoteKind,
    pub priority: Priority,
    pub created_at_ms: u64,
    pub expires_at_ms: Option<u64>,
}

/// The notes of one node.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    revision: u64,
    notes: Vec<Note>,
}

/// What was taken out of a mailbox.
#[derive(Clone, Debug)]
pub struct Drained {
    /// Grows with every change of the box.
    pub revision: u64,
    /// The notes, the most urgent first.
    pub notes: Vec<Note>,
    /// Whether more wait.
    pub more: bool,
}

impl Nodes {
    /// Leaves a note for a node; the same request that still waits is not left twice. Answers the
    /// box's revision and the note.
    pub fn leave_note(
        &self,
        node_id: &str,
        kind: NoteKind,
        priority: Priority,
        expires_in_ms: Option<u64>,
    ) -> (u64, Note) {
        let now = self.clock.now_ms();
        let mut state = self.lock();
        let mailbox = state.boxes.entry(node_id.to_owned()).or_default();
        mailbox.expire(now);
        if let Some(same) = mailbox.notes.iter().find(|n| n.kind == kind && n.priority >= priority)
        {
            return (mailbox.revision, same.clone());
        }
        let note = Note {
            id: clock::uuid(),
            kind,
            priority,
            created_at_ms: now,
            expires_at_ms: Some(now + expires_in_ms.unwrap_or(NOTE_MS)),
        };
        if mailbox.notes.len() >= NOTES_MAX {
            mailbox.notes.remove(0);
        }
        mailbox.notes.push(note.clone());
        mailbox.revision += 1;
        (mailbox.revision, note)
    }

    /// Takes notes out of a node's box, and asks it how it is when there is room for that.
    #[must_use]
    pub fn drain_notes(&self, node_id: &str, most: Option<usize>) -> Drained {
        let now = self.clock.now_ms();
        let most = most.unwrap_or(DRAIN).clamp(1, DRAIN_MAX);
        let mut state = self.lock();
        let mailbox = state.boxes.entry(node_id.to_owned()).or_default();
        mailbox.expire(now);
        mailbox.notes.sort_by_key(|n| (std::cmp::Reverse(n.priority), n.created_at_ms));
        let taken = most.min(mailbox.notes.len());
        let mut notes: Vec<Note> = mailbox.notes.drain(..taken).collect();
        if taken > 0 {
            mailbox.revision += 1;
        }
        let room = notes.len() < most;
        if room {
            notes.push(Note {
                id: "baseline-status".to_owned(),
                kind: NoteKind::Status,
                priority: Priority::Default,
                created_at_ms: now,
                expires_at_ms: None,
            });
        }
        Drained { revision: mailbox.revision, notes, more: !room }
    }
}

impl Mailbox {
    fn expire(&mut self, now_ms: u64) {
        self.notes.retain(|note| note.expires_at_ms.is_none_or(|at| at > now_ms));
    }
}
