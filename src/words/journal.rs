//! Words about the entries of a journal: what each says, as a title and a line of detail.

use agora::{Answer, AnswerClass};
use rules::journal::{
    AlarmCause, By, CallAnswered, CallSent, CallUnanswered, DecisionKind, Domain, EndedHow, Fact, WaitingFor,
};

use super::standing::{ClockFace, operation, unanswered};

/// Who caused an entry.
pub fn by(by: &By) -> String {
    match by {
        By::Staff(name) => name.clone(),
        By::Client { client, name, .. } => format!("{name}, client {client}"),
        By::Agora => "Agora".to_owned(),
        By::Proxy => "the proxy".to_owned(),
    }
}

/// The title of a call: "Query, try 2 of 3".
pub fn sent_title(sent: &CallSent) -> String {
    let name = operation(sent.operation);
    match (sent.attempt.number, sent.attempt.of) {
        (0 | 1, None) => name,
        (number, None) => format!("{name}, try {number}"),
        (number, Some(of)) => format!("{name}, {number} of {of}"),
    }
}

/// Where a call went, and with which UID.
pub fn sent_detail(sent: &CallSent) -> String {
    let domain = match sent.domain {
        Domain::Primary => "",
        Domain::Secondary => ", the other domain",
        Domain::Region => ", the region's domain",
    };
    let late = if sent.late { ", late" } else { "" };
    format!("Session {}, UID {}, to {}{domain}{late}", sent.session, sent.uid, sent.host)
}

/// An answer in a few words: "200, status 5", "404, failed to find worker".
pub fn answer(answer: &Answer) -> String {
    let mut text = answer.status.to_string();
    if let Some(code) = answer.code {
        text.push_str(&format!(", code {code}"));
    }
    let meaning = meaning(&answer.class);
    if !meaning.is_empty() {
        text.push_str(": ");
        text.push_str(&meaning);
    }
    if let Some(reason) = &answer.reason {
        text.push_str(&format!(" (“{reason}”)"));
    }
    text
}

fn meaning(class: &AnswerClass) -> String {
    match class {
        AnswerClass::Acquired(_) => "a resource ID".to_owned(),
        AnswerClass::Started(_) => "accepted, a sid".to_owned(),
        AnswerClass::Status(status) => {
            let files = match status.files.len() {
                0 => String::new(),
                count => format!(", {}", super::counted(count, "file")),
            };
            format!("status {}, {}{files}", status.status, status_meaning(status.status))
        }
        AnswerClass::Updated => "applied".to_owned(),
        AnswerClass::Stopped(_) => "stop accepted".to_owned(),
        AnswerClass::ServiceNotFound => "not found; a failover may be running".to_owned(),
        AnswerClass::NoRoute => "the gateway does not know our address".to_owned(),
        AnswerClass::ForeignNotFound => "not the service's own 404, treated as 50x".to_owned(),
        AnswerClass::RateLimited { .. } => "too many requests".to_owned(),
        AnswerClass::Refused => "refused".to_owned(),
        AnswerClass::ServerError => "an error of the service".to_owned(),
        AnswerClass::GatewayError => "an error before the service".to_owned(),
        AnswerClass::NotCompleted => "reached the service and was not completed".to_owned(),
        AnswerClass::RequestTimeout => "timed out inside the service".to_owned(),
        AnswerClass::AlreadyStarted(_) => "this resource ID was started before".to_owned(),
        AnswerClass::TaskConflict => "the UID is in use in this channel".to_owned(),
        AnswerClass::WorkerNotAllocated => "no worker; nothing was started".to_owned(),
        AnswerClass::ResourceExpired => "the resource ID is too old".to_owned(),
        AnswerClass::PcwReached => "the limit of sessions is reached".to_owned(),
        AnswerClass::NoRecordedData => "ended, and nothing was recorded".to_owned(),
        AnswerClass::AlreadyExiting => "already exiting".to_owned(),
        AnswerClass::UploadTimeout => "stopped; the upload goes on".to_owned(),
        AnswerClass::Unreadable => "cannot be read".to_owned(),
    }
}

/// A status of the service in words.
pub const fn status_meaning(status: u8) -> &'static str {
    match status {
        0 => "not started",
        1 => "initialized",
        2 => "starting",
        3 => "parts ready",
        4 => "ready",
        5 => "in progress",
        6 => "stop requested",
        7 => "recording over",
        8 => "about to exit",
        20 => "abnormal exit",
        _ => "unknown",
    }
}

/// What was decided, as a title.
pub fn decision(kind: &DecisionKind) -> String {
    match kind {
        DecisionKind::Confirmed(_) => "Started: it records".to_owned(),
        DecisionKind::InDoubt(_) => "In doubt, not dead".to_owned(),
        DecisionKind::Recovered(_) => "Recovered".to_owned(),
        DecisionKind::Lost(session) => format!("Lost: session {session}"),
        DecisionKind::NotStarted { session, .. } => format!("Not started: session {session}"),
        DecisionKind::Ending(session) => format!("Ending: session {session}"),
        DecisionKind::Ended { session, how } => format!("Over: session {session}, {}", ended(*how)),
        DecisionKind::TakenAsEnded(session) => format!("Taken as ended: session {session}"),
        DecisionKind::Orphaned { session, unlikely: true } => {
            format!("Left behind: the start of session {session}, which hardly runs")
        }
        DecisionKind::Orphaned { session, unlikely: false } => {
            format!("Possible orphan: the start of session {session}")
        }
        DecisionKind::Abandoned(session) => {
            format!("Given up: session {session}, which certainly does not run")
        }
        DecisionKind::Replace(session) => format!("Replaced: session {session}"),
        DecisionKind::WaitForStaff(why) => format!("Waits for staff: {}", waiting(*why)),
        DecisionKind::Alarm(cause) => format!("Alarm: {}", alarm(*cause)),
        DecisionKind::NotApplied { session, .. } => format!("Change not applied: session {session}"),
        DecisionKind::TakesOver(session) => format!("Main from now on: session {session}"),
    }
}

