//! `jackfield sessions`: the conversations, which the wire calls sessions.

use super::{
    print,
    reach::Reach,
    report::{FAILED, Failure},
};
use crate::{clock::Clock, protocol::scope::Scope};
use serde_json::{Value, json};

/// What can be done with conversations.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List conversations, the one with the latest message first
    List {
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: u32,
        /// Only those whose name or key holds this text
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Print the messages of a conversation, the oldest first
    History {
        /// Key of the conversation; main is the first one
        #[arg(value_name = "KEY", default_value = "main")]
        key: String,
        /// At most this many of the latest
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Begin a conversation anew: the agent forgets it, the record stays
    Reset {
        /// Key of the conversation
        #[arg(value_name = "KEY")]
        key: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Delete a conversation and its messages
    Delete {
        /// Key of the conversation
        #[arg(value_name = "KEY")]
        key: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
}

/// Runs a verb.
///
/// # Errors
/// Of the connection or the method.
pub fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::List { limit, search, reach } => {
            let mut params = json!({"limit": limit});
            if let Some(search) = search {
                params["search"] = json!(search);
            }
            reach.ask(&[Scope::Read], "sessions.list", params, list)
        }
        Verb::History { key, limit, reach } => {
            let params = json!({"sessionKey": key, "limit": limit});
            reach.ask(&[Scope::Read], "chat.history", params, history)
        }
        Verb::Reset { key, reach } => {
            reach.ask(&[Scope::Admin], "sessions.reset", json!({"key": key}), |of| {
                format!("begun anew: {}", print::line(&print::cell(of, "key")))
            })
        }
        Verb::Delete { key, reach } => delete(key, reach),
    }
}

fn delete(key: &str, reach: &Reach) -> Result<(), Failure> {
    let params = json!({"key": key});
    let done = reach
        .with(async |gateway| gateway.call(&[Scope::Admin], "sessions.delete", params).await)?;
    let deleted = done["deleted"] == true;
    reach.form.show(&done, |of| {
        let key = print::line(&print::cell(of, "key"));
        if deleted { format!("deleted {key}") } else { format!("there was no {key}") }
    })?;
    if deleted { Ok(()) } else { Err(Failure::told(FAILED)) }
}

fn list(of: &Value) -> String {
    let rows = print::rows(of, "sessions");
    if rows.is_empty() {
        return "No conversation yet. Begin one: jackfield agent --message hello".to_owned();
    }
    let now = Clock::system().now_ms();
    let rows = rows.iter().map(|r| {
        [
            print::cell(r, "key"),
            print::cell(r, "displayName"),
            print::cell(r, "messageCount"),
            print::when(now, r.get("updatedAt")),
        ]
    });
    let table = print::table(["key", "name", "messages", "latest"], rows);
    if of["hasMore"] == true { format!("{table}\n(there are more: --limit)") } else { table }
}

fn history(of: &Value) -> String {
    let messages = print::rows(of, "messages");
    if messages.is_empty() {
        return "No messages.".to_owned();
    }
    let one = |m: &Value| format!("{}: {}", print::line(&print::cell(m, "role")), content(m));
    messages.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// The text of a message; what is not text is named by its kind.
fn content(message: &Value) -> String {
    let part = |part: &Value| match part["text"].as_str() {
        Some(text) => print::lines(text),
        None => format!("[{}]", print::line(&print::cell(part, "type"))),
    };
    match &message["content"] {
        Value::String(text) => print::lines(text),
        Value::Array(parts) => parts.iter().map(part).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_in_both_of_their_forms() {
        let of = json!({"messages": [
            {"role": "user", "content": "hi\u{1b}[2J"},
            {"role": "assistant", "content": [{"type": "text", "text": "hello"}, {"type": "image"}]},
        ]});
        assert_eq!(history(&of), "user: hi\u{fffd}[2J\nassistant: hello\n[image]");
    }
}
