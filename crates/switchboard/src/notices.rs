//! Notifications: dedupe, the journal each belongs into, and those that fit no session (N2, N5, S9); and what else an
//! App journal holds.
//!
//! Nothing here decides anything about a recording: what a notification means is said by the rules when it is folded.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use agora::notification::NotificationError;
use agora::{ChannelName, EventType, Notification, Sid, Timestamp, Uid};
use rules::api::{Problem, SettingUp, UnmatchedPage};
use rules::app_journal::{Configured, Matched, Unmatched};
use rules::board::UnmatchedCount;
use rules::journal::{Adopted, By, Domain, JOURNAL_VERSION, Notified, NotifiedAgain, SessionNumber};
use rules::{AppEntry, AppEntryNumber, AppFact, Fact, Recording, RecordingId};

use crate::clients::next_second;
use crate::ports::{AppLine, Notice, StoreError, unmatched_bytes};
use crate::{Actor, AppConfig, Draft, Now, RETRY_STORE, Switchboard, Writing, problem, raw_text, unwritable};

/// How many unmatched notifications of an App ID are kept (N5).
pub const UNMATCHED_MAX: usize = 10_000;

/// How many bytes they may take.
pub const UNMATCHED_BYTES_MAX: u64 = 50 * 1024 * 1024;

/// So many make room at once when there are too many: each time costs a little.
const DROPPED_AT_ONCE: usize = 64;

/// For how long unsigned test deliveries are taken after staff asked for it, in real time (N1).
const SETTING_UP: Duration = Duration::from_secs(15 * 60);

/// How many notifications are moved from an App journal to a recording's at once.
const MOVED_AT_ONCE: usize = 200;

/// How many unmatched notifications one page of their list holds.
const UNMATCHED_PAGE: usize = 100;

/// One day, in milliseconds.
const DAY: i64 = 86_400_000;

/// One delivery whose signature is right.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The App ID's name, whose secret it was signed with.
    pub app: String,
    /// What was read of it.
    pub read: Result<Notification, NotificationError>,
    /// The body.
    pub body: Vec<u8>,
}

/// What became of a delivery. Whatever it is, it is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It is in the journal of its recording.
    Written,
    /// It was known: counted, and acted on by nobody (N2).
    Again,
    /// It fits no session: kept in the App journal (N5).
    Unmatched,
}

/// What the proxy knows of an App journal.
#[derive(Debug, Default)]
pub(crate) struct AppLedger {
    /// The newest entry's number.
    pub(crate) last: AppEntryNumber,
    /// How many entries are kept.
    rows: u64,
    /// The unmatched notifications that are kept, oldest first.
    loose: VecDeque<Loose>,
    /// How many bytes they take.
    bytes: u64,
    /// How many of them found their session.
    moved: u32,
    configured: Option<Configured>,
    /// The domain that the journal says goes first.
    preferred: Domain,
    /// Which recording and session a `sid` belongs to.
    sids: HashMap<Sid, (RecordingId, SessionNumber)>,
}

/// An unmatched notification.
#[derive(Debug)]
struct Loose {
    number: AppEntryNumber,
    bytes: u64,
    at: Timestamp,
    sid: Option<Sid>,
    channel: Option<ChannelName>,
    uid: Option<Uid>,
    sent_at: Option<Timestamp>,
    moved: bool,
}

impl AppLedger {
    /// Takes in one entry that is durable.
    pub(crate) fn take_in(&mut self, entry: &AppEntry, bytes: u64) {
        self.last = self.last.max(entry.number);
        self.rows += 1;
        match &entry.fact {
            AppFact::Unmatched(unmatched) => {
                let read = unmatched.read.as_ref().filter(|read| read.is_cloud_recording());
                self.bytes += bytes;
                self.loose.push_back(Loose {
                    number: entry.number,
                    bytes,
                    at: entry.at,
                    sid: read.and_then(|read| read.sid.clone()),
                    channel: read.and_then(|read| read.channel.clone()),
                    uid: read.and_then(|read| read.uid),
                    sent_at: read.and_then(|read| read.sent_at),
                    moved: false,
                });
            }
            AppFact::Matched(matched) => {
                for loose in self.loose.iter_mut().filter(|loose| loose.sid.as_ref() == Some(&matched.sid)) {
                    self.moved += u32::from(!std::mem::replace(&mut loose.moved, true));
                }
            }
            AppFact::Configured(configured) => self.configured = Some(configured.clone()),
            AppFact::DomainAnswered(domain) => self.preferred = *domain,
            AppFact::KindSeen(_)
            | AppFact::SetUpAsked { .. }
            | AppFact::Tested
            | AppFact::HighestUse(_)
            | AppFact::Unknown(_) => {}
        }
    }

