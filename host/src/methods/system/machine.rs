//! The machine under the gateway, as `system.info` tells it. Facts a system does not give are left
//! out rather than guessed.

use serde_json::{Map, Value, json};
use std::path::Path;

/// Everything known of the machine; `state` is where the disk is measured.
#[must_use]
pub fn facts(host: &str, state: &Path) -> Map<String, Value> {
    let system = rustix::system::uname();
    let release = system.release().to_string_lossy().into_owned();
    let os = std::env::consts::OS;
    let mut facts = Map::new();
    let mut say = |name: &str, fact: Value| {
        facts.insert(name.to_owned(), fact);
    };
    say("machineName", json!(host));
    say("hostname", json!(host));
    say("host", json!(host));
    say("platform", json!(os));
    say("osLabel", json!(format!("{} {release}", system.sysname().to_string_lossy())));
    say("release", json!(release));
    say("arch", json!(arch()));
    say("pid", json!(std::process::id()));
    say("cpuCount", json!(std::thread::available_parallelism().map_or(1, std::num::NonZero::get)));
    if let Ok(disk) = rustix::fs::statvfs(state) {
        let (total, free) = (disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize);
        say("diskTotalBytes", json!(total));
        say("diskAvailableBytes", json!(free));
        say("disks", json!([{"path": state, "totalBytes": total, "availableBytes": free}]));
    }
    facts.extend(memory());
    facts
}

/// The processor in the words that clients know.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(target_os = "linux")]
fn memory() -> Map<String, Value> {
    let system = rustix::system::sysinfo();
    let unit = u64::from(system.mem_unit);
    // The kernel counts load in 65536ths; thousandths are enough for people.
    let load: Vec<f64> = system
        .loads
        .iter()
        .map(|load| f64::from(u32::try_from(*load * 100 / 65_536).unwrap_or(u32::MAX)) / 100.0)
        .collect();
    let mut facts = Map::new();
    facts.insert("memoryTotalBytes".to_owned(), json!(system.totalram * unit));
    facts.insert("memoryFreeBytes".to_owned(), json!(system.freeram * unit));
    facts.insert("loadAverage".to_owned(), json!(load));
    if let Some(rss) = resident() {
        facts.insert("processMemory".to_owned(), json!({"rssBytes": rss}));
    }
    facts
}

#[cfg(not(target_os = "linux"))]
fn memory() -> Map<String, Value> {
    Map::new()
}

/// Memory of this process, bytes.
#[cfg(target_os = "linux")]
#[must_use]
pub fn resident() -> Option<u64> {
    let pages: u64 =
        std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * u64::try_from(rustix::param::page_size()).ok()?)
}

/// Memory of this process, which this system does not tell cheaply.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn resident() -> Option<u64> {
    None
}
