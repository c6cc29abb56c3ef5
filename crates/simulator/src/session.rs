//! One session: what it does at any instant, what its servers have recorded, and what it tells.
//!
//! Begins with a `start`; ends by a `stop`, an empty channel, a fourth fault, and what else [`EndedHow`] names. It has a
//! due time; [`Session::step`] takes it over that instant and no other, so that looking at it changes nothing, and an
//! idle session costs nothing.

mod files;

use core::time::Duration;

use agora::limits;
use agora::{Mode, ResourceId, Sid, Timestamp, Uid};
use serde_json::{Value, json};

use crate::conditions::{Page, PageState, Storage, StorageState};
use crate::config::Config;
use crate::files::{Medium, Track};
use crate::ledger::{EndedHow, SessionState, Truth};
use crate::media::{Channel, Publisher, Subscribed};
use crate::notice::{Happening, Happenings};
use crate::token::{self, TokenFault};
use crate::unknowns::{
    AfterAsyncStop, FailoverNoticed, OldOrNew, RegistrationDetails, SequenceScope, UidAfterFailover,
};

/// When after the start which status is told, up to status 3; [`Session::ready`] begins status 4.
const STARTING: [Duration; 3] =
    [Duration::from_millis(700), Duration::from_millis(1400), Duration::from_millis(2200)];
/// When after the start a session records.
const READY: Duration = Duration::from_millis(3000);
/// When after the start a page is recorded.
const WEB_READY: Duration = Duration::from_millis(5000);
/// When after the first picture or sound the first file is uploaded: status 5.
const FIRST_FILE: Duration = Duration::from_secs(12);
/// The same in individual mode, where the list appears within a minute.
const FIRST_FILE_INDIVIDUAL: Duration = Duration::from_secs(45);
/// When after it is ready a session finds that its storage refuses it.
const STORAGE_CHECKED: Duration = Duration::from_secs(4);
/// How long a page is recorded that is too heavy or breaks.
const PAGE_FAILS_AFTER: Duration = Duration::from_secs(60);
/// How often the progress of uploads is told.
const PROGRESS: Duration = Duration::from_secs(60);
/// How much longer a slow upload takes.
const SLOW_UPLOAD: Duration = Duration::from_secs(30);
/// How long after a failover the server that died still tells something.
const LATE_WORDS: Duration = Duration::from_secs(3);
/// How many pieces of media a leg remembers.
const TRACKS_MAX: usize = 2_000;

/// What `start` asked for, as far as it matters here.
#[derive(Debug, Clone)]
pub(crate) struct StartParameters {
    pub(crate) max_idle: Duration,
    pub(crate) mp4: bool,
    /// Whether anything but still pictures is written.
    pub(crate) records: bool,
    pub(crate) standard: bool,
    pub(crate) folders: Vec<String>,
    pub(crate) bucket: String,
    pub(crate) sts_expires: Option<Timestamp>,
    pub(crate) token: Option<String>,
    pub(crate) subscribed: Subscribed,
    pub(crate) snapshot: Option<Duration>,
    pub(crate) web: Option<WebParameters>,
    pub(crate) rtmp: Option<String>,
}

/// What a web recording was asked for.
#[derive(Debug, Clone)]
pub(crate) struct WebParameters {
    pub(crate) url: String,
    pub(crate) max_recording: Duration,
    pub(crate) mp4_length: Duration,
    pub(crate) onhold: bool,
    pub(crate) ready_timeout: Duration,
}

/// Who a session is.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) sid: Sid,
    pub(crate) resource_id: ResourceId,
    pub(crate) cname: String,
    pub(crate) uid: Uid,
    pub(crate) mode: Mode,
    /// Postponed transcoding: scene 2.
    pub(crate) postponed: bool,
    /// Whether it was started by a region's domain.
    pub(crate) by_region: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: Identity,
    pub(crate) started_at: Timestamp,
    pub(crate) control_until: Timestamp,
    pub(crate) parameters: StartParameters,
    pub(crate) failovers: u8,
    /// The instant for which it stands in the agenda.
    pub(crate) scheduled: Option<Timestamp>,
    legs: Vec<Leg>,
    state: State,
    recorded_something: bool,
    first_file: bool,
    token_ends: Option<Timestamp>,
    next_progress: Timestamp,
    next_snapshot: Option<Timestamp>,
    /// Counts over all recorders.
    sequence: u64,
    backuped: bool,
    asynchronous_stop: bool,
}

#[derive(Debug, Clone)]
struct Leg {
    recorder: Uid,
    began_at: Timestamp,
    ended_at: Option<Timestamp>,
    /// Which failover it is the recorder of.
    failover: Option<u8>,
    has_file: bool,
    joined: bool,
    tracks: Vec<Track>,
    /// Whom the recorder receives.
    received: Vec<Publisher>,
    /// Counts per service type, by its number.
    sequences: [u64; 9],
}

