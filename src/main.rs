//! The dashboard: mounts the page and says so when the page has to stop.

mod acting;
mod app;
mod clock;
mod comfort;
#[cfg(test)]
mod contrast;
mod desk;
mod dom;
mod here;
mod history;
mod kept;
mod later;
mod list;
mod parts;
mod route;
mod save;
mod screens;
mod socket;
mod standing;
mod tasks;
mod words;

use leptos::mount::mount_to_body;

/// The build, compiled in: the name of the wasm file then changes with it, and the page says which one it is.
const BUILD: &str = match option_env!("TALLYLIGHT_BUILD") {
    Some(build) => build,
    None => "development",
};

fn main() {
    std::panic::set_hook(Box::new(|panic| {
        web_sys::console::error_1(&panic.to_string().into());
        show_stopped();
    }));
    if let Some(root) = document().and_then(|document| document.document_element()) {
        let _ = root.set_attribute("data-build", BUILD);
    }
    if let Some(skeleton) = element("skeleton") {
        skeleton.remove();
    }
    words::settle();
    mount_to_body(app::App);
    // Its link is not the first one of the page: that is the one past the navigation.
    if let Some(dialog) = element("stopped")
        && let Some(body) = dialog.parent_element()
    {
        let _ = body.append_child(&dialog);
    }
}

/// Un-hides the static dialog of `index.html`: after a panic nothing of the program answers any more.
fn show_stopped() {
    if let Some(dialog) = element("stopped") {
        let _ = dialog.remove_attribute("hidden");
    }
}

fn document() -> Option<web_sys::Document> {
    web_sys::window()?.document()
}

fn element(id: &str) -> Option<web_sys::Element> {
    document()?.get_element_by_id(id)
}
