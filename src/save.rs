//! Gives the browser a file to keep.

use core::time::Duration;

use leptos::prelude::{document, set_timeout};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// How long the browser has to begin reading what it was given.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// A text as a file of this name and media type.
///
/// # Errors
/// When the browser makes no file of it.
pub fn save(text: &str, name: &str, kind: &str) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = js_sys::Array::of1(&text.into());
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
    let address = Url::create_object_url_with_blob(&blob)?;
    let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
    link.set_href(&address);
    link.set_download(name);
    link.click();
    set_timeout(move || _ = Url::revoke_object_url(&address), KEPT_FOR);
    Ok(())
}
