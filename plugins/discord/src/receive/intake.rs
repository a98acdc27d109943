//! From the queue to the gateway's store: each event is converted, offered, and offered again in the
//! same order while the gateway does not take it.
//!
//! Offers of up to a batch are open at once; the gateway keeps the order within a conversation and
//! stores others side by side. A login that is not a continuation leaves gaps, which `gap` fills
//! before any newer event of the same server is offered.

use super::{Phase, gap::Gap};
use crate::{
    account::Bot,
    client::Call,
    error::Failure,
    inbound::{self, Me, wire},
    places::{Places, Spot},
};
use futures_util::future::join_all;
use jackfield_plugin_api::{
    event::Event,
    frame::{Accepted, Cursor},
    serde_json::{self, Value},
    tokio::{
        self,
        sync::{mpsc, watch},
        time::sleep,
    },
    tracing,
};
use serde::de::DeserializeOwned;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Offers that are open at once.
pub(super) const BATCH: usize = 30;
const REFUSED_PAUSE: Duration = Duration::from_millis(250);
const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(10);

/// Something from the socket, in the order in which it came.
pub(super) enum Item {
    /// A login that continues nothing.
    LoggedIn(wire::Ready),
    /// A dispatch, its data unread; `origin` is the same when it is repeated.
    Event { kind: String, data: String, origin: String },
}

/// An event ready to be offered.
#[derive(Clone)]
pub(super) struct Offer {
    pub(super) key: String,
    pub(super) cursor: Option<Cursor>,
    pub(super) event: Event,
}

/// The gateway takes nothing any more, or we are to end with events that it did not take.
pub(super) struct Over;

/// Whether a dispatch is of any use here.
pub(super) fn wanted(kind: &str) -> bool {
    matches!(
        kind,
        "MESSAGE_CREATE"
            | "MESSAGE_UPDATE"
            | "MESSAGE_DELETE"
            | "MESSAGE_DELETE_BULK"
            | "MESSAGE_REACTION_ADD"
            | "MESSAGE_REACTION_REMOVE"
            | "INTERACTION_CREATE"
            | "GUILD_CREATE"
            | "GUILD_DELETE"
            | "GUILD_MEMBER_UPDATE"
            | "GUILD_ROLE_CREATE"
            | "GUILD_ROLE_UPDATE"
            | "GUILD_ROLE_DELETE"
            | "CHANNEL_CREATE"
            | "CHANNEL_UPDATE"
            | "CHANNEL_DELETE"
            | "THREAD_CREATE"
            | "THREAD_UPDATE"
            | "THREAD_DELETE"
            | "THREAD_LIST_SYNC"
    )
}

/// Works the queue off until the socket's side of it is gone.
pub(super) async fn carry(
    bot: Arc<Bot>,
    mut queue: mpsc::Receiver<Item>,
    phase: watch::Receiver<Phase>,
) {
    let mut intake = Intake { bot, begun: HashMap::new(), phase, gap: Gap::default() };
    while let Some(first) = queue.recv().await {
        let mut offers = Vec::new();
        let mut next = Some(first);
        while let Some(item) = next {
            if intake.work(item, &mut offers).await.is_err() {
                return intake.lose();
            }
            next = if offers.len() < BATCH { queue.try_recv().ok() } else { None };
        }
        if intake.offer(offers).await.is_err() {
            return intake.lose();
        }
    }
}

pub(super) struct Intake {
    pub(super) bot: Arc<Bot>,
    /// Threads whose beginning was told, and whether to somebody who addressed us.
    pub(super) begun: HashMap<String, bool>,
    phase: watch::Receiver<Phase>,
    gap: Gap,
}

impl Intake {
    /// Events were read that the gateway did not store: a resumed session would not repeat them.
    fn lose(&self) {
        self.bot.set_lost(true);
    }