#[derive(Debug, Clone, Copy)]
enum State {
    Running { since: Timestamp },
    FailingOver { until: Timestamp, recorder: Option<Uid> },
    Stopping { uploaded_at: Timestamp, ends_at: Timestamp, how: EndedHow },
    Ended { at: Timestamp, how: EndedHow },
}

/// What happens next, in the order in which it happens at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    GoesOn,
    Joins,
    TokenEnds,
    StorageChecked,
    PageFails,
    FirstFile,
    Snapshot,
    Progress,
    Idle,
    WebEnds,
    Ends,
}

/// What a session needs to know of everything else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) channel: &'a Channel,
    pub(crate) config: &'a Config,
    pub(crate) storage: Storage,
    pub(crate) page: Page,
    pub(crate) token_needed: bool,
}

/// What a `stop` meets.
pub(crate) enum StopMet {
    /// It stops; the files are uploaded then.
    Stops { uploaded_at: Timestamp },
    /// It stops, and nothing was recorded.
    NothingRecorded,
    /// It is ending already.
    AlreadyExiting,
    /// It is gone, or between two servers.
    NotFound,
}

/// What happens to the server of a session.
pub(crate) enum ServerFault {
    /// Another server goes on after this; the fault is found after `found`.
    Moves { after: Duration, found: Duration, recorder: Uid },
    /// The same server is reached again after this.
    Returns { after: Duration },
    /// Nobody goes on.
    Ends,
    /// The token runs out.
    TokenExpires,
}

impl Session {
    pub(crate) fn new(
        id: Identity,
        started_at: Timestamp,
        control_until: Timestamp,
        parameters: StartParameters,
    ) -> Self {
        let leg = Leg::new(id.uid, started_at, None);
        Self {
            id,
            started_at,
            control_until,
            next_progress: started_at + PROGRESS,
            parameters,
            failovers: 0,
            scheduled: None,
            legs: vec![leg],
            state: State::Running { since: started_at },
            recorded_something: false,
            first_file: false,
            token_ends: None,
            next_snapshot: None,
            sequence: 0,
            backuped: false,
            asynchronous_stop: false,
        }
    }

    fn ready(&self) -> Duration {
        if self.id.mode == Mode::Web { WEB_READY } else { READY }
    }

    /// The next instant at which something happens by itself.
    pub(crate) fn next_due(&self, world: World<'_>, wants: impl Fn(u16) -> bool) -> Option<Timestamp> {
        self.due(world, wants).map(|(at, _)| at)
    }

    fn due(&self, world: World<'_>, wants: impl Fn(u16) -> bool) -> Option<(Timestamp, Due)> {
        let leg = self.legs.last()?;
        let mut first: Option<(Timestamp, Due)> = None;
        let mut consider = |at: Timestamp, due: Due| {
            if first.is_none_or(|first| (at, due) < first) {
                first = Some((at, due));
            }
        };
        match self.state {
            State::FailingOver { until, .. } => consider(until, Due::GoesOn),
            State::Stopping { ends_at, .. } => consider(ends_at, Due::Ends),
            State::Ended { .. } => {}
            State::Running { since } if !leg.joined => {
                consider(since.max(self.started_at + self.ready()), Due::Joins);
                self.consider_idle(world, &mut consider);
            }
            State::Running { .. } => {
                if let Some(at) = self.token_ends {
                    consider(at, Due::TokenEnds);
                }
                if world.storage.state == StorageState::Refused {
                    let joined_at = leg.began_at.max(self.started_at + self.ready());
                    consider(joined_at.max(world.storage.since) + STORAGE_CHECKED, Due::StorageChecked);
                }
                if let Some(web) = &self.parameters.web {
                    if let Some(after) = page_fails_after(web, world.page.state) {
                        consider(
                            (self.started_at + self.ready()).max(world.page.since) + after,
                            Due::PageFails,
                        );
                    }
                    consider(self.started_at + self.ready() + web.max_recording, Due::WebEnds);
                }
                if !(self.first_file && leg.has_file)
                    && let Some(from) = leg.open_since()
                {
                    let after =
                        if self.id.mode == Mode::Individual { FIRST_FILE_INDIVIDUAL } else { FIRST_FILE };
                    consider(from + after, Due::FirstFile);
                }
                if wants(33) {
                    consider(self.next_progress, Due::Progress);
                }
                if wants(45)
                    && let Some(at) = self.next_snapshot
                {
                    consider(at, Due::Snapshot);
                }
                self.consider_idle(world, &mut consider);
            }
        }
        first
    }

