//! What this client does for the recordings whose leases it holds: which step to post, when, and when again.
//!
//! The rules name the steps; this module only keeps them from being posted twice, too early or too often. A lane is a
//! session's queries, a session's other calls, or the decisions of a recording: at most one step of a lane is posted.

use core::cmp::Reverse;
use core::fmt::Debug;
use std::collections::BinaryHeap;

use litemap::LiteMap;

use agora::{Operation, Timestamp};
use rules::api::{ClaimLeases, MakeCall, MakeDecision, Problem, StreamEntry};
use rules::journal::{CallId, ClientNumber};
use rules::{Board, EntryNumber, Fact, Next, Recording, RecordingId, RuleId, SessionNumber};

use crate::clock::ServerClock;

/// The name of one post, to tell its answer by.
pub type PostId = u64;

/// What is posted. The driver knows the path of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `POST …/{id}/calls`
    Call(RecordingId, MakeCall),
    /// `POST …/{id}/decisions`
    Decision(RecordingId, MakeDecision),
    /// `POST /api/v1/leases`
    Claim(ClaimLeases),
}

/// What came of a post.
#[derive(Debug, Clone, PartialEq)]
pub enum PostOutcome {
    /// Any 2xx: what comes of it is told by the stream.
    Accepted,
    /// A refusal with its reason.
    Refused(Problem),
    /// No answer, or one that says nothing about the request, such as 502: it is posted again under the same id.
    Unreachable,
}

impl PostOutcome {
    /// What an HTTP answer means. A 5xx says nothing about the request, so it counts as none.
    pub fn of_answer(status: u16, body: &str) -> Self {
        match status {
            200..=299 => Self::Accepted,
            400..=499 => Self::Refused(crate::read(body).unwrap_or_else(|_| Problem {
                kind: "unreadable".to_owned(),
                title: format!("the proxy answered {status} without a reason that can be read"),
                status,
                rule: None,
                entries: Vec::new(),
            })),
            _ => Self::Unreachable,
        }
    }
}

/// A step that the proxy refused, for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What was posted.
    pub request: Request,
    /// The proxy's sentence.
    pub sentence: String,
    /// The HTTP status.
    pub status: u16,
    /// The rule that refused, if one did.
    pub rule: Option<RuleId>,
    /// When, by the server's time.
    pub at: Timestamp,
}

/// A browser opens six connections to one origin; one stays free for what a person does.
const POSTS_AT_ONCE: usize = 5;

/// A post without an answer, or without an effect on the stream, is made again after these real milliseconds.
const AGAIN_WITHOUT_ANSWER: u64 = 1_000;
const AGAIN_WITHOUT_EFFECT: u64 = 2_000;
/// After 409 the stream brings what was missing; if it does not, it is decided anew after this.
const AGAIN_AFTER_STALE: u64 = 1_000;
/// After another refusal: doubling from the first to the last.
const FIRST_BACK_OFF: u64 = 1_000;
const LAST_BACK_OFF: u64 = 30_000;
/// A recording whose rules name an instant that is past already is looked at again after this.
const SHORTEST_LOOK: u64 = 50;

/// What makes a client act: the rules, the leases, and what is posted under them. Kept behind a pointer, so that a page can
/// show what is recorded before the code that acts has arrived.
#[derive(Debug)]
pub struct Hands(pub(crate) Box<dyn Acts>);

impl Hands {
    /// Hands that hold no lease yet and follow the rules.
    pub fn new() -> Self {
        Self(Box::new(Controller::new()))
    }
}

impl Default for Hands {
    fn default() -> Self {
        Self::new()
    }
}

/// What the client asks of its hands.
pub(crate) trait Acts: Debug + Send + Sync {
    /// Whether this client acts for the recording.
    fn holds(&self, id: &RecordingId) -> bool;

    /// The recordings that this client acts for.
    fn held(&self) -> Vec<&RecordingId>;

    /// The last refusal of a step of each recording, until a step of it is accepted.
    fn refusals(&self) -> &LiteMap<RecordingId, Refusal>;

    /// The connection is another one: every lease is gone, and with it what was posted. Posts on their way stay known,
    /// so that none is made twice at once.
    fn release_all(&mut self);

    /// The lease is gone.
    fn release(&mut self, id: &RecordingId);

    /// These leases are free and offered to this client alone.
    fn offered(&mut self, ids: Vec<RecordingId>);

