//! The host's functions as plain C sees them: the same numbers, the same ports, pointers with a
//! length instead of the types of `abi_stable`.
//!
//! Must not know: what is behind a port.
#![expect(unsafe_code, reason = "reads what a plain C plugin points at")]

use super::{emit as emit_frame, log as log_record, log_enabled as is_logged};
use jackfield_plugin_api::{
    abi::{LogRecord, Status, plain::PlainHost},
    abi_stable::std_types::{RSlice, RStr, RVec},
};
use std::slice;

/// Largest text of a log record that is read.
const TEXT_BYTES_MAX: usize = 64 << 10;

/// The structure for the plugin with this number.
pub(super) fn host(ctx: usize) -> PlainHost {
    PlainHost { bytes: size_of::<PlainHost>(), ctx, emit, log_enabled, log }
}

extern "C" fn emit(ctx: usize, frame: *const u8, bytes: usize) -> Status {
    // One more than any frame may have is enough to be refused for.
    let most = jackfield_plugin_api::frame::FRAME_BYTES_HARD + 1;
    emit_frame(ctx, RVec::from_slice(lent(frame, bytes.min(most))))
}

extern "C" fn log_enabled(ctx: usize, level: u8) -> u8 {
    u8::from(is_logged(ctx, level, RStr::from_str("")))
}

extern "C" fn log(
    ctx: usize,
    level: u8,
    target: *const u8,
    target_bytes: usize,
    message: *const u8,
    message_bytes: usize,
) {
    let text = |from, bytes: usize| String::from_utf8_lossy(lent(from, bytes.min(TEXT_BYTES_MAX)));
    let (target, message) = (text(target, target_bytes), text(message, message_bytes));
    let record = LogRecord {
        level,
        target: RStr::from_str(&target),
        message: RStr::from_str(&message),
        fields: RSlice::EMPTY,
        file: RStr::from_str(""),
        line: 0,
        ts_unix_ns: 0,
        span: RStr::from_str(""),
    };
    log_record(ctx, &record);
}

fn lent<'a>(from: *const u8, bytes: usize) -> &'a [u8] {
    if from.is_null() || bytes == 0 {
        return &[];
    }
    // SAFETY: the header asks for readable bytes of this length for the time of the call, and
    // nothing keeps them longer: every caller copies.
    unsafe { slice::from_raw_parts(from, bytes) }
}
