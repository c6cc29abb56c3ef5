//! Who did or tried what, for leads: page by page, the newest first. Nothing here acts.

use leptos::prelude::*;
use rules::RecordingId;
use rules::api::{AuditOutcome, AuditPage, AuditRecord, Capability, Problem};

use crate::clock::day_and_time;
use crate::dom::{Element, Node, el, part};
use crate::here::here;
use crate::nodes;
use crate::parts::banner::banner;
use crate::parts::icon::{Glyph, Tone, glyph};
use crate::parts::id::{copy_button, middle_truncated};
use crate::parts::panel::panel;
use crate::parts::scale::shape;
use crate::route::{Route, Screen, api};
use crate::socket::get;
use crate::tasks::{follow, spawn};
use crate::words;
use crate::words::audit as says;

/// What of the audit is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Wanted {
    /// Of this App ID; empty: of all.
    app: String,
    /// Whose name or address holds this.
    who: String,
    /// Only what was refused.
    refused: bool,
    /// Before this record; none: from the newest on.
    before: Option<u64>,
}

/// What came of the last look.
#[derive(Debug, Clone)]
enum Found {
    Awaited,
    Page(AuditPage),
    Problem(Problem),
}

/// The screen.
pub fn audit_screen() -> Node {
    part("audit", || {
        let desk = here().desk;
        let wanted = RwSignal::new(Wanted::default());
        let found = RwSignal::new(Found::Awaited);
        follow(move || {
            if desk.live() && desk.may(Capability::Lead) {
                look(wanted.get(), found);
            }
        });
        move || {
            let header = el("header")
                .add(el("h1").id("audit-title").set("tabindex", "-1").add(says::TITLE))
                .add(el("p.quiet").add(says::SAYS));
            let screen = el("div.audit").add(header);
            if !desk.may(Capability::Lead) {
                let why = el("p").add(words::no_permission(Capability::Lead));
                return screen.add(banner(Tone::Neutral, Glyph::Unknown, false).add(why)).into();
            }
            screen.add(filters(wanted)).add(found.with(|found| records(found, wanted))).into()
        }
    })
}

fn look(wanted: Wanted, found: RwSignal<Found>) {
    spawn(async move {
        let Wanted { app, who, refused, before } = wanted;
        let answer = get::<AuditPage>(&api::audit(&app, &who, refused, before)).await;
        // The screen may be gone by now.
        let _ = found.try_set(match answer {
            Ok(page) => Found::Page(page),
            Err(problem) => Found::Problem(problem),
        });
    });
}

fn filters(wanted: RwSignal<Wanted>) -> Element {
    let desk = here().desk;
    let chosen = wanted.get();
    // Whoever looks for something else begins with the newest again.
    let change = move |change: &dyn Fn(&mut Wanted)| {
        wanted.update(|wanted| {
            wanted.before = None;
            change(wanted);
        });
    };
    let mut apps = el("select")
        .id("audit-app")
        .value(chosen.app)
        .on("change", move |event| {
            let app = event_target_value(event);
            change(&|wanted| wanted.app.clone_from(&app));
        })
        .add(el("option").set("value", "").add(says::ALL_APPS));
    let names: Vec<String> = desk
        .setup
        .with(|setup| setup.iter().flat_map(|setup| &setup.apps).map(|app| app.name.clone()).collect());
    for name in names {
        apps = apps.add(el("option").set("value", name.clone()).add(name));
    }
    let who = el("input")
        .id("audit-who")
        .set("type", "search")
        .set("autocomplete", "off")
        .set("spellcheck", "false")
        .set("aria-describedby", "audit-who-hint")
        .value(chosen.who)
        .on("change", move |event| {
            let who = event_target_value(event).trim().to_owned();
            change(&|wanted| wanted.who.clone_from(&who));
        });
    let refused = el("input").set("type", "checkbox").checked(chosen.refused).on("change", move |event| {
        let refused = event_target_checked(event);
        change(&|wanted| wanted.refused = refused);
    });
    el("div.audit-bar")
        .add(el("div.field").add(el("label").set("for", "audit-app").add(says::APP)).add(apps))
        .add(
            el("div.field")
                .add(el("label").set("for", "audit-who").add(says::WHO))
                .add(who)
                .add(el("div.hint").id("audit-who-hint").add(says::WHO_SAYS)),
        )
        .add(el("label.option").add(refused).add(el("span").add(says::REFUSED_ONLY)))
}

