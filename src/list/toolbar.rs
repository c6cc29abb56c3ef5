//! What stands between the attention strip and the rows: counts that are buttons, saved views, the query, and the menu of
//! the view.

use std::rc::Rc;

use agora::Timestamp;
use leptos::prelude::*;
use rules::RecordingId;
use wasm_bindgen::JsCast;

use super::query::{self, Completion, STATES, Slip, Term};
use super::view::{DENSITIES, View};
use super::{List, MOST_VIEWS, matching};
use crate::desk::Desk;
use crate::dom::{Element, Node, el, live};
use crate::parts::board::{COLUMNS, Column};
use crate::parts::counts::{Facet, counts, facet};
use crate::parts::icon::{Glyph, Icon, Tone, icon};
use crate::route::{Route, Screen};
use crate::screens::board::{Listed, ways_to_begin};
use crate::words;

/// How many ways to go on are offered at once.
const COMPLETIONS_SHOWN: usize = 15;

/// The word and the mark of each state, in the order of [`STATES`].
const FACETS: [(&str, Option<(Tone, Glyph)>); 8] = [
    ("Need you", None),
    ("Lost", Some((Tone::Critical, Glyph::Critical))),
    ("Failover", Some((Tone::Failover, Glyph::Failover))),
    ("Retrying", Some((Tone::Caution, Glyph::Retry))),
    ("Starting", Some((Tone::Neutral, Glyph::Starting))),
    ("Stopping", Some((Tone::Neutral, Glyph::Stopping))),
    ("Recording", Some((Tone::Recording, Glyph::Recording))),
    ("Ended", Some((Tone::Neutral, Glyph::Ended))),
];

/// How many recordings are in each state; a press shows only those, and a second one all again.
pub fn counts_of(list: List, all: &[Rc<Listed>], terms: &[Term], slipped: bool) -> Element {
    let chosen = if slipped { None } else { query::state_of(terms) };
    let choose = move |state: Option<&'static str>| {
        move |_: &web_sys::Event| list.change(|view| view.query = query::with_state(&view.query, state))
    };
    let whole = Facet { word: words::ALL, mark: None, count: all.len(), chosen: chosen.is_none() };
    let mut buttons = counts(words::FILTER_BY_STATE).add(facet(&whole).on("click", choose(None)));
    for ((state, (word, mark)), count) in STATES.into_iter().zip(FACETS).zip(matching::tally(all)) {
        let chosen = chosen == Some(state);
        let to = (!chosen).then_some(state);
        buttons = buttons.add(facet(&Facet { word, mark, count, chosen }).on("click", choose(to)));
    }
    buttons
}

/// The views that were saved, each with how many recordings it shows.
pub fn views(list: List, desk: Desk, all: &[Rc<Listed>], pins: &[RecordingId], now: Timestamp) -> Node {
    let own = list.saved.get().into_iter().map(|(name, view)| (name, view, String::new()));
    let saved: Vec<(String, View, String)> = own.chain(super::shared::chips(list)).collect();
    if saved.is_empty() {
        return Node::Nothing;
    }
    let view_now = list.view.get();
    let mut chips = el("div.counts.views").set("role", "group").set("aria-label", words::list::SAVED_VIEWS);
    for (name, view, by) in saved {
        let terms = query::parse(&view.query).unwrap_or_default();
        let count = all.iter().filter(|listed| matching::fits(&terms, desk, listed, pins, now)).count();
        let chip = el("button.button")
            .key([name.as_str(), "/", &by].concat())
            .set("type", "button")
            .set_some("title", (!by.is_empty()).then(|| by.clone()))
            .set("aria-pressed", if view == view_now { "true" } else { "false" })
            .add(name)
            .add((!by.is_empty()).then(|| el("span.meta").add(" ").add(by)))
            .add(" ")
            .add(el("b").add(count.to_string()))
            .on("click", move |_| list.change(|now| now.clone_from(&view)));
        chips = chips.add(chip);
    }
    chips.into()
}

/// The query, what waits for the hand to leave the rows, the menu of the view, and the ways to begin.
pub fn query_line(list: List, view: &View, slip: Option<&Slip>) -> Element {
    el("div.query")
        .add(query_box(list, view, slip))
        .add(live(move || waiting(list)))
        .add(view_menu(list, view))
        .add(el("span.buttons").add(live(ways_to_begin)))
}

/// "3 new": rows that wait until the hand leaves the list, or until this is pressed.
fn waiting(list: List) -> Node {
    let (new, moved) = list.waiting.get();
    if new + moved == 0 {
        return Node::Nothing;
    }
    el("button.button.waiting")
        .set("type", "button")
        .on("click", move |_| {
            list.spots.set_value(Rc::default());
            list.sorted_anew.update(|count| *count += 1);
        })
        .add(words::list::waiting(new, moved))
        .into()
}

