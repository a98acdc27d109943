//! What an admitted client is told, and what others are told of it.

use crate::{
    auth::{Admission, Refusal},
    canvas, clock,
    events::{Close, ConnNumber, Outbox, Subscriber, presence::PresenceRow},
    methods::{Caller, Core},
    protocol::{
        VERSION,
        connect::ConnectParams,
        event,
        frame::{Json, json},
        hello::{Features, HelloAuth, HelloOk, IssuedToken, Policy, ServerInfo, Snapshot},
        scope::{Role, Scope},
    },
};
use serde_json::json as value;
use std::{collections::BTreeMap, sync::Arc};

/// Abilities clients gate on.
const CAPABILITIES: [&str; 1] = ["published-model-catalog"];

/// A client that was let in.
pub struct Welcome {
    /// The connection as methods know it.
    pub caller: Arc<Caller>,
    /// The payload of its hello.
    pub hello: Json,
}

/// Puts the hello together.
#[must_use]
pub fn welcome(
    core: &Arc<Core>,
    conn: ConnNumber,
    admission: Admission,
    params: &ConnectParams,
) -> Welcome {
    let principal = admission.principal;
    let outbox = Arc::new(Outbox::default());
    let subscriber = Subscriber::new(principal.role, principal.scopes, &params.caps, outbox)
        .of_device(principal.device_id.clone());
    let issued = |token: crate::devices::Issued| IssuedToken {
        device_token: token.token,
        role: token.role,
        scopes: token.scopes,
        issued_at_ms: token.issued_at_ms,
    };
    let token = admission.hand_over.token.map(issued);
    let auth = HelloAuth {
        role: principal.role,
        scopes: principal.scope_words.clone(),
        method: Some(principal.method.as_str()),
        issued_at_ms: token.as_ref().map(|t| t.issued_at_ms),
        device_token: token.map(|t| t.device_token),
        device_tokens: admission.hand_over.further.into_iter().map(issued).collect(),
    };
    if let Some(setup) = admission.setup {
        core.events.publish(event::DEVICE_SETUP_COMPLETED, &json(&setup));
    }
    let admin = principal.scopes.allows(Scope::Admin);
    let conn_id = clock::uuid();
    let caller = Arc::new(Caller {
        principal,
        conn,
        conn_id: conn_id.clone(),
        subscriber: Arc::new(subscriber),
        in_flight: Arc::default(),
    });
    // Before the snapshot: a change after it must reach the client as an event.
    core.events.subscribe(conn, Arc::clone(&caller.subscriber));
    if let Some(key) = caller.presence_key() {
        core.presence.put(&key, presence_row(core, &caller));
    }
    let hello = HelloOk {
        kind: "hello-ok",
        protocol: VERSION,
        server: ServerInfo {
            version: core.version.to_owned(),
            conn_id,
            boot_id: core.boot_id.clone(),
        },
        features: Features {
            methods: core.announced_methods(),
            events: core.announced_events(),
            capabilities: CAPABILITIES.to_vec(),
        },
        snapshot: Snapshot {
            presence: core.presence.snapshot(),
            health: core.health.read(),
            state_version: core.events.versions(),
            uptime_ms: core.uptime_ms(),
            session_defaults: core.session_defaults(),
            config_path: admin.then(|| core.paths.config.display().to_string()),
            state_dir: admin.then(|| core.paths.state.display().to_string()),
            auth_mode: admin.then(|| core.auth.mode().as_str()),
        },
        auth,
        policy: Policy::default(),
        plugin_surface_urls: surfaces(core, &caller, params),
    };
    Welcome { caller, hello: json(&hello) }
}

