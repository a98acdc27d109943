//! The endpoint's own format: pure, from a prompt to a request and from an event to steps.
//!
//! Fields as `OpenAI`'s reference of chat completions gives them; `reasoning_content` and `reasoning`
//! are what llama.cpp, vLLM and others add for thoughts. Must not know: HTTP, time, runs.

use super::calls::{Calls, Fragment};
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
    /// Only sent when somebody chose: some endpoints refuse what they do not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
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
#[derive(Debug, Default, PartialEq)]
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
    #[serde(default)]
    tool_calls: Option<Vec<Fragment>>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    prompt_tokens_details: Option<TokenDetails>,
}

#[derive(Deserialize)]
struct TokenDetails {
    cached_tokens: Option<u64>,
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
pub(super) fn request<'a>(
    settings: &'a OpenAiSection,
    model: &'a str,
    prompt: &'a Prompt,
) -> Request<'a> {
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
    let reasoning_effort = prompt.wishes.thinking.as_deref().filter(|level| *level != "off");
    Request { model, messages, stream: true, stream_options, reasoning_effort }
}

/// Reads one event of a stream.
///
/// # Errors
/// What the endpoint says went wrong, or that it is not of this format.
pub(super) fn read(calls: &mut Calls, data: &str) -> Result<Read, String> {
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
        for fragment in delta.tool_calls.into_iter().flatten() {
            calls.take(fragment, &mut read.steps);
        }
        read.finished = choice.finish_reason.is_some();
        if read.finished {
            calls.end(&mut read.steps);
        }
    }
    if let Some(tokens) = event.usage {
        let (input, output) = (tokens.prompt_tokens, tokens.completion_tokens);
        let kept = tokens.prompt_tokens_details.and_then(|d| d.cached_tokens).unwrap_or(0);
        read.steps.push(Step::Usage(Usage {
            input: input.saturating_sub(kept),
            output,
            cache_read: kept.min(input),
            cache_write: 0,
            total: input.saturating_add(output),
        }));
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
mod tests;
