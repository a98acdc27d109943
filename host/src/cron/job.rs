//! A job: what runs, when, where, and how it went so far. Stored and shown in the same form.
//!
//! Only what this gateway carries out is part of a job: a schedule or a payload of another kind is
//! refused instead of kept without effect. Must not know: how a job is run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The latest instant of the protocol, milliseconds since the epoch.
pub const INSTANT_MAX: u64 = 8_640_000_000_000_000;

/// When a job runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Schedule {
    /// Once.
    At {
        /// ISO 8601; UTC when it names no offset.
        #[schemars(length(min = 1))]
        at: String,
    },
    /// Again and again.
    Every {
        /// Period, milliseconds.
        #[schemars(range(min = 1, max = 8_640_000_000_000_000_u64))]
        every_ms: u64,
        /// An instant the ticks are counted from; the job's creation when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(max = 8_640_000_000_000_000_u64))]
        anchor_ms: Option<u64>,
    },
    /// By a cron expression.
    Cron {
        /// Five fields, or six with seconds first.
        #[schemars(length(min = 1))]
        expr: String,
        /// IANA time zone; the gateway's own when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tz: Option<String>,
        /// Up to so many milliseconds later, the same for each tick of this job.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(max = 8_640_000_000_000_000_u64))]
        stagger_ms: Option<u64>,
    },
}

impl Schedule {
    /// The word of its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::At { .. } => "at",
            Self::Every { .. } => "every",
            Self::Cron { .. } => "cron",
        }
    }
}

/// What a job does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Payload {
    /// Tells the main conversation something.
    SystemEvent {
        /// What.
        #[schemars(length(min = 1))]
        text: String,
    },
    /// Asks the agent something in a conversation of the job's own.
    AgentTurn {
        /// What.
        #[schemars(length(min = 1))]
        message: String,
        /// Another model than the conversation's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// How much to think.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thinking: Option<String>,
        /// Longest time, seconds; the agent's own when absent or 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0))]
        timeout_seconds: Option<f64>,
    },
}

impl Payload {
    /// What is said to the agent.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::SystemEvent { text } => text,
            Self::AgentTurn { message, .. } => message,
        }
    }
}

/// Whether the main conversation is told at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WakeMode {
    /// With the next heartbeat; at once while heartbeats are off.
    NextHeartbeat,
    /// At once.
    #[default]
    Now,
}

/// What becomes of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DeliveryMode {
    /// It stays in its conversation.
    None,
    /// It is sent to a channel.
    Announce,
}

/// Where the answer of a job goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Whether it goes anywhere.
    pub mode: DeliveryMode,
    /// The channel, or `last` for the one that was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Conversation or person there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Account there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// An answer that cannot be delivered is no failure of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_effort: Option<bool>,
}

/// How a run of a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Well.
    Ok,
    /// With a failure.
    Error,
    /// It was not run.
    Skipped,
}

/// What became of the answer of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryStatus {
    /// The channel took it.
    Delivered,
    /// It did not go out.
    NotDelivered,
    /// Nobody knows.
    Unknown,
    /// It was to stay.
    NotRequested,
}

/// How a job went so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the wire's own names; instants and durations in milliseconds")]
pub struct JobState {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_run_at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_at_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run_status: Option<RunStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status: Option<RunStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_delivery_status: Option<DeliveryStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive_errors: Option<u64>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Unique.
    pub id: String,
    /// A name under which a program declares the job, unique; declaring again changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declaration_key: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Who answers; the default agent when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The conversation it was made in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_key: Option<String>,
    /// For people, short.
    pub name: String,
    /// For people, long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// It runs.
    pub enabled: bool,
    /// It goes away after it ran well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_after_run: Option<bool>,
    /// Wall clock, milliseconds.
    pub created_at_ms: u64,
    /// Wall clock, milliseconds: the last change of anything but its state.
    pub updated_at_ms: u64,
    /// When.
    pub schedule: Schedule,
    /// `main`, `isolated`, `current` or `session:<key>`.
    #[serde(rename = "sessionTarget")]
    pub target: String,
    /// Whether the main conversation is told at once.
    pub wake_mode: WakeMode,
    /// What.
    pub payload: Payload,
    /// Where the answer goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// How it went so far.
    #[serde(default)]
    pub state: JobState,
}

impl Job {
    /// Whether it is over after one tick.
    #[must_use]
    pub fn runs_once(&self) -> bool {
        matches!(self.schedule, Schedule::At { .. })
    }
}
