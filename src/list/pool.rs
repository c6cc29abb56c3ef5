//! Which rows of a long list are on the page: those that are seen, some above and below them, and the one with the focus.
//! Empty space stands for the others, so that the page is as long as the list. A short list is whole.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element as Shown;

use crate::dom::{Node, el};
use crate::parts::board::divider;
use crate::screens::board::{BoardState, Listed, row_part};
use std::rc::Rc;

/// A list of as many lines is whole: there the browser's own search finds every row.
const WHOLE: usize = 400;
/// How many lines stand ready above and below those that are seen.
const READY: usize = 20;
/// The seen lines move in steps of so many, so that not each turn of the wheel draws.
const STEP: usize = 10;
/// How high a line is taken to be until one was measured.
const USUAL_HEIGHT: f64 = 44.0;

/// One line of the list.
#[derive(Clone)]
pub enum Line {
    /// The title of the group that follows.
    Title(&'static str),
    /// A recording.
    Row(Rc<Listed>),
}

/// What is seen of the list. A handle: copies are the same list.
#[derive(Clone, Copy)]
pub struct Pool {
    lines: StoredValue<Rc<Vec<Line>>, LocalStorage>,
    /// Moves with the lines.
    changed: RwSignal<u32>,
    /// The lines that stand on the page: the first, and the one after the last.
    seen: RwSignal<(usize, usize)>,
    /// The row with the focus, which stays where it is.
    focused: StoredValue<String>,
    height: StoredValue<f64>,
}

impl Pool {
    /// A list without lines, that follows how far the page is scrolled. It lives as long as the page.
    pub fn new() -> Self {
        let pool = Self {
            lines: StoredValue::new_local(Rc::new(Vec::new())),
            changed: RwSignal::new(0),
            seen: RwSignal::new((0, WHOLE)),
            focused: StoredValue::new(String::new()),
            height: StoredValue::new(USUAL_HEIGHT),
        };
        let asked = StoredValue::new(false);
        let look = move || {
            // Once a frame is enough.
            if !asked.get_value() {
                asked.set_value(true);
                request_animation_frame(move || {
                    asked.set_value(false);
                    pool.look();
                });
            }
        };
        drop(window_event_listener_untyped("scroll", move |_| look()));
        drop(window_event_listener_untyped("resize", move |_| look()));
        pool
    }

    /// These are the lines from now on.
    pub fn put(self, lines: Vec<Line>) {
        self.lines.set_value(Rc::new(lines));
        self.changed.update(|count| *count += 1);
    }

    /// All lines. Who reads them follows them.
    pub fn lines(self) -> Rc<Vec<Line>> {
        self.changed.track();
        self.lines.get_value()
    }

    /// Draws the lines that are seen.
    pub fn draw(self, board: BoardState) -> Vec<Node> {
        let lines = self.lines();
        let seen = self.seen.get();
        request_animation_frame(move || self.settle());
        let focused = self.focused.with_value(|focused| {
            lines.iter().position(|line| matches!(line, Line::Row(listed) if listed.row.id == *focused))
        });
        let height = self.height.get_value();
        let mut nodes = Vec::new();
        let mut drawn = 0;
        let pieces = pieces(lines.len(), seen, focused);
        let last = pieces.len();
        for (place, (first, end)) in pieces.into_iter().enumerate() {
            nodes.extend(space(first - drawn, height, place));
            for line in &lines[first..end] {
                nodes.push(match line {
                    Line::Title(title) => divider(title),
                    Line::Row(listed) => row_part(board, listed),
                });
            }
            drawn = end;
        }
        nodes.extend(space(lines.len() - drawn, height, last));
        nodes
    }

    /// Brings the focus to a row, wherever it is in the list.
    pub fn focus(self, id: &str) {
        let row = ["row-", id].concat();
        if document().get_element_by_id(&row).is_some() {
            return crate::screens::shell::focus(&row);
        }
        // It is drawn for the focus that it is about to have, and the browser scrolls to it then.
        self.focused.set_value(id.to_owned());
        self.changed.update(|count| *count += 1);
        request_animation_frame(move || crate::screens::shell::focus(&row));
    }

