//! Ids that cross the boundary, each a newtype with its scope and uniqueness.
//!
//! Must not know: what any platform's id looks like; the core treats every one as opaque text.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as the platform wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<T: Into<String>> From<T> for $name {
            fn from(text: T) -> Self {
                Self(text.into())
            }
        }
    };
}

id!(
    /// A configured login on a channel; unique within the plugin. `default` when there is only one.
    AccountId
);
id!(
    /// A chat on the platform; unique within one account. Stable: never a title or a user name.
    ConversationId
);
id!(
    /// A person or bot on the platform; unique within one account. Stable: never a display name.
    SenderId
);
id!(
    /// A message on the platform; unique within its conversation.
    MessageId
);
id!(
    /// A thread or topic inside a conversation; unique within that conversation.
    ThreadId
);

/// The account name used when the configuration names none.
pub const DEFAULT_ACCOUNT: &str = "default";
