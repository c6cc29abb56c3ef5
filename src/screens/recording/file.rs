//! A recording out of a file: a bundle that was dropped on the page or chosen. It is read here and sent nowhere.

use std::sync::Arc;

use leptos::prelude::*;
use rules::bundle::BUNDLE_BYTES;
use rules::{Bundle, BundleProblem};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;

use super::{TITLE, bundle_screen};
use crate::dom::{Element, Node, el, part};
use crate::here::here;
use crate::parts::banner::banner;
use crate::parts::icon::{Glyph, Tone};
use crate::route::{Route, Screen};
use crate::tasks::spawn;
use crate::words;
use crate::words::replay as said;

/// What was opened.
#[derive(Clone, Default)]
enum Opened {
    /// Nothing yet.
    #[default]
    Nothing,
    /// It is being read.
    Reading,
    /// It cannot be shown, for this reason.
    Problem(String, String),
    /// It is shown: the name of the file, and which opening of a file it is.
    Shown(String, u32, Arc<Bundle>),
}

thread_local! {
    /// It outlives the screen: whoever goes to the list and comes back finds the file open.
    static OPENED: ArcRwSignal<Opened> = ArcRwSignal::new(Opened::Nothing);
}

fn opened() -> ArcRwSignal<Opened> {
    OPENED.with(Clone::clone)
}

/// The screen of the file that is open, or where to choose one.
pub fn file_screen() -> Node {
    part("file", || {
        let opened = opened();
        move || match opened.get() {
            Opened::Shown(name, count, bundle) => {
                bundle_screen([&name, "-", &count.to_string()].concat(), bundle)
            }
            other => choose(other).into(),
        }
    })
}

fn choose(opened: Opened) -> Element {
    let mut screen = el("div.recording")
        .add(
            el("nav.crumbs")
                .set("aria-label", words::WHERE)
                .add(el("a").set("href", Route::default().href()).add(words::RECORDINGS)),
        )
        .add(el("h1").id(TITLE).set("tabindex", "-1").add(words::FILE_TITLE));
    match opened {
        Opened::Reading => screen = screen.add(el("p").set("role", "status").add(said::READING_FILE)),
        Opened::Problem(name, problem) => {
            let says = el("p").add(el("b").add(said::CANNOT_OPEN)).add(" ").add(name).add(": ").add(problem);
            screen = screen.add(banner(Tone::Caution, Glyph::Caution, true).set("role", "alert").add(says));
        }
        Opened::Nothing | Opened::Shown(..) => {}
    }
    screen.add(el("div.drop").add(el("p").add(said::FILE_SAYS)).add(file_button(said::CHOOSE_FILE)))
}

/// A button that opens the browser's own dialog for a file.
pub(super) fn file_button(name: &'static str) -> Element {
    let input =
        el("input").set("type", "file").set("accept", ".json,application/json").on("change", |event| {
            let input = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
            let file =
                input.as_ref().and_then(web_sys::HtmlInputElement::files).and_then(|files| files.get(0));
            if let Some(file) = file {
                open(file);
            }
            // The same file may be chosen again.
            if let Some(input) = input {
                input.set_value("");
            }
        });
    el("label.button.large.chooser").add(name).add(input)
}

fn open(file: web_sys::File) {
    let opened = opened();
    opened.set(Opened::Reading);
    let router = here().router;
    router.go(Route::to(Screen::File));
    spawn(async move {
        let name = file.name();
        let found = read(&file).await;
        thread_local!(static COUNT: core::cell::Cell<u32> = const { core::cell::Cell::new(0) });
        COUNT.set(COUNT.get() + 1);
        opened.set(match found {
            Ok(bundle) => {
                here().announcer.say(words::title(bundle_name(&bundle)));
                Opened::Shown(name, COUNT.get(), Arc::new(bundle))
            }
            Err(problem) => Opened::Problem(name, problem),
        });
    });
}

async fn read(file: &web_sys::File) -> Result<Bundle, String> {
    // Before anything of it is read: a film that was dropped by mistake stays where it is.
    if file.size() > BUNDLE_BYTES as f64 {
        return Err(said::bundle_problem(BundleProblem::TooLarge));
    }
    let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
    let text = text.ok_or_else(|| words::translated(said::FILE_UNREADABLE).to_owned())?;
    Bundle::read(&text).map_err(said::bundle_problem)
}

/// The channel of a bundle.
pub(super) fn bundle_name(bundle: &Bundle) -> &str {
    match bundle.entries.first().map(|first| &first.fact) {
        Some(rules::Fact::Requested(requested)) => requested.channel.as_str(),
        _ => bundle.recording.as_str(),
    }
}

/// Takes files that are dropped anywhere on the page.
pub fn take_drops() {
    let carried = |event: &web_sys::DragEvent| {
        event.data_transfer().filter(|data| data.types().includes(&"Files".into(), 0))
    };
    window_event_listener(leptos::ev::dragover, move |event| {
        if carried(&event).is_some() {
            event.prevent_default();
        }
    });
    window_event_listener(leptos::ev::drop, move |event| {
        let Some(data) = carried(&event) else { return };
        event.prevent_default();
        if let Some(file) = data.files().and_then(|files| files.get(0)) {
            open(file);
        }
    });
}
