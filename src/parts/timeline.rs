//! Lanes over one axis of time; long stretches in which nothing happened are folded. Everything in it is in a table too.

use std::cell::RefCell;
use std::rc::Rc;

use agora::Timestamp;
use leptos::prelude::{Get, Memo};

use super::scale::{Mark, Place, mark, shape, upright};
use crate::clock::{Clock, time_of_day};
use crate::dom::{Element, Node, Text, el, live, part};
use crate::here::here;
use crate::{nodes, words};

/// How long nothing must happen before a stretch is folded, in milliseconds.
const IDLE_MILLIS: i64 = 120_000;

/// The width of a folded stretch, in hundredths of a percent.
const FOLD: i64 = 500;

/// The room left at both ends, in hundredths of a percent.
const MARGIN: i64 = 120;

/// How much of an idle stretch stays visible at both of its ends, in milliseconds.
const REST: i64 = 15_000;

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
        label: Text,
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
        text: &'static str,
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
        let mut known = vec![from, to];
        for at in instants {
            let at = at.millis().clamp(from, to);
            // They come nearly in order, so this is nearly always the end.
            let place = known.partition_point(|other| *other < at);
            if known.get(place) != Some(&at) {
                known.insert(place, at);
            }
        }
        let mut pieces = Vec::with_capacity(known.len());
        let mut add = |from, to, folded| pieces.push(Piece { from, to, left: 0, right: 0, folded });
        for pair in known.windows(2) {
            let (begin, end) = (pair[0], pair[1]);
            if end - begin > IDLE_MILLIS {
                add(begin, begin + REST, false);
                add(begin + REST, end - REST, true);
                add(end - REST, end, false);
            } else {
                add(begin, end, false);
            }
        }
        // With very many folds nothing would be left for what happened: then nothing is folded.
        let mut folds = pieces.iter().filter(|piece| piece.folded).count() as i64;
        if folds > 8 {
            folds = 0;
            for piece in &mut pieces {
                piece.folded = false;
            }
        }
        let open: i64 = pieces.iter().filter(|piece| !piece.folded).map(|piece| piece.to - piece.from).sum();
        let room = 10_000 - 2 * MARGIN - folds * FOLD;
        let (mut left, mut passed) = (MARGIN, 0);
        for piece in &mut pieces {
            piece.left = left;
            left += if piece.folded {
                FOLD
            } else {
                let before = passed * room / open.max(1);
                passed += piece.to - piece.from;
                passed * room / open.max(1) - before
            };
            piece.right = left;
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

/// The drawing of what `read` gives; it is drawn again when a signal has changed that `read` reads. `described` says in
/// words what it is, and where the same facts stand as text.
pub fn timeline(described: String, read: impl Fn() -> Timeline + 'static) -> Node {
    part("timeline", move || {
        let clock = here().clock;
        // The axis moves with the clock, but not for every tick of it: it is drawn anew a few times a minute.
        let ahead =
            Memo::new(move |_| Timestamp::from_millis(clock.second().millis() / 5_000 * 5_000 + REST));
        // What the line that is now needs to know: it alone is drawn with every tick.
        let drawn = Rc::new(RefCell::new((Axis::default(), 0)));
        move || {
            let timeline = read();
            let end = timeline.until.unwrap_or_else(|| ahead.get());
            let axis = Axis::new(timeline.from, end, &instants(&timeline));
            let height = timeline.lanes.len() * LANE + 30;
            let mut names = el("ul").set("aria-hidden", "true");
            for lane in &timeline.lanes {
                names = names.add(el("li").add(lane.name));
            }
            let mut scale = shape("svg.scale width=100% role=img")
                .set("height", height.to_string())
                .set("aria-label", described.clone());
            scale = add_lanes(scale, &timeline, &axis, end);
            drawn.replace((axis, height));
            if timeline.until.is_none() {
                scale = scale.add(now_line(clock, Rc::clone(&drawn)));
            }
            shape("div.timeline tabindex=0 role=region")
                .set("aria-label", words::TIMELINE_REGION)
                .add(el("div").add(names).add(scale))
                .into()
        }
    })
}

fn now_line(clock: Clock, drawn: Rc<RefCell<(Axis, usize)>>) -> Node {
    live(move || {
        let (axis, height) = &*drawn.borrow();
        upright("line.now y1=16", axis.place(clock.tick())).set("y2", height.to_string()).into()
    })
}

fn add_lanes(mut scale: Element, timeline: &Timeline, axis: &Axis, end: Timestamp) -> Element {
    let bottom = timeline.lanes.len() * LANE + 24;
    for lane in 0..=timeline.lanes.len() {
        let y = (lane * LANE + 24).to_string();
        scale = scale.add(shape("line.lane x1=0 x2=100%").set("y1", y.clone()).set("y2", y));
    }
    let mut folds = Vec::new();
    for fold in axis.folds() {
        let (left, right) = (Place(fold.left), Place(fold.right));
        let between = |says, from: Place, to: Place| {
            shape(says).set("x", from.percent()).set("width", Place(to.0 - from.0).percent())
        };
        folds.push(between("rect.fold y=0", left, right).set("height", bottom.to_string()).into());
        for edge in [left, right] {
            folds.push(upright("line.fold-edge y1=0", edge).set("y2", bottom.to_string()).into());
        }
        let middle = shape("svg overflow=visible")
            .set("x", Place((fold.left + fold.right) / 2).percent())
            .set("y", ((bottom + 24) / 2).to_string());
        let idle = words::idle((fold.to - fold.from) / 1000);
        folds.push(middle.add(shape("text transform=rotate(-90) text-anchor=middle y=4").add(idle)).into());
    }
    let mut labels = Vec::new();
    for (left, at) in axis_labels(axis, timeline.from, end) {
        let says = if left <= 400 { "text y=11 text-anchor=start" } else { "text y=11 text-anchor=middle" };
        labels.push(shape(says).set("x", Place(left).percent()).add(time_of_day(at)).into());
        labels.push(upright("line.tick y1=16 y2=24", Place(left)).into());
    }
    scale = scale.add(folds).add(labels);
    for (index, lane) in timeline.lanes.iter().enumerate() {
        let top = index * LANE + 24;
        let mut text_to = i64::MIN;
        let mut items = Vec::with_capacity(lane.items.len());
        for item in &lane.items {
            items.push(drawn_item(item, axis, end, top, &mut text_to));
        }
        scale = scale.add(items);
    }
    scale
}

/// The room that a text needs, in hundredths of a percent: somewhat more than it has at the usual width.
fn room_of(text: &str) -> i64 {
    text.chars().count() as i64 * 85
}

fn drawn_item(item: &Item, axis: &Axis, end: Timestamp, top: usize, text_to: &mut i64) -> Node {
    let baseline = (top + 20).to_string();
    match item {
        Item::Stretch { from, to, look, label } => {
            let (left, right) = (axis.place(*from), axis.place(to.unwrap_or(end)));
            let width = (right.0 - left.0).max(20);
            let stretch = shape(match look {
                Look::Leg => "rect.leg height=18 rx=3",
                Look::Doubt => "rect.leg-now height=18 rx=3",
                Look::Gap => "rect.gap height=18 rx=3",
            });
            let stretch = stretch
                .set("x", left.percent())
                .set("width", Place(width).percent())
                .set("y", (top + 7).to_string());
            let mut text = Node::Nothing;
            if room_of(label) + 100 <= width {
                let x = Place(left.0 + 60).percent();
                text = el("text").set("x", x).set("y", baseline).add(label.clone()).into();
            }
            nodes![stretch, text]
        }
        Item::Point { at, mark: kind } => shape("svg x=0 width=100% overflow=visible")
            .set("y", (top + 16).to_string())
            .add(mark(*kind, axis.place(*at)).set("y", "0"))
            .into(),
        Item::Text { at, text } => {
            let place = axis.place(*at);
            if place.0 < *text_to {
                return Node::Nothing;
            }
            *text_to = place.0 + room_of(text) + 80;
            shape("text.strong text-anchor=middle")
                .set("x", place.percent())
                .set("y", baseline)
                .add(*text)
                .into()
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
