//! Words and sentences about how a recording stands.

use super::{listed, say, sentences, translated};
use agora::{Operation, Timestamp, UnansweredCause};
use rules::journal::{AlarmCause, EndedHow, WaitingFor};
use rules::line::Outcome;
use rules::reason::{Cause, Reason, Then};
use rules::recording::{Alarm, MayRun, Recording, Session};
use rules::{Patience, RuleId};

use super::{capital, counted, duration};
use crate::standing::{Coming, Standing};

/// Writes an instant as the time of day in the reader's zone.
pub type ClockFace = fn(Timestamp) -> String;

/// The name of a state: a noun or an adjective.
pub fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Unreadable => "Unreadable",
        Standing::Waits(WaitingFor::Refused) => "Start refused",
        Standing::Waits(WaitingFor::Fatal) => "Fatal error",
        Standing::Waits(WaitingFor::Idle) => "Ended, idle",
        Standing::Waits(WaitingFor::StartTries) => "Not started",
        Standing::Waits(WaitingFor::Unattended) => "Waits for you",
        Standing::Waits(WaitingFor::Replacements | WaitingFor::FailedReplacement) | Standing::Lost(_) => {
            "Lost"
        }
        Standing::Replacing => "Replacing",
        Standing::Twins => "Twins",
        Standing::OutOfControl(_) => "Out of control",
        Standing::StopPending(_) => "Stop pending",
        Standing::StopRefused(_) => "Stop refused",
        Standing::StopUnconfirmed(_) => "Stop not confirmed",
        Standing::StopRetrying(_) => "Stop retrying",
        Standing::StopWaits(_) => "Stop waits",
        Standing::Stopping(_) => "Stopping",
        Standing::TakenAsEnded(_) => "Taken as ended",
        Standing::Orphan(_) => "Possible orphan",
        Standing::InDoubt(_) => "In doubt",
        Standing::InFailover(_) => "In failover",
        Standing::Unclear(_) => "Unclear",
        Standing::Refused(_) => "Query refused",
        Standing::Ending(_) => "Ending",
        Standing::WaitsForRoom => "Waiting for room",
        Standing::StartRetrying => "Start retrying",
        Standing::Starting => "Starting",
        Standing::Unconfirmed(_) => "Not confirmed",
        Standing::Records(_) => "Recording",
        Standing::Ended(_) => "Ended",
    }
}

/// A sentence of about 50 characters for a row.
pub fn says(
    standing: Standing,
    recording: &Recording,
    session: Option<&Session>,
    clock: ClockFace,
) -> String {
    let window_end = |session: &Session| {
        session.doubt.map(|doubt| clock(doubt.t0 + agora::limits::FAILOVER_TOTAL)).unwrap_or_default()
    };
    match (standing, session) {
        (Standing::Unreadable, _) => say!("Its journal cannot be read whole; nobody acts for it."),
        (Standing::Waits(why), _) => waits(why, recording, clock),
        (Standing::Lost(_), _) => say!("Lost; nobody records. Asked again for 10 min."),
        (Standing::Replacing, session) => match session {
            Some(session) => say!("The session was lost. Starting with UID {}.", session.uid),
            None => say!("The session was lost. Another one starts."),
        },
        (Standing::Twins, _) => say!("The old one came back. Two are billed; stop either."),
        (Standing::OutOfControl(_), _) => say!("Control has ended; it may still record and be billed."),
        (Standing::StopPending(at), _) => say!("Still recording. The stop is sent at {}.", clock(at)),
        (Standing::StopRefused(_), _) => say!("The stop is refused: still recording, still billed."),
        (Standing::StopUnconfirmed(_), _) => say!("Stop not confirmed; asked for as long as it takes."),
        (Standing::StopRetrying(_), Some(session)) => {
            say!("The stop {}; it is sent again.", outcome_short(session.halt.outcome))
        }
        (Standing::StopWaits(_), _) => say!("Stop got 404; sent again when the session is back."),
        (Standing::Stopping(_), Some(session)) if session.stop_accepted.is_some() => {
            say!("Stop accepted. Asked until it is gone.")
        }
        (Standing::Stopping(_), _) => say!("The stop is on its way."),
        (Standing::TakenAsEnded(_), _) => say!("Not found for 90 s: taken as ended. Still asked after."),
        (Standing::Orphan(_), Some(session)) if session.may_run == MayRun::Unlikely => {
            say!("A start failed with 50x; it hardly runs.")
        }
        (Standing::Orphan(_), _) => say!("A start had no answer; it may run and be billed."),
        (Standing::InDoubt(_), Some(session)) => match session.doubt {
            Some(doubt) => say!("404 since {}. A failover may be running.", clock(doubt.t0)),
            None => say!("404; a failover may be running."),
        },
        (Standing::InFailover(_), Some(session)) => {
            say!("404 expected until {}; files go on as bak{}_.", window_end(session), session.failovers)
        }
        (Standing::Unclear(_), Some(session)) => {
            say!("{}; it may still record.", capital(outcome_short(session.query.outcome)))
        }
        (Standing::Refused(_), _) => say!("Our query is refused; it may still record."),
        (Standing::Ending(_), _) => say!("The service says it is ending. Asked every 15 s."),
        (Standing::WaitsForRoom, _) => say!("406: the limit of sessions is reached. It waits its turn."),
        (Standing::StartRetrying, session) => start_says(session),
        (Standing::Starting, Some(session)) if session.resource.is_some() => {
            say!("Resource ID received; the start is on its way.")
        }
        (Standing::Starting, _) => say!("Asking for a resource ID."),
        (Standing::Unconfirmed(_), Some(session)) => unconfirmed(session, clock),
        (Standing::Records(_), Some(session)) => records(session),
        (Standing::Ended(how), _) => say!(ended(how, recording)),
        _ => String::new(),
    }
}

