//! What is peculiar to Discord, against crabline's API and gateway. Rate limits, nonces and files,
//! which crabline does not simulate, are played in the plugin's own tests.

pub(crate) mod front;

use crate::channels::{Heard, LONG, Platform, asked_for_long, connected, gateway, hears};
use front::Front;
use harness::{Client, Crabline, Gateway, Options, eventually, http};
use hyper::Method;
use serde_json::{Value, json};

/// Ids that crabline knows from its start, one person, and their direct chat with the bot, whose id
/// crabline makes of theirs.
const GUILD: &str = "135000000000000011";
const CHANNEL: &str = "135000000000000010";
const PERSON: &str = "135000000000000099";
const DIRECT: &str = "230042974355960702";
/// Another bot, in whose name a play does what crabline lets nobody inject.
const FRIEND: &str = "135000000000000002";

/// Crabline's servers, the gateway's behind a front.
pub(crate) struct Discord {
    crabline: Crabline,
    front: Front,
}

impl Platform for Discord {
    const ID: &'static str = "discord";
    const PEER: &'static str = "user:135000000000000099";
    const UNSUPPORTED: &'static str = "sticker-search";
    const CREDENTIAL: &'static str = "bot_token";
    const WRONG: &'static str = "not.the-token.of-this-bot";

    async fn start() -> Self {
        let crabline = Crabline::start("discord").await;
        let front = Front::before(crabline.told("/endpoints/gatewayUrl")).await;
        Self { crabline, front }
    }

    fn config(&self, credential: Option<&str>) -> String {
        let token = credential.unwrap_or(self.crabline.told("/botToken"));
        let (base, port) = (self.crabline.told("/baseUrl"), self.front.port);
        format!(
            "[channels.discord]\nenabled = true\nbot_token = \"{token}\"\napi_base = \"{base}\"\n\
             gateway_url = \"ws://127.0.0.1:{port}\"\nslash_command = \"ask\"\ndm_policy = \"open\"\n\
             group_policy = \"open\"\ngroup_allow_from = [\"{PERSON}\", \"{FRIEND}\"]\n"
        )
    }

    async fn say(&mut self, _: u32, text: &str) {
        self.inject(json!({ "channelId": DIRECT, "content": text })).await;
    }

    /// Discord repeats what a resumed connection may have missed.
    async fn say_again(&mut self, _: u32, text: &str) {
        let said = self.front.dispatched("MESSAGE_CREATE");
        let again = said.into_iter().find(|frame| frame["d"]["content"] == text);
        self.front.send(again.expect("it was said once"));
    }

    async fn heard(&self) -> Vec<Heard> {
        let said = self.front.dispatched("MESSAGE_CREATE");
        let sent = self.posted(DIRECT).into_iter();
        sent.map(|body| Heard {
            text: body["content"].as_str().unwrap_or_default().to_owned(),
            id: said
                .iter()
                .find(|frame| frame["d"]["nonce"] == body["nonce"])
                .and_then(|frame| Some(frame["d"]["id"].as_str()?.to_owned())),
        })
        .collect()
    }
}

impl Discord {
    /// The person writes; returns the message as crabline has it.
    async fn inject(&self, mut message: Value) -> Value {
        message["senderId"] = PERSON.into();
        self.crabline.inject(message).await["message"].clone()
    }

    /// The bodies of the accepted calls with this method and path.
    fn calls(&self, method: &str, path: &str) -> Vec<Value> {
        let records = self.crabline.records().into_iter();
        let path = format!("/api/v10/{path}");
        records
            .filter(|call| call["method"] == method && call["path"] == path)
            .filter(|call| call["accepted"] == true)
            .map(|call| call["body"].clone())
            .collect()
    }

    /// What the adapter posted there; the other bot's messages carry no nonce.
    fn posted(&self, channel: &str) -> Vec<Value> {
        let mut all = self.calls("POST", &format!("channels/{channel}/messages"));
        all.retain(|body| body["enforce_nonce"] == true);
        all
    }

    /// The first message in a channel that holds `words`.
    async fn posts(&self, channel: &str, words: &str) -> Value {
        eventually("the bot writes there", async || {
            let fits = |body: &Value| body["content"].as_str().is_some_and(|c| c.contains(words));
            self.posted(channel).into_iter().find(fits)
        })
        .await
    }

    /// How often the adapter sent this opcode over the socket.
    fn frames(&self, op: u8) -> usize {
        let records = self.crabline.records().into_iter();
        records.filter(|call| call["method"] == "WS" && call["body"]["op"] == op).count()
    }

    /// The other bot does something by the API.
    async fn friend(&self, method: Method, path: &str, kind: &str, body: &str) -> Value {
        let token = format!("Bot {}", self.crabline.told("/driverBotToken"));
        let headers = [("authorization", token.as_str()), ("content-type", kind)];
        let path = format!("/api/v10/{path}");
        let answer =
            http::ask_with(method, self.crabline.port, &path, &headers, body.to_owned().into())
                .await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap_or_default()
    }
}

