//! One life of the plugin under test as the suite talks to it: frames out, frames in, each awaited
//! for a limited time.
//!
//! Must not know: what is promised.

use crate::plugins::{
    Refusal,
    carrier::{Carrier, Exit, Incoming, Outgoing, encode},
    runner::CLOSE_MS,
};
use jackfield_plugin_api::frame::{Accepted, HostFrame, PluginFrame};
use std::{collections::VecDeque, time::Duration};
use tokio::time;

/// How long an end may take beyond what the contract gives it, and an opening.
const ALLOWANCE: Duration = Duration::from_secs(10);

/// An event that came.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) id: u64,
    pub(super) key: String,
    pub(super) place: Option<jackfield_plugin_api::frame::StoredCursor>,
}

pub(super) struct Desk {
    carrier: Carrier,
    kept: VecDeque<PluginFrame>,
    /// Events as they came; answered at once unless they are held.
    pub(super) events: Vec<Seen>,
    /// Events wait for their answers.
    pub(super) held: bool,
    /// How many of them were answered.
    answered: usize,
    /// Most that waited at once.
    pub(super) most_unanswered: usize,
    /// How long any one answer may take.
    limit: Duration,
    pings: u64,
}

impl Desk {
    pub(super) async fn open(
        mut carrier: Carrier,
        file: String,
        limit: Duration,
    ) -> Result<Self, Refusal> {
        let died = |how: String| Refusal::Died { file, how, step: "loading".to_owned() };
        match time::timeout(ALLOWANCE, carrier.incoming.recv()).await {
            Ok(Some(Incoming::Loaded(_))) => {}
            Ok(Some(Incoming::Refused(refusal))) => return Err(refusal),
            Ok(Some(Incoming::Ended(exit))) => return Err(died(exit.to_string())),
            Ok(Some(Incoming::Frame(_)) | None) => return Err(died("spoke out of turn".into())),
            Err(_) => return Err(died("did not open in time".into())),
        }
        let (kept, events) = (VecDeque::new(), Vec::new());
        let (held, answered, most_unanswered, pings) = (false, 0, 0, 0);
        Ok(Self { carrier, kept, events, held, answered, most_unanswered, limit, pings })
    }

    pub(super) async fn say(&self, frame: &HostFrame) {
        self.say_bytes(encode(frame)).await;
    }

    /// Bytes that no gateway of today would send.
    pub(super) async fn say_bytes(&self, bytes: Vec<u8>) {
        let outgoing = Outgoing::Frame { bytes, ticket: None, credit: None };
        // A life that is over is found out by what does not come.
        let _ = time::timeout(ALLOWANCE, self.carrier.outgoing.send(outgoing)).await;
    }

    /// The next frame that `pick` finds, within the usual time.
    pub(super) async fn expect<T>(
        &mut self,
        what: &str,
        pick: impl Fn(&PluginFrame) -> Option<T>,
    ) -> Result<T, String> {
        self.next(what, self.limit, pick).await
    }

    /// The next frame that `pick` finds; the others are kept.
    pub(super) async fn next<T>(
        &mut self,
        what: &str,
        patience: Duration,
        pick: impl Fn(&PluginFrame) -> Option<T>,
    ) -> Result<T, String> {
        let mut kept = self.kept.iter().enumerate();
        if let Some((at, found)) = kept.find_map(|(at, frame)| Some((at, pick(frame)?))) {
            self.kept.remove(at);
            return Ok(found);
        }
        let over = time::sleep(patience);
        tokio::pin!(over);
        loop {
            let incoming = tokio::select! {
                incoming = self.carrier.incoming.recv() => incoming,
                () = &mut over => {
                    return Err(format!("no {what} within {} s", patience.as_secs()));
                }
            };
            match incoming {
                Some(Incoming::Frame(frame)) => {
                    if let Some(found) = pick(&frame) {
                        return Ok(found);
                    }
                    self.keep(*frame).await;
                }
                Some(Incoming::Ended(exit)) => return Err(format!("no {what}: it {exit}")),
                Some(Incoming::Refused(refusal)) => return Err(refusal.to_string()),
                Some(Incoming::Loaded(_)) | None => {
                    return Err(format!("no {what}: it is gone"));
                }
            }
        }
    }

    async fn keep(&mut self, frame: PluginFrame) {
        match frame {
            PluginFrame::Event { id, account, dedupe_key, cursor, .. } => {
                let place = cursor
                    .map(|cursor| jackfield_plugin_api::frame::StoredCursor { account, cursor });
                self.events.push(Seen { id, key: dedupe_key, place });
                self.most_unanswered = self.most_unanswered.max(self.events.len() - self.answered);
                if !self.held {
                    self.answer_events().await;
                }
            }
            PluginFrame::Link(_) | PluginFrame::Log { .. } => {}
            other => self.kept.push_back(other),
        }
    }

    /// Says of every event that waits for it that it is stored.
    pub(super) async fn answer_events(&mut self) {
        for event in &self.events[self.answered..] {
            let (id, accepted) = (event.id, Accepted::Stored);
            self.say(&HostFrame::EventAck { id, accepted }).await;
        }
        self.answered = self.events.len();
    }

    /// Whether it still answers.
    pub(super) async fn answers(&mut self) -> Result<(), String> {
        self.pings += 1;
        let n = self.pings;
        self.say(&HostFrame::Ping { n }).await;
        let pong = |frame: &PluginFrame| matches!(frame, PluginFrame::Pong { n: m } if *m == n);
        self.expect("pong", |frame| pong(frame).then_some(())).await
    }

    /// Tells it to stop, closes it, and gives its end and the messages answered on the way.
    pub(super) async fn end(mut self) -> Result<(Exit, Vec<u64>), String> {
        self.say(&HostFrame::Stop).await;
        let _ = time::timeout(ALLOWANCE, self.carrier.outgoing.send(Outgoing::Close)).await;
        let limit = Duration::from_millis(u64::from(CLOSE_MS)) + ALLOWANCE;
        let mut answered: Vec<u64> = self.kept.iter().filter_map(answer_to).collect();
        loop {
            match time::timeout(limit, self.carrier.incoming.recv()).await {
                Err(_) => return Err(format!("did not end within {} s", limit.as_secs())),
                Ok(Some(Incoming::Frame(frame))) => answered.extend(answer_to(&frame)),
                Ok(Some(Incoming::Ended(exit))) => return Ok((exit, answered)),
                Ok(Some(_)) => {}
                Ok(None) => return Err("was gone without a word".to_owned()),
            }
        }
    }
}

/// The message that a frame answers.
pub(super) fn answer_to(frame: &PluginFrame) -> Option<u64> {
    match frame {
        PluginFrame::Ack { seq, .. } | PluginFrame::Nack { seq, .. } => Some(*seq),
        _ => None,
    }
}
