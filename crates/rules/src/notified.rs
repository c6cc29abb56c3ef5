//! N, F, M9: what notifications tell of a session.
//!
//! They come in any order, more than once, and not all of them come. So they are kept as registers: of each kind the
//! newest by (time of the event, leg, sequence), of each leg whether it was named. Neither order nor repetition changes
//! where they end. A notification decides nothing alone; what it may do is to make a query leave (M9).

use core::time::Duration;

use agora::notification::EventType;
use agora::{Timestamp, Uid, limits};
use from_json::FromJson;
use serde::{Deserialize, Serialize};

use crate::few::sort_few;
use crate::findings::View;
use crate::journal::{Entry, EntryNumber, Notified};
use crate::line::is_zero;
use crate::policy::seconds;
use crate::recording::{Interruption, Recording, Session, add_index};

/// The error codes of a fatal notification 1 that another session would meet too (R5): the storage cannot be written.
pub(crate) const STORAGE_WRONG: u32 = 32;
/// R5: the token has expired. A fresh one mends it, where one can be built.
pub(crate) const TOKEN_EXPIRED: u32 = 109;
/// R5: the token is wrong.
pub(crate) const TOKEN_WRONG: u32 = 110;
/// R2: why a page recorder stopped: its hour limit.
const HOUR_LIMIT: u32 = 1;
/// The level of an error that may end the session.
const FATAL: u32 = 5;
/// M9: the level from which on an error makes a query leave.
const MAJOR: u32 = 4;
/// How many legs, gaps and uploads are kept of a session, which can have four legs.
const KEPT: usize = 8;

/// What notifications told of one session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, FromJson)]
#[serde(default)]
pub struct Heard {
    /// When the last one came.
    pub last: Timestamp,
    /// Recorders other than the one of the `acquire`, the earliest first: each is a leg (F3).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub legs: Vec<LegHeard>,
    /// When the first 13 came (V4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered: Option<Timestamp>,
    /// The newest 11.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<Told>,
    /// The newest 12.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failover: Option<Told>,
    /// The newest 41 that says that nobody was in the channel; its value is the recorder's UID (R2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_idle: Option<Told>,
    /// The newest 40 or 42: a recorder was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub present: Option<Told>,
    /// The newest 71; its value is the code (R2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_ended: Option<Told>,
    /// The newest fatal 1 whose error another session would meet too; its value is the error code (R5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fatal: Option<Told>,
    /// The uploads that ended, one for each recorder (N3).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uploads: Vec<Upload>,
    /// What was certainly not recorded, from 42, the earliest first (F6).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// A notification that came since then wants a query (M9), and its entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asks: Option<(Timestamp, EntryNumber)>,
}

/// A recorder that took over (F1, F3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct LegHeard {
    /// Its random UID.
    pub uid: Uid,
    /// The earliest event that names it.
    pub at: Timestamp,
    /// A 12 announced it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub announced: bool,
    /// It sent an event itself.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub heard: bool,
}

/// One kind of event, as far as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Told {
    /// When it happened, as the service says.
    pub sent_at: Timestamp,
    /// It is of a failover's leg.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub later_leg: bool,
    /// Its place among the events of its sender.
    #[serde(default)]
    pub sequence: u64,
    /// A UID or a code, where the kind has one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub value: u32,
    /// When it came.
    pub came: Timestamp,
    /// Its entry.
    pub entry: EntryNumber,
}

impl Told {
    /// N4: the order of events.
    const fn order(&self) -> (Timestamp, bool, u64, u32) {
        (self.sent_at, self.later_leg, self.sequence, self.value)
    }
}

/// How the upload of one recorder's files ended (N3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, FromJson)]
pub struct Upload {
    /// The recorder.
    pub uid: Uid,
    /// 31: everything is in the bucket.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub uploaded: bool,
    /// 32: something is in the service's backup, and will be forwarded.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub backed_up: bool,
}

/// A stretch in which nothing was recorded (F6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, FromJson)]
pub struct Gap {
    /// The end of the last good slice.
    pub from: Timestamp,
    /// The beginning of the next one.
    pub to: Timestamp,
}

