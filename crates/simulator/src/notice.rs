//! Notifications: what the sessions tell the webhook, as data with due times. Whoever runs the service posts them and
//! reports what became of each.
//!
//! An event becomes a notice; a notice becomes one delivery, or two where redundancy is on; a delivery that is not
//! answered with 200 within 10 s is repeated at most three times. Chance decides how long each takes, so that they come
//! in another order than they happened. None of it touches the chances of the service itself.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use agora::Timestamp;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::Sha256;

use crate::config::Range;
use crate::random::Random;
use crate::unknowns::{TestSid, TimeUnit, Unknowns};

/// Every event type of Cloud Recording that the documents name, with its `msgName` and its `serviceType`.
pub const EVENTS: &[(u16, &str, u8)] = &[
    (1, "cloud_recording_error", 0),
    (2, "cloud_recording_warning", 0),
    (3, "cloud_recording_status_update", 0),
    (4, "cloud_recording_file_infos", 0),
    (11, "session_exit", 0),
    (12, "session_failover", 0),
    // Named in the advice as "High availability register success"; its row is missing, so its name is ours.
    (13, "ha_register_success", 0),
    (30, "uploader_started", 2),
    (31, "uploaded", 2),
    (32, "backuped", 2),
    (33, "uploading_progress", 2),
    (40, "recorder_started", 1),
    (41, "recorder_leave", 1),
    (42, "recorder_slice_start", 1),
    (43, "recorder_audio_stream_state_changed", 1),
    (44, "recorder_video_stream_state_changed", 1),
    (45, "recorder_snapshot_file", 1),
    (60, "vod_started", 4),
    (61, "vod_triggered", 4),
    (70, "web_recorder_started", 6),
    (71, "web_recorder_stopped", 6),
    (72, "web_recorder_capability_limit", 6),
    (73, "web_recorder_reload", 6),
    (80, "transcoder_started", 7),
    (81, "transcoder_completed", 7),
    (90, "download_failed", 8),
    (100, "rtmp_publish_status", 6),
    (1001, "postpone_transcode_final_result", 0),
];

/// How long the receiver has to answer 200.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How often a notice is repeated at most.
pub const REPEATS_MAX: u8 = 3;
/// How many notices the ledger keeps.
pub const NOTICES_MAX: usize = 20_000;
/// How many deliveries wait at most; the oldest are dropped, as if they had been lost.
const QUEUE_MAX: usize = 50_000;

/// Whether and how notifications are sent.
#[derive(Debug, Clone)]
pub struct Notifications {
    /// Only these event types; none: all. Event 33 comes each minute of every session, so a long run may leave it out.
    pub events: Option<BTreeSet<u16>>,
    /// How long a delivery takes until it arrives.
    pub latency: Range,
    /// Whether what is not answered with 200 is repeated; a setting of each webhook.
    pub repeats: bool,
    /// How long after a failed attempt the first, second and third repeat leave. Documented: at once, then growing; the
    /// numbers are not.
    pub repeat_after: [Duration; 3],
    /// Whether every notice is delivered on two paths.
    pub redundant: bool,
    /// Of a thousand notices, how many get lost for good.
    pub lost_per_mille: u16,
    /// Of a thousand deliveries, how many come a second time although they were answered.
    pub doubled_per_mille: u16,
    /// Of a thousand deliveries, how many take as long as `late` says.
    pub late_per_mille: u16,
    /// How long those take.
    pub late: Range,
}

impl Default for Notifications {
    fn default() -> Self {
        const fn millis(low: u64, high: u64) -> Range {
            (Duration::from_millis(low), Duration::from_millis(high))
        }
        Self {
            events: None,
            latency: millis(100, 1_500),
            repeats: true,
            repeat_after: [Duration::ZERO, Duration::from_secs(5), Duration::from_secs(30)],
            redundant: false,
            lost_per_mille: 0,
            doubled_per_mille: 0,
            late_per_mille: 0,
            late: millis(20_000, 120_000),
        }
    }
}

impl Notifications {
    pub(crate) fn wants(&self, event: u16) -> bool {
        self.events.as_ref().is_none_or(|events| events.contains(&event))
    }
}

