//! The state of an account's live tie to its platform.
//!
//! Link state is the platform's life; whether the plugin's code runs is another matter and is the
//! host's to know.

use crate::id::AccountId;
use serde::{Deserialize, Serialize};

/// Where the tie of one account stands. `Connected` means that messages flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// First attempt, nothing known yet.
    Connecting,
    /// Proved to carry messages.
    Connected,
    /// Lost; another attempt is scheduled.
    Retrying,
    /// A person must act: scan a code, open a link, give a new token.
    NeedsLogin,
    /// The platform ended this login for good.
    LoggedOut,
    /// Stopped on purpose.
    Stopped,
    /// A state this side does not know; treat it as not connected.
    #[serde(other)]
    Unknown,
}

/// Report of one account's link, sent whenever it changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LinkReport {
    /// The account.
    pub account: AccountId,
    /// Its state now.
    pub state: LinkState,
    /// One line for people: who is logged in, where it listens, why it is retrying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Who this account is on its platform, where known (a bot's user name, a phone number).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
}
