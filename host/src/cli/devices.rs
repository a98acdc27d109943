//! `jackfield devices`: who is paired with the gateway, and who asks to be.

use super::{
    call::scope,
    pick::{name, pick, short},
    print,
    reach::{Reach, Remote},
    report::{Failure, USAGE},
};
use crate::{clock::Clock, protocol::scope::Scope};
use serde_json::{Value, json};

const DEVICES: (&str, &str) = ("device", "jackfield devices list");
const REQUESTS: (&str, &str) = ("pending request", "jackfield devices list");
const NAMES: [&str; 2] = ["operatorLabel", "displayName"];

/// What can be done with devices. A device is named by its id, the beginning of it, or its name.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List devices that ask to be let in, and those that are paired
    List {
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Let a device in, with the role and the scopes its request names
    Approve {
        /// The request; without one the waiting requests are shown and nothing is approved
        #[arg(value_name = "REQUEST")]
        request: Option<String>,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Turn a request away
    Reject {
        /// The request
        #[arg(value_name = "REQUEST")]
        request: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Give a device a name of your own
    Rename {
        /// The device
        #[arg(value_name = "DEVICE")]
        device: String,
        /// Its new name, at most 64 characters
        #[arg(value_name = "NAME")]
        label: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Make a device's token void and give it another; its connections end
    Rotate {
        /// The device and the role.
        #[command(flatten)]
        token: TokenArgs,
        /// Scopes of the new token, where they shall be fewer (repeatable)
        #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
        scopes: Vec<Scope>,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Make a device's token void; its connections end, it stays paired
    Revoke {
        /// The device and the role.
        #[command(flatten)]
        token: TokenArgs,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Unpair a device; its tokens are void and its connections end
    Remove {
        /// The device
        #[arg(value_name = "DEVICE")]
        device: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
}

/// Which token.
#[derive(Debug, clap::Args)]
pub struct TokenArgs {
    /// The device
    #[arg(value_name = "DEVICE")]
    device: String,
    /// Role the token is for, operator or node [default: the device's last role]
    #[arg(long, value_name = "ROLE", value_parser = ["operator", "node"])]
    role: Option<String>,
}

/// Runs a verb.
///
/// # Errors
/// Of the connection, of the method, or that there is no such device or request.
pub fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::List { reach } => reach.form.show(&reach.with(listed)?, list),
        Verb::Approve { request, reach } => approve(request.as_deref(), reach),
        Verb::Reject { request, reach } => {
            let done = reach.with(async |gateway| {
                let list = listed(gateway).await?;
                let row = waiting(&list, request)?;
                let params = json!({"requestId": row["requestId"]});
                gateway.call(&[Scope::Pairing], "device.pair.reject", params).await
            })?;
            reach.form.show(&done, |of| format!("turned away {}", short(of, "deviceId")))
        }
        Verb::Rename { device, label, reach } => {
            let done = on_device(reach, device, "device.pair.rename", json!({"label": label}))?;
            reach.form.show(&done, |of| format!("named {}", print::line(&print::cell(of, "label"))))
        }
        Verb::Rotate { token, scopes, reach } => rotate(token, scopes, reach),
        Verb::Revoke { token, reach } => {
            let done = on_token(reach, token, "device.token.revoke", &[])?;
            reach.form.show(&done, |of| {
                format!(
                    "revoked the {} token of {}",
                    print::cell(of, "role"),
                    short(of, "deviceId")
                )
            })
        }
        Verb::Remove { device, reach } => {
            let done = on_device(reach, device, "device.pair.remove", json!({}))?;
            reach.form.show(&done, |of| format!("removed {}", short(of, "deviceId")))
        }
    }
}

async fn listed(gateway: &mut Remote) -> Result<Value, Failure> {
    gateway.come_as_owner();
    gateway.call(&[Scope::Pairing], "device.pair.list", json!({})).await
}

fn waiting<'a>(list: &'a Value, given: &str) -> Result<&'a Value, Failure> {
    pick(print::rows(list, "pending"), given, "requestId", &["displayName", "deviceId"], REQUESTS)
}

fn paired<'a>(list: &'a Value, given: &str) -> Result<&'a Value, Failure> {
    pick(print::rows(list, "paired"), given, "deviceId", &NAMES, DEVICES)
}

fn approve(request: Option<&str>, reach: &Reach) -> Result<(), Failure> {
    let done = reach.with(async |gateway| {
        let list = listed(gateway).await?;
        let Some(given) = request else {
            return Err(choose(&list));
        };
        let row = waiting(&list, given)?;
        let params = json!({"requestId": row["requestId"]});
        gateway.call(&to_approve(row), "device.pair.approve", params).await
    })?;
    reach.form.show(&done, |of| {
        let device = &of["device"];
        let (name, roles) = (name(device, "deviceId"), print::cell(device, "roles"));
        format!("approved {name} as {roles} with {}", scopes_cell(device))
    })
}

/// Which scopes an approver must hold: those it gives away, and all for a node.
fn to_approve(request: &Value) -> Vec<Scope> {
    let words = print::rows(request, "scopes").iter().filter_map(Value::as_str);
    let mut need: Vec<Scope> = words.filter_map(Scope::parse).collect();
    need.push(Scope::Pairing);
    if request["role"] == "node" || print::rows(request, "roles").contains(&json!("node")) {
        need.push(Scope::Admin);
    }
    need
}

