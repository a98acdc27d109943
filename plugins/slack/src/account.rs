//! One login: its tokens, who it is, its link, and what it remembers between two events.
//!
//! Must not know: how events come in, how things go out.

mod direct;
mod introduce;
mod kept;
mod progress;
mod scopes;
mod signs;
mod stream;
mod threads;
mod uploads;

pub(crate) use direct::Direct;
pub(crate) use introduce::one_app;
pub(crate) use progress::Progress;
#[cfg(test)]
pub(crate) use scopes::asked_for;
pub(crate) use signs::{Requests, Signs};
pub(crate) use threads::Threads;
pub(crate) use uploads::Uploads;

use crate::{
    client::Api, config::Settings, directory::Directory, error::ApiError, inbound::Me,
    receive::Pace,
};
use jackfield_plugin_api::{
    Account, Host, Resume,
    link::{LinkReport, LinkState},
    tokio::{
        sync::{Mutex as AsyncMutex, Semaphore, watch},
        time::{Instant, timeout},
    },
};
use kept::Kept;
use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::Duration,
};
use stream::Stream;

/// How long an end waits for what is under way.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// How long a question whether it works waits for a first connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(8);

/// One look back runs and one waits.
const LOOKS_MAX: usize = 2;

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
    pub(crate) uploads: Uploads,
    /// Places for looks back: one runs, one waits.
    pub(crate) looks: Semaphore,
    pub(crate) looking: AsyncMutex<()>,
    pub(crate) pace: Pace,
    me: watch::Sender<Option<Arc<Me>>>,
    /// Open connections.
    sockets: watch::Sender<usize>,
    standing: Mutex<Standing>,
    /// Accounts of the same app in other workspaces.
    siblings: OnceLock<Vec<Weak<Workspace>>>,
    /// Ends what listens now; a new one for each time it begins.
    over: Mutex<Option<watch::Sender<bool>>>,
}

#[derive(Default)]
struct Standing {
    /// Reported last, so that nothing is reported twice.
    reported: Option<(LinkState, String)>,
    /// Scopes that the token lacks, with what fails without them.
    lacking: Vec<&'static str>,
    /// The token lasts half a day.
    expires: bool,
    signs: Signs,
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
        let kept = |thing| Kept::new(host.state_dir(), thing, id.as_str());
        Arc::new(Self {
            bot: api(&settings.bot_token),
            app: settings.app_token.as_ref().map(api),
            account: host.account(id.clone()),
            directory: Directory::default(),
            direct: Direct::default(),
            threads: Threads::new(exported, kept("threads")),
            uploads: Uploads::new(kept("uploads")),
            looks: Semaphore::new(LOOKS_MAX),
            looking: AsyncMutex::default(),
            progress: Progress::default(),
            stream: Stream::new(resume, &id),
            pace,
            me: watch::Sender::new(None),
            sockets: watch::Sender::new(0),
            standing: Mutex::default(),
            siblings: OnceLock::new(),
            over: Mutex::default(),
            settings,
        })
    }

    /// Who this account is, once Slack has said so.
    pub(crate) fn me(&self) -> Option<Arc<Me>> {
        self.me.borrow().clone()
    }

    /// Makes accounts of one app known to each other.
    pub(crate) fn acquaint(all: &[Arc<Self>]) {
        for one in all {
            let same = |other: &&Arc<Self>| {
                !Arc::ptr_eq(one, other) && one.settings.shares_app(&other.settings)
            };
            let siblings = all.iter().filter(same).map(Arc::downgrade).collect();
            let _ = one.siblings.set(siblings); // done once
        }
    }

    /// Accounts of the same app in other workspaces.
    pub(crate) fn siblings(&self) -> impl Iterator<Item = Arc<Self>> {
        self.siblings.get().into_iter().flatten().filter_map(Weak::upgrade)
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

    /// Whether a person was asked to act.
    pub(crate) fn is_doubted(&self) -> bool {
        matches!(self.standing().reported, Some((LinkState::NeedsLogin, _)))
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
        self.standing().signs.round_trip = Some(Instant::now());
    }

    /// Something was delivered.
    pub(crate) fn note_delivery(&self) {
        self.standing().signs.heard = Some(Instant::now());
    }

    /// Changes or reads what was noticed on the way in.
    pub(crate) fn signs<T>(&self, with: impl FnOnce(&mut Signs) -> T) -> T {
        with(&mut self.standing().signs)
    }

    /// Open connections.
    pub(crate) fn sockets(&self) -> usize {
        *self.sockets.borrow()
    }

    /// How long ago a connection proved to be alive, once one is open; a moment is waited for that.
    pub(crate) async fn proved_alive(&self) -> Option<Duration> {
        let mut open = self.sockets.subscribe();
        timeout(CONNECT_PATIENCE, open.wait_for(|open| *open > 0)).await.ok()?.ok()?;
        self.standing().signs.round_trip.map(|at| at.elapsed())
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn over(&self) -> MutexGuard<'_, Option<watch::Sender<bool>>> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
