//! What a page reads out of one journal: its calls with their answers, its sessions and legs, and every time a session was
//! away. All of it is a fold over the entries, so it is the same for everybody who looks.

use agora::notification::EventType;
use agora::{AnswerClass, Operation, Timestamp, Uid};
use rules::journal::{CallId, Notified};
use rules::notified::{Gap, LegHeard};
use rules::recording::{Interruption, Phase, Session};
use rules::{Entry, EntryNumber, Fact, Recording, RecordingId, SessionNumber, fold};

/// One call and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// When it left.
    pub sent: Timestamp,
    /// The session.
    pub session: SessionNumber,
    /// The operation.
    pub operation: Operation,
    /// Which try it is.
    pub attempt: u32,
    /// The entry that wrote it down, and that of what came of it.
    pub entries: (EntryNumber, Option<EntryNumber>),
    /// What came of it, and when.
    pub end: Option<(Timestamp, End)>,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was done.
    Good,
    /// 404, refused, unclear.
    Bad,
    /// No answer.
    Silent,
}

/// A session as the history keeps it, also after the fold has let it go.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionHistory {
    /// Its number.
    pub number: SessionNumber,
    /// The UID of its `acquire`.
    pub uid: Uid,
    /// When it began.
    pub begun: Timestamp,
    /// Its `sid`.
    pub sid: Option<agora::Sid>,
    /// When it was accepted.
    pub accepted: Option<Timestamp>,
    /// When it was confirmed.
    pub confirmed: Option<Timestamp>,
    /// When it was over, lost or given up.
    pub ended: Option<Timestamp>,
    /// Where it stands.
    pub phase: Phase,
    /// The first 404 of a doubt that is open.
    pub doubt: Option<Timestamp>,
    /// The times it was away and came back.
    pub away: Vec<Away>,
    /// The recorders that notifications name, the earliest first (F3).
    pub legs: Vec<LegHeard>,
    /// What was certainly not recorded, the earliest first (F6).
    pub gaps: Vec<Gap>,
    /// Failovers proved.
    pub failovers: u8,
    /// Index files that were named.
    pub files: Vec<String>,
}

/// A time in which a session did not answer, with what notifications tell of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Away {
    /// What the queries tell.
    pub seen: Interruption,
    /// The recorder that goes on, and which one of the notified it is, from 0 (F1).
    pub named: Option<(usize, LegHeard)>,
    /// Exactly what was not recorded (F6).
    pub gap: Option<Gap>,
}

/// Notifications of one kind about one recorder, folded.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The session, if its `sid` is one of this recording.
    pub session: Option<SessionNumber>,
    /// The recorder.
    pub uid: Option<Uid>,
    /// The kind.
    pub event: EventType,
    /// When the earliest and the latest happened, as the service says.
    pub sent: (Timestamp, Timestamp),
    /// When the last one came.
    pub came: Timestamp,
    /// How many there were, each counted once.
    pub count: usize,
    /// How many deliveries more: duplicates, on which nothing acts (N2).
    pub again: usize,
}

/// What one journal tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// The calls, oldest first.
    pub calls: Vec<Call>,
    /// The sessions, oldest first.
    pub sessions: Vec<SessionHistory>,
    /// The notifications, folded, in the order in which the first of each came.
    pub told: Vec<Told>,
    /// When each notification came, and its kind; duplicates are left out.
    pub notified: Vec<(Timestamp, EventType)>,
    /// When it was asked for.
    pub begun: Option<Timestamp>,
    /// The last entry.
    pub last: Option<Timestamp>,
}

impl History {
    /// Reads the entries of a recording, oldest first. Entries that are missing at the beginning are done without.
    pub fn read(id: &RecordingId, entries: &[Entry]) -> Self {
        let mut history = Self::default();
        let mut recording: Option<Recording> = None;
        // Which fold each notification is in.
        let mut folds: Vec<(EntryNumber, usize)> = Vec::new();
        for entry in entries {
            history.begun = history.begun.or(Some(entry.at));
            history.last = Some(entry.at);
            match &mut recording {
                None => recording = Recording::begin(id.clone(), entry),
                Some(recording) => fold(recording, entry),
            }
            if let Some(recording) = &recording {
                history.take_sessions(recording, entry.at);
            }
            match &entry.fact {
                Fact::CallSent(sent) => history.calls.push(Call {
                    id: sent.id.clone(),
                    sent: entry.at,
                    session: sent.session,
                    operation: sent.operation,
                    attempt: sent.attempt.number,
                    entries: (entry.number, None),
                    end: None,
                }),
                Fact::CallAnswered(answered) => {
                    history.end(&answered.id, entry, end_of(&answered.answer.class));
                }
                Fact::Repeated(repeated) => history.end(&repeated.id, entry, End::Good),
                Fact::CallUnanswered(unanswered) => history.end(&unanswered.id, entry, End::Silent),
                Fact::Notified(notified) => {
                    folds.push((entry.number, history.take_notified(notified, entry.at)))
                }
                Fact::NotifiedAgain(again) => {
                    // The first delivery is one of the last.
                    let first = folds.iter().rev().find(|(number, _)| *number == again.of);
                    if let Some(told) = first.and_then(|(_, place)| history.told.get_mut(*place)) {
                        told.again += 1;
                        told.came = entry.at;
                    }
                }
                _ => {}
            }
        }
        history
    }