fn waits(why: WaitingFor, recording: &Recording, clock: ClockFace) -> String {
    match why {
        WaitingFor::Replacements => {
            say!(
                "Nobody records. {} used; waits for you.",
                counted(recording.replacements.len(), super::REPLACEMENTS)
            )
        }
        WaitingFor::FailedReplacement => say!("The replacement did not record either. Waits for you."),
        WaitingFor::Refused => say!("Start refused{}. Not tried again.", refusal(recording)),
        WaitingFor::StartTries => say!("Both UIDs failed for 30 min. Waits for you."),
        WaitingFor::Unattended => {
            say!("Asked for at {}; nobody was here. Start now?", clock(recording.asked_at))
        }
        WaitingFor::Idle => say!("Ended by itself: nobody was in the channel."),
        WaitingFor::Fatal => say!("A fatal error before anything was recorded. Not tried again."),
    }
}

fn start_says(session: Option<&Session>) -> String {
    let Some(session) = session else { return say!("The start is tried again.") };
    let (operation, outcome) = match session.start.outcome {
        Some(_) => ("start", session.start.outcome),
        None => ("acquire", session.acquire.outcome),
    };
    match outcome {
        Some(outcome) if outcome != Outcome::Done => {
            say!("The {} {}; UID {}.", operation, outcome_short(Some(outcome)), session.uid)
        }
        _ if session.start.unanswered + session.acquire.unanswered > 0 => {
            say!("No answer yet; sent again. UID {}.", session.uid)
        }
        _ => say!("Tried with UID {} now.", session.uid),
    }
}

fn unconfirmed(session: &Session, clock: ClockFace) -> String {
    let until =
        session.accepted.map(|at| clock(at + core::time::Duration::from_secs(90))).unwrap_or_default();
    match session.last_good {
        Some(good) => say!("Accepted; status {}. Judged at {}.", good.status, until),
        None => say!("Accepted; no answer yet. Judged at {}.", until),
    }
}

fn records(session: &Session) -> String {
    match session.last_good {
        Some(good) if good.status == 4 => say!("Status 4: started; the first file is still to come."),
        Some(good) => say!("Status {}: it records.", good.status),
        None => say!("It records."),
    }
}

fn ended(how: Option<EndedHow>, recording: &Recording) -> &'static str {
    match how {
        Some(EndedHow::Stopped) => "Stopped; the service confirmed it.",
        Some(EndedHow::Exited) => "The service ended it.",
        Some(EndedHow::Abnormal) => "It exited abnormally.",
        Some(EndedHow::NotFound) => "Not found for ten minutes: over.",
        Some(EndedHow::Notified) => "A notification said that it ended.",
        None if recording.stop.is_some() => "Stopped before it started.",
        None => "Over.",
    }
}