    fn consider_idle(&self, world: World<'_>, consider: &mut impl FnMut(Timestamp, Due)) {
        let State::Running { since } = self.state else { return };
        if self.id.mode != Mode::Web && world.channel.is_empty() {
            consider(since.max(world.channel.since) + self.parameters.max_idle, Due::Idle);
        }
    }

    /// Does all that is due up to this instant.
    pub(crate) fn step(&mut self, now: Timestamp, world: World<'_>, happenings: &mut Happenings<'_>) {
        while let Some((at, due)) =
            self.due(world, |event| happenings.wants(event)).filter(|(at, _)| *at <= now)
        {
            match due {
                Due::GoesOn => self.go_on(at, world, happenings),
                Due::Joins => self.join(at, world, happenings),
                Due::TokenEnds => self.fail_by_token(at, TokenFault::Expired, world.config, happenings),
                Due::StorageChecked => {
                    self.fail(at, EndedHow::StorageRefused, Some((1, 32)), world.config, happenings);
                }
                Due::PageFails => self.fail_by_page(at, world, happenings),
                Due::FirstFile => self.upload_first_file(at, world, happenings),
                Due::Snapshot => self.take_picture(at, world, happenings),
                Due::Progress => {
                    // Everything recorded is uploaded but the slice that is being written.
                    self.tell(happenings, world.config, at, 33, |_| json!({ "progress": 9_500 }));
                    self.next_progress = at + PROGRESS;
                }
                Due::Idle => self.exit(at, world.config.upload.0, EndedHow::Idle, world, happenings),
                Due::WebEnds => {
                    self.tell_web_stopped(at, 1, "max_recording_hour", world, happenings);
                    self.exit(at, world.config.upload.0, EndedHow::MaxRecordingHour, world, happenings);
                }
                Due::Ends => {
                    if let State::Stopping { how, .. } = self.state {
                        self.state = State::Ended { at, how };
                    }
                }
            }
        }
    }

    /// The channel has changed, or what of it is subscribed to.
    pub(crate) fn look_around(&mut self, now: Timestamp, world: World<'_>, happenings: &mut Happenings<'_>) {
        let clashes = world.channel.holds(self.last_leg().recorder.get());
        let joined = matches!(self.state, State::Running { .. }) && self.last_leg().joined;
        if !joined {
            return;
        }
        if clashes && self.id.mode != Mode::Web {
            self.exit(now, world.config.upload.0, EndedHow::Kicked, world, happenings);
            return;
        }
        self.receive(now, world, happenings);
    }

    fn join(&mut self, at: Timestamp, world: World<'_>, happenings: &mut Happenings<'_>) {
        let config = world.config;
        if self.id.mode == Mode::Web {
            self.last_leg().joined = true;
            self.tell(happenings, config, at, 70, |_| json!({ "recorderStartTime": at.millis() }));
            self.tell(happenings, config, at, 30, |_| json!({ "status": 0 }));
            self.tell_ready(at, config, happenings);
            self.tell_rtmp(at, "connecting", config, happenings);
            self.tell_new_index(at, config, happenings);
            self.receive(at, world, happenings);
            return;
        }
        if world.token_needed {
            match token::check(self.parameters.token.as_deref(), config, &self.id.cname, self.id.uid, at) {
                Ok(until) => self.token_ends = Some(until),
                Err(fault) => return self.fail_by_token(at, fault, config, happenings),
            }
        }
        self.last_leg().joined = true;
        self.tell(happenings, config, at, 30, |_| json!({ "status": 0 }));
        self.tell(happenings, config, at, 40, |_| json!({ "status": 0 }));
        self.tell_ready(at, config, happenings);
        self.next_snapshot = self.parameters.snapshot.map(|interval| at + interval);
        self.tell_new_index(at, config, happenings);
        self.look_around(at, world, happenings);
    }

    /// Each failover begins a new index.
    fn tell_new_index(&mut self, at: Timestamp, config: &Config, happenings: &mut Happenings<'_>) {
        if self.newest_leg().failover.is_some() && happenings.wants(4) {
            let index = self.index_name(config);
            self.tell(happenings, config, at, 4, |_| json!({ "fileList": index }));
        }
    }

    fn tell_ready(&mut self, at: Timestamp, config: &Config, happenings: &mut Happenings<'_>) {
        if config.unknowns.event_13 && (self.failovers == 0 || config.unknowns.event_13_again) {
            self.tell(happenings, config, at, 13, |_| match config.unknowns.event_13_details {
                RegistrationDetails::Nothing => json!({}),
                RegistrationDetails::Status => json!({ "status": 0 }),
            });
        }
    }

