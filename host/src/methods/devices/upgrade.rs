//! `device.scopes.*`: a connected device asks for more, and waits until a person has answered.

use super::{Access, Caller, Core, MethodError, Table};
use crate::{
    devices::{Ask, Device, Outcome},
    protocol::{
        event,
        frame::json,
        scope::{Role, Scope, Scopes},
    },
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use std::sync::Arc;

/// The text clients show to people.
const DEVICE_REQUIRED: &str = "device scope upgrade requires a paired browser identity; reopen the Control UI over HTTPS or localhost, then retry";

/// Adds both.
pub fn add(table: &mut Table) {
    const ACCESS: Access = Access::Operator(Scope::Read);
    table.now("device.scopes.requestUpgrade", ACCESS, request);
    table.later("device.scopes.waitUpgrade", ACCESS, wait);
}

/// Parameters of `device.scopes.requestUpgrade`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct UpgradeParams {
    /// All scopes the device wants, those it has included.
    #[schemars(length(min = 1, max = 8))]
    scopes: Vec<String>,
}

/// The request that now waits.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    request_id: String,
}

fn request(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    params: UpgradeParams,
) -> Result<Waiting, MethodError> {
    let device = own_device(core, caller)?;
    if params.scopes.iter().any(|word| Scope::parse(word).is_none()) {
        let text = "requested scopes contain an unknown operator scope";
        return Err(MethodError::Invalid(text.to_owned()));
    }
    let scopes = Scopes::from_words(&params.scopes);
    if !scopes.covers(caller.principal.scopes) {
        let text = "requested scopes must include the connection's current scopes";
        return Err(MethodError::Invalid(text.to_owned()));
    }
    let (request, superseded, is_new) = core.auth.devices().request(&ask(caller, &device, scopes));
    if let Some(old) = superseded {
        super::publish_resolved(core, &old, "rejected");
    }
    if is_new {
        core.events.publish(event::DEVICE_PAIR_REQUESTED, &json(&request));
    }
    tracing::info!(device = device.device_id, request = request.request_id, "asks for more scopes");
    Ok(Waiting { request_id: request.request_id })
}

fn ask(caller: &Caller, device: &Device, scopes: Scopes) -> Ask {
    Ask {
        device_id: device.device_id.clone(),
        public_key: device.public_key.clone(),
        display_name: caller.principal.client.display_name.clone(),
        platform: device.platform.clone(),
        device_family: device.device_family.clone(),
        client_id: caller.principal.client.id.word(),
        client_mode: caller.principal.client.mode.word(),
        role: Role::Operator,
        roles: vec![Role::Operator],
        scopes,
        remote_ip: Some(caller.principal.peer.ip.to_string()),
        browser_origin: device.browser_origin.clone(),
    }
}

/// Parameters of `device.scopes.waitUpgrade`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitParams {
    #[schemars(length(min = 1))]
    request_id: String,
}

/// How it ended.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upgraded {
    status: &'static str,
    request_id: String,
    /// For the device's next connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
}

async fn wait(
    core: Arc<Core>,
    caller: Arc<Caller>,
    params: WaitParams,
) -> Result<Upgraded, MethodError> {
    let device = own_device(&core, &caller)?;
    let devices = core.auth.devices();
    let request_id = params.request_id;
    let outcome = tokio::select! {
        outcome = devices.outcome(&request_id, &device.device_id) => outcome,
        () = core.stop.cancelled() => {
            return Err(MethodError::Unavailable("the gateway is stopping".to_owned()));
        }
    };
    let ended = |status| Upgraded {
        status,
        request_id: request_id.clone(),
        device_token: None,
        scopes: None,
    };
    match outcome {
        None => Err(MethodError::Invalid("scope upgrade expired or not found".to_owned())),
        Some(Outcome::Rejected) => Ok(ended("rejected")),
        Some(Outcome::Expired) => Ok(ended("expired")),
        Some(Outcome::Approved) => {
            let device = own_device(&core, &caller)?;
            let granted = device.granted(Role::Operator);
            let issued = devices.token_for(&device.device_id, Role::Operator, granted).await?;
            Ok(Upgraded {
                device_token: Some(issued.token),
                scopes: Some(issued.scopes),
                ..ended("approved")
            })
        }
    }
}

/// The device behind a connection, as long as it is still paired.
fn own_device(core: &Core, caller: &Caller) -> Result<Device, MethodError> {
    let id = caller.principal.device_id.as_deref();
    id.and_then(|id| core.auth.devices().device(id)).ok_or_else(|| {
        let details = value!({
            "code": "DEVICE_IDENTITY_REQUIRED", "recommendedNextStep": "reopen_control_ui_securely",
        });
        MethodError::InvalidWith(DEVICE_REQUIRED.to_owned(), details)
    })
}
