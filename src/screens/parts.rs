//! Every part in every state, for who works on the page: `?parts`, in development builds only. A test finds a part that is
//! not here. Its own words are not the page's, so they stand here.

use core::time::Duration;

use agora::Timestamp;
use leptos::prelude::*;
use rules::RuleId;

use crate::dom::{Element, Node, el, part};
use crate::here::here;
use crate::nodes;
use crate::parts::age::{age, age_or_time, countdown, elapsed, when};
use crate::parts::attention::{Handled, Need, attention, handled};
use crate::parts::banner::banner;
use crate::parts::board::{
    COLUMNS, Extra, Mark as RowMark, Row, board, board_row, column_head, divider, loading_rows,
};
use crate::parts::button::{Kind, button};
use crate::parts::choice::{Choice, choices};
use crate::parts::counts::{Facet, counts, facet};
use crate::parts::dialog::dialog;
use crate::parts::field::{Finding, TextField, check_line, text_field};
use crate::parts::icon::{Glyph, Icon, Tone, glyph, icon};
use crate::parts::id::{copy_button, id};
use crate::parts::lamps::{Lamps, lamps};
use crate::parts::panel::panel;
use crate::parts::pips::{Failovers, pips};
use crate::parts::retry::{Retry, retry_chip};
use crate::parts::rule::{rule_link, rule_mark};
use crate::parts::scale::{Mark, Step, ladder};
use crate::parts::splitter::splitter;
use crate::parts::state::{State, state, state_tag};
use crate::parts::strip::{Probe, strip};
use crate::parts::timeline::{Item, Lane, Look, Shape, Timeline, timeline};
use crate::parts::window::{FailoverWindow, failover_window};

const TONES: [Tone; 5] = [Tone::Recording, Tone::Caution, Tone::Failover, Tone::Critical, Tone::Neutral];

const GLYPHS: [Glyph; 12] = [
    Glyph::Recording,
    Glyph::Caution,
    Glyph::Retry,
    Glyph::Failover,
    Glyph::Critical,
    Glyph::Starting,
    Glyph::Stopping,
    Glyph::Ended,
    Glyph::Unknown,
    Glyph::Passed,
    Glyph::Ahead,
    Glyph::Paused,
];

const ICONS: [Icon; 8] = [
    Icon::List,
    Icon::Simulator,
    Icon::Search,
    Icon::Copy,
    Icon::Close,
    Icon::Plus,
    Icon::Settings,
    Icon::Watch,
];

/// The screen.
pub fn parts_screen() -> Node {
    part("parts", || {
        let theme = RwSignal::new("");
        let contrast = RwSignal::new("");
        let open = RwSignal::new(false);
        let as_table = RwSignal::new(false);
        let chosen = RwSignal::new(String::new());
        let typed = RwSignal::new("math-7b".to_owned());
        move || {
            let now = here().desk.clock.now();
            let choose = |name: &'static str, signal: RwSignal<&'static str>, value: &'static str| {
                el("button.button")
                    .set("type", "button")
                    .set("aria-pressed", if signal.get() == value { "true" } else { "false" })
                    .on("click", move |_| signal.set(value))
                    .add(name.to_owned())
            };
            let looks = el("div.buttons")
                .add(choose("system", theme, ""))
                .add(choose("light", theme, "light"))
                .add(choose("dark", theme, "dark"))
                .add(choose("usual contrast", contrast, ""))
                .add(choose("more contrast", contrast, "more"));
            let some = |value: &'static str| (!value.is_empty()).then_some(value);
            el("div.faults.parts")
                .set_some("data-theme", some(theme.get()))
                .set_some("data-contrast", some(contrast.get()))
                .add(
                    el("header")
                        .add(el("h1").id("parts-title").set("tabindex", "-1").add("Parts".to_owned())),
                )
                .add(looks)
                .add(times(now))
                .add(section(
                    "announcer",
                    el("p").add("Two silent regions at the end of the page.".to_owned()).into(),
                ))
                .add(lines(now))
                .add(forms(typed, chosen))
                .add(marks())
                .add(drawings(now, as_table))
                .add(dialogs(open))
                .into()
        }
    })
}

/// A part with its name, which is that of its file.
fn section(name: &'static str, shown: Node) -> Element {
    el("section").add(el("h2").add(name.to_owned())).add(shown)
}

fn before(now: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_millis(now.millis() - seconds * 1000)
}

