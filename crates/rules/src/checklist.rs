//! C1: the ten items of the integration checklist, looked up in what the journal holds of one session. Nothing here
//! blocks a call or decides anything; the page says it in words.

use core::time::Duration;

use agora::notification::EventType;
use agora::{Mode, Operation, limits};

use crate::board::Board;
use crate::journal::EntryNumber;
use crate::limits::calls_per_second;
use crate::line::{Line, Outcome};
use crate::recording::{Phase, Recording, Refused, Session};

/// One item of the service's integration checklist, in its order there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Item {
    /// 1: the service is switched on for the App ID.
    Subscription,
    /// 2: the right methods and addresses are used.
    RequestMethod,
    /// 3: a resource ID for one session, with a UID that nobody else has, and started.
    Resource,
    /// 4: the channel's profile is the one that the publishers use.
    ChannelProfile,
    /// 5: the parameters of the recording are right.
    Parameters,
    /// 6: it was made sure that the recording began.
    Start,
    /// 7: the limits of sessions and of calls a second are kept.
    Limits,
    /// 8: notifications are subscribed to.
    Notifications,
    /// 9: both domain names are used.
    Domains,
    /// 10: the idle time is reasonable.
    IdleTime,
}

impl Item {
    /// All of them, in the order of the checklist.
    pub const ALL: [Self; 10] = [
        Self::Subscription,
        Self::RequestMethod,
        Self::Resource,
        Self::ChannelProfile,
        Self::Parameters,
        Self::Start,
        Self::Limits,
        Self::Notifications,
        Self::Domains,
        Self::IdleTime,
    ];

    /// Its number in the checklist, from 1.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// Whether the checklist calls it required; the last three are optional.
    pub const fn is_required(self) -> bool {
        !matches!(self, Self::Notifications | Self::Domains | Self::IdleTime)
    }
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The journal proves it.
    Passed,
    /// The journal proves the contrary.
    Failed,
    /// Nothing that is known decides it yet.
    NotKnown,
}

/// What the documents advise about an item that did not pass, or that could be better.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Advice {
    /// Switch the service on in the console, or look at the customer key.
    SwitchOn,
    /// Look at the address of the service in the configuration.
    CheckAddress,
    /// Keep participants out of the reserved UIDs.
    ReserveUids,
    /// Compare the channel's profile with that of the publishers.
    CompareProfile,
    /// Look at the parameter that the service's words name.
    CheckParameters,
    /// Ask support for a higher limit of sessions; so many run now.
    AskForSessions {
        /// Sessions that run now.
        running: u32,
    },
    /// Ask support for more calls a second; so many are needed for routine queries alone.
    AskForCalls {
        /// Calls a second, from the sessions and the interval of their queries.
        needed: u32,
        /// Calls a second that the App ID has.
        allowed: u32,
    },
    /// Subscribe to these kinds: none of them was ever seen.
    Subscribe(Vec<EventType>),
    /// Ask support for redundant notifications: none ever came twice.
    AskForRedundancy,
    /// Raise the idle time to so many seconds.
    RaiseIdleTime(u32),
}

/// One item, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which.
    pub item: Item,
    /// What became of it.
    pub verdict: Verdict,
    /// The entries that show it, where entries do.
    pub evidence: Vec<EntryNumber>,
    /// What to do about it.
    pub advice: Option<Advice>,
}

/// The kinds of notification that the checklist names and that every recording that was stopped gives. Errors (1) and
/// failovers (12) are named too, but seen only where something breaks.
const WANTED: [EventType; 3] = [EventType::RecorderStarted, EventType::SessionExit, EventType::Uploaded];

/// C1: the checklist for one session.
pub fn checklist(recording: &Recording, session: &Session, board: &Board) -> [Checked; 10] {
    Item::ALL.map(|item| {
        let (verdict, evidence, advice) = judge(item, recording, session, board);
        let evidence = evidence.into_iter().filter(|entry| *entry > 0).collect();
        Checked { item, verdict, evidence, advice }
    })
}

