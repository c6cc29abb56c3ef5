//! What is kept in this browser for the next visit: the only place that touches its storage.

use leptos::prelude::window;

/// The zone in which times are shown; nothing: that of the device. `boot.js` removes one that the browser does not know.
pub const ZONE: &str = "tallylight-zone";

/// What was kept under this name, or nothing.
pub fn kept(name: &str) -> String {
    storage().and_then(|storage| storage.get_item(name).ok().flatten()).unwrap_or_default()
}

/// Keeps a value; nothing of it is left when it is empty.
pub fn keep(name: &str, value: &str) {
    if let Some(storage) = storage() {
        // A browser that keeps nothing, or has no room, shows the same page.
        let _ = if value.is_empty() { storage.remove_item(name) } else { storage.set_item(name, value) };
    }
}

fn storage() -> Option<web_sys::Storage> {
    window().local_storage().ok().flatten()
}
