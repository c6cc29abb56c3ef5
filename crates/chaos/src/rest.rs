//! What is judged when nothing has broken for five minutes: both lists agree, and nothing is stuck.

use core::time::Duration;
use std::collections::BTreeMap;

use agora::{Sid, Timestamp};
use rules::journal::EndedHow;
use rules::notified::{Heard, Told};
use rules::recording::{Phase, Session};
use rules::{Entry, Fact, Recording};
use simulator::Service;
use switchboard::{Filter, Switchboard};

use crate::desk::{FOREIGN, Platter};
use crate::history::Verdict;
use crate::judge::{Invariant, Judge};

/// T2: by then a query has told that it is gone, also on a slow way.
const STOP_PROVED: Duration = Duration::from_secs(120);

/// A session that the service runs, without a loan.
struct Runs {
    sid: String,
    resource: String,
    moving: bool,
    past_control: bool,
}

/// Judges everything at rest.
pub fn judge(
    judge: &mut Judge,
    board: &Switchboard,
    service: &mut Service,
    disk: &Platter,
    now: Timestamp,
    time: Timestamp,
) {
    judge.still_there(&disk.notice_ids());
    no_foreign(judge, disk);
    any_order(judge, disk);
    control_told(judge, now);
    let runs: Vec<Runs> = service
        .sessions(time)
        .filter(|truth| truth.live)
        .map(|truth| Runs {
            sid: truth.sid.as_str().to_owned(),
            resource: truth.resource_id.as_str().to_owned(),
            moving: truth.moving,
            past_control: time >= truth.control_until,
        })
        .collect();
    let all = board.page(&Filter::default(), None, usize::MAX).recordings;
    for run in &runs {
        let shown = all.iter().flat_map(|recording| &recording.sessions).any(|session| shows(session, run));
        let dismissed = all.iter().flat_map(|recording| &recording.sessions).any(|session| {
            session.dismissed && session.resource.as_ref().is_some_and(|own| own.id.as_str() == run.resource)
        });
        let known = judge.histories.values().flat_map(|history| &history.sessions).any(|session| {
            session.dismissed
                && session.resource.as_ref().is_some_and(|(own, _)| own.as_str() == run.resource)
        });
        // One that was away for longer than anybody asks after it (M11) cannot be known.
        let away = judge.histories.values().flat_map(|history| &history.sessions).any(|session| {
            session.verdict == Verdict::Over(EndedHow::NotFound)
                && session.sid.as_ref().is_some_and(|(sid, _)| sid.as_str() == run.sid)
        });
        let by_uid = said_by_another(judge, &all, run);
        judge.holds(Invariant::ListsAgree, shown || dismissed || known || away || by_uid, || {
            format!("{} runs and is on no board", run.sid)
        });
    }
    for recording in &all {
        for session in &recording.sessions {
            if session.is_billed() && !session.dismissed {
                let truth =
                    runs.iter().find(|run| session.sid.as_ref().is_some_and(|sid| sid.as_str() == run.sid));
                let out_of_control = is_out_of_control(recording, session, now.max(time));
                // One that is ending may still upload, and a stop that was just carried out is not answered yet.
                let asked_soon =
                    session.stop_accepted.is_some_and(|(accepted, _)| time.since(accepted) < STOP_PROVED);
                let ends = session.phase == Phase::Ending || session.halt.open.is_some() || asked_soon;
                judge.holds(Invariant::ListsAgree, truth.is_some() || out_of_control || ends, || {
                    format!(
                        "{} session {} is shown as {:?} and does not run",
                        recording.id, session.number, session.phase
                    )
                });
            }
            let unknown = session.sid.is_none()
                && !session.may_run.is_no()
                && session.start.open.is_none()
                && session.phase == Phase::Starting
                && recording.procedure.is_none();
            judge.holds(Invariant::Resolved, !unknown, || {
                format!("{} session {} may run and nobody says so", recording.id, session.number)
            });
            if let Some(run) =
                runs.iter().find(|run| session.sid.as_ref().is_some_and(|sid| sid.as_str() == run.sid))
            {
                let wanted =
                    recording.stop.is_none() && session.stop_asked.is_none() && session.stop_due.is_none();
                // T6, V4: what is changed over is stopped from now on.
                let just_now =
                    session.stop_due.is_some_and(|(since, _)| recording.last_at.since(since) < STOP_PROVED);
                let excused = just_now
                    || run.moving
                    || run.past_control
                    || session.dismissed
                    || came_back_late(session);
                judge.holds(Invariant::StopsInTime, wanted || excused, || {
                    format!(
                        "{} session {} was to be stopped and runs: {:?}",
                        recording.id, session.number, session.phase
                    )
                });
                if run.past_control {
                    let told =
                        recording.alarms.iter().any(|alarm| alarm.cause.session() == Some(session.number));
                    // One that came back after it was believed to be gone is shown as that (M11, R4).
                    let away = came_back_late(session);
                    judge.holds(Invariant::ControlTold, told || away || session.dismissed, || {
                        format!(
                            "{} session {} is out of control without an alarm",
                            recording.id, session.number
                        )
                    });
                }
            }
        }
        goes_on(judge, recording, &runs, now.max(time));
        asked_after(judge, recording, now.max(time));
    }
}

