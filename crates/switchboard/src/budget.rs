//! The budget of one App ID (D1): a sliding window over everything that leaves, and the calls that wait for a place.
//!
//! A bucket that refills would let 19 calls through in one second after a quiet one; so the window itself is counted.
//!
//! Its instants are not the journal's: they come from a clock that nobody sets, at the journal's pace. Otherwise a clock
//! that jumps ahead would let a second budget through within one second of the service's.

use std::collections::VecDeque;
use std::time::Duration;

use agora::Timestamp;

/// The service counts by the second; the tenth more is for what happens between here and there (D1).
pub const WINDOW: Duration = Duration::from_millis(1_100);

/// How long the second place of an `acquire` is kept for its `start` (S2).
pub const KEPT_FOR: Duration = Duration::from_secs(2);

/// How long the budget stays halved after a 429 (D4).
pub const HALVED_FOR: Duration = Duration::from_secs(10);

/// How fast it grows back then: one call a second, each second (D4).
const GROWS_EVERY: Duration = Duration::from_secs(1);

/// What kind of place a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One.
    One,
    /// `acquire`: one, and one that is kept for its `start`.
    WithNext,
    /// `start`: the kept one if it is still kept, else one.
    Kept,
    /// `stop`: one, and the last one too, which nothing else takes. So a stop that comes just after everything else
    /// does not wait for a whole window.
    Last,
}

/// From this budget on, the last place is for a stop alone; a smaller one is too small to leave any unused.
const LAST_FOR_STOP_FROM: u32 = 4;

/// The window of one App ID. `Key` names a session.
#[derive(Debug)]
pub struct Window<Key> {
    limit: u32,
    left: VecDeque<Timestamp>,
    kept: Vec<(Key, Timestamp)>,
    closed_until: Timestamp,
    halved_at: Option<(Timestamp, u32)>,
}

impl<Key: PartialEq + Clone> Window<Key> {
    /// A window for so many calls, through which nothing leaves before one whole window has passed: nobody knows what
    /// left before a restart.
    pub fn new(limit: u32, now: Timestamp) -> Self {
        let closed_until = now + WINDOW;
        Self { limit: limit.max(1), left: VecDeque::new(), kept: Vec::new(), closed_until, halved_at: None }
    }

    /// How many calls may leave in one window now (D4).
    pub fn allowed(&self, now: Timestamp) -> u32 {
        let Some((since, half)) = self.halved_at else { return self.limit };
        let grown = now.since(since + HALVED_FOR).as_millis() / GROWS_EVERY.as_millis();
        half.saturating_add(u32::try_from(grown).unwrap_or(u32::MAX)).min(self.limit)
    }

