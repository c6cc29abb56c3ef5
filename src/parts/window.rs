//! The ninety seconds in which 404 is expected (M2, M3, F2), with the queries that were asked in it and those to come.

use agora::Timestamp;
use agora::limits::{FAILOVER_KILLED, FAILOVER_RECONNECT, FAILOVER_TOTAL};
use leptos::prelude::*;

use super::icon::{Glyph, Tone, glyph};
use super::scale::{Mark, Span, mark};
use crate::clock::{Clock, time_of_day};
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

/// The window around the first 404.
pub fn failover_window(window: Signal<Option<FailoverWindow>>) -> impl IntoView {
    move || window.get().map(drawn)
}

fn drawn(window: FailoverWindow) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let FailoverWindow { t0, asked, ahead } = window;
    let end = t0 + FAILOVER_TOTAL;
    let span = Span { from: t0, to: end };
    let now = Memo::new(move |_| span.place(clock.tick()));
    let gone = Memo::new(move |_| super::age::whole_seconds(t0, clock.tick()).min(90));
    let zone = move |class: &'static str, from: core::time::Duration, to: core::time::Duration| {
        let (from, to) = (span.place(t0 + from), span.place(t0 + to));
        let width = super::scale::Place(to.0 - from.0);
        view! { <rect class=class x=from.percent() y="30" width=width.percent() height="22" /> }
    };
    let tick = move |after: core::time::Duration| {
        let x = span.place(t0 + after).percent();
        view! { <line class="tick" x1=x.clone() x2=x y1="27" y2="56" /> }
    };
    let label = move |after: core::time::Duration, text: String, anchor: &'static str| {
        let x = match anchor {
            "start" => "0.5%".to_owned(),
            "end" => "99.5%".to_owned(),
            _ => span.place(t0 + after).percent(),
        };
        view! { <text x=x y="70" text-anchor=anchor>{text}</text> }
    };
    let spent = move || super::scale::Place(now.get().0 - span.place(t0).0).percent();
    let described = words::window_described(&asked, &ahead, t0);
    let asked: Vec<_> = asked.into_iter().map(|(at, kind)| mark(kind, span.place(at), "41")).collect();
    let ahead: Vec<_> = ahead
        .into_iter()
        .filter(|at| *at <= end + core::time::Duration::from_millis(500))
        .enumerate()
        .map(|(index, at)| mark(if index == 0 { Mark::Due } else { Mark::Later }, span.place(at), "41"))
        .collect();
    view! {
        <div class="window" data-tone=Tone::Failover.name()>
            <header>
                {glyph(Glyph::Failover)} <h2>{words::FAILOVER_WINDOW}</h2>
                <span class="quiet">{move || words::of_window(gone.get())}</span>
                <span class="left" role="timer">{move || words::left_of_window(90 - gone.get())}</span>
            </header>
            <svg class="scale" width="100%" height="84" role="img" aria-label=described>
                {zone("zone-a", core::time::Duration::ZERO, FAILOVER_KILLED)}
                {zone("zone-b", FAILOVER_KILLED, FAILOVER_RECONNECT)} {zone("zone-c", FAILOVER_RECONNECT, FAILOVER_TOTAL)}
                <rect class="spent" x=span.place(t0).percent() y="48" width=spent height="4" />
                {tick(core::time::Duration::ZERO)} {tick(FAILOVER_KILLED)} {tick(FAILOVER_RECONNECT)} {tick(FAILOVER_TOTAL)}
                {label(core::time::Duration::ZERO, words::first_404_at(&time_of_day(t0)), "start")}
                {label(FAILOVER_KILLED, "30 s".to_owned(), "middle")} {label(FAILOVER_RECONNECT, "60 s".to_owned(), "middle")}
                {label(FAILOVER_TOTAL, format!("90 s, {}", time_of_day(end)), "end")} {asked} {ahead}
                <line class="now" x1=move || now.get().percent() x2=move || now.get().percent() y1="20" y2="56" />
                <svg x=move || now.get().percent() y="4" overflow="visible">
                    <rect class="now-flag" x="-35" y="0" width="70" height="17" rx="3" />
                    <text class="now-text" y="12.500" text-anchor="middle">{move || words::now_at(gone.get())}</text>
                </svg>
            </svg>
            <p class="key-list">{words::WINDOW_KEY.map(|text| view! { <span>{text}</span> })}</p>
        </div>
    }
}
