//! Which run answers which lane now, so that a newer message can call it off.

use super::pipe::Pipe;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Lane → its run. Bounded by the lanes that may be worked on at once.
#[derive(Default)]
pub(super) struct Running {
    by_lane: Mutex<HashMap<String, Run>>,
}

struct Run {
    run_id: String,
    /// Number of the newest message it answers.
    newest: u64,
}

/// A run is listed until this is dropped.
pub(super) struct Listed<'a> {
    running: &'a Running,
    lane: String,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.running.lock().remove(&self.lane);
    }
}

impl Running {
    /// Lists the run that answers a lane's messages up to `newest`.
    pub(super) fn list(&self, lane: &str, run_id: &str, newest: u64) -> Listed<'_> {
        self.lock().insert(lane.to_owned(), Run { run_id: run_id.to_owned(), newest });
        Listed { running: self, lane: lane.to_owned() }
    }

    /// Calls the lane's run off if it does not answer message `seq` already.
    pub(super) fn supersede(&self, pipe: &Arc<Pipe>, lane: &str, seq: u64) {
        let run_id = match self.lock().get(lane) {
            Some(run) if run.newest < seq => run.run_id.clone(),
            _ => return,
        };
        let off = pipe.turns.supersede(lane, &run_id);
        pipe.tracker.spawn(off);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Run>> {
        self.by_lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
