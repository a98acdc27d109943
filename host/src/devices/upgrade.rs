//! How requests for approval ended, for those who wait to hear it.
//!
//! A device that asks for more while it is connected waits here for a person's answer. Outcomes
//! are kept for a while, so that an answer that comes before the question is not lost.

use super::{
    Devices,
    pending::{PENDING_MS, Pending},
};
use std::{collections::VecDeque, time::Duration};

/// Outcomes remembered; the oldest goes first.
const OUTCOMES_MAX: usize = 64;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A person said yes to all of it.
    Approved,
    /// A person said no, or the device asked for something else instead.
    Rejected,
    /// Nobody answered in time.
    Expired,
}

/// The latest outcomes.
#[derive(Debug, Default)]
pub struct Outcomes {
    latest: VecDeque<(String, String, Outcome)>,
}

impl Outcomes {
    fn note(&mut self, request: &Pending, outcome: Outcome) {
        if self.latest.len() >= OUTCOMES_MAX {
            self.latest.pop_front();
        }
        self.latest.push_back((request.request_id.clone(), request.device_id.clone(), outcome));
    }

    fn find(&self, request_id: &str, device_id: &str) -> Option<Outcome> {
        let mine = |(request, device, _): &&(String, String, Outcome)| {
            request == request_id && device == device_id
        };
        self.latest.iter().find(mine).map(|(_, _, outcome)| *outcome)
    }
}

impl Devices {
    /// Waits until a request of this device is answered or expires; `None` when the device has no
    /// such request.
    pub async fn outcome(&self, request_id: &str, device_id: &str) -> Option<Outcome> {
        let mut answered = self.answered.subscribe();
        let mut waited = false;
        loop {
            let left = {
                let now = self.clock.now_ms();
                let mut state = self.lock();
                if let Some(outcome) = state.outcomes.find(request_id, device_id) {
                    return Some(outcome);
                }
                let request = state.pending.get(request_id, now);
                match request.filter(|r| r.device_id == device_id) {
                    Some(request) => (request.ts + PENDING_MS).saturating_sub(now),
                    None => return waited.then_some(Outcome::Expired),
                }
            };
            waited = true;
            // Neither end is an answer in itself: both lead to another look.
            let _ =
                tokio::time::timeout(Duration::from_millis(left.max(1)), answered.changed()).await;
        }
    }

    pub(super) fn answered(&self, request: &Pending, outcome: Outcome) {
        self.lock().outcomes.note(request, outcome);
        self.answered.send_modify(|count| *count += 1);
    }
}
