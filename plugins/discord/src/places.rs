//! What is known of channels, threads and servers, as Discord told it. Pure.
//!
//! A thread of Discord's is a channel of its own; to the gateway it is a thread of the channel it
//! hangs below, so that a rule for a channel holds in its threads and in the posts of a forum.
//!
//! Full case: a bot that sees more channels than fit forgets them all and asks again for those that
//! speak.

use crate::inbound::wire::{Channel, Guild};
use jackfield_plugin_api::event::{ConversationKind, Place};
use std::collections::HashMap;

const CHANNELS_MAX: usize = 20_000;
const DIRECT_MAX: usize = 10_000;
/// The part of a cursor's stream that says "no server".
pub(crate) const DIRECT: &str = "dm";

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Direct,
    Text,
    Thread,
    /// Holds posts, which are threads, and no messages.
    Forum,
}

/// A channel as it is remembered.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) kind: Kind,
    guild: Option<String>,
    parent: Option<String>,
    name: Option<String>,
}

/// Where an event belongs: to the gateway, and in the stream of cursors.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spot {
    pub(crate) place: Place,
    pub(crate) stream: String,
    pub(crate) guild: Option<String>,
}

#[derive(Default)]
struct Server {
    name: Option<String>,
    own_roles: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Places {
    channels: HashMap<String, Known>,
    servers: HashMap<String, Server>,
    /// Person → the direct chat with them.
    direct: HashMap<String, String>,
}

impl Places {
    /// Notes a channel; `guild` where the payload stands in a server's.
    pub(crate) fn note(&mut self, channel: &Channel, guild: Option<&str>) {
        let kind = match channel.kind {
            4 => return, // a heading
            1 | 3 => Kind::Direct,
            10..=12 => Kind::Thread,
            15 | 16 => Kind::Forum,
            _ => Kind::Text,
        };
        if self.channels.len() >= CHANNELS_MAX && !self.channels.contains_key(&channel.id) {
            self.channels.clear();
        }
        let known = Known {
            kind,
            guild: channel.guild_id.clone().or_else(|| guild.map(str::to_owned)),
            parent: channel.parent_id.clone(),
            name: channel.name.clone(),
        };
        self.channels.insert(channel.id.clone(), known);
        if let (1, [person]) = (channel.kind, &channel.recipients[..]) {
            self.note_direct(&person.id, &channel.id);
        }
    }

    /// Notes which channel is the direct chat with a person.
    pub(crate) fn note_direct(&mut self, person: &str, channel: &str) {
        if self.direct.len() >= DIRECT_MAX {
            self.direct.clear();
        }
        self.direct.insert(person.to_owned(), channel.to_owned());
    }

    /// Notes a server with its channels; `own` is the bot.
    pub(crate) fn note_guild(&mut self, guild: &Guild, own: &str) {
        for channel in guild.channels.iter().chain(&guild.threads) {
            self.note(channel, Some(&guild.id));
        }
        let of_bot = guild.roles.iter().filter(|role| role.tags.bot_id.as_deref() == Some(own));
        let mut own_roles: Vec<String> = of_bot.map(|role| role.id.clone()).collect();
        for member in &guild.members {
            if member.user.as_ref().is_some_and(|user| user.id == own) {
                own_roles.extend(member.roles.iter().cloned());
            }
        }
        self.servers.insert(guild.id.clone(), Server { name: guild.name.clone(), own_roles });
    }

    pub(crate) fn forget(&mut self, channel: &str) {
        self.channels.remove(channel);
    }

    pub(crate) fn forget_guild(&mut self, guild: &str) {
        self.servers.remove(guild);
        self.channels.retain(|_, known| known.guild.as_deref() != Some(guild));
    }

    pub(crate) fn known(&self, channel: &str) -> Option<&Known> {
        self.channels.get(channel)
    }

    pub(crate) fn direct(&self, person: &str) -> Option<String> {
        self.direct.get(person).cloned()
    }

