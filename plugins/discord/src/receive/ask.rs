//! What must be asked of Discord before an event can be told: a channel that is new; after a
//! resumption, which tells of no server, the servers themselves; what a message hangs on.

use super::intake::Intake;
use crate::{
    client::Call,
    error::Failure,
    inbound::{
        self,
        wire::{Channel, Guild, Member, Message, User},
    },
    places::{Places, Spot},
};
use jackfield_plugin_api::{event::Quote, tracing};
use std::{borrow::Cow, time::Duration};

/// What only helps is waited for no longer.
const GLANCE: Duration = Duration::from_secs(4);
/// Threads whose beginning is remembered as told; all are forgotten when there are more.
const THREADS_MAX: usize = 10_000;

impl Intake {
    /// Where a channel belongs; Discord is asked about one that is new.
    pub(super) async fn spot(&self, channel: &str, guild: Option<&str>) -> Spot {
        if let Some(guild) = guild.filter(|guild| !self.bot.places().knows_server(guild)) {
            self.ask_server(guild).await;
        }
        if let Some(spot) = self.bot.places().spot(channel, guild) {
            return spot;
        }
        let Some(guild) = guild else { return Places::direct_spot(channel) };
        let call = Call::get(format!("channels/{channel}"));
        let asked: Result<Channel, Failure> = self.bot.rest.patiently(&call).await;
        let told = asked.unwrap_or_else(|failure| {
            tracing::warn!(%failure, channel, "Discord does not say what this channel is");
            Channel { id: channel.to_owned(), ..Channel::default() }
        });
        let mut places = self.bot.places();
        places.note(&told, Some(guild));
        places.spot(channel, Some(guild)).unwrap_or_else(|| Places::direct_spot(channel))
    }

    /// A message with the one that it answers, which Discord brings along only mostly.
    pub(super) async fn whole<'a>(&self, message: &'a Message) -> Cow<'a, Message> {
        let own = self.bot.identity().user;
        let of_us = message.author.as_ref().is_some_and(|author| author.id == own);
        let Some((channel, answered)) = inbound::missing(message).filter(|_| !of_us) else {
            return Cow::Borrowed(message);
        };
        match self.message_at(channel, answered).await {
            Some(answered) => {
                let referenced_message = Some(Box::new(answered));
                Cow::Owned(Message { referenced_message, ..message.clone() })
            }
            None => Cow::Borrowed(message),
        }
    }

    /// What a thread or post hangs on, told with its first message, and with the first that addresses
    /// us: whoever is asked there has not heard how it began.
    pub(super) async fn beginning(
        &mut self,
        spot: &Spot,
        message: &str,
        mentioned: bool,
    ) -> Option<Quote> {
        let thread = spot.place.thread.as_ref()?.as_str();
        if thread == message || self.begun.get(thread).is_some_and(|told| *told || !mentioned) {
            return None;
        }
        if self.begun.len() >= THREADS_MAX {
            self.begun.clear();
        }
        self.begun.insert(thread.to_owned(), mentioned);
        // A post begins with its own first message, another thread below a message of its channel;
        // both have the number of the thread.
        let channel = if spot.post.is_some() { thread } else { spot.place.conversation.as_str() };
        let first = self.message_at(channel, thread).await?;
        Some(self.seen(spot, |me| inbound::starter(&first, me)))
    }

    /// A message that helps to understand another, which does not wait for it long.
    async fn message_at(&self, channel: &str, message: &str) -> Option<Message> {
        let call = Call::get(format!("channels/{channel}/messages/{message}"));
        self.bot.rest.ask(&call, GLANCE).await.ok()
    }

    /// Learns of a server what its own event tells after a login. A server that does not answer is
    /// asked again when it speaks again; one that refuses is not.
    async fn ask_server(&self, id: &str) {
        let own = self.bot.identity().user;
        let rest = &self.bot.rest;
        let guild: Result<Guild, Failure> =
            rest.patiently(&Call::get(format!("guilds/{id}"))).await;
        let mut guild = match guild {
            Ok(guild) => guild,
            Err(failure) => {
                tracing::warn!(%failure, id, "Discord does not say what this server is");
                if failure.is_passing() {
                    return;
                }
                Guild { id: id.to_owned(), ..Guild::default() }
            }
        };
        let channels = Call::get(format!("guilds/{id}/channels"));
        guild.channels = rest.patiently::<Vec<Channel>>(&channels).await.unwrap_or_default();
        let call = Call::get(format!("guilds/{id}/members/{own}"));
        let member: Result<Member, Failure> = rest.patiently(&call).await;
        let user = Some(User { id: own.clone(), ..User::default() });
        guild.members.extend(member.ok().map(|member| Member { user, ..member }));
        self.bot.places().note_guild(&guild, &own);
    }
}
