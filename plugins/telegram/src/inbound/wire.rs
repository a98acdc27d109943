//! The parts of the Bot API's updates that are read. Everything else, known or new, passes by.
//!
//! Only what an update cannot be without is required, so that a new shape of something else does
//! not cost a message.

use jackfield_plugin_api::serde_json::{self, Value};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

/// Something beside the words: where its shape is not the one that is known, it is left out.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    given: D,
) -> Result<T, D::Error> {
    Value::deserialize(given).map(|value| serde_json::from_value(value).unwrap_or_default())
}

#[derive(Deserialize)]
pub(crate) struct Update {
    pub(crate) update_id: i64,
    pub(crate) message: Option<Message>,
    pub(crate) edited_message: Option<Message>,
    pub(crate) channel_post: Option<Message>,
    pub(crate) edited_channel_post: Option<Message>,
    pub(crate) callback_query: Option<Callback>,
    pub(crate) message_reaction: Option<ReactionChange>,
    pub(crate) my_chat_member: Option<MemberChange>,
}

#[derive(Deserialize)]
pub(crate) struct Chat {
    pub(crate) id: i64,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    pub(crate) title: Option<String>,
    pub(crate) username: Option<String>,
    #[serde(default)]
    pub(crate) is_forum: bool,
}

#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    #[serde(default)]
    pub(crate) is_bot: bool,
    #[serde(default)]
    pub(crate) first_name: String,
    pub(crate) last_name: Option<String>,
    pub(crate) username: Option<String>,
}

impl User {
    /// First and last name.
    pub(crate) fn name(&self) -> String {
        match &self.last_name {
            Some(last) => format!("{} {last}", self.first_name),
            None => self.first_name.clone(),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Message {
    pub(crate) message_id: i64,
    #[serde(default)]
    pub(crate) date: i64,
    pub(crate) edit_date: Option<i64>,
    pub(crate) chat: Chat,
    pub(crate) from: Option<User>,
    pub(crate) sender_chat: Option<Chat>,
    pub(crate) message_thread_id: Option<i64>,
    #[serde(default)]
    pub(crate) is_topic_message: bool,
    pub(crate) text: Option<String>,
    pub(crate) caption: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) entities: Vec<Entity>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) caption_entities: Vec<Entity>,
    pub(crate) reply_to_message: Option<Box<Self>>,
    /// The answered message where it stands in another chat or topic.
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) external_reply: Option<ExternalReply>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) forward_origin: Option<Origin>,
    /// Brought from a channel into its discussion group by Telegram itself.
    #[serde(default)]
    pub(crate) is_automatic_forward: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) quote: Option<TextQuote>,
    pub(crate) media_group_id: Option<String>,
    #[serde(default)]
    pub(crate) photo: Vec<File>,
    pub(crate) document: Option<File>,
    pub(crate) video: Option<File>,
    pub(crate) animation: Option<File>,
    pub(crate) audio: Option<File>,
    pub(crate) voice: Option<File>,
    pub(crate) video_note: Option<File>,
    pub(crate) sticker: Option<File>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) location: Option<Location>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) venue: Option<Venue>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) contact: Option<Contact>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) poll: Option<Poll>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) dice: Option<Dice>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) checklist: Option<Checklist>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) paid_media: Option<PaidMedia>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) game: Option<Titled>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) invoice: Option<Titled>,
    pub(crate) story: Option<Value>,
    /// Begins a topic; every message in the topic that answers nothing answers this one.
    pub(crate) forum_topic_created: Option<Value>,
    pub(crate) migrate_to_chat_id: Option<i64>,
}

/// A stretch of text with a meaning; offsets count UTF-16.
#[derive(Deserialize)]
pub(crate) struct Entity {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) url: Option<String>,
    pub(crate) user: Option<User>,
    pub(crate) language: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct TextQuote {
    #[serde(default)]
    pub(crate) text: String,
}

/// Who said first what is forwarded, or answered from elsewhere.
#[derive(Deserialize)]
pub(crate) struct Origin {
    pub(crate) sender_user: Option<User>,
    /// Of people who do not want to be found.
    pub(crate) sender_user_name: Option<String>,
    sender_chat: Option<Chat>,
    chat: Option<Chat>,
}

