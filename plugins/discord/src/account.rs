//! What the tasks of one bot share: who it is, where its link stands, what it remembers for a while.
//!
//! Everything remembered is bounded: when a list is full its oldest entry goes.

mod echo;
mod recent;

pub(crate) use echo::{ECHO_LOOK, Echo};

use crate::{
    client::Rest,
    config::Settings,
    inbound::wire::{Interaction, User},
    places::Places,
};
use jackfield_plugin_api::{
    Account, PluginError,
    link::LinkState,
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
    time::Duration,
};

const AUTHORS_MAX: usize = 4096;
const ATTEMPTS_MAX: usize = 1024;
const COMMANDS_MAX: usize = 256;
/// Discord takes an answer to a command for a quarter of an hour.
const COMMAND_LIFE: Duration = Duration::from_mins(14);

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

/// A command that somebody waits for an answer to.
#[derive(Clone)]
pub(crate) struct Command {
    pub(crate) application: String,
    /// Answers are signed with it; never print it.
    pub(crate) token: String,
    until: Instant,
}

/// What is known of a send, for when it must be repeated or looked for.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) first: Instant,
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
    /// Channel → the commands used there, oldest first.
    commands: Recent<Vec<Command>>,
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
            commands: Recent::new(COMMANDS_MAX),
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
            self.account.connected_as(format!("{name} ({user})")).await;
        } else {
            self.account.link(state, detail).await;
        }
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
        if let Some(attempt) = self.memory().attempts.of_mut(key) {
            attempt.parts.insert(nonce.to_owned(), message.to_owned());
        }
    }

    /// Notes that somebody waits for the answer to a command.
    pub(crate) fn expect_answer(&self, channel: &str, interaction: &Interaction) {
        let command = Command {
            application: interaction.application_id.clone(),
            token: interaction.token.clone(),
            until: Instant::now() + COMMAND_LIFE,
        };
        let mut memory = self.memory();
        match memory.commands.of_mut(channel) {
            Some(waiting) => waiting.push(command),
            None => memory.commands.put(channel, vec![command]),
        }
    }

    /// The command that a send answers: the oldest of its channel that still waits, chosen by the first
    /// attempt and kept for the others.
    pub(crate) fn command_for(&self, key: &str, channel: &str) -> Option<Command> {
        let mut memory = self.memory();
        let Memory { attempts, commands, .. } = &mut *memory;
        let attempt = attempts.of_mut(key)?;
        if !std::mem::replace(&mut attempt.command_chosen, true) {
            attempt.command = commands.of_mut(channel).and_then(|waiting| {
                waiting.retain(|command| command.until > Instant::now());
                (!waiting.is_empty()).then(|| waiting.remove(0))
            });
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
