//! A titled block on a page.

use leptos::prelude::*;

/// A titled block.
#[component]
pub fn Panel(
    /// The title's element id, unique on the page.
    id: &'static str,
    /// The title.
    title: &'static str,
    /// Whether the body reaches the edges, as tables and lists do.
    #[prop(optional)]
    flush: bool,
    /// What stands beside the title.
    #[prop(optional, into)]
    aside: Option<ViewFn>,
    /// The body.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby=id>
            <header><h2 id=id>{title}</h2>{aside.map(|aside| aside.run())}</header>
            <div class=if flush { "body flush" } else { "body" }>{children()}</div>
        </section>
    }
}
