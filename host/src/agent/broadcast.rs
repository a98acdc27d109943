//! What a run looks like on the wire: `agent` and `chat` events, numbered per run.
//!
//! The order is recorded: lifecycle start, then assistant and chat deltas in pairs, then lifecycle
//! finishing and end, then the chat's one terminal state. Must not know how a run is carried out.

use super::{
    File, Outcome, OutcomeStatus,
    backend::{ToolPhase, ToolStep, Usage},
    files,
    record::usage_of,
};
use crate::{
    clock::Clock,
    events::{Audience, ConnNumber, Events},
    protocol::{
        event,
        frame::{Json, json},
    },
    store::transcripts,
};
use serde_json::{Value, json as value};

/// Names of one run, as its events carry them.
#[derive(Clone, Debug)]
pub struct RunNames {
    /// The run.
    pub run_id: String,
    /// The conversation.
    pub session_key: String,
    /// The transcript of the conversation at the time.
    pub session_id: String,
    /// Who answers.
    pub agent_id: String,
}

/// Writes the events of one run.
#[derive(Debug)]
pub struct Broadcast {
    events: Events,
    clock: Clock,
    names: RunNames,
    seq: u64,
    started_at: u64,
}

impl Broadcast {
    /// Begins a run's events.
    #[must_use]
    pub fn new(events: Events, clock: Clock, names: RunNames) -> Self {
        let started_at = clock.now_ms();
        Self { events, clock, names, seq: 0, started_at }
    }

    /// When the run started.
    #[must_use]
    pub fn started_at(&self) -> u64 {
        self.started_at
    }

    /// The run began.
    pub fn start(&mut self) {
        let started = self.started_at;
        self.agent("lifecycle", &value!({"phase": "start", "startedAt": started}));
    }

    /// More text: `delta` is new, `text` is everything so far.
    pub fn delta(&mut self, text: &str, delta: &str) {
        self.agent("assistant", &value!({"text": text, "delta": delta}));
        let message = assistant_message(text, self.clock.now_ms());
        self.chat("delta", value!({"deltaText": delta, "message": message}));
    }

    /// More of what the agent thinks: `delta` is new, `text` is everything so far.
    pub fn thought(&mut self, text: &str, delta: &str) {
        self.agent("thinking", &value!({"text": text, "delta": delta}));
    }

    /// What the agent does with a tool. The connection that asked is told if it wants to know, and
    /// whoever follows the conversation.
    pub fn tool(&mut self, step: &ToolStep, owner: Option<ConnNumber>) {
        let mut data = value!({"name": step.name, "toolCallId": step.id});
        match &step.phase {
            ToolPhase::Start(arguments) => {
                data["phase"] = value!("start");
                data["args"] = arguments.clone();
            }
            ToolPhase::Update(partial) => {
                data["phase"] = value!("update");
                data["partialResult"] = partial.clone();
            }
            ToolPhase::End { result, failed } => {
                data["phase"] = value!("result");
                data["result"] = result.clone();
                data["isError"] = value!(failed);
            }
        }
        let payload = self.payload("tool", &data);
        if let Some(owner) = owner {
            self.events.publish_to(event::AGENT, &payload, Audience::RunOwner(owner));
        }
        let followers = Audience::Followers(&self.names.session_key, owner);
        self.events.publish_to(event::SESSION_TOOL, &payload, followers);
    }

    /// The run is over. `message` is the stored answer, absent when there was none.
    pub fn end(
        &mut self,
        outcome: &Outcome,
        message: Option<&Value>,
        stop_reason: &str,
        usage: Usage,
    ) {
        let (started, ended) = (self.started_at, self.clock.now_ms());
        let aborted = outcome.status == OutcomeStatus::Aborted;
        match outcome.status {
            OutcomeStatus::Ok | OutcomeStatus::Aborted => {
                self.agent("lifecycle", &value!({"phase": "finishing", "stopReason": stop_reason, "aborted": aborted, "endedAt": ended}));
                self.agent("lifecycle", &value!({"phase": "end", "startedAt": started, "endedAt": ended, "aborted": aborted, "stopReason": stop_reason}));
            }
            OutcomeStatus::Error | OutcomeStatus::Timeout => {
                self.agent("lifecycle", &value!({"phase": "error", "error": outcome.error, "startedAt": started, "endedAt": ended}));
            }
        }
        let mut body = value!({});
        if let Some(message) = message {
            body["message"] = message.clone();
        }
        if usage.total > 0 {
            body["usage"] = usage_of(usage);
        }
        let state = match outcome.status {
            OutcomeStatus::Ok => {
                body["stopReason"] = value!(stop_reason);
                "final"
            }
            OutcomeStatus::Aborted => {
                body["stopReason"] = value!(stop_reason);
                "aborted"
            }
            OutcomeStatus::Error | OutcomeStatus::Timeout => {
                body["errorMessage"] = value!(outcome.error);
                let kind =
                    if outcome.status == OutcomeStatus::Timeout { "timeout" } else { "unknown" };
                body["errorKind"] = value!(kind);
                "error"
            }
        };
        self.chat(state, body);
    }

    fn agent(&mut self, stream: &str, data: &Value) {
        let payload = self.payload(stream, data);
        self.events.publish_to(event::AGENT, &payload, Audience::Run(&self.names.session_key));
    }

    fn payload(&mut self, stream: &str, data: &Value) -> Json {
        self.seq += 1;
        let names = &self.names;
        json(&value!({
            "runId": names.run_id, "sessionKey": names.session_key, "sessionId": names.session_id,
            "agentId": names.agent_id, "stream": stream, "data": data, "seq": self.seq,
            "ts": self.clock.now_ms(),
        }))
    }

    fn chat(&self, state: &str, mut body: Value) {
        let names = &self.names;
        body["runId"] = value!(names.run_id);
        body["sessionKey"] = value!(names.session_key);
        body["agentId"] = value!(names.agent_id);
        body["seq"] = value!(self.seq);
        body["state"] = value!(state);
        self.events.publish_to(event::CHAT, &json(&body), Audience::Run(&names.session_key));
    }
}

/// An assistant message in the wire's form.
#[must_use]
pub fn assistant_message(text: &str, ts: u64) -> Value {
    value!({"role": "assistant", "content": [{"type": "text", "text": text}], "timestamp": ts})
}

/// A user message in the wire's form, with what came along; clients find their own by its key.
#[must_use]
pub fn user_message(text: &str, files: &[File], ts: u64, key: &str) -> Value {
    let mut message = value!({"role": "user", "content": [{"type": "text", "text": text}], "timestamp": ts, "idempotencyKey": key});
    if let Some(files) = files::shown(files) {
        message["attachments"] = files;
    }
    message
}

/// A stored entry in the wire's form: the message with its stable id and number.
#[must_use]
pub fn stored_message(entry: &transcripts::Entry) -> Value {
    let mut message = entry.body.clone();
    if message.is_object() {
        message["__openclaw"] = value!({"id": entry.id, "seq": entry.seq});
    }
    message
}

/// Shows a message as the end of a run that consists of nothing else.
pub fn say(events: &Events, session_key: &str, run_id: &str, message: &Value) {
    let payload = json(&value!({
        "runId": run_id, "sessionKey": session_key, "seq": 1, "state": "final", "message": message,
        "stopReason": "stop",
    }));
    events.publish_to(event::CHAT, &payload, Audience::Run(session_key));
}
