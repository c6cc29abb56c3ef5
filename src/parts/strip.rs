//! The last twenty answers to queries. Height and notch tell as much as hue.

use crate::dom::{Element, el};
use crate::words;

/// How many answers a strip shows.
pub const STRIP_LENGTH: usize = 20;

/// One answer to a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Probe {
    /// It answered that it records.
    Good,
    /// 404, unclear, or no answer.
    Doubt,
    /// The first good answer after a doubt.
    Back,
    /// The answer by which it was deemed lost.
    Lost,
}

/// The strip, oldest answer first.
pub fn strip(probes: &[Probe]) -> Element {
    let shown = &probes[probes.len().saturating_sub(STRIP_LENGTH)..];
    let empty = STRIP_LENGTH - shown.len();
    let mut paths = [const { String::new() }; 5];
    for place in 0..STRIP_LENGTH {
        let probe = place.checked_sub(empty).and_then(|index| shown.get(index));
        let (path, shape) = match probe {
            None => (0, " 15h4v1h-4z"),
            Some(Probe::Good) => (1, " 12h4v4h-4z"),
            Some(Probe::Doubt) => (2, " 6h4v10h-4zm0-1l2-1 2 1z"),
            Some(Probe::Back) => (3, " 12h4v4h-4zm2-10l2.5 4-2.5 4-2.5-4z"),
            Some(Probe::Lost) => (4, " 0h4v16h-4z"),
        };
        let drawn = &mut paths[path];
        drawn.push('M');
        drawn.push_str(&(place * 5).to_string());
        drawn.push_str(shape);
    }
    let mut strip = el("svg.strip")
        .set("viewBox", "0 0 100 16")
        .set("role", "img")
        .set("aria-label", words::last_answers(probes));
    for (kind, path) in
        ["path.none", "path.ok", "path.doubt", "path.over", "path.lost"].into_iter().zip(paths)
    {
        strip = strip.add(el(kind).set("d", path));
    }
    strip
}
