//! Appending is idempotent, a reset hides, lists filter.

use super::{
    Filter, LastRun, NewEntry, Role, Tokens, append, delete, entry, history, list, note_run, patch,
    reset, set_known_as,
};
use crate::store::schema;
use rusqlite::Connection;
use serde_json::{Value, json};

const KEY: &str = "agent:main:line:direct:42";

fn database() -> Connection {
    let c = Connection::open_in_memory().unwrap();
    c.pragma_update(None, "foreign_keys", true).unwrap();
    schema::migrate(&c, 0).unwrap();
    c
}

fn said(key: &str, text: &str, ts_ms: u64) -> NewEntry {
    NewEntry {
        session_key: KEY.into(),
        key: key.into(),
        role: Role::User,
        body: json!({ "role": "user", "content": [{ "type": "text", "text": text }] }),
        run_id: None,
        ts_ms,
    }
}

#[test]
fn the_same_key_is_said_once_also_after_a_reset() {
    let c = database();
    let (first, new) = append(&c, &said("m1", "hello", 5)).unwrap();
    assert!(new);
    let (again, new) = append(&c, &said("m1", "hello", 9)).unwrap();
    assert!(!new);
    assert_eq!(again, first);
    let before = super::conversation(&c, KEY).unwrap().unwrap();
    let after = reset(&c, KEY, 10).unwrap();
    assert_ne!(before.session_id, after.session_id);
    assert_eq!(history(&c, KEY, 10, None).unwrap(), (vec![], 0));
    assert!(!append(&c, &said("m1", "hello", 11)).unwrap().1);
    assert_eq!(append(&c, &said("m2", "again", 12)).unwrap().0.seq, 1);
    assert_eq!(entry(&c, KEY, &first.id).unwrap(), Some(first));
}

#[test]
fn history_pages_backwards() {
    let c = database();
    for n in 1..=5 {
        append(&c, &said(&format!("m{n}"), &format!("text {n}"), n)).unwrap();
    }
    let seqs = |before| -> Vec<u64> {
        let (entries, total) = history(&c, KEY, 2, before).unwrap();
        assert_eq!(total, 5);
        entries.iter().map(|e| e.seq).collect()
    };
    assert_eq!(seqs(None), [4, 5]);
    assert_eq!(seqs(Some(4)), [2, 3]);
    assert_eq!(seqs(Some(1)), Vec::<u64>::new());
}

#[test]
fn a_patch_merges_and_null_takes_away() {
    let c = database();
    patch(&c, KEY, &json!({ "label": "Home", "model": "x", "thinkingLevel": "low" }), 1).unwrap();
    let known = patch(&c, KEY, &json!({ "model": Value::Null }), 2).unwrap();
    assert_eq!(known.label.as_deref(), Some("Home"));
    assert_eq!(known.overrides, json!({ "thinkingLevel": "low" }));
    assert_eq!((known.agent_id.as_str(), known.kind.as_str()), ("main", "direct"));
    assert_eq!(super::conversation(&c, KEY).unwrap(), Some(known));
}

#[test]
fn lists_filter_and_count() {
    let c = database();
    append(&c, &said("m1", "a 100% sure thing", 1)).unwrap();
    super::ensure(&c, "agent:other:main", 2).unwrap();
    let found = |filter: Filter| -> Vec<String> {
        list(&c, &filter).unwrap().0.into_iter().map(|c| c.session_key).collect()
    };
    assert_eq!(found(Filter::default()), ["agent:other:main", KEY]);
    assert_eq!(
        found(Filter { agent_id: Some("other".into()), ..Filter::default() }),
        ["agent:other:main"]
    );
    assert_eq!(found(Filter { search: Some("100% s".into()), ..Filter::default() }), [KEY]);
    assert_eq!(found(Filter { search: Some("1_0".into()), ..Filter::default() }), [""; 0]);
    assert_eq!(list(&c, &Filter { limit: 1, ..Filter::default() }).unwrap().1, 2);
    assert!(delete(&c, KEY).unwrap());
    assert!(!delete(&c, KEY).unwrap());
    assert_eq!(found(Filter::default()), ["agent:other:main"]);
}

#[test]
fn what_runs_leave_behind_is_summed_and_cleared_by_a_reset() {
    let c = database();
    append(&c, &said("m1", "hello", 5)).unwrap();
    let first = super::conversation(&c, KEY).unwrap().unwrap();
    let run = |id: &str| LastRun {
        run_id: id.into(),
        status: "done".into(),
        started_ms: 6,
        ended_ms: 9,
        error: None,
        tokens: Tokens { input: 3, output: 2, total: 5, ..Tokens::default() },
    };
    note_run(&c, KEY, &first.session_id, &run("a")).unwrap();
    note_run(&c, KEY, &first.session_id, &run("b")).unwrap();
    set_known_as(&c, KEY, &first.session_id, &json!({ "id": "x" })).unwrap();
    let row = super::conversation(&c, KEY).unwrap().unwrap();
    assert_eq!((row.tokens.total, row.tokens.input, row.updated_ms), (10, 6, 9));
    assert_eq!(row.last_run.unwrap().run_id, "b");
    assert_eq!(row.known_as, Some(json!({ "id": "x" })));

    let anew = reset(&c, KEY, 10).unwrap();
    assert_eq!((anew.tokens, anew.last_run, anew.known_as), (Tokens::default(), None, None));
    note_run(&c, KEY, &first.session_id, &run("late")).unwrap();
    let row = super::conversation(&c, KEY).unwrap().unwrap();
    assert_eq!(row.last_run, None, "a run of the old transcript leaves nothing");
}
