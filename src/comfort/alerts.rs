//! Alerts by step. A first try that fails is nobody's matter: the row says it. The last try comes to the desktop, and what
//! needs a person also sounds. Both are off until the reader asks for them, and neither speaks of what was so already when
//! the page was opened.

use core::cell::RefCell;
use core::time::Duration;
use std::rc::Rc;

use js_sys::{Function, Object, Promise, Reflect};
use leptos::prelude::*;
use rules::RecordingId;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::here::here;
use crate::kept::{keep, kept};
use crate::route::{Route, Screen};
use crate::screens::board::{Gathered, Listed};
use crate::standing::{Group, Standing};
use crate::tasks::follow;
use crate::words;

/// Where it is kept that the reader wants them.
const DESKTOP: &str = "tallylight-desktop";
const SOUND: &str = "tallylight-sound";

/// So long after a change it is clear what it came to.
const SETTLES_WITHIN: Duration = Duration::from_millis(1_000);

/// How far a recording is on the way to needing someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// It is well, or over.
    Well,
    /// The rules are at it: quiet.
    Tried,
    /// The service moves it to another server.
    Failover,
    /// The rules are at their last try.
    LastTry,
    /// The rules are at their end: a person is needed.
    Needed,
}

/// The step of a recording.
pub fn step(listed: &Listed) -> Step {
    match listed.group {
        Group::NeedsYou => Step::Needed,
        Group::Handled if listed.last_try => Step::LastTry,
        Group::Handled if matches!(listed.standing, Standing::InFailover(_)) => Step::Failover,
        Group::Handled => Step::Tried,
        Group::Recording | Group::Ended => Step::Well,
    }
}

/// What a change of step calls for: a notification on the desktop, and a sound.
fn calls_for(before: Step, now: Step) -> (bool, Option<Earcon>) {
    let rises = now > before;
    let desktop = rises && now >= Step::LastTry;
    let sound = match now {
        Step::Needed if rises => Some(Earcon::Needed),
        Step::Failover if before < Step::Failover => Some(Earcon::Failover),
        Step::Well if before >= Step::Failover => Some(Earcon::Recovered),
        _ => None,
    };
    (desktop, sound)
}

/// A short sound with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earcon {
    /// Two soft notes down.
    Failover,
    /// One low note.
    Needed,
    /// Two soft notes up.
    Recovered,
}

impl Earcon {
    /// Its notes, in hertz; each sounds for a fifth of a second.
    const fn notes(self) -> &'static [f32] {
        match self {
            Self::Failover => &[587.0, 440.0],
            Self::Needed => &[196.0],
            Self::Recovered => &[440.0, 587.0],
        }
    }
}

/// Follows every recording of the list.
pub fn begin() {
    let known: RefCell<Option<Gathered>> = RefCell::new(None);
    follow(move || {
        let desk = here().desk;
        if !desk.complete.get() {
            return;
        }
        let all = here().board.all();
        // What was so already when the page was opened is on the screen, and no news.
        let Some(before) = known.replace(Some(Rc::clone(&all))) else { return };
        for listed in all.iter() {
            let was = before.binary_search_by(|one| one.id.cmp(&listed.id)).ok().map(|place| &before[place]);
            // Most are the same as before, and there may be very many.
            if was.is_some_and(|was| Rc::ptr_eq(was, listed)) {
                continue;
            }
            let now = step(listed);
            let (desktop, sound) = calls_for(was.map_or(Step::Well, |was| step(was)), now);
            if desktop || sound.is_some() {
                alert_when_settled(listed.id.clone(), now, desktop, sound);
            }
        }
    });
}

/// Alerts if it is still so a moment later: an answer and what the rules conclude of it come one after the other.
fn alert_when_settled(id: RecordingId, then: Step, desktop: bool, sound: Option<Earcon>) {
    let alert = move || {
        let all = here().board.all();
        let Some(listed) = all.iter().find(|listed| listed.id == id).filter(|listed| step(listed) == then)
        else {
            return;
        };
        if desktop && wants_desktop() {
            notify(&id, &listed.row.channel, &listed.row.state.word, &listed.row.says);
        }
        if let Some(earcon) = sound.filter(|_| wants_sound()) {
            sound_out(earcon);
        }
    };
    set_timeout(alert, SETTLES_WITHIN);
}

/// Whether the reader wants notifications on the desktop, and the browser allows them.
pub fn wants_desktop() -> bool {
    kept(DESKTOP) == "on" && permission() == "granted"
}

