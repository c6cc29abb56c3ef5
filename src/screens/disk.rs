//! What is said on every screen while the journal cannot be written (D9), and about journals that are damaged.

use leptos::prelude::*;
use rules::{RecordingId, RuleId};

use crate::dom::{Element, Node, el, part};
use crate::here::here;
use crate::nodes;
use crate::parts::banner::banner;
use crate::parts::icon::{Glyph, Tone};
use crate::parts::rule::rule_link;
use crate::route::{Route, Screen};
use crate::tasks::follow_on;
use crate::words;

/// How many recordings are named; the others are counted.
const NAMED: usize = 5;

/// The bars; nothing while all is well.
pub fn disk() -> Node {
    part("disk", || {
        let (desk, announcer) = (here().desk, here().announcer);
        follow_on(move |before: Option<bool>| {
            let broken = desk.unwritten.with(Option::is_some);
            match (before.unwrap_or_default(), broken) {
                (false, true) => announcer.warn(words::said(words::disk::UNWRITTEN)),
                (true, false) => announcer.say(words::said(words::disk::WRITTEN_AGAIN)),
                _ => {}
            }
            broken
        });
        || nodes![unwritten(), damaged()]
    })
}

fn unwritten() -> Node {
    let desk = here().desk;
    desk.unwritten.with(|unwritten| {
        let Some(unwritten) = unwritten else { return Node::Nothing };
        let mut says = el("p")
            .id("unwritten")
            .add(el("b").add(words::disk::UNWRITTEN))
            .add(" ")
            .add(words::disk::because(&unwritten.reason))
            .add(" ")
            .add(words::disk::MEANWHILE)
            .add(" ")
            .add(rule_link(RuleId::D9));
        if unwritten.held > 0 {
            let held = el("b").add(words::disk::held(unwritten.held as usize));
            says = says.add(" ").add(held).add(" ").add(named(&unwritten.recordings));
        }
        banner(Tone::Critical, Glyph::Critical, false).add(says).into()
    })
}

fn damaged() -> Node {
    here().desk.setup.with(|setup| {
        let Some(setup) = setup.as_ref().filter(|setup| !setup.damaged.is_empty()) else {
            return Node::Nothing;
        };
        let says = el("p")
            .id("damaged")
            .add(el("b").add(words::disk::damaged(setup.damaged.len())))
            .add(" ")
            .add(words::disk::SET_ASIDE)
            .add(" ")
            .add(named(&setup.damaged));
        banner(Tone::Critical, Glyph::Critical, false).add(says).into()
    })
}

/// Recordings by their channels, each leading to itself.
fn named(recordings: &[RecordingId]) -> Element {
    let desk = here().desk;
    let mut list = el("span.named");
    for (place, id) in recordings.iter().take(NAMED).enumerate() {
        let channel =
            desk.recording_now(id).map_or_else(|| id.to_string(), |recording| recording.channel.to_string());
        let link = el("a").set("href", Route::to(Screen::Recording(id.clone())).href()).add(channel);
        list = list.add((place > 0).then_some(", ")).add(link);
    }
    let more = recordings.len().checked_sub(NAMED).filter(|more| *more > 0);
    list.add(more.map(words::disk::and_more))
}