fn times(now: Timestamp) -> Element {
    let past = Some(before(now, 95));
    let row = el("p.buttons")
        .add(age(past))
        .add(age_or_time(past))
        .add(when(past))
        .add(countdown(Some(now + Duration::from_secs(42))))
        .add(countdown(past))
        .add(elapsed(past, None))
        .add(elapsed(past, Some(now)));
    section("age", row.into())
}

fn failovers(proved: u8, possible: u8, running: bool) -> Failovers {
    Failovers { proved, possible, running, allowed: 3 }
}

fn a_state(tone: Tone, glyph: Glyph, word: &str) -> State {
    State { tone, glyph, word: word.to_owned() }
}

fn lines(now: Timestamp) -> Node {
    let need = |key: &str, tone, glyph, action: bool| Need {
        key: key.to_owned(),
        tone,
        glyph,
        channel: key.to_owned(),
        href: "?parts".to_owned(),
        says: "Lost at 12:01:40; nobody records.".to_owned(),
        rule: RuleId::R3,
        action: action.then(|| ("Try again".to_owned(), "?parts".to_owned())),
    };
    let needs = [
        need("geo-11", Tone::Critical, Glyph::Critical, true),
        need("hist-9", Tone::Caution, Glyph::Retry, false),
        need("civics-8", Tone::Failover, Glyph::Failover, true),
    ];
    let handled_ones: Vec<Handled> = (0..7)
        .map(|place| Handled {
            key: format!("handled-{place}"),
            tone: TONES[place % 5],
            glyph: GLYPHS[place],
            channel: format!("phys-{place}"),
            href: "?parts".to_owned(),
            due: Some(now + Duration::from_secs(10 + place as u64)),
        })
        .collect();
    let row = |place: usize, tone, glyph, word: &str| Row {
        id: format!("part-{place}"),
        href: "?parts".to_owned(),
        stop: (place != 3).then(|| "?parts".to_owned()),
        channel: format!("math-{place}"),
        mode: "composite".to_owned(),
        uid: "900000".to_owned(),
        sid: (place > 0).then(|| "9f3a61c07be94d25a1c8d20e5b74fc21".to_owned()),
        state: a_state(tone, glyph, word),
        rule: (place > 0).then_some(RuleId::M3),
        says: "404 expected until 12:06:54; files go on as bak1_.".to_owned(),
        lamps: (place == 0).then_some(Lamps::Accepted),
        mark: (place == 2).then(|| RowMark {
            glyph: Glyph::Failover,
            says: "recovered".to_owned(),
            at: before(now, 240),
        }),
        since: Some(before(now, 2_538)),
        until: (place == 3).then_some(now),
        failovers: (place > 0).then(|| failovers(1, 2, place == 1)),
        probes: vec![Probe::Good, Probe::Doubt, Probe::Back, Probe::Lost],
        answer: Some(("200".to_owned(), before(now, 12))),
        next: "Query".to_owned(),
        due: Some(now + Duration::from_secs(18)),
        over: place == 3,
    };
    let rows = [
        row(0, Tone::Neutral, Glyph::Starting, "Not confirmed"),
        row(1, Tone::Failover, Glyph::Failover, "In failover"),
        row(2, Tone::Recording, Glyph::Recording, "Recording"),
        row(3, Tone::Neutral, Glyph::Ended, "Ended"),
    ];
    let mut boards = Vec::new();
    for density in ["compact", "cosy", "roomy"] {
        let heads = COLUMNS.iter().map(|column| column_head(*column, column.title()).into()).collect();
        let mut lines = vec![divider("Recording")];
        for (place, row) in rows.iter().enumerate() {
            let row = Row { id: format!("{}-{density}", row.id), ..row.clone() };
            lines.push(board_row(&row, &COLUMNS, place == 1, Extra::default()).key(row.id.clone()).into());
        }
        boards.push(board(Node::Nothing, heads, density, lines).into());
    }
    let calm = el("p.calm").add("41 recording, nothing needs you.".to_owned());
    let refs: Vec<&Need> = needs.iter().collect();
    let mut banners = Vec::new();
    for tone in TONES {
        banners.push(banner(tone, Glyph::Caution, true).add(el("p").add(tone.name())).into());
    }
    nodes![
        section("attention", nodes![attention(&refs, calm), handled(&handled_ones)]),
        section("banner", Node::Many(banners)),
        section("board", nodes![Node::Many(boards), loading_rows()]),
    ]
}

