//! Which moment is looked at: a line from the first entry to now, what the entry there says, and what the rules would do.

use std::rc::Rc;

use leptos::prelude::*;
use rules::api::JournalPage;
use rules::bundle::{BUNDLE_ENTRIES, Instead, Step, Verdict};
use rules::{Bundle, Entry, EntryNumber, Fact};

use super::{Known, Page, Past};
use crate::clock::{day_and_time, exact_time_of_day, time_of_day};
use crate::dom::{Element, Node, el};
use crate::here::here;
use crate::nodes;
use crate::parts::banner::banner;
use crate::parts::icon::{Glyph, Tone};
use crate::parts::rule::rule_link;
use crate::route::{Route, api};
use crate::save::save;
use crate::socket::get;
use crate::tasks::spawn;
use crate::words;
use crate::words::replay as said;

/// The reason why nothing can be done at an earlier moment.
pub(super) const REASON: &str = "past-reason";

/// The line, and at an earlier moment what was there.
pub(super) fn strip(page: &Rc<Page>, known: &Known) -> Node {
    let entries = &known.whole.entries;
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Node::Nothing };
    if first.number != 1 {
        return el("p.meta").add(said::CANNOT_GO_BACK).into();
    }
    let last = last.number;
    let place = known.past.as_ref().map_or(last, |past| past.entry);
    let file = page.bundle.is_some();
    let Some(entry) = entries.get(place as usize - 1) else { return Node::Nothing };
    let (title, _) = words::journal::fact(&entry.fact, time_of_day);
    let live = known.past.is_none();
    let (spoken, shown) = if live {
        (words::translated(said::NOW_LIVE).to_owned(), nodes![el("b").add(said::NOW_LIVE)])
    } else {
        let clock = exact_time_of_day(entry.at);
        let spoken = said::moment_said(place, last, &clock, &title);
        let place = el("span.meta").add(said::moment_shown(place, last));
        (spoken, nodes![el("b").add(clock), " ", el("span").add(title), " ", place])
    };
    let slider = el("input")
        .id("moment")
        .set("type", "range")
        .set("min", "1")
        .set("max", last.to_string())
        .set("step", "1")
        .set("aria-label", said::MOMENT_SLIDER)
        .set("aria-valuetext", spoken)
        .value(place.to_string())
        .on("input", moved(page, last, false))
        .on("change", moved(page, last, true));
    let steps = |to_the_left: bool| {
        let taken = |entry: &&Entry| matches!(entry.fact, Fact::Decided(_) | Fact::CallSent(_));
        let number = |entry: &Entry| entry.number;
        if to_the_left {
            entries[..place as usize - 1].iter().rev().find(taken).map(number)
        } else {
            entries[place as usize..].iter().find(taken).map(number)
        }
    };
    let end = if file { said::TO_THE_END } else { said::BACK_TO_NOW };
    let row = el("div.scrubber")
        .set("role", "group")
        .set("aria-label", said::MOMENT)
        .add(jump(page, last, said::PREVIOUS_DECISION, "M4 3v10M13 3v10L6 8Z", steps(true)))
        .add(jump(page, last, said::PREVIOUS_ENTRY, "M12 3v10L5 8Z", (place > 1).then(|| place - 1)))
        .add(slider)
        .add(jump(page, last, said::NEXT_ENTRY, "M4 3v10l7-5Z", (place < last).then(|| place + 1)))
        .add(jump(page, last, said::NEXT_DECISION, "M12 3v10M3 3v10l7-5Z", steps(false)))
        .add(jump(
            page,
            last,
            end,
            "M14 3v10M2 8h9M7 4l4 4-4 4",
            (!live && (!file || place < last)).then_some(last),
        ))
        .add(el("p.shown").add(shown));
    let past = known.past.as_ref().map(|past| looked_back(page, known, past, entry));
    nodes![row, past]
}

/// Whoever drags sees every moment on the way; the address follows when the hand lets go.
fn moved(page: &Rc<Page>, last: EntryNumber, settles: bool) -> impl Fn(&web_sys::Event) + use<> {
    let page = Rc::clone(page);
    move |event| {
        if let Ok(number) = event_target_value(event).parse() {
            page.look_at(number, last, settles);
        }
    }
}

impl Page {
    /// Looks at this entry; at the last one of a recording that is on the desk: at now.
    pub(super) fn look_at(&self, number: EntryNumber, last: EntryNumber, settles: bool) {
        let at = (number < last).then_some(number);
        if self.at.get_untracked() != at {
            self.at.set(at);
        }
        if settles {
            here().router.go_on(Route { at, ..Route::to(self.screen()) });
        }
    }
}

fn jump(
    page: &Rc<Page>,
    last: EntryNumber,
    name: &'static str,
    mark: &'static str,
    to: Option<EntryNumber>,
) -> Element {
    let page = Rc::clone(page);
    el("button.button.plain.square")
        .set("type", "button")
        .set("aria-label", name)
        .set("title", name)
        .set_some("aria-disabled", to.is_none().then_some("true"))
        .on("click", move |_| {
            if let Some(to) = to {
                page.look_at(to, last, true);
            }
        })
        .add(
            el("svg.icon")
                .set("aria-hidden", "true")
                .set("viewBox", "0 0 16 16")
                .add(el("path").set("d", mark)),
        )
}

