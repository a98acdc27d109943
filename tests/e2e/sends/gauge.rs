//! A platform that is measured while a backlog reaches it: when what came, for which target; one
//! message it refuses for good, and one target it wants to be left alone for an hour.

use super::{counterparts::Counterpart, faults};
use harness::proxy::{Asked, Fate, Judge, Reply};
use std::{
    collections::HashMap,
    marker::PhantomData,
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant},
};

/// How long the one target is to be left alone, seconds.
pub(super) const HOUR: u32 = 3600;

/// The measured platform. Sends go round the targets, so a send's number names its target.
pub(super) struct Gauge<C> {
    pub(super) targets: usize,
    /// How many sends go round them; each after those has a target of its own.
    pub(super) rows: usize,
    /// The send that is refused.
    pub(super) poison: usize,
    /// The target that is to be left alone.
    pub(super) blocked: usize,
    came: Mutex<Came>,
    platform: PhantomData<fn() -> C>,
}

#[derive(Default)]
pub(super) struct Came {
    /// Everything that came, with the send it was.
    pub(super) all: Vec<(Instant, usize)>,
    /// What came for the target that is to be left alone.
    pub(super) blocked: usize,
    /// Messages refused since a target's bucket was empty.
    pub(super) over: usize,
    /// Target → when its bucket was filled, and what was taken out since.
    buckets: HashMap<usize, (Instant, usize)>,
}

/// The most that came in any second, and the most within any second for one target.
#[derive(Debug)]
pub(super) struct Peaks {
    pub(super) all: usize,
    pub(super) target: usize,
}

impl<C: Counterpart> Gauge<C> {
    pub(super) fn new(targets: usize, rows: usize, poison: usize, blocked: usize) -> Self {
        Self { targets, rows, poison, blocked, came: Mutex::default(), platform: PhantomData }
    }

    pub(super) fn came(&self) -> MutexGuard<'_, Came> {
        self.came.lock().expect("nobody panicked with it")
    }

    pub(super) fn target(&self, send: usize) -> usize {
        if send < self.rows { send % self.targets } else { send }
    }

    pub(super) fn peaks(&self) -> Peaks {
        let came = self.came();
        let all: Vec<Instant> = came.all.iter().map(|(at, _)| *at).collect();
        let mut of_target: HashMap<usize, Vec<Instant>> = HashMap::new();
        for (at, send) in &came.all {
            of_target.entry(self.target(*send)).or_default().push(*at);
        }
        let target = of_target.values().map(|times| peak(times)).max().unwrap_or(0);
        Peaks { all: peak(&all), target }
    }

    /// Takes one out of a target's bucket; false when it is empty.
    fn draw(&self, target: usize, (size, seconds): (usize, u64)) -> bool {
        let mut came = self.came();
        let now = Instant::now();
        let bucket = came.buckets.entry(target).or_insert((now, 0));
        if now - bucket.0 >= Duration::from_secs(seconds) {
            *bucket = (now, 0);
        }
        if bucket.1 == size {
            came.over += 1;
            return false;
        }
        bucket.1 += 1;
        true
    }
}

/// The most of these within one second.
fn peak(times: &[Instant]) -> usize {
    let mut first = 0;
    let within = times.iter().enumerate().map(|(at, time)| {
        while *time - times[first] >= Duration::from_secs(1) {
            first += 1;
        }
        at + 1 - first
    });
    within.max().unwrap_or(0)
}

impl<C: Counterpart> Judge for Gauge<C> {
    fn judge(&self, asked: &Asked) -> Fate {
        let Some(mark) = faults::mark(&asked.body) else { return Fate::Through };
        let target = self.target(mark.0);
        self.came().all.push((Instant::now(), mark.0));
        if target == self.blocked {
            self.came().blocked += 1;
            return Fate::Say(C::limited(HOUR));
        }
        if mark.0 == self.poison {
            return Fate::Say(C::refused());
        }
        if C::BUCKET.is_none_or(|bucket| self.draw(target, bucket)) {
            Fate::Forward
        } else {
            Fate::Say(C::limited(1))
        }
    }

    fn answered(&self, asked: &Asked, reply: &mut Reply) {
        let Some(mark) = faults::mark(&asked.body) else { return };
        let Some((size, seconds)) = C::BUCKET else { return };
        let bucket = self.came().buckets.get(&self.target(mark.0)).copied();
        let (filled, taken) = bucket.unwrap_or((Instant::now(), 1));
        let left = Duration::from_secs(seconds).saturating_sub(filled.elapsed());
        reply.headers.retain(|(name, _)| !name.starts_with("x-ratelimit-"));
        for (name, value) in [
            ("bucket", "messages".to_owned()),
            ("limit", size.to_string()),
            ("remaining", (size - taken).to_string()),
            ("reset-after", format!("{:.3}", left.as_secs_f64())),
        ] {
            reply.headers.push((format!("x-ratelimit-{name}"), value));
        }
    }

    fn held(&self, _: &Asked) {}
}
