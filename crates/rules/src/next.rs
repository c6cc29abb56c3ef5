//! The one question: what is due, and why?
//!
//! [`steps`] answers for every lane of a recording, [`next`] with the most urgent of them.

use agora::{Operation, Timestamp};
use from_json::FromJson;
use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::few::sort_few;
use crate::findings::{Findings, Plan, View};
use crate::journal::{Attempt, Decision, Domain, EntryNumber, SessionNumber};
use crate::reason::{Cause, Reason, Then};
use crate::recording::Recording;
use crate::rule::RuleId;
use crate::{api, monitor, replace, start, stop, update, verify};

/// The next step of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// A call is due.
    Call(Call, Reason),
    /// A conclusion holds.
    Decide(Decision, Reason),
    /// Nothing before this instant; the reason is that of the step that waits.
    WaitUntil(Timestamp, Reason),
    /// Nothing until something happens.
    Nothing,
}

/// One call: no URL, no body, no `sid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The session; the next number begins one.
    pub session: SessionNumber,
    /// The operation.
    pub operation: Operation,
    /// Where to.
    pub domain: Domain,
    /// Why.
    pub rule: RuleId,
    /// Which try.
    pub attempt: Attempt,
}

impl Call {
    /// The request body that asks the proxy for this call.
    pub const fn after(self, after: EntryNumber) -> api::MakeCall {
        api::MakeCall {
            after,
            session: self.session,
            operation: self.operation,
            domain: self.domain,
            rule: self.rule,
            attempt: self.attempt,
        }
    }
}

/// D1: the order in which calls leave. What is less leaves first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// `stop`.
    Stop,
    /// `start` on a held resource ID.
    Start,
    /// `acquire`.
    Acquire,
    /// Queries of V, M2, M3, M11 and T.
    Verdict,
    /// `update` and `updateLayout`.
    Update,
    /// Everything else.
    Routine,
}

/// D1: how urgent a call of this operation is that this rule asks for at this try.
pub const fn urgency(operation: Operation, rule: RuleId, attempt: Attempt) -> Urgency {
    match operation {
        Operation::Stop => Urgency::Stop,
        Operation::Start => Urgency::Start,
        // S8 from its fourth wait on.
        Operation::Acquire if matches!(rule, RuleId::S8) && attempt.number > 3 => Urgency::Routine,
        Operation::Acquire => Urgency::Acquire,
        Operation::Update | Operation::UpdateLayout => Urgency::Update,
        Operation::Query => match rule {
            RuleId::V1
            | RuleId::V2
            | RuleId::V3
            | RuleId::V4
            | RuleId::M2
            | RuleId::M3
            | RuleId::M11
            | RuleId::T2
            | RuleId::T3
            | RuleId::T4 => Urgency::Verdict,
            _ => Urgency::Routine,
        },
    }
}

/// Every step that is due now, the most urgent first; when none is, the one that waits.
pub fn steps(recording: &Recording, board: &Board, now: Timestamp) -> Vec<Next> {
    let Findings { mut decisions, mut plans, looks, mut rests } = look(recording, board, now);
    sort_few(&mut plans, |plan| (urgency_of(plan), plan.at, plan.session));
    let mut steps = Vec::new();
    if !decisions.is_empty() {
        let (decision, reason) = decisions.swap_remove(0);
        // What is concluded may change what is to be called, except that a stop is a stop.
        plans.retain(|plan| plan.operation == Operation::Stop);
        steps.push(Next::Decide(decision, reason));
    }
    let due = plans.iter().filter(|plan| plan.at <= now);
    steps.extend(due.map(|plan| Next::Call(call_of(plan), plan.reason.clone())));
    if !steps.is_empty() {
        return steps;
    }
    if let Some(plan) = plans.into_iter().min_by_key(|plan| plan.at) {
        let look = looks.iter().copied().min().unwrap_or(plan.at);
        return vec![Next::WaitUntil(plan.at.min(look), plan.reason)];
    }
    match (looks.into_iter().min(), rests.pop()) {
        (Some(at), reason) => {
            let reason = reason.unwrap_or_else(|| resting(recording));
            vec![Next::WaitUntil(at, reason)]
        }
        (None, _) => vec![Next::Nothing],
    }
}

/// The one step that is due, or when the next one will be.
pub fn next(recording: &Recording, board: &Board, now: Timestamp) -> Next {
    steps(recording, board, now).swap_remove(0)
}

/// Every call that is planned, with its instant, the earliest first: what the screen draws ahead of the now line.
pub fn planned(recording: &Recording, board: &Board, now: Timestamp) -> Vec<(Timestamp, Call, Reason)> {
    let mut plans = look(recording, board, now).plans;
    sort_few(&mut plans, |plan| plan.at);
    plans.into_iter().map(|plan| (plan.at, call_of(&plan), plan.reason)).collect()
}

/// Everything that the rules find at an instant, not only the first of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// The conclusions that hold now.
    pub concluded: Vec<Decision>,
    /// Every call that is planned, with its instant.
    pub planned: Vec<(Timestamp, Call)>,
    /// The first instant at which something may be concluded, if one is known.
    pub looks: Option<Timestamp>,
}

/// Everything that the rules find: what a check of the rules compares.
pub fn outlook(recording: &Recording, board: &Board, now: Timestamp) -> Outlook {
    let found = look(recording, board, now);
    Outlook {
        concluded: found.decisions.into_iter().map(|(decision, _)| decision).collect(),
        planned: found.plans.iter().map(|plan| (plan.at, call_of(plan))).collect(),
        looks: found.looks.into_iter().min(),
    }
}

/// What all procedures find.
pub(crate) fn look(recording: &Recording, board: &Board, now: Timestamp) -> Findings {
    let mut findings = Findings::default();
    if recording.unreadable {
        return findings;
    }
    let view = View { recording, board, now };
    for session in &recording.sessions {
        monitor::conclude(view, session, &mut findings);
        stop::conclude_control(view, session, &mut findings);
        verify::conclude_registration(view, session, &mut findings);
    }
    monitor::conclude_roles(view, &mut findings);
    monitor::conclude_twins(view, &mut findings);
    replace::conclude(view, &mut findings);
    start::look(view, &mut findings);
    for session in &recording.sessions {
        if let Some(plan) = stop::stop_plan(view, session) {
            findings.plan(plan);
        }
        update::look(view, session, &mut findings);
        if let Some(plan) = monitor::query_plan(view, session) {
            findings.plan(plan);
        } else if let Some(open) = &session.query.open {
            let mut reason = monitor::awaits(session.number, Operation::Query, RuleId::D8);
            reason.evidence.push(open.entry);
            findings.rests.push(reason);
        }
    }
    findings
}

const fn urgency_of(plan: &Plan) -> Urgency {
    urgency(plan.operation, plan.reason.rule, plan.reason.attempt)
}

pub(crate) const fn call_of(plan: &Plan) -> Call {
    Call {
        session: plan.session,
        operation: plan.operation,
        domain: plan.domain,
        rule: plan.reason.rule,
        attempt: plan.reason.attempt,
    }
}

fn resting(recording: &Recording) -> Reason {
    let waiting = recording.waiting.as_ref();
    Reason {
        rule: waiting.map_or(RuleId::M1, |waiting| waiting.rule),
        session: None,
        operation: None,
        attempt: Attempt::default(),
        cause: if waiting.is_some() { Cause::StaffDecide } else { Cause::Finished },
        evidence: Vec::new(),
        later: Vec::new(),
        then: Then::GoesOn,
    }
}
