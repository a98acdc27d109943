//! The three platforms as the plays about sending need them: crabline's Telegram and Discord, and
//! emulate's Slack, each behind our proxy.

use crate::channel_discord::front::Front;
use harness::{
    Crabline, http, node,
    proxy::{Asked, Reply},
};
use serde_json::{Value, json};
use std::collections::HashSet;

/// A platform that is sent to.
pub(super) trait Counterpart: Sized + Send + Sync + 'static {
    /// The plugin, which is the channel's name too.
    const ID: &'static str;
    /// More than half of the longest message.
    const PARAGRAPH: usize;
    /// Whether the platform can be asked what became of a send.
    const TELLS: bool;
    /// Whether it answers a second message with the same key with the first one. The proxy does this
    /// where the counterpart does not.
    const RECOGNISES: bool;
    /// How many messages a target takes within so many seconds, where its answers say so. The proxy
    /// says it where the counterpart does not.
    const BUCKET: Option<(usize, u64)>;

    async fn start() -> Self;

    /// The port of its API.
    fn far(&self) -> u16;

    /// The channel's table, with its API on this port.
    fn config(&self, api: u16) -> String;

    /// As many targets.
    async fn places(&mut self, count: usize) -> Vec<String>;

    /// Every text that it accepted from the bot; those of one place in their order.
    async fn accepted(&self) -> Vec<String>;

    /// The key under which it knows this message again, or the plugin finds it.
    fn key(asked: &Asked) -> Option<String>;

    /// Its way to ask for a pause.
    fn limited(seconds: u32) -> Reply;

    /// Its way to refuse a message for good.
    fn refused() -> Reply;
}

fn reply(status: u16, more: &[(&str, String)], body: &Value) -> Reply {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    headers.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Reply { status, headers, body: body.to_string().into() }
}

/// The texts in `field` of the accepted calls whose path ends so.
fn recorded(crabline: &Crabline, end: &str, field: &str) -> Vec<String> {
    let records = crabline.records().into_iter();
    let calls = records.filter(|call| {
        call["accepted"] == true
            && call["method"] == "POST"
            && call["path"].as_str().is_some_and(|path| path.ends_with(end))
    });
    calls.filter_map(|call| call["body"][field].as_str().map(str::to_owned)).collect()
}

pub(super) struct Telegram(Crabline);

impl Counterpart for Telegram {
    const ID: &'static str = "telegram";
    const PARAGRAPH: usize = 2400;
    const TELLS: bool = false;
    const RECOGNISES: bool = false;
    const BUCKET: Option<(usize, u64)> = None;

    async fn start() -> Self {
        Self(Crabline::start("telegram").await)
    }

    fn far(&self) -> u16 {
        self.0.port
    }

    fn config(&self, api: u16) -> String {
        let base = self.0.told("/endpoints/apiRoot");
        let base = base.replace(&format!(":{}", self.0.port), &format!(":{api}"));
        format!(
            "[channels.telegram]\nenabled = true\nbot_token = \"424242:crabline-telegram-token\"\n\
             api_base = \"{base}\"\n"
        )
    }

    async fn places(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|n| (7_000_000 + n).to_string()).collect()
    }

    async fn accepted(&self) -> Vec<String> {
        recorded(&self.0, "/sendMessage", "text")
    }

    /// Telegram has none.
    fn key(_: &Asked) -> Option<String> {
        None
    }

    fn limited(seconds: u32) -> Reply {
        let said = format!("Too Many Requests: retry after {seconds}");
        let more = json!({ "retry_after": seconds });
        let body =
            json!({ "ok": false, "error_code": 429, "description": said, "parameters": more });
        reply(429, &[], &body)
    }

    fn refused() -> Reply {
        let said = "Forbidden: bot was blocked by the user";
        reply(403, &[], &json!({ "ok": false, "error_code": 403, "description": said }))
    }
}

pub(super) struct Slack(node::Server);

impl Slack {
    async fn call(&self, method: &str, fields: Value) -> Value {
        let token = format!("Bearer {}", self.0.told("botToken"));
        let headers = [("authorization", token.as_str())];
        let path = format!("/api/{method}");
        let answer = http::post_json(self.0.port("port"), &path, &headers, &fields).await;
        let answer: Value = serde_json::from_str(&answer.body).expect("Slack answers in JSON");
        assert_eq!(answer["ok"], true, "{method} {fields}: {answer}");
        answer
    }

