//! The hand-over itself: the steps that follow from what the two versions have said, the switch, and
//! the ways back.
//!
//! Must not know: how a version is made ready.

use super::{
    End, Supervisor,
    life::{HandOver, Life, Role},
    serve::RESTART_GRACE,
    start::Prepared,
    swap::{PROBE_TIME, Step, Swap},
};
use crate::plugins::{Refusal, status::SwapOutcome, trust::Floor, usage::Counted};
use futures_util::FutureExt;
use jackfield_plugin_api::{frame::HostFrame, link::LinkState, manifest::Manifest};
use std::mem;

/// Whether the new version can read what the running one writes.
pub(super) fn check(running: &Manifest, new: &Manifest) -> Result<(), Refusal> {
    let (writes, reads) = (running.state.schema, &new.state.reads);
    if new.id != running.id {
        let file = format!("{}/{}", new.id, new.library);
        let detail = format!("is another plugin than the one that runs, {}", running.id);
        return Err(Refusal::Manifest { file, detail });
    }
    if writes == 0 || new.state.schema == writes || reads.contains(&writes) {
        return Ok(());
    }
    let file = format!("{}/{}", new.id, new.library);
    let detail = format!(
        "cannot read the state of version {} (schema {writes}, its `state.reads` has {reads:?})",
        running.version
    );
    Err(Refusal::Manifest { file, detail })
}

impl Supervisor {
    /// Goes as far in a change of versions as what was said allows.
    pub(super) async fn take_steps(&mut self, life: &mut Life, swap: &mut Option<Swap>) {
        let Some(swap) = swap else { return };
        let now = self.shared.clock.monotonic();
        if swap.step == Step::Greet && swap.other.as_ref().is_some_and(|other| other.is_greeted()) {
            life.live.ledger.hold(true);
            self.slot.holds();
            swap.held = Some(now);
            swap.enter(Step::Empty, now, Self::drain_limit(life));
        }
        if swap.step == Step::Empty && life.live.ledger.awaited_messages() == 0 {
            life.handing_over = Some((swap.epoch, HandOver::default()));
            life.post(&HostFrame::Drain { epoch: swap.epoch });
            swap.enter(Step::Drain, now, Self::drain_limit(life));
        }
        let drained = life.handing_over.as_ref().is_some_and(|(_, it)| it.drained);
        if swap.step == Step::Drain && drained && life.is_idle() {
            life.post(&HostFrame::Export { epoch: swap.epoch });
            swap.enter(Step::Export, now, Self::export_limit());
        }
        if swap.step == Step::Export
            && let Some(state) = life.handing_over.as_mut().and_then(|(_, it)| it.state.take())
            && let Some(other) = &mut swap.other
        {
            swap.state = Some(state.clone());
            other.begin(Some(state)).await;
            swap.enter(Step::Start, now, self.start_limit());
        }
        if swap.step == Step::Start
            && let Some(other) = &swap.other
            && other.is_running()
        {
            swap.probing = Some(self.probe(life, other).boxed());
            swap.enter(Step::Probe, now, PROBE_TIME);
        }
    }

    /// Every account that worked before must work now.
    fn probe(&self, life: &Life, other: &Life) -> impl Future<Output = Result<(), String>> + use<> {
        let live = other.live.clone();
        let works =
            |link: &&jackfield_plugin_api::link::LinkReport| link.state == LinkState::Connected;
        let before = self.slot.status().links;
        let accounts: Vec<_> =
            before.iter().filter(works).map(|link| link.account.clone()).collect();
        let plugin = life.staged.manifest.id.clone();
        async move {
            for account in accounts {
                let line = live.probe(account.as_str(), PROBE_TIME).await?;
                tracing::debug!(plugin, account = account.as_str(), line, "probed");
            }
            Ok(())
        }
    }

    /// The new version is the plugin from now on; the old one stands by.
    pub(super) fn switch(&mut self, life: &mut Life, swap: &mut Swap) {
        let Some(other) = &mut swap.other else { return };
        mem::swap(life, other);
        other.role = Role::Parked;
        life.role = Role::Serving;
        self.show(life);
        self.slot.tally.count(Counted::Swap);
        if let Some(settings) = swap.settings.take() {
            self.slot.configure(settings);
        }
        let now = self.shared.clock.monotonic();
        swap.pause = swap.held.map(|held| now.duration_since(held));
        self.slot.continues(life.generation, life.carrier.pid, life.live.clone());
        life.tell_links();
        self.prepared = Some(life.prepared());
        self.put_in_place(swap);
        let probation = self.shared.settings.probation;
        swap.enter(Step::Probation, now, probation);
        let report = swap.report(SwapOutcome::Probation, None, self.shared.clock.now_ms());
        tracing::info!(plugin = %self.slot.id(), from = swap.from, to = swap.to, pause_us = report.pause_us, "another version took over");
        self.slot.report(report);
        if let Some(reply) = swap.asked.take() {
            // Whoever asked may have gone.
            let _ = reply.send(Ok(()));
        }
    }

    fn put_in_place(&self, swap: &mut Swap) {
        let Some(install) = &mut swap.install else { return };
        if let Err(error) = install.exchange() {
            tracing::error!(plugin = %self.slot.id(), %error, "the new version runs, but its package could not be put in place: the next start takes the old one");
        }
    }

    /// The new version has proved itself: the old one ends.
    pub(super) fn confirm(&self, mut swap: Swap) {
        if let Some(Prepared { staged, .. }) = &self.prepared {
            let floor = Floor::of(&self.shared.settings.state_dir);
            floor.raise(&staged.manifest.id, &staged.manifest.version, &staged.grant);
        }
        self.slot.report(swap.report(SwapOutcome::Done, None, self.shared.clock.now_ms()));
        if let Some(old) = swap.other.take() {
            self.shared.tracker.spawn(old.see_off(RESTART_GRACE));
        }
    }

