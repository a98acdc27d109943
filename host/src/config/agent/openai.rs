//! `[agent.openai]`: an endpoint of chat completions.

use super::super::secret::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// `[agent.openai]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OpenAiSection {
    /// Address up to and with its version, as `http://127.0.0.1:11434/v1`.
    pub base_url: String,
    /// Name of the model, as the endpoint lists it.
    pub model: String,
    /// Key, sent as a bearer token; best written as `${NAME}` of an environment variable.
    pub api_key: Option<Secret>,
    /// What the model is told before every conversation.
    pub system_prompt: Option<String>,
    /// Earlier messages of the conversation that are sent along.
    pub history: u32,
    /// Tokens the model can read at once, for clients to show.
    pub context_window: u64,
    /// Longest time to connect, seconds.
    pub connect_timeout_s: u64,
    /// Longest silence of the endpoint, before and between words, seconds.
    pub idle_timeout_s: u64,
    /// Further attempts when the endpoint is busy or away; none once it has begun to answer.
    pub retries: u32,
}

impl Default for OpenAiSection {
    fn default() -> Self {
        Self {
            base_url: String::new(),
            model: String::new(),
            api_key: None,
            system_prompt: None,
            history: 40,
            context_window: 32_768,
            connect_timeout_s: 10,
            idle_timeout_s: 120,
            retries: 3,
        }
    }
}

impl OpenAiSection {
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        let wrong = |name: &str, text: String| Err((name.to_owned(), text));
        if self.model.is_empty() {
            return wrong(
                "model",
                "is missing; write the name of a model that the endpoint has".to_owned(),
            );
        }
        let example = "write it as `http://127.0.0.1:11434/v1`";
        match url::Url::parse(&self.base_url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {}
            Ok(url) => {
                return wrong(
                    "base_url",
                    format!("`{}:` is no web address; {example}", url.scheme()),
                );
            }
            Err(_) if self.base_url.is_empty() => {
                return wrong("base_url", format!("is missing; {example}"));
            }
            Err(error) => return wrong("base_url", format!("{error}; {example}")),
        }
        if self.connect_timeout_s == 0 || self.idle_timeout_s == 0 {
            return wrong(
                "connect_timeout_s",
                "and `idle_timeout_s` must be at least 1".to_owned(),
            );
        }
        Ok(())
    }
}