    /// How many left within the window that ends now.
    pub fn in_use(&self, now: Timestamp) -> u32 {
        let count = self.left.iter().filter(|left| now < free_again(**left)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Takes a place for `key`, if there is one.
    pub fn take(&mut self, key: &Key, place: Place, now: Timestamp) -> bool {
        self.forget(now);
        if !self.fits(key, place, now) {
            return false;
        }
        if place == Place::Kept {
            self.release(key);
        }
        self.left.push_back(now);
        if place == Place::WithNext {
            self.kept.push((key.clone(), now + KEPT_FOR));
        }
        true
    }

    /// Gives the place back that was just taken for `key`: nothing left.
    pub fn give_back(&mut self, key: &Key) {
        self.left.pop_back();
        self.release(key);
    }

    /// Gives back what is kept for a `start` that will not come.
    pub fn release(&mut self, key: &Key) {
        self.kept.retain(|(kept, _)| kept != key);
    }

    /// Whether a place is kept for its `start`.
    pub fn keeps(&self, key: &Key) -> bool {
        self.kept.iter().any(|(kept, _)| kept == key)
    }

    /// The service counted more than we did: somebody else uses the App ID too (D4).
    pub fn rate_limited(&mut self, now: Timestamp) {
        let half = match self.halved_at {
            // Calls that were under way when it was halved do not halve it once more.
            Some((since, half)) if now < since + HALVED_FOR => half,
            _ => self.allowed(now) / 2,
        };
        self.halved_at = Some((now, half.max(1)));
    }

    /// The earliest instant from `now` on at which a place for `key` is free, if nothing else takes it.
    pub fn free_at(&self, key: &Key, place: Place, now: Timestamp) -> Timestamp {
        // Every instant at which something becomes free, in order; few, since a window holds few.
        let mut instants = vec![now, self.closed_until];
        instants.extend(self.left.iter().map(|left| free_again(*left)));
        instants.extend(self.kept.iter().map(|(_, until)| *until));
        if let Some((since, _)) = self.halved_at {
            let last = now.max(since + HALVED_FOR);
            instants.extend((0..=self.limit).map(|step| last + GROWS_EVERY * step));
        }
        instants.retain(|instant| *instant >= now);
        instants.sort_unstable();
        let fits = |at: &Timestamp| self.fits(key, place, *at);
        instants.into_iter().find(fits).unwrap_or(now + WINDOW)
    }

    fn fits(&self, key: &Key, place: Place, at: Timestamp) -> bool {
        let allowed = self.allowed(at);
        let shared = if allowed >= LAST_FOR_STOP_FROM { allowed - 1 } else { allowed };
        let in_use = self.in_use(at);
        let is_own = |kept: &Key| place == Place::Kept && kept == key;
        let kept = self.kept.iter().filter(|(_, until)| *until > at);
        let (own, others): (Vec<_>, Vec<_>) = kept.partition(|(kept, _)| is_own(kept));
        let taken = in_use.saturating_add(u32::try_from(others.len()).unwrap_or(u32::MAX));
        let (room, wanted) = match place {
            Place::Last => (allowed.saturating_sub(taken), 1),
            // A kept place was counted when it was kept; only what left since can be in its way.
            Place::Kept if !own.is_empty() => (allowed.saturating_sub(in_use), 1),
            Place::One | Place::Kept => (shared.saturating_sub(taken), 1),
            // With a budget of one call there is no second place to keep.
            Place::WithNext => (shared.saturating_sub(taken), 2.min(shared)),
        };
        at >= self.closed_until && room >= wanted
    }

    fn forget(&mut self, now: Timestamp) {
        while self.left.front().is_some_and(|left| free_again(*left) <= now) {
            self.left.pop_front();
        }
        self.kept.retain(|(_, until)| *until > now);
    }
}

/// The instant from which a call that left then is in no window any more: one of exactly 1.1 s would still hold both.
fn free_again(left: Timestamp) -> Timestamp {
    left + WINDOW + Duration::from_millis(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn open_window(limit: u32) -> Window<u32> {
        Window::new(limit, at(-10_000))
    }

    /// Sends as much as it can from 0 on, one millisecond after the other.
    fn leave(window: &mut Window<u32>, place: Place, until: i64) -> Vec<i64> {
        (0..until).filter(|millis| window.take(&0, place, at(*millis))).collect()
    }

    fn most_in_any_window(left: &[i64]) -> usize {
        left.iter()
            .map(|from| left.iter().filter(|at| (*from..=*from + 1_100).contains(at)).count())
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn d1_never_more_than_ten_leave_in_any_window() {
        let mut window = open_window(10);
        let mut left = Vec::new();
        for millis in 0..10_000 {
            // Uneven demand: nothing for a while, then all at once, so that a bucket would be full.
            let place = if millis % 7 == 0 { Place::Last } else { Place::One };
            if millis % 1_700 > 900 && window.take(&0, place, at(millis)) {
                left.push(millis);
            }
        }
        assert_eq!(most_in_any_window(&left), 10);
        assert!(left.len() > 50, "{}", left.len());
    }

    #[test]
    fn d1_the_last_place_is_for_a_stop() {
        let mut window = open_window(10);
        assert_eq!(leave(&mut window, Place::One, 100).len(), 9);
        assert!(window.take(&0, Place::Last, at(100)));
        assert!(!window.take(&0, Place::Last, at(101)));
    }

    #[test]
    fn d1_nothing_leaves_in_the_first_second_after_a_restart() {
        let mut window = Window::new(10, at(0));
        let left = leave(&mut window, Place::One, 2_000);
        assert_eq!(left.first(), Some(&1_100));
        assert_eq!(window.free_at(&0, Place::One, at(0)).millis(), 2_201);
    }

    #[test]
    fn s2_an_acquire_takes_two_places_and_keeps_the_second_for_its_start() {
        let mut window = open_window(9);
        for session in 0..4 {
            assert!(window.take(&session, Place::WithNext, at(0)));
        }
        assert!(!window.take(&9, Place::One, at(1)), "four are kept");
        assert!(window.take(&3, Place::Kept, at(2)), "its own is there");
        assert!(!window.take(&3, Place::Kept, at(3)), "but only once");
        // When the first window has passed, the four acquires and the one start; two seconds later the other three.
        let left = leave(&mut window, Place::One, 2_100);
        assert_eq!(left, [1_101, 1_102, 1_103, 1_104, 1_105, 2_000, 2_001, 2_002]);
    }

    #[test]
    fn s2_a_stop_never_takes_the_place_that_is_kept() {
        let mut window = open_window(4);
        assert!(window.take(&1, Place::WithNext, at(0)));
        assert!(window.take(&2, Place::Last, at(1)));
        assert!(window.take(&2, Place::Last, at(2)));
        assert!(!window.take(&2, Place::Last, at(3)));
        assert!(window.take(&1, Place::Kept, at(4)));
    }

    #[test]
    fn s2_with_a_budget_of_one_an_acquire_still_leaves() {
        let mut window = open_window(1);
        assert!(window.take(&1, Place::WithNext, at(0)));
        assert!(!window.take(&1, Place::Kept, at(1_100)));
        assert!(window.take(&1, Place::Kept, at(1_101)));
    }

    #[test]
    fn d4_a_429_halves_the_budget_for_ten_seconds_and_then_it_grows_by_one_a_second() {
        let mut window = open_window(10);
        window.rate_limited(at(0));
        window.rate_limited(at(300));
        assert_eq!(window.allowed(at(300)), 5);
        assert_eq!(window.allowed(at(10_300)), 5);
        assert_eq!(window.allowed(at(11_300)), 6);
        assert_eq!(window.allowed(at(15_299)), 9);
        assert_eq!(window.allowed(at(15_300)), 10);
        assert_eq!(window.allowed(at(99_000)), 10);
    }

    #[test]
    fn a_place_that_was_not_used_is_given_back() {
        let mut window = open_window(2);
        assert!(window.take(&1, Place::WithNext, at(0)));
        window.give_back(&1);
        assert_eq!(leave(&mut window, Place::One, 10), [0, 1]);
    }

    #[test]
    fn free_at_tells_the_very_instant() {
        let mut window = open_window(3);
        for millis in [0, 100, 200] {
            assert!(window.take(&0, Place::One, at(millis)));
        }
        for (now, free) in [(200, 1_101), (900, 1_101), (1_101, 1_101)] {
            assert_eq!(window.free_at(&0, Place::One, at(now)).millis(), free);
        }
        assert_eq!(window.free_at(&0, Place::WithNext, at(300)).millis(), 1_201);
    }
}
