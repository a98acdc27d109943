//! `jackfield message`: sends on a channel, past the agent.

use super::{print, reach::Reach, report::Failure};
use crate::{clock::uuid, protocol::scope::Scope};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a channel may take.
const DELIVERY: Duration = Duration::from_mins(1);

/// What can be done with messages.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Send a message to a chat of a channel
    Send(Box<SendArgs>),
}

/// Arguments of `jackfield message send`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code 0 means that the channel has taken the message. A failure says whether it was certainly
not sent or whether that is unknown; in the second case the same --key makes another attempt safe.")]
pub struct SendArgs {
    /// Channel, such as the first column of: jackfield channels list
    #[arg(long, value_name = "CHANNEL")]
    channel: String,
    /// Chat on that channel, as the channel names it
    #[arg(long, value_name = "CHAT")]
    to: String,
    /// Text, in Markdown
    #[arg(long, short, value_name = "TEXT")]
    message: Option<String>,
    /// Address of a picture or file to attach (repeatable)
    #[arg(long = "media", value_name = "URL")]
    media: Vec<String>,
    /// Account of the channel [default: the first]
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Thread in the chat
    #[arg(long, value_name = "THREAD")]
    thread: Option<String>,
    /// Message to answer
    #[arg(long, value_name = "MESSAGE")]
    reply_to: Option<String>,
    /// Send without a notification
    #[arg(long)]
    silent: bool,
    /// Same key, same message: it is sent once however often this runs
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

impl SendArgs {
    fn params(&self) -> Value {
        let mut params = json!({
            "channel": self.channel, "to": self.to,
            "idempotencyKey": self.key.clone().unwrap_or_else(uuid),
        });
        let optional = [
            ("message", json!(self.message)),
            ("accountId", json!(self.account)),
            ("threadId", json!(self.thread)),
            ("replyToId", json!(self.reply_to)),
            ("silent", json!(self.silent.then_some(true))),
            ("mediaUrls", if self.media.is_empty() { Value::Null } else { json!(self.media) }),
        ];
        for (name, value) in optional {
            if !value.is_null() {
                params[name] = value;
            }
        }
        params
    }
}

/// Runs a verb.
///
/// # Errors
/// Of the connection or the channel.
pub fn run(verb: &Verb) -> Result<(), Failure> {
    let Verb::Send(args) = verb;
    if args.message.is_none() && args.media.is_empty() {
        return Err(Failure::new("there is nothing to send")
            .code(super::report::USAGE)
            .next("give --message TEXT or --media URL"));
    }
    let params = args.params();
    let key = print::cell(&params, "idempotencyKey");
    let sent = args.reach.with(async |gateway| {
        gateway.be_patient(DELIVERY);
        gateway.call(&[Scope::Write], "send", params).await
    });
    let sent = sent.map_err(|failure| match failure.word.as_deref() {
        // The gateway may have it; the key makes another attempt safe.
        Some("TIMEOUT" | "CLOSED") => {
            let next = format!("whether it was sent is not known; run this again with --key {key}");
            failure.next(next)
        }
        _ => failure,
    })?;
    args.reach.form.show(&sent, |of| {
        let (id, channel) = (print::cell(of, "messageId"), print::cell(of, "channel"));
        print::line(&format!("sent as {id} on {channel}"))
    })
}
