//! The controller's side: its one call, its one decision, and what comes back.

use std::borrow::Cow;

use agora::{AnswerClass, Operation, Timestamp, UnansweredCause};
use rules::api::{MakeCall, MakeDecision, Problem, Written};
use rules::guards::{Permitted, Refusal};
use rules::journal::{
    By, CallAnswered, CallId, CallSent, CallUnanswered, ClientNumber, LayoutRequested, Repeated, Requested,
    SessionNumber, UpdateRequested,
};
use rules::{Call, Entry, EntryNumber, Fact, RecordingId, RuleId};

use crate::audit::Asking;
use crate::budget::Place;
use crate::leases::Holding;
use crate::ledger::{Change, Kept};
use crate::ports::{Request, RequestFacts};
use crate::{Actor, Draft, Now, Outgoing, Output, Switchboard, no_recording, problem, raw_text, unwritable};

/// How many entries a refusal hands out.
const STALE_ENTRIES_MAX: usize = 200;

/// A call that was taken: it leaves when there is budget and nothing came in between.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Posted {
    /// The call.
    pub call: CallId,
}

/// A call that waits for budget. Nothing of it is written, so a restart forgets it.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    id: CallId,
    app: String,
    recording: RecordingId,
    call: MakeCall,
    client: ClientNumber,
    person: String,
    holding: Holding,
    place: Place,
    /// Where it stands among those of equal urgency.
    order: u64,
    /// Who asked for it, for the audit.
    asking: Option<Asking>,
    /// A stop that came with the press that asked for it: it does not leave before this instant (T7). It rests on what
    /// the person wrote down, not on the lease, and not on what came since.
    not_before: Option<Timestamp>,
}

impl Waiting {
    fn key(&self) -> (RecordingId, SessionNumber) {
        (self.recording.clone(), self.call.session)
    }
}

impl Switchboard {
    /// The controller wants one call made. It is taken, or refused; its outcome comes by the stream.
    ///
    /// # Errors
    /// The refusal, when the lease, the entries since, or the rules say no. Then nothing was written or sent.
    pub fn call_posted(
        &mut self,
        actor: &Actor,
        recording: &RecordingId,
        call: MakeCall,
        now: Now,
    ) -> Result<Posted, Problem> {
        let posted = self.take_call(actor, recording, call, now);
        if posted.is_err() {
            self.counts.refused += 1;
        }
        self.pump(now);
        posted
    }

    fn take_call(
        &mut self,
        actor: &Actor,
        recording: &RecordingId,
        call: MakeCall,
        now: Now,
    ) -> Result<Posted, Problem> {
        let (client, holding) = self.controller(actor, recording)?;
        let kept = self.ledger.recordings.get(recording).ok_or_else(|| no_recording(recording))?;
        let id = CallId::new(recording, call.after, call.session, call.operation);
        if kept.sent.contains(&id) || self.waiting.iter().any(|waiting| waiting.id == id) {
            return Ok(Posted { call: id });
        }
        self.posted += 1;
        let waiting = Waiting {
            id: id.clone(),
            app: kept.folded.app.clone(),
            recording: recording.clone(),
            place: match call.operation {
                Operation::Acquire => Place::WithNext,
                Operation::Start => Place::Kept,
                Operation::Query | Operation::Update | Operation::UpdateLayout => Place::One,
                Operation::Stop => Place::Last,
            },
            call,
            client,
            person: actor.person.clone(),
            holding,
            order: self.posted,
            asking: self.who_asks(),
            not_before: None,
        };
        if !self.windows.contains_key(&waiting.app) {
            let title = format!("The configuration has no App ID called {:?} any more.", waiting.app);
            return Err(problem(422, "not_permitted", title));
        }
        self.check(&waiting, now)?;
        let MakeCall { operation, session, .. } = waiting.call;
        self.refuses_while_unwritten(recording, operation, session).map_err(|error| unwritable(&error))?;
        self.line_up(waiting);
        Ok(Posted { call: id })
    }

