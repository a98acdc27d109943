//! What is special about a connection of a node: its commands join and leave with it.

use crate::{
    auth::Admission,
    clock,
    devices::ApprovedVia,
    events::ConnNumber,
    methods::{Caller, Core, nodes::pair::publish_resolved, nodes::voicewake},
    nodes::{Declared, rows::waiting_row},
    protocol::{connect::ConnectParams, event, frame::json, scope::Role},
};
use serde_json::json as value;

/// Takes up what a node declares, before its hello says that it is here.
pub async fn join(core: &Core, conn: ConnNumber, admission: &Admission, params: &ConnectParams) {
    let principal = &admission.principal;
    let Some(node_id) = &principal.device_id else { return };
    let by_code = admission.setup.is_some();
    if by_code {
        let resolved = value!({
            "requestId": clock::uuid(), "deviceId": node_id, "decision": "approved",
            "ts": core.clock.now_ms(),
        });
        core.events.publish(event::DEVICE_PAIR_RESOLVED, &json(&resolved));
    }
    if principal.role != Role::Node {
        return;
    }
    let Some(device) = core.nodes.device(node_id) else { return };
    let client = &principal.client;
    let declared = Declared {
        client_id: client.id.word(),
        client_mode: client.mode.word(),
        display_name: client.display_name.clone(),
        platform: client.platform.clone(),
        version: client.version.clone(),
        device_family: client.device_family.clone(),
        caps: params.caps.clone(),
        commands: params.commands.clone(),
        permissions: params.permissions.clone(),
        path_env: params.path_env.clone(),
        remote_ip: device.remote_ip.clone(),
        silent: device.approved_via == ApprovedVia::Silent,
    };
    let first = device.node_surface.is_none();
    match core.nodes.join(node_id, conn, declared, by_code).await {
        Ok(Some(waiting)) => {
            core.events.publish(event::NODE_PAIR_REQUESTED, &json(&waiting_row(&waiting, &device)));
            tracing::info!(
                node = node_id,
                request = waiting.request_id,
                "a node offers commands: jackfield nodes approve {}",
                waiting.request_id
            );
        }
        Ok(None) if by_code && first => {
            publish_resolved(core, &clock::uuid(), node_id, "approved");
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(node = node_id, %error, "the node's commands are not known"),
    }
}

/// Tells a node what it needs to know first.
pub fn greet(core: &Core, caller: &Caller) {
    if caller.principal.role == Role::Node {
        voicewake::greet(core, caller);
    }
}

/// Lets go of a node's commands.
pub async fn leave(core: &Core, caller: &Caller) {
    if let (Role::Node, Some(node_id)) = (caller.principal.role, &caller.principal.device_id) {
        core.nodes.leave(node_id, caller.conn).await;
    }
}