    /// The journal says who holds the lease.
    fn leased(&mut self, id: &RecordingId, holder: ClientNumber, own: ClientNumber);

    /// Everything is to be looked at anew.
    fn look_at_everything(&mut self);

    /// The state was taken from a snapshot: it says who holds which lease, and not what happened meanwhile.
    fn take_stock(&mut self, recordings: &LiteMap<RecordingId, Recording>, own: ClientNumber);

    /// These entries were folded in, and the facts of these Apps changed.
    fn folded(
        &mut self,
        entries: &[&StreamEntry],
        apps: &[String],
        recordings: &LiteMap<RecordingId, Recording>,
        clock: &mut ServerClock,
    );

    /// A post came back.
    fn answered(&mut self, post: PostId, outcome: PostOutcome, now: Timestamp, monotonic: u64);

    /// Asks the rules where something changed or came due, and names what is to be posted now.
    fn act(
        &mut self,
        recordings: &LiteMap<RecordingId, Recording>,
        boards: &LiteMap<String, Board>,
        now: Timestamp,
        monotonic: u64,
    ) -> Vec<(PostId, Request)>;

    /// The next monotonic instant at which [`Self::act`] has something to do, given when a server time comes.
    fn next_instant(&self, when: &dyn Fn(Timestamp) -> Option<u64>) -> Option<u64>;
}

/// The leases and what is posted under them.
#[derive(Debug)]
struct Controller {
    desks: LiteMap<RecordingId, Desk>,
    posts: LiteMap<PostId, Posted>,
    next_post: PostId,
    claims: Vec<RecordingId>,
    refusals: LiteMap<RecordingId, Refusal>,
}

/// One recording that this client acts for.
#[derive(Debug, Default)]
struct Desk {
    /// Something changed since the rules were asked.
    dirty: bool,
    /// The rules name this instant.
    look_at: Option<Timestamp>,
    /// Not before this monotonic instant, when the rules' instant is past.
    not_before: u64,
    /// Look again at this monotonic instant, whatever the rules say.
    look_again: Option<u64>,
    steps: LiteMap<Lane, Step>,
    back_offs: LiteMap<Lane, BackOff>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Decision,
    Command(SessionNumber),
    Query(SessionNumber),
}

#[derive(Debug)]
struct Step {
    request: Request,
    state: StepState,
    /// The monotonic instant at which it was first posted, where that is known.
    posted_at: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StepState {
    /// To be posted at this monotonic instant.
    Due(u64),
    /// Posted, not answered.
    Posted(PostId),
    /// Accepted at this monotonic instant; the stream has not told of it yet.
    Accepted(u64),
}

#[derive(Debug, Clone, Copy)]
struct BackOff {
    until: u64,
    wait: u64,
}

#[derive(Debug)]
struct Posted {
    request: Request,
    /// The lane whose step it is, if it is one.
    lane: Option<Lane>,
}

impl Controller {
    const fn new() -> Self {
        Self {
            desks: LiteMap::new(),
            posts: LiteMap::new(),
            next_post: 1,
            claims: Vec::new(),
            refusals: LiteMap::new(),
        }
    }
}

impl Acts for Controller {
    fn holds(&self, id: &RecordingId) -> bool {
        self.desks.contains_key(id)
    }

    fn held(&self) -> Vec<&RecordingId> {
        self.desks.keys().collect()
    }

    fn refusals(&self) -> &LiteMap<RecordingId, Refusal> {
        &self.refusals
    }

    fn release_all(&mut self) {
        self.desks.clear();
        self.claims.clear();
        self.refusals.clear();
    }

    fn release(&mut self, id: &RecordingId) {
        self.desks.remove(id);
        self.refusals.remove(id);
    }

    fn offered(&mut self, ids: Vec<RecordingId>) {
        self.claims.extend(ids);
    }

    fn leased(&mut self, id: &RecordingId, holder: ClientNumber, own: ClientNumber) {
        if holder == own {
            // Also when it was held before: whatever was posted under the old epoch is void.
            self.desks.insert(id.clone(), Desk { dirty: true, ..Desk::default() });
        } else {
            self.release(id);
        }
    }

    fn look_at_everything(&mut self) {
        for (_, desk) in &mut self.desks {
            desk.dirty = true;
        }
    }