    /// Keeps the stops that came with a press until it can no longer be taken back. Those that the rules would refuse
    /// then are left to whoever decides anew.
    pub(crate) fn keep_stops(
        &mut self,
        actor: &Actor,
        client: Option<ClientNumber>,
        recording: &RecordingId,
        calls: &[Call],
        now: Now,
    ) {
        let Some(kept) = self.ledger.recordings.get(recording) else { return };
        let Some(board) = self.ledger.boards.get(&kept.folded.app) else { return };
        let Some(client) = client else { return };
        let holding = Holding { client, epoch: kept.epoch };
        let mut stops = Vec::new();
        for call in calls {
            let Some(not_before) = rules::stop::asked_for_at(&kept.folded, call.session) else { continue };
            let not_before = not_before.max(self.journal_now(now));
            let call = call.after(kept.folded.last);
            if !self.windows.contains_key(&kept.folded.app)
                || self.was_stopped(recording, call.session)
                || rules::permits(&kept.folded, board, &call, not_before).is_err()
            {
                continue;
            }
            stops.push(Waiting {
                id: CallId::new(recording, call.after, call.session, call.operation),
                app: kept.folded.app.clone(),
                recording: recording.clone(),
                place: Place::Last,
                call,
                client,
                person: actor.person.clone(),
                holding,
                order: 0,
                asking: self.who_asks(),
                not_before: Some(not_before),
            });
        }
        for stop in stops {
            self.posted += 1;
            self.line_up(Waiting { order: self.posted, ..stop });
        }
    }

    /// Whether a stop of this session left already: what comes after it follows its answer (T3, T4, T8).
    fn was_stopped(&self, recording: &RecordingId, session: SessionNumber) -> bool {
        let session = self.recording(recording).and_then(|recording| recording.session(session));
        session.is_some_and(|session| session.halt.sent_entry > 0)
    }

    /// The stop was taken back.
    pub(crate) fn forget_kept_stops(&mut self, recording: &RecordingId) {
        self.waiting.retain(|waiting| waiting.not_before.is_none() || waiting.recording != *recording);
    }

    /// Puts a call into the queue.
    fn line_up(&mut self, waiting: Waiting) {
        // The same step decided anew, after an entry that does not concern it, keeps its place in the queue.
        let same = |other: &Waiting| {
            other.recording == waiting.recording
                && other.call.session == waiting.call.session
                && other.call.operation == waiting.call.operation
        };
        match self.waiting.iter().position(same) {
            // A kept stop needs nobody's lease any more: it stays, and is the same call.
            Some(index) if waiting.not_before.is_none() && self.waiting[index].not_before.is_some() => {}
            Some(index) => {
                let order = self.waiting[index].order;
                self.waiting[index] = Waiting { order, ..waiting };
            }
            None => self.waiting.push(waiting),
        }
    }

    /// The controller declares what the rules conclude.
    ///
    /// # Errors
    /// The refusal; then nothing was written.
    pub fn decision_posted(
        &mut self,
        actor: &Actor,
        recording: &RecordingId,
        decision: MakeDecision,
        now: Now,
    ) -> Result<Written, Problem> {
        let written = self.take_decision(actor, recording, decision, now);
        if written.is_err() {
            self.counts.refused += 1;
        }
        self.pump(now);
        written
    }

    fn take_decision(
        &mut self,
        actor: &Actor,
        recording: &RecordingId,
        decision: MakeDecision,
        now: Now,
    ) -> Result<Written, Problem> {
        let (client, holding) = self.controller(actor, recording)?;
        self.fresh(recording, decision.after, decision.kind.session())?;
        let at = self.journal_now(now);
        let kept = self.ledger.recordings.get(recording).ok_or_else(|| no_recording(recording))?;
        let board = self.ledger.boards.get(&kept.folded.app).ok_or_else(|| no_recording(recording))?;
        let decided = match rules::admits(&kept.folded, board, &decision, at) {
            Ok(decided) => decided,
            Err(refusal) => {
                return Err(self.refused_or_stale(recording, decision.after, "not_admitted", refusal));
            }
        };
        let by = By::Client { client, epoch: holding.epoch, name: actor.person.clone() };
        let draft = Draft { recording: recording.clone(), by, fact: Fact::Decided(decided) };
        let numbers = self.write(vec![draft], None, now).map_err(|error| unwritable(&error))?;
        Ok(Written { number: numbers.first().copied().unwrap_or_default() })
    }

