//! The screen of one recording, that of the faults, the dialogs, and what makes the page act. The list can be shown without
//! them, so the built page keeps their code in a file of its own (`cargo xtask build`), which is fetched when the list is
//! there or when the address asks for it. Every other build has it in the one file.

use std::rc::Rc;
use std::time::Duration;

use js_sys::Promise;
use leptos::prelude::*;
use rules::RecordingId;
use wasm_bindgen_futures::JsFuture;

use crate::acting::{Acting, acting};
use crate::dom::{Node, el};
use crate::here::here;
use crate::list;
use crate::nodes;
use crate::parts::banner::banner;
use crate::parts::board::loading_rows;
use crate::parts::icon::{Glyph, Tone};
use crate::parts::splitter::splitter;
use crate::route::{Dialog, Route, Router, Screen};
use crate::screens::actions::{acknowledge_dialog, dismiss_dialog, try_again_dialog};
use crate::screens::audit::audit_screen;
use crate::screens::board::{BoardState, Listed};
use crate::screens::disk::disk;
use crate::screens::faults::{faults_screen, sample_button};
use crate::screens::keys::keys_dialog;
use crate::screens::notices::notices_dialog;
use crate::screens::palette::palette_dialog;
use crate::screens::pause::pause;
use crate::screens::recording::{file_screen, inspector, recording_screen, take_drops};
use crate::screens::settings::settings_dialog;
use crate::screens::start::start_dialog;
use crate::screens::stop::stop_dialog;
use crate::screens::wall::wall_screen;
use crate::screens::watch::watch_dialog;
use crate::screens::why::why_dialog;
use crate::socket::Socket;
use crate::tasks::{follow_on, spawn};
use crate::words;

/// The element that brings the styles.
const STYLES: &str = "later-styles";

/// How long after a fetch that failed the next one begins, in seconds; the last one stands for all that follow.
const TRY_AGAIN_AFTER: [u64; 4] = [1, 3, 10, 30];

/// Draws the list.
pub type DrawList = fn(BoardState, &[Rc<Listed>]) -> Node;

/// What can be drawn once the code is there.
#[derive(Clone, Copy)]
struct Screens {
    screen: fn(Screen) -> Node,
    inspector: fn(RecordingId) -> Node,
    /// Takes files that are dropped on the page.
    take_drops: fn(),
    dialog: fn(Dialog) -> Node,
    list: DrawList,
    samples: fn() -> Node,
    pause: fn() -> Node,
    disk: fn() -> Node,
    acting: Acting,
    comfort: fn(),
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
pub struct Later {
    state: RwSignal<State>,
    socket: Socket,
}

impl Later {
    /// Fetches the code as soon as the list is there, or at once when the address asks for it.
    pub fn new(socket: Socket, router: Router) -> Self {
        let later = Self { state: RwSignal::new(State::Awaited), socket };
        follow_on(move |begun: Option<bool>| {
            let begun = begun.unwrap_or_default();
            let now = !begun && (socket.desk.complete.get() || router.route() != Route::to(Screen::Board));
            if now {
                later.fetch(0);
            }
            begun || now
        });
        later
    }

    fn fetch(self, tries: usize) {
        spawn(async move {
            let styles = add_styles();
            let screens = split::screens().await;
            if let Some(styles) = styles {
                let _ = styles.await;
            }
            match screens {
                Ok(screens) => {
                    screens.acting.begin(self.socket);
                    (screens.take_drops)();
                    self.state.set(State::There(screens));
                    here().board.for_good(screens.comfort);
                }
                Err(_) => {
                    self.state.set(State::Failed);
                    let wait = TRY_AGAIN_AFTER[tries.min(TRY_AGAIN_AFTER.len() - 1)];
                    set_timeout(move || self.fetch(tries + 1), Duration::from_secs(wait));
                }
            }
        });
    }

    /// Whether everything can be drawn. Tracks.
    pub fn is_there(self) -> bool {
        matches!(self.state.get(), State::There(_))
    }

    /// Fetches what is not on the stream, as soon as there is code for it. Tracks.
    pub fn fetch_beside_the_stream(self) -> bool {
        let State::There(screens) = self.state.get() else { return false };
        (screens.acting.fetch)(self.socket);
        true
    }

    /// What draws the list with all its tools. Tracks.
    pub fn list(self) -> Option<DrawList> {
        match self.state.get() {
            State::There(screens) => Some(screens.list),
            State::Awaited | State::Failed => None,
        }
    }

