//! What a misbehaving plugin does to itself, to the gateway and to six channels beside it, for each
//! fault and each isolation. Prints the table that the README shows.

use harness::{Client, Exchange, Gateway, Options, eventually, libraries};
use serde_json::{Value, json};
use std::{fmt::Write, sync::Arc};

const CULPRIT: &str = "stand-in";
const NEIGHBOURS: [&str; 6] =
    ["other-01", "other-02", "other-03", "other-04", "other-05", "other-06"];
/// Kibibytes of data that a gateway may have where a plugin inside it leaks.
const DATA_KIB: u64 = 700_000;

/// What becomes of the plugin.
#[derive(Clone, Copy)]
enum Then {
    /// The same life goes on.
    GoesOn,
    /// It ends, with this to read of it, and another life begins.
    Ends(&'static str),
    /// It is told to stop, and a new life begins while it still calls.
    IsStopped,
    /// The gateway ends with it.
    TakesAll,
}

use Then::{Ends, GoesOn, IsStopped, TakesAll};

/// Order, in a process of its own, inside the gateway. The worst come last.
const FAULTS: [(&str, Then, Then); 12] = [
    ("panic", GoesOn, GoesOn),
    ("malformed", Ends("no frame"), GoesOn),
    ("flood", GoesOn, GoesOn),
    ("late", IsStopped, IsStopped),
    ("fds", GoesOn, GoesOn),
    ("spin", Ends("hung"), Ends("hung")),
    ("block", Ends("hung"), Ends("hung")),
    ("abort", Ends("SIGABRT"), TakesAll),
    ("segv", Ends("SIGSEGV"), TakesAll),
    ("overflow", Ends("SIGSEGV"), TakesAll),
    ("exit", Ends("code 0"), TakesAll),
    ("leak", Ends("SIGABRT"), TakesAll),
];

struct Stage {
    gateway: Gateway,
    client: Client,
    culprit: Exchange,
    others: Vec<(&'static str, Arc<Exchange>)>,
    /// Messages to each neighbour so far.
    asked: usize,
    table: String,
}

impl Stage {
    async fn set(isolation: &str) -> Self {
        let culprit = Exchange::open().await;
        let mut options = Options::default().stand_in(isolation, &culprit).data_limit(DATA_KIB);
        let mut others = Vec::new();
        for id in NEIGHBOURS {
            let exchange = Exchange::open().await;
            options = options.config(&format!(
                "[channels.{id}]\nenabled = true\nserver = \"127.0.0.1:{}\"\ndm_policy = \"open\"",
                exchange.port
            ));
            others.push((id, Arc::new(exchange)));
        }
        let home = Gateway::lay_out(&options);
        for id in NEIGHBOURS {
            libraries::pack_stand_in('a', id, &home.path().join("plugins").join(id));
        }
        let gateway = Gateway::start_in(home, Vec::new()).await;
        let mut client = gateway.client().await;
        runs(&mut client, CULPRIT, |_| true).await;
        Self { gateway, client, culprit, others, asked: 0, table: String::new() }
    }

    /// A message to each neighbour, now.
    fn ask_neighbours(&mut self) {
        for (_, exchange) in &self.others {
            exchange.publish("ann", &format!("n-{}", self.asked));
        }
        self.asked += 1;
    }

    /// Every neighbour has answered every message, once and in order.
    async fn neighbours_are_well(&mut self, after: &str) {
        self.ask_neighbours();
        for (id, exchange) in &self.others {
            let heard = exchange.heard("ann", "n-", self.asked).await;
            let wanted: Vec<String> = (0..self.asked).map(|n| format!("n-{n}")).collect();
            assert!(heard == wanted, "{id}, after {after}: {heard:?}");
        }
    }

    /// Tells the culprit to misbehave, with messages to the others before, while and after it does.
    async fn order(&mut self, fault: &str, then: Then) {
        self.ask_neighbours();
        let params = json!({
            "channel": CULPRIT, "to": format!("fault-{fault}"), "message": fault,
            "idempotencyKey": format!("order-{}", self.asked),
        });
        let id = self.client.request("send", params).await;
        if matches!(then, GoesOn | IsStopped) {
            // What it answers is its own business; that it does is not.
            let _ = self.client.response(&id).await;
        }
        self.ask_neighbours();
    }

    async fn restart_culprit(&mut self) -> Value {
        let before = plugin(&mut self.client, CULPRIT).await["generation"].clone();
        let params = json!({ "pluginId": CULPRIT, "restart": true });
        self.client.call("plugins.reload", params).await;
        runs(&mut self.client, CULPRIT, |row| row["generation"] != before).await
    }