/// I-35: nothing that came about sessions of others is in a recording's journal.
fn no_foreign(judge: &mut Judge, disk: &Platter) {
    let ours = |history: &crate::history::History| {
        history
            .sessions
            .iter()
            .all(|session| session.sid.as_ref().is_none_or(|(sid, _)| !sid.as_str().starts_with(FOREIGN)))
    };
    if disk.notice_ids().iter().any(|notice| notice.starts_with("others:")) {
        let holds = judge.histories.values().all(ours);
        judge.holds(Invariant::NoForeign, holds, || "a session of others is one of ours".to_owned());
    }
}

/// T6: a session that is known to go on has its alarm where control of it nears its end, or has ended.
fn control_told(judge: &mut Judge, now: Timestamp) {
    let mut untold = Vec::new();
    for history in judge.histories.values() {
        for session in &history.sessions {
            let Some((_, accepted)) = session.sid else { continue };
            let whole = Duration::from_secs(u64::from(history.control_hours) * 3_600);
            let hour = Duration::from_secs(3_600);
            let changeover = if whole < hour * 2 { whole / 2 } else { whole - hour };
            let due = accepted + changeover.min(whole * 95 / 100);
            let goes_on = session.started && session.verdict == Verdict::None && !session.dismissed;
            // Pages have had a minute for it.
            if goes_on && session.ending.is_none() && now > due + Duration::from_secs(60) {
                untold.push((history.id.clone(), session.number, history.control_told(session.number)));
            }
        }
    }
    for (id, number, told) in untold {
        judge.holds(Invariant::ControlTold, told, || {
            format!("{id} session {number}: control nears its end, and nobody was told")
        });
    }
}

/// I-34: what notifications told of each session is the same when they come the other way round.
fn any_order(judge: &mut Judge, disk: &Platter) {
    for id in judge.histories.keys().cloned().collect::<Vec<_>>() {
        let mut entries: Vec<Entry> =
            disk.lines.iter().filter(|line| line.recording == id).map(|line| line.entry.clone()).collect();
        let mut places: BTreeMap<Sid, Vec<usize>> = BTreeMap::new();
        for (place, entry) in entries.iter().enumerate() {
            if let Fact::Notified(notified) = &entry.fact {
                places.entry(notified.sid.clone()).or_default().push(place);
            }
        }
        if places.values().all(|places| places.len() < 2) {
            continue;
        }
        let told = |entries: &[Entry]| {
            let (first, others) = entries.split_first()?;
            let mut recording = Recording::begin(id.clone(), first)?;
            others.iter().for_each(|entry| rules::fold(&mut recording, entry));
            let heard =
                recording.sessions.iter().map(|session| session.heard.as_deref().map(without_arrivals));
            Some(heard.collect::<Vec<_>>())
        };
        let as_they_came = told(&entries);
        for places in places.values() {
            let count = places.len();
            for nth in 0..count / 2 {
                let (one, other) = (places[nth], places[count - 1 - nth]);
                let fact = entries[one].fact.clone();
                entries[one].fact = core::mem::replace(&mut entries[other].fact, fact);
            }
        }
        let other_way_round = told(&entries);
        judge.holds(Invariant::AnyOrder, as_they_came == other_way_round, || {
            format!("{id}: {as_they_came:?} became {other_way_round:?}")
        });
    }
}

