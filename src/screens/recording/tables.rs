//! The tables: every time a session was away, and the index files.

use agora::files::{IndexOf, Leg, leg_of};
use agora::{Timestamp, limits, request};
use leptos::prelude::{Get, Update};
use rules::notified::Gap;
use rules::{Recording, RuleId, SessionNumber};

use super::{Known, Page};
use crate::clock::time_of_day;
use crate::dom::{Element, Node, Text, el};
use crate::history::SessionHistory;
use crate::parts::age::age;
use crate::parts::icon::{Glyph, Tone, glyph};
use crate::parts::id::copy_button;
use crate::parts::panel::panel;
use crate::parts::rule::rule_link;
use crate::parts::scale::shape;
use crate::{nodes, words};

/// A table that scrolls by itself. The heads are those of its columns: the element, and the words.
fn table(named: &'static str, heads: &[(&'static str, &'static str)], rows: Vec<Node>) -> Node {
    let mut head = el("tr");
    for (element, text) in heads {
        // Who sees the buttons needs no head for them.
        let unseen = *text == words::COPY;
        let text = if unseen { el("span.unseen").add(*text).into() } else { Node::from(*text) };
        head = head.add(shape(element).add(text));
    }
    shape("div.scroll tabindex=0 role=region")
        .set("aria-label", named)
        .add(el("table.table").add(el("thead").add(head)).add(el("tbody").add(rows)))
        .into()
}

/// A cell with small words under what it says.
fn cell(element: &'static str, says: impl Into<Node>, small: impl Into<Node>) -> Element {
    shape(element).add(says).add(el("small").add(small))
}

/// What a row of the failover history says.
struct Away<'a> {
    session: &'a SessionHistory,
    look: (Tone, Glyph),
    name: String,
    t0: Timestamp,
    /// When it was back, and how long that took.
    back: (Text, String),
    lost: Element,
    /// The files since then.
    files: Text,
    /// What is known of the UID since then.
    uid: String,
    evidence: (Text, RuleId),
    /// No notification tells it.
    inferred: bool,
}

impl Away<'_> {
    fn row(self) -> Node {
        let (tone, mark) = self.look;
        let state = el("span.state").set("data-tone", tone.name()).add(glyph(mark)).add(self.name);
        let (says, rule) = self.evidence;
        let small = words::session(self.session.number);
        let small = if self.inferred { nodes![small, ", ", words::INFERRED] } else { small.into() };
        el("tr")
            .add(cell("th scope=row", state, small))
            .add(el("td").add(time_of_day(self.t0)))
            .add(cell("td", self.back.0, self.back.1))
            .add(self.lost)
            .add(cell("td", self.files, self.uid))
            .add(el("td").add(says).add(" ").add(rule_link(rule)))
            .into()
    }
}

