//! Board facts: what the rules know of one App ID beyond one journal, as a fold over all its journals.

use litemap::LiteMap;

use agora::{AnswerClass, ChannelName, EventType, Mode, Sid, Timestamp, Uid};
use from_json::FromJson;
use serde::{Deserialize, Serialize};

use crate::app_journal::{AppEntry, AppFact};
use crate::journal::{Domain, Entry, Fact, RecordingId, SessionNumber};
use crate::line::Outcome;
use crate::policy::{Policy, seconds};
use crate::recording::{Phase, Recording};

/// The part of the board facts that no live recording tells: it travels with a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
#[serde(default)]
pub struct BoardFacts {
    /// Calls per second of the App ID (B1), from the configuration.
    pub qps: u32,
    /// Whether the region has a domain of its own, from the configuration (D2).
    pub has_region: bool,
    /// The domain that answered when the first did not, and since when it has been first (D2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred: Option<(Domain, Timestamp)>,
    /// When the last notification came (S9, T1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notified: Option<Timestamp>,
    /// The kinds of notification that were ever seen, and since when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<(EventType, Timestamp)>,
    /// The notifications that fit no session (N5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmatched: Option<UnmatchedCount>,
    /// Staff are setting up notifications until then (N1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting_up: Option<Timestamp>,
    /// When the last test delivery came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tested: Option<Timestamp>,
    /// The most sessions that ran at once on the last day with any, in UTC, and when that was (B1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highest: Option<(Timestamp, u32)>,
    /// Whether the proxy can build a fresh token for a replacement, from the configuration (R1, R5).
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub fresh_tokens: bool,
    /// The last starts that were accepted, newest last, and whether each had its notification 13 in time (V4).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub starts: Vec<Accepted>,
}

/// One start that was accepted (V4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Accepted {
    /// Its `sid`.
    pub sid: Sid,
    /// When.
    pub at: Timestamp,
    /// A 13 came in time.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub registered: bool,
}

/// How many notifications fit no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct UnmatchedCount {
    /// Those that are kept.
    pub kept: u32,
    /// Those that had to make room for newer ones.
    #[serde(default)]
    pub dropped: u64,
}

impl Default for BoardFacts {
    fn default() -> Self {
        Self {
            qps: 10,
            has_region: false,
            preferred: None,
            notified: None,
            kinds: Vec::new(),
            unmatched: None,
            setting_up: None,
            tested: None,
            highest: None,
            fresh_tokens: false,
            starts: Vec::new(),
        }
    }
}

impl BoardFacts {
    /// Keeps when a kind of notification was first seen. What no document defines is bounded.
    fn saw(&mut self, event: EventType, at: Timestamp) {
        const KINDS_MAX: usize = 64;
        if self.kinds.len() < KINDS_MAX && self.kinds.iter().all(|(known, _)| *known != event) {
            self.kinds.push((event, at));
        }
    }
}

/// What one recording contributes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Summary {
    channel: ChannelName,
    mode: Mode,
    /// The UIDs that sessions of it may hold.
    holds: Vec<(Uid, SessionNumber)>,
    /// A start procedure runs since then (S10).
    starting: Option<Timestamp>,
    /// It waits for the limit of concurrent tasks since then (S8).
    waits_for_pcw: Option<Timestamp>,
    /// Sessions that are asked after.
    watched: usize,
}

/// The board facts of one App ID.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Board {
    facts: BoardFacts,
    recordings: LiteMap<RecordingId, Summary>,
}

impl Board {
    /// The board of an App ID with these facts and no recordings yet.
    pub fn restore(facts: BoardFacts) -> Self {
        Self { facts, recordings: LiteMap::new() }
    }

    /// The part that travels with a snapshot.
    pub const fn facts(&self) -> &BoardFacts {
        &self.facts
    }