    /// The new version cannot take over: the old one goes on.
    pub(super) fn call_off(&mut self, life: &mut Life, mut swap: Swap, why: &str) {
        let refusal = self.not_taken_over(&swap, why);
        tracing::error!(plugin = %self.slot.id(), %refusal, "version change called off");
        if let Some(held) = swap.held {
            swap.pause = Some(self.shared.clock.monotonic().duration_since(held));
        }
        self.unfit.clone_from(&swap.copy);
        self.go_on(life, &swap);
        self.dismiss(swap, refusal);
    }

    /// The old version takes work again, from where it was asked to let go.
    fn go_on(&self, life: &mut Life, swap: &Swap) {
        life.live.ledger.hold(false);
        if let Some((epoch, _)) = life.handing_over.take() {
            life.post(&HostFrame::Resume { epoch });
        }
        life.role = Role::Serving;
        if swap.held.is_some() && !life.is_ending() {
            self.slot.continues(life.generation, life.carrier.pid, life.live.clone());
            life.tell_links();
        }
    }

    /// The serving life ended. Within the probation of a new version that is no end: the old one,
    /// which stands by, goes on; or it is what the next life starts from.
    pub(super) async fn fall_back(
        &mut self,
        life: &mut Life,
        swap: &mut Option<Swap>,
        end: End,
    ) -> Option<End> {
        let how = match &end {
            End::Fell { how, .. } => how.clone(),
            End::Refused(refusal) => refusal.to_string(),
            End::Halted | End::Asked(_) => return Some(end),
        };
        let Some(mut swap) = swap.take_if(|swap| swap.step == Step::Probation) else {
            return Some(end);
        };
        let why = format!("it fell on probation: {how}");
        let refusal = self.not_taken_over(&swap, &why);
        tracing::error!(plugin = %self.slot.id(), %refusal, "version rolled back");
        if let Some(install) = swap.install.as_mut().filter(|install| install.is_in_place())
            && let Err(error) = install.exchange()
        {
            tracing::error!(plugin = %self.slot.id(), %error, "the old package could not be put back");
        }
        self.unfit.clone_from(&swap.copy);
        let text = Some(refusal.to_string());
        let report = swap.report(SwapOutcome::RolledBack, text, self.shared.clock.now_ms());
        let Some(mut old) = swap.other.take() else {
            self.prepared.clone_from(&swap.before);
            self.legacy = swap.state.take();
            self.slot.report(report);
            return Some(end);
        };
        life.conclude(&end).await;
        mem::swap(life, &mut old);
        self.prepared = Some(life.prepared());
        self.show(life);
        self.slot.tally.count(Counted::Fall);
        self.go_on(life, &swap);
        self.slot.ended(&how);
        self.slot.report(report);
        None
    }

    /// The life that serves ended otherwise: nobody takes over from it.
    pub(super) fn give_up(&mut self, swap: Swap, why: &str) {
        if swap.step == Step::Probation {
            self.confirm(swap);
            return;
        }
        let why = format!("the running version ended meanwhile: {why}");
        let refusal = self.not_taken_over(&swap, &why);
        self.dismiss(swap, refusal);
    }

    /// Tells why the new version does not take over, and lets it go.
    fn dismiss(&self, mut swap: Swap, refusal: Refusal) {
        let text = Some(refusal.to_string());
        self.slot.report(swap.report(SwapOutcome::RolledBack, text, self.shared.clock.now_ms()));
        if let Some(new) = swap.other.take() {
            self.shared.tracker.spawn(new.see_off(RESTART_GRACE));
        }
        if let Some(reply) = swap.asked.take() {
            // Whoever asked may have gone.
            let _ = reply.send(Err(refusal));
        }
    }

    /// What the status tells of the plugin is this life's from now on.
    fn show(&self, life: &Life) {
        self.slot.describe(&life.package, &life.staged.manifest);
        self.slot.vouched(life.staged.grant.words());
        self.slot.confined(life.layers.clone());
        self.slot.runs_in(life.place.0, life.place.1.clone());
    }

    fn not_taken_over(&self, swap: &Swap, why: &str) -> Refusal {
        let to = if swap.to.is_empty() { "in the folder" } else { &swap.to };
        Refusal::NotTakenOver {
            plugin: self.slot.id(),
            from: swap.from.clone(),
            to: to.to_owned(),
            why: why.to_owned(),
        }
    }
}

impl Life {
    /// What it was launched from.
    pub(super) fn prepared(&self) -> Prepared {
        Prepared { staged: self.staged.clone(), package: self.package.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(version: &str, writes: u32, reads: &str) -> Manifest {
        let text = format!(
            "id = \"x\"\nversion = \"{version}\"\nabi = 1\nprotocol = \"1.0\"\nchannel = \"x\"\nlabel = \"X\"\n\
             license = \"MIT\"\nlibrary = \"libx.so\"\n[state]\nschema = {writes}\nreads = {reads}\n"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn a_version_that_cannot_read_the_state_is_refused_before_anything_stops() {
        let old = manifest("1.0.0", 2, "[]");
        assert_eq!(check(&old, &manifest("1.1.0", 2, "[]")), Ok(()));
        assert_eq!(check(&old, &manifest("2.0.0", 3, "[2]")), Ok(()));
        let refusal = check(&old, &manifest("3.0.0", 4, "[3]")).unwrap_err().to_string();
        assert!(refusal.contains("version 1.0.0 (schema 2"), "{refusal}");
        let stateless = manifest("0.9.0", 0, "[]");
        assert_eq!(check(&stateless, &manifest("3.0.0", 4, "[3]")), Ok(()));
    }
}
