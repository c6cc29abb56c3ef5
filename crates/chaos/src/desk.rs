//! What the proxy stands on: a disk that can be full or be cut off in the middle of a write, the bodies of requests, and
//! a configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agora::request::{self, StorageConfig};
use agora::{AppId, Mode, Operation, Timestamp};
use rules::api::{NamedPolicy, SharedViews};
use rules::{AppEntry, AppEntryNumber, AppFact, Entry, EntryNumber, Fact, Patience, Policy, RecordingId};
use simulator::{Config as ServiceConfig, EVENTS, Notifications, Unknowns};
use switchboard::ports::{
    self, AppLine, Batch, KeyUse, Line, Notice, RequestFacts, Requests, Store, StoreError, unmatched_bytes,
};
use switchboard::{AppConfig, Config};

use crate::schedule::World;

/// The App ID's name.
pub const APP: &str = "app";
const APP_ID: &str = "0123456789abcdef0123456789abcdef";
/// What every request proves itself with.
pub const AUTHORIZATION: &str = "Basic a2V5OnNlY3JldA==";
/// The policies by name, the documented one first.
pub const POLICIES: [(&str, Patience); 3] =
    [("patient", Patience::Patient), ("swift", Patience::Swift), ("immediate", Patience::Immediate)];
/// The policy that waits for notification 13 (V4).
pub const VIGILANT: &str = "vigilant";
/// How the `sid` of a session begins that is not ours.
pub const FOREIGN: &str = "ffffffffffffffffffffffffffff";
/// Calls per second.
pub const QPS: u32 = 10;

/// The proxy's configuration.
pub fn config(world: &World) -> Config {
    let app = AppConfig {
        name: APP.to_owned(),
        qps: QPS,
        has_region: true,
        fresh_tokens: false,
        storage: vec!["archive".to_owned()],
        modes: vec![Mode::Mix],
        uid_range: (900_000, 900_063),
    };
    let restarts = world.webhook.as_ref().is_some_and(|webhook| webhook.restarts);
    let policy = |name: &str, patience, started_notification| NamedPolicy {
        name: name.to_owned(),
        policy: Policy {
            restart_after_idle: restarts,
            started_notification,
            ..Policy::with_patience(patience)
        },
    };
    let policies = POLICIES.iter().map(|(name, patience)| policy(name, *patience, false));
    Config {
        apps: vec![app],
        policies: policies.chain([policy(VIGILANT, Patience::Patient, true)]).collect(),
        build: "build".to_owned(),
        clock_rate: world.rate,
        // The judge reads what is durable: nothing leaves that is not.
        held_max: 0,
    }
}

/// The service's configuration.
pub fn service(world: &World) -> ServiceConfig {
    let app_id = AppId::parse(APP_ID).expect("32 hexadecimal digits are an App ID");
    let webhook = world.webhook.as_ref();
    let unknowns = Unknowns {
        started_twice_returns_sid: world.tells_sid,
        event_13: webhook.is_some_and(|webhook| webhook.registers),
        redundant_notice_id: webhook.is_some_and(|webhook| webhook.own_ids),
        ..Unknowns::default()
    };
    // Not the progress of uploads and the state of streams: they come each minute, and change nothing (N6).
    let wanted = |event: &u16| !matches!(event, 33 | 43 | 44);
    let notifications = webhook.map(|webhook| Notifications {
        events: Some(EVENTS.iter().map(|(event, ..)| *event).filter(wanted).collect()),
        repeats: webhook.repeats,
        redundant: webhook.redundant,
        lost_per_mille: webhook.lost,
        doubled_per_mille: webhook.doubled,
        late_per_mille: webhook.late,
        ..Notifications::default()
    });
    ServiceConfig {
        concurrent_sessions: world.concurrent,
        unknowns,
        notifications,
        upload: (Duration::from_secs(2), Duration::from_secs(world.upload_seconds)),
        ..ServiceConfig::new(app_id, "key", "secret")
    }
}

