//! The sentences of the list's query, columns and views.

use super::{counted, say, translated};
use crate::list::query::Field;
use crate::standing::Coming;

pub const SEEN: &str = "Seen";

/// What happened while nobody acted.
pub fn unattended(from: &str, to: &str, recordings: usize, minutes: u64) -> String {
    let recordings = counted(recordings, super::many::COUNTED);
    let stretch = say!("Unattended {} – {}: nobody acted for {}.", from, to, recordings);
    let cost = match minutes {
        0 => say!("Nothing is known to have recorded meanwhile."),
        minutes => say!("Up to {} min were recorded, and billed, unwatched.", minutes),
    };
    super::sentences(&[&stretch, &cost])
}

pub const NOW: &str = "Now";
pub const WHY: &str = "Why";

/// The next try in a row: "Query 2 of 3". The way to its reasons says the rest.
pub fn next_try(coming: &Coming) -> String {
    let operation = super::standing::operation(coming.call.operation);
    match (coming.call.attempt.number, coming.call.attempt.of) {
        (0, _) => operation,
        (number, Some(of)) => say!("{} {} of {}", operation, number, of),
        (number, None) => say!("{} {}, no limit documented", operation, number),
    }
}

/// The name of the button that asks at once.
pub fn now_of(channel: &str) -> String {
    say!("Ask {} now", channel)
}

/// The name of the way to the reasons of a retry.
pub fn why_of(channel: &str) -> String {
    say!("Why {} is tried again", channel)
}

pub const UNCLOSED_QUOTE: &str = "A quotation mark is not closed: put a second one behind the words.";

/// A field that does not exist.
pub fn no_field(name: &str, known: &[&str]) -> String {
    say!("There is no field {}. There are {}. To look for the text itself, quote it.", name, known.join(", "))
}

/// A field without a value.
pub fn no_value(name: &str) -> String {
    say!("Type what {} is to be.", name)
}

/// A field that has no order.
pub fn not_compared(name: &str) -> String {
    say!("{} is compared with a colon only: {}:…", name, name)
}

/// A value that the field never has.
pub fn no_such_value(name: &str, value: &str, known: &[&str]) -> String {
    say!("{} is never {}. It is one of {}.", name, value, known.join(", "))
}

/// A number was wanted.
pub fn not_a_number(name: &str, value: &str) -> String {
    say!("{} is a whole number, such as {}>=2; {} is none.", name, name, value)
}

/// A duration was wanted.
pub fn not_a_duration(name: &str, value: &str) -> String {
    say!("{} is a duration, such as {}>90s, {}>5m or {}<2h; {} is none.", name, name, name, name, value)
}

/// What a field asks about.
pub const fn field(field: Field) -> &'static str {
    match field {
        Field::State => "how it stands",
        Field::Channel => "the channel",
        Field::Sid => "the recording ID of the service",
        Field::Uid => "a UID that it has or had",
        Field::Resource => "the resource ID",
        Field::App => "the App ID's name",
        Field::Mode => "the mode",
        Field::File => "a file that was confirmed",
        Field::Rule => "the rule that decided or comes next",
        Field::Answer => "the last answer's status, or none",
        Field::Failovers => "failovers used, of three",
        Field::Attempts => "which try the next call is",
        Field::Running => "for how long it records",
        Field::Age => "how old the last answer is",
        Field::Pinned => "pinned in this browser",
    }
}

/// What a value of a field means.
pub fn value(field: Field, value: &str) -> &'static str {
    match (field, value) {
        (Field::State, "needs-you") => "someone must act",
        (Field::State, "lost") => "nobody records",
        (Field::State, "failover") => "moving to another server",
        (Field::State, "retrying") => "a call is tried again",
        (Field::State, "starting") => "not confirmed yet",
        (Field::State, "stopping") => "a stop is on its way",
        (Field::State, "recording") => "it records",
        (Field::State, _) => "it is over",
        (Field::Mode, "individual") => "a file for each publisher",
        (Field::Mode, "mix") => "one file of all",
        (Field::Mode, _) => "a web page",
        _ => "",
    }
}

pub const QUERY: &str = "Find: a word, or state:failover ha>=2";
pub const QUERY_NAME: &str = "Query";
pub const COMPLETIONS: &str = "Ways to go on";
pub const VIEW: &str = "View";
pub const COLUMNS: &str = "Columns";
pub const DENSITY: &str = "Rows";
pub const PINNED: &str = "Pinned";
pub const NEW: &str = "New, not sorted in yet";
pub const NOT_PINNED: &str = "Others";
pub const NOTHING_FITS: &str = "No recording fits the query.";
pub const RESET_VIEW: &str = "Back to the usual view";
pub const CLEAR_QUERY: &str = "Clear the query";
pub const NAME_OF_VIEW: &str = "Name of the view";
pub const SAVE_VIEW: &str = "Save this view";
pub const SAVED_VIEWS: &str = "Saved views";

pub const SHARE: &str = "Share";
pub const SHARED_VIEWS: &str = "Shared by the team";
pub const LOAD_MORE: &str = "Load more";

/// What the button that shares a view does.
pub fn share_view(name: &str) -> String {
    say!("Share the view {} with the team", name)
}

/// What the button that takes a shared view away does.
pub fn unshare_view(name: &str) -> String {
    say!("Take the view {} from the team", name)
}

/// Who shared a view.
pub fn shared_by(name: &str) -> String {
    say!("by {}", name)
}

/// How many of those that ended are here. `searched`: of those that the query finds.
pub fn ended_here(here: u64, total: u64, searched: bool) -> String {
    if searched {
        say!("{} of {} ended recordings that were found are here.", here, total)
    } else {
        say!("{} of {} ended recordings are here.", here, total)
    }
}

/// The name of a density.
pub const fn density(rows: crate::list::view::Density) -> &'static str {
    match rows {
        crate::list::view::Density::Compact => "compact",
        crate::list::view::Density::Usual => "usual",
        crate::list::view::Density::Roomy => "roomy",
    }
}

/// What the button of a pin does.
pub fn pin_of(channel: &str, pinned: bool) -> String {
    if pinned { say!("Unpin {}", channel) } else { say!("Pin {}", channel) }
}

/// How many recordings the query hides, and how many of them need someone.
pub fn hidden(hidden: usize, need: usize) -> String {
    let recordings = counted(hidden, ("1 recording is", "{} recordings are"));
    match need {
        0 => say!("{} hidden by the query.", recordings),
        1 => say!("{} hidden by the query, and 1 of them needs you.", recordings),
        need => say!("{} hidden by the query, and {} of them need you.", recordings, need),
    }
}

/// The button that sorts while a hand is on the rows.
pub fn waiting(new: usize, moved: usize) -> String {
    match (new, moved) {
        (0, moved) => say!("Re-sort ({} moved)", moved),
        (new, 0) => say!("Re-sort ({} new)", new),
        (new, moved) => say!("Re-sort ({} new, {} moved)", new, moved),
    }
}

/// The name of the button in a column's head.
pub fn sort_by(column: &'static str) -> String {
    say!("Sort by {}", translated(column))
}

/// A column can be moved by buttons too.
pub fn move_column(column: &'static str, to_the_left: bool) -> String {
    let column = translated(column);
    if to_the_left { say!("Move {} to the left", column) } else { say!("Move {} to the right", column) }
}

/// A saved view is taken away.
pub fn forget_view(name: &str) -> String {
    say!("Forget the view {}", name)
}
