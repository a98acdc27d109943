//! What the small Discord remembers, and what it does when asked.

use super::{CHANNEL, GUILD, OWN, Reply, Seen};
use jackfield_plugin_api::serde_json::{Value, json};
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct State {
    pub(super) calls: Vec<Seen>,
    /// Method and beginning of the path, how often, and what.
    pub(super) rules: Vec<(String, usize, Reply)>,
    pub(super) messages: HashMap<String, Vec<Value>>,
    pub(super) channels: HashMap<String, Value>,
    /// Posts of forums.
    pub(super) posts: Vec<Value>,
    pub(super) nonces: HashMap<String, Value>,
    /// Nonces are not known any more.
    pub(super) forgetful: bool,
    pub(super) last_id: u64,
    pub(super) remaining: u32,
    /// Where `gateway/bot` says the gateway is.
    pub(super) gateway: String,
    /// The application's flags: intents that are switched on.
    pub(super) flags: u64,
    pub(super) files: HashMap<String, Vec<u8>>,
}

impl State {
    pub(super) fn next_id(&mut self) -> String {
        // A number tells the time.
        self.last_id += 1;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let ms = u64::try_from(now.as_millis()).unwrap() - 1_420_070_400_000;
        ((ms << 22) + (self.last_id & 0x3f_ffff)).to_string()
    }

    pub(super) fn rule(&mut self, call: &str) -> Option<Reply> {
        let fits = |rule: &&mut (String, usize, Reply)| rule.1 > 0 && call.starts_with(&rule.0);
        let rule = self.rules.iter_mut().find(fits)?;
        rule.1 -= 1;
        Some(rule.2.clone())
    }

    pub(super) fn create(&mut self, channel: &str, body: &Value) -> Value {
        let nonce = body["nonce"].as_str().unwrap_or_default().to_owned();
        if let Some(known) =
            self.nonces.get(&nonce).filter(|_| !self.forgetful && !nonce.is_empty())
        {
            return known.clone();
        }
        let mut message = body.clone();
        message["id"] = self.next_id().into();
        message["channel_id"] = channel.into();
        message["author"] = json!({"id": OWN, "username": "assistant", "bot": true});
        self.messages.entry(channel.to_owned()).or_default().push(message.clone());
        if body["enforce_nonce"] == true {
            self.nonces.insert(nonce, message.clone());
        }
        message
    }

    /// A post of a forum, with its first message.
    fn post(&mut self, forum: &str, body: &Value) -> Value {
        let mut first = self.create("", &body["message"]);
        self.messages.remove("");
        let id = first["id"].as_str().unwrap().to_owned();
        first["channel_id"] = id.clone().into();
        self.messages.insert(id.clone(), vec![first]);
        let post = json!({
            "id": id, "type": 11, "parent_id": forum, "guild_id": GUILD, "name": body["name"],
            "owner_id": OWN,
        });
        self.posts.push(post.clone());
        post
    }

    pub(super) fn list(&self, channel: &str, query: &str) -> Value {
        let query: HashMap<&str, &str> =
            query.split('&').filter_map(|p| p.split_once('=')).collect();
        let number = |key| query.get(key).and_then(|n: &&str| n.parse::<u64>().ok());
        let id = |m: &Value| m["id"].as_str().unwrap().parse::<u64>().unwrap();
        let all = self.messages.get(channel).cloned().unwrap_or_default();
        let limit = usize::try_from(number("limit").unwrap_or(50)).unwrap();
        let mut page: Vec<Value> = if let Some(after) = number("after") {
            all.into_iter().filter(|m| id(m) > after).take(limit).collect()
        } else {
            let before = number("before").unwrap_or(u64::MAX);
            let mut older: Vec<_> = all.into_iter().filter(|m| id(m) < before).collect();
            older.split_off(older.len().saturating_sub(limit))
        };
        page.reverse(); // Discord tells the newest first
        for message in &mut page {
            message.as_object_mut().unwrap().remove("nonce"); // no history shows one
        }
        page.into()
    }

    pub(super) fn done(
        &mut self,
        method: &str,
        path: &str,
        query: &str,
        body: &Value,
    ) -> (u16, Value) {
        let parts: Vec<&str> = path.split('/').collect();
        let unknown = |code: u64, message: &str| (404, json!({"code": code, "message": message}));
        match (method, &parts[..]) {
            ("GET", ["gateway", "bot"]) => (
                200,
                json!({
                    "url": self.gateway, "shards": 1, "session_start_limit": {
                        "total": 1000, "remaining": self.remaining, "reset_after": 1000, "max_concurrency": 0,
                    },
                }),
            ),
            ("GET", ["applications", "@me"]) => (200, json!({"flags": self.flags})),
            ("GET", ["guilds", id]) => {
                let role = json!({"id": "9", "name": "Bot", "tags": {"bot_id": OWN}});
                (200, json!({"id": id, "name": "Testers", "roles": [role]}))
            }
            ("GET", ["guilds", _, "channels"]) => {
                (200, json!([{"id": CHANNEL, "type": 0, "name": "general"}]))
            }
            ("GET", ["guilds", _, "members", _]) => (200, json!({"roles": ["10"]})),
            ("GET", ["guilds", _, "threads", "active"]) => {
                (200, json!({"threads": self.posts.clone()}))
            }
            ("GET", [.., "threads", "archived", "public"]) => (200, json!({"threads": []})),
            ("GET", ["users", "@me"]) => (200, json!({"id": OWN, "username": "assistant"})),
            ("POST", ["users", "@me", "channels"]) => {
                let person = body["recipient_id"].clone();
                (
                    200,
                    json!({"id": "700000000000000001", "type": 1, "recipients": [{"id": person}]}),
                )
            }
            ("GET", ["channels", id]) => match self.channels.get(*id) {
                Some(channel) => (200, channel.clone()),
                None => unknown(10_003, "Unknown Channel"),
            },
            ("POST", ["channels", id, "messages"]) => (200, self.create(id, body)),
            ("GET", ["channels", id, "messages"]) => (200, self.list(id, query)),
            ("GET" | "PATCH", ["channels", channel, "messages", id]) => {
                let messages = self.messages.entry((*channel).to_owned()).or_default();
                let Some(message) = messages.iter_mut().find(|m| m["id"] == *id) else {
                    return unknown(10_008, "Unknown Message");
                };
                if method == "PATCH" {
                    message["content"] = body["content"].clone();
                }
                (200, message.clone())
            }
            ("PATCH", ["webhooks", _, _, "messages", "@original"]) => {
                (200, json!({"id": "800000000000000001", "channel_id": CHANNEL}))
            }
            ("POST", ["channels", id, "threads"]) if body["message"].is_object() => {
                (201, self.post(id, body))
            }
            ("POST", ["channels", id, "threads"] | ["channels", id, "messages", _, "threads"]) => {
                let thread = "750000000000000001";
                (201, json!({"id": thread, "type": 11, "parent_id": id, "guild_id": GUILD}))
            }
            ("PATCH", ["channels", id]) => (200, json!({"id": id, "type": 11})),
            ("POST", ["applications", _, "commands"]) => (201, body.clone()),
            _ => (204, Value::Null),
        }
    }
}
