//! Gaps, instants and domains, as the rules count them (D2, D10): what the reference model ([`crate::model`]) says its numbers with.

use core::time::Duration;

use agora::Timestamp;
use rules::journal::Domain;

use crate::reading::Lane;

pub(crate) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The n-th gap of a list, from 1; the last one goes on.
pub(crate) fn nth(gaps: &[u64], n: u32) -> Duration {
    s(gaps[(n.max(1) as usize).min(gaps.len()) - 1])
}

/// D10: the next instant that counts from a zero. One that passed while a call was open is skipped, the last one is not.
pub(crate) fn instant(zero: Timestamp, offsets: &[u64], lane: &Lane) -> Option<(Timestamp, u32)> {
    let after = lane.ended.map_or(zero, |ended| ended.max(zero));
    let next = offsets.iter().position(|offset| zero + s(*offset) > after);
    let place = next.unwrap_or(offsets.len() - 1);
    let at = zero + s(offsets[place]);
    let done = next.is_none() && lane.sent.is_some_and(|sent| sent >= at);
    (!done).then_some((at, place as u32 + 1))
}

/// The next instant of an endless rhythm.
pub(crate) fn rhythm(zero: Timestamp, every: u64, lane: &Lane) -> (Timestamp, u32) {
    let passed = lane.ended.map_or(0, |ended| ended.since(zero).as_secs() / every) + 1;
    (zero + s(passed * every), passed as u32)
}

/// The same name under the other suffix.
pub(crate) const fn other_suffix(domain: Domain) -> Domain {
    if matches!(domain, Domain::Secondary) { Domain::Primary } else { Domain::Secondary }
}
