//! One session: what it does at any instant, and what its servers have recorded.
//!
//! Begins with a `start`; ends by a `stop`, an empty channel, a fourth fault, or the fault `end`. Time moves it on in
//! [`Session::settle`], always to instants that were fixed before, so that looking at it changes nothing.

use core::time::Duration;

use agora::files::{self, IndexOf};
use agora::limits;
use agora::request::StreamTypes;
use agora::{ChannelName, Mode, ResourceId, Sid, Timestamp, Uid};
use serde_json::{Value, json};

use crate::config::Config;
use crate::ledger::{EndedHow, LedgerLeg, LedgerSession, SessionState, Truth};

/// When after the start which status is told: the last of these instants begins status 4.
const STARTING: [Duration; 4] =
    [Duration::from_millis(700), Duration::from_millis(1400), Duration::from_millis(2200), READY];
/// When after the start a session records.
const READY: Duration = Duration::from_millis(3000);
/// When after the first picture or sound the first file is uploaded: status 5.
const FIRST_FILE: Duration = Duration::from_secs(12);

/// Who is in a channel, apart from recorders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel {
    pub(crate) publishers: u32,
    /// Since when it is empty, or is not.
    pub(crate) since: Timestamp,
}

/// What `start` asked for, as far as it matters here.
#[derive(Debug, Clone)]
pub(crate) struct StartParameters {
    pub(crate) max_idle: Duration,
    pub(crate) mp4: bool,
    pub(crate) folders: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) sid: Sid,
    pub(crate) resource_id: ResourceId,
    pub(crate) cname: ChannelName,
    pub(crate) uid: Uid,
    pub(crate) mode: Mode,
    pub(crate) started_at: Timestamp,
    pub(crate) control_until: Timestamp,
    pub(crate) parameters: StartParameters,
    pub(crate) failovers: u8,
    legs: Vec<Leg>,
    state: State,
    recorded_something: bool,
    first_file: bool,
}

#[derive(Debug, Clone)]
struct Leg {
    recorder: Uid,
    began_at: Timestamp,
    ended_at: Option<Timestamp>,
    leg: files::Leg,
    has_file: bool,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Running { since: Timestamp },
    FailingOver { until: Timestamp, recorder: Option<Uid> },
    Stopping { uploaded_at: Timestamp, ends_at: Timestamp, how: EndedHow },
    Ended { at: Timestamp, how: EndedHow },
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
    /// Another server goes on after this.
    Moves { after: Duration, recorder: Uid },
    /// The same server is reached again after this.
    Returns { after: Duration },
    /// Nobody goes on.
    Ends,
}

impl Session {
    pub(crate) fn new(
        resource_id: ResourceId,
        sid: Sid,
        (cname, uid): (ChannelName, Uid),
        mode: Mode,
        started_at: Timestamp,
        control_until: Timestamp,
        parameters: StartParameters,
    ) -> Self {
        let leg = Leg {
            recorder: uid,
            began_at: started_at,
            ended_at: None,
            leg: files::Leg::Original,
            has_file: false,
        };
        Self {
            sid,
            resource_id,
            cname,
            uid,
            mode,
            started_at,
            control_until,
            parameters,
            failovers: 0,
            legs: vec![leg],
            state: State::Running { since: started_at },
            recorded_something: false,
            first_file: false,
        }
    }

    /// Moves it on to `now`. The channel must not have changed since the last time.
    pub(crate) fn settle(&mut self, now: Timestamp, channel: Channel, config: &Config) {
        loop {
            match self.state {
                State::Running { since } => {
                    self.note_media(since, now, channel);
                    let idle_at = since.max(channel.since) + self.parameters.max_idle;
                    if channel.publishers > 0 || idle_at > now {
                        return;
                    }
                    self.close_leg(idle_at);
                    let uploaded_at = idle_at + config.upload.0;
                    self.state = State::Stopping {
                        uploaded_at,
                        ends_at: uploaded_at + config.exit,
                        how: EndedHow::Idle,
                    };
                }
                State::FailingOver { until, recorder } if until <= now => {
                    match recorder {
                        Some(recorder) => self.legs.push(Leg {
                            recorder,
                            began_at: until,
                            ended_at: None,
                            leg: files::Leg::Failover(self.failovers.saturating_sub(1)),
                            has_file: true,
                        }),
                        None => self.last_leg().ended_at = None,
                    }
                    self.state = State::Running { since: until };
                }
                State::Stopping { ends_at, how, .. } if ends_at <= now => {
                    self.state = State::Ended { at: ends_at, how };
                }
                State::FailingOver { .. } | State::Stopping { .. } | State::Ended { .. } => return,
            }
        }
    }

