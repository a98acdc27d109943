//! The endpoint's own format: pure, from a prompt to a request and from an event to steps.
//!
//! Fields as `OpenAI`'s reference of chat completions gives them; `reasoning_content` and `reasoning`
//! are what llama.cpp, vLLM and others add for thoughts. Must not know: HTTP, time, runs.

use crate::{
    agent::backend::{Prompt, Said, Step, Usage},
    config::agent::OpenAiSection,
};
use serde::{Deserialize, Serialize};

/// The last event of a stream.
pub(super) const DONE: &str = "[DONE]";

/// A request for a streamed answer.
#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: Vec<Message>,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

/// What one event said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// In order.
    pub(super) steps: Vec<Step>,
    /// The answer is complete.
    pub(super) finished: bool,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Tokens>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// What `GET /models` answers.
#[derive(Deserialize)]
pub(super) struct Models {
    data: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

impl Models {
    pub(super) fn names(self) -> Vec<String> {
        self.data.into_iter().map(|model| model.id).collect()
    }
}

/// The request for a prompt. Neighbours of one speaker become one message: many chat templates
/// refuse two in a row.
pub(super) fn request<'a>(settings: &'a OpenAiSection, prompt: &Prompt) -> Request<'a> {
    let mut messages: Vec<Message> = Vec::with_capacity(prompt.history.len() + 2);
    if let Some(system) = &settings.system_prompt {
        messages.push(Message { role: "system", content: system.clone() });
    }
    let now = Said { by_agent: false, text: prompt.text.clone() };
    for said in prompt.history.iter().chain(std::iter::once(&now)) {
        let role = if said.by_agent { "assistant" } else { "user" };
        match messages.last_mut() {
            Some(last) if last.role == role => {
                last.content.push_str("\n\n");
                last.content.push_str(&said.text);
            }
            _ => messages.push(Message { role, content: said.text.clone() }),
        }
    }
    let stream_options = StreamOptions { include_usage: true };
    Request { model: &settings.model, messages, stream: true, stream_options }
}

/// Reads one event of a stream.
///
/// # Errors
/// What the endpoint says went wrong, or that it is not of this format.
pub(super) fn read(data: &str) -> Result<Read, String> {
    let event: Event = serde_json::from_str(data)
        .map_err(|error| format!("an event of its stream cannot be read: {error}"))?;
    if let Some(error) = event.error {
        return Err(words(&error).unwrap_or_else(|| error.to_string()));
    }
    let mut read = Read::default();
    if let Some(choice) = event.choices.into_iter().next() {
        let delta = choice.delta;
        let some = |text: Option<String>| text.filter(|t| !t.is_empty());
        read.steps.extend(some(delta.reasoning_content.or(delta.reasoning)).map(Step::Thought));
        read.steps.extend(some(delta.content).map(Step::Text));
        read.finished = choice.finish_reason.is_some();
    }
    if let Some(tokens) = event.usage {
        let (input, output) = (tokens.prompt_tokens, tokens.completion_tokens);
        read.steps.push(Step::Usage(Usage { input, output, total: input + output }));
    }
    Ok(read)
}

/// The words of a refusal: of its JSON when it is some, else its text.
pub(super) fn refusal(body: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_str(body).ok();
    let said = json.and_then(|v| words(v.get("error").unwrap_or(&v)));
    said.unwrap_or_else(|| match body.trim() {
        "" => "without a reason".to_owned(),
        text => text.to_owned(),
    })
}

fn words(error: &serde_json::Value) -> Option<String> {
    error.get("message").unwrap_or(error).as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(by_agent: bool, text: &str) -> Said {
        Said { by_agent, text: text.to_owned() }
    }

    fn asked(system: Option<&str>, history: Vec<Said>) -> Vec<(&'static str, String)> {
        let settings =
            OpenAiSection { system_prompt: system.map(str::to_owned), ..OpenAiSection::default() };
        let (run_id, session_key) = ("r".to_owned(), "k".to_owned());
        let prompt = Prompt { run_id, session_key, history, text: "now".to_owned() };
        let messages = request(&settings, &prompt).messages;
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
        let usage = Usage { input: 3, output: 4, total: 7 };
        let steps = [Step::Thought("hm".into()), Step::Text("yes".into()), Step::Usage(usage)];
        assert_eq!(read.steps, steps);
        assert!(read.finished);
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
}
