//! A dialog on the browser's own `<dialog>`: it holds the focus, Esc closes it, and the focus goes back to where it was.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::icon::{Icon, icon};

/// A dialog, open as long as it is there.
#[component]
pub fn Dialog(
    /// The title's element id, unique on the page.
    id: &'static str,
    /// The title: it names the thing it is about.
    #[prop(into)]
    title: Signal<String>,
    /// A class of its own, for a wide one.
    #[prop(optional)]
    class: &'static str,
    /// It was closed, by whatever way.
    on_close: Callback<()>,
    /// Body and footer.
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let before = StoredValue::new_local(document().active_element());
    on_cleanup(move || {
        let before = before.try_get_value().flatten();
        // A dialog that was taken away, not closed, leaves the focus nowhere.
        request_animation_frame(move || {
            let lost = document().active_element().is_none_or(|active| active.tag_name() == "BODY");
            if let Some(before) =
                before.filter(|_| lost).and_then(|before| before.dyn_into::<web_sys::HtmlElement>().ok())
            {
                let _ = before.focus();
            }
        });
    });
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            let _ = dialog.show_modal();
        }
    });
    let close = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    view! {
        <dialog class=format!("dialog {class}") aria-labelledby=id node_ref=dialog on:close=move |_| on_close.run(())>
            <header>
                <h2 id=id>{move || title.get()}</h2>
                <button class="button plain square" type="button" aria-label="Close" on:click=close>{icon(Icon::Close)}</button>
            </header>
            {children()}
        </dialog>
    }
}