    /// Those that must make room for `more` of so many bytes: up to this number.
    fn room_for(&self, more: usize, bytes: u64) -> Option<AppEntryNumber> {
        let (mut rows, mut held) = (self.loose.len() + more, self.bytes + bytes);
        if rows <= UNMATCHED_MAX && held <= UNMATCHED_BYTES_MAX {
            return None;
        }
        let mut upto = None;
        for (index, loose) in self.loose.iter().enumerate() {
            if rows <= UNMATCHED_MAX && held <= UNMATCHED_BYTES_MAX && index >= DROPPED_AT_ONCE {
                break;
            }
            rows -= 1;
            held -= loose.bytes;
            upto = Some(loose.number);
        }
        upto
    }

    /// These have made room.
    pub(crate) fn dropped(&mut self, upto: AppEntryNumber) {
        while self.loose.front().is_some_and(|loose| loose.number <= upto) {
            let Some(oldest) = self.loose.pop_front() else { break };
            self.rows -= 1;
            self.bytes -= oldest.bytes;
            self.moved -= u32::from(oldest.moved);
        }
    }

    /// How many fit no session. Only unmatched notifications ever make room, so the numbers that are missing are theirs.
    pub(crate) fn count(&self) -> Option<UnmatchedCount> {
        let rows = u32::try_from(self.loose.len()).unwrap_or(u32::MAX);
        let count = UnmatchedCount { kept: rows - self.moved, dropped: self.last - self.rows };
        (count.kept > 0 || count.dropped > 0).then_some(count)
    }

    /// Learns which session a `sid` belongs to; the first one that had it keeps it.
    pub(crate) fn learn(&mut self, recording: &Recording) {
        for session in &recording.sessions {
            if let Some(sid) = &session.sid
                && !self.sids.contains_key(sid)
            {
                self.sids.insert(sid.clone(), (recording.id.clone(), session.number));
            }
        }
    }

    pub(crate) fn session_of(&self, sid: &Sid) -> Option<&(RecordingId, SessionNumber)> {
        self.sids.get(sid)
    }

    /// The `sid`s of notifications that found no session yet, each with the numbers of its entries.
    fn unmatched_sids(&self) -> BTreeMap<Sid, Vec<&Loose>> {
        let mut sids: BTreeMap<Sid, Vec<&Loose>> = BTreeMap::new();
        for loose in self.loose.iter().filter(|loose| !loose.moved) {
            if let Some(sid) = &loose.sid {
                sids.entry(sid.clone()).or_default().push(loose);
            }
        }
        sids
    }
}

/// By what a notification is recognised (N2): its `noticeId`; and what else makes it the same, where it says when it
/// happened. Neither holds for two sessions or two kinds of event at once.
fn keys_of(app: &str, read: &Notification) -> Vec<String> {
    let sid = read.sid.as_ref().map_or("", Sid::as_str);
    let event = read.event;
    let mut keys = Vec::with_capacity(2);
    if !read.notice.is_empty() {
        keys.push(format!("notice {app} {sid} {event} {}", read.notice));
    }
    if let (Some(sent_at), false) = (read.sent_at, sid.is_empty()) {
        let uid = read.uid.map_or(0, Uid::get);
        keys.push(format!("event {app} {sid} {uid} {event} {} {}", read.sequence, sent_at.millis()));
    }
    keys
}

/// The entry of a notification of this `sid` in a recording's journal.
fn notified(read: Notification, sid: Sid, at: Timestamp, raw: Option<String>) -> Fact {
    Fact::Notified(Box::new(Notified {
        notice: read.notice,
        event: read.event,
        sid,
        uid: read.uid,
        sent_at: read.sent_at.unwrap_or(at),
        sequence: read.sequence,
        details: read.details,
        raw,
    }))
}

