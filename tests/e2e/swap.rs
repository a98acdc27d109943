//! One version of a plugin takes over from another while messages flow both ways, and the version
//! before goes on when the other is no good.

use harness::{Client, Exchange, Gateway, Options, eventually, gateway, libraries};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;

const ISOLATIONS: [&str; 2] = ["process", "in-process"];
const USERS: [&str; 8] = ["ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"];

/// Conversations that somebody is written to in, so many that one slow answer holds up few of them:
/// within one, the next message follows the answer to the one before, to keep its order.
const PEERS: usize = 40;

/// How many changes of versions, and how many messages a second each way; `make swap` asks for more.
fn measure<T: std::str::FromStr>(name: &str, ordinary: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(ordinary)
}

struct Stage {
    gateway: Gateway,
    exchange: Arc<Exchange>,
    client: Client,
}

impl Stage {
    async fn set(isolation: &str, more: &str) -> Self {
        let exchange = Exchange::open().await;
        let options = Options::default().stand_in(isolation, &exchange).config(more);
        let gateway = Gateway::start(options).await;
        let mut client = gateway.client().await;
        runs(&mut client, 'a').await;
        Self { gateway, exchange: Arc::new(exchange), client }
    }

    /// The package of a version, ready to be upgraded to.
    fn package(&self, letter: char) -> PathBuf {
        let folder = self.gateway.home().join(format!("version-{letter}"));
        libraries::pack_stand_in(letter, "stand-in", &folder);
        folder
    }

    /// A message in and its answer out, which shows that the version that runs carries both.
    async fn carries(&mut self, text: &str) {
        self.exchange.publish("zoe", text);
        self.exchange.heard("zoe", text, 1).await;
    }
}

async fn plugin(client: &mut Client) -> Value {
    let found = client.call("plugins.inspect", json!({ "pluginId": "stand-in" })).await;
    found["plugin"].clone()
}

/// Waits until the version with this letter runs.
async fn runs(client: &mut Client, letter: char) -> Value {
    eventually("the version runs", async || {
        let row = plugin(client).await;
        let right = row["version"].as_str()?.chars().nth(6) == Some(letter);
        (right && row["state"] == "running").then_some(row)
    })
    .await
}

async fn upgrade(client: &mut Client, package: &Path) -> Value {
    client.call("plugins.upgrade", json!({ "path": package })).await
}

/// Writes to the assistant and sends to people, both at a steady rate whatever became of the last
/// message, until told to stop. Each answer of the assistant goes out beside them.
struct Traffic {
    stop: tokio::sync::watch::Sender<bool>,
    begun: Instant,
    publishing: JoinHandle<usize>,
    sending: Vec<JoinHandle<usize>>,
}

/// How much traffic there was.
struct Carried {
    /// All messages that reached somebody.
    total: usize,
    /// Messages to the assistant in a second.
    inward: f64,
    /// Messages to people in a second, answers not counted.
    outward: f64,
}

impl Traffic {
    async fn start(stage: &Stage, rate: u32) -> Self {
        let stop = tokio::sync::watch::Sender::new(false);
        let pause = |conversations: usize| {
            Duration::from_secs(1) * u32::try_from(conversations).expect("few") / rate
        };
        let mut clients = Vec::new();
        for _ in 0..PEERS {
            clients.push(stage.gateway.client().await);
        }
        let publishing =
            tokio::spawn(publish(stage.exchange.clone(), pause(USERS.len()), stop.subscribe()));
        let begun = Instant::now();
        let sending = clients
            .into_iter()
            .enumerate()
            .map(|(n, client)| tokio::spawn(send(client, peer(n), pause(PEERS), stop.subscribe())));
        Self { begun, publishing, sending: sending.collect(), stop }
    }