fn records(found: &Found, wanted: RwSignal<Wanted>) -> Node {
    let page = match found {
        Found::Awaited => return el("p.quiet").set("role", "status").add(says::LOADING).into(),
        Found::Problem(problem) => {
            let why = el("p").add(words::sentence(&problem.title));
            return banner(Tone::Caution, Glyph::Caution, true).set("role", "alert").add(why).into();
        }
        Found::Page(page) => page,
    };
    let newest = el("span.meta")
        .add(says::newest(page.newest))
        .add(" ")
        .add(el("span.mono").set("title", page.head.clone()).add(middle_truncated(&page.head, 12)))
        .add(copy_button(page.head.clone(), words::said(says::HEAD)));
    let body: Node = if page.records.is_empty() {
        let none = if page.next.is_some() { says::NONE_HERE } else { says::NONE };
        el("p.quiet.padded").set("role", "status").add(none).into()
    } else {
        table(&page.records)
    };
    let before = wanted.with(|wanted| wanted.before);
    let earlier = page.next;
    let back = press(says::NEWEST, before.is_none(), move || wanted.update(|wanted| wanted.before = None));
    let on = press(says::EARLIER, earlier.is_none(), move || wanted.update(|wanted| wanted.before = earlier));
    nodes![
        panel("audit-records", says::RECORDS, true, newest.into(), body),
        el("p.buttons").add(back).add(on)
    ]
}

fn press(text: &'static str, off: bool, press: impl Fn() + 'static) -> Element {
    el("button.button")
        .set("type", "button")
        .set_some("aria-disabled", off.then_some("true"))
        .on("click", move |_| {
            if !off {
                press();
            }
        })
        .add(text)
}

fn table(records: &[AuditRecord]) -> Node {
    let mut head = el("tr");
    for name in [says::WHEN, says::BY_WHOM, says::WHAT, says::ABOUT, says::RESULT] {
        head = head.add(shape("th scope=col").add(name));
    }
    let mut rows = el("tbody");
    for record in records {
        rows = rows.add(row(record).key(record.number.to_string()));
    }
    shape("div.scroll tabindex=0 role=region")
        .set("aria-label", says::TITLE)
        .add(el("table.table").add(el("thead").add(head)).add(rows))
        .into()
}

fn row(record: &AuditRecord) -> Element {
    // What was recorded stands as it was, in every language.
    let small = |says: String| (!says.is_empty()).then(|| el("small").set("translate", "no").add(says));
    let joined = |parts: Vec<String>| {
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" · ")
    };
    let by_proxy = record.from.is_empty() && record.who.is_empty();
    let who: Node = match record.who.as_str() {
        "" if by_proxy => says::THIS_PROXY.into(),
        "" => says::NOBODY.into(),
        name => el("b").set("translate", "no").add(name.to_owned()).into(),
    };
    let role = record.role.map(|role| words::said(words::role(role))).unwrap_or_default();
    let (action, technical) = match says::action(&record.action) {
        Some(action) => (Node::from(action), record.action.clone()),
        None => (el("span").set("translate", "no").add(record.action.clone()).into(), String::new()),
    };
    let (tone, mark) = match record.outcome {
        AuditOutcome::Refused => (Tone::Critical, Glyph::Critical),
        AuditOutcome::Unanswered => (Tone::Caution, Glyph::Caution),
        AuditOutcome::Done | AuditOutcome::Answered | AuditOutcome::Sent => (Tone::Neutral, Glyph::Passed),
    };
    let result =
        el("span.state").set("data-tone", tone.name()).add(glyph(mark)).add(says::outcome(record.outcome));
    let code =
        joined(vec![record.status.map(|status| status.to_string()).unwrap_or_default(), record.kind.clone()]);
    el("tr")
        .add(shape("td.mono").add(day_and_time(record.at)).add(small(record.number.to_string())))
        .add(
            el("td")
                .add(who)
                .add((!role.is_empty()).then(|| el("small").add(role)))
                .add(small(record.from.clone())),
        )
        .add(el("td").add(action).add(small(technical)))
        .add(el("td").add(about(record)).add(small(record.about.clone())))
        .add(
            el("td")
                .add(result)
                .add(small(code))
                .add(record.entry.map(|entry| el("small").add(says::entry(entry))))
                .add((record.more > 0).then(|| el("small").add(says::more(record.more))))
                .add(record.late.then(|| el("small").add(says::LATE))),
        )
}

/// The recording by its channel, where this page knows it; else its name, or the App ID's.
fn about(record: &AuditRecord) -> Node {
    let channel = |id: &RecordingId| {
        let known = here().desk.recording_now(id);
        known.map_or_else(|| id.to_string(), |recording| recording.channel.to_string())
    };
    match (&record.recording, &record.app) {
        (Some(id), _) => {
            let to = Route::to(Screen::Recording(id.clone())).href();
            el("a").set("href", to).add(channel(id)).into()
        }
        (None, Some(app)) => app.clone().into(),
        (None, None) => Node::Nothing,
    }
}
