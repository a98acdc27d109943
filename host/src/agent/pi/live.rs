//! One running Pi: asked one thing after another, heard all the time.

use super::wire::{self, Asked, Line};
use crate::{
    agent::{
        Approver, Decision, Question,
        backend::{BackendError, Model, Prompt, Step, Usage, Wishes},
        program::{Asides, Group, Mask, Program, Running, folder},
        seats::Worker,
    },
    config::agent::Permission,
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncWriteExt, process::ChildStdin, sync::mpsc};
use tokio_util::codec::{FramedRead, LinesCodec};

/// How long Pi may take to start and to answer a request.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);
/// The older form ends without a word: this much silence after a round is the end.
const SILENCE: Duration = Duration::from_millis(250);
/// Lines that may wait for whoever listens.
const LINES_MAX: usize = 16;

/// A running Pi. Dropped, its process group is killed.
pub(super) struct Live {
    input: ChildStdin,
    lines: mpsc::Receiver<Line>,
    /// Whether anybody takes lines; what comes otherwise is passed over.
    heard: Arc<AtomicBool>,
    group: Group,
    asides: Asides,
    mask: Mask,
    transcript: Option<String>,
    requests: u64,
    /// It had no messages of the conversation when it started.
    new: bool,
    first: Chosen,
    now: Chosen,
    cwd: String,
    working: bool,
}

/// Model and thinking level.
#[derive(Clone, Default)]
struct Chosen {
    model: Option<Model>,
    thinking: Option<String>,
}

impl Live {
    /// Starts Pi in the conversation with this id, or in one that is not kept.
    pub(super) async fn start(
        program: &Program,
        transcript: Option<&str>,
    ) -> Result<Self, BackendError> {
        let mut more = vec!["--mode".to_owned(), "rpc".to_owned()];
        match transcript {
            Some(id) => {
                let dir = program.ground.home.join("sessions");
                folder(&dir).map_err(|error| {
                    BackendError::Program(format!("{} cannot be made: {error}", dir.display()))
                })?;
                let dir = dir.display().to_string();
                more.extend(["--session-dir".to_owned(), dir, "--session-id".to_owned()]);
                more.push(id.to_owned());
            }
            None => more.push("--no-session".to_owned()),
        }
        let running = program.start("pi", &more).map_err(BackendError::Program)?;
        let Running { input, lines, group, asides } = running;
        let (out, heard) = (mpsc::channel(LINES_MAX), Arc::new(AtomicBool::new(true)));
        program.ground.tracker.spawn(hear(lines, out.0, Arc::clone(&heard)));
        let mut live = Self {
            input,
            lines: out.1,
            heard,
            group,
            asides,
            mask: program.mask(),
            transcript: transcript.map(str::to_owned),
            requests: 0,
            new: true,
            first: Chosen::default(),
            now: Chosen::default(),
            cwd: program.cwd().display().to_string(),
            working: false,
        };
        let state = live.ask(json!({"type": "get_state"})).await.map_err(|error| match error {
            BackendError::Died(why) => BackendError::Program(why),
            other => other,
        })?;
        live.new = state["messageCount"].as_u64().unwrap_or(0) == 0;
        live.first = Chosen {
            model: wire::model(&state["model"]),
            thinking: state["thinkingLevel"].as_str().map(str::to_owned),
        };
        live.now = live.first.clone();
        live.heard.store(false, Ordering::SeqCst);
        Ok(live)
    }

    /// Whether it is in this conversation.
    pub(super) fn is_in(&self, transcript: &str) -> bool {
        self.transcript.as_deref() == Some(transcript)
    }

    /// Whether it knows nothing of what was said before.
    pub(super) fn is_new(&self) -> bool {
        self.new
    }

    /// Whether it works at nothing.
    pub(super) fn is_quiet(&self) -> bool {
        !self.working
    }

    /// The model it began with.
    pub(super) fn first_model(&self) -> Option<Model> {
        self.first.model.clone()
    }

    /// Every model it could use.
    pub(super) async fn models(&mut self) -> Result<Vec<Model>, BackendError> {
        let list = self.ask(json!({"type": "get_available_models"})).await?;
        let mut models: Vec<Model> =
            list["models"].as_array().into_iter().flatten().filter_map(wire::model).collect();
        let first = self.first_model();
        let is_first =
            |m: &Model| first.as_ref().is_some_and(|f| f.id == m.id && f.provider == m.provider);
        models.sort_by_key(|model| !is_first(model));
        Ok(models)
    }

    /// Sets what is wished for, or what it was at first.
    pub(super) async fn choose(&mut self, wishes: &Wishes) -> Result<(), BackendError> {
        let wanted = match (&wishes.model, &self.now.model) {
            (Some(name), Some(now)) if now.is_called(name) => None,
            (Some(name), _) => Some(self.find(name).await?),
            (None, Some(now)) => self
                .first
                .model
                .clone()
                .filter(|first| (&first.provider, &first.id) != (&now.provider, &now.id)),
            (None, None) => None,
        };
        if let Some(model) = wanted {
            let ask = json!({"type": "set_model", "provider": model.provider, "modelId": model.id});
            self.ask(ask).await?;
            self.now.model = Some(model);
        }
        let level = wishes.thinking.clone().or_else(|| self.first.thinking.clone());
        if let Some(level) = level.filter(|level| self.now.thinking.as_ref() != Some(level)) {
            self.ask(json!({"type": "set_thinking_level", "level": level})).await?;
            self.now.thinking = Some(level);
        }
        Ok(())
    }

    async fn find(&mut self, name: &str) -> Result<Model, BackendError> {
        let models = self.models().await?;
        models.into_iter().find(|model| model.is_called(name)).ok_or_else(|| {
            BackendError::Unwished(format!("Pi has no model `{name}` that it may use"))
        })
    }

