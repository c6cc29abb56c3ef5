//! The engine beside the reference model ([`crate::model`]), after every event: both say what is concluded and which calls
//! are due when. Only what an entry touched is looked at again.

use core::time::Duration;
use std::collections::BTreeMap;

use agora::{Operation, Timestamp, Uid};
use rules::journal::{AlarmCause as Alarm, DecisionKind as Kind, Domain, WaitingFor};
use rules::{Board, Call, Entry, Fact, RecordingId, RuleId, SessionNumber};

use crate::history::Came;
use crate::instants::other_suffix;
use crate::reading::{Recording, Session, State};

/// A call that is due at an instant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub session: SessionNumber,
    pub uid: Uid,
    pub operation: Operation,
    pub at: Timestamp,
    pub rule: RuleId,
    pub attempt: u32,
    pub domain: Domain,
}

/// What the model wants done: calls, and conclusions from an instant on.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub calls: Vec<Plan>,
    pub conclusions: Vec<(Timestamp, Kind, RuleId)>,
}

/// All recordings of one App ID as the model reads them, and what the App ID remembers beside them.
#[derive(Debug, Default)]
pub struct Model {
    pub(crate) recordings: BTreeMap<RecordingId, Recording>,
    /// The domain that goes first, and whether the region has one (D2).
    pub(crate) first: Domain,
    pub(crate) region: bool,
    /// When the last notification came.
    pub(crate) notified: Option<Timestamp>,
    /// When the first one came: for a moment no page knows of it.
    pub(crate) notified_first: Option<Timestamp>,
}

/// Facts of the App ID reach a page with a heartbeat, a real second later at most: so long at forty times its speed.
const TOLD_WITHIN: Duration = Duration::from_secs(60);

impl Model {
    /// Takes in an entry.
    pub fn take(&mut self, id: &RecordingId, entry: &Entry) {
        if matches!(entry.fact, Fact::Notified(_)) {
            // A notification makes no step stale that was decided without it.
            let before = self.recordings.get(id).map(|recording| recording.last_at);
            let due = before.map(|before| self.due(id, before, true).calls);
            if let (Some(due), Some(recording)) = (due, self.recordings.get_mut(id)) {
                recording.was_due.extend(due);
            }
        }
        let leased = matches!(entry.fact, Fact::Leased(_));
        let interval = if leased { self.interval_due(id) } else { None };
        match self.recordings.get_mut(id) {
            Some(recording) => recording.take(entry, interval),
            None => {
                if let Some(begun) = Recording::begin(entry) {
                    self.recordings.insert(id.clone(), begun);
                }
            }
        }
    }

    /// M10: how soon something was due when somebody last acted.
    fn interval_due(&self, id: &RecordingId) -> Option<Duration> {
        let it = Recording { hurried: None, ..self.recordings.get(id)?.clone() };
        let look = Look {
            model: self,
            id,
            it: &it,
            now: it.acted,
            alone: false,
            unnotified: false,
            due: Due::default(),
        };
        let queries = it.sessions.iter().filter(|session| session.watched()).filter_map(|session| {
            // One that may record was due within its interval, whatever came meanwhile.
            let records = matches!(session.state, State::Accepted | State::Live | State::Ending)
                && session
                    .accepted_at()
                    .is_some_and(|sid| it.acted < sid + Duration::from_secs(3600 * it.hours));
            let routine = records.then(|| it.acted + look.routine(session));
            let planned = look.query(session).map(|plan| plan.at);
            [routine, planned].into_iter().flatten().min()
        });
        let start = (it.round.is_some() && !it.waiting).then(|| it.acted + Duration::from_secs(15));
        let soonest = queries.chain(start).min()?;
        Some(soonest.since(it.acted).max(Duration::from_secs(1)))
    }

    /// What is due for a recording at this instant.
    pub(crate) fn due(&self, id: &RecordingId, now: Timestamp, alone: bool) -> Due {
        let Some(it) = self.recordings.get(id) else { return Due::default() };
        let mut look = Look { model: self, id, it, now, alone, unnotified: false, due: Due::default() };
        look.everything();
        look.due
    }