/// Where this connection may look; a node only when it says that it has a canvas and speaks the
/// protocol that knows of surfaces.
fn surfaces(core: &Core, caller: &Caller, params: &ConnectParams) -> BTreeMap<String, String> {
    let wants = caller.principal.role != Role::Node
        || params.caps.iter().any(|cap| cap == canvas::SURFACE) && !params.is_old_node();
    let canvas = core.canvas.as_ref().filter(|_| wants);
    let address =
        canvas.map(|canvas| canvas.address(caller.conn, &caller.principal.peer.base_url()).0);
    address.map(|address| (canvas::SURFACE.to_owned(), address)).into_iter().collect()
}

fn presence_row(core: &Core, caller: &Caller) -> PresenceRow {
    let principal = &caller.principal;
    let client = &principal.client;
    let host = client.display_name.clone().unwrap_or_else(|| client.id.word());
    let mode = client.mode.word();
    let ip = principal.peer.ip.to_string();
    PresenceRow {
        text: format!(
            "Node: {host} ({ip}) · app {} · mode {mode} · reason connect",
            client.version
        ),
        host,
        ip: Some(ip),
        version: client.version.clone(),
        platform: client.platform.clone(),
        device_family: client.device_family.clone(),
        model_identifier: client.model_identifier.clone(),
        time_zone: client.time_zone.clone(),
        mode,
        reason: "connect".to_owned(),
        online_since: Some(core.clock.now_ms()),
        device_id: principal.device_id.clone(),
        client_id: Some(client.id.word()),
        instance_id: client.instance_id.clone(),
        roles: vec![principal.role.as_str().to_owned()],
        scopes: principal.scope_words.clone(),
        ..PresenceRow::default()
    }
}

/// Forgets throw-away identities like the one that was just approved unasked.
pub async fn prune(core: &Core, admission: &Admission) {
    let Some(device) = &admission.silently else { return };
    let connected = |id: &str| core.events.device_connected(id);
    if let Err(error) = core.auth.devices().prune_cluster(device, &connected).await {
        tracing::warn!(%error, "old throw-away identities could not be forgotten");
    }
}

/// Tells others that a client came, and the client how things stand.
pub fn arrive(core: &Core, caller: &Caller) {
    if caller.presence_key().is_some() {
        core.publish_presence();
    }
    cut_if_removed(core, caller);
    let client = &caller.principal.client;
    tracing::debug!(
        conn = caller.conn_id,
        client = client.id.word(),
        mode = client.mode.word(),
        method = caller.principal.method.as_str(),
        "client connected"
    );
}

/// Closes a connection whose device lost what let it in while it was being greeted: from now on
/// such a loss finds the connection by itself.
fn cut_if_removed(core: &Core, caller: &Caller) {
    let Some(id) = &caller.principal.device_id else { return };
    let role = caller.principal.role;
    let device = core.auth.devices().device(id);
    if device.is_none_or(|device| device.living_token(role).is_none()) {
        caller.subscriber.outbox.close(Close::new(4001, "device removed"));
    }
}

/// Tells others that a client left.
pub fn leave(core: &Core, caller: &Caller) {
    if let Some(device) = &caller.principal.device_id {
        core.auth.devices().seen(device, "disconnect");
    }
    if caller.presence_key().is_some_and(|key| core.presence.gone(&key)) {
        core.publish_presence();
    }
    tracing::debug!(conn = caller.conn_id, "client disconnected");
}

/// Tells operators about a device that now waits for them.
pub fn tell_operators(core: &Core, refusal: &Refusal) {
    let Refusal::Pairing { request, is_new, superseded, .. } = refusal else { return };
    if let Some(old) = superseded {
        let resolved = value!({
            "requestId": old.request_id, "deviceId": old.device_id, "decision": "rejected",
            "ts": core.clock.now_ms(),
        });
        core.events.publish(event::DEVICE_PAIR_RESOLVED, &json(&resolved));
    }
    if *is_new {
        core.events.publish(event::DEVICE_PAIR_REQUESTED, &json(&**request));
        tracing::info!(
            request = request.request_id,
            device = request.device_id,
            "a device asks to be approved: jackfield devices approve {}",
            request.request_id
        );
    }
}