/// One attempt to deliver a notice: an HTTP POST that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its number, by which its outcome is reported.
    pub number: u64,
    /// When it leaves; also its `notifyMs`.
    pub at: Timestamp,
    /// 1 for the first attempt, at most 4.
    pub attempt: u8,
    /// The `noticeId`.
    pub notice_id: String,
    /// The `eventType`.
    pub event: u16,
    /// The body, to be sent byte by byte.
    pub body: Vec<u8>,
    /// Whether it has the two signatures.
    pub signed: bool,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivered {
    /// It was answered with this HTTP status; only 200 counts.
    Answered(u16),
    /// It was not answered: no connection, or it broke, or 10 s were over.
    Unanswered,
}

/// The values of the headers `Agora-Signature` and `Agora-Signature-V2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// HMAC-SHA1 of the body, in lowercase hexadecimal digits.
    pub sha1: String,
    /// HMAC-SHA256 of the body, in lowercase hexadecimal digits.
    pub sha256: String,
}

impl Signatures {
    /// Signs a body.
    pub fn of(secret: &str, body: &[u8]) -> Self {
        let mut short =
            Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
        short.update(body);
        let mut long =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
        long.update(body);
        Self {
            sha1: hexadecimal(&short.finalize().into_bytes()),
            sha256: hexadecimal(&long.finalize().into_bytes()),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// A notice, as the ledger keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerNotice {
    /// Counted from 1; without a gap.
    pub number: u64,
    /// The `noticeId`.
    pub notice_id: String,
    /// The `eventType`.
    pub event: u16,
    /// The recording ID; none for test events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// When what it tells happened: its `sendts`.
    pub at: Timestamp,
    /// Its payload.
    pub payload: Value,
    /// Whether it got lost, by chance or by a fault on request.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub lost: bool,
    /// The attempts to deliver it whose outcome is known.
    pub attempts: Vec<LedgerDelivery>,
}

/// One attempt of a notice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerDelivery {
    /// When it left.
    pub at: Timestamp,
    /// 1 for the first attempt.
    pub attempt: u8,
    /// What became of it.
    pub outcome: Delivered,
}

/// What a session tells about itself.
#[derive(Debug, Clone)]
pub(crate) struct Happening {
    /// When it happens: now, or already fixed.
    pub(crate) at: Timestamp,
    pub(crate) event: u16,
    /// The recorder's UID then.
    pub(crate) uid: String,
    pub(crate) sequence: u64,
    /// Without `msgName`.
    pub(crate) details: Value,
}

/// Collects what sessions tell; costs nothing where nobody listens.
#[derive(Debug)]
pub(crate) struct Happenings<'a> {
    pub(crate) listens: Option<&'a Notifications>,
    pub(crate) list: Vec<Happening>,
}

impl Happenings<'_> {
    pub(crate) fn wants(&self, event: u16) -> bool {
        self.listens.is_some_and(|notifications| notifications.wants(event))
    }
}

/// What a fault on request does to one notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fate {
    pub(crate) lost: bool,
    pub(crate) late: Duration,
    pub(crate) doubled: bool,
}

/// Whose notice it is.
pub(crate) struct Sender<'a> {
    pub(crate) cname: &'a str,
    pub(crate) sid: &'a str,
    pub(crate) scene: &'static str,
}

#[derive(Debug, Clone)]
struct Attempt {
    notice: u64,
    attempt: u8,
    /// A notice on the second path may have an id of its own.
    notice_id: String,
}

#[derive(Debug)]
struct Notice {
    ledger: LedgerNotice,
    /// What stands in the envelope after `notifyMs`, ready to be sent.
    rest: String,
    signed: bool,
}

/// All notices and their deliveries.
#[derive(Debug)]
pub(crate) struct Outbox {
    random: Random,
    notices: VecDeque<Notice>,
    next_notice: u64,
    waiting: BTreeMap<(Timestamp, u64), Attempt>,
    next_delivery: u64,
    /// Taken deliveries by number, with the instant at which their time is over.
    under_way: BTreeMap<u64, (Timestamp, Timestamp, Attempt)>,
}

