//! The invariants: what must hold whatever happens, each with a count of how often it was put to the test.
//!
//! The judge sees every line that becomes durable, every request that reaches the service, and what is true there. It
//! judges by its own reading of the journal ([`crate::history`]), not by the fold of the rules; the fold is judged too.

use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

use agora::{AnswerClass, Operation, Sid, Timestamp, Uid};
use rules::journal::{AlarmCause, CallSent, Decision, DecisionKind, EndedHow, Notified, WaitingFor};
use rules::recording::{MayRun, Phase};
use rules::{Entry, Fact, Patience, Recording, RecordingId, RuleId, SessionNumber};
use simulator::Service;
use switchboard::notices::Receipt;
use switchboard::ports::Line;

use crate::history::{Because, Came, Histories, History, Lane, Session, Verdict, seen_before};

macro_rules! invariants {
    ($($(#[$meta:meta])* $name:ident $id:literal $text:literal),* $(,)?) => {
        /// One invariant.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant { $(#[doc = $text] $name),* }

        impl Invariant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its number in the documentation.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id),* }
            }

            /// What must hold.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

invariants! {
    OneStart "I-01" "At most one start of one UID in one channel is in flight or of unknown outcome.",
    NoTwinUids "I-02" "The service never runs two of our sessions with one UID in one channel.",
    ResourceOnce "I-03" "A resource ID is for one session: same body, never after a sid, within 290 s, late ones marked.",
    StartSchedule "I-04" "Starts are repeated after the documented gaps, at most four tries a UID and round, never after 40x.",
    UidsAlternate "I-05" "A session takes the other UID of the pair than the one before it while that is free, and one of its four.",
    OnePress "I-06" "One press is one recording, however often it arrives; two people who press at once get the same.",
    SidKept "I-07" "A sid that reached the proxy is in the journal at once, and in every fold after it.",
    NoNameless "I-08" "Whatever runs at the service has a session on the board, with its sid or as one that may run.",
    Resolved "I-09" "At rest no start is of unknown outcome without being shown as a possible orphan.",
    StartedMeansStarted "I-11" "Confirmed only after a 4 or 5; not started only after 90 s and by a later answer; first query after 5 s.",
    TenPerSecond "I-13" "In any second at most ten requests leave for one App ID, across restarts and clocks.",
    StopFirst "I-14" "A stop leaves within a second of its press where somebody attends and nothing stands in its way.",
    LookersFree "I-15" "Who only looks on changes nothing: the same entries, and the same requests at the same instants, without them.",
    SingleFlight "I-16" "At most one query and one other call of a session are open.",
    UnclearRhythm "I-18" "Queries without a clear answer are repeated after 5, 10, 15, 30 s and not before; code 65 after 3, 6 s.",
    RateLimited "I-19" "After 429 the call waits as long as it was told, or 1, 3, 6 s.",
    NinetySeconds "I-20" "Patient: lost only by a 404 to a query sent 90 s after the first one, status 20, or after three failovers.",
    AlarmOnce "I-21" "An alarm is raised once for its cause, not again before it passed.",
    FailoversTrue "I-22" "Proved failovers are never more than there were, nor more than three.",
    UnknownIsNotEnded "I-23" "Lost, not started, ended rest on the service's own 404 or status, never on anything else.",
    RightKindOf404 "I-24" "Only the service's own 404 opens a doubt, and its first one is its zero.",
    SameUid "I-25" "Every call of a session carries the UID of its acquire, and the service never finds another.",
    NoPaidTwin "I-26" "Nothing is started while another session of the recording may live, unless the policy or staff say so.",
    StaleLoses "I-27" "An answer to an older question never replaces a newer one.",
    StopKept "I-28" "A stop that was asked for stays until proved, nothing is started after it, and stopped means gone.",
    ListsAgree "I-29" "At rest what runs is shown as running or as what may run, and what is shown as running runs.",
    StopOnce "I-30" "A stop pressed many times is one stop.",
    ControlTold "I-31" "No session that somebody attends leaves our control without an alarm.",
    CountedOnce "I-33" "A notification is in one journal, once, however often and with whatever id it comes.",
    AnyOrder "I-34" "Notifications end in the same state in whatever order they come.",
    NoForeign "I-35" "A notification of a sid that no start of ours explains begins no session.",
    StoredFirst "I-36" "A notification that was answered with 200 is on the disk, then and ever after.",
    DeadLegs "I-37" "Nothing that notifications tell ends a session that runs.",
    AsksOnly "M-9" "A notification makes a query leave, at most one in 5 s, and proves an end only with a later 404.",
    IdleTold "R-2" "It waits for staff after an idle exit, or goes on by policy, only where a 41 told of it.",
    MissedOnly "V-4" "A second session for want of a 13 begins only where the policy says so, none came, and it was asked in time.",
    AdoptedTrue "S-9" "What a notification adopts is what the service made of that very start.",
    CalmWake "I-39" "After a stretch in which nobody acted the first call is a query or a stop, and no verdict rests on what is older.",
    SamePicture "I-40" "Every page that knows the same entries shows the same.",
    JournalIsTrue "I-44" "Every request at the service has one durable entry from before it left.",
    Bounded "I-45" "What is kept of a recording stays small.",
    AskedAfter "L-4" "At rest every live session was asked after within its interval.",
    Rests "L-5" "Nobody does anything over and over within a millisecond.",
    GoesOn "L-1" "At rest a wanted recording runs, or says why it does not.",
    StopsInTime "L-2" "At rest nothing known runs that was to be stopped.",
    NoUselessPost "L-3" "What the rules ask for, the guards permit.",
    ModelAgrees "M-1" "The rules conclude and plan what the reference model of their table does, and nothing else happens.",
}

/// What was found wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub invariant: Invariant,
    /// What is wrong.
    pub what: String,
    /// When, in real milliseconds since the beginning.
    pub at: u64,
}

/// How often each invariant was put to the test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally(pub Vec<u64>);

impl Default for Tally {
    fn default() -> Self {
        Self(vec![0; Invariant::ALL.len()])
    }
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        for (own, theirs) in self.0.iter_mut().zip(&other.0) {
            *own += theirs;
        }
    }
}

/// A stop that is to leave soon.
struct Pressed {
    recording: RecordingId,
    due: Timestamp,
}

