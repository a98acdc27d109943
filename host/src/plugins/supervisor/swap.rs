//! Another version takes over from the running one, and the running one goes on if it cannot.
//!
//! The steps: made ready and greeted beside the old one (prepare, greet); no more work is handed out
//! and what is in flight ends (empty); the old stops taking from its platform (drain) and hands its
//! state over (export); the new starts with it (start) and proves itself (probe); then it is the
//! plugin, and the old stands by, silent (probation). Every frame of it carries the number of the
//! attempt, and the gateway's own ledger decides whether anything is in flight. What is sent
//! meanwhile waits. Must not know: what the versions do differently.

use super::{
    End, Supervisor,
    life::{Happening, Life, Role},
    serve::RESTART_GRACE,
    start::{Launched, Prepared, Source},
};
use crate::plugins::{
    Refusal,
    install::Install,
    slot::{Change, Reply},
    status::{SwapOutcome, SwapReport},
};
use futures_util::{FutureExt, future::BoxFuture};
use jackfield_plugin_api::frame::State;
use serde_json::Value;
use std::{path::PathBuf, time::Duration};
use tokio::time::{Instant, sleep_until};

/// From the launch of the other version to its greeting; what it may take to be staged and tried
/// comes on top.
const GREET_TIME: Duration = Duration::from_secs(30);
const DRAIN_TIME: Duration = Duration::from_secs(10);
const EXPORT_TIME: Duration = Duration::from_secs(5);
pub(super) const PROBE_TIME: Duration = Duration::from_secs(10);

/// How far a change of versions has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Files are copied and checked, and the other version is launched.
    Prepare,
    /// Its library is being opened.
    Greet,
    /// Nothing new is handed to the old version; it finishes what it has.
    Empty,
    /// It stops taking from its platform.
    Drain,
    /// It hands over.
    Export,
    /// The new version starts.
    Start,
    /// It proves that it works.
    Probe,
    /// It serves; the old one stands by.
    Probation,
}

/// A version made ready, launched and, where it was named by an operator, lying beside its place.
pub(super) type Ready = (Launched, Option<Install>);

/// Why there is nothing to take over.
pub(super) enum Unready {
    /// What lies in the folder is what runs, or did not work before.
    NothingNew,
    /// It cannot be used.
    Refused(Refusal),
}

/// A change of versions under way.
pub(super) struct Swap {
    /// Tells this attempt from others.
    pub(super) epoch: u64,
    pub(super) step: Step,
    /// When the step has taken too long.
    pub(super) deadline: Instant,
    pub(super) asked: Option<Reply>,
    pub(super) from: String,
    /// The other version; empty until it is known.
    pub(super) to: String,
    /// Its copy.
    pub(super) copy: Option<PathBuf>,
    pub(super) settings: Option<(Value, Vec<String>)>,
    pub(super) preparing: Option<BoxFuture<'static, Result<Ready, Unready>>>,
    pub(super) probing: Option<BoxFuture<'static, Result<(), String>>>,
    pub(super) install: Option<Install>,
    /// The life that does not serve: the new one before the switch, the old one after.
    pub(super) other: Option<Box<Life>>,
    /// Since when messages wait.
    pub(super) held: Option<Instant>,
    /// For how long they did.
    pub(super) pause: Option<Duration>,
    /// What the old version exported.
    pub(super) state: Option<State>,
    /// What it was launched from.
    pub(super) before: Option<Prepared>,
}

/// What happens in a change of versions.
pub(super) enum Event {
    Ready(Result<Box<Ready>, Unready>),
    Probed(Result<(), String>),
    Other(Happening),
    Overdue,
}

/// Waits for what happens next in a change of versions, if there is one.
pub(super) async fn happening(swap: Option<&mut Swap>) -> Event {
    let Some(swap) = swap else { return std::future::pending().await };
    let deadline = swap.deadline;
    tokio::select! {
        ready = settled(&mut swap.preparing) => Event::Ready(ready.map(Box::new)),
        probed = settled(&mut swap.probing) => Event::Probed(probed),
        happening = of(&mut swap.other) => Event::Other(happening),
        () = sleep_until(deadline) => Event::Overdue,
    }
}

