//! What the gateway prints: kept line by line, awaited by the plays, shown when one fails.

use crate::patiently;
use std::{
    io::{BufRead, BufReader, PipeReader},
    sync::{Arc, Mutex, PoisonError},
    thread,
};
use tokio::sync::watch;

/// Lines shown when a play fails.
const TAIL: usize = 60;

/// The lines printed so far by one gateway process, standard error included.
#[derive(Clone)]
pub struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    count: watch::Receiver<usize>,
}

impl Output {
    /// Reads `pipe` to its end on a thread of its own, so that what is printed while the play is
    /// not waiting, or after it failed, is kept as well.
    #[must_use]
    pub fn follow(pipe: PipeReader) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (announce, count) = watch::channel(0);
        let kept = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                let mut lines = kept.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push(String::from_utf8_lossy(&line).into_owned());
                announce.send_replace(lines.len());
            }
        });
        Self { lines, count }
    }

    /// Every line so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The end of what was printed.
    #[must_use]
    pub fn tail(&self) -> String {
        let lines = self.lines();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    /// The first line, printed already or to come, of which `pick` makes something.
    ///
    /// Panics with the tail when none comes, or when the process closed its output before.
    pub async fn awaited<T>(&self, what: &str, pick: impl Fn(&str) -> Option<T>) -> T {
        let found = self.sought(what, pick).await;
        found.unwrap_or_else(|| {
            panic!("its output ended without {what}; it said:\n{}", self.tail());
        })
    }

    /// As [`Output::awaited`]; `None` when the process closed its output before.
    pub async fn sought<T>(&self, what: &str, pick: impl Fn(&str) -> Option<T>) -> Option<T> {
        let mut count = self.count.clone();
        let mut seen = 0;
        let search = async {
            loop {
                count.borrow_and_update();
                let lines = self.lines();
                if let Some(found) = lines[seen..].iter().find_map(|line| pick(line)) {
                    return Some(found);
                }
                seen = lines.len();
                if count.changed().await.is_err() {
                    return self.lines()[seen..].iter().find_map(|line| pick(line));
                }
            }
        };
        patiently(search, || format!("it did not print {what}; it said:\n{}", self.tail())).await
    }
}