    fn take_stock(&mut self, recordings: &LiteMap<RecordingId, Recording>, own: ClientNumber) {
        for (id, recording) in recordings {
            if let Some(lease) = &recording.lease {
                self.leased(id, lease.client, own);
            }
        }
        self.desks.retain(|id, _| recordings.contains_key(id));
        self.refusals.retain(|id, _| recordings.contains_key(id));
    }

    fn folded(
        &mut self,
        entries: &[&StreamEntry],
        apps: &[String],
        recordings: &LiteMap<RecordingId, Recording>,
        clock: &mut ServerClock,
    ) {
        for new in entries {
            if let Some(desk) = self.desks.get_mut(&new.recording) {
                desk.dirty = true;
                if let Some(posted_at) = desk.posted_at(&new.entry.fact) {
                    clock.at_most(new.entry.at, posted_at);
                }
                desk.forget_what_this_settles(&new.entry.fact, new.entry.number);
            }
        }
        if apps.is_empty() {
            return;
        }
        for (id, desk) in &mut self.desks {
            desk.dirty |= recordings.get(id).is_some_and(|recording| apps.contains(&recording.app));
        }
    }

    fn answered(&mut self, post: PostId, outcome: PostOutcome, now: Timestamp, monotonic: u64) {
        let Some(posted) = self.posts.remove(&post) else { return };
        let Some(lane) = posted.lane else { return };
        let id = match &posted.request {
            Request::Call(id, _) | Request::Decision(id, _) => id.clone(),
            Request::Claim(_) => return,
        };
        let Some(desk) = self.desks.get_mut(&id) else { return };
        // A refusal of a step that is no longer wanted means nothing.
        let Some(step) = desk.steps.get_mut(&lane).filter(|step| step.state == StepState::Posted(post))
        else {
            return;
        };
        match outcome {
            PostOutcome::Accepted => {
                step.state = StepState::Accepted(monotonic);
                desk.back_offs.remove(&lane);
                self.refusals.remove(&id);
            }
            PostOutcome::Unreachable => {
                step.state = StepState::Due(monotonic.saturating_add(AGAIN_WITHOUT_ANSWER));
            }
            PostOutcome::Refused(problem) if problem.kind == "no_lease" => self.release(&id),
            PostOutcome::Refused(problem) if problem.status == 409 => {
                desk.dirty = true;
                desk.steps.remove(&lane);
                desk.back_offs
                    .insert(lane, BackOff { until: monotonic.saturating_add(AGAIN_AFTER_STALE), wait: 0 });
            }
            PostOutcome::Refused(problem) => {
                desk.dirty = true;
                desk.steps.remove(&lane);
                let before = desk.back_offs.get(&lane).map_or(0, |back_off| back_off.wait);
                let wait = (before * 2).clamp(FIRST_BACK_OFF, LAST_BACK_OFF);
                desk.back_offs.insert(lane, BackOff { until: monotonic.saturating_add(wait), wait });
                let refusal = Refusal {
                    request: posted.request,
                    sentence: problem.title,
                    status: problem.status,
                    rule: problem.rule,
                    at: now,
                };
                self.refusals.insert(id, refusal);
            }
        }
    }

