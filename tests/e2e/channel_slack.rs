//! What is peculiar to Slack: Socket Mode before emulate's Web API, and crabline's Events API.
//!
//! `slack.mjs` is ours only where emulate has nothing; the first play proves it with Slack's own client.

mod files;
mod growth;
mod restarts;

use crate::channels::{Heard, Platform, account, connected, gateway, hears};
use harness::{Client, Gateway, Options, eventually, http, node};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The front of emulate, and one person.
pub(crate) struct Slack {
    front: node::Server,
    /// What the person wrote, by its number: Slack's id of it.
    said: Vec<String>,
}

impl Platform for Slack {
    const ID: &'static str = "slack";
    const PEER: &'static str = "U000000001";
    const UNSUPPORTED: &'static str = "set-topic";
    const CREDENTIAL: &'static str = "bot_token";
    const WRONG: &'static str = "xoxb-not-the-token-of-this-bot";

    async fn start() -> Self {
        Self { front: node::Server::start("slack.mjs", &[]).await, said: Vec::new() }
    }

    fn config(&self, credential: Option<&str>) -> String {
        let bot = credential.unwrap_or_else(|| self.front.told("botToken"));
        format!(
            "[channels.slack]\nenabled = true\nbot_token = \"{bot}\"\napp_token = \"{}\"\n\
             api_base = \"http://127.0.0.1:{}/api\"\ndm_policy = \"open\"\ngroup_policy = \"open\"\n",
            self.front.told("appToken"),
            self.front.port("port"),
        )
    }

    async fn say(&mut self, n: u32, text: &str) {
        let said = self.control("say", json!({ "text": text })).await;
        self.said.push(said["ts"].as_str().expect("an id").to_owned());
        assert_eq!(self.said.len(), n as usize, "they are numbered from 1");
    }

    async fn say_again(&mut self, n: u32, _: &str) {
        let ts = &self.said[n as usize - 1];
        let told = self.control("again", json!({ "ts": ts })).await;
        assert_eq!(told["acknowledged"], true, "what is known already is acknowledged");
    }

    async fn heard(&self) -> Vec<Heard> {
        self.heard_in(json!({})).await
    }
}

