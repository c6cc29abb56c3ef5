//! One recording: what happens, why, what comes next, and everything that has happened.

mod file;
mod head;
mod journal;
mod lanes;
mod moment;
mod next;
mod side;
mod tables;

use std::rc::Rc;
use std::sync::Arc;

use agora::Timestamp;
use leptos::prelude::*;
use rules::api::{Capability, Problem};
use rules::bundle::{Replaying, Step, Told};
use rules::journal::Fact;
use rules::recording::Session;
use rules::{Board, BoardFacts, Bundle, Call, Entry, EntryNumber, Reason, Recording, RecordingId};

pub use file::{file_screen, take_drops};
pub use journal::Kind;

use super::actions::{NO_BODY, Sending};
use super::board::{KeptComing, coming_of, keep_coming};
use super::shell::focus;
use crate::desk::Desk;
use crate::dom::{Element, Node, el, live, part, still};
use crate::here::here;
use crate::history::History;
use crate::parts::age;
use crate::parts::announcer::Announcer;
use crate::parts::banner::banner;
use crate::parts::board::loading_rows;
use crate::parts::icon::{Glyph, Tone};
use crate::route::{Dialog, Route, Screen, api};
use crate::socket::{Socket, get};
use crate::standing::{self, Coming, Standing};
use crate::tasks::{follow, follow_on, spawn};
use crate::{nodes, words};

/// The id of the title, which has the focus when the screen is come to.
const TITLE: &str = "recording-title";

/// How many entries are replayed before the page may draw again.
const REPLAYED_AT_ONCE: usize = 200;

/// The screen.
pub fn recording_screen(id: RecordingId) -> Node {
    drawn(Screen::Recording(id))
}

/// The same recording in a column beside the list.
pub fn inspector(id: RecordingId) -> Node {
    drawn(Screen::Beside(id))
}

fn drawn(place: Screen) -> Node {
    let Some(id) = place.recording().cloned() else { return Node::Nothing };
    part(Route::to(place.clone()).href(), move || {
        let page = Rc::new(Page::open(id, place));
        if page.is_beside() {
            close_with_escape(page.id.clone());
        }
        move || match page.known.get() {
            Some(known) => screen(&page, &known),
            None => awaited(&page),
        }
    })
}

/// The same screen of a recording that is in a file.
fn bundle_screen(name: String, bundle: Arc<Bundle>) -> Node {
    part(name, move || {
        let page = Rc::new(Page::of_file(bundle));
        move || page.known.get().map(|known| screen(&page, &known)).into()
    })
}

/// Escape closes what is open beside the list, unless something lies over it that Escape closes first.
fn close_with_escape(id: RecordingId) {
    let router = here().router;
    let listener = window_event_listener(leptos::ev::keydown, move |event| {
        let open = Route::to(Screen::Beside(id.clone()));
        let in_field = document().active_element().is_some_and(|active| {
            ["INPUT", "TEXTAREA", "SELECT", "SUMMARY"].contains(&active.tag_name().as_str())
        });
        if event.key() == "Escape" && !event.default_prevented() && !in_field && router.route_now() == open {
            router.go(Route::default());
        }
    });
    on_cleanup(move || listener.remove());
}

/// The screen of one recording while it is open.
struct Page {
    id: RecordingId,
    /// Whether it fills the page, or stands beside the list.
    place: Screen,
    desk: Desk,
    /// The file that it is read from, if it is.
    bundle: Option<Arc<Bundle>>,
    /// The entry at which it is looked at; none: now.
    at: RwSignal<Option<EntryNumber>>,
    /// What is known of the recording, as soon as anything is.
    known: Memo<Option<Arc<Known>>>,
    /// What the rules of this page say to each step of the journal: asked when somebody looks back.
    replayed: RwSignal<Option<Arc<Vec<Step>>>>,
    /// Why it or its entries could not be fetched.
    failed: RwSignal<Option<Problem>>,
    /// How many entries are shown.
    shown: RwSignal<usize>,
    /// Which entries are shown.
    kinds: RwSignal<journal::Kinds>,
    /// Answers as they came, of the entries for which somebody wanted to see that.
    raw: RwSignal<Vec<(EntryNumber, String)>>,
    /// The press on "Undo the stop".
    undoing: Sending,
    /// The press on "Ask now".
    hurrying: Sending,
    /// A bundle is being collected.
    collecting: RwSignal<bool>,
    /// The timeline is shown as a table.
    as_table: RwSignal<bool>,
}

