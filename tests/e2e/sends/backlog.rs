//! A long outbox at the start: rows that waited while the platform was away go out at its pace, one that
//! it refuses and one target that it wants to be left alone hold up nobody, and what is asked for
//! meanwhile does not wait for all of them.
//!
//! `make backlog ROWS=10000` takes more of them.

use super::{
    asked_for,
    counterparts::{Counterpart, Discord, Slack, Telegram},
    faults,
    gauge::{Gauge, HOUR},
    sums::{self, Kept, UNDER_WAY},
};
use harness::{Client, Gateway, Options, eventually, proxy::Proxy};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// Rows of an ordinary test run; `make backlog` asks for more.
const ROWS: usize = 160;
/// Rows for one target of a short run, and of a long one.
const ROWS_PER_TARGET: (usize, usize) = (4, 100);
/// Rows that one life of the gateway accepts: few enough that no caller is told "not in time" before
/// it is killed.
const BATCH: usize = 2000;
/// Requests that one connection has under way at most.
const PER_CLIENT: usize = 200;
/// Sends that are asked for while the backlog is worked off, each to a target of its own.
const LIVE: usize = 3;

struct Play<C> {
    platform: C,
    proxy: Proxy,
    gauge: Arc<Gauge<C>>,
    gateway: Gateway,
    places: Vec<String>,
    rows: usize,
}

#[tokio::test]
async fn telegram_gets_what_waited_at_its_pace() {
    work_off::<Telegram>().await;
}

#[tokio::test]
async fn slack_gets_what_waited_at_its_pace() {
    work_off::<Slack>().await;
}

#[tokio::test]
async fn discord_gets_what_waited_at_its_pace() {
    work_off::<Discord>().await;
}

async fn work_off<C: Counterpart>() {
    let rows = asked_for("JACKFIELD_BACKLOG").unwrap_or(ROWS);
    let mut play = Play::<C>::set(rows).await;
    play.accept().await;
    play.proxy.comes_back().await;
    let begun = Instant::now();
    play.gateway.start_again().await;
    let mut client = play.gateway.client().await;
    let left = play.left();
    until(&mut client, rows - rows / 8).await;
    let (behind, latency) = play.live(&mut client).await;
    until(&mut client, left.max(rows / 2)).await;
    play.gateway.restart().await;
    let mut client = play.gateway.client().await;
    until(&mut client, left).await;
    let took = begun.elapsed();
    play.gateway.stop().await;
    let peaks = play.gauge.peaks();
    println!(
        "{}: {rows} rows for {} targets worked off in {took:.1?}, a restart included; at most {} in \
         any second, {} for one target; {} refused by a bucket; {LIVE} live sends meanwhile: at most \
         {behind} others before one, at most {latency:.0?}",
        C::ID,
        play.gauge.targets,
        peaks.all,
        peaks.target,
        play.gauge.came().over,
    );
    play.look_into().await;
}

/// Waits until no more than so many wait, as long as it gets on.
async fn until(client: &mut Client, left: usize) {
    let mut before = usize::MAX;
    while before > left {
        before = eventually("the backlog gets shorter", async || {
            let now = waiting(client).await;
            (now < before || now <= left).then_some(now)
        })
        .await;
    }
}

async fn waiting(client: &mut Client) -> usize {
    let status = client.call("status", json!({})).await;
    let waiting = status["backlog"]["outboundPending"].as_u64().expect("a number");
    usize::try_from(waiting).expect("it fits")
}

impl<C: Counterpart> Play<C> {
    async fn set(rows: usize) -> Self {
        let per_target = if rows > ROWS { ROWS_PER_TARGET.1 } else { ROWS_PER_TARGET.0 };
        let targets = rows / per_target;
        let mut platform = C::start().await;
        let places = platform.places(targets + LIVE).await;
        // The refused one stands in front of others for the same target.
        let gauge = Arc::new(Gauge::<C>::new(targets, rows, targets + 2, 1));
        let proxy = Proxy::before(platform.far(), Arc::clone(&gauge) as Arc<_>).await;
        proxy.goes_away().await;
        let options = Options::default().plugin(C::ID).config(&platform.config(proxy.port));
        let gateway = Gateway::start(options).await;
        Self { platform, proxy, gauge, gateway, places, rows }
    }

