//! Small dialogs about one recording: try again, note an alarm, take a session off the board, and what a command needs.

use leptos::prelude::*;
use rules::api::{Acknowledge, Capability, Dismiss, Problem};
use rules::{EntryNumber, RecordingId, SessionNumber};
use wasm_bindgen_futures::spawn_local;

use crate::clock::time_of_day;
use crate::desk::Desk;
use crate::parts::announcer::Announcer;
use crate::parts::banner::Banner;
use crate::parts::button::{Kind, button};
use crate::parts::dialog::Dialog;
use crate::parts::field::TextField;
use crate::parts::icon::{Glyph, Tone};
use crate::parts::rule::{rule_link, rule_mark};
use crate::route::{Router, api};
use crate::socket::Socket;
use crate::words;

/// A command that is on its way, or what came of it.
#[derive(Clone, Copy)]
pub struct Sending {
    /// It was sent and is not answered.
    pub busy: RwSignal<bool>,
    /// Why it was refused.
    pub problem: RwSignal<Option<Problem>>,
}

impl Sending {
    /// Nothing was sent.
    pub fn new() -> Self {
        Self { busy: RwSignal::new(false), problem: RwSignal::new(None) }
    }

    /// Why nothing can be sent now, if so: no connection, no permission, or a press that is on its way.
    pub fn obstacle(self, desk: Desk, needed: Capability) -> Option<String> {
        if !desk.live() {
            Some(words::NO_ACTIONS.to_owned())
        } else if !desk.may(needed) {
            Some(words::no_permission(needed))
        } else if self.busy.get() {
            Some(words::SENDING.to_owned())
        } else {
            None
        }
    }

    /// Sends, and does `then` when it was taken.
    pub fn send<Answer: 'static>(
        self,
        command: impl Future<Output = Result<Answer, Problem>> + 'static,
        then: impl FnOnce(Answer) + 'static,
    ) {
        if self.busy.get_untracked() {
            return;
        }
        let announcer = use_context::<Announcer>();
        self.busy.set(true);
        self.problem.set(None);
        spawn_local(async move {
            let answer = command.await;
            // The dialog may be gone by now.
            let there = self.busy.try_set(false).is_none();
            match answer {
                Ok(answer) => then(answer),
                Err(problem) => {
                    if let Some(announcer) = announcer {
                        announcer.warn(problem.title.clone());
                    }
                    if there {
                        self.problem.set(Some(problem));
                    }
                }
            }
        });
    }
}

/// The proxy's refusal, where the person looks.
pub fn problem_banner(problem: RwSignal<Option<Problem>>) -> impl IntoView {
    move || {
        problem.get().map(|problem| {
            view! {
                <Banner tone=Tone::Critical mark=Glyph::Critical boxed=true>
                    <p><b>{words::REFUSED}</b> " " {words::sentence(&problem.title)} " " {problem.rule.map(rule_link)}</p>
                </Banner>
            }
        })
    }
}

/// The footer of a dialog: the reason why not, the way out, and the press.
pub fn footer(
    obstacle: Signal<Option<String>>,
    cancel: &'static str,
    press_word: Signal<String>,
    kind: Kind,
    on_cancel: impl Fn() + 'static,
    on_press: impl Fn() + 'static,
) -> impl IntoView {
    let blocked = Signal::derive(move || obstacle.with(Option::is_some));
    view! {
        <footer>
            <p class="why" id="obstacle">{move || obstacle.get()}</p>
            {button(Kind::Usual, cancel, Signal::stored(false), "obstacle", true, on_cancel)}
            {button(kind, press_word, blocked, "obstacle", false, on_press)}
        </footer>
    }
}

fn channel_of(desk: Desk, id: &RecordingId) -> String {
    desk.recording_now(id).map_or_else(|| id.to_string(), |recording| recording.channel.to_string())
}

