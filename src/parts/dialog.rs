//! A dialog on the browser's own `<dialog>`: it holds the focus, Esc closes it, and the focus goes back to where it was.

use std::cell::RefCell;

use leptos::prelude::{document, on_cleanup, request_animation_frame};
use wasm_bindgen::JsCast;
use web_sys::{Element as PageElement, HtmlDialogElement, HtmlElement};

use super::icon::{Icon, icon};
use crate::dom::{Element, Node, Text, el};

thread_local! {
    /// What had the focus before the dialog was opened. One for all: no two are open at a time.
    static BEFORE: RefCell<Option<PageElement>> = const { RefCell::new(None) };
}

/// Where the focus is, if it is anywhere.
fn focused() -> Option<PageElement> {
    document().active_element().filter(|active| active.tag_name() != "BODY")
}

/// Gives the focus back when the part that holds the dialog ends. To be called where that part begins.
pub fn keep_focus() {
    // A dialog that another one was opened from leaves the focus nowhere: what had it before that one stays the place.
    if let Some(before) = focused() {
        BEFORE.set(Some(before));
    }
    on_cleanup(|| {
        // A dialog that was closed has given it back itself; one that was taken away leaves the focus nowhere.
        request_animation_frame(|| {
            if focused().is_none()
                && let Some(before) = BEFORE.take()
            {
                let _ = before.unchecked_into::<HtmlElement>().focus();
            }
        });
    });
}

/// A dialog, open as long as it is there. The title names the thing it is about and has the element id `id`, unique on
/// the page; `class` is one of its own, for a wide one. `on_close`: it was closed, by whatever way. `content`: body and
/// footer.
pub fn dialog(
    id: &'static str,
    title: Text,
    class: &'static str,
    on_close: impl Fn() + 'static,
    content: Node,
) -> Element {
    let close = el("button.button.plain.square")
        .set("type", "button")
        .set("aria-label", "Close")
        .on("click", |event| {
            let button = event.current_target().map(JsCast::unchecked_into::<PageElement>);
            if let Some(dialog) = button.and_then(|button| button.closest("dialog").ok().flatten()) {
                dialog.unchecked_into::<HtmlDialogElement>().close();
            }
        })
        .add(icon(Icon::Close));
    el("dialog.dialog")
        .class(class, !class.is_empty())
        .set("aria-labelledby", id)
        .on("close", move |_| on_close())
        .ready(|dialog| {
            let _ = dialog.unchecked_ref::<HtmlDialogElement>().show_modal();
        })
        .add(el("header").add(el("h2").id(id).add(title)).add(close))
        .add(content)
}