    /// An HTTP answer came, perhaps late (D8). It is written before anybody acts on it.
    pub fn answered(&mut self, call: &CallId, status: u16, retry_after: Option<&str>, body: &[u8], now: Now) {
        let Some(open) = self.ledger.open.get(call).cloned() else { return };
        let Some(kept) = self.ledger.recordings.get(&open.recording) else { return };
        self.counts.calls_answered += 1;
        let answer = agora::classify(open.operation, kept.folded.mode, status, retry_after, body);
        let key = (open.recording.clone(), open.session);
        let at = self.steady_now(now);
        if let Some(window) = self.windows.get_mut(&kept.folded.app) {
            if matches!(answer.class, AnswerClass::RateLimited { .. }) {
                window.rate_limited(at);
            }
            if open.operation == Operation::Acquire && !matches!(answer.class, AnswerClass::Acquired(_)) {
                window.release(&key);
            }
        }
        let before = kept.answers.get(&open.session);
        let equal = before.filter(|(_, before)| *before == answer).map(|(entry, _)| *entry);
        let routine = is_routine(open.rule) && matches!(answer.class, AnswerClass::Status(_));
        let fact = match equal.filter(|_| routine && !open.given_up) {
            Some(of) => Fact::Repeated(Repeated { id: call.clone(), of }),
            None => Fact::CallAnswered(CallAnswered { id: call.clone(), answer, raw: Some(raw_text(body)) }),
        };
        self.write_surely(Draft { recording: open.recording, by: By::Agora, fact }, now);
        self.pump(now);
    }

    /// A call had no answer in time, or none at all. After a time-out a late answer is still taken, until
    /// [`Switchboard::finished`].
    pub fn unanswered(&mut self, call: &CallId, cause: UnansweredCause, now: Now) {
        let Some(open) = self.ledger.open.get(call).cloned() else { return };
        if open.given_up {
            return;
        }
        self.counts.calls_unanswered += 1;
        if let Some(kept) = self.ledger.recordings.get(&open.recording)
            && let Some(window) = self.windows.get_mut(&kept.folded.app)
            && open.operation == Operation::Acquire
        {
            window.release(&(open.recording.clone(), open.session));
        }
        let fact = Fact::CallUnanswered(CallUnanswered { id: call.clone(), cause });
        self.write_surely(Draft { recording: open.recording, by: By::Proxy, fact }, now);
        self.pump(now);
    }

    /// Nothing more will come of this call.
    pub fn finished(&mut self, call: &CallId) {
        if self.ledger.open.get(call).is_some_and(|open| open.given_up) {
            self.ledger.open.remove(call);
        }
    }

    /// Sends what has a place, most urgent first (D1).
    pub(crate) fn pump(&mut self, now: Now) {
        if self.waiting.is_empty() {
            return;
        }
        let apps: Vec<String> = self.windows.keys().cloned().collect();
        for app in apps {
            let at = self.steady_now(now);
            while let Some(index) = self.next_in_line(&app, at, self.journal_now(now)) {
                let waiting = self.waiting.remove(index);
                let key = waiting.key();
                let Some(window) = self.windows.get_mut(&app) else { break };
                if waiting.place == Place::WithNext {
                    // What an earlier acquire of this session kept is of no use any more.
                    window.release(&key);
                }
                if !window.take(&key, waiting.place, at) {
                    self.waiting.push(waiting);
                    break;
                }
                if !self.send(&waiting, now) {
                    self.counts.dropped += 1;
                    if let Some(window) = self.windows.get_mut(&app) {
                        window.give_back(&key);
                    }
                }
            }
        }
    }

    /// Checks, writes `CallSent`, sends. False if one of them failed: then nothing was written or sent.
    fn send(&mut self, waiting: &Waiting, now: Now) -> bool {
        let Ok((permitted, request)) = self.check(waiting, now) else { return false };
        let Waiting { id, app, recording, call, client, person, holding, asking, .. } = waiting;
        let sent = CallSent {
            id: id.clone(),
            session: call.session,
            operation: call.operation,
            uid: permitted.uid,
            domain: permitted.domain,
            host: request.host.clone(),
            rule: call.rule,
            attempt: call.attempt,
            body_hash: request.body_hash.clone(),
            late: permitted.late,
            asynchronous: permitted.asynchronous,
        };
        let by = By::Client { client: *client, epoch: holding.epoch, name: person.clone() };
        let draft = Draft { recording: recording.clone(), by, fact: Fact::CallSent(sent) };
        let written = self.asked_by(asking.clone(), |desk| desk.write(vec![draft], None, now));
        if written.is_err() {
            return false;
        }
        self.counts.calls_sent += 1;
        self.outputs.push_back(Output::Send(Box::new(Outgoing {
            call: id.clone(),
            app: app.clone(),
            get: call.operation == Operation::Query,
            request,
            wait: permitted.answer_wait,
        })));
        true
    }

