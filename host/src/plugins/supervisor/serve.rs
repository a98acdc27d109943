//! One life of a plugin, from its launch to its end: the loop that reads its frames, answers its
//! events, asks whether it still lives, and hears what others want of it.
//!
//! The loop never waits for the plugin: everything it sends goes into a queue that credit keeps
//! from filling. A life that another version takes over from ends here too, and the loop goes on
//! with the other. Must not know: where the plugin's code runs, when it is started again.

use super::{
    End, Supervisor,
    life::{Life, PING_EVERY, Role},
    start::{Launched, Source},
    swap::{self, Swap},
};
use crate::plugins::{Refusal, slot::Command};
use jackfield_plugin_api::link::LinkState;
use std::time::Duration;
use tokio::time;

/// How long a plugin may take to stop when it is to be started again.
pub(super) const RESTART_GRACE: Duration = Duration::from_secs(10);

impl Supervisor {
    /// One life, or as many as hand over to each other.
    pub(super) async fn live_once(&mut self) -> End {
        self.generation += 1;
        self.slot.begin(self.generation);
        self.slot.relink(&*self.shared.inbox, LinkState::Connecting, None);
        let halt = self.shared.halt.clone();
        let launched = tokio::select! {
            biased;
            () = halt.cancelled() => return End::Halted,
            launched = self.start() => launched,
        };
        let launched = match launched {
            Ok(launched) => launched,
            Err(refusal) => return End::Refused(refusal),
        };
        self.slot.has_process(launched.carrier.pid);
        self.slot.runs_in(launched.isolation, launched.demoted.clone());
        self.prepared = Some(launched.prepared.clone());
        let mut life = Life::new(self.shared.clone(), self.slot.clone(), launched, Role::Serving);
        life.legacy = self.legacy.take();
        let mut swap = None;
        let end = self.serve(&mut life, &mut swap).await;
        if let Some(swap) = swap {
            self.give_up(swap, &Life::epitaph(&end));
        }
        self.slot.hide();
        // The cursors of the next start must include what this life's events will have stored.
        life.conclude(&end).await;
        end
    }

    async fn start(&mut self) -> Result<Launched, Refusal> {
        let launch = self.launch(true);
        let source =
            self.prepared.take().map_or(Source::Folders, |before| Source::Staged(Box::new(before)));
        let prepared = launch.prepare(source).await?;
        launch.launch(prepared).await
    }

    async fn serve(&mut self, life: &mut Life, swap: &mut Option<Swap>) -> End {
        let halt = self.shared.halt.clone();
        let mut pings = time::interval(PING_EVERY);
        pings.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                happening = life.happening() => {
                    if let Some(end) = life.handle(happening).await
                        && let Some(end) = self.fall_back(life, swap, end).await
                    {
                        return end;
                    }
                    if life.is_running() && let Some(reply) = self.asked.take() {
                        // Whoever asked may have gone.
                        let _ = reply.send(Ok(()));
                    }
                }
                event = swap::happening(swap.as_mut()) => {
                    self.swap_goes_on(life, swap, event).await;
                }
                _ = pings.tick() => {
                    life.ping();
                    swap.iter_mut().for_each(Swap::ping);
                }
                Some(command) = self.commands.recv() => self.obey(life, swap, command),
                () = halt.cancelled(), if !life.is_halting() => {
                    if let Some(swap) = swap.take() {
                        self.give_up(swap, "the gateway is going down");
                    }
                    life.end_in_order(End::Halted, self.shared.grace());
                }
            }
            self.take_steps(life, swap).await;
        }
    }

    fn obey(&mut self, life: &mut Life, swap: &mut Option<Swap>, command: Command) {
        match command {
            Command::Restart(reply) if life.is_ending() => self.asked = Some(reply),
            Command::Restart(reply) => life.end_in_order(End::Asked(reply), RESTART_GRACE),
            Command::Change(change, reply) => self.change(life, swap, change, reply),
            Command::Offer => self.look_at_offer(life, swap),
        }
    }
}
