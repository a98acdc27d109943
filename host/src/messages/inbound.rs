//! From a plugin's event to a durable row, in this order: dedupe → access → conversation → store.
//!
//! All of it happens in one write, together with the plugin's cursor; only its commit is answered
//! with `Stored`, so a platform is told only what is on disk. The step before:
//! [`crate::plugins`]. The step after: [`super::adopt`], in the lane of the conversation.
//! Must not know: how a turn runs.

use super::{
    access::{self, Authorized, Refusal},
    album, conversation, loops,
    pairing::{self, Met},
    pipe::Pipe,
    stream::{StreamName, Streams},
    words,
};
use crate::{
    agent::commands::Command,
    clock,
    config::messages::QueueMode,
    plugins::PluginEvent,
    store::{StoreError, failpoint, journal, outbox, transcripts},
};
use jackfield_plugin_api::{
    event::{ConversationKind, Event},
    frame::{Accepted, Cursor},
    id::{AccountId, MessageId},
    outbound::{Outbound, Target},
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, atomic::Ordering};

/// Longest id kept as it is; longer ones are kept as their hash.
const DEDUPE_BYTES_MAX: usize = 200;

/// The work a stored event asks for; the payload of its journal row.
#[derive(Serialize, Deserialize)]
pub(super) struct Work {
    pub(super) agent_id: String,
    pub(super) text: String,
    pub(super) message_key: String,
    /// Where the answer goes.
    pub(super) target: Target,
    /// The message to answer, where several people could be meant.
    pub(super) reply_to: Option<MessageId>,
    /// The album it is part of, to be taken with its other parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) album: Option<String>,
    /// A part that addresses nobody: it counts only with one that does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unaddressed: bool,
    /// The event as it came, for what grows on it: files, edits, reactions.
    pub(super) event: Event,
}

/// What became of an event in its write.
pub(super) enum Verdict {
    /// Known already.
    Duplicate,
    /// A tombstone: the gate said no. A pairing code may be on its way on this lane.
    Refused { refusal: Refusal, code_lane: Option<String> },
    /// Through the gate. With a lane, there is work on it under this number.
    Stored {
        /// The lane and the number.
        lane: Option<(String, u64)>,
        /// What its lane works on is to be called off: by the order to stop, or since newer words
        /// interrupt there.
        supersedes: bool,
    },
}

/// One event on its way in.
pub(super) struct Arrival {
    event: PluginEvent,
    stream: StreamName,
    dedupe_key: String,
    place: u64,
}

impl Arrival {
    /// Takes the event's place in its stream. Must be called in order of arrival; `None` when too
    /// many events of the stream are open.
    pub(super) fn enter(event: PluginEvent, streams: &Streams) -> Option<Self> {
        let stream = (
            event.channel.clone(),
            event.account.as_str().to_owned(),
            event.cursor.as_ref().map(|cursor| cursor.stream.clone()).unwrap_or_default(),
        );
        let dedupe_key = kept_id(&event.dedupe_key);
        let place = streams.enter(&stream, &dedupe_key)?;
        Some(Self { event, stream, dedupe_key, place })
    }

    /// Stores the event and everything that follows from it.
    pub(super) async fn store(
        self,
        pipe: &Arc<Pipe>,
        streams: &Arc<Streams>,
    ) -> Result<Verdict, StoreError> {
        let (stream, place) = (self.stream.clone(), self.place);
        let undone = pipe.store.undone();
        let (inner_pipe, inner_streams) = (Arc::clone(pipe), Arc::clone(streams));
        let (event, dedupe_key) = (self.event.clone(), self.dedupe_key.clone());
        let stored = pipe
            .store
            .write(move |c| {
                let cursor = self.event.cursor.clone();
                let now_ms = inner_pipe.clock.now_ms();
                let (channel, account) = (&self.stream.0, &self.stream.1);
                let verdict = decide(c, &inner_pipe, &self.dedupe_key, self.event, now_ms)?;
                failpoint::hit("inbound.decided");
                let free = inner_streams.may_advance(
                    &self.stream,
                    self.place,
                    undone.load(Ordering::SeqCst),
                );
                if let (true, Some(Cursor { stream, value })) = (free, cursor) {
                    journal::set_cursor(c, channel, account, &stream, &value, now_ms)?;
                }
                Ok(verdict)
            })
            .await;
        let verdict = match stored {
            // Not the disk's fault but the event's: offered again it would fail again.
            Err(error @ (StoreError::Job(_) | StoreError::Panicked)) => {
                bury(pipe, event, dedupe_key, error.to_string()).await?
            }
            other => other?,
        };
        streams.leave(&stream, place);
        failpoint::hit("inbound.stored");
        Ok(verdict)
    }
}

