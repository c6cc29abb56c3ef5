//! Identifiers: mono, the middle may go, and a button always copies the whole.

use leptos::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use super::announcer::Announcer;
use super::icon::{Icon, icon};

/// How many characters of an identifier are shown before its middle goes.
const SHOWN: usize = 18;

/// An identifier with its copy button. `what` names it: "sid of math-7b".
pub fn id(text: impl Into<Signal<String>>, what: impl Into<Signal<String>>) -> impl IntoView {
    let (text, what) = (text.into(), what.into());
    view! {
        <span class="id">
            <span title=move || text.get()>{move || text.with(|text| middle_truncated(text, SHOWN))}</span>
            {copy_button(text, what)}
        </span>
    }
}

/// A button that copies a text and says so.
pub fn copy_button(text: impl Into<Signal<String>>, what: impl Into<Signal<String>>) -> impl IntoView {
    let (text, what) = (text.into(), what.into());
    let announcer = use_context::<Announcer>();
    let copy = move |_| {
        let written = window().navigator().clipboard().write_text(&text.get_untracked());
        let what = what.get_untracked();
        spawn_local(async move {
            let copied = JsFuture::from(written).await.is_ok();
            if let Some(announcer) = announcer {
                announcer.say(if copied {
                    format!("Copied the {what}.")
                } else {
                    format!("The {what} could not be copied.")
                });
            }
        });
    };
    view! {
        <button class="button plain square" type="button" aria-label=move || format!("Copy the {}", what.get()) on:click=copy>
            {icon(Icon::Copy)}
        </button>
    }
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
