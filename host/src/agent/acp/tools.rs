//! An agent's updates as steps of a run. Pure.

use crate::agent::backend::{Step, ToolPhase, ToolStep};
use agent_client_protocol::v1::schema::{
    ContentBlock, SessionUpdate, ToolCallContent, ToolCallStatus, ToolCallUpdateFields,
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Calls that may be under way at once; more are not told.
const CALLS_MAX: usize = 256;

/// Bytes of a terminal that are kept.
const OUTPUT_MAX: usize = 64 << 10;

/// The calls of tools of one run, by their ids: updates name only what changed.
#[derive(Default)]
pub(super) struct Calls(HashMap<String, Call>);

struct Call {
    name: String,
    /// What its terminal showed so far, or the end of it.
    output: String,
}

impl Calls {
    /// The steps that an update means, if any.
    pub(super) fn steps(&mut self, update: SessionUpdate) -> Vec<Step> {
        match update {
            SessionUpdate::AgentMessageChunk(chunk) => text(chunk.content).map(Step::Text),
            SessionUpdate::AgentThoughtChunk(chunk) => text(chunk.content).map(Step::Thought),
            SessionUpdate::ToolCall(call) => {
                let name = call.name.clone().unwrap_or_else(|| call.title.clone());
                let arguments = arguments(call.raw_input.clone(), &call.title);
                let fields = ToolCallUpdateFields::new()
                    .status(call.status)
                    .content(call.content)
                    .raw_output(call.raw_output);
                let shown = terminal(call.meta.as_ref());
                let id = call.tool_call_id.to_string();
                return self.call(id, Some(name), arguments, &fields, shown);
            }
            SessionUpdate::ToolCallUpdate(update) => {
                let fields = &update.fields;
                let title = fields.title.clone().unwrap_or_default();
                let name = fields.name.clone().or_else(|| fields.title.clone());
                let arguments = arguments(fields.raw_input.clone(), &title);
                let shown = terminal(update.meta.as_ref());
                let id = update.tool_call_id.to_string();
                return self.call(id, name, arguments, fields, shown);
            }
            _ => None,
        }
        .into_iter()
        .collect()
    }

    fn call(
        &mut self,
        id: String,
        name: Option<String>,
        arguments: Value,
        fields: &ToolCallUpdateFields,
        shown: Option<&str>,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        let known = self.0.contains_key(&id);
        if !known && self.0.len() >= CALLS_MAX {
            return steps;
        }
        let call = self.0.entry(id.clone()).or_insert_with(|| Call {
            name: name.unwrap_or_else(|| "tool".into()),
            output: String::new(),
        });
        let name = call.name.clone();
        let step = |phase| Step::Tool(ToolStep { id: id.clone(), name: name.clone(), phase });
        if !known {
            steps.push(step(ToolPhase::Start(arguments)));
        }
        let ends =
            matches!(fields.status, Some(ToolCallStatus::Completed | ToolCallStatus::Failed));
        let given = result(fields).or_else(|| call.shows(shown, ends));
        match fields.status {
            Some(status @ (ToolCallStatus::Completed | ToolCallStatus::Failed)) => {
                let failed = status == ToolCallStatus::Failed;
                let result = given.unwrap_or_else(|| json!({"content": []}));
                steps.push(step(ToolPhase::End { result, failed }));
                self.0.remove(&id);
            }
            _ => steps.extend(given.map(|partial| step(ToolPhase::Update(partial)))),
        }
        steps
    }
}

impl Call {
    /// Everything its terminal showed, when more came or nothing else will.
    fn shows(&mut self, more: Option<&str>, ends: bool) -> Option<Value> {
        self.output.push_str(more.unwrap_or_default());
        let surplus = self.output.len().saturating_sub(OUTPUT_MAX);
        self.output.drain(..self.output.ceil_char_boundary(surplus));
        let tells = (more.is_some() || ends) && !self.output.is_empty();
        tells.then(|| json!({"content": [{"type": "text", "text": self.output}]}))
    }
}

/// What a terminal shows, as agents tell it beside the protocol.
fn terminal(meta: Option<&Map<String, Value>>) -> Option<&str> {
    meta?.get("terminal_output")?.get("data")?.as_str().filter(|data| !data.is_empty())
}

fn arguments(input: Option<Value>, title: &str) -> Value {
    input.filter(|input| !input.is_null()).unwrap_or_else(|| json!({"title": title}))
}

/// What a call gave so far, in the form of the wire's tool results.
fn result(fields: &ToolCallUpdateFields) -> Option<Value> {
    let blocks: Vec<Value> = fields.content.iter().flatten().filter_map(block).collect();
    if !blocks.is_empty() {
        return Some(json!({ "content": blocks }));
    }
    let output = fields.raw_output.as_ref().filter(|output| !output.is_null())?;
    if output.get("content").is_some_and(Value::is_array) {
        return Some(output.clone());
    }
    let text = output.as_str().map_or_else(|| output.to_string(), str::to_owned);
    Some(json!({"content": [{"type": "text", "text": text}]}))
}

fn block(part: &ToolCallContent) -> Option<Value> {
    let text = match part {
        ToolCallContent::Content(content) => text(content.content.clone())?,
        ToolCallContent::Diff(diff) => {
            format!("changed {}:\n{}", diff.path.display(), diff.new_text)
        }
        _ => return None,
    };
    Some(json!({"type": "text", "text": text}))
}

fn text(block: ContentBlock) -> Option<String> {
    match block {
        ContentBlock::Text(text) => Some(text.text).filter(|text| !text.is_empty()),
        ContentBlock::ResourceLink(link) => Some(link.uri),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_client_protocol::v1::schema::{ContentChunk, TextContent, ToolCall, ToolCallUpdate};

    fn steps(calls: &mut Calls, update: SessionUpdate) -> Vec<String> {
        let shown = |step: Step| match step {
            Step::Text(text) => format!("text {text}"),
            Step::Thought(text) => format!("thought {text}"),
            Step::Tool(ToolStep { id, name, phase }) => match phase {
                ToolPhase::Start(args) => format!("{id} {name} start {args}"),
                ToolPhase::Update(partial) => format!("{id} {name} update {partial}"),
                ToolPhase::End { result, failed } => format!("{id} {name} end {result} {failed}"),
            },
            other => format!("{other:?}"),
        };
        calls.steps(update).into_iter().map(shown).collect()
    }

    #[test]
    fn words_and_thoughts_pass() {
        let chunk = |text: &str| ContentChunk::new(ContentBlock::Text(TextContent::new(text)));
        let mut calls = Calls::default();
        assert_eq!(steps(&mut calls, SessionUpdate::AgentMessageChunk(chunk("hi"))), ["text hi"]);
        assert_eq!(steps(&mut calls, SessionUpdate::AgentThoughtChunk(chunk("a"))), ["thought a"]);
        assert!(steps(&mut calls, SessionUpdate::UserMessageChunk(chunk("me"))).is_empty());
    }

    #[test]
    fn a_call_begins_once_and_ends_once() {
        let mut calls = Calls::default();
        let call = ToolCall::new("c1", "ls").raw_input(json!({"command": "ls"}));
        let begun = steps(&mut calls, SessionUpdate::ToolCall(call));
        assert_eq!(begun, [r#"c1 ls start {"command":"ls"}"#]);
        let update = |fields| SessionUpdate::ToolCallUpdate(ToolCallUpdate::new("c1", fields));
        let going = ToolCallUpdateFields::new().status(ToolCallStatus::InProgress);
        assert!(steps(&mut calls, update(going)).is_empty());
        let done =
            ToolCallUpdateFields::new().status(ToolCallStatus::Completed).raw_output(json!("a\nb"));
        let ended = steps(&mut calls, update(done));
        let expected = r#"c1 ls end {"content":[{"text":"a\nb","type":"text"}]} false"#;
        assert_eq!(ended.len(), 1);
        assert!(ended[0].starts_with("c1 ls end") && ended[0].ends_with("false"), "{expected}");
    }

    #[test]
    fn what_its_terminal_shows_is_its_result() {
        let mut calls = Calls::default();
        let update = |status, data: &str| {
            let meta = json!({"terminal_output": {"terminal_id": "t", "data": data}});
            let fields = ToolCallUpdateFields::new().status(status).title("bash");
            let update = ToolCallUpdate::new("c", fields).meta(meta.as_object().cloned());
            SessionUpdate::ToolCallUpdate(update)
        };
        steps(&mut calls, update(ToolCallStatus::InProgress, "a\n"));
        let ended = steps(&mut calls, update(ToolCallStatus::Completed, "b"));
        assert_eq!(ended.len(), 1);
        assert!(ended[0].contains("a\\nb"), "{ended:?}");
    }

    #[test]
    fn a_call_that_is_first_heard_of_at_its_end_begins_and_ends() {
        let mut calls = Calls::default();
        let fields = ToolCallUpdateFields::new().status(ToolCallStatus::Failed).title("rm");
        let update = SessionUpdate::ToolCallUpdate(ToolCallUpdate::new("c2", fields));
        let came = steps(&mut calls, update);
        assert_eq!(came.len(), 2);
        assert!(came[1].starts_with("c2 rm end") && came[1].ends_with("true"), "{came:?}");
    }
}