    /// Stops, waits until all has arrived, and requires that it did so once and in order.
    async fn settle(self, exchange: &Exchange, what: &str) -> Carried {
        self.stop.send_replace(true);
        let seconds = self.begun.elapsed().as_secs_f64();
        let published = self.publishing.await.expect("publishing goes on");
        let mut expected: Vec<(String, &str, usize)> =
            USERS.map(|user| (user.to_owned(), "in-", published)).to_vec();
        for (n, sending) in self.sending.into_iter().enumerate() {
            expected.push((peer(n), "out-", sending.await.expect("sent")));
        }
        for (who, prefix, count) in &expected {
            let wanted: Vec<String> = (0..*count).map(|n| format!("{prefix}{n}")).collect();
            let heard = exchange.heard(who, prefix, *count).await;
            assert!(heard == wanted, "{what}: {who} heard {heard:?}");
        }
        assert_eq!(exchange.repeats(), [""; 0], "{what}: nothing is sent twice");
        assert_eq!(exchange.readers_most(), 1, "{what}: one version at a time holds the feed");
        let sum = |way: &str| -> usize {
            expected.iter().filter(|(_, prefix, _)| *prefix == way).map(|(_, _, n)| n).sum()
        };
        let rate = |count: usize| f64::from(u32::try_from(count).expect("few")) / seconds;
        let (inward, outward) = (sum("in-"), sum("out-"));
        Carried { total: inward + outward, inward: rate(inward), outward: rate(outward) }
    }
}

async fn publish(
    exchange: Arc<Exchange>,
    pause: Duration,
    stop: tokio::sync::watch::Receiver<bool>,
) -> usize {
    let mut ticks = tokio::time::interval(pause);
    for n in 0.. {
        ticks.tick().await;
        if *stop.borrow() {
            return n;
        }
        for user in USERS {
            exchange.publish(user, &format!("in-{n}"));
        }
    }
    unreachable!("counting does not end")
}

fn peer(n: usize) -> String {
    format!("peer-{n:02}")
}

/// Ticks that were missed are made up for, so a slow answer does not lower the rate.
async fn send(
    mut client: Client,
    peer: String,
    pause: Duration,
    stop: tokio::sync::watch::Receiver<bool>,
) -> usize {
    let mut ticks = tokio::time::interval(pause);
    for n in 0.. {
        ticks.tick().await;
        if *stop.borrow() {
            return n;
        }
        let params = json!({
            "channel": "stand-in", "to": peer, "message": format!("out-{n}"),
            "idempotencyKey": format!("{peer}-{n}"),
        });
        client.call("send", params).await;
    }
    unreachable!("counting does not end")
}

#[tokio::test]
async fn versions_change_under_traffic_and_nothing_is_lost_doubled_or_reordered() {
    let (swaps, rate): (usize, u32) = (measure("SWAPS", 20), measure("RATE", 80));
    for isolation in ISOLATIONS {
        let mut stage = Stage::set(isolation, "").await;
        let packages = [stage.package('a'), stage.package('b')];
        let traffic = Traffic::start(&stage, rate).await;
        let (begun, mut pauses) = (Instant::now(), Vec::new());
        for n in 1..=swaps {
            let before = stage.exchange.count();
            eventually("messages flow between two changes", async || {
                (stage.exchange.count() >= before + USERS.len()).then_some(())
            })
            .await;
            let done = upgrade(&mut stage.client, &packages[n % 2]).await;
            assert_eq!(done["swap"]["outcome"], "probation", "{isolation}: {done}");
            pauses.push(done["swap"]["pauseUs"].as_u64().expect("messages waited"));
        }
        let seconds = begun.elapsed().as_secs_f64();
        let Carried { total, inward, outward } = traffic.settle(&stage.exchange, isolation).await;
        let row = plugin(&mut stage.client).await;
        assert_eq!(row["restarts"], 0, "{isolation}: no version fell: {row}");
        pauses.sort_unstable();
        let at = |part: usize| pauses[(pauses.len() * part / 100).min(pauses.len() - 1)];
        eprintln!(
            "{isolation}: {swaps} changes in {seconds:.1} s, {total} messages ({inward:.0} in and as \
             many answers, {outward:.0} sent a second), 0 lost, 0 doubled, 0 reordered; pause p50 {} us, p99 {} us, longest {} us",
            at(50),
            at(99),
            at(100)
        );
    }
}

