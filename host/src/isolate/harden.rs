//! What a plugin's process does to itself before foreign code runs in it, and how it ends.
//!
//! Must not know: frames, plugins.
#![expect(unsafe_code, reason = "two system calls that no safe wrapper of ours covers")]

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{
        DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit, umask,
    },
    thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs},
};
use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{fs::FileTypeExt, net::UnixStream},
    },
};

/// Most descriptors of one plugin.
const FILES_MAX: u64 = 1024;

/// The gateway's socket, moved from standard input to where no plugin looks by habit; and every
/// other descriptor that came along closed.
pub(super) fn take_socket() -> io::Result<UnixStream> {
    let input: OwnedFd = io::stdin().as_fd().try_clone_to_owned()?;
    let input = File::from(input);
    if !input.metadata()?.file_type().is_socket() {
        return Err(io::Error::other("standard input is not the gateway's socket"));
    }
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    close_others(&input)?;
    Ok(UnixStream::from(OwnedFd::from(input)))
}

/// No core dumps, no tracing by others of this user, no privileges by set-user-id programs, files
/// for nobody else.
pub(super) fn give_up_rights() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    let files = getrlimit(Resource::Nofile).maximum.map_or(FILES_MAX, |most| most.min(FILES_MAX));
    setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum: Some(files) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_no_new_privs(true)?;
    umask(rustix::fs::Mode::from_raw_mode(0o077));
    Ok(())
}

/// Takes what a privileged user may do beyond its files away; all of it, or all but listening below
/// port 1024.
pub(super) fn drop_capabilities(all: bool) -> io::Result<()> {
    let held = rustix::thread::capabilities(None)?;
    let kept = if all { CapabilitySet::empty() } else { CapabilitySet::NET_BIND_SERVICE };
    let kept = held.permitted & kept;
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    Ok(set_capabilities(None, sets)?)
}

/// Ends the growth of memory at `bytes`. Address space is limited too, with room for what is only
/// reserved, unless programs are started: some of them reserve without measure.
pub(super) fn limit_memory(bytes: u64, alone: bool) -> io::Result<()> {
    const RESERVED: u64 = 2 << 30;
    let limit = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    setrlimit(Resource::Data, limit(bytes))?;
    if alone {
        setrlimit(Resource::As, limit(bytes + RESERVED))?;
    }
    Ok(())
}

/// Returns when the other end is closed, however much of what it sent is still unread.
pub(super) fn wait_for_hangup(socket: &UnixStream) {
    loop {
        let mut watched = [PollFd::new(socket, PollFlags::RDHUP)];
        match poll(&mut watched, None) {
            Err(rustix::io::Errno::INTR) => {}
            // Without a way to watch, the gateway is as good as gone.
            Err(_) => return,
            Ok(_) => {
                if !watched[0].revents().is_empty() {
                    return;
                }
            }
        }
    }
}

/// Ends the process at once, running no destructor of anybody's.
pub(super) fn leave(code: u8) -> ! {
    // SAFETY: ends the process; nothing of it is used afterwards.
    unsafe { libc::_exit(i32::from(code)) }
}

/// Rust opens everything close-on-exec; what the gateway itself inherited may not be.
fn close_others(keep: &File) -> io::Result<()> {
    let kept = u32::try_from(keep.as_raw_fd()).map_err(io::Error::other)?;
    close_range(3, kept.saturating_sub(1))?;
    close_range(kept + 1, u32::MAX)
}

fn close_range(first: u32, last: u32) -> io::Result<()> {
    if first > last {
        return Ok(());
    }
    // SAFETY: closes descriptors this program has not opened: it is at its very start, and owns the
    // standard streams, which are below 3, and the socket, which the only caller leaves out.
    let closed = unsafe { libc::close_range(first, last, 0) };
    let error = io::Error::last_os_error();
    // Kernels before 5.9 do not have it; what leaks there is what leaked into the gateway.
    if closed == 0 || error.raw_os_error() == Some(libc::ENOSYS) { Ok(()) } else { Err(error) }
}
