//! The journal: every entry, the newest first, with the answers as they came.

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use rules::api::JournalPage;
use rules::journal::{By, DecisionKind, Fact};
use rules::{Entry, EntryNumber};

use super::{Known, Page, refusal};
use crate::clock::exact_time_of_day;
use crate::clock::time_of_day;
use crate::comfort::curl::curl;
use crate::dom::{Element, Node, Text, el};
use crate::parts::banner::banner;
use crate::parts::icon::{Glyph, Tone};
use crate::parts::id::copy;
use crate::parts::panel;
use crate::parts::rule::rule_link;
use crate::route::{Route, api};
use crate::socket::get;
use crate::tasks::spawn;
use crate::{nodes, words};

/// How many entries are shown before one asks for more.
pub(super) const ENTRIES_SHOWN: usize = 100;

/// How many conclusions are shown before one asks for more.
const DECISIONS_SHOWN: usize = 12;

/// Which entries are shown, and whether any are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kinds {
    open: bool,
    only: Option<Kind>,
    /// All conclusions, not only the newest.
    all_decisions: bool,
    /// All kinds of notification, not only the newest.
    pub(super) all_notifications: bool,
}

/// A kind of entry that one may want to see alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Calls and what came of them.
    Calls,
    /// Conclusions of the rules.
    Decisions,
    /// Notifications.
    Notifications,
    /// What people did.
    People,
    /// What has no other place.
    Rest,
}

impl Kind {
    /// All of them, in the order of the buttons.
    pub const ALL: [Self; 5] = [Self::Calls, Self::Decisions, Self::Notifications, Self::People, Self::Rest];

    pub(super) fn of(entry: &Entry) -> Self {
        match &entry.fact {
            Fact::CallSent(_) | Fact::CallAnswered(_) | Fact::CallUnanswered(_) | Fact::Repeated(_) => {
                Self::Calls
            }
            Fact::Decided(_) => Self::Decisions,
            Fact::Notified(_) | Fact::NotifiedAgain(_) => Self::Notifications,
            Fact::Leased(_) | Fact::Unknown(_) | Fact::Adopted(_) => Self::Rest,
            _ => Self::People,
        }
    }
}

/// What the rules concluded, the newest first, each with its rule and what it rests on.
pub(super) fn decisions(page: &Rc<Page>, known: &Known) -> Node {
    let found = || known.story.entries.iter().filter(|entry| Kind::of(entry) == Kind::Decisions);
    let count = found().count();
    let all = page.kinds.get().all_decisions;
    let shown = if all { count } else { DECISIONS_SHOWN };
    let mut list = el("ol.decisions.journal");
    for entry in found().rev().take(shown) {
        list = list.add(line(page, known, entry, "decision-"));
    }
    let body =
        if count == 0 { el("p.quiet.padded").add(words::NO_DECISIONS_YET).into() } else { Node::from(list) };
    let kinds = page.kinds;
    let older = count.checked_sub(shown).filter(|older| *older > 0).map(|older| {
        let button = el("button.button")
            .set("type", "button")
            .on("click", move |_| kinds.update(|kinds| kinds.all_decisions = true))
            .add(words::show_older(older));
        el("p.padded").add(button)
    });
    let aside = nodes![known.as_written(), el("span.meta").add(words::decisions(count))];
    panel::panel("t-decisions", words::DECISIONS, true, aside, nodes![body, older]).into()
}

