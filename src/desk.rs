//! What the page knows, as signals: the client's folds, who is signed in, and how the connection is.
//!
//! A signal for every recording, so that an entry draws one row anew and nothing else.

use std::sync::Arc;

use agora::Timestamp;
use client::{Client, EndedBecause, Liveness, Refusal};
use leptos::prelude::*;
use litemap::LiteMap;
use rules::api::{Capability, Setup, Unwritten};
use rules::{Board, Call, Reason, Recording, RecordingId};

use crate::acting::Planner;
use crate::clock::{Clock, moment};
use crate::screens::why::RuleText;

/// How the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Link {
    /// Nothing was heard yet.
    #[default]
    Connecting,
    /// Everything shown is true now.
    Live,
    /// Everything shown is as old as the last heartbeat.
    Lost {
        /// The server's time of the last heartbeat; none if there never was one.
        heard: Option<Timestamp>,
        /// The device's monotonic instant of it.
        since: u64,
        /// The device's monotonic instant of the next attempt; none while one is on its way.
        retry_at: Option<u64>,
    },
    /// It is not tried again by itself.
    Ended(EndedBecause),
}

/// Which hop failed, as far as the page can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hop {
    /// No answer at all.
    ProxySilent,
    /// No answer that this page may read: the proxy is elsewhere, and perhaps does not let pages of this origin in.
    NotLetIn(String),
    /// The proxy is of another site, so no sign-in reaches it from this page.
    OtherSite,
    /// An answer that says no.
    ProxyRefuses(u16),
}

/// A recording as the stream tells it.
pub type Cell = ArcRwSignal<Arc<Recording>>;

/// What the page knows. A handle: copies are the same desk.
#[derive(Clone, Copy)]
pub struct Desk {
    pub(crate) client: StoredValue<Client, LocalStorage>,
    planner: StoredValue<Option<Planner>>,
    /// The page's clock.
    pub clock: Clock,
    cells: StoredValue<LiteMap<RecordingId, Cell>>,
    /// Recordings that are over and not on the stream: those that the list names, and those that this page saw end.
    older: StoredValue<LiteMap<RecordingId, Cell>>,
    /// What the stream told of before a snapshot that is still on its way: it says which of them go on.
    doubted: StoredValue<Vec<RecordingId>>,
    /// Grows when something that went on was over after a gap: what became of it is not on the stream.
    pub missed: RwSignal<u32>,
    /// The recordings that are known, by id.
    pub ids: RwSignal<Vec<RecordingId>>,
    /// What changed since it was taken last.
    changed: StoredValue<Vec<RecordingId>>,
    /// Since when the screen stands still, by the device's monotonic clock; none while it is live.
    pub paused: RwSignal<Option<u64>>,
    /// What has changed since then.
    pub held_back: RwSignal<Vec<RecordingId>>,
    /// Whether every live recording is here.
    pub complete: RwSignal<bool>,
    /// How the connection is.
    pub link: RwSignal<Link>,
    /// Which hop failed when it last failed.
    pub hop: RwSignal<Option<Hop>>,
    /// Why the journal cannot be written, while it cannot be (D9).
    pub unwritten: RwSignal<Option<Unwritten>>,
    /// What can be asked for, and by whom.
    pub setup: RwSignal<Option<Setup>>,
    /// Grows when entries of an opened recording came.
    pub entries: RwSignal<u64>,
    /// The recordings that this page acts for.
    pub held: RwSignal<Vec<RecordingId>>,
    /// The texts of the rules; empty until they are fetched.
    pub rule_texts: RwSignal<Vec<RuleText>>,
    /// The last refusal of a step, by recording.
    pub refusals: RwSignal<LiteMap<RecordingId, Refusal>>,
}

