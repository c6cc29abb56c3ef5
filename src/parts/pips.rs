//! Failovers used of three, and the fatal fourth (F1).

use crate::dom::{Element, el};
use crate::words;

/// How many failovers a session has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failovers {
    /// Those that evidence proves.
    pub proved: u8,
    /// Those that may have happened; never fewer than the proved ones.
    pub possible: u8,
    /// Whether one may be running now.
    pub running: bool,
    /// How many there can be.
    pub allowed: u8,
}

const DIAMONDS: [&str; 3] =
    ["M7 1.5 12.5 7 7 12.5 1.5 7Z", "M22 1.5 27.5 7 22 12.5 16.5 7Z", "M37 1.5 42.5 7 37 12.5 31.5 7Z"];

/// The marks, named for who cannot see them.
pub fn pips(failovers: Failovers, big: bool) -> Element {
    let mut drawn = el("svg.pips")
        .class("big", big)
        .class("spent", failovers.proved >= failovers.allowed)
        .set("viewBox", "0 0 66 14")
        .set("role", "img")
        .set("aria-label", words::failovers_used(&failovers));
    for (index, diamond) in (0_u8..).zip(DIAMONDS) {
        let kind = if index < failovers.proved {
            "path.used"
        } else if (index == failovers.proved && failovers.running) || index < failovers.possible {
            "path.now"
        } else {
            "path.left"
        };
        drawn = drawn.add(el(kind).set("d", diamond));
    }
    if failovers.proved == 0 && !failovers.running {
        return drawn;
    }
    let bar = el("line.bar").set("x1", "48.5").set("y1", "1").set("x2", "48.5").set("y2", "13");
    drawn.add(bar).add(el("path.fatal").set("d", "M55 4l6 6M61 4l-6 6"))
}