/// The journal in its panel: folded until somebody wants to see it.
pub(super) fn panel(page: &Rc<Page>, known: &Known) -> Node {
    let entries = &known.story.entries;
    let (count, most) = (entries.len(), page.shown.get());
    let Kinds { open, only, .. } = page.kinds.get();
    let kinds = page.kinds;
    let failed = page.failed.get().map(|problem| {
        banner(Tone::Caution, Glyph::Caution, false).add(refusal(words::JOURNAL_FAILED, &problem))
    });
    let unfold = el("button.button")
        .set("type", "button")
        .set("aria-expanded", if open { "true" } else { "false" })
        .set("aria-controls", "journal-body")
        .on("click", move |_| kinds.update(|kinds| kinds.open = !kinds.open))
        .add(if open { words::FOLD_JOURNAL } else { words::UNFOLD_JOURNAL });
    let aside = nodes![known.as_written(), el("span.meta").add(words::entries(count)), unfold];
    let mut body = nodes![failed];
    if open {
        let missing = page.bundle.is_none() && known.past.is_none() && count < known.recording.last as usize;
        let missing = missing.then(|| el("p.meta.padded").add(words::LOADING_ENTRIES));
        let wanted = || entries.iter().filter(|entry| only.is_none_or(|only| Kind::of(entry) == only));
        let mut list = el("ol.decisions.journal");
        for entry in wanted().rev().take(most) {
            list = list.add(line(page, known, entry, "entry-"));
        }
        let older = wanted().count().checked_sub(most).filter(|older| *older > 0).map(|older| {
            let shown = page.shown;
            let button = el("button.button")
                .set("type", "button")
                .on("click", move |_| shown.update(|shown| *shown += ENTRIES_SHOWN))
                .add(words::show_older(older));
            el("p.padded").add(button)
        });
        body = nodes![body, filters(page, entries), missing, list, older];
    }
    let body = el("div").id("journal-body").add(body).into();
    panel::panel("t-journal", "Journal", true, aside, body).into()
}

/// A button for each kind that is there.
fn filters(page: &Rc<Page>, entries: &[Entry]) -> Node {
    let kinds = page.kinds;
    let only = kinds.get().only;
    let button = |kind: Option<Kind>, count: usize| {
        el("button.button")
            .set("type", "button")
            .set("aria-pressed", if only == kind { "true" } else { "false" })
            .on("click", move |_| kinds.update(|kinds| kinds.only = kind))
            .add(words::journal::kind(kind, count))
    };
    let mut buttons = el("div.buttons.padded")
        .set("role", "group")
        .set("aria-label", words::JOURNAL_KINDS)
        .add(button(None, entries.len()));
    for kind in Kind::ALL {
        let count = entries.iter().filter(|entry| Kind::of(entry) == kind).count();
        if count > 0 {
            buttons = buttons.add(button(Some(kind), count));
        }
    }
    buttons.into()
}

fn line(page: &Rc<Page>, known: &Known, entry: &Entry, named: &'static str) -> Node {
    let (title, detail) = words::journal::fact(&entry.fact, time_of_day);
    let mut rule = None;
    let mut why = String::new();
    let mut raw = None;
    let mut tone = Tone::Neutral;
    match &entry.fact {
        Fact::CallSent(sent) => {
            rule = Some(sent.rule);
            raw = Some(curl_button(page, known, entry.number));
        }
        Fact::CallAnswered(answered) => {
            raw = Some(match &answered.raw {
                Some(raw) => details(raw.clone().into()),
                None if page.bundle.is_some() => details(words::replay::RAW_NOT_IN_FILE.into()),
                None => raw_later(page, entry.number),
            });
            if answered.answer.status != 200 {
                tone = Tone::Caution;
            }
        }
        Fact::CallUnanswered(_) => tone = Tone::Caution,
        Fact::Decided(decided) => {
            rule = Some(decided.rule);
            why = words::journal::evidence(&decided.evidence);
            tone = match decided.kind {
                DecisionKind::Lost(_) | DecisionKind::NotStarted { .. } | DecisionKind::Alarm(_) => {
                    Tone::Critical
                }
                DecisionKind::InDoubt(_) | DecisionKind::Recovered(_) => Tone::Failover,
                DecisionKind::Confirmed(_) => Tone::Recording,
                _ => Tone::Neutral,
            };
        }
        Fact::Notified(notified) => raw = notified.raw.clone().map(|text| details(text.into())),
        Fact::Unknown(value) => raw = Some(details(value.to_string().into())),
        _ => {}
    }
    let by = match &entry.by {
        By::Proxy => String::new(),
        by => words::journal::by(by),
    };
    let paragraph = |text: String| (!text.is_empty()).then(|| el("p").add(text));
    let name = [named, &entry.number.to_string()].concat();
    let here = known.past.as_ref().is_some_and(|past| past.entry == entry.number);
    let href = Route { at: Some(entry.number), ..Route::to(page.screen()) }.href();
    let time = exact_time_of_day(entry.at);
    let moment = el("a.time").set("href", href).set("title", words::LOOK_AT_MOMENT).add(el("time").add(time));
    el("li")
        .key(name.clone())
        .id(name)
        .set("data-tone", tone.name())
        .set_some("aria-current", here.then_some("true"))
        .add(moment)
        .add(el("span.mark-cell").add(rule.map(rule_link)))
        .add(
            el("div")
                .add(el("b").add(title))
                .add(" ")
                .add(el("span.meta").add(words::entry_by(entry.number, &by)))
                .add(entry.held.then(|| not_recorded(page)))
                .add(paragraph(detail))
                .add(paragraph(why))
                .add(raw),
        )
        .into()
}