    /// Where it is folded in.
    fn take_notified(&mut self, notified: &Notified, came: Timestamp) -> usize {
        self.notified.push((came, notified.event));
        let of_sid = |session: &&SessionHistory| session.sid.as_ref() == Some(&notified.sid);
        let session = self.sessions.iter().find(of_sid).map(|session| session.number);
        let key = (session, notified.uid, notified.event);
        let place = self.told.iter().position(|told| (told.session, told.uid, told.event) == key);
        let place = place.unwrap_or_else(|| {
            self.told.push(Told {
                session,
                uid: notified.uid,
                event: notified.event,
                sent: (notified.sent_at, notified.sent_at),
                came,
                count: 0,
                again: 0,
            });
            self.told.len() - 1
        });
        let told = &mut self.told[place];
        told.sent = (told.sent.0.min(notified.sent_at), told.sent.1.max(notified.sent_at));
        told.came = came;
        told.count += 1;
        place
    }

    fn end(&mut self, id: &CallId, entry: &Entry, end: End) {
        // The call is one of the last.
        if let Some(call) = self.calls.iter_mut().rev().find(|call| call.id == *id) {
            call.end = Some((entry.at, end));
            call.entries.1 = Some(entry.number);
        }
    }

    fn take_sessions(&mut self, recording: &Recording, at: Timestamp) {
        for session in &recording.sessions {
            let known = self.sessions.iter().position(|known| known.number == session.number);
            let index = known.unwrap_or_else(|| {
                self.sessions.push(SessionHistory {
                    number: session.number,
                    uid: session.uid,
                    begun: session.begun,
                    sid: None,
                    accepted: None,
                    confirmed: None,
                    ended: None,
                    phase: session.phase,
                    doubt: None,
                    away: Vec::new(),
                    legs: Vec::new(),
                    gaps: Vec::new(),
                    failovers: 0,
                    files: Vec::new(),
                });
                self.sessions.len() - 1
            });
            let known = &mut self.sessions[index];
            if known.phase != session.phase {
                known.phase = session.phase;
                known.ended = match session.phase {
                    Phase::Over(_)
                    | Phase::Lost
                    | Phase::NotStarted
                    | Phase::TakenAsEnded
                    | Phase::Abandoned => Some(known.ended.unwrap_or(at)),
                    Phase::Acquiring | Phase::Starting | Phase::Accepted | Phase::Live | Phase::Ending => {
                        None
                    }
                };
            }
            if known.sid != session.sid {
                known.sid.clone_from(&session.sid);
            }
            known.accepted = session.accepted;
            known.confirmed = session.confirmed;
            known.doubt = session.doubt.map(|doubt| doubt.t0);
            known.failovers = session.proved_failovers();
            for seen in &session.interruptions {
                let away = away(session, seen);
                match known.away.iter_mut().find(|known| known.seen.t0 == seen.t0) {
                    Some(known) if *known != away => *known = away,
                    Some(_) => {}
                    None => known.away.push(away),
                }
            }
            if let Some(heard) = &session.heard
                && (heard.legs != known.legs || heard.gaps != known.gaps)
            {
                known.legs.clone_from(&heard.legs);
                known.gaps.clone_from(&heard.gaps);
            }
            if known.files.len() != session.files.len() {
                known.files.clone_from(&session.files);
            }
        }
    }
}

fn away(session: &Session, seen: &Interruption) -> Away {
    let legs = session.heard.as_ref().map_or(&[][..], |heard| &heard.legs);
    // By its place where a file name tells it (F1), else by the time.
    let named = seen.leg.map(usize::from).filter(|place| *place < legs.len()).or_else(|| {
        let leg = session.leg_in(seen)?;
        legs.iter().position(|known| known.uid == leg.uid)
    });
    Away { seen: seen.clone(), named: named.map(|place| (place, legs[place])), gap: session.exact_gap(seen) }
}

fn end_of(class: &AnswerClass) -> End {
    match class {
        AnswerClass::Acquired(_)
        | AnswerClass::Started(_)
        | AnswerClass::Status(_)
        | AnswerClass::Updated
        | AnswerClass::Stopped(_)
        | AnswerClass::NoRecordedData
        | AnswerClass::AlreadyExiting
        | AnswerClass::UploadTimeout => End::Good,
        AnswerClass::ServiceNotFound
        | AnswerClass::NoRoute
        | AnswerClass::ForeignNotFound
        | AnswerClass::RateLimited { .. }
        | AnswerClass::Refused
        | AnswerClass::ServerError
        | AnswerClass::GatewayError
        | AnswerClass::NotCompleted
        | AnswerClass::RequestTimeout
        | AnswerClass::AlreadyStarted(_)
        | AnswerClass::TaskConflict
        | AnswerClass::WorkerNotAllocated
        | AnswerClass::ResourceExpired
        | AnswerClass::PcwReached
        | AnswerClass::Unreadable => End::Bad,
    }
}
