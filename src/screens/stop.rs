//! The dialog before a stop: it names the channel and what will happen.

use leptos::prelude::*;
use rules::api::{Capability, PressStop};
use rules::{Recording, RecordingId, RuleId, SessionNumber};

use super::actions::{NO_BODY, Question, channel_of, opened, question, recording};
use crate::clock::time_of_day;
use crate::desk::Desk;
use crate::dom::{Node, el};
use crate::here::here;
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
            let obstacle = sending.obstacle(desk, Capability::Operate);
            let obstacle = obstacle.or_else(|| stopped.then(|| words::said(words::ALREADY_STOPPING)));
            question(
                sending,
                Question {
                    id: "stop-title",
                    title: words::stop_title(&channel, session, away),
                    says: match (recording, standing) {
                        (Some(recording), Some(standing)) => {
                            nodes![says(recording, standing, session, now), field]
                        }
                        _ => Node::Nothing,
                    },
                    obstacle: obstacle.or_else(|| untyped.then(|| words::type_channel(&channel))),
                    cancel: words::KEEP_RECORDING,
                    press: if session.is_some() { words::STOP_SESSION } else { words::STOP_RECORDING },
                    kind: Kind::Danger,
                    path: match session {
                        Some(number) => api::stop_session(&id, number),
                        None => api::stop(&id),
                    },
                    body: recording
                        .map_or_else(|| NO_BODY.to_owned(), |recording| press_of(desk, recording, session)),
                    done: words::stop_sent(&channel, session.is_some()),
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
pub fn press_of(desk: Desk, recording: &Recording, session: Option<SessionNumber>) -> String {
    let now = desk.clock.now();
    let calls =
        desk.with_board(&recording.app, |board| rules::stop::calls_of_press(recording, board, session, now));
    serde_json::to_string(&PressStop { calls }).unwrap_or_else(|_| NO_BODY.to_owned())
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
        .add(el("dd").add(words::stop_sends(sessions, session.is_some())).add(" ").add(rule_link(rule)));
    nodes![failover, el("p").add(words::stop_does(recorded, session.is_some())), facts]
}
