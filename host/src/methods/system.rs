//! The gateway itself: presence, identity of the agent, commands.

pub mod machine;

use super::{Access, Caller, Core, MethodError, Nothing, Shape, Table};
use crate::{events::presence::PresenceRow, protocol::scope::Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use std::sync::Arc;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.now("system-presence", Access::Operator(Scope::Read), presence);
    table.now("system.info", Access::Operator(Scope::Read), info);
    table.now("agents.list", Access::Operator(Scope::Read), agents);
    table.now("agent.identity.get", Access::Operator(Scope::Read), identity);
    table.now("commands.list", Access::Operator(Scope::Read), commands);
}

fn presence(
    core: &Arc<Core>,
    _: &Arc<Caller>,
    _: Nothing,
) -> Result<Vec<PresenceRow>, MethodError> {
    Ok(core.presence.rows())
}

fn info(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    let mut facts = machine::facts(&core.host, &core.paths.state);
    facts.insert("version".to_owned(), value!(core.version));
    facts.insert("uptimeMs".to_owned(), value!(core.uptime_ms()));
    facts.insert("processInstanceId".to_owned(), value!(core.boot_id));
    facts.insert("port".to_owned(), value!(core.config.gateway.port));
    Ok(Shape::Object(facts))
}

/// What `agents.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentList {
    default_id: String,
    main_key: &'static str,
    scope: &'static str,
    agents: Vec<AgentRow>,
    ownership: &'static str,
    selection_required: bool,
}

/// One agent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AgentRow {
    id: String,
    name: String,
    model: AgentModel,
}

/// The model an agent runs; consoles take an agent without one for not set up.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AgentModel {
    primary: String,
}

fn agents(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<AgentList, MethodError> {
    let id = core.default_agent().to_owned();
    let model = core.runs.model();
    let primary = format!("{}/{}", model.provider, model.id);
    Ok(AgentList {
        agents: vec![AgentRow { name: id.clone(), id: id.clone(), model: AgentModel { primary } }],
        default_id: id,
        main_key: crate::protocol::key::MAIN,
        scope: "per-sender",
        ownership: "sole",
        selection_required: false,
    })
}

/// Parameters of `agent.identity.get`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdentityParams {
    #[serde(default)]
    agent_id: Option<String>,
}

/// Who an agent is, for people.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    agent_id: String,
    name: String,
    avatar: Option<String>,
}

fn identity(
    core: &Arc<Core>,
    _: &Arc<Caller>,
    params: IdentityParams,
) -> Result<Identity, MethodError> {
    let agent_id = params.agent_id.unwrap_or_else(|| core.default_agent().to_owned());
    if agent_id != core.default_agent() {
        return Err(MethodError::Invalid(format!("unknown agent id: {agent_id}")));
    }
    Ok(Identity { name: agent_id.clone(), agent_id, avatar: None })
}

/// What `commands.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CommandList {
    commands: Vec<CommandRow>,
}

/// One slash command.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandRow {
    name: &'static str,
    description: &'static str,
    text_aliases: Vec<String>,
    source: &'static str,
    scope: &'static str,
    accepts_args: bool,
}

fn commands(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<CommandList, MethodError> {
    let row = |(name, description): &(&'static str, &'static str)| CommandRow {
        name,
        description,
        text_aliases: vec![format!("/{name}")],
        source: "native",
        scope: "both",
        accepts_args: false,
    };
    Ok(CommandList { commands: super::chat::commands::ALL.iter().map(row).collect() })
}
