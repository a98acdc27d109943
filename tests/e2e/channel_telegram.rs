//! What is peculiar to Telegram, against crabline's Bot API server.

use crate::channels::{Heard, Platform};
use harness::Crabline;
use serde_json::{Value, json};

const TOKEN: &str = "424242:crabline-telegram-token";

/// Crabline's server, and one person.
pub(crate) struct Telegram(pub(crate) Crabline);

impl Platform for Telegram {
    const ID: &'static str = "telegram";
    const PEER: &'static str = "4242";
    const UNSUPPORTED: &'static str = "sticker-search";
    const CREDENTIAL: &'static str = "channels.telegram.bot_token";
    const WRONG: &'static str = "424242:not-the-token-of-this-bot";

    async fn start() -> Self {
        Self(Crabline::start("telegram").await)
    }

    fn config(&self, credential: Option<&str>) -> String {
        let (base, token) = (self.0.told("/endpoints/apiRoot"), credential.unwrap_or(TOKEN));
        format!(
            "[channels.telegram]\nenabled = true\nbot_token = \"{token}\"\n\
             api_base = \"{base}\"\ndm_policy = \"open\"\n"
        )
    }

    async fn say(&mut self, n: u32, text: &str) {
        // The bot's answers take numbers of the same chat.
        let said =
            json!({ "chatId": Self::PEER, "fromId": 4242, "messageId": n * 100, "text": text });
        self.0.inject(said).await;
    }

    /// Crabline refuses a number it has given out, until it is started anew.
    async fn say_again(&mut self, n: u32, text: &str) {
        self.0.kill().await;
        self.0.start_again().await;
        self.say(n, text).await;
    }

    async fn heard(&self) -> Vec<Heard> {
        let calls = calls(&self.0, "sendMessage").into_iter();
        calls
            .filter(|body| body["chat_id"] == 4242)
            .map(|body| Heard {
                text: body["text"].as_str().unwrap_or_default().to_owned(),
                id: None,
            })
            .collect()
    }
}

/// The parameters of the accepted calls of a method.
fn calls(server: &Crabline, method: &str) -> Vec<Value> {
    let records = server.records().into_iter();
    records
        .filter(|record| {
            let path = record["path"].as_str().unwrap_or_default();
            record["accepted"] == true && path.rsplit('/').next() == Some(method)
        })
        .map(|record| record["body"].clone())
        .collect()
}
