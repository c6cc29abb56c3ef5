//! The head of the screen: where it stands, in a state, a sentence and what was accepted; what one can do; and its alarms.

use std::rc::Rc;

use leptos::prelude::*;

use super::file::file_button;
use super::moment::{REASON, download};
use super::{Known, Page, TITLE, focus};
use crate::clock::time_of_day;
use crate::desk::Link;
use crate::dom::{Element, Node, el};
use crate::parts::age::age;
use crate::parts::banner::banner;
use crate::parts::icon::{Glyph, Icon, Tone, icon};
use crate::parts::id::id;
use crate::parts::lamps::lamps;
use crate::parts::rule::rule_link;
use crate::parts::state::{State, state_tag};
use crate::route::{Dialog, Route, Screen};
use crate::screens::actions::problem_banner;
use crate::standing::{self, Standing};
use crate::words;
use crate::words::replay as said;

/// Where it is, its state, and what one can do.
pub(super) fn top(page: &Rc<Page>, known: &Known) -> Element {
    let channel = known.recording.channel.to_string();
    let session = known.session();
    let (first, rest) =
        words::standing::sentence(known.standing, &known.recording, session, known.coming(), time_of_day);
    let answered = session.and_then(|session| session.last_answer).map(|answer| answer.at);
    // The title that stood here while the recording was awaited may have the focus: this one takes it over.
    let focused = document().active_element().is_some_and(|active| active.id() == TITLE);
    let title = el("h1").id(TITLE).set("tabindex", "-1").ready(move |_| {
        if focused {
            focus(TITLE);
        }
    });
    el("div.top")
        .add(way_out(page, &channel))
        .add(
            el("div")
                .add(
                    el("div.title").add(title.add(channel.clone())).add(state_tag(&state(known))).add(
                        el("span.age")
                            .class("stale", known.past.is_none() && page.desk.link.get() != Link::Live)
                            .add(answered.map(|_| words::LAST_ANSWER))
                            .add(" ")
                            .add(age(answered)),
                    ),
                )
                .add(el("p.sentence").add(el("b").add(first)).add(" ").add(rest))
                .add(idline(known, &channel)),
        )
        .add(actions(page, known, channel))
}

/// The way back to the list; beside it, the way to more room and the way to close.
fn way_out(page: &Page, channel: &str) -> Element {
    let list = Route::default().href();
    if !page.is_beside() {
        return el("nav.crumbs")
            .set("aria-label", words::WHERE)
            .add(el("a").set("href", list).add(words::RECORDINGS))
            .add(" / ")
            .add(channel.to_owned());
    }
    let whole = Route::to(Screen::Recording(page.id.clone())).href();
    el("div.buttons.way-out")
        .add(el("a.button.plain").set("href", whole).add(icon(Icon::Open)).add(words::FULL_PAGE))
        .add(
            el("a.button.plain.square")
                .set("href", list)
                .set("aria-label", words::CLOSE_BESIDE)
                .set("title", words::CLOSE_BESIDE)
                .add(icon(Icon::Close)),
        )
}

fn state(known: &Known) -> State {
    let (tone, glyph) = known.standing.look();
    let word = match (known.standing, known.session()) {
        (Standing::InFailover(_), Some(session)) => {
            let count = standing::failovers(&known.recording, session);
            words::in_failover(count.proved + 1, count.allowed)
        }
        _ => words::said(words::standing::word(known.standing)),
    };
    State { tone, glyph, word }
}

/// What was accepted and confirmed, and the ids.
fn idline(known: &Known, channel: &str) -> Element {
    let mut line = el("div.idline");
    if let Some(session) = known.session() {
        let times = words::lamp_times(session.accepted.map(time_of_day), session.confirmed.map(time_of_day));
        line = line.add(lamps(standing::lamps(Some(session)), true)).add(el("span").add(times));
        if let Some(sid) = &session.sid {
            line = line.add(el("span").add("sid ").add(id(sid.as_str(), &words::sid_of(channel))));
        }
        if let Some(resource) = &session.resource {
            let id = id(resource.id.as_str(), &words::resource_of(channel));
            line = line.add(el("span").add("resource ID ").add(id));
        }
    }
    line
}

fn actions(page: &Rc<Page>, known: &Known, channel: String) -> Element {
    let recording = &known.recording;
    if page.bundle.is_some() {
        return el("div.buttons").add(file_button(said::OPEN_ANOTHER));
    }
    if known.past.is_some() {
        let stop = el("button.button.large.apart")
            .set("type", "button")
            .set("aria-disabled", "true")
            .set("aria-describedby", REASON)
            .add(words::STOP_RECORDING_DOTS);
        return el("div.buttons").add(download(page, known)).add(stop);
    }
    let link = |class, dialog, text: &'static str| el(class).set("href", page.over(dialog)).add(text);
    let id = || page.id.clone();
    let (mut again, mut anew, mut undo, mut stop) = Default::default();
    if let Standing::Waits(_) = known.standing {
        again = link("a.button.primary.large", Dialog::TryAgain(id()), words::TRY_AGAIN_DOTS).into();
    }
    if recording.settled() {
        anew = link("a.button.large", Dialog::Start(Some(channel)), words::RECORD_AGAIN).into();
    } else if recording.stop.is_none() {
        stop = link("a.button.large.apart", Dialog::Stop(id()), words::STOP_RECORDING_DOTS).into();
    }
    if let Standing::StopPending(_) = known.standing {
        undo = el("button.button.primary.large")
            .set("type", "button")
            .on("click", page.command(page.undoing, "stop/withdraw", words::STOP_WITHDRAWN))
            .add(words::UNDO_STOP)
            .into();
    }
    let all: [Node; 4] = [again, anew, undo, stop];
    let mut buttons = el("div.buttons").add(download(page, known));
    for one in all {
        buttons = buttons.add(one);
    }
    buttons.add(problem_banner(page.undoing.problem))
}

/// What staff are to see about this recording.
pub(super) fn alarms(page: &Page, known: &Known) -> Vec<Node> {
    let mut banners = Vec::new();
    for alarm in known.recording.open_alarms() {
        let says = words::standing::alarm(alarm, &known.recording, time_of_day);
        let seen = page.over(Dialog::Acknowledge(page.id.clone(), alarm.entry));
        let seen = known.past.is_none().then(|| el("a.button").set("href", seen).add(words::ACKNOWLEDGE));
        let banner = banner(Tone::Critical, Glyph::Critical, true)
            .key(alarm.entry.to_string())
            .add(
                el("p").add(el("b").add(words::ALARM)).add(" ").add(says).add(" ").add(rule_link(alarm.rule)),
            )
            .add(seen);
        banners.push(banner.into());
    }
    banners
}
