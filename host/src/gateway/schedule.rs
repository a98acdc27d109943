//! Puts heartbeats and jobs together and sets them going.

use crate::{
    config::Config,
    cron::{Cron, Heartbeats, Shared},
    methods::Core,
    store::StoreError,
};
use std::sync::Arc;

/// Heartbeats and jobs as stored and configured; nothing runs yet.
///
/// # Errors
/// The store's.
pub async fn load(
    config: &Config,
    shared: Shared,
) -> Result<(Arc<Heartbeats>, Arc<Cron>), StoreError> {
    let settings = config.heartbeat.clone();
    let heartbeats = Arc::new(Heartbeats::load(shared.clone(), settings).await?);
    let cron = Arc::new(Cron::load(shared, Arc::clone(&heartbeats)).await?);
    Ok((heartbeats, cron))
}

/// Sets both going.
pub fn start(core: &Core) {
    core.tracker.spawn(Arc::clone(&core.heartbeats).tend());
    core.tracker.spawn(Arc::clone(&core.cron).tend());
}
