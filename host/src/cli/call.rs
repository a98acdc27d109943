//! `jackfield call`: any method of the protocol, by name.

use super::{
    print,
    reach::Reach,
    report::{Failure, USAGE},
};
use crate::{
    methods::{self, Access},
    protocol::scope::Scope,
};
use serde_json::{Value, json};
use std::io::Read as _;

/// Arguments of `jackfield call`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jackfield call health
  jackfield call sessions.list --params '{\"limit\": 3}'
  jackfield call chat.history --params '{\"sessionKey\": \"main\"}' | jq '.messages[].content'
  echo '{\"probe\": true}' | jackfield call channels.status --params -")]
pub struct Args {
    /// Method of the protocol, such as sessions.list
    #[arg(value_name = "METHOD")]
    method: String,
    /// Its parameters, a JSON object; - reads them from standard input
    #[arg(long, value_name = "JSON", default_value = "{}")]
    params: String,
    /// Come in with this scope instead of the least the method needs (repeatable)
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// Calls the method and prints its result as JSON.
///
/// # Errors
/// Of the parameters, the connection or the method.
pub fn run(args: &Args) -> Result<(), Failure> {
    let params = json_object(&args.params, "--params")?;
    let least = [least(&args.method, &params)];
    let need = if args.scopes.is_empty() { &least[..] } else { &args.scopes };
    let answer = args.reach.with(async |gateway| gateway.call(need, &args.method, params).await)?;
    print::document(&answer)
}

/// The least scope a method of this gateway needs; unknown methods default to admin.
fn least(method: &str, params: &Value) -> Scope {
    match methods::table().find(method).map(|found| found.access) {
        Some(Access::Operator(scope)) => scope,
        Some(Access::Decided(decide)) => decide(params),
        Some(Access::Anyone) => Scope::Read,
        Some(Access::Node) | None => Scope::Admin,
    }
}

/// Reads a scope with or without its `operator.`.
///
/// # Errors
/// The scopes there are.
pub fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).or_else(|| Scope::parse(&format!("operator.{text}"))).ok_or_else(|| {
        let all: Vec<&str> = Scope::ALL.iter().map(|s| &s.as_str()["operator.".len()..]).collect();
        format!("the scopes are {}", all.join(", "))
    })
}

/// Reads the JSON object that an argument holds, or `-` for standard input.
///
/// # Errors
/// When it is none.
pub fn json_object(text: &str, argument: &str) -> Result<Value, Failure> {
    let bad = |why: String| {
        Failure::new(format!("{argument}: {why}"))
            .code(USAGE)
            .next(format!("it looks like {argument} '{{\"name\": \"value\"}}'"))
    };
    let mut read = String::new();
    let text = if text == "-" {
        std::io::stdin().read_to_string(&mut read).map_err(|error| bad(error.to_string()))?;
        &read
    } else {
        text
    };
    let value: Value = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
    if value.is_object() { Ok(value) } else { Err(bad(format!("{} is no object", json!(value)))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_scope_is_the_tables() {
        assert_eq!(least("sessions.list", &json!({})), Scope::Read);
        assert_eq!(least("agent", &json!({})), Scope::Write);
        assert_eq!(least("sessions.reset", &json!({})), Scope::Admin);
        assert_eq!(least("no.such.method", &json!({})), Scope::Admin);
    }

    #[test]
    fn scopes_and_parameters_are_read_leniently_but_not_guessed() {
        assert_eq!(scope("read"), Ok(Scope::Read));
        assert_eq!(scope("operator.talk.secrets"), Ok(Scope::TalkSecrets));
        assert!(scope("root").unwrap_err().contains("admin, approvals"));
        assert_eq!(json_object("{\"a\":1}", "--params").unwrap(), json!({"a": 1}));
        for bad in ["[1]", "{", "text"] {
            assert_eq!(json_object(bad, "--params").unwrap_err().code, USAGE, "{bad}");
        }
    }
}