/// What is known of the recording at one moment.
struct Known {
    recording: Arc<Recording>,
    standing: Standing,
    coming: KeptComing,
    /// What the entries up to this moment tell.
    story: Arc<Story>,
    /// What all entries tell.
    whole: Arc<Story>,
    past: Option<Past>,
}

/// A moment that is not now.
struct Past {
    entry: EntryNumber,
    at: Timestamp,
    board: Board,
}

/// What the entries tell, as far as they are here.
struct Story {
    entries: Vec<Entry>,
    history: History,
    /// The number of the newest entry and how many answers are here as they came: as long as neither changes, nor the
    /// number of entries, they are the same entries.
    newest: EntryNumber,
    raw: usize,
}

impl Page {
    fn open(id: RecordingId, place: Screen) -> Self {
        let (desk, socket, announcer) = (here().desk, here().socket, here().announcer);
        let failed = RwSignal::new(None);
        let gone = RwSignal::new(None);
        desk.client.update_value(|client| client.open(&id));
        let closes = id.clone();
        on_cleanup(move || {
            desk.client.try_update_value(|client| client.close(&closes));
        });
        let fetches = id.clone();
        follow(move || {
            if desk.complete.get() && desk.live() {
                fetch(desk, socket, fetches.clone(), gone, failed);
            }
        });
        let at = follow_moment(place.clone());
        let reads = id.clone();
        let known = Memo::new(move |before: Option<&Option<Arc<Known>>>| {
            desk.ids.track();
            let recording = desk.cell(&reads).map(|cell| cell.get()).or_else(|| gone.get())?;
            let before = before.and_then(Option::as_ref);
            Known::read(desk, recording, at.get(), before)
        });
        say_changes(known, announcer);
        Self::with(id, place, None, at, known, failed)
    }

    fn of_file(bundle: Arc<Bundle>) -> Self {
        let at = follow_moment(Screen::File);
        let whole = Arc::new(Story::read(&bundle.recording, bundle.entries.clone()));
        let reads = Arc::clone(&bundle);
        let known = Memo::new(move |_: Option<&Option<Arc<Known>>>| {
            let at = at.get().unwrap_or(EntryNumber::MAX);
            Known::at(&reads.recording, &reads.board, &whole, at).map(Arc::new)
        });
        let id = bundle.recording.clone();
        Self::with(id, Screen::File, Some(bundle), at, known, RwSignal::new(None))
    }

    fn with(
        id: RecordingId,
        place: Screen,
        bundle: Option<Arc<Bundle>>,
        at: RwSignal<Option<EntryNumber>>,
        known: Memo<Option<Arc<Known>>>,
        failed: RwSignal<Option<Problem>>,
    ) -> Self {
        let desk = here().desk;
        let replayed = RwSignal::new(None);
        let (replays, file) = (id.clone(), bundle.clone());
        let mut begun = 0;
        follow(move || {
            let Some(known) = known.get().filter(|known| known.past.is_some()) else { return };
            let whole = Arc::clone(&known.whole);
            if core::mem::replace(&mut begun, whole.newest) == whole.newest {
                return;
            }
            let facts = match &file {
                Some(file) => file.board.clone(),
                None => desk.with_board(&known.recording.app, |board| board.facts().clone()),
            };
            let replaying = Replaying::begin(replays.clone(), &facts, &whole.entries);
            go_on(replaying, whole, replayed);
        });
        Self {
            id,
            place,
            desk,
            bundle,
            at,
            known,
            replayed,
            failed,
            shown: RwSignal::new(journal::ENTRIES_SHOWN),
            kinds: RwSignal::new(journal::Kinds::default()),
            raw: RwSignal::new(Vec::new()),
            undoing: Sending::new(),
            hurrying: Sending::new(),
            collecting: RwSignal::new(false),
            as_table: RwSignal::new(false),
        }
    }

