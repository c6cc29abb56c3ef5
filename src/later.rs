//! The screen of one recording, that of the faults, and the dialogs. The list does not need them, so the built page
//! keeps their code in a file of its own (`cargo xtask build`), which is fetched when the list is there or when the
//! address asks for it. Every other build has it in the one file.

use std::time::Duration;

use leptos::prelude::*;
use rules::RecordingId;
use wasm_bindgen_futures::spawn_local;

use crate::desk::Desk;
use crate::dom::{Node, el};
use crate::nodes;
use crate::parts::banner::banner;
use crate::parts::board::loading_rows;
use crate::parts::icon::{Glyph, Tone};
use crate::route::{Dialog, Route, Router, Screen};
use crate::screens::actions::{acknowledge_dialog, dismiss_dialog, try_again_dialog};
use crate::screens::faults::faults_screen;
use crate::screens::recording::recording_screen;
use crate::screens::start::start_dialog;
use crate::screens::stop::stop_dialog;
use crate::screens::watch::watch_dialog;
use crate::screens::why::why_dialog;
use crate::words;

/// How long after a fetch that failed the next one begins, in seconds; the last one stands for all that follow.
const TRY_AGAIN_AFTER: [u64; 4] = [1, 3, 10, 30];

/// What can be drawn once the code is there.
#[derive(Clone, Copy)]
struct Screens {
    recording: fn(RecordingId) -> Node,
    faults: fn() -> Node,
    dialog: fn(Dialog) -> Node,
}

#[derive(Clone, Copy)]
enum State {
    /// It is being fetched, or will be.
    Awaited,
    /// It could not be fetched, and will be again.
    Failed,
    There(Screens),
}

/// The code that comes later. A handle: copies are the same code.
#[derive(Clone, Copy)]
pub struct Later(RwSignal<State>);

impl Later {
    /// Fetches the code as soon as the list is there, or at once when the address asks for it.
    pub fn new(desk: Desk, router: Router) -> Self {
        let later = Self(RwSignal::new(State::Awaited));
        Effect::new(move |begun: Option<bool>| {
            let begun = begun.unwrap_or_default();
            let now = !begun && (desk.complete.get() || router.route() != Route::to(Screen::Board));
            if now {
                later.fetch(0);
            }
            begun || now
        });
        later
    }

    fn fetch(self, tries: usize) {
        spawn_local(async move {
            match split::screens().await {
                Ok(screens) => self.0.set(State::There(screens)),
                Err(_) => {
                    self.0.set(State::Failed);
                    let wait = TRY_AGAIN_AFTER[tries.min(TRY_AGAIN_AFTER.len() - 1)];
                    set_timeout(move || self.fetch(tries + 1), Duration::from_secs(wait));
                }
            }
        });
    }

    /// Whether everything can be drawn. Tracks.
    pub fn is_there(self) -> bool {
        matches!(self.0.get(), State::There(_))
    }

    /// The screen of one recording, or what stands there until it can be drawn. Tracks.
    pub fn recording(self, id: RecordingId) -> Node {
        match self.0.get() {
            State::There(screens) => (screens.recording)(id),
            State::Awaited => loading_rows().into(),
            State::Failed => failed(),
        }
    }

    /// The screen of the faults, or what stands there until it can be drawn. Tracks.
    pub fn faults(self) -> Node {
        match self.0.get() {
            State::There(screens) => (screens.faults)(),
            State::Awaited => loading_rows().into(),
            State::Failed => failed(),
        }
    }

    /// A dialog. Tracks.
    pub fn dialog(self, dialog: Dialog) -> Node {
        match self.0.get() {
            State::There(screens) => (screens.dialog)(dialog),
            State::Awaited => Node::Nothing,
            State::Failed => failed(),
        }
    }
}

/// Said in place of what cannot be drawn yet.
fn failed() -> Node {
    nodes![
        banner(Tone::Caution, Glyph::Caution, true).set("role", "alert").add(el("p").add(words::NOT_FETCHED))
    ]
}

fn draw_dialog(dialog: Dialog) -> Node {
    match dialog {
        Dialog::Start(channel) => start_dialog(channel),
        Dialog::Watch => watch_dialog(),
        Dialog::Stop(id) => stop_dialog(id, None),
        Dialog::StopSession(id, session) => stop_dialog(id, Some(session)),
        Dialog::TryAgain(id) => try_again_dialog(id),
        Dialog::Acknowledge(id, entry) => acknowledge_dialog(id, entry),
        Dialog::Dismiss(id, session) => dismiss_dialog(id, session),
        Dialog::Why(rule) => why_dialog(rule),
    }
}

const fn all() -> Screens {
    Screens { recording: recording_screen, faults: faults_screen, dialog: draw_dialog }
}

#[cfg(split)]
mod split {
    use wasm_split_helpers::{SplitLoaderError, wasm_split};

    /// Nothing but what this names, and what that needs alone, goes to the file of its own.
    #[wasm_split(later, fallible)]
    pub(super) fn screens() -> Result<super::Screens, SplitLoaderError> {
        Ok(super::all())
    }
}

#[cfg(not(split))]
mod split {
    use std::convert::Infallible;
    use std::future::{Ready, ready};

    pub(super) fn screens() -> Ready<Result<super::Screens, Infallible>> {
        ready(Ok(super::all()))
    }
}
