//! What is said about many recordings at once.

use super::{Counted, SESSIONS, counted, say, sentences};
use crate::list::Became;

/// Recordings, counted.
pub const COUNTED: Counted = ("1 recording", "{} recordings");
pub const SHOW: &str = "Show";
pub const PICK_NONE: &str = "Choose none";
pub const BREAK_OFF: &str = "Break off, and take back what is not sent";
pub const STOPS_ALREADY: &str = "Stops already; it is not asked again.";
pub const IS_OVER: &str = "Is over; nothing is sent.";
pub const WAITS_FOR_404: &str =
    "Is away: a stop is answered 404 now, and is sent again when the session is back.";
pub const NOTHING_TO_STOP: &str = "None of them can be stopped.";
pub const HOW_MANY: &str = "How many";
pub const WOULD: &str = "What a stop does";
pub const BECAME: &str = "What became of it";
pub const GOES_ON_CLOSED: &str = "It goes on when this is closed.";

/// The name of the box that chooses a row.
pub fn pick(channel: &str) -> String {
    say!("Choose {}", channel)
}

/// The name of the box over the others.
pub fn pick_all(count: usize) -> String {
    say!("Choose all {} shown that can be stopped", count)
}

/// How many rows are chosen.
pub fn picked(count: usize) -> String {
    say!("{} chosen", counted(count, COUNTED))
}

/// On the way to the dry run.
pub fn stop_picked(count: usize) -> String {
    say!("Stop {}…", count)
}

/// The press that stops.
pub const fn stop_picked_press(count: usize) -> &'static str {
    if count == 1 { "Stop it" } else { "Stop all of them" }
}

/// The title of the dry run.
pub fn title(count: usize) -> String {
    say!("Stop {}?", counted(count, COUNTED))
}

/// The title while they are stopped.
pub fn title_running(count: usize) -> String {
    say!("Stopping {}", counted(count, COUNTED))
}

/// What is to be typed.
pub fn type_count(count: usize) -> String {
    say!("To stop {}, type {}.", count, count)
}

/// What a stop of one does.
pub fn stops(sessions: usize) -> String {
    match sessions {
        0 => say!("Nothing is billed yet; nothing more is started."),
        1 => say!("One stop is sent."),
        sessions => say!("{} stops are sent, one for each session that is billed.", sessions),
    }
}

/// What the press does.
pub fn does(count: usize, later: usize, billed: usize, undo: u32) -> String {
    let does = match undo {
        0 => say!("{} will be stopped, four a second.", counted(count, COUNTED)),
        undo => say!(
            "{} will be stopped, four a second; each can be taken back for {} s. {} may be billed until then.",
            counted(count, COUNTED),
            undo,
            counted(billed, SESSIONS),
        ),
    };
    let waits = match later {
        0 => String::new(),
        later => say!("{} of them cannot be reached now: their stops wait.", later),
    };
    sentences(&[&does, &waits])
}

/// How far the run is.
pub fn running(done: usize, all: usize) -> String {
    say!("{} of {} stops are asked for", done, all)
}

/// What came of the run so far.
pub fn so_far(asked: usize, refused: usize, all: usize, broken_off: bool) -> String {
    let asked = say!("{} of {} stops are asked for.", asked, all);
    let refused = match refused {
        0 => String::new(),
        refused => say!("{} were refused.", refused),
    };
    let broken = if broken_off { say!("The rest was broken off.") } else { String::new() };
    sentences(&[&asked, &refused, &broken])
}

/// What became of one.
pub fn became(became: &Became) -> String {
    match became {
        Became::Waits => say!("Its turn has not come."),
        Became::Asking => say!("Sending…"),
        Became::Asked => say!("Asked for."),
        Became::Refused(why) => super::sentence(why),
        Became::TakenBack => say!("Taken back; nothing was sent."),
        Became::TooLate => say!("Was sent before it could be taken back."),
        Became::LeftOut => say!("Not asked for."),
    }
}
