//! The timeline: sessions, files and UIDs as stretches, calls and conclusions as marks.

use std::rc::Rc;

use agora::files::Leg;
use agora::notification::EventType;
use agora::{Operation, Timestamp};
use leptos::prelude::*;
use rules::Recording;

use super::{Known, Page};
use crate::clock::zone;
use crate::dom::{Element, Text, el};
use crate::history::{Call, End, History, SessionHistory};
use crate::parts::panel;
use crate::parts::scale::Mark;
use crate::parts::timeline::{Item, Lane, Look, Timeline, timeline};
use crate::words;

/// The timeline in its panel.
pub(super) fn panel(page: &Rc<Page>, known: &Known) -> Element {
    let body = if known.history().calls.is_empty() {
        el("p.quiet").add(words::NO_CALLS_YET).into()
    } else {
        let page = Rc::clone(page);
        timeline(words::timeline_described(known.recording.channel.as_str()), move || {
            match page.known.get() {
                Some(known) => to_timeline(known.history(), &known.recording),
                None => Timeline::default(),
            }
        })
    };
    panel::panel("t-timeline", "Timeline", false, el("span.meta").add(zone()).into(), body)
}

fn stretch(from: Timestamp, to: Option<Timestamp>, look: Look, label: impl Into<Text>) -> Item {
    Item::Stretch { from, to, look, label: label.into() }
}

fn to_timeline(history: &History, recording: &Recording) -> Timeline {
    let (mut sessions, mut files, mut uids) = (Vec::new(), Vec::new(), Vec::new());
    for session in &history.sessions {
        add_session(session, &mut sessions, &mut files, &mut uids);
    }
    let (mut queries, mut others) = (Vec::new(), Vec::new());
    for call in &history.calls {
        let lane = if call.operation == Operation::Query { &mut queries } else { &mut others };
        lane.push(call);
    }
    let mut decisions = Vec::new();
    for (at, rule) in &history.decisions {
        decisions.push(Item::Text { at: *at, text: rule.as_str() });
    }
    let mut notified = Vec::new();
    for (at, event) in &history.notified {
        let tells = matches!(event, EventType::SessionExit | EventType::SessionFailover | EventType::Error);
        notified.push(Item::Point { at: *at, mark: if tells { Mark::Good } else { Mark::Hit } });
    }
    let mut people = Vec::new();
    for at in &history.people {
        people.push(Item::Point { at: *at, mark: Mark::Person });
    }
    Timeline {
        from: history.begun.unwrap_or(recording.asked_at),
        until: history.last.filter(|_| recording.settled()),
        lanes: vec![
            Lane { name: "Session", items: sessions },
            Lane { name: "Files", items: files },
            Lane { name: "Recorder UID", items: uids },
            Lane { name: "Starts and stops", items: marks(&others) },
            Lane { name: "Queries", items: marks(&queries) },
            Lane { name: "Notifications", items: notified },
            Lane { name: "Decisions", items: decisions },
            Lane { name: "People", items: people },
        ],
    }
}

/// A session's legs, with the files and the UID of each.
fn add_session(session: &SessionHistory, legs: &mut Vec<Item>, files: &mut Vec<Item>, uids: &mut Vec<Item>) {
    let Some(accepted) = session.accepted else {
        let label = words::session_starts(session.number);
        legs.push(stretch(session.begun, session.ended, Look::Doubt, label));
        return;
    };
    let (mut from, mut label) = (accepted, words::session(session.number));
    let mut original_end = None;
    for away in &session.away {
        legs.push(stretch(from, Some(away.seen.t0), Look::Leg, label));
        let named = away.named.map(|(place, leg)| (place as u8, leg.uid.to_string()));
        let away = &away.seen;
        let gap = words::tenths(away.back.millis() - away.t0.millis());
        legs.push(stretch(away.t0, Some(away.back), Look::Gap, gap));
        let leg = away.leg.or(named.as_ref().map(|(place, _)| *place));
        if let Some(leg) = leg {
            original_end = original_end.or(Some(away.t0));
            files.push(stretch(away.back, session.ended, Look::Leg, Leg::Failover(leg).prefix()));
            let uid = named.map_or_else(|| words::said(words::RANDOM_UID), |(_, uid)| uid);
            uids.push(stretch(away.back, session.ended, Look::Leg, uid));
        }
        (from, label) = (away.back, words::leg_words(leg));
    }
    let end = session.ended.or(session.doubt);
    legs.push(stretch(from, end, Look::Leg, label));
    if let (Some(t0), None) = (session.doubt, session.ended) {
        legs.push(stretch(t0, None, Look::Doubt, words::EXPECTED_404));
    }
    let original_end = original_end.or(end);
    files.insert(0, stretch(accepted, original_end, Look::Leg, words::NO_PREFIX));
    uids.insert(0, stretch(accepted, original_end, Look::Leg, session.uid.to_string()));
}

/// Calls as marks. A query that was answered as always is a small one.
fn marks(calls: &[&Call]) -> Vec<Item> {
    let mut doubted = false;
    let mut marks = Vec::with_capacity(calls.len());
    for call in calls {
        let mark = match call.end {
            Some((_, End::Good)) if doubted || call.operation != Operation::Query => Mark::Good,
            Some((_, End::Good)) => Mark::Hit,
            Some(_) => Mark::Miss,
            None => Mark::Later,
        };
        doubted = mark == Mark::Miss;
        marks.push(Item::Point { at: call.sent, mark });
    }
    marks
}