    fn screen(&self) -> Screen {
        self.place.clone()
    }

    /// The address of a dialog over this screen.
    fn over(&self, dialog: Dialog) -> String {
        Route { at: self.at.get_untracked(), ..Route::to(self.screen()) }.with(dialog).href()
    }

    /// The server's time, or that of the moment that is looked at.
    fn tick(&self, known: &Known) -> Timestamp {
        known.past.as_ref().map_or_else(|| self.desk.clock.tick(), |past| past.at)
    }

    /// As [`Page::tick`], for who is drawn again by something else.
    fn tick_untracked(&self, known: &Known) -> Timestamp {
        known.past.as_ref().map_or_else(|| self.desk.clock.now(), |past| past.at)
    }

    /// As [`Page::tick`], in whole seconds.
    fn second(&self, known: &Known) -> Timestamp {
        known.past.as_ref().map_or_else(|| self.desk.clock.second(), |past| past.at)
    }

    /// Something about the board facts of its App ID.
    fn with_board<T>(&self, known: &Known, read: impl FnOnce(&Board) -> T) -> T {
        match &known.past {
            Some(past) => read(&past.board),
            None => self.desk.with_board(&known.recording.app, read),
        }
    }

    /// Every call that the rules plan, the earliest first.
    fn planned(&self, known: &Known) -> Vec<(Timestamp, Call, Reason)> {
        match &known.past {
            Some(past) => rules::planned(&known.recording, &past.board, past.at),
            None => self.desk.planned(&known.recording, self.desk.clock.now()).unwrap_or_default(),
        }
    }

    const fn is_beside(&self) -> bool {
        matches!(self.place, Screen::Beside(_))
    }

    /// What a press does that is a command without anything to add.
    fn command(&self, sending: Sending, name: &str, done: &'static str) -> impl Fn(&web_sys::Event) + use<> {
        let (desk, path) = (self.desk, api::command(&self.id, name));
        move |_| {
            if sending.obstacle_to_stop(desk, Capability::Operate).is_none() {
                sending.post(path.clone(), NO_BODY.to_owned(), done.to_owned(), Box::new(|| {}));
            }
        }
    }
}

/// Replays a piece of a journal, and the next one when the page has drawn: a long one must not hold it up.
fn go_on(mut replaying: Replaying, whole: Arc<Story>, replayed: RwSignal<Option<Arc<Vec<Step>>>>) {
    if replaying.go_on(&whole.entries, REPLAYED_AT_ONCE) {
        replayed.try_set(Some(Arc::new(replaying.steps)));
    } else if replayed.try_get_untracked().is_some() {
        set_timeout(move || go_on(replaying, whole, replayed), core::time::Duration::ZERO);
    }
}

/// The entry that the address of this screen names, also when the browser goes back.
fn follow_moment(screen: Screen) -> RwSignal<Option<EntryNumber>> {
    let router = here().router;
    let at = RwSignal::new(router.route_now().at);
    follow(move || {
        let route = router.route();
        if route.screen == screen && at.get_untracked() != route.at {
            at.set(route.at);
        }
    });
    at
}

