//! How events come in, from Slack to the gateway's commit: only after it is Slack told.
//!
//! Walk 1: `hold` keeps Socket Mode connections open and `connection` reads them; `webhook` answers the
//! Events API; `gap` looks back after a time without either. All hand over here, to the account that
//! `route` finds. The next step is [`crate::inbound`], then `Host::emit`.

mod beginning;
mod connection;
mod gap;
mod hold;
mod removal;
mod route;
pub(crate) mod webhook;

use crate::{
    account::Workspace,
    error::ApiError,
    inbound::{self, Delivery, Incoming, Me, View, Wanted},
};
use jackfield_plugin_api::{
    frame::Accepted,
    link::LinkState,
    tokio::{self, sync::watch, time::sleep},
    tracing,
};
use route::Owner;
use std::{sync::Arc, time::Duration};

/// Ends what listens.
type Over = watch::Receiver<bool>;

/// Times that tests make short.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Between a sign of life on a connection and the next ping.
    pub(crate) ping: Duration,
    /// Until a ping must be answered.
    pub(crate) pong: Duration,
    /// First and longest pause before connecting again.
    pub(crate) pause: Duration,
    pub(crate) pause_max: Duration,
    /// Between two proofs that the token works, where no connection proves it.
    pub(crate) proof: Duration,
    /// Slack's history may lag behind: until it is looked at again.
    pub(crate) second_look: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            ping: Duration::from_secs(20),
            pong: Duration::from_secs(10),
            pause: Duration::from_secs(1),
            pause_max: Duration::from_secs(30),
            proof: Duration::from_mins(5),
            second_look: Duration::from_millis(1500),
        }
    }
}

/// Everything that listens for one account, until it is over.
pub(crate) async fn live(workspace: Arc<Workspace>, mut over: Over) {
    workspace.report(LinkState::Connecting, "asking Slack who this is").await;
    if introduced(&workspace, &mut over).await.is_none() {
        return;
    }
    let Some(app) = workspace.app.clone() else {
        return by_request(&workspace, &mut over).await;
    };
    for _ in 0..workspace.settings.num_connections {
        let slot = hold::hold(Arc::clone(&workspace), app.clone(), over.clone());
        workspace.account.host().spawn(slot);
    }
}

/// Asks who this account is until Slack answers; `None` when it is over.
async fn introduced(workspace: &Workspace, over: &mut Over) -> Option<Arc<Me>> {
    let mut pauses = Pauses::new(workspace.pace);
    loop {
        let error = tokio::select! {
            () = ended(over) => return None,
            asked = workspace.introduce() => match asked {
                Ok(me) => return Some(me),
                Err(error) => error,
            },
        };
        let pause = if error.is_rejection() {
            tracing::error!(account = workspace.account.id().as_str(), %error, "cannot log in");
            workspace.report(LinkState::NeedsLogin, error.to_string()).await;
            // A scope that was added or an app that is allowed again needs no new token.
            workspace.pace.proof
        } else {
            workspace.report(LinkState::Retrying, error.to_string()).await;
            pauses.after(&error)
        };
        tokio::select! {
            () = ended(over) => return None,
            () = sleep(pause) => {}
        }
    }
}

/// Slack calls by itself; what can be proved from here is that the token works.
async fn by_request(workspace: &Arc<Workspace>, over: &mut Over) {
    gap::look_back(workspace).await;
    loop {
        let (state, detail) = webhook::detail(workspace);
        workspace.report(state, detail).await;
        tokio::select! {
            () = ended(over) => return,
            () = sleep(workspace.pace.proof) => {}
        }
        if introduced(workspace, over).await.is_none() {
            return;
        }
    }
}

/// What a delivery says, and to whom.
enum Prepared {
    /// Of no use to any account.
    Nothing,
    /// Events for an account, which need not be the one whose connection brought them.
    For(Arc<Workspace>, Vec<Incoming>),
    /// Nobody can tell yet whose it is: Slack must come again.
    Unsettled,
}

/// Finds the account that a delivery is for, and reads it with the names that can be had in a moment.
async fn prepare(workspace: &Arc<Workspace>, delivery: &Delivery) -> Prepared {
    workspace.note_delivery();
    let owner = match route::owner(workspace, delivery) {
        Owner::One(owner) => owner,
        Owner::Nobody => return Prepared::Nothing,
        Owner::Unsettled => return Prepared::Unsettled,
    };
    let Some(me) = owner.me() else { return Prepared::Unsettled };
    if inbound::is_removal(delivery, &me) {
        let account = owner.account.host().clone();
        account.spawn(removal::prove(owner));
        return Prepared::Nothing;
    }
    let events = read(&owner, &me, delivery).await;
    Prepared::For(owner, events)
}

/// What a delivery says to this account.
async fn read(workspace: &Workspace, me: &Me, delivery: &Delivery) -> Vec<Incoming> {
    let wanted = inbound::wanted(delivery);
    let read = read_with(workspace, me, &wanted, |view| inbound::read(delivery, view));
    let mut events = read.await;
    beginning::tell(workspace, me, &mut events).await;
    events
}

/// Reads with the names that can be had in a moment.
async fn read_with<T>(
    workspace: &Workspace,
    me: &Me,
    wanted: &Wanted,
    read: impl FnOnce(&View<'_>) -> T,
) -> T {
    let known = workspace.directory.known(&workspace.bot, wanted).await;
    read(&View {
        me,
        known: &known,
        reply_in_thread: workspace.settings.reply_in_thread,
        follows: &|conversation, thread| workspace.threads.follows(conversation, thread),
    })
}

/// Waits until the gateway keeps all of it; true then, and only then may Slack be told.
async fn settle(prepared: Prepared) -> bool {
    match prepared {
        Prepared::Nothing => true,
        Prepared::Unsettled => false,
        Prepared::For(workspace, events) => hand_over(&workspace, events).await,
    }
}

async fn hand_over(workspace: &Workspace, events: Vec<Incoming>) -> bool {
    for Incoming { key, seen, event } in events {
        let cursor = seen.as_ref().and_then(|seen| workspace.stream.cursor(seen));
        match workspace.account.emit(key, cursor, event).await {
            Ok(Accepted::Stored | Accepted::Duplicate) => {}
            _ => return false,
        }
        if let Some(seen) = seen {
            workspace.stream.advance(seen);
        }
    }
    true
}

/// Resolves when it is over.
async fn ended(over: &mut Over) {
    // An error means that the account itself is gone.
    let _ = over.wait_for(|over| *over).await;
}

/// Growing pauses with jitter.
struct Pauses {
    pace: Pace,
    failures: u32,
}

impl Pauses {
    fn new(pace: Pace) -> Self {
        Self { pace, failures: 0 }
    }

    fn reset(&mut self) {
        self.failures = 0;
    }

    /// Half of the pause is fixed and half by chance, so that many do not come back at once.
    fn next(&mut self) -> Duration {
        let whole = self.pace.pause.saturating_mul(1 << self.failures.min(10));
        let whole = whole.min(self.pace.pause_max);
        self.failures = self.failures.saturating_add(1);
        whole.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// No sooner than Slack asked for.
    fn after(&mut self, error: &ApiError) -> Duration {
        let pause = self.next();
        match error {
            ApiError::Limited(wait) => pause.max(*wait),
            _ => pause,
        }
    }
}
