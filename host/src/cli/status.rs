//! `jackfield status` and `jackfield health`: how the gateway is, what is broken first.

use super::{
    channels::{self, Trouble},
    print,
    reach::Reach,
    report::{FAILED, Failure},
};
use crate::{clock::Clock, protocol::scope::Scope};
use serde_json::{Value, json};

/// Arguments of `jackfield status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code 0 means that every enabled channel is up; 1 that one is not.")]
pub struct StatusArgs {
    /// Ask every channel to prove that it works; takes longer
    #[arg(long)]
    probe: bool,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// Arguments of `jackfield health`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Needs no right beyond a connection. Exit code 0 means well, 1 that something is broken."
)]
pub struct HealthArgs {
    /// Look now instead of reading the last snapshot
    #[arg(long)]
    probe: bool,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// Shows how the gateway and its channels are.
///
/// # Errors
/// Of the connection; silently, when an enabled channel is not up.
pub fn status(args: &StatusArgs) -> Result<(), Failure> {
    let (url, gateway, found) = args.reach.with(async |gateway| {
        let status = gateway.call(&[Scope::Read], "status", json!({})).await?;
        if args.probe {
            gateway.be_patient(channels::PROBE);
        }
        let params = json!({"probe": args.probe});
        let channels = gateway.call(&[Scope::Read], "channels.status", params).await?;
        Ok((gateway.url(), status, channels))
    })?;
    let troubles = channels::troubles(&found);
    let document = json!({
        "ok": troubles.is_empty(), "url": url, "problems": troubles.iter().map(Trouble::document).collect::<Vec<_>>(),
        "gateway": gateway, "channels": found,
    });
    args.reach.form.show(&document, |_| words(&url, &gateway, &found, &troubles))?;
    if troubles.is_empty() { Ok(()) } else { Err(Failure::told(FAILED)) }
}

fn words(url: &str, gateway: &Value, found: &Value, troubles: &[Trouble]) -> String {
    let mut parts = vec![channels::verdict(found, troubles)];
    let mut facts = vec![("Gateway", url.to_owned())];
    let mut fact = |name, value: String| {
        if value != print::NOTHING {
            facts.push((name, value));
        }
    };
    fact("Version", print::cell(gateway, "runtimeVersion"));
    if let Some(ms) = gateway["uptimeMs"].as_u64() {
        fact("Up for", print::span(ms));
    }
    fact("Certificate", print::cell(gateway, "tlsFingerprint"));
    fact("Connections", print::cell(gateway, "connections"));
    fact("Runs", print::cell(gateway, "activeRuns"));
    fact("Conversations", print::cell(&gateway["sessions"], "count"));
    parts.push(print::facts(&facts));
    if !print::rows(found, "channelOrder").is_empty() {
        parts.push(channels::state_table(found));
    }
    parts.join("\n\n")
}

/// Shows the health snapshot.
///
/// # Errors
/// Of the connection; silently, when the snapshot says that something is broken.
pub fn health(args: &HealthArgs) -> Result<(), Failure> {
    let (found, took_ms) = args.reach.with(async |gateway| {
        let clock = Clock::system();
        gateway.hello(&[Scope::Read]).await?;
        let begun = clock.monotonic();
        let found = gateway.call(&[Scope::Read], "health", json!({"probe": args.probe})).await?;
        Ok((found, begun.elapsed().as_millis()))
    })?;
    args.reach.form.show(&found, |of| {
        let errors = of["plugins"]["errors"].as_array().into_iter().flatten();
        let mut lines: Vec<String> = errors
            .map(|e| format!("{}: {}", print::cell(e, "pluginId"), print::cell(e, "error")))
            .collect();
        let word = if of["ok"] == true { "ok" } else { "not well" };
        lines.insert(0, format!("{word} (answered in {took_ms} ms)"));
        print::lines(&lines.join("\n"))
    })?;
    if found["ok"] == true { Ok(()) } else { Err(Failure::told(FAILED)) }
}
