//! Files that travel beside a message. The bytes never ride in a frame of a message.

use serde::{Deserialize, Serialize};

/// A file of a message. Exactly one of `url`, `path` and `fetch` says where its bytes are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attachment {
    /// MIME type as declared by the sender; never trusted for safety decisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime: Option<String>,
    /// File name as declared by the sender; never used as a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Size in bytes, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Public address of the bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A spool file that both sides may read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Opaque handle with which the plugin itself can fetch the bytes later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetch: Option<String>,
}
