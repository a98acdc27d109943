//! What is peculiar to Telegram, against crabline's Bot API server.

use crate::channels::{Heard, LONG, Platform, WHOLE, account, asked_for_long, connected, hears};
use harness::{Client, Crabline, Gateway, Options, eventually, http};
use serde_json::{Value, json};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

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

/// Open to groups too, and nothing shown before it is whole.
async fn started() -> (Telegram, Gateway, Client) {
    let platform = Telegram::start().await;
    let config = format!("{}group_policy = \"open\"\n{WHOLE}", platform.config(None));
    let gateway = Gateway::start(Options::default().plugin("telegram").config(&config)).await;
    let mut client = gateway.client().await;
    connected::<Telegram>(&mut client).await;
    (platform, gateway, client)
}

/// The first accepted call of a method that `pick` accepts.
async fn called(server: &Crabline, method: &str, pick: impl Fn(&Value) -> bool) -> Value {
    eventually(method, async || calls(server, method).into_iter().find(|body| pick(body))).await
}

#[tokio::test]
async fn every_kind_of_thing_goes_out() {
    let (mut platform, _gateway, mut client) = started().await;
    platform.say(1, "hello").await;
    hears(&platform, "hello").await;
    let mut n = 0;
    let mut act = async |action: &str, mut params: Value| {
        n += 1;
        params["to"] = json!("4242");
        let ask = json!({
            "channel": "telegram", "action": action, "params": params,
            "idempotencyKey": format!("act-{n}"),
        });
        client.call("message.action", ask).await
    };
    let sent =
        act("send", json!({ "message": "**tea** & `milk`", "replyTo": "100", "silent": true }));
    let sent = sent.await["messageId"].clone();
    let said = called(&platform.0, "sendMessage", |body| {
        body["text"] == "<b>tea</b> &amp; <code>milk</code>" && body["parse_mode"] == "HTML"
    });
    let said = said.await;
    assert_eq!(said["reply_parameters"]["message_id"], 100, "{said}");
    assert_eq!(said["disable_notification"], true, "{said}");

    let number = sent.as_str().and_then(|id| id.parse::<i64>().ok()).expect("a number");
    act("edit", json!({ "messageId": sent, "message": "*coffee*" })).await;
    called(&platform.0, "editMessageText", |body| {
        body["text"] == "<i>coffee</i>" && body["message_id"] == number
    })
    .await;
    act("react", json!({ "messageId": "100", "emoji": "👍" })).await;
    act("react", json!({ "messageId": "100", "emoji": "👍", "remove": true })).await;
    called(&platform.0, "setMessageReaction", |body| body["reaction"][0]["emoji"] == "👍").await;
    called(&platform.0, "setMessageReaction", |body| body["reaction"] == json!([])).await;
    act("pin", json!({ "messageId": sent })).await;
    called(&platform.0, "pinChatMessage", |body| body["message_id"] == number).await;
    let topic = act("topic-create", json!({ "name": "Green tea" })).await;
    assert_eq!(topic["ok"], true, "{topic}");
    called(&platform.0, "createForumTopic", |body| body["name"] == "Green tea").await;
    act("delete", json!({ "messageId": sent })).await;
    called(&platform.0, "deleteMessage", |body| body["message_id"] == number).await;
    called(&platform.0, "sendChatAction", |body| body["action"] == "typing").await;
}

#[tokio::test]
async fn a_topic_is_answered_in_the_topic_and_only_when_addressed() {
    let (platform, _gateway, mut client) = started().await;
    let said = async |text: &str, entities: Value| {
        let said = json!({
            "chatId": "-1001234567890", "chatType": "supergroup", "isForum": true,
            "messageThreadId": 7, "fromId": 4242, "text": text, "entities": entities,
        });
        platform.0.inject(said).await;
    };
    said("nobody is meant", json!([])).await;
    let mention = json!([{ "type": "mention", "offset": 3, "length": 13 }]);
    said("😀 @crabline_bot are you there?", mention).await;
    let answer = called(&platform.0, "sendMessage", |body| {
        body["text"].as_str().is_some_and(|text| text.contains("are you there?"))
    })
    .await;
    assert_eq!(answer["message_thread_id"], 7, "{answer}");
    assert_eq!(answer["chat_id"], -1_001_234_567_890_i64);
    assert!(answer["reply_parameters"]["message_id"].is_number(), "somebody is meant: {answer}");
    assert_eq!(calls(&platform.0, "sendMessage").len(), 1, "what addresses nobody is not answered");
    let list = client.call("sessions.list", json!({ "limit": 10 })).await;
    let key = "agent:main:telegram:group:-1001234567890:thread:7";
    assert_eq!(list["sessions"][0]["key"], key, "{list}");
}