/// The judge.
pub struct Judge {
    /// Everything that happened, read plainly.
    pub histories: Histories,
    /// The counts.
    pub tally: Tally,
    /// The first violation.
    pub violation: Option<Violation>,
    /// A hash over every line and every request.
    pub hash: u64,
    /// A hash over the requests alone.
    pub requests_hash: u64,
    now: u64,
    left: VecDeque<u64>,
    pressed: Vec<Pressed>,
    patience: Duration,
    ahead: Duration,
    sent_ids: VecDeque<String>,
    /// Sessions that began when no UID was free.
    cornered: BTreeSet<(RecordingId, SessionNumber)>,
    /// By what notifications are recognised that are in a journal.
    noticed: BTreeSet<String>,
    /// The ids of those that were answered with 200 and were new.
    thanked: BTreeSet<String>,
}

const DOUBT_WINDOW: Duration = Duration::from_secs(90);
/// M10: what fell due in a longer stretch waits for staff.
const LONG_STRETCH: Duration = Duration::from_secs(600);

impl Judge {
    /// A judge who has seen nothing; `slack` is what the network may take from a press to its call, and `ahead` how far
    /// ahead of the proxy's time a page may be, where the proxy's clock is set back.
    pub fn new(slack: Duration, ahead: Duration) -> Self {
        Self {
            histories: Histories::new(),
            tally: Tally::default(),
            violation: None,
            hash: 0xCBF2_9CE4_8422_2325,
            requests_hash: 0xCBF2_9CE4_8422_2325,
            now: 0,
            left: VecDeque::new(),
            pressed: Vec::new(),
            patience: Duration::from_secs(1) + slack,
            ahead,
            sent_ids: VecDeque::new(),
            cornered: BTreeSet::new(),
            noticed: BTreeSet::new(),
            thanked: BTreeSet::new(),
        }
    }

    /// The real time from now on.
    pub fn at(&mut self, now: u64) {
        self.now = now;
    }

    /// Puts an invariant to the test.
    pub fn holds(&mut self, invariant: Invariant, holds: bool, what: impl FnOnce() -> String) {
        self.tally.0[invariant as usize] += 1;
        if !holds && self.violation.is_none() {
            self.violation = Some(Violation { invariant, what: what(), at: self.now });
        }
    }