/// Fetches what is missing: the recording, if it ended before this page was opened and is not on the stream, and its
/// entries.
fn fetch(
    desk: Desk,
    socket: Socket,
    id: RecordingId,
    gone: RwSignal<Option<Arc<Recording>>>,
    failed: RwSignal<Option<Problem>>,
) {
    if desk.cell(&id).is_some() || gone.with_untracked(Option::is_some) {
        return socket.fetch_entries(id, failed);
    }
    spawn(async move {
        match get::<Recording>(&api::recording(&id)).await {
            Ok(recording) => {
                gone.try_set(Some(Arc::new(recording)));
                socket.fetch_entries(id, failed);
            }
            Err(problem) => _ = failed.try_set(Some(problem)),
        }
    });
}

/// Says it aloud when the recording that one looks at comes to another state.
fn say_changes(known: Memo<Option<Arc<Known>>>, announcer: Announcer) {
    follow_on(move |before: Option<Option<&'static str>>| {
        let known = known.get().filter(|known| known.past.is_none())?;
        let word = words::standing::word(known.standing);
        if before.flatten().is_some_and(|before| before != word) {
            announcer.say(words::now_is(known.recording.channel.as_str(), word));
        }
        Some(word)
    });
}

impl Story {
    fn read(id: &RecordingId, entries: Vec<Entry>) -> Self {
        let (newest, raw) =
            (entries.last().map_or(0, |last| last.number), entries.iter().filter(has_raw).count());
        Self { history: History::read(id, &entries), newest, raw, entries }
    }
}

impl Known {
    /// None while an earlier moment is asked for and its entries are on their way.
    fn read(
        desk: Desk,
        recording: Arc<Recording>,
        at: Option<EntryNumber>,
        before: Option<&Arc<Self>>,
    ) -> Option<Arc<Self>> {
        desk.entries.track();
        let whole = desk.client.with_value(|client| {
            let entries = client.entries_for(&recording.id);
            let (mut count, mut newest, mut raw) = (0, 0, 0);
            for entry in entries {
                (count, newest, raw) = (count + 1, entry.number, raw + usize::from(has_raw(&entry)));
            }
            match before.map(|before| &before.whole) {
                Some(story) if (story.entries.len(), story.newest, story.raw) == (count, newest, raw) => {
                    Arc::clone(story)
                }
                _ => {
                    let entries: Vec<Entry> = client.entries_for(&recording.id).cloned().collect();
                    Arc::new(Story::read(&recording.id, entries))
                }
            }
        });
        if let Some(at) = at.filter(|at| *at < recording.last) {
            if whole.newest < at {
                return None;
            }
            // It stands still: nothing of it is told again for what came since.
            if let Some(before) = before
                && before.past.as_ref().is_some_and(|past| past.entry == at)
                && Arc::ptr_eq(&before.whole, &whole)
            {
                return Some(Arc::clone(before));
            }
            let facts = desk.with_board(&recording.app, |board| board.facts().clone());
            if let Some(known) = Self::at(&recording.id, &facts, &whole, at) {
                return Some(Arc::new(known));
            }
        }
        let now = desk.clock.tick();
        let mut coming =
            before.filter(|before| before.past.is_none()).and_then(|before| before.coming.clone());
        keep_coming(&mut coming, desk, &recording, now);
        let standing = Standing::of(&recording, now);
        Some(Arc::new(Self { standing, coming, story: Arc::clone(&whole), whole, past: None, recording }))
    }

    /// As it was at an entry; at the last one if there are not so many. None without the first entry.
    fn at(id: &RecordingId, facts: &BoardFacts, whole: &Arc<Story>, at: EntryNumber) -> Option<Self> {
        let first = whole.entries.first().filter(|first| first.number == 1)?;
        let entries = &whole.entries[..(at.max(1) as usize).min(whole.entries.len())];
        let last = entries.last().unwrap_or(first);
        let told = Told::up_to(id, facts, entries, last.number)?;
        let (board, now) = (told.board(last.at), last.at);
        let planned = rules::planned(&told.recording, &board, now);
        let story = if entries.len() == whole.entries.len() {
            Arc::clone(whole)
        } else {
            Arc::new(Story::read(id, entries.to_vec()))
        };
        Some(Self {
            standing: Standing::of(&told.recording, now),
            coming: Some((last.number, standing::coming(planned, now))),
            story,
            whole: Arc::clone(whole),
            past: Some(Past { entry: last.number, at: now, board }),
            recording: Arc::new(told.recording),
        })
    }