#[tokio::test]
async fn an_answer_is_shown_while_it_grows() {
    let (platform, _gateway) = asked_for_long::<Telegram>().await;
    let whole = called(&platform.0, "editMessageText", |body| {
        body["text"].as_str().is_some_and(|text| text.contains(LONG))
    })
    .await;
    let drafts = calls(&platform.0, "sendMessage");
    assert_eq!(drafts.len(), 1, "one message grows: {drafts:?}");
    let draft = drafts[0]["text"].as_str().expect("a text");
    assert!(whole["text"].as_str().is_some_and(|text| text.starts_with(draft)), "{draft}: {whole}");
}

#[tokio::test]
async fn a_server_that_was_away_is_found_again() {
    let (mut platform, gateway, mut client) = started().await;
    platform.say(1, "before").await;
    hears(&platform, "before").await;
    let tea = json!({
        "channel": "telegram", "to": "4242", "message": "tea", "idempotencyKey": "tea",
    });
    client.call("send", tea).await;
    platform.0.kill().await;
    let told = account::<Telegram>(&mut client, "the link is lost", |account| {
        account["lifecycle"] == "retrying"
    })
    .await;
    assert!(told["detail"].as_str().is_some_and(|text| text.contains("api_base")), "{told}");
    platform.0.start_again().await;
    // Its numbers begin anew, and what is said at once is not lost.
    platform.say(2, "after").await;
    hears(&platform, "after").await;
    connected::<Telegram>(&mut client).await;
    let printed = gateway.output.lines().join("\n");
    assert!(!printed.contains("crabline-telegram-token"), "no secret is logged:\n{printed}");
}

#[tokio::test]
async fn another_program_with_the_same_bot_is_named_and_outlived() {
    let (mut platform, _gateway, mut client) = started().await;
    let base = platform.0.told("/endpoints/apiRoot");
    let address = base.strip_prefix("http://").expect("plain HTTP").to_owned();
    let rival = tokio::spawn(async move {
        let path = format!("/bot{TOKEN}/getUpdates");
        let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        loop {
            // It takes nothing: what it was given comes again.
            http::post_json(port, &path, &[], &json!({ "timeout": 30 })).await;
        }
    });
    let told = |account: &Value| {
        let text = account["lastError"].as_str().or(account["detail"].as_str());
        text.is_some_and(|text| text.contains("another program"))
    };
    account::<Telegram>(&mut client, "the rival is named", told).await;
    rival.abort();
    platform.say(1, "alone again").await;
    assert_eq!(hears(&platform, "alone again").await.len(), 1);
    connected::<Telegram>(&mut client).await;
}

#[tokio::test]
async fn a_newer_version_takes_over_while_people_write() {
    let (mut platform, _gateway, mut client) = started().await;
    platform.say(1, "before the swap").await;
    hears(&platform, "before the swap").await;
    let swap = client.request("plugins.reload", json!({ "pluginId": "telegram" })).await;
    for n in 2..6 {
        platform.say(n, &format!("message {n} of the swap")).await;
    }
    client.response(&swap).await.expect("the swap succeeds");
    platform.say(6, "after the swap").await;
    hears(&platform, "after the swap").await;
    for n in 2..6 {
        let turns = hears(&platform, &format!("message {n} of the swap")).await;
        assert_eq!(turns.len(), 1, "answered once: {turns:?}");
    }
}

