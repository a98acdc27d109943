//! `device.token.rotate` and `device.token.revoke`.
//!
//! Every refusal reads the same, so that it tells nothing about other devices; the log has the rule.

use super::{
    Access, Caller, Core, MethodError, PAIRING, Responder, Table, cut, denied,
    rights::{self, Rights},
};
use crate::{devices::DeviceError, methods::reply, protocol::scope::Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Adds both.
pub fn add(table: &mut Table) {
    const ACCESS: Access = PAIRING;
    table.streamed::<RotateParams, Rotated, _, _>("device.token.rotate", ACCESS, rotate);
    table.streamed::<RevokeParams, Revoked, _, _>("device.token.revoke", ACCESS, revoke);
}

/// Parameters of `device.token.rotate`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RotateParams {
    #[schemars(length(min = 1))]
    device_id: String,
    #[schemars(length(min = 1))]
    role: String,
    /// Fewer scopes than the old token had; absent keeps them.
    #[serde(default)]
    scopes: Option<Vec<String>>,
}

/// A replaced token. The token itself is told to its own device alone.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rotated {
    device_id: String,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    scopes: Vec<String>,
    rotated_at_ms: u64,
    token_delivery: &'static str,
}

async fn rotate(core: Arc<Core>, caller: Arc<Caller>, params: RotateParams, to: Responder) {
    let device_id = params.device_id.trim().to_owned();
    let result = rotate_now(&core, &caller, &device_id, &params).await;
    let role = result.as_ref().ok().map(|rotated| rotated.role);
    if reply(&to, result) {
        cut(&core, &device_id, role);
    }
}

async fn rotate_now(
    core: &Core,
    caller: &Caller,
    device_id: &str,
    params: &RotateParams,
) -> Result<Rotated, MethodError> {
    let deny = |why| denied(rights::ROTATION_DENIED, device_id, why);
    let devices = core.auth.devices();
    let rights = Rights::of(&caller.principal);
    let role = Role::parse(params.role.trim()).ok_or_else(|| deny("unknown role"))?;
    let device = devices.device(device_id).ok_or_else(|| deny("unknown device"))?;
    let scopes = rights.mint(&device, role, params.scopes.as_deref()).map_err(deny)?;
    let issued = match devices.issue(device_id, role, Some(scopes)).await {
        Ok(issued) => issued,
        Err(DeviceError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(deny("the device is gone")),
    };
    tracing::info!(device = device_id, role = role.as_str(), by = caller.conn_id, "token rotated");
    let in_band = rights.is_device(device_id);
    Ok(Rotated {
        device_id: device_id.to_owned(),
        role,
        token: in_band.then_some(issued.token),
        scopes: issued.scopes,
        rotated_at_ms: issued.issued_at_ms,
        token_delivery: if in_band { "in-band" } else { "withheld-cross-device" },
    })
}

/// Parameters of `device.token.revoke`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevokeParams {
    #[schemars(length(min = 1))]
    device_id: String,
    #[schemars(length(min = 1))]
    role: String,
}

/// An ended token.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revoked {
    device_id: String,
    role: Role,
    revoked_at_ms: u64,
}

async fn revoke(core: Arc<Core>, caller: Arc<Caller>, params: RevokeParams, to: Responder) {
    let device_id = params.device_id.trim().to_owned();
    let result = revoke_now(&core, &caller, &device_id, &params).await;
    let role = result.as_ref().ok().map(|revoked| revoked.role);
    if reply(&to, result) {
        cut(&core, &device_id, role);
    }
}

async fn revoke_now(
    core: &Core,
    caller: &Caller,
    device_id: &str,
    params: &RevokeParams,
) -> Result<Revoked, MethodError> {
    let deny = |why| denied(rights::REVOCATION_DENIED, device_id, why);
    let devices = core.auth.devices();
    let role = Role::parse(params.role.trim()).ok_or_else(|| deny("unknown role"))?;
    let device = devices.device(device_id).ok_or_else(|| deny("unknown device"))?;
    Rights::of(&caller.principal).revoke(&device, role).map_err(deny)?;
    let revoked_at_ms = match devices.revoke(device_id, role).await {
        Ok(at) => at,
        Err(DeviceError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(deny("the token is gone")),
    };
    tracing::info!(device = device_id, role = role.as_str(), by = caller.conn_id, "token revoked");
    Ok(Revoked { device_id: device_id.to_owned(), role, revoked_at_ms })
}
