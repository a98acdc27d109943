//! `jackfield channels`: what each enabled channel is doing, and strangers who want to talk.

pub mod pairing;

use super::{
    print,
    reach::Reach,
    report::{FAILED, Failure},
};
use crate::{clock::Clock, protocol::scope::Scope};
use serde_json::{Value, json};
use std::time::Duration;

/// How long probing every channel may take.
pub const PROBE: Duration = Duration::from_mins(1);

/// What can be done with channels.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List the enabled channels, their accounts and the plugins that serve them
    List(ListArgs),
    /// Show where each account stands; exit code 1 when one is down
    Status(StatusArgs),
    /// Let strangers in who wrote to a channel, or turn them away
    #[command(subcommand)]
    Pairing(pairing::Verb),
}

/// Arguments of `jackfield channels list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// Arguments of `jackfield channels status`.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// Only this channel
    #[arg(long, value_name = "CHANNEL")]
    channel: Option<String>,
    /// Ask each account to prove that it works; takes longer
    #[arg(long)]
    probe: bool,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// Runs a verb.
///
/// # Errors
/// Of the connection; silently, when `status` shows a channel that is not up.
pub fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::List(args) => args.reach.ask(&[Scope::Read], "channels.status", json!({}), list),
        Verb::Status(args) => status(args),
        Verb::Pairing(verb) => pairing::run(verb),
    }
}

fn status(args: &StatusArgs) -> Result<(), Failure> {
    let mut params = json!({"probe": args.probe});
    if let Some(channel) = &args.channel {
        params["channel"] = json!(channel);
    }
    let found = args.reach.with(async |gateway| {
        if args.probe {
            gateway.be_patient(PROBE);
        }
        gateway.call(&[Scope::Read], "channels.status", params).await
    })?;
    let troubles = troubles(&found);
    args.reach.form.show(&found, |of| {
        if print::rows(of, "channelOrder").is_empty() {
            return verdict(of, &troubles);
        }
        format!("{}\n\n{}", verdict(of, &troubles), state_table(of))
    })?;
    if troubles.is_empty() { Ok(()) } else { Err(Failure::told(FAILED)) }
}

fn list(found: &Value) -> String {
    if print::rows(found, "channelOrder").is_empty() {
        return verdict(found, &[]);
    }
    let rows = accounts(found).map(|(channel, account)| {
        [
            channel.to_owned(),
            print::cell(&found["channelLabels"], channel),
            print::cell(account, "accountId"),
            print::cell(&account["plugin"], "id"),
            print::cell(&account["plugin"], "version"),
        ]
    });
    print::table(["channel", "name", "account", "plugin", "version"], rows)
}

/// Every account of every channel, in the gateway's order.
fn accounts(found: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let channels = print::rows(found, "channelOrder").iter().filter_map(Value::as_str);
    channels.flat_map(|channel| {
        let rows = print::rows(&found["channelAccounts"], channel).iter();
        rows.map(move |account| (channel, account))
    })
}

/// An account of an enabled channel that is not up.
#[derive(Debug, PartialEq, Eq)]
pub struct Trouble {
    channel: String,
    account: String,
    state: String,
    error: Option<String>,
    next: String,
}

impl Trouble {
    /// For programs.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({"channel": self.channel, "account": self.account, "state": self.state,
               "error": self.error, "next": self.next})
    }
}

/// What is not up, of what `channels.status` answered. Coming up counts as not up: whoever asks
/// wants to know whether messages flow.
#[must_use]
pub fn troubles(found: &Value) -> Vec<Trouble> {
    let down = |(channel, account): (&str, &Value)| {
        let failed_probe = account["probe"]["ok"] == false;
        let up = account["running"] == true && account["connected"] != false && !failed_probe;
        if up || account["enabled"] == false {
            return None;
        }
        let probe = if failed_probe { account["probe"]["error"].as_str() } else { None };
        let error = probe.or(account["lastError"].as_str()).or(account["detail"].as_str());
        let plugin = account["plugin"]["id"].as_str();
        Some(Trouble {
            channel: channel.to_owned(),
            account: print::cell(account, "accountId"),
            state: state(account),
            error: error.map(str::to_owned),
            next: plugin.map_or_else(
                || "jackfield logs".to_owned(),
                |id| format!("jackfield plugins info {id}"),
            ),
        })
    };
    accounts(found).filter_map(down).collect()
}

