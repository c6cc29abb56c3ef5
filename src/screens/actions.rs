//! Small dialogs about one recording: try again, note an alarm, take a session off the board, and what a command needs.

use std::pin::Pin;
use std::sync::Arc;

use leptos::prelude::*;
use rules::api::{Acknowledge, Asked, Capability, Dismiss, Problem};
use rules::{EntryNumber, Recording, RecordingId, RuleId, SessionNumber};

use crate::clock::time_of_day;
use crate::desk::Desk;
use crate::dom::{Element, Node, el, part};
use crate::here::here;
use crate::nodes;
use crate::parts::announcer::Announcer;
use crate::parts::banner::banner;
use crate::parts::button::{Kind, button};
use crate::parts::dialog::{dialog, keep_focus};
use crate::parts::field::{TextField, text_field};
use crate::parts::icon::{Glyph, Tone};
use crate::parts::rule::{rule_link, rule_mark};
use crate::route::{Route, Router, Screen, api};
use crate::socket::{FormKey, Socket};
use crate::standing::Standing;
use crate::tasks::spawn;
use crate::words;

/// The body of a command that says all by its address.
pub const NO_BODY: &str = "{}";

/// What a command is sent by, and what came of it. A handle: copies are the same command.
#[derive(Clone, Copy)]
pub struct Sending {
    /// It was sent and is not answered.
    busy: RwSignal<bool>,
    /// Why it was refused.
    pub problem: RwSignal<Option<Problem>>,
    /// The way through the page.
    pub router: Router,
    socket: Socket,
    announcer: Announcer,
}

impl Sending {
    /// Nothing was sent. To be called where a part begins.
    pub fn new() -> Self {
        Self {
            busy: RwSignal::new(false),
            problem: RwSignal::new(None),
            router: here().router,
            socket: here().socket,
            announcer: here().announcer,
        }
    }

    /// Why nothing can be sent now, if so: no connection, no permission, a press that is on its way, or a journal that
    /// cannot be written.
    pub fn obstacle(self, desk: Desk, needed: Capability) -> Option<String> {
        self.obstacle_to_stop(desk, needed).or_else(|| {
            desk.unwritten.with(|unwritten| Some(words::disk::only_stops(&unwritten.as_ref()?.reason)))
        })
    }

    /// Why not even a stop can be sent or taken back now: those go out also where nothing can be written (D9).
    pub fn obstacle_to_stop(self, desk: Desk, needed: Capability) -> Option<String> {
        if !desk.live() {
            Some(words::said(words::NO_ACTIONS))
        } else if !desk.may(needed) {
            Some(words::no_permission(needed))
        } else if self.busy.get() {
            Some(words::said(words::SENDING))
        } else {
            None
        }
    }

    /// Sends, unless something is on its way already.
    pub fn send(self, command: impl Future<Output = Result<(), Problem>> + 'static) {
        self.run(Box::pin(command));
    }

    /// Sends a command, says `done` when it was taken, and does `then`.
    pub fn post(self, path: String, body: String, done: String, then: Box<dyn FnOnce()>) {
        self.send(async move {
            self.socket.order(&path, body, None).await?;
            self.announcer.say(done);
            then();
            Ok(())
        });
    }

    /// Asks for a recording under the key of its form, says so, and goes on to it. `done` is given the channel, and whether
    /// the recording existed before.
    pub fn ask(
        self,
        path: &'static str,
        body: String,
        key: &FormKey,
        channel: String,
        done: fn(&str, bool) -> String,
    ) {
        let key = key.of(&body);
        self.send(async move {
            let asked: Asked = self.socket.ask(path, body, &key).await?;
            self.announcer.say(done(&channel, asked.existing));
            self.router.go_on(Route::to(Screen::Recording(asked.recording)));
            Ok(())
        });
    }

    fn run(self, command: Pin<Box<dyn Future<Output = Result<(), Problem>>>>) {
        if self.busy.get_untracked() {
            return;
        }
        here().desk.pause(false);
        self.busy.set(true);
        self.problem.set(None);
        spawn(async move {
            let answer = command.await;
            // The dialog may be gone by now.
            let there = self.busy.try_set(false).is_none();
            if let Err(problem) = answer {
                self.announcer.warn(problem.title.clone());
                if there {
                    self.problem.set(Some(problem));
                }
            }
        });
    }
}

/// The proxy's refusal, where the person looks.
pub fn problem_banner(problem: RwSignal<Option<Problem>>) -> Node {
    problem.with(|problem| {
        let Some(problem) = problem else { return Node::Nothing };
        let says = el("p")
            .add(el("b").add(words::REFUSED))
            .add(" ")
            .add(words::sentence(&problem.title))
            .add(" ")
            .add(problem.rule.map(rule_link));
        banner(Tone::Critical, Glyph::Critical, true).add(says).into()
    })
}

/// The footer of a dialog: the reason why not, the way out, and the press.
pub fn footer(
    obstacle: Option<String>,
    cancel: &'static str,
    press_word: &'static str,
    kind: Kind,
    on_cancel: impl Fn() + 'static,
    on_press: impl Fn() + 'static,
) -> Element {
    let blocked = obstacle.is_some();
    el("footer")
        .add(el("p.why").id("obstacle").add(obstacle))
        .add(button(Kind::Usual, cancel, false, "obstacle", true, on_cancel))
        .add(button(kind, press_word, blocked, "obstacle", false, on_press))
}

/// An open dialog as a part of the page. Another address is another dialog, which begins anew.
pub fn opened<D: Fn() -> Node + 'static>(begin: impl FnOnce(Sending) -> D + 'static) -> Node {
    let key = here().router.route_now().href();
    part(key, move || {
        keep_focus();
        // What is done is done to what is, not to what was.
        here().desk.pause(false);
        begin(Sending::new())
    })
}

