//! Steps on their way from a program to the run that waits for them.
//!
//! Whoever puts them in never waits, so a program's answers are always read; words that were not
//! fetched yet become one, and what would not fit any more ends the run. Must not know: protocols.

use super::backend::Step;
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Bytes that may wait.
const BYTES_MAX: usize = 16 << 20;
/// What a step counts beside its text.
const STEP_BYTES: usize = 128;

/// A run's mailbox.
#[derive(Default)]
pub(super) struct Mailbox {
    kept: Mutex<Kept>,
    bell: Notify,
}

#[derive(Default)]
struct Kept {
    steps: VecDeque<Step>,
    bytes: usize,
    full: bool,
}

/// More came than could be kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

impl Mailbox {
    /// Puts a step in.
    pub(super) fn post(&self, step: Step) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += size(&step);
        if kept.bytes > BYTES_MAX {
            kept.full = true;
            kept.steps.clear();
        }
        if !kept.full {
            match (kept.steps.back_mut(), step) {
                (Some(Step::Text(words)), Step::Text(more))
                | (Some(Step::Thought(words)), Step::Thought(more)) => words.push_str(&more),
                (_, step) => kept.steps.push_back(step),
            }
        }
        drop(kept);
        self.bell.notify_one();
    }

    /// Waits for steps and takes all there are.
    pub(super) async fn next(&self) -> Result<VecDeque<Step>, Overflow> {
        loop {
            let rung = self.bell.notified();
            let steps = self.drain()?;
            if !steps.is_empty() {
                return Ok(steps);
            }
            rung.await;
        }
    }

    /// Takes all there are.
    pub(super) fn drain(&self) -> Result<VecDeque<Step>, Overflow> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.full {
            return Err(Overflow);
        }
        kept.bytes = 0;
        Ok(std::mem::take(&mut kept.steps))
    }
}

fn size(step: &Step) -> usize {
    use super::backend::ToolPhase;
    let value = |value: &serde_json::Value| value.to_string().len();
    STEP_BYTES
        + match step {
            Step::Text(text) | Step::Thought(text) | Step::KnownAs(text) => text.len(),
            Step::Usage(_) => 0,
            Step::Tool(tool) => match &tool.phase {
                ToolPhase::Start(v) | ToolPhase::Update(v) => value(v),
                ToolPhase::End { result, .. } => value(result),
            },
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn words_that_wait_become_one() {
        let mailbox = Mailbox::default();
        for word in ["a", "b"] {
            mailbox.post(Step::Text(word.into()));
        }
        mailbox.post(Step::Thought("hm".into()));
        mailbox.post(Step::Text("c".into()));
        let steps: Vec<Step> = mailbox.next().await.unwrap().into();
        let expected =
            [Step::Text("ab".into()), Step::Thought("hm".into()), Step::Text("c".into())];
        assert_eq!(steps, expected);
        assert!(mailbox.drain().unwrap().is_empty());
    }

    #[tokio::test]
    async fn too_much_is_said_and_not_kept() {
        let mailbox = Mailbox::default();
        for _ in 0..=16 {
            mailbox.post(Step::Text("x".repeat(1 << 20)));
        }
        assert_eq!(mailbox.next().await, Err(Overflow));
        assert_eq!(mailbox.kept.lock().unwrap().steps.len(), 0);
    }
}