    /// Measures, numbers the rows, and looks what is seen.
    fn settle(self) {
        let Some(body) = body() else { return };
        let (mut number, mut count, mut total) = (2, 0_u32, 0);
        let mut next = body.first_element_child();
        while let Some(line) = next {
            match line.get_attribute("data-lines").and_then(|lines| lines.parse::<usize>().ok()) {
                Some(lines) => number += lines,
                None => {
                    let says = number.to_string();
                    if line.get_attribute("aria-rowindex").as_ref() != Some(&says) {
                        let _ = line.set_attribute("aria-rowindex", &says);
                    }
                    number += 1;
                    count += 1;
                    total +=
                        line.dyn_ref::<web_sys::HtmlElement>().map_or(0, web_sys::HtmlElement::offset_height);
                }
            }
            next = line.next_element_sibling();
        }
        if count > 0 && total > 0 {
            let measured = f64::from(total) / f64::from(count);
            let known = self.height.get_value();
            // What differs by less moves the bar by nothing that is seen.
            if (measured - known).abs() > known / 20.0 {
                self.height.set_value(measured);
                self.changed.update(|count| *count += 1);
            }
        }
        self.look();
    }

    /// Finds which lines are seen.
    fn look(self) {
        let Some(body) = body() else { return };
        let active = document().active_element().map(|active| active.id()).unwrap_or_default();
        self.focused.set_value(active.strip_prefix("row-").unwrap_or_default().to_owned());
        let tall = window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or(1_000.0);
        let above = -body.get_bounding_client_rect().top();
        let seen = seen(self.lines.with_value(|lines| lines.len()), self.height.get_value(), above, tall);
        if self.seen.get_untracked() != seen {
            self.seen.set(seen);
        }
    }
}

fn body() -> Option<Shown> {
    document().query_selector(".board>tbody").ok().flatten()
}

/// The lines that are to stand on the page when the list begins `above` the top of a window of this height.
fn seen(count: usize, height: f64, above: f64, tall: f64) -> (usize, usize) {
    if count <= WHOLE {
        return (0, WHOLE);
    }
    let line = |place: f64| (place / height.max(1.0)).max(0.0) as usize;
    let first = line(above).min(count).saturating_sub(READY) / STEP * STEP;
    let end = (line(above + tall) + READY) / STEP * STEP + STEP;
    (first, end.min(count.max(1)))
}

/// The runs of lines that are drawn: what is seen, and the one with the focus.
fn pieces(count: usize, seen: (usize, usize), focused: Option<usize>) -> Vec<(usize, usize)> {
    if count <= WHOLE {
        return vec![(0, count)];
    }
    let (first, end) = (seen.0.min(count), seen.1.min(count));
    let mut pieces = Vec::new();
    let alone = focused.filter(|place| !(first..end).contains(place) && *place < count);
    pieces.extend(alone.filter(|place| *place < first).map(|place| (place, place + 1)));
    pieces.push((first, end));
    pieces.extend(alone.filter(|place| *place >= end).map(|place| (place, place + 1)));
    pieces
}

/// Empty space for so many lines, the one of this number.
fn space(lines: usize, height: f64, number: usize) -> Option<Node> {
    const NAMES: [&str; 4] = ["space-0", "space-1", "space-2", "space-3"];
    let tall = (height * lines as f64).round() as u64;
    (lines > 0).then(|| {
        el("tr.space")
            .key(NAMES[number.min(NAMES.len() - 1)])
            .set("aria-hidden", "true")
            .set("data-lines", lines.to_string())
            .add(
                el("td")
                    .set("colspan", "10")
                    .add(el("svg").set("width", "1").set("height", tall.to_string())),
            )
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::{pieces, seen};

    #[test]
    fn a_short_list_is_whole() {
        assert_eq!(pieces(400, seen(400, 44.0, 9_000.0, 900.0), None), [(0, 400)]);
        assert_eq!(pieces(0, seen(0, 44.0, 0.0, 900.0), None), [(0, 0)]);
    }

    #[test]
    fn of_a_long_one_what_is_seen_stands_ready_with_some_above_and_below() {
        assert_eq!(seen(10_000, 40.0, -200.0, 800.0), (0, 40));
        assert_eq!(seen(10_000, 40.0, 4_000.0, 800.0), (80, 150));
        assert_eq!(seen(10_000, 40.0, 399_000.0, 800.0), (9_950, 10_000));
        assert_eq!(seen(10_000, 40.0, 1e9, 800.0), (9_980, 10_000), "scrolled further than it is long");
    }

    #[test]
    fn the_row_with_the_focus_stays() {
        assert_eq!(pieces(1_000, (100, 200), Some(5)), [(5, 6), (100, 200)]);
        assert_eq!(pieces(1_000, (100, 200), Some(150)), [(100, 200)]);
        assert_eq!(pieces(1_000, (100, 200), Some(900)), [(100, 200), (900, 901)]);
        assert_eq!(pieces(1_000, (100, 200), Some(1_000)), [(100, 200)], "it is gone");
    }
}
