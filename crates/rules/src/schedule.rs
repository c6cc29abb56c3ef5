//! Instants that count from a zero (D10): which comes next, and which were skipped.

use agora::Timestamp;

use crate::policy::seconds;

/// One instant of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant {
    /// When.
    pub at: Timestamp,
    /// Its place in the schedule, from 1.
    pub number: u32,
}

/// The instant of a finite list that comes after the call that ended at `ended`.
///
/// One that passed while a call was open is skipped; the last one is not (D10): it stays due until a call was sent at
/// or after it.
pub(crate) fn next_of_list(
    zero: Timestamp,
    offsets: &[u32],
    sent: Option<Timestamp>,
    ended: Option<Timestamp>,
) -> Option<Instant> {
    let after = ended.map_or(zero, |ended| ended.max(zero));
    let numbered = || offsets.iter().zip(1u32..).map(|(offset, number)| (zero + seconds(*offset), number));
    if let Some((at, number)) = numbered().find(|(at, _)| *at > after) {
        return Some(Instant { at, number });
    }
    let (at, number) = numbered().last()?;
    let done = sent.is_some_and(|sent| sent >= at);
    (!done).then_some(Instant { at, number })
}

/// The first instant of `zero + k × interval`, k from 1, after the call that ended at `ended`.
pub(crate) fn next_of_rhythm(zero: Timestamp, interval: u32, ended: Option<Timestamp>) -> Instant {
    let after = ended.map_or(zero, |ended| ended.max(zero));
    let interval_millis = i64::from(interval.max(1)) * 1000;
    let passed = (after.millis() - zero.millis()) / interval_millis;
    let number = u32::try_from(passed + 1).unwrap_or(u32::MAX);
    Instant { at: Timestamp::from_millis(zero.millis() + (passed + 1) * interval_millis), number }
}

/// The gap of a list that follows the n-th failure (from 1); the last gap goes on.
pub(crate) fn gap_after(gaps: &[u32], failures: u32) -> u32 {
    let place = (failures.max(1) as usize - 1).min(gaps.len().saturating_sub(1));
    gaps.get(place).copied().unwrap_or(0)
}
