//! What can be asked of plugins that run: other files, another package, other settings.
//!
//! Each question goes to the plugin's supervisor, which answers once the change is through or called
//! off. Must not know: how a change is made.

use super::{
    Plugins, Refusal, discover,
    slot::{Change, Command, Reply},
};
use std::path::Path;
use tokio::sync::oneshot;

impl Plugins {
    /// Takes the files as they are now: beside a running version and without losing a message, or
    /// from scratch where none runs.
    ///
    /// # Errors
    /// Why it does not run, or why the version before goes on.
    pub async fn reload(&self, id: &str) -> Result<(), Refusal> {
        self.ask(id, |reply| Command::Change(Change::default(), reply)).await
    }

    /// Ends a plugin in order and starts it from the files as they are now.
    ///
    /// # Errors
    /// Why it does not run now; whether it will be tried again is in its status.
    pub async fn restart(&self, id: &str) -> Result<(), Refusal> {
        self.ask(id, Command::Restart).await
    }

    /// Puts the package at `path` (its folder, or a file in it) in the place of the one that serves
    /// an enabled channel, and takes it over as [`Self::reload`] does. Gives its id and version.
    ///
    /// # Errors
    /// Why it is not taken; nothing is changed then.
    pub async fn upgrade(&self, path: &Path) -> Result<(String, String), Refusal> {
        let found = discover::at(path);
        if let Some(refusal) = found.refusal {
            return Err(refusal);
        }
        let id = found.id();
        let version = found.manifest.map(|manifest| manifest.version).unwrap_or_default();
        let change = Change { package: Some(found.path), settings: None };
        self.ask(&id, |reply| Command::Change(change, reply)).await?;
        Ok((id, version))
    }

    /// Gives a channel another table, by a life of its own beside the one that runs; `Ok(false)`
    /// when no plugin serves the channel.
    ///
    /// # Errors
    /// Why the plugin would not have it; the table before stays in force then.
    pub async fn configure(
        &self,
        channel: &str,
        table: serde_json::Value,
        accounts: Vec<String>,
    ) -> Result<bool, Refusal> {
        let Some(slot) = self.slot(channel) else { return Ok(false) };
        let change = Change { package: None, settings: Some((table, accounts)) };
        self.ask(&slot.id(), |reply| Command::Change(change, reply)).await.map(|()| true)
    }

    async fn ask(&self, id: &str, command: impl FnOnce(Reply) -> Command) -> Result<(), Refusal> {
        let refuse =
            |detail: &str| Refusal::Host { file: id.to_owned(), detail: detail.to_owned() };
        let slot = self.slots.iter().find(|slot| slot.id() == id).ok_or_else(|| {
            Refusal::NotInstalled {
                wanted: id.to_owned(),
                looked: "the enabled channels".into(),
                unreadable: 0,
            }
        })?;
        let (reply, answer) = oneshot::channel();
        if slot.commands.send(command(reply)).await.is_err() {
            return Err(refuse("the gateway is going down"));
        }
        answer.await.unwrap_or_else(|_| Err(refuse("another restart or a shutdown came between")))
    }
}
