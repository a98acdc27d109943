//! One gateway process with a home of its own: configuration, state and plugins in a temporary
//! folder, a free port, and everything it prints kept.

use crate::{
    Client, Connect, Exchange, PATIENCE, eventually, libraries, output::Output, patiently, sums,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The shared secret of every gateway a play starts, unless it configures its own.
pub const TOKEN: &str = "play-token-0123456789abcdef";

/// In a home: kibibytes of data that the gateway in it may have.
const DATA_LIMIT: &str = "data-limit";

/// What a gateway is started with.
#[derive(Clone, Debug)]
pub struct Options {
    plugins: Vec<String>,
    config: String,
    flags: Vec<String>,
    env: Vec<(String, String)>,
    data_kib: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            plugins: Vec::new(),
            config: format!(
                "[gateway]\nreload = \"manual\"\nauth = {{ mode = \"token\", token = \"{TOKEN}\" }}\n"
            ),
            flags: Vec::new(),
            env: Vec::new(),
            data_kib: None,
        }
    }
}

impl Options {
    /// Installs the package of a plugin; it runs only if the configuration enables its channel.
    #[must_use]
    pub fn plugin(mut self, id: &str) -> Self {
        self.plugins.push(id.to_owned());
        self
    }

    /// Adds TOML to the end of the configuration file.
    #[must_use]
    pub fn config(mut self, toml: &str) -> Self {
        self.config.push_str(toml);
        self.config.push('\n');
        self
    }

    /// Replaces the configuration file's whole text.
    #[must_use]
    pub fn only_config(mut self, toml: &str) -> Self {
        toml.clone_into(&mut self.config);
        self
    }

    /// Adds an argument of the command line.
    #[must_use]
    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Adds a variable to the environment of its first start; see [`Gateway::try_again_with`].
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The line channel of the example plugin, open to every sender, with `more` lines in its table.
    #[must_use]
    pub fn line_channel(self, isolation: &str, more: &str) -> Self {
        self.plugin("line-echo").config(&format!(
            "[plugins.line-echo]\nisolation = \"{isolation}\"\n\
             [channels.line]\nenabled = true\nlisten = \"127.0.0.1:0\"\ndm_policy = \"open\"\n{more}"
        ))
    }

    /// Kibibytes of data that the gateway may have before it gets no more memory.
    #[must_use]
    pub fn data_limit(mut self, kib: u64) -> Self {
        self.data_kib = Some(kib);
        self
    }

    /// The stand-in channel, whose platform is `exchange`, open to every sender.
    #[must_use]
    pub fn stand_in(self, isolation: &str, exchange: &Exchange) -> Self {
        self.plugin("stand-in").config(&format!(
            "[plugins.stand-in]\nisolation = \"{isolation}\"\n\
             [channels.stand-in]\nenabled = true\nserver = \"127.0.0.1:{}\"\ndm_policy = \"open\"",
            exchange.port
        ))
    }
}

/// A home and, most of the time, a process that runs in it.
pub struct Gateway {
    home: TempDir,
    flags: Vec<String>,
    child: Child,
    /// What it printed since it was last started.
    pub output: Output,
    /// The port it listens on; another one after a restart.
    pub port: u16,
}

impl Gateway {
    /// Lays out a home, starts a gateway in it and waits until it listens.
    pub async fn start(options: Options) -> Self {
        let home = Self::lay_out(&options);
        Self::begin(home, options.flags, &options.env).await
    }

    /// A home as [`Gateway::start`] makes it, for a play that changes it before
    /// [`Gateway::start_in`].
    #[must_use]
    pub fn lay_out(options: &Options) -> TempDir {
        let home = tempfile::Builder::new()
            .prefix("jackfield-play-")
            .tempdir()
            .expect("a temporary folder can be made");
        fs::write(home.path().join("jackfield.toml"), &options.config)
            .expect("the home is writable");
        if let Some(kib) = options.data_kib {
            fs::write(home.path().join(DATA_LIMIT), kib.to_string()).expect("the home is writable");
        }
        fs::create_dir(home.path().join("plugins")).expect("the home is writable");
        for id in &options.plugins {
            libraries::pack(id, &home.path().join("plugins").join(id));
        }
        home
    }

    /// Starts a gateway in a home that stands already.
    pub async fn start_in(home: TempDir, flags: Vec<String>) -> Self {
        Self::begin(home, flags, &[]).await
    }

    async fn begin(home: TempDir, flags: Vec<String>, env: &[(String, String)]) -> Self {
        let (child, output) = spawn(home.path(), &flags, env).expect("the gateway can be started");
        let port = listening(&output).await;
        Self { home, flags, child, output, port }
    }

    /// The folder that holds `jackfield.toml`, `state` and `plugins`.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The folder where the package of a plugin stands.
    #[must_use]
    pub fn plugin_dir(&self, id: &str) -> PathBuf {
        self.home.path().join("plugins").join(id)
    }

    /// A connection with the shared secret and every scope, as the command line makes.
    pub async fn client(&self) -> Client {
        Connect::cli().open(self.port).await.unwrap_or_else(|refusal| {
            panic!("an ordinary connection was refused: {refusal:?}");
        })
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("the gateway runs")
    }

