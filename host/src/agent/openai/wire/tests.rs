//! Requests and events, as endpoints write them.

use super::*;
use crate::agent::backend::{ToolPhase, ToolStep};
use serde_json::json;

fn read(data: &str) -> Result<Read, String> {
    super::read(&mut Calls::default(), data)
}

fn said(by_agent: bool, text: &str) -> Said {
    Said { by_agent, text: text.to_owned() }
}

fn asked(system: Option<&str>, history: Vec<Said>) -> Vec<(&'static str, String)> {
    let settings =
        OpenAiSection { system_prompt: system.map(str::to_owned), ..OpenAiSection::default() };
    let prompt = Prompt { history, text: "now".to_owned(), ..Prompt::default() };
    let messages = request(&settings, "m", &prompt).messages;
    messages.into_iter().map(|m| (m.role, m.content)).collect()
}

#[test]
fn a_request_holds_the_conversation_with_speakers_in_turn() {
    let history = vec![said(false, "a"), said(true, "b"), said(false, "c"), said(false, "d")];
    let expected =
        [("system", "be kind"), ("user", "a"), ("assistant", "b"), ("user", "c\n\nd\n\nnow")];
    let expected: Vec<_> = expected.iter().map(|(r, t)| (*r, (*t).to_owned())).collect();
    assert_eq!(asked(Some("be kind"), history), expected);
    assert_eq!(asked(None, Vec::new()), [("user", "now".to_owned())]);
}

#[test]
fn an_event_becomes_thoughts_then_words_then_usage() {
    let data = r#"{"choices":[{"index":0,"delta":{"reasoning_content":"hm","content":"yes"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
    let read = read(data).expect("an event");
    let usage = Usage { input: 3, output: 4, total: 7, ..Usage::default() };
    let steps = [Step::Thought("hm".into()), Step::Text("yes".into()), Step::Usage(usage)];
    assert_eq!(read.steps, steps);
    assert!(read.finished);
}

#[test]
fn a_call_of_a_tool_comes_in_pieces_and_is_not_run() {
    let mut calls = Calls::default();
    let mut steps = Vec::new();
    for data in [
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"ls","arguments":""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
    ] {
        steps.extend(super::read(&mut calls, data).expect("an event").steps);
    }
    let phases: Vec<ToolPhase> = steps
        .into_iter()
        .map(|step| match step {
            Step::Tool(ToolStep { id, name, phase }) if id == "c1" && name == "ls" => phase,
            other => panic!("only steps of the one call come: {other:?}"),
        })
        .collect();
    assert_eq!(phases[0], ToolPhase::Start(json!({})));
    assert_eq!(phases[1], ToolPhase::Update(json!({ "argumentsDelta": "{\"a\"" })));
    let ToolPhase::End { result, failed: true } = &phases[3] else { panic!("{phases:?}") };
    assert_eq!(result["arguments"], json!({ "a": 1 }));
    assert_eq!(phases.len(), 4);
}

#[test]
fn an_event_without_words_says_nothing() {
    for data in [
        r#"{"choices":[]}"#,
        r#"{"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        r#"{"choices":[{"delta":{"content":null}}],"usage":null}"#,
    ] {
        assert_eq!(read(data), Ok(Read::default()), "{data}");
    }
}

#[test]
fn an_error_in_the_stream_is_told_in_the_endpoints_words() {
    assert_eq!(
        read(r#"{"error":{"message":"out of memory","code":500}}"#),
        Err("out of memory".into())
    );
    assert_eq!(read(r#"{"error":"gone"}"#), Err("gone".into()));
    assert!(read("<html>").is_err_and(|text| text.contains("cannot be read")));
}

#[test]
fn a_refusal_is_told_in_its_own_words_whatever_its_form() {
    assert_eq!(refusal(r#"{"error":{"message":"no such model"}}"#), "no such model");
    assert_eq!(refusal(r#"{"message":"no"}"#), "no");
    assert_eq!(refusal(" Bad Gateway\n"), "Bad Gateway");
    assert_eq!(refusal(""), "without a reason");
}
