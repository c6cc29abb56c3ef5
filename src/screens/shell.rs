//! The frame around every screen: where one is, whether it is live, what time it is, and the bar that says what is broken.

use agora::Timestamp;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::clock::{time_of_day, zone};
use crate::desk::{Desk, Link};
use crate::dom::{Element, Node, el, live};
use crate::here::here;
use crate::nodes;
use crate::parts::age::age;
use crate::parts::banner::banner;
use crate::parts::icon::{Glyph, Icon, Tone, glyph, icon};
use crate::parts::lamps::{Lamps, lamps};
use crate::route::{Dialog, Route, Screen, api};
use crate::words;

/// Gives the focus to an element, if it is there.
pub fn focus(id: &str) {
    let element =
        document().get_element_by_id(id).and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(element) = element {
        let _ = element.focus();
    }
}

/// Bar above, rail beside, and the screen.
/// `tools` stand beside the sign of life, and `notices` over every screen, once there is code for them.
pub fn shell(tools: Node, notices: Node, screen: Node) -> Node {
    let skip = el("a.skip").set("href", "#main").add(words::SKIP).on("click", |event| {
        event.prevent_default();
        focus("main");
    });
    let main = el("main").id("main").set("tabindex", "-1").add(connection_bar()).add(notices).add(screen);
    nodes![skip, el("div.shell").add(topbar(tools)).add(rail()).add(main)]
}

fn topbar(tools: Node) -> Element {
    el("header.topbar")
        .add(
            el("a.brand")
                .set("href", Route::default().href())
                .add(lamps(Lamps::Confirmed, false))
                .add(words::PRODUCT),
        )
        .add(live(|| {
            let demo = here().desk.demo();
            demo.then(|| el("span.tag-quiet").add(words::DEMONSTRATION)).into()
        }))
        .add(el("span.spring"))
        .add(el("div.live").add(live(link)).add(tools))
        .add(live(notified))
        .add(el("span.clock").add(live(clock)))
        .add(live(own_dialogs))
        .add(live(person))
}

/// The ways to the page's own dialogs, at the same place on every screen.
fn own_dialogs() -> Node {
    let route = here().router.route();
    let tool = |to: Dialog, named: &'static str, mark: Element| {
        let link = el("a.button.plain.square").set("href", route.with(to).href());
        link.set("aria-label", named).set("title", named).add(mark)
    };
    nodes![
        tool(Dialog::Palette, words::PALETTE, icon(Icon::Search)),
        tool(Dialog::Keys, words::KEYS, el("b").add("?")),
    ]
}

fn link() -> Node {
    let desk = here().desk;
    let (tone, mark, word) = match desk.link.get() {
        Link::Live if desk.paused.get().is_some() => (Tone::Neutral, Glyph::Paused, words::PAUSED),
        Link::Live => (Tone::Recording, Glyph::Recording, words::LIVE),
        Link::Connecting => (Tone::Neutral, Glyph::Starting, words::CONNECTING),
        Link::Lost { .. } | Link::Ended(_) => (Tone::Caution, Glyph::Caution, words::NOT_LIVE),
    };
    el("span").set("data-tone", tone.name()).add(glyph(mark)).add(word).into()
}

/// When the service last notified, of whatever recording: the half of a failover's story that no query tells.
fn notified() -> Node {
    let desk = here().desk;
    if !desk.complete.get() || desk.clock.second().millis() == 0 {
        return Node::Nothing;
    }
    let (mark, says, title) = match desk.last_notified() {
        Some(at) => (Glyph::Recording, nodes![words::NOTIFIED, " ", age(Some(at))], words::NOTIFIED_SAYS),
        None => (Glyph::Unknown, words::NEVER_NOTIFIED_HERE.into(), words::NO_WEBHOOK),
    };
    let to = here().router.route().with(Dialog::Notices).href();
    el("a.notified").set("href", to).set("title", title).add(glyph(mark)).add(says).into()
}

fn clock() -> Node {
    let desk = here().desk;
    // It shows that the page lives, also while the rest stands still.
    desk.clock.device();
    desk.clock.second();
    let now = desk.clock.now();
    if now.millis() == 0 {
        return Node::Nothing;
    }
    nodes![el("b").add(time_of_day(now)), " ", el("span.quiet").add(zone())]
}

fn person() -> Node {
    let desk = here().desk;
    desk.setup
        .with(|setup| {
            let person = &setup.as_ref()?.person;
            let mut initials = String::new();
            for word in person.name.split_whitespace().take(2) {
                initials.extend(word.chars().next());
            }
            let name = el("span")
                .add(person.name.clone())
                .add(" ")
                .add(el("span.quiet").add(words::role(person.role)));
            Some(el("span.who").add(el("span.avatar").set("aria-hidden", "true").add(initials)).add(name))
        })
        .into()
}

fn rail() -> Element {
    el("nav.rail").set("aria-label", words::MAIN_NAVIGATION).add(live(|| {
        let (desk, at) = (here().desk, here().router.route());
        let link = |to: Route, name: &'static str, mark: Icon, here: bool| {
            let link = el("a").set("href", to.href()).set_some("aria-current", here.then_some("page"));
            el("li").add(link.add(icon(mark)).add(name))
        };
        let faults = at.screen == Screen::Faults;
        let list = link(Route::default(), words::RECORDINGS, Icon::List, !faults);
        let break_it = || link(Route::to(Screen::Faults), words::FAULTS, Icon::Simulator, faults);
        el("ul")
            .add(list)
            .add(desk.demo().then(break_it))
            .add(link(at.with(Dialog::Settings), words::SETTINGS, Icon::Settings, false))
            .into()
    }))
}

/// One bar, only while something between the person and the service is broken.
fn connection_bar() -> Node {
    live(|| {
        let desk = here().desk;
        let bar = match desk.link.get() {
            Link::Connecting | Link::Live => return Node::Nothing,
            Link::Lost { heard, since, retry_at } => lost_bar(desk, heard, since, retry_at),
            Link::Ended(because) => {
                let (title, rest) = words::connection_ended(because);
                nodes![
                    el("p").id("connection").add(el("b").add(title)).add(" ").add(rest),
                    el("a.button").set("href", "").add(words::RELOAD),
                ]
            }
        };
        banner(Tone::Caution, Glyph::Caution, false).add(bar).into()
    })
}

fn lost_bar(desk: Desk, heard: Option<Timestamp>, since: u64, retry_at: Option<u64>) -> Node {
    let socket = here().socket;
    let (title, rest) = words::connection_lost(heard.is_none(), desk.hop.get().as_ref(), &api::proxy());
    let now = desk.clock.device();
    let mut says = el("p").id("connection").add(el("b").add(title).add(" "));
    if heard.is_some() {
        let lost_for = words::duration((now.saturating_sub(since) / 1000) as i64);
        says = says.add(el("span").add(words::LOST_FOR).add(" ").add(lost_for).add(". "));
    }
    let reconnecting = match retry_at {
        Some(at) => words::reconnecting_in(at.saturating_sub(now).div_ceil(1000)),
        None => words::said(words::RECONNECTING),
    };
    says = says.add(reconnecting).add(" ");
    if let Some(at) = heard {
        let data = el("span").add(words::data_as_of(&time_of_day(at)));
        says = says.add(data.add(" (").add(age(Some(at))).add(" old). "));
    }
    let now_button = el("button.button").set("type", "button").add(words::RECONNECT_NOW);
    nodes![says.add(rest), now_button.on("click", move |_| socket.reconnect_now())]
}
