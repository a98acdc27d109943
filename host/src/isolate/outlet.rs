//! What a plugin's calls reach in its own process: the socket to the gateway.
//!
//! A write blocks while the gateway does not read; it always reads while the plugin keeps to its
//! credit. Must not know: what frames mean.

use crate::plugins::{callbacks::Port, runner::write_frame};
use jackfield_plugin_api::{
    abi::{LogRecord, Status},
    frame::{FRAME_BYTES_HARD, PluginFrame},
};
use std::{
    os::unix::net::UnixStream,
    sync::{Mutex, PoisonError},
};

/// The writing end.
pub(super) struct Outlet {
    socket: Mutex<UnixStream>,
    log_level: u8,
}

impl Outlet {
    pub(super) fn new(socket: UnixStream, log_level: u8) -> Self {
        Self { socket: Mutex::new(socket), log_level }
    }

    /// Sends a frame of our own; when it cannot, the gateway is gone and nobody is left to tell.
    pub(super) fn say(&self, frame: &PluginFrame) -> Status {
        serde_json::to_vec(frame).map_or(Status::BAD_FRAME, |bytes| self.emit(&bytes))
    }
}

impl Port for Outlet {
    fn emit(&self, frame: &[u8]) -> Status {
        if frame.len() > FRAME_BYTES_HARD {
            return Status::BAD_FRAME;
        }
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        match write_frame(&mut *socket, frame) {
            Ok(()) => Status::OK,
            Err(_) => Status::CLOSED,
        }
    }

    fn log_enabled(&self, level: u8) -> bool {
        level <= self.log_level
    }

    fn log(&self, record: &LogRecord<'_>) {
        let fields: Vec<(String, String)> = record
            .fields
            .iter()
            .map(|field| (field.0.as_str().to_owned(), field.1.as_str().to_owned()))
            .collect();
        self.say(&PluginFrame::Log {
            level: record.level,
            target: record.target.as_str().to_owned(),
            message: record.message.as_str().to_owned(),
            fields,
            span: record.span.as_str().to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::runner::read_frame;

    #[test]
    fn frames_come_out_whole_and_the_end_is_told() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let outlet = Outlet::new(ours, 3);
        assert_eq!(outlet.emit(b"{}"), Status::OK);
        assert_eq!(outlet.say(&PluginFrame::Pong { n: 7 }), Status::OK);
        assert_eq!(read_frame(&mut theirs, 64).unwrap().unwrap(), b"{}");
        let pong = read_frame(&mut theirs, 64).unwrap().unwrap();
        assert_eq!(
            serde_json::from_slice::<PluginFrame>(&pong).unwrap(),
            PluginFrame::Pong { n: 7 }
        );
        assert!(outlet.log_enabled(3) && !outlet.log_enabled(4));
        drop(theirs);
        assert_eq!(outlet.emit(b"{}"), Status::CLOSED);
    }
}