    fn note_media(&mut self, since: Timestamp, now: Timestamp, channel: Channel) {
        if channel.publishers == 0 {
            return;
        }
        let media_since = (since.max(self.started_at + READY)).max(channel.since);
        self.recorded_something |= media_since <= now;
        if media_since + FIRST_FILE <= now {
            self.first_file = true;
            self.last_leg().has_file = true;
        }
    }

    fn last_leg(&mut self) -> &mut Leg {
        self.legs.last_mut().expect("a session begins with a leg, and none is ever removed")
    }

    fn close_leg(&mut self, at: Timestamp) {
        let leg = self.last_leg();
        leg.ended_at = leg.ended_at.or(Some(at));
    }

    /// A fault of its server. Whether it was met: one that ends or has ended is not.
    pub(crate) fn strike(&mut self, now: Timestamp, fault: ServerFault) -> bool {
        match self.state {
            State::Running { .. } | State::FailingOver { .. } => {}
            State::Stopping { .. } | State::Ended { .. } => return false,
        }
        self.close_leg(now);
        self.state = match fault {
            ServerFault::Ends => State::Ended { at: now, how: EndedHow::Fault },
            ServerFault::Returns { after } => {
                // A server that is reached again does not undo a move that is under way.
                let recorder = match self.state {
                    State::FailingOver { recorder, .. } => recorder,
                    State::Running { .. } | State::Stopping { .. } | State::Ended { .. } => None,
                };
                State::FailingOver { until: now + after, recorder }
            }
            ServerFault::Moves { .. } if self.failovers >= limits::FAILOVERS_MAX => {
                State::Ended { at: now, how: EndedHow::FaultsExhausted }
            }
            ServerFault::Moves { after, recorder } => {
                self.failovers += 1;
                State::FailingOver { until: now + after, recorder: Some(recorder) }
            }
        };
        true
    }

    pub(crate) fn stop(&mut self, now: Timestamp, upload: Duration, exit: Duration) -> StopMet {
        match self.state {
            State::Running { .. } => {
                self.close_leg(now);
                let uploaded_at = if self.recorded_something { now + upload } else { now };
                self.state =
                    State::Stopping { uploaded_at, ends_at: uploaded_at + exit, how: EndedHow::Stopped };
                if self.recorded_something {
                    StopMet::Stops { uploaded_at }
                } else {
                    StopMet::NothingRecorded
                }
            }
            State::Stopping { .. } => StopMet::AlreadyExiting,
            State::FailingOver { .. } | State::Ended { .. } => StopMet::NotFound,
        }
    }

