//! What a run costs beside the model: the same endpoint is asked directly and through the gateway, in
//! turns, in one process run. Figures go to standard output; nothing is asserted.
//!
//! `cargo run --release -p jackfield-tests --example agent_figures` (build the workspace first).

use harness::{
    Client, Gateway, Options,
    model::{Answer, End, Model},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Words of one answer.
const WORDS: usize = 400;
/// Repetitions of a figure.
const ROUNDS: usize = 15;
const STREAMING: usize = 100;

/// Time to the first word and to the end.
#[derive(Clone, Copy)]
struct Span {
    first: Duration,
    end: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for at_once in [1, 8, 32] {
        let answers =
            (0..2 * ROUNDS * at_once).map(|_| Answer::words(&["word "; WORDS], End::Done));
        let model = Model::start(answers).await;
        let gateway = start(&model).await;
        let mut client = gateway.client().await;
        let (mut direct, mut through) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            let began = Instant::now();
            let asked = (0..at_once).map(|_| ask(model.base()));
            direct.extend(futures_util::future::join_all(asked).await);
            let alone = began.elapsed();
            let began = Instant::now();
            through.extend(run(&mut client, round, at_once).await);
            rate(at_once, round, alone, began.elapsed());
        }
        let (direct, through) = (median(&direct), median(&through));
        println!(
            "{at_once:>3} at once: first word {:.1} ms (direct {:.1}), end {:.1} ms (direct {:.1})",
            millis(through.first),
            millis(direct.first),
            millis(through.end),
            millis(direct.end),
        );
    }
    memory().await;
}

async fn start(model: &Model) -> Gateway {
    let more = "history = 0";
    let config = model.config(more).replace("[agent]", "[agent]\nmax_concurrent = 128");
    Gateway::start(Options::default().config(&config)).await
}

fn rate(at_once: usize, round: usize, alone: Duration, through: Duration) {
    if round + 1 == ROUNDS {
        let per_second = |span: Duration| {
            f64::from(u32::try_from(at_once * WORDS).unwrap_or(u32::MAX)) / span.as_secs_f64()
        };
        println!(
            "{at_once:>3} at once: {:.0} words/s (direct {:.0})",
            per_second(through),
            per_second(alone)
        );
    }
}

/// Asks the endpoint itself.
async fn ask(base: String) -> Span {
    let host = base.trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    let began = Instant::now();
    let body = json!({ "model": "small", "stream": true, "messages": [{ "role": "user", "content": "x" }] });
    let body = body.to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut socket = TcpStream::connect(&host).await.expect("the endpoint listens");
    socket.write_all(request.as_bytes()).await.expect("it listens");
    let (mut read, mut first) = (Vec::new(), None);
    let mut piece = vec![0; 64 << 10];
    loop {
        let count = socket.read(&mut piece).await.expect("it answers");
        if count == 0 {
            break;
        }
        read.extend_from_slice(&piece[..count]);
        if first.is_none() && String::from_utf8_lossy(&read).contains("word") {
            first = Some(began.elapsed());
        }
    }
    Span { first: first.expect("it says something"), end: began.elapsed() }
}

/// Runs so many turns at once, each in a conversation of its own.
async fn run(client: &mut Client, round: usize, at_once: usize) -> Vec<Span> {
    let mut began = BTreeMap::new();
    for n in 0..at_once {
        let id = format!("run-{round}-{n}");
        let params = json!({ "sessionKey": format!("agent:main:{id}"), "message": "x", "idempotencyKey": id });
        began.insert(id, (Instant::now(), None));
        client.request("chat.send", params).await;
    }
    let mut spans = Vec::new();
    while spans.len() < at_once {
        let event = client.event(|event| event.name == "chat").await.payload;
        let id = event["runId"].as_str().unwrap_or_default();
        let Some((since, first)) = began.get_mut(id) else { continue };
        match event["state"].as_str() {
            Some("delta") if first.is_none() => *first = Some(since.elapsed()),
            Some("final") => {
                let end = since.elapsed();
                spans.push(Span { first: first.unwrap_or(end), end });
            }
            Some("error") => panic!("a run failed: {event}"),
            _ => {}
        }
    }
    spans
}

/// What the gateway holds while many runs stream.
async fn memory() {
    let answers = (0..STREAMING).map(|_| Answer::words(&["word "; WORDS], End::Never));
    let model = Model::start(answers).await;
    let gateway = start(&model).await;
    let mut client = gateway.client().await;
    let before = resident(gateway.pid());
    for n in 0..STREAMING {
        let params = json!({ "sessionKey": format!("agent:main:m-{n}"), "message": "x", "idempotencyKey": format!("m-{n}") });
        client.request("chat.send", params).await;
    }
    let mut speaking = BTreeSet::new();
    while speaking.len() < STREAMING {
        let event = client.event(|e| e.payload["state"] == "delta").await.payload;
        speaking.insert(event["runId"].to_string());
    }
    println!(
        "{STREAMING} runs stream: {} KiB resident, {before} KiB before",
        resident(gateway.pid())
    );
}

fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

fn median(spans: &[Span]) -> Span {
    let middle = |pick: fn(&Span) -> Duration| {
        let mut all: Vec<Duration> = spans.iter().map(pick).collect();
        all.sort();
        all[all.len() / 2]
    };
    Span { first: middle(|s| s.first), end: middle(|s| s.end) }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}
