//! One life of a plugin, from its launch to its end: the loop that reads its frames, answers its
//! events, asks whether it still lives, and hears what others want of it.
//!
//! The loop never waits for the plugin: everything it sends goes into a queue that credit keeps
//! from filling. Must not know: where the plugin's code runs, when it is started again.

mod hear;
mod life;

use super::{End, FINISH_TIME, Supervisor};
use crate::plugins::slot::Command;
use jackfield_plugin_api::link::LinkState;
use life::Life;
use std::time::Duration;
use tokio::time;

/// How long a plugin may take to stop when it is to be started again.
const RESTART_GRACE: Duration = Duration::from_secs(10);

impl Supervisor {
    /// One life.
    pub(super) async fn live_once(&mut self) -> End {
        self.generation += 1;
        self.slot.begin(self.generation);
        self.slot.relink(&*self.shared.inbox, LinkState::Connecting, None);
        let halt = self.shared.halt.clone();
        let launched = tokio::select! {
            biased;
            () = halt.cancelled() => return End::Halted,
            launched = self.launch() => launched,
        };
        let launched = match launched {
            Ok(launched) => launched,
            Err(refusal) => return End::Refused(refusal),
        };
        self.slot.has_process(launched.carrier.pid);
        let mut life = Life::new(self.shared.clone(), self.slot.clone(), self.generation, launched);
        let end = self.serve(&mut life).await;
        self.slot.hide();
        life.live.ledger.close(&Life::epitaph(&end));
        // The cursors of the next start must include what this life's events will have stored.
        if time::timeout(FINISH_TIME, life.intake.finish()).await.is_err() {
            tracing::error!(plugin = %self.slot.id(), "storage is stuck; its events are given up");
        }
        end
    }

    async fn serve(&mut self, life: &mut Life) -> End {
        let halt = self.shared.halt.clone();
        let mut pings = time::interval(life::PING_EVERY);
        pings.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            let takes = life.intake.has_room();
            let deadline = life.deadline();
            tokio::select! {
                incoming = life.carrier.incoming.recv(), if takes => {
                    if let Some(end) = life.hear(incoming).await {
                        return end;
                    }
                    if life.is_running() && let Some(reply) = self.asked.take() {
                        // Whoever asked may have gone.
                        let _ = reply.send(Ok(()));
                    }
                }
                resolved = life.intake.resolved() => life.answer(resolved),
                _ = pings.tick() => life.ping(),
                () = time::sleep_until(deadline) => {
                    if let Some(end) = life.overdue() {
                        return end;
                    }
                }
                Some(Command::Restart(reply)) = self.commands.recv() => {
                    if life.is_ending() {
                        self.asked = Some(reply);
                    } else {
                        life.end_in_order(End::Asked(reply), RESTART_GRACE);
                    }
                }
                () = halt.cancelled(), if !life.is_halting() => {
                    life.end_in_order(End::Halted, self.shared.grace());
                }
            }
            life.move_on();
        }
    }
}