    /// The status that a query tells; none where it is answered 404.
    pub(crate) fn status(&self, now: Timestamp) -> Option<u8> {
        match self.state {
            State::Running { .. } => {
                let age = now.since(self.started_at);
                let begun = STARTING.iter().filter(|begin| **begin <= age).count();
                match u8::try_from(begun) {
                    Ok(4) if self.first_file => Some(5),
                    status => status.ok(),
                }
            }
            State::FailingOver { .. } | State::Ended { .. } => None,
            State::Stopping { uploaded_at, .. } => Some(if now < uploaded_at { 6 } else { 7 }),
        }
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

    /// Whether this UID is taken in this channel because of this session.
    pub(crate) fn holds(&self, cname: &ChannelName, uid: Uid) -> bool {
        let recorder = self.legs.last().map(|leg| leg.recorder);
        !self.has_ended() && self.cname == *cname && (self.uid == uid || recorder == Some(uid))
    }

    /// The part of `serverResponse` that lists files, as composite mode has it.
    pub(crate) fn file_list(&self, config: &Config) -> Value {
        let newest = self.legs.last().filter(|leg| leg.has_file);
        let began_at = newest.map(|leg| leg.began_at.millis());
        let files: Vec<String> = newest.map(|leg| self.files_of(leg, config)).unwrap_or_default();
        if !self.parameters.mp4 {
            let mut response = json!({
                "fileListMode": "string",
                "fileList": files.into_iter().next().unwrap_or_default(),
            });
            if let Some(began_at) = began_at {
                response["sliceStartTime"] = began_at.into();
            }
            return response;
        }
        let list: Vec<Value> = files
            .into_iter()
            .map(|name| {
                json!({
                    "fileName": name,
                    "trackType": "audio_and_video",
                    "uid": "0",
                    "mixedAllUser": true,
                    "isPlayable": true,
                    "sliceStartTime": began_at,
                })
            })
            .collect();
        let mut response = json!({ "fileListMode": "json", "fileList": list });
        if let Some(began_at) = began_at {
            response["sliceStartTime"] = began_at.into();
        }
        response
    }

    fn files_of(&self, leg: &Leg, config: &Config) -> Vec<String> {
        if !leg.has_file {
            return Vec::new();
        }
        let index = IndexOf {
            sid: &self.sid,
            cname: &self.cname,
            mode: self.mode,
            stream_types: StreamTypes::AudioAndVideo,
            folders: &self.parameters.folders,
        };
        let spellings = index.beginnings(leg.leg);
        let spelling = if config.replaces_special_characters { spellings.first() } else { spellings.last() };
        let beginning = spelling.map_or("", String::as_str);
        let mut files = vec![format!("{beginning}.m3u8")];
        if self.parameters.mp4 {
            files.push(format!("{beginning}_0.mp4"));
        }
        files
    }

    /// What is so now, without a copy.
    pub(crate) fn truth(&self) -> Truth<'_> {
        let ended = match self.state {
            State::Running { .. } | State::FailingOver { .. } => None,
            State::Stopping { how, .. } | State::Ended { how, .. } => Some(how),
        };
        Truth {
            sid: &self.sid,
            resource_id: &self.resource_id,
            cname: &self.cname,
            uid: self.uid,
            recorder: self.legs.last().map_or(self.uid, |leg| leg.recorder),
            live: self.is_live(),
            moving: matches!(self.state, State::FailingOver { .. }),
            ended,
            failovers: self.failovers,
            started_at: self.started_at,
            control_until: self.control_until,
        }
    }

    pub(crate) fn to_ledger(&self, now: Timestamp, config: &Config) -> LedgerSession {
        let state = match self.state {
            State::Running { .. } if self.status(now).is_some_and(|status| status < 4) => {
                SessionState::Starting
            }
            State::Running { .. } => SessionState::Recording,
            State::FailingOver { .. } => SessionState::FailingOver,
            State::Stopping { .. } => SessionState::Stopping,
            State::Ended { .. } => SessionState::Ended,
        };
        let end = match self.state {
            State::Running { .. } | State::FailingOver { .. } => None,
            State::Stopping { ends_at, how, .. } => Some((ends_at, how)),
            State::Ended { at, how } => Some((at, how)),
        };
        LedgerSession {
            sid: self.sid.to_string(),
            resource_id: self.resource_id.to_string(),
            cname: self.cname.to_string(),
            uid: self.uid.to_string(),
            mode: self.mode,
            started_at: self.started_at,
            state,
            live: self.is_live(),
            control_until: self.control_until,
            failovers: u32::from(self.failovers),
            legs: self
                .legs
                .iter()
                .map(|leg| LedgerLeg {
                    recorder_uid: leg.recorder.to_string(),
                    began_at: leg.began_at,
                    ended_at: leg.ended_at,
                    files: self.files_of(leg, config),
                })
                .collect(),
            ended_at: end.map(|(at, _)| at),
            ended_how: end.map(|(_, how)| how),
        }
    }
}