    /// The session that the screen is about.
    /// Of what time a panel is that shows what the service answered last; nothing where a moment of the past is shown.
    fn as_answered(&self) -> Node {
        let answer = self.session().and_then(|session| session.last_answer);
        let over = self.recording.settled();
        age::as_of(answer.filter(|_| self.past.is_none()).map(|answer| answer.at), !over)
    }

    /// Of what time a panel is that shows the journal.
    fn as_written(&self) -> Node {
        let newest = self.story.entries.last().filter(|_| self.past.is_none());
        age::as_of(newest.map(|entry| entry.at), false)
    }

    fn session(&self) -> Option<&Session> {
        standing::shown_session(&self.recording, self.standing)
    }

    fn coming(&self) -> Option<&Coming> {
        coming_of(&self.coming)
    }

    fn history(&self) -> &History {
        &self.story.history
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.recording, &other.recording)
            && Arc::ptr_eq(&self.story, &other.story)
            && Arc::ptr_eq(&self.whole, &other.whole)
            && self.past.as_ref().map(|past| past.entry) == other.past.as_ref().map(|past| past.entry)
            && self.standing == other.standing
            && self.coming == other.coming
    }
}

fn has_raw(entry: &&Entry) -> bool {
    matches!(&entry.fact, Fact::CallAnswered(answered) if answered.raw.is_some())
}

/// What is drawn by itself, because it changes more often than the rest, or is large.
fn region(page: &Rc<Page>, draw: fn(&Rc<Page>, &Known) -> Node) -> Node {
    let page = Rc::clone(page);
    live(move || page.known.get().map(|known| as_of(&known, draw(&page, &known))).into())
}

/// At an earlier moment nothing that is drawn moves with the clock.
fn as_of(known: &Known, node: Node) -> Node {
    match &known.past {
        Some(past) => still(node, past.at),
        None => node,
    }
}

/// Before anything is known of it.
fn awaited(page: &Page) -> Node {
    let title = el("h1.unseen").id(TITLE).set("tabindex", "-1");
    match page.failed.get() {
        None => nodes![title.add(words::LOADING), loading_rows()],
        Some(problem) => nodes![
            title.add(words::RECORDING),
            banner(Tone::Critical, Glyph::Critical, false)
                .add(refusal(words::CANNOT_SHOW, &problem))
                .add(el("a.button").set("href", Route::default().href()).add(words::BACK_TO_LIST)),
        ],
    }
}

/// What could not be done, and the reason.
fn refusal(what: &'static str, problem: &Problem) -> Element {
    el("p").add(el("b").add(what)).add(" ").add(words::sentence(&problem.title))
}

fn screen(page: &Rc<Page>, known: &Known) -> Node {
    let first = el("div").add(region(page, next::retry)).add(region(page, next::window));
    let beside = el("div.beside")
        .add(region(page, side::deadlines))
        .add(side::failovers(known))
        .add(side::sessions(page, known));
    let rest = el("div")
        .add(lanes::panel(page, known))
        .add(tables::failovers(known))
        .add(tables::files(known))
        .add(tables::notifications(page, known))
        .add(region(page, journal::decisions))
        .add(side::asked(page, known))
        .add(region(page, journal::panel));
    let screen = el("div.recording")
        .class("past", known.past.is_some())
        .add(head::top(page, known))
        .add(region(page, moment::strip))
        .add(head::alarms(page, known))
        .add(el("div.columns").add(first).add(beside).add(rest));
    as_of(known, screen.into())
}