/// An outcome as the end of a sentence: "answered 404", "had no answer".
pub fn outcome_short(outcome: Option<Outcome>) -> &'static str {
    translated(match outcome {
        None => "had no answer yet",
        Some(Outcome::Done) => "was done",
        Some(Outcome::NotFound) => "was answered 404",
        Some(Outcome::ServerError) => "was answered 50x",
        Some(Outcome::GatewayError) => "was answered by a gateway, 502 to 504",
        Some(Outcome::NotCompleted) => "was not completed, code 65",
        Some(Outcome::TimedOutInside) => "timed out inside the service, code 62",
        Some(Outcome::Unreadable) => "had an answer that cannot be read",
        Some(Outcome::Unanswered { .. }) => "had no answer",
        Some(Outcome::Refused) => "was refused",
        Some(Outcome::NoRoute) => "went to an unknown address",
        Some(Outcome::PcwReached) => "found the limit of sessions reached",
        Some(Outcome::AlreadyStarted) => "was sent before, code 7",
        Some(Outcome::TaskConflict) => "found its UID in use, code 53",
        Some(Outcome::NoWorker) => "found no worker, code 502",
        Some(Outcome::ResourceExpired) => "found its resource ID too old",
    })
}

/// The first sentence of a page, and what follows it.
pub fn sentence(
    standing: Standing,
    recording: &Recording,
    session: Option<&Session>,
    coming: Option<&Coming>,
    clock: ClockFace,
) -> (String, String) {
    let t0 = session.and_then(|session| session.doubt).map(|doubt| doubt.t0);
    let next = coming.map(|coming| coming_sentence(coming, clock)).unwrap_or_default();
    match standing {
        Standing::InFailover(_) => {
            let until = t0.map(|t0| clock(t0 + agora::limits::FAILOVER_TOTAL)).unwrap_or_default();
            let leg = session.map_or(0, |session| session.failovers);
            (
                say!("In failover since {}.", t0.map(clock).unwrap_or_default()),
                sentences(&[
                    &say!("404 is expected until {}.", until),
                    &next,
                    &say!("Files continue as bak{}_. No action needed.", leg),
                ]),
            )
        }
        Standing::InDoubt(_) => (
            say!("404 since {}.", t0.map(clock).unwrap_or_default()),
            sentences(&[
                translated(doubt_policy(recording.policy.patience)),
                &next,
                translated("No action needed."),
            ]),
        ),
        Standing::Records(_) => (
            say!("Recording."),
            sentences(&[
                &session
                    .and_then(|session| session.last_good)
                    .map(|good| say!("The last answer was status {}.", good.status))
                    .unwrap_or_default(),
                &next,
            ]),
        ),
        Standing::Twins => (
            say!("Two sessions record and both are billed."),
            say!("One came back after it had been replaced. Choose which one to stop."),
        ),
        Standing::Waits(_) => (
            say!("{}.", translated(word(standing))),
            sentences(&[&says(standing, recording, session, clock), translated(waits_action(standing))]),
        ),
        Standing::Ended(_) => (says(standing, recording, session, clock), String::new()),
        _ => (
            say!("{}.", translated(word(standing))),
            sentences(&[&says(standing, recording, session, clock), &next]),
        ),
    }
}

fn doubt_policy(patience: Patience) -> &'static str {
    match patience {
        Patience::Patient => "A failover may be running; it is given 90 s before the session is deemed lost.",
        Patience::Swift => "Still 404 after 30 s, it is replaced.",
        Patience::Immediate => "It is replaced at once.",
    }
}

fn waits_action(standing: Standing) -> &'static str {
    match standing {
        Standing::Waits(WaitingFor::Refused) => "Look at the answer below, then start it with other values.",
        Standing::Waits(WaitingFor::Idle) => "Try again records anew.",
        Standing::Waits(_) => "Try again, or stop it.",
        _ => "",
    }
}

fn coming_sentence(coming: &Coming, clock: ClockFace) -> String {
    let operation = coming.call.operation;
    match coming.at {
        Some(at) => say!("The next {} goes out at {}.", operation, clock(at)),
        None => say!("The next {} goes out now.", operation),
    }
}

/// The operation as the begin of a title.
pub fn operation(operation: Operation) -> String {
    say!(match operation {
        Operation::Acquire => "Acquire",
        Operation::Start => "Start",
        Operation::Query => "Query",
        Operation::Update => "Update",
        Operation::UpdateLayout => "Update layout",
        Operation::Stop => "Stop",
    })
}

