//! A program that answers: started with a bare environment in a process group of its own, heard line
//! by line, and ended with everything it started.
//!
//! Lines are split at `\n` alone and bounded; what it says beside its protocol goes to the log without
//! the secrets it was given. Must not know: protocols, conversations.

use super::backend::{Step, ToolPhase, ToolStep};
use crate::{
    clock::Clock,
    config::{agent::ProgramSection, document::is_secret},
};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;
use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command},
};
use tokio_util::{
    codec::{FramedRead, LinesCodec},
    sync::CancellationToken,
    task::TaskTracker,
};

/// Longest line of the protocol, bytes.
const LINE_MAX: usize = 8 << 20;
/// Longest line of what it says beside, bytes; the rest of a longer one is left out.
const ASIDE_MAX: usize = 4096;
/// How long the last words of a program that ended may take.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Shortest value that is hidden, bytes.
const SECRET_MIN: usize = 6;
/// Lines beside that are kept to say why it ended.
const ASIDES: usize = 12;
/// Variables of the gateway's environment that every program gets.
const PASSED: [&str; 10] =
    ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"];

/// What programs stand on.
#[derive(Clone)]
pub struct Ground {
    /// A folder of the agent's own.
    pub home: PathBuf,
    /// Time.
    pub clock: Clock,
    /// Tasks to wait for when stopping.
    pub tracker: TaskTracker,
    /// Told when the gateway stops.
    pub stop: CancellationToken,
}

/// A program as it is configured.
#[derive(Clone)]
pub struct Program {
    pub(super) ground: Ground,
    pub(super) settings: ProgramSection,
}

/// A running program.
pub(super) struct Running {
    pub(super) input: ChildStdin,
    pub(super) lines: FramedRead<ChildStdout, LinesCodec>,
    pub(super) group: Group,
    pub(super) asides: Asides,
}

/// The process group of a program; dropped, everything in it is killed.
pub(super) struct Group {
    child: Child,
    id: Option<Pid>,
}

/// Hides secrets in what a program says.
#[derive(Clone)]
pub(super) struct Mask(Arc<[String]>);

/// The last lines that a program said beside its protocol.
#[derive(Clone, Default)]
pub(super) struct Asides {
    lines: Arc<Mutex<VecDeque<String>>>,
    /// Told when nothing more will come.
    over: CancellationToken,
}

impl Program {
    /// The program of a configured agent.
    #[must_use]
    pub fn new(settings: &ProgramSection, ground: Ground) -> Self {
        Self { ground, settings: settings.clone() }
    }

    /// Where it works.
    pub(super) fn cwd(&self) -> PathBuf {
        self.settings.cwd.clone().unwrap_or_else(|| self.ground.home.join("workspace"))
    }

    /// How long it may be unused.
    pub(super) fn idle(&self) -> Duration {
        Duration::from_secs(self.settings.idle_s)
    }

    /// Starts it, by `fallback` when no command is configured, with further arguments.
    ///
    /// # Errors
    /// Why it does not start, naming the program.
    pub(super) fn start(&self, fallback: &str, more: &[String]) -> Result<Running, String> {
        let (name, args) = match self.settings.command.split_first() {
            Some((name, args)) => (name.as_str(), args),
            None => (fallback, [].as_slice()),
        };
        let cwd = self.cwd();
        folder(&cwd).map_err(|e| format!("its folder {} cannot be made: {e}", cwd.display()))?;
        let mut command = Command::new(name);
        command.args(args).args(more).current_dir(&cwd).env_clear();
        let passed =
            PASSED.iter().copied().chain(self.settings.pass_env.iter().map(String::as_str));
        command.envs(passed.filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(self.settings.env.iter().map(|(name, value)| (name, value.expose())));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that what it starts can be ended with it.
        let mut child = command.process_group(0).kill_on_drop(true).spawn().map_err(|error| {
            format!("`{name}` does not start: {error}; check the setting `command` and the PATH")
        })?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let group = Group { child, id };
        let (Some(input), Some(output), Some(aside)) = pipes else {
            return Err(format!("`{name}` has no pipes"));
        };
        let asides = Asides::default();
        self.ground.tracker.spawn(listen(aside, asides.clone(), name.to_owned(), self.mask()));
        let lines = FramedRead::new(output, LinesCodec::new_with_max_length(LINE_MAX));
        Ok(Running { input, lines, group, asides })
    }

    /// What hides the secrets that the program is given.
    pub(super) fn mask(&self) -> Mask {
        let given = self.settings.env.iter().map(|(name, value)| (name, value.expose().to_owned()));
        let passed =
            self.settings.pass_env.iter().filter_map(|n| Some((n, std::env::var(n).ok()?)));
        let secrets = given.chain(passed).filter(|(name, value)| {
            // A short value is no secret, and would be found everywhere.
            value.len() >= SECRET_MIN && (is_secret(name) || name.to_uppercase().ends_with("KEY"))
        });
        Mask(secrets.map(|(_, value)| value).collect())
    }
}

impl Mask {
    /// A text without the secrets.
    pub(super) fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }

    /// A step without the secrets; one that is said in several pieces is found in none of them.
    pub(super) fn step(&self, step: Step) -> Step {
        if self.0.is_empty() {
            return step;
        }
        match step {
            Step::Text(text) => Step::Text(self.text(&text)),
            Step::Thought(text) => Step::Thought(self.text(&text)),
            Step::Tool(ToolStep { id, name, phase }) => {
                let phase = match phase {
                    ToolPhase::Start(arguments) => ToolPhase::Start(self.value(arguments)),
                    ToolPhase::Update(partial) => ToolPhase::Update(self.value(partial)),
                    ToolPhase::End { result, failed } => {
                        ToolPhase::End { result: self.value(result), failed }
                    }
                };
                Step::Tool(ToolStep { id, name, phase })
            }
            other => other,
        }
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, field)| (name, self.value(field))).collect()
            }
            other => other,
        }
    }
}

impl Group {
    /// Waits for the program's own process, to say how it ended.
    pub(super) async fn ended(&mut self) -> String {
        match tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it closed its output".to_owned(),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // Whatever is left of it; nothing is there when all of it ended.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Asides {
    /// The last line, in brackets, if there was one. Asked of a program that ended, whose last words
    /// may still be on their way.
    pub(super) async fn last(&self) -> String {
        let _ = tokio::time::timeout(LAST_WORDS, self.over.cancelled()).await;
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.back().map(|line| format!(" ({line})")).unwrap_or_default()
    }

    fn note(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == ASIDES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

async fn listen(mut from: ChildStderr, asides: Asides, name: String, mask: Mask) {
    let _ends_with_this = asides.over.clone().drop_guard();
    let (mut piece, mut line) = (vec![0; ASIDE_MAX], Vec::new());
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        for part in piece[..read].split_inclusive(|byte| *byte == b'\n') {
            let room = ASIDE_MAX.saturating_sub(line.len());
            line.extend(part.iter().take(room));
            if part.ends_with(b"\n") {
                let text = mask.text(String::from_utf8_lossy(&line).trim());
                line.clear();
                if !text.is_empty() {
                    tracing::debug!(program = name, text, "an agent's program says");
                    asides.note(text);
                }
            }
        }
    }
}

/// A folder for its owner alone.
pub(super) fn folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
