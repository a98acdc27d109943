//! The gateway itself: presence, identity of the agent, commands.

pub mod machine;

use super::{Access, Caller, Core, MethodError, Nothing, Shape, Table, models};
use crate::{
    agent::{Agent, commands::ALL},
    events::presence::PresenceRow,
    protocol::scope::Scope,
};
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
#[serde(rename_all = "camelCase")]
pub struct AgentRow {
    id: String,
    name: String,
    model: AgentModel,
    thinking_levels: Vec<models::Level>,
    thinking_options: &'static [&'static str],
    thinking_default: &'static str,
}

/// The model an agent runs; consoles take an agent without one for not set up.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AgentModel {
    primary: String,
}

fn agents(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<AgentList, MethodError> {
    let row = |agent: &Arc<Agent>| {
        let model = agent.backend.model();
        let levels = models::levels(agent);
        AgentRow {
            id: agent.id.clone(),
            name: agent.name.clone(),
            model: AgentModel { primary: format!("{}/{}", model.provider, model.id) },
            thinking_options: agent.backend.thinking(),
            thinking_default: agent.backend.thinking()[0],
            thinking_levels: levels,
        }
    };
    Ok(AgentList {
        agents: core.runs.roster().iter().map(row).collect(),
        default_id: core.default_agent().to_owned(),
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
    let agent = core.agent(params.agent_id.as_deref())?;
    Ok(Identity { name: agent.name.clone(), agent_id: agent.id.clone(), avatar: None })
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
    let row = |(name, description, accepts_args): &(&'static str, &'static str, bool)| CommandRow {
        name,
        description,
        text_aliases: vec![format!("/{name}")],
        source: "native",
        scope: "both",
        accepts_args: *accepts_args,
    };
    Ok(CommandList { commands: ALL.iter().map(row).collect() })
}
