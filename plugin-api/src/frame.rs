//! The frames: what host and plugin say to each other, as JSON, whether they share a process or not.
//!
//! In a child process each frame is preceded by its length, 4 bytes little-endian. Rules of growth:
//! a new field is optional; a receiver ignores fields it does not know and frames it does not know
//! (`Unknown`). Flow control is by credit: at most `window` unanswered `msg` one way and at most
//! `window` unanswered `event` the other.
//!
//! Must not know: how frames travel.

use crate::{
    error::{PluginError, SendError},
    event::Event,
    fetch::{Fetched, Reconciled},
    http::{HttpRequest, HttpResponse},
    id::AccountId,
    link::LinkReport,
    outbound::{Outbound, Receipt},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Default and hard limit of one frame, bytes.
pub const FRAME_BYTES_MAX: usize = 1 << 20;
/// What both sides may negotiate up to, bytes (an HTTP answer with a large asset needs it).
pub const FRAME_BYTES_HARD: usize = 16 << 20;
/// Unanswered frames allowed in each direction.
pub const WINDOW: u32 = 64;

/// What `open` is given: only what is needed before the first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Init {
    /// The id under which the host runs this plugin.
    pub id: String,
    /// Tells this life of the plugin from earlier ones; grows with each start.
    pub generation: u64,
    /// How often unanswered frames are allowed, see [`WINDOW`].
    pub window: u32,
    /// A folder for what the plugin keeps between its lives; nobody else's. Since 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<String>,
}

/// State handed from one version of a plugin to the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct State {
    /// The plugin's own schema number.
    pub schema: u32,
    /// The plugin's own data.
    pub data: Value,
}

/// A plugin's place in its platform's stream, stored in the same transaction as the event it rides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Cursor {
    /// Which stream, where an account has several.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stream: String,
    /// The place, in the plugin's own form.
    pub value: String,
}

/// A cursor the host has stored, given back at `start`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoredCursor {
    /// Whose.
    pub account: AccountId,
    /// Where.
    pub cursor: Cursor,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Accepted {
    /// Durably stored, or refused for good by policy: the platform may be told.
    Stored,
    /// Known already.
    Duplicate,
    /// Not stored (disk full, shutting down): do **not** tell the platform; offer it again later.
    Refused,
    /// An answer this side does not know; treat it as `Refused`.
    #[serde(other)]
    Unknown,
}

/// Host → plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum HostFrame {
    /// First frame.
    Hello {
        /// Frame protocol the host speaks.
        protocol: String,
        /// Name and version of the host.
        host: String,
        /// Optional abilities of the host.
        #[serde(default)]
        features: Vec<String>,
    },
    /// Begin to work.
    Start {
        /// The channel's table from the configuration, as JSON.
        config: Value,
        /// State of the previous version, if there was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<State>,
        /// Where the plugin's streams stand.
        #[serde(default)]
        cursors: Vec<StoredCursor>,
        /// Epoch of this start.
        epoch: u64,
    },
    /// Do one thing; answered by `ack` or `nack` with the same `seq`.
    Msg {
        /// Grows by one per message; the host's ledger.
        seq: u64,
        /// Same on every attempt of the same thing; pass it on to platforms that take such keys.
        idem_key: String,
        /// 1 for the first attempt.
        attempt: u32,
        /// Milliseconds the host will wait for the answer.
        timeout_ms: u64,
        /// The thing.
        body: Outbound,
    },
    /// Answer to `event`.
    EventAck {
        /// Its id.
        id: u64,
        /// What became of it.
        accepted: Accepted,
    },
    /// A request on a declared route; answered by `http_reply`.
    Http {
        /// Pairs the answer.
        req_id: u64,
        /// The request.
        request: HttpRequest,
    },
    /// Prove that an account works end to end; answered by `probe_reply`.
    Probe {
        /// Pairs the answer.
        req_id: u64,
        /// The account.
        account: AccountId,
    },
    /// Write the bytes behind an attachment's handle into a file; answered by `fetched`. Only to a
    /// plugin whose `hello` names `fetch`. See [`crate::fetch::Fetch`].
    Fetch {
        /// Pairs the answer.
        req_id: u64,
        /// The account the file came to.
        account: AccountId,
        /// The handle, as the plugin gave it.
        handle: String,
        /// The file to write; it does not exist yet.
        path: String,
        /// Most bytes the host takes.
        bytes_max: u64,
    },
    /// Find out what became of an attempt whose outcome was uncertain; answered by `reconciled`.
    /// Only to a plugin whose `hello` names `reconcile`.
    Reconcile {
        /// Pairs the answer.
        req_id: u64,
        /// The key of the attempt.
        idem_key: String,
        /// Which attempt it was.
        attempt: u32,
        /// The thing.
        body: Outbound,
    },
    /// Answer with `pong`.
    Ping {
        /// Echoed.
        n: u64,
    },
    /// Stop taking new things from the platform, finish what is in flight, answer `drained`.
    Drain {
        /// Epoch of this swap attempt.
        epoch: u64,
    },
    /// The swap was called off: go on as before.
    Resume {
        /// Epoch of this swap attempt.
        epoch: u64,
    },
    /// Hand over the state; answered by `state`.
    Export {
        /// Epoch of this swap attempt.
        epoch: u64,
    },
    /// The channel's table changed; a plugin that cannot apply it live answers `fatal` and is
    /// started anew.
    Config {
        /// The new table.
        config: Value,
    },
    /// End in order.
    Stop,
    /// A frame this side does not know: ignored.
    #[serde(other)]
    Unknown,
}