#[tokio::test]
async fn a_version_that_is_no_good_leaves_the_running_one_serving() {
    for isolation in ISOLATIONS {
        let mut stage = Stage::set(isolation, "").await;
        let first = runs(&mut stage.client, 'a').await;
        let damaged = stage.package('b');
        let library = damaged.join("libjackfield_stand_in.so");
        let mut bytes = fs::read(&library).expect("it was packed");
        bytes.push(0);
        fs::remove_file(&library).expect("it is ours");
        fs::write(&library, bytes).expect("it is ours");
        let bad = [
            (damaged, "SHA-256"),
            (stage.package('s'), "cannot start"),
            (stage.package('p'), "never works"),
        ];
        for (n, (package, reason)) in bad.into_iter().enumerate() {
            let params = json!({ "path": package });
            let refused = stage.client.refused("plugins.upgrade", params).await;
            assert!(refused.message.contains(reason), "{isolation}: {refused:?}");
            assert!(refused.message.contains("1.0.0-a.stand-in goes on"), "{refused:?}");
            let row = runs(&mut stage.client, 'a').await;
            assert_eq!(row["pid"], first["pid"], "{isolation}: the very same life goes on");
            assert_eq!(row["lastSwap"]["outcome"], "rolled-back", "{row}");
            let told = row["lastSwap"]["reason"].as_str().expect("a reason");
            assert!(told.contains(reason), "{isolation}: {told}");
            stage.carries(&format!("after-{n}")).await;
        }
        // Nothing of the bad ones was put in place: the next life is the old version too.
        stage.client.call("plugins.reload", json!({ "pluginId": "stand-in" })).await;
        runs(&mut stage.client, 'a').await;
        stage.carries("reloaded").await;
    }
}

#[tokio::test]
async fn a_version_that_falls_on_probation_makes_room_for_the_one_before() {
    let mut stage = Stage::set("process", "").await;
    let first = runs(&mut stage.client, 'a').await;
    let package = stage.package('x');
    let done = upgrade(&mut stage.client, &package).await;
    assert_eq!(done["version"], "1.0.0-x.stand-in", "{done}");
    stage.carries("with-x").await;
    let row = runs(&mut stage.client, 'a').await;
    assert_eq!(row["pid"], first["pid"], "the version that stood by goes on");
    assert_eq!(row["lastSwap"]["outcome"], "rolled-back", "{row}");
    assert!(row["lastExit"].as_str().expect("its end is kept").contains("SIGABRT"), "{row}");
    stage.carries("with-a").await;
    let installed = fs::read_to_string(stage.gateway.plugin_dir("stand-in").join("plugin.toml"));
    assert!(installed.expect("it is there").contains("1.0.0-a."), "its package is back in place");
}

#[tokio::test]
async fn a_version_that_hangs_at_its_start_or_drain_is_given_up() {
    let mut stage = Stage::set("process", "[plugins]\nstart_s = 2").await;
    let hangs = json!({ "path": stage.package('h') });
    let refused = stage.client.refused("plugins.upgrade", hangs).await;
    assert!(refused.message.contains("did not finish starting within 2 s"), "{refused:?}");
    stage.carries("still-a").await;
    let hangs = json!({ "path": stage.package('d') });
    stage.client.call("plugins.upgrade", hangs).await;
    runs(&mut stage.client, 'd').await;
    let back = json!({ "path": stage.package('b') });
    let refused = stage.client.refused("plugins.upgrade", back.clone()).await;
    assert!(refused.message.contains("did not stop taking messages"), "{refused:?}");
    stage.carries("still-d").await;
    // Who does not let go can still be ended.
    let restart = json!({ "pluginId": "stand-in", "restart": true });
    stage.client.call("plugins.reload", restart).await;
    stage.carries("again-d").await;
}

