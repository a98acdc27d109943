//! What the gateway and the process of one plugin agree on besides the frames: the hidden verb, the
//! first order, the first report, and how frames are told apart on the socket.
//!
//! Both sides are this same program, so nothing here needs to stay compatible. The socket is the
//! child's standard input; the child moves it away before any foreign code runs. Must not know: who
//! is at which end.

use super::{
    Refusal,
    confine::{Confinement, Layer},
};
use jackfield_plugin_api::frame::Init;
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Read, Write},
    path::PathBuf,
};

/// The hidden verb the gateway starts itself with.
pub const RUNNER_VERB: &str = "__plugin-runner";
/// Milliseconds an instance may take to close.
pub(crate) const CLOSE_MS: u32 = 3_000;
/// The child's exit code after it reported a [`Refusal`].
pub(crate) const EXIT_REFUSED: u8 = 3;
/// The child's exit code when it cannot make sense of its start.
pub(crate) const EXIT_MISUSED: u8 = 2;

/// First frame to the child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The staged library.
    pub(crate) library: PathBuf,
    /// How messages name it.
    pub(crate) shown: String,
    /// The version its manifest gives.
    pub(crate) version: String,
    /// The finest log level worth sending, see [`LogRecord`](jackfield_plugin_api::abi::LogRecord).
    pub(crate) log_level: u8,
    /// What the process may touch.
    pub(crate) confinement: Confinement,
    /// Where it may put what it throws away.
    pub(crate) scratch: PathBuf,
    /// For the plugin's `open`.
    pub(crate) init: Init,
}

/// First frame from the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// The library is open and is what the order says.
    Loaded(LoadedAs),
    /// It is not; the child ends.
    Refused(Refusal),
}

/// What was opened, and around it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadedAs {
    /// What the process is closed in by.
    pub(crate) layers: Vec<Layer>,
    /// `FLAG_*` bits.
    pub(crate) flags: u64,
    /// How it was built, in its own words; empty for a plain C entry.
    pub(crate) build: String,
}

/// Writes one frame: its length, 4 bytes little-endian, then its bytes.
pub(crate) fn write_frame(to: &mut impl Write, frame: &[u8]) -> io::Result<()> {
    let bytes = u32::try_from(frame.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut whole = Vec::with_capacity(4 + frame.len());
    whole.extend_from_slice(&bytes.to_le_bytes());
    whole.extend_from_slice(frame);
    to.write_all(&whole)?;
    to.flush()
}

/// Reads one frame of at most `bytes_max`; `None` when the other side ended between frames.
pub(crate) fn read_frame(from: &mut impl Read, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = Vec::with_capacity(4);
    if from.take(4).read_to_end(&mut length)? == 0 {
        return Ok(None);
    }
    let length = length.try_into().map_err(|_| io::ErrorKind::UnexpectedEof)?;
    let bytes = frame_bytes(length, bytes_max)?;
    // Grows with what arrives: a promise of 16 MiB costs nothing until it is kept.
    let mut frame = Vec::new();
    from.take(bytes as u64).read_to_end(&mut frame)?;
    if frame.len() < bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(frame))
}

/// The announced length, if it is allowed.
pub(crate) fn frame_bytes(length: [u8; 4], bytes_max: usize) -> io::Result<usize> {
    let bytes = u32::from_le_bytes(length) as usize;
    if bytes > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {bytes} bytes"),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_and_the_end_is_seen() {
        let mut wire = Vec::new();
        for frame in [&b"one"[..], b"", b"three"] {
            write_frame(&mut wire, frame).unwrap();
        }
        let mut from = wire.as_slice();
        let mut next = || read_frame(&mut from, 16).unwrap();
        assert_eq!(next().unwrap(), b"one");
        assert_eq!(next().unwrap(), b"");
        assert_eq!(next().unwrap(), b"three");
        assert_eq!(next(), None);
    }

    #[test]
    fn too_long_a_promise_and_a_broken_one_are_errors() {
        let mut wire = Vec::new();
        write_frame(&mut wire, b"seventeen bytes!!").unwrap();
        let error = read_frame(&mut wire.as_slice(), 16).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let error = read_frame(&mut &wire[..10], 64).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        let error = read_frame(&mut &wire[..2], 64).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_refusal_survives_the_crossing() {
        let refusal = Refusal::NotAPlugin { file: "x/libx.so".into() };
        let bytes = serde_json::to_vec(&Report::Refused(refusal.clone())).unwrap();
        let back: Report = serde_json::from_slice(&bytes).unwrap();
        assert!(matches!(back, Report::Refused(same) if same == refusal));
    }
}
