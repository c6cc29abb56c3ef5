//! A titled block on a page.

use crate::dom::{Element, Node, el};

/// A titled block. `id` is the title's element id, unique on the page; `flush`: the body reaches the edges, as tables and
/// lists do; `aside` stands beside the title.
pub fn panel(id: &'static str, title: &'static str, flush: bool, aside: Node, body: Node) -> Element {
    el("section.panel")
        .set("aria-labelledby", id)
        .add(el("header").add(el("h2").id(id).add(title)).add(aside))
        .add(el("div.body").class("flush", flush).add(body))
}
