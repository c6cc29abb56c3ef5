//! A bundle: one recording's journal in a file, with the board facts that its page knew, so that it can be looked at and
//! replayed where no proxy is.
//!
//! [`replay`] asks the rules of this build at every step of the journal what they would have done, and compares.

use core::fmt;

use agora::{Operation, Timestamp};
use from_json::{FromJson, ReadError, from_text};
use serde::{Deserialize, Serialize};

use crate::board::{Board, BoardFacts};
use crate::guards;
use crate::journal::{
    Attempt, Decision, Domain, Entry, EntryNumber, Fact, RULES_VERSION, RecordingId, SessionNumber,
};
use crate::next::{self, Call};
use crate::recording::{Recording, fold};
use crate::rule::RuleId;

/// What the first field of every bundle says.
pub const FORMAT: &str = "tallylight-bundle";

/// The version of the format that this build writes, and the newest that it reads.
pub const BUNDLE_VERSION: u16 = 1;

/// The largest bundle that is read, in bytes.
pub const BUNDLE_BYTES: usize = 16 * 1024 * 1024;

/// The most entries that a bundle holds: more than a month of routine queries.
pub const BUNDLE_ENTRIES: usize = 50_000;

/// What stands in place of an address that may hold a key.
const LEFT_OUT: &str = "left-out:";

/// One recording in a file.
///
/// It holds no credential: raw answers and notifications are left out, and so is what follows the host of an address
/// that staff gave. The names of staff are in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, FromJson)]
pub struct Bundle {
    /// [`FORMAT`].
    pub format: String,
    /// [`BUNDLE_VERSION`] of the build that wrote it.
    pub version: u16,
    /// When it was written, by the server's clock.
    pub exported: Timestamp,
    /// The build of the proxy whose journal it is.
    pub build: String,
    /// [`RULES_VERSION`] of the build that wrote it; the recording's own is in its first entry.
    pub rules: u16,
    /// The recording.
    pub recording: RecordingId,
    /// The board facts of its App ID when it was written. Those that carry a time are used from that time on.
    pub board: BoardFacts,
    /// The whole journal, from entry 1.
    pub entries: Vec<Entry>,
}

/// What every version of a bundle begins with.
#[derive(Default, FromJson)]
#[serde(default)]
struct Head {
    format: String,
    version: u16,
}

/// Why a text is not a bundle that can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleProblem {
    /// More than [`BUNDLE_BYTES`].
    TooLarge,
    /// More than [`BUNDLE_ENTRIES`].
    TooLong,
    /// Not JSON: cut off, or another kind of file.
    NotJson,
    /// JSON, but no bundle.
    NotABundle,
    /// Written by a newer build, in this version.
    Newer(u16),
    /// A part of it cannot be read.
    Unreadable(ReadError),
    /// Its first entry is not the request for the recording.
    NoBeginning,
    /// After this entry one is missing, or two have the same number.
    Missing(EntryNumber),
    /// This entry is earlier than the one before it.
    Backwards(EntryNumber),
}

impl fmt::Display for BundleProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(formatter, "the bundle is larger than {} MB", BUNDLE_BYTES >> 20),
            Self::TooLong => write!(formatter, "the bundle has more than {BUNDLE_ENTRIES} entries"),
            Self::NotJson => formatter.write_str("the file is not JSON; it may be cut off"),
            Self::NotABundle => write!(formatter, "the file is JSON, but its format is not \"{FORMAT}\""),
            Self::Newer(version) => write!(
                formatter,
                "the bundle has version {version} and this build reads up to {BUNDLE_VERSION}: use a newer build"
            ),
            Self::Unreadable(error) => write!(formatter, "the bundle cannot be read: {error}"),
            Self::NoBeginning => {
                formatter.write_str("the first entry of the bundle is not the request for the recording")
            }
            Self::Missing(after) => write!(formatter, "entry {} of the bundle is missing", after + 1),
            Self::Backwards(entry) => write!(formatter, "entry {entry} is earlier than the one before it"),
        }
    }
}

impl core::error::Error for BundleProblem {}

