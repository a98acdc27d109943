//! The published schemas, put together from the types: frames, methods, the plugin contract.

use crate::{
    methods::{Access, Method, table},
    protocol::{
        self,
        connect::ConnectParams,
        event::{self, Guard},
        frame::{EventFrame, RequestFrame, ResponseFrame},
        hello::{Challenge, HelloOk},
        schema::{of, of_result},
        scope::Scope,
    },
};
use jackfield_plugin_api::{
    frame::{HostFrame, PluginFrame},
    manifest::Manifest,
};
use serde_json::{Map, Value, json};

/// Every file: its name and its text.
#[must_use]
pub fn files() -> Vec<(&'static str, String)> {
    vec![
        ("protocol.schema.json", pretty(&protocol_schema())),
        ("manifest.schema.json", pretty(&value(&of::<Manifest>()))),
        ("frames.schema.json", pretty(&frames())),
    ]
}

fn protocol_schema() -> Value {
    let methods: Map<String, Value> =
        table().all().iter().map(|m| (m.name.to_owned(), method(m))).collect();
    let events: Map<String, Value> = event::ALL
        .iter()
        .map(|e| (e.name.to_owned(), json!({"guard": guard(e.guard), "dropIfSlow": e.drop_if_slow, "stateVersion": e.versioned})))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Gateway protocol",
        "protocol": protocol::VERSION,
        "frames": {
            "req": of::<RequestFrame>(),
            "res": of_result::<ResponseFrame<'static>>(),
            "event": of_result::<EventFrame>(),
        },
        "handshake": {
            "connect.challenge": of_result::<Challenge>(),
            "connect": of::<ConnectParams>(),
            "hello-ok": of_result::<HelloOk>(),
        },
        "methods": methods,
        "events": events,
    })
}

fn method(method: &Method) -> Value {
    let (role, scope) = match method.access {
        Access::Anyone => ("any", Value::Null),
        Access::Node => ("node", Value::Null),
        Access::Operator(scope) => ("operator", json!(scope.as_str())),
        Access::Decided(_) => ("operator", json!("decided by the parameters")),
    };
    json!({
        "role": role, "scope": scope, "since": method.since, "announced": !method.hidden,
        "writeLimited": method.write_limited, "params": (method.params)(), "result": (method.result)(),
    })
}

fn guard(guard: Guard) -> Value {
    let word = |scope: Scope| scope.as_str();
    match guard {
        Guard::Everyone => json!("everyone"),
        Guard::Operators(scope) => json!(word(scope)),
        Guard::Targeted => json!("targeted"),
    }
}

fn frames() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Frames between the gateway and a plugin",
        "host": of::<HostFrame>(),
        "plugin": of::<PluginFrame>(),
    })
}

fn value(schema: &schemars::Schema) -> Value {
    schema.as_value().clone()
}

fn pretty(schema: &Value) -> String {
    // By name, whatever order the maps of this build keep: the files must not depend on it.
    let mut schema = schema.clone();
    schema.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
    text.push('\n');
    text
}
