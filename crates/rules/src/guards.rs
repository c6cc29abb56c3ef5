//! The guards: what the proxy refuses, whoever asks. They say no, and never what to do instead.

use core::fmt;
use core::time::Duration;

use agora::{ChannelName, Mode, Operation, ResourceId, Sid, Timestamp, Uid};

use crate::api::{MakeCall, MakeDecision};
use crate::board::Board;
use crate::findings::View;
use crate::journal::{Decision, Domain, EntryNumber, Fact, RecordingId, SessionNumber, Uids};
use crate::line::Outcome;
use crate::policy::{Policy, seconds};
use crate::recording::{Phase, Recording, Session};
use crate::rule::RuleId;
use crate::{next, start, stop, update};

/// A call that may be made, with what the proxy needs to make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// The UID that goes with it (F5, S11).
    pub uid: Uid,
    /// The domain.
    pub domain: Domain,
    /// The resource ID, for all but `acquire`.
    pub resource_id: Option<ResourceId>,
    /// The recording ID, for all but `acquire` and `start`.
    pub sid: Option<Sid>,
    /// S2: the start leaves later than it should.
    pub late: bool,
    /// T1: the stop is to be answered before the upload is done.
    pub asynchronous: bool,
    /// D8: how long the answer is waited for.
    pub answer_wait: Duration,
    /// U1, R1: the [`UpdateRequested`](crate::journal::UpdateRequested) and
    /// [`LayoutRequested`](crate::journal::LayoutRequested) entries that the body carries, oldest first. For `update` and
    /// `updateLayout` what the session has not applied yet; for `start` what was applied to the recording's sessions.
    pub changes: Vec<EntryNumber>,
    /// A1: the resource IDs that an `acquire` asks to keep apart from.
    pub exclude: Vec<ResourceId>,
    /// The `CallSent` whose body this one must equal byte for byte (D2, S4, S5).
    pub repeats: Option<EntryNumber>,
}

/// Why something is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The rule that says no, if it is one of `docs/rules.md`.
    pub rule: Option<RuleId>,
    /// What is wrong, for people.
    pub sentence: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sentence)
    }
}

impl core::error::Error for Refusal {}

fn refuse<T>(rule: RuleId, sentence: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { rule: Some(rule), sentence: sentence.into() })
}

/// Whether this call may be made now.
///
/// # Errors
/// When a rule forbids it whatever the schedule says: a foreign session, a second call in flight, a resource ID too old,
/// a UID that may live, a start after a stop.
pub fn permits(
    recording: &Recording,
    board: &Board,
    call: &MakeCall,
    now: Timestamp,
) -> Result<Permitted, Refusal> {
    let view = View { recording, board, now };
    if recording.unreadable {
        return Err(Refusal {
            rule: None,
            sentence: "this journal has entries that this build cannot read; nothing is called for it"
                .to_owned(),
        });
    }
    if call.domain == Domain::Region && !board.facts().has_region {
        return refuse(RuleId::D2, "no domain of the region is configured for this App ID");
    }
    match call.operation {
        Operation::Acquire => permits_acquire(view, call),
        Operation::Start => permits_start(view, call),
        Operation::Query => permits_query(view, call),
        Operation::Stop => permits_stop(view, call),
        Operation::Update | Operation::UpdateLayout => permits_update(view, call),
    }
}

fn session_of<'a>(view: View<'a>, call: &MakeCall) -> Result<&'a Session, Refusal> {
    match view.recording.session(call.session) {
        Some(session) => Ok(session),
        None => refuse(RuleId::D10, format!("this recording has no session {}", call.session)),
    }
}

/// D10: one call beside the query is open per session.
fn nothing_else_open(session: &Session) -> Result<(), Refusal> {
    let lines = [
        (&session.acquire, "acquire"),
        (&session.start, "start"),
        (&session.halt, "stop"),
        (&session.change, "update"),
    ];
    for (line, name) in lines {
        if line.open.is_some() {
            return refuse(
                RuleId::D10,
                format!("the {name} of session {} is not answered yet", session.number),
            );
        }
    }
    Ok(())
}

