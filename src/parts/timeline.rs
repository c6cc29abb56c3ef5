//! Lanes over one axis of time; long stretches in which nothing happened are folded. Everything in it is in a table too.

use agora::Timestamp;
use leptos::prelude::*;

use super::scale::{Mark, Place, mark};
use crate::clock::{Clock, time_of_day};
use crate::words;

/// How long nothing must happen before a stretch is folded, in milliseconds.
const IDLE_MILLIS: i64 = 120_000;

/// The width of a folded stretch, in hundredths of a percent.
const FOLD: i64 = 500;

/// The room left at both ends, in hundredths of a percent.
const MARGIN: i64 = 120;

/// The height of a lane in pixels.
const LANE: usize = 32;

/// What a timeline shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// Its left end.
    pub from: Timestamp,
    /// Its right end, unless it goes on with the clock.
    pub until: Option<Timestamp>,
    /// The lanes from the top.
    pub lanes: Vec<Lane>,
}

/// One lane.
#[derive(Debug, Clone, PartialEq)]
pub struct Lane {
    /// Its name.
    pub name: &'static str,
    /// What lies in it.
    pub items: Vec<Item>,
}

/// Something in a lane.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A stretch; without an end it goes on.
    Stretch {
        /// Its begin.
        from: Timestamp,
        /// Its end.
        to: Option<Timestamp>,
        /// How it looks.
        look: Look,
        /// The words in it.
        label: String,
    },
    /// A mark.
    Point {
        /// When.
        at: Timestamp,
        /// Which.
        mark: Mark,
    },
    /// A few letters at an instant, such as a rule.
    Text {
        /// When.
        at: Timestamp,
        /// The letters.
        text: String,
    },
}

/// How a stretch looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A leg that records.
    Leg,
    /// A stretch in which nobody knows.
    Doubt,
    /// What was not recorded.
    Gap,
}

/// An axis whose idle stretches are folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// Pieces of time from the left: begin, end, and from where to where they are drawn.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    from: i64,
    to: i64,
    left: i64,
    right: i64,
    folded: bool,
}

impl Axis {
    /// The axis for these instants.
    pub fn new(from: Timestamp, to: Timestamp, instants: &[Timestamp]) -> Self {
        let (from, to) = (from.millis(), to.millis().max(from.millis() + 1_000));
        let mut known: Vec<i64> = instants.iter().map(|at| at.millis().clamp(from, to)).collect();
        known.extend([from, to]);
        known.sort_unstable();
        known.dedup();
        // A little of the idle stretch stays visible at both of its ends.
        let mut stretches: Vec<(i64, i64, bool)> = Vec::new();
        for pair in known.windows(2) {
            let (begin, end) = (pair[0], pair[1]);
            if end - begin > IDLE_MILLIS {
                let rest = 15_000;
                stretches.extend([
                    (begin, begin + rest, false),
                    (begin + rest, end - rest, true),
                    (end - rest, end, false),
                ]);
            } else {
                stretches.push((begin, end, false));
            }
        }
        let mut folds = stretches.iter().filter(|stretch| stretch.2).count() as i64;
        // With very many folds nothing would be left for what happened: then nothing is folded.
        if folds > 8 {
            folds = 0;
            for stretch in &mut stretches {
                stretch.2 = false;
            }
        }
        let open: i64 =
            stretches.iter().filter(|stretch| !stretch.2).map(|stretch| stretch.1 - stretch.0).sum();
        let room = 10_000 - 2 * MARGIN - folds * FOLD;
        let (mut left, mut passed) = (MARGIN, 0);
        let mut pieces = Vec::with_capacity(stretches.len());
        for (begin, end, folded) in stretches {
            let right = if folded {
                left + FOLD
            } else {
                let before = passed * room / open.max(1);
                passed += end - begin;
                left + passed * room / open.max(1) - before
            };
            pieces.push(Piece { from: begin, to: end, left, right, folded });
            left = right;
        }
        Self { pieces }
    }

