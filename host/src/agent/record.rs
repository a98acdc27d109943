//! Keeping a run: what it is told of its conversation before, and what it leaves there afterwards.
//!
//! Must not know: events, backends.

use super::{
    Outcome, OutcomeStatus,
    answer::{Answer, Used},
    backend::{Model, Said, Usage, Wishes},
    broadcast::{RunNames, assistant_message},
};
use crate::store::transcripts::{self, Entry, LastRun, NewEntry, Role, Tokens};
use rusqlite::{Connection, Result};
use serde_json::{Value, json as value};

/// What a run is told of its conversation.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// What was said, oldest first.
    pub(super) history: Vec<Said>,
    /// What the conversation wants otherwise.
    pub(super) wishes: Wishes,
    /// What the agent's backend calls it.
    pub(super) known_as: Option<String>,
}

/// What was said before message number `mine`, and the answers that came since, at most `limit` of
/// them; with what is known of the conversation.
pub(super) fn before(c: &Connection, names: &RunNames, limit: u32, mine: u64) -> Result<Before> {
    let key = &names.session_key;
    let Some(row) = transcripts::conversation(c, key)? else { return Ok(Before::default()) };
    let wish = |name: &str| row.overrides.get(name).and_then(Value::as_str).map(str::to_owned);
    let wishes = Wishes { model: wish("model"), thinking: wish("thinkingLevel") };
    let known_as = row.known_as.as_ref().filter(|known| known["agent"] == *names.agent_id);
    let known_as = known_as.and_then(|known| known["id"].as_str()).map(str::to_owned);
    let history = if limit == 0 {
        Vec::new()
    } else {
        // One more than asked for: this run's own message is among them.
        let (entries, _) = transcripts::history(c, key, u64::from(limit) + 1, None)?;
        entries.iter().filter_map(|entry| said(entry, mine)).collect()
    };
    Ok(Before { history, wishes, known_as })
}

fn said(entry: &Entry, mine: u64) -> Option<Said> {
    let by_agent = match entry.role {
        Role::Assistant => true,
        // Later messages are the prompts of runs that wait behind this one.
        Role::User if entry.seq < mine => false,
        Role::User | Role::ToolResult => return None,
    };
    let text = transcripts::text_of(&entry.body)?.to_owned();
    Some(Said { by_agent, text })
}

/// What an agent's backend calls a conversation, as it is kept.
pub(super) fn known_as(names: &RunNames, id: &str) -> Value {
    value!({"agent": names.agent_id, "id": id})
}

/// Everything a run leaves behind.
pub(super) struct Record {
    entries: Vec<NewEntry>,
    session_key: String,
    session_id: String,
    last: LastRun,
}

impl Record {
    /// Puts it together; `model` answered from `started` to `now`.
    pub(super) fn of(
        names: &RunNames,
        answer: &Answer,
        outcome: &Outcome,
        model: &Model,
        (started, now): (u64, u64),
    ) -> Self {
        let mut entries: Vec<NewEntry> = Vec::new();
        for (n, used) in answer.tools().iter().enumerate() {
            let key = |what: &str| format!("run:{}:{what}:{n}", names.run_id);
            entries.push(entry(names, key("tool"), Role::Assistant, call(used, now), now));
            if let Some(body) = result(used, now) {
                entries.push(entry(names, key("result"), Role::ToolResult, body, now));
            }
        }
        if !outcome.text.is_empty() {
            let body = said_by(model, &outcome.text, outcome.status, answer.usage, now);
            let key = format!("run:{}", names.run_id);
            entries.push(entry(names, key, Role::Assistant, body, now));
        }
        let last = LastRun {
            run_id: names.run_id.clone(),
            status: word(outcome.status).to_owned(),
            started_ms: started,
            ended_ms: now,
            error: outcome.error.clone(),
            tokens: tokens(answer.usage),
        };
        let (session_key, session_id) = (names.session_key.clone(), names.session_id.clone());
        Self { entries, session_key, session_id, last }
    }

    /// Stores it; answers the entry with the answer's words, if there were any.
    pub(super) fn store(&self, c: &Connection) -> Result<Option<Entry>> {
        let mut last = None;
        for new in &self.entries {
            last = Some(transcripts::append(c, new)?.0);
        }
        transcripts::note_run(c, &self.session_key, &self.session_id, &self.last)?;
        let answered =
            |e: &Entry| e.role == Role::Assistant && transcripts::text_of(&e.body).is_some();
        Ok(last.filter(answered))
    }
}

fn entry(names: &RunNames, key: String, role: Role, body: Value, now: u64) -> NewEntry {
    NewEntry {
        session_key: names.session_key.clone(),
        key,
        role,
        body,
        run_id: Some(names.run_id.clone()),
        ts_ms: now,
    }
}

fn call(used: &Used, now: u64) -> Value {
    value!({
        "role": "assistant", "timestamp": now, "stopReason": "toolUse",
        "content": [{"type": "toolCall", "id": used.id, "name": used.name, "arguments": used.arguments}],
    })
}

fn result(used: &Used, now: u64) -> Option<Value> {
    let (text, failed) = used.result.as_ref()?;
    Some(value!({
        "role": "toolResult", "toolCallId": used.id, "toolName": used.name, "isError": failed,
        "content": [{"type": "text", "text": text}], "timestamp": now,
    }))
}

fn said_by(model: &Model, text: &str, status: OutcomeStatus, usage: Usage, now: u64) -> Value {
    let mut message = assistant_message(text, now);
    message["stopReason"] = value!(match status {
        OutcomeStatus::Ok => "stop",
        OutcomeStatus::Aborted => "aborted",
        OutcomeStatus::Error | OutcomeStatus::Timeout => "error",
    });
    message["provider"] = value!(model.provider);
    message["model"] = value!(model.id);
    message["usage"] = usage_of(usage);
    message
}

/// Tokens in the wire's form.
pub(super) fn usage_of(usage: Usage) -> Value {
    value!({
        "input": usage.input, "output": usage.output, "cacheRead": usage.cache_read,
        "cacheWrite": usage.cache_write, "totalTokens": usage.total,
    })
}

fn tokens(usage: Usage) -> Tokens {
    let Usage { input, output, cache_read, cache_write, total } = usage;
    Tokens { input, output, cache_read, cache_write, total }
}

fn word(status: OutcomeStatus) -> &'static str {
    match status {
        OutcomeStatus::Ok => "done",
        OutcomeStatus::Error => "failed",
        OutcomeStatus::Aborted => "killed",
        OutcomeStatus::Timeout => "timeout",
    }
}