/// The failover history.
pub(super) fn failovers(known: &Known) -> Element {
    let allowed = known.recording.policy.failovers;
    let mut rows = Vec::new();
    for session in &known.history().sessions {
        let original = session.uid.get();
        let mut proved = 0;
        let mut told: Vec<usize> = Vec::new();
        for away in &session.away {
            let (seen, named) = (&away.seen, away.named);
            let (least, how) = match away.gap {
                Some(gap) => words::exactly_not_recorded(gap.to.millis() - gap.from.millis()),
                None => words::not_recorded(seen.t0, seen.back, seen.last_good),
            };
            let seconds = (seen.back.millis() - seen.t0.millis()) / 1000;
            let says = words::failover_evidence(seen.evidence, seen.leg, named.map(|(_, leg)| leg)).into();
            let lost = nodes![how, " ", rule_link(RuleId::F6)];
            let mut row = Away {
                session,
                look: (Tone::Neutral, Glyph::Unknown),
                name: words::said(words::INTERRUPTION),
                t0: seen.t0,
                back: (time_of_day(seen.back).into(), words::standing::back_after(seconds)),
                lost: cell("td.num", el("b").add(least), lost),
                files: words::NO_NEW_FILES.into(),
                uid: words::after_uid(original, words::UID_UNCHANGED),
                evidence: (says, RuleId::M4),
                inferred: named.is_none(),
            };
            if let Some((place, leg)) = named {
                told.push(place);
                row.uid = words::then_uid(original, leg.uid.get());
            }
            let leg = seen.leg.or(named.and_then(|(place, _)| u8::try_from(place).ok()));
            if let Some(leg) = leg {
                proved = proved.max(leg + 1);
                row.look = (Tone::Failover, Glyph::Failover);
                row.name = words::failover_of(u32::from(leg) + 1, allowed);
                row.files = Leg::Failover(leg).prefix().into();
                if named.is_none() {
                    row.uid = words::after_uid(original, words::RANDOM_NOT_TOLD);
                }
                row.evidence.1 = RuleId::F1;
            }
            rows.push(row.row());
        }
        // A failover between two queries: only notifications tell it.
        for (place, leg) in session.legs.iter().enumerate().filter(|(place, _)| !told.contains(place)) {
            let Ok(number) = u8::try_from(place) else { continue };
            if session.away.iter().any(|away| away.seen.leg == Some(number)) {
                continue;
            }
            proved = proved.max(number + 1);
            let of_leg = |gap: &&Gap| gap.from <= leg.at && leg.at <= gap.to + limits::FAILOVER_TOTAL;
            let lost = match session.gaps.iter().find(of_leg) {
                Some(gap) => {
                    let (least, how) = words::exactly_not_recorded(gap.to.millis() - gap.from.millis());
                    cell("td.num", el("b").add(least), nodes![how, " ", rule_link(RuleId::F6)])
                }
                None => el("td.num").add(el("b").add(words::NOT_KNOWN)),
            };
            let row = Away {
                session,
                look: (Tone::Failover, Glyph::Failover),
                name: words::failover_of(u32::from(number) + 1, allowed),
                t0: leg.at,
                back: (words::BETWEEN_QUERIES.into(), String::new()),
                lost,
                files: Leg::Failover(number).prefix().into(),
                uid: words::then_uid(original, leg.uid.get()),
                evidence: (words::told_leg(*leg).into(), RuleId::F1),
                inferred: false,
            };
            rows.push(row.row());
        }
        if let (Some(t0), None) = (session.doubt, session.ended) {
            let until = words::until_latest(&time_of_day(t0 + limits::FAILOVER_TOTAL));
            let row = Away {
                session,
                look: (Tone::Failover, Glyph::Ahead),
                name: words::failover_of(u32::from(proved) + 1, allowed),
                t0,
                back: (words::RUNNING.into(), until),
                lost: el("td.num").add(el("b").add(words::NOT_KNOWN)),
                files: Leg::Failover(proved).prefix().into(),
                uid: words::after_uid(original, words::RANDOM_NOT_TOLD),
                evidence: (words::FIRST_404_ONLY.into(), RuleId::M2),
                inferred: true,
            };
            rows.push(row.row());
        }
    }
    let body = if rows.is_empty() {
        el("p.quiet.padded").add(words::NO_FAILOVER_YET).into()
    } else {
        let heads = [
            ("th scope=col", "Failover"),
            ("th scope=col", "First 404"),
            ("th scope=col", "Back"),
            ("th.num scope=col", "Not recorded"),
            ("th scope=col", "Files and recorder UID"),
            ("th scope=col", "Evidence"),
        ];
        table(words::TABLE_OF_FAILOVERS, &heads, rows)
    };
    let aside = nodes![known.as_answered(), el("span.meta").add(words::KEPT_FOR_EVER)];
    panel("t-history", "Failover history", true, aside, body)
}

/// How many kinds of notification are shown before one asks for more.
const NOTIFICATIONS_SHOWN: usize = 6;

/// What the service notified, folded. Everything works without it.
pub(super) fn notifications(page: &Page, known: &Known) -> Element {
    let history = known.history();
    let (ever, unmatched) = page.with_board(known, |board| {
        let facts = board.facts();
        (facts.notified.is_some(), facts.unmatched)
    });
    let mut rows = Vec::new();
    let kinds = page.kinds;
    let shown = if kinds.get().all_notifications { usize::MAX } else { NOTIFICATIONS_SHOWN };
    for told in history.told.iter().rev().take(shown) {
        let mut what = el("span").add(el("b").add(words::event(told.event)));
        if told.count > 1 {
            what = what.add(words::times(told.count));
        }
        let session =
            told.session.and_then(|number| history.sessions.iter().find(|one| one.number == number));
        let leg = match (session, told.uid) {
            (Some(session), Some(uid)) if uid != session.uid => {
                let place = session.legs.iter().position(|leg| leg.uid == uid);
                place.map_or_else(
                    || words::said(words::OTHER_RECORDER),
                    |place| words::leg_words(u8::try_from(place).ok()),
                )
            }
            (Some(_), _) => words::leg_name(Leg::Original),
            (None, _) => words::said(words::NO_SESSION),
        };
        let uid = told.uid.map(|uid| words::told_uid(uid.get()));
        let again = if told.again > 0 { words::redundant(told.again) } else { String::new() };
        let row = el("tr")
            .add(cell("th scope=row", what, again))
            .add(cell("td", leg, nodes![told.session.map(words::session), " ", uid]))
            .add(el("td").add(time_of_day(told.sent.1)))
            .add(el("td").add(time_of_day(told.came)));
        rows.push(row.into());
    }
    let (mark, last) = match history.notified.iter().map(|(at, _)| *at).max() {
        Some(at) => (Glyph::Recording, nodes![words::LAST_NOTIFIED, " ", age(Some(at))]),
        None if ever => (Glyph::Ended, words::NOT_NOTIFIED_YET.into()),
        None => (Glyph::Caution, words::NEVER_NOTIFIED.into()),
    };
    let tone = if mark == Glyph::Recording { Tone::Recording } else { Tone::Neutral };
    let aside = el("span.state").set("data-tone", tone.name()).add(glyph(mark)).add(last);
    let body = if rows.is_empty() {
        el("p.quiet.padded").add(if ever { words::NONE_NOTIFIED } else { words::NO_WEBHOOK }).into()
    } else {
        let heads = [
            ("th scope=col", "Event"),
            ("th scope=col", "Leg and recorder"),
            ("th scope=col", "Sent last"),
            ("th scope=col", "Came last"),
        ];
        let more = history.told.len().checked_sub(shown).filter(|more| *more > 0).map(|more| {
            let button = el("button.button")
                .set("type", "button")
                .on("click", move |_| kinds.update(|kinds| kinds.all_notifications = true))
                .add(words::show_more_kinds(more));
            el("p.padded").add(button)
        });
        nodes![table(words::TABLE_OF_NOTIFICATIONS, &heads, rows), more]
    };
    let body = match unmatched.filter(|unmatched| unmatched.kept > 0) {
        Some(unmatched) => nodes![body, el("p.meta.padded").add(words::unmatched(unmatched.kept))],
        None => body,
    };
    panel("t-notifications", "Notifications", true, aside.into(), body)
}

