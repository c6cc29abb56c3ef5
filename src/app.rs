//! The page as a whole: what is open, and the shell around it.

use leptos::prelude::*;

use crate::clock::Clock;
use crate::desk::{Desk, Link};
use crate::dom::{self, Node, live};
use crate::here::{Here, here, settle};
use crate::later::Later;
use crate::nodes;
use crate::parts::announcer::{Announcer, announcements};
use crate::parts::rule::link_rules;
use crate::route::{Dialog, Router, Screen};
use crate::screens::board::{BoardState, board_screen};
use crate::screens::shell::{focus, shell};
use crate::socket::Socket;
use crate::tasks::{follow, follow_on};
use crate::words;

/// The page.
#[component]
pub fn App() -> impl IntoView {
    let clock = Clock::new();
    let desk = Desk::new(clock);
    let router = Router::new();
    let announcer = Announcer::new();
    let board = BoardState::new(desk);
    let socket = Socket::start(desk);
    settle(Here { clock, desk, router, announcer, board, socket });
    link_rules(|rule| here().router.route().with(Dialog::Why(rule)).href());
    let later = Later::new(socket, router);
    follow_connection(desk, later, announcer);
    follow_title(desk, router, board);
    focus_on_change(router, later);
    dom::mount(nodes![
        shell(
            live(move || later.pause()),
            live(move || later.disk()),
            live(move || match router.route().screen {
                Screen::Board => board_screen(later, None),
                Screen::Beside(id) => board_screen(later, Some(id)),
                screen => later.screen(screen),
            })
        ),
        live(move || router.route().dialog.map_or(Node::Nothing, |dialog| later.dialog(dialog))),
        announcements(announcer),
    ]);
}

/// Fetches what is not on the stream with every connection and after every gap, and says when the connection changes.
fn follow_connection(desk: Desk, later: Later, announcer: Announcer) {
    follow_on(move |fetched: Option<Option<u32>>| {
        let missed = desk.missed.get();
        let known = fetched.flatten() == Some(missed);
        (desk.live() && (known || later.fetch_beside_the_stream())).then_some(missed)
    });
    follow_on(move |before: Option<bool>| {
        let live = desk.live();
        match before {
            Some(true) if !live => announcer.warn(words::said(words::CONNECTION_LOST_SAID)),
            Some(false)
                if live
                    && !matches!(desk.link.get_untracked(), Link::Connecting)
                    && desk.setup.with_untracked(Option::is_some) =>
            {
                announcer.say(words::said(words::CONNECTION_BACK));
            }
            _ => {}
        }
        live
    });
}

fn follow_title(desk: Desk, router: Router, board: BoardState) {
    follow(move || {
        let title = match router.route().screen {
            Screen::Board => {
                let (need, live) = board.numbers();
                words::board_title(need, live)
            }
            Screen::File => words::title(words::translated(words::FILE_TITLE)),
            Screen::Faults => words::title(words::translated(words::FAULTS_TITLE)),
            Screen::Wall => words::title(words::translated(words::WALL)),
            Screen::Audit => words::title(words::translated(words::audit::TITLE)),
            #[cfg(debug_assertions)]
            Screen::Parts => words::title("Parts"),
            Screen::Beside(id) | Screen::Recording(id) => {
                desk.ids.track();
                let channel = desk
                    .recording_now(&id)
                    .map_or_else(|| id.to_string(), |recording| recording.channel.to_string());
                words::title(&channel)
            }
        };
        // Setting it is dear, also to what it is.
        if document().title() != title {
            document().set_title(&title);
        }
    });
}

/// A new screen takes the focus at its title, as soon as it can be drawn; the list takes it at the row that one came
/// from, and keeps it while one walks through the rows with a recording open beside them.
fn focus_on_change(router: Router, later: Later) {
    follow_on(move |before: Option<(Screen, bool)>| {
        let now = router.route().screen;
        let there = now == Screen::Board || later.is_there();
        let Some((before, waits)) = before else { return (now, false) };
        let moves = waits || before != now;
        if moves && there {
            let walks = matches!((&before, &now), (Screen::Beside(_), Screen::Beside(_)));
            let target = match (before.recording(), &now) {
                (Some(id), Screen::Board) => format!("row-{id}"),
                (None, Screen::Board) => "board-title".to_owned(),
                (_, Screen::Recording(_) | Screen::Beside(_) | Screen::File) => "recording-title".to_owned(),
                (_, Screen::Faults) => "faults-title".to_owned(),
                (_, Screen::Audit) => "audit-title".to_owned(),
                _ => "main".to_owned(),
            };
            request_animation_frame(move || {
                let row =
                    || document().active_element().is_some_and(|active| active.id().starts_with("row-"));
                if !(walks && row()) {
                    focus(&target);
                }
            });
        }
        (now, moves && !there)
    });
}