const fn ended(how: EndedHow) -> &'static str {
    match how {
        EndedHow::Stopped => "stopped",
        EndedHow::Exited => "it exited",
        EndedHow::Abnormal => "abnormal exit",
        EndedHow::NotFound => "not found any more",
        EndedHow::Notified => "notified",
    }
}

const fn waiting(why: WaitingFor) -> &'static str {
    match why {
        WaitingFor::Replacements => "too many replacements",
        WaitingFor::FailedReplacement => "a replacement did not record",
        WaitingFor::Refused => "the service refused",
        WaitingFor::StartTries => "half an hour of tries is over",
        WaitingFor::Unattended => "nobody was here",
        WaitingFor::Idle => "nobody was in the channel",
        WaitingFor::Fatal => "a fatal error before anything was recorded",
    }
}

const fn alarm(cause: AlarmCause) -> &'static str {
    match cause {
        AlarmCause::StartFailing => "both UIDs failed to start",
        AlarmCause::StartRefused => "the start is refused",
        AlarmCause::AcquireFailing => "no resource ID can be had",
        AlarmCause::UidsInUse => "every UID is in use",
        AlarmCause::Unconfirmed(_) => "accepted and not confirmed",
        AlarmCause::Unclear(_) => "no clear answer for long",
        AlarmCause::Configuration(_) => "our calls are refused",
        AlarmCause::Ending(_) => "ending for long",
        AlarmCause::Twins(_) => "two sessions are billed",
        AlarmCause::Lost(_) => "a session is lost",
        AlarmCause::ReplacementsUsed => "the replacements are used up",
        AlarmCause::ReplacementFailed => "a replacement did not record",
        AlarmCause::StopUnconfirmed(_) => "a stop is not confirmed",
        AlarmCause::StopRefused(_) => "a stop is refused",
        AlarmCause::ControlEnding(_) => "control ends soon",
        AlarmCause::OutOfControl(_) => "control has ended",
        AlarmCause::Unattended => "nobody was here when a start fell due",
        AlarmCause::NotApplied(_) => "a change is not applied",
        AlarmCause::Fatal(_) => "a fatal error before anything was recorded",
    }
}

/// An entry as a title and a line of detail. Calls and their answers have words of their own.
pub fn fact(fact: &Fact, clock: ClockFace) -> (String, String) {
    match fact {
        Fact::Requested(requested) => {
            let title = if requested.watched { "Watched: it runs already" } else { "Asked for" };
            (
                title.to_owned(),
                format!(
                    "{} in {}, UIDs {} and {}, policy {}",
                    requested.channel,
                    requested.app,
                    requested.uids.original,
                    requested.uids.backup,
                    requested.policy_name
                ),
            )
        }
        Fact::Leased(leased) => (
            "Controller changed".to_owned(),
            format!("{}, client {}, epoch {}", leased.holder, leased.client, leased.epoch),
        ),
        Fact::CallSent(sent) => (sent_title(sent), sent_detail(sent)),
        Fact::CallAnswered(CallAnswered { answer: said, .. }) => ("Answered".to_owned(), answer(said)),
        Fact::CallUnanswered(CallUnanswered { cause, .. }) => {
            ("No answer".to_owned(), super::capital(unanswered(*cause)))
        }
        Fact::Repeated(repeated) => {
            ("Answered as before".to_owned(), format!("the same as entry {}", repeated.of))
        }
        Fact::Decided(decided) => (decision(&decided.kind), String::new()),
        Fact::Notified(notified) => (
            format!("Notification {}", super::event(notified.event)),
            format!("sent {}", clock(notified.sent_at)),
        ),
        Fact::NotifiedAgain(again) => {
            ("Notified once more".to_owned(), format!("the same as entry {}", again.of))
        }
        Fact::StopRequested(stop) => {
            let what = stop
                .session
                .map_or_else(|| "the recording".to_owned(), |session| format!("session {session}"));
            ("Stop asked for".to_owned(), format!("{what}, not sent before {}", clock(stop.not_before)))
        }
        Fact::StopWithdrawn => ("Stop taken back".to_owned(), String::new()),
        Fact::UpdateRequested(_) => ("Update asked for".to_owned(), String::new()),
        Fact::LayoutRequested(_) => ("Layout asked for".to_owned(), String::new()),
        Fact::PolicyChanged(changed) => ("Policy changed".to_owned(), changed.name.clone()),
        Fact::TryAgainRequested => ("Try again".to_owned(), String::new()),
        Fact::Hurried => ("Next query asked for at once".to_owned(), String::new()),
        Fact::Adopted(adopted) => (
            "Adopted".to_owned(),
            format!("session {}, UID {}, sid {}", adopted.session, adopted.uid, adopted.sid),
        ),
        Fact::Acknowledged(acknowledged) => {
            ("Alarm seen".to_owned(), format!("of entry {}", acknowledged.alarm))
        }
        Fact::Dismissed(dismissed) => {
            (format!("Dismissed: session {}", dismissed.session), dismissed.reason.clone())
        }
        Fact::Unknown(value) => ("Unknown entry, shown as it came".to_owned(), value.to_string()),
    }
}

/// The evidence of a decision: "from entries 12 and 19".
pub fn evidence(entries: &[u32]) -> String {
    match entries {
        [] => String::new(),
        [one] => format!("From entry {one}."),
        many => {
            format!("From entries {}.", many.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
    }
}
