//! The list with all its tools: counts, query, order, columns, density, pins and saved views. The list alone is in
//! `screens::board`, and is shown until this has arrived.

pub mod order;
pub mod query;
pub mod view;

mod ended;
mod export;
mod many;
mod matching;
mod next;
mod pool;
mod shared;
mod toolbar;
mod unattended;

use core::time::Duration;
use std::rc::Rc;

use leptos::prelude::*;
use rules::RecordingId;
use wasm_bindgen::JsCast;

use crate::clock::moment;
use crate::dom::{Element, Node, el, live};
use crate::here::here;
use crate::kept::{keep, kept};
use crate::nodes;
use crate::parts::board::{Column, Extra, board as board_part, column_head};
use crate::parts::icon::Glyph;
use crate::route::{Route, Router, Screen};
use crate::screens::board::{self, BoardState, Listed, above_the_list};
use crate::tasks::{follow, follow_on};
use crate::words;
use ended::Ended;
pub use many::{Became, dialog as stop_many_dialog};
use order::{Placed, Spot, Under, place};
use pool::{Line, Pool};
use query::{Slip, Term};
use shared::Shared;
use view::{Sort, View};

/// Where pins, views and tastes are kept in the browser.
const PINS: &str = "tallylight-pins";
const TASTE: &str = "tallylight-list";
const VIEWS: &str = "tallylight-views";

/// A hand that does not move for this many milliseconds rests: a screen is looked at all day with the mouse on it.
const HAND_RESTS_AFTER: u64 = 10_000;

/// More pins than this would be no order any more.
const MOST_PINS: usize = 200;
/// As many saved views fit over a list.
const MOST_VIEWS: usize = 50;

/// What the list keeps. A handle: copies are the same list.
#[derive(Clone, Copy)]
struct List {
    board: BoardState,
    view: RwSignal<View>,
    /// The last query that could be read, and what is wrong with the present one.
    terms: StoredValue<Vec<Term>>,
    pins: RwSignal<Vec<RecordingId>>,
    saved: RwSignal<Vec<(String, View)>>,
    /// The views that the team shares.
    shared: Shared,
    /// What was found among those that ended.
    ended: Ended,
    /// Whether a hand is on the rows, and when it moved last by the device's monotonic clock.
    held: RwSignal<bool>,
    touched: StoredValue<u64>,
    /// Moves when the rows are to fall into their places under the hand.
    sorted_anew: RwSignal<u32>,
    spots: StoredValue<Rc<Vec<Spot<Rc<Listed>>>>, LocalStorage>,
    /// The rows that are on the page.
    pool: Pool,
    /// How many rows would come, and how many would move, without the hand.
    waiting: RwSignal<(usize, usize)>,
    /// The name that is typed for a view.
    name: RwSignal<String>,
    /// Whether ways to go on are offered under the query, and which one is chosen.
    completing: RwSignal<Option<Option<usize>>>,
    /// The recordings that are chosen, by id.
    picked: RwSignal<Vec<RecordingId>>,
    /// The row that was chosen last: with Shift all between it and the next one are.
    picked_last: StoredValue<Option<RecordingId>>,
    /// The stops of many that were begun last.
    stops: RwSignal<Option<many::Stops>>,
    /// Why they are stopped.
    reason: RwSignal<String>,
    /// The recordings whose next call is being hurried.
    hurried: RwSignal<Vec<RecordingId>>,
    /// Up to when this reader has seen what happened while nobody acted.
    unattended_seen: RwSignal<i64>,
}

thread_local! {
    static LIST: core::cell::OnceCell<List> = const { core::cell::OnceCell::new() };
}

impl List {
    /// The one list of the page; it is made when it is first drawn and lives as long as the page.
    fn of(board: BoardState) -> Self {
        LIST.with(|list| {
            *list.get_or_init(|| {
                let router = here().router;
                board.for_good(|| Self::new(board, router))
            })
        })
    }

