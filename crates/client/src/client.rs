//! The client itself: its parts, put together.

use litemap::LiteMap;

use agora::Timestamp;
use rules::api::{FromClient, FromProxy, Heartbeat, Hello, PROTOCOL, Unwritten};
use rules::journal::ClientNumber;
use rules::{Board, Entry, EntryNumber, Fact, Recording, RecordingId};

use crate::clock::{Moment, SILENCE, ServerClock};
use crate::connection::{Connection, EndedBecause, Liveness};
use crate::controller::{Hands, PostId, PostOutcome, Refusal, Request};
use crate::early::Early;
use crate::mirror::{Mirror, Taken};

/// A socket on which nothing came for this many milliseconds is dead: another one is opened. What the old one still brings
/// is not believed: it may have waited on the way, or in front of a page that was frozen or asleep.
const DEAD_SOCKET: u64 = SILENCE;

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Open the stream. `after` and `journal` say what is known already; none of both: a snapshot is wanted.
    Connect {
        /// For `?after=`.
        after: Option<u64>,
        /// The journal that `after` counts in.
        journal: Option<String>,
    },
    /// Drop the socket, and call [`Client::closed`].
    CloseSocket,
    /// Send this on the socket.
    Send(FromClient),
    /// Post this, and call [`Client::answered`] once.
    Post {
        /// The name of the post.
        id: PostId,
        /// What is posted.
        request: Request,
    },
    /// Poll again at this monotonic instant, or at any event before it. Replaces the one named before.
    WakeAt(u64),
}

/// What a request that rests on this connection carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandContext {
    /// For [`rules::api::CLIENT_HEADER`].
    pub client: ClientNumber,
    /// For [`rules::api::SECRET_HEADER`].
    pub secret: String,
}

/// One client of the proxy.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    clock: ServerClock,
    mirror: Mirror,
    /// None until the code that folds entries has come.
    eyes: Option<Eyes>,
    /// What came meanwhile and could not be read yet, in its order.
    unread: Vec<String>,
    /// None while it only looks on.
    hands: Option<Hands>,
    /// Leases that were offered and could not be claimed yet: a page without hands, or a recording that is not here yet.
    /// They are claimed as soon as they can be; what somebody else has taken by then the proxy does not give.
    offered: LiteMap<RecordingId, ()>,
    /// The stream's first message, while the socket is open.
    hello: Option<Hello>,
    /// What the last heartbeat said about a journal that cannot be written.
    unwritten: Option<Unwritten>,
    /// When something last came on the socket, or when it was opened.
    heard: Moment,
    close: bool,
    outbox: Vec<FromClient>,
}

/// As many bytes of messages are kept for eyes that have not come yet; with more, a snapshot is asked for instead.
const UNREAD_KEPT: usize = 1_000_000;

/// What lets a client read entries and fold them. Kept behind a pointer, so that a page can show a snapshot before the code
/// that folds has arrived.
#[derive(Debug, Clone, Copy)]
pub struct Eyes(fn(&mut Client, &str, Moment));

impl Eyes {
    /// Eyes that read everything.
    pub const fn new() -> Self {
        Self(Client::read_text)
    }
}

impl Default for Eyes {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Client {
    fn default() -> Self {
        let mut client = Self::looking_on();
        client.take_part(Hands::new());
        client
    }
}

impl Client {
    /// A client that knows nothing yet and wants to connect.
    pub fn new() -> Self {
        Self::default()
    }

    /// A client that knows nothing yet, wants to connect, and only looks on: it folds the journal and takes no lease.
    pub fn looking_on() -> Self {
        Self { eyes: Some(Eyes::new()), ..Self::without_eyes() }
    }

    /// As [`Client::looking_on`], but until it is given [`Eyes`] it understands snapshots only: what happens after one waits.
    pub fn without_eyes() -> Self {
        Self {
            connection: Connection::default(),
            clock: ServerClock::default(),
            mirror: Mirror::default(),
            eyes: None,
            unread: Vec::new(),
            hands: None,
            offered: LiteMap::new(),
            hello: None,
            unwritten: None,
            heard: Moment::default(),
            close: false,
            outbox: Vec::new(),
        }
    }

    /// From now on it reads and folds everything, beginning with what came meanwhile.
    pub fn open_eyes(&mut self, eyes: Eyes, moment: Moment) {
        self.eyes = Some(eyes);
        for text in core::mem::take(&mut self.unread) {
            self.received_text(&text, moment);
        }
    }

    /// Whether it folds what happens.
    pub const fn sees(&self) -> bool {
        self.eyes.is_some()
    }

    /// From now on it takes part: it accepts leases and makes the calls that the rules ask for.
    pub fn take_part(&mut self, hands: Hands) {
        self.hands = Some(hands);
    }