/// The channels whose plugin runs.
#[must_use]
pub fn served(found: &Value) -> Vec<String> {
    let running = |(channel, account): (&str, &Value)| {
        (account["plugin"]["state"] == "running").then(|| channel.to_owned())
    };
    accounts(found).filter_map(running).collect()
}

/// The plugin's state as long as it does not run, else the link's.
fn state(account: &Value) -> String {
    let plugin = account["plugin"]["state"].as_str().filter(|state| *state != "running");
    let link = account["lifecycle"].as_str();
    let plain = match (account["running"] == true, account["connected"] == false) {
        (true, false) => "up",
        (true, true) => "not connected",
        (false, _) => "stopped",
    };
    let probe = account["probe"]["ok"] == false;
    print::line(plugin.or(probe.then_some("probe failed")).or(link).unwrap_or(plain))
}

/// The first line: what is down, or that nothing is.
#[must_use]
pub fn verdict(found: &Value, troubles: &[Trouble]) -> String {
    let all = accounts(found).count();
    if all == 0 {
        return "No channel is enabled. Turn one on: [channels.NAME] enabled = true in the \
                configuration; which there are: jackfield plugins list"
            .to_owned();
    }
    if troubles.is_empty() {
        return if all == 1 { "The channel is up." } else { "All channels are up." }.to_owned();
    }
    let mut lines = vec![format!("{} of {all} channel accounts not up:", troubles.len())];
    for trouble in troubles {
        let why = trouble.error.as_deref().map_or_else(String::new, |e| format!(": {e}"));
        let name = format!("{}/{}", trouble.channel, trouble.account);
        lines.push(format!("  {name} is {}{why}", trouble.state));
        lines.push(format!("    look: {}", trouble.next));
    }
    print::lines(&lines.join("\n"))
}

/// Where every account stands.
#[must_use]
pub fn state_table(found: &Value) -> String {
    let now = Clock::system().now_ms();
    let rows = accounts(found).map(|(channel, account)| {
        let detail = account["probe"]["detail"].as_str().or(account["detail"].as_str());
        // What is wrong was said above, in full.
        let wrong = account["lastError"].as_str().unwrap_or_default();
        let detail = detail.filter(|detail| !wrong.contains(detail));
        [
            channel.to_owned(),
            print::cell(account, "accountId"),
            state(account),
            print::when(now, account.get("lastStartAt")),
            detail.unwrap_or(print::NOTHING).to_owned(),
        ]
    });
    print::table(["channel", "account", "state", "since", "detail"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(accounts: &Value) -> Value {
        json!({"channelOrder": ["line"], "channelAccounts": {"line": accounts}})
    }

    #[test]
    fn down_is_said_first_with_the_reason_and_the_next_command() {
        let found = found(&json!([
            {"accountId": "default", "enabled": true, "running": false, "connected": false,
             "lastError": "libx.so: SHA-256 differs", "lifecycle": "stopped",
             "plugin": {"id": "line-echo", "state": "refused"}},
            {"accountId": "b", "enabled": true, "running": true, "connected": true},
        ]));
        let troubles = troubles(&found);
        assert_eq!(troubles.len(), 1);
        let words = verdict(&found, &troubles);
        assert!(words.starts_with("1 of 2 channel accounts not up"), "{words}");
        assert!(words.contains("line/default is refused: libx.so: SHA-256 differs"), "{words}");
        assert!(words.contains("jackfield plugins info line-echo"), "{words}");
    }

    #[test]
    fn a_running_plugin_without_its_platform_is_not_green() {
        for (account, state) in [
            (json!({"running": true, "connected": false, "lifecycle": "retrying"}), "retrying"),
            (
                json!({"running": true, "connected": true, "probe": {"ok": false, "error": "no"}}),
                "probe failed",
            ),
            (json!({"running": false}), "stopped"),
        ] {
            let troubles = troubles(&found(&json!([account])));
            assert_eq!(troubles[0].state, state);
        }
        let fine = json!([{"running": true}, {"running": false, "enabled": false}]);
        assert_eq!(troubles(&found(&fine)), []);
    }

    #[test]
    fn no_channel_is_no_failure_but_is_said() {
        let none = json!({"channelOrder": []});
        assert_eq!(troubles(&none), []);
        assert!(verdict(&none, &[]).starts_with("No channel is enabled"));
    }
}