    /// Rows for the target that is to be left alone.
    fn left(&self) -> usize {
        (0..self.rows).filter(|n| self.gauge.target(*n) == self.gauge.blocked).count()
    }

    fn params(&self, n: usize, place: usize) -> serde_json::Value {
        json!({
            "channel": C::ID, "to": self.places[place], "message": faults::text(n, 1, 0),
            "idempotencyKey": format!("row-{n}"),
        })
    }

    /// Has every row accepted while the platform is away, by gateways that are killed over it.
    async fn accept(&mut self) {
        for first in (0..self.rows).step_by(BATCH) {
            if first > 0 {
                self.gateway.start_again().await;
            }
            let last = self.rows.min(first + BATCH);
            let mut clients = Vec::new();
            for begin in (first..last).step_by(PER_CLIENT) {
                let mut client = self.gateway.client().await;
                for n in begin..last.min(begin + PER_CLIENT) {
                    client.request("send", self.params(n, n % self.gauge.targets)).await;
                }
                clients.push(client);
            }
            let mut watcher = self.gateway.client().await;
            eventually("all are accepted", async || {
                (waiting(&mut watcher).await == last).then_some(())
            })
            .await;
            self.gateway.kill().await;
        }
    }

    /// Sends to targets of their own; the most that came before one since it was asked for, and the
    /// longest time.
    async fn live(&mut self, client: &mut Client) -> (usize, Duration) {
        let (mut behind, mut latency) = (0, Duration::ZERO);
        for live in 0..LIVE {
            let n = self.rows + live;
            let (before, asked) = (self.gauge.came().all.len(), Instant::now());
            client.call("send", self.params(n, self.gauge.targets + live)).await;
            latency = latency.max(asked.elapsed());
            let came = self.gauge.came();
            let at = came.all.iter().position(|(_, send)| *send == n).expect("it came");
            behind = behind.max(at.saturating_sub(before));
        }
        let most = 3 * UNDER_WAY;
        assert!(behind <= most, "{behind} others went before a live send, not {most} at most");
        (behind, latency)
    }

    async fn look_into(&self) {
        let rows = sums::rows(self.gateway.home());
        let there = sums::places(&self.platform.accepted().await);
        assert_eq!(rows.len(), self.rows + LIVE);
        let of_state =
            |state: &str| -> Vec<&Kept> { rows.iter().filter(|row| row.state == state).collect() };
        let (sent, failed, queued) = (of_state("sent"), of_state("failed"), of_state("queued"));
        let unknown = of_state("unknown");
        println!(
            "{}: {} rows = {} sent + {} failed + {} queued + {} unknown; the platform has {} messages; \
             refused: {}",
            C::ID,
            rows.len(),
            sent.len(),
            failed.len(),
            queued.len(),
            unknown.len(),
            there.values().map(Vec::len).sum::<usize>(),
            failed.iter().map(|row| row.reason.as_str()).collect::<String>(),
        );
        let ended = sent.len() + failed.len() + unknown.len();
        assert_eq!(rows.len(), ended + queued.len(), "nothing is under way");
        // Where the platform cannot tell, what was being tried when its gateway was killed.
        let kills = self.rows.div_ceil(BATCH);
        let most = if C::TELLS { 0 } else { UNDER_WAY * kills };
        assert!(unknown.len() <= most, "{unknown:?}");
        for row in &rows {
            let has = there.get(&(row.send, 0)).map_or(0, Vec::len);
            assert_eq!(has, usize::from(row.state == "sent"), "{row:?}");
        }
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert!(failed[0].send == self.gauge.poison && !failed[0].reason.is_empty(), "{failed:?}");
        let of_blocked = |row: &&&Kept| self.gauge.target(row.send) == self.gauge.blocked;
        assert_eq!(queued.iter().filter(of_blocked).count(), queued.len(), "nobody else waits");
        let cut_off = unknown.iter().filter(of_blocked).count();
        assert_eq!(queued.len() + cut_off, self.left());
        assert_eq!(self.gauge.came().blocked, 1, "it is left alone, across a restart too");
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_millis();
        let due = i128::from(queued[0].not_before_ms) - i128::try_from(now).expect("it fits");
        assert!(due > i128::from(HOUR) * 1000 / 2, "its hour goes on: {due} ms");
        sums::in_order(&rows, &there);
    }
}
