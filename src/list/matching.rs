//! Whether a recording fits a query, and by what it is sorted.

use std::rc::Rc;

use agora::Timestamp;
use rules::journal::WaitingFor;
use rules::{Recording, RecordingId};

use super::query::{Field, Relation, STATES, Term, Wanted};
use crate::desk::Desk;
use crate::parts::board::Column;
use crate::parts::strip::Probe;
use crate::screens::board::Listed;
use crate::standing::{Group, Standing};

/// Whether the answer changes with time alone.
pub fn depends_on_time(terms: &[Term]) -> bool {
    terms.iter().any(|term| matches!(term.field, Some(Field::Running | Field::Age)))
}

/// Whether every term holds.
pub fn fits(terms: &[Term], desk: Desk, listed: &Listed, pins: &[RecordingId], now: Timestamp) -> bool {
    if terms.is_empty() {
        return true;
    }
    let recording = desk.recording_now(&listed.id);
    let Some(recording) = recording.as_deref() else { return false };
    terms.iter().all(|term| holds(term, listed, recording, pins.contains(&listed.id), now) != term.not)
}

fn holds(term: &Term, listed: &Listed, recording: &Recording, pinned: bool, now: Timestamp) -> bool {
    match &term.wanted {
        Wanted::Number(wanted) => {
            let value = match term.field {
                Some(Field::Failovers) => listed.row.failovers.map(|failovers| u64::from(failovers.proved)),
                Some(Field::Attempts) => Some(u64::from(listed.attempt)),
                Some(Field::Running) => {
                    listed.row.since.map(|since| seconds(since, listed.row.until.unwrap_or(now)))
                }
                Some(Field::Age) => listed.row.answer.as_ref().map(|(_, at)| seconds(*at, now)),
                _ => None,
            };
            value.is_some_and(|value| term.relation.holds(value, *wanted))
        }
        Wanted::Text(wanted) => {
            debug_assert_eq!(term.relation, Relation::Is, "text is not compared otherwise");
            has_text(term.field, wanted, listed, recording, pinned)
        }
    }
}

fn has_text(
    field: Option<Field>,
    wanted: &str,
    listed: &Listed,
    recording: &Recording,
    pinned: bool,
) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    let sessions = &recording.sessions;
    match field {
        None => listed.searchable.contains(wanted),
        Some(Field::State) => is_in(wanted, listed),
        Some(Field::Channel) => has(&listed.row.channel),
        Some(Field::App) => has(&recording.app),
        Some(Field::Mode) => recording.mode.as_str() == wanted,
        Some(Field::Rule) => listed.row.rule.is_some_and(|rule| has(&rule.to_string())),
        Some(Field::Answer) => listed.row.answer.as_ref().is_some_and(|(answer, _)| has(answer)),
        Some(Field::Pinned) => pinned == (wanted == "yes"),
        Some(Field::Sid) => {
            sessions.iter().any(|session| session.sid.as_ref().is_some_and(|sid| has(sid.as_str())))
        }
        Some(Field::Resource) => {
            let of =
                |session: &rules::recording::Session| session.resource.as_ref().map(|one| one.id.to_string());
            sessions.iter().filter_map(of).any(|id| has(&id))
        }
        Some(Field::File) => sessions.iter().flat_map(|session| &session.files).any(|file| has(file)),
        // A UID is found as a whole: 12 is not 123.
        Some(Field::Uid) => {
            let uids = [recording.uids.original, recording.uids.backup];
            let own = sessions.iter().map(|session| session.uid);
            uids.into_iter().chain(own).any(|uid| uid.to_string() == wanted)
        }
        Some(Field::Failovers | Field::Attempts | Field::Running | Field::Age) => false,
    }
}

fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    to.since(from).as_secs()
}

/// Whether a recording is in a state by the name that is typed; the counts over the list count the same.
pub fn is_in(state: &str, listed: &Listed) -> bool {
    match state {
        "needs-you" => listed.group == Group::NeedsYou,
        "ended" => listed.group == Group::Ended,
        _ => class(listed.standing) == Some(state),
    }
}

/// How many are in each state, in the order of [`STATES`]. They are looked at once: a list may be very long.
pub fn tally(all: &[Rc<Listed>]) -> [usize; STATES.len()] {
    let mut counts = [0; STATES.len()];
    let mut count = |state: &str| {
        if let Some(place) = STATES.iter().position(|known| *known == state) {
            counts[place] += 1;
        }
    };
    for listed in all {
        match listed.group {
            Group::NeedsYou => count("needs-you"),
            Group::Ended => count("ended"),
            Group::Handled | Group::Recording => {}
        }
        class(listed.standing).into_iter().for_each(&mut count);
    }
    counts
}

/// The state of a standing, for those that are told apart by it alone.
const fn class(standing: Standing) -> Option<&'static str> {
    Some(match standing {
        Standing::Records(_) => "recording",
        Standing::Starting | Standing::Unconfirmed(_) => "starting",
        Standing::Stopping(_)
        | Standing::StopWaits(_)
        | Standing::StopPending(_)
        | Standing::Ending(_)
        | Standing::TakenAsEnded(_) => "stopping",
        Standing::InFailover(_) | Standing::Twins => "failover",
        Standing::InDoubt(_)
        | Standing::Unclear(_)
        | Standing::StartRetrying
        | Standing::StopRetrying(_)
        | Standing::Replacing
        | Standing::WaitsForRoom => "retrying",
        Standing::Lost(_) | Standing::Waits(WaitingFor::Replacements | WaitingFor::FailedReplacement) => {
            "lost"
        }
        _ => return None,
    })
}

/// What a column is sorted by: a number, then a text. What has nothing to show comes last when rising.
pub fn key(column: Column, listed: &Listed) -> (i64, String) {
    let row = &listed.row;
    let at = |at: Option<Timestamp>| (at.map_or(i64::MAX, Timestamp::millis), String::new());
    match column {
        Column::State => (listed.group as i64, row.state.word.clone()),
        Column::Name => (0, row.channel.to_lowercase()),
        Column::Ids => (row.uid.parse().unwrap_or(i64::MAX), row.mode.clone()),
        // The longest running began first: rising is from the shortest on.
        Column::Running => (row.since.map_or(i64::MAX, |since| -since.millis()), String::new()),
        Column::Failovers => {
            (row.failovers.map_or(i64::MAX, |failovers| i64::from(failovers.proved)), String::new())
        }
        Column::Queries => {
            let bad = row.probes.iter().filter(|probe| !matches!(probe, Probe::Good)).count();
            (i64::try_from(bad).unwrap_or(i64::MAX), String::new())
        }
        Column::Answer => at(row.answer.as_ref().map(|(_, at)| *at)),
        Column::Next => at(row.due),
    }
}
