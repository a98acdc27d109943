//! What the gateway does by the clock: the tick, the health snapshot, and the rest before it stops.

use crate::{
    approvals,
    methods::{self, Core},
    protocol::{TICK_MS, event, frame::json},
};
use serde_json::json as value;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// Period of the health snapshot.
const HEALTH_EVERY: Duration = Duration::from_mins(1);
/// How often it is looked whether runs ended.
const LOOK: Duration = Duration::from_millis(20);

/// Tells every connection that the gateway lives.
pub(super) async fn tick(core: Arc<Core>) {
    let mut timer = tokio::time::interval(Duration::from_millis(TICK_MS));
    timer.tick().await;
    loop {
        tokio::select! {
            _ = timer.tick() => {
                let payload = json(&value!({"ts": core.clock.now_ms()}));
                core.events.publish(event::TICK, &payload);
            }
            () = core.stop.cancelled() => return,
        }
    }
}

/// Renews the health snapshot every minute, and soon after a plugin changed.
pub(super) async fn watch_health(core: Arc<Core>, mut changes: watch::Receiver<u64>) {
    loop {
        let wait = async {
            tokio::select! {
                () = tokio::time::sleep(HEALTH_EVERY) => {}
                _ = changes.changed() => {}
            }
        };
        tokio::select! {
            () = wait => {
                if let Err(error) = methods::health::refresh(&core).await {
                    tracing::warn!(%error, "the health snapshot could not be renewed");
                }
            }
            () = core.stop.cancelled() => return,
        }
    }
}

/// Records what tells how steady it runs: every minute, and whenever a plugin changed.
pub(super) async fn watch_stability(core: Arc<Core>, mut changes: watch::Receiver<u64>) {
    let mut minute = tokio::time::interval(HEALTH_EVERY);
    loop {
        core.stability.compare(&core.plugins.list());
        tokio::select! {
            _ = minute.tick() => {
                let (active, queued) = core.run_load();
                core.stability.sample(active, queued);
            }
            changed = changes.changed() => if changed.is_err() {
                return;
            },
            () = core.stop.cancelled() => return,
        }
    }
}

/// Keeps how approvals ended.
pub(super) async fn keep_approvals(core: Arc<Core>) {
    approvals::history::keep(&core.approvals, &core.store, &core.stop).await;
}

/// Waits until no run is under way, as long as the settings allow.
pub(super) async fn rest(core: &Core) {
    let limit = Duration::from_secs(core.config.gateway.drain_s);
    let ended = async {
        let mut look = tokio::time::interval(LOOK);
        while core.runs.active() > 0 {
            look.tick().await;
        }
    };
    if tokio::time::timeout(limit, ended).await.is_err() {
        tracing::warn!(left = core.runs.active(), "runs did not end in time; they are ended now");
    }
}
