//! What is known of the life that is being served, and what the lapse of time and the wish to end
//! it do to it. What its frames do is in [`hear`].
//!
//! Phases go one way: loading → greeted → starting → running → leaving → closing → killed. Must not
//! know: what comes after this life, nor why another one runs beside it.

mod hear;
mod phase;

pub(super) use phase::{HandOver, Happening, Phase, Role};

use crate::plugins::{
    Isolation, Refusal,
    carrier::{Carrier, Exit, Outgoing, encode},
    confine::Layer,
    intake::{Intake, Resolved},
    live::Live,
    refusal::{LOADING, STARTING},
    slot::Slot,
    stage::Staged,
    supervisor::{
        End, FINISH_TIME, Shared,
        start::{LOAD_TIME, Launched},
    },
    usage::Counted,
};
use jackfield_plugin_api::{
    frame::{Accepted, HostFrame, State},
    link::LinkReport,
};
use serde_json::Value;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc::error::TrySendError,
    time::{Instant, sleep_until, timeout},
};

/// How often a running plugin is asked whether it lives.
pub(super) const PING_EVERY: Duration = Duration::from_secs(5);
/// Unanswered questions after which it does not.
const MISSES_MAX: u32 = 2;
/// What is in flight may finish within this before a plugin is told to stop.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(5);
/// Between `SIGKILL` and giving up on the rest.
const KILL_TIME: Duration = Duration::from_secs(3);
/// A plugin that said it cannot go on gets this long to close.
pub(super) const FATAL_GRACE: Duration = Duration::from_secs(4);
pub(super) const FOR_EVER: Duration = Duration::from_hours(24 * 365);

/// The life being served.
pub(super) struct Life {
    pub(super) carrier: Carrier,
    pub(super) intake: Intake,
    pub(super) live: Arc<Live>,
    pub(super) shared: Arc<Shared>,
    pub(super) slot: Arc<Slot>,
    pub(super) staged: Staged,
    /// The package it came from.
    pub(super) package: PathBuf,
    pub(super) generation: u64,
    pub(super) role: Role,
    /// The last report of each account's link.
    pub(super) links: Vec<LinkReport>,
    /// Under which number it is asked to hand over, and how far it has come.
    pub(super) handing_over: Option<(u64, HandOver)>,
    /// Where its code runs, and why not where it should.
    pub(super) place: (Isolation, Option<String>),
    /// What closes its process in.
    pub(super) layers: Vec<Layer>,
    /// The settings it shall try, if not those of the slot.
    pub(super) config: Option<Value>,
    /// What an earlier version exported, for its start.
    pub(super) legacy: Option<State>,
    pub(super) phase: Phase,
    pub(super) deadline: Instant,
    /// When the whole way out must be over.
    grace_ends: Instant,
    begun: Instant,
    pub(super) loaded: bool,
    pub(super) ping: u64,
    pub(super) misses: u32,
    pub(super) ponged: bool,
    pub(super) unexpected: u64,
    /// It said `ready` once.
    pub(super) ran: bool,
    /// Decided already, reported once the carrier has ended.
    end: Option<End>,
}

impl Life {
    pub(super) fn new(
        shared: Arc<Shared>,
        slot: Arc<Slot>,
        launched: Launched,
        role: Role,
    ) -> Self {
        let begun = shared.clock.monotonic();
        Self {
            live: Arc::new(Live::new(launched.carrier.outgoing.clone())),
            intake: Intake::new(shared.inbox.clone()),
            carrier: launched.carrier,
            staged: launched.prepared.staged,
            package: launched.prepared.package,
            shared,
            slot,
            generation: launched.generation,
            role,
            links: Vec::new(),
            handing_over: None,
            place: (launched.isolation, launched.demoted),
            layers: Vec::new(),
            config: None,
            legacy: None,
            phase: Phase::Loading,
            deadline: begun + LOAD_TIME,
            grace_ends: begun + FOR_EVER,
            begun,
            loaded: false,
            ping: 0,
            misses: 0,
            ponged: true,
            unexpected: 0,
            ran: false,
            end: None,
        }
    }

