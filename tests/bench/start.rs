//! How long a gateway takes from its start to `hello-ok` with 0, 100 and 200 plugins installed and
//! none enabled. `make bench-start`; rounds are interleaved so that a busy machine troubles all alike.

use harness::{Gateway, Options, cc::CPlugin};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

const INSTALLED: [usize; 3] = [0, 100, 200];
const ROUNDS: usize = 15;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime needs an event queue").block_on(bench());
}

async fn bench() {
    let model = tempfile::tempdir().expect("a temporary folder can be made");
    CPlugin::named("model", "").pack(model.path());
    let mut times = INSTALLED.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (at, installed) in INSTALLED.iter().enumerate() {
            times[at].push(start(model.path(), *installed).await);
        }
    }
    let medians = times.map(|mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1000.0
    });
    println!("installed and disabled   start to hello-ok (median of {ROUNDS})");
    for (installed, median) in INSTALLED.iter().zip(medians) {
        println!("{installed:>22}   {median:>8.1} ms");
    }
    println!("per 100 plugins          {:>8.1} ms", (medians[2] - medians[0]) / 2.0);
}

async fn start(model: &Path, installed: usize) -> Duration {
    let home = Gateway::lay_out(&Options::default());
    let manifest = fs::read_to_string(model.join("plugin.toml")).expect("it was packed");
    for n in 0..installed {
        let package = home.path().join(format!("plugins/spare-{n}"));
        fs::create_dir(&package).expect("the home is ours");
        let own = manifest.replace("\"model\"", &format!("\"spare-{n}\""));
        fs::write(package.join("plugin.toml"), own).expect("the home is ours");
        let library = "libtrespasser.so";
        fs::hard_link(model.join(library), package.join(library))
            .or_else(|_| fs::copy(model.join(library), package.join(library)).map(drop))
            .expect("the home is ours");
    }
    let begun = Instant::now();
    let gateway = Gateway::start_in(home, Vec::new()).await;
    gateway.client().await;
    begun.elapsed()
}
