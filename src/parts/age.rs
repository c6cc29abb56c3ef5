//! Times that move: countdowns, ages and elapsed times. Each is derived from an instant and the shared clock, never counted.

use agora::Timestamp;
use leptos::prelude::*;

use crate::clock::Clock;
use crate::words;

/// What a countdown stands at, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Countdown {
    /// So many seconds are left.
    In(i64),
    /// It is due.
    Now,
    /// It should have happened so many seconds ago.
    Overdue(i64),
}

/// How long a thing may be overdue before the page says so, in milliseconds: a call has to be carried to the proxy.
const PATIENCE_MILLIS: i64 = 5_000;

impl Countdown {
    /// Where the countdown to `due` stands at `now`.
    pub fn to(due: Timestamp, now: Timestamp) -> Self {
        let left = due.millis().saturating_sub(now.millis());
        if left > 0 {
            Self::In((left + 999) / 1000)
        } else if left > -PATIENCE_MILLIS {
            Self::Now
        } else {
            Self::Overdue(-left / 1000)
        }
    }
}

/// The time left until an instant, silent for assistive technology.
pub fn countdown(due: impl Into<Signal<Option<Timestamp>>>) -> impl IntoView {
    let (due, clock) = (due.into(), expect_context::<Clock>());
    let left = Memo::new(move |_| due.get().map(|due| Countdown::to(due, clock.tick())));
    view! { <b role="timer">{move || left.get().map(words::countdown)}</b> }
}

/// How long ago something was.
pub fn age(at: impl Into<Signal<Option<Timestamp>>>) -> impl IntoView {
    let (at, clock) = (at.into(), expect_context::<Clock>());
    let seconds = Memo::new(move |_| at.get().map(|at| whole_seconds(at, clock.tick())));
    move || seconds.get().map(words::age)
}

/// How long something has lasted; it stands still when `until` is known.
pub fn elapsed(
    since: impl Into<Signal<Option<Timestamp>>>,
    until: impl Into<Signal<Option<Timestamp>>>,
) -> impl IntoView {
    let (since, until, clock) = (since.into(), until.into(), expect_context::<Clock>());
    let seconds = Memo::new(move |_| {
        let since = since.get()?;
        Some(whole_seconds(since, until.get().unwrap_or_else(|| clock.tick())))
    });
    move || seconds.get().map(words::stopwatch)
}

/// Whole seconds from one instant to a later one.
pub fn whole_seconds(from: Timestamp, to: Timestamp) -> i64 {
    (to.millis().saturating_sub(from.millis()) / 1000).max(0)
}

#[cfg(test)]
mod tests {
    use super::Countdown;
    use agora::Timestamp;

    #[test]
    fn a_countdown_never_shows_zero_or_less_before_it_is_due() {
        let due = Timestamp::from_millis(10_000);
        let at = |millis| Countdown::to(due, Timestamp::from_millis(millis));
        assert_eq!(at(5_000), Countdown::In(5));
        assert_eq!(at(9_999), Countdown::In(1));
        assert_eq!(at(10_000), Countdown::Now);
        assert_eq!(at(14_999), Countdown::Now);
        assert_eq!(at(15_000), Countdown::Overdue(5));
    }
}
