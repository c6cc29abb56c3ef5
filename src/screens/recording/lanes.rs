//! The timeline: what the service did, what was asked, and what people and rules did, over one axis.

use std::rc::Rc;

use agora::files::Leg;
use agora::limits::FAILOVER_TOTAL;
use agora::{Operation, Timestamp};
use leptos::prelude::*;
use rules::journal::By;
use rules::{Entry, EntryNumber, Fact};

use super::journal::Kind;
use super::{Known, Page};
use crate::clock::{day_and_time, time_of_day, zone};
use crate::dom::{Element, Text, el, live};
use crate::here::here;
use crate::history::{Call, End, SessionHistory};
use crate::nodes;
use crate::parts::panel;
use crate::parts::scale::Mark;
use crate::parts::timeline::{Item, Lane, Look, Shape, Timeline, table_switch, timeline};
use crate::route::Route;
use crate::words;

/// The timeline in its panel.
pub(super) fn panel(page: &Rc<Page>, known: &Known) -> Element {
    let as_table = page.as_table;
    let body = if known.whole.history.calls.is_empty() {
        el("p.quiet").add(words::NO_CALLS_YET).into()
    } else {
        let (reads, links, goes) = (Rc::clone(page), Rc::clone(page), Rc::clone(page));
        let read = move || match reads.known.get() {
            Some(known) => to_timeline(&reads, &known),
            None => Timeline::default(),
        };
        let at = move |page: &Page, entry| Route { at: Some(entry), ..Route::to(page.screen()) };
        let href = move |entry| at(&links, entry).href();
        let go = move |entry| here().router.go(at(&goes, entry));
        timeline(words::timeline_described(known.recording.channel.as_str()), as_table, read, href, go)
    };
    let began = words::since_day(&day_and_time(known.recording.asked_at));
    let aside = nodes![
        known.as_written(),
        el("span.meta").add(began).add(" ").add(zone()),
        live(move || table_switch(as_table).into())
    ];
    panel::panel("t-timeline", words::TIMELINE, as_table.get_untracked(), aside, body)
}

/// The lanes, from the top.
#[derive(Default)]
struct Lanes {
    service: Vec<Item>,
    files: Vec<Item>,
    uids: Vec<Item>,
    others: Vec<Item>,
    queries: Vec<Item>,
    retries: Vec<Item>,
    notifications: Vec<Item>,
    decisions: Vec<Item>,
    people: Vec<Item>,
}

fn item(at: Timestamp, shape: Shape, says: String, entry: EntryNumber) -> Item {
    Item { at, shape, says, entry, routine: false }
}

/// A stretch, with the entry that tells where it begins.
fn stretch(
    entries: &[Entry],
    (from, to): (Timestamp, Option<Timestamp>),
    look: Look,
    label: impl Into<Text>,
    says: String,
) -> Item {
    // The first entry of that instant tells it.
    let place = entries.partition_point(|entry| entry.at < from);
    let entry = entries.get(place).map_or(0, |entry| entry.number);
    item(from, Shape::Stretch { to, look, label: label.into() }, says, entry)
}

fn to_timeline(page: &Page, known: &Known) -> Timeline {
    let (whole, entries) = (&known.whole, &known.whole.entries);
    let history = &whole.history;
    let mut lanes = Lanes::default();
    let mut windows = Vec::new();
    for session in &history.sessions {
        add_session(entries, session, &mut lanes);
        windows.extend(
            session.away.iter().map(|away| (away.seen.t0, away.seen.back.min(away.seen.t0 + FAILOVER_TOTAL))),
        );
        windows.extend(session.doubt.filter(|_| session.ended.is_none()).map(|t0| (t0, t0 + FAILOVER_TOTAL)));
    }
    add_calls(entries, &history.calls, &mut lanes);
    for entry in entries {
        add_entry(entry, &mut lanes);
    }
    if let Some(gap) = &known.recording.unattended {
        let says = words::unattended(&time_of_day(gap.from), &time_of_day(gap.to));
        lanes.people.push(stretch(entries, (gap.from, Some(gap.to)), Look::Doubt, words::UNATTENDED, says));
    }
    let now = page.tick_untracked(known);
    let over = known.past.is_none() && known.recording.settled();
    add_planned(page, known, now, &mut lanes);
    let lane = |name, items| Lane { name, items };
    Timeline {
        from: history.begun.unwrap_or(known.recording.asked_at),
        until: history.last.filter(|_| over || known.past.is_some()),
        moment: known.past.as_ref().map(|past| past.at),
        windows,
        lanes: vec![
            lane("Service", lanes.service),
            lane("Files", lanes.files),
            lane("Recorder UIDs", lanes.uids),
            lane("Starts and stops", lanes.others),
            lane("Queries", lanes.queries),
            lane("Retries", lanes.retries),
            lane("Notifications", lanes.notifications),
            lane("Decisions", lanes.decisions),
            lane("People", lanes.people),
        ],
    }
}

