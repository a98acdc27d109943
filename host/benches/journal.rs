//! How fast messages become durable, beside a plain loop of single inserts under the same flushing
//! policy on the same disk in the same run, and how soon a gateway serves again after a kill.
//!
//! `cargo bench --bench journal`; a folder to work in may be named: `cargo bench --bench journal -- /mnt/disk`.
#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a bench: it prints figures for people and has nobody to report to"
)]

use futures_util::{
    StreamExt,
    future::{BoxFuture, pending},
    stream,
};
use jackfield::{
    agent::{Outcome, Turn, Turns},
    clock::Clock,
    messages::{ChannelPolicy, DmPolicy, Messages, Senders, Settings},
    plugins::{Attempt, ChannelFacts, Inbox, PluginEvent},
    store::{Store, journal},
};
use jackfield_plugin_api::{
    error::SendError,
    event::{ConversationKind, Event, InboundMessage, Place, Sender},
    fetch::{Fetch, Fetched, Reconciled},
    frame::{Accepted, Cursor},
    outbound::Receipt,
};
use rusqlite::Connection;
use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const MESSAGES: usize = 2000;
const ROWS: u64 = 100_000;

/// Runs that never end and a channel that is not there: what is measured is the way in.
struct Nobody;

impl Turns for Nobody {
    fn run(&self, _: Turn) -> BoxFuture<'static, Outcome> {
        Box::pin(pending())
    }
    fn partial(&self, _: &str) -> Option<String> {
        None
    }
    fn supersede(&self, _: &str, _: &str) -> BoxFuture<'static, ()> {
        Box::pin(async {})
    }
}

impl Senders for Nobody {
    fn send(&self, _: &str, _: Attempt) -> BoxFuture<'_, Result<Receipt, SendError>> {
        Box::pin(pending())
    }
    fn fetch(&self, _: &str, _: Fetch) -> BoxFuture<'_, Result<Fetched, SendError>> {
        Box::pin(pending())
    }
    fn spool(&self, _: &str) -> Option<PathBuf> {
        None
    }
    fn reconcile(&self, _: &str, _: Attempt) -> BoxFuture<'_, Option<Reconciled>> {
        Box::pin(pending())
    }
    fn facts(&self, _: &str) -> Option<ChannelFacts> {
        None
    }
}

fn main() {
    let named = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    let home = named.map_or_else(
        || tempfile::tempdir().unwrap(),
        |folder| tempfile::tempdir_in(folder).unwrap(),
    );
    let single = plain_inserts(home.path());
    println!("plain inserts, one commit each: {single:.0}/s");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    for side_by_side in [1, 32, 128] {
        let state = home.path().join(format!("in-{side_by_side}"));
        std::fs::create_dir(&state).unwrap();
        let (mut times, took) = runtime.block_on(inbound(&state, side_by_side));
        times.sort();
        let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
        let rate = times.len() as f64 / took.as_secs_f64();
        println!(
            "{side_by_side:>3} at once: p50 {:.1} ms, p99 {:.1} ms, {rate:.0}/s, {:.1} × plain",
            at(50),
            at(99),
            rate / single
        );
    }
    runtime.block_on(restart(&home.path().join("restart")));
}

fn plain_inserts(home: &Path) -> f64 {
    let db = Connection::open(home.join("plain.db")).unwrap();
    for (name, value) in
        [("locking_mode", "EXCLUSIVE"), ("journal_mode", "WAL"), ("synchronous", "FULL")]
    {
        db.pragma_update(None, name, value).unwrap();
    }
    db.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)").unwrap();
    let body = "x".repeat(600);
    let begun = Instant::now();
    for _ in 0..MESSAGES {
        db.execute("INSERT INTO t (body) VALUES (?1)", [&body]).unwrap();
    }
    MESSAGES as f64 / begun.elapsed().as_secs_f64()
}

/// The time each message took from the plugin to its acknowledgement, and that of all.
async fn inbound(state: &Path, side_by_side: usize) -> (Vec<Duration>, Duration) {
    let store = Store::open(state).unwrap();
    let policy = ChannelPolicy { dm_policy: DmPolicy::Open, ..ChannelPolicy::default() };
    let settings = Settings {
        channels: HashMap::from([("line".to_owned(), policy)]),
        default_agent: "main".to_owned(),
        ..Settings::default()
    };
    let (turns, senders): (Arc<dyn Turns>, Arc<dyn Senders>) = (Arc::new(Nobody), Arc::new(Nobody));
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let messages =
        Messages::start(store.clone(), Clock::system(), settings, turns, senders, tracker, stop);
    let messages = messages.await.unwrap();
    let one = |n: usize| {
        let messages = &messages;
        async move {
            let event = PluginEvent {
                channel: "line".to_owned(),
                account: "default".into(),
                dedupe_key: n.to_string(),
                cursor: Some(Cursor { stream: String::new(), value: n.to_string() }),
                album: None,
                body: message(&format!("person-{}", n % 50)),
            };
            let begun = Instant::now();
            assert_eq!(messages.accept(event).await, Accepted::Stored);
            begun.elapsed()
        }
    };
    let begun = Instant::now();
    let times = stream::iter((0..MESSAGES).map(one)).buffer_unordered(side_by_side).collect().await;
    (times, begun.elapsed())
}

fn message(from: &str) -> Event {
    let sender = Sender { id: from.into(), name: None, username: None, bot: false, own: false };
    Event::Message(InboundMessage {
        place: Place {
            conversation: from.into(),
            kind: ConversationKind::Direct,
            title: None,
            thread: None,
        },
        sender,
        message: "1".into(),
        text: "a message of usual length, as people write them".to_owned(),
        attachments: Vec::new(),
        reply_to: None,
        mentioned: false,
        sent_at_ms: None,
    })
}

/// From the start of the program to its port, over a database that a kill left behind.
async fn restart(state: &Path) {
    std::fs::create_dir(state).unwrap();
    let store = Store::open(state).unwrap();
    let fill = |c: &Connection| {
        for n in 0..ROWS {
            let key = n.to_string();
            let row = journal::NewRow {
                channel: "line",
                account: "default",
                dedupe_key: &key,
                lane: "agent:main:line:direct:ada",
                payload: None,
                note: None,
                now_ms: Clock::system().now_ms(),
            };
            journal::insert(c, &row)?;
        }
        Ok(())
    };
    store.write(fill).await.unwrap();
    // What a kill leaves: the files as they are, the log not folded in.
    let image = state.with_extension("image");
    std::fs::create_dir(&image).unwrap();
    for name in ["journal.db", "journal.db-wal"] {
        std::fs::copy(state.join(name), image.join(name)).unwrap();
    }
    let begun = Instant::now();
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_jackfield"))
        .args(["gateway", "--port", "0", "--token", "bench-token-0123456789", "--state-dir"])
        .arg(&image)
        .env("HOME", &image)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(gateway.stdout.take().unwrap()).lines();
    let listens = lines.map_while(Result::ok).any(|line| line.starts_with("listening on"));
    println!(
        "serves {} ms after its start, {ROWS} rows in the journal",
        begun.elapsed().as_millis()
    );
    assert!(listens);
    gateway.kill().unwrap();
    gateway.wait().unwrap();
}