    /// The culprit carries messages again.
    async fn culprit_is_well(&mut self, after: &str) {
        self.culprit.publish("ann", &format!("after-{after}"));
        self.culprit.heard("ann", &format!("after-{after}"), 1).await;
    }

    async fn play(&mut self, fault: &str, then: Then) {
        let before = plugin(&mut self.client, CULPRIT).await;
        self.order(fault, then).await;
        let told = match then {
            GoesOn => {
                self.culprit_is_well(fault).await;
                let row = plugin(&mut self.client, CULPRIT).await;
                assert_eq!(row["generation"], before["generation"], "{fault}: {row}");
                ["goes on".to_owned(), "nothing".to_owned(), "nothing".to_owned()]
            }
            IsStopped => {
                self.restart_culprit().await;
                self.culprit_is_well(fault).await;
                ["its calls find a closed door", "nothing", "nothing"].map(str::to_owned)
            }
            Ends(how) => {
                let row = runs(&mut self.client, CULPRIT, |row| {
                    row["generation"] != before["generation"]
                })
                .await;
                let exit = row["lastExit"].as_str().expect("its end is kept").to_owned();
                assert!(exit.contains(how), "{fault}: {row}");
                self.culprit_is_well(fault).await;
                // Its falls so far are forgiven, or the next fault would find it quarantined.
                self.restart_culprit().await;
                [format!("{exit}; started again"), "nothing".to_owned(), "nothing".to_owned()]
            }
            TakesAll => self.all_is_taken(fault).await,
        };
        if !matches!(then, TakesAll) {
            self.neighbours_are_well(fault).await;
        }
        let [plugin, gateway, others] = told;
        writeln!(self.table, "| {fault} | {plugin} | {gateway} | {others} |").expect("text grows");
    }

    /// The gateway falls, and the next one keeps the culprit out.
    async fn all_is_taken(&mut self, fault: &str) -> [String; 3] {
        let status = self.gateway.ended().await;
        self.gateway.start_again().await;
        self.client = self.gateway.client().await;
        let row = runs(&mut self.client, CULPRIT, |_| true).await;
        assert_eq!(row["isolation"], "process", "{fault}: {row}");
        let why = row["demoted"].as_str().expect("it is said why").to_owned();
        assert!(why.contains("taken down"), "{fault}: {why}");
        self.culprit_is_well(fault).await;
        for (id, exchange) in &self.others {
            runs(&mut self.client, id, |_| true).await;
            // Not the fault's bare name: some words are orders to the agent.
            let text = format!("since-{fault}");
            exchange.publish("bea", &text);
            exchange.heard("bea", &text, 1).await;
        }
        // Somebody who knows better lets it in again.
        let row = self.restart_culprit().await;
        assert_eq!(row["isolation"], "in-process", "{fault}: {row}");
        let gateway = format!("ends ({status}), is started again by its supervisor");
        [
            "runs in a process of its own from then on".to_owned(),
            gateway,
            "come back with it".to_owned(),
        ]
    }
}

async fn plugin(client: &mut Client, id: &str) -> Value {
    client.call("plugins.inspect", json!({ "pluginId": id })).await["plugin"].clone()
}

async fn runs(client: &mut Client, id: &str, right: impl Fn(&Value) -> bool) -> Value {
    eventually("the plugin runs", async || {
        let row = plugin(client, id).await;
        (row["state"] == "running" && right(&row)).then_some(row)
    })
    .await
}

fn print(isolation: &str, table: &str) {
    eprintln!(
        "\n{isolation}:\n\n| fault | the plugin | the gateway | six other channels |\n|---|---|---|---|\n{table}"
    );
}

#[tokio::test]
async fn each_fault_in_a_process_of_its_own_hurts_nobody_else() {
    let mut stage = Stage::set("process").await;
    let pid = stage.gateway.pid();
    for (fault, then, _) in FAULTS {
        stage.play(fault, then).await;
    }
    assert_eq!(stage.gateway.pid(), pid, "the very same gateway goes on");
    print("process", &stage.table);
}

#[tokio::test]
async fn each_fault_inside_the_gateway_is_contained_or_the_next_start_keeps_it_out() {
    let mut stage = Stage::set("in-process").await;
    for (fault, _, then) in FAULTS {
        stage.play(fault, then).await;
    }
    print("in-process", &stage.table);
}