/// A session's legs, with the files and the UID of each.
fn add_session(entries: &[Entry], session: &SessionHistory, lanes: &mut Lanes) {
    let number = words::session(session.number);
    let Some(accepted) = session.accepted else {
        let label = words::session_starts(session.number);
        let says = label.clone();
        lanes.service.push(stretch(entries, (session.begun, session.ended), Look::Doubt, label, says));
        return;
    };
    let leg = |from, to, label: String| {
        let says = words::leg_records(&number, &label);
        stretch(entries, (from, to), Look::Leg, label, says)
    };
    let (mut from, mut label) = (accepted, words::session(session.number));
    let mut original_end = None;
    for away in &session.away {
        lanes.service.push(leg(from, Some(away.seen.t0), label));
        let named = away.named.map(|(place, leg)| (place as u8, leg.uid.to_string()));
        let away = &away.seen;
        let gap = words::tenths(away.back.millis() - away.t0.millis());
        let says = words::away_for(&number, &gap);
        lanes.service.push(stretch(entries, (away.t0, Some(away.back)), Look::Gap, gap, says));
        let next = away.leg.or(named.as_ref().map(|(place, _)| *place));
        if let Some(next) = next {
            original_end = original_end.or(Some(away.t0));
            let span = (away.back, session.ended);
            let prefix = Leg::Failover(next).prefix();
            let says = words::files_go_on(&prefix);
            lanes.files.push(stretch(entries, span, Look::Leg, prefix, says));
            let uid = named.map_or_else(|| words::translated(words::RANDOM_UID).to_owned(), |(_, uid)| uid);
            let says = words::uid_records(&uid);
            lanes.uids.push(stretch(entries, span, Look::Leg, uid, says));
        }
        (from, label) = (away.back, words::leg_words(next));
    }
    let end = session.ended.or(session.doubt);
    lanes.service.push(leg(from, end, label));
    if let (Some(t0), None) = (session.doubt, session.ended) {
        let says = words::translated(words::EXPECTED_404).to_owned();
        lanes.service.push(stretch(entries, (t0, None), Look::Doubt, words::EXPECTED_404, says));
    }
    let span = (accepted, original_end.or(end));
    let says = words::translated(words::NO_PREFIX).to_owned();
    lanes.files.insert(0, stretch(entries, span, Look::Leg, words::NO_PREFIX, says));
    let uid = session.uid.to_string();
    let says = words::uid_records(&uid);
    lanes.uids.insert(0, stretch(entries, span, Look::Leg, uid, says));
}

