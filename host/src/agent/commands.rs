//! Slash commands: a few messages are orders to the gateway, not words to the agent. They come from
//! chat clients and from channels alike.
//!
//! Must not know: who may give an order; whoever hands one in has asked that.

use super::{Agent, Runs, Wishes};
use crate::{
    events::Audience,
    protocol::{event, frame::json},
    store::{StoreError, transcripts},
};
use serde_json::{Value, json as value};
use std::fmt::Write as _;

/// Every command with what it does and whether it takes a word.
pub const ALL: [(&str, &str, bool); 7] = [
    ("help", "Show what can be typed here", false),
    ("status", "Show the gateway, the model and this conversation", false),
    ("new", "Begin a new conversation; the old one stays stored", false),
    ("reset", "The same as /new", false),
    ("stop", "Call off the answer that is being written", false),
    ("model", "Show the models, or choose one for this conversation", true),
    ("think", "Show how much can be thought, or choose it for this conversation", true),
];

/// Bare words that mean stop, as chat clients send them.
const STOP_WORDS: [&str; 4] = ["stop", "esc", "abort", "exit"];
/// What takes a choice back.
const DEFAULT: &str = "default";
/// Models that are listed in a conversation.
const LISTED: usize = 30;

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `/help`
    Help,
    /// `/status`
    Status,
    /// `/new`, `/reset`
    New,
    /// `/stop`
    Stop,
    /// `/model`, with a name or without
    Model(Option<String>),
    /// `/think`, with a level or without
    Think(Option<String>),
}

impl Command {
    /// The order in a message, if it is nothing else.
    #[must_use]
    pub fn parse(message: &str) -> Option<Self> {
        let text = message.trim();
        if STOP_WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) {
            return Some(Self::Stop);
        }
        let mut words = text.strip_prefix('/')?.split_whitespace();
        let name = words.next()?.to_ascii_lowercase();
        let (word, more) = (words.next().map(str::to_owned), words.next());
        match (name.as_str(), &word, more) {
            ("model", _, None) => Some(Self::Model(word)),
            ("think", _, None) => Some(Self::Think(word.map(|w| w.to_ascii_lowercase()))),
            ("help", None, _) => Some(Self::Help),
            ("status", None, _) => Some(Self::Status),
            ("new" | "reset", None, _) => Some(Self::New),
            ("stop", None, _) => Some(Self::Stop),
            _ => None,
        }
    }
}

impl Runs {
    /// Carries an order out; the answer is for whoever gave it.
    pub async fn carry_out(&self, session_key: &str, agent: &Agent, command: Command) -> String {
        let done = match command {
            Command::Help => Ok(help()),
            Command::Status => self.status(session_key, agent).await,
            Command::New => self.anew(session_key, &agent.id).await,
            Command::Stop => {
                let ended = self.abort(session_key, None, "stop").await;
                Ok(if ended.is_empty() { "Nothing was running." } else { "Stopped." }.to_owned())
            }
            Command::Model(None) => self.models(session_key, agent).await,
            Command::Think(None) => self.levels(session_key, agent).await,
            Command::Model(Some(name)) => self.choose(session_key, agent, "model", &name).await,
            Command::Think(Some(level)) => {
                self.choose(session_key, agent, "thinkingLevel", &level).await
            }
        };
        done.unwrap_or_else(|error| {
            tracing::error!(%error, "an order could not be carried out");
            "That could not be stored; see the gateway's log.".to_owned()
        })
    }

    async fn status(&self, key: &str, agent: &Agent) -> Result<String, StoreError> {
        let wishes = self.wishes(key).await?;
        let model = agent.model(&wishes);
        let row = self.conversation(key).await?;
        let (entries, tokens) = row.map_or((0, 0), |row| (row.entries, row.tokens.total));
        let thinking = wishes.thinking.unwrap_or_else(|| DEFAULT.to_owned());
        Ok(format!(
            "Jackfield {} · up {} min\nAgent: {}\nModel: {} ({}), thinking: {thinking}\n\
             Conversation: `{key}`, {entries} messages, {tokens} tokens, {} running",
            env!("CARGO_PKG_VERSION"),
            self.up_ms() / 60_000,
            agent.name,
            model.id,
            model.provider,
            self.active_in(key).len(),
        ))
    }

    async fn anew(&self, key: &str, agent: &str) -> Result<String, StoreError> {
        self.abort(key, None, "superseded").await;
        let (name, now) = (key.to_owned(), self.now_ms());
        self.store().write(move |c| transcripts::reset(c, &name, now)).await?;
        self.tell_changed(key, agent, "new");
        Ok("New conversation.".to_owned())
    }

