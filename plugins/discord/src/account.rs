//! What the tasks of one bot share: who it is, where its link stands, what it remembers for a while.
//!
//! Everything remembered is bounded: when a list is full its oldest entry goes.

mod commands;
mod echo;
mod recent;

pub(crate) use commands::Command;
pub(crate) use echo::{ECHO_LOOK, Echo};

use crate::{
    client::Rest,
    config::Settings,
    inbound::wire::{Interaction, User},
    places::Places,
};
use commands::Commands;
use jackfield_plugin_api::{
    Account, PluginError,
    link::{LinkReport, LinkState},
    tokio::{
        sync::watch,
        time::{Instant, timeout},
    },
};
use recent::Recent;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const AUTHORS_MAX: usize = 4096;
const ATTEMPTS_MAX: usize = 1024;
/// Messages of ours that are remembered by their nonce, and whose they are.
const OWN_MAX: usize = 4096;
/// What the bot's role is allowed by the address that invites it: View Channels, Send Messages, Add
/// Reactions, Attach Files, Read Message History, Create Public Threads, Send Messages in Threads,
/// Send Polls, Pin Messages.
pub(crate) const PERMISSIONS: u64 =
    1 << 6 | 1 << 10 | 1 << 11 | 1 << 15 | 1 << 16 | 1 << 35 | 1 << 38 | 1 << 49 | 1 << 51;

/// One bot of the configuration.
pub(crate) struct Bot {
    pub(crate) account: Account,
    pub(crate) settings: Settings,
    pub(crate) rest: Rest,
    places: Mutex<Places>,
    memory: Mutex<Memory>,
    /// Where the link stands, and why.
    link: watch::Sender<(LinkState, String)>,
}

/// With this the gateway goes on where a connection was lost, and repeats what was missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resumption {
    pub(crate) session_id: String,
    pub(crate) sequence: u64,
    pub(crate) url: Option<String>,
}

/// Who the bot is on Discord.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: String,
    pub(crate) name: String,
    pub(crate) application: Option<String>,
}

/// What is known of a send, for when it must be repeated or looked for.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) first: Instant,
    /// The same by the clock, milliseconds since the Unix epoch.
    pub(crate) begun_ms: u64,
    /// Nonce → message, for the parts that are known to be out.
    pub(crate) parts: HashMap<String, String>,
    command: Option<Command>,
    command_chosen: bool,
}

struct Memory {
    identity: Identity,
    resumption: Option<Resumption>,
    /// Events were read that the gateway did not store: nothing may be resumed after them.
    lost: bool,
    echo: Echo,
    /// Message → author: Discord does not say whose message was deleted.
    authors: Recent<User>,
    attempts: Recent<Attempt>,
    /// Nonce → message, as our own messages came back. Discord tells a nonce once and never again.
    heard: Recent<String>,
    /// Message → the send that it is a part of.
    spoken_for: Recent<String>,
    commands: Commands,
    /// In no server: nobody invited the bot yet.
    alone: bool,
    /// Stream → the newest message of it that is stored.
    cursors: HashMap<String, u64>,
}

impl Bot {
    pub(crate) fn new(
        account: Account,
        settings: Settings,
        cursors: HashMap<String, u64>,
        resumption: Option<Resumption>,
    ) -> Result<Self, PluginError> {
        let memory = Memory {
            identity: Identity::default(),
            resumption,
            lost: false,
            echo: Echo::default(),
            authors: Recent::new(AUTHORS_MAX),
            attempts: Recent::new(ATTEMPTS_MAX),
            heard: Recent::new(OWN_MAX),
            spoken_for: Recent::new(OWN_MAX),
            commands: Commands::default(),
            alone: false,
            cursors,
        };
        Ok(Self {
            account,
            rest: Rest::new(&settings)?,
            settings,
            places: Mutex::default(),
            memory: Mutex::new(memory),
            link: watch::Sender::new((LinkState::Connecting, "connecting".to_owned())),
        })
    }

    pub(crate) fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn identity(&self) -> Identity {
        self.memory().identity.clone()
    }

    pub(crate) fn set_identity(&self, identity: Identity) {
        self.memory().identity = identity;
    }

    pub(crate) fn resumption(&self) -> Option<Resumption> {
        self.memory().resumption.clone()
    }

    pub(crate) fn set_resumption(&self, resumption: Option<Resumption>) {
        let mut memory = self.memory();
        memory.resumption = resumption.filter(|_| !memory.lost);
    }

    /// Forbids to resume, or allows it again when a new life of the tasks begins.
    pub(crate) fn set_lost(&self, lost: bool) {
        let mut memory = self.memory();
        memory.lost = lost;
        if lost {
            memory.resumption = None;
        }
    }

    pub(crate) fn echo<T>(&self, change: impl FnOnce(&mut Echo) -> T) -> T {
        change(&mut self.memory().echo)
    }

