//! Messages of A2UI on their way to a node: checked here, so that who sent them learns which one is
//! wrong; drawn there.
//!
//! Form: <https://a2ui.org>, version 0.8 (one of four keys a message) and 0.9 (the same, renamed,
//! beside `version`). What stands inside a component is the renderer's business. Must not know nodes.

use serde_json::{Map, Value};

/// Text of all messages together, bytes.
const BYTES_MAX: usize = 1 << 20;
/// Messages of one push.
const MESSAGES_MAX: usize = 1000;
/// The kinds of version 0.8.
const KINDS: [&str; 4] = ["surfaceUpdate", "dataModelUpdate", "beginRendering", "deleteSurface"];
/// The kinds of version 0.9.
const KINDS_9: [&str; 4] =
    ["updateComponents", "updateDataModel", "createSurface", "deleteSurface"];
/// The key that version 0.9 has beside the kind.
const VERSION: &str = "version";

/// Whether a node's command carries messages.
#[must_use]
pub fn concerns(command: &str) -> bool {
    matches!(command, "canvas.a2ui.push" | "canvas.a2ui.pushJSONL")
}

/// Checks the parameters of a push: `{messages: [..]}`, or `{jsonl: "one message a line"}`.
///
/// # Errors
/// Where it is wrong and what; the place is a line or a position, counted from 1.
pub fn check(params: &Value) -> Result<(), String> {
    let mut version = None;
    match (&params["jsonl"], &params["messages"]) {
        (Value::String(text), Value::Null) => {
            within(text.len())?;
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
            let mut count = 0;
            for (n, line) in lines {
                let place = format!("line {}", n + 1);
                let message = serde_json::from_str(line)
                    .map_err(|error| format!("{place}: not JSON: {error}"))?;
                one(&message, &mut version).map_err(|why| format!("{place}: {why}"))?;
                count += 1;
            }
            some(count)
        }
        (Value::Null, Value::Array(messages)) => {
            within(params.to_string().len())?;
            for (n, message) in messages.iter().enumerate() {
                one(message, &mut version).map_err(|why| format!("message {}: {why}", n + 1))?;
            }
            some(messages.len())
        }
        _ => Err("give either `messages`, a list, or `jsonl`, one message a line".to_owned()),
    }
}

fn within(bytes: usize) -> Result<(), String> {
    if bytes > BYTES_MAX {
        return Err(format!("the messages have {bytes} bytes; {BYTES_MAX} are the most"));
    }
    Ok(())
}

fn some(count: usize) -> Result<(), String> {
    match count {
        0 => Err("there is no message".to_owned()),
        1..=MESSAGES_MAX => Ok(()),
        _ => Err(format!("{count} messages; {MESSAGES_MAX} are the most")),
    }
}

/// One message; all of a push are of the same version.
fn one(message: &Value, version: &mut Option<&'static str>) -> Result<(), String> {
    let Some(object) = message.as_object() else { return Err("not an object".to_owned()) };
    let (mine, kinds) =
        if object.contains_key(VERSION) { ("0.9", KINDS_9) } else { ("0.8", KINDS) };
    if *version.get_or_insert(mine) != mine {
        return Err(format!("versions 0.8 and 0.9 are mixed: this one is {mine}"));
    }
    let mut keys = object.keys().map(String::as_str).filter(|key| *key != VERSION);
    let (Some(kind), None) = (keys.next(), keys.next()) else {
        return Err(format!("exactly one of {} is needed", kinds.join(", ")));
    };
    if !kinds.contains(&kind) {
        return Err(format!("`{kind}` is none of {}", kinds.join(", ")));
    }
    let body = object[kind].as_object().ok_or_else(|| format!("{kind} must be an object"))?;
    text(body, kind, "surfaceId")?;
    match kind {
        "surfaceUpdate" | "updateComponents" => components(body, kind),
        "beginRendering" => text(body, kind, "root"),
        "dataModelUpdate" => list(body, kind, "contents").map(drop),
        _ => Ok(()),
    }
}

fn components(body: &Map<String, Value>, kind: &str) -> Result<(), String> {
    for component in list(body, kind, "components")? {
        let fine = component["id"].as_str().is_some_and(|id| !id.is_empty())
            && !component["component"].is_null();
        if !fine {
            return Err(format!("{kind}: each of components has an `id` and a `component`"));
        }
    }
    Ok(())
}

fn text(body: &Map<String, Value>, kind: &str, name: &str) -> Result<(), String> {
    match body.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(()),
        _ => Err(format!("{kind} needs `{name}`, a text")),
    }
}

fn list<'a>(
    body: &'a Map<String, Value>,
    kind: &str,
    name: &str,
) -> Result<&'a Vec<Value>, String> {
    body.get(name).and_then(Value::as_array).ok_or_else(|| format!("{kind} needs `{name}`, a list"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn surface() -> Value {
        json!({"surfaceUpdate": {"surfaceId": "s", "components": [
            {"id": "root", "component": {"Text": {"text": {"literalString": "hello"}}}}]}})
    }

    #[test]
    fn what_renderers_take_passes() {
        let begin = json!({"beginRendering": {"surfaceId": "s", "root": "root"}});
        let data = json!({"dataModelUpdate": {"surfaceId": "s", "contents": [{"key": "a"}]}});
        let delete = json!({"deleteSurface": {"surfaceId": "s"}});
        assert_eq!(check(&json!({"jsonl": format!("{}\n\n{begin}\n", surface())})), Ok(()));
        assert_eq!(check(&json!({"messages": [surface(), data, begin, delete]})), Ok(()));
        let nine = json!({"version": "v0.9", "createSurface": {"surfaceId": "s"}});
        assert_eq!(check(&json!({"messages": [nine]})), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let nine = json!({"version": "v0.9", "createSurface": {"surfaceId": "s"}});
        for (params, words) in [
            (json!({}), "either `messages`"),
            (json!({"messages": [], "jsonl": ""}), "either `messages`"),
            (json!({"messages": []}), "no message"),
            (json!({"jsonl": "\n"}), "no message"),
            (json!({"jsonl": format!("{}\n{{\n", surface())}), "line 2: not JSON"),
            (json!({"messages": [surface(), 7]}), "message 2: not an object"),
            (json!({"messages": [surface(), nine]}), "message 2: versions 0.8 and 0.9 are mixed"),
            (json!({"messages": [{"surfaceUpdate": {}, "deleteSurface": {}}]}), "exactly one of"),
            (json!({"messages": [{"draw": {}}]}), "`draw` is none of surfaceUpdate"),
            (json!({"messages": [{"deleteSurface": {}}]}), "deleteSurface needs `surfaceId`"),
            (json!({"messages": [{"beginRendering": {"surfaceId": "s"}}]}), "needs `root`"),
            (
                json!({"messages": [{"surfaceUpdate": {"surfaceId": "s", "components": [{}]}}]}),
                "has an `id` and a `component`",
            ),
            (json!({"jsonl": "x".repeat(BYTES_MAX + 1)}), "are the most"),
        ] {
            let why = check(&params).expect_err(words);
            assert!(why.contains(words), "{why} does not say: {words}");
        }
    }
}
