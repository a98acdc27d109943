//! `jackfield gateway`: the daemon in the foreground.

use super::report::Failure;
use crate::{
    config::{Config, Paths, Secret, gateway::check_secret},
    gateway::{Gateway, GatewayError, Options, logging, notices},
};
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Threads that serve clients. Two are enough for thousands of connections and keep the gateway small.
const THREADS_MAX: usize = 4;

/// Arguments of `jackfield gateway`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Without a configuration file it listens on 127.0.0.1:18789, makes a token, keeps it in the state
directory and prints the links that carry it. Ctrl+C or SIGTERM stops it in order: what is under
way is stored, and plugins are ended.

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
    let options = options(args)?;
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
    runtime.block_on(serve(options)).map_err(Failure::from)
}

/// No file of the gateway is for others to read, and no crash leaves its secrets on disk.
fn keep_private() -> Result<(), Failure> {
    use rustix::process::{Resource, Rlimit, setrlimit, umask};
    umask(rustix::fs::Mode::from_raw_mode(0o077));
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none)
        .map_err(|error| Failure::new(format!("cannot turn core dumps off: {error}")))
}

fn options(args: Args) -> Result<Options, Failure> {
    let env = |name: &str| std::env::var(name).ok();
    let paths = Paths::resolve(args.config.clone(), args.state_dir, &env);
    let unconfigured = !paths.config.exists();
    if let (Some(named), true) = (&args.config, unconfigured) {
        return Err(Failure::new(format!("{} does not exist", named.display()))
            .next(format!("make one: jackfield config init --config {}", named.display()))
            .code(2));
    }
    let mut config = Config::load(&paths.config)?;
    if let Some(port) = args.port {
        config.gateway.port = port;
    }
    if let Some(bind) = args.bind {
        config.gateway.bind = bind;
    }
    if let Some(token) = args.token {
        let secret = Secret::new(token);
        check_secret(&secret).map_err(|why| Failure::new(format!("--token {why}")).code(2))?;
        config.gateway.auth.token = Some(secret);
    }
    config.gateway.check().map_err(|(setting, text)| GatewayError::Setting { setting, text })?;
    Ok(Options { config, paths, plugin_dirs: args.plugin_dirs, unconfigured })
}

async fn serve(options: Options) -> Result<(), GatewayError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let gateway = Gateway::start(options).await?;
    for line in notices::started(&gateway) {
        println!("{line}");
    }
    let asked = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    gateway.run(asked).await
}
