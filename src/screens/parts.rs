//! Every part in every state, for who works on the page. Development builds only.

use crate::dom::{Element, Node, el};

/// The screen.
pub fn parts_screen() -> Node {
    el("div.parts").into()
}

#[expect(dead_code, reason = "the parts are placed next")]
fn place() -> Element {
    el("div")
}
