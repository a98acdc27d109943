//! Settings of a running gateway: read, and changed without losing anyone else's change.

use crate::{
    cli::{
        print,
        reach::Reach,
        report::{Failure, USAGE},
    },
    protocol::scope::Scope,
};
use serde_json::{Value, json};

/// Prints the settings.
///
/// # Errors
/// Of the connection, or that there is no such setting.
pub fn read(setting: Option<&str>, reach: &Reach) -> Result<(), Failure> {
    let found =
        reach.with(async |gateway| gateway.call(&[Scope::Read], "config.get", json!({})).await)?;
    let Some(setting) = setting else {
        return reach.form.show(&found, |of| match of["raw"].as_str() {
            Some(raw) if of["exists"] != false => print::lines(raw),
            _ => {
                format!("{} does not exist; the gateway runs on defaults", print::cell(of, "path"))
            }
        });
    };
    let names = path(setting)?;
    // What holds comes before what the file says: drop-ins and the environment have a say.
    let forms = ["runtimeConfig", "resolved", "config", "parsed"];
    let value = forms
        .iter()
        .find_map(|form| names.iter().try_fold(&found[form], |value, name| value.get(name)));
    let Some(value) = value else {
        return Err(
            Failure::new(format!("{setting} is not set")).next("see what is: jackfield config get")
        );
    };
    reach.form.show(value, |of| match of {
        Value::String(text) => print::lines(text),
        other => format!("{other:#}"),
    })
}

/// Changes one setting.
///
/// # Errors
/// Of the connection; when the setting or its value does not fit, or the file changed meanwhile.
pub fn write(setting: &str, value: &str, reach: &Reach) -> Result<(), Failure> {
    let patch = patch(&path(setting)?, parse(value));
    let done = reach.with(async |gateway| {
        let now = gateway.call(&[Scope::Admin], "config.get", json!({})).await?;
        let params = json!({"raw": patch.to_string(), "baseHash": now["hash"]});
        gateway.call(&[Scope::Admin], "config.patch", params).await
    })?;
    reach.form.show(&done, |of| {
        let mut text = format!("changed {setting} in {}", print::line(&print::cell(of, "path")));
        let stats = &of["sentinel"]["payload"]["stats"];
        let restart = [&of["restart"], &of["requiresRestart"], &stats["requiresRestart"]];
        if restart.into_iter().any(|r| !matches!(r, Value::Null | Value::Bool(false))) {
            text.push_str("\nit takes effect when the gateway starts anew");
        }
        text
    })
}

fn path(setting: &str) -> Result<Vec<&str>, Failure> {
    let names: Vec<&str> = setting.split('.').collect();
    if names.iter().any(|name| name.is_empty()) {
        return Err(Failure::new(format!("`{setting}` names no setting"))
            .code(USAGE)
            .next("it looks like gateway.port"));
    }
    Ok(names)
}

fn parse(value: &str) -> Value {
    serde_json::from_str(value).unwrap_or_else(|_| json!(value))
}

fn patch(path: &[&str], value: Value) -> Value {
    path.iter().rev().fold(value, |inner, name| json!({*name: inner}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_becomes_a_patch_of_that_setting_alone() {
        let made = patch(&path("gateway.auth.mode").unwrap(), parse("token"));
        assert_eq!(made, json!({"gateway": {"auth": {"mode": "token"}}}));
        assert_eq!(parse("18790"), json!(18790));
        assert_eq!(parse("null"), Value::Null);
        assert_eq!(parse("\"18790\""), json!("18790"));
        assert_eq!(path("a..b").unwrap_err().code, USAGE);
    }
}
