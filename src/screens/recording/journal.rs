//! The journal: every entry, the newest first, with the answers as they came.

use std::rc::Rc;

use leptos::prelude::*;
use rules::api::JournalPage;
use rules::journal::{By, DecisionKind, Fact};
use rules::{Entry, EntryNumber};

use super::{Known, Page, refusal};
use crate::clock::exact_time_of_day;
use crate::clock::time_of_day;
use crate::dom::{Node, Text, el};
use crate::parts::banner::banner;
use crate::parts::icon::{Glyph, Tone};
use crate::parts::panel;
use crate::parts::rule::rule_link;
use crate::route::api;
use crate::socket::get;
use crate::tasks::spawn;
use crate::{nodes, words};

/// How many entries are shown before one asks for more.
pub(super) const ENTRIES_SHOWN: usize = 100;

/// The journal in its panel.
pub(super) fn panel(page: &Rc<Page>, known: &Known) -> Node {
    let entries = &known.story.entries;
    let (count, shown) = (entries.len(), page.shown.get());
    let failed = page.failed.get().map(|problem| {
        banner(Tone::Caution, Glyph::Caution, false).add(refusal(words::JOURNAL_FAILED, &problem))
    });
    let missing = count < known.recording.last as usize;
    let missing = missing.then(|| el("p.meta.padded").add(words::LOADING_ENTRIES));
    let mut list = el("ol.decisions.journal");
    for entry in entries.iter().rev().take(shown) {
        list = list.add(line(page, entry));
    }
    let older = count.checked_sub(shown).filter(|older| *older > 0).map(|older| {
        let shown = page.shown;
        let button = el("button.button")
            .set("type", "button")
            .on("click", move |_| shown.update(|shown| *shown += ENTRIES_SHOWN))
            .add(words::show_older(older));
        el("p.padded").add(button)
    });
    let aside = el("span.meta").add(words::entries(count)).into();
    panel::panel("t-journal", "Journal", true, aside, nodes![failed, missing, list, older]).into()
}

fn line(page: &Rc<Page>, entry: &Entry) -> Node {
    let (title, detail) = words::journal::fact(&entry.fact, time_of_day);
    let mut rule = None;
    let mut why = String::new();
    let mut raw = None;
    let mut tone = Tone::Neutral;
    match &entry.fact {
        Fact::CallSent(sent) => rule = Some(sent.rule),
        Fact::CallAnswered(answered) => {
            raw = Some(match &answered.raw {
                Some(raw) => details(raw.clone().into()),
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
    let name = ["entry-", &entry.number.to_string()].concat();
    el("li")
        .key(name.clone())
        .id(name)
        .set("data-tone", tone.name())
        .add(el("time").add(exact_time_of_day(entry.at)))
        .add(el("span.mark-cell").add(rule.map(rule_link)))
        .add(
            el("div")
                .add(el("b").add(title))
                .add(" ")
                .add(el("span.meta").add(words::entry_by(entry.number, &by)))
                .add(paragraph(detail))
                .add(paragraph(why))
                .add(raw),
        )
        .into()
}

/// An answer as it came.
fn details(text: Text) -> crate::dom::Element {
    el("details").add(el("summary").add(words::RAW_ANSWER)).add(el("pre").set("tabindex", "0").add(text))
}

/// An answer that the stream left out: it is fetched when somebody wants to see it.
fn raw_later(page: &Rc<Page>, number: EntryNumber) -> crate::dom::Element {
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
