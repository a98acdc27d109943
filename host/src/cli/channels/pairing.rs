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

/// Length of the code a stranger is given.
const CODE_LETTERS: usize = 8;
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
        /// Who.
        #[command(flatten)]
        who: Who,
        /// Tell the sender
        #[arg(long)]
        notify: bool,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Forget a request; the sender may ask again
    Dismiss {
        /// Who.
        #[command(flatten)]
        who: Who,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
}

/// A stranger.
#[derive(Debug, clap::Args)]
pub struct Who {
    /// The channel they wrote to
    #[arg(value_name = "CHANNEL")]
    channel: String,
    /// The code they were given, or their id, or the request's
    #[arg(value_name = "CODE")]
    code: String,
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
        Verb::Approve { who, notify, reach } => {
            let more = json!({"notify": notify});
            settle(reach, who, ("channels.pairing.approve", more), "may write from now on")
        }
        Verb::Dismiss { who, reach } => {
            settle(reach, who, ("channels.pairing.dismiss", json!({})), "was turned away")
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
    who: &Who,
    (method, mut params): (&str, Value),
    done: &str,
) -> Result<(), Failure> {
    let answer = reach.with(async |gateway: &mut Remote| {
        let named = json!({"channel": who.channel});
        let list = gateway.call(&[Scope::Pairing], "channels.pairing.list", named).await?;
        for (name, value) in named_by(print::rows(&list, "requests"), who)? {
            params[name] = value;
        }
        gateway.call(&[Scope::Pairing], method, params).await
    })?;
    reach.form.show(&answer, |of| format!("{} {done}.", print::line(&print::cell(of, "senderId"))))
}

/// How the wire names the request: whole where the list shows it; else by the code, for a list does
/// not show codes.
fn named_by(rows: &[Value], who: &Who) -> Result<Vec<(&'static str, Value)>, Failure> {
    match pick(rows, &who.code, "requestId", &["senderId"], LIST) {
        Ok(row) => Ok(["channel", "accountId", "requestId"].map(|f| (f, row[f].clone())).to_vec()),
        Err(_) if is_code(&who.code) => Ok(vec![
            ("channel", json!(who.channel)),
            ("code", json!(who.code.to_ascii_uppercase())),
        ]),
        Err(failure) => Err(failure),
    }
}

fn is_code(text: &str) -> bool {
    text.len() == CODE_LETTERS && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_named_whole_or_by_its_code() {
        let rows = [
            json!({"channel": "line", "accountId": "a", "requestId": "r-1", "senderId": "eve"}),
            json!({"channel": "line", "accountId": "a", "requestId": "r-2", "senderId": "bob"}),
        ];
        let name = |code: &str| {
            named_by(&rows, &Who { channel: "line".to_owned(), code: code.to_owned() })
        };
        let whole = name("eve").unwrap();
        assert!(whole.contains(&("requestId", json!("r-1"))), "{whole:?}");
        assert!(name("abcd2345").unwrap().contains(&("code", json!("ABCD2345"))));
        assert!(name("nobody").is_err(), "no row and no code");
    }
}
