//! `jackfield agent`: one turn of the agent, its answer as it comes.

use super::{
    print,
    reach::{Reach, time},
    report::{FAILED, Failure, USAGE},
};
use crate::{clock::uuid, protocol::scope::Scope};
use serde_json::{Value, json};
use std::{io::Read as _, time::Duration};

/// Arguments of `jackfield agent`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jackfield agent --message 'What is on today?'
  git log -5 | jackfield agent --message - --session scratch --json")]
pub struct Args {
    /// What to tell the agent; - reads it from standard input
    #[arg(long, short, value_name = "TEXT")]
    message: String,
    /// Key of the conversation [default: main]
    #[arg(long, value_name = "KEY")]
    session: Option<String>,
    /// Who is to answer [default: the configuration's `[agent]`]
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Longest time the answer may take
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    within: Duration,
    /// Same key, same turn: asked again, the first answer comes
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// The key of a conversation, of the agent that is to answer in it.
fn conversation(agent: Option<&str>, key: Option<&str>) -> String {
    let key = key.unwrap_or("main");
    match agent {
        Some(agent) if !key.starts_with("agent:") => format!("agent:{agent}:{key}"),
        _ => key.to_owned(),
    }
}

/// Asks, and prints the answer while it comes, or the final document.
///
/// # Errors
/// Of the connection; when the turn failed, timed out or gave no answer.
pub fn run(args: &Args) -> Result<(), Failure> {
    let message = message(&args.message)?;
    let run_id = args.key.clone().unwrap_or_else(uuid);
    let mut params = json!({"message": message, "idempotencyKey": run_id,
                            "timeout": args.within.as_secs().max(1)});
    params["sessionKey"] = json!(conversation(args.agent.as_deref(), args.session.as_deref()));
    // The gateway's own limit ends first, so that its words are heard.
    let wait = args.within + Duration::from_secs(10);
    let mut answer = Answer::new(args.reach.form.json);
    let done = args.reach.with(async |gateway| {
        let mut heed = |event: &str, payload: &Value| {
            if event == "agent" && payload["runId"] == run_id.as_str() {
                answer.hear(payload);
            }
        };
        gateway.call_to_the_end(&[Scope::Write], ("agent", &params), wait, &mut heed).await
    });
    let done = done.inspect_err(|_| answer.end_line())?;
    if args.reach.form.json {
        print::document(&done)?;
    } else {
        answer.end(&done)?;
    }
    match done["status"].as_str() {
        Some("ok") => Ok(()),
        Some("in_flight") => Err(Failure::new("this turn is under way already").next(format!(
            "wait for it: jackfield call agent.wait --params '{{\"runId\": \"{run_id}\"}}'"
        ))),
        _ if args.reach.form.json => Err(Failure::told(FAILED)),
        _ => Err(Failure::new(format!(
            "the turn ended with {}: {}",
            print::cell(&done, "status"),
            print::cell(&done, "summary")
        ))
        .next("what the gateway says of it: jackfield logs --problems")),
    }
}

fn message(given: &str) -> Result<String, Failure> {
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::new(format!("--message -: {error}")).code(USAGE))?;
    }
    if text.trim().is_empty() {
        return Err(Failure::new("the message is empty").code(USAGE).next("give --message TEXT"));
    }
    Ok(text)
}

/// The answer as far as it was printed.
struct Answer {
    printed: String,
    quiet: bool,
}

impl Answer {
    fn new(quiet: bool) -> Self {
        Self { printed: String::new(), quiet }
    }

    fn hear(&mut self, payload: &Value) {
        if let ("assistant", Some(text)) =
            (payload["stream"].as_str().unwrap_or_default(), payload["data"]["text"].as_str())
        {
            self.print_up_to(text);
        }
    }

    /// Prints what `text` has beyond what stands there; begins anew when it says something else.
    fn print_up_to(&mut self, text: &str) {
        let more = addition(&self.printed, text);
        if self.quiet || more.is_empty() {
            return;
        }
        // A reader that has gone is noticed at the end.
        let _ = print::piece(&print::lines(&more));
        text.clone_into(&mut self.printed);
    }

    fn end(&mut self, done: &Value) -> Result<(), Failure> {
        let payloads = print::rows(&done["result"], "payloads").iter();
        let texts: Vec<&str> = payloads.filter_map(|p| p["text"].as_str()).collect();
        let whole = texts.join("\n");
        if !whole.is_empty() {
            self.print_up_to(&whole);
        }
        if self.printed.is_empty() { Ok(()) } else { print::piece("\n") }
    }

    fn end_line(&self) {
        if !self.printed.is_empty() {
            let _ = print::piece("\n");
        }
    }
}

fn addition(printed: &str, text: &str) -> String {
    match text.strip_prefix(printed) {
        Some(more) => more.to_owned(),
        // The final text may be the shorter one: the stream had white space at its end.
        None if printed.trim_end() == text.trim_end() => String::new(),
        None => format!("\n{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_printed_twice() {
        assert_eq!(addition("", "Hel"), "Hel");
        assert_eq!(addition("Hel", "Hello"), "lo");
        assert_eq!(addition("Hello", "Hello"), "");
        assert_eq!(addition("Hello ", "Hello"), "");
        assert_eq!(addition("Hello", "Bye"), "\nBye");
    }

    #[test]
    fn an_empty_message_is_wrong_usage() {
        assert_eq!(message(" ").unwrap_err().code, USAGE);
        assert_eq!(message("hi").unwrap(), "hi");
    }
}
