//! What a session has written: as its answers, its notifications and the ledger name it.

use core::time::Duration;

use agora::{Mode, Timestamp};
use serde_json::{Value, json};

use super::{Leg, Session, State};
use crate::conditions::{Storage, StorageState};
use crate::config::Config;
use crate::files::{FILES_MAX, FileKind, LedgerFile, MP4_LENGTH, Medium, Naming, Place, SLICE, Track, utc};
use crate::ledger::{LedgerLeg, LedgerSession};
use crate::notice::in_unit;
use crate::unknowns::FilesAfterFailover;

/// The index of one user, or of all together, that a leg has written.
struct Index {
    name: String,
    user: Option<(u32, Medium)>,
    began_at: Timestamp,
}

impl Session {
    fn naming<'a>(&'a self, config: &Config) -> Naming<'a> {
        Naming {
            sid: self.id.sid.as_str(),
            cname: &self.id.cname,
            mode: self.id.mode,
            folders: &self.parameters.folders,
            replaces: config.unknowns.replaces_special_characters,
        }
    }

    /// When the first slice of a leg began.
    fn slices_began(&self, leg: &Leg) -> Timestamp {
        leg.tracks.iter().map(|track| track.from).min().unwrap_or(leg.began_at)
    }

    /// The indexes of a leg, in the order in which they began. In composite and web mode the one index is there even
    /// before a slice is in it, once a file was named.
    fn indexes(&self, leg: &Leg, config: &Config) -> Vec<Index> {
        if !leg.has_file || !self.parameters.records {
            return Vec::new();
        }
        let naming = self.naming(config);
        if self.id.mode != Mode::Individual {
            let name = format!("{}.m3u8", naming.beginning(leg.failover, None));
            return vec![Index { name, user: None, began_at: self.slices_began(leg) }];
        }
        let mut indexes: Vec<Index> = Vec::new();
        for track in &leg.tracks {
            if indexes.iter().all(|index| index.user != track.user) {
                let name = format!("{}.m3u8", naming.beginning(leg.failover, track.user));
                indexes.push(Index { name, user: track.user, began_at: track.from });
            }
        }
        if self.parameters.standard {
            let users = self.recorded_users().into_iter().map(|uid| (uid, Medium::Merged));
            indexes.extend(users.map(|user| Index {
                name: format!("{}.m3u8", naming.beginning(leg.failover, Some(user))),
                user: Some(user),
                began_at: self.slices_began(leg),
            }));
        }
        indexes
    }

    fn mp4_length(&self) -> Duration {
        self.parameters.web.as_ref().map_or(MP4_LENGTH, |web| web.mp4_length)
    }

    /// The first MP4 file of a leg; it is named together with the index.
    fn first_mp4(&self, leg: &Leg, config: &Config) -> Option<String> {
        let named = self.parameters.mp4 && leg.has_file && self.id.mode != Mode::Individual;
        named.then(|| format!("{}_0.mp4", self.naming(config).beginning(leg.failover, None)))
    }

    /// The names that the ledger gives a leg.
    fn names_of(&self, leg: &Leg, config: &Config) -> Vec<String> {
        let indexes = self.indexes(leg, config).into_iter().map(|index| index.name);
        indexes.chain(self.first_mp4(leg, config)).collect()
    }

    /// The name of the newest leg's index, as event 4 tells it.
    pub(super) fn index_name(&self, config: &Config) -> String {
        let leg = self.newest_leg();
        let named = self.indexes(leg, config).into_iter().next().map(|index| index.name);
        named.unwrap_or_default()
    }

    /// The legs whose files an answer names.
    fn told_legs(&self, config: &Config) -> &[Leg] {
        match config.unknowns.files_after_failover {
            FilesAfterFailover::All => &self.legs,
            FilesAfterFailover::Newest => self.legs.last().map_or(&[], core::slice::from_ref),
        }
    }

    /// The part of `serverResponse` that lists files. `stopped`: as a `stop` answers it.
    pub(crate) fn file_list(&self, stopped: bool, config: &Config) -> Value {
        match self.id.mode {
            Mode::Web => self.web_state(stopped, config),
            Mode::Individual if self.parameters.snapshot.is_some() => match self.newest_slice(config) {
                Some(began_at) if !stopped => json!({ "sliceStartTime": began_at }),
                _ => json!({}),
            },
            Mode::Individual => self.json_list(config),
            Mode::Mix if self.parameters.mp4 => self.json_list(config),
            Mode::Mix => self.text_list(config),
        }
    }

    fn newest_slice(&self, config: &Config) -> Option<i64> {
        let leg = self.newest_leg();
        leg.has_file.then(|| in_unit(self.slices_began(leg), config.unknowns.slice_start_unit))
    }

    fn text_list(&self, config: &Config) -> Value {
        let names: Vec<String> = self
            .told_legs(config)
            .iter()
            .flat_map(|leg| self.indexes(leg, config))
            .map(|index| index.name)
            .collect();
        let mut response = json!({ "fileListMode": "string" });
        if !names.is_empty() || config.unknowns.empty_file_list {
            // One text for several: the documents show one name only.
            response["fileList"] = names.join(";").into();
        }
        if let Some(began_at) = self.newest_slice(config) {
            response["sliceStartTime"] = began_at.into();
        }
        response
    }

    fn json_list(&self, config: &Config) -> Value {
        let list: Vec<Value> =
            self.told_legs(config).iter().flat_map(|leg| self.entries(leg, config, "fileName")).collect();
        let mut response = json!({ "fileListMode": "json" });
        if !list.is_empty() || config.unknowns.empty_file_list {
            response["fileList"] = list.into();
        }
        if let Some(began_at) = self.newest_slice(config) {
            response["sliceStartTime"] = began_at.into();
        }
        response
    }

    fn entries(&self, leg: &Leg, config: &Config, key: &str) -> Vec<Value> {
        let unit = config.unknowns.slice_start_unit;
        let entry = |name: String, user: Option<(u32, Medium)>, began_at: Timestamp| {
            let mut entry = json!({
                "trackType": user.map_or("audio_and_video", |(_, medium)| medium.track_type()),
                "uid": user.map_or_else(|| "0".to_owned(), |(uid, _)| uid.to_string()),
                "mixedAllUser": user.is_none(),
                "isPlayable": true,
                "sliceStartTime": in_unit(began_at, unit),
            });
            entry[key] = name.into();
            entry
        };
        let indexes = self.indexes(leg, config);
        let mut entries = Vec::with_capacity(indexes.len() + 1);
        for index in indexes {
            entries.push(entry(index.name, index.user, index.began_at));
        }
        if let Some(name) = self.first_mp4(leg, config) {
            entries.push(entry(name, None, self.slices_began(leg)));
        }
        entries
    }

    /// The files as events 31, 32 and 1001 name them.
    pub(super) fn event_files(&self, config: &Config) -> Vec<Value> {
        let key = if config.unknowns.notification_drift { "filename" } else { "fileName" };
        self.entries(self.newest_leg(), config, key)
    }

    /// The files as event 71 and the answers of web mode name them.
    pub(super) fn web_files(&self, config: &Config) -> Vec<Value> {
        let unit = config.unknowns.slice_start_unit;
        let of = |leg: &Leg| {
            let began_at = in_unit(self.slices_began(leg), unit);
            let names = self.names_of(leg, config);
            names.into_iter().map(move |name| json!({ "filename": name, "sliceStartTime": began_at }))
        };
        self.told_legs(config).iter().flat_map(of).collect()
    }

    fn web_state(&self, stopped: bool, config: &Config) -> Value {
        let onhold = self.parameters.web.as_ref().is_some_and(|web| web.onhold);
        let state = match self.state {
            State::Running { .. } if self.newest_leg().joined => "inProgress",
            State::Running { .. } | State::FailingOver { .. } => "init",
            State::Stopping { .. } | State::Ended { .. } => "exit",
        };
        let mut services = Vec::new();
        if stopped {
            services.push(json!({
                "serviceName": "upload_service",
                "payload": { "uploadingStatus": self.uploading_status() },
            }));
        }
        services.push(json!({
            "serviceName": "web_recorder_service",
            "payload": { "state": state, "onhold": onhold, "fileList": self.web_files(config) },
        }));
        if let Some(url) = &self.parameters.rtmp {
            let status = match state {
                "inProgress" if onhold => "onhold",
                "inProgress" if self.first_file => "publishing",
                "exit" => "disconnected",
                _ => "connecting",
            };
            services.push(json!({
                "serviceName": "rtmp_publish_service",
                "payload": { "state": state, "outputs": [{ "rtmpUrl": url, "status": status }] },
            }));
        }
        json!({ "extensionServiceState": services })
    }

    pub(crate) const fn uploading_status(&self) -> &'static str {
        if self.backuped { "backuped" } else { "uploaded" }
    }

    /// Everybody of whom something was recorded on its own.
    pub(super) fn recorded_users(&self) -> Vec<u32> {
        let tracks = self.legs.iter().flat_map(|leg| &leg.tracks);
        let mut users: Vec<u32> = tracks.filter_map(|track| track.user).map(|(uid, _)| uid).collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    /// The still pictures that are taken now: one of each user whose video is received.
    pub(super) fn pictures_at(&self, at: Timestamp, config: &Config) -> Vec<String> {
        let leg = self.newest_leg();
        let naming = self.naming(config);
        let open = leg.tracks.iter().filter(|track| track.until.is_none());
        let video = open.filter_map(|track| track.user.filter(|(_, medium)| *medium == Medium::Video));
        video.map(|user| format!("{}_{}.jpg", naming.beginning(leg.failover, Some(user)), utc(at))).collect()
    }

    /// Every file that is there now, in the order of its beginning, at most [`FILES_MAX`]; and how many more there are.
    pub(crate) fn all_files(
        &self,
        now: Timestamp,
        storage: Storage,
        config: &Config,
    ) -> (Vec<LedgerFile>, usize) {
        let mut files = Vec::new();
        for leg in &self.legs {
            self.files_of_leg(leg, now, config, &mut files);
        }
        files.retain(|file| file.at <= now);
        files.sort_by(|one, other| (one.began_at, &one.name).cmp(&(other.began_at, &other.name)));
        if self.backuped {
            let ended_at = match self.state {
                State::Stopping { uploaded_at, .. } => uploaded_at,
                State::Ended { at, .. } => at,
                State::Running { .. } | State::FailingOver { .. } => now,
            };
            // Once the bucket takes files again they are forwarded; an index gets a suffix.
            let forwarded_at = (storage.state == StorageState::Ready)
                .then(|| storage.since.max(ended_at))
                .filter(|at| *at <= now);
            for file in &mut files {
                let Some(at) = forwarded_at else {
                    file.place = Place::Backup;
                    continue;
                };
                file.at = at;
                if let (FileKind::Index, Some(base)) = (file.kind, file.name.strip_suffix(".m3u8")) {
                    file.name = format!("{base}_{}_0.m3u8", at.millis());
                }
            }
        }
        let more = files.len().saturating_sub(FILES_MAX);
        files.truncate(FILES_MAX);
        (files, more)
    }

    fn files_of_leg(&self, leg: &Leg, now: Timestamp, config: &Config, files: &mut Vec<LedgerFile>) {
        let naming = self.naming(config);
        let mut push = |name: String, kind: FileKind, at: Timestamp, began_at: Timestamp| {
            files.push(LedgerFile { name, kind, place: Place::Bucket, at, began_at });
        };
        for index in self.indexes(leg, config) {
            push(index.name, FileKind::Index, index.began_at + SLICE, index.began_at);
        }
        for track in &leg.tracks {
            let beginning = naming.beginning(leg.failover, track.user);
            let until = track.until.unwrap_or(now).min(now);
            if self.parameters.records && leg.has_file {
                for_each_piece(track, until, SLICE, |_, from, to| {
                    push(format!("{beginning}_{}.ts", utc(from)), FileKind::Slice, to, from);
                });
            }
            if let Some(interval) = self.parameters.snapshot
                && track.user.is_some_and(|(_, medium)| medium == Medium::Video)
            {
                for_each_piece(track, until, interval, |_, _, at| {
                    push(format!("{beginning}_{}.jpg", utc(at)), FileKind::Picture, at, at);
                });
            }
        }
        if self.first_mp4(leg, config).is_some() {
            let beginning = naming.beginning(leg.failover, None);
            let began_at = self.slices_began(leg);
            let whole = Track { user: None, from: began_at, until: leg.ended_at };
            // The last part is written when the recorder ends.
            let end = leg.ended_at.unwrap_or(now);
            for_each_piece(&whole, end, self.mp4_length(), |number, from, to| {
                push(format!("{beginning}_{number}.mp4"), FileKind::Mp4, to, from);
            });
        }
    }

    pub(crate) fn to_ledger(&self, now: Timestamp, config: &Config) -> LedgerSession {
        let end = match self.state {
            State::Running { .. } | State::FailingOver { .. } => None,
            State::Stopping { ends_at, how, .. } => Some((ends_at, how)),
            State::Ended { at, how } => Some((at, how)),
        };
        LedgerSession {
            sid: self.id.sid.to_string(),
            resource_id: self.id.resource_id.to_string(),
            cname: self.id.cname.clone(),
            uid: self.id.uid.to_string(),
            mode: self.id.mode,
            started_at: self.started_at,
            state: self.to_state(now),
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
                    files: self.names_of(leg, config),
                })
                .collect(),
            ended_at: end.map(|(at, _)| at),
            ended_how: end.map(|(_, how)| how),
        }
    }
}

/// Cuts what lies between the beginning of a track and `until` into pieces of this length, of which the last is shorter
/// if the track has ended. Stops where no answer would list more.
fn for_each_piece(
    track: &Track,
    until: Timestamp,
    length: Duration,
    mut piece: impl FnMut(usize, Timestamp, Timestamp),
) {
    let mut from = track.from;
    for number in 0..=FILES_MAX {
        let to = from + length;
        if to <= until {
            piece(number, from, to);
        } else {
            if track.until.is_some() && from < until {
                piece(number, from, until);
            }
            return;
        }
        from = to;
    }
}