    fn new(board: BoardState, router: Router) -> Self {
        let taste = kept(TASTE);
        let usual = View::default().told_by(crate::route::pairs(&taste).iter().map(pair));
        let told = move || usual.clone().told_by(router.parameters().iter().map(pair));
        let list = Self {
            board,
            view: RwSignal::new(told()),
            terms: StoredValue::new(Vec::new()),
            pins: RwSignal::new(kept(PINS).lines().filter_map(RecordingId::parse).take(MOST_PINS).collect()),
            saved: RwSignal::new(kept(VIEWS).lines().filter_map(saved_view).take(MOST_VIEWS).collect()),
            shared: Shared::new(),
            ended: Ended::new(),
            held: RwSignal::new(false),
            touched: StoredValue::new(0),
            sorted_anew: RwSignal::new(0),
            spots: StoredValue::new_local(Rc::default()),
            pool: Pool::new(),
            waiting: RwSignal::new((0, 0)),
            name: RwSignal::new(String::new()),
            completing: RwSignal::new(None),
            picked: RwSignal::new(Vec::new()),
            picked_last: StoredValue::new(None),
            stops: RwSignal::new(None),
            reason: RwSignal::new(String::new()),
            hurried: RwSignal::new(Vec::new()),
            unattended_seen: RwSignal::new(unattended::seen_so_far()),
        };
        list.shared.fetch();
        board.more.set(Some(extra));
        // The browser's own buttons go back and forth between views.
        follow_on(move |before: Option<()>| {
            let view = told();
            if before.is_some() && list.view.with_untracked(|now| *now != view) {
                list.view.set(view);
            }
        });
        follow(move || {
            list.view.with(|view| {
                if board.columns.with_untracked(|shown| *shown != view.columns) {
                    board.columns.set(view.columns.clone());
                }
                router.keep(&view.parameters());
                let taste = View { query: String::new(), sort: None, ..view.clone() };
                keep(TASTE, &crate::route::joined(&taste.parameters()));
            });
        });
        follow(move || {
            let pins: Vec<String> = list.pins.get().iter().map(ToString::to_string).collect();
            keep(PINS, &pins.join("\n"));
        });
        // To pin is to watch: what a pinned recording comes to is said aloud.
        follow_on(move |before: Option<Vec<(RecordingId, &'static str)>>| {
            let pins = list.pins.get();
            let mut states = Vec::with_capacity(pins.len());
            for listed in board.all().iter().filter(|listed| pins.contains(&listed.id)) {
                let word = words::standing::word(listed.standing);
                let known = before.as_ref().and_then(|all| all.iter().find(|(id, _)| *id == listed.id));
                // The one that is open is said by its own screen.
                let is_open = here().router.route_now().screen.recording() == Some(&listed.id);
                if !is_open && known.is_some_and(|(_, before)| *before != word) {
                    let says = words::now_is(&listed.row.channel, word);
                    let announcer = here().announcer;
                    if listed.group == crate::standing::Group::NeedsYou {
                        announcer.warn(says);
                    } else {
                        announcer.say(says);
                    }
                }
                states.push((listed.id.clone(), word));
            }
            states
        });
        follow(move || {
            let lines: Vec<String> = list.saved.with(|saved| saved.iter().map(view_line).collect());
            keep(VIEWS, &lines.join("\n"));
        });
        list
    }

    /// The person wants another view: the rows fall into its places at once.
    fn change(self, change: impl FnOnce(&mut View)) {
        self.spots.set_value(Rc::default());
        self.view.update(change);
    }

    /// A hand is on the rows: they stay where they are until it has gone, or rests.
    fn touch(self) {
        self.touched.set_value(moment().monotonic);
        if !self.held.get_untracked() {
            self.held.set(true);
            self.wait_for_rest(HAND_RESTS_AFTER);
        }
    }

    fn wait_for_rest(self, wait: u64) {
        set_timeout(
            move || {
                let still = moment().monotonic.saturating_sub(self.touched.get_value());
                match HAND_RESTS_AFTER.checked_sub(still) {
                    Some(rest) if rest > 0 && self.held.get_untracked() => self.wait_for_rest(rest),
                    _ => self.let_go(),
                }
            },
            Duration::from_millis(wait),
        );
    }

    fn let_go(self) {
        if self.held.get_untracked() {
            self.held.set(false);
        }
    }
}

fn pair(pair: &(String, String)) -> (&str, &str) {
    (&pair.0, &pair.1)
}

/// A saved view as one line: its name and its address.
fn view_line((name, view): &(String, View)) -> String {
    let mut parameters = vec![("name", name.clone())];
    parameters.extend(view.parameters());
    crate::route::joined(&parameters)
}

fn saved_view(line: &str) -> Option<(String, View)> {
    let pairs = crate::route::pairs(line);
    let (_, name) = pairs.iter().find(|(name, _)| name == "name")?;
    Some((name.clone(), View::default().told_by(pairs.iter().map(pair))))
}

