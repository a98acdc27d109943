//! Sends through the whole gateway and each real plugin while lines break, limits strike and whatever
//! is on the way is killed; then what was accepted is counted from three sides: what `send` answered
//! and the outbox says, what the platform has, and what the log told.
//!
//! `make sends REPEAT=1000` does it more often; `SEED=` repeats a run's faults.

mod backlog;
mod counterparts;
mod faults;
mod gauge;
mod sums;

use counterparts::{Counterpart, Discord, Slack, Telegram};
use faults::{Chance, Kind, Meddler, Order};
use harness::{
    Connect, Gateway, Incoming, Options, Socket,
    gateway::{is_gone, signal},
    proxy::Proxy,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

/// Sends of an ordinary test run to each platform; `make sends` asks for more.
const SENDS: usize = 40;
/// Sends in one life of the gateway, unless it ends before.
const ROUND: usize = 40;
/// Targets, so many that lanes and waits overlap.
const PLACES: usize = 24;
/// Runs that are at least this long wait for clients' timeouts too.
const LONG_RUN: usize = 400;
/// How long the platform refuses connections when it is away.
const AWAY: Duration = Duration::from_millis(400);
/// Where the gateway ends by itself, of `host/src/store/failpoint.rs`.
const FAILPOINTS: [&str; 3] = ["outbox.dispatching", "outbox.answered", "outbox.part_stored"];

/// A number from the environment.
fn asked_for<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// What became of a send, as its caller was told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Sent,
    Failed(String),
    Unknown,
}

/// One send.
#[derive(Clone)]
struct Send {
    to: String,
    parts: usize,
}

struct Play<C> {
    platform: C,
    proxy: Proxy,
    meddler: Arc<Meddler<C>>,
    orders: mpsc::UnboundedReceiver<Order>,
    gateway: Gateway,
    chance: Chance,
    sends: Vec<Send>,
    answers: BTreeMap<usize, Answer>,
    /// How often a caller was told that nothing was sent, and asked again.
    again: usize,
    log: Vec<String>,
    /// How often the gateway died.
    deaths: usize,
    /// How often its plugin died or all its connections were cut.
    cuts: usize,
}

#[tokio::test]
async fn whatever_happens_to_a_send_telegram_is_told_once() {
    conserve::<Telegram>().await;
}

#[tokio::test]
async fn whatever_happens_to_a_send_slack_is_told_once() {
    conserve::<Slack>().await;
}

#[tokio::test]
async fn whatever_happens_to_a_send_discord_is_told_once() {
    conserve::<Discord>().await;
}

async fn conserve<C: Counterpart>() {
    let count = asked_for("JACKFIELD_SENDS").unwrap_or(SENDS);
    let any = RandomState::new().build_hasher().finish();
    let seed = asked_for("SEED").unwrap_or(any);
    println!("{}: {count} sends, SEED={seed}", C::ID);
    let mut play = Play::<C>::set(count, seed).await;
    for (round, first) in (0..count).step_by(ROUND).enumerate() {
        let due: Vec<usize> = (first..count.min(first + ROUND)).collect();
        play.plan(&due, round, count >= LONG_RUN);
        play.round(&due, round).await;
    }
    play.gateway.stop().await;
    play.keep_log().await;
    sums::look_into(&play).await;
}

impl<C: Counterpart> Play<C> {
    async fn set(count: usize, seed: u64) -> Self {
        let mut platform = C::start().await;
        let places = platform.places(PLACES).await;
        let (meddler, orders) = Meddler::new();
        let meddler = Arc::new(meddler);
        let proxy = Proxy::before(platform.far(), Arc::clone(&meddler) as Arc<_>).await;
        let options = Options::default().plugin(C::ID).config(&platform.config(proxy.port));
        let gateway = Gateway::start(options).await;
        let mut chance = Chance::new(seed);
        let sends = (0..count)
            .map(|n| Send {
                to: places[n % places.len()].clone(),
                parts: if chance.below(5) == 0 { 3 } else { 1 },
            })
            .collect();
        Self {
            platform,
            proxy,
            meddler,
            orders,
            gateway,
            chance,
            sends,
            answers: BTreeMap::new(),
            again: 0,
            log: Vec::new(),
            deaths: 0,
            cuts: 0,
        }
    }

