//! For a screen on the wall: what needs someone, what is being handled, and that all else records. There is nothing to press,
//! it is read from afar, and its clock proves that it lives.

use std::rc::Rc;

use agora::Timestamp;
use leptos::prelude::*;

use crate::clock::{time_of_day, zone};
use crate::desk::Link;
use crate::dom::{Element, Node, el, live, part};
use crate::here::here;
use crate::nodes;
use crate::parts::age::{age, countdown, elapsed};
use crate::parts::icon::glyph;
use crate::screens::board::Listed;
use crate::standing::Group;
use crate::words;
use crate::words::comfort as says;

/// As many of each group fit on a screen; the worst and the next due come first.
const NEEDS_SHOWN: usize = 10;
const HANDLED_SHOWN: usize = 15;
const CALM_SHOWN: usize = 60;

/// How many places the picture has: it moves by a pixel every minute, so that nothing burns into the screen.
const PLACES: i64 = 8;

/// The screen.
pub fn wall_screen() -> Node {
    part("wall", || {
        let page = document().document_element();
        if let Some(page) = &page {
            let _ = page.set_attribute("data-screen", "wall");
        }
        on_cleanup(|| {
            if let Some(page) = document().document_element() {
                let _ = page.remove_attribute("data-screen");
            }
        });
        || {
            let all = here().board.all();
            let of = |group: Group| all.iter().filter(move |listed| listed.group == group);
            let (need, record) = (of(Group::NeedsYou).count(), of(Group::Recording).count());
            // What is being handled records too, or is about to.
            let title = says::wall_title(need, record + of(Group::Handled).count());
            let top = el("div.top")
                .add(el("h1").id("wall-title").add(title))
                .add(el("p.clock").set("role", "timer").add(live(clock)));
            let mut handled: Vec<_> = of(Group::Handled).collect();
            handled.sort_by_key(|listed| listed.row.due.map_or(i64::MAX, Timestamp::millis));
            let mut calm: Vec<_> = of(Group::Recording).collect();
            calm.sort_by(|one, other| one.row.channel.cmp(&other.row.channel));
            let needs: Vec<_> = of(Group::NeedsYou).collect();
            let nothing = (need + handled.len() + calm.len() == 0)
                .then(|| el("p.quiet").add(says::NOTHING_ON_THE_WALL));
            // Follows the clock to know its place.
            let place = live(drift);
            el("div.wall")
                .add(place)
                .add(top)
                .add(group("wall-needs", says::NEED_SOMEONE, "ul.needs", &needs, NEEDS_SHOWN, need_tile))
                .add(group("wall-busy", says::HANDLED_NEXT, "ul.busy", &handled, HANDLED_SHOWN, busy_tile))
                .add(group("wall-calm", says::RECORD_NOW, "ul.calm", &calm, CALM_SHOWN, calm_tile))
                .add(nothing)
                .add(live(foot))
                .into()
        }
    })
}

/// Which place the picture has in this minute, for the style to read.
fn drift() -> Node {
    let minute = here().desk.clock.second().millis() / 60_000;
    el("span.drift").set("aria-hidden", "true").set("data-place", (minute % PLACES).to_string()).into()
}

fn clock() -> Node {
    let now = here().desk.clock.second();
    if now.millis() == 0 {
        return Node::Nothing;
    }
    nodes![time_of_day(now), " ", el("small").add(zone())]
}

fn group(
    id: &'static str,
    title: &'static str,
    kind: &'static str,
    all: &[&Rc<Listed>],
    most: usize,
    tile: fn(&Listed) -> Element,
) -> Node {
    if all.is_empty() {
        return Node::Nothing;
    }
    let mut list = el(kind);
    for listed in all.iter().take(most) {
        list = list.add(tile(listed).key(listed.id.to_string()));
    }
    let more = all.len().checked_sub(most).filter(|more| *more > 0);
    let more = more.map(|more| el("p.quiet").add(says::more_on_wall(more)));
    el("section").set("aria-labelledby", id).add(el("h2").id(id).add(title)).add(list).add(more).into()
}

fn tile(kind: &'static str, listed: &Listed) -> Element {
    let row = &listed.row;
    el(kind)
        .set("data-tone", row.state.tone.name())
        .add(glyph(row.state.glyph))
        .add(el("b").add(row.channel.clone()))
}

/// Since when someone is needed: the oldest alarm that nobody has seen, or what the rules wait for.
fn needed_since(listed: &Listed) -> Option<Timestamp> {
    let recording = here().desk.recording_now(&listed.id)?;
    let alarm = recording.open_alarms().map(|alarm| alarm.at).min();
    alarm.or(listed.row.until).or(listed.row.answer.as_ref().map(|(_, at)| *at))
}

fn need_tile(listed: &Listed) -> Element {
    let row = &listed.row;
    let says = el("p").add(el("strong").add(row.state.word.clone())).add(". ").add(row.says.clone());
    let since = el("span.num").set("role", "timer").add(elapsed(needed_since(listed), None));
    tile("li.tile.large", listed).add(since).add(says)
}

fn busy_tile(listed: &Listed) -> Element {
    let due = countdown(listed.row.due).class("num", true);
    tile("li.tile.medium", listed).add(due).add(el("span").add(listed.row.state.word.clone()))
}

fn calm_tile(listed: &Listed) -> Element {
    tile("li.tile", listed).add(el("span.num").add(elapsed(listed.row.since, listed.row.until)))
}

/// Whether what is shown is true now, and how near the limit of sessions it is.
fn foot() -> Node {
    let desk = here().desk;
    let link = match desk.link.get() {
        Link::Live => Node::from(words::LIVE),
        Link::Connecting => words::CONNECTING.into(),
        Link::Lost { heard, .. } => nodes![words::NOT_LIVE, " ", age(heard)],
        Link::Ended(_) => words::NOT_LIVE.into(),
    };
    let mut foot = el("p.sum").add(el("span").add(link));
    let used = here().board.all().iter().filter(|listed| listed.group != Group::Ended).count();
    desk.setup.with(|setup| {
        for app in setup.iter().flat_map(|setup| &setup.apps) {
            foot = core::mem::replace(&mut foot, el("p")).add(el("span").add(app.name.clone()));
            // With several App IDs the page does not know whose session is whose limit.
            if setup.as_ref().is_some_and(|setup| setup.apps.len() == 1) {
                let used = el("span").add(says::sessions_of(used, app.pcw));
                foot = core::mem::replace(&mut foot, el("p")).add(used);
            }
        }
    });
    foot.into()
}
