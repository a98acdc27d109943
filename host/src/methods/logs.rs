//! `logs.tail`: the end of the log file, from a cursor on.

pub mod line;

use super::{Access, Caller, Core, MethodError, Table};
use crate::protocol::scope::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    io::{Read, Seek, SeekFrom},
    path::Path,
    sync::Arc,
};

const LINES: usize = 500;
const LINES_MAX: usize = 5000;
const BYTES: u64 = 250_000;
const BYTES_MAX: u64 = 1_000_000;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("logs.tail", Access::Operator(Scope::Read), tail);
}

/// Parameters of `logs.tail`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TailParams {
    /// Where the last answer ended.
    #[serde(default)]
    cursor: Option<u64>,
    /// At most this many lines.
    #[serde(default)]
    #[schemars(range(min = 1, max = 5000))]
    limit: Option<usize>,
    /// At most this many bytes.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000))]
    max_bytes: Option<u64>,
}

/// What `logs.tail` answers.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tail {
    file: String,
    cursor: u64,
    size: u64,
    lines: Vec<String>,
    /// Lines before these were left out.
    truncated: bool,
    /// The cursor pointed past the end: the file was replaced.
    reset: bool,
}

async fn tail(core: Arc<Core>, _: Arc<Caller>, params: TailParams) -> Result<Tail, MethodError> {
    let path = core.paths.log_file();
    let read = move || read(&path, &params);
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|_| MethodError::Unavailable("the log could not be read".to_owned()))?
        .map_err(|error| {
            tracing::error!(%error, "the log could not be read");
            MethodError::Unavailable("the log could not be read".to_owned())
        })
}

fn read(path: &Path, params: &TailParams) -> std::io::Result<Tail> {
    let limit = params.limit.unwrap_or(LINES).min(LINES_MAX);
    let bytes_max = params.max_bytes.unwrap_or(BYTES).min(BYTES_MAX);
    let mut file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    let reset = params.cursor.is_some_and(|c| c > size);
    let wanted = params.cursor.filter(|_| !reset).unwrap_or(0);
    let from = wanted.max(size.saturating_sub(bytes_max));
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(size - from).read_to_end(&mut bytes)?;
    // A line that is still being written waits for the next call.
    let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let text = String::from_utf8_lossy(&bytes[..whole]);
    let mut lines: Vec<String> = text.lines().map(line::shown).collect();
    let cut_in = from > wanted && !lines.is_empty();
    if cut_in {
        lines.remove(0);
    }
    let surplus = lines.len().saturating_sub(limit);
    lines.drain(..surplus);
    Ok(Tail {
        file: path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        cursor: from + u64::try_from(whole).unwrap_or(0),
        size,
        lines,
        truncated: cut_in || surplus > 0,
        reset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(cursor: Option<u64>, limit: usize, max_bytes: u64) -> TailParams {
        TailParams { cursor, limit: Some(limit), max_bytes: Some(max_bytes) }
    }

    #[test]
    fn a_cursor_goes_on_where_it_ended_and_half_lines_wait() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.log");
        std::fs::write(&path, "one\ntwo\nthr").unwrap();
        let first = read(&path, &params(None, 10, 1000)).unwrap();
        assert_eq!(
            (first.lines, first.truncated),
            (vec!["one".to_owned(), "two".to_owned()], false)
        );
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        let next = read(&path, &params(Some(first.cursor), 10, 1000)).unwrap();
        assert_eq!(next.lines, ["three"]);
        let end = read(&path, &params(Some(next.cursor), 10, 1000)).unwrap();
        assert!(end.lines.is_empty() && !end.reset);
    }

    #[test]
    fn what_is_left_out_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gateway.log");
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        let few = read(&path, &params(None, 1, 1000)).unwrap();
        assert_eq!((few.lines, few.truncated), (vec!["three".to_owned()], true));
        let small = read(&path, &params(None, 10, 8)).unwrap();
        assert_eq!((small.lines, small.truncated), (vec!["three".to_owned()], true));
        let past = read(&path, &params(Some(99), 10, 1000)).unwrap();
        assert!(past.reset);
    }
}
