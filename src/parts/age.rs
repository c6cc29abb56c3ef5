//! Times that move: countdowns, ages and elapsed times. Each is derived from an instant and the shared clock, never counted.

use core::cell::Cell;

use agora::Timestamp;
use leptos::prelude::Get as _;

use crate::clock::time_of_day;
use crate::desk::Link;
use crate::dom::{Element, Moving, Node, el, part};
use crate::here::here;
use crate::kept::kept;
use crate::parts::icon::Tone;
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
pub fn countdown(due: Option<Timestamp>) -> Element {
    let says = |due, now| words::countdown(Countdown::to(due, now)).into();
    el("b").set("role", "timer").add(due.map(|at| Moving { at, says }))
}

/// Where it is kept that times are told by the clock.
pub const TIMES: &str = "tallylight-times";

thread_local! {
    static ABSOLUTE: Cell<bool> = Cell::new(!kept(TIMES).is_empty());
}

/// The reader has chosen anew how times are told.
pub fn read_taste() {
    ABSOLUTE.set(!kept(TIMES).is_empty());
}

/// How old something is.
pub fn age(at: Option<Timestamp>) -> Node {
    at.map(|at| Moving { at, says: |at, now| words::age(whole_seconds(at, now)).into() }).into()
}

/// For longer than this nothing was heard of a session that records: its routine query comes every two minutes at the latest
/// (M1), and has some time to be answered.
const AGEING: i64 = 150;

/// Of what time a panel is, and how old that is: paler when it is not told any more, marked when `answers` of the service
/// do not come as often as they should.
pub fn as_of(at: Option<Timestamp>, answers: bool) -> Node {
    let Some(at) = at else { return Node::Nothing };
    // Another instant is another part: one that stays goes on with the instant that it began with.
    let key = format!("as-of-{}-{answers}", at.millis());
    part(key, move || {
        let desk = here().desk;
        let says = |at, now| words::as_of(&time_of_day(at), &words::age(whole_seconds(at, now))).into();
        move || {
            let ageing = answers && whole_seconds(at, desk.clock.second()) > AGEING;
            el("span.age")
                .class("stale", desk.link.get() != Link::Live)
                .set_some("data-tone", ageing.then_some(Tone::Caution.name()))
                .add(Moving { at, says })
                .into()
        }
    })
}

/// How old something is, or of what time, as the reader wants it.
pub fn age_or_time(at: Option<Timestamp>) -> Node {
    let says = |at, now| {
        let says = if ABSOLUTE.get() { time_of_day(at) } else { words::age(whole_seconds(at, now)) };
        says.into()
    };
    at.map(|at| Moving { at, says }).into()
}

/// How long ago something was, or when, as the reader wants it.
pub fn when(at: Option<Timestamp>) -> Node {
    let says = |at, now| {
        let says = if ABSOLUTE.get() { time_of_day(at) } else { words::ago(whole_seconds(at, now)) };
        says.into()
    };
    at.map(|at| Moving { at, says }).into()
}

/// How long something has lasted; it stands still when `until` is known.
pub fn elapsed(since: Option<Timestamp>, until: Option<Timestamp>) -> Node {
    match (since, until) {
        (None, _) => Node::Nothing,
        (Some(since), Some(until)) => words::stopwatch(whole_seconds(since, until)).into(),
        (Some(at), None) => {
            Moving { at, says: |at, now| words::stopwatch(whole_seconds(at, now)).into() }.into()
        }
    }
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