/// M10: a call that was on its way for as long as nobody acted is not let through either.
fn not_asked_for_long_ago(view: View<'_>) -> Result<(), Refusal> {
    if view.recording.procedures().any(|procedure| start::fell_due_unattended(view, procedure)) {
        return refuse(RuleId::M10, "it fell due while nobody was here: staff say whether it is started now");
    }
    Ok(())
}

fn permits_acquire(view: View<'_>, call: &MakeCall) -> Result<Permitted, Refusal> {
    let recording = view.recording;
    if !recording.is_wanted() {
        return refuse(RuleId::T5, "a stop was asked for: nothing more is started");
    }
    let uid = match recording.session(call.session) {
        Some(session) => {
            nothing_else_open(session)?;
            let procedure = recording.procedure_of(recording.side_of(session.uid));
            if session.phase != Phase::Acquiring || procedure.is_none() {
                return refuse(RuleId::S2, format!("session {} needs no resource ID", session.number));
            }
            session.uid
        }
        None => {
            if call.session != recording.next_session {
                return refuse(RuleId::D10, format!("this recording has no session {}", call.session));
            }
            let Some(next) = start::next_acquire(view) else {
                return refuse(RuleId::R1, "no session of this recording is to begin now");
            };
            if recording.assured && next.rule != call.rule {
                return refuse(RuleId::A1, format!("the session that begins now is one of {}", next.rule));
            }
            if !next.reuses && !view.board.is_free(&recording.channel, next.uid, None) {
                return refuse(RuleId::S11, format!("UID {} may be in this channel already", next.uid));
            }
            next.uid
        }
    };
    if let Some(other) = start::waits_for_another(view) {
        return refuse(RuleId::S10, format!("recording {other} is starting in this channel"));
    }
    not_asked_for_long_ago(view)?;
    Ok(Permitted {
        uid,
        domain: call.domain,
        resource_id: None,
        sid: None,
        late: false,
        asynchronous: false,
        answer_wait: seconds(recording.policy.answer_wait),
        changes: Vec::new(),
        exclude: match recording.session(call.session) {
            Some(session) => session.excludes.clone(),
            None => recording.not_over(),
        },
        repeats: recording.session(call.session).map(|session| session.acquire.sent_entry),
    })
}

fn permits_start(view: View<'_>, call: &MakeCall) -> Result<Permitted, Refusal> {
    let recording = view.recording;
    let session = session_of(view, call)?;
    nothing_else_open(session)?;
    let Some(resource) = session.resource.as_ref().filter(|_| session.phase == Phase::Starting) else {
        return refuse(RuleId::S2, format!("session {} has no resource ID to start on", session.number));
    };
    let repeats_unclear = session.start.unanswered > 0
        || session.start.limited > 0
        || session.start.outcome.is_some_and(Outcome::is_unclear);
    let wanted = recording.is_wanted() && session.stop_due.is_none();
    if !(wanted || repeats_unclear) {
        return refuse(RuleId::T5, "a stop was asked for: nothing more is started");
    }
    let never_left = session.may_run.is_no() && session.start.unanswered == 0;
    let procedure = recording.procedure_of(recording.side_of(session.uid));
    if wanted && never_left && procedure.is_none() {
        return refuse(RuleId::R1, "no session of this recording is to begin any more");
    }
    not_asked_for_long_ago(view)?;
    let policy = &recording.policy;
    if view.now > resource.at + seconds(policy.resource_usable) {
        return refuse(RuleId::S2, "the resource ID is too old; acquire another");
    }
    // One that is lost and still asked after was weighed when this session took its UID (S11).
    let living = start::runs_with(recording, session.uid, Some(session.number));
    if living || !view.board.is_free_of_others(recording, session.uid) {
        return refuse(RuleId::S11, format!("UID {} may be in this channel already", session.uid));
    }
    Ok(Permitted {
        uid: session.uid,
        domain: call.domain,
        resource_id: Some(resource.id.clone()),
        sid: None,
        late: session.start.sent_entry == 0 && view.now > resource.at + seconds(policy.resource_late),
        asynchronous: false,
        answer_wait: seconds(policy.slow_answer_wait),
        changes: session.carries.entries(),
        exclude: Vec::new(),
        repeats: Some(session.start.sent_entry).filter(|entry| *entry > 0),
    })
}

