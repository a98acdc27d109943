//! How earlier lives of the gateway ended. Each leaves a mark when it begins and takes it away when it
//! ends in order, so a mark that is found tells of one that ended without a word.
//!
//! Several of them in a short time are a crash loop, and what channels bring is most likely its
//! reason: they are kept back for a while, so that a person finds a gateway that can be asked and
//! mended. Must not know: what plugins are.

use crate::{clock::Clock, plugins::Quiet};
use serde::{Deserialize, Serialize};
use std::{fs, io, path::Path, time::Duration};

/// The marks, in the state folder.
const FILE: &str = "starts.json";
/// Lives that began longer ago are no part of a loop.
const SPAN: Duration = Duration::from_mins(5);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Marks {
    /// When the lives began that have not ended in order, wall clock.
    began_ms: Vec<u64>,
}

/// Leaves the mark of a life that begins; after `safe_after` of them that ended without a word, says
/// how long channels are kept back.
pub(super) fn begin(state: &Path, clock: &Clock, safe_after: u32) -> Option<Quiet> {
    let now_ms = clock.now_ms();
    let span_ms = u64::try_from(SPAN.as_millis()).unwrap_or(u64::MAX);
    let mut marks = read(state);
    // A mark of the future is one of a clock that was wrong.
    marks.began_ms.retain(|began| now_ms.checked_sub(*began).is_some_and(|age| age < span_ms));
    let fallen = marks.began_ms.len();
    marks.began_ms.push(now_ms);
    if let Err(error) = write(state, &marks) {
        tracing::warn!(%error, "the start could not be noted");
    }
    let looping = safe_after > 0 && fallen >= usize::try_from(safe_after).unwrap_or(usize::MAX);
    looping.then(|| {
        let minutes = SPAN.as_secs() / 60;
        let reason = format!(
            "the gateway ended {fallen} times without a word within {minutes} minutes, so no channel \
             is started before {minutes} minutes have passed; `jackfield plugins reload <id>` starts \
             one now"
        );
        tracing::error!("safe mode: {reason}");
        Quiet { reason, time: SPAN }
    })
}

/// A life ends in order: there is no loop.
pub(super) fn end(state: &Path) {
    if let Err(error) = fs::remove_file(state.join(FILE))
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the note of the start could not be taken back");
    }
}

fn read(state: &Path) -> Marks {
    let text = fs::read(state.join(FILE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// In one step, and without a wait for the disk: a mark that a power cut takes is not missed.
fn write(state: &Path, marks: &Marks) -> io::Result<()> {
    let path = state.join(FILE);
    let draft = path.with_extension("new");
    fs::write(&draft, serde_json::to_vec(marks)?)?;
    fs::rename(&draft, &path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: u32 = 3;

    #[test]
    fn three_ends_without_a_word_in_five_minutes_are_a_loop_until_one_ends_in_order() {
        let (home, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let begins = |after| begin(home.path(), &clock, after).map(|hold| hold.reason);
        for life in 1..=3 {
            assert_eq!(begins(AFTER), None, "life {life}");
            clock.advance(60_000);
        }
        let told = begins(AFTER).expect("a loop");
        assert!(told.contains("3 times") && told.contains("plugins reload"), "{told}");
        assert_eq!(begins(0), None, "switched off");
        end(home.path());
        assert_eq!(begins(AFTER), None, "somebody stopped it in order");
    }

    #[test]
    fn ends_that_lie_apart_are_no_loop_nor_is_a_damaged_note() {
        let (home, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        for _ in 0..8 {
            assert!(begin(home.path(), &clock, AFTER).is_none());
            clock.advance(110_000);
        }
        fs::write(home.path().join(FILE), "{").unwrap();
        assert!(begin(home.path(), &clock, AFTER).is_none());
        let ahead = Clock::system();
        fs::write(home.path().join(FILE), r#"{"began_ms":[1,2,3,99999999999999]}"#).unwrap();
        assert!(begin(home.path(), &ahead, 1).is_none(), "a clock that was wrong");
    }
}