    async fn work(&mut self, item: Item, offers: &mut Vec<Offer>) -> Result<(), Over> {
        match item {
            Item::LoggedIn(ready) => {
                self.offer(std::mem::take(offers)).await?;
                self.gap = Gap::open(&self.bot.cursors(), &ready);
                let (direct, mut gap) = (self.gap.direct(), std::mem::take(&mut self.gap));
                gap.fill(self, direct).await?;
                self.gap = gap;
                Ok(())
            }
            Item::Event { kind, data, .. } if kind == "GUILD_CREATE" => {
                let Some(guild) = read::<wire::Guild>(&kind, &data) else { return Ok(()) };
                if guild.unavailable {
                    return Ok(());
                }
                let own = self.bot.identity().user;
                let first = {
                    let mut places = self.bot.places();
                    let first = places.are_empty();
                    places.note_guild(&guild, &own);
                    first
                };
                if first {
                    self.bot.invited().await;
                }
                let missed = self.gap.of_guild(&guild);
                if missed.is_empty() {
                    return Ok(());
                }
                self.offer(std::mem::take(offers)).await?;
                let mut gap = std::mem::take(&mut self.gap);
                gap.fill(self, missed).await?;
                self.gap = gap;
                Ok(())
            }
            Item::Event { kind, data, origin } => {
                self.convert(&kind, &data, &origin, offers).await;
                Ok(())
            }
        }
    }

    async fn convert(&mut self, kind: &str, data: &str, origin: &str, offers: &mut Vec<Offer>) {
        match kind {
            "MESSAGE_CREATE" => {
                let Some(message) = read::<wire::Message>(kind, data) else { return };
                offers.extend(self.message(&message, message.guild_id.as_deref()).await);
            }
            "MESSAGE_UPDATE" => offers.extend(self.edited(data).await),
            "MESSAGE_DELETE" | "MESSAGE_DELETE_BULK" => {
                let Some(deleted) = read::<wire::Deleted>(kind, data) else { return };
                let spot = self.spot(&deleted.channel_id, deleted.guild_id.as_deref()).await;
                let gone = deleted.ids.iter().chain(&deleted.id);
                offers.extend(gone.filter_map(|message| self.deleted(message, &spot)));
            }
            "MESSAGE_REACTION_ADD" | "MESSAGE_REACTION_REMOVE" => {
                let Some(reaction) = read::<wire::Reaction>(kind, data) else { return };
                let own = self.bot.identity().user;
                // Our own come back as an echo and say nothing.
                if reaction.user_id == own {
                    return;
                }
                let spot = self.spot(&reaction.channel_id, reaction.guild_id.as_deref()).await;
                let added = kind == "MESSAGE_REACTION_ADD";
                let event = inbound::reaction(&reaction, &spot, &own, added);
                offers.push(Offer { key: format!("r:{origin}"), cursor: None, event });
            }
            "INTERACTION_CREATE" => {
                let Some(interaction) = read::<wire::Interaction>(kind, data) else { return };
                let Some(channel) = &interaction.channel_id else { return };
                let spot = self.spot(channel, interaction.guild_id.as_deref()).await;
                let own = self.bot.identity().user;
                let key = format!("i:{}", interaction.id);
                let command = self.bot.settings.slash_command.as_deref();
                let asked = command.and_then(|c| inbound::question(&interaction, &spot, &own, c));
                let event = asked.or_else(|| inbound::action(&interaction, &spot, &own));
                offers.extend(event.map(|event| Offer { key, cursor: None, event }));
            }
            _ => {
                let own = self.bot.identity().user;
                note_place(&mut self.bot.places(), kind, data, &own);
            }
        }
    }

    /// A new message; it moves the cursor of its channel.
    pub(super) async fn message(
        &mut self,
        message: &wire::Message,
        guild: Option<&str>,
    ) -> Option<Offer> {
        let spot = self.spot(&message.channel_id, guild).await;
        if let Some(author) = &message.author {
            if author.id == self.bot.identity().user
                && let Some(nonce) = message.nonce.as_ref().and_then(Value::as_str)
            {
                self.bot.note_heard(nonce, &message.id);
            }
            self.bot.note_author(&message.id, author);
            if spot.guild.is_none() && author.id != self.bot.identity().user {
                self.bot.places().note_direct(&author.id, &message.channel_id);
            }
        }
        let whole = self.whole(message).await;
        let mut event = self.seen(&spot, |me| inbound::message(&whole, &spot, me))?;
        if event.reply_to.is_none() && !event.sender.own {
            event.reply_to = self.beginning(&spot, &message.id, event.mentioned).await;
        }
        Some(Offer {
            key: format!("m:{}", message.id),
            cursor: Some(Cursor { stream: spot.stream, value: message.id.clone() }),
            event: Event::Message(event),
        })
    }

