//! Lanes over one axis of time; long stretches in which nothing but routine happened are folded, and say so. One walks
//! through it with the arrow keys, from event to event, and a table says the same.

use std::cell::RefCell;
use std::rc::Rc;

use agora::Timestamp;
use leptos::prelude::{Get, GetUntracked, Memo, RwSignal, Set, request_animation_frame};
use rules::EntryNumber;
use wasm_bindgen::JsCast;

use super::scale::{Mark, Place, mark, shape, upright};
use crate::clock::{Clock, exact_time_of_day, time_of_day};
use crate::dom::{Element, Node, Text, el, live, part};
use crate::here::here;
use crate::{nodes, words};

/// How long nothing but routine must happen before a stretch is folded, in milliseconds.
const IDLE_MILLIS: i64 = 120_000;

/// The width of a folded stretch, in hundredths of a percent, and how much of the axis all of them may take.
const FOLD: i64 = 500;
const FOLDS_MAX: i64 = 4_000;

/// The width from which on there is room for words in a folded stretch.
const FOLD_WITH_WORDS: i64 = 220;

/// The room left at both ends, in hundredths of a percent.
const MARGIN: i64 = 120;

/// How much of an idle stretch stays visible at both of its ends, in milliseconds.
const REST: i64 = 15_000;

/// The height of a lane in pixels.
const LANE: usize = 32;

/// How many rows the table has at most: the newest.
const ROWS_MAX: usize = 300;

/// What a timeline shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    /// Its left end.
    pub from: Timestamp,
    /// Its right end, unless it goes on with the clock.
    pub until: Option<Timestamp>,
    /// The moment that is looked at, if that is not now.
    pub moment: Option<Timestamp>,
    /// Failover windows: the first 404 of each, and where it closes (F2).
    pub windows: Vec<(Timestamp, Timestamp)>,
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
pub struct Item {
    /// When it is, or begins.
    pub at: Timestamp,
    /// How it is drawn.
    pub shape: Shape,
    /// What it says, for who walks through the timeline or reads it as a table.
    pub says: String,
    /// The entry that it stands for; 0 for what is only planned.
    pub entry: EntryNumber,
    /// It happens all the time, and need not be seen one by one.
    pub routine: bool,
}

