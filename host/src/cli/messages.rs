//! `jackfield messages`: what became of messages that were accepted.

use super::{print, reach::Reach, report::Failure};
use crate::protocol::scope::Scope;
use serde_json::{Value, json};

/// What can be looked at.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Messages that were accepted and could not be worked off; they block nobody
    #[command(subcommand)]
    Dead(Dead),
}

/// What can be done with dead messages.
#[derive(Debug, clap::Subcommand)]
pub enum Dead {
    /// List them, the oldest first
    List {
        /// Most rows to show
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1000))]
        limit: u64,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Show one whole, with what it holds
    Show(One),
    /// Try one again, as if it had just arrived
    Retry(One),
    /// Forget one for good
    Drop(One),
}

/// One message.
#[derive(Debug, clap::Args)]
pub struct One {
    /// Its number in the list
    #[arg(value_name = "NUMBER")]
    seq: u64,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

impl One {
    fn ask(
        &self,
        scope: Scope,
        method: &str,
        words: impl FnOnce(&Value) -> String,
    ) -> Result<(), Failure> {
        self.reach.ask(&[scope], method, json!({"seq": self.seq}), words)
    }
}

/// Runs a verb.
///
/// # Errors
/// Of the connection, or that there is no such message.
pub fn run(verb: &Verb) -> Result<(), Failure> {
    let Verb::Dead(verb) = verb;
    match verb {
        Dead::List { limit, reach } => {
            reach.ask(&[Scope::Read], "messages.dead.list", json!({"limit": limit}), list)
        }
        Dead::Show(one) => one.ask(Scope::Read, "messages.dead.show", show),
        Dead::Retry(one) => {
            let words = |_: &Value| format!("{} is tried again.", one.seq);
            one.ask(Scope::Write, "messages.dead.retry", words)
        }
        Dead::Drop(one) => {
            let words = |_: &Value| format!("{} is forgotten.", one.seq);
            one.ask(Scope::Admin, "messages.dead.drop", words)
        }
    }
}

fn list(of: &Value) -> String {
    let messages = print::rows(of, "messages");
    if messages.is_empty() {
        return "No dead messages.".to_owned();
    }
    let rows = messages.iter().map(|m| {
        [
            print::cell(m, "seq"),
            format!("{}/{}", print::cell(m, "channel"), print::cell(m, "accountId")),
            print::cell(m, "receivedAt"),
            print::cell(m, "attempts"),
            print::cell(m, "reason"),
        ]
    });
    let table = print::table(["number", "channel", "arrived", "attempts", "reason"], rows);
    let (shown, total) = (messages.len() as u64, of["total"].as_u64().unwrap_or_default());
    if total > shown { format!("{table}\n{shown} of {total}; --limit shows more.") } else { table }
}

fn show(of: &Value) -> String {
    let mut facts = vec![
        ("number", print::cell(of, "seq")),
        ("channel", format!("{}/{}", print::cell(of, "channel"), print::cell(of, "accountId"))),
        ("event", print::cell(of, "eventId")),
        ("conversation", print::cell(of, "conversation")),
        ("arrived", print::cell(of, "receivedAt")),
        ("attempts", print::cell(of, "attempts")),
        ("reason", print::cell(of, "reason")),
    ];
    if of["retriable"] == false {
        facts.push(("retry", "impossible: it failed before it had a conversation".to_owned()));
    }
    let payload = serde_json::to_string_pretty(&of["payload"]).unwrap_or_default();
    format!("{}\n{}", print::facts(&facts), print::lines(&payload))
}
