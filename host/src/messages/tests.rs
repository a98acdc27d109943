//! The pipe as a whole, over a real store, with an agent and plugins that do as they are told.

mod album;
mod inbound;
mod media;
mod outbound;
mod progress;
mod queue;
mod targets;

use super::{ChannelPolicy, DmPolicy, Flow, Messages, Senders, Settings};
use crate::{
    agent::{Outcome, OutcomeStatus, Turn, Turns},
    clock::Clock,
    plugins::{Attempt, ChannelFacts, Inbox, PluginEvent},
    store::Store,
};
use futures_util::{FutureExt, future::BoxFuture};
use jackfield_plugin_api::{
    error::SendError,
    event::{ConversationKind, Event, InboundMessage, Place, Sender},
    fetch::{Fetch, Fetched, Reconciled},
    frame::{Accepted, Cursor},
    manifest::{Capabilities, Limits},
    outbound::{Outbound, Receipt},
};
use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What must be said to nobody.
const SECRET: &str = "s3cret-of-the-gateway";

/// Ids as the platforms we know write them: whole numbers, negative ones for groups, snowflakes,
/// letters and digits with and without a team, phone numbers, addresses with a domain for people,
/// hidden people and groups, UUIDs, groups in base64, chats that name their service, handles.
pub(super) const FORMS: [&str; 14] = [
    "123456789",
    "-1001234567890",
    "184029384756473829",
    "U012AB3CDEF",
    "T01:U02",
    "C012AB3CDEF",
    "4915112345678@s.example.net",
    "98765432109876@lid",
    "120363025246125486@g.example.net",
    "+4915112345678",
    "8c5a1a3e-4f0c-4d8b-9a5e-0d8f6f0f9b1a",
    "group.OyBhIGdyb3VwICE=",
    "any;-;mail@example.org",
    "@ada_l",
];

/// Echoes. `hang` never ends by itself, `fail` fails, `lost` ends without being stored, `silent` says
/// nothing.
struct FakeTurns {
    store: Store,
    /// What runs under way have said so far, and the whole answer of `grow`, which ends when it is
    /// told.
    partial: Mutex<String>,
    off: Notify,
    me: Weak<Self>,
    ran: Mutex<Vec<(String, String)>>,
}

impl Turns for FakeTurns {
    fn run(&self, turn: Turn) -> BoxFuture<'static, Outcome> {
        let told = crate::agent::told(&turn.text, &turn.files);
        self.ran.lock().unwrap().push((turn.session_key.clone(), told));
        let (store, this) = (self.store.clone(), Arc::clone(&self.me.upgrade().unwrap()));
        async move {
            let (status, text) = match turn.text.as_str() {
                "hang" => {
                    this.off.notified().await;
                    (OutcomeStatus::Aborted, String::new())
                }
                "grow" => {
                    this.off.notified().await;
                    (OutcomeStatus::Ok, this.partial.lock().unwrap().clone())
                }
                "fail" | "lost" => (OutcomeStatus::Error, String::new()),
                "silent" => (OutcomeStatus::Ok, String::new()),
                text => (OutcomeStatus::Ok, format!("echo {text}")),
            };
            let outcome = Outcome { status, text, error: None };
            if let (true, Some(hook)) = (turn.text != "lost", turn.commit) {
                let kept = outcome.clone();
                store.write(move |c| hook(c, &kept)).await.unwrap();
            }
            outcome
        }
        .boxed()
    }

    fn partial(&self, _: &str) -> Option<String> {
        Some(self.partial.lock().unwrap().clone())
    }

    fn supersede(&self, _: &str, _: &str) -> BoxFuture<'static, ()> {
        self.off.notify_one();
        std::future::ready(()).boxed()
    }
}

/// Answers as told, else with success; keeps what it was asked.
#[derive(Default)]
struct FakeSenders {
    limits: Limits,
    hangs: bool,
    types: bool,
    edits: bool,
    /// The next fetch finds no plugin.
    away: AtomicBool,
    asked: Mutex<Vec<Attempt>>,
    answers: Mutex<VecDeque<Result<Receipt, SendError>>>,
    /// What the platform knows of uncertain attempts; without more, nothing.
    known: Mutex<VecDeque<Option<Reconciled>>>,
}

impl FakeSenders {
    fn will_answer(&self, answer: Result<Receipt, SendError>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    fn texts(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|attempt| match &attempt.body {
                Outbound::Message { text, .. } => text.clone(),
                other => format!("{other:?}"),
            })
            .collect()
    }
}

