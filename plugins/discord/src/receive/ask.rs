//! What must be asked of Discord before an event can be placed: a channel that is new, and after a
//! resumption, which tells of no server, the servers themselves.

use super::intake::Intake;
use crate::{
    client::Call,
    error::Failure,
    inbound::wire::{Channel, Guild, Member, User},
    places::{Places, Spot},
};
use jackfield_plugin_api::tracing;

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
