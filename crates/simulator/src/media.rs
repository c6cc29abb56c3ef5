//! Who publishes in a channel, apart from recorders, and what of it a session subscribes to.

use agora::Timestamp;
use agora::request::StreamTypes;
use serde::{Deserialize, Serialize};

/// How many publishers of a channel are known one by one.
pub const PUBLISHERS_MAX: usize = 1000;
/// How many users a session records: those that joined first.
pub(crate) const RECORDED_MAX: usize = 17;
/// The UIDs of publishers of whom only the number was said begin here.
const FIRST_UID: u32 = 101;

/// One who publishes in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// The user's UID.
    pub uid: u32,
    /// Whether sound is published.
    #[serde(default = "yes")]
    pub audio: bool,
    /// Whether a picture is published.
    #[serde(default = "yes")]
    pub video: bool,
}

const fn yes() -> bool {
    true
}

/// A channel.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    /// In the order in which they joined.
    pub(crate) people: Vec<Publisher>,
    pub(crate) count: u32,
    /// Since when it is empty, or is not.
    pub(crate) since: Timestamp,
}

impl Channel {
    /// A channel of which nothing was said but how many publish.
    pub(crate) fn of(count: u32) -> Self {
        let mut channel = Self { people: Vec::new(), count: 0, since: Timestamp::from_millis(i64::MIN) };
        channel.resize(count);
        channel
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn resize(&mut self, count: u32) {
        self.count = count;
        let wanted = usize::try_from(count).unwrap_or(usize::MAX).min(PUBLISHERS_MAX);
        self.people.truncate(wanted);
        let mut uid = FIRST_UID;
        while self.people.len() < wanted {
            if !self.people.iter().any(|publisher| publisher.uid == uid) {
                self.people.push(Publisher { uid, audio: true, video: true });
            }
            uid += 1;
        }
    }

    /// From now on so many publish.
    pub(crate) fn set_count(&mut self, now: Timestamp, count: u32) {
        let was_empty = self.is_empty();
        self.resize(count);
        if was_empty != self.is_empty() {
            self.since = now;
        }
    }

    /// Somebody joins, or changes what is published.
    pub(crate) fn join(&mut self, now: Timestamp, publisher: Publisher) -> Result<(), String> {
        let was_empty = self.is_empty();
        let is_full = self.people.len() >= PUBLISHERS_MAX;
        match self.people.iter_mut().find(|present| present.uid == publisher.uid) {
            Some(present) => *present = publisher,
            None if is_full => {
                return Err(format!("at most {PUBLISHERS_MAX} publishers in one channel"));
            }
            None => {
                self.people.push(publisher);
                self.count += 1;
            }
        }
        if was_empty {
            self.since = now;
        }
        Ok(())
    }

    /// Somebody leaves; whoever is not there cannot.
    pub(crate) fn leave(&mut self, now: Timestamp, uid: u32) {
        let before = self.people.len();
        self.people.retain(|present| present.uid != uid);
        if self.people.len() < before {
            self.count = self.count.saturating_sub(1);
        }
        if before > 0 && self.is_empty() {
            self.since = now;
        }
    }

    pub(crate) fn holds(&self, uid: u32) -> bool {
        self.people.iter().any(|publisher| publisher.uid == uid)
    }
}

/// Whose sound or picture is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Subscription {
    #[default]
    All,
    Nobody,
    Only(Vec<u32>),
    AllBut(Vec<u32>),
}

impl Subscription {
    fn holds(&self, uid: u32) -> bool {
        match self {
            Self::All => true,
            Self::Nobody => false,
            Self::Only(uids) => uids.contains(&uid),
            Self::AllBut(uids) => !uids.contains(&uid),
        }
    }
}

/// What a session subscribes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscribed {
    pub(crate) streams: StreamTypes,
    pub(crate) audio: Subscription,
    pub(crate) video: Subscription,
}

impl Subscribed {
    /// What of this user is recorded.
    fn of(&self, publisher: Publisher) -> Publisher {
        Publisher {
            uid: publisher.uid,
            audio: publisher.audio && self.streams != StreamTypes::Video && self.audio.holds(publisher.uid),
            video: publisher.video && self.streams != StreamTypes::Audio && self.video.holds(publisher.uid),
        }
    }

    /// What of this channel is recorded: of the first seventeen users that there is something to record of.
    pub(crate) fn in_channel(&self, channel: &Channel) -> Vec<Publisher> {
        channel
            .people
            .iter()
            .map(|publisher| self.of(*publisher))
            .filter(|recorded| recorded.audio || recorded.video)
            .take(RECORDED_MAX)
            .collect()
    }
}
