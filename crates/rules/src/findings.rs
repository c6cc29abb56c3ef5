//! What a procedure finds when it looks at a recording at an instant: conclusions that hold now, calls with the instant
//! they are due at, and instants at which a look is worth while.

use agora::{Operation, Timestamp};

use crate::board::Board;
use crate::few::sort_few;
use crate::journal::{AlarmCause, Attempt, Decision, DecisionKind, Domain, EntryNumber, SessionNumber};
use crate::line::{Line, Repeat};
use crate::reason::{Cause, Reason, Then};
use crate::recording::{Recording, Session};
use crate::rule::RuleId;

/// What is looked at.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub recording: &'a Recording,
    pub board: &'a Board,
    pub now: Timestamp,
}

/// One call and when it is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub at: Timestamp,
    pub session: SessionNumber,
    pub operation: Operation,
    pub domain: Domain,
    pub reason: Reason,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub decisions: Vec<(Decision, Reason)>,
    pub plans: Vec<Plan>,
    /// Nothing to do before one of these.
    pub looks: Vec<Timestamp>,
    /// Why nothing is due, where that is worth saying.
    pub rests: Vec<Reason>,
}

impl Findings {
    /// A conclusion that holds now.
    pub fn decide(&mut self, kind: DecisionKind, rule: RuleId, evidence: &[EntryNumber], cause: Cause) {
        let mut evidence = evidence.to_vec();
        sort_few(&mut evidence, |entry| *entry);
        evidence.dedup();
        let reason = Reason {
            rule,
            session: None,
            operation: None,
            attempt: Attempt::default(),
            cause,
            evidence: evidence.clone(),
            later: Vec::new(),
            then: Then::GoesOn,
        };
        self.decisions.push((Decision { kind, rule, evidence }, reason));
    }

    /// An alarm that is due at an instant; raised once.
    pub fn alarm(
        &mut self,
        view: View<'_>,
        at: Timestamp,
        cause: AlarmCause,
        rule: RuleId,
        evidence: &[EntryNumber],
    ) {
        if view.recording.has_alarm(cause) {
            return;
        }
        if view.now >= at {
            self.decide(DecisionKind::Alarm(cause), rule, evidence, Cause::Routine);
        } else {
            self.looks.push(at);
        }
    }

    /// A call.
    pub fn plan(&mut self, plan: Plan) {
        self.plans.push(plan);
    }
}

/// What is common to the reason of every call of a session.
pub(crate) fn reason_for(
    session: SessionNumber,
    operation: Operation,
    rule: RuleId,
    attempt: (u32, Option<u32>),
    cause: Cause,
    then: Then,
) -> Reason {
    Reason {
        rule,
        session: Some(session),
        operation: Some(operation),
        attempt: Attempt { number: attempt.0, of: attempt.1 },
        cause,
        evidence: Vec::new(),
        later: Vec::new(),
        then,
    }
}

/// The repeat of the current try that D2 or D4 asks for; no operation's own schedule goes on before it is through.
pub(crate) fn repeat_plan(view: View<'_>, session: &Session, operation: Operation) -> Option<Plan> {
    let line: &Line = session.line(operation);
    let policy = &view.recording.policy;
    let plan = |at, domain, rule, attempt, cause, then| Plan {
        at,
        session: session.number,
        operation,
        domain,
        reason: Reason {
            evidence: vec![line.ended_entry],
            ..reason_for(session.number, operation, rule, attempt, cause, then)
        },
    };
    Some(match line.repeat(policy, view.board.facts().has_region)? {
        Repeat::Unanswered { at, domain, number } => {
            let cause = line.cause.map_or(Cause::Proceeds, Cause::NoAnswer);
            let of = u32::try_from(policy.domain_repeat_gaps.len()).ok();
            plan(at, domain, RuleId::D2, (number, of), cause, Then::GoesOn)
        }
        Repeat::Limited { at, number } => {
            let domain = line.last_domain.unwrap_or_default();
            plan(at, domain, RuleId::D4, (number, None), Cause::RateLimited, Then::GoesOn)
        }
    })
}

/// Where the next attempt of an operation's own schedule goes (D2, D3).
pub(crate) fn domain_for(view: View<'_>, line: &Line, routine: bool) -> Domain {
    line.next_domain(view.board.domain(&view.recording.policy, view.now, routine))
}
