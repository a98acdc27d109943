//! What the gateway asks of this channel.
//!
//! Walk 2, last steps: an attempt comes in here, `outbound` makes calls of it, `attempt` makes them.
//! Must not know: what updates look like.

mod attempt;
pub(crate) mod bot;

use crate::{config::Config, receive};
use attempt::Ledger;
use bot::Bot;
use jackfield_plugin_api::{
    Channel, Host, Outgoing, PluginError, Resume, SendError,
    fetch::{Fetch, Fetched},
    http::{HttpRequest, HttpResponse},
    id::AccountId,
    link::LinkState,
    outbound::{Outbound, Receipt},
    tokio::sync::watch,
};
use std::{collections::BTreeMap, path::Path, sync::Arc};

pub(crate) struct Telegram {
    bots: BTreeMap<String, Arc<Bot>>,
    ledger: Ledger,
    /// Whether updates are taken. Each listening task holds a receiver, so `closed` means that all
    /// have ended.
    open: watch::Sender<bool>,
}

impl Channel for Telegram {
    type Config = Config;

    async fn start(host: Host, config: Config, resume: Resume) -> Result<Self, PluginError> {
        let mut bots = BTreeMap::new();
        for login in config.logins()? {
            let cursor = resume.cursor(&login.account, "").map(str::to_owned);
            let account = host.account(login.account.as_str());
            let bot = Arc::new(Bot::new(login, account, cursor)?);
            bots.insert(bot.login.account.clone(), bot);
        }
        let telegram = Self { bots, ledger: Ledger::default(), open: watch::Sender::new(true) };
        telegram.listen();
        Ok(telegram)
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        let bot = self.bot(account_of(&out.body)?)?;
        attempt::run(bot, &self.ledger, out).await
    }

    async fn http(&self, request: HttpRequest) -> HttpResponse {
        let open = *self.open.borrow();
        receive::webhook::answer(&self.bots, open, &request).await
    }

    async fn probe(&self, account: AccountId) -> Result<String, String> {
        match self.bot(&account) {
            Ok(bot) => bot.probe().await,
            Err(error) => Err(error.text),
        }
    }

    async fn fetch(&self, wanted: Fetch) -> Result<Fetched, SendError> {
        let bot = self.bot(&wanted.account)?;
        let path = Path::new(&wanted.path);
        let bytes = bot.client.download(&wanted.handle, path, wanted.bytes_max).await?;
        Ok(Fetched { bytes, ..Fetched::default() })
    }

    /// Lets go of the updates. What is being stored is finished by the runtime; what was not
    /// confirmed to Telegram comes again, to the next version.
    async fn drain(&self) {
        self.open.send_replace(false);
        self.open.closed().await;
        for bot in self.bots.values() {
            bot.report(LinkState::Stopped, "handed over to another version").await;
        }
    }

    async fn resume(&self) {
        self.open.send_replace(true);
        self.listen();
    }

    async fn stop(&self) {
        self.open.send_replace(false);
        self.open.closed().await;
    }
}

impl Telegram {
    fn listen(&self) {
        for bot in self.bots.values() {
            let task = receive::listen(Arc::clone(bot), self.open.subscribe());
            bot.account.host().spawn(task);
        }
    }

    fn bot(&self, account: &AccountId) -> Result<&Bot, SendError> {
        self.bots.get(account.as_str()).map(Arc::as_ref).ok_or_else(|| {
            let names: Vec<&str> = self.bots.keys().map(String::as_str).collect();
            let text = format!("there is no account `{account}`, only {}", names.join(", "));
            SendError::permanent("unknown_account", text)
        })
    }
}

fn account_of(body: &Outbound) -> Result<&AccountId, SendError> {
    let to = body.target();
    to.map(|to| &to.account).ok_or_else(|| SendError::unsupported(body.kind()))
}
