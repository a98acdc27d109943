//! What is known of channels, threads and servers, as Discord told it. Pure.
//!
//! A thread of Discord's is a channel of its own; to the gateway it is a thread of the channel it
//! hangs below, so that a rule for a channel holds in its threads and in the posts of a forum.
//!
//! Full case: a bot that sees more channels than fit forgets them all and asks again for those that
//! speak.

mod servers;

use crate::inbound::wire::{Channel, Guild, MemberChange, RoleChange, Tag};
use jackfield_plugin_api::event::{ConversationKind, Place};
use servers::Server;
use std::collections::HashMap;

const CHANNELS_MAX: usize = 20_000;
const DIRECT_MAX: usize = 10_000;
/// The part of a cursor's stream that says "no server".
pub(crate) const DIRECT: &str = "dm";

/// Of a forum: each post must have a tag.
const REQUIRE_TAG: u64 = 1 << 4;
/// A channel whose messages can be followed elsewhere; its threads are of a kind of their own.
const ANNOUNCEMENTS: u8 = 5;

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
    pub(crate) guild: Option<String>,
    pub(crate) announcements: bool,
    parent: Option<String>,
    name: Option<String>,
    /// What a forum's posts can be sorted under.
    tags: Vec<Tag>,
    tag_needed: bool,
}

impl Known {
    /// The number of a forum's tag, from its number or its name.
    pub(crate) fn tag(&self, wanted: &str) -> Option<&str> {
        let named = |tag: &&Tag| tag.id == wanted || tag.name.eq_ignore_ascii_case(wanted);
        self.tags.iter().find(named).map(|tag| tag.id.as_str())
    }

    /// The tag of a post that names none, where there must be one: the first that a bot may set.
    pub(crate) fn usual_tag(&self) -> Option<&str> {
        let free = self.tags.iter().find(|tag| !tag.moderated).filter(|_| self.tag_needed);
        free.map(|tag| tag.id.as_str())
    }
}

/// Where an event belongs: to the gateway, and in the stream of cursors.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spot {
    pub(crate) place: Place,
    pub(crate) stream: String,
    pub(crate) guild: Option<String>,
    /// The title, where it is a forum's post.
    pub(crate) post: Option<String>,
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
            announcements: channel.kind == ANNOUNCEMENTS,
            parent: channel.parent_id.clone(),
            name: channel.name.clone(),
            tags: channel.available_tags.clone(),
            tag_needed: channel.flags & REQUIRE_TAG != 0,
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
        self.servers.insert(guild.id.clone(), Server::new(guild, own));
    }

    /// Whether a server told of itself; after a mere resumption none does.
    pub(crate) fn knows_server(&self, guild: &str) -> bool {
        self.servers.contains_key(guild)
    }

    /// Whether the bot is in no server at all.
    pub(crate) fn are_empty(&self) -> bool {
        self.servers.is_empty()
    }

    /// A role of a server came, changed or went.
    pub(crate) fn note_role(&mut self, change: RoleChange, own: &str) {
        if let Some(server) = self.servers.get_mut(&change.guild_id) {
            server.note_role(change, own);
        }
    }

    /// The bot got other roles in a server.
    pub(crate) fn note_member(&mut self, change: MemberChange, own: &str) {
        let server = self.servers.get_mut(&change.guild_id);
        if let Some(server) = server.filter(|_| change.user.id == own) {
            server.note_own(change.roles);
        }
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
        server.map_or(&[], Server::own_roles)
    }

    /// A role's name, for texts that mention it.
    pub(crate) fn role_name(&self, guild: Option<&str>, role: &str) -> Option<&str> {
        self.servers.get(guild?)?.role_name(role)
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
        let name = self.servers.get(guild).and_then(Server::name);
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
        let of_forum = self.channels.get(conversation).is_some_and(|c| c.kind == Kind::Forum);
        let post = thread.filter(|_| of_forum).and_then(|thread| self.name(thread));
        Some(Spot {
            post: post.map(str::to_owned),
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
            post: None,
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
    use jackfield_plugin_api::{
        event::ConversationKind,
        serde_json::{from_value, json},
    };

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
        let guild = Some("197038439483310086");
        assert_eq!(places.role_name(guild, "41771983423143940"), Some("Other bot"));
        places.forget_guild("197038439483310086");
        assert!(places.are_empty());
        assert_eq!(places.spot("41771983423143937", Some("197038439483310086")), None);
    }

    #[test]
    fn a_forum_that_wants_a_tag_gets_the_first_that_anybody_may_set() {
        let mut places = Places::default();
        let forum = json!({"id": "1", "type": 15, "flags": 16, "available_tags": [
            {"id": "7", "name": "Solved", "moderated": true}, {"id": "8", "name": "Question"},
        ]});
        places.note(&from_value(forum).unwrap(), Some("9"));
        let known = places.known("1").unwrap();
        assert_eq!((known.usual_tag(), known.tag("solved")), (Some("8"), Some("7")));
        places.note(&from_value(json!({"id": "2", "type": 15})).unwrap(), Some("9"));
        assert_eq!(places.known("2").unwrap().usual_tag(), None);
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