impl Senders for FakeSenders {
    fn send(&self, _: &str, attempt: Attempt) -> BoxFuture<'_, Result<Receipt, SendError>> {
        self.asked.lock().unwrap().push(attempt);
        if self.hangs {
            return std::future::pending().boxed();
        }
        let number = self.asked.lock().unwrap().len();
        let done = Receipt { message: Some(format!("out-{number}").into()), ..Receipt::default() };
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(done));
        std::future::ready(answer).boxed()
    }

    fn fetch(&self, _: &str, wanted: Fetch) -> BoxFuture<'_, Result<Fetched, SendError>> {
        let found = match wanted.handle.as_str() {
            "gone" => Err(SendError::permanent("gone", "the platform has no such file")),
            "link" => {
                std::os::unix::fs::symlink("/etc/passwd", &wanted.path).unwrap();
                Ok(Fetched::default())
            }
            _ if !self.away.swap(false, Ordering::SeqCst) => {
                std::fs::write(&wanted.path, &wanted.handle).unwrap();
                Ok(Fetched { mime: Some("text/plain".into()), ..Fetched::default() })
            }
            _ => Err(SendError::retryable("plugin_not_running", "it is away")),
        };
        std::future::ready(found).boxed()
    }

    fn spool(&self, _: &str) -> Option<PathBuf> {
        None
    }

    fn reconcile(&self, _: &str, _: Attempt) -> BoxFuture<'_, Option<Reconciled>> {
        let known = self.known.lock().unwrap().pop_front();
        std::future::ready(known.unwrap_or(Some(Reconciled::Unknown))).boxed()
    }

    fn facts(&self, channel: &str) -> Option<ChannelFacts> {
        matches!(channel, "line" | "open").then(|| ChannelFacts {
            label: "Line".into(),
            capabilities: Capabilities {
                messages: true,
                reply: true,
                typing: self.types,
                edit: self.edits,
                ..Capabilities::default()
            },
            limits: self.limits.clone(),
        })
    }
}

/// A running pipe over the state in a directory.
struct Rig {
    store: Store,
    turns: Arc<FakeTurns>,
    senders: Arc<FakeSenders>,
    messages: Arc<Messages>,
}

impl Rig {
    async fn start(state_dir: &Path, senders: FakeSenders, clock: Clock) -> Self {
        Self::flowing(state_dir, senders, clock, Flow::default()).await
    }

    async fn flowing(state_dir: &Path, senders: FakeSenders, clock: Clock, flow: Flow) -> Self {
        let policy = ChannelPolicy { allow_from: vec!["42".into()], ..ChannelPolicy::default() };
        let open = ChannelPolicy {
            dm_policy: DmPolicy::Open,
            group_allow_from: vec!["42".into()],
            ..ChannelPolicy::default()
        };
        let channels = HashMap::from([("line".to_owned(), policy), ("open".to_owned(), open)]);
        let store = Store::open(state_dir).unwrap();
        let turns = Arc::new_cyclic(|me| FakeTurns {
            store: store.clone(),
            partial: Mutex::default(),
            off: Notify::new(),
            me: Weak::clone(me),
            ran: Mutex::default(),
        });
        let flows = HashMap::from([("line".to_owned(), flow), ("open".to_owned(), flow)]);
        let senders = Arc::new(senders);
        let messages = Messages::start(
            store.clone(),
            clock,
            Settings {
                channels,
                flows,
                own_addresses: HashMap::new(),
                media: state_dir.join("media"),
                default_agent: "main".into(),
                secrets: vec![crate::config::Secret::new(SECRET)],
            },
            Arc::clone(&turns) as Arc<dyn Turns>,
            Arc::clone(&senders) as Arc<dyn Senders>,
            TaskTracker::new(),
            CancellationToken::new(),
        )
        .await
        .unwrap();
        Self { store, turns, senders, messages }
    }

    async fn plain(state_dir: &Path) -> Self {
        Self::start(state_dir, FakeSenders::default(), Clock::system()).await
    }

    async fn accept(&self, event: PluginEvent) -> Accepted {
        self.messages.accept(event).await
    }

    fn ran(&self) -> Vec<String> {
        self.turns.ran.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }

    /// Until nothing is left to do and all of it is counted: rows are committed before they count.
    async fn until_settled(&self) {
        self.until(|b| b.inbound_pending == 0 && b.outbound_pending == 0).await;
        let counted = async {
            while self.messages.counters().pending > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), counted).await.expect("each end is counted");
    }

    async fn until(&self, reached: impl Fn(super::Backlog) -> bool) {
        let wait = async {
            while !reached(self.messages.backlog().await.unwrap()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the work gets done");
    }

    async fn until_ran(&self, count: usize) {
        let wait = async {
            while self.ran().len() < count {
                self.messages.backlog().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("the turns begin");
    }
}

/// What a killed process leaves behind: the files as they are.
fn crash_image(state_dir: &Path) -> tempfile::TempDir {
    let image = tempfile::tempdir().unwrap();
    for name in ["journal.db", "journal.db-wal"] {
        std::fs::copy(state_dir.join(name), image.path().join(name)).unwrap();
    }
    image
}

fn message(key: &str, from: &str, text: &str) -> PluginEvent {
    PluginEvent {
        channel: "line".into(),
        account: "default".into(),
        dedupe_key: key.into(),
        cursor: Some(Cursor { stream: String::new(), value: key.into() }),
        album: None,
        body: Event::Message(InboundMessage {
            place: Place {
                conversation: format!("chat-{from}").into(),
                kind: ConversationKind::Direct,
                title: None,
                thread: None,
            },
            sender: Sender {
                id: from.into(),
                name: Some("Ann".into()),
                username: None,
                bot: false,
                own: false,
            },
            message: key.into(),
            text: text.into(),
            attachments: vec![],
            reply_to: None,
            mentioned: false,
            sent_at_ms: None,
        }),
    }
}