impl Bundle {
    /// A bundle of the whole journal of a recording.
    pub fn new(
        recording: RecordingId,
        entries: Vec<Entry>,
        board: BoardFacts,
        build: String,
        exported: Timestamp,
    ) -> Self {
        let entries = entries.into_iter().map(without_secrets).collect();
        Self {
            format: FORMAT.to_owned(),
            version: BUNDLE_VERSION,
            exported,
            build,
            rules: RULES_VERSION,
            recording,
            board,
            entries,
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is none, or not whole.
    pub fn read(text: &str) -> Result<Self, BundleProblem> {
        if text.len() > BUNDLE_BYTES {
            return Err(BundleProblem::TooLarge);
        }
        let head = from_text::<Head>(text).map_err(|error| match error.expected {
            "JSON" => BundleProblem::NotJson,
            _ => BundleProblem::NotABundle,
        })?;
        if head.format != FORMAT {
            return Err(BundleProblem::NotABundle);
        }
        if head.version > BUNDLE_VERSION {
            return Err(BundleProblem::Newer(head.version));
        }
        let bundle: Self = from_text(text).map_err(BundleProblem::Unreadable)?;
        bundle.check()?;
        Ok(bundle)
    }

    pub(crate) fn check(&self) -> Result<(), BundleProblem> {
        if self.entries.len() > BUNDLE_ENTRIES {
            return Err(BundleProblem::TooLong);
        }
        let begins = self.entries.first().and_then(|first| Recording::begin(self.recording.clone(), first));
        if begins.is_none() || self.entries[0].number != 1 {
            return Err(BundleProblem::NoBeginning);
        }
        for pair in self.entries.windows(2) {
            if pair[1].number != pair[0].number + 1 {
                return Err(BundleProblem::Missing(pair[0].number));
            }
            if pair[1].at < pair[0].at {
                return Err(BundleProblem::Backwards(pair[1].number));
            }
        }
        Ok(())
    }

    /// The same recording so many milliseconds later; earlier if there are fewer than none. Every instant moves.
    pub fn shift(&mut self, millis: i64) {
        let shift = |at: &mut Timestamp| *at = Timestamp::from_millis(at.millis().saturating_add(millis));
        shift(&mut self.exported);
        for entry in &mut self.entries {
            shift(&mut entry.at);
            match &mut entry.fact {
                Fact::StopRequested(stop) => shift(&mut stop.not_before),
                Fact::Notified(notified) => {
                    shift(&mut notified.sent_at);
                    let details = &mut notified.details;
                    details.start.iter_mut().chain(&mut details.discontinued).for_each(shift);
                    details.files.iter_mut().filter_map(|file| file.slice_start.as_mut()).for_each(shift);
                }
                Fact::CallAnswered(answered) => match &mut answered.answer.class {
                    agora::AnswerClass::Status(query) => {
                        query.slice_start.iter_mut().for_each(shift);
                        query.files.iter_mut().filter_map(|file| file.slice_start.as_mut()).for_each(shift);
                    }
                    agora::AnswerClass::Stopped(stop) => {
                        stop.files.iter_mut().filter_map(|file| file.slice_start.as_mut()).for_each(shift);
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        let facts = &mut self.board;
        facts.preferred.iter_mut().for_each(|(_, at)| shift(at));
        facts.kinds.iter_mut().for_each(|(_, at)| shift(at));
        facts.starts.iter_mut().for_each(|start| shift(&mut start.at));
        facts.highest.iter_mut().for_each(|(at, _)| shift(at));
        for at in [&mut facts.notified, &mut facts.setting_up, &mut facts.tested] {
            at.iter_mut().for_each(shift);
        }
    }
}

/// An entry without what only its proxy may keep.
fn without_secrets(mut entry: Entry) -> Entry {
    if let Some(raw) = entry.fact.raw_mut() {
        *raw = None;
    }
    match &mut entry.fact {
        Fact::Requested(requested) => {
            let settings = &mut requested.settings;
            settings
                .rtmp_url
                .iter_mut()
                .chain(settings.web.iter_mut().map(|web| &mut web.url))
                .for_each(host_only);
        }
        Fact::UpdateRequested(update) => update.settings.rtmp_url.iter_mut().for_each(host_only),
        // Of what this build cannot read it cannot tell what it holds: only its name stays.
        Fact::Unknown(value) => {
            let name = value.as_object().and_then(|object| object.keys().next()).cloned();
            *value = serde_json::json!({ name.unwrap_or_default(): null });
        }
        _ => {}
    }
    entry
}

/// What follows the host of an address may be a key.
fn host_only(address: &mut String) {
    let host = address.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?', '#']).next();
    let host = host.unwrap_or_default().rsplit('@').next().unwrap_or_default();
    *address = [LEFT_OUT, host].concat();
}

/// A journal being told again, entry by entry: the recording and the board as they were at each.
#[derive(Debug, Clone)]
pub struct Told {
    /// The recording so far.
    pub recording: Recording,
    known: BoardFacts,
    board: Board,
}

impl Told {
    /// The beginning of a journal; none if it does not begin with a request. `facts` are those that were known later.
    pub fn begin(id: RecordingId, facts: &BoardFacts, first: &Entry) -> Option<Self> {
        let recording = Recording::begin(id, first)?;
        let configured = BoardFacts {
            qps: facts.qps,
            has_region: facts.has_region,
            fresh_tokens: facts.fresh_tokens,
            ..BoardFacts::default()
        };
        let mut board = Board::restore(configured);
        board.apply(&recording, first);
        Some(Self { recording, known: facts.clone(), board })
    }

    /// The journal up to and with this entry.
    pub fn up_to(id: &RecordingId, facts: &BoardFacts, entries: &[Entry], last: EntryNumber) -> Option<Self> {
        let mut told = Self::begin(id.clone(), facts, entries.first()?)?;
        for entry in entries.iter().skip(1).take_while(|entry| entry.number <= last) {
            told.take(entry);
        }
        Some(told)
    }

    /// Tells one entry more.
    pub fn take(&mut self, entry: &Entry) {
        fold(&mut self.recording, entry);
        self.board.apply(&self.recording, entry);
    }

    /// The board at an instant: what this journal tells, and of what was known later that which held then already.
    pub fn board(&self, at: Timestamp) -> Board {
        let mut board = self.board.clone();
        let mut facts = board.facts().clone();
        let held = |since: &Timestamp| *since <= at;
        facts.preferred = facts.preferred.or(self.known.preferred.filter(|(_, since)| held(since)));
        let seen = self.known.kinds.iter().map(|(_, seen)| seen).chain(&self.known.notified);
        facts.notified = facts.notified.max(seen.filter(|seen| held(seen)).max().copied());
        for known in &self.known.starts {
            if held(&known.at) && facts.starts.iter().all(|start| start.sid != known.sid) {
                facts.starts.push(known.clone());
            }
        }
        board.set_facts(facts);
        board
    }
}

/// One step that somebody's rules took, and what the rules of this build would have done there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The entry that wrote it down.
    pub entry: EntryNumber,
    /// The rule that it names.
    pub rule: RuleId,
    /// Whether the rules of this build do the same.
    pub verdict: Verdict,
}

/// What the rules of this build say to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The same.
    Same,
    /// The same, if another recording of the App ID had told that this domain is to be asked first (D2): the bundle does
    /// not hold that.
    SameAt(Domain),
    /// Something else: this call, this conclusion, or nothing yet.
    Other(Option<Instead>),
}

/// What the rules of this build would have done instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// This call.
    Call(Call),
    /// This conclusion.
    Decide(Decision),
}

impl Verdict {
    /// Whether it is the same step.
    pub const fn is_same(&self) -> bool {
        matches!(self, Self::Same | Self::SameAt(_))
    }
}

/// How many states before the newest are kept: a call was decided on one that is a little older than its entry.
const STATES_KEPT: usize = 12;

/// Every call and every conclusion of a journal, compared with what the rules of this build find there.
///
/// A call is compared with what they planned on the entries that its controller had folded; its instant may be any from
/// then until it was sent, since it waited for its place in the budget (D1). A conclusion is compared at its own instant.
pub fn replay(id: &RecordingId, facts: &BoardFacts, entries: &[Entry]) -> Vec<Step> {
    let mut replaying = Replaying::begin(id.clone(), facts, entries);
    while !replaying.go_on(entries, usize::MAX) {}
    replaying.steps
}

/// A replay that is done piece by piece, for who has other things to do between them.
#[derive(Debug)]
pub struct Replaying {
    /// The steps that are compared so far.
    pub steps: Vec<Step>,
    told: Option<Told>,
    states: Vec<Told>,
    next: usize,
}

impl Replaying {
    /// Nothing is compared yet.
    pub fn begin(id: RecordingId, facts: &BoardFacts, entries: &[Entry]) -> Self {
        let told = entries.first().and_then(|first| Told::begin(id, facts, first));
        Self { steps: Vec::new(), states: told.iter().cloned().collect(), told, next: 1 }
    }

    /// Goes on by so many of these entries, which are the same each time; tells whether all are done.
    pub fn go_on(&mut self, entries: &[Entry], count: usize) -> bool {
        let Some(told) = &mut self.told else { return true };
        for entry in entries.iter().skip(self.next).take(count) {
            match &entry.fact {
                Fact::CallSent(sent) => {
                    let asked = Asked {
                        session: sent.session,
                        operation: sent.operation,
                        domain: sent.domain,
                        rule: sent.rule,
                        attempt: sent.attempt,
                    };
                    let folded = self
                        .states
                        .iter()
                        .rev()
                        .find(|state| Some(state.recording.last) <= after(&sent.id.0));
                    let verdict = judge_call(folded.unwrap_or(told), &asked, entry.at);
                    self.steps.push(Step { entry: entry.number, rule: sent.rule, verdict });
                }
                Fact::Decided(decision) => {
                    let verdict = judge_decision(told, decision, entry.at);
                    self.steps.push(Step { entry: entry.number, rule: decision.rule, verdict });
                }
                _ => {}
            }
            told.take(entry);
            if self.states.len() == STATES_KEPT {
                self.states.remove(0);
            }
            self.states.push(told.clone());
        }
        self.next = self.next.saturating_add(count).min(entries.len());
        self.next >= entries.len()
    }
}

/// The entry after which a call was decided, by its id.
fn after(id: &str) -> Option<EntryNumber> {
    id.rsplit(':').nth(2).and_then(|number| number.parse().ok())
}

/// What was asked for with a call.
struct Asked {
    session: SessionNumber,
    operation: Operation,
    domain: Domain,
    rule: RuleId,
    attempt: Attempt,
}

impl Asked {
    fn is(&self, call: &Call) -> bool {
        let Self { session, operation, domain, rule, attempt } = self;
        (call.session, call.operation, call.domain) == (*session, *operation, *domain)
            && (call.rule, call.attempt) == (*rule, *attempt)
    }
}

fn judge_call(state: &Told, asked: &Asked, sent: Timestamp) -> Verdict {
    let own = state.board(sent);
    if is_planned(&state.recording, &own, asked, sent) {
        return Verdict::Same;
    }
    // What another recording told about the domains is not in this journal.
    let mut facts = own.facts().clone();
    facts.preferred = (asked.domain != Domain::Primary).then_some((asked.domain, sent));
    let mut supposed = own.clone();
    supposed.set_facts(facts);
    if is_planned(&state.recording, &supposed, asked, sent) {
        return Verdict::SameAt(asked.domain);
    }
    let planned = next::planned(&state.recording, &own, sent);
    let due = planned.into_iter().find(|(at, call, _)| *at <= sent && call.session == asked.session);
    Verdict::Other(due.map(|(_, call, _)| Instead::Call(call)))
}

/// Whether the rules asked for this call at some instant between what was folded and when it left.
fn is_planned(recording: &Recording, board: &Board, asked: &Asked, sent: Timestamp) -> bool {
    let folded = recording.last_at.min(sent);
    let mut instants = vec![sent, folded];
    instants.extend(next::planned(recording, board, folded).iter().map(|(at, _, _)| *at));
    instants.retain(|at| (folded..=sent).contains(at));
    instants.into_iter().any(|now| {
        next::planned(recording, board, now).iter().any(|(at, call, _)| *at <= now && asked.is(call))
    })
}

fn judge_decision(told: &Told, decision: &Decision, at: Timestamp) -> Verdict {
    let board = told.board(at);
    let after = told.recording.last;
    let Decision { kind, rule, evidence } = decision.clone();
    let made = crate::api::MakeDecision { after, kind, rule, evidence };
    if guards::admits(&told.recording, &board, &made, at).is_ok() {
        return Verdict::Same;
    }
    let concluded = next::outlook(&told.recording, &board, at).concluded;
    Verdict::Other(concluded.into_iter().next().map(Instead::Decide))
}
