//! What was accepted to be sent is sent, failed, unknown or waits: looked at whenever a play lets a
//! gateway go, however that ends.
//!
//! A gateway that still runs tells its numbers at `/metrics`; what it leaves on disk tells whether a
//! row is missing. Blocks, since it is called while things are dropped.

use crate::gateway::TOKEN;
use rusqlite::{Connection, OpenFlags};
use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How long the numbers may take to meet: a row is committed before it counts.
const MEET: Duration = Duration::from_secs(10);
/// How long one answer may take; a gateway that a play has stopped gives none.
const ANSWER: Duration = Duration::from_secs(2);

/// Whether the numbers of the gateway on this port add up. A gateway that does not tell them, because
/// the play gave it another secret or door, is no evidence.
///
/// # Errors
/// The numbers.
pub fn of_gateway(port: u16) -> Result<(), String> {
    let deadline = Instant::now() + MEET;
    loop {
        let Some(page) = page(port) else { return Ok(()) };
        let number = |name: &str| {
            let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|number| number.parse::<u64>().ok())
        };
        let of = |what: &str| number(&format!("jackfield_messages_{what}"));
        let (Some(taken), Some(sent), Some(failed), Some(unknown), Some(pending)) = (
            of("sends_total"),
            of("sent_total"),
            of("failed_total"),
            of("unknown_total"),
            of("pending"),
        ) else {
            return Err(format!("the numbers are not all there:\n{page}"));
        };
        if taken == sent + failed + unknown + pending {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!(
                "accepted {taken}, but sent {sent} + failed {failed} + unknown {unknown} + \
                 pending {pending}"
            ));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn page(port: u16) -> Option<String> {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).ok()?;
    socket.set_read_timeout(Some(ANSWER)).ok()?;
    let ask = format!(
        "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {TOKEN}\r\n\
         connection: close\r\n\r\n"
    );
    socket.write_all(ask.as_bytes()).ok()?;
    let mut page = String::new();
    socket.read_to_string(&mut page).ok()?;
    page.starts_with("HTTP/1.1 200 ").then_some(page)
}

/// Whether every row that was ever put into the outbox of this state folder is still there, with an
/// end that says what became of it. Rows are numbered without gaps, and none grows old in a play. A
/// database that a play has damaged is no evidence.
///
/// # Errors
/// What is wrong with it.
pub fn of_state(state: &Path) -> Result<(), String> {
    // Opened as it is, since a log that was not written back belongs to it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let Ok(c) = Connection::open_with_flags(state.join("journal.db"), flags) else { return Ok(()) };
    let numbers = c.query_row(
        "SELECT count(*), coalesce(max(seq), 0),
           count(*) FILTER (WHERE state = 'sent' AND receipts = '[]'),
           count(*) FILTER (WHERE state IN ('failed', 'unknown') AND error IS NULL)
         FROM outbox",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    );
    match numbers {
        Ok::<(i64, i64, i64, i64), _>((there, taken, _, _)) if there != taken => {
            Err(format!("{taken} were accepted to be sent, and {there} are in the outbox"))
        }
        Ok((_, _, 0, 0)) | Err(_) => Ok(()),
        Ok((_, _, unproved, unexplained)) => Err(format!(
            "{unproved} were sent without a receipt, {unexplained} failed without a reason"
        )),
    }
}
