//! The dialog before a stop: it names the channel and what will happen.

use leptos::prelude::*;
use rules::api::{Capability, PressStop};
use rules::{Recording, RecordingId, RuleId, SessionNumber};

use super::actions::{NO_BODY, Question, channel_of, opened, question, recording};
use crate::clock::time_of_day;
use crate::desk::Desk;
use crate::dom::{Element, Node, el};
use crate::here::here;
use crate::kept::kept;
use crate::nodes;
use crate::parts::age::whole_seconds;
use crate::parts::banner::banner;
use crate::parts::button::Kind;
use crate::parts::field::{TextField, text_field};
use crate::parts::icon::{Glyph, Tone};
use crate::parts::id::id as id_mark;
use crate::parts::rule::rule_link;
use crate::route::{Screen, api};
use crate::standing::{Standing, shown_session};
use crate::words;

/// Stop a recording, or one of its sessions.
pub fn stop_dialog(id: RecordingId, session: Option<SessionNumber>) -> Node {
    opened(move |sending| {
        let desk = here().desk;
        let typed = RwSignal::new(String::new());
        let reason = RwSignal::new(String::new());
        move || {
            let recording = recording(desk, &id);
            let recording = recording.as_deref();
            let channel = channel_of(recording, &id);
            let now = desk.clock.second();
            let standing = recording.map(|recording| Standing::of(recording, now));
            let away = matches!(standing, Some(Standing::InDoubt(_) | Standing::InFailover(_)));
            let stopped = session.is_none() && recording.is_some_and(|recording| recording.stop.is_some());
            // What is away usually comes back by itself: to stop it then is meant, not pressed by habit.
            let untyped = away && typed.with(|typed| typed.trim() != channel);
            let field = away.then(|| {
                let hint = words::type_channel(&channel);
                text_field(TextField {
                    autofocus: true,
                    ..TextField::new("stop-channel", "Channel", typed, hint)
                })
            });
            let obstacle = sending.obstacle_to_stop(desk, Capability::Operate);
            let obstacle = obstacle.or_else(|| stopped.then(|| words::said(words::ALREADY_STOPPING)));
            question(
                sending,
                Question {
                    id: "stop-title",
                    title: words::stop_title(&channel, session, away),
                    says: match (recording, standing) {
                        (Some(recording), Some(standing)) => {
                            nodes![says(recording, standing, session, now), field, reason_field(reason)]
                        }
                        _ => Node::Nothing,
                    },
                    obstacle: obstacle.or_else(|| untyped.then(|| words::type_channel(&channel))),
                    cancel: words::KEEP_RECORDING,
                    press: if session.is_some() { words::STOP_SESSION } else { words::STOP_RECORDING },
                    kind: Kind::Danger,
                    path: match session {
                        Some(number) => api::stop_session(&id, number),
                        None => api::stop(&id, undo_seconds()),
                    },
                    body: reason.with(|reason| press_of(desk, recording, session, reason)),
                    done: words::stop_sent(&channel, session.is_some(), undo_seconds()),
                    // The button that opened the dialog goes away with the press: its row takes the focus.
                    back_to: Some(match sending.router.route_now().screen {
                        Screen::Board => ["row-", id.as_str()].concat(),
                        _ => "recording-title".to_owned(),
                    }),
                },
            )
        }
    })
}

/// The press, with the calls that it leads to: they leave when it is due, also if this page is closed by then.
pub fn press_of(
    desk: Desk,
    recording: Option<&Recording>,
    session: Option<SessionNumber>,
    reason: &str,
) -> String {
    let now = desk.clock.now();
    let calls = recording.map_or_else(Vec::new, |recording| {
        desk.with_board(&recording.app, |board| rules::stop::calls_of_press(recording, board, session, now))
    });
    let reason = reason.trim().chars().take(500).collect();
    serde_json::to_string(&PressStop { calls, reason }).unwrap_or_else(|_| NO_BODY.to_owned())
}

/// Why it is stopped. Nobody must say so: a stop at three in the morning waits for no form.
pub fn reason_field(reason: RwSignal<String>) -> Element {
    text_field(TextField::new("stop-reason", words::STOP_REASON, reason, words::STOP_REASON_HINT))
}

/// For how many seconds a stop can be taken back, to choose from: none for those who never need it, and ten times the usual
/// for those who need long to reach the button (WCAG 2.2.1).
pub const UNDO_SECONDS: [u32; 4] = [5, 20, 50, 0];

/// Where it is kept for how long a stop can be taken back.
pub const UNDO: &str = "tallylight-undo";

/// For how many seconds a stop can be taken back; five unless the reader wants another time.
pub fn undo_seconds() -> u32 {
    kept(UNDO).parse().ok().filter(|kept| UNDO_SECONDS.contains(kept)).unwrap_or(UNDO_SECONDS[0])
}

/// What a stop does now.
fn says(
    recording: &rules::Recording,
    standing: Standing,
    session: Option<SessionNumber>,
    now: agora::Timestamp,
) -> Node {
    let shown = match session {
        Some(number) => recording.session(number),
        None => shown_session(recording, standing),
    };
    let recorded = shown.and_then(|session| session.confirmed).map(|since| whole_seconds(since, now));
    let failover = shown.and_then(|session| session.doubt).map(|doubt| {
        let until = time_of_day(doubt.t0 + agora::limits::FAILOVER_TOTAL);
        let says = el("p")
            .add(el("b").add(words::stop_during_failover(&until)))
            .add(" ")
            .add(words::STOP_GETS_404)
            .add(" ")
            .add(rule_link(RuleId::T3));
        banner(Tone::Failover, Glyph::Failover, true).add(says)
    });
    let (billed, perhaps) = recording.billed();
    let sessions = if session.is_some() { 1 } else { billed + perhaps };
    let files = shown.map_or(0, |session| usize::from(session.failovers) + 1);
    let sid = shown.and_then(|session| session.sid.as_ref()).map(|sid| {
        let mark = id_mark(sid.as_str(), &words::sid_of(recording.channel.as_str()));
        nodes![el("dt").add("sid"), el("dd").add(mark)]
    });
    let rule = if session.is_some() { RuleId::T7 } else { RuleId::T1 };
    let facts = el("dl.facts")
        .add(sid)
        .add(el("dt").add("Files"))
        .add(el("dd").add(words::index_files(files)))
        .add(el("dt").add("Sends"))
        .add(
            el("dd")
                .add(words::stop_sends(sessions, session.is_some(), undo_seconds()))
                .add(" ")
                .add(rule_link(rule)),
        );
    nodes![failover, el("p").add(words::stop_does(recorded, session.is_some())), facts]
}
