//! `jackfield logs`: the end of the gateway's log, and what is added to it.

use super::{print, reach::Reach, report::Failure};
use crate::protocol::scope::Scope;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Pause between two looks at the log.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Fields of a log line that have a place of their own.
const PLACED: [&str; 11] = [
    "timestamp",
    "time",
    "level",
    "message",
    "msg",
    "target",
    "subsystem",
    "fields",
    "_meta",
    "0",
    "1",
];

/// Arguments of `jackfield logs`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "With --follow, --json prints one log line a line, as the gateway wrote it."
)]
pub struct Args {
    /// Go on printing what is added, until interrupted
    #[arg(long, short)]
    follow: bool,
    /// At most this many lines of what is there
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=5000))]
    limit: u16,
    /// Only warnings and errors
    #[arg(long)]
    problems: bool,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// Prints the log.
///
/// # Errors
/// Of the connection.
pub fn run(args: &Args) -> Result<(), Failure> {
    args.reach.with(async |gateway| {
        let mut params = json!({"limit": args.limit});
        loop {
            let tail = gateway.call(&[Scope::Read], "logs.tail", params).await?;
            if args.reach.form.json && !args.follow {
                return print::document(&tail);
            }
            for line in print::rows(&tail, "lines").iter().filter_map(Value::as_str) {
                args.print(line)?;
            }
            if !args.follow {
                return Ok(());
            }
            params = json!({"cursor": tail["cursor"], "limit": 5000});
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })
}

impl Args {
    fn print(&self, line: &str) -> Result<(), Failure> {
        let fields: Option<Map<String, Value>> = serde_json::from_str(line).ok();
        if self.problems && !fields.as_ref().is_some_and(is_problem) {
            return Ok(());
        }
        match fields {
            _ if self.reach.form.json => print::text(line),
            Some(fields) => print::text(&words(&fields)),
            None => print::text(&print::line(line)),
        }
    }
}

fn is_problem(fields: &Map<String, Value>) -> bool {
    let level = fields.get("level").and_then(Value::as_str).unwrap_or_default();
    ["WARN", "ERROR", "FATAL"].iter().any(|word| level.eq_ignore_ascii_case(word))
}

/// A log line for people: time, level, message, and the rest as `name=value`.
fn words(fields: &Map<String, Value>) -> String {
    let first = |names: [&str; 2]| {
        names.into_iter().find_map(|name| fields.get(name)?.as_str()).unwrap_or_default()
    };
    let time = first(["timestamp", "time"]);
    let level = first(["level", "level"]).to_uppercase();
    let mut words =
        vec![time.to_owned(), format!("{level:<5}"), first(["message", "msg"]).to_owned()];
    for (name, value) in fields.iter().filter(|(name, _)| !PLACED.contains(&name.as_str())) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        words.push(format!("{name}={value}"));
    }
    print::line(words.join(" ").trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_in_one_line() {
        let fields = json!({"timestamp": "T", "level": "WARN", "message": "plugin\nended",
                            "target": "x", "plugin": "line", "code": 3});
        let fields = fields.as_object().unwrap();
        assert_eq!(words(fields), "T WARN  plugin\u{fffd}ended plugin=line code=3");
        assert!(is_problem(fields));
        assert!(!is_problem(json!({"level": "INFO"}).as_object().unwrap()));
    }
}