/// Go on after the rules waited for staff.
#[component]
pub fn TryAgainDialog(
    /// The recording.
    id: RecordingId,
) -> impl IntoView {
    let (desk, router, socket) =
        (expect_context::<Desk>(), expect_context::<Router>(), expect_context::<Socket>());
    let sending = Sending::new();
    let channel = channel_of(desk, &id);
    let says = desk
        .recording_now(&id)
        .map(|recording| {
            let standing = crate::standing::Standing::of(&recording, desk.clock.now());
            words::standing::says(standing, &recording, recording.current(), time_of_day)
        })
        .unwrap_or_default();
    let obstacle = Signal::derive(move || sending.obstacle(desk, Capability::Operate));
    let done = channel.clone();
    let press = move || {
        let announcer = use_context::<Announcer>();
        let (path, done) = (api::command(&id, "try-again"), done.clone());
        sending.send(
            async move { socket.command::<serde_json::Value>(&path, &serde_json::json!({}), None).await },
            move |_| {
                if let Some(announcer) = announcer {
                    announcer.say(words::tried_again(&done));
                }
                router.close_dialog();
            },
        );
    };
    view! {
        <Dialog id="try-title" title=words::try_again_title(&channel) on_close=Callback::new(move |()| router.close_dialog())>
            <div class="body"><p>{says}</p><p>{words::TRY_AGAIN_DOES}</p>{problem_banner(sending.problem)}</div>
            {footer(obstacle, words::CANCEL, Signal::stored(words::TRY_AGAIN.to_owned()), Kind::Primary, move || router.close_dialog(), press)}
        </Dialog>
    }
}

/// Note that an alarm was seen.
#[component]
pub fn AcknowledgeDialog(
    /// The recording.
    id: RecordingId,
    /// The entry that raised it.
    entry: EntryNumber,
) -> impl IntoView {
    let (desk, router, socket) =
        (expect_context::<Desk>(), expect_context::<Router>(), expect_context::<Socket>());
    let sending = Sending::new();
    let channel = channel_of(desk, &id);
    let says = desk
        .recording_now(&id)
        .and_then(|recording| {
            let alarm = recording.alarms.iter().find(|alarm| alarm.entry == entry)?;
            Some(words::standing::alarm(alarm, &recording, time_of_day))
        })
        .unwrap_or_else(|| words::ALARM_GONE.to_owned());
    let obstacle = Signal::derive(move || sending.obstacle(desk, Capability::Operate));
    let done = channel.clone();
    let press = move || {
        let announcer = use_context::<Announcer>();
        let (path, done) = (api::command(&id, "acknowledge"), done.clone());
        sending.send(
            async move { socket.command::<serde_json::Value>(&path, &Acknowledge { alarm: entry }, None).await },
            move |_| {
                if let Some(announcer) = announcer {
                    announcer.say(words::acknowledged(&done));
                }
                router.close_dialog();
            },
        );
    };
    view! {
        <Dialog id="acknowledge-title" title=words::acknowledge_title(&channel) on_close=Callback::new(move |()| router.close_dialog())>
            <div class="body"><p>{says}</p><p>{words::ACKNOWLEDGE_DOES}</p>{problem_banner(sending.problem)}</div>
            {footer(obstacle, words::CANCEL, Signal::stored(words::ACKNOWLEDGE.to_owned()), Kind::Primary, move || router.close_dialog(), press)}
        </Dialog>
    }
}

/// Take a possible orphan, or a session out of control, off the board.
#[component]
pub fn DismissDialog(
    /// The recording.
    id: RecordingId,
    /// The session.
    session: SessionNumber,
) -> impl IntoView {
    let (desk, router, socket) =
        (expect_context::<Desk>(), expect_context::<Router>(), expect_context::<Socket>());
    let sending = Sending::new();
    let reason = RwSignal::new(String::new());
    let channel = channel_of(desk, &id);
    let obstacle = Signal::derive(move || {
        let empty = reason.with(|reason| reason.trim().is_empty()).then(|| words::REASON_NEEDED.to_owned());
        sending.obstacle(desk, Capability::Lead).or(empty)
    });
    let done = channel.clone();
    let press = move || {
        let announcer = use_context::<Announcer>();
        let (path, done) = (api::command(&id, "dismiss"), done.clone());
        let body = Dismiss { session, reason: reason.get_untracked().trim().chars().take(500).collect() };
        sending.send(
            async move { socket.command::<serde_json::Value>(&path, &body, None).await },
            move |_| {
                if let Some(announcer) = announcer {
                    announcer.say(words::dismissed(&done));
                }
                router.close_dialog();
            },
        );
    };
    view! {
        <Dialog id="dismiss-title" title=words::dismiss_title(&channel, session) on_close=Callback::new(move |()| router.close_dialog())>
            <div class="body">
                <p>{words::DISMISS_DOES} " " {rule_mark(rules::RuleId::S9)}</p>
                <TextField id="dismiss-reason" label="Reason" value=reason hint=words::REASON_HINT.to_owned() autofocus=true />
                {problem_banner(sending.problem)}
            </div>
            {footer(obstacle, words::CANCEL, Signal::stored(words::DISMISS_PRESS.to_owned()), Kind::Primary, move || router.close_dialog(), press)}
        </Dialog>
    }
}