/// Takes one notification into the session of its `sid`; one that names no session here changes nothing (N5).
pub(crate) fn fold_notified(recording: &mut Recording, notified: &Notified, entry: &Entry) {
    let of_sid = |session: &&mut Session| session.sid.as_ref() == Some(&notified.sid);
    let Some(session) = recording.sessions.iter_mut().find(of_sid) else { return };
    let (event, details) = (notified.event, &notified.details);
    let uid = notified.uid.unwrap_or(session.uid);
    let mut told = Told {
        sent_at: notified.sent_at,
        later_leg: uid != session.uid,
        sequence: notified.sequence,
        value: 0,
        came: entry.at,
        entry: entry.number,
    };
    let mut heard = session.heard.take().unwrap_or_default();
    heard.last = heard.last.max(entry.at);
    if uid != session.uid {
        heard.name_leg(uid, told.sent_at, false);
    }
    let mut asks = false;
    match event {
        EventType::Error => {
            asks = details.level.is_some_and(|level| level >= MAJOR);
            let code = details.code.unwrap_or(0);
            let fatal = details.level == Some(FATAL);
            if fatal && matches!(code, STORAGE_WRONG | TOKEN_EXPIRED | TOKEN_WRONG) {
                told.value = code;
                keep(&mut heard.fatal, told);
            }
        }
        EventType::SessionExit => {
            asks = heard.exit.is_none();
            keep(&mut heard.exit, told);
        }
        EventType::SessionFailover => {
            asks = true;
            if let Some(new) = details.new_uid {
                told.value = new.get();
                if new != session.uid {
                    heard.name_leg(new, told.sent_at, true);
                }
            }
            keep(&mut heard.failover, told);
        }
        EventType::HighAvailabilityRegistered => {
            heard.registered = heard.registered.map_or(Some(entry.at), |first| Some(first.min(entry.at)));
        }
        EventType::Uploaded => asks = heard.upload_ended(uid, false),
        EventType::BackedUp => asks = heard.upload_ended(uid, true),
        EventType::RecorderStarted => {
            asks = true;
            keep(&mut heard.present, told);
        }
        EventType::RecorderLeave => {
            asks = true;
            if details.left_idle() {
                told.value = uid.get();
                keep(&mut heard.left_idle, told);
            }
        }
        EventType::SliceStart => {
            session.recorded = true;
            keep(&mut heard.present, told);
            if let (Some(from), Some(to)) = (details.discontinued, details.start) {
                heard.add_gap(Gap { from, to });
            }
        }
        EventType::StatusUpdate | EventType::WebRecorderStarted | EventType::WebRecorderCapabilityLimit => {
            asks = true
        }
        EventType::WebRecorderStopped => {
            asks = true;
            told.value = details.code.unwrap_or(0);
            keep(&mut heard.page_ended, told);
        }
        // Kept in the journal and shown; they change nothing (M9, N6).
        EventType::Warning
        | EventType::FileInfos
        | EventType::UploaderStarted
        | EventType::UploadingProgress
        | EventType::AudioStreamState
        | EventType::VideoStreamState
        | EventType::SnapshotFile
        | EventType::VodStarted
        | EventType::VodTriggered
        | EventType::WebRecorderReload
        | EventType::TranscoderStarted
        | EventType::TranscoderCompleted
        | EventType::DownloadFailed
        | EventType::RtmpPublishStatus
        | EventType::TranscodeFinalResult
        | EventType::Unknown(_) => {}
    }
    if asks && session.is_watched() {
        heard.asks = heard.asks.or(Some((entry.at, entry.number)));
    }
    session.heard = Some(heard);
    for file in &details.files {
        add_index(session, &file.name);
    }
}

/// N4: the newest event of its kind.
fn keep(slot: &mut Option<Told>, told: Told) {
    if slot.is_none_or(|kept| kept.order() < told.order()) {
        *slot = Some(told);
    }
}

impl Heard {
    fn name_leg(&mut self, uid: Uid, at: Timestamp, announced: bool) {
        let room = self.legs.len() < KEPT;
        if let Some(leg) = self.legs.iter_mut().find(|leg| leg.uid == uid) {
            leg.at = leg.at.min(at);
            leg.announced |= announced;
            leg.heard |= !announced;
        } else if room {
            self.legs.push(LegHeard { uid, at, announced, heard: !announced });
        }
        sort_few(&mut self.legs, |leg| (leg.at, leg.uid));
    }

    /// N3: an upload ended; whether that is new.
    fn upload_ended(&mut self, uid: Uid, backed_up: bool) -> bool {
        let place = self.uploads.iter().position(|upload| upload.uid == uid);
        if place.is_none() && self.uploads.len() >= KEPT {
            return false;
        }
        let place = place.unwrap_or_else(|| {
            self.uploads.push(Upload { uid, uploaded: false, backed_up: false });
            self.uploads.len() - 1
        });
        let upload = &mut self.uploads[place];
        let known = if backed_up { &mut upload.backed_up } else { &mut upload.uploaded };
        let new = !*known;
        *known = true;
        sort_few(&mut self.uploads, |upload| upload.uid);
        new
    }

    /// F6: stretches of several streams that overlap are one.
    fn add_gap(&mut self, mut gap: Gap) {
        if gap.to <= gap.from || gap.from.millis() <= 0 {
            return;
        }
        self.gaps.retain(|other| {
            let apart = other.to < gap.from || gap.to < other.from;
            if !apart {
                gap.from = gap.from.min(other.from);
                gap.to = gap.to.max(other.to);
            }
            apart
        });
        self.gaps.push(gap);
        sort_few(&mut self.gaps, |gap| *gap);
        if self.gaps.len() > KEPT {
            self.gaps.remove(0);
        }
    }
}

