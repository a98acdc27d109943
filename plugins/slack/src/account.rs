//! One login: its tokens, who it is, its link, and what it remembers between two events.
//!
//! Must not know: how events come in, how things go out.

mod direct;
mod progress;
mod stream;
mod threads;

pub(crate) use direct::Direct;
pub(crate) use progress::Progress;
pub(crate) use threads::Threads;

use crate::{
    client::Api, config::Settings, directory::Directory, error::ApiError, inbound::Me,
    receive::Pace,
};
use jackfield_plugin_api::{
    Account, Host, Resume,
    link::{LinkReport, LinkState},
    serde_json::Value,
    tokio::{
        sync::watch,
        time::{Instant, timeout},
    },
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use stream::Stream;

/// How long an end waits for what is under way.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// How long a question whether it works waits for a first connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(8);

/// What the bot token is asked for, and what fails without it.
const SCOPES: [(&str, &str); 13] = [
    ("chat:write", "sending"),
    ("app_mentions:read", "being called in channels"),
    ("channels:history", "reading public channels"),
    ("groups:history", "reading private channels"),
    ("im:history", "reading direct messages"),
    ("mpim:history", "reading group messages"),
    ("im:write", "beginning direct messages"),
    ("users:read", "names of people"),
    ("channels:read", "names of channels"),
    ("reactions:read", "seeing reactions"),
    ("reactions:write", "reacting"),
    ("files:read", "receiving files"),
    ("files:write", "sending files"),
];

pub(crate) struct Workspace {
    pub(crate) account: Account,
    pub(crate) settings: Settings,
    pub(crate) bot: Api,
    pub(crate) app: Option<Api>,
    pub(crate) directory: Directory,
    pub(crate) direct: Direct,
    pub(crate) threads: Threads,
    pub(crate) progress: Progress,
    pub(crate) stream: Stream,
    pub(crate) pace: Pace,
    me: watch::Sender<Option<Arc<Me>>>,
    /// Open connections.
    sockets: watch::Sender<usize>,
    standing: Mutex<Standing>,
    /// Ends what listens now; a new one for each time it begins.
    over: Mutex<Option<watch::Sender<bool>>>,
}

#[derive(Default)]
struct Standing {
    /// Reported last, so that nothing is reported twice.
    reported: Option<(LinkState, String)>,
    /// Scopes that the token lacks, with what fails without them.
    lacking: Vec<&'static str>,
    /// Of any connection.
    round_trip: Option<Instant>,
}

impl Workspace {
    pub(crate) fn new(
        host: &Host,
        http: &reqwest::Client,
        settings: Settings,
        pace: Pace,
        resume: &Resume,
    ) -> Arc<Self> {
        let api = |token| Api::new(http.clone(), &settings.api_base, token);
        let id = settings.account.clone();
        let exported = resume.state.as_ref().map(|state| &state.data["threads"][id.as_str()]);
        Arc::new(Self {
            bot: api(&settings.bot_token),
            app: settings.app_token.as_ref().map(api),
            account: host.account(id.clone()),
            directory: Directory::default(),
            direct: Direct::default(),
            threads: Threads::new(exported.unwrap_or(&Value::Null)),
            progress: Progress::default(),
            stream: Stream::new(resume, &id),
            pace,
            me: watch::Sender::new(None),
            sockets: watch::Sender::new(0),
            standing: Mutex::default(),
            over: Mutex::default(),
            settings,
        })
    }

    /// Who this account is, once Slack has said so.
    pub(crate) fn me(&self) -> Option<Arc<Me>> {
        self.me.borrow().clone()
    }

    /// Asks Slack who this account is: proof that the bot token works.
    pub(crate) async fn introduce(&self) -> Result<Arc<Me>, ApiError> {
        let (answer, scopes) = self.bot.call_with_scopes("auth.test", &Vec::new()).await?;
        let text = |key: &str| answer[key].as_str().map(str::to_owned);
        let me = Arc::new(Me {
            user: text("user_id").unwrap_or_default(),
            bot: text("bot_id"),
            name: text("user").unwrap_or_default(),
            team: text("team").unwrap_or_default(),
        });
        if let Some(scopes) = scopes {
            self.note_scopes(&scopes);
        }
        self.me.send_replace(Some(Arc::clone(&me)));
        Ok(me)
    }

    fn note_scopes(&self, granted: &str) {
        let granted: Vec<&str> = granted.split(',').map(str::trim).collect();
        let lacking: Vec<_> = SCOPES.iter().filter(|(scope, _)| !granted.contains(scope)).collect();
        let mut standing = self.standing();
        let names: Vec<&'static str> = lacking.iter().map(|(scope, _)| *scope).collect();
        if names == standing.lacking {
            return;
        }
        standing.lacking = names;
        for (scope, what) in lacking {
            let account = self.account.id().as_str();
            jackfield_plugin_api::tracing::warn!(
                account,
                scope,
                "the bot token lacks a scope: {what}"
            );
        }
    }

    /// The scopes the token lacks, as a part of a sentence.
    pub(crate) fn lacking(&self) -> String {
        match self.standing().lacking.as_slice() {
            [] => String::new(),
            lacking => format!("; the bot token lacks {}", lacking.join(", ")),
        }
    }

    /// Reports the link, if it changed.
    pub(crate) async fn report(&self, state: LinkState, detail: impl Into<String>) {
        let detail = detail.into();
        {
            let mut standing = self.standing();
            let now = Some((state, detail.clone()));
            if standing.reported == now {
                return;
            }
            standing.reported = now;
        }
        let me = self.me();
        let identity = me.map(|me| format!("@{} in {}", me.name, me.team));
        let account = self.account.id().clone();
        let report = LinkReport { account, state, detail: Some(detail), identity };
        self.account.host().link(report).await;
    }

    /// A failed call may have been the news that the token is dead.
    pub(crate) async fn note(&self, error: &ApiError) {
        if error.is_dead_token() {
            self.report(LinkState::NeedsLogin, error.to_string()).await;
        }
    }

    /// Begins to listen; whatever listened before is over.
    pub(crate) fn listen(self: &Arc<Self>) {
        let over = watch::Sender::new(false);
        let listening = crate::receive::live(Arc::clone(self), over.subscribe());
        if let Some(before) = self.over().replace(over) {
            before.send_replace(true);
        }
        self.account.host().spawn(listening);
    }

    /// Stops listening and waits until all that listened has ended.
    pub(crate) async fn end(&self) {
        let Some(over) = self.over().take() else { return };
        over.send_replace(true);
        let _ = timeout(END_PATIENCE, over.closed()).await;
    }

    /// Whether anything may be taken from Slack.
    pub(crate) fn is_listening(&self) -> bool {
        self.over().is_some()
    }

    /// A connection carries events; true when it is the first.
    pub(crate) fn socket_opened(&self) -> bool {
        self.round_trip();
        self.sockets.send_modify(|open| *open += 1);
        self.sockets() == 1
    }

    /// A connection ended; true when it was the last.
    pub(crate) fn socket_closed(&self) -> bool {
        self.sockets.send_modify(|open| *open = open.saturating_sub(1));
        self.sockets() == 0
    }

    pub(crate) fn round_trip(&self) {
        self.standing().round_trip = Some(Instant::now());
    }

    /// Open connections.
    pub(crate) fn sockets(&self) -> usize {
        *self.sockets.borrow()
    }

    /// How long ago a connection proved to be alive, once one is open; a moment is waited for that.
    pub(crate) async fn proved_alive(&self) -> Option<Duration> {
        let mut open = self.sockets.subscribe();
        timeout(CONNECT_PATIENCE, open.wait_for(|open| *open > 0)).await.ok()?.ok()?;
        self.standing().round_trip.map(|at| at.elapsed())
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn over(&self) -> MutexGuard<'_, Option<watch::Sender<bool>>> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
