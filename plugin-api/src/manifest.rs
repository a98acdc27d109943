//! `plugin.toml`: what a plugin says of itself, read without opening its library.
//!
//! The host lists, configures and refuses plugins by this file alone, so start-up does not depend on
//! how many are installed. Parsing TOML is the host's business; these are the types.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The file's name beside the library.
pub const MANIFEST_FILE: &str = "plugin.toml";

/// The whole manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Manifest {
    /// Unique short id, `[a-z0-9-]{1,64}`; also the directory's name by convention.
    pub id: String,
    /// Semantic version of the plugin.
    pub version: String,
    /// ABI major it was built for, see [`crate::abi::ABI_MAJOR`].
    pub abi: u32,
    /// Lowest frame protocol it can work with, such as `"1.0"`.
    pub protocol: String,
    /// The channel it serves: the name of its table under `[channels]`.
    pub channel: String,
    /// Name for people.
    pub label: String,
    /// One sentence for people.
    #[serde(default)]
    pub summary: String,
    /// SPDX expression.
    pub license: String,
    /// Where to read on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// File name of the library beside this file.
    pub library: String,
    /// What the channel can do.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// The platform's limits.
    #[serde(default)]
    pub limits: Limits,
    /// What the plugin needs from the machine.
    #[serde(default)]
    pub permissions: Permissions,
    /// How it wants to be run.
    #[serde(default)]
    pub runtime: Runtime,
    /// State schema numbers for hot-swap.
    #[serde(default)]
    pub state: StateSchema,
    /// Routes it answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<Route>,
    /// JSON Schema of its channel table, as a file beside this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<String>,
    /// File name → lower-case hex SHA-256, for every other file of the package. Written by
    /// `jackfield plugins pack`; a packed plugin lists at least its library.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// What a channel can do; everything defaults to no.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "independent yes-or-no facts of a manifest")]
pub struct Capabilities {
    /// Delivers and takes messages at all (a page-serving plugin does not).
    pub messages: bool,
    /// Group chats.
    pub groups: bool,
    /// Threads or topics.
    pub threads: bool,
    /// Answering a given message.
    pub reply: bool,
    /// Editing own messages; also used to stream drafts.
    pub edit: bool,
    /// Deleting own messages.
    pub delete: bool,
    /// Reactions.
    pub react: bool,
    /// Typing signal.
    pub typing: bool,
    /// Attachments in and out.
    pub media: bool,
    /// Polls.
    pub polls: bool,
    /// Sending without notification.
    pub silent: bool,
    /// Named actions beyond these.
    pub actions: Vec<String>,
}

/// The unit a platform counts text in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TextUnit {
    /// Unicode scalar values.
    #[default]
    Chars,
    /// UTF-16 code units.
    Utf16,
    /// UTF-8 bytes.
    Bytes,
}

/// A platform's limits; `0` means none known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Limits {
    /// Longest text of one message, in `text_unit`.
    pub text_max: u32,
    /// The unit of `text_max`.
    pub text_unit: TextUnit,
    /// Largest attachment, bytes.
    pub media_bytes_max: u64,
    /// Least time between two edits of one message, milliseconds.
    pub edit_interval_ms: u32,
    /// Milliseconds one attempt may take before its outcome counts as unknown; 0 = host default.
    pub send_timeout_ms: u32,
    /// Least time between two new messages to one target, milliseconds; the host keeps it. 0 = none.
    /// Since 1.2.
    pub target_interval_ms: u32,
    /// New messages that one account sends in a second, to all its targets; the host keeps it. 0 = as
    /// many as there are. Since 1.2.
    pub sends_per_second: u32,
}

/// What the plugin needs from the machine; nothing that is not listed. Its own package, its own
/// state directory, the files beside messages, the system's libraries, its trusted certificates and
/// the name service need no entry. An entry of a list of text may be `${setting}`, or
/// `${accounts.*.setting}`: the value of that setting in the channel's table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Permissions {
    /// TCP ports it connects to; none when empty, 0 = any. Any port also allows the name service.
    pub connect_ports: Vec<u16>,
    /// TCP ports it listens on; none when empty, 0 = any.
    pub listen_ports: Vec<u16>,
    /// Paths it reads, beyond its own package.
    pub read_paths: Vec<String>,
    /// Paths it writes, beyond its own state directory.
    pub write_paths: Vec<String>,
    /// Programs it starts: paths, or names of the system's programs.
    pub programs: Vec<String>,
    /// Memory ceiling in MiB; 0 = host default.
    pub memory_mib: u32,
}

/// How the plugin wants to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Runtime {
    /// Only one holder of an account's link may exist: the old version lets go before the new starts.
    pub exclusive_link: bool,
    /// Two versions may send at once during a swap.
    pub swap_safe: bool,
    /// Enabled where no configuration says anything at all; only for channels that need none.
    pub on_by_default: bool,
    /// Milliseconds it may need to drain; 0 = host default.
    pub drain_timeout_ms: u32,
}

/// State schema numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct StateSchema {
    /// What it writes.
    pub schema: u32,
    /// What it reads besides.
    pub reads: Vec<u32>,
}

/// One HTTP route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Route {
    /// Path prefix, starting and ending with `/`.
    pub prefix: String,
    /// Largest body it takes, bytes.
    #[serde(default)]
    pub body_bytes_max: u32,
    /// Serves pages for people: the gateway applies its page security headers.
    #[serde(default)]
    pub page: bool,
}