/// The index files.
pub(super) fn files(known: &Known) -> Element {
    let mut files = Vec::new();
    for session in &known.history().sessions {
        add_files(session, &known.recording, &mut files);
    }
    let mut all = String::new();
    let mut rows = Vec::new();
    for file in files {
        if file.expected {
            if !all.is_empty() {
                all.push('\n');
            }
            all.push_str(&file.name);
        }
        let (prefix, rest) = split_prefix(&file.name);
        let copied = words::index_file_of(&file.leg, file.session);
        let name = el("th.file")
            .set("scope", "row")
            .add(prefix.map(|prefix| el("b").add(prefix.to_owned())))
            .add(rest.to_owned());
        let row = el("tr")
            .add(name)
            .add(cell("td", file.leg, words::session(file.session)))
            .add(cell("td", file.known, file.more))
            .add(el("td.num").add(copy_button(file.name, copied)));
        rows.push(row.into());
    }
    let (mut aside, mut body) = (Node::Nothing, el("p.quiet.padded").add(words::NO_FILES_YET).into());
    if !rows.is_empty() {
        let copy = copy_button(all, words::said(words::ALL_FILE_NAMES));
        aside = nodes![el("span.meta").add(words::COPY_ALL), copy];
        let heads = [
            ("th scope=col", "Index file"),
            ("th scope=col", "Leg"),
            ("th scope=col", "Known from"),
            ("th scope=col", words::COPY),
        ];
        body = table(words::TABLE_OF_FILES, &heads, rows);
    }
    panel("t-files", "Files", true, nodes![known.as_answered(), aside], body)
}

/// An index file, expected or confirmed.
struct IndexFile {
    session: SessionNumber,
    name: String,
    leg: String,
    known: &'static str,
    more: &'static str,
    /// It exists, as far as anybody can know.
    expected: bool,
}

/// A name after the prefix of a failover's files, and that prefix.
fn split_prefix(name: &str) -> (Option<&str>, &str) {
    match (leg_of(name), name.split_once('_')) {
        (Some(_), Some((prefix, rest))) if !prefix.contains('/') => (Some(&name[..=prefix.len()]), rest),
        _ => (None, name),
    }
}

/// F4: the names that a session's legs have, as far as they are known or can be spliced.
fn add_files(session: &SessionHistory, recording: &Recording, files: &mut Vec<IndexFile>) {
    let Some(sid) = &session.sid else { return };
    let index = IndexOf {
        sid,
        cname: &recording.channel,
        mode: recording.mode,
        stream_types: request::StreamTypes::default(),
        folders: &[],
    };
    let running = session.doubt.is_some() && session.ended.is_none();
    for leg in Leg::all() {
        let mut add = |name, known, more, expected| {
            let leg = words::leg_name(leg);
            files.push(IndexFile { session: session.number, name, leg, known, more, expected });
        };
        let mut confirmed = false;
        for file in session.files.iter().filter(|file| Leg::of(file) == leg) {
            let name = file.rsplit('/').next().unwrap_or(file).to_owned();
            add(name, words::CONFIRMED, words::NAMED_BY_ANSWER, true);
            confirmed = true;
        }
        let number = match leg {
            Leg::Original => 0,
            Leg::Failover(index) => index + 1,
        };
        let expected = number <= session.failovers;
        // What only a further failover would write is worth a line while one may be running.
        if confirmed || !(expected || running && number == session.failovers + 1) {
            continue;
        }
        let names = index.names(leg);
        let more = match (expected, names.len()) {
            (false, _) => words::ONLY_IF_FAILOVER,
            (true, 1) => words::SPLICED,
            (true, _) => words::EITHER_SPELLING,
        };
        for name in names {
            add(name, words::PREDICTED, more, expected);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split_prefix;

    #[test]
    fn the_prefix_of_a_failover_is_set_apart() {
        assert_eq!(split_prefix("bak0_9f3a_math-7b.m3u8"), (Some("bak0_"), "9f3a_math-7b.m3u8"));
        assert_eq!(split_prefix("9f3a_math-7b.m3u8"), (None, "9f3a_math-7b.m3u8"));
        assert_eq!(split_prefix("bakery_9f3a.m3u8"), (None, "bakery_9f3a.m3u8"));
    }
}
