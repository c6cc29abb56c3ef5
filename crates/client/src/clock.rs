//! The server's time as this client knows it, and whether it may be trusted.
//!
//! Nothing is measured across the network: what the proxy says is a lower bound of its time, because it is a little old
//! when it arrives. So the best estimate is the highest of what was said, carried on by the monotonic clock. An upper
//! bound is the time of an entry that came of an own post: that was written after the post had left. Where the proxy's
//! time fell behind, what is due by the estimate would otherwise be due again and again until that has caught up.

use agora::Timestamp;

/// An instant of this machine, by both of its clocks. Only differences between two of them mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Milliseconds of a clock that never goes back. It may stand still while the machine sleeps.
    pub monotonic: u64,
    /// Milliseconds of the wall clock, which may be set and goes on while the machine sleeps.
    pub wall: i64,
}

impl Moment {
    /// The instant at which the two clocks show this.
    pub const fn new(monotonic: u64, wall: i64) -> Self {
        Self { monotonic, wall }
    }

    /// Milliseconds since `earlier` by the monotonic clock.
    pub const fn since(self, earlier: Self) -> u64 {
        self.monotonic.saturating_sub(earlier.monotonic)
    }

    /// Whether the clocks have parted since `earlier`, so that the machine slept or the wall clock was set.
    pub(crate) const fn parted_since(self, earlier: Self) -> bool {
        let wall = self.wall.saturating_sub(earlier.wall);
        let monotonic = self.monotonic as i64 - earlier.monotonic as i64;
        wall.abs_diff(monotonic) > CLOCKS_PART
    }
}

/// Clocks that differ by more than this many milliseconds have parted.
const CLOCKS_PART: u64 = 2_000;

/// Without a heartbeat for this many milliseconds nothing is known any more.
pub const SILENCE: u64 = 3_000;

/// An estimate that is ahead by at most this many real milliseconds is corrected slowly, one that is further ahead at once.
const SLOW_CORRECTION_UP_TO: i64 = 500;

/// The slow correction: at most this many real milliseconds with every heartbeat.
const CORRECTION: i64 = 10;

/// The server's time, carried on between heartbeats.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerClock {
    anchor: Option<Anchor>,
    rate: i64,
    /// Set when the machine slept: nothing is trusted before the next heartbeat.
    slept: bool,
    /// Since this monotonic instant it did not sleep, as far as is known.
    steady_from: u64,
}

#[derive(Debug, Clone, Copy)]
struct Anchor {
    /// The server's time at `moment`.
    time: Timestamp,
    moment: Moment,
    /// When the last heartbeat came.
    beat: Moment,
}

impl ServerClock {
    /// The clock of a new connection, which begins with the time of its first message.
    pub(crate) fn begin(time: Timestamp, rate: u32, moment: Moment) -> Self {
        Self {
            anchor: Some(Anchor { time, moment, beat: moment }),
            rate: i64::from(rate.max(1)),
            slept: false,
            steady_from: moment.monotonic,
        }
    }

    /// A heartbeat came.
    pub(crate) fn heartbeat(&mut self, time: Timestamp, moment: Moment) {
        let ahead = match self.anchor {
            Some(anchor) if !self.slept && !moment.parted_since(anchor.beat) => {
                self.carried(anchor, moment).millis().saturating_sub(time.millis())
            }
            Some(_) | None => {
                self.steady_from = moment.monotonic;
                0
            }
        };
        // An estimate that is a little ahead came from a message that was less late. It is let go slowly, because a
        // monotonic clock that runs fast would otherwise stay ahead for ever.
        let kept = if ahead > 0 && ahead <= SLOW_CORRECTION_UP_TO * self.rate {
            (ahead - CORRECTION * self.rate).max(0)
        } else {
            0
        };
        self.anchor =
            Some(Anchor { time: Timestamp::from_millis(time.millis() + kept), moment, beat: moment });
        self.slept = false;
    }

    /// Another message named a time that is not in the future of the server.
    pub(crate) fn at_least(&mut self, time: Timestamp, moment: Moment) {
        if let Some(anchor) = self.anchor
            && time > self.carried(anchor, moment)
        {
            self.anchor = Some(Anchor { time, moment, beat: anchor.beat });
        }
    }

    /// The server's time was at most this at that monotonic instant.
    pub(crate) fn at_most(&mut self, time: Timestamp, monotonic: u64) {
        if self.slept || monotonic < self.steady_from {
            return;
        }
        if let Some(anchor) = &mut self.anchor {
            let passed = monotonic as i64 - anchor.moment.monotonic as i64;
            let ahead = anchor.time.millis().saturating_add(passed.saturating_mul(self.rate)) - time.millis();
            if ahead > 0 {
                anchor.time = Timestamp::from_millis(anchor.time.millis() - ahead);
            }
        }
    }

    /// Notes whether the machine slept since the last heartbeat.
    pub(crate) fn look(&mut self, moment: Moment) {
        if let Some(anchor) = self.anchor
            && moment.parted_since(anchor.beat)
        {
            self.slept = true;
        }
    }

    /// The connection is gone: what the last heartbeat said stays known for the screen.
    pub(crate) fn lose(&mut self) {
        self.slept = true;
    }

    /// The server's time, if it may be acted on.
    pub(crate) fn now(&self, moment: Moment) -> Option<Timestamp> {
        let anchor = self.anchor?;
        let trusted = !self.slept && !moment.parted_since(anchor.beat) && moment.since(anchor.beat) < SILENCE;
        trusted.then(|| self.carried(anchor, moment))
    }

