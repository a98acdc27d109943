//! Pi's own format: lines of JSON in both directions. Pure, from a line to what it means.
//!
//! Fields as its documentation of the RPC mode and of the event stream gives them, for 0.87 and for
//! the older form of 0.50. Must not know: processes, time, runs.

use crate::agent::backend::{Model, Step, ToolPhase, ToolStep, Usage};
use serde::Deserialize;
use serde_json::{Value, json};

/// What a line means.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// The answer to a request.
    Response {
        /// Of the request.
        id: String,
        /// What it gave, or why it was refused.
        result: Result<Value, String>,
    },
    /// Something for the run.
    Step(Step),
    /// A message of the model is complete.
    Said {
        /// What it used.
        usage: Usage,
        /// Why it is no answer.
        error: Option<String>,
    },
    /// A round of work ended; `settled` says whether a word about the end of all work follows.
    RoundEnded {
        /// Nothing follows but that word.
        settled_follows: bool,
    },
    /// All work ended.
    Settled,
    /// An extension asks the person.
    Asked(Asked),
    /// Nothing that concerns us.
    Other,
}

/// A question of an extension.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) id: String,
    pub(super) title: String,
    /// The answer that allows, when there is one.
    pub(super) yes: Option<Yes>,
}

/// How a question of an extension is answered with yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Yes {
    /// It asks for yes or no.
    Confirm,
    /// This is one of the answers it offers.
    Option(String),
}

/// Words that an answer which allows begins with.
const ALLOWING: [&str; 6] = ["yes", "allow", "approve", "ok", "continue", "run"];

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "type")]
    kind: String,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

/// Reads a line.
///
/// # Errors
/// When it is no record of this format.
pub(super) fn read(line: &str) -> Result<Line, String> {
    let record: Record = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let more = &record.more;
    let text = |name: &str| more.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(match record.kind.as_str() {
        "response" => response(&text("id"), more),
        "message_update" => more.get("assistantMessageEvent").map_or(Line::Other, update),
        "message_end" => more.get("message").map_or(Line::Other, said),
        "tool_execution_start" => tool(more, |m| ToolPhase::Start(field(m, "args"))),
        "tool_execution_update" => tool(more, |m| ToolPhase::Update(field(m, "partialResult"))),
        "tool_execution_end" => tool(more, |m| ToolPhase::End {
            result: field(m, "result"),
            failed: m.get("isError") == Some(&Value::Bool(true)),
        }),
        "agent_end" => Line::RoundEnded { settled_follows: more.contains_key("willRetry") },
        "agent_settled" => Line::Settled,
        "extension_ui_request" => asked(&text("method"), text("id"), more),
        _ => Line::Other,
    })
}

fn response(id: &str, more: &serde_json::Map<String, Value>) -> Line {
    let result = if more.get("success") == Some(&Value::Bool(true)) {
        Ok(field(more, "data"))
    } else {
        let error = more.get("error").and_then(Value::as_str).unwrap_or("it refuses");
        Err(error.to_owned())
    };
    Line::Response { id: id.to_owned(), result }
}

fn update(event: &Value) -> Line {
    let delta = event["delta"].as_str().filter(|delta| !delta.is_empty()).map(str::to_owned);
    match (event["type"].as_str(), delta) {
        (Some("text_delta"), Some(delta)) => Line::Step(Step::Text(delta)),
        (Some("thinking_delta"), Some(delta)) => Line::Step(Step::Thought(delta)),
        _ => Line::Other,
    }
}

fn said(message: &Value) -> Line {
    if message["role"] != "assistant" {
        return Line::Other;
    }
    let count = |name: &str| message["usage"][name].as_u64().unwrap_or(0);
    let usage = Usage {
        input: count("input"),
        output: count("output"),
        cache_read: count("cacheRead"),
        cache_write: count("cacheWrite"),
        total: count("totalTokens"),
    };
    let error = (message["stopReason"] == "error").then(|| {
        message["errorMessage"].as_str().unwrap_or("its model does not answer").to_owned()
    });
    Line::Said { usage, error }
}

fn tool(
    more: &serde_json::Map<String, Value>,
    phase: impl FnOnce(&serde_json::Map<String, Value>) -> ToolPhase,
) -> Line {
    let text = |name: &str| more.get(name).and_then(Value::as_str).unwrap_or("tool").to_owned();
    Line::Step(Step::Tool(ToolStep {
        id: text("toolCallId"),
        name: text("toolName"),
        phase: phase(more),
    }))
}

fn asked(method: &str, id: String, more: &serde_json::Map<String, Value>) -> Line {
    if !matches!(method, "select" | "confirm" | "input" | "editor") {
        return Line::Other;
    }
    let parts = ["title", "message"].map(|name| more.get(name).and_then(Value::as_str));
    let title = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
    let offers = more.get("options").and_then(Value::as_array).into_iter().flatten();
    let allowing = |offer: &&str| {
        let offer = offer.to_lowercase();
        ALLOWING.iter().any(|word| offer.starts_with(word))
    };
    let yes = match method {
        "confirm" => Some(Yes::Confirm),
        "select" => offers
            .filter_map(Value::as_str)
            .find(allowing)
            .map(|offer| Yes::Option(offer.to_owned())),
        _ => None,
    };
    Line::Asked(Asked { id, title, yes })
}