    /// The processes that the gateway started and that still run.
    #[must_use]
    pub fn children(&self) -> Vec<u32> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("it runs");
        tasks
            .filter_map(|task| fs::read_to_string(task.ok()?.path().join("children")).ok())
            .flat_map(|pids| {
                let pids: Vec<u32> = pids.split_whitespace().flat_map(str::parse).collect();
                pids
            })
            .collect()
    }

    /// Ends the gateway without warning, as a crash or a power cut does, and its children with it.
    pub async fn kill(&mut self) {
        let children = self.children();
        signal(self.pid(), Signal::KILL);
        self.ended().await;
        eventually("the plugins' processes end with the gateway", async || {
            children.iter().all(|pid| is_gone(*pid)).then_some(())
        })
        .await;
    }

    /// Asks the gateway to stop, and requires that it does so in order.
    pub async fn stop(&mut self) {
        signal(self.pid(), Signal::TERM);
        let status = self.ended().await;
        assert!(
            status.success(),
            "a gateway that was asked to stop ended with {status}; it said:\n{}",
            self.output.tail()
        );
        // Its last words may still be on their way when it is gone.
        let sum = |line: &str| line.contains("the outbox adds up").then_some(());
        self.output.awaited("every send of this run has an end or waits", sum).await;
    }

    /// Waits until the gateway, asked to stop, has ended in order.
    pub async fn wait(&mut self) {
        let status = self.ended().await;
        assert!(status.success(), "it ended with {status}; it said:\n{}", self.output.tail());
    }

    /// Starts the gateway again in its home, after [`Gateway::kill`] or [`Gateway::stop`].
    pub async fn start_again(&mut self) {
        assert!(self.try_again_with(&[]).await, "it ended at once: {}", self.output.tail());
    }

    /// Starts the gateway again with these variables in its environment; false when it ended before
    /// it listened.
    pub async fn try_again_with(&mut self, env: &[(String, String)]) -> bool {
        let (child, output) =
            spawn(self.home.path(), &self.flags, env).expect("the gateway can be started again");
        self.child = child;
        self.output = output;
        let Some(port) = sought_port(&self.output).await else {
            self.ended().await;
            return false;
        };
        self.port = port;
        true
    }

    /// Whether the process has ended by itself, waiting at most so long.
    pub async fn dies_within(&mut self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.child.wait()).await.is_ok()
    }

    /// Stops in order and starts again.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start_again().await;
    }

    /// The same on the port it had, for clients that come back by themselves.
    pub async fn restart_there(&mut self) {
        self.flags.extend(["--port".to_owned(), self.port.to_string()]);
        self.restart().await;
    }

    /// Waits for the process to end by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let output = self.output.clone();
        patiently(self.child.wait(), || format!("it did not end; it said:\n{}", output.tail()))
            .await
            .expect("a child can be waited for")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the gateway's last words\n{}\n---", self.output.tail());
        }
        let told = self.child.id().map_or(Ok(()), |_| sums::of_gateway(self.port));
        // A gateway that still ran would write into the home while it is being removed.
        self.child.start_kill().ok();
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        let kept = sums::of_state(&self.home.path().join("state"));
        if let (Err(why), false) = (told.and(kept), thread::panicking()) {
            panic!("the outbox does not add up: {why}\n{}", self.output.tail());
        }
    }
}

/// Sends a signal to a process that a play started or that the gateway started for it.
pub fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    kill_process(pid.expect("a process id is positive"), signal).expect("the process is there");
}

/// Whether a process has ended; one that waits to be collected by its parent counts as ended.
#[must_use]
pub fn is_gone(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")),
        Err(_) => true,
    }
}

fn spawn(home: &Path, flags: &[String], env: &[(String, String)]) -> io::Result<(Child, Output)> {
    let (reader, writer) = io::pipe()?;
    let config = home.join("jackfield.toml");
    let mut command = match fs::read_to_string(home.join(DATA_LIMIT)) {
        Err(_) => Command::new(libraries::binary()),
        Ok(kib) => {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", "ulimit -d \"$0\" && exec \"$@\"", &kib]).arg(libraries::binary());
            shell
        }
    };
    command.arg("gateway");
    if !flags.iter().any(|flag| flag == "--port") {
        command.args(["--port", "0"]);
    }
    // A play that removed the file wants the defaults, not a complaint about the file it named.
    if config.exists() {
        command.arg("--config").arg(config);
    }
    let child = command
        .arg("--state-dir")
        .arg(home.join("state"))
        .arg("--plugin-dir")
        .arg(home.join("plugins"))
        .args(flags)
        .env_clear()
        .env("HOME", home)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("NO_COLOR", "1")
        .envs(env.iter().map(|(name, value)| (name, value)))
        .stdin(std::process::Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .kill_on_drop(true)
        .spawn()?;
    Ok((child, Output::follow(reader)))
}

async fn listening(output: &Output) -> u16 {
    let port = sought_port(output).await;
    port.unwrap_or_else(|| panic!("it ended before it listened; it said:\n{}", output.tail()))
}

async fn sought_port(output: &Output) -> Option<u16> {
    output
        .sought("`listening on <address>:<port>`", |line| {
            line.strip_prefix("listening on ")?.rsplit(':').next()?.parse().ok()
        })
        .await
}
