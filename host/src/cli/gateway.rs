//! `jackfield gateway`: the daemon in the foreground.

use super::report::Failure;
use crate::{
    config::{Paths, Secret, gateway::check_secret, last_good},
    gateway::{End, Gateway, GatewayError, Options, logging, notices},
};
use std::{net::TcpListener, path::PathBuf, sync::Arc};
use tokio::signal::unix::{SignalKind, signal};

/// Threads that serve clients. Two are enough for thousands of connections and keep the gateway small.
const THREADS_MAX: usize = 4;

/// Arguments of `jackfield gateway`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Without a configuration file it listens on 127.0.0.1:18789, makes a token, keeps it in the state
directory and prints the links that carry it. Ctrl+C or SIGTERM stops it in order: runs under way
may end, and plugins are ended. SIGHUP reads the configuration and the certificate again.

JACKFIELD_LOG says how much is logged: info (default), debug, or such as jackfield::plugins=debug.
Exit code 78 means that another gateway owns the state directory, 75 that the store failed.")]
pub struct Args {
    /// Configuration file; without one the gateway starts on defaults
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Port to listen on; 0 takes any free one [default: 18789]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "ADDR")]
    bind: Option<String>,
    /// Listen beyond this machine without TLS; only in a network you trust
    #[arg(long)]
    allow_plain_bind: bool,
    /// Shared token that clients must give
    #[arg(long, value_name = "T", env = "OPENCLAW_GATEWAY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Directory for everything the gateway keeps
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Directory with plugin packages; unsigned ones that you own are allowed in it (repeatable)
    #[arg(long = "plugin-dir", value_name = "DIR")]
    plugin_dirs: Vec<PathBuf>,
}

/// Runs the gateway until it is told to stop.
///
/// # Errors
/// When it cannot start, or its store fails.
pub fn run(args: Args) -> Result<(), Failure> {
    let options = Options { listener: handed_over(&args)?, ..options(&args)? };
    keep_private()?;
    logging::start(&options.paths.log_file()).map_err(|error| {
        Failure::new(format!("cannot write {}: {error}", options.paths.log_file().display()))
    })?;
    let threads =
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(THREADS_MAX);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("cannot start threads: {error}")))?;
    runtime.block_on(serve(options, &args)).map_err(Failure::from)
}

/// No file of the gateway is for others to read, and no crash leaves its secrets on disk.
fn keep_private() -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, setrlimit, umask};
    umask(rustix::fs::Mode::from_raw_mode(0o077));
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none)
        .map_err(|error| Failure::new(format!("cannot turn core dumps off: {error}")))
}

fn options(args: &Args) -> Result<Options, Failure> {
    let env = |name: &str| std::env::var(name).ok();
    let paths = Paths::resolve(args.config.clone(), args.state_dir.clone(), &env);
    let unconfigured = !paths.config.exists();
    if let (Some(named), true) = (&args.config, unconfigured) {
        return Err(Failure::new(format!("{} does not exist", named.display()))
            .next(format!("make one: jackfield config init --config {}", named.display()))
            .code(2));
    }
    let mut config = last_good::load(&paths)?;
    if let Some(port) = args.port {
        config.gateway.port = port;
    }
    if let Some(bind) = &args.bind {
        config.gateway.bind.clone_from(bind);
    }
    config.gateway.allow_plain_bind |= args.allow_plain_bind;
    if let Some(token) = &args.token {
        let secret = Secret::new(token.as_str());
        check_secret(&secret).map_err(|why| Failure::new(format!("--token {why}")).code(2))?;
        config.gateway.auth.token = Some(secret);
    }
    config.gateway.check().map_err(|(setting, text)| GatewayError::Setting { setting, text })?;
    Ok(Options {
        config,
        paths,
        plugin_dirs: args.plugin_dirs.clone(),
        unconfigured,
        listener: None,
    })
}

/// The socket that the service manager opened for the gateway, if it did. The address is then the
/// manager's choice, and must be as safe as a configured one.
fn handed_over(args: &Args) -> Result<Option<Arc<TcpListener>>, Failure> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Failure::new(format!("the socket of the service manager {what}: {error}")).code(2)
    };
    let taken = listenfd::ListenFd::from_env().take_tcp_listener(0);
    let Some(socket) = taken.map_err(|e| failed("cannot be used", &e))? else { return Ok(None) };
    socket.set_nonblocking(true).map_err(|e| failed("cannot be used", &e))?;
    let address = socket.local_addr().map_err(|e| failed("has no address", &e))?;
    let at =
        Args { bind: Some(address.ip().to_string()), port: Some(address.port()), ..args.clone() };
    options(&at)?;
    Ok(Some(Arc::new(socket)))
}

/// Serves, life after life, until the gateway is told to stop. A life that cannot begin with a new
/// configuration begins with the former one.
async fn serve(first: Options, args: &Args) -> Result<(), GatewayError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let adopted = first.listener.is_some();
    let mut good = first;
    let mut gateway = Gateway::start(good.clone()).await?;
    loop {
        for line in notices::started(&gateway) {
            println!("{line}");
        }
        let asked = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        let open = match gateway.run(asked, &mut hangup).await? {
            End::Stopped => return Ok(()),
            End::Again(open) => open,
        };
        let next = options(args).map(|next| {
            let keep = adopted || listens_alike(&next, &good);
            Options { listener: keep.then(|| Arc::clone(&open)), ..next }
        });
        let started = match next {
            Ok(next) => Gateway::start(next.clone()).await.map(|gateway| (gateway, next)),
            Err(failure) => Err(GatewayError::Io(std::io::Error::other(failure.text))),
        };
        gateway = match started {
            Ok((gateway, next)) => {
                good = Options { listener: None, ..next };
                gateway
            }
            Err(error) => {
                tracing::error!(%error, "the new configuration does not start; the former one does");
                Gateway::start(Options { listener: Some(open), ..good.clone() }).await?
            }
        };
    }
}

fn listens_alike(one: &Options, other: &Options) -> bool {
    let (one, other) = (&one.config.gateway, &other.config.gateway);
    one.port == other.port && one.bind == other.bind
}
