//! Words about the entries of a journal: what each says, as a title and a line of detail.

use super::{listed, say, translated};
use agora::{Answer, AnswerClass};
use rules::journal::{
    AlarmCause, By, CallAnswered, CallSent, CallUnanswered, DecisionKind, Domain, EndedHow, Fact, WaitingFor,
};

use crate::screens::recording::Kind;

use super::standing::{ClockFace, operation, unanswered};

/// Who caused an entry.
pub fn by(by: &By) -> String {
    match by {
        By::Staff(name) => name.clone(),
        By::Client { client, name, .. } => say!("{}, client {}", name, client),
        By::Agora => say!("Agora"),
        By::Proxy => say!("the proxy"),
    }
}

/// The title of a call: "Query, try 2 of 3".
pub fn sent_title(sent: &CallSent) -> String {
    let name = operation(sent.operation);
    match (sent.attempt.number, sent.attempt.of) {
        (0 | 1, None) => name,
        (number, None) => say!("{}, try {}", name, number),
        (number, Some(of)) => say!("{}, {} of {}", name, number, of),
    }
}

/// Where a call went, and with which UID.
pub fn sent_detail(sent: &CallSent) -> String {
    let domain = match sent.domain {
        Domain::Primary => "",
        Domain::Secondary => ", the other domain",
        Domain::Region => ", the region's domain",
    };
    let late = if sent.late { translated(", late") } else { "" };
    say!("Session {}, UID {}, to {}{}{}", sent.session, sent.uid, sent.host, translated(domain), late)
}

/// An answer in a few words: "200, status 5", "404, failed to find worker".
pub fn answer(answer: &Answer) -> String {
    let mut text = answer.status.to_string();
    if let Some(code) = answer.code {
        text.push_str(&say!(", code {}", code));
    }
    let meaning = meaning(&answer.class);
    if !meaning.is_empty() {
        text.push_str(": ");
        text.push_str(&meaning);
    }
    if let Some(reason) = &answer.reason {
        text.push_str(&say!(" (“{}”)", reason));
    }
    text
}

