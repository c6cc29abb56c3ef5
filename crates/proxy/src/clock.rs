//! The journal's time: the wall's, perhaps faster, and never backwards.

use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use agora::Timestamp;

use crate::server::ports::Clock;

/// Journal time = origin + (wall − origin) × rate, but never before what was told once.
///
/// A wall clock that is set back is absorbed: the journal's time goes on from where it was, by the monotonic clock, until
/// the wall has caught up. One that jumps ahead (a machine that slept) is followed.
#[derive(Debug)]
pub struct JournalClock {
    origin: Timestamp,
    rate: u32,
    /// A moment of the journal and of the monotonic clock that belong together.
    base: Mutex<(Timestamp, Instant)>,
}

impl JournalClock {
    /// The clock of a journal whose newest entry is from `not_before`.
    pub fn new(origin: Timestamp, rate: u32, not_before: Option<Timestamp>) -> Self {
        let now = scaled(origin, rate, wall());
        let now = not_before.map_or(now, |not_before| now.max(not_before));
        Self { origin, rate, base: Mutex::new((now, Instant::now())) }
    }

    fn at(&self, wall: Timestamp, instant: Instant) -> Timestamp {
        let mut base = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        let nanoseconds = instant.saturating_duration_since(base.1).as_nanos() * u128::from(self.rate);
        let elapsed = i64::try_from(nanoseconds / 1_000_000).unwrap_or(i64::MAX);
        let steady = Timestamp::from_millis(base.0.millis().saturating_add(elapsed));
        let followed = scaled(self.origin, self.rate, wall);
        if followed > steady {
            // Only here, so that no fraction of a millisecond is lost at each look.
            *base = (followed, instant);
            return followed;
        }
        steady
    }
}

impl Clock for JournalClock {
    fn now(&self) -> Timestamp {
        self.at(wall(), Instant::now())
    }

    fn rate(&self) -> u32 {
        self.rate
    }
}

/// The wall's time.
pub fn wall() -> Timestamp {
    let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    };
    Timestamp::from_millis(millis)
}

fn scaled(origin: Timestamp, rate: u32, wall: Timestamp) -> Timestamp {
    let since = i128::from(wall.millis()) - i128::from(origin.millis());
    let millis = i128::from(origin.millis()) + since * i128::from(rate);
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(if millis < 0 { i64::MIN } else { i64::MAX }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn clock(rate: u32, at: i64) -> (JournalClock, Instant) {
        let instant = Instant::now();
        let at = Timestamp::from_millis(at);
        (
            JournalClock { origin: Timestamp::from_millis(1_000), rate, base: Mutex::new((at, instant)) },
            instant,
        )
    }

    #[test]
    fn journal_time_runs_from_its_origin_at_its_rate() {
        let (clock, start) = clock(10, 1_000);
        let second = Duration::from_secs(1);
        assert_eq!(clock.at(Timestamp::from_millis(2_000), start + second), Timestamp::from_millis(11_000));
        assert_eq!(
            clock.at(Timestamp::from_millis(3_000), start + 2 * second),
            Timestamp::from_millis(21_000)
        );
    }

    #[test]
    fn a_wall_clock_set_back_is_absorbed_and_one_that_jumps_ahead_is_followed() {
        let (clock, start) = clock(1, 10_000);
        let second = Duration::from_secs(1);
        assert_eq!(clock.at(Timestamp::from_millis(5_000), start + second), Timestamp::from_millis(11_000));
        // Looked at many times within a millisecond it still moves on.
        for step in 1..=1_000 {
            clock.at(Timestamp::from_millis(5_000), start + second + Duration::from_micros(step));
        }
        assert_eq!(
            clock.at(Timestamp::from_millis(6_000), start + 2 * second),
            Timestamp::from_millis(12_000)
        );
        assert_eq!(
            clock.at(Timestamp::from_millis(60_000), start + 3 * second),
            Timestamp::from_millis(60_000)
        );
    }

    #[test]
    fn it_never_begins_before_the_newest_entry() {
        let ahead = Timestamp::from_millis(wall().millis() + 3_600_000);
        let clock = JournalClock::new(wall(), 1, Some(ahead));
        assert!(clock.now() >= ahead);
        assert!(clock.now() < ahead + Duration::from_secs(60));
    }
}