/// The title of a retry: "Query retry 2 of 3", "Query attempt 4, no documented limit".
pub fn retry_title(coming: &Coming) -> String {
    let operation = operation(coming.call.operation);
    let retry = matches!(
        coming.reason.cause,
        Cause::After(_) | Cause::NoAnswer(_) | Cause::NotFoundSince(_) | Cause::RateLimited
    );
    match (coming.call.attempt.number, coming.call.attempt.of) {
        (0, _) => operation,
        (number, Some(of)) if retry => say!("{} retry {} of {}", operation, number, of),
        (number, Some(of)) => say!("{} {} of {}", operation, number, of),
        (number, None) if retry => say!("{} retry {}, no documented limit", operation, number),
        (_, None) => operation,
    }
}

/// What led to a step.
pub fn cause(cause: Cause, clock: ClockFace) -> String {
    match cause {
        Cause::Asked => say!("Asked for."),
        Cause::Proceeds => say!("The step before was done."),
        Cause::Routine => say!("Routine."),
        Cause::Verifying => say!("Accepted, to be confirmed."),
        Cause::After(outcome) => say!("The last one {}.", outcome_short(Some(outcome))),
        Cause::NoAnswer(why) => say!("No answer: {}.", translated(unanswered(why))),
        Cause::RateLimited => say!("429: too many requests."),
        Cause::NotFoundSince(t0) => say!("404, “failed to find worker”, since {}.", clock(t0)),
        Cause::IsEnding => say!("The service says that it is ending."),
        Cause::StopAccepted => say!("The stop was accepted."),
        Cause::WasUnattended => say!("Nobody acted for a while."),
        Cause::Notified => say!("The service notified."),
        Cause::IsLost(session) => say!("Session {} was lost.", session),
        Cause::AwaitsAnswer => say!("On its way; the answer is awaited."),
        Cause::OthersWaitLonger => say!("Others wait longer for the limit of sessions."),
        Cause::StaffDecide => say!("Staff decide."),
        Cause::Finished => say!("Everything is done."),
    }
}

/// Why a call had no answer.
pub fn unanswered(cause: UnansweredCause) -> &'static str {
    match cause {
        UnansweredCause::Dns => "the name did not resolve",
        UnansweredCause::Refused => "the connection was refused",
        UnansweredCause::Tls => "the TLS handshake failed",
        UnansweredCause::Reset => "the connection broke",
        UnansweredCause::Timeout => "nothing came in time",
        UnansweredCause::ProxyRestarted => "the proxy restarted meanwhile",
    }
}

/// What comes after a step if it fails.
pub fn then(reason: &Reason, clock: ClockFace) -> String {
    let later: Vec<String> = reason.later.iter().take(3).map(|at| clock(*at)).collect();
    let text = if later.is_empty() { String::new() } else { say!("If it fails: {}.", listed(&later)) };
    let then = translated(match reason.then {
        Then::GoesOn => "It goes on for as long as it takes.",
        Then::OtherDomain => "Then the other domain.",
        Then::SameUidAgain => "Then a new resource ID with the same UID.",
        Then::NextUid => "Then the next UID starts.",
        Then::EveryMinute => "Then one try a minute, and an alarm.",
        Then::WaitsForStaff => "Then it waits for you.",
        Then::NotStarted => "Then it counts as not started, and is replaced.",
        Then::LostAndReplaced => "Then it is lost, and the next UID starts.",
        Then::Lost => "Then it is lost.",
        Then::TakenAsEnded => "Then it is taken as ended.",
        Then::Over => "Then it is over.",
    });
    sentences(&[&text, then])
}

/// The service's own words of its last refusal: ": 400, code 2, uid is not a number".
fn refusal(recording: &Recording) -> String {
    let Some(refused) = &recording.refusal else { return String::new() };
    let mut text = say!(": {}", refused.status);
    if let Some(code) = refused.code {
        text.push_str(&say!(", code {}", code));
    }
    if let Some(reason) = &refused.reason {
        text.push_str(", ");
        text.push_str(reason);
    }
    text
}