async fn settled<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn of(life: &mut Option<Box<Life>>) -> Happening {
    match life {
        Some(life) => life.happening().await,
        None => std::future::pending().await,
    }
}

impl Swap {
    /// Asks the life that does not serve whether it lives.
    pub(super) fn ping(&mut self) {
        if let Some(other) = &mut self.other {
            other.ping();
        }
    }

    pub(super) fn enter(&mut self, step: Step, now: Instant, limit: Duration) {
        tracing::debug!(to = self.to, epoch = self.epoch, ?step, "version change");
        self.step = step;
        self.deadline = now + limit;
    }

    /// How it stands, for people.
    pub(super) fn report(
        &self,
        outcome: SwapOutcome,
        reason: Option<String>,
        at_ms: u64,
    ) -> SwapReport {
        let pause_us = self.pause.map(|pause| u64::try_from(pause.as_micros()).unwrap_or(u64::MAX));
        let (from, to) = (self.from.clone(), self.to.clone());
        SwapReport { from, to, outcome, reason, at_ms, pause_us }
    }

    fn late(&self) -> String {
        let step = match self.step {
            Step::Prepare => "could not be made ready in time",
            Step::Greet => "did not say hello in time",
            Step::Empty => "the running version did not finish what it was sending in time",
            Step::Drain => "the running version did not stop taking messages in time",
            Step::Export => "the running version did not hand over in time",
            Step::Start => "did not start in time",
            Step::Probe => "did not prove in time that it works",
            Step::Probation => "is on probation",
        };
        step.to_owned()
    }
}

impl Supervisor {
    /// Begins a change of versions, or a new life where nothing runs that could hand over.
    pub(super) fn change(
        &mut self,
        life: &mut Life,
        swap: &mut Option<Swap>,
        change: Change,
        reply: Reply,
    ) {
        if let Some(swap) = swap
            && swap.step < Step::Probation
        {
            let (plugin, to) = (self.slot.id(), swap.to.clone());
            // Whoever asked may have gone.
            let _ = reply.send(Err(Refusal::Changing { plugin, to }));
            return;
        }
        if !life.is_running() || life.is_ending() {
            self.change_next(life, change, reply);
            return;
        }
        if change.settings.is_none() {
            self.pardon();
        }
        let place = life.package.clone();
        let source = match change.package {
            Some(path) => Source::Package { path, place },
            None if change.settings.is_some() => Source::Staged(Box::new(life.prepared())),
            None => Source::Folders,
        };
        self.unfit = None;
        self.begin_swap(life, swap, source, change.settings, Some(reply));
    }

    /// A life is on its way in or out: what shall change does before the next.
    fn change_next(&mut self, life: &mut Life, change: Change, reply: Reply) {
        if change.package.is_some() {
            let (file, detail) = (self.slot.id(), "it is just starting; ask again".to_owned());
            let _ = reply.send(Err(Refusal::Host { file, detail }));
            return;
        }
        if let Some(settings) = change.settings {
            self.slot.configure(settings);
        }
        if life.is_ending() {
            self.asked = Some(reply);
        } else {
            life.end_in_order(End::Asked(reply), RESTART_GRACE);
        }
    }

    /// Something changed in a watched folder.
    pub(super) fn look_at_offer(&mut self, life: &mut Life, swap: &mut Option<Swap>) {
        let free = swap.as_ref().is_none_or(|swap| swap.step == Step::Probation);
        if free && life.is_running() && !life.is_ending() {
            self.begin_swap(life, swap, Source::Folders, None, None);
        }
    }