    /// Chooses what happens to the sends of a round, at most twice to the plugin and once to the
    /// gateway: a plugin that falls too often is kept back.
    fn plan(&mut self, due: &[usize], round: usize, long: bool) {
        let mut kinds = vec![Kind::PluginKilledAfter, Kind::PluginKilledBefore];
        match round % 3 {
            0 => kinds.push(Kind::GatewayKilledAfter),
            1 => kinds.push(Kind::GatewayKilledBefore),
            _ => {} // it ends at a failpoint
        }
        if round.is_multiple_of(2) {
            kinds.push(Kind::PlatformAway);
        }
        if long && round == 1 {
            kinds.extend([Kind::Stalled; 3]);
        }
        let mut free: Vec<usize> = due.to_vec();
        for kind in kinds {
            if !free.is_empty() {
                let at = self.chance.below(free.len());
                self.happens(free.swap_remove(at), kind);
            }
        }
        for n in free {
            if self.chance.below(3) > 0 {
                let kind = Kind::COMMON[self.chance.below(Kind::COMMON.len())];
                self.happens(n, kind);
            }
        }
    }

    fn happens(&mut self, n: usize, kind: Kind) {
        let part = self.chance.below(self.sends[n].parts);
        self.meddler.plan((n, part), kind);
    }

    /// One life of the gateway, or more when it dies, until every one of these has an end.
    async fn round(&mut self, due: &[usize], round: usize) {
        if round > 0 {
            let place = FAILPOINTS[round / 3 % FAILPOINTS.len()];
            let at = format!("{place}:{}", 1 + self.chance.below(ROUND / 2));
            let env = (round % 3 == 2).then(|| ("JACKFIELD_FAILPOINT".to_owned(), at));
            self.gateway.stop().await;
            self.keep_log().await;
            assert!(self.gateway.try_again_with(env.as_slice()).await, "it does not start");
        }
        while !self.answered(due).await {
            if !self.gateway.dies_within(Duration::ZERO).await {
                self.gateway.ended().await;
            }
            self.deaths += 1;
            self.keep_log().await;
            self.gateway.start_again().await;
        }
    }

    /// Keeps what the life that ended had printed.
    async fn keep_log(&mut self) {
        self.gateway.output.sought("an end", |_| None::<()>).await;
        self.log.extend(self.gateway.output.lines());
    }

    /// Asks for each of these until it has an answer; false when the gateway dies.
    async fn answered(&mut self, due: &[usize]) -> bool {
        let Some(client) = Connect::cli().seek(self.gateway.port).await else { return false };
        let mut socket = client.into_socket();
        let mut open: BTreeSet<usize> =
            due.iter().copied().filter(|n| !self.answers.contains_key(n)).collect();
        for n in &open {
            self.ask(&mut socket, *n).await;
        }
        while !open.is_empty() {
            tokio::select! {
                order = self.orders.recv() => {
                    let order = order.expect("the meddler lives");
                    if !self.obey(order).await {
                        return false;
                    }
                }
                incoming = socket.next() => match incoming {
                    Incoming::Frame(frame) if frame["type"] == "res" => {
                        let n = frame["id"].as_str().and_then(|id| id.parse().ok()).expect("ours");
                        if let Some(answer) = told(&frame) {
                            self.answers.insert(n, answer);
                            open.remove(&n);
                        } else {
                            self.again += 1;
                            self.ask(&mut socket, n).await;
                        }
                    }
                    Incoming::Frame(_) => {}
                    _ => return false,
                },
            }
        }
        true
    }

    async fn ask(&self, socket: &mut Socket, n: usize) {
        let Send { to, parts } = &self.sends[n];
        let params = json!({
            "channel": C::ID, "to": to, "message": faults::text(n, *parts, C::PARAGRAPH),
            "idempotencyKey": key(n),
        });
        let ask = json!({ "type": "req", "id": n.to_string(), "method": "send", "params": params });
        socket.send(&ask).await;
    }

    /// Does what a fault needs; false when the gateway is dead.
    async fn obey(&mut self, order: Order) -> bool {
        if !matches!(order, Order::KillGateway) {
            self.cuts += 1;
        }
        match order {
            Order::KillPlugin => {
                for child in self.gateway.children().into_iter().filter(|pid| !is_gone(*pid)) {
                    signal(child, Signal::KILL);
                }
                true
            }
            Order::KillGateway => {
                self.gateway.kill().await;
                false
            }
            Order::GoAway => {
                self.proxy.is_away_for(AWAY).await;
                true
            }
        }
    }
}

fn key(n: usize) -> String {
    format!("send-{n}")
}

/// What an answer says; `None` when asking again under the same key is safe and needed.
fn told(frame: &Value) -> Option<Answer> {
    if frame["ok"] == true {
        return Some(Answer::Sent);
    }
    let error = &frame["error"];
    let text = error["message"].as_str().unwrap_or_default().to_owned();
    match error["details"]["delivery"].as_str() {
        Some("not-sent" | "pending") => None,
        Some("unknown") => Some(Answer::Unknown),
        Some("failed") => Some(Answer::Failed(text)),
        _ => panic!("an answer that says nothing about the send: {frame}"),
    }
}
