//! The way back to a conversation, as its row keeps it: the channel, the target, and who wrote last.
//!
//! What goes out unasked, such as the answer of a job, takes it only while the gate would still let
//! that person in: who was taken from a list hears nothing more by accident. A target that somebody
//! names is their own decision and is not asked here. Must not know: who asks for a way.

use super::{Messages, access, pairing};
use crate::store::StoreError;
use jackfield_plugin_api::{
    event::{ConversationKind, Place, Sender},
    outbound::Target,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The channel.
    pub channel: String,
    /// The place on it.
    pub to: Target,
    /// Who wrote there last.
    #[serde(default)]
    pub from: Option<String>,
}

impl Route {
    /// Reads what a conversation's row keeps.
    #[must_use]
    pub fn read(kept: &Value) -> Option<Self> {
        serde_json::from_value(kept.clone()).ok()
    }
}

impl Messages {
    /// Whether who is at the end of this way may still write from there.
    ///
    /// # Errors
    /// The store's.
    pub async fn still_admits(&self, route: &Route) -> Result<bool, StoreError> {
        let policy = self.pipe.policy(&route.channel).into_owned();
        let Route { channel, to, from } = route.clone();
        let place = Place {
            kind: to.kind.unwrap_or(ConversationKind::Direct),
            title: None,
            thread: to.thread,
            conversation: to.conversation,
        };
        // Rows of before know no sender; a direct chat is then named after its person.
        let id = from.unwrap_or_else(|| place.conversation.as_str().to_owned());
        let who =
            Sender { id: id.as_str().into(), name: None, username: None, bot: false, own: false };
        let asked = self.pipe.store.read(move |c| {
            let approved = |id: &jackfield_plugin_api::id::SenderId| {
                pairing::is_approved(c, &channel, to.account.as_str(), id.as_str())
            };
            access::refuses(&policy, approved, &place, &who)
        });
        Ok(asked.await?.is_none())
    }
}
