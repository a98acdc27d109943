//! `[heartbeat]`: turns that the gateway asks the agent for by itself.

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use std::{borrow::Cow, time::Duration};

/// What the agent is asked unless the configuration says otherwise.
const PROMPT: &str = "Heartbeat: look at what is open in this conversation. If nothing needs \
                      attention, answer HEARTBEAT_OK and nothing else.";

/// `[heartbeat]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HeartbeatSection {
    /// Period, such as `30m` or `2h`; without it heartbeats are off.
    pub every: Option<Every>,
    /// What the agent is asked each time.
    pub prompt: String,
    /// Channel that an answer goes to; without it answers stay in the main conversation.
    pub channel: Option<String>,
    /// Conversation or person on that channel.
    pub to: Option<String>,
    /// Account on that channel.
    pub account: Option<String>,
}

impl Default for HeartbeatSection {
    fn default() -> Self {
        Self { every: None, prompt: PROMPT.to_owned(), channel: None, to: None, account: None }
    }
}

/// A period of at least a second, written as people do: `30m`, `1h 30m`, `90 seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Every(Duration);

impl Every {
    /// The period.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl TryFrom<String> for Every {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed: SignedDuration = text
            .trim()
            .parse()
            .map_err(|_| format!("`{text}` is no period; write it like 30m, 2h or 90s"))?;
        let period = Duration::try_from(parsed).unwrap_or_default();
        if period < Duration::from_secs(1) {
            return Err(format!(
                "`{text}` is shorter than a second; remove the setting to turn it off"
            ));
        }
        Ok(Self(period))
    }
}

impl JsonSchema for Every {
    fn schema_name() -> Cow<'static, str> {
        "Every".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "description": "A period such as 30m, 2h or 90s."})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_written_as_people_do() {
        let read = |text: &str| Every::try_from(text.to_owned()).map(Every::duration);
        assert_eq!(read("30m"), Ok(Duration::from_mins(30)));
        assert_eq!(read("1h 30m"), Ok(Duration::from_mins(90)));
        assert!(read("0m").unwrap_err().contains("shorter"));
        assert!(read("-5m").unwrap_err().contains("shorter"));
        assert!(read("soon").unwrap_err().contains("write it like"));
    }
}