    // ---- what the driver tells -----------------------------------------------------------------------------------

    /// The socket is open.
    pub fn connected(&mut self, moment: Moment) {
        self.connection.opened();
        self.heard = moment;
    }

    /// A text message came on the open socket. One that cannot be read is of another build: the connection is let go.
    pub fn received_text(&mut self, text: &str, moment: Moment) {
        match self.eyes {
            Some(Eyes(read)) => read(self, text, moment),
            None => self.glimpse(text, moment),
        }
    }

    fn read_text(&mut self, text: &str, moment: Moment) {
        match crate::read(text) {
            Ok(message) => self.received(&message, moment),
            Err(_) => self.close = true,
        }
    }

    /// Takes what can be understood without eyes, and keeps the rest for them.
    fn glimpse(&mut self, text: &str, moment: Moment) {
        if !self.believes(moment) {
            return;
        }
        match crate::read(text) {
            Ok(Early::Hello(hello)) => self.begin(&hello, moment),
            Ok(_) if self.hello.is_none() => self.close = true,
            Ok(Early::Heartbeat(heartbeat)) => self.heartbeat(&heartbeat, moment),
            Ok(Early::Offer(ids)) => self.offer(&ids),
            // Who does not act has none to lose.
            Ok(Early::Released(ids)) => drop(ids),
            Ok(Early::Frame(frame)) if self.unread.is_empty() => {
                self.clock.at_least(frame.at, moment);
                self.mirror.take_early(frame, moment.monotonic);
            }
            Ok(Early::Frame(_)) | Err(_) => self.keep_unread(text, moment),
        }
    }

    fn keep_unread(&mut self, text: &str, moment: Moment) {
        let kept: usize = self.unread.iter().map(String::len).sum();
        if kept + text.len() > UNREAD_KEPT {
            self.unread.clear();
            self.mirror.miss(moment.monotonic);
        } else {
            self.unread.push(text.to_owned());
        }
    }

    fn heartbeat(&mut self, heartbeat: &Heartbeat, moment: Moment) {
        self.clock.heartbeat(heartbeat.now, moment);
        self.unwritten.clone_from(&heartbeat.unwritten);
        self.connection.worked();
        // What others of the App ID do may let a step go on: looked at once a second, when timers are held back too.
        if let Some(Hands(hands)) = &mut self.hands {
            hands.look_at_everything();
        }
        self.outbox.push(FromClient::Beat(heartbeat.beat));
    }

    /// A message came on the open socket.
    pub fn received(&mut self, message: &FromProxy, moment: Moment) {
        if !self.believes(moment) {
            return;
        }
        match message {
            FromProxy::Hello(hello) => self.begin(hello, moment),
            // Nothing means anything before the first message said whose stream it is.
            _ if self.hello.is_none() => self.close = true,
            FromProxy::Heartbeat(heartbeat) => self.heartbeat(heartbeat, moment),
            FromProxy::Frame(frame) => {
                self.clock.at_least(frame.at, moment);
                let taken = self.mirror.take(frame, moment.monotonic);
                self.follow(taken);
            }
            FromProxy::Offer(ids) => self.offer(ids),
            FromProxy::Released(ids) => {
                if let Some(Hands(hands)) = &mut self.hands {
                    for id in ids {
                        hands.release(id);
                    }
                }
            }
        }
    }

    /// The socket is closed, or could not be opened. `code` is the close code if one came; `chance` a random number
    /// from the whole range, which spreads the next attempts of many clients.
    pub fn closed(&mut self, moment: Moment, code: Option<u16>, chance: u32) {
        self.connection.closed(moment, code, chance);
        self.hello = None;
        self.close = false;
        self.outbox.clear();
        self.unread.clear();
        self.offered.clear();
        self.clock.lose();
        self.release_all();
    }

    /// A post came back.
    pub fn answered(&mut self, post: PostId, outcome: PostOutcome, moment: Moment) {
        let now = self.clock.now(moment).or(self.clock.last_beat().map(|(_, time)| time)).unwrap_or_default();
        if let Some(Hands(hands)) = &mut self.hands {
            hands.answered(post, outcome, now, moment.monotonic);
        }
    }

    /// Try to connect now instead of at [`Self::reconnects_at`].
    pub fn reconnect_now(&mut self, moment: Moment) {
        self.connection.reconnect_now(moment);
    }

