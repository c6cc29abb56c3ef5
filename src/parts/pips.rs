//! Failovers used of three, and the fatal fourth (F1).

use leptos::prelude::*;

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
pub fn pips(failovers: impl Into<Signal<Failovers>>, big: bool) -> impl IntoView {
    let failovers = failovers.into();
    let class = move || {
        let spent = failovers.with(|f| f.proved >= f.allowed);
        match (big, spent) {
            (false, false) => "pips",
            (false, true) => "pips spent",
            (true, false) => "pips big",
            (true, true) => "pips big spent",
        }
    };
    let diamond = move |index: u8| {
        let class = move || {
            failovers.with(|f| match index {
                index if index < f.proved => "used",
                index if index == f.proved && f.running => "now",
                index if index < f.possible => "now",
                _ => "left",
            })
        };
        view! { <path class=class d=DIAMONDS[usize::from(index)] /> }
    };
    let fatal = move || {
        failovers.with(|f| f.proved > 0 || f.running).then(|| {
            view! {
                <line class="bar" x1="48.5" y1="1" x2="48.5" y2="13" />
                <path class="fatal" d="M55 4l6 6M61 4l-6 6" />
            }
        })
    };
    view! {
        <svg class=class viewBox="0 0 66 14" role="img" aria-label=move || failovers.with(words::failovers_used)>
            {diamond(0)} {diamond(1)} {diamond(2)} {fatal}
        </svg>
    }
}
