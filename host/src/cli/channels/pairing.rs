//! `jackfield channels pairing`: strangers who wrote to a channel and wait for a word.

use crate::{
    cli::{
        pick::pick,
        print,
        reach::{Reach, Remote},
        report::Failure,
    },
    protocol::scope::Scope,
};
use serde_json::{Value, json};

const LIST: (&str, &str) = ("waiting request", "jackfield channels pairing list");

/// What can be done with strangers.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List who waits
    List {
        /// Only this channel
        #[arg(long, value_name = "CHANNEL")]
        channel: Option<String>,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Let a sender talk to the agent from now on
    Approve {
        /// The request, the beginning of its id, the sender's id, or the sender's code
        #[arg(value_name = "REQUEST")]
        request: String,
        /// Tell the sender
        #[arg(long)]
        notify: bool,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Forget a request; the sender may ask again
    Dismiss {
        /// The request, the beginning of its id, the sender's id, or the sender's code
        #[arg(value_name = "REQUEST")]
        request: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
}

/// Runs a verb.
///
/// # Errors
/// Of the connection, or that there is no such request.
pub fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::List { channel, reach } => {
            let params = channel.as_ref().map_or_else(|| json!({}), |c| json!({"channel": c}));
            reach.ask(&[Scope::Pairing], "channels.pairing.list", params, list)
        }
        Verb::Approve { request, notify, reach } => {
            let more = json!({"notify": notify});
            settle(reach, request, ("channels.pairing.approve", &more), "may write from now on")
        }
        Verb::Dismiss { request, reach } => {
            settle(reach, request, ("channels.pairing.dismiss", &json!({})), "was turned away")
        }
    }
}

fn list(of: &Value) -> String {
    let requests = print::rows(of, "requests");
    if requests.is_empty() {
        return "Nobody waits.".to_owned();
    }
    let rows = requests.iter().map(|r| {
        [
            print::cell(r, "requestId"),
            format!("{}/{}", print::cell(r, "channel"), print::cell(r, "accountId")),
            print::cell(r, "senderId"),
            print::cell(r, "senderLabel"),
            print::cell(r, "createdAt"),
            print::cell(r, "expiresAt"),
        ]
    });
    print::table(["request", "channel", "sender", "calls themselves", "wrote", "expires"], rows)
}

fn settle(
    reach: &Reach,
    given: &str,
    (method, more): (&str, &Value),
    done: &str,
) -> Result<(), Failure> {
    let answer = reach.with(async |gateway: &mut Remote| {
        let list = gateway.call(&[Scope::Pairing], "channels.pairing.list", json!({})).await?;
        let row =
            pick(print::rows(&list, "requests"), given, "requestId", &["senderId", "code"], LIST)?;
        let mut params = more.clone();
        for field in ["channel", "accountId", "requestId"] {
            params[field] = row[field].clone();
        }
        gateway.call(&[Scope::Pairing], method, params).await
    })?;
    reach.form.show(&answer, |of| format!("{} {done}.", print::line(&print::cell(of, "senderId"))))
}
