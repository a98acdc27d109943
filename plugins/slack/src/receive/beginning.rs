//! How a thread began, for an account that is called into it: whoever is asked there has not heard what
//! the others spoke of.
//!
//! A comfort like names: bounded in time and length, and a message never fails for it.

use super::read_with;
use crate::{
    account::Workspace,
    client::Form,
    inbound::{self, Incoming, Me, Wanted},
};
use jackfield_plugin_api::{
    event::{ConversationKind, Event, InboundMessage},
    serde_json::Value,
    tokio::time::timeout,
};
use std::time::Duration;

/// Slack wants its acknowledgement within three seconds, and names take a part of that.
const PATIENCE: Duration = Duration::from_millis(1200);
/// Messages of a thread that are read, its first ones.
const MESSAGES_MAX: usize = 50;
/// Characters of what is told.
const CHARS_MAX: usize = 4000;

/// Tells of the thread in every message that calls the account into one it has not written in.
pub(super) async fn tell(workspace: &Workspace, me: &Me, events: &mut [Incoming]) {
    for incoming in events {
        let Event::Message(message) = &mut incoming.event else { continue };
        if !calls_into(workspace, message) {
            continue;
        }
        let told = timeout(PATIENCE, spoken(workspace, me, message)).await;
        if let (Ok(Some(text)), Some(quote)) = (told, &mut message.reply_to) {
            quote.text = Some(text);
        }
    }
}

fn calls_into(workspace: &Workspace, message: &InboundMessage) -> bool {
    let addressed = message.mentioned || message.place.kind == ConversationKind::Direct;
    let (Some(quote), Some(thread)) = (&message.reply_to, &message.place.thread) else {
        return false;
    };
    let new = !workspace.threads.follows(message.place.conversation.as_str(), thread.as_str());
    addressed && new && quote.text.is_none() && !message.sender.own
}

/// What was said in the thread before the message: its first words whole, then who said what, the
/// newest of that as far as there is room.
async fn spoken(workspace: &Workspace, me: &Me, message: &InboundMessage) -> Option<String> {
    let thread = message.place.thread.as_ref()?.as_str();
    let form: Form = vec![
        ("channel", message.place.conversation.as_str().to_owned()),
        ("ts", thread.to_owned()),
        ("latest", message.message.as_str().to_owned()),
        ("limit", MESSAGES_MAX.to_string()),
    ];
    let answer = workspace.bot.call("conversations.replies", &form).await.ok()?;
    let before =
        |said: &&Value| said["ts"].as_str().is_some_and(|ts| ts < message.message.as_str());
    let said: Vec<&Value> = answer["messages"].as_array()?.iter().filter(before).collect();
    let users = said.iter().filter_map(|said| said["user"].as_str().map(str::to_owned));
    let wanted = Wanted { users: users.collect(), ..Wanted::default() };
    let lines = read_with(workspace, me, &wanted, |view| {
        said.iter().filter_map(|said| inbound::said(said, view)).collect::<Vec<_>>()
    });
    let lines = lines.await;
    let ((_, first), rest) = lines.split_first()?;
    let mut text: String = first.chars().take(CHARS_MAX).collect();
    let mut room = CHARS_MAX - text.chars().count();
    let lines = rest.iter().map(|(who, words)| format!("\n{who}: {words}"));
    let mut newest: Vec<String> = Vec::new();
    for line in lines.rev() {
        let Some(left) = room.checked_sub(line.chars().count()) else {
            newest.push("\n…".to_owned());
            break;
        };
        room = left;
        newest.push(line);
    }
    text.extend(newest.into_iter().rev());
    Some(text).filter(|text| !text.is_empty())
}
