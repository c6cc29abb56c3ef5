//! L, F4: the index files of a session, predicted from its start and confirmed by whoever names them.

use agora::Mode;
use agora::files::{IndexOf, Leg, leg_of};
use agora::request::StreamTypes;

use crate::findings::View;
use crate::recording::{Phase, Recording, Session};
use crate::schedule::{Instant, next_of_list};

/// The index file of one leg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The leg.
    pub leg: Leg,
    /// The name, or both spellings where the documents are silent (L2). In individual mode, where each user has one of
    /// their own, what all of them begin with.
    pub names: Vec<String>,
    /// An answer or a notification named it; `names` is then what it was called.
    pub confirmed: bool,
    /// The leg is known to exist: it is the original one, or a proved failover's (F1).
    pub exists: bool,
}

/// F4: the index files of a session, leg by leg; all of them together are the recording. `folders` is the storage
/// profile's `fileNamePrefix`. Nothing before a `sid` is known.
pub fn indexes(recording: &Recording, session: &Session, folders: &[String]) -> Vec<Index> {
    let Some(sid) = &session.sid else { return Vec::new() };
    let index = IndexOf {
        sid,
        cname: &recording.channel,
        mode: recording.mode,
        stream_types: StreamTypes::AudioAndVideo,
        folders,
    };
    let proved = session.proved_failovers();
    let mut indexes = Vec::new();
    for leg in Leg::all() {
        let of_leg = |name: &&String| leg_of(name) == bak(leg);
        let named: Vec<String> = session.files.iter().filter(of_leg).cloned().collect();
        let confirmed = !named.is_empty();
        let names = match (confirmed, recording.mode) {
            (true, _) => named,
            (false, Mode::Individual) => index.beginnings(leg),
            (false, Mode::Mix | Mode::Web) => index.names(leg),
        };
        let exists = bak(leg).is_none_or(|failover| failover < proved) || confirmed;
        indexes.push(Index { leg, names, confirmed, exists });
    }
    indexes
}

const fn bak(leg: Leg) -> Option<u8> {
    match leg {
        Leg::Original => None,
        Leg::Failover(number) => Some(number),
    }
}

/// L1: the next instant of the query that is to name the index, while none is named.
pub(crate) fn query_instant(view: View<'_>, session: &Session) -> Option<Instant> {
    let confirmed = session.confirmed.filter(|_| session.files.is_empty())?;
    let at_rest = session.phase == Phase::Live
        && !session.adopted
        && session.doubt.is_none()
        && session.unclear.is_none()
        && session.refused.is_none()
        && session.stop_accepted.is_none();
    if !at_rest {
        return None;
    }
    let policy = &view.recording.policy;
    let first = match view.recording.mode {
        Mode::Mix | Mode::Web => policy.file_after,
        Mode::Individual => policy.file_after_individual,
    };
    let line = &session.query;
    next_of_list(confirmed, &[first, first + policy.file_again], line.last_sent, line.ended)
}