/// Without when they came, which is another time in another order.
fn without_arrivals(heard: &Heard) -> Heard {
    let told = |told: Option<Told>| told.map(|told| Told { came: Timestamp::default(), entry: 0, ..told });
    Heard {
        last: Timestamp::default(),
        registered: heard.registered.map(|_| Timestamp::default()),
        asks: None,
        exit: told(heard.exit),
        failover: told(heard.failover),
        left_idle: told(heard.left_idle),
        present: told(heard.present),
        page_ended: told(heard.page_ended),
        fatal: told(heard.fatal),
        ..heard.clone()
    }
}

/// One that came back after it was taken as ended is asked after only now and then (M11), and in the end no more.
fn came_back_late(session: &Session) -> bool {
    let watched_after = matches!(session.phase, Phase::TakenAsEnded | Phase::Lost | Phase::NotStarted);
    watched_after || session.phase == Phase::Over(EndedHow::NotFound)
}

fn shows(session: &Session, run: &Runs) -> bool {
    let by_sid = session.sid.as_ref().is_some_and(|sid| sid.as_str() == run.sid);
    let by_resource = session.sid.is_none()
        && !session.may_run.is_no()
        && session.resource.as_ref().is_some_and(|own| own.id.as_str() == run.resource)
        || session.start.open.is_some()
            && session.resource.as_ref().is_some_and(|own| own.id.as_str() == run.resource);
    (by_sid && !matches!(session.phase, Phase::Over(_))) || by_resource
}

/// One entry a UID (S9): a younger possible orphan of the recording says it.
fn said_by_another(judge: &Judge, all: &[Recording], run: &Runs) -> bool {
    judge.histories.values().any(|history| {
        let own = history.sessions.iter().find(|session| {
            session.resource.as_ref().is_some_and(|(resource, _)| resource.as_str() == run.resource)
        });
        let Some(own) = own.filter(|own| own.sid.is_none()) else { return false };
        if history.sessions.iter().any(|other| other.uid == own.uid && other.dismissed) {
            return true;
        }
        all.iter().filter(|recording| recording.id == history.id).any(|recording| {
            recording.sessions.iter().any(|session| session.uid == own.uid && !session.may_run.is_no())
        })
    })
}

/// M1: 120 s and what its jitter adds, what a slow way may take, and what D2's repeats take.
const ASKED_WITHIN: Duration = Duration::from_secs(200);

/// The journal's time may be ahead of the service's, where the proxy's clock was set.
fn is_out_of_control(recording: &Recording, session: &Session, time: Timestamp) -> bool {
    session.control_ends(recording.control_hours).is_some_and(|ends| time >= ends)
}

fn asked_after(judge: &mut Judge, recording: &Recording, time: Timestamp) {
    for session in recording.sessions.iter().filter(|session| session.phase == Phase::Live) {
        let out_of_control = is_out_of_control(recording, session, time);
        let known = session.last_answer.map(|answer| answer.at).max(session.confirmed);
        // The journal's time may be another one than the service's, where the proxy's clock was set.
        let fresh = known.is_some_and(|at| recording.last_at.max(at).since(at) <= ASKED_WITHIN);
        judge.holds(Invariant::AskedAfter, fresh || out_of_control, || {
            format!("{} session {}: not asked after since {known:?}", recording.id, session.number)
        });
    }
}

fn goes_on(judge: &mut Judge, recording: &Recording, runs: &[Runs], time: Timestamp) {
    if recording.stop.is_some() || recording.watched {
        return;
    }
    let running = recording.sessions.iter().any(|session| {
        runs.iter().any(|run| session.sid.as_ref().is_some_and(|sid| sid.as_str() == run.sid))
    });
    let says = recording.waiting.is_some()
        || recording.open_alarms().next().is_some()
        || recording.sessions.iter().any(|session| {
            session.is_orphan()
                || session.doubt.is_some()
                || session.phase == Phase::Ending
                || session.stop_asked.is_some()
                // T6: it is shown as out of control, also when somebody has seen the alarm about it.
                || (session.is_billed() && is_out_of_control(recording, session, time))
        })
        || recording.procedure.is_some();
    judge.holds(Invariant::GoesOn, running || says, || {
        format!("{} is wanted, does not run and says nothing", recording.id)
    });
}
