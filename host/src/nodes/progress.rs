//! What a node says while it works: pieces of output, numbered by the node, passed on in that order.
//!
//! The wire sends an operator one answer, at the end; a connection that said `node-invoke-progress`
//! hears the pieces too. Pieces may overtake each other, so a few wait for the one before them.

use crate::{
    events::{ConnNumber, Events},
    protocol::{event, frame::json},
};
use serde_json::json as value;
use std::collections::BTreeMap;

/// Pieces that may wait for an earlier one.
const HELD_MAX: usize = 32;

/// Progress of one command.
#[derive(Debug, Default)]
pub struct Progress {
    to: Option<ConnNumber>,
    next: u64,
    held: BTreeMap<u64, String>,
    begun: bool,
}

impl Progress {
    /// Pieces go to this connection, if to any.
    #[must_use]
    pub fn to(to: Option<ConnNumber>) -> Self {
        Self { to, ..Self::default() }
    }

    /// The node has said something.
    #[must_use]
    pub fn begun(&self) -> bool {
        self.begun
    }

    /// Takes a piece; `None` when it is of no use: nobody listens, it came twice, too many wait.
    /// Otherwise those whose turn it is now, in order.
    pub fn take(&mut self, seq: u64, piece: String) -> Option<Vec<(u64, String)>> {
        self.begun |= seq >= self.next;
        let fits = seq == self.next || self.held.len() < HELD_MAX;
        if self.to.is_none() || seq < self.next || self.held.contains_key(&seq) || !fits {
            return None;
        }
        self.held.insert(seq, piece);
        let mut ready = Vec::new();
        while let Some(piece) = self.held.remove(&self.next) {
            ready.push((self.next, piece));
            self.next += 1;
        }
        Some(ready)
    }

    /// Passes pieces on. A caller that is gone is no failure of the node.
    pub fn tell(
        to: Option<ConnNumber>,
        events: &Events,
        id: &str,
        node: &str,
        ready: Vec<(u64, String)>,
    ) {
        let Some(to) = to else { return };
        for (seq, piece) in ready {
            let payload = json(&value!({
                "invokeId": id, "nodeId": node, "seq": seq, "chunk": piece,
            }));
            let _ = events.send_to(to, event::NODE_INVOKE_PROGRESS, &payload);
        }
    }

    /// Who hears the pieces.
    #[must_use]
    pub fn listener(&self) -> Option<ConnNumber> {
        self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_passed_on_once_and_in_order() {
        let mut progress = Progress::to(Some(1));
        assert_eq!(progress.take(1, "b".into()), Some(vec![]));
        assert_eq!(progress.take(1, "b".into()), None, "twice");
        let ready = progress.take(0, "a".into()).unwrap();
        assert_eq!(ready, [(0, "a".to_owned()), (1, "b".to_owned())]);
        assert_eq!(progress.take(0, "a".into()), None, "late");
    }

    #[test]
    fn the_wait_for_a_lost_piece_is_bounded_and_nobody_listening_keeps_nothing() {
        let mut progress = Progress::to(Some(1));
        for seq in 1..=HELD_MAX as u64 {
            assert!(progress.take(seq, "x".into()).is_some());
        }
        assert_eq!(progress.take(99, "x".into()), None);
        assert_eq!(progress.take(0, "x".into()).unwrap().len(), HELD_MAX + 1);
        let mut silent = Progress::to(None);
        assert_eq!(silent.take(0, "x".into()), None);
        assert!(silent.begun() && silent.held.is_empty());
    }
}