/// An id as it is kept.
fn kept_id(id: &str) -> String {
    if id.len() > DEDUPE_BYTES_MAX { conversation::digest("sha256:", id) } else { id.to_owned() }
}

/// Keeps an event that cannot be decided on as a dead letter, so that it blocks nobody.
async fn bury(
    pipe: &Arc<Pipe>,
    event: PluginEvent,
    dedupe_key: String,
    note: String,
) -> Result<Verdict, StoreError> {
    tracing::error!(channel = event.channel, dedupe_key, note, "an event could not be decided on");
    let now_ms = pipe.clock.now_ms();
    pipe.store
        .write(move |c| {
            let payload = serde_json::to_string(&event.body)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            let row = journal::NewRow {
                channel: &event.channel,
                account: event.account.as_str(),
                dedupe_key: &dedupe_key,
                lane: "",
                payload: Some(&payload),
                note: None,
                now_ms,
            };
            if let Some(seq) = journal::insert(c, &row)? {
                journal::bury(c, seq, &note, now_ms)?;
            }
            Ok(())
        })
        .await?;
    pipe.counters.dead.add(1);
    Ok(Verdict::Stored { lane: None, supersedes: false })
}

/// The answer to the plugin.
pub(super) fn answer(verdict: &Verdict) -> Accepted {
    match verdict {
        Verdict::Duplicate => Accepted::Duplicate,
        Verdict::Refused { .. } | Verdict::Stored { .. } => Accepted::Stored,
    }
}

fn decide(
    c: &Connection,
    pipe: &Pipe,
    dedupe_key: &str,
    event: PluginEvent,
    now_ms: u64,
) -> rusqlite::Result<Verdict> {
    let (channel, account) = (event.channel.as_str(), event.account);
    if journal::known(c, channel, account.as_str(), dedupe_key)? {
        return Ok(Verdict::Duplicate);
    }
    let row = journal::NewRow {
        channel,
        account: account.as_str(),
        dedupe_key,
        lane: "",
        payload: None,
        note: None,
        now_ms,
    };
    let who = event.body.place().cloned().zip(event.body.sender().cloned());
    let approved = |id: &jackfield_plugin_api::id::SenderId| {
        pairing::is_approved(c, channel, account.as_str(), id.as_str())
    };
    let part_of = event.album.as_deref().map(kept_id);
    match access::gate(&pipe.policy(channel), approved, event.body, part_of.is_some())? {
        Ok(authorized) => {
            let order = words::of(authorized.event(), false).as_deref().and_then(Command::parse);
            let interrupts = pipe.flow(channel).queue == QueueMode::Interrupt;
            let supersedes = authorized.addressed() && (order == Some(Command::Stop) || interrupts);
            let bot = authorized.sender().bot;
            let (lane, payload) = adopt(c, pipe, &row, &account, authorized, part_of.clone())?;
            let asks = payload.is_some() && !album::begun(c, &lane, part_of.as_deref())?;
            if asks && loops::turning(c, &lane, bot, now_ms)? {
                let refusal = Refusal::Loop;
                journal::insert(c, &journal::NewRow { note: Some(refusal.as_str()), ..row })?;
                return Ok(Verdict::Refused { refusal, code_lane: None });
            }
            let note = payload.is_none().then_some("no turn");
            let payload = payload.as_deref();
            let seq = journal::insert(c, &journal::NewRow { lane: &lane, payload, note, ..row })?;
            Ok(Verdict::Stored { lane: payload.and(seq).map(|seq| (lane, seq)), supersedes })
        }
        Err(refusal) => {
            journal::insert(c, &journal::NewRow { note: Some(refusal.as_str()), ..row })?;
            let code_lane = match (refusal, who) {
                (Refusal::Stranger, Some((place, sender))) => {
                    match pairing::meet(c, channel, account.as_str(), &sender, now_ms)? {
                        Met::New(code) => {
                            let to = Target {
                                account: account.clone(),
                                conversation: place.conversation,
                                kind: Some(place.kind),
                                thread: place.thread,
                            };
                            Some(send_code(c, channel, to, &code, now_ms)?)
                        }
                        Met::Quiet => None,
                    }
                }
                _ => None,
            };
            Ok(Verdict::Refused { refusal, code_lane })
        }
    }
}

