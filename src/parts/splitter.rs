//! The edge between the list and what is open beside it: it is dragged, or moved with the arrow keys, in steps.

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::dom::{Element, el};
use crate::kept::{keep, kept};
use crate::words;

/// How many widths there are, and how much wider each is than the one before, in the page's letters (rem): the narrowest is
/// `NARROWEST_REM` wide, as `style/parts/inspector.css` has them.
const WIDTHS: u32 = 9;
const NARROWEST_REM: f64 = 24.0;
const STEP_REM: f64 = 4.0;
const USUAL: u32 = 2;

/// Where the width is kept in the browser.
const KEPT: &str = "tallylight-inspector";

/// The edge. It stands in the column that it makes wider and narrower.
pub fn splitter() -> Element {
    let width = RwSignal::new(kept_width());
    let shown = width.get_untracked();
    el("div.splitter")
        .set("role", "separator")
        .set("aria-orientation", "vertical")
        .set("aria-label", words::SPLITTER)
        .set("aria-valuemin", "0")
        .set("aria-valuemax", (WIDTHS - 1).to_string())
        .set("aria-valuenow", shown.to_string())
        .set("tabindex", "0")
        .ready(move |edge| show(edge, shown))
        .on("keydown", move |event| {
            let Some(key) = event.dyn_ref::<web_sys::KeyboardEvent>().map(web_sys::KeyboardEvent::key) else {
                return;
            };
            let now = width.get_untracked();
            let wanted = match key.as_str() {
                "ArrowLeft" => (now + 1).min(WIDTHS - 1),
                "ArrowRight" => now.saturating_sub(1),
                "Home" => 0,
                "End" => WIDTHS - 1,
                _ => return,
            };
            event.prevent_default();
            take(event, width, wanted);
        })
        .on("pointerdown", |event| {
            if let (Some(edge), Some(pointer)) = (edge_of(event), event.dyn_ref::<web_sys::PointerEvent>()) {
                let _ = edge.set_pointer_capture(pointer.pointer_id());
                event.prevent_default();
            }
        })
        .on("pointermove", move |event| {
            let (Some(edge), Some(pointer)) = (edge_of(event), event.dyn_ref::<web_sys::PointerEvent>())
            else {
                return;
            };
            if edge.has_pointer_capture(pointer.pointer_id()) {
                take(event, width, width_at(f64::from(pointer.client_x())));
            }
        })
}

fn edge_of(event: &web_sys::Event) -> Option<web_sys::Element> {
    event.current_target().and_then(|edge| edge.dyn_into().ok())
}

/// The width whose edge is nearest to a place on the screen.
fn width_at(x: f64) -> u32 {
    let whole = window().inner_width().ok().and_then(|width| width.as_f64()).unwrap_or_default();
    // The page's letters have the size of the browser's unless somebody changed it; a step more or less does no harm.
    let rem = (whole - x) / 16.0;
    (((rem - NARROWEST_REM) / STEP_REM).round().max(0.0) as u32).min(WIDTHS - 1)
}

fn take(event: &web_sys::Event, width: RwSignal<u32>, wanted: u32) {
    let Some(edge) = edge_of(event) else { return };
    if width.get_untracked() == wanted {
        return;
    }
    width.set(wanted);
    show(&edge, wanted);
    keep(KEPT, &wanted.to_string());
}

fn show(edge: &web_sys::Element, width: u32) {
    let width = width.to_string();
    let _ = edge.set_attribute("aria-valuenow", &width);
    if let Some(list) = edge.closest(".with-inspector").ok().flatten() {
        let _ = list.set_attribute("data-width", &width);
    }
}

fn kept_width() -> u32 {
    kept(KEPT).parse().ok().filter(|width| *width < WIDTHS).unwrap_or(USUAL)
}
