//! The last twenty answers to queries. Height and notch tell as much as hue.

use leptos::prelude::*;

use crate::words;

/// How many answers a strip shows.
pub const STRIP_LENGTH: usize = 20;

/// One answer to a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Probe {
    /// It answered that it records.
    Good,
    /// 404, unclear, or no answer.
    Doubt,
    /// The first good answer after a doubt.
    Back,
    /// The answer by which it was deemed lost.
    Lost,
}

/// The strip, oldest answer first.
pub fn strip(probes: Signal<Vec<Probe>>) -> impl IntoView {
    let marks = move || {
        probes.with(|probes| {
            let shown = &probes[probes.len().saturating_sub(STRIP_LENGTH)..];
            let empty = STRIP_LENGTH - shown.len();
            let mut paths = [String::new(), String::new(), String::new(), String::new(), String::new()];
            for place in 0..STRIP_LENGTH {
                let x = place * 5;
                let probe = place.checked_sub(empty).and_then(|index| shown.get(index));
                match probe {
                    None => paths[0].push_str(&format!("M{x} 15h4v1h-4z")),
                    Some(Probe::Good) => paths[1].push_str(&format!("M{x} 12h4v4h-4z")),
                    Some(Probe::Doubt) => paths[2].push_str(&format!("M{x} 6h4v10h-4zM{x} 5l2-1 2 1z")),
                    Some(Probe::Back) => {
                        paths[3].push_str(&format!("M{x} 12h4v4h-4zM{} 2l2.5 4-2.5 4-2.5-4z", x + 2))
                    }
                    Some(Probe::Lost) => paths[4].push_str(&format!("M{x} 0h4v16h-4z")),
                }
            }
            paths
        })
    };
    let marks = Memo::new(move |_| marks());
    let path = move |index: usize, class: &'static str| view! { <path class=class d=move || marks.with(|marks| marks[index].clone()) /> };
    view! {
        <svg class="strip" viewBox="0 0 100 16" role="img" aria-label=move || probes.with(|probes| words::last_answers(probes))>
            {path(0, "none")} {path(1, "ok")} {path(2, "doubt")} {path(3, "over")} {path(4, "lost")}
        </svg>
    }
}