async fn started() -> (Discord, Gateway, Client) {
    let discord = Discord::start().await;
    let gateway = gateway(&discord).await;
    let mut client = gateway.client().await;
    connected::<Discord>(&mut client).await;
    (discord, gateway, client)
}

async fn act(client: &mut Client, action: &str, params: Value) -> Value {
    let params = json!({
        "channel": "discord", "action": action, "params": params,
        "idempotencyKey": format!("{action} {params}"),
    });
    client.call("message.action", params).await
}

#[tokio::test]
async fn servers_and_threads_are_answered_where_they_ask() {
    let (discord, _gateway, _client) = started().await;
    let mention = format!("<@{}>", discord.crabline.told("/botUserId"));
    discord
        .inject(json!({ "channelId": CHANNEL, "guildId": GUILD, "content": "not to you" }))
        .await;
    let asked = format!("{mention} what is a fence?");
    let said =
        discord.inject(json!({ "channelId": CHANNEL, "guildId": GUILD, "content": asked })).await;
    let answer = discord.posts(CHANNEL, "what is a fence?").await;
    assert_eq!(answer["message_reference"]["message_id"], said["id"], "it answers that message");
    assert_eq!(answer["allowed_mentions"]["parse"], json!([]), "and notifies nobody");
    assert!(!answer["content"].as_str().expect("text").contains(&mention), "the mention is gone");

    let thread = "135000000000000077";
    discord
        .inject(json!({
            "channelId": thread, "parentChannelId": CHANNEL, "guildId": GUILD,
            "content": format!("{mention} and a stile?"),
        }))
        .await;
    discord.posts(thread, "and a stile?").await;
    assert_eq!(discord.posted(CHANNEL).len(), 1, "what was not for us has no answer");
}

#[tokio::test]
async fn a_file_of_somebody_is_named_to_the_agent() {
    let (discord, _gateway, _client) = started().await;
    let mention = format!("<@{}>", discord.crabline.told("/botUserId"));
    let form = format!(
        "--part\r\ncontent-disposition: form-data; name=\"payload_json\"\r\n\r\n\
         {{\"content\": \"{mention} read this\"}}\r\n--part\r\ncontent-disposition: form-data; \
         name=\"files[0]\"; filename=\"note.txt\"\r\ncontent-type: text/plain\r\n\r\n\
         the note\r\n--part--\r\n"
    );
    let path = format!("channels/{CHANNEL}/messages");
    let sent =
        discord.friend(Method::POST, &path, "multipart/form-data; boundary=part", &form).await;
    let answer = discord.posts(CHANNEL, "read this").await;
    assert!(answer["content"].as_str().expect("text").contains("note.txt"), "{answer}");

    // What follows asks for no turn, and the link holds.
    let message = format!("{path}/{}", sent["id"].as_str().expect("an id"));
    let json = "application/json";
    discord.friend(Method::PATCH, &message, json, "{\"content\": \"read that\"}").await;
    discord.friend(Method::PUT, &format!("{message}/reactions/%F0%9F%91%8D/@me"), json, "").await;
    discord.friend(Method::DELETE, &message, json, "").await;
    let next = json!({ "channelId": DIRECT, "content": "still there?" });
    discord.inject(next).await;
    hears(&discord, "still there?").await;
    assert_eq!(discord.posted(CHANNEL).len(), 1);
}

#[tokio::test]
async fn messages_are_edited_reacted_to_threaded_and_deleted() {
    let (discord, _gateway, mut client) = started().await;
    let send = json!({
        "channel": "discord", "to": CHANNEL, "message": "| a | b |\n|---|---|\n| 1 | 2 |",
        "idempotencyKey": "1",
    });
    let sent = client.call("send", send).await;
    let table = &discord.posted(CHANNEL)[0]["content"];
    assert_eq!(table, "```\na  b\n-  -\n1  2\n```", "Discord draws no tables");
    let id = sent["messageId"].as_str().expect("the id that crabline gave");

    let which = |more: Value| {
        let mut params = json!({ "to": CHANNEL, "messageId": id });
        for (key, value) in more.as_object().expect("an object") {
            params[key] = value.clone();
        }
        params
    };
    act(&mut client, "edit", which(json!({ "message": "new words" }))).await;
    let message = format!("channels/{CHANNEL}/messages/{id}");
    assert_eq!(discord.calls("PATCH", &message)[0]["content"], "new words");
    act(&mut client, "react", which(json!({ "emoji": "👍" }))).await;
    act(&mut client, "react", which(json!({ "emoji": "👍", "remove": true }))).await;
    let reaction = format!("{message}/reactions/%F0%9F%91%8D/@me");
    assert_eq!(discord.calls("PUT", &reaction).len(), 1);
    assert_eq!(discord.calls("DELETE", &reaction).len(), 1);
    let made = act(&mut client, "thread-create", which(json!({ "threadName": "aside" }))).await;
    let thread = made["chatId"].as_str().expect("the thread");
    let words = json!({ "to": CHANNEL, "threadId": thread, "message": "in there" });
    act(&mut client, "send", words).await;
    assert_eq!(discord.posts(thread, "in there").await["content"], "in there");
    act(&mut client, "delete", which(json!({}))).await;
    assert_eq!(discord.calls("DELETE", &message).len(), 1);
    act(&mut client, "delete", which(json!({ "again": true }))).await;
}