#[tokio::test]
async fn a_version_that_settles_in_a_watched_folder_takes_over_by_itself() {
    let mut stage = Stage::set("process", "[plugins]\nhot_swap = \"auto\"").await;
    let (good, bad) = (stage.package('b'), stage.package('s'));
    let place = stage.gateway.plugin_dir("stand-in");
    fs::remove_dir_all(&place).expect("the play owns it");
    fs::rename(&good, &place).expect("the play owns it");
    runs(&mut stage.client, 'b').await;
    stage.carries("with-b").await;
    fs::remove_dir_all(&place).expect("the play owns it");
    fs::rename(&bad, &place).expect("the play owns it");
    let row = eventually("the bad version is tried and given up", async || {
        let row = plugin(&mut stage.client).await;
        (row["lastSwap"]["outcome"] == "rolled-back").then_some(row)
    });
    let row = row.await;
    assert_eq!(row["version"], "1.0.0-b.stand-in", "{row}");
    stage.carries("still-b").await;
}

#[tokio::test]
async fn new_settings_of_a_plugin_are_tried_beside_the_running_one() {
    let mut stage = Stage::set("process", "").await;
    let other = Exchange::open().await;
    let file = stage.gateway.home().join("jackfield.toml");
    let text = fs::read_to_string(&file).expect("the play wrote it");
    let (old, new) = (format!(":{}", stage.exchange.port), format!(":{}", other.port));
    fs::write(&file, text.replace(&old, &new)).expect("the play owns it");
    gateway::signal(stage.gateway.pid(), Signal::HUP);
    other.publish("ada", "over here");
    other.heard("ada", "over here", 1).await;
    let row = plugin(&mut stage.client).await;
    assert_eq!(row["lastSwap"]["outcome"], "probation", "the gateway's connections stay: {row}");

    // Settings that the plugin cannot start with change nothing.
    let text = fs::read_to_string(&file).expect("the play wrote it");
    fs::write(&file, text.replace("server = ", "no_server = ")).expect("the play owns it");
    gateway::signal(stage.gateway.pid(), Signal::HUP);
    let row = eventually("the settings are tried and given up", async || {
        let row = plugin(&mut stage.client).await;
        (row["lastSwap"]["outcome"] == "rolled-back").then_some(row)
    });
    let row = row.await;
    assert!(row["lastError"].as_str().expect("a reason").contains("server"), "{row}");
    other.publish("ada", "still here");
    other.heard("ada", "still here", 1).await;
}

/// Libraries are never taken out of a process again, so their number has a limit.
#[tokio::test]
async fn a_library_too_many_in_the_gateway_is_refused_with_the_way_out() {
    const IMAGES_MAX: usize = 32;
    let mut stage = Stage::set("in-process", "").await;
    let letters: Vec<char> = ('A'..='Z').chain('0'..='9').collect();
    for letter in &letters[..IMAGES_MAX - 1] {
        let package = stage.package(*letter);
        upgrade(&mut stage.client, &package).await;
    }
    stage.carries("with-the-last-of-them").await;
    let package = stage.package(letters[IMAGES_MAX - 1]);
    let params = json!({ "path": package });
    let refused = stage.client.refused("plugins.upgrade", params).await;
    assert!(
        refused.message.contains("32 library images are already in this process"),
        "{refused:?}"
    );
    assert!(refused.message.contains("restart the gateway"), "{refused:?}");
    stage.carries("still-with-it").await;
    // Versions that are in already may come back.
    let known = stage.package('A');
    upgrade(&mut stage.client, &known).await;
    stage.carries("with-a-known-one").await;
    stage.gateway.restart().await;
    stage.client = stage.gateway.client().await;
    runs(&mut stage.client, 'A').await;
    upgrade(&mut stage.client, &package).await;
    stage.carries("after-a-restart").await;
}