fn query_box(list: List, view: &View, slip: Option<&Slip>) -> Element {
    let offered = match list.completing.get() {
        Some(_) => query::completions(&view.query),
        None => Vec::new(),
    };
    let chosen =
        list.completing.get().flatten().filter(|chosen| *chosen < offered.len().min(COMPLETIONS_SHOWN));
    let option_id = |place: usize| format!("completion-{place}");
    let queries: Vec<String> = offered.iter().take(COMPLETIONS_SHOWN).map(|one| one.query.clone()).collect();
    let field = el("input")
        .id("query")
        .set("type", "search")
        .set("role", "combobox")
        .set("autocomplete", "off")
        .set("spellcheck", "false")
        .set("aria-autocomplete", "list")
        .set("aria-controls", "completions")
        .set("aria-expanded", if offered.is_empty() { "false" } else { "true" })
        .set_some("aria-activedescendant", chosen.map(option_id))
        .set_some("aria-invalid", slip.map(|_| "true"))
        .set_some("aria-describedby", slip.map(|_| "query-slip"))
        .set("placeholder", words::list::QUERY)
        .value(view.query.clone())
        .on("focus", move |_| list.completing.set(Some(None)))
        .on("blur", move |_| list.completing.set(None))
        .on("input", move |event| {
            let typed = event_target_value(event);
            list.completing.set(Some(None));
            list.change(|view| view.query = typed);
        })
        .on("keydown", move |event| key_in_the_query(list, event, &queries));
    el("div.box")
        .add(icon(Icon::Search))
        .add(el("label.unseen").set("for", "query").add(words::list::QUERY_NAME))
        .add(field)
        .add((!view.query.is_empty()).then(|| {
            el("button.button.plain.square")
                .set("type", "button")
                .set("aria-label", words::list::CLEAR_QUERY)
                .on("click", move |_| {
                    list.change(|view| view.query.clear());
                    crate::screens::shell::focus("query");
                })
                .add(icon(Icon::Close))
        }))
        .add(completions(list, offered, chosen, option_id))
}

fn completions(
    list: List,
    offered: Vec<Completion>,
    chosen: Option<usize>,
    option_id: impl Fn(usize) -> String,
) -> Element {
    let mut options = el("ul.completions")
        .id("completions")
        .set("role", "listbox")
        .set("aria-label", words::list::COMPLETIONS)
        .flag("hidden", offered.is_empty());
    for (place, Completion { word, means, query }) in offered.into_iter().take(COMPLETIONS_SHOWN).enumerate()
    {
        options = options.add(
            el("li")
                .id(option_id(place))
                .set("role", "option")
                .set("aria-selected", if chosen == Some(place) { "true" } else { "false" })
                // Before the field loses the focus.
                .on("mousedown", move |event| {
                    event.prevent_default();
                    list.completing.set(Some(None));
                    list.change(|view| view.query.clone_from(&query));
                })
                .add(el("b").add(word))
                .add(" ")
                .add(means),
        );
    }
    options
}

/// The keys of a field with completions: up and down choose, Enter and Tab take, Escape closes and then clears.
fn key_in_the_query(list: List, event: &web_sys::Event, queries: &[String]) {
    let Some(event) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
    let chosen = list.completing.get_untracked().flatten().filter(|chosen| *chosen < queries.len());
    let count = queries.len();
    match event.key().as_str() {
        "ArrowDown" if count > 0 => {
            list.completing.set(Some(Some(chosen.map_or(0, |chosen| (chosen + 1) % count))));
        }
        "ArrowUp" if count > 0 => {
            list.completing.set(Some(Some(chosen.map_or(count - 1, |chosen| (chosen + count - 1) % count))));
        }
        "Enter" | "Tab" if chosen.is_some() => {
            let Some(query) = chosen.and_then(|chosen| queries.get(chosen)) else { return };
            list.completing.set(Some(None));
            list.change(|view| view.query.clone_from(query));
        }
        "Escape" if count > 0 => list.completing.set(None),
        "Escape" => list.change(|view| view.query.clear()),
        _ => return,
    }
    event.prevent_default();
}