fn field(more: &serde_json::Map<String, Value>, name: &str) -> Value {
    more.get(name).cloned().unwrap_or(Value::Null)
}

/// A model as Pi describes it.
pub(super) fn model(of: &Value) -> Option<Model> {
    let id = of["id"].as_str()?.to_owned();
    Some(Model {
        name: of["name"].as_str().unwrap_or(&id).to_owned(),
        provider: of["provider"].as_str()?.to_owned(),
        context_window: of["contextWindow"].as_u64(),
        reasoning: of["reasoning"] == true,
        available: true,
        id,
    })
}

/// The answer to a question of an extension.
pub(super) fn answer(asked: &Asked, allowed: bool) -> Value {
    let mut answer = json!({"type": "extension_ui_response", "id": asked.id});
    match &asked.yes {
        Some(Yes::Confirm) => answer["confirmed"] = json!(allowed),
        Some(Yes::Option(offer)) if allowed => answer["value"] = json!(offer),
        _ => answer["cancelled"] = json!(true),
    }
    answer
}

/// A message as Pi is given it: it must not be taken for one of Pi's own commands, which not everybody
/// who may talk to the agent may give.
pub(super) fn plain_message(text: String) -> String {
    if text.starts_with('/') || text.starts_with('!') { format!(" {text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_thoughts_and_tools_are_steps() {
        let text = r#"{"type":"message_update","assistantMessageEvent":{"type":"text_delta","delta":"a\u2028b"}}"#;
        assert_eq!(read(text), Ok(Line::Step(Step::Text("a\u{2028}b".into()))));
        let thought = r#"{"type":"message_update","message":{},"assistantMessageEvent":{"type":"thinking_delta","delta":"hm"}}"#;
        assert_eq!(read(thought), Ok(Line::Step(Step::Thought("hm".into()))));
        let tool = r#"{"type":"tool_execution_end","toolCallId":"c","toolName":"bash","result":{"content":[]},"isError":true}"#;
        let phase = ToolPhase::End { result: json!({"content": []}), failed: true };
        let step = ToolStep { id: "c".into(), name: "bash".into(), phase };
        assert_eq!(read(tool), Ok(Line::Step(Step::Tool(step))));
    }

    #[test]
    fn both_forms_of_the_end_are_told_apart() {
        let new = r#"{"type":"agent_end","messages":[],"willRetry":true}"#;
        assert_eq!(read(new), Ok(Line::RoundEnded { settled_follows: true }));
        let old = r#"{"type":"agent_end","messages":[]}"#;
        assert_eq!(read(old), Ok(Line::RoundEnded { settled_follows: false }));
        assert_eq!(read(r#"{"type":"agent_settled"}"#), Ok(Line::Settled));
    }

    #[test]
    fn an_answer_that_failed_says_why() {
        let line = r#"{"type":"message_end","message":{"role":"assistant","stopReason":"error","errorMessage":"503","usage":{"input":3,"output":0,"totalTokens":3}}}"#;
        let usage = Usage { input: 3, total: 3, ..Usage::default() };
        assert_eq!(read(line), Ok(Line::Said { usage, error: Some("503".into()) }));
        assert_eq!(read(r#"{"type":"message_end","message":{"role":"user"}}"#), Ok(Line::Other));
    }

    #[test]
    fn a_refusal_is_told_in_its_words() {
        let line = r#"{"type":"response","id":"1","command":"set_model","success":false,"error":"Model not found: x"}"#;
        let expected = Line::Response { id: "1".into(), result: Err("Model not found: x".into()) };
        assert_eq!(read(line), Ok(expected));
        assert!(read("pi v1").is_err());
    }

    #[test]
    fn a_question_is_answered_in_its_kind() {
        let line = r#"{"type":"extension_ui_request","id":"q","method":"confirm","title":"Go?","message":"really"}"#;
        let Ok(Line::Asked(asked)) = read(line) else { panic!("a question is one") };
        assert_eq!(asked.title, "Go?: really");
        assert_eq!(answer(&asked, true)["confirmed"], true);
        let notice = r#"{"type":"extension_ui_request","id":"n","method":"notify","message":"x"}"#;
        assert_eq!(read(notice), Ok(Line::Other));
        let line = r#"{"type":"extension_ui_request","id":"s","method":"select","title":"?","options":["No","Yes, do"]}"#;
        let Ok(Line::Asked(asked)) = read(line) else { panic!("a question is one") };
        assert_eq!(answer(&asked, true)["value"], "Yes, do");
        assert_eq!(answer(&asked, false)["cancelled"], true);
        let other = Asked { yes: None, ..asked };
        assert_eq!(answer(&other, true)["cancelled"], true);
    }
}
