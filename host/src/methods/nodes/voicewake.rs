//! Wake words: what a device listens for before it listens. The words are the gateway's own.

use crate::{
    methods::{Access, Caller, Core, MethodError, Nothing, Shape, Table},
    protocol::{event, frame::json, scope::Scope},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json as value;
use std::sync::Arc;

const TRIGGERS: [&str; 3] = ["jackfield", "openclaw", "computer"];

/// Adds them.
pub fn add(table: &mut Table) {
    table.now("voicewake.get", Access::Operator(Scope::Read), get);
    table.now("voicewake.routing.get", Access::Operator(Scope::Read), routing);
}

/// The wake words.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WakeWords {
    triggers: [&'static str; 3],
}

fn get(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<WakeWords, MethodError> {
    Ok(WakeWords { triggers: TRIGGERS })
}

fn routing(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    Ok(routes())
}

/// What is heard goes to the conversation that is open.
fn routes() -> Shape {
    value!({"config": {
        "version": 1, "defaultTarget": {"mode": "current"}, "routes": [], "updatedAtMs": 0,
    }})
}

/// Tells a node that has just come.
pub fn greet(core: &Core, caller: &Caller) {
    let events = [
        (event::VOICEWAKE_CHANGED, json(&WakeWords { triggers: TRIGGERS })),
        (event::VOICEWAKE_ROUTING_CHANGED, json(&routes())),
    ];
    for (kind, payload) in events {
        // A node that is gone again needs no greeting.
        let _ = core.events.send_to(caller.conn, kind, &payload);
    }
}