/// How something in a lane is drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A stretch; without an end it goes on.
    Stretch {
        /// Its end.
        to: Option<Timestamp>,
        /// How it looks.
        look: Look,
        /// The words in it.
        label: Text,
    },
    /// A mark.
    Point(Mark),
    /// A few letters, such as a rule.
    Text(&'static str),
    /// A number in a box: the kind of a notification.
    Note(u32),
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
    /// A run of tries without success.
    Run,
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
        // However many folds there are, most of the room is for what happened.
        let folds = pieces.iter().filter(|piece| piece.folded).count() as i64;
        let fold = FOLD.min(FOLDS_MAX / folds.max(1));
        let open: i64 = pieces.iter().filter(|piece| !piece.folded).map(|piece| piece.to - piece.from).sum();
        let room = 10_000 - 2 * MARGIN - folds * fold;
        let (mut left, mut passed) = (MARGIN, 0);
        for piece in &mut pieces {
            piece.left = left;
            left += if piece.folded {
                fold
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

/// When something happened that is no routine.
fn instants(timeline: &Timeline) -> Vec<Timestamp> {
    let mut instants = Vec::new();
    for item in timeline.lanes.iter().flat_map(|lane| &lane.items).filter(|item| !item.routine) {
        instants.push(item.at);
        if let Shape::Stretch { to: Some(to), .. } = &item.shape {
            instants.push(*to);
        }
    }
    instants.extend(timeline.moment);
    instants
}

/// What one comes to with the arrow keys.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    at: Timestamp,
    /// Its lane; for a folded stretch there is none.
    lane: Option<usize>,
    place: Place,
    says: String,
    entry: EntryNumber,
}

impl Event {
    const fn stand(&self) -> (Timestamp, Option<usize>, EntryNumber) {
        (self.at, self.lane, self.entry)
    }
}

/// Everything that happened, in order. What is in a folded stretch is one event.
fn events(timeline: &Timeline, axis: &Axis) -> Vec<Event> {
    let mut events = Vec::new();
    let within = |piece: &Piece, at: Timestamp| piece.from < at.millis() && at.millis() < piece.to;
    for (lane, items) in timeline.lanes.iter().enumerate() {
        for item in &items.items {
            if item.says.is_empty() || axis.folds().any(|fold| within(fold, item.at)) {
                continue;
            }
            let (place, says) = (axis.place(item.at), item.says.clone());
            events.push(Event { at: item.at, lane: Some(lane), place, says, entry: item.entry });
        }
    }
    for fold in axis.folds() {
        let at = Timestamp::from_millis(fold.from);
        let place = Place((fold.left + fold.right) / 2);
        let says = words::idle((fold.to - fold.from) / 1000, routine_in(timeline, fold));
        events.push(Event { at, lane: None, place, says, entry: 0 });
    }
    events.sort_by_key(Event::stand);
    events
}

/// How many routine queries lie in a folded stretch.
fn routine_in(timeline: &Timeline, fold: &Piece) -> usize {
    let items = timeline.lanes.iter().flat_map(|lane| &lane.items);
    let inside = |item: &&Item| {
        item.routine
            && matches!(item.shape, Shape::Point(_))
            && (fold.from..fold.to).contains(&item.at.millis())
    };
    items.filter(inside).count()
}

/// What was drawn last: what keys and the line that is now go by.
#[derive(Default)]
struct Drawn {
    axis: Axis,
    height: usize,
    events: Vec<Event>,
}

/// Where one stands: what tells an event from all others.
type Stand = Option<(Timestamp, Option<usize>, EntryNumber)>;

/// The drawing of what `read` gives, or a table of the same; it is drawn again when a signal has changed that `read` reads.
/// `named` says what it is; `moment` gives the address of the recording as it stood at an entry, and `go` goes there.
pub fn timeline(
    named: String,
    as_table: RwSignal<bool>,
    read: impl Fn() -> Timeline + 'static,
    moment: impl Fn(EntryNumber) -> String + 'static,
    go: impl Fn(EntryNumber) + 'static,
) -> Node {
    part("timeline", move || {
        let clock = here().clock;
        let go: Rc<dyn Fn(EntryNumber)> = Rc::new(go);
        let stands: RwSignal<Stand> = RwSignal::new(None);
        // The axis moves with the clock, but not for every tick of it: it is drawn anew a few times a minute.
        let ahead =
            Memo::new(move |_| Timestamp::from_millis(clock.second().millis() / 5_000 * 5_000 + REST));
        // What the line that is now needs to know: it alone is drawn with every tick.
        let drawn = Rc::new(RefCell::new(Drawn::default()));
        move || {
            let timeline = read();
            let end = timeline.until.unwrap_or_else(|| ahead.get());
            let axis = Axis::new(timeline.from, end, &instants(&timeline));
            let height = timeline.lanes.len() * LANE + 30;
            let events = events(&timeline, &axis);
            if as_table.get() {
                return table(&timeline, &events, &moment);
            }
            let stand = stands.get();
            let place = events.iter().position(|event| Some(event.stand()) == stand);
            let walked = place.map(|place| events[place].clone());
            let count = events.len();
            let mut names = el("ul").set("aria-hidden", "true");
            for lane in &timeline.lanes {
                names = names.add(el("li").add(lane.name));
            }
            let mut scale = shape("svg.scale width=100% aria-hidden=true").set("height", height.to_string());
            scale = add_lanes(scale, &timeline, &axis, end, height);
            if let Some(Event { place, lane, .. }) = &walked {
                scale = scale.add(ring(*place, *lane, height));
            }
            drawn.replace(Drawn { axis, height, events });
            if timeline.until.is_none() {
                scale = scale.add(now_line(clock, Rc::clone(&drawn)));
            }
            let said = match (&walked, place) {
                (Some(event), Some(_)) => said_of(&timeline, event),
                _ => words::translated(words::TIMELINE_HINT).to_owned(),
            };
            let (keys, presses, goes) = (Rc::clone(&drawn), Rc::clone(&drawn), Rc::clone(&go));
            let slider = shape("div.timeline tabindex=0 role=slider aria-valuemin=1")
                .set("aria-label", named.clone())
                .set("aria-valuemax", count.max(1).to_string())
                .set("aria-valuenow", place.map_or(count.max(1), |place| place + 1).to_string())
                .set("aria-valuetext", said.clone())
                .on("keydown", move |event| walk(event, &keys.borrow(), stands, &*goes))
                .add(
                    el("div")
                        .add(names)
                        .add(scale.on("click", move |event| point(event, &presses.borrow(), stands))),
                );
            let link = walked
                .filter(|event| event.entry > 0)
                .map(|event| el("a").set("href", moment(event.entry)).add(words::SHOW_MOMENT));
            nodes![slider, el("p.walked").set("aria-hidden", "true").add(said), el("p.walked").add(link)]
        }
    })
}

/// An event as it is said: when, in which lane, and what.
fn said_of(timeline: &Timeline, event: &Event) -> String {
    let lane = event.lane.and_then(|lane| timeline.lanes.get(lane)).map(|lane| words::translated(lane.name));
    words::happened(&exact_time_of_day(event.at), lane, &event.says)
}

/// Goes from event to event, along the time or within a lane.
fn walk(event: &web_sys::Event, drawn: &Drawn, stands: RwSignal<Stand>, go: &dyn Fn(EntryNumber)) {
    let Some(key) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
    if key.ctrl_key() || key.meta_key() || key.alt_key() || drawn.events.is_empty() {
        return;
    }
    let events = &drawn.events;
    let stand = stands.get_untracked();
    let place = events.iter().position(|event| Some(event.stand()) == stand);
    let last = events.len() - 1;
    let now = place.unwrap_or(last);
    let lane_of = |place: usize| events[place].lane.map_or(-1, |lane| lane as i64);
    // The nearest in time of those in the next lane that has any.
    let beside = |down: bool| {
        let from = lane_of(now);
        let lanes = (0..=last).map(lane_of).filter(|lane| if down { *lane > from } else { *lane < from });
        let lane = if down { lanes.min() } else { lanes.max() };
        let near = |place: &usize| (events[*place].at.millis() - events[now].at.millis()).abs();
        lane.and_then(|lane| (0..=last).filter(|place| lane_of(*place) == lane).min_by_key(near))
    };
    let target = match key.key().as_str() {
        "ArrowRight" => place.map_or(Some(0), |place| Some((place + 1).min(last))),
        "ArrowLeft" => place.map_or(Some(last), |place| Some(place.saturating_sub(1))),
        "ArrowDown" => beside(true),
        "ArrowUp" => beside(false),
        "PageDown" => Some((now + 10).min(last)),
        "PageUp" => Some(now.saturating_sub(10)),
        "Home" => Some(0),
        "End" => Some(last),
        "Enter" => {
            if let Some(place) = place.filter(|place| events[*place].entry > 0) {
                event.prevent_default();
                go(events[place].entry);
            }
            return;
        }
        _ => return,
    };
    event.prevent_default();
    if let Some(found) = target.and_then(|target| events.get(target)) {
        stands.set(Some(found.stand()));
        if let Some(region) =
            event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        {
            show_place(region, found.place);
        }
    }
}

/// Where the drawing is wider than its place, the event is brought into sight.
fn show_place(region: web_sys::Element, place: Place) {
    request_animation_frame(move || {
        let (wide, seen) = (i64::from(region.scroll_width()), i64::from(region.client_width()));
        if wide > seen {
            region.set_scroll_left((wide * place.0 / 10_000 - seen / 2).max(0) as i32);
        }
    });
}

/// A press picks the event nearest to it.
fn point(event: &web_sys::Event, drawn: &Drawn, stands: RwSignal<Stand>) {
    let (Some(press), Some(target)) = (
        event.dyn_ref::<web_sys::MouseEvent>(),
        event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()),
    ) else {
        return;
    };
    let area = target.get_bounding_client_rect();
    let x = (f64::from(press.client_x()) - area.left()) * 10_000.0 / area.width().max(1.0);
    let y = f64::from(press.client_y()) - area.top();
    let lane = ((y - 24.0) / LANE as f64).floor();
    let far = |one: &&Event| {
        let across = (one.place.0 as f64 - x).abs();
        // An event of another lane is far away.
        let down = one.lane.map_or(0.0, |own| (own as f64 - lane).abs() * 2_000.0);
        (across + down) as i64
    };
    if let Some(found) = drawn.events.iter().min_by_key(far) {
        stands.set(Some(found.stand()));
    }
}

/// The same as a table, the newest first.
fn table(timeline: &Timeline, events: &[Event], moment: &dyn Fn(EntryNumber) -> String) -> Node {
    let mut rows = Vec::new();
    for event in events.iter().rev().take(ROWS_MAX) {
        let lane = event.lane.and_then(|lane| timeline.lanes.get(lane)).map_or("", |lane| lane.name);
        let time = exact_time_of_day(event.at);
        let time: Node = if event.entry > 0 {
            el("a").set("href", moment(event.entry)).set("title", words::LOOK_AT_MOMENT).add(time).into()
        } else {
            time.into()
        };
        let row = el("tr")
            .add(shape("th scope=row").add(time))
            .add(el("td").add(lane))
            .add(el("td").add(event.says.clone()));
        rows.push(row.into());
    }
    let older = events.len().saturating_sub(ROWS_MAX);
    let more = (older > 0).then(|| el("p.meta.padded").add(words::older_in_journal(older)));
    let mut head = el("tr");
    for name in [words::TIME, words::LANE, words::WHAT] {
        head = head.add(shape("th scope=col").add(name));
    }
    let scroll = shape("div.scroll tabindex=0 role=region").set("aria-label", words::TIMELINE_TABLE);
    let table = el("table.table").add(el("thead").add(head)).add(el("tbody").add(rows));
    nodes![scroll.add(table), more]
}

/// The switch between drawing and table.
pub fn table_switch(as_table: RwSignal<bool>) -> Element {
    let on = as_table.get();
    el("button.button")
        .set("type", "button")
        .set("aria-pressed", if on { "true" } else { "false" })
        .on("click", move |_| as_table.set(!as_table.get_untracked()))
        .add(words::AS_A_TABLE)
}

/// A ring around the event that one stands at.
fn ring(place: Place, lane: Option<usize>, height: usize) -> Node {
    let y = lane.map_or(height / 2, |lane| lane * LANE + 24 + LANE / 2);
    let ring = shape("svg overflow=visible").set("x", place.percent()).set("y", y.to_string());
    ring.add(shape("circle.walked r=13")).into()
}

fn now_line(clock: Clock, drawn: Rc<RefCell<Drawn>>) -> Node {
    live(move || {
        let Drawn { axis, height, .. } = &*drawn.borrow();
        upright("line.now y1=16", axis.place(clock.tick())).set("y2", height.to_string()).into()
    })
}

fn add_lanes(mut scale: Element, timeline: &Timeline, axis: &Axis, end: Timestamp, height: usize) -> Element {
    let bottom = timeline.lanes.len() * LANE + 24;
    let across = |says, from: Place, to: Place| {
        let width = Place((to.0 - from.0).max(0)).percent();
        shape(says).set("x", from.percent()).set("width", width).set("height", (bottom - 24).to_string())
    };
    for (t0, to) in &timeline.windows {
        let (from, to) = (axis.place(*t0), axis.place((*to).min(end)));
        scale = scale
            .add(across("rect.window-zone y=24", from, to))
            .add(upright("line.window-edge y1=16", from).set("y2", bottom.to_string()));
    }
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
        if fold.right - fold.left >= FOLD_WITH_WORDS {
            let idle = words::idle((fold.to - fold.from) / 1000, routine_in(timeline, fold));
            folds.push(
                middle.add(shape("text transform=rotate(-90) text-anchor=middle y=4").add(idle)).into(),
            );
        }
    }
    let mut labels = Vec::new();
    for (left, at) in axis_labels(axis, timeline.from, end) {
        let says = if left <= 400 { "text y=11 text-anchor=start" } else { "text y=11 text-anchor=middle" };
        labels.push(shape(says).set("x", Place(left).percent()).add(time_of_day(at)).into());
        labels.push(upright("line.tick y1=16 y2=24", Place(left)).into());
    }
    scale = scale.add(labels);
    for (index, lane) in timeline.lanes.iter().enumerate() {
        let top = index * LANE + 24;
        let mut text_to = i64::MIN;
        let mut items = Vec::with_capacity(lane.items.len());
        for item in &lane.items {
            items.push(drawn_item(item, axis, end, top, &mut text_to));
        }
        scale = scale.add(items);
    }
    scale = scale.add(folds);
    if let Some(at) = timeline.moment {
        // What came later is there, but pale: it was not known then.
        let place = axis.place(at);
        let flag = shape("svg y=0 overflow=visible")
            .set("x", place.percent())
            .add(shape("rect.now-flag x=-31 y=0 width=62 height=16 rx=3"))
            .add(shape("text.now-text y=12 text-anchor=middle").add(time_of_day(at)));
        scale = scale
            .add(across("rect.not-yet y=24", place, Place(10_000)))
            .add(upright("line.now y1=14", place).set("y2", height.to_string()))
            .add(flag);
    }
    scale
}

