//! Calls of tools as an endpoint streams them: piece by piece, several at once.
//!
//! Must not know: HTTP, time, runs.

use crate::agent::backend::{Step, ToolPhase, ToolStep};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Bytes of a call's arguments that are kept.
const ARGUMENTS_MAX: usize = 1 << 20;

/// A piece of a call of a tool; only the first one of a call names it.
#[derive(Deserialize)]
pub(super) struct Fragment {
    #[serde(default)]
    index: u64,
    id: Option<String>,
    function: Option<FunctionPiece>,
}

#[derive(Deserialize)]
struct FunctionPiece {
    name: Option<String>,
    arguments: Option<String>,
}

/// The calls of tools that an answer is in the middle of. Nothing here runs them: this backend has no
/// tools, so each ends as one that was not run.
#[derive(Default)]
pub(super) struct Calls {
    open: BTreeMap<u64, Call>,
}

struct Call {
    id: String,
    name: String,
    arguments: String,
}

impl Calls {
    pub(super) fn take(&mut self, fragment: Fragment, steps: &mut Vec<Step>) {
        let piece = fragment.function;
        let name = piece.as_ref().and_then(|p| p.name.clone()).filter(|n| !n.is_empty());
        if !self.open.contains_key(&fragment.index)
            && let Some(name) = name
        {
            let id = fragment.id.unwrap_or_else(|| format!("call-{}", fragment.index));
            let call = Call { id, name, arguments: String::new() };
            steps.push(call.step(ToolPhase::Start(json!({}))));
            self.open.insert(fragment.index, call);
        }
        let more = piece.and_then(|p| p.arguments).filter(|more| !more.is_empty());
        if let (Some(call), Some(more)) = (self.open.get_mut(&fragment.index), more) {
            if call.arguments.len() + more.len() <= ARGUMENTS_MAX {
                call.arguments.push_str(&more);
            }
            steps.push(call.step(ToolPhase::Update(json!({ "argumentsDelta": more }))));
        }
    }

    pub(super) fn end(&mut self, steps: &mut Vec<Step>) {
        for call in std::mem::take(&mut self.open).into_values() {
            let arguments = serde_json::from_str(&call.arguments)
                .unwrap_or_else(|_| Value::String(call.arguments.clone()));
            let result = json!({
                "content": [{"type": "text", "text": "not run: this agent has no tools"}],
                "arguments": arguments,
            });
            steps.push(call.step(ToolPhase::End { result, failed: true }));
        }
    }
}

impl Call {
    fn step(&self, phase: ToolPhase) -> Step {
        Step::Tool(ToolStep { id: self.id.clone(), name: self.name.clone(), phase })
    }
}