    /// What is to be done now. To be called after every event and at the instant that was asked for.
    pub fn poll(&mut self, moment: Moment) -> Vec<Action> {
        self.clock.look(moment);
        let mut actions = Vec::new();
        if self.connection.take_attempt(moment) {
            let (after, journal) = self.mirror.position().unzip();
            actions.push(Action::Connect { after, journal });
        }
        let dead = self.connection.is_open() && (self.close || self.is_dead(moment));
        if dead || self.connection.opens_too_long(moment) {
            if self.connection.take_closing() {
                actions.push(Action::CloseSocket);
            }
            self.release_all();
        }
        if self.connection.is_open() && self.hello.is_some() {
            if self.mirror.take_request(moment.monotonic) {
                self.outbox.push(FromClient::Resync);
            }
            actions.extend(self.outbox.drain(..).map(Action::Send));
            if let Some(Hands(hands)) = &mut self.hands
                && let Some(now) = self.clock.now(moment)
                && self.mirror.complete()
            {
                let (recordings, boards) = (self.mirror.recordings(), self.mirror.boards());
                if !self.offered.is_empty() {
                    // A lease that nothing could be done under is left to others.
                    let readable = |id: &&RecordingId| recordings.get(*id).is_some_and(|one| !one.unreadable);
                    hands.offered(self.offered.keys().filter(readable).cloned().collect());
                    self.offered.retain(|id, ()| !recordings.contains_key(id));
                }
                let posts = hands.act(recordings, boards, now, moment.monotonic);
                actions.extend(posts.into_iter().map(|(id, request)| Action::Post { id, request }));
            }
        }
        if let Some(at) = self.next_instant(moment) {
            actions.push(Action::WakeAt(at));
        }
        actions
    }

    // ---- what the driver and the screen may ask ------------------------------------------------------------------

    /// Whether what is known is known now.
    pub fn liveness(&self, moment: Moment) -> Liveness {
        if let Some(because) = self.connection.ended() {
            return Liveness::Ended(because);
        }
        match self.clock.last_beat() {
            None => Liveness::Connecting,
            Some(_) if self.clock.now(moment).is_some() => Liveness::Live,
            Some((since, _)) => Liveness::Lost { since },
        }
    }

    /// The monotonic instant of the next attempt to connect, if one is planned.
    pub fn reconnects_at(&self) -> Option<u64> {
        self.connection.next_attempt()
    }

    /// The server's time; none when nothing may be done by it.
    pub fn now(&self, moment: Moment) -> Option<Timestamp> {
        self.clock.now(moment)
    }

    /// Why the journal cannot be written, as the last heartbeat said (D9).
    pub fn unwritten(&self) -> Option<&Unwritten> {
        self.unwritten.as_ref()
    }

    /// When the last heartbeat came, and the server's time then: the age of what is shown.
    pub fn last_heartbeat(&self) -> Option<(Moment, Timestamp)> {
        self.clock.last_beat()
    }

    /// How much faster than the wall the server's time runs.
    pub fn clock_rate(&self) -> u32 {
        self.clock.rate()
    }

    /// Whether every live recording is here; not so before the first snapshot is complete.
    pub fn complete(&self) -> bool {
        self.mirror.complete()
    }

    /// The recordings: every live one, and those that ended while this client looked on.
    pub fn recordings(&self) -> &LiteMap<RecordingId, Recording> {
        self.mirror.recordings()
    }

    /// The facts of each App, by its name.
    pub fn boards(&self) -> &LiteMap<String, Board> {
        self.mirror.boards()
    }

    /// The board number up to which everything is folded in, and the journal that it counts in.
    pub fn position(&self) -> Option<(u64, String)> {
        self.mirror.position()
    }

    /// The recordings that appeared, changed or went since this was last asked.
    pub fn changed(&mut self) -> Vec<RecordingId> {
        self.mirror.take_changed()
    }

    /// Whether this client acts for the recording.
    pub fn holds(&self, id: &RecordingId) -> bool {
        self.hands.as_ref().is_some_and(|Hands(hands)| hands.holds(id))
    }

    /// The recordings that this client acts for.
    pub fn held(&self) -> impl Iterator<Item = &RecordingId> {
        self.hands.iter().flat_map(|Hands(hands)| hands.held())
    }

    /// The last refusal of a step of each recording, until a step of it is accepted.
    pub fn refusals(&self) -> &LiteMap<RecordingId, Refusal> {
        static NONE: LiteMap<RecordingId, Refusal> = LiteMap::new();
        match &self.hands {
            Some(Hands(hands)) => hands.refusals(),
            None => &NONE,
        }
    }

    /// What requests of this connection carry; none while there is no connection.
    pub fn command_context(&self) -> Option<CommandContext> {
        let hello = self.hello.as_ref()?;
        Some(CommandContext { client: hello.client, secret: hello.secret.clone() })
    }

    /// The proxy's build, while connected.
    pub fn build(&self) -> Option<&str> {
        self.hello.as_ref().map(|hello| hello.build.as_str())
    }