/// Lets crabline deliver to a gateway whose port is not known when its table is written.
async fn front() -> (u16, watch::Sender<u16>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
    let port = listener.local_addr().expect("a bound socket has an address").port();
    let (tell, known) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let gateway = *known.borrow();
            tokio::spawn(async move {
                if let Ok(mut far) = TcpStream::connect(("127.0.0.1", gateway)).await {
                    let _ended = copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    });
    (port, tell)
}

#[tokio::test]
async fn a_webhook_delivers_and_a_restart_loses_nothing() {
    let mut platform = Telegram::start().await;
    let (port, gateway_is_at) = front().await;
    let url = format!("webhook_url = \"http://127.0.0.1:{port}/telegram\"\n");
    let config = format!("{}{url}{WHOLE}", platform.config(None));
    let mut gateway = Gateway::start(Options::default().plugin("telegram").config(&config)).await;
    gateway_is_at.send_replace(gateway.port);
    let account = connected::<Telegram>(&mut gateway.client().await).await;
    assert!(account["detail"].as_str().is_some_and(|text| text.contains("webhook")), "{account}");
    platform.say(1, "by webhook").await;
    hears(&platform, "by webhook").await;
    assert!(calls(&platform.0, "getUpdates").is_empty(), "nobody polls");

    let path = "/telegram/default";
    let forged = json!({ "update_id": 9, "message": {
        "message_id": 9, "date": 1, "chat": { "id": 4242, "type": "private" },
        "from": { "id": 4242, "first_name": "Eve" }, "text": "forged",
    }});
    assert_eq!(http::post_json(gateway.port, path, &[], &forged).await.status, 401);

    gateway.stop().await;
    platform.say(2, "while it was away").await;
    gateway.start_again().await;
    gateway_is_at.send_replace(gateway.port);
    assert_eq!(hears(&platform, "while it was away").await.len(), 1);
    assert!(platform.heard().await.iter().all(|heard| !heard.text.contains("forged")));
}

#[tokio::test]
async fn an_album_by_webhook_is_one_message_also_in_a_group() {
    let platform = Telegram::start().await;
    let (port, _gateway_is_at) = front().await;
    let hook = format!(
        "webhook_url = \"http://127.0.0.1:{port}/telegram\"\nwebhook_secret = \"the-secret\"\n"
    );
    let config = format!("{}{hook}group_policy = \"open\"\n{WHOLE}", platform.config(None));
    let gateway = Gateway::start(Options::default().plugin("telegram").config(&config)).await;
    connected::<Telegram>(&mut gateway.client().await).await;
    let me = "@crabline_bot";
    let post = async |n: u32, more: Value| {
        let mut message = json!({
            "message_id": n, "date": 1, "chat": { "id": -4242, "type": "group", "title": "Tea" },
            "from": { "id": 4242, "first_name": "Ada" },
        });
        let fields = more.as_object().expect("fields").clone();
        message.as_object_mut().expect("fields").extend(fields);
        let update = json!({ "update_id": 900 + n, "message": message });
        let secret = [("x-telegram-bot-api-secret-token", "the-secret")];
        let answer = http::post_json(gateway.port, "/telegram/default", &secret, &update).await;
        assert_eq!(answer.status, 200, "each part is taken at once: {}", answer.body);
    };
    let picture = |n: u32| json!([{ "file_id": format!("f{n}"), "width": 1, "height": 1 }]);
    let part = |n: u32| json!({ "media_group_id": "g", "photo": picture(n) });
    post(1, part(1)).await;
    post(2, part(2)).await;
    let caption = format!("{me} what is this?");
    let called = json!([{ "type": "mention", "offset": 0, "length": me.len() }]);
    let with_words = json!({
        "media_group_id": "g", "photo": picture(3), "caption": caption, "caption_entities": called,
    });
    post(3, with_words).await;
    let text = format!("{me} and the next");
    post(4, json!({ "text": text, "entities": called })).await;
    let answers = eventually("both are answered", async || {
        let calls = calls(&platform.0, "sendMessage").into_iter();
        let there: Vec<_> = calls.filter(|body| body["chat_id"] == -4242).collect();
        (there.len() == 2).then_some(there)
    })
    .await;
    let said = |n: usize| answers[n]["text"].as_str().unwrap_or_default();
    assert!(said(0).contains("what is this?"), "{answers:?}");
    assert_eq!(said(0).matches("image/jpeg").count(), 3, "all pictures are told of: {answers:?}");
    assert!(said(1).contains("and the next"), "{answers:?}");
}