    /// Where an instant lies.
    pub fn place(&self, at: Timestamp) -> Place {
        let at = at.millis();
        let Some(last) = self.pieces.last() else { return Place(MARGIN) };
        let piece = self.pieces.iter().find(|piece| at <= piece.to).unwrap_or(last);
        let passed = at.clamp(piece.from, piece.to) - piece.from;
        Place(piece.left + passed * (piece.right - piece.left) / (piece.to - piece.from).max(1))
    }

    fn folds(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(|piece| piece.folded)
    }
}

fn instants(timeline: &Timeline) -> Vec<Timestamp> {
    let mut instants = Vec::new();
    for item in timeline.lanes.iter().flat_map(|lane| &lane.items) {
        match item {
            Item::Stretch { from, to, .. } => {
                instants.push(*from);
                instants.extend(*to);
            }
            Item::Point { at, .. } | Item::Text { at, .. } => instants.push(*at),
        }
    }
    instants
}

/// The drawing. `described` says in words what it is, and where the same facts stand as text.
pub fn timeline(timeline: Memo<Timeline>, described: Signal<String>) -> impl IntoView {
    let clock = expect_context::<Clock>();
    // The axis moves with the clock, but not for every tick of it: it is drawn anew a few times a minute.
    let to = Memo::new(move |_| {
        let until = timeline.with(|timeline| timeline.until);
        until.unwrap_or_else(|| Timestamp::from_millis(clock.tick().millis() / 5_000 * 5_000 + 15_000))
    });
    let axis =
        Memo::new(move |_| timeline.with(|timeline| Axis::new(timeline.from, to.get(), &instants(timeline))));
    let names = move || {
        timeline.with(|timeline| {
            timeline.lanes.iter().map(|lane| view! { <li>{lane.name}</li> }).collect::<Vec<_>>()
        })
    };
    let height = move || timeline.with(|timeline| timeline.lanes.len() * LANE + 30);
    let drawn = move || timeline.with(|timeline| axis.with(|axis| lanes(timeline, axis, to.get())));
    let now = Memo::new(move |_| axis.with(|axis| axis.place(clock.tick())));
    let now_line = move || {
        timeline.with(|timeline| timeline.until.is_none()).then(|| {
            view! { <line class="now" x1=move || now.get().percent() x2=move || now.get().percent() y1="16" y2=height /> }
        })
    };
    view! {
        <div class="timeline" tabindex="0" role="region" aria-label=words::TIMELINE_REGION>
            <div>
                <ul aria-hidden="true">{names}</ul>
                <svg class="scale" width="100%" height=height role="img" aria-label=move || described.get()>
                    {drawn} {now_line}
                </svg>
            </div>
        </div>
    }
}

fn lanes(timeline: &Timeline, axis: &Axis, end: Timestamp) -> Vec<AnyView> {
    let mut views = Vec::new();
    let bottom = timeline.lanes.len() * LANE + 24;
    for lane in 0..=timeline.lanes.len() {
        let y = lane * LANE + 24;
        views.push(view! { <line class="lane" x1="0" x2="100%" y1=y y2=y /> }.into_any());
    }
    for fold in axis.folds() {
        let (left, right) = (Place(fold.left).percent(), Place(fold.right).percent());
        let idle = words::idle((fold.to - fold.from) / 1000);
        views.push(
            view! {
                <rect class="fold" x=left.clone() width=Place(fold.right - fold.left).percent() y="0" height=bottom />
                <line class="fold-edge" x1=left.clone() x2=left y1="0" y2=bottom />
                <line class="fold-edge" x1=right.clone() x2=right y1="0" y2=bottom />
                <svg x=Place((fold.left + fold.right) / 2).percent() y=(bottom + 24) / 2 overflow="visible">
                    <text transform="rotate(-90)" text-anchor="middle" y="4">{idle}</text>
                </svg>
            }
            .into_any(),
        );
    }
    for (left, at) in axis_labels(axis, timeline.from, end) {
        views.push(
            view! {
                <text x=Place(left).percent() y="11" text-anchor=if left <= 400 { "start" } else { "middle" }>{time_of_day(at)}</text>
                <line class="tick" x1=Place(left).percent() x2=Place(left).percent() y1="16" y2="24" />
            }
            .into_any(),
        );
    }
    for (index, lane) in timeline.lanes.iter().enumerate() {
        let top = index * LANE + 24;
        let mut text_to = i64::MIN;
        for item in &lane.items {
            views.push(drawn_item(item, axis, end, top, &mut text_to));
        }
    }
    views
}