/// Draws the list.
pub fn draw(board_state: BoardState, all: &[Rc<Listed>]) -> Node {
    let list = List::of(board_state);
    let desk = here().desk;
    list.sorted_anew.track();
    // Rows that are chosen are held like rows under a hand.
    let held = list.held.get() || list.picked.with(|picked| !picked.is_empty());
    let (view, pins) = (list.view.get(), list.pins.get());
    let typing = list.completing.with(Option::is_some);
    let asked = if typing { query::without_the_unfinished(&view.query) } else { &view.query };
    let (terms, slip) = match query::parse(asked) {
        Ok(terms) => {
            list.terms.set_value(terms.clone());
            (terms, None)
        }
        Err(slip) => (list.terms.get_value(), Some(slip)),
    };
    // What depends on the time is looked at again with every second.
    let now = if matching::depends_on_time(&terms) { desk.clock.second() } else { desk.clock.now() };
    list.ended.look_for(&terms);
    let others: Vec<Term> = terms.iter().filter(|term| ended::name_of(term).is_none()).cloned().collect();
    let fits = |listed: &Listed| {
        matching::fits(&terms, desk, listed, &pins, now)
            || list.ended.has(&listed.id) && matching::fits(&others, desk, listed, &pins, now)
    };
    let shown: Vec<&Rc<Listed>> = all.iter().filter(|listed| fits(listed)).collect();
    let hidden = all.len() - shown.len();
    let needs = |listed: &&Rc<Listed>| listed.group == crate::standing::Group::NeedsYou;
    let hidden_needs = all.iter().filter(needs).count() - shown.iter().copied().filter(needs).count();
    let wanted = in_order(shown, view.sort, &pins);
    let Placed { mut spots, new, moved } = list.spots.with_value(|before| place(before, wanted, held));
    if held {
        // Under a hand also those are left that are no more.
        spots.retain(|spot| all.binary_search_by(|listed| listed.id.cmp(&spot.one.id)).is_ok());
    }
    let spots = Rc::new(spots);
    list.spots.set_value(Rc::clone(&spots));
    let waiting = (new, moved);
    if list.waiting.with_untracked(|known| *known != waiting) {
        list.waiting.set(waiting);
    }
    nodes![
        above_the_list(all),
        // By itself: it comes and goes, and the field that somebody types into stays.
        live(move || unattended::line(list)),
        el("div.board-page")
            // Not when it leaves the rows alone: the button that sorts them stands over them.
            .on("mouseleave", move |_| list.let_go())
            .add(toolbar::counts_of(list, all, &terms, slip.is_some()))
            .add(toolbar::views(list, desk, all, &pins, now))
            .add(toolbar::query_line(list, &view, slip.as_ref()))
            .add(slip.as_ref().map(slip_line))
            .add(rows(list, &spots))
            .add((hidden > 0).then(|| hidden_line(list, hidden, hidden_needs)))
            .add(live(move || ended::line(list)))
            .add(live(move || many::bar(list))),
    ]
}

/// The recordings in their order, each with what it stands under.
fn in_order(shown: Vec<&Rc<Listed>>, sort: Option<Sort>, pins: &[RecordingId]) -> Vec<Spot<Rc<Listed>>> {
    let is_pinned = |listed: &Listed| !pins.is_empty() && pins.contains(&listed.id);
    let shown = match sort {
        None => board::in_order(&shown, |one| {
            let place = if is_pinned(one) { 0 } else { 1 + one.group as u8 };
            (place, -one.asked_at.millis())
        }),
        Some(sort) => {
            let mut keyed: Vec<_> =
                shown.into_iter().map(|one| (matching::key(sort.column, one), is_pinned(one), one)).collect();
            keyed.sort_by(|(key, pinned, one), (other_key, other_pinned, other)| {
                let order = key.cmp(other_key);
                let order = if sort.falling { order.reverse() } else { order };
                other_pinned.cmp(pinned).then(order).then(other.asked_at.cmp(&one.asked_at))
            });
            keyed.into_iter().map(|(_, _, one)| one).collect()
        }
    };
    let under = |listed: &Listed| match (is_pinned(listed), sort) {
        (true, _) => Some(Under::Pinned),
        (false, None) => Some(Under::Group(listed.group)),
        (false, Some(_)) => None,
    };
    shown.into_iter().map(|one| Spot { one: Rc::clone(one), under: under(one) }).collect()
}

fn rows(list: List, spots: &[Spot<Rc<Listed>>]) -> Node {
    let mut lines = Vec::with_capacity(spots.len() + 5);
    let mut before = None;
    for spot in spots {
        if spot.under.is_some() && before != spot.under {
            lines.push(Line::Title(match spot.under {
                Some(Under::Group(group)) => words::group(group),
                Some(Under::New) => words::list::NEW,
                Some(Under::Pinned) | None => words::list::PINNED,
            }));
        } else if spot.under.is_none() && before.is_some() {
            lines.push(Line::Title(words::list::NOT_PINNED));
        }
        before = spot.under;
        lines.push(Line::Row(Rc::clone(&spot.one)));
    }
    if lines.is_empty() {
        return el("div.empty")
            .set("data-tone", crate::parts::icon::Tone::Neutral.name())
            .add(crate::parts::icon::glyph(Glyph::Unknown))
            .add(el("p").add(words::list::NOTHING_FITS))
            .into();
    }
    list.pool.put(lines);
    // Drawn by itself when what is seen of the list moves. Without a key, as what stands beside it has none.
    live(move || {
        let (sort, columns, density) =
            list.view.with(|view| (view.sort, view.columns.clone(), view.density.name()));
        let heads = columns.iter().map(|column| head(list, sort, *column).into()).collect();
        let pick_all = many::pick_all(list, &list.pool.lines());
        let mut table = board_part(pick_all, heads, density, list.pool.draw(list.board))
            .set("aria-rowcount", (list.pool.lines().len() + 1).to_string());
        for event in ["mousemove", "focusin", "wheel"] {
            table = table.on(event, move |_| list.touch());
        }
        let table = table.on("keydown", move |event| {
            list.touch();
            walk(event);
        });
        table.into()
    })
}

