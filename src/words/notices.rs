//! The sentences about notifications that fit no session, and about setting them up.

use super::say;
use rules::board::UnmatchedCount;

pub const TITLE: &str = "Notifications";
pub const LAST: &str = "Last one";
pub const TESTED: &str = "Last test delivery";
pub const SETTING_UP: &str = "Being set up";
pub const LEFT: &str = "left";
pub const NEVER: &str = "never";
pub const SET_UP: &str = "Set up notifications";
pub const SET_UP_SAYS: &str =
    "For 15 minutes unsigned test deliveries are answered 200 as well, so that the console's check passes.";
pub const SET_UP_DONE: &str = "Notifications can be set up for 15 minutes.";
pub const NONE_UNMATCHED: &str = "Every notification fits a session.";
pub const FITS_NONE: &str =
    "No start of ours that may run unseen fits it: somebody else records there, or it is over.";
pub const FIND: &str = "Find it in the notifications…";
pub const ADOPT: &str = "Adopt this one";

/// The heading of an App ID.
pub fn of_app(app: &str) -> String {
    say!("App ID {}", app)
}

/// How many fit no session.
pub fn unmatched(count: Option<UnmatchedCount>) -> String {
    match count {
        None | Some(UnmatchedCount { kept: 0, .. }) => say!("Without a session"),
        Some(UnmatchedCount { kept, dropped: 0 }) => say!("Without a session: {}", kept),
        Some(UnmatchedCount { kept, dropped }) => {
            say!("Without a session: {}, and {} older ones made room", kept, dropped)
        }
    }
}

/// What an unknown session may be.
pub fn may_be(channel: &str, session: u16) -> String {
    say!("It may be session {} of {}, whose start had no answer. The next query proves it.", session, channel)
}

/// It was adopted.
pub fn adopted(channel: &str) -> String {
    say!("A session of {} was adopted.", channel)
}