    fn act(
        &mut self,
        recordings: &LiteMap<RecordingId, Recording>,
        boards: &LiteMap<String, Board>,
        now: Timestamp,
        monotonic: u64,
    ) -> Vec<(PostId, Request)> {
        let mut out = Vec::new();
        let claims = core::mem::take(&mut self.claims);
        if !claims.is_empty() {
            let request = Request::Claim(ClaimLeases { recordings: claims });
            let post = self.next_post;
            self.next_post += 1;
            self.posts.insert(post, Posted { request: request.clone(), lane: None });
            out.push((post, request));
        }
        let mut due = BinaryHeap::new();
        self.desks.retain(|id, _| recordings.contains_key(id));
        for (id, desk) in &mut self.desks {
            let Some(recording) = recordings.get(id) else { continue };
            if desk.is_to_be_looked_at(now, monotonic) {
                let empty = Board::default();
                let board = boards.get(&recording.app).unwrap_or(&empty);
                desk.decide(recording, rules::steps(recording, board, now), now, monotonic);
                if desk.look_at.is_none() && !desk.steps.is_empty() {
                    // Something is due, so the rules named no instant; another lane may still have one.
                    let planned = rules::planned(recording, board, now).into_iter().map(|(at, ..)| at);
                    desk.look_at = planned.filter(|at| *at > now).min();
                }
            }
            for (lane, step) in &mut desk.steps {
                if let StepState::Accepted(since) = step.state
                    && since.saturating_add(AGAIN_WITHOUT_EFFECT) <= monotonic
                {
                    // It waits for budget, or the proxy thought better of it: the same id again tells which.
                    step.state = StepState::Due(monotonic);
                }
                if matches!(step.state, StepState::Due(at) if at <= monotonic) {
                    due.push(Reverse((urgency(&step.request), id.clone(), *lane)));
                }
            }
        }
        while let Some(Reverse((_, id, lane))) = due.pop() {
            if self.posts.len() >= POSTS_AT_ONCE {
                break;
            }
            let Some(step) = self.desks.get_mut(&id).and_then(|desk| desk.steps.get_mut(&lane)) else {
                continue;
            };
            let on_its_way = self.posts.iter().find(|(_, posted)| same_id(&posted.request, &step.request));
            if let Some((post, _)) = on_its_way {
                // It was given up and is wanted again: the answer to the first post is this one's too.
                step.posted_at = None;
                step.state = StepState::Posted(*post);
                continue;
            }
            let post = self.next_post;
            self.next_post += 1;
            step.state = StepState::Posted(post);
            step.posted_at.get_or_insert(monotonic);
            self.posts.insert(post, Posted { request: step.request.clone(), lane: Some(lane) });
            out.push((post, step.request.clone()));
        }
        out
    }

    fn next_instant(&self, when: &dyn Fn(Timestamp) -> Option<u64>) -> Option<u64> {
        let full = self.posts.len() >= POSTS_AT_ONCE;
        self.desks.values().filter_map(|desk| desk.next_instant(when, full)).min()
    }
}

impl Desk {
    fn is_to_be_looked_at(&mut self, now: Timestamp, monotonic: u64) -> bool {
        let by_rules = self.look_at.is_some_and(|at| at <= now) && self.not_before <= monotonic;
        let by_itself = self.look_again.is_some_and(|at| at <= monotonic);
        core::mem::take(&mut self.dirty) || by_rules || by_itself
    }

    /// Takes over the steps that the rules name now: what is posted for the same lane stays if it is still wanted.
    fn decide(&mut self, recording: &Recording, steps: Vec<Next>, now: Timestamp, monotonic: u64) {
        self.look_at = None;
        self.look_again = None;
        self.not_before = monotonic.saturating_add(SHORTEST_LOOK);
        let mut wanted = LiteMap::new_vec();
        for step in steps {
            match step {
                Next::WaitUntil(at, _) => {
                    self.look_at = Some(self.look_at.map_or(at, |earlier| earlier.min(at)));
                }
                Next::Call(call, _) => {
                    let lane = Lane::of_call(call.session, call.operation);
                    let request = call.after(recording.last);
                    wanted.entry(lane).or_insert(Request::Call(recording.id.clone(), request));
                }
                Next::Decide(decision, _) => {
                    let request = MakeDecision {
                        after: recording.last,
                        kind: decision.kind,
                        rule: decision.rule,
                        evidence: decision.evidence,
                    };
                    wanted.entry(Lane::Decision).or_insert(Request::Decision(recording.id.clone(), request));
                }
                Next::Nothing => {}
            }
        }
        if recording.unreadable {
            wanted.clear();
        }
        self.steps.retain(|lane, step| {
            wanted.get(lane).is_some_and(|request| same_purpose(&step.request, request))
        });
        self.back_offs.retain(|_, back_off| back_off.until > monotonic || back_off.wait > 0);
        for (lane, request) in wanted {
            if self.steps.contains_key(&lane) {
                continue;
            }
            match self.back_offs.get(&lane) {
                Some(back_off) if back_off.until > monotonic => {
                    let again = self.look_again.map_or(back_off.until, |earlier| earlier.min(back_off.until));
                    self.look_again = Some(again);
                }
                Some(_) | None => {
                    let state = StepState::Due(monotonic);
                    self.steps.insert(lane, Step { request, state, posted_at: None });
                }
            }
        }
        // An instant that is past already, with nothing to do: not asked in a tight loop.
        if self.look_at.is_some_and(|at| at > now) {
            self.not_before = monotonic;
        }
    }