fn forms(typed: RwSignal<String>, chosen: RwSignal<String>) -> Node {
    let press = |kind, blocked| button(kind, "Press".to_owned(), blocked, "parts-reason", false, || {});
    let buttons = el("p.buttons")
        .add(press(Kind::Usual, false))
        .add(press(Kind::Primary, false))
        .add(press(Kind::Danger, false))
        .add(press(Kind::Primary, true))
        .add(el("span.why").id("parts-reason").add("Why it cannot be pressed.".to_owned()))
        .add(el("button.button.plain").set("type", "button").add("Plain".to_owned()))
        .add(
            el("button.button.plain.square")
                .set("type", "button")
                .set("aria-label", "Close")
                .add(icon(Icon::Close)),
        );
    let offered = [
        Choice { value: "a".to_owned(), name: "One".to_owned(), says: "What it costs.", blocked: None },
        Choice { value: "b".to_owned(), name: "Two".to_owned(), says: "What it costs.", blocked: None },
        Choice {
            value: "c".to_owned(),
            name: "Off".to_owned(),
            says: "What it costs.",
            blocked: Some("Not now."),
        },
    ];
    let facets = counts("Filter by state")
        .add(facet(&Facet { word: "All", mark: None, count: 41, chosen: true }))
        .add(facet(&Facet {
            word: "Lost",
            mark: Some((Tone::Critical, Glyph::Critical)),
            count: 0,
            chosen: false,
        }));
    let field = |id, blocks: Option<bool>| {
        let finding = blocks.map(|blocks| Finding { blocks, says: "What a check says.".into() });
        text_field(TextField { finding, ..TextField::new(id, "Channel", typed, "Case matters.") })
    };
    let checks = el("ul")
        .add(check_line(Tone::Recording, "It passes.".into(), None, RuleId::S1))
        .add(check_line(Tone::Caution, "It warns.".into(), Some("And why."), RuleId::I1))
        .add(check_line(Tone::Critical, "It blocks.".into(), None, RuleId::S11))
        .add(check_line(Tone::Neutral, "It waits.".into(), None, RuleId::S1));
    nodes![
        section("button", buttons.into()),
        section("choice", choices("parts-choice", "Policy".into(), &offered, chosen).into()),
        section("counts", facets.into()),
        section(
            "field",
            nodes![
                field("parts-plain", None),
                field("parts-warns", Some(false)),
                field("parts-blocks", Some(true)),
                checks
            ],
        ),
    ]
}

fn marks() -> Node {
    let mut glyphs = el("p.buttons");
    for mark in GLYPHS {
        glyphs = glyphs.add(glyph(mark));
    }
    for act in ICONS {
        glyphs = glyphs.add(icon(act));
    }
    let ids = el("p.buttons")
        .add(id("9f3a61c07be94d25a1c8d20e5b74fc21", "sid of math-7b"))
        .add(copy_button("text".to_owned(), "text".to_owned()));
    let lit = [Lamps::Dark, Lamps::Accepted, Lamps::Confirmed];
    let both = lit.iter().fold(el("p.buttons"), |line, lit| line.add(lamps(*lit, true)));
    let diamonds = el("p.buttons")
        .add(pips(failovers(0, 0, false), false))
        .add(pips(failovers(1, 1, true), false))
        .add(pips(failovers(1, 3, false), true))
        .add(pips(failovers(3, 3, false), true));
    let mut states = el("p.buttons");
    for (tone, mark) in TONES.into_iter().zip(GLYPHS) {
        states = states.add(state(&a_state(tone, mark, tone.name()))).add(state_tag(&a_state(
            tone,
            mark,
            tone.name(),
        )));
    }
    let probes: Vec<Probe> =
        [Probe::Good, Probe::Doubt, Probe::Back, Probe::Lost].into_iter().cycle().take(22).collect();
    nodes![
        section("icon", glyphs.into()),
        section("id", ids.into()),
        section("lamps", both.into()),
        section(
            "panel",
            panel(
                "parts-panel",
                "Deadlines",
                false,
                "aside".to_owned().into(),
                el("p").add("Body.".to_owned()).into()
            )
            .into()
        ),
        section("pips", diamonds.into()),
        section("rule", el("p.buttons").add(rule_mark(RuleId::M3)).add(rule_link(RuleId::M3)).into()),
        section("state", states.into()),
        section("strip", nodes![strip(&probes), strip(&probes[..3])]),
    ]
}