/// The menu of columns, rows and saved views.
fn view_menu(list: List, view: &View) -> Element {
    let button = el("summary.button").id("view-menu").add(words::list::VIEW);
    let close = |event: &web_sys::Event| {
        let escape = event.dyn_ref::<web_sys::KeyboardEvent>().is_some_and(|event| event.key() == "Escape");
        let menu = event.current_target().and_then(|menu| menu.dyn_into::<web_sys::Element>().ok());
        if let (true, Some(menu)) = (escape, menu)
            && menu.has_attribute("open")
        {
            let _ = menu.remove_attribute("open");
            crate::screens::shell::focus("view-menu");
        }
    };
    el("details.menu").on("keydown", close).add(button).add(
        el("div.sheet")
            .add(columns(list, view))
            .add(densities(list, view))
            .add(saving(list))
            .add(super::shared::section(list))
            .add(super::export::buttons(list))
            .add(el("p.buttons").add(reset(list)).add(open_bundle())),
    )
}

fn columns(list: List, view: &View) -> Element {
    let hidden = COLUMNS.iter().filter(|column| !view.columns.contains(column));
    let mut lines = el("ul");
    for column in view.columns.iter().chain(hidden).copied() {
        let place = view.columns.iter().position(|shown| *shown == column);
        let arrow = |to_the_left: bool, possible: bool| {
            el("button.button.plain.square")
                .set("type", "button")
                .set("aria-label", words::list::move_column(column.title(), to_the_left))
                .set_some("aria-disabled", (!possible).then_some("true"))
                .on("click", move |_| list.change(|view| view.shift(column, to_the_left)))
                .add(if to_the_left { "←" } else { "→" })
        };
        let name = el("label")
            .add(
                el("input")
                    .set("type", "checkbox")
                    .flag("disabled", column == Column::Name)
                    .checked(place.is_some())
                    .on("change", move |_| list.change(|view| view.toggle(column))),
            )
            .add(" ")
            .add(column.title());
        let arrows = place.map(|place| {
            el("span.buttons").add(arrow(true, place > 0)).add(arrow(false, place + 1 < view.columns.len()))
        });
        lines = lines.add(el("li").key(column.title()).add(name).add(arrows));
    }
    el("fieldset").add(el("legend.legend").add(words::list::COLUMNS)).add(lines)
}

fn densities(list: List, view: &View) -> Element {
    let mut radios = el("div.buttons");
    for (density, _) in DENSITIES {
        let radio = el("input")
            .set("type", "radio")
            .set("name", "density")
            .checked(view.density == density)
            .on("change", move |_| list.change(|view| view.density = density));
        radios = radios.add(el("label").add(radio).add(" ").add(words::list::density(density)));
    }
    el("fieldset").add(el("legend.legend").add(words::list::DENSITY)).add(radios)
}

/// Saves the view under a name, and forgets saved ones.
fn saving(list: List) -> Element {
    let name = list.name;
    let save = move || {
        let named = name.get_untracked().trim().to_owned();
        let view = list.view.get_untracked();
        list.saved.update(|saved| {
            saved.retain(|(other, _)| *other != named);
            if !named.is_empty() && saved.len() < MOST_VIEWS {
                saved.push((named, view));
            }
        });
        name.set(String::new());
    };
    let mut lines = el("ul");
    for (saved, view) in list.saved.get() {
        let share = super::shared::share_button(list, &saved, &view);
        let named = saved.clone();
        let forget = el("button.button.plain.square")
            .set("type", "button")
            .set("aria-label", words::list::forget_view(&saved))
            .on("click", move |_| list.saved.update(|all| all.retain(|(other, _)| *other != named)))
            .add(icon(Icon::Close));
        lines = lines.add(
            el("li")
                .key(saved.clone())
                .add(el("span").add(saved))
                .add(el("span.buttons").add(share).add(forget)),
        );
    }
    let field = el("input")
        .id("view-name")
        .set("maxlength", "40")
        .set("autocomplete", "off")
        .value(name.get())
        .on("input", move |event| name.set(event_target_value(event)))
        .on("keydown", move |event| {
            let enter = event.dyn_ref::<web_sys::KeyboardEvent>().is_some_and(|event| event.key() == "Enter");
            if enter {
                event.prevent_default();
                save();
            }
        });
    el("fieldset").add(el("legend.legend").add(words::list::SAVED_VIEWS)).add(lines).add(
        el("div.field")
            .add(el("label").set("for", "view-name").add(words::list::NAME_OF_VIEW))
            .add(field)
            .add(
                el("button.button")
                    .set("type", "button")
                    .on("click", move |_| save())
                    .add(words::list::SAVE_VIEW),
            ),
    )
}

/// The way to a recording that is in a file.
fn open_bundle() -> Element {
    el("a.button").set("href", Route::to(Screen::File).href()).add(words::replay::OPEN_BUNDLE)
}

fn reset(list: List) -> Element {
    el("button.button")
        .set("type", "button")
        .on("click", move |_| list.change(|view| *view = View::default()))
        .add(words::list::RESET_VIEW)
}
