//! A bar under the top: one at a time, never over the work.

use leptos::prelude::*;

use super::icon::{Glyph, Tone, glyph};

/// A bar that says what is broken and what still works.
#[component]
pub fn Banner(
    /// Its class.
    tone: Tone,
    /// Its mark.
    mark: Glyph,
    /// Whether it stands in a box, within a page or a dialog.
    #[prop(optional)]
    boxed: bool,
    /// A paragraph, and buttons.
    children: Children,
) -> impl IntoView {
    view! {
        <div class=if boxed { "banner boxed" } else { "banner" } data-tone=tone.name()>
            {glyph(mark)} {children()}
        </div>
    }
}