impl Slack {
    async fn control(&self, what: &str, body: Value) -> Value {
        let path = format!("/ctl/{what}");
        let answer = http::post_json(self.front.port("port"), &path, &[], &body).await;
        assert_eq!(answer.status, 200, "the front takes {what} {body}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("the front answers in JSON")
    }

    async fn heard_in(&self, place: Value) -> Vec<Heard> {
        let heard = self.control("heard", place).await;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let messages = heard["messages"].as_array().expect("a list").iter();
        messages.map(|m| Heard { text: text(&m["text"]), id: Some(text(&m["ts"])) }).collect()
    }

    /// Waits until the bot has written `words` there.
    async fn hears_in(&self, place: Value, words: &str) -> Heard {
        eventually("the bot writes it there", async || {
            let all = self.heard_in(place.clone()).await;
            all.into_iter().find(|heard| heard.text.contains(words))
        })
        .await
    }

    async fn calls(&self, method: &str) -> u64 {
        self.control("state", json!({})).await["calls"][method].as_u64().unwrap_or(0)
    }

    /// Slack delivers an event that emulate does not make; waits for the acknowledgement.
    async fn deliver(&self, event: Value) {
        let payload = json!({ "type": "event_callback", "event": event });
        let body = json!({ "type": "events_api", "payload": payload });
        assert_eq!(self.control("deliver", body).await["acknowledged"], true);
    }
}

async fn started() -> (Slack, Gateway, Client) {
    let slack = Slack::start().await;
    let gateway = gateway(&slack).await;
    let mut client = gateway.client().await;
    connected::<Slack>(&mut client).await;
    (slack, gateway, client)
}

#[tokio::test]
async fn slacks_own_client_takes_the_front_for_slack() {
    let slack = Slack::start().await;
    let port = slack.front.port("port").to_string();
    let told = node::run("slack_client.mjs", &[&port, slack.front.told("appToken")]).await;
    let texts: Vec<_> =
        told["events"].as_array().expect("a list").iter().map(|e| &e["text"]).collect();
    assert_eq!(texts, ["hello, official client", "hello, official client", "after the refresh"]);
    assert_eq!(told["commands"], json!(["/ask"]));
    assert_eq!(told["again"]["acknowledged"], true, "{told}");
    assert_eq!(told["complaints"], json!([]), "{told}");
}

#[tokio::test]
async fn a_mention_in_a_channel_begins_a_thread_that_goes_on_without_one() {
    let (slack, _gateway, mut client) = started().await;
    let (bot, assembly) = (slack.front.told("bot"), slack.front.told("assembly"));
    slack.control("say", json!({ "channel": assembly, "text": "nobody is meant" })).await;
    let text = format!("<@{bot}> what is *bold* &amp; new?");
    let said = slack.control("say", json!({ "channel": assembly, "text": text })).await;
    let thread = json!({ "channel": assembly, "thread_ts": said["ts"] });
    slack.hears_in(thread.clone(), "what is *bold* &amp; new?").await;

    let mut answer = thread.clone();
    answer["text"] = json!("and what is old?");
    slack.control("say", answer).await;
    slack.hears_in(thread.clone(), "and what is old?").await;
    let all = slack.heard_in(thread).await;
    assert_eq!(all.len(), 2, "nothing else was answered: {all:?}");
    let flat = slack.heard_in(json!({ "channel": assembly })).await;
    assert!(flat.iter().all(|heard| !heard.text.contains("nobody is meant")), "{flat:?}");

    let list = client.call("sessions.list", json!({ "limit": 50 })).await;
    let keys: Vec<_> =
        list["sessions"].as_array().expect("a list").iter().map(|row| row["key"].clone()).collect();
    let channel = assembly;
    let ts = said["ts"].as_str().expect("an id");
    let key = format!("agent:main:slack:channel:{channel}:thread:{ts}");
    assert_eq!(keys, [json!(key)], "the thread is one conversation");
}

#[tokio::test]
async fn everything_else_comes_in_and_what_asks_for_an_answer_gets_one() {
    let (slack, _gateway, mut client) = started().await;
    let direct = slack.front.told("direct");
    let (user, ts) = (Slack::PEER, "1700000000.000100");
    let item = json!({ "type": "message", "channel": direct, "ts": ts });
    let message = |text: &str| json!({ "type": "message", "user": user, "text": text, "ts": ts });
    let mut changed = message("an edit");
    changed["edited"] = json!({ "user": user, "ts": "1700000001.000100" });
    for event in [
        json!({ "type": "reaction_added", "user": user, "reaction": "eyes", "item": item, "event_ts": "1.1" }),
        json!({ "type": "reaction_removed", "user": user, "reaction": "eyes", "item": item, "event_ts": "1.2" }),
        json!({ "type": "message", "subtype": "message_changed", "channel": direct, "channel_type": "im",
                "message": changed, "previous_message": message("a word"), "ts": "1.3" }),
        json!({ "type": "message", "subtype": "message_deleted", "channel": direct, "channel_type": "im",
                "deleted_ts": ts, "previous_message": message("an edit"), "ts": "1.4" }),
        json!({ "type": "made_up_by_slack_tomorrow", "channel": { "id": direct } }),
    ] {
        slack.deliver(event).await;
    }
    let command = json!({
        "command": "/ask", "text": "for tea", "user_id": user, "channel_id": direct,
        "channel_name": "directmessage", "trigger_id": "13345224609.738474920.8088930838",
    });
    for _ in 0..2 {
        let body = json!({ "type": "slash_commands", "payload": command });
        assert_eq!(slack.control("deliver", body).await["acknowledged"], true);
    }
    assert_eq!(hears(&slack, "for tea").await.len(), 1);
    assert_eq!(slack.heard().await.len(), 1, "only the command asked for an answer");
    connected::<Slack>(&mut client).await;
}

#[tokio::test]
async fn what_was_sent_can_be_changed_marked_and_taken_back() {
    let (slack, _gateway, mut client) = started().await;
    let direct = slack.front.told("direct").to_owned();
    let message = "**a** & b\n\n| x | y |\n|---|---|\n| 1 | 2 |";
    let send =
        json!({ "channel": "slack", "to": direct, "message": message, "idempotencyKey": "s1" });
    let sent = client.call("send", send).await;
    let heard = slack.hears_in(json!({}), "*a* &amp; b").await;
    assert_eq!(sent["messageId"], json!(heard.id), "{sent}");
    assert!(heard.text.contains("```\nx | y\n--|--\n1 | 2\n```"), "{}", heard.text);
    let mut act = async |action: &str, more: Value| {
        let mut params = json!({ "to": direct, "messageId": sent["messageId"] });
        params.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        let key = format!("{action}-{more}");
        let request = json!({ "channel": "slack", "action": action, "params": params, "idempotencyKey": key });
        client.call("message.action", request).await
    };
    act("edit", json!({ "message": "~~c~~" })).await;
    slack.hears_in(json!({}), "~c~").await;
    act("react", json!({ "emoji": "👀" })).await;
    act("react", json!({ "emoji": "eyes" })).await; // there already, which is as good
    act("react", json!({ "emoji": "eyes", "remove": true })).await;
    act("delete", json!({})).await;
    assert_eq!(slack.heard().await.len(), 0);
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_a_limit_waited_for() {
    let (slack, _gateway, mut client) = started().await;
    for (fault, words) in [
        (json!({ "kind": "lose" }), "the answer was lost"),
        (json!({ "kind": "limit", "seconds": 1 }), "the limit was kept"),
    ] {
        let mut fault = fault;
        fault["method"] = json!("chat.postMessage");
        slack.control("fault", fault).await;
        let before = slack.calls("chat.postMessage").await;
        let send = json!({ "channel": "slack", "to": Slack::PEER, "message": words, "idempotencyKey": words });
        let sent = client.call("send", send).await;
        let heard = hears(&slack, words).await;
        assert_eq!(heard.len(), 1, "{words}: written once: {heard:?}");
        assert_eq!(sent["messageId"], json!(heard[0].id), "{words}: {sent}");
        let calls = slack.calls("chat.postMessage").await - before;
        assert_eq!(calls, if words.contains("lost") { 1 } else { 2 }, "{words}");
    }
}

#[tokio::test]
async fn connections_are_replaced_in_time_and_come_back_when_cut() {
    let mut slack = Slack::start().await;
    let config = format!("{}num_connections = 2\n", slack.config(None));
    let gateway = Gateway::start(Options::default().plugin("slack").config(&config)).await;
    let mut client = gateway.client().await;
    connected::<Slack>(&mut client).await;
    let both = async |opened: u64| {
        eventually("both connections stand", async || {
            let state = slack.control("state", json!({})).await;
            (state["sockets"] == 2 && state["opened"].as_u64() >= Some(opened)).then_some(())
        })
        .await;
    };
    both(2).await;
    let told = slack.control("refresh", json!({})).await;
    assert_eq!(told["overlapped"], true, "the new ones stand before the old ones go");
    both(4).await;
    slack.control("kill", json!({})).await;
    both(6).await;
    slack.say(1, "are you there?").await;
    assert_eq!(hears(&slack, "are you there?").await.len(), 1);
    let printed = gateway.output.lines().join("\n");
    for token in ["botToken", "appToken"] {
        assert!(!printed.contains(slack.front.told(token)), "no secret is logged:\n{printed}");
    }
}

#[tokio::test]
async fn a_newer_version_takes_over_while_people_write() {
    let (mut slack, _gateway, mut client) = started().await;
    slack.say(1, "before the swap").await;
    hears(&slack, "before the swap").await;
    let swap = client.request("plugins.reload", json!({ "pluginId": "slack" })).await;
    for n in 2..6 {
        slack.say(n, &format!("message {n} of the swap")).await;
    }
    client.response(&swap).await.expect("the swap succeeds");
    slack.say(6, "after the swap").await;
    hears(&slack, "after the swap").await;
    for n in 2..6 {
        let turns = hears(&slack, &format!("message {n} of the swap")).await;
        assert_eq!(turns.len(), 1, "answered once: {turns:?}");
    }
    let order: Vec<String> = slack.heard().await.into_iter().map(|heard| heard.text).collect();
    let place = |words: &str| order.iter().position(|text| text.contains(words));
    assert!(place("before the swap") < place("message 2"), "{order:?}");
}

/// Crabline's server, its records, and the relay that knows the gateway.
pub(crate) struct Crab {
    server: node::Server,
    records: TempDir,
}

impl Crab {
    pub(crate) async fn start() -> Self {
        let records = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = records.path().to_str().expect("its name is text");
        Self { server: node::Server::start("slack_events.mjs", &[folder]).await, records }
    }

    pub(crate) fn signing_secret(&self) -> &str {
        self.server.told("signingSecret")
    }

    pub(crate) fn config(&self) -> String {
        let api = self.server.ready["endpoints"]["apiRoot"].as_str().expect("an address");
        format!(
            "[channels.slack]\nenabled = true\nbot_token = \"{}\"\nsigning_secret = \"{}\"\n\
             api_base = \"{api}\"\ndm_policy = \"open\"\n[messages]\nstreaming = \"final\"\n",
            self.server.told("botToken"),
            self.server.told("signingSecret"),
        )
    }

    async fn say(&self, text: &str) {
        let url = self.server.ready["endpoints"]["adminInboundUrl"].as_str().expect("an address");
        let (port, path) =
            url.trim_start_matches("http://127.0.0.1:").split_once('/').expect("a path");
        let body = json!({ "channel": "D0CRABDM1", "user": "U0CRABBY1", "text": text });
        let headers = [("x-crabline-admin-token", "play-admin-token")];
        let port = port.parse().expect("a port");
        let answer = http::post_json(port, &format!("/{path}"), &headers, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    async fn relay(&self, path: &str, body: Value) -> Value {
        let answer = http::post_json(self.server.port("relay"), path, &[], &body).await;
        serde_json::from_str(&answer.body).expect("the relay answers in JSON")
    }

    /// What the gateway answered so far.
    async fn relayed(&self, at_least: usize) -> Vec<Value> {
        eventually("the gateway answers the request", async || {
            let relayed = self.relay("/relayed", json!({})).await;
            let relayed = relayed.as_array().expect("a list").clone();
            (relayed.len() >= at_least).then_some(relayed)
        })
        .await
    }

    /// What the bot posted, as crabline recorded it.
    fn posted(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.records.path().join("slack.jsonl"));
        let text = text.unwrap_or_default();
        let records = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        records
            .filter(|record| {
                record["path"] == "/api/chat.postMessage" && record["accepted"] == true
            })
            .map(|record| record["body"].clone())
            .collect()
    }
}

#[tokio::test]
async fn signed_requests_come_in_and_are_answered_once() {
    let crab = Crab::start().await;
    let options = Options::default().plugin("slack").config(&crab.config());
    let gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    let told =
        account::<Slack>(&mut client, "Slack may call", |account| account["connected"] == true);
    assert!(told.await.to_string().contains("Slack calls by request"));
    let url = format!("http://127.0.0.1:{}/slack/events", gateway.port);
    crab.relay("/target", json!({ "url": url })).await;

    crab.say("what is a jackfield?").await;
    let written = async |words: &'static str| {
        eventually("the bot writes it", async || {
            let posted = crab.posted();
            let found: Vec<_> = posted
                .into_iter()
                .filter(|body| body["text"].as_str().is_some_and(|text| text.contains(words)))
                .collect();
            (!found.is_empty()).then_some(found)
        })
        .await
    };
    let posted = written("what is a jackfield?").await;
    assert_eq!(posted[0]["channel"], "D0CRABDM1");
    assert_eq!(crab.relayed(1).await[0], json!({ "status": 200, "retry": null }));

    // The answer is lost on its way, so Slack comes again.
    crab.relay("/lose", json!({})).await;
    crab.say("once or twice?").await;
    let relayed = crab.relayed(3).await;
    assert_eq!(relayed[2], json!({ "status": 200, "retry": "1" }), "it was delivered twice");
    crab.say("the last one").await;
    written("the last one").await;
    assert_eq!(written("once or twice?").await.len(), 1, "and answered once");

    let forged = json!({ "type": "event_callback", "event": { "type": "message" } });
    let time = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970").as_secs().to_string();
    let headers = [("x-slack-request-timestamp", time.as_str()), ("x-slack-signature", "v0=00")];
    let refused = http::post_json(gateway.port, "/slack/events", &headers, &forged).await;
    assert_eq!(refused.status, 401);
}
