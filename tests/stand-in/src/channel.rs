//! What the gateway asks of this channel, with the mistakes that its version is for.

use crate::{
    config::{Config, letter},
    feed::Feed,
    files,
    post::Post,
    rude,
};
use jackfield_plugin_api::{
    Account, Channel, Fetch, Fetched, Host, Outgoing, PluginError, Resume, SendError,
    frame::State,
    id::AccountId,
    link::LinkState,
    outbound::{Outbound, Receipt},
    serde_json::json,
    tokio::time::sleep,
};
use std::{sync::Arc, time::Duration};

/// Schema number of the exported state, `{"place": 12}`; as in the manifest.
const STATE_SCHEMA: u32 = 1;
/// Users to whom a message is an order to misbehave begin so.
const ORDERS: &str = "fault";
const SERVED: Duration = Duration::from_secs(2);

pub(crate) struct StandIn {
    account: Account,
    feed: Arc<Feed>,
    post: Post,
    server: String,
}

impl Channel for StandIn {
    type Config = Config;

    async fn start(host: Host, config: Config, resume: Resume) -> Result<Self, PluginError> {
        match letter() {
            's' => return Err(PluginError::new("this version cannot start")),
            'h' => std::future::pending().await,
            _ => {}
        }
        let account = host.default_account();
        let place = place(&resume);
        let feed = Arc::new(Feed::new(account.clone(), config.server.clone(), place));
        let post = Post::new(config.server.clone());
        let channel = Self { account, feed, post, server: config.server };
        channel.follow().await;
        if letter() == 'x' {
            host.spawn(async {
                sleep(SERVED).await;
                std::process::abort();
            });
        }
        Ok(channel)
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        let Outbound::Message { to, text, .. } = out.body else {
            return Err(SendError::unsupported(out.body.kind()));
        };
        let user = to.conversation.as_str();
        if user.starts_with(ORDERS) {
            return rude::obey(&text);
        }
        self.post.send(&out.idem_key, user, &text).await
    }

    async fn fetch(&self, wanted: Fetch) -> Result<Fetched, SendError> {
        files::bring(&self.server, wanted).await
    }

    async fn probe(&self, _: AccountId) -> Result<String, String> {
        match letter() {
            'p' => Err("this version never works".to_owned()),
            letter => Ok(format!("version {letter} at place {}", self.feed.place())),
        }
    }

    async fn drain(&self) {
        if letter() == 'd' {
            std::future::pending::<()>().await;
        }
        self.feed.close().await;
        self.account.link(LinkState::Stopped, "handed over").await;
    }

    async fn resume(&self) {
        self.follow().await;
    }

    async fn export(&self) -> Option<State> {
        Some(State { schema: STATE_SCHEMA, data: json!({ "place": self.feed.place() }) })
    }

    async fn stop(&self) {
        self.feed.close().await;
    }
}

impl StandIn {
    async fn follow(&self) {
        let (feed, open) = (Arc::clone(&self.feed), self.feed.reopen());
        self.account.host().spawn(async move { feed.follow(open).await });
        self.account.link(LinkState::Connected, "following the feed").await;
    }
}

/// The place an earlier version handed over, or the one the gateway has stored.
fn place(resume: &Resume) -> u64 {
    let handed = resume.state.as_ref().and_then(|state| state.data.get("place")?.as_u64());
    let stored = resume.cursor("default", "").and_then(|place| place.parse().ok());
    handed.max(stored).unwrap_or(0)
}