fn meaning(class: &AnswerClass) -> String {
    match class {
        AnswerClass::Acquired(_) => say!("a resource ID"),
        AnswerClass::Started(_) => say!("accepted, a sid"),
        AnswerClass::Status(status) => {
            let files = match status.files.len() {
                0 => String::new(),
                count => say!(", {}", super::counted(count, super::FILES)),
            };
            say!("status {}, {}{}", status.status, translated(status_meaning(status.status)), files)
        }
        AnswerClass::Updated => say!("applied"),
        AnswerClass::Stopped(_) => say!("stop accepted"),
        AnswerClass::ServiceNotFound => say!("not found; a failover may be running"),
        AnswerClass::NoRoute => say!("the gateway does not know our address"),
        AnswerClass::ForeignNotFound => say!("not the service's own 404, treated as 50x"),
        AnswerClass::RateLimited { .. } => say!("too many requests"),
        AnswerClass::Refused => say!("refused"),
        AnswerClass::ServerError => say!("an error of the service"),
        AnswerClass::GatewayError => say!("an error before the service"),
        AnswerClass::NotCompleted => say!("reached the service and was not completed"),
        AnswerClass::RequestTimeout => say!("timed out inside the service"),
        AnswerClass::AlreadyStarted(_) => say!("this resource ID was started before"),
        AnswerClass::TaskConflict => say!("the UID is in use in this channel"),
        AnswerClass::WorkerNotAllocated => say!("no worker; nothing was started"),
        AnswerClass::ResourceExpired => say!("the resource ID is too old"),
        AnswerClass::PcwReached => say!("the limit of sessions is reached"),
        AnswerClass::NoRecordedData => say!("ended, and nothing was recorded"),
        AnswerClass::AlreadyExiting => say!("already exiting"),
        AnswerClass::UploadTimeout => say!("stopped; the upload goes on"),
        AnswerClass::Unreadable => say!("cannot be read"),
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
        DecisionKind::Confirmed(_) => say!("Started: it records"),
        DecisionKind::InDoubt(_) => say!("In doubt, not dead"),
        DecisionKind::Recovered(_) => say!("Recovered"),
        DecisionKind::Lost(session) => say!("Lost: session {}", session),
        DecisionKind::NotStarted { session, .. } => say!("Not started: session {}", session),
        DecisionKind::Ending(session) => say!("Ending: session {}", session),
        DecisionKind::Ended { session, how } => {
            say!("Over: session {}, {}", session, translated(ended(*how)))
        }
        DecisionKind::TakenAsEnded(session) => say!("Taken as ended: session {}", session),
        DecisionKind::Orphaned { session, unlikely: true } => {
            say!("Left behind: the start of session {}, which hardly runs", session)
        }
        DecisionKind::Orphaned { session, unlikely: false } => {
            say!("Possible orphan: the start of session {}", session)
        }
        DecisionKind::Abandoned(session) => {
            say!("Given up: session {}, which certainly does not run", session)
        }
        DecisionKind::Replace(session) => say!("Replaced: session {}", session),
        DecisionKind::WaitForStaff(why) => say!("Waits for staff: {}", translated(waiting(*why))),
        DecisionKind::Alarm(cause) => say!("Alarm: {}", translated(alarm(*cause))),
        DecisionKind::NotApplied { session, .. } => say!("Change not applied: session {}", session),
        DecisionKind::TakesOver(session) => say!("Main from now on: session {}", session),
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
                say!(title),
                say!(
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
            say!("Controller changed"),
            say!("{}, client {}, epoch {}", leased.holder, leased.client, leased.epoch),
        ),
        Fact::CallSent(sent) => (sent_title(sent), sent_detail(sent)),
        Fact::CallAnswered(CallAnswered { answer: said, .. }) => (say!("Answered"), answer(said)),
        Fact::CallUnanswered(CallUnanswered { cause, .. }) => {
            (say!("No answer"), super::capital(translated(unanswered(*cause))))
        }
        Fact::Repeated(repeated) => (say!("Answered as before"), say!("the same as entry {}", repeated.of)),
        Fact::Decided(decided) => (decision(&decided.kind), String::new()),
        Fact::Notified(notified) => {
            (say!("Notification {}", super::event(notified.event)), say!("sent {}", clock(notified.sent_at)))
        }
        Fact::NotifiedAgain(again) => (say!("Notified once more"), say!("the same as entry {}", again.of)),
        Fact::StopRequested(stop) => {
            let what =
                stop.session.map_or_else(|| say!("the recording"), |session| say!("session {}", session));
            let says = say!("{}, not sent before {}", what, clock(stop.not_before));
            let says = if stop.reason.is_empty() { says } else { say!("{}: {}", says, stop.reason) };
            (say!("Stop asked for"), says)
        }
        Fact::StopWithdrawn => (say!("Stop taken back"), String::new()),
        Fact::UpdateRequested(_) => (say!("Update asked for"), String::new()),
        Fact::LayoutRequested(_) => (say!("Layout asked for"), String::new()),
        Fact::PolicyChanged(changed) => (say!("Policy changed"), changed.name.clone()),
        Fact::TryAgainRequested => (say!("Try again"), String::new()),
        Fact::Hurried => (say!("Next query asked for at once"), String::new()),
        Fact::Adopted(adopted) => {
            (say!("Adopted"), say!("session {}, UID {}, sid {}", adopted.session, adopted.uid, adopted.sid))
        }
        Fact::Acknowledged(acknowledged) => (say!("Alarm seen"), say!("of entry {}", acknowledged.alarm)),
        Fact::Dismissed(dismissed) => {
            (say!("Dismissed: session {}", dismissed.session), dismissed.reason.clone())
        }
        Fact::Unknown(value) => (say!("Unknown entry, shown as it came"), value.to_string()),
    }
}

/// A kind of entry, and how many there are.
pub fn kind(kind: Option<Kind>, count: usize) -> String {
    let name = match kind {
        None => "All",
        Some(Kind::Calls) => "Calls and answers",
        Some(Kind::Decisions) => "Decisions",
        Some(Kind::Notifications) => "Notifications",
        Some(Kind::People) => "People",
        Some(Kind::Rest) => "Controllers and others",
    };
    [translated(name), " ", &count.to_string()].concat()
}

/// The evidence of a decision: "from entries 12 and 19".
pub fn evidence(entries: &[u32]) -> String {
    match entries {
        [] => String::new(),
        [one] => say!("From entry {}.", one),
        many => {
            say!("From entries {}.", listed(&many.iter().map(ToString::to_string).collect::<Vec<_>>()))
        }
    }
}
