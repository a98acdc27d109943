//! What each frame of the socket means for the connection, and what must be done with it at once.

use super::{
    End, Reader,
    intake::{self, Item},
};
use crate::{
    account::{Bot, Identity},
    client::{Call, PATIENCE},
    error::Failure,
    inbound::{Ack, ack, wire},
    outbound,
};
use jackfield_plugin_api::{link::LinkState, serde_json, tracing};
use std::{sync::Arc, time::Duration};

/// Discord waits this long for a sign that a command was noticed.
const NOTICE_PATIENCE: Duration = Duration::from_secs(3);

impl Reader {
    /// Takes one frame; an end where it is the last of its connection.
    pub(super) async fn take(&mut self, session_id: &str, text: &str) -> Option<End> {
        let frame: wire::Frame<'_> = serde_json::from_str(text).ok()?;
        match frame.op {
            0 => {}
            7 => return Some(End::Recall),
            9 => {
                let resumable = frame.d.is_some_and(|d| d.get() == "true");
                return Some(End::Invalid { resumable });
            }
            _ => return None,
        }
        let kind = frame.t.as_deref()?;
        let data = frame.d?.get();
        match kind {
            "READY" => {
                let ready: wire::Ready = serde_json::from_str(data).ok()?;
                self.ready(&ready).await;
                return self.pass(Item::LoggedIn(ready)).await;
            }
            "RESUMED" => {
                self.resumes = 0;
                self.pace.connected();
                if self.bot.identity().user.is_empty() {
                    self.recognise().await;
                }
                self.bot.report(LinkState::Connected, "resumed").await;
                return None;
            }
            "INTERACTION_CREATE" => self.notice(data),
            "MESSAGE_CREATE" if self.bot.echo(|echo| echo.listens()) => self.listen(data),
            kind if !intake::wanted(kind) => return None,
            _ => {}
        }
        let origin = format!("{session_id}:{}", frame.s.unwrap_or_default());
        self.pass(Item::Event { kind: kind.to_owned(), data: data.to_owned(), origin }).await
    }

    async fn pass(&self, item: Item) -> Option<End> {
        self.queue.send(item).await.err().map(|_| End::HostGone)
    }

    async fn ready(&mut self, ready: &wire::Ready) {
        self.resumes = 0;
        self.pace.connected();
        let application = ready.application.as_ref().map(|application| application.id.clone());
        let name = ready.user.username.clone().unwrap_or_default();
        self.bot.set_identity(Identity { user: ready.user.id.clone(), name, application });
        self.denied = 0;
        self.bot.set_alone(ready.guilds.is_empty());
        self.bot.report(LinkState::Connected, "connected").await;
        self.register();
    }

    /// After a hand-over the session is resumed, and nobody says who we are.
    async fn recognise(&self) {
        match self.bot.rest.patiently::<wire::User>(&Call::get("users/@me")).await {
            Ok(user) => {
                let name = user.username.unwrap_or_default();
                self.bot.set_identity(Identity { user: user.id, name, application: None });
            }
            Err(failure) => tracing::warn!(%failure, "Discord did not say who this bot is"),
        }
    }

    /// Notes a message of ours that came back.
    fn listen(&self, data: &str) {
        let Ok(message) = serde_json::from_str::<wire::Message>(data) else { return };
        let own = self.bot.identity().user;
        if message.author.is_some_and(|author| author.id == own) {
            self.bot.echo(|echo| echo.heard(&message.id));
        }
    }

    /// Makes the command of the settings known, once.
    fn register(&mut self) {
        let Some(name) = self.bot.settings.slash_command.clone() else { return };
        let Some(application) = self.bot.identity().application else { return };
        if std::mem::replace(&mut self.registered, true) {
            return;
        }
        let bot = Arc::clone(&self.bot);
        self.bot.account.host().spawn(async move {
            if let Err(failure) = register(&bot, &application, &name).await {
                tracing::warn!(%failure, name, "the slash command could not be registered");
            }
        });
    }

    /// Shows at once that a command or button was noticed; Discord waits three seconds.
    fn notice(&self, data: &str) {
        let Ok(interaction) = serde_json::from_str::<wire::Interaction>(data) else { return };
        let (body, later) = match ack(&interaction) {
            Ack::Later(body) => (body, true),
            Ack::Silent(body) => (body, false),
            Ack::None => return,
        };
        if let (true, Some(channel)) = (later, &interaction.channel_id) {
            self.bot.expect_answer(channel, &interaction);
        }
        let bot = Arc::clone(&self.bot);
        self.bot.account.host().spawn(async move {
            let call = outbound::noticed(&interaction.id, &interaction.token, body);
            if let Err(failure) = bot.rest.tell(&call, NOTICE_PATIENCE).await {
                tracing::warn!(%failure, "a command could not be acknowledged");
            }
        });
    }
}

/// Makes the command known where it is not, and takes one back that the settings named before.
async fn register(bot: &Bot, application: &str, name: &str) -> Result<(), Failure> {
    let path = format!("applications/{application}/commands");
    // What cannot be listed is registered anew, which changes nothing if it is there.
    let known = bot.rest.patiently::<Vec<wire::Command>>(&Call::get(path)).await;
    let (ours, other): (Vec<_>, Vec<_>) = known
        .unwrap_or_default()
        .into_iter()
        .filter(wire::Command::asks)
        .partition(|c| c.name == name);
    for command in other {
        bot.rest.tell(&outbound::unregister(application, &command.id), PATIENCE).await?;
    }
    if ours.is_empty() {
        bot.rest.patiently::<serde_json::Value>(&outbound::register(application, name)).await?;
    }
    Ok(())
}
