//! The one control over what moves: it lets the screen stand still and brings it back to now. Beside it stands what the
//! page noticed about itself: that a newer one lies on the server.

use core::cell::Cell;
use core::time::Duration;

use from_json::FromJson;
use leptos::prelude::*;

use crate::dom::{Element, Node, el, part};
use crate::here::here;
use crate::nodes;
use crate::parts::icon::{Glyph, Tone, glyph};
use crate::socket::get;
use crate::standing::{Group, Standing, group};
use crate::tasks::{follow_on, spawn};
use crate::words;

/// How often the page asks which build lies on the server, in seconds.
const ASKS_EVERY: u64 = 300;

/// Which build lies beside the page, a file that `cargo xtask build` writes.
const VERSION: &str = "version.json";

#[derive(FromJson)]
struct Version {
    build: String,
}

thread_local! {
    /// Whether another build than this one was seen.
    static ANOTHER: Cell<Option<RwSignal<bool>>> = const { Cell::new(None) };
}

/// The signal is made once, and lives as long as the page.
fn another() -> RwSignal<bool> {
    ANOTHER.get().unwrap_or_else(|| {
        let signal = here().board.for_good(|| RwSignal::new(false));
        ANOTHER.set(Some(signal));
        set_interval(look_for_another_build, Duration::from_secs(ASKS_EVERY));
        signal
    })
}

/// Asks which build lies on the server now. A page under development has no build to compare.
pub fn look_for_another_build() {
    if crate::BUILD == "development" || document().hidden() {
        return;
    }
    let signal = another();
    spawn(async move {
        if let Ok(version) = get::<Version>(VERSION).await {
            signal.set(version.build != crate::BUILD);
        }
    });
}

/// The control, and the word about a newer page.
pub fn pause() -> Node {
    part("pause", || {
        let (desk, announcer) = (here().desk, here().announcer);
        let need = Memo::new(move |_| needs());
        follow_on(move |before: Option<usize>| {
            let need = need.get();
            if desk.paused.get().is_some() && need > before.unwrap_or_default() {
                announcer.warn(words::said(words::NEEDS_YOU_WHILE_PAUSED));
            }
            need
        });
        move || nodes![control(need.get()), another().get().then(reload)]
    })
}

/// How many recordings need someone although the screen does not show it.
fn needs() -> usize {
    let desk = here().desk;
    let held = desk.held_back.get();
    let now = desk.clock.now();
    let need =
        |recording: &rules::Recording| group(recording, Standing::of(recording, now), now) == Group::NeedsYou;
    desk.client.with_value(|client| {
        let unseen = held.iter().filter(|id| {
            client.recordings().get(*id).is_some_and(need)
                && !desk.recording_now(id).is_some_and(|shown| need(&shown))
        });
        unseen.count()
    })
}

fn control(need: usize) -> Node {
    let desk = here().desk;
    let Some(since) = desk.paused.get() else {
        return el("button.button")
            .set("type", "button")
            .set("data-key", "pause")
            .set("title", words::PAUSE_SAYS)
            .on("click", move |_| desk.pause(true))
            .add(glyph(Glyph::Paused))
            .add(words::PAUSE)
            .into();
    };
    let stood = desk.clock.device().saturating_sub(since) / 1000;
    let waits = words::waits_while_paused(desk.held_back.with(Vec::len), need);
    let tone = if need > 0 { Tone::Caution } else { Tone::Neutral };
    nodes![
        el("span")
            .set("data-tone", tone.name())
            .add(el("b").set("role", "timer").add(words::stopwatch(stood as i64)))
            .add((!waits.is_empty()).then_some(waits)),
        el("button.button")
            .set("type", "button")
            .set("data-key", "pause")
            .on("click", move |_| desk.pause(false))
            .add(words::RESUME),
    ]
}

fn reload() -> Element {
    el("button.button.newer")
        .set("type", "button")
        .set("title", words::NEW_VERSION_SAYS)
        .on("click", |_| {
            let _ = window().location().reload();
        })
        .add(words::NEW_VERSION)
}
