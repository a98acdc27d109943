//! Everything a plugin must not do, on command, and an exported symbol that keeps the gateway's raw
//! functions for misuse.
#![expect(unsafe_code, reason = "doing what must not be done is what this file is for")]

use crate::channel::StandIn;
use jackfield_plugin_api::{
    SendError,
    abi::{FLAG_UNWIND, Host, Instance, PluginMod, PluginModRef, RawExtension, Status},
    abi_stable::{
        library::LibHeader,
        prefix_type::PrefixTypeTrait,
        std_types::{RNone, ROption, RResult, RSlice, RStr, RString, RVec},
    },
    export::{Exported, RootModuleResult, call_root_module_loader, header, root_module},
    outbound::Receipt,
};
use std::{
    fs::File,
    hint::black_box,
    sync::{Mutex, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// The gateway's functions as this library got them last.
static HOST: Mutex<Option<Host>> = Mutex::new(None);
static ORDINARY: OnceLock<PluginModRef> = OnceLock::new();

/// How long what was taken away is kept.
const KEPT: Duration = Duration::from_secs(1);
/// How long a thread goes on calling.
const STUBBORN: Duration = Duration::from_secs(20);
const FLOOD: u32 = 200_000;

/// Does what it is told.
pub(crate) fn obey(order: &str) -> Result<Receipt, SendError> {
    match order {
        "panic" => panic!("told to panic"),
        "abort" => std::process::abort(),
        "segv" => read_nothing(),
        "overflow" => {
            black_box(dig(0));
        }
        "exit" => std::process::exit(0),
        "spin" => loop {
            std::hint::spin_loop();
        },
        "block" => loop {
            thread::park();
        },
        "leak" => leak(),
        "fds" => return take_descriptors(),
        "malformed" => {
            say(b"{ this is no frame");
        }
        "flood" => {
            thread::spawn(flood);
        }
        "late" => {
            thread::spawn(call_for_long);
        }
        other => return Err(SendError::permanent("unknown_order", other)),
    }
    Ok(Receipt::default())
}

fn read_nothing() {
    let nowhere: *const u8 = black_box(std::ptr::null());
    // SAFETY: none. This is the fault that was asked for.
    black_box(unsafe { nowhere.read_volatile() });
}

#[expect(unconditional_recursion, reason = "the stack shall overflow")]
fn dig(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    dig(depth + 1) + black_box(room[3])
}

fn leak() -> ! {
    loop {
        let mut block = vec![0_u8; 4 << 20];
        // Touched, or it would cost nothing.
        block.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
        std::mem::forget(black_box(block));
        thread::sleep(Duration::from_millis(1));
    }
}

/// Every descriptor there is, for a while.
fn take_descriptors() -> Result<Receipt, SendError> {
    let taken: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    let count = taken.len();
    // Not a task: the next order may be to block those.
    thread::spawn(move || {
        thread::sleep(KEPT);
        drop(taken);
    });
    Err(SendError::permanent("no_descriptor", format!("{count} are taken")))
}

fn say(frame: &[u8]) -> Status {
    let host = *HOST.lock().unwrap_or_else(PoisonError::into_inner);
    host.map_or(Status::CLOSED, |host| (host.vt.emit())(host.ctx, RVec::from_slice(frame)))
}

/// Frames that need no credit, as fast as they are taken; a full queue is asked again at once.
fn flood() {
    let frame = br#"{"t":"link","account":"default","state":"connected","detail":"flooding"}"#;
    let mut left = FLOOD;
    while left > 0 {
        match say(frame) {
            Status::OK => left -= 1,
            Status::FULL => thread::yield_now(),
            _ => return,
        }
    }
}

/// Goes on calling, whoever has stopped this plugin meanwhile.
fn call_for_long() {
    let host = *HOST.lock().unwrap_or_else(PoisonError::into_inner);
    let (Some(host), begun) = (host, Instant::now()) else { return };
    while begun.elapsed() < STUBBORN {
        let taken = (host.vt.emit())(host.ctx, RVec::from_slice(br#"{"t":"pong","n":1}"#));
        (host.vt.log_enabled())(host.ctx, 3, RStr::from_str("late"));
        if taken == Status::CLOSED {
            (host.vt.release())(host.ctx);
        }
        thread::sleep(Duration::from_millis(1));
    }
}

impl Exported for StandIn {
    const ID: &'static str = "stand-in";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const UNWIND_FLAG: u64 = if cfg!(panic = "unwind") { FLAG_UNWIND } else { 0 };
}

extern "C" fn open(host: Host, init: RSlice<'_, u8>) -> RResult<Instance, RString> {
    *HOST.lock().unwrap_or_else(PoisonError::into_inner) = Some(host);
    (ordinary().open())(host, init)
}

extern "C" fn get_extension(_: RStr<'_>) -> ROption<RawExtension> {
    RNone
}

fn ordinary() -> PluginModRef {
    *ORDINARY.get_or_init(root_module::<StandIn>)
}

/// As the ordinary one, but for `open`.
fn module() -> PluginModRef {
    let ordinary = ordinary();
    PluginMod {
        abi_major: ordinary.abi_major(),
        abi_minor: ordinary.abi_minor(),
        flags: ordinary.flags(),
        id: ordinary.id(),
        version: ordinary.version(),
        build_info: ordinary.build_info(),
        open,
        get_extension,
    }
    .leak_into_prefix()
}

extern "C" fn load() -> RootModuleResult {
    call_root_module_loader(module)
}

#[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
static HEADER: LibHeader = header(load);
