//! Facets that are buttons: how many recordings are in a state, and a press shows only those.

use leptos::prelude::*;

use super::icon::{Glyph, Tone, glyph};

/// One facet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facet<Key> {
    /// What it stands for.
    pub key: Key,
    /// Its word.
    pub word: &'static str,
    /// Its class and mark, if it is a state.
    pub mark: Option<(Tone, Glyph)>,
}

/// The row of facets.
pub fn counts<Key>(
    label: &'static str,
    facets: Vec<Facet<Key>>,
    count: impl Fn(Key) -> usize + Copy + Send + Sync + 'static,
    chosen: RwSignal<Key>,
) -> impl IntoView
where
    Key: Copy + PartialEq + Send + Sync + 'static,
{
    let buttons: Vec<_> = facets
        .into_iter()
        .map(|Facet { key, word, mark }| {
            let pressed = move || if chosen.get() == key { "true" } else { "false" };
            view! {
                <button
                    class="button"
                    type="button"
                    aria-pressed=pressed
                    data-tone=mark.map(|(tone, _)| tone.name())
                    on:click=move |_| chosen.set(key)
                >
                    {mark.map(|(_, mark)| glyph(mark))} {word} " " <b>{move || count(key)}</b>
                </button>
            }
        })
        .collect();
    view! { <div class="counts" role="group" aria-label=label>{buttons}</div> }
}