    fn begin_swap(
        &mut self,
        life: &mut Life,
        swap: &mut Option<Swap>,
        source: Source,
        settings: Option<(Value, Vec<String>)>,
        asked: Option<Reply>,
    ) {
        self.generation += 1;
        let mut launch = self.launch(false);
        if let Some((config, _)) = &settings {
            launch.config.clone_from(config);
        }
        let installs = matches!(source, Source::Package { .. });
        let known = asked.is_none().then(|| (life.staged.dir.clone(), self.unfit.clone()));
        let running = life.staged.manifest.clone();
        let preparing = async move {
            let prepared = launch.prepare(source).await.map_err(Unready::Refused)?;
            if let Some((runs, unfit)) = known
                && (prepared.staged.dir == runs || Some(&prepared.staged.dir) == unfit.as_ref())
            {
                return Err(Unready::NothingNew);
            }
            super::hand_over::check(&running, &prepared.staged.manifest)
                .map_err(Unready::Refused)?;
            let install = installs.then(|| Install::prepare(&prepared.staged, &prepared.package));
            let install = install.transpose().map_err(Unready::Refused)?;
            let launched = launch.launch(prepared).await.map_err(Unready::Refused)?;
            Ok((launched, install))
        };
        let now = self.shared.clock.monotonic();
        let next = Swap {
            epoch: self.generation,
            step: Step::Prepare,
            // Staging and trying have limits of their own.
            deadline: now + 4 * GREET_TIME,
            asked,
            from: life.staged.manifest.version.clone(),
            to: String::new(),
            copy: None,
            settings,
            preparing: Some(preparing.boxed()),
            probing: None,
            install: None,
            other: None,
            held: None,
            pause: None,
            state: None,
            before: Some(life.prepared()),
        };
        if let Some(before) = swap.replace(next) {
            self.confirm(before);
        }
    }

    /// Deals with what happened in a change of versions.
    pub(super) async fn swap_goes_on(
        &mut self,
        life: &mut Life,
        swap: &mut Option<Swap>,
        event: Event,
    ) {
        let Some(under_way) = swap else { return };
        let failed = match event {
            Event::Ready(ready) => {
                under_way.preparing = None;
                match ready {
                    Ok(ready) => {
                        self.launched(under_way, *ready);
                        None
                    }
                    Err(Unready::Refused(refusal)) => Some(refusal.to_string()),
                    Err(Unready::NothingNew) => {
                        *swap = None;
                        None
                    }
                }
            }
            Event::Probed(probed) => {
                under_way.probing = None;
                match probed {
                    Ok(()) => {
                        self.switch(life, under_way);
                        None
                    }
                    Err(line) => Some(format!("it does not work: {line}")),
                }
            }
            Event::Overdue if under_way.step == Step::Probation => {
                if let Some(passed) = swap.take() {
                    self.confirm(passed);
                }
                None
            }
            Event::Overdue => Some(under_way.late()),
            Event::Other(happening) => self.other_goes_on(under_way, happening).await,
        };
        if let Some(why) = failed
            && let Some(swap) = swap.take()
        {
            self.call_off(life, swap, &why);
        }
    }

    fn launched(&mut self, swap: &mut Swap, (launched, install): Ready) {
        swap.to.clone_from(&launched.prepared.staged.manifest.version);
        swap.copy = Some(launched.prepared.staged.dir.clone());
        swap.install = install;
        let mut other =
            Life::new(self.shared.clone(), self.slot.clone(), launched, Role::Candidate);
        other.config = swap.settings.as_ref().map(|(config, _)| config.clone());
        swap.other = Some(Box::new(other));
        let now = self.shared.clock.monotonic();
        swap.enter(Step::Greet, now, GREET_TIME);
        self.slot.report(swap.report(SwapOutcome::Underway, None, self.shared.clock.now_ms()));
    }

    /// Serves the life that does not serve; the text says why it ended, where that matters.
    async fn other_goes_on(&mut self, swap: &mut Swap, happening: Happening) -> Option<String> {
        let other = swap.other.as_mut()?;
        let end = other.handle(happening).await?;
        other.conclude(&end).await;
        swap.other = None;
        if swap.step == Step::Probation {
            tracing::warn!(plugin = %self.slot.id(), how = Life::epitaph(&end), "the version that stands by ended");
            return None;
        }
        Some(Life::epitaph(&end))
    }

    /// A little more than the start itself may take, which is watched over in its own words.
    pub(super) fn start_limit(&self) -> Duration {
        self.shared.settings.start_time + Duration::from_secs(1)
    }

    pub(super) fn drain_limit(life: &Life) -> Duration {
        match life.staged.manifest.runtime.drain_timeout_ms {
            0 => DRAIN_TIME,
            ms => Duration::from_millis(u64::from(ms)),
        }
    }

    pub(super) fn export_limit() -> Duration {
        EXPORT_TIME
    }
}
