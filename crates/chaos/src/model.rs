//! The reference model: the table of the rules as their text has it, not as the engine does. From what the journals say
//! ([`crate::reading`]) and the time it tells which calls are due when, and what is to be concluded. Its numbers are the
//! documented ones. It leaves out what no schedule makes happen: fatal errors, changes of what runs, pairs, web and
//! individual mode. At most 400 lines that say something (no comment, no closing bracket), so that it can be read at once
//! beside `docs/rules.md`.

use core::time::Duration;

use agora::{Operation, Timestamp, Uid};
use rules::journal::{AlarmCause as Alarm, DecisionKind as Kind, Domain, EndedHow, WaitingFor};
use rules::recording::Because;
use rules::{Patience, RuleId, SessionNumber};

use crate::compare::{Look, Plan};
use crate::history::Came;
use crate::instants::{instant, nth, other_suffix, rhythm, s};
use crate::reading::State::{Accepted, Ending, GivenUp, Live, Lost, NotStarted, Taken, Trying};
use crate::reading::{MayRun, Round, Session, in_use, unclear};

impl Look<'_> {
    /// D2, D4: the same call again, before the operation's own schedule goes on.
    fn repeat(&self, session: &Session, operation: Operation) -> Option<Plan> {
        let lane = session.lane(operation);
        let ended = lane.ended.filter(|_| lane.open.is_none())?;
        if lane.silent > 0 {
            let at = ended + nth(&[1, 3, 6], lane.silent);
            let suffix = other_suffix(lane.from);
            let region = if lane.from == Domain::Region { Domain::Primary } else { Domain::Region };
            let domain = match (lane.silent, self.model.region) {
                (1, _) | (3, false) => lane.from,
                (2, true) if !lane.unresolved => region,
                (3, true) if lane.to == suffix || (lane.to != region && lane.unresolved) => region,
                _ => suffix,
            };
            return Some(Plan { domain, ..self.plan(session, operation, at, RuleId::D2, lane.silent) });
        }
        let at = lane.until.unwrap_or(ended + nth(&[1, 3, 6], lane.limited));
        (lane.limited > 0)
            .then(|| Plan { domain: lane.to, ..self.plan(session, operation, at, RuleId::D4, lane.limited) })
    }

    // ---- S -----------------------------------------------------------------------------------------------------------

    pub fn start(&mut self) {
        let it = self.it;
        let wanted = it.stop.is_none();
        for session in it.sessions.iter().filter(|it| it.trying() && (!wanted || it.stop_due.is_some())) {
            self.after_stop(session, if wanted { RuleId::M4 } else { RuleId::T5 });
        }
        let Some(round) = it.round.filter(|_| wanted && !it.waiting) else { return };
        let last = it.round().next_back();
        let long = it.gap.filter(|gap| gap.to.since(gap.from) > s(600) && round.begun < gap.to);
        let busy = |to| it.round().any(|its| its.acquire.sent.max(its.start.sent).is_some_and(|at| at >= to));
        if long.is_some_and(|gap| !busy(gap.to)) {
            return match last.filter(|last| last.trying()) {
                Some(last) if last.acquire.open.is_some() || last.start.open.is_some() => {}
                Some(last) => self.give_up(last, RuleId::M10),
                None => self.wait(WaitingFor::Unattended, Alarm::Unattended, RuleId::M10),
            };
        }
        let first =
            self.model.recordings.iter().filter(|(_, other)| other.starting() && other.channel == it.channel);
        let first = first.filter_map(|(id, other)| Some((other.round?.begun, id))).min();
        if !self.alone
            && first.is_some_and(|(_, id)| id != self.id)
            && last.is_none_or(|last| last.resource.is_none())
        {
            return; // S10
        }
        match last {
            None => self.first_of_round(round),
            Some(last) if last.trying() && last.resource.is_none() => self.acquiring(last),
            Some(last) if last.trying() => self.starting(last, round),
            Some(last) if last.state == GivenUp => self.onward(last, round),
            Some(_) => {}
        }
    }

    fn acquire(&mut self, uid: Uid, at: Timestamp, rule: RuleId) {
        let (session, operation, domain) = (self.it.next, Operation::Acquire, self.model.first);
        self.due.calls.push(Plan { session, uid, operation, at, rule, attempt: 1, domain });
    }

    fn first_of_round(&mut self, round: Round) {
        let rule = match round.because {
            Because::Replaces(_) => RuleId::R1,
            Because::ChangesOver(_) => RuleId::T6,
            Because::Restarts(_) => RuleId::R2,
            Because::Doubles(_) => RuleId::V4,
            _ => RuleId::S2,
        };
        let it = self.it;
        // S11: none free: the one that was lost, or left behind as a possible orphan, longest ago.
        let free = it.order().into_iter().find(|uid| self.model.is_free(&it.channel, *uid));
        let Some(uid) = free.or_else(|| it.gone_longest()) else { return };
        if round.full == 0 {
            return self.acquire(uid, round.begun, rule);
        }
        let ended = it.sessions.iter().filter_map(|its| its.start.ended.max(its.acquire.ended)).max();
        self.acquire(uid, ended.unwrap_or(round.begun) + nth(&[3, 6, 9, 30], round.full), RuleId::S7);
    }

    fn acquiring(&mut self, session: &Session) {
        let lane = &session.acquire;
        if let Some(repeat) = self.repeat(session, Operation::Acquire) {
            return self.due.calls.push(repeat);
        }
        let (Some(came), Some(ended), None) = (lane.came, lane.ended, &lane.open) else { return };
        if matches!(came, Came::Refused | Came::NotFound) {
            return self.give_up(session, RuleId::D5);
        }
        let full =
            |its: &Session| its.trying() && its.resource.is_none() && its.acquire.came == Some(Came::Pcw);
        let waiting = self.model.recordings.iter().flat_map(|(id, other)| {
            other.sessions.iter().filter(|its| full(its)).map(move |its| (its.begun, id))
        });
        if !self.alone && full(session) && waiting.min().is_some_and(|(_, id)| id != self.id) {
            return; // S8: another has waited longer.
        }
        if !full(session) && lane.tries > 3 {
            self.alarm(ended, Alarm::AcquireFailing, RuleId::S8);
        }
        let gaps = if full(session) { [5, 10, 15, 30] } else { [3, 6, 9, 30] };
        let at = ended + nth(&gaps, lane.tries);
        self.due.calls.push(self.plan(session, Operation::Acquire, at, RuleId::S8, lane.tries));
    }

    fn starting(&mut self, session: &Session, round: Round) {
        let (lane, Some(resource)) = (&session.start, session.resource) else { return };
        if lane.open.is_some() || session.acquire.open.is_some() {
            return;
        }
        if self.it.runs_with(session.uid, session.number) {
            return self.give_up(session, RuleId::S11);
        }
        let tries = self.it.tries(session.uid);
        let attempt = if round.minutes.is_some() { 1 } else { tries + 1 };
        let next = self.repeat(session, Operation::Start).or_else(|| match lane.came {
            None => Some(self.plan(session, Operation::Start, resource, RuleId::S2, attempt)),
            Some(came) => self.again(session, came, round.from, round.minutes.is_some()),
        });
        match (next, lane.came) {
            (Some(plan), _) if self.now.max(plan.at) > resource + s(290) => self.give_up(session, RuleId::S2),
            (Some(plan), _) => self.due.calls.push(plan),
            (None, Some(Came::Server | Came::Gateway)) => self.give_up(session, RuleId::S4),
            (None, Some(came)) if unclear(came) => self.give_up(session, RuleId::S5),
            (None, Some(Came::NoWorker | Came::Already)) => self.give_up(session, RuleId::S6),
            (None, Some(Came::Conflict)) => self.give_up(session, RuleId::S7),
            (None, Some(Came::Expired)) => self.give_up(session, RuleId::S2),
            (None, _) => self.give_up(session, RuleId::D5),
        }
    }

    /// S4, S5: the same body on the same resource ID.
    fn again(&self, session: &Session, came: Came, from: SessionNumber, minutes: bool) -> Option<Plan> {
        let lane = &session.start;
        let of_round = || self.it.sessions.iter().filter(|its| its.number >= from && its.uid == session.uid);
        let tries: u32 = of_round().map(|its| its.start.tries).sum();
        let second = of_round().any(|its| its.number < session.number && its.start.came.is_some_and(unclear));
        let (gap, rule) = match came {
            _ if minutes || tries >= 4 => return None,
            Came::Server | Came::Gateway => (nth(&[3, 6, 9], tries), RuleId::S4),
            Came::Code65 | Came::Unclear if !second && lane.tries <= 2 => {
                (nth(&[3, 6], lane.tries), RuleId::S5)
            }
            _ => return None,
        };
        Some(self.plan(session, Operation::Start, lane.ended? + gap, rule, tries + 1))
    }

    /// S9: as a possible orphan where it may run.
    fn give_up(&mut self, session: &Session, rule: RuleId) {
        let unlikely = session.may_run == MayRun::Unlikely;
        match session.may_run {
            MayRun::No => self.concludes(Kind::Abandoned(session.number), rule),
            _ => self.concludes(Kind::Orphaned { session: session.number, unlikely }, RuleId::S9),
        }
    }

    fn onward(&mut self, last: &Session, round: Round) {
        let it = self.it;
        let (came, ended) = last.failed();
        if matches!(came, Some(Came::Refused | Came::NotFound)) {
            return self.wait(WaitingFor::Refused, Alarm::StartRefused, RuleId::D5);
        }
        if let Some(since) = round.minutes {
            if self.now >= since + s(1800) {
                return self.wait(WaitingFor::StartTries, Alarm::StartFailing, RuleId::S4);
            }
            return self.acquire(it.in_turn(last.uid), ended + s(60), RuleId::S4);
        }
        let like = |fits: fn(Came) -> bool| {
            let same = it.round().filter(|its| its.uid == last.uid && its.start.came.is_some_and(fits));
            same.count() as u32
        };
        let (few, free) = (it.tries(last.uid) < 4, self.model.is_free(&it.channel, last.uid));
        let no_worker = like(|came| came == Came::NoWorker);
        let same = match came {
            None if free => Some((0, RuleId::S2)),
            Some(Came::Expired) if few && free => Some((0, RuleId::S2)),
            Some(Came::NoWorker) if few && free && no_worker <= 3 => {
                Some(([0, 3, 6][no_worker as usize - 1], RuleId::S6))
            }
            Some(came) if unclear(came) && few && like(unclear) <= 1 => Some((0, RuleId::S5)),
            Some(Came::Server | Came::Gateway) if few => Some((0, RuleId::S2)),
            _ => None,
        };
        if let Some((gap, rule)) = same {
            return self.acquire(last.uid, ended + s(gap), rule);
        }
        let rule = if came.is_some_and(in_use) { RuleId::S7 } else { RuleId::S4 };
        let untried =
            |uid: &Uid| it.round().all(|its| its.uid != *uid) && self.model.is_free(&it.channel, *uid);
        // S9: where notifications come, one may still tell of what this UID left behind.
        let ours = |its: &Session| {
            let holder = its.number == last.number || came == Some(Came::Conflict);
            holder && its.uid == last.uid && its.may_run == MayRun::Possibly
        };
        let wait = if self.is_notified() && it.sessions.iter().any(ours) { s(10) } else { s(0) };
        match it.order().into_iter().find(untried) {
            Some(uid) if it.failed_uids() < 2 => self.acquire(uid, ended + wait, rule),
            _ if it.failed_uids() > 0 => self.concludes(Kind::Alarm(Alarm::StartFailing), RuleId::S4),
            _ => self.concludes(Kind::Alarm(Alarm::UidsInUse), RuleId::S7),
        }
    }

    /// T5, M4: no further start, except what may tell a `sid`.
    fn after_stop(&mut self, session: &Session, rule: RuleId) {
        let lane = &session.start;
        if session.acquire.open.is_some() && session.resource.is_none() || lane.open.is_some() {
            return;
        }
        let Some(resource) = session.resource else {
            return self.concludes(Kind::Abandoned(session.number), rule);
        };
        let usable = self.now <= resource + s(290) && !self.it.runs_with(session.uid, session.number);
        let may = lane.came.is_some_and(unclear) || lane.silent > 0 || session.may_run != MayRun::No;
        let round =
            self.it.round.map_or((session.number, false), |round| (round.from, round.minutes.is_some()));
        let again = || {
            let came = lane.came.filter(|came| unclear(*came))?;
            Some(Plan { attempt: lane.tries + 1, ..self.again(session, came, round.0, round.1)? })
        };
        let repeat = self.repeat(session, Operation::Start).filter(|_| may);
        match repeat.or_else(again).filter(|_| usable) {
            Some(plan) => self.due.calls.push(plan),
            None => self.give_up(session, rule),
        }
    }

    // ---- queries -----------------------------------------------------------------------------------------------------

    pub fn query(&self, session: &Session) -> Option<Plan> {
        let (lane, sid) = (&session.query, session.accepted_at()?);
        if !session.watched() || lane.open.is_some() || self.now >= sid + s(3600 * self.it.hours) {
            return None; // T6
        }
        let plan = |at, rule, attempt| Some(self.plan(session, Operation::Query, at, rule, attempt));
        let unasked = |at: &Timestamp| sid <= *at && lane.sent.is_none_or(|sent| sent < *at);
        if let Some(pressed) = self.it.hurried.filter(unasked) {
            return plan(pressed, RuleId::M1, 1);
        }
        if let Some(back) = self.it.gap.map(|gap| gap.to).filter(unasked) {
            return plan(back, RuleId::M10, 1);
        }
        let repeat = self.repeat(session, Operation::Query);
        let calm = session.absent.is_none() && session.unclear.is_none() && session.refused.is_none();
        let to_name = calm && session.state == Live && !session.named && !session.adopted;
        let files = session.confirmed.filter(|_| to_name && session.stop_accepted.is_none());
        let named = |confirmed| instant(confirmed, &[15, 75], lane).map(|(at, n)| (at, RuleId::L1, n));
        // M9: at most one in 5 s, and none before V1's first.
        let first = session.first_asked.map_or(sid + s(5), |_| sid);
        let calm = lane.sent.map_or(sid, |sent| sent + s(5)).max(first);
        let told = session.asks.map(|came| (came.max(calm), RuleId::M9, 1));
        let unseen =
            |due: &Timestamp| lane.sent.is_none_or(|sent| sent < *due) && self.now < session.verdict();
        let missed = self.missed(session).filter(unseen).map(|due| (due, RuleId::V4, 1));
        let sooner = [told, missed, files.and_then(named)].into_iter().flatten();
        let scheduled = self.scheduled(session, sid);
        let (at, rule, n) = sooner.fold(scheduled, |one, other| if other.0 < one.0 { other } else { one });
        repeat.or_else(|| plan(at, rule, n))
    }

    /// V4: when a 13 was due that did not come, where the policy waits for one.
    fn missed(&self, session: &Session) -> Option<Timestamp> {
        let due = session.accepted_at()? + s(10);
        let doubles = matches!(session.because, Because::Doubles(_)) || session.replaced;
        let waits = self.it.policy.started_notification
            && self.it.stop_wanted(session).is_none()
            && matches!(session.state, Accepted | Live)
            && !(session.adopted || doubles || session.absent.is_some());
        (waits && session.registered().is_none_or(|at| at > due)).then_some(due)
    }

    /// V4: it answers although none came: a second one is begun.
    fn doubled(&mut self, session: &Session) {
        let Some(due) = self.missed(session) else { return };
        let timely = |asked: Timestamp| asked >= due && asked < session.verdict();
        let good = session.status.is_some_and(|status| status.code <= 5 && timely(status.asked));
        if good && self.it.round.is_none() && !self.it.waiting && !self.it.watched {
            self.concludes(Kind::Replace(session.number), RuleId::V4);
        }
    }

    fn scheduled(&self, session: &Session, sid: Timestamp) -> (Timestamp, RuleId, u32) {
        let lane = &session.query;
        let stopping = self.it.stop_wanted(session).is_some();
        let lost_by_stop = session.stop.came == Some(Came::NotFound) && session.absent.is_some();
        if let Some(accepted) = session.stop_accepted.filter(|_| !lost_by_stop && !session.is_watched_on()) {
            let first = accepted + s(5);
            if lane.ended.is_none_or(|ended| ended < first) && lane.sent.is_none_or(|sent| sent < first) {
                return (first, RuleId::T2, 1);
            }
            let (at, n) = rhythm(first, 15, lane);
            return (at, RuleId::T2, n + 1);
        }
        if let Some(absent) = session.absent.filter(|_| session.is_watched_on() || session.in_doubt()) {
            let end = absent.t0 + s(90);
            if let Some((at, n)) = instant(absent.t0, &[5, 15, 30, 45, 60, 75, 90], lane)
                && lane.ended.is_none_or(|ended| ended < end)
            {
                let rule = if n <= 3 { RuleId::M2 } else { RuleId::M3 };
                return (at, if stopping { RuleId::T3 } else { rule }, n);
            }
            if !session.is_watched_on() {
                let (at, n) = rhythm(end, 15, lane);
                return (at, if stopping { RuleId::T3 } else { RuleId::M3 }, n);
            }
            let on = instant(absent.t0, &[105, 120, 150, 180, 240, 300, 600], lane);
            let (at, n) = on.unwrap_or((lane.ended.unwrap_or(absent.t0) + s(30), 7));
            return (at, RuleId::M11, n);
        }
        let verifying = session.state == Accepted
            || (session.state == Live && !session.recorded && self.now < session.verdict());
        if session.adopted && lane.sent.is_none() {
            return (sid, RuleId::V1, 1);
        }
        let asks = instant(sid, &[5, 10, 20, 35, 50, 65, 80, 90], lane);
        if let Some((at, n)) = asks.filter(|_| verifying && !session.adopted) {
            return (at, RuleId::V1, n);
        }
        let ended = lane.ended.unwrap_or(sid);
        if let Some(since) = session.ending {
            return (ended + s(if ended >= since + s(300) { 60 } else { 15 }), RuleId::M7, 1);
        }
        if let Some(unclear) = session.unclear {
            let quick = unclear.code65.min(2);
            if unclear.count == quick {
                return (ended + nth(&[3, 6], quick), RuleId::M6, quick);
            }
            let n = unclear.count - quick;
            return (ended + nth(&[5, 10, 15, 30], n), RuleId::M5, n);
        }
        let rule = if session.refused.is_some() { RuleId::M8 } else { RuleId::M1 };
        (ended + self.routine(session), rule, 1)
    }

    /// M1: 120 s, or 0.9 of the idle time, not below 15 s, ±5 % by a hash of the `sid`, and at most 40 % of 10 QPS.
    pub fn routine(&self, session: &Session) -> Duration {
        let base = (900 * u64::from(self.it.idle)).clamp(15_000, 120_000);
        let permille = 950 + u64::from(session.hash() % 101);
        let watched = self.model.recordings.values().flat_map(|other| &other.sessions);
        let stretched = watched.filter(|other| other.watched()).count() as u64 * 250;
        Duration::from_micros(base * permille).max(Duration::from_millis(stretched))
    }

    // ---- stops -------------------------------------------------------------------------------------------------------

    pub fn stop(&self, session: &Session) -> Option<Plan> {
        let (since, rule) = self.it.stop_wanted(session)?;
        let lane = &session.stop;
        let lanes = [&session.acquire, &session.start, &session.change, lane];
        let out = self.now >= session.accepted_at()? + s(3600 * self.it.hours);
        if session.state == Taken || out || lanes.iter().any(|lane| lane.open.is_some()) {
            return None;
        }
        let plan = |at, rule, attempt| Some(self.plan(session, Operation::Stop, at, rule, attempt));
        let runs = session.status.filter(|status| status.code <= 5);
        let ended = lane.ended.unwrap_or(since);
        self.repeat(session, Operation::Stop).or_else(|| match lane.came {
            None => plan(since, rule, 1),
            Some(Came::Done) => {
                let again = session.stop_accepted? + s(30);
                plan(runs.filter(|status| status.asked >= again)?.at, RuleId::T4, 1)
            }
            Some(Came::NotFound) => {
                plan(runs.filter(|status| session.absent.is_none() && status.at > ended)?.at, RuleId::T3, 1)
            }
            Some(Came::Refused) => plan(ended + s(60), RuleId::T8, lane.tries),
            Some(_) => plan(ended + nth(&[3, 6, 9, 15], lane.tries), RuleId::T4, lane.tries),
        })
    }

    // ---- conclusions -------------------------------------------------------------------------------------------------

    pub fn conclude(&mut self, session: &Session) {
        let (number, state, now) = (session.number, session.state, self.now);
        let Some(sid) = session.accepted_at() else { return };
        self.doubled(session);
        if session.back {
            return self.concludes(Kind::Recovered(number), RuleId::M4);
        }
        let ended = |how| Kind::Ended { session: number, how };
        if now >= sid + s(3600 * self.it.hours) {
            // T6: no answer is evidence any more; a notification is.
            let told = session.exit().map(|_| (now, ended(EndedHow::Notified), RuleId::T6));
            return self.due.conclusions.extend(told);
        }
        self.alarms(session);
        let told =
            session.absent.and_then(|absent| absent.asked).max(session.status.map(|status| status.asked));
        if self.it.gap.is_some_and(|gap| told.is_none_or(|asked| asked < gap.to)) {
            return; // M10
        }
        let code = session.status.map_or(u8::MAX, |status| status.code);
        let asked = session.status.map(|status| status.asked);
        let wanted = self.it.stop_wanted(session).is_some();
        let absent = session.absent;
        let sent_after =
            |at: Timestamp| absent.and_then(|absent| absent.asked).is_some_and(|asked| asked >= at);
        let by_404 = session.stop.came == Some(Came::NotFound);
        let ours = session.stop_accepted.is_some() || wanted;
        let how = if ours { EndedHow::Stopped } else { EndedHow::Exited };
        match (state, code, absent) {
            _ if session.exit().is_some() && session.stop_accepted.is_some() => {
                return self.concludes(ended(EndedHow::Stopped), RuleId::T2);
            }
            _ if session.exit().is_some_and(sent_after) => {
                return self.concludes(ended(EndedHow::Notified), RuleId::M9);
            }
            (Lost | NotStarted | Taken, _, Some(absent)) if sent_after(absent.t0 + s(600)) => {
                return self.concludes(ended(EndedHow::NotFound), RuleId::M11);
            }
            (.., Some(_)) if session.stop_accepted.is_some_and(sent_after) => {
                return self.concludes(ended(EndedHow::Stopped), RuleId::T2);
            }
            (Ending, _, Some(_)) if session.ending.is_some() => {
                return self.concludes(ended(how), RuleId::M7);
            }
            (Accepted | Ending, 4 | 5, _) => return self.concludes(Kind::Confirmed(number), RuleId::V2),
            (Accepted | Live, 6..=8, _) if session.ending.is_some() => {
                return self.concludes(Kind::Ending(number), RuleId::M7);
            }
            (Accepted | Live, 20, _) if session.ending.is_some() => {
                return self.concludes(Kind::Lost(number), RuleId::M7);
            }
            _ => {}
        }
        let judged =
            session.first_asked.is_some_and(|asked| asked < session.verdict()) && !ours && !session.adopted;
        let never = session.status.is_none() && sent_after(session.verdict());
        let alive = code <= 3 && absent.is_none() && asked.is_some_and(|asked| asked >= session.verdict());
        if state == Accepted && judged && (never || alive) {
            return self.concludes(Kind::NotStarted { session: number, alive }, RuleId::V3);
        }
        let Some(absent) = absent else { return };
        let doubt = session.in_doubt();
        if doubt && !absent.declared {
            return self.concludes(Kind::InDoubt(number), if by_404 { RuleId::T3 } else { RuleId::M2 });
        }
        let ran = doubt || matches!(state, Lost | NotStarted);
        if ran && wanted && by_404 && sent_after(absent.t0 + s(90)) {
            return self.concludes(Kind::TakenAsEnded(number), RuleId::T3);
        }
        let patience = if state == Live { self.it.policy.patience } else { Patience::Patient };
        // F1: a third failover that was told of just now may be what these 404s are about.
        let news_is_old = session.told_last().is_none_or(|told| sent_after(told + s(30)));
        let believed = match patience {
            Patience::Patient if session.proved() < 3 || !news_is_old => sent_after(absent.t0 + s(90)),
            Patience::Patient | Patience::Swift => sent_after(absent.t0 + s(30)),
            Patience::Immediate => true,
        };
        if doubt && !wanted && believed {
            self.concludes(Kind::Lost(number), RuleId::M3);
        }
    }

    fn alarms(&mut self, session: &Session) {
        let (number, state) = (session.number, session.state);
        if let Some((since, _)) = self.it.stop_wanted(session).filter(|_| state != Taken) {
            if session.stop.came == Some(Came::Refused) {
                self.alarm(since, Alarm::StopRefused(number), RuleId::T8);
            }
            self.alarm(since + s(60), Alarm::StopUnconfirmed(number), RuleId::T4);
        }
        if let Some(unclear) = session.unclear {
            self.alarm(unclear.since + s(600), Alarm::Unclear(number), RuleId::M5);
        }
        if let Some(since) = session.refused {
            self.alarm(since, Alarm::Configuration(number), RuleId::M8);
        }
        if let (Some(since), Ending) = (session.ending, state) {
            self.alarm(since + s(300), Alarm::Ending(number), RuleId::M7);
        }
        if let (Some(sid), Accepted) = (session.accepted_at(), state) {
            self.alarm(sid + s(120), Alarm::Unconfirmed(number), RuleId::V3);
        }
    }

    /// T6: what the end of control asks for.
    pub fn control(&mut self) {
        let it = self.it;
        let idle = it.stop.is_none() && it.round.is_none() && !it.waiting && !it.watched;
        for session in it.sessions.iter().filter(|its| matches!(its.state, Accepted | Live | Ending)) {
            let (Some(sid), number) = (session.accepted_at(), session.number) else { continue };
            let whole = s(3600 * it.hours);
            let change = sid + if whole < s(7200) { whole / 2 } else { whole - s(3600) };
            self.alarm(change.min(sid + whole * 95 / 100), Alarm::ControlEnding(number), RuleId::T6);
            self.alarm(sid + whole, Alarm::OutOfControl(number), RuleId::T6);
            let runs = session.state == Live && !session.replaced && it.stop_wanted(session).is_none();
            if runs && idle && it.policy.changeover && self.now < sid + whole {
                self.due.conclusions.push((change.max(self.now), Kind::Replace(number), RuleId::T6));
            }
        }
    }

    /// M4: several run, and staff are asked which to stop.
    pub fn twins(&mut self) {
        let it = self.it;
        let run = || it.sessions.iter().filter(|its| its.state == Live && it.stop_wanted(its).is_none());
        let changing = run().any(|its| matches!(its.because, Because::ChangesOver(_)));
        let back = run().any(|its| its.adopted || its.was_away);
        let said = it.alarms.iter().filter_map(|alarm| match alarm.cause {
            Alarm::Twins(count) => Some((count + 1, alarm.at + s(600))),
            _ => None,
        });
        let (count, at) = said.max().unwrap_or((1, self.now));
        if run().count() > 1 && back && !changing {
            self.alarm(at, Alarm::Twins(count), RuleId::M4);
        }
    }

    /// R1, R3, R5, M10: what follows from a session that is gone.
    pub fn replace(&mut self) {
        let (it, now) = (self.it, self.now);
        let lives = |its: &Session| matches!(its.state, Trying | Accepted | Live | Ending);
        let free = it.stop.is_none() && it.round.is_none() && !it.waiting && !it.sessions.iter().any(lives);
        let Some(gone) = it.sessions.iter().rfind(|its| free && its.gone() && !its.replaced) else { return };
        let unseen = |to| gone.last_answer.is_none_or(|at| at < to);
        if it.watched {
            self.alarm(now, Alarm::Lost(gone.number), RuleId::M3);
        } else if gone.left_idle() {
            let waits = Kind::WaitForStaff(WaitingFor::Idle);
            let restarts = it.policy.restart_after_idle;
            self.concludes(if restarts { Kind::Replace(gone.number) } else { waits }, RuleId::R2);
        } else if matches!(gone.because, Because::Replaces(_)) && !gone.recorded {
            self.wait(WaitingFor::FailedReplacement, Alarm::ReplacementFailed, RuleId::R5);
        } else if it.replacements.iter().filter(|at| now.since(**at) < s(900)).count() >= 3 {
            self.wait(WaitingFor::Replacements, Alarm::ReplacementsUsed, RuleId::R3);
        } else if it.gap.is_some_and(|gap| gap.to.since(gap.from) > s(600) && unseen(gap.to)) {
            self.wait(WaitingFor::Unattended, Alarm::Unattended, RuleId::M10);
        } else {
            self.concludes(Kind::Replace(gone.number), RuleId::R1);
        }
    }
}