    /// Another server goes on, or the same one again.
    fn go_on(&mut self, at: Timestamp, world: World<'_>, happenings: &mut Happenings<'_>) {
        let State::FailingOver { recorder, .. } = self.state else { return };
        let config = world.config;
        self.state = State::Running { since: at };
        self.next_progress = at + PROGRESS;
        self.next_snapshot = self.next_snapshot.and(self.parameters.snapshot).map(|interval| at + interval);
        let Some(recorder) = recorder else {
            let leg = self.last_leg();
            leg.ended_at = None;
            leg.received.clear();
            self.look_around(at, world, happenings);
            return;
        };
        if config.unknowns.failover_noticed == FailoverNoticed::Rejoin {
            self.tell_failover(at, recorder, config, happenings);
        }
        self.tell_late_words(at + LATE_WORDS, config, happenings);
        let mut leg = Leg::new(recorder, at, Some(self.failovers.saturating_sub(1)));
        leg.has_file = true;
        self.legs.push(leg);
    }

    fn tell_failover(
        &mut self,
        at: Timestamp,
        recorder: Uid,
        config: &Config,
        happenings: &mut Happenings<'_>,
    ) {
        let details = json!({ "newUid": recorder.get() });
        let uid = match config.unknowns.failover_notice_uid {
            OldOrNew::Old => self.last_leg().recorder,
            OldOrNew::New => recorder,
        };
        if happenings.wants(12) {
            let sequence = self.next_sequence(12, config);
            happenings.list.push(Happening { at, event: 12, uid: uid.to_string(), sequence, details });
        }
    }

    /// What the server that died still tells, under its old UID.
    fn tell_late_words(&mut self, at: Timestamp, config: &Config, happenings: &mut Happenings<'_>) {
        if !config.unknowns.old_leg_speaks || !self.last_leg().joined {
            return;
        }
        self.tell(happenings, config, at, 41, |_| json!({ "leaveCode": 2 }));
        if self.last_leg().has_file {
            self.tell_uploaded(at + LATE_WORDS, 31, config, happenings);
        }
        if config.unknowns.old_leg_exits {
            self.tell(happenings, config, at + LATE_WORDS, 11, |_| json!({ "exitStatus": 1 }));
        }
    }

    fn upload_first_file(&mut self, at: Timestamp, world: World<'_>, happenings: &mut Happenings<'_>) {
        self.first_file = true;
        let had_file = core::mem::replace(&mut self.last_leg().has_file, true);
        if !had_file {
            let index = self.index_name(world.config);
            self.tell(happenings, world.config, at, 4, |_| json!({ "fileList": index }));
        }
        self.tell_rtmp(at, "publishing", world.config, happenings);
    }

    fn take_picture(&mut self, at: Timestamp, world: World<'_>, happenings: &mut Happenings<'_>) {
        for name in self.pictures_at(at, world.config) {
            self.tell(happenings, world.config, at, 45, |_| json!({ "fileName": name }));
        }
        self.next_snapshot = self.parameters.snapshot.map(|interval| at + interval);
    }

    /// Brings what is recorded in line with who publishes and what is subscribed to.
    fn receive(&mut self, at: Timestamp, world: World<'_>, happenings: &mut Happenings<'_>) {
        let config = world.config;
        if let Some(web) = &self.parameters.web {
            let records = !web.onhold && world.page.state != PageState::EngineFails;
            let fits = |track: &Track| track.user.is_none();
            let open = self.last_leg().tracks.iter().any(|track| fits(track) && track.until.is_none());
            if records && !open {
                self.open_track(at, None, config, happenings);
            } else if !records && open {
                self.last_leg().close_tracks(at, |_| true);
            }
            return;
        }
        let received = self.parameters.subscribed.in_channel(world.channel);
        let before = core::mem::replace(&mut self.last_leg().received, received.clone());
        self.tell_streams(at, &before, &received, config, happenings);
        if self.id.mode == Mode::Individual {
            let has = |user: (u32, Medium)| {
                received.iter().any(|publisher| {
                    let medium = match user.1 {
                        Medium::Audio => publisher.audio,
                        Medium::Video => publisher.video,
                        Medium::Merged => false,
                    };
                    publisher.uid == user.0 && medium
                })
            };
            self.last_leg().close_tracks(at, |track| !track.user.is_some_and(has));
            let wanted = received.iter().flat_map(|publisher| {
                let audio = publisher.audio.then_some((publisher.uid, Medium::Audio));
                let video = publisher.video.then_some((publisher.uid, Medium::Video));
                [audio, video].into_iter().flatten()
            });
            for user in wanted {
                if !self.last_leg().has_open(Some(user)) {
                    self.open_track(at, Some(user), config, happenings);
                }
            }
        } else if received.is_empty() {
            self.last_leg().close_tracks(at, |_| true);
        } else if !self.last_leg().has_open(None) {
            self.open_track(at, None, config, happenings);
        }
    }

