//! Carries frames to a child process that hosts one plugin: this same program, started again with a
//! hidden verb, an empty environment and one socket.
//!
//! The child is its own process group and ends with it: whatever the plugin started goes too. The
//! socket's end is the child's order to leave, so a gateway that is killed leaves no children.
//! Never the kernel's parent-death signal: it fires when the *thread* that spawned ends. Must not
//! know: when a child shall be started or ended.

mod wire;

use super::{
    Refusal,
    carrier::{Carrier, Exit, INCOMING_MAX, Incoming, OUTGOING_MAX},
    log::PluginLog,
    runner::{LoadedAs, Order, RUNNER_VERB, Report},
};
use jackfield_plugin_api::frame::FRAME_BYTES_HARD;
use std::{
    io,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream as StdStream, process::ExitStatusExt},
    },
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::UnixStream,
    process::{Child, ChildStderr, Command},
    sync::mpsc,
    time,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Works after an upgrade has replaced the file, so gateway and child are always the same build.
const OURSELVES: &str = "/proc/self/exe";
/// How long a child may outlive its socket, and its last frames their child.
const STRAGGLE: Duration = Duration::from_secs(1);
const STDERR_LINE_BYTES_MAX: u64 = 4096;
const SOCKET_BUFFER_BYTES: usize = 64 << 10;

/// Starts a child for `order` and gives the way to talk to it.
pub(super) fn launch(
    order: &Order,
    log: &Arc<PluginLog>,
    tracker: &TaskTracker,
) -> io::Result<Carrier> {
    let (child, stream) = spawn(order, false)?;
    let pid = child.id();
    let (outgoing, to_child) = mpsc::channel(OUTGOING_MAX);
    let (from_child, incoming) = mpsc::channel(INCOMING_MAX);
    let kill = CancellationToken::new();
    let (reading, writing) = stream.into_split();
    let first = serde_json::to_vec(order).map_err(io::Error::other)?;
    tracker.spawn(wire::write(writing, first, to_child));
    tracker.spawn(attend(child, reading, from_child, kill.clone(), log.clone(), tracker.clone()));
    Ok(Carrier { outgoing, incoming, pid, kill })
}

/// Opens the library once in a child that is thrown away, so that a file which would take the whole
/// process down takes that one. `Ok` means that it can be opened here.
pub(super) async fn probe(
    order: &Order,
    log: &Arc<PluginLog>,
    limit: Duration,
) -> Result<LoadedAs, Refusal> {
    let shown = || order.shown.clone();
    let host = |error: io::Error| Refusal::Host {
        file: shown(),
        detail: format!("cannot start a process to try the library: {error}"),
    };
    let (mut child, stream) = spawn(order, true).map_err(host)?;
    let pid = child.id();
    let stderr = child.stderr.take();
    let (mut reading, mut writing) = stream.into_split();
    let asked = async {
        let first = serde_json::to_vec(order).map_err(io::Error::other)?;
        wire::write_frame(&mut writing, &first).await?;
        wire::read_frame(&mut reading, FRAME_BYTES_HARD).await
    };
    let answer = time::timeout(limit, asked).await;
    let overdue = answer.is_err();
    if !overdue {
        // A child that reported or fell has at most its own end left to do.
        let _ = time::timeout(STRAGGLE, child.wait()).await;
    }
    let status = end(&mut child, pid).await;
    if let Some(stderr) = stderr {
        let _ = time::timeout(STRAGGLE, drain(stderr, log)).await;
    }
    if overdue {
        let step = super::refusal::LOADING.to_owned();
        return Err(Refusal::Late { file: shown(), step, seconds: limit.as_secs() });
    }
    let report = answer.ok().and_then(Result::ok).flatten();
    match report.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        Some(Report::Loaded(loaded)) => Ok(loaded),
        Some(Report::Refused(refusal)) => Err(refusal),
        None => Err(Refusal::Died {
            file: shown(),
            how: status.to_string(),
            step: super::refusal::LOADING.to_owned(),
        }),
    }
}

fn spawn(order: &Order, probe: bool) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = StdStream::pair()?;
    ours.set_nonblocking(true)?;
    let ours = UnixStream::from_std(ours)?;
    let mut command = Command::new(OURSELVES);
    command.arg0("jackfield").args([RUNNER_VERB, "--plugin", order.init.id.as_str()]);
    if probe {
        command.arg("--probe");
    }
    // Closed in us when `command` goes, or the end of the child would not end the stream.
    let child = command
        .env_clear()
        .env("TMPDIR", &order.scratch)
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    Ok((child, ours))
}

/// The child's whole life, seen from here: its frames, its standard error, its end.
async fn attend(
    mut child: Child,
    mut reading: wire::Reading,
    from_child: mpsc::Sender<Incoming>,
    kill: CancellationToken,
    log: Arc<PluginLog>,
    tracker: TaskTracker,
) {
    let pid = child.id();
    let gone = CancellationToken::new();
    if let Some(stderr) = child.stderr.take() {
        tracker.spawn(listen(stderr, log, gone.clone()));
    }
    let fault = {
        let frames = wire::pump(&mut reading, &from_child);
        tokio::pin!(frames);
        tokio::select! {
            fault = &mut frames => fault,
            () = kill.cancelled() => None,
            // What it said before it fell is still in the socket. A grandchild may hold the socket
            // open, so its end is not waited for.
            _ = child.wait() => time::timeout(STRAGGLE, frames).await.ok().flatten(),
        }
    };
    if fault.is_none() && !kill.is_cancelled() {
        tokio::select! {
            _ = time::timeout(STRAGGLE, child.wait()) => {}
            () = kill.cancelled() => {}
        }
    }
    let status = end(&mut child, pid).await;
    gone.cancel();
    let exit = match fault {
        Some(what) => Exit::Fault(what),
        None => status,
    };
    // The receiver may have been dropped with its supervisor.
    let _ = from_child.send(Incoming::Ended(exit)).await;
}

/// Ends the child and everything in its group, and says how the child itself ended.
async fn end(child: &mut Child, pid: Option<u32>) -> Exit {
    // The group outlives its leader while a member lives, so its number is still ours to use; and
    // it is asked for at once, before the system could have gone round all numbers.
    let group =
        pid.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group
        && let Err(error) =
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
        && error != rustix::io::Errno::SRCH
    {
        tracing::debug!(%error, "a plugin's process group could not be ended");
    }
    child
        .wait()
        .await
        .map_or_else(|error| Exit::Fault(format!("cannot be waited for: {error}")), exit_of)
}

fn exit_of(status: ExitStatus) -> Exit {
    status.signal().map_or_else(|| Exit::Code(status.code().unwrap_or(-1)), Exit::Signal)
}

/// Logs standard error until the child is gone. Its own children may hold the pipe open for ever,
/// so the end of the child is the end of listening, but for what is in the pipe already.
async fn listen(stderr: ChildStderr, log: Arc<PluginLog>, gone: CancellationToken) {
    let lines = drain(stderr, &log);
    tokio::pin!(lines);
    tokio::select! {
        () = &mut lines => {}
        () = gone.cancelled() => {
            let _ = time::timeout(STRAGGLE, lines).await;
        }
    }
}

async fn drain(stderr: ChildStderr, log: &PluginLog) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut limited = (&mut stderr).take(STDERR_LINE_BYTES_MAX);
        match limited.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                if !text.trim().is_empty() {
                    log.stderr(text.trim_end());
                }
            }
        }
    }
}
