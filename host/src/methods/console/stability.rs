//! `diagnostics.stability`: what happened lately that tells how steady the gateway runs: its memory
//! and load every minute, and each change in the state of a plugin. No contents of messages.
//!
//! Kept in memory, so it tells of this life of the gateway only.

use crate::{
    clock::Clock,
    methods::{Access, Caller, Core, MethodError, Table, system::machine},
    plugins::PluginStatus,
    protocol::scope::Scope,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json as value};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

/// Records that are kept.
const CAPACITY: usize = 1000;
const SHOWN: usize = 50;

/// Adds the method.
pub fn add(table: &mut Table) {
    table.now("diagnostics.stability", Access::Operator(Scope::Read), stability);
}

/// What happened lately.
pub struct Recorder {
    clock: Clock,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    records: VecDeque<Record>,
    next_seq: u64,
    dropped: u64,
    plugins: BTreeMap<String, Value>,
}

/// One thing that happened.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Record {
    seq: u64,
    /// Wall clock, milliseconds.
    ts: u64,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    facts: Map<String, Value>,
}

impl Recorder {
    /// Nothing happened yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, kept: Mutex::default() }
    }

    /// Records how much memory and how many runs there are; where a system does not tell its memory,
    /// only the runs.
    pub fn sample(&self, active: usize, queued: usize) {
        if let Some(memory) = machine::resident() {
            self.note("diagnostic.memory.sample", value!({"memory": {"rssBytes": memory}}));
        }
        let load = value!({"active": active, "waiting": 0, "queued": queued});
        self.note("diagnostic.heartbeat", load);
    }

    /// Records which plugins are in another state than when this was last asked.
    pub fn compare(&self, plugins: &[PluginStatus]) {
        let now: BTreeMap<String, Value> =
            plugins.iter().map(|p| (p.id.clone(), value!(p.state))).collect();
        let before = std::mem::replace(&mut self.kept().plugins, now.clone());
        for (id, state) in now.iter().filter(|(id, state)| before.get(*id) != Some(*state)) {
            self.note("plugin.state", value!({"pluginId": id, "outcome": state}));
        }
    }

    fn note(&self, kind: &'static str, facts: Value) {
        let Value::Object(facts) = facts else { return };
        let mut kept = self.kept();
        kept.next_seq += 1;
        let record = Record { seq: kept.next_seq, ts: self.clock.now_ms(), kind, facts };
        kept.records.push_back(record);
        if kept.records.len() > CAPACITY {
            kept.records.pop_front();
            kept.dropped += 1;
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Parameters of `diagnostics.stability`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
    #[serde(default, rename = "type")]
    #[schemars(length(min = 1))]
    kind: Option<String>,
    /// Only what came after this record.
    #[serde(default)]
    since_seq: Option<u64>,
}

/// What `diagnostics.stability` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    generated_at: String,
    capacity: usize,
    count: usize,
    dropped: u64,
    first_seq: Option<u64>,
    last_seq: Option<u64>,
    events: Vec<Record>,
    summary: Summary,
}

/// The records that were asked for, counted.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    by_type: BTreeMap<&'static str, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Memory>,
}

/// Memory among them.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    latest: Value,
    max_rss_bytes: u64,
    pressure_count: u64,
}

fn stability(core: &Arc<Core>, _: &Arc<Caller>, query: Query) -> Result<Snapshot, MethodError> {
    // Not every change of a plugin's state rings; whoever asks now is told of the last one, too.
    core.stability.compare(&core.plugins.list());
    Ok(core.stability.snapshot(&query))
}

impl Recorder {
    fn snapshot(&self, query: &Query) -> Snapshot {
        let kept = self.kept();
        let wanted = |record: &&Record| {
            query.kind.as_deref().is_none_or(|kind| kind.trim() == record.kind)
                && query.since_seq.is_none_or(|seq| record.seq > seq)
        };
        let found: Vec<&Record> = kept.records.iter().filter(wanted).collect();
        let skipped = found.len().saturating_sub(query.limit.unwrap_or(SHOWN));
        let at = i64::try_from(self.clock.now_ms()).unwrap_or_default();
        Snapshot {
            generated_at: jiff::Timestamp::from_millisecond(at)
                .map_or_else(|_| String::new(), |at| at.to_string()),
            capacity: CAPACITY,
            count: found.len(),
            dropped: kept.dropped,
            first_seq: found.first().map(|record| record.seq),
            last_seq: found.last().map(|record| record.seq),
            events: found[skipped..].iter().map(|record| (*record).clone()).collect(),
            summary: summary(&found),
        }
    }
}

fn summary(records: &[&Record]) -> Summary {
    let mut by_type = BTreeMap::new();
    for record in records {
        *by_type.entry(record.kind).or_default() += 1;
    }
    let mut samples = records.iter().filter_map(|record| record.facts.get("memory"));
    let sizes = samples.clone().filter_map(|memory| memory["rssBytes"].as_u64());
    let memory = samples.next_back().map(|latest| Memory {
        latest: latest.clone(),
        max_rss_bytes: sizes.max().unwrap_or_default(),
        pressure_count: 0,
    });
    Summary { by_type, memory }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_shown_all_are_counted_and_the_oldest_fall_out() {
        let recorder = Recorder::new(Clock::system());
        recorder.note("diagnostic.memory.sample", value!({"memory": {"rssBytes": 7}}));
        recorder.note("diagnostic.memory.sample", value!({"memory": {"rssBytes": 5}}));
        recorder.note("plugin.state", value!({"pluginId": "line", "outcome": "running"}));
        let all = recorder.snapshot(&Query { limit: Some(1), ..Query::default() });
        assert_eq!((all.count, all.events.len(), all.events[0].seq), (3, 1, 3));
        let memory = all.summary.memory.expect("there are samples");
        assert_eq!((memory.max_rss_bytes, &memory.latest["rssBytes"]), (7, &value!(5)));
        let kind = Some("plugin.state".to_owned());
        let one = recorder.snapshot(&Query { kind, ..Query::default() });
        assert_eq!((one.count, one.first_seq, one.last_seq), (1, Some(3), Some(3)));
        for _ in 0..CAPACITY {
            recorder.note("diagnostic.heartbeat", value!({}));
        }
        let later = recorder.snapshot(&Query { since_seq: Some(1002), ..Query::default() });
        assert_eq!((later.count, later.dropped), (1, 3));
    }
}
