//! Waiting, with an end to it.
//!
//! Whatever is announced (a frame, a printed line) is awaited as such with [`patiently`];
//! [`eventually`] is for a state that nothing announces, such as a process that ended.

use crate::PATIENCE;
use std::time::Duration;

/// How often the question is asked.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits for a future; panics with `complaint` when [`PATIENCE`] runs out first.
pub async fn patiently<T>(future: impl Future<Output = T>, complaint: impl Fn() -> String) -> T {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.unwrap_or_else(|_| panic!("after {PATIENCE:?}: {}", complaint()))
}

/// Asks until the answer is `Some`, and returns it.
///
/// Panics when [`PATIENCE`] runs out, naming `what` was waited for.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    patiently(asking, || format!("still not so: {what}")).await
}
