//! What comes next: the next call with its ladder, and the failover window while there is one.

use std::rc::Rc;

use agora::{Operation, Timestamp};
use rules::api::Capability;
use rules::recording::Session;
use rules::{Recording, RuleId};

use super::{Known, Page};
use crate::clock::time_of_day;
use crate::dom::{Node, el};
use crate::history::{End, History};
use crate::parts::icon::{Glyph, Tone};
use crate::parts::retry::{Retry, retry_chip};
use crate::parts::scale::{Mark, Step};
use crate::parts::window::{FailoverWindow, failover_window};
use crate::screens::actions::problem_banner;
use crate::standing::{Coming, Standing};
use crate::{nodes, words};

/// How many failed tries a ladder shows, and how many of those to come.
const TRIED_SHOWN: usize = 6;
const LATER_SHOWN: usize = 4;

/// The next call, with its ladder.
pub(super) fn retry(page: &Rc<Page>, known: &Known) -> Node {
    let Some(retry) = next_call(known, || page.second(known)) else {
        return nodes![Node::Nothing, problem_banner(page.hurrying.problem)];
    };
    // Only a ladder shows where now is.
    let now = if retry.steps.is_empty() { Timestamp::default() } else { page.tick(known) };
    nodes![retry_chip(&retry, ask_now(page, known), now), problem_banner(page.hurrying.problem)]
}

fn ask_now(page: &Page, known: &Known) -> Node {
    let recording = &known.recording;
    if known.past.is_some() || recording.stop.is_some() || !recording.sessions.iter().any(Session::is_watched)
    {
        return Node::Nothing;
    }
    let obstacle = page.hurrying.obstacle(page.desk, Capability::Operate);
    el("button.button")
        .set("type", "button")
        .set_some("aria-disabled", obstacle.map(|_| "true"))
        .set("title", words::ASK_NOW_COSTS)
        .on("click", page.command(page.hurrying, "hurry", words::HURRIED))
        .add(words::ASK_NOW)
        .into()
}

fn next_call(known: &Known, now: impl Fn() -> Timestamp) -> Option<Retry> {
    let recording = &known.recording;
    if recording.settled() || recording.waiting.is_some() {
        return None;
    }
    let (tone, glyph) = match known.standing.look() {
        (Tone::Recording, _) => (Tone::Neutral, Glyph::Passed),
        (Tone::Neutral, mark) => (Tone::Neutral, mark),
        (tone, _) => (tone, Glyph::Retry),
    };
    if let Some(operation) = open_call(recording) {
        let policy = &recording.policy;
        return Some(Retry {
            tone,
            glyph,
            title: words::standing::operation(operation),
            joint: words::SENDING,
            due: None,
            cause: words::said(words::ON_ITS_WAY),
            rule: RuleId::D8,
            then: words::gives_up(policy.answer_wait, policy.slow_answer_wait, operation),
            steps: Vec::new(),
        });
    }
    let coming = known.coming()?;
    Some(Retry {
        tone,
        glyph,
        title: words::standing::retry_title(coming),
        joint: if coming.at.is_some() { words::IN } else { words::NOW },
        due: coming.at,
        cause: words::standing::cause(coming.reason.cause, time_of_day),
        rule: coming.reason.rule,
        then: words::standing::then(&coming.reason, time_of_day),
        steps: ladder_steps(known.history(), coming, now),
    })
}

/// The call that is on its way.
fn open_call(recording: &Recording) -> Option<Operation> {
    for session in recording.sessions.iter().rev() {
        for operation in [Operation::Stop, Operation::Start, Operation::Acquire, Operation::Query] {
            if session.line(operation).open.is_some() {
                return Some(operation);
            }
        }
    }
    None
}

/// The tries of the run that goes on, and those to come.
fn ladder_steps(history: &History, coming: &Coming, now: impl Fn() -> Timestamp) -> Vec<Step> {
    // The run: failures of this operation since the last success, of the same session where the reason names one.
    let mut tried = Vec::new();
    for call in history.calls.iter().rev().filter(|call| call.operation == coming.call.operation) {
        match call.end {
            Some((_, End::Good)) => break,
            Some(_) if coming.reason.session.is_none_or(|session| session == call.session) => {
                tried.push(call.sent)
            }
            _ => {}
        }
        if tried.len() >= TRIED_SHOWN {
            break;
        }
    }
    let Some(zero) = tried.last().copied() else { return Vec::new() };
    let step = |at: Timestamp, mark| {
        let label = words::plus((at.millis() - zero.millis() + 500) / 1000);
        Step { at, mark, label }
    };
    let mut steps: Vec<Step> = tried.into_iter().rev().map(|at| step(at, Mark::Miss)).collect();
    steps.push(step(coming.at.unwrap_or_else(now), Mark::Due));
    for at in coming.reason.later.iter().take(LATER_SHOWN) {
        steps.push(step(*at, Mark::Later));
    }
    steps
}

/// The failover window, while there is one.
pub(super) fn window(page: &Rc<Page>, known: &Known) -> Node {
    let (Standing::InDoubt(number) | Standing::InFailover(number) | Standing::StopWaits(number)) =
        known.standing
    else {
        return Node::Nothing;
    };
    let Some(t0) = known.recording.session(number).and_then(|session| session.doubt).map(|doubt| doubt.t0)
    else {
        return Node::Nothing;
    };
    let now = page.tick(known);
    let mut window = FailoverWindow { t0, asked: Vec::new(), ahead: Vec::new() };
    for call in &known.history().calls {
        if let Some((at, end)) = call.end
            && at >= t0
            && call.session == number
            && call.operation == Operation::Query
        {
            let mark = if end == End::Good { Mark::Good } else { Mark::Miss };
            window.asked.push((call.sent.max(t0), mark));
        }
    }
    for (at, call, reason) in page.planned(known) {
        if call.session == number && call.operation == Operation::Query {
            window.ahead.push(at.max(now));
            window.ahead.extend(reason.later);
        }
    }
    failover_window(&window, now).into()
}
