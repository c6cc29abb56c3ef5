//! The ninety seconds in which 404 is expected (M2, M3, F2), with the queries that were asked in it and those to come.

use core::time::Duration;

use agora::Timestamp;
use agora::limits::{FAILOVER_KILLED, FAILOVER_RECONNECT, FAILOVER_TOTAL};

use super::age::whole_seconds;
use super::icon::{Glyph, Tone, glyph};
use super::scale::{Mark, Place, Span, mark, shape, upright};
use crate::clock::time_of_day;
use crate::dom::{Element, Text, el};
use crate::words;

/// What a failover window shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailoverWindow {
    /// The first 404.
    pub t0: Timestamp,
    /// Queries asked since then, and how each went.
    pub asked: Vec<(Timestamp, Mark)>,
    /// Queries that the rules will ask, the next one first.
    pub ahead: Vec<Timestamp>,
}

/// The window around the first 404, as it is `now`.
pub fn failover_window(window: &FailoverWindow, now: Timestamp) -> Element {
    let FailoverWindow { t0, asked, ahead } = window;
    let (t0, end) = (*t0, *t0 + FAILOVER_TOTAL);
    let span = Span { from: t0, to: end };
    let gone = whole_seconds(t0, now).min(90);
    let (begins, now) = (span.place(t0), span.place(now));
    let between = |says, from: Place, to: Place| {
        shape(says).set("x", from.percent()).set("width", Place(to.0 - from.0).percent())
    };
    let mut drawn = shape("svg.scale width=100% height=84 role=img")
        .set("aria-label", words::window_described(asked, ahead, t0));
    let times = [Duration::ZERO, FAILOVER_KILLED, FAILOVER_RECONNECT, FAILOVER_TOTAL]
        .map(|after| span.place(t0 + after));
    let zones = ["rect.zone-a y=30 height=22", "rect.zone-b y=30 height=22", "rect.zone-c y=30 height=22"];
    for (index, says) in zones.into_iter().enumerate() {
        drawn = drawn.add(between(says, times[index], times[index + 1]));
    }
    drawn = drawn.add(between("rect.spent y=48 height=4", begins, now));
    for time in times {
        drawn = drawn.add(upright("line.tick y1=27 y2=56", time));
    }
    let labels: [(&str, Text, Text); 4] = [
        ("text y=70 text-anchor=start", "0.5%".into(), words::first_404_at(&time_of_day(t0)).into()),
        ("text y=70 text-anchor=middle", times[1].percent().into(), "30 s".into()),
        ("text y=70 text-anchor=middle", times[2].percent().into(), "60 s".into()),
        ("text y=70 text-anchor=end", "99.5%".into(), words::window_ends(&time_of_day(end)).into()),
    ];
    for (says, x, text) in labels {
        drawn = drawn.add(shape(says).set("x", x).add(text));
    }
    for (at, kind) in asked {
        drawn = drawn.add(mark(*kind, span.place(*at)).set("y", "41"));
    }
    let mut next = Mark::Due;
    for at in ahead {
        if *at <= end + Duration::from_millis(500) {
            drawn = drawn.add(mark(next, span.place(*at)).set("y", "41"));
            next = Mark::Later;
        }
    }
    let flag = shape("svg y=4 overflow=visible")
        .set("x", now.percent())
        .add(shape("rect.now-flag x=-35 y=0 width=70 height=17 rx=3"))
        .add(shape("text.now-text y=12.500 text-anchor=middle").add(words::now_at(gone)));
    let mut key = el("p.key-list");
    for text in words::WINDOW_KEY {
        key = key.add(el("span").add(text));
    }
    el("div.window")
        .set("data-tone", Tone::Failover.name())
        .add(
            el("header")
                .add(glyph(Glyph::Failover))
                .add(el("h2").add(words::FAILOVER_WINDOW))
                .add(el("span.quiet").add(words::of_window(gone)))
                .add(el("span.left").set("role", "timer").add(words::left_of_window(90 - gone))),
        )
        .add(drawn.add(upright("line.now y1=20 y2=56", now)).add(flag))
        .add(key)
}
