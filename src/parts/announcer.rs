//! The one polite voice of the page. Timers are silent; only changes of state and the results of one's own actions are said.

use core::time::Duration;

use leptos::prelude::*;

use crate::dom::{Node, el, live};

/// What happens within this long is said in one breath.
const COALESCED: Duration = Duration::from_millis(1_500);

/// Says things to assistive technology. A handle: copies are the same voice.
#[derive(Debug, Clone, Copy)]
pub struct Announcer {
    waiting: StoredValue<Vec<String>>,
    said: RwSignal<String>,
    alert: RwSignal<String>,
}

impl Announcer {
    /// A voice that has said nothing.
    pub fn new() -> Self {
        Self {
            waiting: StoredValue::new(Vec::new()),
            said: RwSignal::new(String::new()),
            alert: RwSignal::new(String::new()),
        }
    }

    /// Says this when the reader has a moment.
    pub fn say(self, text: String) {
        let first = self.waiting.try_update_value(|waiting| {
            waiting.push(text);
            waiting.len() == 1
        });
        if first == Some(true) {
            // Cleared first, so that the same words are spoken again.
            self.said.set(String::new());
            set_timeout(
                move || {
                    let words = self.waiting.try_update_value(core::mem::take).unwrap_or_default();
                    self.said.set(words.join(" "));
                },
                COALESCED,
            );
        }
    }

    /// Interrupts: something is lost or was refused.
    pub fn warn(self, text: String) {
        self.alert.set(text);
    }
}

/// The regions that are read aloud.
pub fn announcements(announcer: Announcer) -> Node {
    let region = |role: &'static str, text: RwSignal<String>| {
        let region =
            move |words: Node| el("div.unseen").set("role", role).set("aria-atomic", "true").add(words);
        live(move || region(text.get().into()).into())
    };
    Node::Many(vec![region("status", announcer.said), region("alert", announcer.alert)])
}
