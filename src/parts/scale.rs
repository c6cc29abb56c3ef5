//! The one drawing language for time: a cross was asked and failed, a thick ring comes next, thin rings come later, a filled
//! round was answered well, and a black flag is now. Ladders, failover windows and timelines are drawn with it, to scale.
//!
//! Places are percentages in SVG attributes, so that text keeps its size and no style attribute is needed.

use agora::Timestamp;
use leptos::prelude::*;

use crate::clock::Clock;

/// A place along an axis, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(pub i64);

impl Place {
    /// The value of an SVG attribute.
    pub fn percent(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{}.{:02}%", self.0.abs() / 100, self.0.abs() % 100)
    }
}

/// From when to when a drawing reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its left end.
    pub from: Timestamp,
    /// Its right end.
    pub to: Timestamp,
}

/// The room that marks at the ends need, in hundredths of a percent.
const MARGIN: i64 = 150;

impl Span {
    /// Where an instant lies; what is outside lies at the end.
    pub fn place(self, at: Timestamp) -> Place {
        let length = (self.to.millis() - self.from.millis()).max(1);
        let passed = (at.millis() - self.from.millis()).clamp(0, length);
        Place(MARGIN + passed * (10_000 - 2 * MARGIN) / length)
    }
}

/// A mark at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Asked and failed.
    Miss,
    /// Comes next.
    Due,
    /// Comes later.
    Later,
    /// Answered well.
    Good,
    /// Answered, as always.
    Hit,
    /// A person.
    Person,
}

/// Draws a mark at a place.
pub fn mark(kind: Mark, place: Place, y: &'static str) -> AnyView {
    let shape = match kind {
        Mark::Miss => view! { <path class="miss" d="M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5" /> }.into_any(),
        Mark::Due => view! { <circle class="due" r="6" /> }.into_any(),
        Mark::Later => view! { <circle class="later" r="4" /> }.into_any(),
        Mark::Good => view! { <circle class="good" r="4.5" /> }.into_any(),
        Mark::Hit => view! { <circle class="hit" r="3" /> }.into_any(),
        Mark::Person => view! { <circle class="person" r="4" /> }.into_any(),
    };
    view! { <svg x=place.percent() y=y overflow="visible">{shape}</svg> }.into_any()
}

/// A step of a ladder, with the words under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// How it went, or that it is ahead.
    pub mark: Mark,
    /// The words under it: `+3 s`.
    pub label: String,
}

/// A ladder of tries, drawn to scale, with the moment that is now. `described` says it in words.
pub fn ladder(steps: Vec<Step>, described: String) -> impl IntoView {
    let clock = expect_context::<Clock>();
    let from = steps.iter().map(|step| step.at).min().unwrap_or_default();
    let to = steps.iter().map(|step| step.at).max().unwrap_or_default();
    let span = Span { from, to };
    let now = Memo::new(move |_| span.place(clock.tick()));
    // A label is left out where it would run into its neighbour.
    let mut shown_to = -10_000;
    let drawn: Vec<_> = steps
        .into_iter()
        .map(|step| {
            let place = span.place(step.at);
            let fits = place.0 - shown_to >= 700;
            if fits {
                shown_to = place.0;
            }
            let anchor = match place.0 {
                at if at <= MARGIN => "start",
                at if at >= 10_000 - MARGIN => "end",
                _ => "middle",
            };
            let label = fits.then(
                || view! { <text x=place.percent() y="40" text-anchor=anchor>{step.label.clone()}</text> },
            );
            view! { {label} {mark(step.mark, place, "18")} }
        })
        .collect();
    view! {
        <svg class="scale" width="100%" height="46" role="img" aria-label=described>
            <line class="axis" x1="1.5%" x2="98.5%" y1="18" y2="18" />
            <line class="now" x1=move || now.get().percent() x2=move || now.get().percent() y1="8" y2="28" />
            {drawn}
        </svg>
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Span};
    use agora::Timestamp;

    #[test]
    fn places_are_percentages_without_floating_numbers() {
        assert_eq!(Place(5_361).percent(), "53.61%");
        assert_eq!(Place(7).percent(), "0.07%");
        let span = Span { from: Timestamp::from_millis(0), to: Timestamp::from_millis(90_000) };
        assert_eq!(span.place(Timestamp::from_millis(-5)).percent(), "1.50%");
        assert_eq!(span.place(Timestamp::from_millis(45_000)).percent(), "50.00%");
        assert_eq!(span.place(Timestamp::from_millis(900_000)).percent(), "98.50%");
    }
}