    /// Takes in an entry that `recording` has folded already.
    pub fn apply(&mut self, recording: &Recording, entry: &Entry) {
        match &entry.fact {
            Fact::CallAnswered(answered) => {
                let heard = !matches!(answered.answer.class, AnswerClass::GatewayError);
                if heard {
                    self.heard_from(recording, &answered.id.0, entry.at);
                }
                if let AnswerClass::Started(sid) = &answered.answer.class {
                    self.accepted(sid, entry.at, recording.policy.registered_starts);
                }
            }
            Fact::Repeated(repeated) => self.heard_from(recording, &repeated.id.0, entry.at),
            Fact::Notified(notified) => {
                self.facts.notified = self.facts.notified.max(Some(entry.at));
                self.facts.saw(notified.event, entry.at);
                if notified.event == EventType::HighAvailabilityRegistered {
                    self.registered(&notified.sid, entry.at, recording.policy.registered_within);
                }
            }
            Fact::NotifiedAgain(_) => self.facts.notified = self.facts.notified.max(Some(entry.at)),
            _ => {}
        }
        self.include(recording);
    }

    /// Takes in an entry of the App journal.
    pub fn apply_app(&mut self, entry: &AppEntry) {
        let facts = &mut self.facts;
        match &entry.fact {
            AppFact::DomainAnswered(Domain::Primary) => facts.preferred = None,
            AppFact::DomainAnswered(domain) => facts.preferred = Some((*domain, entry.at)),
            AppFact::KindSeen(event) => facts.saw(*event, entry.at),
            AppFact::Unmatched(unmatched) => {
                let Some(read) = &unmatched.read else { return };
                if read.is_test() {
                    facts.tested = facts.tested.max(Some(entry.at));
                } else if read.is_cloud_recording() {
                    facts.notified = facts.notified.max(Some(entry.at));
                    facts.saw(read.event, entry.at);
                }
            }
            AppFact::SetUpAsked { until } => facts.setting_up = Some(*until),
            AppFact::Tested => facts.tested = facts.tested.max(Some(entry.at)),
            AppFact::HighestUse(sessions) => facts.highest = Some((entry.at, *sessions)),
            AppFact::Configured(_) | AppFact::Matched(_) | AppFact::Unknown(_) => {}
        }
    }

    /// How many notifications fit no session.
    pub const fn set_unmatched(&mut self, unmatched: Option<UnmatchedCount>) {
        self.facts.unmatched = unmatched;
    }

    /// Takes the facts as the proxy sent them; what the recordings contribute stays.
    pub fn set_facts(&mut self, facts: BoardFacts) {
        self.facts = facts;
    }

    /// Takes in a recording as it is now.
    pub fn include(&mut self, recording: &Recording) {
        if recording.settled() {
            self.recordings.remove(&recording.id);
            return;
        }
        let holds = recording
            .sessions
            .iter()
            .filter(|session| session.may_hold_uid())
            .map(|session| (session.uid, session.number))
            .collect();
        // One that was stopped starts nothing more, except what may still tell a `sid` (T5).
        let trying =
            |session: &crate::recording::Session| matches!(session.phase, Phase::Acquiring | Phase::Starting);
        let starts = recording.is_wanted() || recording.sessions.iter().any(trying);
        let starting = recording.procedures().filter(|_| recording.is_starting() && starts);
        let waits = |session: &crate::recording::Session| {
            let refused = session.acquire.outcome == Some(Outcome::PcwReached);
            (session.phase == Phase::Acquiring && refused).then_some(session.begun)
        };
        let summary = Summary {
            channel: recording.channel.clone(),
            mode: recording.mode,
            holds,
            starting: starting.map(|procedure| procedure.begun).min(),
            waits_for_pcw: recording.sessions.iter().filter_map(waits).min(),
            watched: recording.sessions.iter().filter(|session| session.is_watched()).count(),
        };
        self.recordings.insert(recording.id.clone(), summary);
    }

    /// Whether no session of any recording of the channel may hold this UID, the named session apart (S11).
    pub fn is_free(
        &self,
        channel: &ChannelName,
        uid: Uid,
        except: Option<(&RecordingId, SessionNumber)>,
    ) -> bool {
        self.recordings.iter().filter(|(_, summary)| summary.channel == *channel).all(|(id, summary)| {
            summary.holds.iter().all(|(held, session)| *held != uid || except == Some((id, *session)))
        })
    }

