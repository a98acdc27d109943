//! What the gateway asks of this channel, sorted by account.

use crate::{
    account::{Bot, Resumption},
    client::Call,
    config::Config,
    deliver,
    error::{Failure, Repeat},
    inbound::{self, wire},
    receive::{self, Phase},
};
use jackfield_plugin_api::{
    Channel, Host, Outgoing, PluginError, Resume, SendError,
    fetch::{Fetch, Fetched, Reconciled},
    frame::State,
    id::AccountId,
    link::LinkState,
    outbound::{Outbound, Receipt},
    serde_json::{self, json},
    tokio::{
        sync::watch,
        time::{Duration, Instant},
    },
};
use std::{collections::HashMap, sync::Arc};

/// Schema number of the exported state, `{"accounts": {name: resumption}}`; as in the manifest.
const STATE_SCHEMA: u32 = 1;
const PROBE_PATIENCE: Duration = Duration::from_secs(8);
const FETCH_PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Discord {
    bots: HashMap<String, Arc<Bot>>,
    phase: watch::Sender<Phase>,
}

impl Channel for Discord {
    type Config = Config;
    /// A nonce keeps two versions from sending one thing twice.
    const SWAP_SAFE: bool = true;

    async fn start(host: Host, config: Config, resume: Resume) -> Result<Self, PluginError> {
        // The gateway library takes the process's choice of cryptography; a second start finds it.
        rustls::crypto::ring::default_provider().install_default().ok();
        let mut resumptions = exported(&resume);
        let mut bots = HashMap::new();
        for (name, settings) in config.accounts()? {
            let account = host.account(name.as_str());
            let resumption = resumptions.remove(&name);
            let bot = Bot::new(account, settings, cursors(&resume, &name), resumption)?;
            bots.insert(name, Arc::new(bot));
        }
        let discord = Self { bots, phase: watch::Sender::new(Phase::Open) };
        discord.listen().await;
        Ok(discord)
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        deliver::deliver(self.bot(account(&out.body)?)?, &out).await
    }

    async fn reconcile(&self, out: Outgoing) -> Reconciled {
        match account(&out.body).and_then(|account| self.bot(account)) {
            Ok(bot) => deliver::reconcile(bot, &out).await,
            Err(_) => Reconciled::Unknown,
        }
    }

    /// The address of a file expires, so the message is asked for a fresh one.
    async fn fetch(&self, wanted: Fetch) -> Result<Fetched, SendError> {
        let bot = self.bot(wanted.account.as_str())?;
        let parts: Vec<&str> = wanted.handle.split('/').collect();
        let [channel, message, id] = parts[..] else {
            let text = format!("`{}` is no handle of this channel's", wanted.handle);
            return Err(SendError::permanent("unknown_file", text));
        };
        let call = Call::get(format!("channels/{channel}/messages/{message}"));
        let message: wire::Message = bot
            .rest
            .ask(&call, FETCH_PATIENCE)
            .await
            .map_err(|failure: Failure| failure.outcome(Repeat::Harmless))?;
        let gone = || SendError::permanent("unknown_file", "the message has this file no longer");
        let file = inbound::file(&message, id).ok_or_else(gone)?;
        let url = file.url.as_deref().ok_or_else(gone)?;
        let got = bot.rest.download(url, &wanted.path, wanted.bytes_max).await?;
        let mime = file.content_type.clone().or(got.mime);
        Ok(Fetched { bytes: got.bytes, mime, name: file.filename.clone() })
    }

    /// One round trip by REST, and whether the socket is alive.
    async fn probe(&self, account: AccountId) -> Result<String, String> {
        let bot = self.bot(account.as_str()).map_err(|error| error.text)?;
        let begun = Instant::now();
        let asked = bot.rest.ask::<wire::User>(&Call::get("users/@me"), PROBE_PATIENCE).await;
        let user = asked.map_err(|failure| failure.to_string())?;
        let (state, why) = bot.settled(PROBE_PATIENCE.saturating_sub(begun.elapsed())).await;
        if state != LinkState::Connected {
            return Err(format!("the token is good, but the link is not up: {why}"));
        }
        let who = format!("{} ({}), listening", user.username.unwrap_or_default(), user.id);
        Ok(match bot.invitation() {
            Some(invitation) => format!("{who}; {invitation}"),
            None => who,
        })
    }

    /// Lets go of the sockets and keeps the sessions: the next version resumes them, and Discord
    /// repeats what came between.
    async fn drain(&self) {
        self.end(Phase::Handover).await;
        for bot in self.bots.values() {
            bot.report(LinkState::Stopped, "handed over to another version").await;
        }
    }

    async fn resume(&self) {
        self.phase.send_replace(Phase::Open);
        self.listen().await;
    }

    async fn export(&self) -> Option<State> {
        let of = |(name, bot): (&String, &Arc<Bot>)| Some((name.clone(), bot.resumption()?));
        let accounts: HashMap<String, Resumption> = self.bots.iter().filter_map(of).collect();
        Some(State { schema: STATE_SCHEMA, data: json!({"accounts": accounts}) })
    }

    async fn stop(&self) {
        self.end(Phase::Stopping).await;
    }
}

impl Discord {
    async fn listen(&self) {
        for bot in self.bots.values() {
            bot.report(LinkState::Connecting, "connecting").await;
            receive::start(bot, &self.phase);
        }
    }

    /// Ends every task and waits for it.
    async fn end(&self, phase: Phase) {
        self.phase.send_replace(phase);
        self.phase.closed().await;
    }

    fn bot(&self, account: &str) -> Result<&Bot, SendError> {
        self.bots.get(account).map(|bot| &**bot).ok_or_else(|| {
            let text = format!("the channel has no account `{account}`; see [channels.discord]");
            SendError::permanent("unknown_account", text)
        })
    }
}

fn account(body: &Outbound) -> Result<&str, SendError> {
    match (body.target(), body) {
        (Some(to), _) => Ok(to.account.as_str()),
        (None, Outbound::Action { .. }) => {
            Err(SendError::permanent("no_target", "say in which channel"))
        }
        (None, _) => Err(SendError::unsupported(body.kind())),
    }
}

fn exported(resume: &Resume) -> HashMap<String, Resumption> {
    let state = resume.state.as_ref().filter(|state| state.schema == STATE_SCHEMA);
    let accounts = state.and_then(|state| state.data.get("accounts").cloned());
    accounts.and_then(|accounts| serde_json::from_value(accounts).ok()).unwrap_or_default()
}

fn cursors(resume: &Resume, account: &str) -> HashMap<String, u64> {
    let own = resume.cursors.iter().filter(|stored| stored.account.as_str() == account);
    own.filter_map(|stored| Some((stored.cursor.stream.clone(), stored.cursor.value.parse().ok()?)))
        .collect()
}
