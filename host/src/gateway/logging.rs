//! Logs: lines for people on stdout, JSON lines in a file that `logs.tail` reads.
//!
//! The file is bounded: past its size it is moved aside once and begun anew. An event is one line in
//! both, whatever platforms, plugins and people wrote that it tells of: nobody forges the next one.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tracing::field::Field;
use tracing_subscriber::{
    EnvFilter, Layer,
    field::MakeExt as _,
    fmt::{
        FormatFields, MakeWriter,
        format::{Writer, debug_fn},
    },
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Size at which the file is moved aside, bytes.
const FILE_BYTES_MAX: u64 = 50 << 20;
/// Longest text of one fact for people; the file has all of it.
const FACT_CHARS_MAX: usize = 2048;
/// What is logged unless `JACKFIELD_LOG` says otherwise.
const FILTER: &str = "info,jsonschema=warn,hyper=warn";

/// Sets logging up for the whole process.
///
/// # Errors
/// When the file cannot be opened.
pub fn start(file: &Path) -> io::Result<()> {
    let log = LogFile::open(file)?;
    let filter =
        || EnvFilter::try_from_env("JACKFIELD_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let people = tracing_subscriber::fmt::layer()
        .with_target(false)
        .fmt_fields(facts())
        .with_ansi(
            io::IsTerminal::is_terminal(&io::stdout()) && std::env::var_os("NO_COLOR").is_none(),
        )
        .with_filter(filter());
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(log)
        .with_filter(filter());
    tracing_subscriber::registry()
        .with(people)
        .with(lines)
        .try_init()
        .map_err(|error| io::Error::other(error.to_string()))
}

/// The facts of an event on one line.
fn facts() -> impl for<'w> FormatFields<'w> + 'static {
    debug_fn(fact).delimited(" ")
}

fn fact(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    if field.name() != "message" {
        write!(writer, "{}=", field.name())?;
    }
    let text = format!("{value:?}");
    for c in text.chars().take(FACT_CHARS_MAX) {
        if c.is_control() || is_unseen(c) {
            write!(writer, "{}", c.escape_default())?;
        } else {
            writer.write_char(c)?;
        }
    }
    if text.chars().nth(FACT_CHARS_MAX).is_some() {
        writer.write_char('…')?;
    }
    Ok(())
}

/// Marks that separate lines, turn the direction of reading or take no room.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[derive(Clone)]
struct LogFile(Arc<Mutex<Open>>);

struct Open {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        if let Some(dir) = path.parent() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let file = append(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self(Arc::new(Mutex::new(Open { path: path.to_owned(), file, bytes }))))
    }
}

fn append(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

impl Open {
    fn roll(&mut self) -> io::Result<()> {
        std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
        self.file = append(&self.path)?;
        self.bytes = 0;
        Ok(())
    }
}

impl Write for &LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.bytes + line.len() as u64 > FILE_BYTES_MAX {
            open.roll()?;
        }
        open.file.write_all(line)?;
        open.bytes += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).file.flush()
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = &'a LogFile;

    fn make_writer(&'a self) -> &'a LogFile {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_makes_no_line_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("people.log");
        let people = tracing_subscriber::fmt::layer()
            .fmt_fields(facts())
            .with_ansi(false)
            .with_writer(LogFile::open(&path).unwrap());
        let said = "no\n2026-11-25T00:00:00Z ERROR forged\r\u{1b}[31m\u{202e}\u{2028}x";
        tracing::subscriber::with_default(tracing_subscriber::registry().with(people), || {
            tracing::warn!(error = %said, name = said, "not sent: {said}");
            tracing::warn!(error = %"y".repeat(1 << 20), "long");
        });
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(
            lines[0].contains(r"error=no\n2026-11-25T00:00:00Z ERROR forged\r\u{1b}[31m\u{202e}")
        );
        assert!(lines[0].contains(r"not sent: no\n"), "{text}");
        assert_eq!(
            text.matches(|c: char| is_unseen(c) || (c.is_control() && c != '\n')).count(),
            0
        );
        assert!(
            lines[1].len() < 2 * FACT_CHARS_MAX && lines[1].ends_with('…'),
            "{}",
            lines[1].len()
        );
    }

    #[test]
    fn a_full_file_is_moved_aside_and_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs").join("gateway.log");
        let log = LogFile::open(&path).unwrap();
        (&log).write_all(b"first\n").unwrap();
        log.0.lock().unwrap().bytes = FILE_BYTES_MAX;
        (&log).write_all(b"second\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "second\n");
        assert_eq!(std::fs::read_to_string(path.with_extension("log.1")).unwrap(), "first\n");
    }
}
