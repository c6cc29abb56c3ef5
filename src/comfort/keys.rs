//! Shortcuts of one key each: what they do, which key the reader gave them, and whether they do anything at all.
//!
//! WCAG 2.1.4: they can be switched off and changed, and none works while one types.

use core::cell::Cell;
use core::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::here::here;
use crate::kept::{keep, kept};
use crate::route::{Dialog, Route, Screen};
use crate::screens::shell::focus;
use crate::words::comfort as words;

/// Where the reader's own keys are kept: `off`, and `name=key` lines.
const KEYS: &str = "tallylight-keys";

/// So long after it was closed a dialog has gone.
const CLOSED_WITHIN: Duration = Duration::from_millis(40);

/// Something that a key does.
#[derive(Clone, Copy)]
pub struct Shortcut {
    /// Its name in the browser's storage.
    name: &'static str,
    /// What it does, in words.
    pub says: &'static str,
    /// Its key, unless the reader has chosen another one.
    usual: &'static str,
    /// Does it.
    pub press: fn(),
}

/// All of them, in the order of the sheet.
pub static SHORTCUTS: [Shortcut; 12] = [
    Shortcut { name: "help", says: words::DO_HELP, usual: "?", press: || over(Dialog::Keys) },
    Shortcut { name: "find", says: words::DO_FIND, usual: "/", press: find },
    Shortcut { name: "next", says: words::DO_NEXT, usual: "j", press: || step(1) },
    Shortcut { name: "previous", says: words::DO_PREVIOUS, usual: "k", press: || step(-1) },
    Shortcut { name: "list", says: words::DO_LIST, usual: "l", press: || go(Route::default()) },
    Shortcut { name: "start", says: words::DO_START, usual: "n", press: || over(Dialog::Start(None)) },
    Shortcut { name: "watch", says: words::DO_WATCH, usual: "w", press: || over(Dialog::Watch) },
    Shortcut { name: "stop", says: words::DO_STOP, usual: "s", press: stop },
    Shortcut { name: "notices", says: words::DO_NOTICES, usual: "i", press: || over(Dialog::Notices) },
    Shortcut { name: "pause", says: words::DO_PAUSE, usual: "p", press: pause },
    Shortcut { name: "settings", says: words::DO_SETTINGS, usual: ",", press: || over(Dialog::Settings) },
    Shortcut { name: "wall", says: words::DO_WALL, usual: "v", press: || go(Route::to(Screen::Wall)) },
];

/// The reader's own keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys {
    /// Whether single keys do nothing.
    pub off: bool,
    /// The names of those that were changed, and their keys.
    changed: Vec<(String, String)>,
}

impl Keys {
    /// Reads what was kept.
    fn parse(text: &str) -> Self {
        let mut keys = Self::default();
        for line in text.lines() {
            match line.split_once('=') {
                None => keys.off |= line == "off",
                Some((name, key)) => keys.change(name, key),
            }
        }
        keys
    }

    fn told(&self) -> String {
        let off = if self.off { "off\n" } else { "" };
        let changed = self.changed.iter().map(|(name, key)| [name, "=", key, "\n"].concat());
        [off, &changed.collect::<String>()].concat()
    }

    fn change(&mut self, name: &str, key: &str) {
        self.changed.retain(|(known, _)| known != name);
        let known = SHORTCUTS.iter().find(|shortcut| shortcut.name == name);
        if known.is_some_and(|known| known.usual != key) && key.chars().count() == 1 {
            self.changed.push((name.to_owned(), key.to_owned()));
        }
    }

    /// The key of a shortcut.
    pub fn of(&self, shortcut: &Shortcut) -> &str {
        let changed = self.changed.iter().find(|(name, _)| name == shortcut.name);
        changed.map_or(shortcut.usual, |(_, key)| key)
    }

    /// The shortcut that this key means now; the upper one where two have it.
    fn meant(&self, key: &str) -> Option<&'static Shortcut> {
        SHORTCUTS.iter().find(|shortcut| !self.off && self.of(shortcut) == key)
    }

    /// A key that two shortcuts have.
    pub fn twice(&self) -> Option<&str> {
        let keys: Vec<&str> = SHORTCUTS.iter().map(|shortcut| self.of(shortcut)).collect();
        keys.iter().enumerate().find(|(place, key)| keys[..*place].contains(key)).map(|(_, key)| *key)
    }
}

thread_local! {
    static CHOSEN: Cell<Option<RwSignal<Keys>>> = const { Cell::new(None) };
}

/// The reader's own keys. Tracks.
pub fn keys() -> Keys {
    CHOSEN.get().map(|keys| keys.get()).unwrap_or_default()
}

/// Switches single keys off or on.
pub fn switch(off: bool) {
    change(|keys| keys.off = off);
}

/// Gives a shortcut another key.
pub fn assign(shortcut: &Shortcut, key: &str) {
    change(|keys| keys.change(shortcut.name, key));
}

/// Takes back every change.
pub fn back_to_usual() {
    change(|keys| keys.changed.clear());
}

