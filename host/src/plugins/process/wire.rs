//! Frames over the child's socket, from the gateway's side.
//!
//! Must not know: processes.

use super::SOCKET_BUFFER_BYTES;
use crate::plugins::{
    carrier::{Incoming, Outgoing, decode},
    runner::{Report, frame_bytes},
};
use jackfield_plugin_api::frame::FRAME_BYTES_HARD;
use std::io;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter},
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::mpsc,
};

pub(super) type Reading = OwnedReadHalf;

/// Writes `first` and then what is queued, until told to close or the child is gone. Dropping the
/// half shuts it down, which the child reads as the end.
pub(super) async fn write(
    writing: OwnedWriteHalf,
    first: Vec<u8>,
    mut queue: mpsc::Receiver<Outgoing>,
) {
    let mut to = BufWriter::with_capacity(SOCKET_BUFFER_BYTES, writing);
    if write_frame(&mut to, &first).await.is_err() {
        return;
    }
    while let Some(Outgoing::Frame { bytes, ticket, credit }) = queue.recv().await {
        if ticket.is_some_and(|ticket| !ticket.dispatch()) {
            continue;
        }
        let written = put(&mut to, &bytes).await;
        drop(credit);
        // One system call for all that is waiting.
        let flushed = if queue.is_empty() { to.flush().await } else { Ok(()) };
        if written.and(flushed).is_err() {
            return;
        }
    }
    // Nobody reads what cannot be written any more.
    let _ = to.flush().await;
}

/// Reads until the end; the text says what was wrong when it was not a plain end.
pub(super) async fn pump(reading: &mut Reading, to: &mpsc::Sender<Incoming>) -> Option<String> {
    let mut from = BufReader::with_capacity(SOCKET_BUFFER_BYTES, reading);
    let mut reported = false;
    loop {
        let bytes = match read_frame(&mut from, FRAME_BYTES_HARD).await {
            Ok(Some(bytes)) => bytes,
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Some(format!("sent {error}"));
            }
            // Its exit says more, also where it fell in the middle of a frame.
            Ok(None) | Err(_) => return None,
        };
        let incoming = if reported {
            decode(&bytes).map(|frame| Incoming::Frame(Box::new(frame)))
        } else {
            reported = true;
            serde_json::from_slice(&bytes)
                .map(|report| match report {
                    Report::Loaded(loaded) => Incoming::Loaded(loaded.layers),
                    Report::Refused(refusal) => Incoming::Refused(refusal),
                })
                .map_err(|error| format!("did not report: {error}"))
        };
        match incoming {
            Ok(incoming) => {
                if to.send(incoming).await.is_err() {
                    return None;
                }
            }
            Err(fault) => return Some(fault),
        }
    }
}

pub(super) async fn write_frame(
    to: &mut (impl AsyncWrite + Unpin),
    frame: &[u8],
) -> io::Result<()> {
    put(to, frame).await?;
    to.flush().await
}

async fn put(to: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    let bytes = u32::try_from(frame.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&bytes.to_le_bytes()).await?;
    to.write_all(frame).await
}

/// As [`runner::read_frame`](crate::plugins::runner::read_frame), without blocking.
pub(super) async fn read_frame(
    from: &mut (impl AsyncRead + Unpin),
    bytes_max: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut length = Vec::with_capacity(4);
    if (&mut *from).take(4).read_to_end(&mut length).await? == 0 {
        return Ok(None);
    }
    let length = length.try_into().map_err(|_| io::ErrorKind::UnexpectedEof)?;
    let bytes = frame_bytes(length, bytes_max)?;
    let mut frame = Vec::new();
    from.take(bytes as u64).read_to_end(&mut frame).await?;
    if frame.len() < bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(frame))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::runner;

    #[tokio::test]
    async fn both_sides_speak_the_same_framing() {
        let mut wire = Vec::new();
        write_frame(&mut wire, b"from here").await.unwrap();
        assert_eq!(runner::read_frame(&mut wire.as_slice(), 64).unwrap().unwrap(), b"from here");
        let mut wire = Vec::new();
        runner::write_frame(&mut wire, b"from there").unwrap();
        let mut from = wire.as_slice();
        assert_eq!(read_frame(&mut from, 64).await.unwrap().unwrap(), b"from there");
        assert_eq!(read_frame(&mut from, 64).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_frame_cut_short_or_too_long_is_an_error() {
        let mut wire = Vec::new();
        write_frame(&mut wire, b"twelve bytes").await.unwrap();
        let cut = read_frame(&mut &wire[..9], 64).await.unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
        let long = read_frame(&mut wire.as_slice(), 11).await.unwrap_err();
        assert_eq!(long.kind(), io::ErrorKind::InvalidData);
    }
}
