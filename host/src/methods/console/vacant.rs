//! What consoles list when they start and this gateway does not keep: boards, projects, speech, skills.
//!
//! Reading such a list is answered as the original answers when nothing is configured: empty. Whatever
//! would change one of them is an unknown method, so nothing ever looks done that was not.

use crate::{
    methods::{Access, Caller, Core, MethodError, Nothing, Shape, Table},
    protocol::scope::Scope,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::sync::Arc;

const READ: Access = Access::Operator(Scope::Read);

/// A list that is always empty here, and how it looks.
type Empty = (&'static str, fn(&Core) -> Value);

/// Lists without parameters that matter.
const EMPTY: [Empty; 22] = [
    (
        "mentions.list",
        |core| value!({"gatewayInstanceId": core.boot_id, "revision": 0, "items": []}),
    ),
    ("plugins.controlUi.list", |_| value!({"revision": "", "plugins": [], "diagnostics": []})),
    ("progressCard.get", |_| value!({"card": null})),
    ("projects.list", |_| value!({"projects": [], "recents": []})),
    ("session.discussion.info", |_| value!({"state": "none"})),
    ("sessions.catalog.list", |_| value!({"catalogs": []})),
    ("sessions.companion.state", |_| value!({"exchanges": []})),
    ("sessions.groups.list", |_| value!({"groups": [], "sectionOrder": []})),
    ("users.list", |_| value!({"profiles": []})),
    ("users.prefs.get", |_| value!({"status": "no_durable_identity"})),
    ("users.mentionable", |_| value!({"users": []})),
    ("worktrees.list", |_| value!({"worktrees": []})),
    ("portal.list", |_| value!({"portals": []})),
    ("transcripts.list", |_| value!({"transcripts": []})),
    ("artifacts.list", |_| value!({"artifacts": []})),
    ("skills.proposals.list", |_| value!({"proposals": []})),
    ("audit.list", |_| value!({"events": []})),
    ("tts.status", speech),
    ("tts.providers", |_| value!({"providers": [], "active": null})),
    ("tts.personas", |_| value!({"personas": [], "active": null})),
    ("talk.catalog", talk),
    ("hooks.status", |_| value!({"hooks": []})),
];

/// Adds them.
pub fn add(table: &mut Table) {
    for (name, shape) in EMPTY {
        table.now(name, READ, move |core: &Arc<Core>, _: &Arc<Caller>, _: Nothing| Ok(shape(core)));
    }
    table.now("sessions.groups.defaults", Access::Operator(Scope::Write), |_, _, _: Nothing| {
        Ok(value!({"defaults": []}))
    });
    table.now("board.get", READ, board);
    table.now("sessions.github.options", READ, github);
    table.now("environments.list", READ, environments);
    table.now("diagnostics.lanes", READ, lanes);
    table.now("tools.catalog", READ, tools);
    table.now("skills.status", READ, skills);
    table.now("agents.files.list", READ, files);
    table.now("talk.config", Access::Decided(talk_right), |_, _, _: Nothing| {
        Ok(value!({"config": {}}))
    });
}

/// Nothing speaks here.
fn speech(_: &Core) -> Value {
    value!({
        "enabled": false, "auto": "off", "provider": null, "persona": null, "personas": [],
        "fallbackProvider": null, "fallbackProviders": [], "providerStates": [],
    })
}

/// Nothing is spoken to here.
fn talk(_: &Core) -> Value {
    value!({
        "modes": [], "transports": [], "brains": [], "speech": {"providers": []},
        "transcription": {"ready": false, "providers": []},
        "realtime": {"ready": false, "providers": []},
    })
}

fn talk_right(params: &Value) -> Scope {
    if params["includeSecrets"] == true { Scope::TalkSecrets } else { Scope::Read }
}

/// Names a conversation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionParams {
    #[schemars(length(min = 1))]
    session_key: String,
}

fn board(core: &Arc<Core>, _: &Arc<Caller>, params: SessionParams) -> Result<Shape, MethodError> {
    let key = core.key(&params.session_key).unwrap_or(params.session_key);
    Ok(value!({"sessionKey": key, "revision": 0, "tabs": [], "widgets": []}))
}

fn github(_: &Arc<Core>, _: &Arc<Caller>, _: SessionParams) -> Result<Shape, MethodError> {
    Ok(value!({
        "personal": {
            "state": "disconnected", "generation": null, "account": null,
            "accessExpiresAtMs": null, "refreshState": "not_applicable", "pending": null,
        },
        "shared": null, "pendingPersonal": null, "latestShared": null,
    }))
}

/// Turns run on the gateway's machine and nowhere else.
fn environments(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    Ok(value!({"environments": [{
        "id": "gateway", "type": "local", "label": "Gateway local", "status": "available",
        "capabilities": ["agent.run", "sessions"],
    }]}))
}

/// One lane runs the turns of the agent, so many at once.
fn lanes(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    let (active, queued) = core.run_load();
    Ok(value!({"ts": core.clock.now_ms(), "dynamic": null, "lanes": [{
        "lane": "main", "activeCount": active, "queuedCount": queued,
        "maxConcurrent": core.config.agent.max_concurrent,
    }]}))
}

/// Names an agent.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentParams {
    #[serde(default)]
    #[schemars(length(min = 1))]
    agent_id: Option<String>,
}

impl AgentParams {
    fn known(self, core: &Core) -> Result<String, MethodError> {
        Ok(core.agent(self.agent_id.as_deref())?.id.clone())
    }
}

/// Backends bring their own tools; the gateway has none to choose from.
fn tools(core: &Arc<Core>, _: &Arc<Caller>, params: AgentParams) -> Result<Shape, MethodError> {
    Ok(value!({"agentId": params.known(core)?, "profiles": [], "groups": []}))
}

/// Backends bring their own skills.
fn skills(core: &Arc<Core>, _: &Arc<Caller>, params: AgentParams) -> Result<Shape, MethodError> {
    let agent = params.known(core)?;
    Ok(value!({"workspaceDir": "", "managedSkillsDir": "", "agentId": agent, "skills": []}))
}

/// Agents have no files of their own here.
fn files(core: &Arc<Core>, _: &Arc<Caller>, params: AgentParams) -> Result<Shape, MethodError> {
    Ok(value!({"agentId": params.known(core)?, "workspace": "", "files": []}))
}
