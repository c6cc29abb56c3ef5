//! The page as a whole: what is open, and the shell around it.

use leptos::prelude::*;
use rules::RuleId;

use crate::clock::Clock;
use crate::desk::{Desk, Link};
use crate::parts::announcer::{Announcer, announcements};
use crate::parts::rule::RuleLinks;
use crate::route::{Dialog, Router, Screen};
use crate::screens::actions::{AcknowledgeDialog, DismissDialog, TryAgainDialog};
use crate::screens::board::{BoardScreen, BoardState};
use crate::screens::faults::FaultsScreen;
use crate::screens::recording::RecordingScreen;
use crate::screens::shell::{Shell, focus};
use crate::screens::start::StartDialog;
use crate::screens::stop::StopDialog;
use crate::screens::watch::WatchDialog;
use crate::screens::why::WhyDialog;
use crate::socket::Socket;
use crate::words;

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let clock = Clock::new();
    let desk = Desk::new(clock);
    let router = Router::new();
    let announcer = Announcer::new();
    provide_context(clock);
    provide_context(desk);
    provide_context(router);
    provide_context(announcer);
    provide_context(RuleLinks(Callback::new(move |(rule,): (RuleId,)| {
        router.route().with(Dialog::Why(rule)).href()
    })));
    let board = BoardState::new(desk);
    provide_context(board);
    let socket = Socket::start(desk);
    provide_context(socket);
    follow_connection(desk, socket, announcer);
    follow_title(desk, router, board);
    let screen = Memo::new(move |_| router.route().screen);
    let dialog = Memo::new(move |_| router.route().dialog);
    focus_on_change(screen);
    view! {
        <Shell>
            {move || match screen.get() {
                Screen::Board => view! { <BoardScreen /> }.into_any(),
                Screen::Recording(id) => view! { <RecordingScreen id=id /> }.into_any(),
                Screen::Faults => view! { <FaultsScreen /> }.into_any(),
            }}
        </Shell>
        {move || {
            dialog.get().map(|dialog| match dialog {
                Dialog::Start(channel) => view! { <StartDialog channel=channel /> }.into_any(),
                Dialog::Watch => view! { <WatchDialog /> }.into_any(),
                Dialog::Stop(id) => view! { <StopDialog id=id session=None /> }.into_any(),
                Dialog::StopSession(id, session) => view! { <StopDialog id=id session=Some(session) /> }.into_any(),
                Dialog::TryAgain(id) => view! { <TryAgainDialog id=id /> }.into_any(),
                Dialog::Acknowledge(id, entry) => view! { <AcknowledgeDialog id=id entry=entry /> }.into_any(),
                Dialog::Dismiss(id, session) => view! { <DismissDialog id=id session=session /> }.into_any(),
                Dialog::Why(rule) => view! { <WhyDialog rule=rule /> }.into_any(),
            })
        }}
        {announcements(announcer)}
    }
}

/// Fetches what can be asked for with every connection, and says when the connection changes.
fn follow_connection(desk: Desk, socket: Socket, announcer: Announcer) {
    let live = Memo::new(move |_| desk.live());
    Effect::new(move |before: Option<bool>| {
        let live = live.get();
        if live {
            socket.fetch_setup();
            socket.fetch_ended();
        }
        match before {
            Some(true) if !live => announcer.warn(words::CONNECTION_LOST_SAID.to_owned()),
            Some(false)
                if live
                    && !matches!(desk.link.get_untracked(), Link::Connecting)
                    && desk.setup.with_untracked(Option::is_some) =>
            {
                announcer.say(words::CONNECTION_BACK.to_owned());
            }
            _ => {}
        }
        live
    });
}

fn follow_title(desk: Desk, router: Router, board: BoardState) {
    let title = Memo::new(move |_| {
        let (need, live) = board.numbers();
        match router.route().screen {
            Screen::Board => words::board_title(need, live),
            Screen::Faults => words::title(words::FAULTS_TITLE),
            Screen::Recording(id) => {
                desk.ids.track();
                let channel = desk
                    .recording_now(&id)
                    .map_or_else(|| id.to_string(), |recording| recording.channel.to_string());
                words::title(&channel)
            }
        }
    });
    Effect::new(move |_| document().set_title(&title.get()));
}

/// A new screen takes the focus at its title; the list takes it at the row that one came from.
fn focus_on_change(screen: Memo<Screen>) {
    Effect::new(move |before: Option<Screen>| {
        let now = screen.get();
        if let Some(before) = before.filter(|before| *before != now) {
            let target = match (&before, &now) {
                (Screen::Recording(id), Screen::Board) => format!("row-{id}"),
                (_, Screen::Board) => "board-title".to_owned(),
                (_, Screen::Recording(_)) => "recording-title".to_owned(),
                (_, Screen::Faults) => "faults-title".to_owned(),
            };
            request_animation_frame(move || focus(&target));
        }
        now
    });
}
