//! The parts of Discord's payloads that are read. Lenient: what is missing is empty, what is unknown
//! is ignored, so that a change on Discord's side costs a field and never a message.

use jackfield_plugin_api::serde_json::{Value, value::RawValue};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// One frame of the gateway.
#[derive(Deserialize)]
pub(crate) struct Frame<'a> {
    pub(crate) op: u8,
    #[serde(default)]
    pub(crate) s: Option<u64>,
    #[serde(default)]
    pub(crate) t: Option<String>,
    #[serde(borrow, default)]
    pub(crate) d: Option<&'a RawValue>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) username: Option<String>,
    #[serde(default)]
    pub(crate) global_name: Option<String>,
    #[serde(default)]
    pub(crate) bot: bool,
    /// Discord itself speaks.
    #[serde(default)]
    pub(crate) system: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Member {
    #[serde(default)]
    pub(crate) user: Option<User>,
    #[serde(default)]
    pub(crate) nick: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) roles: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct File {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) filename: Option<String>,
    #[serde(default)]
    pub(crate) content_type: Option<String>,
    #[serde(default)]
    pub(crate) size: Option<u64>,
    #[serde(default)]
    pub(crate) url: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Reference {
    #[serde(default, rename = "type")]
    pub(crate) kind: u8,
    #[serde(default)]
    pub(crate) channel_id: Option<String>,
    #[serde(default)]
    pub(crate) message_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: String,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Snapshot {
    pub(crate) message: Content,
}

/// What a message says; a forwarded one has nothing more.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Content {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) content: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) attachments: Vec<File>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) sticker_items: Vec<Named>,
    #[serde(default)]
    pub(crate) poll: Option<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) embeds: Vec<Value>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) components: Vec<Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) channel_id: String,
    #[serde(default)]
    pub(crate) guild_id: Option<String>,
    #[serde(default)]
    pub(crate) author: Option<User>,
    #[serde(default)]
    pub(crate) webhook_id: Option<String>,
    #[serde(default)]
    pub(crate) member: Option<Member>,
    #[serde(default, rename = "type")]
    pub(crate) kind: u8,
    #[serde(flatten)]
    pub(crate) says: Content,
    #[serde(default)]
    pub(crate) edited_timestamp: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) mentions: Vec<User>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) mention_roles: Vec<String>,
    #[serde(default)]
    pub(crate) message_reference: Option<Reference>,
    #[serde(default)]
    pub(crate) referenced_message: Option<Box<Message>>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) message_snapshots: Vec<Snapshot>,
    #[serde(default)]
    pub(crate) nonce: Option<Value>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Channel {
    pub(crate) id: String,
    #[serde(default, rename = "type")]
    pub(crate) kind: u8,
    #[serde(default)]
    pub(crate) guild_id: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) parent_id: Option<String>,
    #[serde(default)]
    pub(crate) last_message_id: Option<String>,
    /// Who made a thread.
    #[serde(default)]
    pub(crate) owner_id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) flags: u64,
    /// What a forum's posts can be sorted under.
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) available_tags: Vec<Tag>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) recipients: Vec<User>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Tag {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    /// Only moderators may set it.
    #[serde(default)]
    pub(crate) moderated: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct RoleTags {
    #[serde(default)]
    pub(crate) bot_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) tags: RoleTags,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Guild {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) unavailable: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) channels: Vec<Channel>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) threads: Vec<Channel>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) members: Vec<Member>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) roles: Vec<Role>,
}

/// A role that came or changed, or (its number alone) one that went.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RoleChange {
    pub(crate) guild_id: String,
    #[serde(default)]
    pub(crate) role: Option<Role>,
    #[serde(default)]
    pub(crate) role_id: Option<String>,
}

/// What is told of a member: ourselves, for the others an intent would be needed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct MemberChange {
    pub(crate) guild_id: String,
    pub(crate) user: User,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) roles: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ThreadList {
    #[serde(default)]
    pub(crate) guild_id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) threads: Vec<Channel>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ready {
    pub(crate) user: User,
    #[serde(default)]
    pub(crate) application: Option<Id>,
    /// The servers whose channels are about to be told.
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) guilds: Vec<Id>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Deleted {
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) ids: Vec<String>,
    pub(crate) channel_id: String,
    #[serde(default)]
    pub(crate) guild_id: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Emoji {
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reaction {
    pub(crate) user_id: String,
    pub(crate) channel_id: String,
    pub(crate) message_id: String,
    #[serde(default)]
    pub(crate) guild_id: Option<String>,
    #[serde(default)]
    pub(crate) member: Option<Member>,
    pub(crate) emoji: Emoji,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Interaction {
    pub(crate) id: String,
    pub(crate) application_id: String,
    #[serde(rename = "type")]
    pub(crate) kind: u8,
    #[serde(default)]
    pub(crate) data: Value,
    #[serde(default)]
    pub(crate) guild_id: Option<String>,
    #[serde(default)]
    pub(crate) channel_id: Option<String>,
    #[serde(default)]
    pub(crate) member: Option<Member>,
    #[serde(default)]
    pub(crate) user: Option<User>,
    pub(crate) token: String,
    #[serde(default)]
    pub(crate) message: Option<Id>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Id {
    pub(crate) id: String,
}

/// A command of the application's.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Command {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
}

impl Command {
    /// What commands of ours say of themselves.
    pub(crate) const DESCRIPTION: &str = "Ask the assistant";

    /// Whether it is one of ours; an application may have others, which are not touched.
    pub(crate) fn asks(&self) -> bool {
        self.description == Self::DESCRIPTION
    }
}

/// What `GET /applications/@me` tells of the intents that were switched on.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Application {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) flags: u64,
}

/// What `GET /gateway/bot` tells: where the gateway is, and how often a new login is allowed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct GatewayBot {
    #[serde(default)]
    pub(crate) url: Option<String>,
    #[serde(rename = "session_start_limit")]
    pub(crate) logins: LoginLimit,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct LoginLimit {
    pub(crate) total: u32,
    pub(crate) remaining: u32,
    /// Milliseconds.
    pub(crate) reset_after: u64,
    pub(crate) max_concurrency: u16,
}

/// Null is the same as nothing.
fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Reads a list and leaves out what does not fit; null is an empty list.
fn lenient<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let list = Option::<Vec<Value>>::deserialize(deserializer)?.unwrap_or_default();
    let read = jackfield_plugin_api::serde_json::from_value;
    Ok(list.into_iter().filter_map(|item| read(item).ok()).collect())
}