    fn tell_streams(
        &mut self,
        at: Timestamp,
        before: &[Publisher],
        after: &[Publisher],
        config: &Config,
        happenings: &mut Happenings<'_>,
    ) {
        if !happenings.wants(43) && !happenings.wants(44) {
            return;
        }
        let utc = if config.unknowns.notification_drift { "utcMs" } else { "UtcMs" };
        let of = |list: &[Publisher], uid: u32| list.iter().find(|publisher| publisher.uid == uid).copied();
        let mut users: Vec<u32> = before.iter().chain(after).map(|publisher| publisher.uid).collect();
        users.sort_unstable();
        users.dedup();
        for uid in users {
            let (old, new) = (of(before, uid), of(after, uid));
            let has =
                |publisher: Option<Publisher>, medium: fn(Publisher) -> bool| publisher.is_some_and(medium);
            for (event, medium) in [(43, (|one| one.audio) as fn(Publisher) -> bool), (44, |one| one.video)] {
                let (had, has) = (has(old, medium), has(new, medium));
                if had != has {
                    // 0 is "receiving": the documents invert it.
                    let state = u8::from(!has);
                    let mut details = json!({ "streamUid": uid, "state": state });
                    details[utc] = at.millis().into();
                    self.tell(happenings, config, at, event, |_| details);
                }
            }
        }
    }

    fn open_track(
        &mut self,
        at: Timestamp,
        user: Option<(u32, Medium)>,
        config: &Config,
        happenings: &mut Happenings<'_>,
    ) {
        self.recorded_something = true;
        let broke_off = self
            .legs
            .iter()
            .flat_map(|leg| &leg.tracks)
            .filter(|track| track.user == user)
            .filter_map(|track| track.until)
            .max();
        let leg = self.last_leg();
        if leg.tracks.len() >= TRACKS_MAX {
            // The oldest piece is forgotten; its files stay in the bucket, and out of the list.
            leg.tracks.remove(0);
        }
        leg.tracks.push(Track { user, from: at, until: None });
        let mode = self.id.mode;
        self.tell(happenings, config, at, 42, |_| {
            let mut details = json!({
                "startUtcMs": at.millis(),
                "discontinueUtcMs": broke_off.map_or(at.millis(), Timestamp::millis),
                "mixedAllUser": user.is_none(),
                "streamUid": user.map_or_else(|| "0".to_owned(), |(uid, _)| uid.to_string()),
                "trackType": user.map_or("audio_and_video", |(_, medium)| medium.track_type()),
            });
            if mode == Mode::Web {
                details["mixedAllUser"] = true.into();
            }
            details
        });
    }

    fn fail_by_token(
        &mut self,
        at: Timestamp,
        fault: TokenFault,
        config: &Config,
        happenings: &mut Happenings<'_>,
    ) {
        let (code, how) = match fault {
            TokenFault::Expired => (109, EndedHow::TokenExpired),
            TokenFault::Wrong => (110, EndedHow::TokenWrong),
        };
        self.fail(at, how, Some((0, code)), config, happenings);
    }

    /// Ends without an upload; `error` is the module and the code of event 1.
    fn fail(
        &mut self,
        at: Timestamp,
        how: EndedHow,
        error: Option<(u8, u32)>,
        config: &Config,
        happenings: &mut Happenings<'_>,
    ) {
        self.close_leg(at);
        self.state = State::Ended { at, how };
        if let Some((module, code)) = error {
            self.tell(happenings, config, at, 1, |_| {
                // A fatal error says "normal" and nothing else, as it was seen.
                json!({ "module": module, "errorLevel": 5, "errorCode": code, "stat": 0, "errorMsg": "" })
            });
        }
        self.tell(happenings, config, at, 11, |_| json!({ "exitStatus": 1 }));
    }

    fn fail_by_page(&mut self, at: Timestamp, world: World<'_>, happenings: &mut Happenings<'_>) {
        let (code, message) = match world.page.state {
            PageState::Unreachable => (5, "access_url_failed"),
            PageState::Silent => {
                self.tell(happenings, world.config, at, 73, |_| json!({ "reason": "page_load_timeout" }));
                (4, "page_load_timeout")
            }
            PageState::TooHeavy => {
                self.tell(happenings, world.config, at, 72, |_| json!({ "limitType": "bandwidth" }));
                (2, "capability_limit")
            }
            PageState::EngineFails => (3, "start_engine_failed"),
            PageState::RecorderFails => (6, "recorder_error"),
            PageState::Ready => return,
        };
        self.tell_web_stopped(at, code, message, world, happenings);
        self.exit(at, world.config.upload.0, EndedHow::PageFailed, world, happenings);
    }

