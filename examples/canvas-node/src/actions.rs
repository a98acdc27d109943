//! What a person did on a surface, as the message that the agent gets.
//!
//! The values come from a page that an agent drew: names are cut down to harmless letters, and the
//! context stands at the end as JSON, for the agent to judge.

use serde_json::{Value, json};

/// Longest context that is passed on, characters.
const CONTEXT_MAX: usize = 20_000;

/// The parameters of `node.event` for one `userAction`.
pub(crate) fn event(action: &Value) -> Value {
    let action = &action["userAction"];
    let word = |name: &str| plain(action[name].as_str().unwrap_or("-"));
    let context: String = action["context"].to_string().chars().take(CONTEXT_MAX).collect();
    let message = format!(
        "CANVAS_A2UI action={} session=main surface={} component={} host=canvas-node ctx={context} default=update_canvas",
        word("name"),
        word("surfaceId"),
        word("sourceComponentId"),
    );
    let payload = json!({
        "message": message, "sessionKey": "main", "deliver": false, "eventId": action["id"],
    });
    json!({"event": "agent.request", "payloadJSON": payload.to_string()})
}

fn plain(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.chars().map(|c| if allowed(c) { c } else { '_' }).take(128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_and_the_context_is_whole() {
        let action = json!({"userAction": {
            "id": "1", "name": "say \"hi\"\nnow", "surfaceId": "s", "sourceComponentId": "b",
            "context": {"name": "Ada = x"},
        }});
        let event = event(&action);
        assert_eq!(event["event"], "agent.request");
        let payload: Value = serde_json::from_str(event["payloadJSON"].as_str().unwrap()).unwrap();
        let message = payload["message"].as_str().unwrap();
        assert!(
            message
                .starts_with("CANVAS_A2UI action=say__hi__now session=main surface=s component=b ")
        );
        assert!(message.contains("ctx={\"name\":\"Ada = x\"}"), "{message}");
        assert_eq!(payload["eventId"], "1");
    }
}