    /// One recording beside the list, or what stands there until it can be drawn. Tracks.
    pub fn inspector(self, id: RecordingId) -> Node {
        self.draw(loading_rows, |screens| (screens.inspector)(id))
    }

    /// A screen that is not the list, or what stands there until it can be drawn. Tracks.
    pub fn screen(self, screen: Screen) -> Node {
        self.draw(loading_rows, |screens| (screens.screen)(screen))
    }

    /// The button that starts the samples of a demonstration. Tracks.
    pub fn samples(self) -> Node {
        self.draw(|| Node::Nothing, |screens| (screens.samples)())
    }

    /// The control that lets the screen stand still. Tracks.
    pub fn pause(self) -> Node {
        self.tool(|screens| (screens.pause)())
    }

    /// What is said on every screen about a journal that cannot be written, or is damaged. Tracks.
    pub fn disk(self) -> Node {
        self.tool(|screens| (screens.disk)())
    }

    /// Says that what follows the recordings could not be fetched, while that is so. Tracks.
    pub fn missing(self) -> Node {
        if matches!(self.state.get(), State::Failed) { failed() } else { Node::Nothing }
    }

    /// A dialog. Tracks.
    pub fn dialog(self, dialog: Dialog) -> Node {
        self.tool(|screens| (screens.dialog)(dialog))
    }

    /// What stands beside a screen, which says itself when the code is missing.
    fn tool(self, draw: impl FnOnce(Screens) -> Node) -> Node {
        match self.state.get() {
            State::There(screens) => draw(screens),
            State::Awaited | State::Failed => Node::Nothing,
        }
    }

    fn draw<Waiting: Into<Node>>(self, waiting: fn() -> Waiting, draw: impl FnOnce(Screens) -> Node) -> Node {
        match self.state.get() {
            State::There(screens) => draw(screens),
            State::Awaited => waiting().into(),
            State::Failed => failed(),
        }
    }
}

/// Adds the style sheet of what comes later, once, and tells when the browser has it or knows that it does not come:
/// without it everything can still be read and pressed.
fn add_styles() -> Option<JsFuture> {
    if crate::element(STYLES).is_some() {
        return None;
    }
    let link = document().create_element("link").ok()?;
    for (name, value) in [("id", STYLES), ("rel", "stylesheet"), ("href", "later.css")] {
        let _ = link.set_attribute(name, value);
    }
    let came = Promise::new(&mut |resolve, _| {
        for event in ["load", "error"] {
            let _ = link.add_event_listener_with_callback(event, &resolve);
        }
    });
    document().head()?.append_child(&link).ok()?;
    Some(JsFuture::from(came))
}

/// Said in place of what cannot be drawn yet.
fn failed() -> Node {
    nodes![
        banner(Tone::Caution, Glyph::Caution, true).set("role", "alert").add(el("p").add(words::NOT_FETCHED))
    ]
}

fn draw_screen(screen: Screen) -> Node {
    match screen {
        // The list is there without this file.
        Screen::Board | Screen::Beside(_) => Node::Nothing,
        Screen::Recording(id) => recording_screen(id),
        Screen::File => file_screen(),
        Screen::Faults => faults_screen(),
        Screen::Wall => wall_screen(),
        Screen::Audit => audit_screen(),
        #[cfg(debug_assertions)]
        Screen::Parts => crate::screens::parts::parts_screen(),
    }
}

fn draw_dialog(dialog: Dialog) -> Node {
    match dialog {
        Dialog::Start(channel) => start_dialog(channel),
        Dialog::Watch => watch_dialog(),
        Dialog::Stop(id) => stop_dialog(id, None),
        Dialog::StopSession(id, session) => stop_dialog(id, Some(session)),
        Dialog::StopMany => list::stop_many_dialog(),
        Dialog::TryAgain(id) => try_again_dialog(id),
        Dialog::Acknowledge(id, entry) => acknowledge_dialog(id, entry),
        Dialog::Dismiss(id, session) => dismiss_dialog(id, session),
        Dialog::Notices => notices_dialog(),
        Dialog::Why(rule) => why_dialog(rule),
        Dialog::Settings => settings_dialog(),
        Dialog::Keys => keys_dialog(),
        Dialog::Palette => palette_dialog(),
    }
}

const fn all() -> Screens {
    Screens {
        screen: draw_screen,
        inspector: |id| nodes![splitter(), inspector(id)],
        take_drops,
        dialog: draw_dialog,
        list: list::draw,
        samples: sample_button,
        pause,
        disk,
        acting: acting(),
        comfort: crate::comfort::begin,
    }
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
