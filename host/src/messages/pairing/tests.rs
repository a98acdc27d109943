//! Codes, their bounds and who they let in.

use super::{CODE_LETTERS, CODE_MS, Guesses, Met, PENDING_MAX, decide, is_approved, meet, waiting};
use crate::store::Store;
use jackfield_plugin_api::event::Sender;
use rusqlite::Connection;

fn person(id: &str) -> Sender {
    Sender { id: id.into(), name: Some("N".into()), username: None, bot: false, own: false }
}

fn new_code(c: &Connection, account: &str, id: &str, now_ms: u64) -> Option<String> {
    match meet(c, "line", account, &person(id), now_ms).unwrap() {
        Met::New(code) => Some(code),
        Met::Quiet => None,
    }
}

async fn with_database(test: fn(&Connection)) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store
        .write(move |c| {
            test(c);
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_code_is_made_once_and_lets_one_sender_of_one_account_in() {
    with_database(|c| {
        let code = new_code(c, "default", "42", 10).unwrap();
        assert_eq!(code.len(), CODE_LETTERS);
        assert!(code.chars().all(|l| !"01IO".contains(l)), "{code}");
        assert_eq!(new_code(c, "default", "42", 20), None);
        let seen = waiting(c, 20).unwrap();
        assert_eq!((seen[0].created_ms, seen[0].last_seen_ms), (10, 20));
        assert!(!format!("{seen:?}").contains(&code));
        assert!(decide(c, "other", None, &code, true, 30).unwrap().is_none());
        assert!(decide(c, "line", Some("work"), &code, true, 30).unwrap().is_none());
        let lower = code.to_lowercase();
        let done = decide(c, "line", Some("default"), &lower, true, 30).unwrap().unwrap();
        assert_eq!(done.sender_id, "42");
        assert!(is_approved(c, "line", "default", "42").unwrap());
        assert!(!is_approved(c, "line", "work", "42").unwrap());
        assert!(!is_approved(c, "line", "default", "43").unwrap());
        assert!(decide(c, "line", None, &code, true, 31).unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn only_so_many_strangers_of_an_account_may_wait() {
    with_database(|c| {
        for n in 0..PENDING_MAX {
            assert!(new_code(c, "default", &n.to_string(), 0).is_some());
        }
        assert_eq!(new_code(c, "default", "late", 1), None);
        assert!(new_code(c, "work", "late", 1).is_some());
        let first = waiting(c, 1).unwrap().remove(0);
        decide(c, "line", None, &first.request_id, false, 1).unwrap().unwrap();
        assert!(!is_approved(c, "line", "default", &first.sender_id).unwrap());
        assert!(new_code(c, "default", "late", 2).is_some());
    })
    .await;
}

#[tokio::test]
async fn a_code_runs_out() {
    with_database(|c| {
        let code = new_code(c, "default", "42", 0).unwrap();
        assert!(decide(c, "line", None, &code, true, CODE_MS).unwrap().is_none());
        assert!(waiting(c, CODE_MS).unwrap().is_empty());
        assert!(new_code(c, "default", "42", CODE_MS).is_some());
    })
    .await;
}

#[test]
fn codes_cannot_be_tried_through() {
    let guesses = Guesses::default();
    for _ in 0..Guesses::WRONG_MAX {
        assert!(guesses.allowed("line", 0));
        guesses.note("line", 0);
    }
    assert!(!guesses.allowed("line", Guesses::WINDOW_MS - 1));
    assert!(guesses.allowed("other", 0));
    assert!(guesses.allowed("line", Guesses::WINDOW_MS));
}
