//! Slash commands: a few messages are orders to the gateway, not words to the agent.

use crate::{
    agent::broadcast,
    methods::{Caller, Core},
    protocol::scope::Scope,
    store::transcripts,
};
use std::{fmt::Write as _, sync::Arc};

/// Every command with what it does.
pub const ALL: [(&str, &str); 5] = [
    ("help", "Show what can be typed here"),
    ("status", "Show the gateway, the model and this conversation"),
    ("new", "Begin a new conversation; the old one stays stored"),
    ("reset", "The same as /new"),
    ("stop", "Call off the answer that is being written"),
];

/// Bare words that mean stop, as chat clients send them.
const STOP_WORDS: [&str; 4] = ["stop", "esc", "abort", "exit"];

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `/help`
    Help,
    /// `/status`
    Status,
    /// `/new`, `/reset`
    New,
    /// `/stop`
    Stop,
}

impl Command {
    /// The order in a message, if it is nothing else.
    #[must_use]
    pub fn parse(message: &str) -> Option<Self> {
        let text = message.trim().to_ascii_lowercase();
        if STOP_WORDS.contains(&text.as_str()) {
            return Some(Self::Stop);
        }
        match text.strip_prefix('/')? {
            "help" => Some(Self::Help),
            "status" => Some(Self::Status),
            "new" | "reset" => Some(Self::New),
            "stop" => Some(Self::Stop),
            _ => None,
        }
    }
}

/// Carries an order out; the answer is the end of a run named `run_id`.
pub async fn carry_out(
    core: &Arc<Core>,
    caller: &Caller,
    session_key: &str,
    run_id: &str,
    command: Command,
) {
    let text = match command {
        Command::Help => help(),
        Command::Status => status(core, session_key).await,
        Command::New => reset(core, caller, session_key).await,
        Command::Stop => {
            let ended = core.runs.abort(session_key, None, "stop").await;
            if ended.is_empty() { "Nothing was running.".to_owned() } else { "Stopped.".to_owned() }
        }
    };
    let message = broadcast::assistant_message(&text, core.clock.now_ms());
    broadcast::say(&core.events, session_key, run_id, &message);
}

fn help() -> String {
    ALL.iter().fold("Type a message, or one of:\n".to_owned(), |mut text, (name, what)| {
        let _ = writeln!(text, "- `/{name}` — {what}");
        text
    })
}

async fn status(core: &Core, session_key: &str) -> String {
    let model = core.runs.model();
    let key = session_key.to_owned();
    let row = core.store.read(move |c| transcripts::conversation(c, &key)).await;
    let entries = row.ok().flatten().map_or(0, |r| r.entries);
    format!(
        "Jackfield {} · up {} min\nModel: {} ({})\nConversation: `{session_key}`, {entries} messages, {} running",
        core.version,
        core.uptime_ms() / 60_000,
        model.id,
        model.provider,
        core.runs.active_in(session_key).len(),
    )
}

async fn reset(core: &Arc<Core>, caller: &Caller, session_key: &str) -> String {
    if !caller.principal.scopes.allows(Scope::Write) {
        return "Beginning a new conversation needs the scope operator.write.".to_owned();
    }
    core.runs.abort(session_key, None, "superseded").await;
    match crate::methods::sessions::reset_key(core, session_key, "new").await {
        Ok(_) => "New conversation.".to_owned(),
        Err(error) => {
            tracing::error!(%error, "a conversation could not be reset");
            "The conversation could not be reset; see the gateway's log.".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_messages_are_orders() {
        assert_eq!(Command::parse(" /Stop "), Some(Command::Stop));
        assert_eq!(Command::parse("stop"), Some(Command::Stop));
        assert_eq!(Command::parse("/new"), Some(Command::New));
        assert_eq!(Command::parse("/new car"), None);
        assert_eq!(Command::parse("please stop"), None);
        assert_eq!(Command::parse("/unknown"), None);
    }
}