/// Whether the reader wants sounds.
pub fn wants_sound() -> bool {
    kept(SOUND) == "on"
}

/// Turns sounds on or off.
pub fn switch_sound(on: bool) {
    keep(SOUND, if on { "on" } else { "" });
}

/// What the browser says: `granted`, `denied`, `default`; nothing where it has no notifications.
pub fn permission() -> String {
    let told = notification().and_then(|made| Reflect::get(&made, &"permission".into()).ok());
    told.and_then(|told| told.as_string()).unwrap_or_default()
}

/// Turns notifications on, which the browser asks about, or off. To be called while a press is handled.
pub async fn switch_desktop(on: bool) {
    keep(DESKTOP, if on { "on" } else { "" });
    if on && permission() == "default" {
        let asks = notification().and_then(|made| Reflect::get(&made, &"requestPermission".into()).ok());
        let asked = asks.and_then(|ask| ask.dyn_into::<Function>().ok()?.call0(&JsValue::UNDEFINED).ok());
        if let Some(asked) = asked.and_then(|asked| asked.dyn_into::<Promise>().ok()) {
            let _ = JsFuture::from(asked).await;
        }
    }
}

fn notification() -> Option<Object> {
    Reflect::get(&window(), &"Notification".into()).ok()?.dyn_into().ok()
}

/// Shows a notification about a recording. The one before it about the same recording makes room.
pub fn notify(id: &RecordingId, channel: &str, state: &str, says: &str) {
    let Some(made) = notification().and_then(|made| made.dyn_into::<Function>().ok()) else { return };
    let options = Object::new();
    for (name, value) in [("tag", id.as_str()), ("body", says)] {
        let _ = Reflect::set(&options, &name.into(), &value.into());
    }
    let title = words::comfort::alert_title(channel, state);
    let arguments = js_sys::Array::of2(&title.into(), &options);
    // A browser on a phone refuses this way of showing one.
    let Ok(shown) = Reflect::construct(&made, &arguments) else { return };
    let id = id.clone();
    let press = Closure::once_into_js(move || {
        let _ = window().focus();
        here().router.go(Route::to(Screen::Recording(id)));
    });
    let _ = Reflect::set(&shown, &"onclick".into(), &press);
}

/// Plays a short sound, softly.
pub fn sound_out(earcon: Earcon) {
    let Ok(context) = web_sys::AudioContext::new() else { return };
    let (Ok(oscillator), Ok(gain)) = (context.create_oscillator(), context.create_gain()) else { return };
    let begin = context.current_time() + 0.02;
    let mut at = begin;
    for note in earcon.notes() {
        let _ = oscillator.frequency().set_value_at_time(*note, at);
        let _ = gain.gain().set_value_at_time(0.0001, at);
        let _ = gain.gain().exponential_ramp_to_value_at_time(0.12, at + 0.03);
        let _ = gain.gain().exponential_ramp_to_value_at_time(0.0001, at + 0.2);
        at += 0.2;
    }
    let _ = oscillator.connect_with_audio_node(&gain);
    let _ = gain.connect_with_audio_node(&context.destination());
    let closes = context.clone();
    let ended = Closure::once_into_js(move || {
        let _ = closes.close();
    });
    oscillator.set_onended(Some(ended.unchecked_ref()));
    let _ = oscillator.start_with_when(begin);
    let _ = oscillator.stop_with_when(at);
}

#[cfg(test)]
mod tests {
    use super::{Earcon, Step, calls_for};

    #[test]
    fn a_first_try_is_quiet_the_last_comes_to_the_desktop_and_the_end_sounds() {
        assert_eq!(calls_for(Step::Well, Step::Tried), (false, None));
        assert_eq!(calls_for(Step::Tried, Step::LastTry), (true, None));
        assert_eq!(calls_for(Step::LastTry, Step::Needed), (true, Some(Earcon::Needed)));
        assert_eq!(calls_for(Step::Well, Step::Needed), (true, Some(Earcon::Needed)));
    }

    #[test]
    fn a_failover_and_its_end_sound_and_nothing_is_said_twice() {
        assert_eq!(calls_for(Step::Tried, Step::Failover), (false, Some(Earcon::Failover)));
        assert_eq!(calls_for(Step::Failover, Step::Well), (false, Some(Earcon::Recovered)));
        assert_eq!(calls_for(Step::Needed, Step::Needed), (false, None));
        assert_eq!(calls_for(Step::Needed, Step::Tried), (false, None));
        assert_eq!(calls_for(Step::Tried, Step::Well), (false, None));
    }
}