impl Session {
    /// F1: failovers proved: by the highest `bak<n>_`, by the UIDs that 12 announced, by the recorders heard of.
    pub fn proved_failovers(&self) -> u8 {
        let legs = self.heard.iter().flat_map(|heard| &heard.legs);
        let (mut announced, mut heard) = (0u8, 0u8);
        for leg in legs {
            announced += u8::from(leg.announced);
            heard += u8::from(leg.heard);
        }
        self.failovers.max(announced).max(heard)
    }

    /// F1: failovers proved, and possible: with the times away that no proved one overlaps.
    pub fn failover_count(&self) -> (u8, u8) {
        let proved = self.proved_failovers();
        let unexplained =
            self.interruptions.iter().filter(|away| away.leg.is_none() && self.leg_in(away).is_none());
        let unexplained = u8::try_from(unexplained.count()).unwrap_or(u8::MAX);
        (proved, proved.saturating_add(unexplained).min(limits::FAILOVERS_MAX.max(proved)))
    }

    /// F1: the recorder that notifications name for a time away.
    pub fn leg_in(&self, away: &Interruption) -> Option<&LegHeard> {
        let (from, to) = reach(away);
        self.heard.as_ref()?.legs.iter().find(|leg| from <= leg.at && leg.at <= to)
    }

    /// F6: exactly what was not recorded in a time away, where a 42 tells it.
    pub fn exact_gap(&self, away: &Interruption) -> Option<Gap> {
        let (from, to) = reach(away);
        self.heard.as_ref()?.gaps.iter().copied().find(|gap| gap.from <= to && from <= gap.to)
    }

    /// F3: the leg of a recorder: 0 the original, n the n-th failover's; none for one that is not known.
    pub fn leg_of(&self, uid: Uid) -> Option<usize> {
        if uid == self.uid {
            return Some(0);
        }
        let legs = &self.heard.as_ref()?.legs;
        legs.iter().position(|leg| leg.uid == uid).map(|place| place + 1)
    }

    /// F3: the recorder that is in the channel now, and whether a notification names it.
    pub fn recorder(&self) -> (Uid, bool) {
        match &self.heard {
            Some(heard) => match heard.legs.last() {
                Some(leg) => (leg.uid, true),
                None => (self.uid, heard.present.is_some() && self.failovers == 0),
            },
            None => (self.uid, false),
        }
    }

    /// M9: the 11 that closes a doubt: later than the last good answer, and no 12 is later.
    pub(crate) fn told_exit(&self) -> Option<Told> {
        let heard = self.heard.as_ref()?;
        let exit = heard.exit?;
        let good = self.last_good.filter(|good| good.status <= 5);
        let answered_later = good.is_some_and(|good| good.asked >= exit.sent_at);
        let moved_later = heard.failover.is_some_and(|failover| failover.sent_at > exit.sent_at);
        (!answered_later && !moved_later).then_some(exit)
    }

    /// R2: the evidence that it ended because nobody was in the channel, or by the page's hour limit.
    pub fn idle_exit(&self) -> Option<Told> {
        let heard = self.heard.as_ref()?;
        let came_after = |told: &Told| {
            let later = |other: Option<Told>| other.is_some_and(|other| other.order() > told.order());
            later(heard.failover) || later(heard.present)
        };
        let left = heard.left_idle.filter(|left| {
            let current = heard.legs.last().map_or(self.uid, |leg| leg.uid);
            left.value == current.get() && !came_after(left)
        });
        left.or_else(|| heard.page_ended.filter(|ended| ended.value == HOUR_LIMIT))
    }

    /// T1: how the upload ended, as far as anybody told: `true` where something is in the service's backup.
    pub fn upload(&self) -> Option<bool> {
        let told = self.heard.as_ref().map_or(&[][..], |heard| &heard.uploads);
        if told.iter().any(|upload| upload.backed_up) {
            return Some(true);
        }
        if told.iter().any(|upload| upload.uploaded) { Some(false) } else { self.upload_answer }
    }
}

/// The stretch in which an event belongs to a time away.
fn reach(away: &Interruption) -> (Timestamp, Timestamp) {
    (away.last_good.unwrap_or(away.t0), away.back + limits::FAILOVER_TOTAL)
}

/// M9: the instant of the query that a notification asks for, and the entry that does.
pub(crate) fn query_at(view: View<'_>, session: &Session) -> Option<(Timestamp, EntryNumber)> {
    let policy = &view.recording.policy;
    let (came, entry) = session.heard.as_ref()?.asks?;
    let mut at = came;
    if let Some(sent) = session.query.last_sent {
        at = at.max(sent + seconds(policy.notified_gap));
    }
    // V1 keeps its first instant: a session that was just accepted is not asked sooner.
    if let (Some(accepted), None) = (session.accepted, session.first_asked) {
        let first = policy.verify_instants.first().copied().unwrap_or(0);
        at = at.max(accepted + seconds(first));
    }
    Some((at, entry))
}

/// V4: how long after its `sid` a session was registered for high availability; none if it was not (yet).
pub(crate) fn registered_after(session: &Session) -> Option<Duration> {
    let registered = session.heard.as_ref()?.registered?;
    session.accepted.map(|accepted| registered.since(accepted))
}
