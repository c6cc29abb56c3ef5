//! Beside the timeline: deadlines, failovers, sessions with their UIDs, and what was asked for.

use std::rc::Rc;

use leptos::prelude::*;
use rules::RuleId;
use rules::recording::Phase;

use super::{Known, Page};
use crate::clock::{day_and_time, time_of_day};
use crate::dom::{Element, Node, el};
use crate::parts::icon::{Glyph, Tone, glyph};
use crate::parts::panel::panel;
use crate::parts::pips::pips;
use crate::parts::rule::rule_link;
use crate::parts::scale::{Place, shape};
use crate::route::Dialog;
use crate::{nodes, standing, words};

/// Until when it goes on by itself, and can be controlled.
pub(super) fn deadlines(page: &Rc<Page>, known: &Known) -> Node {
    let recording = &known.recording;
    let body = if recording.settled() {
        el("p.quiet").add(words::NO_DEADLINES)
    } else {
        let mut lines = el("ul.deadlines").add(deadline(
            words::IDLE_EXIT,
            words::idle_exit(recording.max_idle_time),
            Place(0),
            words::said(words::IDLE_EXIT_SAYS),
            RuleId::I1,
        ));
        if let Some(session) = known.session()
            && let (Some(ends), Some(accepted)) =
                (session.control_ends(recording.control_hours), session.accepted)
        {
            // Seconds that run would draw the eye: every tenth is enough.
            let now = page.second(known).millis() / 10_000 * 10_000;
            let all = (ends.millis() - accepted.millis()).max(1);
            let gone = (now - accepted.millis()).clamp(0, all);
            lines = lines.add(deadline(
                words::CONTROL,
                words::more_time((all - gone) / 1000),
                Place(gone * 10_000 / all),
                words::control_until(&day_and_time(ends), recording.control_hours),
                RuleId::T6,
            ));
        }
        lines
    };
    panel("t-deadlines", "Deadlines", false, known.as_answered(), body.into()).into()
}

fn deadline(name: &'static str, left: String, used: Place, says: String, rule: RuleId) -> Element {
    let scale = shape("svg aria-hidden=true")
        .add(shape("rect.track width=100% height=6 rx=3"))
        .add(shape("rect.use height=6 rx=3").set("width", used.percent()));
    el("li")
        .set("data-tone", Tone::Neutral.name())
        .add(el("span").add(name))
        .add(el("b").add(left))
        .add(scale)
        .add(el("small").add(says).add(" ").add(rule_link(rule)))
}

/// How many failovers it has had (F1).
pub(super) fn failovers(known: &Known) -> Element {
    let body = match known.session().filter(|session| session.sid.is_some()) {
        None => el("p.quiet").add(words::NO_SESSION_YET).into(),
        Some(session) => {
            let count = standing::failovers(&known.recording, session);
            nodes![
                el("div.topline")
                    .add(pips(count, true))
                    .add(el("span.quiet").add(words::failovers_left(&count))),
                el("p.meta").add(words::FAILOVERS_SAY),
            ]
        }
    };
    panel("t-failovers", "Failovers used", false, nodes![known.as_answered(), rule_link(RuleId::F1)], body)
}

/// A line of the list of sessions.
fn session_line(
    item: Element,
    tone: Tone,
    mark: Glyph,
    uid: agora::Uid,
    meta: impl Into<Node>,
    says: Element,
) -> Element {
    item.set("data-tone", tone.name())
        .add(glyph(mark))
        .add(el("span.mono").add(uid.to_string()))
        .add(el("span.meta").add(meta))
        .add(says)
}

/// Its sessions, and the UID of the one that would come next.
pub(super) fn sessions(page: &Page, known: &Known) -> Element {
    let recording = &known.recording;
    let acts = known.past.is_none();
    let twins = acts && recording.sessions.iter().filter(|session| session.is_billed()).count() > 1;
    let button = |dialog, text: Node| el("a.button").set("href", page.over(dialog)).add(text);
    let mut list = el("ol.uids");
    let mut last = None;
    for session in &known.history().sessions {
        last = Some(session.uid);
        let number = session.number;
        let (mark, stands) = words::session_says(session.phase, session.failovers);
        let (mut stop, mut dismiss) = (None, None);
        if let Some(folded) = recording.session(number) {
            if twins && folded.is_billed() {
                let text = words::stop_this(number).into();
                stop = Some(button(Dialog::StopSession(page.id.clone(), number), text));
            }
            if acts && folded.is_orphan() {
                let adopt = button(Dialog::Notices, words::notices::FIND.into());
                let dismissed = button(Dialog::Dismiss(page.id.clone(), number), words::DISMISS.into());
                dismiss = Some(nodes![adopt, " ", dismissed]);
            }
        }
        let bad = matches!(session.phase, Phase::Lost | Phase::NotStarted);
        let says =
            el("small").add(words::session(number)).add(": ").add(stands).add(" ").add(stop).add(dismiss);
        list = list.add(session_line(
            el("li"),
            if bad { Tone::Critical } else { Tone::Neutral },
            mark,
            session.uid,
            time_of_day(session.begun),
            says,
        ));
    }
    if recording.is_wanted() && !recording.settled() {
        let pair = &recording.uids;
        let uid = if last == Some(pair.original) { pair.backup } else { pair.original };
        let says = el("small").add(words::NEXT_UID).add(" ").add(rule_link(RuleId::S11));
        list = list.add(session_line(el("li.ahead"), Tone::Neutral, Glyph::Ahead, uid, words::IF_LOST, says));
    }
    panel("t-sessions", "Sessions and recorder UIDs", false, known.as_answered(), list.into())
}

/// What was asked for, who acts for it, and what the proxy refused last.
pub(super) fn asked(page: &Page, known: &Known) -> Element {
    let (desk, recording) = (page.desk, &known.recording);
    let held = known.past.is_none() && desk.held.with(|held| held.contains(&page.id));
    let controller = recording.lease.as_ref().map_or_else(
        || words::said(words::NO_CONTROLLER),
        |lease| words::controller(&lease.holder, lease.epoch, held),
    );
    let mut uids =
        [recording.uids.original.to_string(), ", ".to_owned(), recording.uids.backup.to_string()].concat();
    for reserve in &recording.uids.reserves {
        uids.push_str(", ");
        uids.push_str(&reserve.to_string());
    }
    let (billed, perhaps) = recording.billed();
    let rows = [
        ("Asked by", [&recording.asked_by, ", ", &day_and_time(recording.asked_at)].concat()),
        ("Recording", recording.id.to_string()),
        ("App", recording.app.clone()),
        ("Mode", words::said(words::mode(recording.mode))),
        ("Policy", recording.policy_name.clone()),
        ("UIDs", uids),
        ("maxIdleTime", words::seconds(recording.max_idle_time)),
        ("Storage profile", recording.storage.clone()),
        (words::ACTED_FOR_BY, controller),
        ("Billed now", words::standing::billed(billed, perhaps)),
    ];
    let mut facts = el("dl.facts");
    for (name, value) in rows {
        facts = facts.add(el("dt").add(name)).add(el("dd").add(value));
    }
    let refused = desk.refusals.with(|refusals| {
        refusals.get(&page.id).filter(|one| known.past.is_none() && standing::worth_showing(one)).cloned()
    });
    let refused = refused.map(|refusal| {
        el("p.meta")
            .add(words::step_refused(&refusal.sentence, &time_of_day(refusal.at)))
            .add(" ")
            .add(refusal.rule.map(rule_link))
    });
    panel("t-asked", "What was asked for", false, Node::Nothing, nodes![facts, refused])
}