/// The conversation of an authorized event, and its payload if it asks for a turn.
fn adopt(
    c: &Connection,
    pipe: &Pipe,
    row: &journal::NewRow<'_>,
    account: &AccountId,
    authorized: Authorized,
    album: Option<String>,
) -> rusqlite::Result<(String, Option<String>)> {
    let agent_id = pipe.agent(row.channel);
    let place = authorized.place().clone();
    let lane = conversation::key(agent_id, row.channel, account, &place, authorized.sender());
    let Some(text) = words::of(authorized.event(), album.is_some()) else {
        return Ok((lane, None));
    };
    let target = Target {
        account: account.clone(),
        conversation: place.conversation,
        kind: Some(place.kind),
        thread: place.thread,
    };
    let name = match place.kind {
        ConversationKind::Direct => authorized.sender().name.clone(),
        _ => place.title,
    };
    let touch = transcripts::Touch {
        session_key: &lane,
        agent_id,
        kind: conversation::kind_word(place.kind),
        channel: row.channel,
        display_name: name.as_deref(),
        route: &serde_json::json!({
            "channel": row.channel, "to": target, "from": authorized.sender().id,
        }),
        now_ms: row.now_ms,
    };
    let unaddressed = !authorized.addressed();
    // What is only overheard begins no conversation.
    if !unaddressed {
        transcripts::touch(c, &touch)?;
    }
    let reply_to = match (place.kind, authorized.event()) {
        (ConversationKind::Direct, _) => None,
        (_, Event::Message(message)) => Some(message.message.clone()),
        _ => None,
    };
    let work = Work {
        agent_id: agent_id.to_owned(),
        text,
        message_key: format!("{}:{}:{}", row.channel, row.account, row.dedupe_key),
        target,
        reply_to,
        album,
        unaddressed,
        event: authorized.into_event(),
    };
    let payload = serde_json::to_string(&work)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    Ok((lane, Some(payload)))
}

fn send_code(
    c: &Connection,
    channel: &str,
    to: Target,
    code: &str,
    now_ms: u64,
) -> rusqlite::Result<String> {
    let text = format!(
        "I only talk to people my owner has approved. Your pairing code is {code}. The owner \
         approves it with: jackfield channels pairing approve {channel} {code}\n\
         The code is good for one hour."
    );
    let account = to.account.clone();
    let lane = super::outbound::lane_of(&to);
    let body = Outbound::Message { to, text, attachments: vec![], reply_to: None, silent: false };
    let body = serde_json::to_value(body)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let new = outbox::NewRow {
        id: &clock::uuid(),
        channel,
        account: account.as_str(),
        lane: &lane,
        idem: None,
        body: &body,
        now_ms,
    };
    outbox::insert(c, &new)?;
    Ok(lane)
}
