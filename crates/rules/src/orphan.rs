//! S9: which possible orphan a notification may be about.

use agora::{ChannelName, Timestamp, Uid};

use crate::journal::SessionNumber;
use crate::policy::seconds;
use crate::recording::{Phase, Recording, Session};

/// Whether a notification of this channel and UID that happened then may be about this session: a start that may have
/// been carried out, whose `sid` nobody knows, and which is not open any more. Whether the `sid` that it names is in no
/// journal, and whether only one session fits, is for the caller to see. Clocks differ a little, so it may have happened a
/// little before the start left.
pub fn fits_orphan(
    recording: &Recording,
    session: SessionNumber,
    channel: &ChannelName,
    uid: Uid,
    sent_at: Timestamp,
) -> bool {
    let alone = |session: &Session| {
        let begun = session.start.first_sent.unwrap_or(session.begun);
        let later = sent_at + seconds(recording.policy.adoption_slack) >= begun;
        later && session.start.open.is_none() && !session.stands_for_older && !session.dismissed
    };
    may_fit_orphan(recording, session, channel, uid) && recording.session(session).is_some_and(alone)
}

/// Whether it may be about this session, which may not be adopted for it all the same: its start is open and may be told
/// the `sid` by its own answer, it stands for older starts of its UID too, staff took it off the board, or its start is the
/// younger one by two clocks that nobody has compared.
pub fn may_fit_orphan(
    recording: &Recording,
    session: SessionNumber,
    channel: &ChannelName,
    uid: Uid,
) -> bool {
    let Some(session) = recording.session(session) else { return false };
    let unknown = match session.phase {
        Phase::Starting | Phase::Abandoned => {
            session.sid.is_none() && (session.start.open.is_some() || !session.may_run.is_no())
        }
        Phase::Acquiring
        | Phase::Accepted
        | Phase::Live
        | Phase::Ending
        | Phase::Lost
        | Phase::NotStarted
        | Phase::TakenAsEnded
        | Phase::Over(_) => false,
    };
    unknown
        && !recording.unreadable
        && session.resource.is_some()
        && recording.channel == *channel
        && session.uid == uid
}
