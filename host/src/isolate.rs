//! What runs in the process of one plugin: this same program, started by the gateway with a hidden
//! verb and one socket. No runtime, plain threads: the plugin brings its own.
//!
//! It hardens itself before any foreign code runs, opens the library, passes frames both ways, and
//! leaves when the socket ends, whatever the plugin does. Must not know: anything of the gateway
//! but what `plugins::runner` agrees on; the configuration; other plugins.

mod harden;
mod outlet;
mod sandbox;
mod syscalls;

use crate::plugins::{
    Demand, Refusal,
    callbacks::Door,
    library::{self, Expected, Module, Opened},
    runner::{self, CLOSE_MS, EXIT_MISUSED, EXIT_REFUSED, LoadedAs, Order, Report},
};
use jackfield_plugin_api::{
    abi::Status,
    error::PluginError,
    frame::{FRAME_BYTES_HARD, PluginFrame},
};
use outlet::Outlet;
use std::{io, os::unix::net::UnixStream, process::ExitCode, sync::Arc, thread, time::Duration};

/// The level of [`Order::log_level`] from which on everything is told.
const DEBUG: u8 = 4;
const FULL_WAIT_FIRST: Duration = Duration::from_millis(1);
const FULL_WAIT_LONGEST: Duration = Duration::from_millis(50);
/// A plugin that does not close gets this long after the socket has ended.
const LAST_WAIT: Duration = Duration::from_millis(CLOSE_MS as u64 + 500);

/// Arguments of the hidden verb.
#[derive(Clone, Debug, clap::Args)]
pub struct RunnerArgs {
    /// The plugin's id, to be seen in process listings.
    #[arg(long, default_value = "")]
    pub plugin: String,
    /// Only open the library, report, and end.
    #[arg(long)]
    pub probe: bool,
}

/// Hosts one plugin until the gateway closes the socket. Ends the process itself when the plugin's
/// threads may still be running.
#[must_use]
pub fn run(args: &RunnerArgs) -> ExitCode {
    let socket = match harden::take_socket() {
        Ok(socket) => socket,
        Err(error) => {
            eprintln!("this verb is for the gateway itself to use: {error}");
            return ExitCode::from(EXIT_MISUSED);
        }
    };
    let code = match host(socket, args.probe) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("lost the gateway: {error}");
            EXIT_MISUSED
        }
    };
    // Not a return: destructors of foreign statics must not run beside foreign threads.
    harden::leave(code)
}

fn host(mut socket: UnixStream, probe: bool) -> io::Result<u8> {
    harden::give_up_rights()?;
    let Some(bytes) = runner::read_frame(&mut socket, FRAME_BYTES_HARD)? else { return Ok(0) };
    let order: Order = serde_json::from_slice(&bytes)?;
    if order.log_level >= DEBUG {
        // What a layout check has to say at length reaches the gateway's log by standard error.
        let lines = tracing_subscriber::fmt().with_writer(io::stderr).without_time();
        let _ = lines.with_ansi(false).with_max_level(tracing::Level::DEBUG).try_init();
    }
    let layers = sandbox::enter(&order.confinement);
    if order.confinement.demand == Demand::Require && !sandbox::is_whole(&layers) {
        return refuse(&mut socket, Refusal::NotConfined { file: order.shown, layers });
    }
    leave_with(socket.try_clone()?)?;
    let expected = Expected { id: &order.init.id, version: &order.version, shown: &order.shown };
    let module = match library::open(&order.library, &expected) {
        Ok(module) => module,
        Err(refusal) => return refuse(&mut socket, refusal),
    };
    let loaded = LoadedAs { layers, flags: module.flags(), build: module.build() };
    runner::write_frame(&mut socket, &serde_json::to_vec(&Report::Loaded(loaded))?)?;
    if probe { Ok(0) } else { serve(socket, module, &order) }
}

fn refuse(socket: &mut UnixStream, refusal: Refusal) -> io::Result<u8> {
    runner::write_frame(socket, &serde_json::to_vec(&Report::Refused(refusal))?)?;
    Ok(EXIT_REFUSED)
}

fn serve(mut socket: UnixStream, module: Module, order: &Order) -> io::Result<u8> {
    let outlet = Arc::new(Outlet::new(socket.try_clone()?, order.log_level));
    let door = Door::open(outlet.clone());
    let init = serde_json::to_vec(&order.init)?;
    let instance = match module.open(&door, &init) {
        Ok(instance) => instance,
        Err(text) => {
            outlet.say(&PluginFrame::Fatal { error: PluginError::new(text) });
            return Ok(EXIT_REFUSED);
        }
    };
    // Frames are read no faster than the plugin takes them: the gateway's side of the socket fills
    // and its credit stops it.
    while let Ok(Some(frame)) = runner::read_frame(&mut socket, FRAME_BYTES_HARD) {
        match deliver(instance, &frame) {
            Status::OK | Status::BAD_FRAME => {}
            Status::PANICKED => {
                outlet.say(&PluginFrame::Fatal { error: PluginError::new("panicked") });
                break;
            }
            _ => break,
        }
    }
    let closed = instance.close(CLOSE_MS);
    Ok(u8::from(closed == Status::PANICKED))
}

fn deliver(instance: Opened, frame: &[u8]) -> Status {
    let mut wait = FULL_WAIT_FIRST;
    loop {
        match instance.deliver(frame) {
            Status::FULL => {
                thread::sleep(wait);
                wait = (wait * 2).min(FULL_WAIT_LONGEST);
            }
            status => return status,
        }
    }
}

/// Ends the process some time after the gateway has closed its end, even when a constructor or a
/// call into the plugin holds the main thread.
fn leave_with(socket: UnixStream) -> io::Result<()> {
    let watch = move || {
        harden::wait_for_hangup(&socket);
        thread::sleep(LAST_WAIT);
        harden::leave(0);
    };
    thread::Builder::new().name("gateway-watch".to_owned()).spawn(watch).map(drop)
}
