//! One running agent: the connection to it, the conversation it is in, and the turn it works on.

use super::{
    ear::{Ear, Listening},
    tools::Calls,
};
use crate::{
    agent::{
        Approver, Question,
        backend::{BackendError, Prompt, Usage, Wishes},
        mailbox::Mailbox,
        program::{Program, Running},
        seats::Worker,
    },
    config::agent::Permission,
};
use agent_client_protocol::{
    Agent, Client, Lines,
    schema::ProtocolVersion,
    v1::{
        ConnectionTo,
        schema::{
            CancelNotification, ContentBlock, Implementation, InitializeRequest,
            LoadSessionRequest, NewSessionRequest, PromptRequest, RequestPermissionRequest,
            RequestPermissionResponse, SessionConfigKind, SessionConfigOption,
            SessionConfigOptionCategory as Category, SessionConfigOptionValue,
            SessionConfigSelectOptions, SessionId, SessionNotification,
            SetSessionConfigOptionRequest, StopReason, TextContent, Usage as Tokens,
        },
    },
};
use futures_util::{FutureExt, SinkExt, TryStreamExt, future::BoxFuture};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::{oneshot, watch};
use tokio_util::{
    codec::{FramedWrite, LinesCodec, LinesCodecError},
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

/// How long an agent may take to start, or to open a conversation.
const OPEN_WITHIN: Duration = Duration::from_mins(1);

type TurnEnd = oneshot::Receiver<Result<(StopReason, Option<Tokens>), String>>;

/// A running agent. Dropped, its process group is killed.
pub(super) struct Live {
    agent: ConnectionTo<Agent>,
    ear: Arc<Ear>,
    cwd: PathBuf,
    loads: bool,
    talk: Option<Talk>,
    turn: Option<TurnEnd>,
    tracker: TaskTracker,
    /// Why it ended, once it has.
    over: watch::Receiver<Option<String>>,
    _ends_with_this: DropGuard,
}

struct Talk {
    id: SessionId,
    /// The transcript it belongs to.
    of: String,
    options: Vec<SessionConfigOption>,
    /// The options as they were at first.
    first: Vec<SessionConfigOption>,
}

/// How an agent entered a conversation.
pub(super) struct Entered {
    /// Its own name for it, when that is new.
    pub(super) new_id: Option<String>,
    /// It knows what was said before.
    pub(super) remembers: bool,
}

impl Live {
    /// Starts the program and greets it.
    pub(super) async fn start(
        program: &Program,
        policy: Permission,
        approver: Arc<dyn Approver>,
    ) -> Result<Self, BackendError> {
        let running = program.start("", &[]).map_err(BackendError::Program)?;
        let ear = Arc::new(Ear::new(policy, approver));
        let (ready, agent) = oneshot::channel();
        let (tell, mut over) = watch::channel(None);
        let end = CancellationToken::new();
        let connection = connect(running, Arc::clone(&ear), ready, program.clone());
        let (ended, stop) = (end.clone(), program.ground.stop.clone());
        program.ground.tracker.spawn(async move {
            let why = tokio::select! {
                why = connection => why,
                () = ended.cancelled() => "it was ended".to_owned(),
                () = stop.cancelled() => "the gateway stops".to_owned(),
            };
            tell.send_replace(Some(why));
        });
        let guard = end.drop_guard();
        let Ok(agent) = agent.await else { return Err(gone(&mut over).await) };
        let hello = InitializeRequest::new(ProtocolVersion::V1)
            .client_info(Implementation::new("jackfield", env!("CARGO_PKG_VERSION")));
        let answer = timely(&mut over, agent.send_request(hello).block_task()).await?;
        Ok(Self {
            agent,
            ear,
            cwd: program.cwd(),
            loads: answer.agent_capabilities.load_session,
            talk: None,
            turn: None,
            tracker: program.ground.tracker.clone(),
            over,
            _ends_with_this: guard,
        })
    }

    /// Enters the conversation of a prompt: the one it is in, the one it had, or a new one.
    pub(super) async fn enter(&mut self, prompt: &mut Prompt) -> Result<Entered, BackendError> {
        if self.talk.as_ref().is_some_and(|talk| talk.of == prompt.session_id) {
            return Ok(Entered { new_id: None, remembers: true });
        }
        self.talk = None;
        if let Some(id) = prompt.known_as.take().filter(|_| self.loads) {
            let ask = LoadSessionRequest::new(id.clone(), self.cwd.clone());
            match timely(&mut self.over, self.agent.send_request(ask).block_task()).await {
                Ok(loaded) => {
                    let options = loaded.config_options.unwrap_or_default();
                    self.talk = Some(Talk::new(id.into(), prompt, options));
                    return Ok(Entered { new_id: None, remembers: true });
                }
                // Some say they can and cannot; a new conversation is told the old one.
                Err(error) if self.alive() => tracing::warn!(
                    conversation = prompt.session_key,
                    %error,
                    "the agent lost a conversation; it begins anew and is told what was said"
                ),
                Err(error) => return Err(error),
            }
        }
        let ask = NewSessionRequest::new(self.cwd.clone());
        let made = timely(&mut self.over, self.agent.send_request(ask).block_task()).await?;
        let new_id = Some(made.session_id.to_string());
        let options = made.config_options.unwrap_or_default();
        self.talk = Some(Talk::new(made.session_id, prompt, options));
        Ok(Entered { new_id, remembers: false })
    }

    /// Names of the models it can think with, the current one first.
    pub(super) fn models(&self) -> Vec<String> {
        let Some(talk) = &self.talk else { return Vec::new() };
        let Some((_, current, mut names)) = select(&talk.options, &Category::Model) else {
            return Vec::new();
        };
        names.sort_by_key(|name| *name != current);
        names
    }

    /// Sets what is wished for, or what it was at first.
    pub(super) async fn choose(&mut self, wishes: &Wishes) -> Result<(), BackendError> {
        self.set(&Category::Model, wishes.model.as_deref(), "model").await?;
        self.set(&Category::ThoughtLevel, wishes.thinking.as_deref(), "thinking level").await
    }

    async fn set(
        &mut self,
        category: &Category,
        wish: Option<&str>,
        what: &str,
    ) -> Result<(), BackendError> {
        let Some(talk) = &mut self.talk else { return Ok(()) };
        let Some((id, current, names)) = select(&talk.options, category) else {
            return match wish {
                // What an agent has no say in is as it is.
                None | Some("off") => Ok(()),
                Some(_) => {
                    Err(BackendError::Unwished(format!("this agent has no {what} to choose")))
                }
            };
        };
        let first = select(&talk.first, category).map(|(_, first, _)| first);
        let wish = wish.map(|wish| wish.strip_prefix("acp/").unwrap_or(wish).to_owned());
        let Some(wanted) = wish.or(first) else { return Ok(()) };
        if wanted == current {
            return Ok(());
        }
        if !names.contains(&wanted) {
            let known = names.join(", ");
            let text = format!("unknown {what} `{wanted}`; this agent has {known}");
            return Err(BackendError::Unwished(text));
        }
        let value = SessionConfigOptionValue::value_id(wanted);
        let ask = SetSessionConfigOptionRequest::new(talk.id.clone(), id, value);
        let set = timely(&mut self.over, self.agent.send_request(ask).block_task()).await?;
        talk.options = set.config_options;
        Ok(())
    }

    /// Says something; what comes of it arrives in the mailbox until [`Live::ended`].
    pub(super) fn say(
        &mut self,
        prompt: &Prompt,
        text: String,
        mailbox: Arc<Mailbox>,
    ) -> Result<(), BackendError> {
        let Some(talk) = &self.talk else { return Err(BackendError::Unheard) };
        let template = Question {
            run_id: prompt.run_id.clone(),
            session_key: prompt.session_key.clone(),
            agent_id: prompt.agent_id.clone(),
            tool_call_id: String::new(),
            command: String::new(),
            cwd: Some(self.cwd.display().to_string()),
            always: false,
        };
        self.ear.listen(Some(Listening {
            talk: talk.id.clone(),
            mailbox,
            template,
            calls: Calls::default(),
            off: CancellationToken::new(),
        }));
        let blocks = vec![ContentBlock::Text(TextContent::new(text))];
        let sent = self.agent.send_request(PromptRequest::new(talk.id.clone(), blocks));
        let (tell, turn) = oneshot::channel();
        // A task of its own: the run that waits may be dropped, the turn goes on until it is called off.
        self.tracker.spawn(async move {
            let ended = sent.block_task().await;
            let ended = ended.map(|end| (end.stop_reason, end.usage));
            let _ = tell.send(ended.map_err(|error| error.to_string()));
        });
        self.turn = Some(turn);
        Ok(())
    }

    /// Waits for the end of the turn, and how many tokens it took if the agent tells.
    pub(super) async fn ended(&mut self) -> Result<Option<Usage>, BackendError> {
        let Some(turn) = &mut self.turn else { return Err(BackendError::Unheard) };
        let ended = turn.await;
        self.turn = None;
        self.ear.listen(None);
        match ended {
            Ok(Ok((StopReason::Refusal, _))) => {
                Err(BackendError::Broken("the agent refuses to answer".to_owned()))
            }
            Ok(Ok((StopReason::Cancelled, _))) => {
                Err(BackendError::Broken("the agent called its own answer off".to_owned()))
            }
            Ok(Ok((_, tokens))) => Ok(tokens.map(|tokens| counted(&tokens))),
            // A process that ends takes its connection with it a moment earlier or later.
            Ok(Err(error)) => match over_soon(&mut self.over).await {
                Some(why) => Err(BackendError::Died(why)),
                None => Err(BackendError::Broken(error)),
            },
            Err(_) => Err(gone(&mut self.over).await),
        }
    }
}

impl Worker for Live {
    fn alive(&self) -> bool {
        self.over.borrow().is_none()
    }

    fn quiet(&mut self) -> BoxFuture<'_, ()> {
        async {
            let Some(turn) = &mut self.turn else { return };
            self.ear.call_off();
            if let Some(talk) = &self.talk {
                // A connection that is gone needs no calling off.
                let _ = self.agent.send_notification(CancelNotification::new(talk.id.clone()));
            }
            let _ = turn.await;
            self.turn = None;
            self.ear.listen(None);
        }
        .boxed()
    }
}

