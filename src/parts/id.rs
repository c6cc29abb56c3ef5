//! Identifiers: mono, the middle may go, and a button always copies the whole.

use leptos::prelude::window;
use wasm_bindgen_futures::JsFuture;

use super::icon::{Icon, icon};
use crate::dom::{Element, el};
use crate::here::here;
use crate::tasks::spawn;
use crate::words;

/// How many characters of an identifier are shown before its middle goes.
const SHOWN: usize = 18;

/// An identifier with its copy button. `what` names it: "sid of math-7b".
pub fn id(text: &str, what: &str) -> Element {
    el("span.id")
        .add(el("span").set("title", text.to_owned()).add(middle_truncated(text, SHOWN)))
        .add(copy_button(text.to_owned(), what.to_owned()))
}

/// A button that copies a text and says so.
pub fn copy_button(text: String, what: String) -> Element {
    let name = words::copy_the(&what);
    el("button.button.plain.square")
        .set("type", "button")
        .set("aria-label", name)
        .on("click", move |_| copy(&text, what.clone()))
        .add(icon(Icon::Copy))
}

/// Copies a text and says so.
pub fn copy(text: &str, what: String) {
    let announcer = here().announcer;
    let written = window().navigator().clipboard().write_text(text);
    spawn(async move {
        let copied = JsFuture::from(written).await.is_ok();
        announcer.say(if copied { words::copied(&what) } else { words::not_copied(&what) });
    });
}

/// The text with its middle left out if it is longer than `length` characters.
pub fn middle_truncated(text: &str, length: usize) -> String {
    let count = text.chars().count();
    if count <= length {
        return text.to_owned();
    }
    let (head, tail) = ((length - 1).div_ceil(2), (length - 1) / 2);
    let mut shown: String = text.chars().take(head).collect();
    shown.push('…');
    shown.extend(text.chars().skip(count - tail));
    shown
}

#[cfg(test)]
mod tests {
    use super::middle_truncated;

    #[test]
    fn the_middle_of_a_long_id_goes() {
        assert_eq!(middle_truncated("9f3a61c07be94d25a1c8d20e5b74fc21", 18), "9f3a61c07…5b74fc21");
        assert_eq!(middle_truncated("short", 18), "short");
        assert_eq!(middle_truncated("äöüäöüäöü", 5), "äö…öü");
    }
}