    fn tell_web_stopped(
        &mut self,
        at: Timestamp,
        code: u8,
        message: &str,
        world: World<'_>,
        happenings: &mut Happenings<'_>,
    ) {
        if self.id.mode != Mode::Web || !happenings.wants(71) {
            return;
        }
        let files = self.web_files(world.config);
        self.tell(
            happenings,
            world.config,
            at,
            71,
            |_| json!({ "code": code, "message": message, "details": "", "fileList": files }),
        );
    }

    fn tell_rtmp(&mut self, at: Timestamp, status: &str, config: &Config, happenings: &mut Happenings<'_>) {
        if let Some(url) = self.parameters.rtmp.clone() {
            self.tell(happenings, config, at, 100, |_| json!({ "rtmpUrl": url, "status": status }));
        }
    }

    /// Stops by itself or on request: the files are uploaded, then it is gone.
    fn exit(
        &mut self,
        at: Timestamp,
        upload: Duration,
        how: EndedHow,
        world: World<'_>,
        happenings: &mut Happenings<'_>,
    ) {
        let config = world.config;
        let joined = self.last_leg().joined;
        self.close_leg(at);
        let upload = if world.storage.state == StorageState::Slow { upload + SLOW_UPLOAD } else { upload };
        let uploaded_at = if how == EndedHow::Stopped && !self.recorded_something { at } else { at + upload };
        self.state = State::Stopping { uploaded_at, ends_at: uploaded_at + config.exit, how };
        self.backuped = self.recorded_something
            && (world.storage.state == StorageState::Failing
                || self.parameters.sts_expires.is_some_and(|expires| expires <= at));
        if happenings.listens.is_none() {
            return;
        }
        let leave_code = match how {
            EndedHow::Idle => 4,
            _ => 16,
        };
        if joined && self.id.mode != Mode::Web {
            self.tell(happenings, config, at, 41, |_| json!({ "leaveCode": leave_code }));
        }
        if how == EndedHow::Stopped {
            self.tell_web_stopped(at, 0, "ok", world, happenings);
        }
        self.tell_rtmp(at, "disconnected", config, happenings);
        let ends_well = matches!(how, EndedHow::Stopped | EndedHow::Idle | EndedHow::MaxRecordingHour);
        let exit_status = u8::from(!ends_well);
        let exit_key = if config.unknowns.notification_drift { "leaveStatus" } else { "exitStatus" };
        let exit = |session: &mut Self, happenings: &mut Happenings<'_>, at| {
            session.tell(happenings, config, at, 11, |_| {
                let mut details = json!({});
                details[exit_key] = exit_status.into();
                details
            });
        };
        if config.unknowns.exit_before_upload {
            exit(self, happenings, at);
        }
        if self.recorded_something {
            if self.backuped {
                for code in [31, 32] {
                    self.tell(happenings, config, at, 2, |_| json!({ "module": 1, "warnCode": code }));
                }
            }
            self.tell(happenings, config, uploaded_at, 33, |_| json!({ "progress": 10_000 }));
            self.tell_uploaded(uploaded_at, if self.backuped { 32 } else { 31 }, config, happenings);
        }
        if !config.unknowns.exit_before_upload {
            exit(self, happenings, uploaded_at);
        }
        if self.id.postponed && self.recorded_something {
            let uids: Vec<String> = self.recorded_users().iter().map(u32::to_string).collect();
            let list = self.event_files(config);
            self.tell(happenings, config, uploaded_at, 80, |_| json!({}));
            let done = uploaded_at + PROGRESS;
            self.tell(happenings, config, done, 81, |_| json!({ "result": "all_success", "uids": uids }));
            self.tell(
                happenings,
                config,
                done,
                1001,
                |_| json!({ "result": "total_success", "fileList": list }),
            );
        }
    }

    fn tell_uploaded(&mut self, at: Timestamp, event: u16, config: &Config, happenings: &mut Happenings<'_>) {
        if !happenings.wants(event) {
            return;
        }
        let status: Value = if config.unknowns.notification_drift { "0".into() } else { 0.into() };
        let mut details = json!({ "status": status });
        if self.id.mode != Mode::Web {
            details["fileList"] = self.event_files(config).into();
        }
        self.tell(happenings, config, at, event, |_| details);
    }

    /// A call did not fit the state of the session.
    pub(crate) fn tell_status_update(
        &mut self,
        now: Timestamp,
        config: &Config,
        happenings: &mut Happenings<'_>,
    ) {
        if !happenings.wants(3) {
            return;
        }
        let status = self.status(now).unwrap_or(8);
        let index = self.index_name(config);
        let mode = u8::from(self.id.mode == Mode::Mix);
        self.tell(
            happenings,
            config,
            now,
            3,
            |_| json!({ "status": status, "recordingMode": mode, "fileList": index }),
        );
    }

    /// An event on request, as the newest recorder would tell it.
    pub(crate) fn tell_on_request(
        &mut self,
        now: Timestamp,
        (event, uid): (u16, Option<String>),
        details: Value,
        config: &Config,
        happenings: &mut Happenings<'_>,
    ) {
        self.tell(happenings, config, now, event, |_| details);
        if let (Some(uid), Some(last)) = (uid, happenings.list.last_mut()) {
            last.uid = uid;
        }
    }

    fn tell(
        &mut self,
        happenings: &mut Happenings<'_>,
        config: &Config,
        at: Timestamp,
        event: u16,
        details: impl FnOnce(&Self) -> Value,
    ) {
        if !happenings.wants(event) {
            return;
        }
        let details = details(self);
        let sequence = self.next_sequence(event, config);
        let uid = self.last_leg().recorder.to_string();
        happenings.list.push(Happening { at, event, uid, sequence, details });
    }

    fn next_sequence(&mut self, event: u16, config: &Config) -> u64 {
        let counter = match config.unknowns.sequence_scope {
            SequenceScope::Session => &mut self.sequence,
            SequenceScope::Leg => &mut self.last_leg().sequences[0],
            SequenceScope::Module => {
                let module = usize::from(crate::notice::service_type_of(event));
                let sequences = &mut self.last_leg().sequences;
                let index = module.min(sequences.len() - 1);
                &mut sequences[index]
            }
        };
        let sequence = *counter;
        *counter += 1;
        sequence
    }

    fn last_leg(&mut self) -> &mut Leg {
        self.legs.last_mut().expect("a session begins with a leg, and none is ever removed")
    }

    fn newest_leg(&self) -> &Leg {
        self.legs.last().expect("a session begins with a leg, and none is ever removed")
    }

    fn close_leg(&mut self, at: Timestamp) {
        let leg = self.last_leg();
        leg.ended_at = leg.ended_at.or(Some(at));
        leg.close_tracks(at, |_| true);
    }

    /// A fault of its server. Whether it was met: one that ends or has ended is not.
    pub(crate) fn strike(
        &mut self,
        now: Timestamp,
        fault: ServerFault,
        config: &Config,
        happenings: &mut Happenings<'_>,
    ) -> bool {
        match self.state {
            State::Running { .. } | State::FailingOver { .. } => {}
            State::Stopping { .. } | State::Ended { .. } => return false,
        }
        match fault {
            ServerFault::Ends => self.fail(now, EndedHow::Fault, None, config, happenings),
            ServerFault::TokenExpires => self.fail_by_token(now, TokenFault::Expired, config, happenings),
            ServerFault::Returns { after } => {
                self.close_leg(now);
                // A server that is reached again does not undo a move that is under way.
                let recorder = match self.state {
                    State::FailingOver { recorder, .. } => recorder,
                    State::Running { .. } | State::Stopping { .. } | State::Ended { .. } => None,
                };
                self.state = State::FailingOver { until: now + after, recorder };
            }
            ServerFault::Moves { .. } if self.failovers >= limits::FAILOVERS_MAX => {
                self.fail(now, EndedHow::FaultsExhausted, None, config, happenings);
            }
            ServerFault::Moves { after, found, recorder } => {
                self.close_leg(now);
                self.failovers += 1;
                self.state = State::FailingOver { until: now + after, recorder: Some(recorder) };
                if config.unknowns.failover_noticed == FailoverNoticed::Detection {
                    self.tell_failover(now + found.min(after), recorder, config, happenings);
                }
            }
        }
        true
    }

    pub(crate) fn stop(
        &mut self,
        now: Timestamp,
        upload: Duration,
        asynchronous: bool,
        world: World<'_>,
        happenings: &mut Happenings<'_>,
    ) -> StopMet {
        match self.state {
            State::Running { .. } => {
                self.asynchronous_stop = asynchronous;
                self.exit(now, upload, EndedHow::Stopped, world, happenings);
                match self.state {
                    State::Stopping { uploaded_at, .. } if self.recorded_something => {
                        StopMet::Stops { uploaded_at }
                    }
                    _ => StopMet::NothingRecorded,
                }
            }
            State::Stopping { .. } => {
                self.tell_status_update(now, world.config, happenings);
                StopMet::AlreadyExiting
            }
            State::FailingOver { .. } | State::Ended { .. } => StopMet::NotFound,
        }
    }

    /// The status that a query tells; none where it is answered 404.
    pub(crate) fn status(&self, now: Timestamp) -> Option<u8> {
        match self.state {
            State::Running { .. } => {
                let age = now.since(self.started_at);
                let begun = STARTING.iter().chain([&self.ready()]).filter(|begin| **begin <= age).count();
                match u8::try_from(begun) {
                    Ok(4) if self.first_file => Some(5),
                    status => status.ok(),
                }
            }
            State::FailingOver { .. } | State::Ended { .. } => None,
            State::Stopping { uploaded_at, .. } => Some(if now < uploaded_at { 6 } else { 7 }),
        }
    }

    /// What a query meets that comes after an asynchronous stop, where that is not the status.
    pub(crate) fn after_async_stop(&self, config: &Config) -> Option<AfterAsyncStop> {
        let stopping = matches!(self.state, State::Stopping { .. }) && self.asynchronous_stop;
        let answer = config.unknowns.after_async_stop;
        (stopping && answer != AfterAsyncStop::Status).then_some(answer)
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended { .. })
    }

    pub(crate) fn is_live(&self) -> bool {
        match self.state {
            State::Running { .. } | State::FailingOver { .. } => true,
            State::Stopping { .. } | State::Ended { .. } => false,
        }
    }

    /// Whether its files went to the service's backup.
    pub(crate) const fn is_backuped(&self) -> bool {
        self.backuped
    }

    /// The `serviceScene` of its notifications.
    pub(crate) fn scene_name(&self) -> &'static str {
        if self.id.postponed {
            return "postpone_transcode::rtc_record";
        }
        match self.id.mode {
            Mode::Web => "web_record",
            Mode::Individual if self.parameters.snapshot.is_some() => "rtc_snapshot",
            Mode::Individual | Mode::Mix => "rtc_record",
        }
    }

    /// Whether this UID is taken in this channel because of this session.
    pub(crate) fn holds(&self, cname: &str, uid: Uid) -> bool {
        let recorder = self.legs.last().map(|leg| leg.recorder);
        !self.has_ended() && self.id.cname == cname && (self.id.uid == uid || recorder == Some(uid))
    }

    /// Whether a body with this UID is of this session.
    pub(crate) fn answers_to(&self, uid: &str, config: &Config) -> bool {
        let original = self.id.uid.to_string() == uid;
        let recorder = self.newest_leg().recorder.to_string() == uid;
        match config.unknowns.uid_after_failover {
            UidAfterFailover::Original => original,
            UidAfterFailover::Recorder => recorder,
            UidAfterFailover::Either => original || recorder,
        }
    }

    /// What is so now, without a copy.
    pub(crate) fn truth(&self) -> Truth<'_> {
        let ended = match self.state {
            State::Running { .. } | State::FailingOver { .. } => None,
            State::Stopping { how, .. } | State::Ended { how, .. } => Some(how),
        };
        Truth {
            sid: &self.id.sid,
            resource_id: &self.id.resource_id,
            cname: &self.id.cname,
            uid: self.id.uid,
            recorder: self.newest_leg().recorder,
            live: self.is_live(),
            moving: matches!(self.state, State::FailingOver { .. }),
            ended,
            failovers: self.failovers,
            started_at: self.started_at,
            control_until: self.control_until,
        }
    }

    fn to_state(&self, now: Timestamp) -> SessionState {
        match self.state {
            State::Running { .. } if self.status(now).is_some_and(|status| status < 4) => {
                SessionState::Starting
            }
            State::Running { .. } => SessionState::Recording,
            State::FailingOver { .. } => SessionState::FailingOver,
            State::Stopping { .. } => SessionState::Stopping,
            State::Ended { .. } => SessionState::Ended,
        }
    }
}

