//! JSON Schema: generated from the types, compiled into validators, errors told in the wire's words.
//!
//! The types are the source; `schemas/` holds what they generate and a test says when it is stale.

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde_json::Value;

/// The schema of a type, self-contained, JSON Schema 2020-12, as a deserialiser sees it.
#[must_use]
pub fn of<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}

/// The schema of a result, as a serialiser writes it.
#[must_use]
pub fn of_result<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

/// A compiled schema.
#[derive(Debug)]
pub struct Validator(jsonschema::Validator);

impl Validator {
    /// Compiles the schema of `T`.
    #[must_use]
    pub fn of<T: JsonSchema>() -> Self {
        Self::new(&of::<T>())
    }

    /// Compiles a schema that was generated here.
    ///
    /// # Panics
    /// When the schema is not one; generated schemas always are.
    #[must_use]
    pub fn new(schema: &Schema) -> Self {
        Self(jsonschema::validator_for(schema.as_value()).expect("generated schemas compile"))
    }

    /// `Ok` when the value fits; else every problem, in the words the original uses, `; ` between.
    ///
    /// # Errors
    /// The joined problems.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        if self.0.is_valid(value) {
            return Ok(());
        }
        let problems: Vec<String> =
            self.0.iter_errors(value).flat_map(|e| problems(&e)).take(PROBLEMS_MAX).collect();
        Err(problems.join("; "))
    }
}

/// Problems named in one error; a hostile frame must not buy a long one.
const PROBLEMS_MAX: usize = 8;

/// The problems of an error. An optional part is "this or null" to the schema; what is wrong with
/// *this* is what people need to hear.
fn problems(error: &jsonschema::ValidationError<'_>) -> Vec<String> {
    use jsonschema::error::ValidationErrorKind as Kind;
    let Kind::AnyOf { context } = error.kind() else { return vec![problem(error)] };
    let place = error.instance_path().as_str();
    let wrong_type = |e: &jsonschema::ValidationError<'_>| {
        matches!(e.kind(), Kind::Type { .. }) && e.instance_path().as_str() == place
    };
    match context.iter().find(|branch| !branch.iter().any(wrong_type)) {
        Some(meant) => meant.iter().flat_map(problems).collect(),
        None => vec![problem(error)],
    }
}

fn problem(error: &jsonschema::ValidationError<'_>) -> String {
    use jsonschema::error::ValidationErrorKind as Kind;
    let path = error.instance_path().as_str();
    let text = match error.kind() {
        Kind::Required { property } => {
            format!("must have required property '{}'", property.as_str().unwrap_or_default())
        }
        Kind::AdditionalProperties { unexpected } => {
            let place = if path.is_empty() { "root" } else { path };
            let names: Vec<String> =
                unexpected.iter().map(|p| format!("unexpected property '{p}'")).collect();
            return format!("at {place}: {}", names.join(", "));
        }
        Kind::MinLength { limit } => format!("must not have fewer than {limit} characters"),
        Kind::MaxLength { limit } => format!("must not have more than {limit} characters"),
        Kind::MinItems { limit } => format!("must not have fewer than {limit} items"),
        Kind::MaxItems { limit } => format!("must not have more than {limit} items"),
        Kind::Minimum { limit } => format!("must be >= {limit}"),
        Kind::Maximum { limit } => format!("must be <= {limit}"),
        Kind::Enum { .. } | Kind::Constant { .. } | Kind::OneOfNotValid { .. } => {
            "must be equal to one of the allowed values".to_owned()
        }
        Kind::Type { kind } => format!("must be {}", type_words(kind)),
        _ => "must match the schema".to_owned(),
    };
    if path.is_empty() { text } else { format!("at {path}: {text}") }
}

fn type_words(kind: &jsonschema::error::TypeKind) -> String {
    use jsonschema::error::TypeKind;
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(set) => {
            let words: Vec<String> = set.into_iter().map(|t| t.to_string()).collect();
            words.join(" or ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::connect::ConnectParams;
    use serde_json::json;

    #[test]
    fn problems_read_as_recorded() {
        let validator = Validator::of::<ConnectParams>();
        let text = validator.check(&json!({"minProtocol": 4, "maxProtocol": 4})).unwrap_err();
        assert_eq!(text, "must have required property 'client'");
        let text = validator
            .check(&json!({"minProtocol": 4, "maxProtocol": 4,
                           "client": {"version": "1", "platform": "x", "mode": "cli"}}))
            .unwrap_err();
        assert_eq!(text, "at /client: must have required property 'id'");
        let text = validator
            .check(&json!({"minProtocol": 4, "maxProtocol": 4,
                "client": {"id": "nobody", "version": "", "platform": "x", "mode": "cli"}}))
            .unwrap_err();
        assert!(
            text.contains("at /client/id: must be equal to one of the allowed values"),
            "{text}"
        );
        assert!(
            text.contains("at /client/version: must not have fewer than 1 characters"),
            "{text}"
        );
    }

    #[test]
    fn what_is_wrong_inside_an_optional_part_is_said() {
        let validator = Validator::of::<ConnectParams>();
        let device = json!({"id": "x", "publicKey": "k", "signature": "s", "signedAt": 1});
        let params = json!({"minProtocol": 4, "maxProtocol": 4, "device": device,
            "client": {"id": "cli", "version": "1", "platform": "linux", "mode": "cli"}});
        let text = validator.check(&params).unwrap_err();
        assert_eq!(text, "at /device: must have required property 'nonce'");
    }

    #[test]
    fn unknown_keys_are_tolerated() {
        let validator = Validator::of::<ConnectParams>();
        let params = json!({"minProtocol": 4, "maxProtocol": 4, "modelCatalog": {"sessionKey": "x"},
            "client": {"id": "cli", "version": "1", "platform": "linux", "mode": "cli", "new": 1}});
        assert_eq!(validator.check(&params), Ok(()));
    }
}