    /// Says something and passes on what comes of it, to the end of all work.
    pub(super) async fn say(
        &mut self,
        prompt: &Prompt,
        text: String,
        (policy, approver): (Permission, &dyn Approver),
        steps: &mpsc::Sender<Step>,
    ) -> Result<(), BackendError> {
        self.heard.store(true, Ordering::SeqCst);
        self.working = true;
        self.new = false;
        let message = wire::plain_message(text);
        let id = self.send(json!({"type": "prompt", "message": message})).await?;
        let (mut usage, mut failed, mut old_end) = (Usage::default(), None, false);
        loop {
            let line = if old_end {
                // More may follow: another round begins within a moment, or none does.
                match tokio::time::timeout(SILENCE, self.next()).await {
                    Ok(line) => line?,
                    Err(_) => break,
                }
            } else {
                self.next().await?
            };
            match line {
                Line::Step(step) => {
                    old_end = false;
                    steps.send(self.mask.step(step)).await.map_err(|_| BackendError::Unheard)?;
                }
                Line::Said { usage: more, error } => {
                    usage = usage.plus(more);
                    failed = error;
                    let told = steps.send(Step::Usage(usage)).await;
                    told.map_err(|_| BackendError::Unheard)?;
                }
                Line::RoundEnded { settled_follows } => old_end = !settled_follows,
                Line::Settled => break,
                Line::Response { id: of, result: Err(why) } if of == id => {
                    self.rest();
                    return Err(BackendError::Broken(why));
                }
                Line::Asked(asked) => self.decide(&asked, prompt, policy, approver).await?,
                Line::Response { .. } | Line::Other => {}
            }
        }
        self.rest();
        failed.map_or(Ok(()), |why| Err(BackendError::Broken(why)))
    }

    fn rest(&mut self) {
        self.working = false;
        self.heard.store(false, Ordering::SeqCst);
        while self.lines.try_recv().is_ok() {}
    }

    async fn decide(
        &mut self,
        asked: &Asked,
        prompt: &Prompt,
        policy: Permission,
        approver: &dyn Approver,
    ) -> Result<(), BackendError> {
        let allowed = match policy {
            Permission::AllowAll => true,
            Permission::Ask | Permission::AllowReads if asked.yes.is_some() => {
                let question = Question {
                    run_id: prompt.run_id.clone(),
                    session_key: prompt.session_key.clone(),
                    agent_id: prompt.agent_id.clone(),
                    tool_call_id: asked.id.clone(),
                    command: asked.title.clone(),
                    cwd: Some(self.cwd.clone()),
                    always: false,
                };
                approver.ask(question).await != Decision::Deny
            }
            Permission::Deny | Permission::Ask | Permission::AllowReads => false,
        };
        self.write(&wire::answer(asked, allowed)).await
    }

    /// Sends a request and waits for its answer.
    async fn ask(&mut self, request: Value) -> Result<Value, BackendError> {
        self.heard.store(true, Ordering::SeqCst);
        let id = self.send(request).await?;
        let answer = async {
            loop {
                if let Line::Response { id: of, result } = self.next().await?
                    && of == id
                {
                    return result.map_err(BackendError::Unwished);
                }
            }
        };
        tokio::time::timeout(ANSWER_WITHIN, answer).await.unwrap_or_else(|_| {
            let text = format!("it does not answer within {} s", ANSWER_WITHIN.as_secs());
            Err(BackendError::Program(text))
        })
    }

    async fn send(&mut self, mut request: Value) -> Result<String, BackendError> {
        self.requests += 1;
        let id = self.requests.to_string();
        request["id"] = json!(id);
        self.write(&request).await?;
        Ok(id)
    }

    async fn write(&mut self, record: &Value) -> Result<(), BackendError> {
        let line = format!("{record}\n");
        let written = self.input.write_all(line.as_bytes()).await;
        if written.is_err() || self.input.flush().await.is_err() {
            return Err(self.died().await);
        }
        Ok(())
    }

    async fn next(&mut self) -> Result<Line, BackendError> {
        match self.lines.recv().await {
            Some(line) => Ok(line),
            None => Err(self.died().await),
        }
    }

    async fn died(&mut self) -> BackendError {
        let how = self.group.ended().await;
        BackendError::Died(format!("{how}{}", self.asides.last().await))
    }
}

impl Worker for Live {
    fn alive(&self) -> bool {
        !self.lines.is_closed()
    }

    fn quiet(&mut self) -> BoxFuture<'_, ()> {
        async {
            if self.working {
                // What waits behind would go on by itself.
                let queue = self.send(json!({"type": "clear_queue"})).await;
                let called_off = match queue {
                    Ok(_) => self.ask(json!({"type": "abort"})).await,
                    Err(error) => Err(error),
                };
                if called_off.is_err() && self.alive() {
                    // It stays in its seat as one that is not quiet, and is killed.
                    std::future::pending::<()>().await;
                }
            }
            self.rest();
        }
        .boxed()
    }
}

/// Reads all its lines, passing those on that somebody takes.
async fn hear(
    mut from: FramedRead<tokio::process::ChildStdout, LinesCodec>,
    to: mpsc::Sender<Line>,
    heard: Arc<AtomicBool>,
) {
    while let Some(line) = from.next().await {
        let Ok(line) = line else {
            tracing::warn!("Pi says too long a line, or none that can be read");
            return;
        };
        if line.is_empty() {
            continue;
        }
        match wire::read(&line) {
            Ok(Line::Other) => {}
            Ok(line) if heard.load(Ordering::SeqCst) => {
                if to.send(line).await.is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "a line of Pi's that is none of its format"),
        }
    }
}
