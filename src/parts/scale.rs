//! The one drawing language for time: a cross was asked and failed, a thick ring comes next, thin rings come later, a filled
//! round was answered well, and a black flag is now. Ladders, failover windows and timelines are drawn with it, to scale.
//!
//! Places are percentages in SVG attributes, so that text keeps its size and no style attribute is needed.

use agora::Timestamp;

use crate::dom::{Element, Node, el};

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

/// A shape with the attributes that never change: `shape("rect.track height=6 rx=3")`.
pub fn shape(says: &'static str) -> Element {
    let mut words = says.split(' ');
    let mut shape = el(words.next().unwrap_or_default());
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        shape = shape.set(name, value);
    }
    shape
}

/// A line from top to bottom at a place.
pub fn upright(says: &'static str, place: Place) -> Element {
    shape(says).set("x1", place.percent()).set("x2", place.percent())
}

/// Draws a mark at a place.
pub fn mark(kind: Mark, place: Place) -> Element {
    let cross = (kind == Mark::Miss).then_some("M-3.5-3.5 3.5 3.5M3.5-3.5-3.5 3.5");
    let drawn = shape(match kind {
        Mark::Miss => "path.miss",
        Mark::Due => "circle.due r=6",
        Mark::Later => "circle.later r=4",
        Mark::Good => "circle.good r=4.5",
        Mark::Hit => "circle.hit r=3",
        Mark::Person => "circle.person r=4",
    });
    shape("svg overflow=visible").set("x", place.percent()).add(drawn.set_some("d", cross))
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
pub fn ladder(steps: &[Step], described: String, now: Timestamp) -> Element {
    let from = steps.iter().map(|step| step.at).min().unwrap_or_default();
    let to = steps.iter().map(|step| step.at).max().unwrap_or_default();
    let span = Span { from, to };
    let mut drawn = shape("svg.scale width=100% height=46 role=img")
        .set("aria-label", described)
        .add(shape("line.axis x1=1.5% x2=98.5% y1=18 y2=18"))
        .add(upright("line.now y1=8 y2=28", span.place(now)));
    // A label is left out where it would run into its neighbour.
    let mut shown_to = -10_000;
    for step in steps {
        let place = span.place(step.at);
        let mut label = Node::Nothing;
        if place.0 - shown_to >= 700 {
            shown_to = place.0;
            let text = shape(match place.0 {
                at if at <= MARGIN => "text y=40 text-anchor=start",
                at if at >= 10_000 - MARGIN => "text y=40 text-anchor=end",
                _ => "text y=40 text-anchor=middle",
            });
            label = text.set("x", place.percent()).add(step.label.clone()).into();
        }
        drawn = drawn.add(label).add(mark(step.mark, place).set("y", "18"));
    }
    drawn
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
