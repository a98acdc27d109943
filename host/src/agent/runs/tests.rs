//! Whatever dies, and in whatever order: a run has one end, told once.

use super::*;
use crate::{
    agent::{
        OutcomeStatus,
        backend::{Backend, BackendError, Model, Prompt, Step, ToolPhase, ToolStep, Usage, Wishes},
    },
    events::{Item, Subscriber},
    protocol::scope::{Role, Scopes},
};
use futures_util::future::BoxFuture;
use proptest::prelude::*;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::mpsc;

const OWNER: u64 = 7;

/// What a backend does before its fate.
#[derive(Clone, Debug)]
enum Move {
    Say,
    Think,
    UseTool,
    Wait(u64),
}

/// How a backend ends.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Answers,
    Fails,
    Panics,
    Hangs,
}

/// The life of one run.
#[derive(Clone, Debug)]
struct Life {
    conversation: u8,
    moves: Vec<Move>,
    fate: Fate,
    timeout_ms: u64,
    aborted_after_ms: Option<u64>,
    storing_fails: bool,
}

/// Does what the script of a run says.
struct Scripted(Mutex<BTreeMap<String, Life>>);

impl Backend for Scripted {
    fn run(
        &self,
        prompt: Prompt,
        steps: mpsc::Sender<Step>,
    ) -> BoxFuture<'static, Result<(), BackendError>> {
        let life = self.0.lock().unwrap()[&prompt.run_id].clone();
        Box::pin(async move {
            let tool = |phase| Step::Tool(ToolStep { id: "t".into(), name: "tool".into(), phase });
            for todo in life.moves {
                let steps_of = match todo {
                    Move::Say => vec![Step::Text("word ".into()), Step::Usage(Usage::default())],
                    Move::Think => vec![Step::Thought("hm".into())],
                    Move::UseTool => vec![
                        tool(ToolPhase::Start(value!({}))),
                        tool(ToolPhase::End { result: value!("done"), failed: false }),
                    ],
                    Move::Wait(ms) => {
                        tokio::time::sleep(Duration::from_millis(ms)).await;
                        Vec::new()
                    }
                };
                for step in steps_of {
                    steps.send(step).await.map_err(|_| BackendError::Unheard)?;
                }
            }
            match life.fate {
                Fate::Answers => Ok(()),
                Fate::Fails => Err(BackendError::Died("signal: 9".into())),
                Fate::Panics => panic!("a backend that panics"),
                Fate::Hangs => std::future::pending().await,
            }
        })
    }

    fn model(&self) -> Model {
        Model {
            id: "scripted".into(),
            name: "Scripted".into(),
            provider: "tests".into(),
            context_window: None,
            reasoning: false,
            available: true,
        }
    }
}

fn lives() -> impl Strategy<Value = Vec<Life>> {
    let moves = prop_oneof![
        3 => Just(Move::Say),
        1 => Just(Move::Think),
        1 => Just(Move::UseTool),
        2 => (0_u64..6).prop_map(Move::Wait),
    ];
    let fate =
        prop_oneof![Just(Fate::Answers), Just(Fate::Fails), Just(Fate::Panics), Just(Fate::Hangs)];
    let life = (
        0_u8..2,
        prop::collection::vec(moves, 0..6),
        fate,
        1_u64..25,
        prop::option::of(0_u64..15),
        prop::bool::weighted(0.15),
    );
    let life = life.prop_map(
        |(conversation, moves, fate, timeout_ms, aborted_after_ms, storing_fails)| Life {
            conversation,
            moves,
            fate,
            timeout_ms,
            aborted_after_ms,
            storing_fails,
        },
    );
    prop::collection::vec(life, 1..5)
}

fn key(life: &Life) -> String {
    format!("agent:main:c{}", life.conversation)
}

fn start(id: &str, life: &Life) -> Start {
    let commit: CommitHook = if life.storing_fails {
        Box::new(|_, _| Err(rusqlite::Error::QueryReturnedNoRows))
    } else {
        Box::new(|_, _| Ok(()))
    };
    Start {
        files: Vec::new(),
        run_id: id.to_owned(),
        session_key: key(life),
        agent_id: "main".into(),
        text: "hello".into(),
        message_key: id.to_owned(),
        channel: None,
        timeout: Some(Duration::from_millis(life.timeout_ms)),
        wishes: Wishes::default(),
        owner: Some(OWNER),
        commit: Some(commit),
    }
}