impl Origin {
    /// The channel, or the group that somebody spoke in the name of.
    pub(crate) fn chat(&self) -> Option<&Chat> {
        self.chat.as_ref().or(self.sender_chat.as_ref())
    }
}

#[derive(Deserialize)]
pub(crate) struct ExternalReply {
    pub(crate) origin: Option<Origin>,
    pub(crate) chat: Option<Chat>,
    pub(crate) message_id: Option<i64>,
}

/// Any file: the kinds share these fields.
#[derive(Deserialize)]
pub(crate) struct File {
    pub(crate) file_id: String,
    pub(crate) file_size: Option<u64>,
    pub(crate) file_name: Option<String>,
    pub(crate) mime_type: Option<String>,
    #[serde(default)]
    pub(crate) width: u32,
    #[serde(default)]
    pub(crate) height: u32,
    /// A sticker's emoji.
    pub(crate) emoji: Option<String>,
    #[serde(default)]
    pub(crate) is_animated: bool,
    #[serde(default)]
    pub(crate) is_video: bool,
}

#[derive(Deserialize)]
pub(crate) struct Location {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

#[derive(Deserialize)]
pub(crate) struct Venue {
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) address: String,
}

#[derive(Deserialize)]
pub(crate) struct Contact {
    #[serde(default)]
    pub(crate) phone_number: String,
    #[serde(default)]
    pub(crate) first_name: String,
    pub(crate) last_name: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Poll {
    #[serde(default)]
    pub(crate) question: String,
    #[serde(default)]
    pub(crate) options: Vec<PollOption>,
}

#[derive(Deserialize)]
pub(crate) struct PollOption {
    #[serde(default)]
    pub(crate) text: String,
}

#[derive(Deserialize)]
pub(crate) struct Dice {
    #[serde(default)]
    pub(crate) emoji: String,
    #[serde(default)]
    pub(crate) value: i64,
}

#[derive(Deserialize)]
pub(crate) struct Checklist {
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) tasks: Vec<Task>,
}

#[derive(Deserialize)]
pub(crate) struct Task {
    #[serde(default)]
    pub(crate) text: String,
    pub(crate) completion_date: Option<i64>,
}

#[derive(Deserialize)]
pub(crate) struct PaidMedia {
    #[serde(default)]
    pub(crate) paid_media: Vec<PaidFile>,
}

/// What was paid for has its file; a preview has none.
#[derive(Deserialize)]
pub(crate) struct PaidFile {
    #[serde(default)]
    pub(crate) photo: Vec<File>,
    pub(crate) video: Option<File>,
}

/// What is known of it is its title.
#[derive(Deserialize)]
pub(crate) struct Titled {
    #[serde(default)]
    pub(crate) title: String,
}

#[derive(Deserialize)]
pub(crate) struct Callback {
    pub(crate) id: String,
    pub(crate) from: User,
    pub(crate) message: Option<Message>,
    pub(crate) data: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct ReactionChange {
    pub(crate) chat: Chat,
    pub(crate) message_id: i64,
    #[serde(default)]
    pub(crate) date: i64,
    pub(crate) user: Option<User>,
    pub(crate) actor_chat: Option<Chat>,
    #[serde(default)]
    pub(crate) old_reaction: Vec<Reaction>,
    #[serde(default)]
    pub(crate) new_reaction: Vec<Reaction>,
}

#[derive(Deserialize)]
pub(crate) struct Reaction {
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    pub(crate) emoji: Option<String>,
    pub(crate) custom_emoji_id: Option<String>,
}

/// The bot's own standing in a chat changed.
#[derive(Deserialize)]
pub(crate) struct MemberChange {
    pub(crate) chat: Chat,
    pub(crate) old_chat_member: Standing,
    pub(crate) new_chat_member: Standing,
}

#[derive(Deserialize)]
pub(crate) struct Standing {
    #[serde(default)]
    pub(crate) status: String,
}