/// Plugin → host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "t", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a frame is built, encoded and gone, and the largest kind is the most frequent one"
)]
pub enum PluginFrame {
    /// First frame.
    Hello {
        /// Frame protocol the plugin speaks.
        protocol: String,
        /// Its id.
        id: String,
        /// Its version.
        version: String,
        /// Optional abilities of the plugin.
        #[serde(default)]
        features: Vec<String>,
    },
    /// `start` succeeded.
    Ready {
        /// Epoch of the start.
        epoch: u64,
    },
    /// The thing was done.
    Ack {
        /// Of `msg`.
        seq: u64,
        /// Proof.
        receipt: Receipt,
    },
    /// The thing was not done.
    Nack {
        /// Of `msg`.
        seq: u64,
        /// Why, and what may be done.
        error: SendError,
    },
    /// Something happened; answered by `event_ack` once it is durable.
    Event {
        /// Grows by one per event of this generation.
        id: u64,
        /// The account it happened on.
        account: AccountId,
        /// The platform's id of the event, stable over redelivery; unique within the account.
        dedupe_key: String,
        /// The place in the stream after this event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<Cursor>,
        /// The album this message is part of, where a platform delivers its files one by one: the
        /// same name for all its parts, and for nothing else in that conversation. The host makes one
        /// message of them. Since 1.2.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        album: Option<String>,
        /// The event.
        body: Event,
    },
    /// An account's link changed.
    Link(LinkReport),
    /// Answer to `http`.
    HttpReply {
        /// Of `http`.
        req_id: u64,
        /// The answer.
        response: HttpResponse,
    },
    /// Answer to `probe`.
    ProbeReply {
        /// Of `probe`.
        req_id: u64,
        /// Whether messages flow.
        ok: bool,
        /// One line for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// Answer to `fetch`: either `fetched` or `error`.
    Fetched {
        /// Of `fetch`.
        req_id: u64,
        /// The bytes are there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fetched: Option<Fetched>,
        /// They are not, and why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<SendError>,
    },
    /// Answer to `reconcile`.
    Reconciled {
        /// Of `reconcile`.
        req_id: u64,
        /// What became of it.
        outcome: Reconciled,
    },
    /// Answer to `ping`.
    Pong {
        /// Echoed.
        n: u64,
    },
    /// Answer to `drain`.
    Drained {
        /// Epoch of the drain.
        epoch: u64,
        /// Things still in flight; 0 unless the plugin gave up waiting.
        in_flight: u32,
    },
    /// Answer to `export`.
    State {
        /// Epoch of the export.
        epoch: u64,
        /// The state.
        state: State,
    },
    /// A log record; only in a child process, where there is no `log` function to call.
    Log {
        /// As [`crate::abi::LogRecord::level`].
        level: u8,
        /// Origin.
        target: String,
        /// Message.
        message: String,
        /// Fields.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fields: Vec<(String, String)>,
        /// Open spans.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        span: String,
    },
    /// The plugin cannot start or go on.
    Fatal {
        /// Why.
        error: PluginError,
    },
    /// A frame this side does not know: ignored and counted.
    #[serde(other)]
    Unknown,
}