impl Desk {
    /// A desk that knows nothing yet.
    pub fn new(clock: Clock) -> Self {
        Self {
            client: StoredValue::new_local(Client::without_eyes()),
            planner: StoredValue::new(None),
            clock,
            cells: StoredValue::new(LiteMap::new()),
            older: StoredValue::new(LiteMap::new()),
            doubted: StoredValue::new(Vec::new()),
            missed: RwSignal::new(0),
            ids: RwSignal::new(Vec::new()),
            changed: StoredValue::new(Vec::new()),
            paused: RwSignal::new(None),
            held_back: RwSignal::new(Vec::new()),
            complete: RwSignal::new(false),
            link: RwSignal::new(Link::Connecting),
            hop: RwSignal::new(None),
            unwritten: RwSignal::new(None),
            setup: RwSignal::new(None),
            entries: RwSignal::new(0),
            held: RwSignal::new(Vec::new()),
            rule_texts: RwSignal::new(Vec::new()),
            refusals: RwSignal::new(LiteMap::new()),
        }
    }

    /// Brings what the client has folded to the screen. To be called after every event.
    pub fn show(self) {
        let now = moment();
        let mut changed = self.client.try_update_value(Client::changed).unwrap_or_default();
        if self.client.with_value(Client::complete) {
            changed.extend(self.doubted.try_update_value(core::mem::take).unwrap_or_default());
        }
        if self.paused.with_untracked(Option::is_some) {
            if !changed.is_empty() {
                self.hold_back(core::mem::take(&mut changed));
            }
        } else if self.held_back.with_untracked(|held| !held.is_empty()) {
            changed.extend(self.held_back.try_update(core::mem::take).unwrap_or_default());
        }
        let mut came_or_went = false;
        let mut missed = false;
        self.client.with_value(|client| {
            for id in &changed {
                let known = self.cells.with_value(|cells| cells.get(id).cloned());
                match (client.recordings().get(id), known) {
                    (Some(recording), Some(cell)) => cell.set(Arc::new(recording.clone())),
                    (Some(recording), None) => {
                        let recording = Arc::new(recording.clone());
                        // Whoever shows it as one that is over goes on with the same.
                        let cell = match self.older.try_update_value(|older| older.remove(id)).flatten() {
                            Some(cell) => {
                                cell.set(recording);
                                cell
                            }
                            None => ArcRwSignal::new(recording),
                        };
                        self.cells.update_value(|cells| _ = cells.insert(id.clone(), cell));
                        came_or_went = true;
                    }
                    (None, Some(_)) if !client.complete() => {
                        self.doubted.update_value(|doubted| doubted.push(id.clone()));
                    }
                    (None, Some(cell)) => {
                        self.cells.update_value(|cells| _ = cells.remove(id));
                        if cell.with_untracked(|recording| recording.settled()) {
                            self.older.update_value(|older| _ = older.insert(id.clone(), cell));
                        } else {
                            missed = true;
                        }
                        came_or_went = true;
                    }
                    (None, None) => {}
                }
            }
            if !changed.is_empty() {
                self.changed.update_value(|all| all.extend(changed.iter().cloned()));
                self.entries.update(|count| *count += 1);
            }
            set_if_new(self.complete, client.complete());
            let held: Vec<_> = client.held().cloned().collect();
            set_if_new(self.held, held);
            if self.refusals.with_untracked(|known| known != client.refusals()) {
                self.refusals.set(client.refusals().clone());
            }
            set_if_new(self.unwritten, client.unwritten().cloned());
            let link = link(client, now);
            if let Some(now) = client.now(now) {
                self.clock.heard(now, f64::from(client.clock_rate()));
            }
            set_if_new(self.link, link);
        });
        if came_or_went {
            self.list();
        }
        if missed {
            self.missed.update(|count| *count += 1);
        }
    }

    fn hold_back(self, changed: Vec<RecordingId>) {
        self.held_back.update(|held| {
            for id in changed {
                if let Err(place) = held.binary_search(&id) {
                    held.insert(place, id);
                }
            }
        });
    }

    /// Lets the screen stand still, or brings it to now. What the page does for recordings goes on either way.
    pub fn pause(self, pause: bool) {
        if self.paused.with_untracked(Option::is_some) == pause {
            return;
        }
        self.paused.set(pause.then(|| moment().monotonic));
        self.clock.stand(pause);
        self.show();
    }

    /// Takes in recordings that ended and are not on the stream.
    pub fn take_older(self, recordings: Vec<Recording>) {
        self.older.update_value(|older| {
            // A page that is open for weeks keeps only what was asked for lately.
            if older.len() > 5_000 {
                *older = LiteMap::new();
            }
            for recording in recordings {
                let recording = Arc::new(recording);
                match older.get(&recording.id) {
                    Some(cell) => cell.set(recording),
                    None => {
                        _ = older.insert(recording.id.clone(), ArcRwSignal::new(recording));
                    }
                }
            }
        });
        self.list();
    }

