//! The contract of every channel that carries messages: the same plays, against a counterpart of
//! each platform that others wrote. What is peculiar to one stands in `channel_<id>.rs`.
//!
//! To add a platform, implement [`Platform`] there and add a line to the list at the end.

use harness::{Client, Gateway, Options, eventually, gateway::signal};
use rustix::process::Signal;
use serde_json::{Value, json};

/// A platform as the contract needs it: one person who writes to the bot in a direct chat.
pub(crate) trait Platform: Sized {
    /// The plugin, which is the channel's name too.
    const ID: &'static str;
    /// The conversation with that person, as `send` takes it.
    const PEER: &'static str;
    /// Something that the channel cannot do: an action of `message.action`.
    const UNSUPPORTED: &'static str;
    /// The setting that a rejected login is blamed on.
    const CREDENTIAL: &'static str;
    /// A well-formed credential that the platform rejects.
    const WRONG: &'static str;

    /// Starts the counterpart.
    async fn start() -> Self;

    /// The channel's table, open to everybody; with another credential if one is given.
    fn config(&self, credential: Option<&str>) -> String;

    /// The person writes their message number `n`, counted from 1.
    async fn say(&mut self, n: u32, text: &str);

    /// The platform delivers message number `n` once more, as if it had heard no acknowledgement.
    async fn say_again(&mut self, n: u32, text: &str);

    /// The texts that the bot sent to the person, oldest first; the platform's id of each where it
    /// is known.
    async fn heard(&self) -> Vec<Heard>;
}

/// One message of the bot.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// As the platform got it, markup included.
    pub(crate) text: String,
    /// The platform's id of it.
    pub(crate) id: Option<String>,
}

/// What a slow machine would show as drafts is one message here.
pub(crate) const WHOLE: &str = "[messages]\nstreaming = \"final\"\n";

/// A gateway with the channel, isolated as it is by default.
pub(crate) async fn gateway<P: Platform>(platform: &P) -> Gateway {
    let options = Options::default().plugin(P::ID).config(&platform.config(None)).config(WHOLE);
    Gateway::start(options).await
}

/// What the person says for an answer that takes long enough to be seen growing.
pub(crate) const LONG: &str = "one two three four five six seven eight nine ten eleven twelve";

/// A gateway that answers slowly and shows drafts, asked [`LONG`] by the person.
pub(crate) async fn asked_for_long<P: Platform>() -> (P, Gateway) {
    let mut platform = P::start().await;
    let config = format!("{}[agent]\necho_pace_ms = 250\n", platform.config(None));
    let gateway = Gateway::start(Options::default().plugin(P::ID).config(&config)).await;
    connected::<P>(&mut gateway.client().await).await;
    platform.say(1, LONG).await;
    (platform, gateway)
}

/// The channel's first account, once `settled` accepts it.
pub(crate) async fn account<P: Platform>(
    client: &mut Client,
    what: &str,
    settled: impl Fn(&Value) -> bool,
) -> Value {
    eventually(what, async || {
        let status = client.call("channels.status", json!({ "channel": P::ID })).await;
        let account = status["channelAccounts"][P::ID][0].clone();
        settled(&account).then_some(account)
    })
    .await
}

pub(crate) async fn connected<P: Platform>(client: &mut Client) -> Value {
    account::<P>(client, "the link is up", |account| account["connected"] == true).await
}

/// The messages that hold `words`, once there is one.
pub(crate) async fn hears<P: Platform>(platform: &P, words: &str) -> Vec<Heard> {
    eventually("the person hears it", async || {
        let all = platform.heard().await;
        let found: Vec<_> = all.into_iter().filter(|heard| heard.text.contains(words)).collect();
        (!found.is_empty()).then_some(found)
    })
    .await
}

