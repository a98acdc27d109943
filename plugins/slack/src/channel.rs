//! What the gateway asks of Slack: start, send, answer requests, and let go for a newer version.

use crate::{
    account::Workspace,
    client,
    config::Config,
    error::ApiError,
    outbound,
    receive::{Pace, webhook},
};
use jackfield_plugin_api::{
    Channel, Host, Outgoing, PluginError, Resume, SendError,
    fetch::{Fetch, Fetched, Reconciled},
    frame::State,
    http::{HttpRequest, HttpResponse},
    id::AccountId,
    link::LinkState,
    outbound::Receipt,
    serde_json::{Map, json},
};
use std::{path::Path, sync::Arc};

/// Schema number of the exported state, `{"threads": {"<account>": [["C1", "1.2"], …]}}`.
const STATE_SCHEMA: u32 = 1;

pub(crate) struct Slack {
    workspaces: Vec<Arc<Workspace>>,
}

impl Channel for Slack {
    type Config = Config;
    /// Slack spreads events over all connections of an app, and sends need none.
    const SWAP_SAFE: bool = true;

    async fn start(host: Host, config: Config, resume: Resume) -> Result<Self, PluginError> {
        Self::begin(&host, config, resume, Pace::default())
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        let target = out.body.target();
        let workspace = self.workspace(target.map(|to| &to.account))?;
        outbound::perform(workspace, out).await
    }

    async fn http(&self, request: HttpRequest) -> HttpResponse {
        webhook::answer(&self.workspaces, request).await
    }

    async fn probe(&self, account: AccountId) -> Result<String, String> {
        let workspace = self.workspace(Some(&account)).map_err(|error| error.text)?;
        let me = workspace.introduce().await.map_err(|error| error.to_string())?;
        let who = format!("@{} in {}", me.name, me.team);
        if workspace.app.is_none() {
            return match webhook::detail(workspace) {
                (LinkState::Connected, detail) => Ok(format!("{who}; {detail}")),
                (_, detail) => Err(format!("{who}; {detail}")),
            };
        }
        let who = format!("{who}{}", workspace.remarks());
        match workspace.proved_alive().await {
            Some(ago) => {
                let (open, s) = (workspace.sockets(), ago.as_secs());
                let more = workspace.signs(|signs| signs.last_event() + &signs.company());
                Ok(format!("{who}; {open} open, last proved alive {s} s ago; {more}"))
            }
            None => Err(format!("{who}: the token works, but no Socket Mode connection is open")),
        }
    }

    async fn fetch(&self, wanted: Fetch) -> Result<Fetched, SendError> {
        let workspace = self.workspace(Some(&wanted.account))?;
        let path = Path::new(&wanted.path);
        let kept = workspace.bot.download(&wanted.handle, path, wanted.bytes_max).await;
        let kept = kept.map_err(ApiError::of_repeatable)?;
        Ok(Fetched { bytes: kept.bytes, mime: kept.mime, name: kept.name })
    }

    async fn reconcile(&self, out: Outgoing) -> Reconciled {
        match self.workspace(out.body.target().map(|to| &to.account)) {
            Ok(workspace) => outbound::reconcile(workspace, &out).await,
            Err(_) => Reconciled::Unknown,
        }
    }

    async fn drain(&self) {
        for workspace in &self.workspaces {
            workspace.end().await;
            workspace.report(LinkState::Stopped, "handed over to another version").await;
        }
    }

    async fn resume(&self) {
        self.workspaces.iter().for_each(Workspace::listen);
    }

    async fn export(&self) -> Option<State> {
        let threads = self.workspaces.iter();
        let threads = threads.map(|w| (w.account.id().to_string(), w.threads.export()));
        let threads: Map<_, _> = threads.collect();
        Some(State { schema: STATE_SCHEMA, data: json!({ "threads": threads }) })
    }

    async fn stop(&self) {
        for workspace in &self.workspaces {
            workspace.end().await;
        }
    }
}

impl Slack {
    /// Starts every account at this pace.
    pub(crate) fn begin(
        host: &Host,
        config: Config,
        mut resume: Resume,
        pace: Pace,
    ) -> Result<Self, PluginError> {
        resume.state = resume.state.filter(|state| state.schema == STATE_SCHEMA);
        let http = client::http().map_err(PluginError::new)?;
        let workspaces: Vec<_> = config
            .logins()?
            .into_iter()
            .map(|login| Workspace::new(host, &http, login, pace, &resume))
            .collect();
        Workspace::acquaint(&workspaces);
        workspaces.iter().for_each(Workspace::listen);
        Ok(Self { workspaces })
    }

    fn workspace(&self, account: Option<&AccountId>) -> Result<&Workspace, SendError> {
        let named = self.workspaces.iter().find(|w| Some(w.account.id()) == account);
        named.map(|workspace| &**workspace).ok_or_else(|| {
            let name = account.map_or("none", AccountId::as_str);
            let text = format!("Slack has no account `{name}`; see [channels.slack.accounts]");
            SendError::permanent("unknown_account", text)
        })
    }
}