    /// The same as somebody sees it who was not told yet that notifications come.
    fn due_unnotified(&self, id: &RecordingId, now: Timestamp) -> Due {
        let fresh = self.notified_first.is_some_and(|first| now.since(first) <= TOLD_WITHIN);
        let Some(it) = self.recordings.get(id).filter(|_| fresh) else { return Due::default() };
        let mut look = Look { model: self, id, it, now, alone: true, unnotified: true, due: Due::default() };
        look.everything();
        look.due
    }

    /// S11: whether no session of the channel may hold this UID.
    pub(crate) fn is_free(&self, channel: &str, uid: Uid) -> bool {
        let mut here = self.recordings.values().filter(|other| other.channel == channel);
        !here.any(|other| other.sessions.iter().any(|session| session.uid == uid && session.holds()))
    }

    /// What the model has against an entry that is about to be taken in; `ahead` is how far ahead of the proxy's time a
    /// page may be.
    pub fn objection(&self, id: &RecordingId, entry: &Entry, ahead: Duration) -> Option<String> {
        let at = entry.at;
        match &entry.fact {
            Fact::CallSent(sent)
                if !matches!(sent.operation, Operation::Update | Operation::UpdateLayout) =>
            {
                let fits = |plan: &Plan| {
                    let same = plan.session == sent.session && plan.operation == sent.operation;
                    same && plan.uid == sent.uid && plan.at <= at + ahead
                };
                // It may have been decided any time since the entry before.
                let before = self.recordings.get(id).map_or(at, |recording| recording.last_at);
                let due = self.due(id, at, true);
                let was_due = self.recordings.get(id).map_or(&[][..], |recording| &recording.was_due);
                let allowed = due.calls.iter().any(fits)
                    || self.due(id, before, true).calls.iter().any(fits)
                    || was_due.iter().any(fits)
                    || self.due_unnotified(id, at).calls.iter().any(fits);
                (!allowed).then(|| format!("{id} at {at}: {sent:?}, where the model has {:?}", due.calls))
            }
            Fact::Decided(decision) => {
                let due = self.due(id, at, false);
                let fits = |(from, kind, rule): &(Timestamp, Kind, RuleId)| {
                    *from <= at && *kind == decision.kind && *rule == decision.rule
                };
                let allowed = due.conclusions.iter().any(fits);
                (!allowed)
                    .then(|| format!("{id} at {at}: {decision:?}, where the model has {:?}", due.conclusions))
            }
            _ => None,
        }
    }

    /// Where the engine and the model do not agree about a recording at this instant.
    pub fn difference(
        &mut self,
        recording: &rules::Recording,
        board: &Board,
        now: Timestamp,
    ) -> Option<String> {
        let policy = &recording.policy;
        self.first = board.domain(policy, now, false);
        self.region = board.facts().has_region;
        self.notified = board.facts().notified;
        self.notified_first = self.notified_first.or(self.notified);
        let stale = board.domain(policy, now, true) != self.first;
        let own = self.due(&recording.id, now, false);
        let engine = rules::outlook(recording, board, now);
        let is_alarm = |kind: &Kind| matches!(kind, Kind::Alarm(_));
        let now_due = |alarms: bool| {
            let due =
                own.conclusions.iter().filter(move |(at, kind, _)| *at <= now && is_alarm(kind) == alarms);
            due.map(|(_, kind, rule)| (kind, *rule)).collect::<Vec<_>>()
        };
        let found = |alarms: bool| {
            let found = engine.concluded.iter().filter(move |decision| is_alarm(&decision.kind) == alarms);
            found.map(|decision| (&decision.kind, decision.rule)).collect::<Vec<_>>()
        };
        for alarms in [false, true] {
            let (mine, theirs) = (now_due(alarms), found(alarms));
            let same = mine.len() == theirs.len() && mine.iter().all(|one| theirs.contains(one));
            if !same {
                return Some(format!(
                    "{} at {now}: the engine concludes {theirs:?}, the model {mine:?}",
                    recording.id
                ));
            }
            if !mine.is_empty() {
                // What is concluded changes what is called; it is looked at again then.
                return None;
            }
        }
        let domain = |domain| if stale { self.first } else { domain };
        let theirs = engine.planned.iter().map(|(at, call)| {
            let Call { session, operation, rule, attempt, domain: to } = *call;
            (session, operation.as_str(), (*at).max(now), rule, attempt.number, domain(to))
        });
        let mine = own.calls.iter().map(|plan| {
            let Plan { session, operation, rule, attempt, domain: to, .. } = *plan;
            (session, operation.as_str(), plan.at.max(now), rule, attempt, domain(to))
        });
        let (mut theirs, mut mine): (Vec<_>, Vec<_>) = (theirs.collect(), mine.collect());
        mine.sort_unstable();
        theirs.sort_unstable();
        if mine != theirs {
            return Some(format!(
                "{} at {now}: the engine plans {theirs:?}, the model {mine:?}",
                recording.id
            ));
        }
        let soonest = own.conclusions.iter().map(|(at, ..)| *at).min();
        let wakes = engine.looks.into_iter().chain(theirs.iter().map(|plan| plan.2)).min();
        let asleep = soonest.filter(|soonest| wakes.is_none_or(|wakes| wakes > *soonest));
        asleep.map(|_| {
            format!("{} at {now}: nobody looks again in time for {:?}", recording.id, own.conclusions)
        })
    }
}