    /// When the step was first posted whose effect this is.
    fn posted_at(&self, fact: &Fact) -> Option<u64> {
        let is_effect = |step: &&Step| match (&step.request, fact) {
            (Request::Call(id, call), Fact::CallSent(sent)) => sent.id == call_id(id, call),
            (Request::Decision(_, decision), Fact::Decided(decided)) => decided.kind == decision.kind,
            _ => false,
        };
        self.steps.values().find(is_effect)?.posted_at
    }

    /// An entry settles a step: it is the step's own effect, or it came between, so that the proxy refuses the step.
    fn forget_what_this_settles(&mut self, fact: &Fact, number: EntryNumber) {
        self.steps.retain(|lane, step| match &step.request {
            Request::Call(id, call) => {
                let sent = matches!(fact, Fact::CallSent(sent) if sent.id == call_id(id, call));
                let overtaken = number > call.after && rules::concerns(id, fact, Some(call.session));
                !sent && !overtaken
            }
            Request::Decision(_, decision) => {
                let decided = matches!(fact, Fact::Decided(decided) if decided.kind == decision.kind);
                let in_flight = matches!(step.state, StepState::Posted(_));
                !decided && (in_flight || !is_news(fact, *lane))
            }
            Request::Claim(_) => false,
        });
        // After 409 it is decided anew as soon as the missing entries are here.
        self.back_offs.retain(|_, back_off| back_off.wait > 0);
    }

    fn next_instant(&self, when: &dyn Fn(Timestamp) -> Option<u64>, full: bool) -> Option<u64> {
        if self.dirty {
            return Some(0);
        }
        let by_rules = self.look_at.and_then(when).map(|at| at.max(self.not_before));
        let by_steps = self.steps.values().filter_map(|step| match step.state {
            StepState::Due(at) if !full => Some(at),
            StepState::Due(_) | StepState::Posted(_) => None,
            StepState::Accepted(since) => Some(since.saturating_add(AGAIN_WITHOUT_EFFECT)),
        });
        by_steps.chain(by_rules).chain(self.look_again).min()
    }
}

impl Lane {
    const fn of_call(session: SessionNumber, operation: Operation) -> Self {
        match operation {
            Operation::Query => Self::Query(session),
            Operation::Acquire
            | Operation::Start
            | Operation::Update
            | Operation::UpdateLayout
            | Operation::Stop => Self::Command(session),
        }
    }
}

/// Whether a decision that rests on the entries before this one is to be thought over.
fn is_news(fact: &Fact, lane: Lane) -> bool {
    match fact {
        Fact::Leased(_) => false,
        _ => lane == Lane::Decision,
    }
}

/// Whether the proxy would take both for one.
fn same_id(one: &Request, other: &Request) -> bool {
    match (one, other) {
        (Request::Call(id, call), Request::Call(other_id, other_call)) => {
            call_id(id, call) == call_id(other_id, other_call)
        }
        (Request::Decision(id, decision), Request::Decision(other_id, other_decision)) => {
            id == other_id && decision == other_decision
        }
        (Request::Claim(_), _) | (_, Request::Claim(_)) => false,
        (Request::Call(..), Request::Decision(..)) | (Request::Decision(..), Request::Call(..)) => false,
    }
}

/// Whether a step that was posted earlier is still the one that is wanted. A call stays when only its domain or its
/// attempt would be counted differently now: it has its place in the proxy's queue.
fn same_purpose(posted: &Request, wanted: &Request) -> bool {
    match (posted, wanted) {
        (Request::Call(_, posted), Request::Call(_, wanted)) => posted.operation == wanted.operation,
        (Request::Decision(_, posted), Request::Decision(_, wanted)) => posted.kind == wanted.kind,
        (Request::Call(..) | Request::Decision(..) | Request::Claim(_), _) => false,
    }
}

fn call_id(recording: &RecordingId, call: &MakeCall) -> CallId {
    CallId::new(recording, call.after, call.session, call.operation)
}

/// Decisions first, because calls follow from them; then D1's order.
fn urgency(request: &Request) -> Option<rules::Urgency> {
    match request {
        Request::Call(_, call) => Some(rules::urgency(call.operation, call.rule, call.attempt)),
        Request::Decision(..) | Request::Claim(_) => None,
    }
}
