//! `jackfield nodes`: devices that offer commands to the gateway.

use super::{
    call::json_object,
    pick::{pick, short},
    print,
    reach::{Reach, Remote, time},
    report::Failure,
};
use crate::{
    clock::{Clock, uuid},
    protocol::scope::Scope,
};
use serde_json::{Value, json};
use std::time::Duration;

const NODES: (&str, &str) = ("node", "jackfield nodes list");
const REQUESTS: (&str, &str) = ("pending request", "jackfield nodes pending");

/// What can be done with nodes. A node is named by its id, the beginning of it, its name or address.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List nodes, connected or not
    List {
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Show everything known of a node, with the commands it offers
    Describe {
        /// The node
        #[arg(value_name = "NODE")]
        node: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// List nodes whose commands wait for approval
    Pending {
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Allow the commands that a node offers
    Approve {
        /// The request, or the node
        #[arg(value_name = "REQUEST")]
        request: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Refuse the commands that a node offers
    Reject {
        /// The request, or the node
        #[arg(value_name = "REQUEST")]
        request: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Give a node another name
    Rename {
        /// The node
        #[arg(value_name = "NODE")]
        node: String,
        /// Its new name
        #[arg(value_name = "NAME")]
        name: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Take the role of a node from a device; its connection ends
    Remove {
        /// The node
        #[arg(value_name = "NODE")]
        node: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Have a node run one of its commands, and print what it answers
    Invoke(InvokeArgs),
}

/// Arguments of `jackfield nodes invoke`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  jackfield nodes invoke desk system.which --params '{\"bins\": [\"git\"]}'")]
pub struct InvokeArgs {
    /// The node
    #[arg(value_name = "NODE")]
    node: String,
    /// The command, such as system.which
    #[arg(value_name = "COMMAND")]
    command: String,
    /// Its parameters, a JSON object; - reads them from standard input
    #[arg(long, value_name = "JSON", default_value = "{}")]
    params: String,
    /// Longest time the node may take
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = time)]
    within: Duration,
    /// Same key, same invocation: the node does it once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// Runs a verb.
///
/// # Errors
/// Of the connection, of the method, or that there is no such node or request.
pub fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::List { reach } => reach.ask(&[Scope::Read], "node.list", json!({}), list),
        Verb::Describe { node, reach } => {
            let found = on_node(reach, node, &[Scope::Read], "node.describe", json!({}))?;
            reach.form.show(&found, describe)
        }
        Verb::Pending { reach } => {
            reach.ask(&[Scope::Pairing], "node.pair.list", json!({}), pending)
        }
        Verb::Approve { request, reach } => settle(reach, request, "node.pair.approve", "approved"),
        Verb::Reject { request, reach } => settle(reach, request, "node.pair.reject", "refused"),
        Verb::Rename { node, name, reach } => {
            let more = json!({"displayName": name});
            let done = on_node(reach, node, &[Scope::Pairing], "node.rename", more)?;
            reach
                .form
                .show(&done, |of| format!("named {}", print::line(&print::cell(of, "displayName"))))
        }
        Verb::Remove { node, reach } => {
            let done = on_node(reach, node, &[Scope::Pairing], "node.pair.remove", json!({}))?;
            reach.form.show(&done, |of| format!("removed {}", short(of, "nodeId")))
        }
        Verb::Invoke(args) => invoke(args),
    }
}

async fn find(gateway: &mut Remote, given: &str) -> Result<Value, Failure> {
    let list = gateway.call(&[Scope::Read], "node.list", json!({})).await?;
    let names = ["displayName", "remoteIp"];
    Ok(pick(print::rows(&list, "nodes"), given, "nodeId", &names, NODES)?["nodeId"].clone())
}

fn on_node(
    reach: &Reach,
    given: &str,
    need: &[Scope],
    method: &str,
    more: Value,
) -> Result<Value, Failure> {
    reach.with(async |gateway| {
        let mut params = more;
        params["nodeId"] = find(gateway, given).await?;
        gateway.call(need, method, params).await
    })
}

fn settle(reach: &Reach, given: &str, method: &str, done: &str) -> Result<(), Failure> {
    let answer = reach.with(async |gateway: &mut Remote| {
        let list = gateway.call(&[Scope::Pairing], "node.pair.list", json!({})).await?;
        let names = ["nodeId", "displayName"];
        let row = pick(print::rows(&list, "pending"), given, "requestId", &names, REQUESTS)?;
        let words = print::rows(row, "requiredApproveScopes").iter().filter_map(Value::as_str);
        let mut need: Vec<Scope> = words.filter_map(Scope::parse).collect();
        need.push(Scope::Pairing);
        gateway.call(&need, method, json!({"requestId": row["requestId"]})).await
    })?;
    reach.form.show(&answer, |of| {
        let node = if of["node"].is_object() { &of["node"] } else { of };
        let commands = match print::cell(node, "commands") {
            none if none == print::NOTHING => String::new(),
            commands => format!(": {commands}"),
        };
        print::line(&format!("{done} {}{commands}", short(node, "nodeId")))
    })
}

fn invoke(args: &InvokeArgs) -> Result<(), Failure> {
    let params = json_object(&args.params, "--params")?;
    let timeout_ms = u64::try_from(args.within.as_millis()).unwrap_or(u64::MAX);
    let key = args.key.clone().unwrap_or_else(uuid);
    // The gateway's own limit ends first, so that its words are heard.
    let wait = args.within + Duration::from_secs(5);
    let answer = args.reach.with(async |gateway| {
        let node = find(gateway, &args.node).await?;
        let params = json!({"nodeId": node, "command": args.command, "params": params,
                            "timeoutMs": timeout_ms, "idempotencyKey": key});
        gateway.be_patient(wait);
        gateway.call(&[Scope::Write], "node.invoke", params).await
    })?;
    args.reach.form.show(&answer, |of| format!("{:#}", of["payload"]))
}

fn list(of: &Value) -> String {
    let rows = print::rows(of, "nodes");
    if rows.is_empty() {
        return "No node is paired.".to_owned();
    }
    let now = Clock::system().now_ms();
    let rows = rows.iter().map(|r| {
        let seen = if r["connected"] == true {
            "connected".to_owned()
        } else {
            print::when(now, r.get("lastSeenAtMs"))
        };
        [
            short(r, "nodeId"),
            print::cell(r, "displayName"),
            print::cell(r, "platform"),
            print::cell(r, "approvalState"),
            print::rows(r, "commands").len().to_string(),
            seen,
        ]
    });
    print::table(["node", "name", "platform", "approval", "commands", "seen"], rows)
}

fn describe(of: &Value) -> String {
    let now = Clock::system().now_ms();
    let one = |name, field| (name, print::cell(of, field));
    print::facts(&[
        one("Node", "nodeId"),
        one("Name", "displayName"),
        one("Platform", "platform"),
        one("Version", "version"),
        one("Connected", "connected"),
        ("Seen", print::when(now, of.get("lastSeenAtMs"))),
        one("Approval", "approvalState"),
        one("Waiting", "pendingRequestId"),
        one("Abilities", "caps"),
        one("Commands", "commands"),
    ])
}

fn pending(of: &Value) -> String {
    let rows = print::rows(of, "pending");
    if rows.is_empty() {
        return "No node waits for approval.".to_owned();
    }
    let now = Clock::system().now_ms();
    let rows = rows.iter().map(|r| {
        [
            print::cell(r, "requestId"),
            short(r, "nodeId"),
            print::cell(r, "displayName"),
            print::cell(r, "platform"),
            print::when(now, r.get("ts")),
            print::cell(r, "commands"),
        ]
    });
    print::table(["request", "node", "name", "platform", "asked", "commands"], rows)
}