    /// Waits for what happens next; nothing is lost when the wait is given up.
    pub(super) async fn happening(&mut self) -> Happening {
        let takes = self.intake.has_room();
        tokio::select! {
            incoming = self.carrier.incoming.recv(), if takes => Happening::Heard(incoming),
            resolved = self.intake.resolved() => Happening::Resolved(resolved),
            () = sleep_until(self.deadline) => Happening::Overdue,
        }
    }

    /// Deals with what happened; gives the end when it was the last.
    pub(super) async fn handle(&mut self, happening: Happening) -> Option<End> {
        let end = match happening {
            Happening::Heard(incoming) => self.hear(incoming).await,
            Happening::Resolved(resolved) => {
                self.answer(resolved);
                None
            }
            Happening::Overdue => self.overdue(),
        };
        if end.is_none() {
            self.move_on();
        }
        end
    }

    /// Serves what is left of a life that nobody needs any more.
    pub(super) async fn see_off(mut self, grace: Duration) {
        self.role = Role::Parked;
        if self.ran {
            self.end_in_order(End::Halted, grace);
        } else {
            self.end_now(End::Halted);
        }
        let end = loop {
            let happening = self.happening().await;
            if let Some(end) = self.handle(happening).await {
                break end;
            }
        };
        self.conclude(&end).await;
    }

    /// Tells everybody who waits how it ended, and lets storage finish what it has begun.
    pub(super) async fn conclude(&mut self, end: &End) {
        self.live.ledger.close(&Self::epitaph(end));
        if timeout(FINISH_TIME, self.intake.finish()).await.is_err() {
            tracing::error!(plugin = %self.slot.id(), "storage is stuck; its events are given up");
        }
    }

    /// Whether it takes work.
    pub(super) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Whether it said `hello` and waits to begin.
    pub(super) fn is_greeted(&self) -> bool {
        self.phase == Phase::Greeted
    }

    /// Whether nothing is under way: no message awaited, no event being stored.
    pub(super) fn is_idle(&self) -> bool {
        self.live.ledger.awaited_messages() == 0 && self.intake.is_idle()
    }

    /// Whether its end is decided.
    pub(super) fn is_ending(&self) -> bool {
        self.end.is_some()
    }

    /// Whether it ends because the gateway does.
    pub(super) fn is_halting(&self) -> bool {
        matches!(self.end, Some(End::Halted))
    }

    /// Asks whether it lives, and ends it when it has not answered for too long.
    pub(super) fn ping(&mut self) {
        if !matches!(self.phase, Phase::Running | Phase::Leaving) {
            return;
        }
        // While storage keeps us from reading, its silence is our doing.
        let deaf = !self.intake.has_room() && !self.intake.is_idle();
        if !self.ponged && !deaf {
            self.misses += 1;
            if self.misses >= MISSES_MAX {
                let seconds = PING_EVERY.as_secs() * u64::from(MISSES_MAX);
                self.fall(format!("hung: no answer for {seconds} s"));
                return;
            }
        }
        self.ping += 1;
        self.ponged = false;
        self.post(&HostFrame::Ping { n: self.ping });
    }

    /// Answers an event. The credit goes with the answer and returns when it is written.
    pub(super) fn answer(&mut self, resolved: Resolved) {
        let Resolved { id, accepted, credit } = resolved;
        if !matches!(accepted, Accepted::Stored | Accepted::Duplicate) {
            self.slot.tally.count(Counted::Refused);
        }
        let bytes = encode(&HostFrame::EventAck { id, accepted });
        self.queue(Outgoing::Frame { bytes, ticket: None, credit: Some(Arc::new(credit)) });
    }

    /// Sends a frame of the supervisor's own.
    pub(super) fn post(&mut self, frame: &HostFrame) {
        let bytes = encode(frame);
        self.queue(Outgoing::Frame { bytes, ticket: None, credit: None });
    }