/// When after the recorder began its page makes it end.
fn page_fails_after(web: &WebParameters, page: PageState) -> Option<Duration> {
    match page {
        PageState::Ready => None,
        PageState::Silent if web.ready_timeout.is_zero() => None,
        // It is reloaded once.
        PageState::Silent => Some(web.ready_timeout * 2),
        PageState::Unreachable | PageState::EngineFails => Some(Duration::from_secs(2)),
        PageState::TooHeavy | PageState::RecorderFails => Some(PAGE_FAILS_AFTER),
    }
}

impl Leg {
    fn new(recorder: Uid, began_at: Timestamp, failover: Option<u8>) -> Self {
        Self {
            recorder,
            began_at,
            ended_at: None,
            failover,
            has_file: false,
            joined: false,
            tracks: Vec::new(),
            received: Vec::new(),
            sequences: [0; 9],
        }
    }

    /// Since when something has been recorded without a break.
    fn open_since(&self) -> Option<Timestamp> {
        self.tracks.iter().filter(|track| track.until.is_none()).map(|track| track.from).min()
    }

    fn has_open(&self, user: Option<(u32, Medium)>) -> bool {
        self.tracks.iter().any(|track| track.user == user && track.until.is_none())
    }

    fn close_tracks(&mut self, at: Timestamp, which: impl Fn(&Track) -> bool) {
        for track in self.tracks.iter_mut().filter(|track| track.until.is_none() && which(track)) {
            track.until = Some(at);
        }
    }
}