#[tokio::test]
async fn an_answer_is_shown_while_it_grows() {
    let (discord, _gateway) = asked_for_long::<Discord>().await;
    let whole = eventually("the answer is whole", async || {
        let id = discord.heard().await.first()?.id.clone()?;
        let edits = discord.calls("PATCH", &format!("channels/{DIRECT}/messages/{id}"));
        let contents = edits.iter().filter_map(|edit| edit["content"].as_str());
        contents.map(str::to_owned).find(|content| content.contains(LONG))
    })
    .await;
    let drafts = discord.heard().await;
    assert_eq!(drafts.len(), 1, "one message grows: {drafts:?}");
    assert!(whole.starts_with(&drafts[0].text) && whole != drafts[0].text, "{drafts:?}: {whole}");
}

#[tokio::test]
async fn a_lost_connection_is_resumed() {
    let (mut discord, _gateway, _client) = started().await;
    discord.say(1, "before").await;
    hears(&discord, "before").await;
    discord.front.close(4000);
    eventually("it resumes", async || {
        (!discord.front.dispatched("RESUMED").is_empty()).then_some(())
    })
    .await;
    discord.say(2, "after").await;
    hears(&discord, "after").await;
    assert_eq!((discord.frames(2), discord.frames(6)), (1, 1), "one login, one resumption");
}

/// Crabline repeats nothing to a connection that is resumed, as Discord does: that is proved in the
/// plugin's own tests.
#[tokio::test]
async fn a_newer_version_resumes_where_the_old_one_let_go() {
    let (mut discord, _gateway, mut client) = started().await;
    discord.say(1, "before the swap").await;
    hears(&discord, "before the swap").await;
    client.call("plugins.reload", json!({ "pluginId": "discord" })).await;
    assert!(!discord.front.dispatched("RESUMED").is_empty(), "it is up when it takes over");
    discord.say(2, "after the swap").await;
    hears(&discord, "after the swap").await;
    assert_eq!(hears(&discord, "before the swap").await.len(), 1, "answered once");
    assert_eq!((discord.frames(2), discord.frames(6)), (1, 1), "one login, one resumption");
}

#[tokio::test]
async fn what_was_missed_is_read_from_the_channels() {
    let (mut discord, _gateway, _client) = started().await;
    discord.say(1, "before").await;
    hears(&discord, "before").await;
    discord.front.forget();
    discord.front.hold(true);
    discord.front.close(4000);
    let mention = format!("<@{}>", discord.crabline.told("/botUserId"));
    discord.say(2, "missed, directly").await;
    let missed = format!("{mention} missed, on the server");
    discord.inject(json!({ "channelId": CHANNEL, "guildId": GUILD, "content": missed })).await;
    discord.front.hold(false);
    hears(&discord, "missed, directly").await;
    discord.posts(CHANNEL, "missed, on the server").await;
    assert_eq!(discord.frames(2), 2, "a second login");
    assert_eq!(hears(&discord, "missed, directly").await.len(), 1);
    assert_eq!(hears(&discord, "before").await.len(), 1);
}

#[tokio::test]
async fn what_is_asked_by_the_command_is_a_turn() {
    let (discord, _gateway, _client) = started().await;
    // Crabline knows no interactions: ours is dispatched by the front, and answered, since crabline
    // takes no answer to it, by an ordinary message.
    let command = json!({
        "id": "135000000000000500", "application_id": "135000000000000001", "type": 2,
        "token": "a-token", "version": 1, "guild_id": GUILD, "channel_id": CHANNEL,
        "member": { "user": { "id": PERSON, "username": "ada" }, "roles": [] },
        "data": { "id": "1", "type": 1, "name": "ask", "options": [
            { "type": 3, "name": "text", "value": "where is the gate?" },
        ] },
    });
    discord.front.dispatch("INTERACTION_CREATE", command);
    let told = discord.posts(CHANNEL, "where is the gate?").await;
    let words = told["content"].as_str().unwrap();
    assert!(!words.contains(r#""text""#), "a message, and no call with arguments: {words}");
}

#[tokio::test]
async fn a_token_stays_secret() {
    let (discord, gateway, mut client) = started().await;
    let token = discord.crabline.told("/botToken").to_owned();
    let printed = gateway.output.lines().join("\n");
    assert!(!printed.contains(&token), "in the log:\n{printed}");
    for (method, params) in [
        ("channels.status", json!({ "channel": "discord", "probe": true })),
        ("plugins.list", json!({})),
    ] {
        let told = client.call(method, params).await.to_string();
        assert!(!told.contains(&token), "{method} tells it: {told}");
    }
    let options = Options::default().plugin("discord").config("[channels.discord]\nenabled = true");
    let gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    eventually("a missing token is explained", async || {
        let list = client.call("plugins.list", json!({})).await.to_string();
        list.contains("Reset Token").then_some(())
    })
    .await;
}