/// One recording at an instant.
pub(crate) struct Look<'a> {
    pub model: &'a Model,
    pub id: &'a RecordingId,
    pub it: &'a Recording,
    pub now: Timestamp,
    /// What other recordings do is not looked at: a page may not have known it yet.
    pub alone: bool,
    /// As somebody sees it who was not told yet that notifications come.
    pub unnotified: bool,
    pub due: Due,
}

impl Look<'_> {
    /// Everything that is due, section by section.
    pub fn everything(&mut self) {
        self.start();
        for session in self.it.sessions.iter().filter(|session| session.watched()) {
            self.conclude(session);
            let calls = [self.stop(session), self.query(session)];
            self.due.calls.extend(calls.into_iter().flatten());
        }
        self.control();
        self.twins();
        self.replace();
    }

    pub fn plan(
        &self,
        session: &Session,
        operation: Operation,
        at: Timestamp,
        rule: RuleId,
        attempt: u32,
    ) -> Plan {
        let lane = session.lane(operation);
        let by_gateway = lane.came == Some(Came::Gateway);
        let domain = if by_gateway { other_suffix(lane.to) } else { self.model.first };
        Plan { session: session.number, uid: session.uid, operation, at, rule, attempt, domain }
    }

    pub fn concludes(&mut self, kind: Kind, rule: RuleId) {
        self.due.conclusions.push((self.now, kind, rule));
    }

    /// S9: whether a notification was seen within a day.
    pub fn is_notified(&self) -> bool {
        !self.unnotified
            && self.model.notified.is_some_and(|seen| self.now.since(seen) <= Duration::from_secs(86_400))
    }

    /// An alarm: once for its cause, until that has passed.
    pub fn alarm(&mut self, at: Timestamp, cause: Alarm, rule: RuleId) {
        if !self.has(cause) {
            self.due.conclusions.push((at.max(self.now), Kind::Alarm(cause), rule));
        }
    }

    pub fn has(&self, cause: Alarm) -> bool {
        self.it.alarms.iter().any(|alarm| alarm.cause == cause && !alarm.passed)
    }

    /// Staff decide: the alarm first.
    pub fn wait(&mut self, why: WaitingFor, alarm: Alarm, rule: RuleId) {
        let kind = if self.has(alarm) { Kind::WaitForStaff(why) } else { Kind::Alarm(alarm) };
        self.concludes(kind, rule);
    }
}

#[test]
fn the_model_is_short_enough_to_be_read_at_once() {
    let says = |line: &&str| !line.trim_start().starts_with("//") && line.contains(char::is_alphanumeric);
    let lines = include_str!("model.rs").lines().filter(says).count();
    assert!(lines <= 400, "{lines} lines");
}
