//! What happens to which send: planned by a seed, done once to one part of it, and written down.
//!
//! Must not know: platforms, beyond what [`Counterpart`] tells of their requests.

use super::counterparts::Counterpart;
use harness::proxy::{Asked, Fate, Judge, Reply};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    marker::PhantomData,
    sync::{Mutex, MutexGuard},
};
use tokio::sync::mpsc;

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Nothing,
    Unread,
    Half,
    Swallowed,
    AnswerLost,
    Limited,
    Broken,
    BrokenAfterwards,
    Stalled,
    PluginKilledBefore,
    PluginKilledAfter,
    GatewayKilledBefore,
    GatewayKilledAfter,
    PlatformAway,
}

impl Kind {
    /// Those that may happen to any send.
    pub(super) const COMMON: [Self; 7] = [
        Self::Unread,
        Self::Half,
        Self::Swallowed,
        Self::AnswerLost,
        Self::Limited,
        Self::Broken,
        Self::BrokenAfterwards,
    ];

    fn fate<C: Counterpart>(self) -> Fate {
        match self {
            Self::Nothing | Self::BrokenAfterwards => Fate::Forward,
            Self::Unread => Fate::Unread,
            Self::Half => Fate::Half,
            Self::Swallowed => Fate::Swallow,
            Self::AnswerLost => Fate::Lose,
            Self::Limited => Fate::Say(C::limited(1)),
            Self::Broken => Fate::Say(broken()),
            Self::PluginKilledAfter | Self::GatewayKilledAfter => Fate::Hold { forward: true },
            Self::Stalled
            | Self::PluginKilledBefore
            | Self::GatewayKilledBefore
            | Self::PlatformAway => Fate::Hold { forward: false },
        }
    }

    fn order(self) -> Option<Order> {
        match self {
            Self::PluginKilledBefore | Self::PluginKilledAfter => Some(Order::KillPlugin),
            Self::GatewayKilledBefore | Self::GatewayKilledAfter => Some(Order::KillGateway),
            Self::PlatformAway => Some(Order::GoAway),
            _ => None,
        }
    }
}

/// What the play has to do for a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    KillPlugin,
    KillGateway,
    GoAway,
}

/// Number of a send, and of a part of it.
pub(super) type Mark = (usize, usize);

/// Numbers that a seed repeats.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Less than `below`.
    pub(super) fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let below = u64::try_from(below).expect("small");
        usize::try_from((mixed ^ (mixed >> 31)) % below).expect("less than that")
    }
}

/// Does what is planned, and keeps what it saw.
pub(super) struct Meddler<C> {
    seen: Mutex<Seen>,
    orders: mpsc::UnboundedSender<Order>,
    platform: PhantomData<fn() -> C>,
}

#[derive(Default)]
pub(super) struct Seen {
    plan: HashMap<Mark, Kind>,
    /// What is being done to whom.
    doing: HashMap<Mark, Kind>,
    /// What was done, how often.
    pub(super) done: BTreeMap<Kind, usize>,
    /// The platform's keys that came with a part.
    pub(super) keys: BTreeMap<Mark, BTreeSet<String>>,
    /// Requests that a platform which enforces keys answers with the message it has.
    known: HashMap<String, Reply>,
    /// How often it did.
    pub(super) recognised: usize,
}

impl Seen {
    /// How many requests were cut off so that their end cannot be seen.
    pub(super) fn doubtful(&self) -> usize {
        let certain = [Kind::Nothing, Kind::Limited];
        let doubtful = self.done.iter().filter(|(kind, _)| !certain.contains(kind));
        doubtful.map(|(_, times)| times).sum()
    }
}

impl<C: Counterpart> Meddler<C> {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (orders, taken) = mpsc::unbounded_channel();
        (Self { seen: Mutex::default(), orders, platform: PhantomData }, taken)
    }

    /// This happens to the first request with this part.
    pub(super) fn plan(&self, mark: Mark, kind: Kind) {
        self.seen().plan.insert(mark, kind);
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("nobody panicked with it")
    }
}

impl<C: Counterpart> Judge for Meddler<C> {
    fn judge(&self, asked: &Asked) -> Fate {
        let Some(mark) = mark(&asked.body) else { return Fate::Through };
        let mut seen = self.seen();
        if let Some(key) = C::key(asked) {
            seen.keys.entry(mark).or_default().insert(key.clone());
            if let Some(known) = seen.known.get(&key).cloned() {
                seen.recognised += 1;
                return Fate::Say(known);
            }
        }
        let kind = seen.plan.remove(&mark).unwrap_or(Kind::Nothing);
        seen.doing.insert(mark, kind);
        *seen.done.entry(kind).or_default() += 1;
        kind.fate::<C>()
    }

    fn answered(&self, asked: &Asked, reply: &mut Reply) {
        let Some(mark) = mark(&asked.body) else { return };
        let mut seen = self.seen();
        if let Some(key) = C::key(asked).filter(|_| C::RECOGNISES && reply.status < 300) {
            seen.known.insert(key, reply.clone());
        }
        if seen.doing.get(&mark) == Some(&Kind::BrokenAfterwards) {
            *reply = broken();
        }
    }

    fn held(&self, asked: &Asked) {
        let doing = mark(&asked.body).and_then(|mark| self.seen().doing.get(&mark).copied());
        if let Some(order) = doing.and_then(Kind::order) {
            // A play that is over kills nobody.
            self.orders.send(order).ok();
        }
    }
}

fn broken() -> Reply {
    let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
    Reply { status: 502, headers, body: "<h1>Bad gateway</h1>".into() }
}

/// What a send says: one paragraph a part, each longer than half a message.
pub(super) fn text(n: usize, parts: usize, chars: usize) -> String {
    let paragraph = |part: usize| {
        let mut words = format!("send{n}part{part}end");
        while parts > 1 && words.len() < chars {
            words.push_str(" and so on");
        }
        words
    };
    (0..parts).map(paragraph).collect::<Vec<_>>().join("\n\n")
}

/// The send and the part that a text belongs to.
pub(super) fn mark(text: &str) -> Option<Mark> {
    let (_, rest) = text.split_once("send")?;
    let (send, rest) = rest.split_once("part")?;
    let (part, _) = rest.split_once("end")?;
    match (send.parse(), part.parse()) {
        (Ok(send), Ok(part)) => Some((send, part)),
        _ => mark(rest),
    }
}
