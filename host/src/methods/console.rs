//! What consoles ask when they start: who the gateway is, whether it is up to date, what is billed.
//!
//! Each is answered with what is true here.

pub mod catalog;
pub mod stability;
pub mod vacant;
pub mod viewing;

use super::{Access, Caller, Core, MethodError, Nothing, Shape, Table};
use crate::{
    clock::random_bytes,
    protocol::scope::Scope,
    store::{StoreError, records},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, sync::Arc};

const IDENTITY: &str = "gateway-identity";

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("gateway.identity.get", Access::Operator(Scope::Read), identity);
    table.now("update.status", Access::Operator(Scope::Admin), update);
    table.now("tasks.list", Access::Operator(Scope::Read), tasks);
    table.now("models.authStatus", Access::Operator(Scope::Read), model_auth);
    table.now("usage.status", Access::Operator(Scope::Read), usage);
    catalog::add(table);
    stability::add(table);
    vacant::add(table);
    viewing::add(table);
}

/// Who the gateway is, to devices that keep several apart.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    device_id: String,
    public_key: String,
}

/// Such a secret, as stored.
#[derive(Serialize, Deserialize)]
struct Seed {
    seed: [u8; 32],
}

/// A secret of the gateway's own, made when it is first asked for and kept from then on.
///
/// # Errors
/// The store's.
pub async fn seed(core: &Core, kind: &'static str) -> Result<[u8; 32], StoreError> {
    if let Some(kept) = core.store.read(move |c| records::get::<Seed>(c, kind, kind)).await? {
        return Ok(kept.seed);
    }
    let fresh = Seed { seed: random_bytes() };
    let now = core.clock.now_ms();
    let kept = core.store.write(move |c| match records::get::<Seed>(c, kind, kind)? {
        Some(kept) => Ok(kept),
        None => records::put(c, kind, kind, &fresh, now).map(|()| fresh),
    });
    Ok(kept.await?.seed)
}

async fn identity(core: Arc<Core>, _: Arc<Caller>, _: Nothing) -> Result<Identity, MethodError> {
    let seed = seed(&core, IDENTITY).await?;
    let public = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
    let device_id = Sha256::digest(public).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes everything");
        text
    });
    Ok(Identity { device_id, public_key: URL_SAFE_NO_PAD.encode(public) })
}

/// The gateway never looks for updates by itself; the system's packages are updated by the system.
fn update(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    Ok(value!({
        "sentinel": null, "updateAvailable": null, "effectiveChannel": "stable",
        "schedule": {"channel": "stable", "autoEnabled": false},
    }))
}

/// What `tasks.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaskList {
    tasks: Vec<Shape>,
}

/// There is no registry of background tasks; scheduled runs are in `cron.runs`.
fn tasks(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<TaskList, MethodError> {
    Ok(TaskList { tasks: Vec::new() })
}

fn model_auth(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    let provider = core.runs.model().provider;
    Ok(value!({
        "ts": core.clock.now_ms(), "providerCapabilities": [],
        "providers": [{
            "provider": provider, "authProvider": provider, "displayName": provider,
            "status": "static", "profiles": [],
        }],
    }))
}

/// No provider is asked for quotas.
fn usage(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    Ok(value!({"updatedAt": core.clock.now_ms(), "providers": []}))
}
