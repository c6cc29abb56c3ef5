//! Facets that are buttons: how many recordings are in a state, and a press shows only those.

use super::icon::{Glyph, Tone, glyph};
use crate::dom::{Element, el};

/// One facet.
pub struct Facet {
    /// Its word.
    pub word: &'static str,
    /// Its class and mark, if it is a state.
    pub mark: Option<(Tone, Glyph)>,
    /// How many there are.
    pub count: usize,
    /// Whether only those are shown.
    pub chosen: bool,
}

/// The button of a facet; a press is to be added.
pub fn facet(facet: &Facet) -> Element {
    el("button.button")
        .set("type", "button")
        .set("aria-pressed", if facet.chosen { "true" } else { "false" })
        .set_some("data-tone", facet.mark.map(|(tone, _)| tone.name()))
        .add(facet.mark.map(|(_, mark)| glyph(mark)))
        .add(facet.word)
        .add(" ")
        .add(el("b").add(facet.count.to_string()))
}

/// The row of facets; the buttons are to be added.
pub fn counts(label: &'static str) -> Element {
    el("div.counts").set("role", "group").set("aria-label", label)
}
