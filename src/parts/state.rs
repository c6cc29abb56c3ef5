//! A state as glyph and word.

use super::icon::{Glyph, Tone, glyph};
use crate::dom::{Element, el};

/// How a state looks and what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Its class.
    pub tone: Tone,
    /// Its mark.
    pub glyph: Glyph,
    /// Its name: a noun or an adjective.
    pub word: String,
}

/// A state in a row: the word is coloured only where it is an exception.
pub fn state(state: &State) -> Element {
    badge("span.state", state)
}

/// A state that stands alone, on a ground of its class.
pub fn state_tag(state: &State) -> Element {
    badge("span.state.tag", state)
}

fn badge(kind: &'static str, state: &State) -> Element {
    el(kind).set("data-tone", state.tone.name()).add(glyph(state.glyph)).add(state.word.clone())
}
