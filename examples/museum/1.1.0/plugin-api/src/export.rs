//! The exported side of the binary interface: root module, `open`, `deliver`, `close`.
//!
//! Every function here is a plain `extern "C"` with its own `catch_unwind`; nothing unwinds into the
//! host. [`export_channel!`](crate::export_channel) writes the one exported symbol of a library.
//!
//! Must not know: what a frame means.
#![expect(unsafe_code, reason = "the exported side of the binary interface")]

#[cfg(test)]
mod tests;

use crate::{
    abi::{
        self, ABI_MAJOR, ABI_MINOR, FLAG_SWAP_SAFE, Instance, InstanceVt, InstanceVtRef, PluginMod,
        PluginModRef, RawExtension, Status,
    },
    channel::Channel,
    frame::Init,
    logging,
    runtime::{Identity, Running, launch, outbox::Port, wall::panic_text},
};
use abi_stable::{
    library::{CheckTypeLayout, LibHeader},
    prefix_type::PrefixTypeTrait,
    std_types::{RErr, RNone, ROk, ROption, RResult, RSlice, RStr, RString, RVec},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    time::Duration,
};

#[doc(hidden)]
pub use abi_stable::library::{
    __call_root_module_loader as call_root_module_loader, RootModuleResult,
};

/// Compiler, target and profile of this build, as [`PluginMod::build_info`] tells them.
pub const BUILD_INFO: &str = concat!(
    r#"{"rustc":""#,
    env!("JACKFIELD_BUILD_RUSTC"),
    r#"","api":""#,
    env!("CARGO_PKG_VERSION"),
    r#"","target":""#,
    env!("JACKFIELD_BUILD_TARGET"),
    r#"","profile":""#,
    env!("JACKFIELD_BUILD_PROFILE"),
    r#""}"#
);

/// What [`export_channel!`](crate::export_channel) adds to a channel; never implemented by hand.
pub trait Exported: Channel {
    /// Must equal the manifest's `id`.
    const ID: &'static str;
    /// Must equal the manifest's `version`.
    const VERSION: &'static str;
    /// [`abi::FLAG_UNWIND`] where the plugin's crate is built to unwind.
    const UNWIND_FLAG: u64;
}

/// Exports a [`Channel`] as the one plugin of this library.
///
/// `export_channel!(Line, id = "line")` names the plugin; without `id` it is named like its package.
/// The version is the package's own. Exactly one per library.
#[macro_export]
macro_rules! export_channel {
    ($channel:ty) => {
        $crate::export_channel!($channel, id = ::core::env!("CARGO_PKG_NAME"));
    };
    ($channel:ty, id = $id:expr) => {
        const _: () = {
            impl $crate::export::Exported for $channel {
                const ID: &'static str = $id;
                const VERSION: &'static str = ::core::env!("CARGO_PKG_VERSION");
                const UNWIND_FLAG: u64 =
                    if ::core::cfg!(panic = "unwind") { $crate::abi::FLAG_UNWIND } else { 0 };
            }

            extern "C" fn module() -> $crate::export::RootModuleResult {
                $crate::export::call_root_module_loader($crate::export::root_module::<$channel>)
            }

            // The name under which abi_stable looks for the root module of any library.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static HEADER: $crate::abi_stable::library::LibHeader = $crate::export::header(module);
        };
    };
}

/// The library header around a root module function.
#[doc(hidden)]
#[must_use]
pub const fn header(module: extern "C" fn() -> RootModuleResult) -> LibHeader {
    // SAFETY: `export_channel!` passes only functions that return what `call_root_module_loader`
    // makes of `root_module`, which is a `PluginModRef`.
    unsafe { LibHeader::from_constructor::<PluginModRef>(module, CheckTypeLayout::Yes) }
}

/// The root module of a channel; leaked, as the host keeps it for as long as the library is loaded.
#[doc(hidden)]
#[must_use]
pub fn root_module<C: Exported>() -> PluginModRef {
    PluginMod {
        abi_major: ABI_MAJOR,
        abi_minor: ABI_MINOR,
        flags: C::UNWIND_FLAG | if C::SWAP_SAFE { FLAG_SWAP_SAFE } else { 0 },
        id: RStr::from_str(C::ID),
        version: RStr::from_str(C::VERSION),
        build_info: RStr::from_str(BUILD_INFO),
        open: open::<C>,
        get_extension,
    }
    .leak_into_prefix()
}

extern "C" fn open<C: Exported>(
    host: abi::Host,
    init: RSlice<'_, u8>,
) -> RResult<Instance, RString> {
    let opened = catch_unwind(AssertUnwindSafe(|| -> Result<Instance, String> {
        let init: Init = serde_json::from_slice(init.as_slice())
            .map_err(|error| format!("the host's init is not understood: {error}"))?;
        logging::install(host);
        let identity = Identity { id: C::ID, version: C::VERSION };
        let running = launch::<C>(identity, &init, Arc::new(AbiPort(host)))
            .map_err(|error| format!("cannot start the plugin's thread: {error}"))?;
        // Never freed: a late call with this address finds a closed runtime, not freed memory.
        let running: &'static Running = Box::leak(Box::new(running));
        Ok(Instance { ctx: std::ptr::from_ref(running).expose_provenance(), vt: instance_vt() })
    }));
    match opened {
        Ok(Ok(instance)) => ROk(instance),
        Ok(Err(text)) => RErr(text.into()),
        Err(panic) => RErr(format!("panicked in open: {}", panic_text(&*panic)).into()),
    }
}

extern "C" fn deliver(ctx: usize, frame: RVec<u8>) -> Status {
    guarded(move || running(ctx).deliver(&frame))
}

extern "C" fn close(ctx: usize, deadline_ms: u32) -> Status {
    guarded(|| running(ctx).close(Duration::from_millis(deadline_ms.into())))
}

/// No extension exists yet.
extern "C" fn get_extension(_id: RStr<'_>) -> ROption<RawExtension> {
    RNone
}

fn guarded(call: impl FnOnce() -> Status) -> Status {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or(Status::PANICKED)
}

fn running(ctx: usize) -> &'static Running {
    // SAFETY: the host passes back the `ctx` of an `Instance`, which `open` made from a leaked
    // `Running`; it lives for ever and is only used through shared references.
    unsafe { &*std::ptr::with_exposed_provenance::<Running>(ctx) }
}

fn instance_vt() -> InstanceVtRef {
    static VT: OnceLock<InstanceVtRef> = OnceLock::new();
    *VT.get_or_init(|| InstanceVt { deliver, close }.leak_into_prefix())
}

/// The host's end of the pipe, through its function table.
struct AbiPort(abi::Host);

impl Port for AbiPort {
    fn emit(&self, frame: &[u8]) -> Status {
        (self.0.vt.emit())(self.0.ctx, RVec::from(frame))
    }

    fn release(&self) {
        logging::release(self.0);
        (self.0.vt.release())(self.0.ctx);
    }
}