fn drawn_item(item: &Item, axis: &Axis, end: Timestamp, top: usize, text_to: &mut i64) -> AnyView {
    match item {
        Item::Stretch { from, to, look, label } => {
            let (left, right) = (axis.place(*from), axis.place(to.unwrap_or(end)));
            let width = (right.0 - left.0).max(20);
            let class = match look {
                Look::Leg => "leg",
                Look::Doubt => "leg-now",
                Look::Gap => "gap",
            };
            // About 60 hundredths of a percent a letter at the usual width.
            let fits = (label.chars().count() as i64) * 85 + 100 <= width;
            let label = fits
                .then(|| view! { <text x=Place(left.0 + 60).percent() y=top + 20>{label.clone()}</text> });
            view! { <rect class=class x=left.percent() width=Place(width).percent() y=top + 7 height="18" rx="3" /> {label} }.into_any()
        }
        Item::Point { at, mark: kind } => {
            let place = axis.place(*at);
            view! { <svg x="0" y=top + 16 width="100%" overflow="visible">{mark(*kind, place, "0")}</svg> }
                .into_any()
        }
        Item::Text { at, text } => {
            let place = axis.place(*at);
            let fits = place.0 >= *text_to;
            if fits {
                *text_to = place.0 + (text.chars().count() as i64) * 85 + 80;
            }
            fits.then(|| view! { <text class="strong" x=place.percent() y=top + 20 text-anchor="middle">{text.clone()}</text> }).into_any()
        }
    }
}

/// Clock times along the axis, as many as have room.
fn axis_labels(axis: &Axis, from: Timestamp, to: Timestamp) -> Vec<(i64, Timestamp)> {
    let mut labels = Vec::new();
    let mut shown_to = i64::MIN;
    for piece in axis.pieces.iter().filter(|piece| !piece.folded) {
        for at in [piece.from, piece.to] {
            let at = Timestamp::from_millis(at).clamp(from, to);
            let place = axis.place(at).0;
            if place >= shown_to && place <= 9_300 {
                labels.push((place, at));
                // The first one stands to the right of its place, the others around it.
                shown_to = place + if place <= 400 { 1_300 } else { 950 };
            }
        }
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::{Axis, FOLD};
    use agora::Timestamp;

    fn second(count: i64) -> Timestamp {
        Timestamp::from_millis(count * 1000)
    }

    #[test]
    fn a_long_idle_stretch_is_folded_to_a_fixed_width() {
        let axis = Axis::new(second(0), second(2_000), &[second(10), second(20), second(1_900)]);
        let folds: Vec<_> = axis.folds().collect();
        assert_eq!(folds.len(), 1);
        assert_eq!(folds[0].right - folds[0].left, FOLD);
        assert!(axis.place(second(10)) < axis.place(second(20)));
        assert!(axis.place(second(20)) < axis.place(second(1_900)));
        assert_eq!(axis.place(second(5_000)), axis.place(second(2_000)));
    }

    #[test]
    fn without_idle_stretches_time_is_drawn_to_scale() {
        let axis = Axis::new(second(0), second(100), &[second(50)]);
        assert_eq!(axis.folds().count(), 0);
        assert_eq!(axis.place(second(50)).0, 5_000);
    }
}