/// The session of a call that needs a `sid`.
fn running<'a>(view: View<'a>, call: &MakeCall) -> Result<(&'a Session, Sid, ResourceId), Refusal> {
    let session = session_of(view, call)?;
    let (Some(sid), Some(resource)) = (&session.sid, &session.resource) else {
        return refuse(RuleId::S3, format!("session {} has no recording ID yet", session.number));
    };
    if !session.is_watched() {
        return refuse(RuleId::M11, format!("session {} is over", session.number));
    }
    if stop::is_out_of_control(view, session) {
        return refuse(RuleId::T6, format!("control over session {} has ended", session.number));
    }
    Ok((session, sid.clone(), resource.id.clone()))
}

fn permits_query(view: View<'_>, call: &MakeCall) -> Result<Permitted, Refusal> {
    let (session, sid, resource_id) = running(view, call)?;
    if session.query.open.is_some() {
        return refuse(RuleId::D10, format!("a query of session {} is not answered yet", session.number));
    }
    Ok(Permitted {
        uid: session.uid,
        domain: call.domain,
        resource_id: Some(resource_id),
        sid: Some(sid),
        late: false,
        asynchronous: false,
        answer_wait: seconds(view.recording.policy.answer_wait),
        changes: Vec::new(),
        exclude: Vec::new(),
        repeats: None,
    })
}

fn permits_stop(view: View<'_>, call: &MakeCall) -> Result<Permitted, Refusal> {
    let (session, sid, resource_id) = running(view, call)?;
    nothing_else_open(session)?;
    match stop::wanted(view, session) {
        None => return refuse(RuleId::T7, format!("nobody asked to stop session {}", session.number)),
        Some((since, _)) if view.now < since => {
            return refuse(RuleId::T7, "the stop can still be withdrawn; it is not sent before its time");
        }
        Some(_) => {}
    }
    Ok(Permitted {
        uid: session.uid,
        domain: call.domain,
        resource_id: Some(resource_id),
        sid: Some(sid),
        late: false,
        asynchronous: stop::is_asynchronous(view),
        answer_wait: stop::answer_wait(view),
        changes: Vec::new(),
        exclude: Vec::new(),
        repeats: None,
    })
}

fn permits_update(view: View<'_>, call: &MakeCall) -> Result<Permitted, Refusal> {
    let (session, sid, resource_id) = running(view, call)?;
    nothing_else_open(session)?;
    let change = update::to_apply(view, session).filter(|change| change.operation() == call.operation);
    let Some(change) = change else {
        return refuse(RuleId::U1, "nobody asked for a change of this session");
    };
    if session.doubt.is_some() {
        return refuse(RuleId::U1, "the session is in doubt: it is changed when it has come back");
    }
    Ok(Permitted {
        uid: session.uid,
        domain: call.domain,
        resource_id: Some(resource_id),
        sid: Some(sid),
        late: false,
        asynchronous: false,
        answer_wait: seconds(view.recording.policy.answer_wait),
        exclude: Vec::new(),
        repeats: update::repeats(session, change),
        changes: vec![change.entry],
    })
}

/// Whether this conclusion holds now, from the journal alone: nothing rests on a client's word.
///
/// # Errors
/// When the rules do not conclude it at this instant, or from other entries.
pub fn admits(
    recording: &Recording,
    board: &Board,
    decision: &MakeDecision,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let found = next::look(recording, board, now).decisions;
    let fits = |own: &Decision| own.kind == decision.kind && own.rule == decision.rule;
    let Some((own, _)) = found.into_iter().find(|(own, _)| fits(own)) else {
        return refuse(decision.rule, "the journal does not show this now");
    };
    // The own ones are in order; those named may be in any, and any number of times.
    let all_ours = decision.evidence.iter().all(|entry| own.evidence.binary_search(entry).is_ok());
    if !all_ours || !own.evidence.iter().all(|entry| decision.evidence.contains(entry)) {
        return refuse(decision.rule, "the conclusion rests on other entries than those named");
    }
    Ok(own)
}