type Judged = (Verdict, Vec<EntryNumber>, Option<Advice>);

fn judge(item: Item, recording: &Recording, session: &Session, board: &Board) -> Judged {
    match item {
        Item::Subscription => subscription(recording, session),
        Item::RequestMethod => request_method(session),
        Item::Resource => resource(session),
        Item::ChannelProfile => channel_profile(session),
        Item::Parameters => parameters(recording, session),
        Item::Start => start(session),
        Item::Limits => kept_limits(recording, session, board),
        Item::Notifications => notifications(recording, session, board),
        Item::Domains => domains(session),
        Item::IdleTime => idle_time(recording),
    }
}

fn lines(session: &Session) -> [&Line; 4] {
    [&session.acquire, &session.start, &session.query, &session.halt]
}

/// The refusal of the recording, where it is one of this session's calls.
fn refusal<'a>(recording: &'a Recording, session: &Session, operation: Operation) -> Option<&'a Refused> {
    let line = if operation == Operation::Acquire { &session.acquire } else { &session.start };
    recording
        .refusal
        .as_ref()
        .filter(|refused| refused.operation == operation && refused.entry == line.ended_entry)
}

fn subscription(recording: &Recording, session: &Session) -> Judged {
    if session.resource.is_some() {
        return (Verdict::Passed, vec![session.acquire.ended_entry], None);
    }
    // 401 and 403 say that the key is wrong or that it may not; any other refusal is about the request.
    let shut = |refused: &&Refused| matches!(refused.status, 401 | 403);
    match refusal(recording, session, Operation::Acquire).filter(shut) {
        Some(refused) => (Verdict::Failed, vec![refused.entry], Some(Advice::SwitchOn)),
        None => (Verdict::NotKnown, Vec::new(), None),
    }
}

fn request_method(session: &Session) -> Judged {
    if let Some(line) = lines(session).into_iter().find(|line| line.outcome == Some(Outcome::NoRoute)) {
        return (Verdict::Failed, vec![line.ended_entry], Some(Advice::CheckAddress));
    }
    match (&session.resource, &session.last_good) {
        (Some(_), Some(good)) => (Verdict::Passed, vec![session.acquire.ended_entry, good.entry], None),
        _ => (Verdict::NotKnown, Vec::new(), None),
    }
}

fn resource(session: &Session) -> Judged {
    let line = &session.start;
    if line.outcome == Some(Outcome::TaskConflict) {
        return (Verdict::Failed, vec![line.ended_entry], Some(Advice::ReserveUids));
    }
    if session.resource.is_some() && session.phase == Phase::Abandoned && line.sent_entry == 0 {
        // Acquired and never started.
        return (Verdict::Failed, vec![session.acquire.ended_entry], None);
    }
    match session.sid {
        Some(_) => (Verdict::Passed, vec![session.acquire.ended_entry, line.ended_entry], None),
        None => (Verdict::NotKnown, Vec::new(), None),
    }
}

fn channel_profile(session: &Session) -> Judged {
    // With another profile than the publishers' nothing is heard, and nothing is recorded.
    if session.recorded {
        let shown = session.last_good.map(|good| good.entry);
        return (Verdict::Passed, shown.into_iter().collect(), None);
    }
    (Verdict::NotKnown, Vec::new(), session.confirmed.map(|_| Advice::CompareProfile))
}

fn parameters(recording: &Recording, session: &Session) -> Judged {
    /// The service's code for a parameter that is wrong or missing.
    const PARAMETER: Option<u32> = Some(2);
    let wrong = [Operation::Acquire, Operation::Start]
        .into_iter()
        .filter_map(|operation| refusal(recording, session, operation))
        .find(|refused| refused.code == PARAMETER);
    if let Some(refused) = wrong {
        return (Verdict::Failed, vec![refused.entry], Some(Advice::CheckParameters));
    }
    if session.phase == Phase::NotStarted {
        return (Verdict::Failed, vec![session.start.ended_entry], Some(Advice::CheckParameters));
    }
    // V2: bad parameters show after the first 4.
    if session.recorded || session.good_answers >= 2 {
        let shown = session.last_good.map(|good| good.entry);
        return (Verdict::Passed, shown.into_iter().collect(), None);
    }
    (Verdict::NotKnown, Vec::new(), None)
}

