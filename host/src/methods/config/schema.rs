//! `config.schema`: what can be configured, from the types that read it.

use crate::{
    config::{Config, document::is_secret},
    methods::{Caller, Core, MethodError, Nothing, Shape},
    protocol::schema::of,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json as value};
use std::sync::Arc;

/// Answers the whole schema, with a hint for every setting that holds a secret.
///
/// # Errors
/// Never.
pub(super) fn whole(core: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Shape, MethodError> {
    let schema = schema();
    let mut hints = Map::new();
    collect(&schema, &schema, "", &mut hints);
    Ok(value!({
        "schema": schema, "uiHints": hints, "version": core.version,
        "generatedAt": crate::cron::schedule::iso(core.started_at),
    }))
}

/// Parameters of `config.schema.lookup`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct LookupParams {
    #[schemars(length(min = 1, max = 1024))]
    path: String,
}

/// Answers the schema of one setting and what is below it.
///
/// # Errors
/// When there is no such setting.
pub(super) fn lookup(
    _: &Arc<Core>,
    _: &Arc<Caller>,
    params: LookupParams,
) -> Result<Shape, MethodError> {
    let root = schema();
    let mut at = resolved(&root, &root);
    for name in params.path.split('.').filter(|name| *name != "*") {
        at = below(&root, at, name)
            .ok_or_else(|| MethodError::Invalid("config schema path not found".to_owned()))?;
    }
    let children: Vec<Value> = properties(at)
        .map(|(name, child)| child_row(&root, at, &params.path, name, child))
        .collect();
    let last = params.path.rsplit('.').next().unwrap_or_default();
    let mut found = at.clone();
    if let Value::Object(found) = &mut found {
        found.remove("properties");
    }
    Ok(value!({
        "path": params.path, "schema": found, "reloadKind": "restart",
        "hint": hint(last, at), "hintPath": params.path, "children": children,
    }))
}

fn child_row(root: &Value, parent: &Value, path: &str, name: &str, child: &Value) -> Value {
    let child = resolved(root, child);
    let required = parent["required"].as_array().is_some_and(|r| r.iter().any(|n| n == name));
    let mut row = value!({
        "key": name, "path": format!("{path}.{name}"), "required": required,
        "hasChildren": properties(child).next().is_some(), "reloadKind": "restart",
        "hint": hint(name, child),
    });
    if !child["type"].is_null() {
        row["type"] = child["type"].clone();
    }
    row
}

fn schema() -> Value {
    of::<Config>().as_value().clone()
}

/// Follows a reference within the document.
fn resolved<'a>(root: &'a Value, at: &'a Value) -> &'a Value {
    let target = at["$ref"].as_str().and_then(|to| root.pointer(to.strip_prefix('#')?));
    // An optional table is "this or null"; what can be configured is the first.
    let optional = at["anyOf"].as_array().and_then(|of| of.first());
    match (target, optional) {
        (Some(target), _) => target,
        (None, Some(first)) => resolved(root, first),
        (None, None) => at,
    }
}

fn properties(at: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let found = at["properties"].as_object().into_iter().flatten();
    found.map(|(name, child)| (name.as_str(), child))
}

fn below<'a>(root: &'a Value, at: &'a Value, name: &str) -> Option<&'a Value> {
    let named = at["properties"].get(name);
    let any = at.get("additionalProperties").filter(|any| any.is_object());
    named.or(any).map(|child| resolved(root, child))
}

fn hint(name: &str, of: &Value) -> Value {
    let mut hint = value!({"label": label(name)});
    if let Some(help) = of["description"].as_str() {
        hint["help"] = value!(help);
    }
    if is_secret(name) {
        hint["sensitive"] = value!(true);
    }
    hint
}

fn label(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn collect(root: &Value, at: &Value, path: &str, hints: &mut Map<String, Value>) {
    for (name, child) in properties(at) {
        let child_path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let resolved = resolved(root, child);
        let mut said = hint(name, resolved);
        if let Some(help) = child["description"].as_str() {
            said["help"] = value!(help);
        }
        hints.insert(child_path.clone(), said);
        collect(root, resolved, &child_path, hints);
    }
}