    async fn texts(&self, channel: &str, texts: &mut Vec<String>) {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        loop {
            let fields = json!({ "channel": channel, "limit": 200, "cursor": cursor });
            let page = self.call("conversations.history", fields).await;
            all.extend(page["messages"].as_array().expect("a list").iter().cloned());
            match page["response_metadata"]["next_cursor"].as_str() {
                Some(next) if !next.is_empty() => next.clone_into(&mut cursor),
                _ => break,
            }
        }
        let mut seen = HashSet::new();
        all.retain(|message| seen.insert(message["ts"].to_string()));
        all.sort_by_key(|message| message["ts"].to_string());
        texts.extend(all.iter().filter_map(|message| Some(message["text"].as_str()?.to_owned())));
    }
}

impl Counterpart for Slack {
    const ID: &'static str = "slack";
    const PARAGRAPH: usize = 1800;
    const TELLS: bool = true;
    const RECOGNISES: bool = false;
    const BUCKET: Option<(usize, u64)> = None;

    async fn start() -> Self {
        Self(node::Server::start("slack.mjs", &[]).await)
    }

    fn far(&self) -> u16 {
        self.0.port("port")
    }

    fn config(&self, api: u16) -> String {
        let (bot, app) = (self.0.told("botToken"), self.0.told("appToken"));
        format!(
            "[channels.slack]\nenabled = true\nbot_token = \"{bot}\"\napp_token = \"{app}\"\n\
             api_base = \"http://127.0.0.1:{api}/api\"\n"
        )
    }

    async fn places(&mut self, count: usize) -> Vec<String> {
        let mut places = Vec::new();
        for n in 0..count {
            let made = self.call("conversations.create", json!({ "name": format!("room-{n}") }));
            places.push(made.await["channel"]["id"].as_str().expect("an id").to_owned());
        }
        places
    }

    async fn accepted(&self) -> Vec<String> {
        let mut texts = Vec::new();
        let list = self.call("conversations.list", json!({ "limit": 1000 })).await;
        for channel in list["channels"].as_array().expect("a list") {
            if channel["name"].as_str().is_some_and(|name| name.starts_with("room-")) {
                self.texts(channel["id"].as_str().expect("an id"), &mut texts).await;
            }
        }
        texts
    }

    fn key(asked: &Asked) -> Option<String> {
        // The metadata of the form, as it is written there.
        let (_, rest) = asked.body.split_once("&metadata=")?;
        rest.split('&').next().map(str::to_owned)
    }

    fn limited(seconds: u32) -> Reply {
        let body = json!({ "ok": false, "error": "ratelimited" });
        reply(429, &[("retry-after", seconds.to_string())], &body)
    }

    fn refused() -> Reply {
        reply(200, &[], &json!({ "ok": false, "error": "is_archived" }))
    }
}

pub(super) struct Discord {
    crabline: Crabline,
    front: Front,
}

impl Counterpart for Discord {
    const ID: &'static str = "discord";
    const PARAGRAPH: usize = 1200;
    const TELLS: bool = true;
    const RECOGNISES: bool = true;
    const BUCKET: Option<(usize, u64)> = Some((5, 5));

    async fn start() -> Self {
        let crabline = Crabline::start("discord").await;
        let front = Front::before(crabline.told("/endpoints/gatewayUrl")).await;
        Self { crabline, front }
    }

    fn far(&self) -> u16 {
        self.crabline.port
    }

    fn config(&self, api: u16) -> String {
        let (token, port) = (self.crabline.told("/botToken"), self.front.port);
        format!(
            "[channels.discord]\nenabled = true\nbot_token = \"{token}\"\n\
             api_base = \"http://127.0.0.1:{api}\"\ngateway_url = \"ws://127.0.0.1:{port}\"\n"
        )
    }

    async fn places(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|n| format!("user:{}", 135_000_000_000_100_000 + n)).collect()
    }

    async fn accepted(&self) -> Vec<String> {
        recorded(&self.crabline, "/messages", "content")
    }

    fn key(asked: &Asked) -> Option<String> {
        let body: Value = serde_json::from_str(&asked.body).ok()?;
        assert_eq!(body["enforce_nonce"], true, "{body}");
        body["nonce"].as_str().map(str::to_owned)
    }

    fn limited(seconds: u32) -> Reply {
        let wait = seconds.to_string();
        let headers = [
            ("retry-after", wait.clone()),
            ("x-ratelimit-bucket", "messages".to_owned()),
            ("x-ratelimit-limit", "5".to_owned()),
            ("x-ratelimit-remaining", "0".to_owned()),
            ("x-ratelimit-reset-after", wait),
            ("x-ratelimit-scope", "user".to_owned()),
        ];
        let said = "You are being rate limited.";
        let body = json!({ "message": said, "retry_after": f64::from(seconds), "global": false });
        reply(429, &headers, &body)
    }

    fn refused() -> Reply {
        let said = "Cannot send messages to this user";
        reply(403, &[], &json!({ "message": said, "code": 50_007 }))
    }
}