    /// Whether no *other* recording of the channel may hold this UID.
    pub fn is_free_of_others(&self, recording: &Recording, uid: Uid) -> bool {
        let others = self
            .recordings
            .iter()
            .filter(|(id, summary)| **id != recording.id && summary.channel == recording.channel);
        others.flat_map(|(_, summary)| &summary.holds).all(|(held, _)| *held != uid)
    }

    /// The recording of this channel and mode whose start procedure has run longest (S10).
    pub fn starting(&self, channel: &ChannelName, mode: Mode) -> Option<&RecordingId> {
        self.recordings
            .iter()
            .filter(|(_, summary)| summary.channel == *channel && summary.mode == mode)
            .filter_map(|(id, summary)| summary.starting.map(|since| (since, id)))
            .min()
            .map(|(_, id)| id)
    }

    /// The recordings of this channel that are not settled (S10).
    pub fn in_channel<'a>(&'a self, channel: &'a ChannelName) -> impl Iterator<Item = &'a RecordingId> {
        self.recordings.iter().filter(move |(_, summary)| summary.channel == *channel).map(|(id, _)| id)
    }

    /// S8: whether this recording's start has waited longest for the limit of concurrent tasks.
    pub fn waits_longest(&self, recording: &RecordingId) -> bool {
        let since =
            |(id, summary): (&RecordingId, &Summary)| summary.waits_for_pcw.map(|since| (since, id.clone()));
        let longest = self.recordings.iter().filter_map(since).min();
        longest.is_none_or(|(_, id)| id == *recording)
    }

    /// How many sessions are asked after.
    pub fn watched(&self) -> usize {
        self.recordings.values().map(|summary| summary.watched).sum()
    }

    /// D2: the domain a call begins at; a routine query tries the first again when the memory is old.
    pub fn domain(&self, policy: &Policy, now: Timestamp, routine: bool) -> Domain {
        match self.facts.preferred {
            Some((_, since)) if routine && now >= since + seconds(policy.domain_memory) => Domain::Primary,
            Some((domain, _)) => domain,
            None => Domain::Primary,
        }
    }

    /// Whether a notification was seen lately enough to count on them (S9, T1).
    pub fn is_notified(&self, policy: &Policy, now: Timestamp) -> bool {
        let lately = seconds(policy.notifications_seen_for);
        self.facts.notified.is_some_and(|seen| now.since(seen) <= lately)
    }

    /// V4: a start was accepted; so many are kept.
    fn accepted(&mut self, sid: &Sid, at: Timestamp, kept: u32) {
        self.facts.starts.push(Accepted { sid: sid.clone(), at, registered: false });
        let surplus = self.facts.starts.len().saturating_sub(kept as usize);
        self.facts.starts.drain(..surplus);
    }

    /// V4: a 13 came.
    fn registered(&mut self, sid: &Sid, at: Timestamp, within: u32) {
        for start in &mut self.facts.starts {
            start.registered |= start.sid == *sid && at.since(start.at) <= seconds(within);
        }
    }

    /// V4: whether the last starts had their 13 in time, so that a missing one tells something.
    pub fn expects_registration(&self, policy: &Policy) -> bool {
        let starts = &self.facts.starts;
        starts.len() >= policy.registered_starts as usize && starts.iter().all(|start| start.registered)
    }

    /// D2: which domain answered.
    fn heard_from(&mut self, recording: &Recording, call: &str, at: Timestamp) {
        let mut parts = call.rsplit(':');
        let operation = parts.next().and_then(agora::Operation::parse);
        let session = parts.next().and_then(|number| number.parse().ok());
        let (Some(operation), Some(session)) = (operation, session) else { return };
        let Some(session) = recording.session(session) else { return };
        let line = session.line(operation);
        let Some(domain) = line.last_domain else { return };
        self.facts.preferred = match self.facts.preferred {
            _ if domain == Domain::Primary => None,
            Some((known, since)) if known == domain && line.domain == Some(domain) => Some((known, since)),
            _ => Some((domain, at)),
        };
    }
}