impl Talk {
    fn new(id: SessionId, prompt: &Prompt, options: Vec<SessionConfigOption>) -> Self {
        Self { id, of: prompt.session_id.clone(), first: options.clone(), options }
    }
}

/// What the agent counted, as it is counted here.
fn counted(tokens: &Tokens) -> Usage {
    Usage {
        input: tokens.input_tokens,
        output: tokens.output_tokens,
        cache_read: tokens.cached_read_tokens.unwrap_or_default(),
        cache_write: tokens.cached_write_tokens.unwrap_or_default(),
        total: tokens.total_tokens,
    }
}

/// Runs the connection to its end, and answers why it ended.
async fn connect(
    running: Running,
    ear: Arc<Ear>,
    ready: oneshot::Sender<ConnectionTo<Agent>>,
    program: Program,
) -> String {
    let Running { input, lines, mut group, asides } = running;
    let outgoing =
        SinkExt::<String>::sink_map_err(FramedWrite::new(input, LinesCodec::new()), io_error);
    let transport = Lines::new(outgoing, lines.map_err(io_error));
    let (hears, asked) = (Arc::clone(&ear), ear);
    let talked = Client
        .v1()
        .on_receive_notification(
            async move |said: SessionNotification, _cx| {
                hears.hear(said);
                Ok(())
            },
            agent_client_protocol::on_receive_notification!(),
        )
        .on_receive_request(
            async move |request: RequestPermissionRequest, responder, cx| {
                // The answer may take long, and nothing else is read until this returns.
                let ear = Arc::clone(&asked);
                cx.spawn(async move {
                    let outcome = ear.decide(&request).await;
                    responder.respond(RequestPermissionResponse::new(outcome))
                })
            },
            agent_client_protocol::on_receive_request!(),
        )
        .connect_with(transport, async move |cx: ConnectionTo<Agent>| {
            let _ = ready.send(cx.clone());
            cx.incoming_closed().await;
            Ok(())
        })
        .await;
    let how = match talked {
        Ok(()) => group.ended().await,
        Err(error) => program.mask().text(&error.to_string()),
    };
    format!("{how}{}", asides.last().await)
}

