//! A place in the stream of updates, as the gateway keeps it with each event.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// After a week without updates their numbers begin anew, anywhere. A place that is nearly as old
/// may be beyond everything that comes.
const GOOD_FOR: Duration = Duration::from_hours(6 * 24);

/// Behind an update that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Whose numbers these are: another token may be another bot.
    pub(super) bot_id: i64,
    /// The number after the update's.
    pub(super) next: i64,
    /// When it was stored, seconds since the Unix epoch.
    pub(super) at_s: u64,
}

impl Place {
    /// Reads what an earlier life wrote.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let place = Self {
            bot_id: parts.next()?.parse().ok()?,
            next: parts.next()?.parse().ok()?,
            at_s: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(place)
    }

    /// The offset to begin at, where this place still means something.
    pub(super) fn offset(self, bot_id: i64, now_s: u64) -> Option<i64> {
        let age = now_s.checked_sub(self.at_s)?;
        (self.bot_id == bot_id && self.next > 0 && age < GOOD_FOR.as_secs()).then_some(self.next)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.bot_id, self.next, self.at_s)
    }
}

pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_place_is_good_for_its_bot_and_for_a_while() {
        let place = Place { bot_id: 7, next: 12, at_s: 1_000_000 };
        assert_eq!(Place::read(&place.to_string()), Some(place));
        assert_eq!(place.offset(7, 1_000_000), Some(12));
        assert_eq!(place.offset(8, 1_000_000), None, "another bot");
        assert_eq!(place.offset(7, 1_000_000 + 7 * 86_400), None, "a week later");
        assert_eq!(place.offset(7, 999_999), None, "a clock that went back tells nothing");
        for odd in ["", "7", "7:1", "a:1:1", "7:99999999999999999999:1", "7:1:1:1"] {
            assert_eq!(Place::read(odd), None, "{odd}");
        }
        assert_eq!(Place { next: -5, ..place }.offset(7, 1_000_000), None);
    }
}
