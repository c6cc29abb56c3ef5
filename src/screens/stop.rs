//! The dialog before a stop: it names the channel and what will happen.

use leptos::prelude::*;
use rules::api::Capability;
use rules::{RecordingId, SessionNumber};

use super::actions::{Sending, footer, problem_banner};
use crate::clock::time_of_day;
use crate::desk::Desk;
use crate::parts::age::whole_seconds;
use crate::parts::announcer::Announcer;
use crate::parts::banner::Banner;
use crate::parts::button::Kind;
use crate::parts::dialog::Dialog;
use crate::parts::icon::{Glyph, Tone};
use crate::parts::id::id as id_mark;
use crate::parts::rule::rule_link;
use crate::route::{Router, Screen, api};
use crate::socket::Socket;
use crate::standing::{Standing, shown_session};
use crate::words;

/// Stop a recording, or one of its sessions.
#[component]
pub fn StopDialog(
    /// The recording.
    id: RecordingId,
    /// One session, or all.
    session: Option<SessionNumber>,
) -> impl IntoView {
    let (desk, router, socket) =
        (expect_context::<Desk>(), expect_context::<Router>(), expect_context::<Socket>());
    let sending = Sending::new();
    let for_memo = id.clone();
    let recording = Memo::new(move |_| {
        desk.ids.track();
        desk.cell(&for_memo).map(|cell| cell.get())
    });
    // Until the recording is here it is called by its id.
    let id_text = id.to_string();
    let channel = Memo::new(move |_| {
        recording.with(|recording| {
            recording.as_ref().map_or_else(|| id_text.clone(), |recording| recording.channel.to_string())
        })
    });
    let standing =
        Memo::new(move |_| recording.get().map(|recording| Standing::of(&recording, desk.clock.second())));
    let away = move || matches!(standing.get(), Some(Standing::InDoubt(_) | Standing::InFailover(_)));
    let title = Signal::derive(move || words::stop_title(&channel.get(), session, away()));
    let body = move || {
        let recording = recording.get()?;
        let standing = Standing::of(&recording, desk.clock.second());
        let shown = match session {
            Some(number) => recording.session(number),
            None => shown_session(&recording, standing),
        };
        let recorded = shown
            .and_then(|session| session.confirmed)
            .map(|since| whole_seconds(since, desk.clock.second()));
        let t0 = shown.and_then(|session| session.doubt).map(|doubt| doubt.t0);
        let (billed, perhaps) = recording.billed();
        let sessions = if session.is_some() { 1 } else { billed + perhaps };
        let files = shown.map_or(0, |session| usize::from(session.failovers) + 1);
        let sid = shown.and_then(|session| session.sid.as_ref()).map(ToString::to_string);
        let sid_name = words::sid_of(recording.channel.as_str());
        Some(view! {
            {t0.map(|t0| {
                let until = time_of_day(t0 + agora::limits::FAILOVER_TOTAL);
                view! {
                    <Banner tone=Tone::Failover mark=Glyph::Failover boxed=true>
                        <p><b>{words::stop_during_failover(&until)}</b> " " {words::STOP_GETS_404} " " {rule_link(rules::RuleId::T3)}</p>
                    </Banner>
                }
            })}
            <p>{words::stop_does(recorded, session.is_some())}</p>
            <dl class="facts">
                {sid.map(|sid| view! { <dt>"sid"</dt><dd>{id_mark(sid, sid_name)}</dd> })}
                <dt>"Files"</dt><dd>{words::index_files(files)}</dd>
                <dt>"Sends"</dt>
                <dd>{words::stop_sends(sessions)} " " {rule_link(if session.is_some() { rules::RuleId::T7 } else { rules::RuleId::T1 })}</dd>
            </dl>
        })
    };
    let stopped = move || {
        recording.with(|recording| {
            recording.as_ref().is_some_and(|recording| session.is_none() && recording.stop.is_some())
        })
    };
    let obstacle = Signal::derive(move || {
        sending
            .obstacle(desk, Capability::Operate)
            .or_else(|| stopped().then(|| words::ALREADY_STOPPING.to_owned()))
    });
    let path = match session {
        Some(number) => api::stop_session(&id, number),
        None => api::stop(&id),
    };
    let press = move || {
        let announcer = use_context::<Announcer>();
        let (path, channel) = (path.clone(), channel.get_untracked());
        let back_to = match router.route_now().screen {
            Screen::Board => format!("row-{id}"),
            Screen::Recording(_) | Screen::Faults => "recording-title".to_owned(),
        };
        sending.send(
            async move { socket.command::<serde_json::Value>(&path, &serde_json::json!({}), None).await },
            move |_| {
                if let Some(announcer) = announcer {
                    announcer.say(words::stop_sent(&channel));
                }
                router.close_dialog();
                // The button that opened the dialog goes away with the press: its row takes the focus.
                request_animation_frame(move || {
                    request_animation_frame(move || super::shell::focus(&back_to))
                });
            },
        );
    };
    let word = if session.is_some() { words::STOP_SESSION } else { words::STOP_RECORDING };
    view! {
        <Dialog id="stop-title" title=title on_close=Callback::new(move |()| router.close_dialog())>
            <div class="body">{body} {problem_banner(sending.problem)}</div>
            {footer(obstacle, words::KEEP_RECORDING, Signal::stored(word.to_owned()), Kind::Danger, move || router.close_dialog(), press)}
        </Dialog>
    }
}