    /// The monotonic instant at which the server's time will be `time`, rounded up.
    pub(crate) fn when(&self, time: Timestamp) -> Option<u64> {
        let anchor = self.anchor?;
        let ahead = time.millis().saturating_sub(anchor.time.millis());
        if ahead <= 0 {
            return Some(anchor.moment.monotonic);
        }
        let real = ahead.unsigned_abs().div_ceil(self.rate.unsigned_abs());
        Some(anchor.moment.monotonic.saturating_add(real))
    }

    /// When the last heartbeat came, and the server's time then.
    pub(crate) fn last_beat(&self) -> Option<(Moment, Timestamp)> {
        self.anchor.map(|anchor| {
            let back = i64::try_from(anchor.moment.since(anchor.beat)).unwrap_or(i64::MAX);
            let time = anchor.time.millis().saturating_sub(back.saturating_mul(self.rate));
            (anchor.beat, Timestamp::from_millis(time))
        })
    }

    pub(crate) fn rate(&self) -> u32 {
        u32::try_from(self.rate).unwrap_or(1).max(1)
    }

    fn carried(&self, anchor: Anchor, moment: Moment) -> Timestamp {
        let passed = i64::try_from(moment.since(anchor.moment)).unwrap_or(i64::MAX);
        Timestamp::from_millis(anchor.time.millis().saturating_add(passed.saturating_mul(self.rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::new(millis, 5_000_000 + i64::try_from(millis).expect("a small number"))
    }

    fn time(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn time_goes_on_at_the_servers_rate_between_heartbeats() {
        let mut clock = ServerClock::begin(time(1_000_000), 10, at(100));
        assert_eq!(clock.now(at(350)), Some(time(1_002_500)));
        clock.heartbeat(time(1_010_000), at(1_100));
        assert_eq!(clock.now(at(1_200)), Some(time(1_011_000)));
        assert_eq!(clock.when(time(1_011_000)), Some(1_200));
        assert_eq!(clock.when(time(1_010_001)), Some(1_101));
    }

    #[test]
    fn nothing_is_trusted_after_three_seconds_of_silence() {
        let mut clock = ServerClock::begin(time(0), 1, at(0));
        assert!(clock.now(at(2_999)).is_some());
        assert_eq!(clock.now(at(3_000)), None);
        // Other messages are no proof of life.
        clock.at_least(time(60_000), at(2_000));
        assert_eq!(clock.now(at(3_000)), None);
        clock.heartbeat(time(60_000), at(4_000));
        assert_eq!(clock.now(at(4_000)), Some(time(60_000)));
    }

    #[test]
    fn after_a_sleep_nothing_is_trusted_before_the_next_heartbeat() {
        let mut clock = ServerClock::begin(time(0), 1, at(0));
        let woken = Moment::new(500, at(500).wall + 3_600_000);
        assert_eq!(clock.now(woken), None);
        clock.look(woken);
        // The wall clock is set back in the meantime: the sleep is not forgotten.
        assert_eq!(clock.now(at(600)), None);
        clock.heartbeat(time(3_600_600), at(700));
        assert_eq!(clock.now(at(700)), Some(time(3_600_600)));
    }

    #[test]
    fn a_late_heartbeat_moves_time_back_by_a_small_correction_only() {
        let mut clock = ServerClock::begin(time(0), 1, at(0));
        clock.heartbeat(time(900), at(1_000));
        assert_eq!(clock.now(at(1_000)), Some(time(990)));
        // Ten milliseconds with each heartbeat, until it agrees.
        for beat in 2..=20 {
            clock.heartbeat(time(beat * 1_000 - 100), at(beat.unsigned_abs() * 1_000));
        }
        assert_eq!(clock.now(at(20_000)), Some(time(19_900)));
        // Further off than that: the proxy's clock was set.
        clock.heartbeat(time(15_000), at(21_000));
        assert_eq!(clock.now(at(21_000)), Some(time(15_000)));
    }

    #[test]
    fn what_came_of_a_post_shows_how_late_it_was_at_most_when_the_post_left() {
        let mut clock = ServerClock::begin(time(0), 10, at(0));
        clock.at_most(time(10_000), 1_200);
        assert_eq!(clock.now(at(1_200)), Some(time(10_000)));
        assert_eq!(clock.now(at(1_300)), Some(time(11_000)));
        clock.at_most(time(99_000), 1_250);
        assert_eq!(
            clock.now(at(1_300)),
            Some(time(11_000)),
            "an entry may be written any time after its post"
        );
        // After a sleep the instants before it tell nothing.
        let woken = |millis| Moment::new(millis, at(millis).wall + 60_000);
        clock.look(woken(1_400));
        clock.heartbeat(time(612_000), woken(1_400));
        clock.at_most(time(10_500), 1_300);
        assert_eq!(clock.now(woken(1_400)), Some(time(612_000)));
    }

    #[test]
    fn the_time_of_the_last_heartbeat_stays_known() {
        let mut clock = ServerClock::begin(time(0), 10, at(0));
        clock.heartbeat(time(10_000), at(1_000));
        clock.at_least(time(20_000), at(1_500));
        clock.lose();
        assert_eq!(clock.now(at(1_600)), None);
        assert_eq!(clock.last_beat().map(|(beat, _)| beat), Some(at(1_000)));
    }
}
