//! Many recordings at once: choosing them, the dry run before they are stopped, and the run itself, which can be broken
//! off and whose stops can be taken back until they are sent.

use core::time::Duration;

use leptos::prelude::*;
use rules::api::{Capability, Problem};
use rules::{RecordingId, RuleId};
use wasm_bindgen::JsCast;

use super::List;
use super::pool::Line;
use crate::desk::Desk;
use crate::dom::{Element, Node, el};
use crate::here::here;
use crate::nodes;
use crate::parts::banner::banner;
use crate::parts::button::Kind;
use crate::parts::dialog::dialog as dialog_part;
use crate::parts::field::{TextField, text_field};
use crate::parts::icon::{Glyph, Tone, glyph};
use crate::parts::rule::rule_link;
use crate::parts::state::{State, state};
use crate::route::{Dialog, api};
use crate::screens::actions::{NO_BODY, Sending, footer, opened};
use crate::screens::board::Listed;
use crate::screens::stop::{press_of, reason_field, undo_seconds};
use crate::standing::{Group, Standing};
use crate::tasks::spawn;
use crate::words;
use crate::words::many as say;

/// As many recordings are stopped at once; a proxy has hardly more.
const MOST: usize = 1_000;

/// How long after one stop was asked for the next one is, in milliseconds of the wall: four a second leave room for what
/// else goes out.
const GAP_MILLIS: u64 = 250;

/// What became of one stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// Its turn has not come.
    Waits,
    /// It is being asked for.
    Asking,
    /// It is written down.
    Asked,
    /// The proxy refused it.
    Refused(String),
    /// It was taken back before it was sent.
    TakenBack,
    /// It could not be taken back any more.
    TooLate,
    /// The run was broken off before.
    LeftOut,
}

/// One of many.
#[derive(Debug, Clone, PartialEq, Eq)]
struct One {
    id: RecordingId,
    channel: String,
    became: Became,
}

/// The stops of many recordings, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stops {
    all: Vec<One>,
    broken_off: bool,
}

impl Stops {
    fn count(&self, which: fn(&Became) -> bool) -> usize {
        self.all.iter().filter(|one| which(&one.became)).count()
    }

    fn goes_on(&self) -> bool {
        self.count(|became| matches!(became, Became::Waits | Became::Asking)) > 0
    }
}

/// The box that chooses a row. Only what can be stopped can be chosen.
pub fn pick(list: List, listed: &Listed) -> Node {
    if listed.row.stop.is_none() {
        return Node::Nothing;
    }
    let picked = list.picked.with(|picked| picked.binary_search(&listed.id).is_ok());
    let id = listed.id.clone();
    el("label.pick")
        .add(
            el("input")
                .set("type", "checkbox")
                .set("aria-label", say::pick(&listed.row.channel))
                .checked(picked)
                .on("click", move |event| {
                    let shift =
                        event.dyn_ref::<web_sys::MouseEvent>().is_some_and(web_sys::MouseEvent::shift_key);
                    choose(list, &id, !picked, shift);
                }),
        )
        .into()
}

/// Chooses a row or gives it back; with Shift also those between it and the one before.
fn choose(list: List, id: &RecordingId, on: bool, with_those_between: bool) {
    let last = list.picked_last.get_value().filter(|_| with_those_between);
    let range: Vec<RecordingId> = list.spots.with_value(|spots| {
        let place = |id: &RecordingId| spots.iter().position(|spot| spot.one.id == *id);
        match (last.as_ref().and_then(place), place(id)) {
            (Some(one), Some(other)) => {
                spots[one.min(other)..=one.max(other)].iter().map(|spot| spot.one.id.clone()).collect()
            }
            _ => vec![id.clone()],
        }
    });
    list.picked.update(|picked| {
        for id in range {
            if can_be_stopped(&id) {
                set(picked, id, on);
            }
        }
    });
    list.picked_last.set_value(Some(id.clone()));
}

fn can_be_stopped(id: &RecordingId) -> bool {
    here().desk.recording_now(id).is_some_and(|recording| recording.stop.is_none() && !recording.settled())
}

