//! An opened plugin, whichever of the two doors it has: the root module of `abi_stable`, or the
//! plain C entry. Behind both travel the same frames.
//!
//! Must not know: how a library is found and opened.
#![expect(unsafe_code, reason = "calls through the plain C entry")]

use crate::plugins::callbacks::Door;
use jackfield_plugin_api::{
    abi::{
        ABI_MAJOR, FLAG_UNWIND, Instance, PluginModRef, Status,
        plain::{PlainHost, PlainPlugin},
    },
    abi_stable::std_types::{RResult, RSlice, RVec},
};
use std::{
    ffi::{CStr, c_char, c_void},
    mem::offset_of,
    ptr,
};

/// Longest complaint of a plain plugin's `open`, bytes.
const ERROR_BYTES: usize = 1024;
/// Longest description of a build that is passed on, characters.
const BUILD_CHARS: usize = 400;

/// What a library exports.
#[derive(Clone, Copy)]
pub(crate) enum Module {
    /// Through `abi_stable`.
    Stable(PluginModRef),
    /// Through the plain C entry.
    Plain(&'static PlainPlugin),
}

/// An open instance.
#[derive(Clone, Copy)]
pub(crate) enum Opened {
    /// Through `abi_stable`.
    Stable(Instance),
    /// Through the plain C entry.
    Plain(PlainInstance),
}

/// An instance of a plain plugin, with the functions that were looked at when it was opened.
#[derive(Clone, Copy)]
pub(crate) struct PlainInstance {
    /// The plugin's own pointer, never looked at here.
    ctx: *mut c_void,
    deliver: unsafe extern "C" fn(*mut c_void, *const u8, usize) -> Status,
    close: unsafe extern "C" fn(*mut c_void, u32) -> Status,
}

/// Why a plain entry will not do.
pub(super) enum Misfit {
    /// Built for this ABI major.
    Major(u32),
    /// In these words.
    Layout(String),
}

impl Module {
    /// `FLAG_*` bits. C has no panics that would have to unwind.
    pub(crate) fn flags(self) -> u64 {
        match self {
            Self::Stable(module) => module.flags(),
            Self::Plain(plugin) => plugin.flags | FLAG_UNWIND,
        }
    }

    /// How it was built, in its own words; nothing for a plain C entry.
    pub(crate) fn build(self) -> String {
        match self {
            Self::Stable(module) => module.build_info().chars().take(BUILD_CHARS).collect(),
            Self::Plain(_) => String::new(),
        }
    }

    /// Its id and version, as it says itself.
    pub(super) fn identity(self) -> (String, String) {
        match self {
            Self::Stable(module) => (module.id().into(), module.version().into()),
            Self::Plain(plugin) => (text(plugin.id), text(plugin.version)),
        }
    }

    /// Opens the one instance.
    pub(crate) fn open(self, door: &Door, init: &[u8]) -> Result<Opened, String> {
        match self {
            Self::Stable(module) => match (module.open())(door.host(), RSlice::from_slice(init)) {
                RResult::ROk(instance) => Ok(Opened::Stable(instance)),
                RResult::RErr(text) => Err(text.into_string()),
            },
            Self::Plain(plugin) => open_plain(plugin, door.plain_host(), init),
        }
    }
}

fn open_plain(plugin: &PlainPlugin, host: &PlainHost, init: &[u8]) -> Result<Opened, String> {
    let (Some(open), Some(deliver), Some(close)) = (plugin.open, plugin.deliver, plugin.close)
    else {
        return Err("lost its functions".to_owned());
    };
    let mut ctx = ptr::null_mut();
    let mut error: [c_char; ERROR_BYTES] = [0; ERROR_BYTES];
    // SAFETY: the header promises a function of this shape; everything lent to it outlives the
    // call, and the host structure is never freed.
    let status = unsafe {
        open(host, init.as_ptr(), init.len(), &raw mut ctx, error.as_mut_ptr(), ERROR_BYTES - 1)
    };
    if status == Status::OK {
        return Ok(Opened::Plain(PlainInstance { ctx, deliver, close }));
    }
    error[ERROR_BYTES - 1] = 0;
    let said = text(error.as_ptr());
    Err(if said.is_empty() { format!("`open` answered {}", status.0) } else { said })
}

impl Opened {
    /// Hands one frame over.
    pub(crate) fn deliver(self, frame: &[u8]) -> Status {
        match self {
            Self::Stable(instance) => {
                (instance.vt.deliver())(instance.ctx, RVec::from_slice(frame))
            }
            // SAFETY: `open` gave the pointer, `close` has not been called: the only caller calls
            // it last. The frame is lent for the call.
            Self::Plain(of) => unsafe { (of.deliver)(of.ctx, frame.as_ptr(), frame.len()) },
        }
    }

    /// Ends the instance.
    pub(crate) fn close(self, deadline_ms: u32) -> Status {
        match self {
            Self::Stable(instance) => (instance.vt.close())(instance.ctx, deadline_ms),
            // SAFETY: as in `deliver`; nothing is called with the pointer afterwards.
            Self::Plain(of) => unsafe { (of.close)(of.ctx, deadline_ms) },
        }
    }
}

/// Looks at a plain entry before any function of it is called: major, length, nothing missing.
pub(super) fn check_plain(plugin: *const PlainPlugin) -> Result<&'static PlainPlugin, Misfit> {
    // SAFETY: a symbol of this name is a constant of this structure, and the library stays mapped.
    // The two numbers that say how much of it there is are read before anything behind them.
    let (major, bytes) = unsafe { ((*plugin).abi_major, (*plugin).bytes) };
    if major != ABI_MAJOR {
        return Err(Misfit::Major(major));
    }
    let needed = size_of::<PlainPlugin>();
    if bytes < needed {
        let names = [
            (offset_of!(PlainPlugin, open), "open"),
            (offset_of!(PlainPlugin, deliver), "deliver"),
            (offset_of!(PlainPlugin, close), "close"),
            (offset_of!(PlainPlugin, get_extension), "get_extension"),
        ];
        let first = names.iter().find(|(at, _)| at + size_of::<usize>() > bytes);
        let name = first.map_or("its last field", |(_, name)| name);
        let detail = format!("it has {bytes} bytes of {needed}: `{name}` is missing");
        return Err(Misfit::Layout(detail));
    }
    // SAFETY: it is long enough, so all of it is there.
    let plugin = unsafe { &*plugin };
    let texts = [("id", plugin.id.is_null()), ("version", plugin.version.is_null())];
    let calls = [
        ("open", plugin.open.is_none()),
        ("deliver", plugin.deliver.is_none()),
        ("close", plugin.close.is_none()),
    ];
    match texts.into_iter().chain(calls).find(|(_, missing)| *missing) {
        Some((name, _)) => Err(Misfit::Layout(format!("`{name}` is not set"))),
        None => Ok(plugin),
    }
}

fn text(from: *const c_char) -> String {
    // SAFETY: the header promises an ending zero; the caller made sure that it is not null.
    unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned()
}
