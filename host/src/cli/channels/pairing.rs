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
use std::collections::BTreeSet;

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
        /// The code the sender was given, the sender's id, or the request's
        #[arg(value_name = "CODE")]
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
        /// The code the sender was given, the sender's id, or the request's
        #[arg(value_name = "CODE")]
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
        let rows = print::rows(&list, "requests");
        let named = pick(rows, given, "requestId", &["senderId"], LIST);
        let Some(wanted) = wanted(rows, named.as_ref().ok().copied(), given) else {
            return Err(named.err().unwrap_or_else(|| Failure::new("nobody waits")));
        };
        let mut refused = None;
        for mut params in wanted {
            let more = more.as_object().into_iter().flatten();
            more.for_each(|(name, value)| params[name] = value.clone());
            match gateway.call(&[Scope::Pairing], method, params).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => refused = Some(failure),
            }
        }
        Err(refused.expect("there was at least one to try"))
    })?;
    reach.form.show(&answer, |of| format!("{} {done}.", print::line(&print::cell(of, "senderId"))))
}

/// What to ask for: the row that was named; else, where `given` looks like a code, that code on each
/// channel where somebody waits, for a list does not show codes.
fn wanted(rows: &[Value], named: Option<&Value>, given: &str) -> Option<Vec<Value>> {
    if let Some(row) = named {
        let fields = ["channel", "accountId", "requestId"];
        return Some(vec![fields.iter().map(|f| ((*f).to_owned(), row[*f].clone())).collect()]);
    }
    let code = given.to_ascii_uppercase();
    if code.len() != CODE_LETTERS || !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let channels: BTreeSet<&str> = rows.iter().filter_map(|row| row["channel"].as_str()).collect();
    let asks: Vec<Value> =
        channels.iter().map(|channel| json!({"channel": channel, "code": code})).collect();
    (!asks.is_empty()).then_some(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_tried_where_somebody_waits_and_a_row_is_named_whole() {
        let rows = [
            json!({"channel": "line", "accountId": "default", "requestId": "r-1", "x": 1}),
            json!({"channel": "line", "accountId": "default", "requestId": "r-2"}),
        ];
        assert_eq!(
            wanted(&rows, Some(&rows[0]), "r-1"),
            Some(vec![json!({"channel": "line", "accountId": "default", "requestId": "r-1"})])
        );
        assert_eq!(
            wanted(&rows, None, "abcd2345"),
            Some(vec![json!({"channel": "line", "code": "ABCD2345"})])
        );
        assert_eq!(wanted(&rows, None, "nobody"), None);
        assert_eq!(wanted(&[], None, "ABCD2345"), None);
    }
}
