//! A line of the log file in the form that clients of the protocol read.
//!
//! They show time, level, subsystem and message; the facts of an event therefore stand in the message
//! too, and untouched under `fields`. Lines that are no events go out as they are.

use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Names with a place of their own.
const PLACED: [&str; 4] = ["timestamp", "level", "message", "target"];
/// Where every target begins.
const CRATE: &str = "jackfield";

/// The line as clients read it.
#[must_use]
pub fn shown(line: &str) -> String {
    let Ok(event) = serde_json::from_str::<Map<String, Value>>(line) else {
        return line.to_owned();
    };
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let [time, level, mut message, target] = PLACED.map(text);
    if time.is_empty() {
        return line.to_owned();
    }
    let facts: Map<String, Value> =
        event.into_iter().filter(|(name, _)| !PLACED.contains(&name.as_str())).collect();
    for (name, value) in &facts {
        let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = write!(message, " {name}={plain}");
    }
    let subsystem = subsystem(&target);
    let name = json!({"subsystem": subsystem}).to_string();
    json!({
        "0": name, "1": message, "time": time, "level": level.to_lowercase(),
        "subsystem": subsystem, "message": message, "fields": facts,
        "_meta": {"date": time, "logLevelName": level, "name": name},
    })
    .to_string()
}

/// The room an event comes from: `jackfield::plugins::supervisor` is `plugins/supervisor`.
fn subsystem(target: &str) -> String {
    let within = target.strip_prefix(CRATE).map(|rest| rest.trim_start_matches(':'));
    match within {
        Some("") => "gateway".to_owned(),
        Some(room) => room.replace("::", "/"),
        None => target.replace("::", "/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_shows_its_facts_and_its_room() {
        let line = json!({"timestamp": "T", "level": "WARN", "message": "plugin ended",
                          "target": "jackfield::plugins::slot", "code": 3, "plugin": "line"});
        let told: Value = serde_json::from_str(&shown(&line.to_string())).unwrap();
        assert_eq!(told["message"], "plugin ended code=3 plugin=line");
        assert_eq!((&told["time"], &told["level"]), (&json!("T"), &json!("warn")));
        assert_eq!(told["subsystem"], "plugins/slot");
        assert_eq!(told["_meta"]["logLevelName"], "WARN");
        assert_eq!(told["fields"]["code"], 3);
    }

    #[test]
    fn what_is_no_event_stays_as_it_is() {
        for line in ["plain text", "{\"a\":1}", "[1]", ""] {
            assert_eq!(shown(line), line);
        }
    }
}