/// What was there, and what the rules make of it.
fn looked_back(page: &Rc<Page>, known: &Known, past: &Past, entry: &Entry) -> Element {
    let (title, detail) = words::journal::fact(&entry.fact, time_of_day);
    let rule = match &entry.fact {
        Fact::CallSent(sent) => Some(sent.rule),
        Fact::Decided(decided) => Some(decided.rule),
        _ => None,
    };
    let why = match &entry.fact {
        Fact::Decided(decided) => words::journal::evidence(&decided.evidence),
        _ => String::new(),
    };
    let next = known.coming().map_or_else(
        || el("p").add(said::NOTHING_BY_THE_RULES),
        |coming| {
            let at = coming.at.map(time_of_day);
            let call = said::next_call(&words::standing::retry_title(coming), at.as_deref());
            el("p")
                .add(said::NEXT_BY_THE_RULES)
                .add(" ")
                .add(call)
                .add(" ")
                .add(rule_link(coming.reason.rule))
        },
    );
    let replayed = page.replayed.get();
    let step = replayed.as_ref().and_then(|replayed| replayed.iter().find(|step| step.entry == past.entry));
    let (reason, link, word) = if page.bundle.is_some() {
        (said::FILE_NO_ACTIONS, None, said::moment_banner(&day_and_time(past.at)))
    } else {
        let back = el("a.button.primary").set("href", Route::to(page.screen()).href()).add(said::BACK_TO_NOW);
        (said::PAST_NO_ACTIONS, Some(back), said::moment_banner(&day_and_time(past.at)))
    };
    let says =
        el("div.moment")
            .add(el("p").add(el("b").add(word)).add(" ").add(el("span").id(REASON).add(reason)))
            .add(
                el("p")
                    .add(el("span.meta").add(words::entry_by(entry.number, &words::journal::by(&entry.by))))
                    .add(" ")
                    .add(el("b").add(title))
                    .add(" ")
                    .add(rule.map(rule_link))
                    .add(" ")
                    .add(detail)
                    .add(" ")
                    .add(why),
            )
            .add(next)
            .add(step.map(verdict))
            .add(replayed.as_ref().map(|replayed| tally(page, replayed)))
            .add(page.bundle.as_ref().map(|bundle| {
                el("p.meta").add(said::exported(&day_and_time(bundle.exported), &bundle.build))
            }));
    banner(Tone::Neutral, Glyph::Ahead, true).add(says).add(link)
}

/// What the rules of this page say to the step at this moment.
fn verdict(step: &Step) -> Element {
    let says = match &step.verdict {
        Verdict::Same => words::translated(said::SAME_HERE).to_owned(),
        Verdict::SameAt(_) => words::translated(said::SUPPOSES_DOMAIN).to_owned(),
        Verdict::Other(instead) => said::differs(instead.as_ref().map(|instead| match instead {
            Instead::Call(call) => {
                [&words::standing::operation(call.operation), " ", call.rule.as_str()].concat()
            }
            Instead::Decide(decision) => words::journal::decision(&decision.kind),
        })),
    };
    el("p").add(says)
}

/// How many steps came out the same, with the way to those that did not.
fn tally(page: &Page, steps: &[Step]) -> Element {
    let same = steps.iter().filter(|step| step.verdict.is_same()).count();
    let supposing = steps.iter().filter(|step| matches!(step.verdict, Verdict::SameAt(_))).count();
    let mut line = el("p.replayed").add(said::replayed(same, steps.len()));
    if supposing > 0 {
        line = line.add(" ").add(said::supposing(supposing));
    }
    for step in steps.iter().filter(|step| !step.verdict.is_same()).take(10) {
        let href = Route { at: Some(step.entry), ..Route::to(page.screen()) }.href();
        line = line.add(" ").add(el("a").set("href", href).add(said::differs_at(step.entry)));
    }
    line
}

/// Collects the whole journal and gives it to the browser as a file.
pub(super) fn download(page: &Rc<Page>, known: &Known) -> Element {
    let busy = page.collecting.get();
    let (page, app) = (Rc::clone(page), known.recording.app.clone());
    let channel = known.recording.channel.to_string();
    el("button.button.large")
        .set("type", "button")
        .set_some("aria-disabled", busy.then_some("true"))
        .on("click", move |_| {
            if page.collecting.get_untracked() {
                return;
            }
            page.collecting.set(true);
            let (page, app, channel) = (Rc::clone(&page), app.clone(), channel.clone());
            spawn(async move {
                let done = collect(&page, &app, &channel).await;
                page.collecting.try_set(false);
                let announcer = here().announcer;
                match done {
                    Ok(()) => announcer.say(words::translated(said::BUNDLE_READY).to_owned()),
                    Err(sentence) => announcer.warn(sentence),
                }
            });
        })
        .add(if busy { said::DOWNLOADING_BUNDLE } else { said::DOWNLOAD_BUNDLE })
}

async fn collect(page: &Page, app: &str, channel: &str) -> Result<(), String> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(0, |entry| entry.number);
        let found: JournalPage =
            get(&api::journal(&page.id, after)).await.map_err(|problem| words::sentence(&problem.title))?;
        let more = found.more && !found.entries.is_empty();
        entries.extend(found.entries);
        if entries.len() > BUNDLE_ENTRIES {
            return Err(words::translated(said::BUNDLE_TOO_LONG).to_owned());
        }
        if !more {
            break;
        }
    }
    let facts = page.desk.with_board(app, |board| board.facts().clone());
    let build = page.desk.client.with_value(|client| client.build().unwrap_or_default().to_owned());
    let bundle = Bundle::new(page.id.clone(), entries, facts, build, page.desk.clock.now());
    let text = serde_json::to_string(&bundle).unwrap_or_default();
    save(&text, &format!("{channel}-{}.tallylight.json", page.id), "application/json")
        .map_err(|_| words::translated(said::NOT_SAVED).to_owned())
}