    /// What is on the stream goes before what the list told earlier.
    fn list(self) {
        let mut ids: Vec<RecordingId> = self.cells.with_value(|cells| cells.keys().cloned().collect());
        self.older.with_value(|older| {
            for id in older.keys() {
                if let Err(place) = ids.binary_search(id) {
                    ids.insert(place, id.clone());
                }
            }
        });
        self.ids.set(ids);
    }

    /// The recordings that changed since this was asked last; who asks is told again when there are more.
    pub fn take_changed(self) -> Vec<RecordingId> {
        self.entries.track();
        self.changed.try_update_value(core::mem::take).unwrap_or_default()
    }

    /// A recording that is known.
    pub fn cell(self, id: &RecordingId) -> Option<Cell> {
        let live = self.cells.with_value(|cells| cells.get(id).cloned());
        live.or_else(|| self.older.with_value(|older| older.get(id).cloned()))
    }

    /// A recording that is known, as it is now.
    pub fn recording_now(self, id: &RecordingId) -> Option<Arc<Recording>> {
        self.cell(id).map(|cell| cell.get_untracked())
    }

    /// Names the calls that come next with this, from now on.
    pub fn plan_with(self, planner: Planner) {
        self.planner.set_value(Some(planner));
        let ids = self.ids.get_untracked();
        self.changed.update_value(|all| all.extend(ids));
        self.entries.update(|count| *count += 1);
    }

    /// Every call that the rules plan for a recording, the earliest first; none while that cannot be told yet.
    pub fn planned(self, recording: &Recording, now: Timestamp) -> Option<Vec<(Timestamp, Call, Reason)>> {
        let planner = self.planner.get_value()?;
        Some(self.with_board(&recording.app, |board| planner(recording, board, now)))
    }

    /// Something about the board facts of an App ID.
    pub fn with_board<T>(self, app: &str, read: impl FnOnce(&Board) -> T) -> T {
        self.client.with_value(|client| match client.boards().get(app) {
            Some(board) => read(board),
            None => read(&Board::default()),
        })
    }

    /// When a notification last came, of any App ID. Does not track.
    pub fn last_notified(self) -> Option<Timestamp> {
        self.client
            .with_value(|client| client.boards().iter().filter_map(|(_, board)| board.facts().notified).max())
    }

    /// Whether actions are possible: the connection is alive.
    pub fn live(self) -> bool {
        self.link.get() == Link::Live
    }

    /// Whether the journal can be written, and none of it is damaged (D9). Tracks.
    pub fn journal_is_well(self) -> bool {
        let damaged = self.setup.with(|setup| setup.as_ref().is_some_and(|setup| !setup.damaged.is_empty()));
        !damaged && self.unwritten.with(Option::is_none)
    }

    /// Whether the person may do this.
    pub fn may(self, capability: Capability) -> bool {
        self.setup
            .with(|setup| setup.as_ref().is_none_or(|setup| setup.person.capabilities.contains(&capability)))
    }

    /// Whether this is a demonstration.
    pub fn demo(self) -> bool {
        self.setup.with(|setup| setup.as_ref().is_some_and(|setup| setup.demo))
    }
}

fn set_if_new<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|known| *known != value) {
        signal.set(value);
    }
}

fn link(client: &Client, now: client::Moment) -> Link {
    let retry_at = client.reconnects_at();
    match client.liveness(now) {
        // Nothing that happens is seen yet.
        Liveness::Live if !client.sees() => Link::Connecting,
        Liveness::Live => Link::Live,
        Liveness::Ended(because) => Link::Ended(because),
        Liveness::Lost { since } => Link::Lost {
            heard: client.last_heartbeat().map(|(_, time)| time),
            since: since.monotonic,
            retry_at,
        },
        // A first attempt that failed is a connection that was lost before it began.
        Liveness::Connecting => match retry_at {
            Some(at) if at > 0 => Link::Lost { heard: None, since: 0, retry_at },
            Some(_) | None => Link::Connecting,
        },
    }
}