    /// Lets what is in flight finish, then stops and closes it; by force when `grace` is over.
    pub(super) fn end_in_order(&mut self, end: End, grace: Duration) {
        self.end = Some(end);
        self.withdraw();
        if self.phase >= Phase::Leaving {
            return;
        }
        let now = self.shared.clock.monotonic();
        self.grace_ends = now + grace;
        if self.phase == Phase::Running {
            self.phase = Phase::Leaving;
            self.deadline = now + (grace / 2).min(LEAVE_TIME_MAX);
            self.move_on();
        } else {
            self.close();
        }
    }

    /// Ends it by force; what was decided before stays decided.
    pub(super) fn end_now(&mut self, end: End) {
        self.withdraw();
        self.end.get_or_insert(end);
        self.phase = Phase::Killed;
        self.deadline = self.shared.clock.monotonic() + KILL_TIME;
        self.carrier.kill.cancel();
    }

    /// Nobody outside gets at it any more.
    fn withdraw(&self) {
        if self.role == Role::Serving {
            self.slot.hide();
        }
    }

    /// Takes the next step on the way out as soon as nothing is in flight.
    fn move_on(&mut self) {
        if self.phase == Phase::Leaving && self.live.ledger.awaited_messages() == 0 {
            self.close();
        }
    }

    /// The deadline of the present phase has come. Gives the end when there is no more to wait for.
    fn overdue(&mut self) -> Option<End> {
        match self.phase {
            Phase::Loading => self.end_now(End::Refused(self.late(LOADING, LOAD_TIME))),
            Phase::Starting => {
                let limit = self.shared.settings.start_time;
                self.end_now(End::Refused(self.late(STARTING, limit)));
            }
            Phase::Greeted | Phase::Running => self.deadline += FOR_EVER,
            Phase::Leaving => self.close(),
            Phase::Closing => self.fall("did not close in time".to_owned()),
            Phase::Killed => {
                let plugin = self.staged.shown();
                tracing::error!(%plugin, "cannot be ended; its thread is written off");
                return Some(self.ended(&Exit::Lost));
            }
        }
        None
    }

    /// The carrier is through: how this life ended.
    pub(super) fn ended(&mut self, exit: &Exit) -> End {
        let how = exit.to_string();
        if let Some(end) = self.end.take() {
            return end;
        }
        let step = match self.phase {
            Phase::Loading if !self.loaded => LOADING,
            Phase::Loading | Phase::Greeted | Phase::Starting => STARTING,
            _ => return self.fell(how),
        };
        End::Refused(Refusal::Died { file: self.staged.shown(), how, step: step.to_owned() })
    }

    /// What those who still wait for it are told.
    pub(super) fn epitaph(end: &End) -> String {
        match end {
            End::Halted => "the gateway is going down".to_owned(),
            End::Asked(_) => "it is being restarted".to_owned(),
            End::Refused(refusal) => refusal.to_string(),
            End::Fell { how, .. } => how.clone(),
        }
    }

    /// Ends it by force because of what it did.
    pub(super) fn fall(&mut self, how: String) {
        let end = if self.ran {
            self.fell(how)
        } else {
            let step = STARTING.to_owned();
            End::Refused(Refusal::Died { file: self.staged.shown(), how, step })
        };
        self.end_now(end);
    }

    pub(super) fn fell(&self, how: String) -> End {
        let lived = self.shared.clock.monotonic().duration_since(self.begun);
        End::Fell { file: self.staged.shown(), how, lived }
    }

    fn close(&mut self) {
        self.phase = Phase::Closing;
        self.deadline = self.grace_ends;
        self.post(&HostFrame::Stop);
        self.queue(Outgoing::Close);
    }

    fn queue(&mut self, outgoing: Outgoing) {
        match self.carrier.outgoing.try_send(outgoing) {
            // A closed queue means that its end is already on its way to us.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) if self.phase == Phase::Killed => {}
            Err(TrySendError::Full(_)) => self.fall("stopped reading".to_owned()),
        }
    }

    fn late(&self, step: &str, limit: Duration) -> Refusal {
        let file = self.staged.shown();
        Refusal::Late { file, step: step.to_owned(), seconds: limit.as_secs() }
    }
}