fn start(session: &Session) -> Judged {
    if session.confirmed.is_some() {
        let shown = session.last_good.map(|good| good.entry);
        return (Verdict::Passed, core::iter::once(session.start.ended_entry).chain(shown).collect(), None);
    }
    match session.phase {
        Phase::NotStarted => {
            (Verdict::Failed, vec![session.query.ended_entry], Some(Advice::CheckParameters))
        }
        _ => (Verdict::NotKnown, Vec::new(), None),
    }
}

fn kept_limits(recording: &Recording, session: &Session, board: &Board) -> Judged {
    let running = u32::try_from(board.watched()).unwrap_or(u32::MAX);
    let allowed = board.facts().qps;
    let interval = Duration::from_secs(u64::from(recording.policy.monitor_interval));
    let needed = calls_per_second(running, interval);
    if session.acquire.outcome == Some(Outcome::PcwReached) {
        return (
            Verdict::Failed,
            vec![session.acquire.ended_entry],
            Some(Advice::AskForSessions { running }),
        );
    }
    if let Some(line) = lines(session).into_iter().find(|line| line.limited > 0) {
        return (Verdict::Failed, vec![line.ended_entry], Some(Advice::AskForCalls { needed, allowed }));
    }
    // M1: routine queries are to leave most of the budget to what matters more.
    let routine = allowed.saturating_mul(recording.policy.monitor_budget_percent) / 100;
    let advice = (needed > routine).then_some(Advice::AskForCalls { needed, allowed });
    match session.resource {
        Some(_) => (Verdict::Passed, vec![session.acquire.ended_entry], advice),
        None => (Verdict::NotKnown, Vec::new(), advice),
    }
}

fn notifications(recording: &Recording, session: &Session, board: &Board) -> Judged {
    let facts = board.facts();
    let seen = |event: &EventType| facts.kinds.iter().any(|(known, _)| known == event);
    let missing: Vec<EventType> = WANTED.into_iter().filter(|event| !seen(event)).collect();
    let silent = facts.notified.is_none();
    // A session that ran to its end gives all of them.
    let ended = session.confirmed.is_some() && matches!(session.phase, Phase::Over(_));
    if missing.is_empty() {
        let advice = (recording.notified_again == 0).then_some(Advice::AskForRedundancy);
        return (Verdict::Passed, Vec::new(), advice);
    }
    let verdict = if ended && !silent { Verdict::Failed } else { Verdict::NotKnown };
    (verdict, Vec::new(), Some(Advice::Subscribe(missing)))
}

fn domains(session: &Session) -> Judged {
    // D2 uses both; an entry shows it where one of them did not answer.
    let switched = |line: &&Line| line.domain != line.last_domain && line.last_domain.is_some();
    let shown = lines(session).into_iter().filter(switched).map(|line| line.sent_entry).collect();
    (Verdict::Passed, shown, None)
}

fn idle_time(recording: &Recording) -> Judged {
    // Web mode ends by its hour limit instead (I1).
    let idle = recording.max_idle_time;
    if recording.mode == Mode::Web || idle >= limits::MAX_IDLE_SECONDS_RECOMMENDED {
        return (Verdict::Passed, vec![1], None);
    }
    let verdict = if idle < limits::MAX_IDLE_SECONDS_DEFAULT { Verdict::Failed } else { Verdict::Passed };
    (verdict, vec![1], Some(Advice::RaiseIdleTime(limits::MAX_IDLE_SECONDS_RECOMMENDED)))
}