fn change(change: impl FnOnce(&mut Keys)) {
    if let Some(keys) = CHOSEN.get() {
        keys.update(change);
        keep(KEYS, &keys.with_untracked(Keys::told));
    }
}

/// Listens from now on.
pub fn listen() {
    CHOSEN.set(Some(RwSignal::new(Keys::parse(&kept(KEYS)))));
    window_event_listener(leptos::ev::keydown, |event| {
        if event.default_prevented() || event.alt_key() || event.is_composing() {
            return;
        }
        if event.ctrl_key() || event.meta_key() {
            if event.key().eq_ignore_ascii_case("k") && !event.shift_key() {
                event.prevent_default();
                when_closed(|| over(Dialog::Palette));
            }
            return;
        }
        let wall = here().router.route_now().screen == Screen::Wall;
        if wall && event.key() == "Escape" {
            return go(Route::default());
        }
        if is_typed(&event) || is_there("dialog[open]") {
            return;
        }
        let meant = CHOSEN.get().and_then(|keys| keys.with_untracked(|keys| keys.meant(&event.key())));
        if let Some(shortcut) = meant {
            event.prevent_default();
            when_closed(shortcut.press);
        }
    });
}

/// A dialog that was closed just now is told so a moment later: what comes after it waits for that.
fn when_closed(then: fn()) {
    if is_there("dialog:not([open])") {
        set_timeout(then, CLOSED_WITHIN);
    } else {
        then();
    }
}

fn is_there(selector: &str) -> bool {
    document().query_selector(selector).is_ok_and(|found| found.is_some())
}

/// Whether the key goes into a field.
fn is_typed(event: &web_sys::KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|target| target.matches("input, textarea, select, [contenteditable]").unwrap_or(false))
}

fn over(dialog: Dialog) {
    let route = here().router.route_now();
    if route.dialog.as_ref() != Some(&dialog) {
        here().router.go(route.with(dialog));
    }
}

fn go(route: Route) {
    here().router.go(route);
}

fn find() {
    if here().router.route_now().screen != Screen::Board {
        go(Route::default());
    }
    request_animation_frame(|| focus("query"));
}

/// The rows' own links, from top to bottom.
fn rows() -> Vec<web_sys::HtmlElement> {
    let Ok(found) = document().query_selector_all(".board a[id^='row-']") else { return Vec::new() };
    (0..found.length()).filter_map(|place| found.item(place)?.dyn_into().ok()).collect()
}

/// The row that the focus is in.
fn chosen_row(rows: &[web_sys::HtmlElement]) -> Option<usize> {
    let line = document().active_element()?.closest("tr").ok()??;
    rows.iter().position(|row| line.contains(Some(row)))
}

fn step(by: isize) {
    let rows = rows();
    let next = match chosen_row(&rows) {
        Some(place) => place.saturating_add_signed(by),
        None => 0,
    };
    if let Some(row) = rows.get(next.min(rows.len().saturating_sub(1))) {
        let _ = row.focus();
    }
}

/// The dialog of a stop: of the recording that is open, or of the row that the focus is in.
fn stop() {
    let route = here().router.route_now();
    let id = match route.screen {
        Screen::Recording(id) => Some(id),
        _ => {
            let rows = rows();
            let row = chosen_row(&rows).and_then(|place| rows.get(place).map(|row| row.id()));
            row.and_then(|row| rules::RecordingId::parse(row.trim_start_matches("row-")))
        }
    };
    if let Some(id) = id {
        over(Dialog::Stop(id));
    }
}

/// Presses the one button that pauses the page.
fn pause() {
    if let Ok(Some(button)) = document().query_selector("[data-key='pause']") {
        button.unchecked_into::<web_sys::HtmlElement>().click();
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, SHORTCUTS};

    #[test]
    fn keys_are_kept_as_they_were_chosen_and_the_usual_ones_are_not_kept() {
        let mut keys = Keys::parse("off\nfind=f\nnobody=x\nhelp=?\nstop=much\n");
        assert_eq!(keys.told(), "off\nfind=f\n");
        assert!(keys.meant("f").is_none(), "they are off");
        keys.off = false;
        assert_eq!(keys.meant("f").map(|shortcut| shortcut.name), Some("find"));
        assert!(keys.meant("/").is_none());
        keys.change("find", "/");
        assert_eq!(keys, Keys::default());
    }

    #[test]
    fn a_key_that_two_have_is_named_and_goes_to_the_upper_one() {
        assert_eq!(Keys::default().twice(), None);
        let keys = Keys::parse("wall=j");
        assert_eq!(keys.twice(), Some("j"));
        assert_eq!(keys.meant("j").map(|shortcut| shortcut.name), Some("next"));
    }

    #[test]
    fn every_shortcut_has_a_name_and_a_key_of_its_own() {
        for (place, shortcut) in SHORTCUTS.iter().enumerate() {
            assert!(SHORTCUTS[..place].iter().all(|other| other.name != shortcut.name));
            assert_eq!(shortcut.usual.chars().count(), 1);
        }
    }
}
