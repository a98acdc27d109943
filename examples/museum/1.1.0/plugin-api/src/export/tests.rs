//! The exported functions called as a host calls them, and the sizes that must never change.

use super::{BUILD_INFO, Exported, root_module};
use crate::{
    abi::{
        FLAG_SWAP_SAFE, FLAG_UNWIND, Host, HostVt, HostVtRef, Instance, InstanceVtRef, LogRecord,
        PluginModRef, RawExtension, Status,
    },
    channel::{Channel, Outgoing, Resume},
    error::{PluginError, SendError},
    frame::PluginFrame,
    host,
    outbound::Receipt,
};
use abi_stable::{
    library::ROOT_MODULE_LOADER_NAME,
    prefix_type::PrefixTypeTrait,
    std_types::{RSlice, RStr, RVec},
};
use serde_json::Value;
use std::{
    mem::{align_of, offset_of, size_of},
    sync::{
        LazyLock, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

struct Tiny;

impl Channel for Tiny {
    type Config = Value;
    const SWAP_SAFE: bool = true;

    async fn start(host: host::Host, _: Value, _: Resume) -> Result<Self, PluginError> {
        let _span = tracing::info_span!("outer").entered();
        tracing::warn!(port = 7, name = "x", "it listens");
        tracing::trace!("nobody wants to know");
        host.spawn(async { panic!("on purpose") });
        Ok(Self)
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        Err(SendError::unsupported(out.body.kind()))
    }
}

impl Exported for Tiny {
    const ID: &'static str = "tiny";
    const VERSION: &'static str = "0.0.7";
    const UNWIND_FLAG: u64 = FLAG_UNWIND;
}

/// Frames and log lines as they arrive; the context number is not looked at, there is one host.
type Line = (u8, String, String, String);
static FRAMES: Mutex<Option<Sender<PluginFrame>>> = Mutex::new(None);
static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

extern "C" fn emit(_: usize, frame: RVec<u8>) -> Status {
    let frame = serde_json::from_slice(&frame).expect("the plugin writes frames");
    match &*FRAMES.lock().unwrap() {
        Some(frames) => frames.send(frame).map_or(Status::CLOSED, |()| Status::OK),
        None => Status::CLOSED,
    }
}

extern "C" fn log_enabled(_: usize, level: u8, _: RStr<'_>) -> bool {
    level <= 4
}

extern "C" fn log(_: usize, record: &LogRecord<'_>) {
    let fields: Vec<_> = record.fields.iter().map(|f| format!("{}={}", f.0, f.1)).collect();
    let span = record.span.to_string();
    LINES.lock().unwrap().push((record.level, record.message.to_string(), fields.join(" "), span));
}

extern "C" fn release(_: usize) {
    FRAMES.lock().unwrap().take();
}

static VT: LazyLock<HostVtRef> =
    LazyLock::new(|| HostVt { emit, log_enabled, log, release }.leak_into_prefix());

fn host() -> (Host, Receiver<PluginFrame>) {
    let (frames, seen) = channel();
    *FRAMES.lock().unwrap() = Some(frames);
    (Host { ctx: 1, vt: *VT }, seen)
}

#[test]
fn a_life_through_the_exported_functions() {
    let module = root_module::<Tiny>();
    assert_eq!((module.id().as_str(), module.version().as_str()), ("tiny", "0.0.7"));
    assert_eq!((module.abi_major(), module.flags()), (1, FLAG_UNWIND | FLAG_SWAP_SAFE));
    assert!(module.get_extension()(RStr::from_str("doctor/1")).is_none());

    let (host, seen) = host();
    let bad = module.open()(host, RSlice::from_slice(b"nonsense"));
    let text = bad.into_result().err().expect("no instance without an init");
    assert!(text.contains("init is not understood"), "{text}");

    let init = br#"{"id":"tiny","generation":1,"window":64,"later":true}"#;
    let plugin = module.open()(host, RSlice::from_slice(init)).into_result().unwrap();
    let start = br#"{"t":"start","config":{},"epoch":4}"#;
    assert_eq!(plugin.vt.deliver()(plugin.ctx, RVec::from(&start[..])), Status::OK);
    let next = || seen.recv_timeout(Duration::from_secs(10)).expect("a frame in time");
    assert!(matches!(next(), PluginFrame::Hello { .. }));
    let (first, second) = (next(), next());
    let ready = PluginFrame::Ready { epoch: 4 };
    assert!(first == ready || second == ready, "{first:?} {second:?}");
    assert_eq!(plugin.vt.close()(plugin.ctx, 10_000), Status::OK);
    assert!(seen.recv().is_err(), "released");
    assert_eq!(plugin.vt.deliver()(plugin.ctx, RVec::from(&start[..])), Status::CLOSED);

    let lines = std::mem::take(&mut *LINES.lock().unwrap());
    let said = |level, text: &str| lines.iter().find(|l| l.0 == level && l.1.contains(text));
    let (_, message, fields, span) = said(2, "it listens").expect("the event was logged");
    assert_eq!((message.as_str(), fields.as_str()), ("it listens", "port=7 name=x"));
    assert_eq!(span, "outer");
    let panic = said(1, "on purpose").expect("the panic was logged");
    assert!(panic.1.starts_with("thread `tiny` panicked"), "{}", panic.1);
    assert!(said(5, "nobody").is_none());
}

#[test]
fn the_exported_symbol_is_the_one_the_loader_looks_for() {
    // Written out in `export_channel!`, because an attribute takes only a literal.
    assert_eq!(ROOT_MODULE_LOADER_NAME, "_1as_0lib_1header_0root_bmodule_bloader");
}

#[test]
fn build_info_is_json() {
    let info: Value = serde_json::from_str(BUILD_INFO).unwrap();
    assert!(info["rustc"].as_str().unwrap().starts_with("rustc "), "{info}");
    assert_eq!(info["api"], env!("CARGO_PKG_VERSION"));
}

#[test]
#[cfg(target_pointer_width = "64")]
fn the_layout_is_the_one_of_abi_major_1() {
    assert_eq!((size_of::<Status>(), align_of::<Status>()), (1, 1));
    assert_eq!((size_of::<Host>(), offset_of!(Host, vt)), (16, 8));
    assert_eq!((size_of::<Instance>(), offset_of!(Instance, vt)), (16, 8));
    assert_eq!((size_of::<RawExtension>(), offset_of!(RawExtension, bytes)), (16, 8));
    assert_eq!(size_of::<HostVtRef>(), 8);
    assert_eq!(size_of::<InstanceVtRef>(), 8);
    assert_eq!(size_of::<PluginModRef>(), 8);
    assert_eq!(size_of::<crate::abi::HostVt>(), 32);
    assert_eq!(size_of::<crate::abi::InstanceVt>(), 16);
    assert_eq!(size_of::<crate::abi::PluginMod>(), 80);
    assert_eq!(offset_of!(crate::abi::PluginMod, flags), 8);
    assert_eq!(offset_of!(crate::abi::PluginMod, id), 16);
    assert_eq!(offset_of!(crate::abi::PluginMod, open), 64);
    assert_eq!(offset_of!(crate::abi::PluginMod, get_extension), 72);
    let log = [
        offset_of!(LogRecord<'_>, level),
        offset_of!(LogRecord<'_>, target),
        offset_of!(LogRecord<'_>, message),
        offset_of!(LogRecord<'_>, fields),
        offset_of!(LogRecord<'_>, file),
        offset_of!(LogRecord<'_>, line),
        offset_of!(LogRecord<'_>, ts_unix_ns),
        offset_of!(LogRecord<'_>, span),
    ];
    assert_eq!(log, [0, 8, 24, 40, 56, 72, 80, 88]);
    assert_eq!(size_of::<LogRecord<'_>>(), 104);
}
