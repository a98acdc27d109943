//! The same interface without `abi_stable`, for plugins written in C and whatever can make a C
//! library: `include/jackfield_plugin.h` in Rust's words. Frozen for ABI major 1.
//!
//! A structure only ever grows at its end, and says how long it is. Must not know: what a frame
//! means.

use super::Status;
use std::ffi::{c_char, c_void};

/// The one symbol such a plugin exports: a constant [`PlainPlugin`]. The digit is the ABI major.
pub const PLAIN_SYMBOL: &[u8] = b"jackfield_plugin_1\0";

/// `struct jackfield_host`: what a plugin may call.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PlainHost {
    /// Size of this structure on the host's side.
    pub bytes: usize,
    /// Opaque to the plugin.
    pub ctx: usize,
    /// Hands one frame to the host; copies it.
    pub emit: extern "C" fn(ctx: usize, frame: *const u8, bytes: usize) -> Status,
    /// Nonzero when a record of that level would be kept.
    pub log_enabled: extern "C" fn(ctx: usize, level: u8) -> u8,
    /// Hands over one log record; copies it.
    pub log: extern "C" fn(
        ctx: usize,
        level: u8,
        target: *const u8,
        target_bytes: usize,
        message: *const u8,
        message_bytes: usize,
    ),
}

/// `struct jackfield_plugin`: what a plugin exports. Its functions are optional here alone, so that
/// one left out is found instead of called.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PlainPlugin {
    /// [`ABI_MAJOR`](super::ABI_MAJOR) of the header the plugin was built with.
    pub abi_major: u32,
    /// [`ABI_MINOR`](super::ABI_MINOR) of that header.
    pub abi_minor: u32,
    /// Size of this structure on the plugin's side.
    pub bytes: usize,
    /// `FLAG_*` bits.
    pub flags: u64,
    /// Must equal the manifest's `id`.
    pub id: *const c_char,
    /// Must equal the manifest's `version`.
    pub version: *const c_char,
    /// Begins a life.
    pub open: Option<
        unsafe extern "C" fn(
            host: *const PlainHost,
            init: *const u8,
            init_bytes: usize,
            instance: *mut *mut c_void,
            error: *mut c_char,
            error_bytes: usize,
        ) -> Status,
    >,
    /// Hands one frame over.
    pub deliver: Option<
        unsafe extern "C" fn(instance: *mut c_void, frame: *const u8, bytes: usize) -> Status,
    >,
    /// Ends a life.
    pub close: Option<unsafe extern "C" fn(instance: *mut c_void, deadline_ms: u32) -> Status>,
    /// As [`PluginMod::get_extension`](super::PluginMod); may be left out.
    pub get_extension:
        Option<unsafe extern "C" fn(id: *const c_char, bytes: *mut usize) -> *const c_void>,
}

// What `tests/e2e/c_plugin.rs` has the system's compiler say of the header, for 64-bit machines.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<PlainHost>() == 40);
    assert!(size_of::<PlainPlugin>() == 72);
    assert!(std::mem::offset_of!(PlainPlugin, id) == 24);
    assert!(std::mem::offset_of!(PlainPlugin, open) == 40);
    assert!(std::mem::offset_of!(PlainPlugin, get_extension) == 64);
};
