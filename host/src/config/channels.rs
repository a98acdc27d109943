//! `[channels.<channel>]`: the few keys the gateway reads; the rest is the plugin's.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// `[channels.<channel>]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ChannelSection {
    /// The channel is on.
    pub enabled: bool,
    /// Which plugin serves it, where several could.
    pub plugin: Option<String>,
    /// Everything, the keys above and the policy keys included, as the plugin gets it.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

impl ChannelSection {
    /// The table as JSON.
    #[must_use]
    pub fn table(&self) -> Value {
        let mut table = self.rest.clone();
        table.insert("enabled".to_owned(), Value::Bool(self.enabled));
        Value::Object(table)
    }

    /// Names of the configured accounts: the keys of `accounts`, or `default`.
    #[must_use]
    pub fn accounts(&self) -> Vec<String> {
        match self.rest.get("accounts").and_then(Value::as_object) {
            Some(accounts) if !accounts.is_empty() => accounts.keys().cloned().collect(),
            _ => vec!["default".to_owned()],
        }
    }
}
