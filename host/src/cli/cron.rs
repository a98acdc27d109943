//! `jackfield cron`: jobs that the gateway starts by the clock.

use super::{
    pick::pick,
    print,
    reach::{Reach, Remote, time},
    report::Failure,
};
use crate::{clock::Clock, protocol::scope::Scope};
use serde_json::{Value, json};
use std::time::Duration;

const JOBS: (&str, &str) = ("job", "jackfield cron list --all");

/// What can be done with jobs. A job is named by its id, the beginning of it, or its name.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// List jobs, the next to run first
    List {
        /// Also those that are turned off
        #[arg(long)]
        all: bool,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Show whether the clock runs, and when the next job is due
    Status {
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Add a job
    Add(Box<AddArgs>),
    /// Remove a job
    Remove {
        /// The job
        #[arg(value_name = "JOB")]
        job: String,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
    /// Start a job now, whatever its time
    Run {
        /// The job
        #[arg(value_name = "JOB")]
        job: String,
        /// Only if it is due
        #[arg(long)]
        due: bool,
        /// The gateway.
        #[command(flatten)]
        reach: Reach,
    },
}

/// Arguments of `jackfield cron add`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jackfield cron add --name tea --every 45m --event 'Time for tea'
  jackfield cron add --name report --cron '0 8 * * 1-5' --tz Europe/Berlin --message 'Sum up the night'
  jackfield cron add --name once --at 2027-01-01T09:00:00Z --message 'Happy new year'")]
pub struct AddArgs {
    /// Name for people
    #[arg(long, value_name = "NAME")]
    name: String,
    #[command(flatten)]
    schedule: Schedule,
    /// Time zone of --cron, such as Europe/Berlin [default: the gateway's]
    #[arg(long, value_name = "ZONE", requires = "cron", conflicts_with_all = ["at", "every"])]
    tz: Option<String>,
    #[command(flatten)]
    task: Task,
    /// Conversation to run in: main, isolated (its own), or a key
    /// [default: main for --event, else isolated]
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
    /// Wait for the next heartbeat instead of running at once
    #[arg(long)]
    next_heartbeat: bool,
    /// Add it turned off
    #[arg(long)]
    disabled: bool,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// When.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Schedule {
    /// Run once, at this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Run again and again, this far apart
    #[arg(long, value_name = "SPAN", value_parser = time)]
    every: Option<Duration>,
    /// Run by a cron expression of five fields
    #[arg(long, value_name = "EXPR")]
    cron: Option<String>,
}

/// What.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Task {
    /// Give the agent this message and let it answer
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// Note this event for the agent's next turn
    #[arg(long, value_name = "TEXT")]
    event: Option<String>,
}

impl AddArgs {
    fn params(&self) -> Value {
        let Schedule { at, every, cron } = &self.schedule;
        let schedule = match (at, every, cron) {
            (Some(at), ..) => json!({"kind": "at", "at": at}),
            (_, Some(every), _) => {
                let ms = u64::try_from(every.as_millis()).unwrap_or(u64::MAX);
                json!({"kind": "every", "everyMs": ms})
            }
            (_, _, expr) => match &self.tz {
                Some(tz) => json!({"kind": "cron", "expr": expr, "tz": tz}),
                None => json!({"kind": "cron", "expr": expr}),
            },
        };
        let (payload, place) = match (&self.task.message, &self.task.event) {
            (Some(message), _) => (json!({"kind": "agentTurn", "message": message}), "isolated"),
            (None, event) => (json!({"kind": "systemEvent", "text": event}), "main"),
        };
        let wake = if self.next_heartbeat { "next-heartbeat" } else { "now" };
        let target = self.session.as_deref().unwrap_or(place);
        let mut params = json!({"name": self.name, "schedule": schedule, "payload": payload,
                                "sessionTarget": target, "wakeMode": wake});
        if self.disabled {
            params["enabled"] = json!(false);
        }
        params
    }
}

/// Runs a verb.
///
/// # Errors
/// Of the connection, of the method, or that there is no such job.
pub fn run(verb: &Verb) -> Result<(), Failure> {
    match verb {
        Verb::List { all, reach } => {
            reach.ask(&[Scope::Read], "cron.list", json!({"includeDisabled": all}), list)
        }
        Verb::Status { reach } => reach.ask(&[Scope::Read], "cron.status", json!({}), status),
        Verb::Add(args) => args.reach.ask(&[Scope::Admin], "cron.add", args.params(), |of| {
            format!("added {} ({})", print::line(&print::cell(of, "name")), print::cell(of, "id"))
        }),
        Verb::Remove { job, reach } => {
            let (id, done) = on_job(reach, job, "cron.remove", json!({}))?;
            reach.form.show(&done, |_| format!("removed {id}"))
        }
        Verb::Run { job, due, reach } => {
            let mode = if *due { "due" } else { "force" };
            let (id, done) = on_job(reach, job, "cron.run", json!({"mode": mode}))?;
            reach.form.show(&done, |of| match of["runId"].as_str() {
                Some(run) => format!("started {id} as run {}", print::line(run)),
                None if of["enqueued"] == true || of["ran"] == true => format!("started {id}"),
                None => format!("{id} is not due"),
            })
        }
    }
}

fn on_job(
    reach: &Reach,
    given: &str,
    method: &str,
    more: Value,
) -> Result<(String, Value), Failure> {
    reach.with(async |gateway: &mut Remote| {
        let all = json!({"includeDisabled": true, "limit": 200});
        let list = gateway.call(&[Scope::Read], "cron.list", all).await?;
        let row = pick(print::rows(&list, "jobs"), given, "id", &["name"], JOBS)?;
        let mut params = more;
        params["id"] = row["id"].clone();
        let done = gateway.call(&[Scope::Admin], method, params).await?;
        Ok((print::cell(row, "id"), done))
    })
}

fn list(of: &Value) -> String {
    let rows = print::rows(of, "jobs");
    if rows.is_empty() {
        return "No job. Add one: jackfield cron add --help".to_owned();
    }
    let now = Clock::system().now_ms();
    let rows = rows.iter().map(|r| {
        let last = [&r["lastRunStatus"], &r["state"]["lastRunStatus"], &r["state"]["lastStatus"]];
        let last = last.into_iter().find_map(Value::as_str).unwrap_or(print::NOTHING);
        let next = r.get("nextRunAtMs").or(r["state"].get("nextRunAtMs"));
        let next = if r["enabled"] == false { "off".to_owned() } else { print::when(now, next) };
        [
            print::cell(r, "id"),
            print::cell(r, "name"),
            schedule(&r["schedule"]),
            next,
            last.to_owned(),
        ]
    });
    print::table(["job", "name", "schedule", "next", "last run"], rows)
}

fn schedule(of: &Value) -> String {
    match of["kind"].as_str() {
        Some("every") => format!("every {}", print::span(of["everyMs"].as_u64().unwrap_or(0))),
        Some("at") => format!("at {}", print::cell(of, "at")),
        Some("cron") => {
            format!("{} {}", print::cell(of, "expr"), of["tz"].as_str().unwrap_or_default())
                .trim_end()
                .to_owned()
        }
        _ => print::cell(of, "kind"),
    }
}

fn status(of: &Value) -> String {
    let now = Clock::system().now_ms();
    print::facts(&[
        ("Enabled", print::cell(of, "enabled")),
        ("Jobs", print::cell(of, "jobs")),
        ("Next", print::when(now, of.get("nextWakeAtMs"))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        add: AddArgs,
    }

    fn params(words: &str) -> Result<Value, clap::Error> {
        Line::try_parse_from(format!("x --name n {words}").split(' ')).map(|l| l.add.params())
    }

    #[test]
    fn words_become_the_wires_job() {
        let every = params("--every 90s --event tea").unwrap();
        assert_eq!(every["schedule"], json!({"kind": "every", "everyMs": 90_000}));
        assert_eq!(every["payload"], json!({"kind": "systemEvent", "text": "tea"}));
        assert_eq!((&every["sessionTarget"], &every["wakeMode"]), (&json!("main"), &json!("now")));
        let cron = params("--cron @daily --tz UTC --message go --disabled").unwrap();
        assert_eq!(cron["schedule"], json!({"kind": "cron", "expr": "@daily", "tz": "UTC"}));
        assert_eq!(cron["sessionTarget"], "isolated");
        assert_eq!(cron["enabled"], false);
    }

    #[test]
    fn one_time_and_one_task_are_needed() {
        for bad in
            ["--event x", "--every 1m", "--every 1m --at x --event x", "--at x --tz UTC --event x"]
        {
            assert!(params(bad).is_err(), "{bad}");
        }
    }
}
