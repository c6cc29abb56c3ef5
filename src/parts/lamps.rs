//! Two lamps, accepted and confirmed, and never one for both (V5). They are also the mark of the product.

use crate::dom::{Element, el};

/// How far a start has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lamps {
    /// No `sid` yet.
    #[default]
    Dark,
    /// A `sid` was answered (S3).
    Accepted,
    /// A query answered that it records (V2).
    Confirmed,
}

impl Lamps {
    /// The words for it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Dark => "not accepted yet",
            Self::Accepted => "accepted, not confirmed",
            Self::Confirmed => "accepted and confirmed",
        }
    }
}

/// The two lamps. `named` says it to who cannot see them; beside its words it is left out.
pub fn lamps(lit: Lamps, named: bool) -> Element {
    let first = if lit == Lamps::Dark { "circle.off" } else { "circle.lit" };
    let second = if lit == Lamps::Confirmed { "circle.on" } else { "circle.off" };
    let lamp = |kind, place: &'static str| el(kind).set("cx", place).set("cy", "8").set("r", "3.2");
    let case = el("rect.case")
        .set("x", ".75")
        .set("y", ".75")
        .set("width", "26.5")
        .set("height", "14.5")
        .set("rx", "7.25");
    let drawn = el("svg.lamps").set("viewBox", "0 0 28 16");
    let drawn = if named {
        drawn.set("role", "img").set("aria-label", lit.words())
    } else {
        drawn.set("aria-hidden", "true")
    };
    drawn.add(case).add(lamp(first, "8.5")).add(lamp(second, "19.5"))
}
