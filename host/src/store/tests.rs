//! The store as a whole: what is answered is on disk, one owner, and what damage does.

use super::{Store, StoreError, records};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::{fs, path::Path, sync::atomic::Ordering};

/// What a killed process leaves behind: the files as they are, without the orderly close.
fn crash_image(state_dir: &Path) -> tempfile::TempDir {
    let image = tempfile::tempdir().unwrap();
    for name in ["journal.db", "journal.db-wal"] {
        let from = state_dir.join(name);
        if from.exists() {
            fs::copy(from, image.path().join(name)).unwrap();
        }
    }
    image
}

async fn put(store: &Store, id: &str, body: Value) -> Result<(), StoreError> {
    let id = id.to_owned();
    store.write(move |c| records::put(c, "test", &id, &body, 1)).await
}

async fn count(store: &Store) -> usize {
    store.read(|c| records::list::<Value>(c, "test")).await.unwrap().len()
}

#[tokio::test]
async fn answered_writes_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    put(&store, "a", json!({ "n": 1 })).await.unwrap();
    let image = crash_image(dir.path());
    assert!(image.path().join("journal.db-wal").metadata().unwrap().len() > 0);
    let again = Store::open(image.path()).unwrap();
    let body: Option<Value> = again.read(|c| records::get(c, "test", "a")).await.unwrap();
    assert_eq!(body, Some(json!({ "n": 1 })));
}

#[tokio::test]
async fn two_hundred_writes_share_commits_and_all_last() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let names: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let writes = names.iter().map(|name| put(&store, name, json!(null)));
    for result in futures_util::future::join_all(writes).await {
        result.unwrap();
    }
    let image = crash_image(dir.path());
    let again = Store::open(image.path()).unwrap();
    assert_eq!(count(&again).await, 200);
}

#[tokio::test]
async fn a_wrong_job_is_undone_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let wrong = store.write(|c| {
        records::put(c, "test", "half", &1, 1)?;
        c.execute("INSERT INTO no_such_table VALUES (1)", [])
    });
    let panics = store.write(|c| -> rusqlite::Result<()> {
        records::put(c, "test", "half", &1, 1)?;
        panic!("on purpose")
    });
    let (wrong, panicked, fine) = tokio::join!(wrong, panics, put(&store, "whole", json!(1)));
    assert!(matches!(wrong, Err(StoreError::Job(_))), "{wrong:?}");
    assert!(matches!(panicked, Err(StoreError::Panicked)), "{panicked:?}");
    fine.unwrap();
    assert!(store.read(|c| records::exists(c, "test", "whole")).await.unwrap());
    assert!(!store.read(|c| records::exists(c, "test", "half")).await.unwrap());
}

#[tokio::test]
async fn a_second_owner_is_refused_and_a_closed_one_lets_go() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let refused = Store::open(dir.path()).unwrap_err();
    let StoreError::Locked { pid, .. } = &refused else { panic!("{refused}") };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(refused.to_string().contains("--state-dir"), "{refused}");
    put(&store, "a", json!(1)).await.unwrap();
    store.close().await;
    assert!(matches!(put(&store, "b", json!(1)).await, Err(StoreError::Closed)));
    assert!(!dir.path().join("journal.db-wal").exists());
    let again = Store::open(dir.path()).unwrap();
    assert_eq!(count(&again).await, 1);
    again.close().await;
}

#[tokio::test]
async fn no_other_tool_reads_the_file_beside_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    put(&store, "a", json!(1)).await.unwrap();
    let other = Connection::open(dir.path().join("journal.db")).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    let seen: rusqlite::Result<i64> =
        other.query_row("SELECT COUNT(*) FROM records", [], |row| row.get(0));
    assert!(seen.unwrap_err().to_string().contains("locked"));
    assert!(!dir.path().join("journal.db-shm").exists());
}

#[tokio::test]
async fn a_full_disk_refuses_the_job_and_later_ones_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    put(&store, "before", json!(1)).await.unwrap();
    let undone = store.undone();
    let pages: i64 =
        store.read(|c| c.query_row("PRAGMA page_count", [], |row| row.get(0))).await.unwrap();
    limit_pages(&store, pages + 1).await;
    let big = json!("x".repeat(200_000));
    let refused = put(&store, "big", big.clone()).await;
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    assert_eq!(undone.load(Ordering::SeqCst), 1);
    put(&store, "small", json!(1)).await.unwrap();
    limit_pages(&store, pages + 1000).await;
    put(&store, "big", big).await.unwrap();
    assert_eq!(count(&store).await, 3);
}