    fn mix(hash: &mut u64, bytes: &[u8]) {
        for byte in bytes {
            *hash = (*hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
        }
    }

    // ---- lines -------------------------------------------------------------------------------------------------------

    /// A line became durable.
    pub fn line(&mut self, line: &Line) {
        let Line { recording: id, entry } = line;
        let mut hash = self.hash;
        Self::mix(&mut hash, id.as_str().as_bytes());
        Self::mix(&mut hash, &entry.at.millis().to_le_bytes());
        Self::mix(&mut hash, &entry.number.to_le_bytes());
        match &entry.fact {
            Fact::CallSent(sent) => {
                Self::mix(&mut hash, sent.id.0.as_bytes());
                Self::mix(&mut hash, sent.rule.as_str().as_bytes());
            }
            Fact::CallAnswered(answered) => Self::mix(&mut hash, &answered.answer.status.to_le_bytes()),
            Fact::Decided(decision) => Self::mix(&mut hash, decision.rule.as_str().as_bytes()),
            _ => {}
        }
        self.hash = hash;
        let Some(history) = self.histories.remove(id) else {
            if let Some(history) = History::begin(id, entry) {
                self.histories.insert(id.clone(), history);
            }
            return;
        };
        let mut history = history;
        match &entry.fact {
            Fact::CallSent(sent) => self.call_sent(&history, sent, entry),
            Fact::CallAnswered(answered) => {
                let raw = answered.raw.as_deref().unwrap_or_default();
                let own = answered.answer.status == 404
                    && (raw.contains("\"code\":404") || raw.contains("failed to find worker"));
                let taken = answered.answer.class == AnswerClass::ServiceNotFound;
                let judged = taken || answered.answer.status == 404;
                let is_call = !answered.id.0.ends_with(":acquire") && !answered.id.0.ends_with(":start");
                if judged && is_call {
                    self.holds(Invariant::RightKindOf404, taken == own, || {
                        format!(
                            "{id} entry {}: a 404 with the body {raw:?} is taken for {taken}",
                            entry.number
                        )
                    });
                }
            }
            Fact::Decided(decision) => self.decided(&history, decision, entry),
            Fact::Notified(notified) => self.notified(id, notified),
            Fact::StopWithdrawn => self.pressed.retain(|pressed| pressed.recording != *id),
            Fact::StopRequested(stop) => {
                let before = match stop.session {
                    None => history.stop.is_some(),
                    Some(number) => {
                        history.session(number).is_some_and(|session| session.stop_asked.is_some())
                    }
                };
                self.holds(Invariant::StopOnce, !before, || {
                    format!("{id}: a second stop at entry {}", entry.number)
                });
            }
            _ => {}
        }
        history.take(entry);
        self.histories.insert(id.clone(), history);
    }

    fn call_sent(&mut self, history: &History, sent: &CallSent, entry: &Entry) {
        let id = &history.id;
        let at = entry.at;
        self.sent_ids.push_back(sent.id.0.clone());
        if self.sent_ids.len() > 64 {
            self.sent_ids.pop_front();
        }
        let session = history.session(sent.session);
        if let Some(session) = session {
            self.holds(Invariant::SameUid, session.uid == sent.uid, || {
                format!(
                    "{id} session {}: {} carries UID {} and not {}",
                    sent.session, sent.operation, sent.uid, session.uid
                )
            });
            self.single_flight(id, session, sent);
            self.calm_wake(history, session, sent);
        }
        match sent.operation {
            Operation::Acquire => {
                self.holds(Invariant::StopKept, history.stop.is_none(), || {
                    format!("{id}: an acquire at entry {} after a stop was asked for", entry.number)
                });
                match session {
                    None => self.new_session(history, sent, entry),
                    Some(session) => self.gap_of(history, session, &session.acquire, sent, at),
                }
            }
            Operation::Start => {
                if let Some(session) = session {
                    self.start_sent(history, session, sent, entry);
                }
            }
            Operation::Query => {
                if let Some(session) = session {
                    let first = session.query.sent == 0 && !session.adopted;
                    if let (Some((_, since)), true) = (&session.sid, first) {
                        let pressed = history.hurried.is_some_and(|pressed| pressed >= *since);
                        let taken_over = history.leased.is_some_and(|(_, leased)| leased >= *since);
                        let asked_for = pressed || (taken_over && sent.rule == RuleId::M10);
                        self.holds(
                            Invariant::StartedMeansStarted,
                            asked_for || at.since(*since) + self.ahead >= Duration::from_secs(5),
                            || {
                                format!(
                                    "{id} session {}: the first query {:?} after the sid",
                                    session.number,
                                    at.since(*since)
                                )
                            },
                        );
                    }
                    match sent.rule {
                        RuleId::M9 => self.asked_by_notice(history, session, at),
                        RuleId::V4 => {
                            // One that was on its way when the 13 came is a query like any other.
                            let seen = seen_before(&sent.id).unwrap_or(0);
                            let unseen = session.told.registered.is_some_and(|(_, entry)| entry > seen);
                            let missed = unseen || is_unregistered(history, session);
                            self.holds(Invariant::MissedOnly, missed, || {
                                format!(
                                    "{id} session {}: asked for want of a 13 that was not missing",
                                    session.number
                                )
                            });
                        }
                        _ => {}
                    }
                    self.gap_of(history, session, &session.query, sent, at);
                }
            }
            Operation::Stop => {
                if let Some(session) = session {
                    let due = [history.stop.map(|(_, due, _)| due), session.stop_asked];
                    let due = due.into_iter().flatten().min();
                    let by_rule = matches!(sent.rule, RuleId::V3 | RuleId::V4 | RuleId::M4 | RuleId::T6);
                    let begun = session.stop.sent > 0;
                    let early = due.is_some_and(|due| at < due) && !by_rule && !begun;
                    self.holds(Invariant::StopKept, !early, || {
                        format!("{id} session {}: a stop before it was due", session.number)
                    });
                    self.gap_of(history, session, &session.stop, sent, at);
                }
                self.stop_left(id, at);
            }
            Operation::Update | Operation::UpdateLayout => {}
        }
    }

    /// I-33, by both of its names (N2).
    fn notified(&mut self, id: &RecordingId, notified: &Notified) {
        let Notified { notice, event, sid, uid, sent_at, sequence, .. } = notified;
        let by_id = format!("{sid} {event} {notice}");
        let by_event = format!("{sid} {uid:?} {event} {sequence} {}", sent_at.millis());
        let new = self.noticed.insert(by_id) && self.noticed.insert(by_event);
        self.holds(Invariant::CountedOnce, new, || format!("{id}: notification {notice} ({event}) again"));
    }

    /// A delivery was answered with 200, and this became of it; `on_disk` is whether the disk has it.
    pub fn thanked(&mut self, notice: &str, receipt: Receipt, ours: bool, on_disk: impl FnOnce() -> bool) {
        if !ours {
            let kept_apart = receipt != Receipt::Written;
            self.holds(Invariant::NoForeign, kept_apart, || {
                format!("notification {notice} of a session that is not ours is taken for one")
            });
        }
        if receipt != Receipt::Again {
            self.holds(Invariant::StoredFirst, on_disk(), || {
                format!("notification {notice} is answered with 200 and is not on the disk")
            });
            self.thanked.insert(notice.to_owned());
        }
    }

    /// I-36: whatever was answered with 200 is still there.
    pub fn still_there(&mut self, on_disk: &BTreeSet<&str>) {
        if self.thanked.is_empty() {
            return;
        }
        let gone = self.thanked.iter().find(|notice| !on_disk.contains(notice.as_str())).cloned();
        self.holds(Invariant::StoredFirst, gone.is_none(), || {
            format!("notification {gone:?} was answered with 200 and is not on the disk any more")
        });
    }

    /// M9: at most one in 5 s, and one came since the session was last asked.
    fn asked_by_notice(&mut self, history: &History, session: &Session, at: Timestamp) {
        let asked = session.query.last_sent;
        let calm = asked.is_none_or(|asked| at + self.ahead >= asked + Duration::from_secs(5));
        let told = session.told.last.is_some_and(|told| asked.is_none_or(|asked| told >= asked));
        self.holds(Invariant::AsksOnly, calm && told, || {
            format!(
                "{} session {}: asked at {at} because of a notification, asked before at {asked:?}, told {:?}",
                history.id, session.number, session.told.last
            )
        });
    }

    fn single_flight(&mut self, id: &RecordingId, session: &Session, sent: &CallSent) {
        let free = match sent.operation {
            Operation::Query => session.query.open.is_none(),
            _ => [&session.acquire, &session.start, &session.stop].iter().all(|lane| lane.open.is_none()),
        };
        self.holds(Invariant::SingleFlight, free, || {
            format!("{id} session {}: a {} while another call is open", session.number, sent.operation)
        });
    }

    fn calm_wake(&mut self, history: &History, session: &Session, sent: &CallSent) {
        let Some((_, since)) = history.leased else { return };
        // Longer than twice the longest interval that is ever due (M1, stretched by nothing here).
        let slept = history.gap_before_lease > Duration::from_secs(300) && lived_on(session, since);
        let first = session.query.last_sent.is_none_or(|asked| asked < since)
            && session.stop.last_sent.is_none_or(|stopped| stopped < since);
        if slept && first && session.watched() {
            let calm = matches!(sent.operation, Operation::Query | Operation::Stop);
            self.holds(Invariant::CalmWake, calm, || {
                format!(
                    "{} session {}: a {} comes first after nobody acted",
                    history.id, session.number, sent.operation
                )
            });
        }
    }

    /// Whether no session of this channel may hold this UID, by the plain reading.
    fn is_free(&self, channel: &str, uid: Uid, of: &History) -> bool {
        let holds = |history: &History| {
            history.sessions.iter().any(|session| {
                let may_run = !matches!(session.verdict, Verdict::Over(_) | Verdict::GivenUp(false))
                    && !history.is_off_the_board(session);
                session.uid == uid && (may_run || session.start.open.is_some())
            })
        };
        let theirs = self.histories.values().filter(|other| other.channel == channel && other.id != of.id);
        !theirs.chain([of]).any(holds)
    }

    fn none_is_free(&self, history: &History) -> bool {
        let uids = &history.uids;
        let mut four = [uids.original, uids.backup].into_iter().chain(uids.reserves.iter().copied());
        !four.any(|uid| self.is_free(&history.channel, uid, history))
    }

    fn new_session(&mut self, history: &History, sent: &CallSent, entry: &Entry) {
        let id = &history.id;
        let uids = &history.uids;
        let four = [uids.original, uids.backup].into_iter().chain(uids.reserves.iter().copied());
        let known = four.clone().any(|uid| uid == sent.uid);
        let in_pair = |uid: Uid| uid == uids.original || uid == uids.backup;
        let before =
            history.sessions.iter().rev().find(|session| session.sid.is_some() && in_pair(session.uid));
        let first_of_round = history.sessions.iter().all(|session| session.round != history.round);
        let other = |uid: Uid| if uid == uids.original { uids.backup } else { uids.original };
        let wanted = before.map_or(uids.original, |before| other(before.uid));
        let alternates =
            !first_of_round || sent.uid == wanted || !self.is_free(&history.channel, wanted, history);
        self.holds(Invariant::UidsAlternate, known && alternates, || {
            format!("{id} entry {}: UID {} where {wanted} was next and free", entry.number, sent.uid)
        });
        self.no_twin(history, entry, "an acquire");
        if self.none_is_free(history) {
            self.cornered.insert((id.clone(), sent.session));
        }
        let round = || history.sessions.iter().filter(|session| session.round == history.round);
        let refused = |lane: &Lane| matches!(lane.came, Some(Came::Refused | Came::NotFound));
        // A repeat of the acquire may have been refused, and the first one answered late (D8).
        let after_refusal = round()
            .next_back()
            .is_some_and(|last| refused(&last.start) || (refused(&last.acquire) && last.resource.is_none()));
        self.holds(Invariant::StartSchedule, !after_refusal, || {
            format!("{id} entry {}: another session after a refusal", entry.number)
        });
        let unclear = |session: &&Session| {
            let came = matches!(session.start.came, Some(Came::Code65 | Came::Unclear | Came::Nothing(_)));
            session.uid == sent.uid && came
        };
        let left_unclear = round().filter(unclear).count();
        self.holds(Invariant::StartSchedule, history.minutes || left_unclear < 2, || {
            format!("{id} entry {}: UID {} for a third time after unclear starts", entry.number, sent.uid)
        });
        if let Some((_, since)) = history.leased.filter(|_| history.gap_before_lease > LONG_STRETCH) {
            let fell_due = history.round_at < since && round().next().is_none();
            self.holds(Invariant::CalmWake, !fell_due, || {
                format!(
                    "{id} entry {}: begun without asking staff after nobody was there for long",
                    entry.number
                )
            });
        }
        let starting = self.histories.values().find(|other| {
            let acting = other.sessions.iter().rev().find(|session| session.round == other.round);
            let held = acting.is_some_and(|session| session.sid.is_none() && session.resource.is_some());
            other.id != *id
                && other.channel == history.channel
                && other.starting
                && !other.waiting
                && other.stop.is_none()
                && held
        });
        let starting = starting.map(|other| other.id.clone());
        let clash =
            starting.is_some() && first_of_round && history.round_at > self.round_of(starting.as_ref());
        self.holds(Invariant::OnePress, !clash, || {
            format!("{id} entry {}: begins while {starting:?} starts in the same channel (S10)", entry.number)
        });
    }

    fn round_of(&self, id: Option<&RecordingId>) -> Timestamp {
        id.and_then(|id| self.histories.get(id)).map_or(Timestamp::default(), |history| history.round_at)
    }

    /// R1: nothing is started beside a session that may live.
    fn no_twin(&mut self, history: &History, entry: &Entry, what: &str) {
        if history.because == Because::Asked && history.round == 1 {
            return;
        }
        let lives = |session: &&Session| {
            session.round < history.round
                && session.sid.is_some()
                && !session.dismissed
                && session.verdict == Verdict::None
        };
        let living = history.sessions.iter().find(lives).map(|session| session.number);
        let allowed = history.because != Because::Replaces;
        self.holds(Invariant::NoPaidTwin, allowed || living.is_none(), || {
            format!(
                "{} entry {}: {what} while session {living:?} is neither lost nor over",
                history.id, entry.number
            )
        });
    }

    fn start_sent(&mut self, history: &History, session: &Session, sent: &CallSent, entry: &Entry) {
        let id = &history.id;
        let at = entry.at;
        let number = session.number;
        // I-01
        let mut clash = None;
        for other_history in
            self.histories.values().filter(|other| other.channel == history.channel).chain([history])
        {
            for other in &other_history.sessions {
                let same = other_history.id == *id && other.number == number;
                if same || other.uid != session.uid || other_history.is_off_the_board(other) {
                    continue;
                }
                let in_flight = other.start.open.is_some();
                let unknown = other.sid.is_none()
                    && other.may_run
                    && other.start.sent > 0
                    && other.verdict != Verdict::GivenUp(false);
                let own = other_history.id == *id && (other.round == session.round || history.minutes);
                let excused = own || !unknown;
                if in_flight || !excused {
                    clash = Some((other_history.id.clone(), other.number));
                }
            }
        }
        // S11: without a free one, the one lost longest ago; what was acquired then is started (S2).
        let excused =
            clash.is_none() || self.cornered.contains(&(id.clone(), number)) || self.none_is_free(history);
        self.holds(Invariant::OneStart, excused, || {
            format!("{id} session {number}: a start with UID {} beside {clash:?}", session.uid)
        });
        // I-03
        if let Some((_, since)) = &session.resource {
            let age = at.since(*since);
            let repeat = session.start.sent > 0;
            let marked = repeat || age <= Duration::from_secs(2) || sent.late;
            let same = !repeat || session.start.body == sent.body_hash;
            let fresh = age <= Duration::from_secs(290);
            self.holds(Invariant::ResourceOnce, session.sid.is_none() && same && fresh && marked, || {
                format!(
                    "{id} session {number}: a start {age:?} after its acquire; sid {:?}, same body {same}, marked {marked}",
                    session.sid
                )
            });
        }
        // T5
        let repeats = session.start.unanswered > 0
            || session.start.limited > 0
            || matches!(session.start.came, Some(Came::Code65 | Came::Unclear | Came::Nothing(_)));
        let allowed = history.stop.is_none() || (session.start.sent > 0 && repeats);
        self.holds(Invariant::StopKept, allowed, || {
            format!("{id} session {number}: a start at entry {} after a stop was asked for", entry.number)
        });
        if session.start.sent == 0 {
            self.no_twin(history, entry, "a start");
        }
        // I-04
        let lane = &session.start;
        let new_try = lane.unanswered == 0 && lane.limited == 0;
        let tries: u32 = history
            .sessions
            .iter()
            .filter(|other| other.round == session.round && other.uid == session.uid)
            .map(|other| other.start.tries)
            .sum();
        let few = !new_try || history.minutes || tries < 4;
        let repeatable = !new_try
            || lane.came.is_none_or(|came| {
                matches!(came, Came::Server | Came::Gateway | Came::Code65 | Came::Unclear)
            });
        let unclear = new_try && matches!(lane.came, Some(Came::Code65 | Came::Unclear));
        let repeatable = repeatable && !(unclear && lane.tries > 2);
        self.holds(Invariant::StartSchedule, few && repeatable, || {
            format!("{id} session {number}: try {} of UID {} after {:?}", tries + 1, session.uid, lane.came)
        });
        self.gap_of(history, session, lane, sent, at);
    }

    /// The gaps between the calls of one lane: D2, D4, S4, S5, S8, M5, M6, T4, T8.
    fn gap_of(&mut self, history: &History, session: &Session, lane: &Lane, sent: &CallSent, at: Timestamp) {
        let Some(ended) = lane.ended else { return };
        let id = &history.id;
        let excused = sent.operation == Operation::Query
            && (history.hurried.is_some() || matches!(sent.rule, RuleId::M9 | RuleId::M10 | RuleId::V4));
        let seconds = |list: &[u64], nth: u32| list[(nth.max(1) as usize - 1).min(list.len() - 1)];
        let (invariant, due) = if lane.unanswered > 0 {
            (Invariant::StartSchedule, ended + Duration::from_secs(seconds(&[1, 3, 6], lane.unanswered)))
        } else if lane.limited > 0 {
            let gap = ended + Duration::from_secs(seconds(&[1, 3, 6], lane.limited));
            (Invariant::RateLimited, lane.retry_after.unwrap_or(gap))
        } else {
            let tries: u32 = history
                .sessions
                .iter()
                .filter(|other| other.round == session.round && other.uid == session.uid)
                .map(|other| other.start.tries)
                .sum();
            let Some(came) = lane.came else { return };
            match (sent.operation, came) {
                (Operation::Start, Came::Server | Came::Gateway) => {
                    (Invariant::StartSchedule, ended + Duration::from_secs(seconds(&[3, 6, 9], tries)))
                }
                (Operation::Start, Came::Code65 | Came::Unclear) => {
                    (Invariant::StartSchedule, ended + Duration::from_secs(seconds(&[3, 6], lane.tries)))
                }
                (Operation::Acquire, Came::Pcw) => (
                    Invariant::StartSchedule,
                    ended + Duration::from_secs(seconds(&[5, 10, 15, 30], lane.tries)),
                ),
                (Operation::Acquire, _) => (
                    Invariant::StartSchedule,
                    ended + Duration::from_secs(seconds(&[3, 6, 9, 30], lane.tries)),
                ),
                (
                    Operation::Query,
                    Came::Server | Came::Gateway | Came::Unclear | Came::Nothing(_) | Came::Code65,
                ) if session.absence.is_none()
                    && session.stop_accepted.is_none()
                    && session.started
                    && session.ending.is_none()
                    && matches!(session.verdict, Verdict::None)
                    && sent.rule != RuleId::V1 =>
                {
                    let quick = session.unclear == session.unclear_65 && session.unclear <= 2;
                    let gap = if quick {
                        seconds(&[3, 6], session.unclear)
                    } else {
                        seconds(&[5, 10, 15, 30], session.unclear.saturating_sub(session.unclear_65.min(2)))
                    };
                    (Invariant::UnclearRhythm, ended + Duration::from_secs(gap))
                }
                (Operation::Stop, Came::Refused) => {
                    (Invariant::UnclearRhythm, ended + Duration::from_secs(60))
                }
                (
                    Operation::Stop,
                    Came::Server | Came::Gateway | Came::Code65 | Came::Unclear | Came::Nothing(_),
                ) => (
                    Invariant::UnclearRhythm,
                    ended + Duration::from_secs(seconds(&[3, 6, 9, 15], lane.tries)),
                ),
                _ => return,
            }
        };
        self.holds(invariant, excused || at + self.ahead >= due, || {
            format!(
                "{id} session {}: {} by {} at {at}, due {due}; {} tries, {} unanswered, {} limited, {:?}",
                session.number,
                sent.operation,
                sent.rule,
                lane.tries,
                lane.unanswered,
                lane.limited,
                lane.came
            )
        });
    }

    // ---- conclusions -------------------------------------------------------------------------------------------------

    fn decided(&mut self, history: &History, decision: &Decision, entry: &Entry) {
        let id = &history.id;
        let number = decision.kind.session();
        let session = number.and_then(|number| history.session(number));
        let verdict = matches!(
            decision.kind,
            DecisionKind::Lost(_)
                | DecisionKind::NotStarted { .. }
                | DecisionKind::TakenAsEnded(_)
                | DecisionKind::Ended { .. }
        );
        if let (true, Some(session)) = (verdict, session) {
            // M9: an 11 proves the end of what was stopped, or is out of control.
            let exit = session.told.exit.is_some() && matches!(decision.rule, RuleId::T2 | RuleId::T6);
            let told =
                exit || session.absence.is_some() || session.ending.is_some() || session.status.is_some();
            self.holds(Invariant::UnknownIsNotEnded, told, || {
                format!("{id} session {}: {:?} without a word of the service", session.number, decision.kind)
            });
            if let Some((leased, since)) = history.leased
                && history.gap_before_lease > Duration::from_secs(300)
                && lived_on(session, since)
            {
                let newest = decision.evidence.iter().copied().max().unwrap_or(0).max(session.newest_answer);
                // An 11 is proof whenever it came, of what was stopped (T2) or is out of control (T6).
                let asked = newest > leased || exit;
                self.holds(Invariant::CalmWake, asked || !session.watched(), || {
                    format!(
                        "{id} session {}: {:?} by what is older than the take-over",
                        session.number, decision.kind
                    )
                });
            }
        }
        match (&decision.kind, session) {
            (DecisionKind::Confirmed(_), Some(session)) => {
                let good = session.status.is_some_and(|(status, ..)| matches!(status, 4 | 5));
                self.holds(Invariant::StartedMeansStarted, good, || {
                    format!("{id} session {}: confirmed by {:?}", session.number, session.status)
                });
            }
            (DecisionKind::NotStarted { alive, .. }, Some(session)) => {
                let verdict_at = session.sid.as_ref().map(|(_, since)| *since + DOUBT_WINDOW);
                let asked = if *alive {
                    session.status.filter(|(status, ..)| *status <= 3).map(|(_, asked, ..)| asked)
                } else {
                    session.absence.and_then(|absence| absence.asked).filter(|_| session.status.is_none())
                };
                let late = asked.zip(verdict_at).is_some_and(|(asked, verdict)| asked >= verdict);
                self.holds(Invariant::StartedMeansStarted, late, || {
                    format!("{id} session {}: not started by an answer asked at {asked:?}", session.number)
                });
            }
            (DecisionKind::Lost(_), Some(session)) => self.lost(history, session, entry),
            (DecisionKind::TakenAsEnded(_), Some(session)) => {
                let proved = session.absence.is_some_and(|absence| {
                    absence.asked.is_some_and(|asked| asked >= absence.t0 + DOUBT_WINDOW)
                });
                self.holds(Invariant::StopKept, proved && session.stop.sent > 0, || {
                    format!(
                        "{id} session {}: taken as ended too early: {:?}",
                        session.number, session.absence
                    )
                });
            }
            (DecisionKind::Ended { how, .. }, Some(session)) => {
                let exit = session.told.exit;
                let by_exit = match decision.rule {
                    RuleId::T2 => exit.is_some() && session.stop_accepted.is_some(),
                    RuleId::T6 => exit.is_some() && history.out_of_control(session, entry.at),
                    _ => false,
                };
                let gone = by_exit || session.absence.is_some();
                let proved = match how {
                    _ if by_exit => true,
                    EndedHow::Stopped => {
                        let after =
                            session.stop_accepted.zip(session.absence.and_then(|absence| absence.asked));
                        after.is_some_and(|(accepted, asked)| asked >= accepted)
                            || (session.ending.is_some() && gone)
                    }
                    EndedHow::Exited | EndedHow::Abnormal => session.ending.is_some() && gone,
                    EndedHow::NotFound => session.absence.is_some_and(|absence| {
                        absence.asked.is_some_and(|asked| asked >= absence.t0 + Duration::from_secs(600))
                    }),
                    EndedHow::Notified => {
                        let asked = session.absence.and_then(|absence| absence.asked);
                        let later =
                            session.told.exit.zip(asked).is_some_and(|((_, came), asked)| asked >= came);
                        self.holds(Invariant::AsksOnly, later, || {
                            format!(
                                "{id} session {}: ended by {:?}, not found when asked at {asked:?}",
                                session.number, session.told.exit
                            )
                        });
                        later
                    }
                };
                self.holds(Invariant::StopKept, proved && gone, || {
                    format!("{id} session {}: {how:?} without proof: {:?}", session.number, session.absence)
                });
            }
            (DecisionKind::Alarm(cause), _) => {
                self.alarm(history, *cause);
            }
            (DecisionKind::WaitForStaff(WaitingFor::Idle), _) => self.idle_told(history, None, entry),
            (DecisionKind::Replace(gone), _) => {
                let gone = history.session(*gone);
                match decision.rule {
                    RuleId::R2 => self.idle_told(history, gone, entry),
                    RuleId::V4 => self.registration_missed(history, gone, entry),
                    RuleId::T6 => self.control_told(history, gone, entry),
                    _ => {}
                }
                let changeover = decision.rule != RuleId::R1;
                let failed = gone.is_some_and(|gone| gone.because == Because::Replaces && !gone.recorded);
                self.holds(Invariant::NoPaidTwin, changeover || !failed, || {
                    format!("{id} entry {}: a replacement that never recorded is replaced", entry.number)
                });
                let allowed = gone.is_some_and(|gone| changeover || gone.verdict != Verdict::None);
                self.holds(Invariant::NoPaidTwin, allowed && history.stop.is_none(), || {
                    format!("{id} entry {}: a replacement of a session that may live", entry.number)
                });
                let recent =
                    history.replaced.iter().filter(|at| entry.at.since(**at) < Duration::from_secs(900));
                let recent = recent.count();
                self.holds(Invariant::NoPaidTwin, changeover || recent < 3, || {
                    format!("{id} entry {}: replacement {} within 15 minutes", entry.number, recent + 1)
                });
            }
            _ => {}
        }
    }

    /// R2: a 41 said that nobody was there, and going on is what the policy says.
    fn idle_told(&mut self, history: &History, gone: Option<&Session>, entry: &Entry) {
        let told = match gone {
            Some(gone) => gone.told.idle && history.policy.restart_after_idle,
            None => history.sessions.iter().any(|session| session.told.idle),
        };
        self.holds(Invariant::IdleTold, told, || {
            format!("{} entry {}: an idle exit of which no notification told", history.id, entry.number)
        });
    }

    /// V4: doubled because no 13 came.
    fn registration_missed(&mut self, history: &History, gone: Option<&Session>, entry: &Entry) {
        let missed = gone.is_some_and(|gone| {
            let Some((_, accepted)) = &gone.sid else { return false };
            let due = *accepted + Duration::from_secs(10);
            let asked = gone.status.is_some_and(|(status, asked, ..)| status <= 5 && asked >= due);
            is_unregistered(history, gone) && asked && history.stop.is_none()
        });
        self.holds(Invariant::MissedOnly, missed, || {
            format!("{} entry {}: doubled for want of a 13 that was not missing", history.id, entry.number)
        });
    }

    /// I-31: what is changed over because control ends was told before.
    fn control_told(&mut self, history: &History, gone: Option<&Session>, entry: &Entry) {
        let told = gone.is_some_and(|gone| history.control_told(gone.number));
        self.holds(Invariant::ControlTold, told, || {
            format!("{} entry {}: changed over without an alarm before", history.id, entry.number)
        });
    }

    fn lost(&mut self, history: &History, session: &Session, entry: &Entry) {
        let id = &history.id;
        let patience = if session.confirmed { history.policy.patience } else { Patience::Patient };
        let window = match patience {
            Patience::Patient => DOUBT_WINDOW,
            Patience::Swift => Duration::from_secs(30),
            Patience::Immediate => Duration::ZERO,
        };
        let abnormal = session.status.is_some_and(|(status, ..)| status == 20);
        let proved = session.absence.is_some_and(|absence| {
            let from = |span| absence.asked.is_some_and(|asked| asked >= absence.t0 + span);
            from(window) || window.is_zero()
        });
        let thirty = session.absence.is_some_and(|absence| {
            absence.asked.is_some_and(|asked| asked >= absence.t0 + Duration::from_secs(30))
        });
        // A fourth failover cannot come.
        let after_news = session.told.last.is_none_or(|told| {
            session.absence.is_some_and(|absence| absence.asked >= Some(told + Duration::from_secs(30)))
        });
        let no_fourth = thirty && after_news && (session.proved >= 3 || session.recorders.len() >= 3);
        self.holds(Invariant::NinetySeconds, proved || abnormal || no_fourth, || {
            format!("{id} session {} entry {}: lost by {:?}", session.number, entry.number, session.absence)
        });
    }

    fn alarm(&mut self, history: &History, cause: AlarmCause) {
        // Those about a session are once a session; the others may come again with another round.
        let known = history.alarms.iter().any(|(known, _)| *known == cause);
        let repeatable = match cause {
            AlarmCause::Unclear(_)
            | AlarmCause::Configuration(_)
            | AlarmCause::Lost(_)
            | AlarmCause::StopRefused(_) => true,
            _ => cause.session().is_none(),
        };
        self.holds(Invariant::AlarmOnce, !known || repeatable, || format!("{}: {cause:?} again", history.id));
    }

    // ---- the fold ----------------------------------------------------------------------------------------------------

    /// The fold of a recording that has just changed, and what is true of its sessions.
    pub fn folded(&mut self, recording: &Recording, service: &mut Service, time: Timestamp) {
        let Some(history) = self.histories.remove(&recording.id) else { return };
        let id = &recording.id;
        self.holds(Invariant::StopKept, recording.stop.is_some() == history.stop.is_some(), || {
            format!("{id}: the stop is {:?} and was {:?}", recording.stop, history.stop)
        });
        self.holds(
            Invariant::Bounded,
            recording.sessions.len() <= 64 && recording.alarms.len() <= 16,
            || format!("{id}: {} sessions, {} alarms", recording.sessions.len(), recording.alarms.len()),
        );
        for session in &recording.sessions {
            let Some(known) = history.session(session.number) else { continue };
            let sid = known.sid.as_ref().map(|(sid, _)| sid);
            if sid.is_some() {
                self.holds(Invariant::SidKept, session.sid.as_ref() == sid, || {
                    format!("{id} session {}: {:?} became {:?}", session.number, sid, session.sid)
                });
            }
            if session.doubt.is_some() || known.absence.is_some() {
                let own = known.absence.map(|absence| absence.t0);
                let theirs = session.doubt.map(|doubt| doubt.t0);
                // A take-over opens a doubt anew (M10), and status 20 has one without a 404 (M7).
                let fits =
                    own == theirs || known.ending.is_some() || own.is_some() && history.leased.is_some();
                self.holds(Invariant::RightKindOf404, fits || session.is_settled(), || {
                    format!(
                        "{id} session {}: a doubt since {theirs:?}, the first 404 at {own:?}",
                        session.number
                    )
                });
            }
            if let (Some(good), Some((_, asked, ..))) = (session.last_good, known.status) {
                self.holds(Invariant::StaleLoses, good.asked == asked || session.is_settled(), || {
                    format!(
                        "{id} session {}: the newest status was asked at {:?}, not {asked:?}",
                        session.number, good.asked
                    )
                });
            }
        }
        for truth in service.sessions(time) {
            if truth.cname != history.channel {
                continue;
            }
            let own = history.sessions.iter().find(|session| {
                session.resource.as_ref().is_some_and(|(resource, _)| resource == truth.resource_id)
            });
            if own.is_none_or(|own| own.adopted) {
                let adopted = history.sessions.iter().find(|session| {
                    session.adopted && session.sid.as_ref().is_some_and(|(sid, _)| sid == truth.sid)
                });
                if let Some(adopted) = adopted {
                    let same = adopted.resource.as_ref().is_some_and(|(own, _)| own == truth.resource_id);
                    self.holds(Invariant::AdoptedTrue, same, || {
                        format!("{id} session {}: {} is another start's", adopted.number, truth.sid.as_str())
                    });
                }
            }
            let Some(own) = own else { continue };
            let session = recording.session(own.number);
            if let Some(session) = session
                && truth.live
                && session.heard.is_some()
            {
                let ended = matches!(session.phase, Phase::Over(EndedHow::Notified));
                self.holds(Invariant::DeadLegs, !ended, || {
                    format!("{id} session {}: runs, and is over by notifications", session.number)
                });
            }
            if let Some(session) = session.filter(|session| session.sid.is_some()) {
                self.holds(Invariant::FailoversTrue, session.failovers <= truth.failovers.min(3), || {
                    format!(
                        "{id} session {}: {} failovers proved of {}",
                        session.number, session.failovers, truth.failovers
                    )
                });
            }
            if truth.live {
                // One that comes back after the last question (M11) cannot be known.
                let away = own.verdict == Verdict::Over(EndedHow::NotFound);
                // Staff took the UID's one entry off the board (S9).
                let dismissed = own.sid.is_none()
                    && history.sessions.iter().any(|other| other.uid == own.uid && other.dismissed);
                let named = away || dismissed || is_named(recording, own, truth.sid);
                self.holds(Invariant::NoNameless, named, || {
                    format!(
                        "{id}: {} runs, and session {} says {:?}",
                        truth.sid.as_str(),
                        own.number,
                        session.map(|session| (session.phase, session.may_run))
                    )
                });
            }
        }
        self.histories.insert(recording.id.clone(), history);
    }

    // ---- requests ----------------------------------------------------------------------------------------------------

    /// A call leaves for the service; the journal has its entry.
    pub fn leaves(&mut self, call: &str, journal_knows: bool) {
        self.holds(Invariant::JournalIsTrue, journal_knows, || format!("{call} leaves without an entry"));
        while self.left.front().is_some_and(|at| at + 1_000 <= self.now) {
            self.left.pop_front();
        }
    }

    /// A request reached the service at this time of its own.
    pub fn request(&mut self, service: &mut Service, time: Timestamp) {
        let millis = u64::try_from(time.millis()).unwrap_or(0);
        while self.left.front().is_some_and(|at| at + 1_000 <= millis) {
            self.left.pop_front();
        }
        self.left.push_back(millis);
        let count = self.left.len();
        self.holds(Invariant::TenPerSecond, count <= 10, || format!("{count} requests within a second"));
        let Some(request) = service.last_request() else { return };
        let mut hash = self.hash;
        Self::mix(&mut hash, &request.at.millis().to_le_bytes());
        Self::mix(&mut hash, &request.status.unwrap_or_default().to_le_bytes());
        self.hash = hash;
        let mut hash = self.requests_hash;
        Self::mix(&mut hash, &request.at.millis().to_le_bytes());
        Self::mix(&mut hash, request.operation.map_or("", Operation::as_str).as_bytes());
        Self::mix(&mut hash, request.uid.as_deref().unwrap_or_default().as_bytes());
        self.requests_hash = hash;
        let foreign = matches!(request.code, Some(432 | 1003)) && request.faults.is_empty();
        self.holds(Invariant::SameUid, !foreign, || {
            "the service finds other ids than those of the session".to_owned()
        });
        if request.operation == Some(Operation::Start) && request.carried_out {
            let mut living: Vec<(String, Uid)> = service
                .sessions(time)
                .filter(|truth| truth.live)
                .map(|truth| (truth.cname.to_owned(), truth.uid))
                .collect();
            let count = living.len();
            living.sort();
            living.dedup();
            self.holds(Invariant::NoTwinUids, living.len() == count, || {
                "two live sessions of one UID".to_owned()
            });
        }
    }

    /// Whether this call has its entry.
    pub fn was_sent(&self, call: &str) -> bool {
        self.sent_ids.iter().any(|known| known == call)
    }

    /// An answer with this `sid` was handed to a proxy that can write.
    pub fn delivered(&mut self, recording: &RecordingId, sid: &str) {
        let known = self.histories.get(recording).is_some_and(|history| {
            history
                .sessions
                .iter()
                .any(|session| session.sid.as_ref().is_some_and(|(own, _)| own.as_str() == sid))
        });
        self.holds(Invariant::SidKept, known, || {
            format!("{recording}: {sid} reached the proxy and is not in the journal")
        });
    }

    // ---- presses -----------------------------------------------------------------------------------------------------

    /// Somebody who attends pressed stop, and it is to leave when it is due.
    pub fn stop_pressed(&mut self, recording: &RecordingId, now: Timestamp) {
        let Some(history) = self.histories.get(recording) else { return };
        let Some((_, due, _)) = history.stop else { return };
        let ready = history.sessions.iter().any(|session| {
            session.sid.is_some()
                && session.verdict == Verdict::None
                && !session.dismissed
                && session.stop.sent == 0
                && [&session.acquire, &session.start, &session.stop].iter().all(|lane| lane.open.is_none())
        });
        if ready && !self.pressed.iter().any(|pressed| pressed.recording == *recording) {
            self.pressed.push(Pressed { recording: recording.clone(), due: due.max(now) });
        }
    }

    /// Something got in the way of whoever attends.
    pub fn disturbed(&mut self) {
        self.pressed.clear();
    }

    fn stop_left(&mut self, recording: &RecordingId, at: Timestamp) {
        let Some(place) = self.pressed.iter().position(|pressed| pressed.recording == *recording) else {
            return;
        };
        let pressed = self.pressed.remove(place);
        let took = at.since(pressed.due);
        let patience = self.patience;
        self.holds(Invariant::StopFirst, took <= patience, || {
            format!("{recording}: the stop left {took:?} after it was due")
        });
    }
}

/// V4: no 13 came within 10 s of the `sid`, and the policy waits for one.
fn is_unregistered(history: &History, session: &Session) -> bool {
    let late = |accepted: Timestamp| {
        session.told.registered.is_none_or(|(came, _)| came > accepted + Duration::from_secs(10))
    };
    history.policy.started_notification && session.sid.as_ref().is_some_and(|(_, accepted)| late(*accepted))
}

/// Whether it was known to record before that, so that a query of it was due every two minutes (M1).
fn lived_on(session: &Session, since: Timestamp) -> bool {
    session.confirmed
        && session.verdict == Verdict::None
        && session.sid.as_ref().is_some_and(|(_, accepted)| *accepted + Duration::from_secs(100) < since)
}

/// Whether what runs is on the board: by its `sid`, or as something that may run.
fn is_named(recording: &Recording, own: &Session, sid: &Sid) -> bool {
    let Some(session) = recording.session(own.number) else {
        // What is settled may have been left out: then it must have been dismissed, or be said by a younger one.
        return own.dismissed || said_by_another(recording, own);
    };
    if session.dismissed {
        return true;
    }
    if let Some(known) = &session.sid {
        return known == sid && !matches!(session.phase, Phase::Over(_));
    }
    match session.phase {
        // Whether it runs is being found out.
        Phase::Starting | Phase::Acquiring => session.start.sent_entry > 0,
        Phase::Abandoned => !matches!(session.may_run, MayRun::No) || said_by_another(recording, own),
        _ => false,
    }
}

/// One entry a UID: a younger possible orphan says all that an older one said (S9).
fn said_by_another(recording: &Recording, own: &Session) -> bool {
    recording
        .sessions
        .iter()
        .any(|other| other.number > own.number && other.uid == own.uid && !other.may_run.is_no())
}