fn choose(list: &Value) -> Failure {
    let waiting = print::rows(list, "pending");
    let Some(first) = waiting.first() else {
        return Failure::new("no device waits to be approved")
            .next("connect the device, then: jackfield devices list");
    };
    let text = format!("which request? These wait:\n{}", pending(waiting));
    Failure::new(text)
        .code(USAGE)
        .next(format!("jackfield devices approve {}", print::cell(first, "requestId")))
}

fn rotate(token: &TokenArgs, scopes: &[Scope], reach: &Reach) -> Result<(), Failure> {
    let done = on_token(reach, token, "device.token.rotate", scopes)?;
    reach.form.show(&done, |of| {
        let what = format!("the {} token of {}", print::cell(of, "role"), short(of, "deviceId"));
        match of["token"].as_str() {
            Some(token) => format!("rotated {what}; the new one:\n{}", print::line(token)),
            None => format!(
                "rotated {what}; the device gets the new one when it next comes in with the gateway's own token"
            ),
        }
    })
}

fn on_device(reach: &Reach, given: &str, method: &str, more: Value) -> Result<Value, Failure> {
    reach.with(async |gateway| {
        let list = listed(gateway).await?;
        let mut params = more;
        params["deviceId"] = paired(&list, given)?["deviceId"].clone();
        gateway.call(&[Scope::Pairing], method, params).await
    })
}

/// Acts on a token with the scopes that the token has, for nobody may touch what is above them; a
/// node's token is an administrator's matter.
fn on_token(
    reach: &Reach,
    given: &TokenArgs,
    method: &str,
    scopes: &[Scope],
) -> Result<Value, Failure> {
    reach.with(async |gateway| {
        let list = listed(gateway).await?;
        let row = paired(&list, &given.device)?;
        let role = given.role.as_deref().or(row["role"].as_str()).unwrap_or("operator");
        let mut params = json!({"deviceId": row["deviceId"], "role": role});
        if !scopes.is_empty() {
            params["scopes"] = scopes.iter().map(|s| s.as_str()).collect();
        }
        let tokens = print::rows(row, "tokens").iter();
        let held = tokens.filter(|t| t["role"] == role).flat_map(|t| print::rows(t, "scopes"));
        let mut need: Vec<Scope> = held.filter_map(|s| Scope::parse(s.as_str()?)).collect();
        need.push(if role == "node" { Scope::Admin } else { Scope::Pairing });
        gateway.call(&need, method, params).await
    })
}

fn list(of: &Value) -> String {
    let (waiting, paired) = (print::rows(of, "pending"), print::rows(of, "paired"));
    let mut parts = Vec::new();
    if !waiting.is_empty() {
        let hint = "let one in: jackfield devices approve REQUEST";
        parts.push(format!("Waiting ({hint})\n{}", pending(waiting)));
    }
    if paired.is_empty() {
        parts.push("No device is paired.".to_owned());
    } else {
        parts.push(format!("Paired\n{}", paired_table(paired)));
    }
    parts.join("\n\n")
}

fn pending(rows: &[Value]) -> String {
    let now = Clock::system().now_ms();
    let rows = rows.iter().map(|r| {
        [
            print::cell(r, "requestId"),
            name(r, "deviceId"),
            print::cell(r, "platform"),
            print::cell(r, "roles"),
            scopes_cell(r),
            print::cell(r, "remoteIp"),
            print::when(now, r.get("ts")),
        ]
    });
    print::table(["request", "device", "platform", "role", "scopes", "from", "asked"], rows)
}

fn paired_table(rows: &[Value]) -> String {
    let now = Clock::system().now_ms();
    let rows = rows.iter().map(|r| {
        let seen = if r["connected"] == true {
            "connected".to_owned()
        } else {
            print::when(now, r.get("lastSeenAtMs"))
        };
        [
            short(r, "deviceId"),
            name(r, "deviceId"),
            print::cell(r, "platform"),
            print::cell(r, "roles"),
            scopes_cell(r),
            seen,
        ]
    });
    print::table(["device", "name", "platform", "role", "scopes", "seen"], rows)
}

/// Scopes without the word they all begin with.
fn scopes_cell(of: &Value) -> String {
    let words = print::rows(of, "scopes").iter().filter_map(Value::as_str);
    let words: Vec<&str> = words.map(|w| w.strip_prefix("operator.").unwrap_or(w)).collect();
    if words.is_empty() { print::NOTHING.to_owned() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approver_brings_what_the_request_asks_for() {
        let operator =
            json!({"role": "operator", "roles": ["operator"], "scopes": ["operator.read"]});
        assert_eq!(to_approve(&operator), [Scope::Read, Scope::Pairing]);
        let node = json!({"role": "node", "roles": ["node"], "scopes": []});
        assert_eq!(to_approve(&node), [Scope::Pairing, Scope::Admin]);
    }

    #[test]
    fn nothing_is_approved_without_being_named() {
        let none = choose(&json!({"pending": []}));
        assert_eq!((none.code, none.text.as_str()), (1, "no device waits to be approved"));
        let one = choose(&json!({"pending": [{"requestId": "r-1", "scopes": ["operator.admin"]}]}));
        assert_eq!(one.code, USAGE);
        assert!(one.text.contains("r-1") && one.text.contains("admin"), "{}", one.text);
        assert_eq!(one.next, "jackfield devices approve r-1");
    }
}