    /// Where the link stands, and why. The outcome of a first attempt is waited for a while: a version
    /// that has just begun is judged by it.
    pub(crate) async fn settled(&self, patience: Duration) -> (LinkState, String) {
        let mut link = self.link.subscribe();
        let settled = link.wait_for(|(state, _)| *state != LinkState::Connecting);
        if let Ok(Ok(settled)) = timeout(patience, settled).await {
            return settled.clone();
        }
        self.link.borrow().clone()
    }

    pub(crate) async fn report(&self, state: LinkState, detail: &str) {
        self.link.send_replace((state, detail.to_owned()));
        if state == LinkState::Connected {
            let Identity { user, name, .. } = self.identity();
            let account = self.account.id().clone();
            let (detail, identity) = (self.invitation(), Some(format!("{name} ({user})")));
            self.account.host().link(LinkReport { account, state, detail, identity }).await;
        } else {
            self.account.link(state, detail).await;
        }
    }

    /// Notes whether a login found the bot in any server.
    pub(crate) fn set_alone(&self, alone: bool) {
        self.memory().alone = alone;
    }

    /// Somebody took the bot into a server; if it was in none, the link says so no longer.
    pub(crate) async fn invited(&self) {
        let was_alone = std::mem::take(&mut self.memory().alone);
        let connected = self.link.borrow().0 == LinkState::Connected;
        if was_alone && connected {
            self.report(LinkState::Connected, "connected").await;
        }
    }

    /// What a person must do while the bot is in no server.
    pub(crate) fn invitation(&self) -> Option<String> {
        let memory = self.memory();
        let application = memory.identity.application.as_ref().filter(|_| memory.alone)?;
        Some(format!(
            "in no server yet: open https://discord.com/oauth2/authorize?client_id={application}\
             &scope=bot+applications.commands&permissions={PERMISSIONS} and choose one"
        ))
    }

    pub(crate) fn note_author(&self, message: &str, author: &User) {
        self.memory().authors.put(message, author.clone());
    }

    pub(crate) fn author(&self, message: &str) -> Option<User> {
        self.memory().authors.of(message).cloned()
    }

    /// Begins a send, or finds what is known of an earlier attempt at it.
    pub(crate) fn attempt(&self, key: &str) -> Attempt {
        let mut memory = self.memory();
        if let Some(attempt) = memory.attempts.of(key) {
            return attempt.clone();
        }
        let attempt = Attempt {
            first: Instant::now(),
            begun_ms: now_ms(),
            parts: HashMap::new(),
            command: None,
            command_chosen: false,
        };
        memory.attempts.put(key, attempt.clone());
        attempt
    }

    /// What is known of a send, without beginning one.
    pub(crate) fn known_attempt(&self, key: &str) -> Option<Attempt> {
        self.memory().attempts.of(key).cloned()
    }

    pub(crate) fn note_part(&self, key: &str, nonce: &str, message: &str) {
        let mut memory = self.memory();
        memory.spoken_for.put(message, key.to_owned());
        if let Some(attempt) = memory.attempts.of_mut(key) {
            attempt.parts.insert(nonce.to_owned(), message.to_owned());
        }
    }

    /// Notes a message of ours that came back with its nonce.
    pub(crate) fn note_heard(&self, nonce: &str, message: &str) {
        self.memory().heard.put(nonce, message.to_owned());
    }

    /// The message that a nonce became, if it came back.
    pub(crate) fn heard(&self, nonce: &str) -> Option<String> {
        self.memory().heard.of(nonce).cloned()
    }

    /// Whether a message is known to be a part of another send.
    pub(crate) fn is_of_another(&self, message: &str, key: &str) -> bool {
        self.memory().spoken_for.of(message).is_some_and(|other| other != key)
    }

    /// Notes that somebody waits for the answer to a command.
    pub(crate) fn expect_answer(&self, channel: &str, interaction: &Interaction) {
        self.memory().commands.note(channel, interaction);
    }

    /// The command that a send answers: the one that it replies to, or else the oldest of its channel
    /// that still waits. Chosen by the first attempt and kept for the others.
    pub(crate) fn command_for(
        &self,
        key: &str,
        channel: &str,
        reply_to: Option<&str>,
    ) -> Option<Command> {
        let mut memory = self.memory();
        let Memory { attempts, commands, .. } = &mut *memory;
        let attempt = attempts.of_mut(key)?;
        if !std::mem::replace(&mut attempt.command_chosen, true) {
            attempt.command = commands.take(channel, reply_to);
        }
        attempt.command.clone()
    }

    /// The command takes no answer any more.
    pub(crate) fn give_command_up(&self, key: &str) {
        if let Some(attempt) = self.memory().attempts.of_mut(key) {
            attempt.command = None;
        }
    }

    /// Every stream with its newest stored message.
    pub(crate) fn cursors(&self) -> HashMap<String, u64> {
        self.memory().cursors.clone()
    }

    pub(crate) fn note_stored(&self, stream: &str, message: u64) {
        let mut memory = self.memory();
        match memory.cursors.get_mut(stream) {
            Some(newest) => *newest = message.max(*newest),
            None => drop(memory.cursors.insert(stream.to_owned(), message)),
        }
    }
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