fn drawings(now: Timestamp, as_table: RwSignal<bool>) -> Node {
    let begin = before(now, 45);
    let at = |seconds| begin + Duration::from_secs(seconds);
    let step = |seconds, mark, label: &str| Step { at: at(seconds), mark, label: label.to_owned() };
    let steps = vec![
        step(0, Mark::Miss, "first"),
        step(15, Mark::Hit, "+15 s"),
        step(30, Mark::Good, "+30 s"),
        step(60, Mark::Due, "+60 s"),
        step(90, Mark::Later, "+90 s"),
    ];
    let retry = |tone, joint, due: Option<Timestamp>, steps: Vec<Step>| Retry {
        tone,
        glyph: Glyph::Retry,
        title: "Query retry 2 of 3".to_owned(),
        joint,
        due,
        cause: "404, “failed to find worker”, since 12:05:24.".to_owned(),
        rule: RuleId::M3,
        then: "If it fails: 12:06:39. Then it is lost, and the next UID starts.".to_owned(),
        steps,
    };
    let press = || Node::from(el("button.button").set("type", "button").add("Ask now".to_owned()));
    let chips = nodes![
        retry_chip(&retry(Tone::Caution, "in", Some(at(60)), steps.clone()), press(), now),
        retry_chip(&retry(Tone::Failover, "in", Some(at(90)), Vec::new()), press(), now),
        retry_chip(&retry(Tone::Neutral, "sending…", None, Vec::new()), Node::Nothing, now),
    ];
    let asked = vec![(begin, Mark::Miss), (at(5), Mark::Miss), (at(15), Mark::Miss), (at(30), Mark::Miss)];
    let window =
        failover_window(&FailoverWindow { t0: begin, asked, ahead: vec![at(60), at(75), at(90)] }, now);
    let item = move |seconds, entry, shape| Item {
        at: before(now, seconds),
        shape,
        says: format!("what happened, entry {entry}"),
        entry,
        routine: false,
    };
    let stretch = move |seconds, entry, to: Option<i64>, look, label: &'static str| {
        let to = to.map(|to| before(now, to));
        item(seconds, entry, Shape::Stretch { to, look, label: label.into() })
    };
    let story = move || Timeline {
        from: before(now, 600),
        until: Some(now),
        moment: Some(before(now, 30)),
        windows: vec![(before(now, 120), before(now, 30))],
        lanes: vec![
            Lane {
                name: "Session",
                items: vec![
                    stretch(600, 1, Some(180), Look::Leg, "original"),
                    stretch(180, 2, Some(120), Look::Run, "tries"),
                    stretch(120, 3, Some(60), Look::Doubt, "in doubt"),
                    stretch(60, 4, None, Look::Gap, "not recorded"),
                ],
            },
            Lane {
                name: "Queries",
                items: vec![
                    item(500, 5, Shape::Point(Mark::Good)),
                    item(110, 6, Shape::Point(Mark::Miss)),
                    item(90, 7, Shape::Text("M3")),
                    item(40, 8, Shape::Note(42)),
                ],
            },
        ],
    };
    nodes![
        section("retry", chips),
        section("scale", ladder(&steps, "A ladder of five tries.".to_owned(), now).into()),
        section("splitter", el("div.beside").add(splitter()).into()),
        section(
            "timeline",
            timeline(
                "A timeline of ten minutes.".to_owned(),
                as_table,
                story,
                |entry| format!("?parts&entry={entry}"),
                |_| {},
            ),
        ),
        section("window", window.into()),
    ]
}

fn dialogs(open: RwSignal<bool>) -> Element {
    let press =
        el("button.button").set("type", "button").on("click", move |_| open.set(true)).add("Open".to_owned());
    let shown = open.get().then(|| {
        let body = nodes![
            el("div.body").add(el("p").add("Body.".to_owned())),
            el("footer").add("Footer.".to_owned())
        ];
        dialog("parts-dialog", "Title".to_owned().into(), "", move || open.set(false), body)
    });
    section("dialog", nodes![press, shown])
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_part_is_shown() {
        let own: String = include_str!("parts.rs").split_whitespace().collect();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/parts");
        let missing: Vec<_> = fs::read_dir(folder)
            .expect("the parts can be listed")
            .flatten()
            .filter_map(|file| file.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()))
            .filter(|stem| stem != "mod")
            .filter(|stem| !own.contains(&format!("section(\"{stem}\"")))
            .collect();
        assert!(missing.is_empty(), "not on ?parts: {missing:?}");
    }
}