async fn answers_and_sends<P: Platform>() {
    let mut platform = P::start().await;
    let gateway = gateway(&platform).await;
    let mut client = gateway.client().await;
    let account = connected::<P>(&mut client).await;
    assert!(account["identity"].is_string(), "it says who it is: {account}");
    let status = json!({ "channel": P::ID, "probe": true });
    let probed = client.call("channels.status", status).await;
    assert_eq!(probed["channelAccounts"][P::ID][0]["probe"]["ok"], true, "{probed}");

    platform.say(1, "what is a jackfield?").await;
    hears(&platform, "what is a jackfield?").await;

    let send = json!({
        "channel": P::ID, "to": P::PEER, "message": "tea is ready", "idempotencyKey": "send-1",
    });
    let sent = client.call("send", send.clone()).await;
    let heard = hears(&platform, "tea is ready").await;
    if let Some(id) = &heard[0].id {
        assert_eq!(sent["messageId"], *id, "the receipt is the platform's: {sent}");
    }
    assert_eq!(client.call("send", send).await, sent, "the same key is the same send");
    assert_eq!(hears(&platform, "tea is ready").await.len(), 1);

    let action = json!({
        "channel": P::ID, "action": P::UNSUPPORTED, "params": { "to": P::PEER },
        "idempotencyKey": "act-1",
    });
    let error = client.refused("message.action", action).await;
    assert_eq!(error.code, "INVALID_REQUEST", "{error:?}");
    assert!(error.message.contains("cannot do"), "asking again is of no use: {error:?}");

    platform.say_again(1, "what is a jackfield?").await;
    connected::<P>(&mut client).await;
    // One conversation keeps its order: once this is answered, the one before would have been.
    platform.say(2, "and a fence?").await;
    hears(&platform, "and a fence?").await;
    let turns = hears(&platform, "what is a jackfield?").await;
    assert_eq!(turns.len(), 1, "what comes twice is answered once: {turns:?}");
}

async fn a_rejected_login_is_explained<P: Platform>() {
    let platform = P::start().await;
    let options = Options::default().plugin(P::ID).config(&platform.config(Some(P::WRONG)));
    let gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    let told = account::<P>(&mut client, "the rejected login is explained", |account| {
        let text = account.to_string();
        account["connected"] == false && text.contains(P::CREDENTIAL)
    })
    .await;
    assert!(!told.to_string().contains(P::WRONG), "no secret is shown: {told}");
    let printed = gateway.output.lines().join("\n");
    assert!(!printed.contains(P::WRONG), "no secret is logged:\n{printed}");
}

async fn a_killed_plugin_comes_back<P: Platform>() {
    let mut platform = P::start().await;
    let gateway = gateway(&platform).await;
    let mut client = gateway.client().await;
    connected::<P>(&mut client).await;
    platform.say(1, "before the fall").await;
    hears(&platform, "before the fall").await;

    let first = running::<P>(&mut client, 0).await;
    signal(first, Signal::KILL);
    platform.say(2, "during the fall").await;
    running::<P>(&mut client, first).await;
    hears(&platform, "during the fall").await;
    platform.say(3, "after the fall").await;
    hears(&platform, "after the fall").await;
    for words in ["before the fall", "during the fall", "after the fall"] {
        let turns = hears(&platform, words).await;
        assert_eq!(turns.len(), 1, "{words}: answered once: {turns:?}");
    }
}

/// The process of the running plugin, another one than `than`.
pub(crate) async fn running<P: Platform>(client: &mut Client, than: u32) -> u32 {
    eventually("the plugin runs", async || {
        let list = client.call("plugins.list", json!({})).await;
        let row = list["plugins"].as_array()?.iter().find(|row| row["id"] == P::ID)?.clone();
        let pid = u32::try_from(row["pid"].as_u64()?).ok()?;
        (row["state"] == "running" && pid != than).then_some(pid)
    })
    .await
}

macro_rules! contract {
    ($($module:ident: $platform:ty,)+) => {$(
        mod $module {
            #[tokio::test]
            async fn answers_and_sends() {
                super::answers_and_sends::<$platform>().await;
            }

            #[tokio::test]
            async fn a_rejected_login_is_explained() {
                super::a_rejected_login_is_explained::<$platform>().await;
            }

            #[tokio::test]
            async fn a_killed_plugin_comes_back() {
                super::a_killed_plugin_comes_back::<$platform>().await;
            }
        }
    )+};
}

contract! {
    discord: crate::channel_discord::Discord,
    slack: crate::channel_slack::Slack,
    telegram: crate::channel_telegram::Telegram,
}