/// The room that a text needs, in hundredths of a percent: somewhat more than it has at the usual width.
fn room_of(text: &str) -> i64 {
    text.chars().count() as i64 * 85
}

fn drawn_item(item: &Item, axis: &Axis, end: Timestamp, top: usize, text_to: &mut i64) -> Node {
    let baseline = (top + 20).to_string();
    let folded = |at: Timestamp| axis.folds().any(|fold| fold.from < at.millis() && at.millis() < fold.to);
    match &item.shape {
        Shape::Stretch { to, look, label } => {
            let (left, right) = (axis.place(item.at), axis.place(to.unwrap_or(end)));
            let width = (right.0 - left.0).max(20);
            let stretch = shape(match look {
                Look::Leg => "rect.leg height=18 rx=3",
                Look::Doubt => "rect.leg-now height=18 rx=3",
                Look::Gap => "rect.gap height=18 rx=3",
                Look::Run => "rect.run height=18 rx=3",
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
        _ if folded(item.at) => Node::Nothing,
        // It would lie on the note before it.
        Shape::Point(Mark::Hit) if axis.place(item.at).0 < *text_to => Node::Nothing,
        Shape::Point(kind) => shape("svg x=0 width=100% overflow=visible")
            .set("y", (top + 16).to_string())
            .add(mark(*kind, axis.place(item.at)).set("y", "0"))
            .into(),
        Shape::Note(number) => {
            let place = axis.place(item.at);
            let note =
                shape("svg overflow=visible").set("x", place.percent()).set("y", (top + 16).to_string());
            // One that would lie on its neighbour is left out of the drawing: one comes to it with the keys.
            if place.0 < *text_to {
                return Node::Nothing;
            }
            *text_to = place.0 + 270;
            note.add(shape("rect.note x=-9 y=-8 width=18 height=16 rx=3"))
                .add(shape("text y=4 text-anchor=middle").add(number.to_string()))
                .into()
        }
        Shape::Text(text) => {
            let place = axis.place(item.at);
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
    use super::{Axis, FOLD, Item, Lane, Shape, Timeline, events, instants};
    use crate::parts::scale::Mark;
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
    fn however_many_folds_there_are_most_of_the_room_is_for_what_happened() {
        let busy: Vec<_> = (0..60).map(|hour| second(hour * 3600)).collect();
        let axis = Axis::new(second(0), second(59 * 3600), &busy);
        assert_eq!(axis.folds().count(), 59);
        let folded: i64 = axis.folds().map(|fold| fold.right - fold.left).sum();
        assert!(folded <= super::FOLDS_MAX, "{folded}");
    }

    #[test]
    fn routine_is_one_event_of_its_fold() {
        let point = |at: i64, routine| Item {
            at: second(at),
            shape: Shape::Point(Mark::Hit),
            says: "a query".to_owned(),
            entry: 1,
            routine,
        };
        let items = vec![point(0, false), point(500, true), point(700, true), point(1_500, false)];
        let timeline = Timeline {
            until: Some(second(1_600)),
            lanes: vec![Lane { name: "Queries", items }],
            ..Timeline::default()
        };
        let axis = Axis::new(second(0), second(1_600), &instants(&timeline));
        let events = events(&timeline, &axis);
        assert_eq!(events.len(), 3, "{events:?}");
        assert!(events[1].lane.is_none() && events[1].says.contains('2'), "{}", events[1].says);
    }

    #[test]
    fn without_idle_stretches_time_is_drawn_to_scale() {
        let axis = Axis::new(second(0), second(100), &[second(50)]);
        assert_eq!(axis.folds().count(), 0);
        assert_eq!(axis.place(second(50)).0, 5_000);
    }
}