    /// Everything that must be so at the moment a call leaves.
    fn check(&mut self, waiting: &Waiting, now: Now) -> Result<(Permitted, Request), Problem> {
        let Waiting { recording, call, holding, .. } = waiting;
        if waiting.not_before.is_none() {
            if self.leases.holder(recording) != Some(*holding) {
                return Err(no_lease(recording));
            }
            self.fresh(recording, call.after, Some(call.session))?;
        } else if self.was_stopped(recording, call.session) {
            return Err(stale(Vec::new()));
        }
        let at = self.journal_now(now);
        let kept = self.ledger.recordings.get(recording).ok_or_else(|| no_recording(recording))?;
        let board = self.ledger.boards.get(&kept.folded.app).ok_or_else(|| no_recording(recording))?;
        let permitted = match rules::permits(&kept.folded, board, call, at) {
            Ok(permitted) => permitted,
            Err(refusal) => {
                return Err(self.refused_or_stale(recording, call.after, "not_permitted", refusal));
            }
        };
        let (requested, update, layout) = carried(kept, call.operation, &permitted.changes);
        let resource = kept.folded.session(call.session).and_then(|session| session.resource.as_ref());
        let facts = RequestFacts {
            requested: requested.as_ref(),
            operation: call.operation,
            domain: permitted.domain,
            uid: permitted.uid,
            resource_id: permitted.resource_id.as_ref(),
            resource_at: resource.map(|resource| resource.at),
            sid: permitted.sid.as_ref(),
            asynchronous: permitted.asynchronous,
            exclude: &permitted.exclude,
            update: update.as_ref(),
            layout: layout.as_ref(),
        };
        let request =
            self.requests.build(&facts).map_err(|sentence| problem(422, "not_permitted", sentence))?;
        if let Some(first) = permitted.repeats {
            let body_hash = self.body_hash(recording, first)?;
            if body_hash != request.body_hash {
                let title = "The configuration was changed since this request was first sent, so it cannot be \
                             repeated with the same body: acquire anew.";
                return Err(problem(422, "not_permitted", title));
            }
        }
        Ok((permitted, request))
    }

    fn body_hash(&mut self, recording: &RecordingId, sent: EntryNumber) -> Result<String, Problem> {
        let entries = self.entries_after(recording, sent.saturating_sub(1), 1);
        let entries = entries.map_err(|error| unwritable(&error))?;
        match entries.into_iter().next().map(|entry| entry.fact) {
            Some(Fact::CallSent(sent)) => Ok(sent.body_hash),
            _ => Err(problem(422, "not_permitted", format!("Entry {sent} is not a call that was sent."))),
        }
    }

    /// The client that this request comes from, and the lease that it holds.
    fn controller(&self, actor: &Actor, recording: &RecordingId) -> Result<(ClientNumber, Holding), Problem> {
        if self.recording(recording).is_none() {
            return Err(no_recording(recording));
        }
        let client = self.proven_client(actor)?.ok_or_else(|| {
            let title = "This needs the number and the secret of an open stream, in its two headers.";
            problem(403, "no_lease", title)
        })?;
        match self.leases.holder(recording) {
            Some(holding) if holding.client == client => Ok((client, holding)),
            _ => Err(no_lease(recording)),
        }
    }

    /// Refuses what was decided before something came that concerns it.
    fn fresh(
        &mut self,
        recording: &RecordingId,
        after: EntryNumber,
        session: Option<SessionNumber>,
    ) -> Result<(), Problem> {
        let last = self.recording(recording).map_or(0, |recording| recording.last);
        if after == last {
            return Ok(());
        }
        if after > last {
            let title = format!("`after` is {after}, but the newest entry of this recording is {last}.");
            return Err(problem(422, "bad_request", title));
        }
        let entries = self.entries_after(recording, after, STALE_ENTRIES_MAX);
        let entries = entries.map_err(|error| unwritable(&error))?;
        let concerns = |entry: &Entry| rules::concerns(recording, &entry.fact, session);
        // Whoever is that far behind is not looked at any closer.
        if entries.len() < STALE_ENTRIES_MAX && !entries.iter().any(concerns) {
            return Ok(());
        }
        Err(stale(entries))
    }

    /// Refuses what the rules refuse; but what came meanwhile goes first, even where it does not seem to concern the step:
    /// a notification changes what a conclusion rests on.
    fn refused_or_stale(
        &mut self,
        recording: &RecordingId,
        after: EntryNumber,
        kind: &str,
        refusal: rules::Refusal,
    ) -> Problem {
        match self.entries_after(recording, after, STALE_ENTRIES_MAX) {
            Ok(entries) if !entries.is_empty() => stale(entries),
            Ok(_) | Err(_) => refused(kind, refusal),
        }
    }