fn set(picked: &mut Vec<RecordingId>, id: RecordingId, on: bool) {
    match (picked.binary_search(&id), on) {
        (Err(place), true) if picked.len() < MOST => picked.insert(place, id),
        (Ok(place), false) => _ = picked.remove(place),
        _ => {}
    }
}

/// The box over the others: all that the query shows, or none.
pub fn pick_all(list: List, lines: &[Line]) -> Node {
    let can_stop = |line: &Line| match line {
        Line::Row(listed) => listed.row.stop.is_some().then(|| listed.id.clone()),
        Line::Title(_) => None,
    };
    let shown: Vec<RecordingId> = lines.iter().filter_map(can_stop).take(MOST).collect();
    let every = !shown.is_empty()
        && list.picked.with(|picked| shown.iter().all(|id| picked.binary_search(id).is_ok()));
    el("label.pick")
        .add(
            el("input")
                .set("type", "checkbox")
                .set("aria-label", say::pick_all(shown.len()))
                .set("title", say::pick_all(shown.len()))
                .flag("disabled", shown.is_empty())
                .checked(every)
                .on("click", move |_| {
                    list.picked.update(|picked| {
                        for id in &shown {
                            set(picked, id.clone(), !every);
                        }
                    });
                }),
        )
        .into()
}

/// Under the list while rows are chosen, or while chosen ones are being stopped.
pub fn bar(list: List) -> Node {
    let route = here().router.route();
    let open = |word: String| el("a.button").set("href", route.with(Dialog::StopMany).href()).add(word);
    let running = list.stops.with(|stops| stops.as_ref().filter(|stops| stops.goes_on()).cloned());
    if let Some(stops) = running {
        let done = stops.all.len() - stops.count(|became| matches!(became, Became::Waits | Became::Asking));
        return el("div.picked")
            .set("role", "status")
            .add(el("b").add(say::running(done, stops.all.len())))
            .add(open(words::said(say::SHOW)))
            .add(break_off_button(list))
            .into();
    }
    let count = list.picked.with(Vec::len);
    if count == 0 {
        return Node::Nothing;
    }
    el("div.picked")
        .set("role", "status")
        .add(el("b").add(say::picked(count)))
        .add(open(say::stop_picked(count)))
        .add(
            el("button.button.plain")
                .set("type", "button")
                .on("click", move |_| list.picked.set(Vec::new()))
                .add(say::PICK_NONE),
        )
        .into()
}

fn break_off_button(list: List) -> Element {
    el("button.button").set("type", "button").on("click", move |_| break_off(list)).add(say::BREAK_OFF)
}

/// The dialog: what a stop of each would do, and then what became of each.
pub fn dialog() -> Node {
    opened(|sending| {
        let list = List::of(here().board);
        let typed = RwSignal::new(String::new());
        list.reason.set(String::new());
        // Rows that are let go while the dialog is open stay in it.
        let ids = list.picked.get_untracked();
        if !ids.is_empty() && !list.stops.with_untracked(|stops| stops.as_ref().is_some_and(Stops::goes_on)) {
            list.stops.set(None);
        }
        move || match list.stops.get() {
            Some(stops) => run(list, sending, &stops),
            None => dry_run(list, sending, &ids, typed),
        }
    })
}

