//! What happened while nobody acted (M10): from when to when, for how many recordings, and what it may have cost.

use agora::Timestamp;
use leptos::prelude::*;

use super::List;
use crate::clock::day_and_time;
use crate::dom::{Node, el};
use crate::kept::{keep, kept};
use crate::parts::banner::banner;
use crate::parts::icon::{Glyph, Tone};
use crate::parts::rule::rule_link;
use crate::words;

/// Where it is kept up to when a reader has seen such stretches, in milliseconds since 1970.
pub const SEEN: &str = "tallylight-unattended";

/// The stretches that this reader has not seen yet, told as one.
pub fn line(list: List) -> Node {
    let all = list.board.all();
    let seen = list.unattended_seen.get();
    let (mut span, mut count, mut minutes): (Option<(Timestamp, Timestamp)>, usize, u64) = (None, 0, 0);
    for gap in all.iter().filter_map(|listed| listed.unattended).filter(|gap| gap.to.millis() > seen) {
        let (from, to) = span.unwrap_or((gap.from, gap.to));
        span = Some((from.min(gap.from), to.max(gap.to)));
        count += 1;
        minutes += gap.minutes;
    }
    let Some((from, to)) = span else { return Node::Nothing };
    let says = words::list::unattended(&day_and_time(from), &day_and_time(to), count, minutes);
    let seen = move |_: &web_sys::Event| {
        keep(SEEN, &to.millis().to_string());
        list.unattended_seen.set(to.millis());
    };
    banner(Tone::Caution, Glyph::Caution, false)
        .add(el("p").add(says).add(" ").add(rule_link(rules::RuleId::M10)))
        .add(
            el("span.buttons")
                .add(el("button.button").set("type", "button").on("click", seen).add(words::list::SEEN)),
        )
        .into()
}

/// Up to when this reader has seen them.
pub fn seen_so_far() -> i64 {
    kept(SEEN).parse().unwrap_or_default()
}
