//! A state as glyph and word.

use leptos::prelude::*;

use super::icon::{Glyph, Tone, glyph};

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
pub fn state(state: Signal<State>) -> impl IntoView {
    badge("state", state)
}

/// A state that stands alone, on a ground of its class.
pub fn state_tag(state: Signal<State>) -> impl IntoView {
    badge("state tag", state)
}

fn badge(class: &'static str, state: Signal<State>) -> impl IntoView {
    view! {
        <span class=class data-tone=move || state.with(|state| state.tone.name())>
            {glyph(Signal::derive(move || state.with(|state| state.glyph)))}
            {move || state.with(|state| state.word.clone())}
        </span>
    }
}