/// What a stop would do to one, or why it is not asked for.
enum Would {
    Stop,
    /// It is answered 404 now, and sent again when the session is back.
    Wait,
    Not(&'static str),
}

fn would(group: Group, standing: Standing, stopping: bool) -> Would {
    match standing {
        _ if stopping => Would::Not(say::STOPS_ALREADY),
        _ if group == Group::Ended => Would::Not(say::IS_OVER),
        Standing::InDoubt(_) | Standing::InFailover(_) => Would::Wait,
        _ => Would::Stop,
    }
}

fn dry_run(list: List, sending: Sending, ids: &[RecordingId], typed: RwSignal<String>) -> Node {
    let desk = here().desk;
    let now = desk.clock.second();
    let (mut lines, mut stopped, mut later, mut billed) = (Vec::new(), Vec::new(), 0, 0);
    for id in ids {
        let Some(recording) = desk.cell(id).map(|cell| cell.get()) else { continue };
        let standing = Standing::of(&recording, now);
        let group = crate::standing::group(&recording, standing, now);
        let (says, rule) = match would(group, standing, recording.stop.is_some()) {
            Would::Not(why) => (why.to_owned(), None),
            Would::Wait => {
                later += 1;
                (say::WAITS_FOR_404.to_owned(), Some(RuleId::T3))
            }
            Would::Stop => (say::stops(recording.billed().0 + recording.billed().1), Some(RuleId::T1)),
        };
        if rule.is_some() {
            billed += recording.billed().0 + recording.billed().1;
            stopped.push(One {
                id: id.clone(),
                channel: recording.channel.to_string(),
                became: Became::Waits,
            });
        }
        let (tone, mark) = standing.look();
        lines.push(
            el("tr")
                .key(id.to_string())
                .class("quiet", rule.is_none())
                .add(el("th").set("scope", "row").add(recording.channel.to_string()))
                .add(el("td").add(state(&State {
                    tone,
                    glyph: mark,
                    word: words::standing::word(standing).to_owned(),
                })))
                .add(el("td").add(says).add(" ").add(rule.map(rule_link)))
                .into(),
        );
    }
    let count = stopped.len();
    let right = typed.with(|typed| typed.trim() == count.to_string());
    let obstacle = if count == 0 {
        Some(words::said(say::NOTHING_TO_STOP))
    } else {
        sending.obstacle_to_stop(desk, Capability::Operate).or((!right).then(|| say::type_count(count)))
    };
    let field = (count > 0).then(|| {
        text_field(TextField {
            autofocus: true,
            digits: true,
            ..TextField::new("stop-many-count", say::HOW_MANY, typed, say::type_count(count))
        })
    });
    let begin = move || {
        list.picked.set(Vec::new());
        list.stops.set(Some(Stops { all: stopped.clone(), broken_off: false }));
        next(list);
    };
    let close = move || sending.router.close_dialog();
    let body = el("div.body")
        .add(el("p").add(say::does(count, later, billed, undo_seconds())))
        .add(table(lines, say::WOULD))
        .add(field)
        .add((count > 0).then(|| reason_field(list.reason)));
    let press = say::stop_picked_press(count);
    let content = nodes![body, footer(obstacle, words::KEEP_RECORDING, press, Kind::Danger, close, begin)];
    dialog_part("stop-many-title", say::title(count).into(), "wide", close, content).into()
}

fn table(lines: Vec<Node>, last: &'static str) -> Element {
    let head = |title| el("th").set("scope", "col").add(title);
    el("div.scroll.bounded")
        .set("tabindex", "0")
        .set("role", "region")
        .set("aria-label", words::RECORDINGS)
        .add(
            el("table.table")
                .add(el("thead").add(el("tr").add(head("Channel")).add(head("Now")).add(head(last))))
                .add(el("tbody").add(lines)),
        )
}

fn run(list: List, sending: Sending, stops: &Stops) -> Node {
    let desk = here().desk;
    let now = desk.clock.second();
    let mut lines: Vec<Node> = Vec::with_capacity(stops.all.len());
    for one in &stops.all {
        let known = desk.cell(&one.id).map(|cell| cell.get());
        let standing = known.as_ref().map(|recording| Standing::of(recording, now));
        let shown = standing.map(|standing| {
            let (tone, mark) = standing.look();
            state(&State { tone, glyph: mark, word: words::standing::word(standing).to_owned() })
        });
        let refused = matches!(one.became, Became::Refused(_));
        let became = el("td")
            .set("data-tone", if refused { Tone::Critical.name() } else { Tone::Neutral.name() })
            .add(refused.then(|| glyph(Glyph::Critical)))
            .add(say::became(&one.became));
        lines.push(
            el("tr")
                .key(one.id.to_string())
                .add(el("th").set("scope", "row").add(one.channel.clone()))
                .add(el("td").add(shown))
                .add(became)
                .into(),
        );
    }
    let goes_on = stops.goes_on();
    let pending = stops.all.iter().any(|one| one.became == Became::Asked && can_be_taken_back(desk, &one.id));
    let asked = stops.count(|became| matches!(became, Became::Asked | Became::TooLate));
    let refused = stops.count(|became| matches!(became, Became::Refused(_)));
    let says = banner(
        if refused > 0 { Tone::Caution } else { Tone::Neutral },
        if refused > 0 { Glyph::Caution } else { Glyph::Stopping },
        true,
    )
    .set("role", "status")
    .add(el("p").add(say::so_far(asked, refused, stops.all.len(), stops.broken_off)));
    let close = move || {
        if !goes_on {
            list.stops.set(None);
        }
        sending.router.close_dialog();
    };
    let mut buttons = el("footer").add(el("p.why").add(if goes_on { say::GOES_ON_CLOSED } else { "" }));
    if (goes_on || pending) && !stops.broken_off {
        buttons = buttons.add(break_off_button(list));
    }
    let buttons = buttons.add(
        el("button.button.primary").set("type", "button").on("click", move |_| close()).add(words::CLOSE),
    );
    let content = nodes![el("div.body").add(says).add(table(lines, say::BECAME)), buttons];
    dialog_part("stop-many-title", say::title_running(stops.all.len()).into(), "wide", close, content).into()
}

/// Whether its stop is written down and not sent yet.
fn can_be_taken_back(desk: Desk, id: &RecordingId) -> bool {
    let now = desk.clock.now();
    desk.recording_now(id)
        .is_some_and(|recording| recording.stop.as_ref().is_some_and(|stop| now < stop.not_before))
}

/// Asks for the next stop, and for the others after it.
fn next(list: List) {
    let turn = list.stops.try_update(|stops| {
        let stops = stops.as_mut().filter(|stops| !stops.broken_off)?;
        let one = stops.all.iter_mut().find(|one| one.became == Became::Waits)?;
        one.became = Became::Asking;
        Some(one.id.clone())
    });
    let Some(id) = turn.flatten() else { return };
    spawn(async move {
        // With what follows from it, so that it is sent also when this page is closed by then.
        let desk = here().desk;
        let recording = desk.recording_now(&id);
        let body = list.reason.with_untracked(|reason| press_of(desk, recording.as_deref(), None, reason));
        let answer = order(&api::stop(&id, undo_seconds()), body).await;
        became(
            list,
            &id,
            match answer {
                Ok(()) => Became::Asked,
                Err(problem) => Became::Refused(problem.title),
            },
        );
        set_timeout(move || next(list), Duration::from_millis(GAP_MILLIS));
    });
}

async fn order(path: &str, body: String) -> Result<(), Problem> {
    here().socket.order(path, body, None).await
}

fn became(list: List, id: &RecordingId, became: Became) {
    list.stops.update(|stops| {
        let Some(stops) = stops else { return };
        if let Some(one) = stops.all.iter_mut().find(|one| one.id == *id) {
            one.became = became;
        }
        if !stops.goes_on() {
            let refused = stops.count(|became| matches!(became, Became::Refused(_)));
            let asked = stops.count(|became| matches!(became, Became::Asked));
            here().announcer.say(say::so_far(asked, refused, stops.all.len(), stops.broken_off));
        }
    });
}

/// Asks for no further stops, and takes those back that were not sent yet.
fn break_off(list: List) {
    let desk = here().desk;
    let back: Vec<RecordingId> = list
        .stops
        .try_update(|stops| {
            let Some(stops) = stops else { return Vec::new() };
            stops.broken_off = true;
            for one in &mut stops.all {
                if one.became == Became::Waits {
                    one.became = Became::LeftOut;
                }
            }
            let asked = stops.all.iter().filter(|one| one.became == Became::Asked);
            asked.map(|one| one.id.clone()).filter(|id| can_be_taken_back(desk, id)).collect()
        })
        .unwrap_or_default();
    spawn(async move {
        for id in back {
            let taken = order(&api::command(&id, "stop/withdraw"), NO_BODY.to_owned()).await;
            became(list, &id, if taken.is_ok() { Became::TakenBack } else { Became::TooLate });
        }
    });
}