/// Lives all lives at once; answers how each ended, every event, and what stayed stored.
async fn live(lives: &[Life]) -> (Vec<Arc<Finished>>, Vec<Value>, Vec<transcripts::Entry>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let events = Events::default();
    let caps = ["tool-events".to_owned()];
    let scopes = Scopes::from_words(&["operator.read"]);
    let heard = Arc::new(Subscriber::new(Role::Operator, scopes, &caps, Arc::default()));
    events.subscribe(OWNER, Arc::clone(&heard));
    let named = lives.iter().enumerate().map(|(n, life)| (format!("run-{n}"), life.clone()));
    let agent = Agent {
        id: "main".into(),
        name: "main".into(),
        backend: Arc::new(Scripted(Mutex::new(named.clone().collect()))),
        timeout: Duration::from_secs(1),
    };
    let (roster, tracker) = (Roster::new(agent, Vec::new()), TaskTracker::new());
    let clock = Clock::system();
    let runs = Runs::new(store.clone(), clock, events.clone(), roster, 3, tracker);
    let one = async |id: String, life: Life| {
        let Ok(Begun::New(handle)) = runs.begin(start(&id, &life)).await else {
            panic!("a new run is new")
        };
        handle.release();
        if let Some(ms) = life.aborted_after_ms {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            runs.abort(&key(&life), Some(&id), "rpc").await;
        }
        let end = handle.end().await;
        let again = runs.begin(start(&id, &life)).await.unwrap();
        assert!(matches!(again, Begun::Ended(_)), "an end is remembered");
        end
    };
    let ends = futures_util::future::join_all(named.map(|(id, life)| one(id, life))).await;
    let events = std::iter::from_fn(|| heard.outbox.pop()).filter_map(|item| match item {
        Item::Event(text, seq) => serde_json::from_str(&text.with_seq(Some(seq))).ok(),
        _ => None,
    });
    let events = events.collect();
    let kept = store
        .read(|c| {
            let mut all = Vec::new();
            for key in ["agent:main:c0", "agent:main:c1"] {
                all.extend(transcripts::history(c, key, 1000, None)?.0);
            }
            Ok(all)
        })
        .await
        .unwrap();
    store.close().await;
    (ends, events, kept)
}

fn check(end: &Finished, events: &[Value], kept: &[transcripts::Entry]) {
    let mine: Vec<&Value> =
        events.iter().filter(|e| e["payload"]["runId"] == *end.run_id).collect();
    let chat: Vec<&str> = mine
        .iter()
        .filter(|e| e["event"] == "chat")
        .filter_map(|e| e["payload"]["state"].as_str())
        .collect();
    let (last, before) = chat.split_last().unwrap();
    assert!(before.iter().all(|state| *state == "delta"), "{chat:?}");
    let expected = match end.outcome.status {
        OutcomeStatus::Ok => "final",
        OutcomeStatus::Aborted => "aborted",
        OutcomeStatus::Error | OutcomeStatus::Timeout => "error",
    };
    assert_eq!(*last, expected);
    let agent: Vec<&Value> =
        mine.iter().filter(|e| e["event"] == "agent").map(|e| &e["payload"]).collect();
    let seqs: Vec<u64> = agent.iter().filter_map(|p| p["seq"].as_u64()).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "{seqs:?}");
    let ends: Vec<&Value> = agent
        .iter()
        .filter(|p| p["stream"] == "lifecycle")
        .map(|p| &p["data"]["phase"])
        .filter(|phase| **phase == "end" || **phase == "error")
        .collect();
    assert_eq!(ends.len(), 1, "{agent:?}");
    let answers = kept.iter().filter(|entry| {
        entry.run_id.as_deref() == Some(end.run_id.as_str())
            && entry.role == transcripts::Role::Assistant
            && transcripts::text_of(&entry.body).is_some()
    });
    let stored = end.outcome.error.as_deref()
        != Some("the answer could not be stored; nothing was sent")
        && !end.outcome.text.is_empty();
    assert_eq!(answers.count(), usize::from(stored), "one answer, or none");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn a_run_ends_once_whatever_dies(lives in lives()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let (ends, events, kept) = runtime.block_on(live(&lives));
        for end in &ends {
            check(end, &events, &kept);
        }
    }
}
