//! The sentences about who did or tried what.

use rules::api::AuditOutcome;

use super::say;

pub const TITLE: &str = "Audit";
pub const SAYS: &str = "Who did or tried what. Nothing in it can be changed unnoticed: each record is chained to the one before.";
pub const GO: &str = "Show the audit";
pub const ALL_APPS: &str = "All App IDs";
pub const APP: &str = "App ID";
pub const WHO: &str = "Name or address";
pub const WHO_SAYS: &str = "A part of it is enough. Press Enter to look.";
pub const REFUSED_ONLY: &str = "Only what was refused";
pub const RECORDS: &str = "Records";
pub const EARLIER: &str = "Earlier";
pub const NEWEST: &str = "Newest";
pub const NONE: &str = "There is no record of this.";
pub const NONE_HERE: &str = "There is no record of this among these. Look earlier.";
pub const LOADING: &str = "Loading the audit…";
pub const WHEN: &str = "When";
pub const BY_WHOM: &str = "Who";
pub const WHAT: &str = "What";
pub const ABOUT: &str = "About";
pub const RESULT: &str = "Result";
pub const NOBODY: &str = "Nobody signed in";
pub const THIS_PROXY: &str = "This proxy";
pub const LATE: &str = "Written later: the disk took nothing then";
pub const HEAD: &str = "hash of the newest record";

/// The newest record.
pub fn newest(number: u64) -> String {
    say!("Newest record: {}", number)
}

/// What came of it.
pub const fn outcome(outcome: AuditOutcome) -> &'static str {
    match outcome {
        AuditOutcome::Done => "Done",
        AuditOutcome::Refused => "Refused",
        AuditOutcome::Sent => "Sent to Agora",
        AuditOutcome::Answered => "Answered",
        AuditOutcome::Unanswered => "No answer",
    }
}

/// Those that were counted.
pub fn more(count: u64) -> String {
    say!("and {} more like it", count)
}

/// The entry that was written with it.
pub fn entry(number: u32) -> String {
    say!("Entry {}", number)
}

/// What an action is, where it is one of ours; anything else is told as it was recorded.
pub fn action(action: &str) -> Option<&'static str> {
    Some(match action {
        "POST /api/v1/recordings" => "Ask for a recording",
        "POST /api/v1/recordings/adopt" => "Watch a recording",
        "POST /api/v1/recordings/{id}/stop" => "Stop a recording",
        "POST /api/v1/recordings/{id}/stop/withdraw" => "Take a stop back",
        "POST /api/v1/recordings/{id}/sessions/{session}/stop" => "Stop a session",
        "POST /api/v1/recordings/{id}/sessions/{session}/adopt" => "Adopt a session",
        "POST /api/v1/recordings/{id}/policy" => "Change the policy",
        "POST /api/v1/recordings/{id}/update" => "Change what is recorded",
        "POST /api/v1/recordings/{id}/layout" => "Change the layout",
        "POST /api/v1/recordings/{id}/try-again" => "Try again",
        "POST /api/v1/recordings/{id}/hurry" => "Ask now",
        "POST /api/v1/recordings/{id}/acknowledge" => "Note an alarm",
        "POST /api/v1/recordings/{id}/dismiss" => "Take a session off the board",
        "POST /api/v1/recordings/{id}/calls" => "Make a call by the rules",
        "POST /api/v1/recordings/{id}/decisions" => "Conclude by the rules",
        "POST /api/v1/leases" => "Take over control",
        "POST /api/v1/login" => "Sign in",
        "POST /api/v1/logout" => "Sign out",
        "PUT /api/v1/views" => "Change the shared views",
        "POST /api/v1/notifications/{app}" => "Deliver a notification",
        "POST /api/v1/notifications/{app}/setup" => "Set up notifications",
        "GET /api/v1/backup" => "Copy the journal",
        "acquire" => "Call acquire",
        "start" => "Call start",
        "stop" => "Call stop",
        "update" => "Call update",
        "updateLayout" => "Call updateLayout",
        "others" => "Various",
        "lost" => "Not kept",
        _ => return None,
    })
}