async fn limit_pages(store: &Store, pages: i64) {
    store
        .read(move |c| c.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())))
        .await
        .unwrap();
}

#[tokio::test]
async fn after_a_failure_nothing_is_acknowledged_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    put(&store, "kept", json!(1)).await.unwrap();
    let broken = store
        .write(|c| {
            records::put(c, "test", "lost", &1, 1)?;
            Err::<(), _>(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC),
                None,
            ))
        })
        .await;
    assert!(matches!(broken, Err(StoreError::Failed(_))), "{broken:?}");
    store.failed().await;
    assert!(matches!(put(&store, "later", json!(1)).await, Err(StoreError::Failed(_))));
    let read = store.read(|c| records::exists(c, "test", "kept")).await;
    assert!(matches!(read, Err(StoreError::Failed(_))), "{read:?}");
    store.close().await;
    let again = Store::open(dir.path()).unwrap();
    assert_eq!(count(&again).await, 1);
}

#[tokio::test]
async fn damage_is_set_aside_and_never_becomes_an_empty_database() {
    for damage in [
        |path: &Path| fs::write(path, "").unwrap(),
        |path: &Path| fs::write(path, "not a database, but long enough to be read").unwrap(),
        |path: &Path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[..4096].fill(0);
            fs::write(path, bytes).unwrap();
        },
    ] {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        put(&store, "a", json!(1)).await.unwrap();
        store.close().await;
        damage(&dir.path().join("journal.db"));
        let found = Store::open(dir.path()).unwrap_err();
        let StoreError::Corrupt { quarantined, .. } = &found else { panic!("{found}") };
        assert!(quarantined.exists());
        let still = Store::open(dir.path()).unwrap_err();
        assert!(matches!(still, StoreError::Corrupt { .. }), "{still}");
        fs::remove_file(quarantined).unwrap();
        assert_eq!(count(&Store::open(dir.path()).unwrap()).await, 0);
    }
}

#[tokio::test]
async fn a_torn_page_is_found_after_an_unclean_exit() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    for n in 0..200 {
        put(&store, &n.to_string(), json!("x".repeat(400))).await.unwrap();
    }
    store.read(|c| c.query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(()))).await.unwrap();
    put(&store, "last", json!(1)).await.unwrap();
    let image = crash_image(dir.path());
    let path = image.path().join("journal.db");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 64].fill(0xff);
    fs::write(&path, bytes).unwrap();
    let found = Store::open(image.path()).unwrap_err();
    assert!(matches!(found, StoreError::Corrupt { .. }), "{found}");
}

#[tokio::test]
async fn a_newer_file_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    Store::open(dir.path()).unwrap().close().await;
    let path = dir.path().join("journal.db");
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    other.close().unwrap();
    let before = fs::read(&path).unwrap();
    let refused = Store::open(dir.path()).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 99, .. }), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn tombstones_go_by_age_but_a_minimum_stays() {
    use super::journal::{self, NewRow, TOMBSTONE_MS, TOMBSTONES_MIN};
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let (dropped, left) = store
        .write(|c| {
            for n in 0..TOMBSTONES_MIN + 50 {
                journal::insert(
                    c,
                    &NewRow {
                        channel: "line",
                        account: "default",
                        dedupe_key: &n.to_string(),
                        lane: "l",
                        payload: None,
                        note: None,
                        now_ms: 1,
                    },
                )?;
            }
            let early = journal::prune(c, TOMBSTONE_MS)?;
            let late = journal::prune(c, TOMBSTONE_MS + 2)?;
            Ok(((early, late), journal::counts(c)?.done))
        })
        .await
        .unwrap();
    assert_eq!(dropped, (0, 50));
    assert_eq!(left, TOMBSTONES_MIN);
    let plan: String = store
        .read(|c| {
            c.query_row(
                "EXPLAIN QUERY PLAN SELECT seq FROM ingress WHERE state = 'pending' AND lane = ?1
                 ORDER BY seq LIMIT 1",
                params!["l"],
                |row| row.get(3),
            )
        })
        .await
        .unwrap();
    assert!(plan.contains("ingress_pending"), "{plan}");
}