    async fn edited(&self, data: &str) -> Option<Offer> {
        let raw: Value = read("MESSAGE_UPDATE", data)?;
        let mut message: wire::Message = read("MESSAGE_UPDATE", data)?;
        let edited = message.edited_timestamp.clone()?;
        let spot = self.spot(&message.channel_id, message.guild_id.as_deref()).await;
        if !inbound::is_whole(&message, &raw) {
            let path = format!("channels/{}/messages/{}", message.channel_id, message.id);
            let fetched: Result<wire::Message, Failure> =
                self.bot.rest.patiently(&Call::get(path)).await;
            message = fetched
                .inspect_err(
                    |failure| tracing::warn!(%failure, "an edited message is out of reach"),
                )
                .ok()?;
        }
        let own = self.bot.identity().user;
        // Ours are edited all the time while an answer is being written.
        if message.author.as_ref().is_some_and(|author| author.id == own) {
            return None;
        }
        let event = self.seen(&spot, |me| inbound::edited(&message, &spot, me))?;
        Some(Offer { key: format!("e:{}:{edited}", message.id), cursor: None, event })
    }

    /// Discord says what is gone, not whose it was: only messages that were seen can be told.
    fn deleted(&self, message: &str, spot: &Spot) -> Option<Offer> {
        let author = self.bot.author(message)?;
        let own = self.bot.identity().user;
        let event = Event::Deleted {
            place: spot.place.clone(),
            sender: inbound::sender(&author, None, &own),
            message: message.into(),
        };
        Some(Offer { key: format!("d:{message}"), cursor: None, event })
    }

    pub(super) fn seen<T>(&self, spot: &Spot, make: impl FnOnce(Me<'_>) -> T) -> T {
        let identity = self.bot.identity();
        let places = self.bot.places();
        let name = |id: &str| places.name(id).map(str::to_owned);
        let guild = spot.guild.as_deref();
        let role = |id: &str| places.role_name(guild, id).map(str::to_owned);
        let roles = places.own_roles(guild);
        make(Me { id: &identity.user, roles, channel_name: &name, role_name: &role })
    }

    /// Offers until everything is stored.
    pub(super) async fn offer(&mut self, mut offers: Vec<Offer>) -> Result<(), Over> {
        let mut pause = REFUSED_PAUSE;
        loop {
            let account = &self.bot.account;
            let open = offers.iter().cloned();
            let open = open.map(|offer| account.emit(offer.key, offer.cursor, offer.event));
            let answers = join_all(open).await;
            let mut refused = Vec::new();
            for (offer, answer) in offers.into_iter().zip(answers) {
                match answer.map_err(|_| Over)? {
                    Accepted::Stored | Accepted::Duplicate => self.note_stored(&offer),
                    _ => refused.push(offer),
                }
            }
            if refused.is_empty() {
                return Ok(());
            }
            offers = refused;
            tokio::select! {
                _ = self.phase.wait_for(|phase| *phase != Phase::Open) => return Err(Over),
                () = sleep(pause) => pause = (2 * pause).min(REFUSED_PAUSE_MAX),
            }
        }
    }

    fn note_stored(&self, offer: &Offer) {
        let Some(Cursor { stream, value }) = &offer.cursor else { return };
        if let Ok(message) = value.parse() {
            self.bot.note_stored(stream, message);
        }
    }
}

/// A payload that does not fit is dropped with a word, and holds nothing up.
fn read<T: DeserializeOwned>(kind: &str, data: &str) -> Option<T> {
    serde_json::from_str(data)
        .inspect_err(|error| tracing::warn!(kind, line = error.line(), "unreadable event"))
        .ok()
}

fn note_place(places: &mut Places, kind: &str, data: &str, own: &str) {
    match kind {
        "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" | "GUILD_ROLE_DELETE" => {
            if let Some(change) = read(kind, data) {
                places.note_role(change, own);
            }
        }
        "GUILD_MEMBER_UPDATE" => {
            if let Some(change) = read(kind, data) {
                places.note_member(change, own);
            }
        }
        "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE" => {
            if let Some(channel) = read::<wire::Channel>(kind, data) {
                places.note(&channel, None);
            }
        }
        "CHANNEL_DELETE" | "THREAD_DELETE" => {
            if let Some(channel) = read::<wire::Id>(kind, data) {
                places.forget(&channel.id);
            }
        }
        "THREAD_LIST_SYNC" => {
            if let Some(list) = read::<wire::ThreadList>(kind, data) {
                for thread in &list.threads {
                    places.note(thread, Some(&list.guild_id));
                }
            }
        }
        "GUILD_DELETE" => {
            // Unavailable is an outage, not a farewell.
            if let Some(guild) = read::<wire::Guild>(kind, data).filter(|guild| !guild.unavailable)
            {
                places.forget_guild(&guild.id);
            }
        }
        _ => {}
    }
}
