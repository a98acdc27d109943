//! Two questions the core asks beside sending: bring me the bytes of a file, and did that get out?
//!
//! A plugin answers them only if its `hello` names [`FEATURE_FETCH`] and [`FEATURE_RECONCILE`]; the
//! author's layer names both, with answers of its own for channels that write neither.
//!
//! Must not know: where the core keeps files, what it does with an answer.

use crate::{id::AccountId, outbound::Receipt};
use serde::{Deserialize, Serialize};

/// The plugin takes [`HostFrame::Fetch`](crate::frame::HostFrame::Fetch).
pub const FEATURE_FETCH: &str = "fetch";
/// The plugin takes [`HostFrame::Reconcile`](crate::frame::HostFrame::Reconcile).
pub const FEATURE_RECONCILE: &str = "reconcile";

/// Asks for the bytes behind [`Attachment::fetch`](crate::attachment::Attachment::fetch).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fetch {
    /// The account the file came to.
    pub account: AccountId,
    /// The handle, as the plugin gave it.
    pub handle: String,
    /// The file to write, absolute. It does not exist yet; its folder does, and both sides may use
    /// it.
    pub path: String,
    /// Most bytes the core takes: stop there and answer with a permanent `too_large`.
    pub bytes_max: u64,
}

/// The bytes are in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fetched {
    /// How many.
    pub bytes: u64,
    /// MIME type, where the platform names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// File name, where the platform names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What became of an attempt whose outcome was uncertain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Reconciled {
    /// It went out; the proof.
    Sent(Receipt),
    /// It provably did not: the core may try again.
    NotSent,
    /// The platform cannot tell, or this side does not know the answer. The core never sends again
    /// by itself.
    #[serde(other)]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_outcome_of_another_age_is_unknown() {
        let read = |value| serde_json::from_value::<Reconciled>(value).unwrap();
        let sent = json!({"is": "sent", "message": "7"});
        let receipt = Receipt { message: Some("7".into()), ..Receipt::default() };
        assert_eq!(read(sent.clone()), Reconciled::Sent(receipt.clone()));
        assert_eq!(serde_json::to_value(Reconciled::Sent(receipt)).unwrap(), sent);
        assert_eq!(read(json!({"is": "not_sent"})), Reconciled::NotSent);
        assert_eq!(read(json!({"is": "half_sent", "parts": 2})), Reconciled::Unknown);
    }
}