impl Switchboard {
    /// Signed deliveries came, perhaps many at once. All of them are durable in one transaction when this returns.
    ///
    /// # Errors
    /// When nothing of it was written: the service is told so, and sends them again.
    pub fn notified(&mut self, deliveries: Vec<Delivery>, now: Now) -> Result<Vec<Receipt>, StoreError> {
        // Each time: a delivery that is refused comes again a few times only.
        if self.in_order().is_err() {
            self.write_held(now);
            self.in_order()?;
        }
        let at = self.journal_now(now);
        let mut writing = Writing::default();
        let mut notices: HashMap<String, Notice> = HashMap::new();
        let mut receipts = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            receipts.push(self.plan_delivery(delivery, at, &mut writing, &mut notices)?);
        }
        writing.notices = notices.into_values().collect();
        self.make_room(&mut writing);
        self.write_all(writing, now)?;
        for receipt in &receipts {
            match receipt {
                Receipt::Written => self.counts.notified += 1,
                Receipt::Again => self.counts.notified_again += 1,
                Receipt::Unmatched => self.counts.unmatched += 1,
            }
        }
        Ok(receipts)
    }

    fn plan_delivery(
        &mut self,
        delivery: Delivery,
        at: Timestamp,
        writing: &mut Writing,
        notices: &mut HashMap<String, Notice>,
    ) -> Result<Receipt, StoreError> {
        let Delivery { app, read, body } = delivery;
        let keys = read.as_ref().map(|read| keys_of(&app, read)).unwrap_or_default();
        for key in &keys {
            let known = match notices.get(key) {
                Some(known) => Some(known.clone()),
                None => self.store.notice(key)?,
            };
            if let Some(known) = known {
                self.plan_again(known, writing, notices);
                return Ok(Receipt::Again);
            }
        }
        let mut raw =
            Some(read.as_ref().map_or_else(|_| raw_text(&body), |read| raw_text(&read.keepable(&body))));
        let seen = |event: EventType| {
            let board = self.ledger.boards.get(&app);
            board.is_some_and(|board| board.facts().kinds.iter().any(|(known, _)| *known == event))
        };
        if let Ok(read) = &read
            && read.is_cloud_recording()
            && !read.is_test()
            && !seen(read.event)
            && !writing.app_drafts.iter().any(|(to, _, fact)| {
                *to == app && matches!(fact, AppFact::KindSeen(known) if *known == read.event)
            })
        {
            writing.app_drafts.push((app.clone(), By::Agora, AppFact::KindSeen(read.event)));
        }
        let ledger = self.ledger.apps.entry(app.clone()).or_default();
        let session = |read: &Notification| {
            let sid = read.sid.clone().filter(|_| read.is_cloud_recording())?;
            let (recording, _) = ledger.session_of(&sid)?;
            Some((sid, recording.clone()))
        };
        let found = read.as_ref().ok().and_then(session);
        let (receipt, recording, number) = match (read, found) {
            (Ok(read), Some((sid, recording))) => {
                let known = self.ledger.recordings.get(&recording).map_or(0, |kept| kept.folded.last);
                let planned = writing.drafts.iter().filter(|draft| draft.recording == recording).count();
                let number = u64::from(known) + planned as u64 + 1;
                let fact = notified(read, sid, at, raw.take());
                writing.drafts.push(Draft { recording: recording.clone(), by: By::Agora, fact });
                (Receipt::Written, Some(recording), number)
            }
            (read, _) => {
                let planned = writing.app_drafts.iter().filter(|(to, ..)| *to == app).count();
                let number = ledger.last + planned as u64 + 1;
                let unmatched = Unmatched { read: read.ok(), raw: raw.take() };
                writing.app_drafts.push((app.clone(), By::Agora, AppFact::Unmatched(Box::new(unmatched))));
                (Receipt::Unmatched, None, number)
            }
        };
        for key in keys {
            let notice =
                Notice { key: key.clone(), app: app.clone(), recording: recording.clone(), number, again: 0 };
            notices.insert(key, notice);
        }
        Ok(receipt)
    }

    /// A known notification came again: that is written a few times, and then only counted.
    fn plan_again(&self, mut known: Notice, writing: &mut Writing, notices: &mut HashMap<String, Notice>) {
        let Some(recording) = known.recording.clone() else { return };
        if known.again >= NotifiedAgain::WRITTEN_MAX {
            return;
        }
        known.again += 1;
        let Ok(of) = u32::try_from(known.number) else { return };
        let fact = Fact::NotifiedAgain(NotifiedAgain { of });
        writing.drafts.push(Draft { recording, by: By::Agora, fact });
        notices.insert(known.key.clone(), known);
    }

    /// The oldest unmatched notifications go where there are too many.
    fn make_room(&mut self, writing: &mut Writing) {
        let mut more: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
        for (app, _, fact) in &writing.app_drafts {
            let bytes = unmatched_bytes(fact);
            if bytes > 0 {
                let (rows, held) = more.entry(app).or_default();
                *rows += 1;
                *held += bytes;
            }
        }
        for (app, (rows, bytes)) in more {
            let ledger = self.ledger.apps.get(app);
            if let Some(upto) = ledger.and_then(|ledger| ledger.room_for(rows, bytes)) {
                writing.dropped.push((app.to_owned(), upto));
            }
        }
    }

    /// Whether an unsigned test delivery is to be answered with 200 now: staff are setting up notifications (N1). It acts
    /// on nothing; that one came is written down once.
    pub fn tested(&mut self, app: &str, now: Now) -> bool {
        let at = self.journal_now(now);
        let Some(facts) = self.ledger.boards.get(app).map(rules::Board::facts) else { return false };
        let Some(until) = facts.setting_up.filter(|until| at < *until) else { return false };
        let begun = until - SETTING_UP * self.config.clock_rate.max(1);
        if facts.tested.is_none_or(|tested| tested < begun) {
            let app_drafts = vec![(app.to_owned(), By::Agora, AppFact::Tested)];
            // It is of no use later: nothing is lost if it cannot be written.
            let _ = self.write_all(Writing { app_drafts, ..Writing::default() }, now);
        }
        true
    }

    /// Staff set up notifications: for a quarter of an hour unsigned test deliveries are answered with 200 (N1).
    ///
    /// # Errors
    /// When there is no such App ID, or nothing can be written.
    pub fn set_up_notifications(&mut self, actor: &Actor, app: &str, now: Now) -> Result<SettingUp, Problem> {
        self.proven_client(actor)?;
        self.app(app)?;
        let until = self.journal_now(now) + SETTING_UP * self.config.clock_rate.max(1);
        let fact = AppFact::SetUpAsked { until };
        let app_drafts = vec![(app.to_owned(), By::Staff(actor.person.clone()), fact)];
        self.write_all(Writing { app_drafts, ..Writing::default() }, now)
            .map_err(|error| unwritable(&error))?;
        Ok(SettingUp { until })
    }

    /// The notifications of an App ID that fit no session, newest first, with their raw bodies.
    ///
    /// # Errors
    /// When there is no such App ID, or they cannot be read.
    pub fn unmatched(&mut self, app: &str, before: Option<AppEntryNumber>) -> Result<UnmatchedPage, Problem> {
        self.app(app)?;
        let ledger = self.ledger.apps.entry(app.to_owned()).or_default();
        let count = ledger.count().unwrap_or(UnmatchedCount { kept: 0, dropped: 0 });
        let older = ledger.loose.iter().rev().filter(|loose| !loose.moved);
        let mut numbers: Vec<AppEntryNumber> = older
            .map(|loose| loose.number)
            .filter(|number| before.is_none_or(|before| *number < before))
            .take(UNMATCHED_PAGE + 1)
            .collect();
        let next = (numbers.len() > UNMATCHED_PAGE).then(|| numbers[UNMATCHED_PAGE - 1]);
        numbers.truncate(UNMATCHED_PAGE);
        let entries = self.store.app_entries(app, &numbers).map_err(|error| {
            problem(503, "journal_unreadable", format!("The App journal cannot be read: {error}."))
        })?;
        Ok(UnmatchedPage { entries, next, kept: count.kept, dropped: count.dropped })
    }

    /// Whether this `sid` is that of an unmatched notification, and of no session.
    pub(crate) fn is_unmatched(&self, app: &str, sid: &Sid) -> bool {
        self.ledger.apps.get(app).is_some_and(|ledger| {
            let named = |loose: &Loose| !loose.moved && loose.sid.as_ref() == Some(sid);
            ledger.session_of(sid).is_none() && ledger.loose.iter().any(named)
        })
    }

    /// Does for the Apps what has become due: brings notifications to sessions that were found, notes what changed, tells
    /// the pages.
    pub(crate) fn tend_apps(&mut self, now: Now) {
        if self.in_order().is_err() {
            return;
        }
        if self.to_configure {
            self.to_configure = self.note_configuration(now).is_err();
        }
        if !self.to_match.is_empty() && self.match_at.is_none_or(|at| now.real >= at) {
            self.match_at = None;
            for app in std::mem::take(&mut self.to_match) {
                if self.match_notifications(&app, now).is_err() {
                    self.to_match.insert(app);
                    self.match_at = Some(now.real + RETRY_STORE);
                }
            }
        }
        if now.real >= self.boards_at && (self.to_note || !self.changed_boards.is_empty()) {
            self.boards_at = next_second(now.real);
            self.to_note = false;
            self.note_changes(now);
            self.stream_boards(now);
        }
    }

    /// After how much real time [`Switchboard::tend_apps`] has something to do.
    pub(crate) fn app_due(&self, now: Now) -> Option<Duration> {
        let matching = (!self.to_match.is_empty()).then(|| self.match_at.unwrap_or_default());
        let boards = (self.to_note || !self.changed_boards.is_empty()).then_some(self.boards_at);
        [matching, boards].into_iter().flatten().min().map(|at| at.saturating_sub(now.real))
    }

    /// Brings unmatched notifications to the sessions that are theirs by now: a `sid` became known, or exactly one possible
    /// orphan fits (S9).
    fn match_notifications(&mut self, app: &str, now: Now) -> Result<(), StoreError> {
        loop {
            let at = self.journal_now(now);
            let Some(ledger) = self.ledger.apps.get(app) else { return Ok(()) };
            let found = ledger.unmatched_sids().into_iter().find_map(|(sid, loose)| {
                let (place, adopts) = match ledger.session_of(&sid) {
                    Some(place) => (place.clone(), None),
                    None => {
                        let (place, adopted) = self.fitting_orphan(app, &sid, &loose)?;
                        (place, Some(adopted))
                    }
                };
                let numbers: Vec<AppEntryNumber> = loose.iter().map(|loose| loose.number).collect();
                Some((sid, place, adopts, numbers))
            });
            let Some((sid, (recording, session), adopts, numbers)) = found else { return Ok(()) };
            let mut writing = Writing::default();
            let draft = |by, fact| Draft { recording: recording.clone(), by, fact };
            writing.drafts.extend(adopts.map(|adopted| draft(By::Agora, Fact::Adopted(adopted))));
            let known = self.ledger.recordings.get(&recording).map_or(0, |kept| kept.folded.last);
            for numbers in numbers.chunks(MOVED_AT_ONCE) {
                for entry in self.store.app_entries(app, numbers)? {
                    let AppFact::Unmatched(unmatched) = entry.fact else { continue };
                    let Some(read) = unmatched.read else { continue };
                    let number = u64::from(known) + writing.drafts.len() as u64 + 1;
                    let keys = keys_of(app, &read).into_iter();
                    writing.notices.extend(keys.map(|key| Notice {
                        key,
                        app: app.to_owned(),
                        recording: Some(recording.clone()),
                        number,
                        again: 0,
                    }));
                    writing.drafts.push(draft(By::Agora, notified(read, sid.clone(), at, unmatched.raw)));
                }
            }
            let matched = AppFact::Matched(Matched { sid, recording: recording.clone(), session });
            writing.app_drafts.push((app.to_owned(), By::Proxy, matched));
            self.write_all(writing, now)?;
        }
    }

    /// The one possible orphan that notifications of this `sid` fit; none if there are several, for staff to choose (S9).
    fn fitting_orphan(
        &self,
        app: &str,
        sid: &Sid,
        loose: &[&Loose],
    ) -> Option<((RecordingId, SessionNumber), Adopted)> {
        let live = self.ledger.recordings.values().map(|kept| &kept.folded);
        let sessions = live
            .filter(|recording| recording.app == app)
            .flat_map(|recording| recording.sessions.iter().map(move |session| (recording, session)));
        let named = |loose: &Loose| loose.channel.clone().zip(loose.uid);
        let may_fit = |recording: &Recording, session: SessionNumber| {
            loose
                .iter()
                .filter_map(|loose| named(loose))
                .any(|(channel, uid)| rules::may_fit_orphan(recording, session, &channel, uid))
        };
        let fits = |recording: &Recording, session: SessionNumber| {
            loose.iter().any(|loose| {
                let sent_at = loose.sent_at.unwrap_or(loose.at);
                named(loose).is_some_and(|(channel, uid)| {
                    rules::fits_orphan(recording, session, &channel, uid, sent_at)
                })
            })
        };
        let mut fitting = sessions.filter(|(recording, session)| may_fit(recording, session.number));
        let (recording, session) = fitting.next()?;
        if fitting.next().is_some() || !fits(recording, session.number) {
            return None;
        }
        let resource_id = session.resource.as_ref()?.id.clone();
        let adopted = Adopted { session: session.number, uid: session.uid, resource_id, sid: sid.clone() };
        Some(((recording.id.clone(), session.number), adopted))
    }

    /// Writes down what the boards learnt from the recordings, so that it survives them.
    fn note_changes(&mut self, now: Now) {
        let at = self.journal_now(now);
        let mut app_drafts = Vec::new();
        for (app, board) in &self.ledger.boards {
            let facts = board.facts();
            let Some(ledger) = self.ledger.apps.get(app) else { continue };
            let preferred = facts.preferred.map_or(Domain::Primary, |(domain, _)| domain);
            if preferred != ledger.preferred {
                app_drafts.push((app.clone(), By::Proxy, AppFact::DomainAnswered(preferred)));
            }
            let day = |at: Timestamp| at.millis().div_euclid(DAY);
            let today = facts.highest.filter(|(since, _)| day(*since) == day(at)).map_or(0, |(_, most)| most);
            let running = u32::try_from(board.watched()).unwrap_or(u32::MAX);
            if running > today {
                app_drafts.push((app.clone(), By::Proxy, AppFact::HighestUse(running)));
            }
        }
        if !app_drafts.is_empty() {
            // It is looked at again: nothing is lost if it cannot be written now.
            let _ = self.write_all(Writing { app_drafts, ..Writing::default() }, now);
        }
    }

    /// Writes down that the proxy runs with another configuration than before.
    pub(crate) fn note_configuration(&mut self, now: Now) -> Result<(), StoreError> {
        let mut app_drafts = Vec::new();
        for app in &self.config.apps {
            let AppConfig { name, qps, has_region, storage, uid_range, .. } = app;
            let configured = Configured {
                qps: *qps,
                has_region: *has_region,
                storage: storage.clone(),
                uid_range: *uid_range,
            };
            let ledger = self.ledger.apps.entry(name.clone()).or_default();
            if ledger.configured.as_ref() != Some(&configured) {
                app_drafts.push((name.clone(), By::Proxy, AppFact::Configured(configured)));
            }
            self.to_match.insert(name.clone());
        }
        if app_drafts.is_empty() {
            return Ok(());
        }
        self.write_all(Writing { app_drafts, ..Writing::default() }, now).map(drop)
    }

    /// Takes in entries of App journals that were just written.
    pub(crate) fn take_in_app(&mut self, lines: &[AppLine], dropped: &[(String, AppEntryNumber)]) {
        for AppLine { app, entry } in lines {
            self.ledger.last_at = self.ledger.last_at.max(entry.at);
            let ledger = self.ledger.apps.entry(app.clone()).or_default();
            ledger.take_in(entry, unmatched_bytes(&entry.fact));
            self.ledger.boards.entry(app.clone()).or_default().apply_app(entry);
            if matches!(entry.fact, AppFact::Unmatched(_)) {
                self.to_match.insert(app.clone());
            }
            self.changed_boards.insert(app.clone());
        }
        for (app, upto) in dropped {
            if let Some(ledger) = self.ledger.apps.get_mut(app) {
                let before = ledger.loose.len();
                ledger.dropped(*upto);
                self.counts.unmatched_dropped += (before - ledger.loose.len()) as u64;
            }
            self.changed_boards.insert(app.clone());
        }
        for app in &self.changed_boards {
            let count = self.ledger.apps.get(app).and_then(AppLedger::count);
            if let Some(board) = self.ledger.boards.get_mut(app) {
                board.set_unmatched(count);
            }
        }
        if !lines.is_empty() || !dropped.is_empty() {
            // A snapshot tells the board facts too.
            self.snapshot = None;
        }
    }

    /// Entries for these App journals, numbered after the last of each.
    pub(crate) fn app_lines(&self, drafts: Vec<(String, By, AppFact)>, at: Timestamp) -> Vec<AppLine> {
        let mut last: BTreeMap<String, AppEntryNumber> = BTreeMap::new();
        let number = |(app, by, fact): (String, By, AppFact)| {
            let known = self.ledger.apps.get(&app).map_or(0, |ledger| ledger.last);
            let number = last.entry(app.clone()).or_insert(known);
            *number += 1;
            AppLine { app, entry: AppEntry { number: *number, at, by, version: JOURNAL_VERSION, fact } }
        };
        drafts.into_iter().map(number).collect()
    }
}