fn io_error(error: LinesCodecError) -> std::io::Error {
    match error {
        LinesCodecError::Io(error) => error,
        LinesCodecError::MaxLineLengthExceeded => std::io::Error::other("it says too long a line"),
    }
}

/// Waits for an answer as long as it may take, and no longer than the process lives.
async fn timely<T>(
    over: &mut watch::Receiver<Option<String>>,
    answer: impl Future<Output = Result<T, agent_client_protocol::Error>>,
) -> Result<T, BackendError> {
    match tokio::time::timeout(OPEN_WITHIN, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => match over_soon(over).await {
            Some(why) => Err(BackendError::Program(why)),
            None => Err(BackendError::Program(error.to_string())),
        },
        Err(_) => {
            let text = format!("it does not answer within {} s", OPEN_WITHIN.as_secs());
            Err(BackendError::Program(text))
        }
    }
}

async fn over_soon(over: &mut watch::Receiver<Option<String>>) -> Option<String> {
    let wait = tokio::time::timeout(Duration::from_secs(1), over.wait_for(Option::is_some));
    wait.await.ok().and_then(Result::ok).and_then(|why| why.clone())
}

async fn gone(over: &mut watch::Receiver<Option<String>>) -> BackendError {
    let why = over_soon(over).await.unwrap_or_else(|| "the connection to it ended".to_owned());
    BackendError::Died(why)
}

/// The option of a category: its id, its value, and every value it can have.
fn select(
    options: &[SessionConfigOption],
    category: &Category,
) -> Option<(agent_client_protocol::v1::schema::SessionConfigId, String, Vec<String>)> {
    let option = options.iter().find(|option| option.category.as_ref() == Some(category))?;
    let SessionConfigKind::Select(select) = &option.kind else { return None };
    let values: Vec<String> = match &select.options {
        SessionConfigSelectOptions::Ungrouped(options) => {
            options.iter().map(|option| option.value.to_string()).collect()
        }
        SessionConfigSelectOptions::Grouped(groups) => {
            groups.iter().flat_map(|g| &g.options).map(|option| option.value.to_string()).collect()
        }
        _ => return None,
    };
    Some((option.id.clone(), select.current_value.to_string(), values))
}