/// What an alarm says in the strip.
pub fn alarm(alarm: &Alarm, recording: &Recording, clock: ClockFace) -> String {
    let since = clock(alarm.at);
    match alarm.cause {
        AlarmCause::StartFailing => {
            say!("Both UIDs failed to start since {}. One try a minute goes on.", since)
        }
        AlarmCause::StartRefused => {
            say!("Start refused{}. It is not tried again.", refusal(recording))
        }
        AlarmCause::AcquireFailing => {
            say!("No resource ID since {}; asked every 30 s. Nothing is billed.", since)
        }
        AlarmCause::UidsInUse => say!("Every UID of this recording is in use in the channel."),
        AlarmCause::Unconfirmed(_) => say!("Accepted, but not confirmed in time. It is asked on."),
        AlarmCause::Unclear(_) => {
            say!("No clear answer since {}; it may still record. It is asked on.", since)
        }
        AlarmCause::Configuration(_) => {
            say!(
                "Our queries are refused{}: check the configuration. Monitoring goes on.",
                refusal(recording)
            )
        }
        AlarmCause::Ending(_) => say!("Ending for more than five minutes. It is asked on."),
        AlarmCause::Twins(_) => {
            say!("Came back after it was replaced: two sessions record and both are billed.")
        }
        AlarmCause::Lost(_) => match recording.is_starting() {
            true => say!("Lost at {}; another session is being started.", since),
            false if recording.sessions.iter().any(Session::is_billed) => {
                say!("A session was lost at {}; another one records.", since)
            }
            false => say!("Lost at {}; nobody records.", since),
        },
        AlarmCause::ReplacementsUsed => {
            say!("Nobody records. The replacements are used up: the next is yours.")
        }
        AlarmCause::ReplacementFailed => {
            say!("The replacement did not record either: an empty channel or a wrong parameter.")
        }
        AlarmCause::StopUnconfirmed(_) => {
            say!("Stop not confirmed since {}; it may still be billed. It is sent on.", since)
        }
        AlarmCause::StopRefused(_) => {
            say!(
                "Stop refused{}: still recording, still billed. Sent again every minute.",
                refusal(recording)
            )
        }
        AlarmCause::ControlEnding(_) => say!("Control of the session ends soon."),
        AlarmCause::OutOfControl(_) => {
            say!("Control has ended: nobody can ask or stop it; it may still be billed.")
        }
        AlarmCause::Unattended => {
            say!("Asked for at {}, and nobody was here. Start now?", clock(recording.asked_at))
        }
        AlarmCause::NotApplied(_) => {
            say!("The change is not applied{}. It records as before.", refusal(recording))
        }
        AlarmCause::Fatal(_) => {
            say!("The service notified a fatal error before anything was recorded: check storage and token.")
        }
    }
}

/// The sentence of what waits for staff and has no alarm of its own.
pub fn need(
    standing: Standing,
    recording: &Recording,
    session: Option<&Session>,
    clock: ClockFace,
) -> String {
    match standing {
        Standing::Orphan(_) => match session.and_then(|session| session.start.first_sent) {
            Some(at) => say!("The start of {} was never answered. It may run and be billed.", clock(at)),
            None => say!("A start was never answered. It may run and be billed."),
        },
        _ => says(standing, recording, session, clock),
    }
}

/// How many sessions are billed (R4).
pub fn billed(known: usize, perhaps: usize) -> String {
    match (known, perhaps) {
        (0, 0) => say!("none"),
        (known, 0) => counted(known, super::SESSIONS),
        (0, perhaps) => say!("perhaps {}", perhaps),
        (known, perhaps) => say!("{}, perhaps {} more", counted(known, super::SESSIONS), perhaps),
    }
}

/// The rule that a row shows.
pub fn shown_rule(recording: &Recording, standing: Standing, coming: Option<&Coming>) -> Option<RuleId> {
    if let Some(waiting) = &recording.waiting {
        return Some(waiting.rule);
    }
    if let Standing::Records(_) | Standing::Ended(_) = standing {
        return None;
    }
    if standing == Standing::Twins {
        return Some(RuleId::M4);
    }
    if let Standing::Orphan(_) = standing {
        return Some(RuleId::S9);
    }
    coming
        .map(|coming| coming.reason.rule)
        .or_else(|| crate::standing::first_alarm(recording).map(|alarm| alarm.rule))
}

/// How long something took, for a mark: "back after 34 s".
pub fn back_after(seconds: i64) -> String {
    say!("back after {}", duration(seconds))
}