/// The journal's disk, which outlives the proxy. Copies are the same disk.
#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<Platter>>);

/// What is on the disk, and what is wrong with it.
#[derive(Default)]
pub struct Platter {
    /// Every entry that is durable, in board order.
    pub lines: Vec<Line>,
    places: BTreeMap<RecordingId, Vec<usize>>,
    key_uses: Vec<KeyUse>,
    app_lines: Vec<AppLine>,
    notices: BTreeMap<String, Notice>,
    /// How often a proxy began to use it.
    opened: u32,
    /// Nothing can be written.
    pub full: bool,
    /// At the so many-th write from now on the proxy is killed: just after it is durable, or just before.
    pub fuse: Option<(u32, bool)>,
    /// The fuse has burnt: for the proxy that writes here the time is over.
    pub cut: bool,
}

impl Platter {
    /// The ids of all notifications that are on it, of a session or of none; the newest first.
    fn notices(&self) -> impl Iterator<Item = &str> {
        let of_sessions = self.lines.iter().rev().filter_map(|line| match &line.entry.fact {
            Fact::Notified(notified) => Some(notified.notice.as_str()),
            _ => None,
        });
        let of_none = self.app_lines.iter().rev().filter_map(|line| match &line.entry.fact {
            AppFact::Unmatched(unmatched) => unmatched.read.as_ref().map(|read| read.notice.as_str()),
            _ => None,
        });
        of_sessions.chain(of_none)
    }

    /// Whether this one is on it.
    pub fn has_notice(&self, notice: &str) -> bool {
        self.notices().any(|known| known == notice)
    }

    /// All of them.
    pub fn notice_ids(&self) -> BTreeSet<&str> {
        self.notices().collect()
    }
}

impl Disk {
    /// A look at what is on it.
    pub fn open(&self) -> MutexGuard<'_, Platter> {
        // Nothing in here is left half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Platter {
    fn take(&mut self, batch: &Batch) {
        for line in &batch.lines {
            let place = self.lines.len();
            match self.places.get_mut(&line.recording) {
                Some(places) => places.push(place),
                None => {
                    self.places.insert(line.recording.clone(), vec![place]);
                }
            }
            self.lines.push(line.clone());
        }
        self.key_uses.extend(batch.key_use.clone());
        self.app_lines.extend(batch.app_lines.iter().cloned());
        self.notices.extend(batch.notices.iter().map(|notice| (notice.key.clone(), notice.clone())));
        for (app, upto) in &batch.dropped {
            self.app_lines.retain(|line| {
                line.app != *app || line.entry.number > *upto || unmatched_bytes(&line.entry.fact) == 0
            });
            self.notices.retain(|_, notice| {
                notice.recording.is_some() || notice.app != *app || notice.number > *upto
            });
        }
    }
}

