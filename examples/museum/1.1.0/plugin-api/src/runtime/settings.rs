//! The channel's table from the configuration, parsed into the author's type.
//!
//! Must not know: what any setting means.

use crate::error::PluginError;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use std::fmt::Write;

/// Parses `table`; an error names the setting and never quotes its value, which may be a secret.
pub(crate) fn parse<C: DeserializeOwned>(table: Value) -> Result<C, PluginError> {
    serde_path_to_error::deserialize(table).map_err(|error| {
        let text = without_value(&error.inner().to_string());
        let path = pointer(error.path());
        if path.is_empty() { PluginError::new(text) } else { PluginError::config(path, text) }
    })
}

/// Serde quotes an unfitting string: `invalid type: string "…", expected a sequence`.
fn without_value(message: &str) -> String {
    match (message.find("string \""), message.rfind("\", expected ")) {
        (Some(start), Some(end)) if start < end => {
            format!("{}string{}", &message[..start], &message[end + 1..])
        }
        _ => message.to_owned(),
    }
}

fn pointer(path: &Path) -> String {
    path.iter().fold(String::new(), |mut pointer, segment| {
        let part = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { variant } => variant.clone(),
            Segment::Unknown => return pointer,
        };
        let _ = write!(pointer, "/{part}");
        pointer
    })
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Deserialize, Debug)]
    struct Config {
        #[expect(dead_code, reason = "only its parsing is looked at")]
        servers: Vec<Server>,
    }

    #[derive(Deserialize, Debug)]
    struct Server {
        #[expect(dead_code, reason = "only its parsing is looked at")]
        port: u16,
    }

    #[test]
    fn an_error_names_the_setting_and_keeps_its_value_to_itself() {
        let table = json!({"enabled": true, "servers": [{"port": 1}, {"port": "hunter2"}]});
        let error = parse::<Config>(table).expect_err("a string is no port");
        assert_eq!(error.config_path.as_deref(), Some("/servers/1/port"));
        assert_eq!(error.text, "invalid type: string, expected u16");
    }

    #[test]
    fn a_missing_setting_is_named() {
        let error = parse::<Config>(json!({})).expect_err("servers are required");
        assert_eq!(error.text, "missing field `servers`");
    }
}