    /// The roles that the bot has in a server.
    pub(crate) fn own_roles(&self, guild: Option<&str>) -> &[String] {
        let server = guild.and_then(|guild| self.servers.get(guild));
        server.map_or(&[], |server| &server.own_roles)
    }

    /// A channel's name, for texts that mention it.
    pub(crate) fn name(&self, channel: &str) -> Option<&str> {
        self.channels.get(channel)?.name.as_deref()
    }

    /// Where something in `channel` belongs; `None` when the channel must be asked for first. Without
    /// a server it is a direct chat, whatever it is called.
    pub(crate) fn spot(&self, channel: &str, guild: Option<&str>) -> Option<Spot> {
        let known = self.channels.get(channel);
        let guild = guild.or_else(|| known.and_then(|known| known.guild.as_deref()));
        let Some(guild) = guild else {
            let direct = known.is_some_and(|known| known.kind == Kind::Direct);
            return direct.then(|| Self::direct_spot(channel));
        };
        let known = known?;
        let name = self.servers.get(guild).and_then(|server| server.name.as_deref());
        let (conversation, thread) = match (&known.kind, &known.parent) {
            (Kind::Thread, Some(parent)) => (parent.as_str(), Some(channel)),
            _ => (channel, None),
        };
        let title = [
            name.map(str::to_owned),
            self.name(conversation).map(|name| format!("#{name}")),
            thread.and_then(|thread| self.name(thread)).map(|name| format!("› {name}")),
        ];
        let title = title.into_iter().flatten().collect::<Vec<_>>().join(" ");
        Some(Spot {
            place: Place {
                conversation: conversation.into(),
                kind: ConversationKind::Channel,
                title: (!title.is_empty()).then_some(title),
                thread: thread.map(Into::into),
            },
            stream: format!("{guild}/{channel}"),
            guild: Some(guild.to_owned()),
        })
    }

    /// The place of a direct chat.
    pub(crate) fn direct_spot(channel: &str) -> Spot {
        Spot {
            place: Place {
                conversation: channel.into(),
                kind: ConversationKind::Direct,
                title: None,
                thread: None,
            },
            stream: format!("{DIRECT}/{channel}"),
            guild: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Places};
    use crate::tests::fixture;
    use jackfield_plugin_api::event::ConversationKind;

    #[test]
    fn a_server_tells_of_its_channels_threads_and_the_bots_roles() {
        let mut places = Places::default();
        places.note_guild(&fixture("guild_create"), "80351110224678912");
        assert_eq!(places.own_roles(Some("197038439483310086")), ["41771983423143936", "5"]);
        let spot = places.spot("41771983423143937", Some("197038439483310086")).unwrap();
        assert_eq!(spot.place.title.as_deref(), Some("Discord Testers #general"));
        assert_eq!(spot.stream, "197038439483310086/41771983423143937");
        let post = places.spot("1045000000000000010", None).unwrap().place;
        assert_eq!(post.conversation.as_str(), "1045000000000000001");
        assert_eq!(post.thread.unwrap().as_str(), "1045000000000000010");
        assert_eq!(post.title.as_deref(), Some("Discord Testers #help › My first post"));
        assert_eq!(places.known("1045000000000000001").unwrap().kind, Kind::Forum);
        assert!(places.known("41771983423143900").is_none(), "a heading is no channel");
        places.forget_guild("197038439483310086");
        assert_eq!(places.spot("41771983423143937", Some("197038439483310086")), None);
    }

    #[test]
    fn a_direct_chat_is_found_by_its_person() {
        let mut places = Places::default();
        assert_eq!(places.spot("319674150115610528", None), None);
        places.note(&fixture("channel_dm"), None);
        let spot = places.spot("319674150115610528", None).unwrap();
        assert_eq!((spot.place.kind, spot.guild), (ConversationKind::Direct, None));
        assert_eq!(places.direct("82198898841029460").as_deref(), Some("319674150115610528"));
    }
}
