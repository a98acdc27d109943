//! The table: every method with its right, its parameters, its result and what it does.
//!
//! A connection hands a request in; the order of the checks is recorded: role, scope, existence,
//! write limit, parameters. Handlers that need no waiting answer at once on the connection's own
//! task. Must not know: sockets, WebSocket.

pub mod agent;
pub mod approvals;
pub mod caller;
pub mod channels;
pub mod chat;
pub mod config;
pub mod console;
pub mod core;
pub mod cron;
pub mod dead;
pub mod devices;
pub mod error;
pub mod files;
pub mod health;
pub mod logs;
pub mod models;
pub mod nodes;
pub mod page;
pub mod pairing;
pub mod plugins;
pub mod send;
pub mod sessions;
pub mod system;
pub mod table;
pub mod usage;
pub mod wake;
pub mod write_limit;

pub use self::{
    caller::{Caller, Responder, heavy},
    core::Core,
    error::{Failure, MethodError},
    table::{Access, Answer, Method, Table},
};

use crate::protocol::{
    frame::{Json, json},
    scope::{Role, Scope},
};
use serde_json::Value;
use std::sync::Arc;

/// Every method of this gateway.
#[must_use]
pub fn table() -> Table {
    let mut table = Table::default();
    health::add(&mut table);
    system::add(&mut table);
    logs::add(&mut table);
    agent::add(&mut table);
    chat::add(&mut table);
    sessions::add(&mut table);
    models::add(&mut table);
    channels::add(&mut table);
    send::add(&mut table);
    plugins::add(&mut table);
    dead::add(&mut table);
    devices::add(&mut table);
    nodes::add(&mut table);
    cron::add(&mut table);
    wake::add(&mut table);
    pairing::add(&mut table);
    approvals::add(&mut table);
    console::add(&mut table);
    config::add(&mut table);
    usage::add(&mut table);
    table
}

/// What a request leads to.
pub enum Dispatched {
    /// Answered.
    Answer(Result<Json, Failure>),
    /// Will answer through the responder when the work is done.
    Work(table::Work),
    /// Refused for the caller's role; too many of these in a row end the connection.
    WrongRole(Failure),
}

/// Carries a request out, as far as that needs no waiting.
#[must_use]
pub fn dispatch(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    method: &str,
    params: Value,
    responder: Responder,
) -> Dispatched {
    if method == "connect" {
        return refused(MethodError::Invalid(
            "connect is only valid as the first request".to_owned(),
        ));
    }
    let found = core.table.find(method);
    let access = found.map_or(Access::Operator(Scope::Admin), |m| m.access);
    if let Err(error) = may(caller, access, &params) {
        let failure = Failure::from(error);
        return if failure.wrong_role {
            Dispatched::WrongRole(failure)
        } else {
            Dispatched::Answer(Err(failure))
        };
    }
    let Some(found) = found else {
        return refused(MethodError::Invalid(format!("unknown method: {method}")));
    };
    if found.write_limited
        && let Err(retry_after_ms) = core.write_limit.take(method, &caller.principal.limit_key())
    {
        return refused(MethodError::RateLimited { method: method.to_owned(), retry_after_ms });
    }
    let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
    if let Err(problems) = found.validator().check(&params) {
        return refused(MethodError::Invalid(format!("invalid {method} params: {problems}")));
    }
    match found.call(core, caller, params, responder) {
        Answer::Now(answer) => Dispatched::Answer(answer),
        Answer::Later(work) => Dispatched::Work(work),
    }
}

fn refused(error: MethodError) -> Dispatched {
    Dispatched::Answer(Err(error.into()))
}

fn may(caller: &Caller, access: Access, params: &Value) -> Result<(), MethodError> {
    let role = caller.principal.role;
    let scope = match access {
        Access::Anyone => return Ok(()),
        Access::Node if role == Role::Node => return Ok(()),
        Access::Node => return Err(MethodError::WrongRole(role)),
        _ if role != Role::Operator => return Err(MethodError::WrongRole(role)),
        Access::Operator(scope) => scope,
        Access::Decided(decide) => decide(params),
    };
    if caller.principal.scopes.allows(scope) {
        Ok(())
    } else {
        Err(MethodError::MissingScope(scope))
    }
}

/// A wish a client sent; an empty one is none.
fn wish(given: Option<String>) -> Option<String> {
    given.map(|wish| wish.trim().to_owned()).filter(|wish| !wish.is_empty())
}

/// A result that says only that it was done.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Done {
    /// Always true.
    pub ok: bool,
}

/// The result that says only that it was done.
#[must_use]
pub fn done() -> Done {
    Done { ok: true }
}

/// Parameters of a method that takes none.
#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
pub struct Nothing {}

/// A value whose shape is documented by the protocol reference rather than a type.
pub type Shape = Value;

/// Sends a result, for methods that go on after their answer; true when it was no failure.
fn reply<T: serde::Serialize>(to: &Responder, result: Result<T, MethodError>) -> bool {
    match answer(result) {
        Ok(result) => {
            to.ok(&result);
            true
        }
        Err(failure) => {
            to.fail(&failure);
            false
        }
    }
}

/// Serialises a result.
fn answer<T: serde::Serialize>(result: Result<T, MethodError>) -> Result<Json, Failure> {
    result.map(|value| json(&value)).map_err(Failure::from)
}

#[cfg(test)]
mod tests;