impl Outbox {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            // Its own chances: the service's stay what they are without notifications.
            random: Random::new(seed ^ 0x6E6F_7469_6365_7321),
            notices: VecDeque::new(),
            next_notice: 1,
            waiting: BTreeMap::new(),
            next_delivery: 1,
            under_way: BTreeMap::new(),
        }
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.notices.front().map_or(0, |notice| notice.ledger.number - 1)
    }

    pub(crate) fn ledger(&self, after: u64) -> Vec<LedgerNotice> {
        let begin = self.notices.partition_point(|notice| notice.ledger.number <= after);
        self.notices.range(begin..).map(|notice| notice.ledger.clone()).collect()
    }

    /// The instant at which the next delivery is due, or the time of one is over.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let waiting = self.waiting.keys().next().map(|(at, _)| *at);
        let over = self.under_way.values().map(|(_, over, _)| *over).min();
        [waiting, over].into_iter().flatten().min()
    }

    pub(crate) fn tell(
        &mut self,
        settings: &Notifications,
        unknowns: &Unknowns,
        sender: &Sender<'_>,
        happening: Happening,
        fate: Fate,
    ) {
        let Happening { at, event, uid, sequence, mut details } = happening;
        let (name, service_type) = name_of(event);
        if details.get("msgName").is_none() {
            details["msgName"] = name.into();
        }
        let mut payload = json!({
            "cname": sender.cname,
            "uid": uid,
            "sid": sender.sid,
            "sequence": sequence,
            "sendts": in_unit(at, unknowns.sendts_unit),
            "serviceType": service_type,
            "details": details,
        });
        if unknowns.service_scene {
            payload["serviceScene"] = sender.scene.into();
        }
        let envelope_sid = unknowns.envelope_sid.then_some(sender.sid);
        self.add(settings, unknowns, (at, event, payload), Some(sender.sid), envelope_sid, true, fate);
    }

    /// One test event for each type that is wanted, as the console's check sends them.
    pub(crate) fn tell_test_events(
        &mut self,
        settings: &Notifications,
        unknowns: &Unknowns,
        now: Timestamp,
    ) -> u64 {
        let mut told = 0;
        for (event, name, service_type) in EVENTS.iter().filter(|(event, ..)| settings.wants(*event)) {
            let mut payload = json!({
                "cname": "test_webhook",
                "uid": "12121212",
                "sequence": 0,
                "sendts": in_unit(now, unknowns.sendts_unit),
                "serviceType": service_type,
                "details": { "msgName": name },
            });
            match unknowns.test_event_sid {
                TestSid::Absent => {}
                TestSid::Empty => payload["sid"] = "".into(),
                TestSid::MadeUp => payload["sid"] = self.random.text(b"0123456789abcdef", 32).into(),
            }
            let signed = unknowns.test_event_signed;
            self.add(settings, unknowns, (now, *event, payload), None, None, signed, Fate::default());
            told += 1;
        }
        told
    }

    #[expect(clippy::too_many_arguments, reason = "all of it is one notice")]
    fn add(
        &mut self,
        settings: &Notifications,
        unknowns: &Unknowns,
        (at, event, payload): (Timestamp, u16, Value),
        sid: Option<&str>,
        envelope_sid: Option<&str>,
        signed: bool,
        fate: Fate,
    ) {
        let number = self.next_notice;
        self.next_notice += 1;
        let notice_id = self.notice_id(event);
        let lost = self.chance(settings.lost_per_mille) || fate.lost;
        let envelope_sid = envelope_sid.map(|sid| format!(",\"sid\":\"{sid}\"")).unwrap_or_default();
        let rest = format!(",\"payload\":{payload}{envelope_sid}}}");
        let paths = if settings.redundant { 2 } else { 1 };
        for path in 0..paths {
            let own_id = path == 0 || unknowns.redundant_notice_id;
            let notice_id = if own_id { notice_id.clone() } else { self.notice_id(event) };
            let attempt = Attempt { notice: number, attempt: 1, notice_id };
            let late = self.chance(settings.late_per_mille);
            let span = self.span(if late { settings.late } else { settings.latency });
            let doubled = self.chance(settings.doubled_per_mille) || (fate.doubled && path == 0);
            let again = self.span(settings.latency);
            if lost {
                continue;
            }
            if doubled {
                self.wait(at + span + fate.late + again, attempt.clone());
            }
            self.wait(at + span + fate.late, attempt);
        }
        let ledger = LedgerNotice {
            number,
            notice_id,
            event,
            sid: sid.map(str::to_owned),
            at,
            payload,
            lost,
            attempts: Vec::new(),
        };
        self.notices.push_back(Notice { ledger, rest, signed });
        while self.notices.len() > NOTICES_MAX {
            self.notices.pop_front();
        }
    }

    fn notice_id(&mut self, event: u16) -> String {
        let (project, count) =
            (self.random.between(1_000_000_000, 4_294_967_295), self.random.between(1, 99_999));
        format!("{project}:{count}:{event}")
    }

    fn chance(&mut self, per_mille: u16) -> bool {
        per_mille > 0 && self.random.between(0, 999) < u64::from(per_mille)
    }

    fn span(&mut self, (low, high): Range) -> Duration {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.random.between(millis(low), millis(high)))
    }

    fn wait(&mut self, at: Timestamp, attempt: Attempt) {
        let number = self.next_delivery;
        self.next_delivery += 1;
        self.waiting.insert((at, number), attempt);
        if self.waiting.len() > QUEUE_MAX {
            self.waiting.pop_first();
        }
    }

    fn notice(&mut self, number: u64) -> Option<&mut Notice> {
        let first = self.notices.front()?.ledger.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        self.notices.get_mut(index)
    }

    /// Takes the deliveries that are due, and gives up those whose time is over.
    pub(crate) fn take(&mut self, settings: &Notifications, now: Timestamp) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        loop {
            // In the order of time: a repeat that falls due goes before what is due after it.
            let over = self.under_way.iter().map(|(number, (_, over, _))| (*over, *number)).min();
            let waiting = self.waiting.keys().next().map(|(at, _)| *at);
            match (over, waiting) {
                (Some((over, number)), waiting) if over <= now && waiting.is_none_or(|at| over <= at) => {
                    self.settle(settings, over, number, Delivered::Unanswered);
                }
                (_, Some(at)) if at <= now => {
                    let Some(((at, number), attempt)) = self.waiting.pop_first() else { continue };
                    let Some(notice) = self.notice(attempt.notice) else { continue };
                    let Notice { ledger, rest, signed } = notice;
                    let body = format!(
                        "{{\"noticeId\":\"{}\",\"productId\":3,\"eventType\":{},\"notifyMs\":{}{rest}",
                        attempt.notice_id,
                        ledger.event,
                        at.millis(),
                    );
                    deliveries.push(Delivery {
                        number,
                        at,
                        attempt: attempt.attempt,
                        notice_id: attempt.notice_id.clone(),
                        event: ledger.event,
                        body: body.into_bytes(),
                        signed: *signed,
                    });
                    self.under_way.insert(number, (at, at + ANSWER_WITHIN, attempt));
                }
                _ => return deliveries,
            }
        }
    }

    /// Notes what became of a delivery; one that was not answered with 200 is repeated. A number that is not under way
    /// (answered too late, or twice) changes nothing.
    pub(crate) fn settle(
        &mut self,
        settings: &Notifications,
        now: Timestamp,
        number: u64,
        outcome: Delivered,
    ) {
        let Some((at, _, attempt)) = self.under_way.remove(&number) else { return };
        if let Some(notice) = self.notice(attempt.notice) {
            notice.ledger.attempts.push(LedgerDelivery { at, attempt: attempt.attempt, outcome });
        }
        let repeat = settings.repeat_after.get(usize::from(attempt.attempt.saturating_sub(1)));
        if let Some(after) = repeat
            && settings.repeats
            && outcome != Delivered::Answered(200)
            && attempt.attempt <= REPEATS_MAX
        {
            self.wait(now + *after, Attempt { attempt: attempt.attempt + 1, ..attempt });
        }
    }
}

fn name_of(event: u16) -> (&'static str, u8) {
    EVENTS
        .iter()
        .find(|(known, ..)| *known == event)
        .map_or(("unknown_event", 0), |(_, name, service_type)| (*name, *service_type))
}

pub(crate) fn service_type_of(event: u16) -> u8 {
    name_of(event).1
}

pub(crate) fn in_unit(at: Timestamp, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Millis => at.millis(),
        TimeUnit::Seconds => at.millis().div_euclid(1000),
    }
}

#[cfg(test)]
mod tests {
    use super::Signatures;

    #[test]
    fn the_published_vector_is_signed_as_published() {
        let body = br#"{"eventMs":1560408533119,"eventType":10,"noticeId":"4eb720f0-8da7-11e9-a43e-53f411c2761f","notifyMs":1560408533119,"payload":{"a":"1","b":2},"productId":1}"#;
        let signatures = Signatures::of("secret", body);
        assert_eq!(signatures.sha1, "033c62f40f687675f17f0f41f91a40c71c0f134c");
        assert_eq!(signatures.sha256, "6d3320c60b11101395b7fc8f9068748808a0aa1bfa064438e39d1bc2c7d74d99");
    }
}