/// An entry that was held in memory: as long as the journal cannot be written it is recorded nowhere (D9).
fn not_recorded(page: &Page) -> Element {
    let still = page.bundle.is_none()
        && page.desk.unwritten.with(|unwritten| {
            unwritten.as_ref().is_some_and(|unwritten| unwritten.recordings.contains(&page.id))
        });
    let (tone, says) = match still {
        true => (Tone::Critical, words::disk::NOT_RECORDED),
        false => (Tone::Neutral, words::disk::RECORDED_LATE),
    };
    el("span.held").set("data-tone", tone.name()).set("title", words::disk::HELD_SAYS).add(says)
}

/// Copies a call as a command line. It is made when somebody wants it.
fn curl_button(page: &Rc<Page>, known: &Known, number: EntryNumber) -> Element {
    let (story, id) = (Arc::clone(&known.story), page.id.clone());
    el("button.button.plain")
        .set("type", "button")
        .on("click", move |_| {
            let call = story.entries.iter().find(|entry| entry.number == number);
            let told = call.and_then(|call| curl(&story.entries, call, id.as_str(), &api::proxy()));
            if let Some(told) = told {
                copy(&told, words::said(words::comfort::CURL_OF_CALL));
            }
        })
        .add(words::comfort::COPY_CURL)
}

/// An answer as it came.
fn details(text: Text) -> Element {
    el("details").add(el("summary").add(words::RAW_ANSWER)).add(el("pre").set("tabindex", "0").add(text))
}

/// An answer that the stream left out: it is fetched when somebody wants to see it.
fn raw_later(page: &Rc<Page>, number: EntryNumber) -> Element {
    let find = move |all: &Vec<(EntryNumber, String)>| {
        all.iter().find(|(known, _)| *known == number).map(|(_, text)| text.clone())
    };
    let text = page.raw.with(find).unwrap_or_default();
    let (raw, id) = (page.raw, page.id.clone());
    details(text.into()).on("toggle", move |_| {
        if raw.with_untracked(find).is_some() {
            return;
        }
        raw.update(|all| all.push((number, words::said(words::LOADING_RAW))));
        let path = api::journal(&id, number.saturating_sub(1));
        spawn(async move {
            let says = match get::<JournalPage>(&path).await {
                Ok(page) => as_it_came(page, number).unwrap_or_else(|| words::said(words::RAW_GONE)),
                Err(problem) => words::sentence(&problem.title),
            };
            raw.try_update(|all| {
                for (known, text) in all {
                    if *known == number {
                        text.clone_from(&says);
                    }
                }
            });
        });
    })
}

fn as_it_came(page: JournalPage, number: EntryNumber) -> Option<String> {
    let entry = page.entries.into_iter().find(|entry| entry.number == number)?;
    if let Fact::CallAnswered(answered) = entry.fact { answered.raw } else { None }
}