/// Whether a recording may be asked for in this channel (S10, S11).
///
/// `beside` is staff's confirmation that a live one is there and that both are billed.
///
/// # Errors
/// When a live recording is in the channel and was not confirmed, or a UID may be in it.
pub fn permits_request(
    board: &Board,
    channel: &ChannelName,
    mode: Mode,
    uids: &Uids,
    beside: bool,
) -> Result<(), Refusal> {
    if let Some(other) = board.starting(channel, mode) {
        return refuse(RuleId::S10, format!("recording {other} is starting in this channel"));
    }
    if let Some(other) = board.in_channel(channel).next().filter(|_| !beside) {
        return refuse(
            RuleId::S10,
            format!("recording {other} is live in this channel; a further one is billed as well: confirm it"),
        );
    }
    let mut all = vec![uids.original, uids.backup];
    all.extend(&uids.reserves);
    for (place, uid) in all.iter().enumerate() {
        if all[..place].contains(uid) {
            return refuse(RuleId::S11, format!("UID {uid} is named twice"));
        }
        if !board.is_free(channel, *uid, None) {
            return refuse(RuleId::S11, format!("UID {uid} may be in this channel already"));
        }
    }
    Ok(())
}

/// Whether a main and a backup session may be asked for with these UIDs (A1).
///
/// # Errors
/// When there are not two for each: one to begin with, and one to replace it with.
pub fn permits_pair(uids: &Uids) -> Result<(), Refusal> {
    if uids.reserves.len() < 2 {
        return refuse(RuleId::A1, "a main and a backup session need four UIDs");
    }
    Ok(())
}

/// Whether this policy may be asked for, or changed to, in this App ID (V4).
///
/// # Errors
/// When it waits for notifications that the last starts did not have.
pub fn permits_policy(board: &Board, policy: &Policy) -> Result<(), Refusal> {
    if policy.started_notification && !board.expects_registration(policy) {
        let sentence = format!(
            "this policy acts on a missing notification 13; the last {} starts of this App ID did not all have one within {} s",
            policy.registered_starts, policy.registered_within
        );
        return refuse(RuleId::V4, sentence);
    }
    Ok(())
}

/// Whether an entry that came after a client's last folded one makes its step about `session` stale.
///
/// Entries about another session, repeats of a routine answer, and the lease do not.
pub fn concerns(recording: &RecordingId, fact: &Fact, session: Option<SessionNumber>) -> bool {
    let about = |other: SessionNumber| session.is_none_or(|session| session == other);
    let call = |id: &str| {
        let mut parts = id.rsplit(':');
        let _operation = parts.next();
        let number = parts.next().and_then(|number| number.parse().ok());
        let _after = parts.next();
        parts.next() != Some(recording.as_str()) || number.is_none_or(about)
    };
    match fact {
        Fact::Leased(_) | Fact::Repeated(_) | Fact::Acknowledged(_) => false,
        Fact::CallSent(sent) => about(sent.session),
        Fact::CallAnswered(answered) => call(&answered.id.0),
        Fact::CallUnanswered(unanswered) => call(&unanswered.id.0),
        Fact::Decided(decision) => decision.kind.session().is_none_or(about),
        Fact::Adopted(adopted) => about(adopted.session),
        Fact::Dismissed(dismissed) => about(dismissed.session),
        Fact::Notified(_) | Fact::NotifiedAgain(_) | Fact::Hurried => false,
        Fact::Requested(_)
        | Fact::StopRequested(_)
        | Fact::StopWithdrawn
        | Fact::UpdateRequested(_)
        | Fact::LayoutRequested(_)
        | Fact::PolicyChanged(_)
        | Fact::TryAgainRequested
        | Fact::Unknown(_) => true,
    }
}
