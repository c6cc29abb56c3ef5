//! A bar under the top: one at a time, never over the work.

use super::icon::{Glyph, Tone, glyph};
use crate::dom::{Element, el};

/// A bar that says what is broken and what still works. `boxed`: it stands in a box, within a page or a dialog. A
/// paragraph and buttons are to be added.
pub fn banner(tone: Tone, mark: Glyph, boxed: bool) -> Element {
    el("div.banner").class("boxed", boxed).set("data-tone", tone.name()).add(glyph(mark))
}