/// Up and down go from row to row; what is open beside the list goes along.
fn walk(event: &web_sys::Event) {
    let Some(event) = event.dyn_ref::<web_sys::KeyboardEvent>() else { return };
    let forward = match event.key().as_str() {
        "ArrowDown" => true,
        "ArrowUp" => false,
        _ => return,
    };
    let on_a_row = document().active_element().is_some_and(|active| active.id().starts_with("row-"));
    if on_a_row && step(forward) {
        event.prevent_default();
    }
}

/// Goes to the next row, or to the one before: with the focus, and with what is open beside the list. Tells whether there
/// was one.
pub fn step(forward: bool) -> bool {
    let router = here().router;
    let screen = router.route_now().screen;
    let active = document().active_element().map(|active| active.id()).unwrap_or_default();
    let on = active.strip_prefix("row-").map(ToOwned::to_owned);
    let from_row = on.is_some();
    let from = on.or_else(|| screen.recording().map(ToString::to_string));
    let Some(list) = LIST.with(|list| list.get().copied()) else { return false };
    let next = list.spots.with_value(|spots| {
        let place = from.and_then(|from| spots.iter().position(|spot| spot.one.id.as_str() == from));
        let next = match (place, forward) {
            (None, _) => Some(0),
            (Some(place), true) => Some(place + 1),
            (Some(place), false) => place.checked_sub(1),
        };
        next.and_then(|next| spots.get(next)).map(|spot| spot.one.id.clone())
    });
    let Some(next) = next else { return false };
    if from_row || !matches!(screen, Screen::Beside(_)) {
        list.pool.focus(next.as_str());
    }
    if matches!(screen, Screen::Beside(_)) {
        router.go_on(Route::to(Screen::Beside(next)));
    }
    true
}

/// The head of a column is a button that sorts.
fn head(list: List, sort: Option<Sort>, column: Column) -> Element {
    let now = sort.filter(|sort| sort.column == column);
    let (order, mark) = match now {
        Some(Sort { falling: false, .. }) => ("ascending", " ↑"),
        Some(Sort { falling: true, .. }) => ("descending", " ↓"),
        None => ("none", ""),
    };
    let button = el("button.button")
        .set("type", "button")
        .set("title", words::list::sort_by(column.title()))
        .on("click", move |_| list.change(|view| view.press(column)))
        .add(column.title())
        .add(el("span").set("aria-hidden", "true").add(mark));
    column_head(column, button).set("aria-sort", order)
}

fn slip_line(slip: &Slip) -> Element {
    el("p.check.slip")
        .id("query-slip")
        .set("data-tone", crate::parts::icon::Tone::Critical.name())
        .add(crate::parts::icon::glyph(Glyph::Critical))
        .add(el("span").add(slip.says.clone()))
}

fn hidden_line(list: List, hidden: usize, needs: usize) -> Element {
    el("p.board-foot").add(words::list::hidden(hidden, needs)).add(" ").add(
        el("button.button")
            .set("type", "button")
            .on("click", move |_| list.change(|view| view.query.clear()))
            .add(words::list::CLEAR_QUERY),
    )
}

/// What the tools of the list add to a row.
fn extra(board: BoardState, listed: &Listed) -> Extra {
    let list = List::of(board);
    Extra {
        pick: many::pick(list, listed),
        next: next::waits(list, listed),
        more: pin_button(list, &listed.id, &listed.row.channel),
    }
}

/// Pins a recording, or takes the pin out.
fn pin_button(list: List, id: &RecordingId, channel: &str) -> Node {
    let pinned = list.pins.with(|pins| pins.contains(id));
    let id = id.clone();
    el("button.button.plain.pin")
        .set("type", "button")
        .set("aria-pressed", if pinned { "true" } else { "false" })
        .set("aria-label", words::list::pin_of(channel, false))
        .set("title", words::list::pin_of(channel, pinned))
        .on("click", move |_| {
            list.pins.update(|pins| match pins.iter().position(|pin| *pin == id) {
                Some(place) => _ = pins.remove(place),
                None if pins.len() < MOST_PINS => pins.push(id.clone()),
                None => {}
            });
        })
        .add(if pinned { "★" } else { "☆" })
        .into()
}
