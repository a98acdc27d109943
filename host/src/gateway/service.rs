//! Tells the service manager that started the gateway (systemd) how it is, by its notification
//! protocol (`sd_notify(3)`). Started otherwise, it tells nobody.

use crate::{config::Config, methods::Core};
use sd_notify::NotifyState;
use std::{env, net::SocketAddr, sync::Arc};

/// After how many falls channels are kept back. Who starts the gateway by hand wants it as it is; only
/// what starts it again and again is a loop. systemd gives each start of its own a number
/// (`INVOCATION_ID`, see `systemd.exec(5)`).
#[must_use]
pub fn safe_after(config: &Config) -> u32 {
    if env::var_os("INVOCATION_ID").is_some() { config.gateway.safe_after } else { 0 }
}

/// The gateway answers at `address`. From now on the manager hears that it lives, when it asked for
/// that (`WatchdogSec=`).
pub fn ready(core: &Arc<Core>, address: SocketAddr) {
    let status = format!("listening on {address}");
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
    if let Some(period) = sd_notify::watchdog_enabled() {
        let core = Arc::clone(core);
        core.tracker.clone().spawn(async move {
            // Three times within the period, so that one late answer is no death.
            let mut beat = tokio::time::interval(period / 3);
            while core.stop.run_until_cancelled(beat.tick()).await.is_some() {
                // Tasks that run are not enough: a gateway whose store does not answer is stuck.
                if core.store.read(|_| Ok(())).await.is_ok() {
                    tell(&[NotifyState::Watchdog]);
                }
            }
        });
    }
}

/// The gateway stops as it was asked to.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The gateway starts anew with another configuration; `ready` ends that.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "the service manager cannot be told of the reload"),
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