    /// The place in the queue of the call that leaves next, if it may leave now.
    fn next_in_line(&self, app: &str, at: Timestamp, journal: Timestamp) -> Option<usize> {
        let window = self.windows.get(app)?;
        let free_now = |waiting: &Waiting| window.free_at(&waiting.key(), waiting.place, at) <= at;
        self.line_of(app, journal).into_iter().find(|index| free_now(&self.waiting[*index]))
    }

    /// Those that may be next: a start whose place is kept, and the most urgent one. The others wait behind it, even
    /// where there would be room for them: an acquire needs two places, and would never find them. A stop is always the
    /// most urgent.
    fn line_of(&self, app: &str, journal: Timestamp) -> Vec<usize> {
        let may = |waiting: &Waiting| {
            waiting.app == app && waiting.not_before.is_none_or(|before| before <= journal)
        };
        let of_app = || self.waiting.iter().enumerate().filter(|(_, waiting)| may(waiting));
        let window = self.windows.get(app);
        let kept = of_app().filter(|(_, waiting)| {
            waiting.place == Place::Kept && window.is_some_and(|window| window.keeps(&waiting.key()))
        });
        let first = of_app().min_by_key(|(_, waiting)| {
            let MakeCall { operation, rule, attempt, .. } = waiting.call;
            (rules::urgency(operation, rule, attempt), waiting.order)
        });
        kept.chain(first).map(|(index, _)| index).collect()
    }

    /// When a waiting call may leave, in the budget's time.
    pub(crate) fn next_sending(&self, now: Now) -> Option<Timestamp> {
        if self.waiting.is_empty() {
            return None;
        }
        let at = self.steady_now(now);
        let free = self.windows.iter().flat_map(|(app, window)| {
            let line = self.line_of(app, self.journal_now(now)).into_iter();
            line.map(|index| window.free_at(&self.waiting[index].key(), self.waiting[index].place, at))
        });
        free.min()
    }

    /// When the next stop that is kept may leave, in the journal's time.
    pub(crate) fn next_kept(&self, now: Now) -> Option<Timestamp> {
        let at = self.journal_now(now);
        self.waiting.iter().filter_map(|waiting| waiting.not_before.filter(|before| *before > at)).min()
    }
}

/// What the body of a call carries of what staff asked to be changed (U1, U2, R1): the recording as it was asked for, with
/// what was changed if this is a start; and what an update or a layout consists of.
fn carried<'a>(
    kept: &'a Kept,
    operation: Operation,
    changes: &[EntryNumber],
) -> (Cow<'a, Requested>, Option<UpdateRequested>, Option<LayoutRequested>) {
    let mut requested = Cow::Borrowed(kept.requested.as_ref());
    let (mut all, mut last) = (None, None);
    for change in changes.iter().filter_map(|number| kept.changes.get(number)) {
        match (operation, change) {
            (Operation::Start, Change::Update(update)) => requested.to_mut().put_over(update),
            (Operation::Start, Change::Layout(layout)) => requested.to_mut().put_layout(&layout.layout),
            (Operation::Update, Change::Update(update)) => {
                all.get_or_insert_with(UpdateRequested::default).put_over(update);
            }
            (Operation::UpdateLayout, Change::Layout(layout)) => last = Some(layout.as_ref().clone()),
            _ => {}
        }
    }
    (requested, all, last)
}

fn no_lease(recording: &RecordingId) -> Problem {
    problem(403, "no_lease", format!("Another client acts for {recording} now, or nobody does yet."))
}

fn refused(kind: &str, refusal: Refusal) -> Problem {
    Problem { rule: refusal.rule, ..problem(422, kind, refusal.sentence) }
}

/// The refusal of a step that was decided before these entries came.
fn stale(entries: Vec<Entry>) -> Problem {
    let title = "Something came in between; fold these entries and decide anew.";
    let without_raw = entries.into_iter().map(|mut entry| {
        if let Some(raw) = entry.fact.raw_mut() {
            *raw = None;
        }
        entry
    });
    Problem { entries: without_raw.collect(), ..problem(409, "stale", title) }
}

/// D1's last class, whose answers are mostly the same.
const fn is_routine(rule: RuleId) -> bool {
    matches!(rule, RuleId::M1 | RuleId::M9 | RuleId::L1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_body_is_cut_and_says_how_long_it_was() {
        let text = raw_text(&[b'x'; 20_000]);
        assert!(text.ends_with("x… (20000 bytes in all)"));
        assert!(text.len() < 17_000);
        assert_eq!(raw_text(b"{\"a\":1}"), "{\"a\":1}");
        assert_eq!(raw_text(&[0xff, b'a']), "\u{fffd}a");
    }
}