/// A recording that a dialog is about: it may still be on its way to this page.
pub fn recording(desk: Desk, id: &RecordingId) -> Option<Arc<Recording>> {
    desk.ids.track();
    desk.cell(id).map(|cell| cell.get())
}

/// Its channel; until the recording is here it is called by its id.
pub fn channel_of(recording: Option<&Recording>, id: &RecordingId) -> String {
    recording.map_or_else(|| id.to_string(), |recording| recording.channel.to_string())
}

/// What a dialog asks before it sends a command.
pub struct Question {
    /// The title's element id.
    pub id: &'static str,
    /// The title.
    pub title: String,
    /// What it says, and what it asks for.
    pub says: Node,
    /// Why the command cannot be sent, if so.
    pub obstacle: Option<String>,
    /// The word for not sending it.
    pub cancel: &'static str,
    /// The word for sending it.
    pub press: &'static str,
    /// How grave that is.
    pub kind: Kind,
    /// Where the command goes.
    pub path: String,
    /// Its body.
    pub body: String,
    /// What is said when it was taken.
    pub done: String,
    /// What takes the focus then, if the button that opened the dialog goes away with it.
    pub back_to: Option<String>,
}

/// The dialog that asks. It closes when the command was taken.
pub fn question(sending: Sending, question: Question) -> Node {
    let Question { id, title, says, obstacle, cancel, press, kind, path, body, done, back_to } = question;
    let close = move || sending.router.close_dialog();
    let send = move || {
        let back_to = back_to.clone();
        let then = move || {
            close();
            if let Some(back_to) = back_to {
                request_animation_frame(move || {
                    request_animation_frame(move || super::shell::focus(&back_to));
                });
            }
        };
        sending.post(path.clone(), body.clone(), done.clone(), Box::new(then));
    };
    let content = nodes![
        el("div.body").add(says).add(problem_banner(sending.problem)),
        footer(obstacle, cancel, press, kind, close, send),
    ];
    dialog(id, title.into(), "", close, content).into()
}

/// Go on after the rules waited for staff.
pub fn try_again_dialog(id: RecordingId) -> Node {
    opened(move |sending| {
        let desk = here().desk;
        move || {
            let recording = recording(desk, &id);
            let channel = channel_of(recording.as_deref(), &id);
            let says = recording.map(|recording| {
                let standing = Standing::of(&recording, desk.clock.now());
                words::standing::says(standing, &recording, recording.current(), time_of_day)
            });
            question(
                sending,
                Question {
                    id: "try-title",
                    title: words::try_again_title(&channel),
                    says: nodes![el("p").add(says), el("p").add(words::TRY_AGAIN_DOES)],
                    obstacle: sending.obstacle(desk, Capability::Operate),
                    cancel: words::CANCEL,
                    press: words::TRY_AGAIN,
                    kind: Kind::Primary,
                    path: api::command(&id, "try-again"),
                    body: NO_BODY.to_owned(),
                    done: words::tried_again(&channel),
                    back_to: None,
                },
            )
        }
    })
}

/// Note that the alarm that this entry raised was seen.
pub fn acknowledge_dialog(id: RecordingId, entry: EntryNumber) -> Node {
    opened(move |sending| {
        let desk = here().desk;
        move || {
            let recording = recording(desk, &id);
            let channel = channel_of(recording.as_deref(), &id);
            let says = recording.and_then(|recording| {
                let alarm = recording.alarms.iter().find(|alarm| alarm.entry == entry)?;
                Some(words::standing::alarm(alarm, &recording, time_of_day))
            });
            let says = says.unwrap_or_else(|| words::said(words::ALARM_GONE));
            question(
                sending,
                Question {
                    id: "acknowledge-title",
                    title: words::acknowledge_title(&channel),
                    says: nodes![el("p").add(says), el("p").add(words::ACKNOWLEDGE_DOES)],
                    obstacle: sending.obstacle(desk, Capability::Operate),
                    cancel: words::CANCEL,
                    press: words::ACKNOWLEDGE,
                    kind: Kind::Primary,
                    path: api::command(&id, "acknowledge"),
                    body: serde_json::to_string(&Acknowledge { alarm: entry }).unwrap_or_default(),
                    done: words::acknowledged(&channel),
                    back_to: None,
                },
            )
        }
    })
}

/// Take a possible orphan, or a session out of control, off the board.
pub fn dismiss_dialog(id: RecordingId, session: SessionNumber) -> Node {
    opened(move |sending| {
        let desk = here().desk;
        let reason = RwSignal::new(String::new());
        move || {
            let channel = channel_of(recording(desk, &id).as_deref(), &id);
            let given: String = reason.with(|reason| reason.trim().chars().take(500).collect());
            let missing = given.is_empty().then(|| words::said(words::REASON_NEEDED));
            let field = TextField::new("dismiss-reason", "Reason", reason, words::REASON_HINT);
            question(
                sending,
                Question {
                    id: "dismiss-title",
                    title: words::dismiss_title(&channel, session),
                    says: nodes![
                        el("p").add(words::DISMISS_DOES).add(" ").add(rule_mark(RuleId::S9)),
                        text_field(TextField { autofocus: true, ..field }),
                    ],
                    obstacle: sending.obstacle(desk, Capability::Lead).or(missing),
                    cancel: words::CANCEL,
                    press: words::DISMISS_PRESS,
                    kind: Kind::Primary,
                    path: api::command(&id, "dismiss"),
                    body: serde_json::to_string(&Dismiss { session, reason: given }).unwrap_or_default(),
                    done: words::dismissed(&channel),
                    back_to: None,
                },
            )
        }
    })
}
