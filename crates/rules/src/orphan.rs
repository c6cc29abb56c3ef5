//! S9: which possible orphan a notification may be about.

use core::time::Duration;

use agora::{ChannelName, Timestamp, Uid};

use crate::journal::SessionNumber;
use crate::recording::{Phase, Recording};

/// S9: a notification of an orphan happened at most so long before its start left, as clocks differ a little.
const BEFORE_ITS_START: Duration = Duration::from_secs(5);

/// Whether a notification of this channel and UID that happened then may be about this session: a start that may have
/// been carried out, whose `sid` nobody knows, and which is not open any more. Whether the `sid` that it names is in no
/// journal, and whether only one session fits, is for the caller to see.
pub fn fits_orphan(
    recording: &Recording,
    session: SessionNumber,
    channel: &ChannelName,
    uid: Uid,
    sent_at: Timestamp,
) -> bool {
    let Some(session) = recording.session(session) else { return false };
    let unknown = match session.phase {
        Phase::Starting | Phase::Abandoned => session.sid.is_none() && !session.may_run.is_no(),
        Phase::Acquiring
        | Phase::Accepted
        | Phase::Live
        | Phase::Ending
        | Phase::Lost
        | Phase::NotStarted
        | Phase::TakenAsEnded
        | Phase::Over(_) => false,
    };
    let begun = session.start.first_sent.unwrap_or(session.begun);
    unknown
        && !session.dismissed
        && session.resource.is_some()
        && session.start.open.is_none()
        && recording.channel == *channel
        && session.uid == uid
        && sent_at >= begun - BEFORE_ITS_START
}