    // ---- the recordings that somebody looks at -------------------------------------------------------------------

    /// Somebody looks at this recording: its entries are kept from now on. At most eight at a time.
    pub fn open(&mut self, id: &RecordingId) {
        self.mirror.opened.open(id);
    }

    /// Nobody looks at it any more.
    pub fn close(&mut self, id: &RecordingId) {
        self.mirror.opened.close(id);
    }

    /// Entries of an opened recording were loaded; they are put in their places.
    pub fn loaded(&mut self, id: &RecordingId, entries: Vec<Entry>) {
        self.mirror.opened.load(id, entries);
    }

    /// The entries of an opened recording that are here, oldest first; at most the newest 5000.
    pub fn entries_for(&self, id: &RecordingId) -> impl DoubleEndedIterator<Item = &Entry> {
        self.mirror.opened.entries(id)
    }

    /// The number after which entries of an opened recording are to be loaded, if any are missing.
    pub fn entries_missing_after(&self, id: &RecordingId) -> Option<EntryNumber> {
        let last = self.mirror.recordings().get(id).map_or(0, |recording| recording.last);
        self.mirror.opened.gap(id, last)
    }

    // ---- inside --------------------------------------------------------------------------------------------------

    fn begin(&mut self, hello: &Hello, moment: Moment) {
        if hello.protocol != PROTOCOL {
            self.connection.end(EndedBecause::NewBuild);
            self.close = true;
            return;
        }
        self.clock = ServerClock::begin(hello.now, hello.clock_rate, moment);
        self.mirror.begin(&hello.journal_id);
        self.release_all();
        self.hello = Some(hello.clone());
    }

    /// Leases follow the journal.
    fn follow(&mut self, taken: Taken<'_>) {
        let (Some(own), Some(Hands(hands))) =
            (self.hello.as_ref().map(|hello| hello.client), &mut self.hands)
        else {
            return;
        };
        match taken {
            Taken::Nothing => {}
            Taken::Entries { entries, apps } => {
                hands.folded(&entries, &apps, self.mirror.recordings(), &mut self.clock);
                for new in &entries {
                    if let Fact::Leased(leased) = &new.entry.fact {
                        hands.leased(&new.recording, leased.client, own);
                    }
                }
            }
            Taken::Snapshot if self.mirror.complete() => {
                hands.take_stock(self.mirror.recordings(), own);
            }
            Taken::Snapshot => {}
        }
        // Another build reads what this one cannot: the only way to give a lease back is to let the connection go.
        let unreadable =
            |id: &RecordingId| self.mirror.recordings().get(id).is_some_and(|recording| recording.unreadable);
        if hands.held().into_iter().any(unreadable) {
            self.close = true;
        }
    }

    fn offer(&mut self, ids: &[RecordingId]) {
        self.offered.extend(ids.iter().map(|id| (id.clone(), ())));
    }

    /// Whether nothing came for too long, or the machine slept since.
    const fn is_dead(&self, moment: Moment) -> bool {
        moment.since(self.heard) >= DEAD_SOCKET || moment.parted_since(self.heard)
    }

    /// Whether what comes on the socket now may be taken for what is. A page that was frozen finds the messages of the whole
    /// time before it, the oldest first, and its leases gone: it connects anew instead, and is told what is.
    fn believes(&mut self, moment: Moment) -> bool {
        self.clock.look(moment);
        self.close |= self.connection.is_open() && self.is_dead(moment);
        self.heard = moment;
        !self.close
    }

    fn release_all(&mut self) {
        if let Some(Hands(hands)) = &mut self.hands {
            hands.release_all();
        }
    }

    fn next_instant(&self, moment: Moment) -> Option<u64> {
        let dead = self.connection.is_open().then(|| self.heard.monotonic.saturating_add(DEAD_SOCKET));
        // Without heartbeats nothing is live, whatever else comes.
        let lost = self.clock.last_beat().map(|(beat, _)| beat.monotonic.saturating_add(SILENCE));
        let lost = lost.filter(|at| self.connection.is_open() && *at > moment.monotonic);
        let acting = self.connection.is_open() && self.clock.now(moment).is_some() && self.mirror.complete();
        let step = self.hands.as_ref().filter(|_| acting);
        let step = step.and_then(|Hands(hands)| hands.next_instant(&|time| self.clock.when(time)));
        // What is missing is asked for once the stream has begun; until then nothing is due, or it would be due all the time.
        let begun = self.connection.is_open() && self.hello.is_some();
        let snapshot = if begun { self.mirror.next_request() } else { None };
        let instants = [dead, lost, step, snapshot, self.connection.next_instant()];
        instants.into_iter().flatten().min().map(|at| at.max(moment.monotonic))
    }
}
