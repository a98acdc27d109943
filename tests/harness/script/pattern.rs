//! Values in a transcript: named, filled in, compared.
//!
//! In what is expected, an object names the members that matter, an array is compared whole, and
//! a text `"$name"` stands for a value: the first time it takes it, afterwards it must be equal.
//! `"$_"` is any value and `"$absent"` a member that must not be there. In what is sent, `"$name"`
//! is filled in, and `"device": {"$proof": "v3"}` in a `connect` becomes the device's proof for
//! this connection; more members in that object replace the proof's own, to spoil it.

use crate::{
    Identity,
    connect::{Proof, prove},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The named values of one transcript.
#[derive(Debug, Default)]
pub struct Variables {
    kept: BTreeMap<String, Value>,
    /// Named by the frames of one connection.
    taken: BTreeMap<String, Value>,
}

impl Variables {
    /// Names a value for the whole transcript.
    pub fn keep(&mut self, name: &str, value: Value) {
        self.kept.insert(name.to_owned(), value);
    }

    /// Forgets what the frames of a connection named.
    pub fn forget(&mut self) {
        self.taken.clear();
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.taken.get(name).or_else(|| self.kept.get(name))
    }

    /// The value with every name replaced by what it stands for, and the device's proof made.
    ///
    /// # Errors
    /// A name that stands for nothing yet.
    pub fn filled(&self, value: &Value) -> Result<Value, String> {
        let mut filled = self.replaced(value)?;
        if filled["params"]["device"]["$proof"].is_string() {
            let device = self.proof(&filled["params"])?;
            filled["params"]["device"] = device;
        }
        Ok(filled)
    }

    /// Compares, and names what the pattern names.
    ///
    /// # Errors
    /// Where the actual value differs from the pattern.
    pub fn matched(&mut self, wanted: &Value, actual: &Value) -> Result<(), String> {
        let mut named = Vec::new();
        self.compare("", wanted, Some(actual), &mut named)?;
        self.taken.extend(named);
        Ok(())
    }

    fn replaced(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => match text.strip_prefix('$') {
                Some(name) => self
                    .value(name)
                    .cloned()
                    .ok_or_else(|| format!("${name} stands for nothing yet"))?,
                None => value.clone(),
            },
            Value::Array(items) => {
                let items: Result<_, _> = items.iter().map(|item| self.replaced(item)).collect();
                Value::Array(items?)
            }
            Value::Object(members) => {
                let members: Result<Map<_, _>, String> = members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.replaced(value)?)))
                    .collect();
                Value::Object(members?)
            }
            _ => value.clone(),
        })
    }

    fn proof(&self, params: &Value) -> Result<Value, String> {
        let asked = params["device"].as_object().ok_or("the device is no object")?;
        let proof = match asked["$proof"].as_str() {
            Some("v3") => Proof::V3,
            Some("v2") => Proof::V2,
            other => return Err(format!("no such proof: {other:?}")),
        };
        let value = |name: &str| {
            let value = self.value(name);
            value.ok_or_else(|| format!("a proof needs ${name}: let the challenge name it"))
        };
        let nonce = value("nonce")?.as_str().ok_or("a nonce is a text")?;
        let ts = value("ts")?.as_u64().ok_or("ts is a number")?;
        let mut device = prove(params, &Identity::number(1), proof, nonce, ts);
        for (name, spoilt) in asked.iter().filter(|(name, _)| *name != "$proof") {
            device[name] = spoilt.clone();
        }
        Ok(device)
    }

    fn compare(
        &self,
        path: &str,
        wanted: &Value,
        actual: Option<&Value>,
        named: &mut Vec<(String, Value)>,
    ) -> Result<(), String> {
        let Some(actual) = actual else {
            let absent = wanted == "$absent";
            return absent.then_some(()).ok_or_else(|| format!("{path} is missing"));
        };
        match wanted {
            Value::String(text) if text.starts_with('$') => {
                self.compare_name(path, &text[1..], actual, named)
            }
            Value::Object(members) if actual.is_object() => {
                members.iter().try_for_each(|(name, wanted)| {
                    self.compare(&format!("{path}/{name}"), wanted, actual.get(name), named)
                })
            }
            Value::Array(items) if actual.as_array().map(Vec::len) == Some(items.len()) => {
                items.iter().enumerate().try_for_each(|(index, wanted)| {
                    self.compare(&format!("{path}/{index}"), wanted, actual.get(index), named)
                })
            }
            _ => same(path, wanted, actual),
        }
    }

    fn compare_name(
        &self,
        path: &str,
        name: &str,
        actual: &Value,
        named: &mut Vec<(String, Value)>,
    ) -> Result<(), String> {
        let earlier = named.iter().find(|(earlier, _)| earlier == name);
        match earlier.map(|(_, value)| value).or_else(|| self.value(name)) {
            _ if name == "_" => Ok(()),
            _ if name == "absent" => Err(format!("{path} should not be there")),
            Some(value) => same(path, value, actual),
            None => {
                named.push((name.to_owned(), actual.clone()));
                Ok(())
            }
        }
    }
}

fn same(path: &str, wanted: &Value, actual: &Value) -> Result<(), String> {
    let equal = wanted == actual;
    equal.then_some(()).ok_or_else(|| format!("{path} is {actual}, not {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::Variables;
    use serde_json::json;

    #[test]
    fn an_object_names_the_members_that_matter() {
        let mut variables = Variables::default();
        let frame = json!({ "type": "res", "payload": { "ok": true, "ts": 1 } });
        assert_eq!(variables.matched(&json!({ "payload": { "ok": true } }), &frame), Ok(()));
        assert_eq!(
            variables.matched(&json!({ "payload": { "ok": false } }), &frame),
            Err("/payload/ok is true, not false".to_owned())
        );
        assert_eq!(
            variables.matched(&json!({ "id": "1" }), &frame),
            Err("/id is missing".to_owned())
        );
    }

    #[test]
    fn an_array_is_compared_whole() {
        let mut variables = Variables::default();
        assert!(variables.matched(&json!([1, "$_"]), &json!([1, 2])).is_ok());
        assert!(variables.matched(&json!([1]), &json!([1, 2])).is_err());
    }

    #[test]
    fn a_name_takes_a_value_once_and_keeps_it() {
        let mut variables = Variables::default();
        let wanted = json!({ "runId": "$run" });
        assert!(variables.matched(&wanted, &json!({ "runId": "a" })).is_ok());
        assert!(variables.matched(&wanted, &json!({ "runId": "b" })).is_err());
        assert_eq!(variables.filled(&json!(["$run"])), Ok(json!(["a"])));
        assert!(variables.filled(&json!("$other")).is_err());
    }

    #[test]
    fn a_frame_that_does_not_fit_names_nothing() {
        let mut variables = Variables::default();
        let wanted = json!({ "a": "$a", "b": 2 });
        assert!(variables.matched(&wanted, &json!({ "a": 1, "b": 3 })).is_err());
        assert!(variables.filled(&json!("$a")).is_err());
    }

    #[test]
    fn absent_means_that_the_member_is_not_there() {
        let mut variables = Variables::default();
        let wanted = json!({ "seq": "$absent" });
        assert!(variables.matched(&wanted, &json!({})).is_ok());
        assert!(variables.matched(&wanted, &json!({ "seq": 1 })).is_err());
    }
}
