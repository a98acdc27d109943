//! `device.pair.*` and `device.token.*`: people decide which devices may come in, and with what.
//!
//! Who may decide what stands in [`rights`]. An answer is queued before the device's connections
//! are closed, because the caller may be on one of them.

pub mod rights;
pub mod setup;
pub mod tokens;
pub mod upgrade;

use super::{Access, Caller, Core, MethodError, Nothing, Responder, Shape, Table};
use crate::{
    devices::{Device, DeviceError, Pending},
    events::Close,
    protocol::{
        event,
        frame::json,
        scope::{Role, Scope, Scopes},
    },
};
use rights::Rights;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::sync::Arc;

const PAIRING: Access = Access::Operator(Scope::Pairing);

/// Adds the family.
pub fn add(table: &mut Table) {
    table.now("device.pair.list", PAIRING, list);
    table.later("device.pair.approve", PAIRING, approve);
    table.now("device.pair.reject", PAIRING, reject);
    table.streamed::<DeviceParams, Removed, _, _>("device.pair.remove", PAIRING, remove);
    table.later("device.pair.rename", PAIRING, rename);
    tokens::add(table);
    upgrade::add(table);
    setup::add(table);
}

/// Parameters that name a pairing request.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestParams {
    #[schemars(length(min = 1))]
    request_id: String,
}

/// Parameters that name a device.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceParams {
    #[schemars(length(min = 1))]
    device_id: String,
}

/// Parameters of `device.pair.rename`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenameParams {
    #[schemars(length(min = 1))]
    device_id: String,
    #[schemars(length(min = 1, max = 64))]
    label: String,
}

/// What `device.pair.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeviceList {
    /// Requests that wait.
    pending: Vec<Shape>,
    /// Devices that may come in.
    paired: Vec<Shape>,
}

fn list(core: &Arc<Core>, caller: &Arc<Caller>, _: Nothing) -> Result<DeviceList, MethodError> {
    let rights = Rights::of(&caller.principal);
    let devices = core.auth.devices();
    let pending = devices.pending().into_iter().filter(|p| rights.may_touch(&p.device_id));
    let paired = devices.paired().into_iter().filter(|d| rights.may_touch(&d.device_id));
    Ok(DeviceList {
        pending: pending.map(|p| value!(p)).collect(),
        paired: paired.map(|d| d.row(Some(core.events.device_connected(&d.device_id)))).collect(),
    })
}

/// What an approval answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approved {
    request_id: String,
    device: Shape,
}

async fn approve(
    core: Arc<Core>,
    caller: Arc<Caller>,
    params: RequestParams,
) -> Result<Approved, MethodError> {
    let request_id = params.request_id.trim();
    let devices = core.auth.devices();
    let rights = Rights::of(&caller.principal);
    let request = match devices.pending_request(request_id) {
        Some(request) => request,
        None if rights.admin => return Err(DeviceError::UnknownRequest.into()),
        None => return Err(denied(rights::APPROVAL_DENIED, request_id, "unknown request")),
    };
    if let Err(refusal) = rights.approve(&request) {
        return Err(denied(&refusal.text, &request.device_id, refusal.why));
    }
    let approval = devices.approve(request_id).await?;
    let device = with_tokens(&core, &approval.request, approval.device).await?;
    tracing::info!(device = device.device_id, by = caller.conn_id, "device approved");
    publish_resolved(&core, &approval.request, "approved");
    Ok(Approved { request_id: approval.request.request_id, device: device.row(None) })
}

/// Issues the tokens that the device will be handed at its next hello.
async fn with_tokens(
    core: &Core,
    request: &Pending,
    device: Device,
) -> Result<Device, MethodError> {
    let devices = core.auth.devices();
    for role in &request.roles {
        let asked = if *role == Role::Operator { request.scopes } else { Scopes::NONE };
        devices.token_for(&device.device_id, *role, asked).await?;
    }
    Ok(devices.device(&device.device_id).unwrap_or(device))
}

/// What a rejection answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rejected {
    request_id: String,
    device_id: String,
}

fn reject(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    params: RequestParams,
) -> Result<Rejected, MethodError> {
    let request_id = params.request_id.trim();
    let devices = core.auth.devices();
    let rights = Rights::of(&caller.principal);
    if rights.bound() {
        let own = devices.pending_request(request_id).filter(|r| rights.may_touch(&r.device_id));
        if own.is_none() {
            return Err(denied(rights::REJECTION_DENIED, request_id, "another device's request"));
        }
    }
    let request = devices.reject(request_id)?;
    publish_resolved(core, &request, "rejected");
    Ok(Rejected { request_id: request.request_id, device_id: request.device_id })
}

/// What a removal answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    device_id: String,
}

async fn remove(core: Arc<Core>, caller: Arc<Caller>, params: DeviceParams, to: Responder) {
    let device_id = params.device_id.trim().to_owned();
    let result = remove_now(&core, &caller, &device_id).await;
    if super::reply(&to, result.map(|()| Removed { device_id: device_id.clone() })) {
        cut(&core, &device_id, None);
        core.events.publish(event::DEVICE_PAIR_CHANGED, &json(&value!({})));
    }
}

async fn remove_now(core: &Core, caller: &Caller, device_id: &str) -> Result<(), MethodError> {
    let rights = Rights::of(&caller.principal);
    let devices = core.auth.devices();
    let known = devices.device(device_id);
    let foreign_role =
        known.is_some_and(|d| rights.bound() && d.roles.iter().any(|r| !rights.may_manage(*r)));
    if !rights.may_touch(device_id) || foreign_role {
        return Err(denied(rights::REMOVAL_DENIED, device_id, "another device, or another role"));
    }
    devices.remove(device_id).await?;
    tracing::info!(device = device_id, by = caller.conn_id, "device removed");
    Ok(())
}

/// What a renaming answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Renamed {
    device_id: String,
    label: String,
}

async fn rename(
    core: Arc<Core>,
    caller: Arc<Caller>,
    params: RenameParams,
) -> Result<Renamed, MethodError> {
    let (device_id, label) = (params.device_id.trim(), params.label.trim());
    if label.is_empty() {
        return Err(MethodError::Invalid("label required".to_owned()));
    }
    if !Rights::of(&caller.principal).may_touch(device_id) {
        return Err(denied(rights::RENAME_DENIED, device_id, "another device"));
    }
    core.auth.devices().rename(device_id, label).await?;
    core.events.publish(event::DEVICE_PAIR_CHANGED, &json(&value!({})));
    Ok(Renamed { device_id: device_id.to_owned(), label: label.to_owned() })
}

/// Closes a device's connections, of one role or of all, after it lost what let it in.
fn cut(core: &Core, device_id: &str, role: Option<Role>) {
    core.events.close_device(device_id, role, &Close::new(4001, "device removed"));
}

/// Tells operators that a request was answered.
fn publish_resolved(core: &Core, request: &Pending, decision: &str) {
    let payload: Value = value!({
        "requestId": request.request_id, "deviceId": request.device_id, "decision": decision,
        "ts": core.clock.now_ms(),
    });
    core.events.publish(event::DEVICE_PAIR_RESOLVED, &json(&payload));
}

/// The caller is told in general terms; the log says which rule it was.
fn denied(text: &str, subject: &str, why: &str) -> MethodError {
    tracing::warn!(subject, why, "{text}");
    MethodError::Invalid(text.to_owned())
}