    async fn models(&self, key: &str, agent: &Agent) -> Result<String, StoreError> {
        let current = agent.model(&self.wishes(key).await?);
        let models = agent.backend.models().await;
        let mut text = format!("Model: {} ({})\n", current.id, current.provider);
        for model in models.iter().take(LISTED) {
            let _ = writeln!(text, "- `{}/{}`", model.provider, model.id);
        }
        let _ = write!(text, "Choose one with `/model <name>`, or `/model {DEFAULT}`.");
        Ok(text)
    }

    async fn levels(&self, key: &str, agent: &Agent) -> Result<String, StoreError> {
        let current = self.wishes(key).await?.thinking.unwrap_or_else(|| DEFAULT.to_owned());
        let levels = agent.backend.thinking().join(", ");
        Ok(format!(
            "Thinking: {current}\nChoose one of {levels} with `/think <level>`, or `/think {DEFAULT}`."
        ))
    }

    async fn choose(
        &self,
        key: &str,
        agent: &Agent,
        field: &'static str,
        word: &str,
    ) -> Result<String, StoreError> {
        let back = word.eq_ignore_ascii_case(DEFAULT);
        let wish = (!back).then(|| word.to_owned());
        let wishes = match field {
            "model" => Wishes { model: wish.clone(), thinking: None },
            _ => Wishes { model: None, thinking: wish.clone() },
        };
        if let Err(error) = agent.check(&wishes).await {
            return Ok(format!("That is not possible: {error}."));
        }
        let (name, now) = (key.to_owned(), self.now_ms());
        let change = value!({ field: wish });
        self.store().write(move |c| transcripts::patch(c, &name, &change, now)).await?;
        self.tell_changed(key, &agent.id, "patch");
        let what = if field == "model" { "model" } else { "thinking" };
        Ok(match wish {
            Some(word) => format!("From now on: {what} {word}."),
            None => format!("From now on: {what} as configured."),
        })
    }

    async fn wishes(&self, key: &str) -> Result<Wishes, StoreError> {
        let overrides = self.conversation(key).await?.map(|row| row.overrides);
        let overrides = overrides.unwrap_or_default();
        let wish = |name: &str| overrides.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Wishes { model: wish("model"), thinking: wish("thinkingLevel") })
    }

    async fn conversation(
        &self,
        key: &str,
    ) -> Result<Option<transcripts::Conversation>, StoreError> {
        let key = key.to_owned();
        self.store().read(move |c| transcripts::conversation(c, &key)).await
    }

    fn tell_changed(&self, key: &str, agent: &str, reason: &str) {
        let payload = json(&value!({
            "sessionKey": key, "agentId": agent, "reason": reason, "ts": self.now_ms(),
        }));
        let audience = Audience::Followers(key, None);
        self.events().publish_to(event::SESSIONS_CHANGED, &payload, audience);
    }
}

fn help() -> String {
    ALL.iter().fold("Type a message, or one of:\n".to_owned(), |mut text, (name, what, _)| {
        let _ = writeln!(text, "- `/{name}` — {what}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_messages_are_orders() {
        assert_eq!(Command::parse(" /Stop "), Some(Command::Stop));
        assert_eq!(Command::parse("stop"), Some(Command::Stop));
        assert_eq!(Command::parse("/new"), Some(Command::New));
        assert_eq!(Command::parse("/model"), Some(Command::Model(None)));
        let chosen = Command::Model(Some("play/Large".into()));
        assert_eq!(Command::parse("/model play/Large"), Some(chosen));
        assert_eq!(Command::parse("/think HIGH"), Some(Command::Think(Some("high".into()))));
        for words in ["/new car", "please stop", "/unknown", "/model of the world", "/ stop it"] {
            assert_eq!(Command::parse(words), None, "{words}");
        }
    }

    /// Orders reach the conversation they are given in and no further: what belongs to the owner of
    /// the gateway has a method with a right of its own, and no word.
    #[test]
    fn nothing_that_is_the_owners_can_be_ordered_in_a_chat() {
        for words in [
            "/config set channels.line.dm_policy open",
            "/config",
            "/allowlist add 42",
            "/allow 42",
            "/pair approve ABCDEFGH",
            "/approve ABCDEFGH",
            "/send on",
            "/sendpolicy allow",
            "/plugins install x.so",
            "/restart",
            "/update",
            "/exec rm -rf /",
            "/bash id",
            "!id",
            "/elevated on",
            "/debug show",
            "/new; /restart",
        ] {
            assert_eq!(Command::parse(words), None, "{words}");
        }
        let reachable = ["help", "status", "new", "reset", "stop", "model", "think"];
        assert_eq!(ALL.map(|(name, ..)| name), reachable);
    }
}
