//! The page as a whole: what is open, and the shell around it.

use leptos::prelude::*;

/// The page.
#[component]
pub fn App() -> impl IntoView {
    view! {
        <div class="shell">
            <header class="topbar"><span class="brand">"Tallylight"</span></header>
            <main id="main"><h1>"Recordings"</h1></main>
        </div>
    }
}