impl Store for Disk {
    fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut platter = self.open();
        if platter.cut || platter.full {
            return Err(StoreError("nothing can be written".to_owned()));
        }
        if let Some((left, durable)) = platter.fuse {
            platter.fuse = Some((left.saturating_sub(1), durable));
            if left <= 1 {
                platter.fuse = None;
                platter.cut = true;
                if durable {
                    platter.take(batch);
                }
                return Err(StoreError("killed".to_owned()));
            }
        }
        platter.take(batch);
        Ok(())
    }

    fn journal_id(&mut self) -> Result<String, StoreError> {
        // Every run here ends by being killed, so each has a name of its own: it may have shown what it could not write.
        let mut platter = self.open();
        platter.opened += 1;
        Ok(format!("journal-{}", platter.opened))
    }

    fn each_line(&mut self, take: &mut dyn FnMut(Line)) -> Result<(), StoreError> {
        self.open().lines.iter().cloned().for_each(take);
        Ok(())
    }

    fn lines_after(&mut self, after: u64, limit: usize) -> Result<Vec<Line>, StoreError> {
        let platter = self.open();
        let from = platter.lines.partition_point(|line| line.entry.board <= after);
        Ok(platter.lines[from..].iter().take(limit).cloned().collect())
    }

    fn entries(
        &mut self,
        recording: &RecordingId,
        after: EntryNumber,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let platter = self.open();
        let places = platter.places.get(recording).map_or(&[][..], Vec::as_slice);
        // Entries are numbered from 1 without a gap.
        let later = places.iter().skip(after as usize).take(limit);
        Ok(later.map(|place| platter.lines[*place].entry.clone()).collect())
    }

    fn each_app_line(&mut self, take: &mut dyn FnMut(AppLine, u64)) -> Result<(), StoreError> {
        let mut lines = self.open().app_lines.clone();
        lines.sort_by(|one, other| (&one.app, one.entry.number).cmp(&(&other.app, other.entry.number)));
        for line in lines {
            let bytes = unmatched_bytes(&line.entry.fact);
            take(line, bytes);
        }
        Ok(())
    }

    fn app_entries(&mut self, app: &str, numbers: &[AppEntryNumber]) -> Result<Vec<AppEntry>, StoreError> {
        let platter = self.open();
        let fits = |line: &&AppLine| line.app == app && numbers.contains(&line.entry.number);
        Ok(platter.app_lines.iter().filter(fits).map(|line| line.entry.clone()).collect())
    }

    fn notice(&mut self, key: &str) -> Result<Option<Notice>, StoreError> {
        Ok(self.open().notices.get(key).cloned())
    }

    fn key_use(&mut self, person: &str, key: &str, since: Timestamp) -> Result<Option<KeyUse>, StoreError> {
        let platter = self.open();
        let fits = |known: &&KeyUse| known.person == person && known.key == key && known.at > since;
        Ok(platter.key_uses.iter().rev().find(fits).cloned())
    }

    /// Nobody shares a view in a schedule: they touch no recording.
    fn views(&mut self) -> Result<SharedViews, StoreError> {
        Ok(SharedViews::default())
    }

    fn put_views(&mut self, _views: &SharedViews) -> Result<(), StoreError> {
        Err(StoreError("no views are kept here".to_owned()))
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        let platter = self.open();
        if platter.cut || platter.full {
            Err(StoreError("nothing can be written".to_owned()))
        } else {
            Ok(())
        }
    }
}

/// Bodies as the proxy builds them; a body is its own hash.
pub struct Bodies;

impl Requests for Bodies {
    fn build(&self, facts: &RequestFacts<'_>) -> Result<ports::Request, String> {
        let RequestFacts {
            requested, operation, domain, uid, resource_id, sid, asynchronous, exclude, ..
        } = *facts;
        let app_id = AppId::parse(APP_ID).map_err(|error| error.to_string())?;
        let settings = &requested.settings;
        let path =
            request::path(&app_id, operation, settings.mode, resource_id, sid).ok_or("an ID is missing")?;
        let channel = &requested.channel;
        let body = match operation {
            Operation::Acquire => request::acquire_body(channel, uid, settings, exclude),
            Operation::Start => request::start_body(channel, uid, settings, &archive(), None),
            Operation::Stop => request::stop_body(channel, uid, asynchronous),
            Operation::Query | Operation::Update | Operation::UpdateLayout => String::new(),
        };
        let host = match domain {
            rules::journal::Domain::Primary => "api.agora.io",
            rules::journal::Domain::Secondary => "api.sd-rtn.com",
            rules::journal::Domain::Region => "api-us-west-1.agora.io",
        };
        Ok(ports::Request { host: host.to_owned(), path, body_hash: body.clone(), body: body.into_bytes() })
    }
}

fn archive() -> StorageConfig {
    StorageConfig {
        vendor: 1,
        region: 0,
        bucket: "bucket".to_owned(),
        access_key: "access".to_owned(),
        secret_key: "secret".to_owned(),
        sts_token: None,
        sts_expiration: None,
        file_name_prefix: vec!["archive".to_owned()],
        extension_params: None,
    }
}