/// Calls as marks, and their retries as stretches. A query that was answered as always is a small mark, and routine.
fn add_calls(entries: &[Entry], calls: &[Call], lanes: &mut Lanes) {
    let fact = |number: EntryNumber| {
        let place = entries.partition_point(|entry| entry.number < number);
        entries.get(place).map(|entry| words::journal::fact(&entry.fact, time_of_day))
    };
    // The run of tries without success of each session and operation: since when, its entry, and how many.
    let mut runs: Vec<(&Call, usize)> = Vec::new();
    let mut doubted = false;
    for call in calls {
        let query = call.operation == Operation::Query;
        let (mark, good) = match call.end {
            Some((_, End::Good)) if query && !doubted => (Mark::Hit, true),
            Some((_, End::Good)) => (Mark::Good, true),
            Some(_) => (Mark::Miss, false),
            None => (Mark::Later, false),
        };
        if query {
            doubted = mark == Mark::Miss;
        }
        let (title, _) = fact(call.entries.0).unwrap_or_default();
        let came = call
            .entries
            .1
            .and_then(fact)
            .map(|(title, detail)| if detail.is_empty() { title } else { detail });
        let says = words::call_came(&title, call.session, came.as_deref());
        let routine = query && mark == Mark::Hit;
        let lane = if query { &mut lanes.queries } else { &mut lanes.others };
        lane.push(Item { routine, ..item(call.sent, Shape::Point(mark), says, call.entries.0) });
        let same =
            |(first, _): &(&Call, usize)| (first.session, first.operation) == (call.session, call.operation);
        let run = runs.iter().position(same);
        match (run, call.end) {
            (Some(place), Some((at, _))) if good => {
                let (first, tries) = runs.swap_remove(place);
                lanes.retries.push(run_of(first, tries, Some(at)));
            }
            (Some(place), Some(_)) => runs[place].1 += 1,
            (None, Some(_)) if !good => runs.push((call, 1)),
            _ => {}
        }
    }
    for (first, tries) in runs {
        let end = calls.iter().rev().find_map(|call| {
            let same = (call.session, call.operation) == (first.session, first.operation);
            call.end.filter(|_| same).map(|(at, _)| at)
        });
        lanes.retries.push(run_of(first, tries, end));
    }
    lanes.retries.sort_by_key(|run| run.at);
}

fn run_of(first: &Call, tries: usize, to: Option<Timestamp>) -> Item {
    let operation = words::standing::operation(first.operation);
    let lasted = to.map_or(0, |to| to.millis() - first.sent.millis());
    let label = words::tries_failed(tries);
    let says = words::run_of_tries(&operation, first.session, tries, &words::tenths(lasted));
    item(first.sent, Shape::Stretch { to, look: Look::Run, label: label.into() }, says, first.entries.0)
}

/// What an entry tells beside the calls.
fn add_entry(entry: &Entry, lanes: &mut Lanes) {
    let says = || {
        let (title, detail) = words::journal::fact(&entry.fact, time_of_day);
        if detail.is_empty() { title } else { [&title, ": ", &detail].concat() }
    };
    match &entry.fact {
        Fact::Decided(decision) => {
            let says = [decision.rule.as_str(), " ", &says()].concat();
            lanes.decisions.push(item(entry.at, Shape::Text(decision.rule.as_str()), says, entry.number));
        }
        Fact::Notified(notified) => {
            let number = notified.event.number();
            // Progress of an upload comes every minute.
            let routine = number == 33;
            // Those that let the rules ask stand out (M9).
            let asks = [1, 3, 11, 12, 31, 32, 40, 41, 70, 71, 72].contains(&number);
            let note = if asks { Shape::Note(number) } else { Shape::Point(Mark::Hit) };
            lanes.notifications.push(Item { routine, ..item(entry.at, note, says(), entry.number) });
        }
        Fact::Leased(_) => {}
        _ if Kind::of(entry) == Kind::People => {
            if let By::Staff(name) | By::Client { name, .. } = &entry.by {
                let says = [name, ": ", &says()].concat();
                lanes.people.push(item(entry.at, Shape::Point(Mark::Person), says, entry.number));
            }
        }
        _ => {}
    }
}

/// What the rules would call next, as far as the axis reaches.
fn add_planned(page: &Page, known: &Known, now: Timestamp, lanes: &mut Lanes) {
    if known.recording.settled() {
        return;
    }
    let Some(reaches) =
        known.session().and_then(|session| session.doubt).map(|doubt| doubt.t0 + FAILOVER_TOTAL)
    else {
        return;
    };
    let mut mark = Mark::Due;
    for (at, call, reason) in page.planned(known) {
        let title = words::standing::operation(call.operation);
        for at in
            core::iter::once(at).chain(reason.later.iter().copied()).filter(|at| *at > now && *at <= reaches)
        {
            let says = words::planned_call(&title, reason.rule.as_str());
            let lane =
                if call.operation == Operation::Query { &mut lanes.queries } else { &mut lanes.others };
            lane.push(item(at, Shape::Point(mark), says, 0));
            mark = Mark::Later;
        }
    }
}
