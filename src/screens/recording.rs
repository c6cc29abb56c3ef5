//! One recording: what happens, why, what comes next, and everything that has happened.

mod head;
mod journal;
mod lanes;
mod next;
mod side;
mod tables;

use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use rules::api::{Capability, Problem};
use rules::journal::Fact;
use rules::recording::Session;
use rules::{Entry, EntryNumber, Recording, RecordingId};

use super::actions::{NO_BODY, Sending};
use super::board::{KeptComing, coming_of, keep_coming};
use super::shell::focus;
use crate::desk::Desk;
use crate::dom::{Element, Node, el, live, part};
use crate::here::here;
use crate::history::History;
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

/// The screen.
pub fn recording_screen(id: RecordingId) -> Node {
    part(["recording-", id.as_str()].concat(), move || {
        let page = Rc::new(Page::open(id));
        move || match page.known.get() {
            Some(known) => screen(&page, &known).into(),
            None => awaited(&page),
        }
    })
}

/// The screen of one recording while it is open.
struct Page {
    id: RecordingId,
    desk: Desk,
    /// What is known of the recording, as soon as anything is.
    known: Memo<Option<Arc<Known>>>,
    /// Why it or its entries could not be fetched.
    failed: RwSignal<Option<Problem>>,
    /// How many entries are shown.
    shown: RwSignal<usize>,
    /// Answers as they came, of the entries for which somebody wanted to see that.
    raw: RwSignal<Vec<(EntryNumber, String)>>,
    /// The press on "Undo the stop".
    undoing: Sending,
    /// The press on "Ask now".
    hurrying: Sending,
}

/// What is known of the recording at one moment.
struct Known {
    recording: Arc<Recording>,
    standing: Standing,
    coming: KeptComing,
    story: Arc<Story>,
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
    fn open(id: RecordingId) -> Self {
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
        let reads = id.clone();
        let known = Memo::new(move |before: Option<&Option<Arc<Known>>>| {
            desk.ids.track();
            let recording = desk.cell(&reads).map(|cell| cell.get()).or_else(|| gone.get())?;
            let before = before.and_then(Option::as_ref);
            Some(Arc::new(Known::read(desk, recording, before)))
        });
        say_changes(known, announcer);
        Self {
            id,
            desk,
            known,
            failed,
            shown: RwSignal::new(journal::ENTRIES_SHOWN),
            raw: RwSignal::new(Vec::new()),
            undoing: Sending::new(),
            hurrying: Sending::new(),
        }
    }

    /// The address of a dialog over this screen.
    fn over(&self, dialog: Dialog) -> String {
        Route::to(Screen::Recording(self.id.clone())).with(dialog).href()
    }

    /// What a press does that is a command without anything to add.
    fn command(&self, sending: Sending, name: &str, done: &'static str) -> impl Fn(&web_sys::Event) + use<> {
        let (desk, path) = (self.desk, api::command(&self.id, name));
        move |_| {
            if sending.obstacle(desk, Capability::Operate).is_none() {
                sending.post(path.clone(), NO_BODY.to_owned(), done.to_owned(), Box::new(|| {}));
            }
        }
    }
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
        let known = known.get()?;
        let word = words::standing::word(known.standing);
        if before.flatten().is_some_and(|before| before != word) {
            announcer.say([known.recording.channel.as_str(), ": ", word, "."].concat());
        }
        Some(word)
    });
}

impl Known {
    fn read(desk: Desk, recording: Arc<Recording>, before: Option<&Arc<Self>>) -> Self {
        let now = desk.clock.tick();
        let mut coming = before.and_then(|before| before.coming.clone());
        keep_coming(&mut coming, desk, &recording, now);
        desk.entries.track();
        let story = desk.client.with_value(|client| {
            let entries = client.entries_for(&recording.id);
            let (mut count, mut newest, mut raw) = (0, 0, 0);
            for entry in entries {
                (count, newest, raw) = (count + 1, entry.number, raw + usize::from(has_raw(entry)));
            }
            match before.map(|before| &before.story) {
                Some(story) if (story.entries.len(), story.newest, story.raw) == (count, newest, raw) => {
                    Arc::clone(story)
                }
                _ => {
                    let entries: Vec<Entry> = client.entries_for(&recording.id).cloned().collect();
                    let history = History::read(&recording.id, &entries);
                    Arc::new(Story { entries, history, newest, raw })
                }
            }
        });
        Self { standing: Standing::of(&recording, now), coming, story, recording }
    }

    /// The session that the screen is about.
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
            && self.standing == other.standing
            && self.coming == other.coming
    }
}

fn has_raw(entry: &Entry) -> bool {
    matches!(&entry.fact, Fact::CallAnswered(answered) if answered.raw.is_some())
}

/// What is drawn by itself, because it changes more often than the rest, or is large.
fn region(page: &Rc<Page>, draw: fn(&Rc<Page>, &Known) -> Node) -> Node {
    let page = Rc::clone(page);
    live(move || page.known.get().map(|known| draw(&page, &known)).into())
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

fn screen(page: &Rc<Page>, known: &Known) -> Element {
    let main = el("div")
        .add(region(page, next::retry))
        .add(region(page, next::window))
        .add(lanes::panel(page, known))
        .add(tables::failovers(known))
        .add(tables::files(known))
        .add(tables::notifications(page, known))
        .add(region(page, journal::panel));
    let beside = el("div")
        .add(region(page, side::deadlines))
        .add(side::failovers(known))
        .add(side::sessions(page, known))
        .add(side::asked(page, known));
    el("div.recording")
        .add(head::top(page, known))
        .add(head::alarms(page, known))
        .add(el("div.columns").add(main).add(beside))
}
