//! The reason of each rule, in a few sentences. The whole text stands in `docs/rules.md`.

use rules::RuleId;

/// What a rule is about and what it says.
pub struct Reason {
    /// Its section.
    pub section: &'static str,
    /// What it does and why.
    pub text: &'static str,
}

/// The section of a rule by the letter of its id.
fn section(rule: RuleId) -> &'static str {
    match rule.as_str().as_bytes().first() {
        Some(b'D') => "Every call",
        Some(b'S') => "Start",
        Some(b'V') => "Verify that it started",
        Some(b'M') => "Monitor",
        Some(b'R') => "Replace",
        Some(b'T') => "Stop",
        Some(b'U') => "Update",
        Some(b'F') => "Failover",
        Some(b'N') => "Notifications",
        Some(b'A') => "Assurance",
        Some(b'B') => "Limits",
        _ => "Checklist and files",
    }
}

/// The reason of a rule.
pub fn reason(rule: RuleId) -> Reason {
    Reason { section: section(rule), text: text(rule) }
}

fn text(rule: RuleId) -> &'static str {
    match rule {
        RuleId::D1 => {
            "All calls of one App ID, from every page together, stay within 10 in any 1.1 seconds. A stop goes first, then starts, then acquires, then queries in doubt; routine queries go last."
        }
        RuleId::D2 => {
            "A call without any HTTP answer is sent again with the same bytes: after 1 s to the same domain, after 3 s to the other suffix, after 6 s to the region's domain or the first one again. Then the operation's own rule goes on."
        }
        RuleId::D3 => {
            "An HTTP answer of any status is an answer and never switches the domain at once. Only 502, 503 and 504 that do not come from the service itself send the next attempt to the other domain."
        }
        RuleId::D4 => {
            "429 means too many requests for this App ID. The same call goes again after 1, 3 and 6 s, then every 6 s. It uses up no attempt."
        }
        RuleId::D5 => {
            "A 40x to acquire or start is final: the request itself is wrong, and sending it again would not mend it. Look at the code and the reason."
        }
        RuleId::D6 => {
            "Only the service's own 404 says that a session was not found. A gateway's 404 means that our address is wrong; any other 404 is treated as 50x."
        }
        RuleId::D7 => {
            "Only HTTP 200 is success. 201 and 206 are decided by the code in the body. A 200 that cannot be read is unclear."
        }
        RuleId::D8 => {
            "An answer is waited for 10 s, for a start or a stop that uploads 30 s. That ends the waiting, not the request: a late answer is still taken."
        }
        RuleId::D9 => {
            "What is about to be sent is written down before it leaves, and every answer before anyone acts on it."
        }
        RuleId::D10 => {
            "Gaps run from the end of the call before. Instants are fixed and do not shift. At most one query and one other call of a session are open at a time, and an answer proves something about the moment its call was sent."
        }
        RuleId::S1 => {
            "Before anything is sent, the integration checklist is run on the request. What would certainly fail blocks; what may fail warns."
        }
        RuleId::S2 => {
            "After acquire the start follows at once, within 2 s. A resource ID older than 290 s is not started any more: another is acquired."
        }
        RuleId::S3 => "A 200 with a sid means accepted. It does not mean that anything is recorded yet.",
        RuleId::S4 => {
            "A start that the service could not carry out is sent again after 3, 6 and 9 s with the same resource ID. Still nothing: at once with the backup UID, and the schedule starts over. When both UIDs have failed it is an alarm, and one try goes out every minute for half an hour."
        }
        RuleId::S5 => {
            "An unclear start may have been carried out. It is sent again after 3 and 6 s on the same resource ID, so that no second session can begin; then once more with a new one and the same UID, then with the backup UID."
        }
        RuleId::S6 => {
            "No worker could be allocated, so nothing was started: acquire and start anew with the same UID, at once, then after 3 and 6 s, then with the backup UID."
        }
        RuleId::S7 => {
            "The UID is in use in this channel: the next free UID of this recording starts with a new resource ID."
        }
        RuleId::S8 => {
            "An acquire that fails is sent again after 3, 6 and 9 s, then every 30 s; nothing is billed meanwhile. When the limit of sessions is reached, the one that has waited longest asks after 5, 10 and 15 s, then every 30 s."
        }
        RuleId::S9 => {
            "A start whose answer never came may run and be billed, and nobody knows its sid. It ends by itself some time after the channel is empty. It stays flagged until a notification names it or someone dismisses it."
        }
        RuleId::S10 => {
            "One start procedure at a time for a channel. A second press shows the first one. Another recording of a channel that records already needs a confirmation, since both are billed."
        }
        RuleId::S11 => {
            "Every recording has UIDs of its own: an original, a backup and reserves. New sessions take original and backup in turn, and a UID that may still live in the channel is not used again."
        }
        RuleId::V1 => "A new session is asked for 5, 10, 20, 35, 50, 65, 80 and 90 s after its sid.",
        RuleId::V2 => "A query that answers status 4 or 5 confirms that it started.",
        RuleId::V3 => {
            "Whether a start failed is judged 90 s after the sid, and only by a query sent then: before that a failover may look like a failed start."
        }
        RuleId::V4 => {
            "Where notifications have proved reliable, a missing one is asked after. Off unless chosen: a lost notification would start a billed twin."
        }
        RuleId::V5 => "Two lamps: accepted, and confirmed. Never one for both.",
        RuleId::M1 => {
            "A live session is asked for about every two minutes, more often where its idle time is short."
        }
        RuleId::M2 => {
            "A 404 to a live session is a doubt, not an end: a failover may be running. It is asked again 5, 15 and 30 s after the first 404."
        }
        RuleId::M3 => {
            "Still 404 after 30 s. Patient: ask every 15 s and deem it lost only by a query sent 90 s after the first 404, so that never two are billed. Swift: replace it now. Immediate: it was replaced at the first 404."
        }
        RuleId::M4 => {
            "It answers again. The gap is measured and kept for ever. If it had been replaced meanwhile, two sessions record and both are billed: choose which one to stop."
        }
        RuleId::M5 => {
            "50x, no answer, or one that cannot be read: unclear whether it still records. It is asked again after 5, 10, 15 and 30 s, then every 30 s, with no documented limit. It is never deemed ended by this alone."
        }
        RuleId::M6 => {
            "Code 65 means that the request reached the service and was not completed: again after 3 and 6 s."
        }
        RuleId::M7 => {
            "Status 6, 7 or 8 means that it is ending; it is asked every 15 s until it is gone. Status 20 is an abnormal exit and is replaced at once."
        }
        RuleId::M8 => {
            "The service refuses the query itself. The state stays what it was and its age grows; monitoring never pauses."
        }
        RuleId::M9 => "A notification never decides alone: it makes a query leave at once.",
        RuleId::M10 => {
            "Nobody acted for a while. Who takes over asks once before anything else, and what fell due long ago waits for staff."
        }
        RuleId::M11 => {
            "A session that was deemed lost is asked for seven more times until ten minutes after the first 404. Only then is it over."
        }
        RuleId::R1 => {
            "A session deemed lost while its recording is wanted is replaced: acquire, then start, with the next free UID."
        }
        RuleId::R2 => {
            "Nothing is started after a stop was asked for, and nothing after an idle exit unless that was chosen."
        }
        RuleId::R3 => {
            "At most 3 replacements in 15 minutes; then it waits for you, because a wrong parameter must not become a bill."
        }
        RuleId::R4 => "Every replacement is billed separately.",
        RuleId::R5 => {
            "A replacement that was lost before it recorded anything is not replaced: an empty channel or a wrong parameter is the cause, and another session does not mend that."
        }
        RuleId::T1 => {
            "A stop is answered before the upload is done where notifications tell its end; otherwise the answer waits for the upload."
        }
        RuleId::T2 => {
            "The stop was accepted. It is asked for after 5 s and every 15 s; only when it is gone does the page say stopped."
        }
        RuleId::T3 => {
            "A stop that gets 404 stops nothing if a failover is running: the session comes back. It is asked for until 90 s have passed, and stopped at once when it answers."
        }
        RuleId::T4 => {
            "An unclear stop is sent again after 3, 6 and 9 s, then every 15 s, for as long as it takes. Without confirmation after 60 s it is an alarm."
        }
        RuleId::T5 => {
            "A stop asked for before there is a sid: no further start leaves, and a sid that still comes is stopped at once."
        }
        RuleId::T6 => {
            "Some time after the sid a session can no longer be asked for or stopped, but it may go on. A wanted recording is changed over to a new session before that."
        }
        RuleId::T7 => "Stopping a recording stops each of its sessions that is not over.",
        RuleId::T8 => {
            "The stop is refused: it still records and is still billed. It is sent again every minute."
        }
        RuleId::U1 => "One update at a time. During a failover it gets 404 and is sent again after it.",
        RuleId::U2 => "An update of the layout replaces the whole layout.",
        RuleId::F1 => {
            "At most 3 failovers a session. What is proved and what is only possible are counted apart, with the evidence."
        }
        RuleId::F2 => {
            "A killed process is back within 30 s; a disconnected server is tried for 60 s, then another takes over; 90 s in all, which is an estimate."
        }
        RuleId::F3 => "After a failover the recorder has a random UID.",
        RuleId::F4 => {
            "Each failover begins an index file of its own, with bak0_, bak1_ or bak2_ before the name. An index lists only its own leg: all are played, in order."
        }
        RuleId::F5 => "Update, stop and query keep using the UID that was given at acquire.",
        RuleId::F6 => {
            "What was not recorded lies between the last good and the first good query, unless a notification gives it exactly."
        }
        RuleId::N1 => "A notification is checked by its signature and stored before it is acknowledged.",
        RuleId::N2 => "The same notification delivered twice counts once.",
        RuleId::N3 => "The ends of a session and of its uploads count once.",
        RuleId::N4 => "The order in which notifications arrive means nothing.",
        RuleId::N5 => "A notification about an unknown sid is kept and may adopt an orphan.",
        RuleId::N6 => "Unknown kinds of notification are kept and shown as they came.",
        RuleId::A1 => "Assurance: a main and a backup session record at the same time, and both are billed.",
        RuleId::A2 => "When the main session is in doubt the backup takes its role at once.",
        RuleId::A3 => "Assurance is asked for explicitly.",
        RuleId::I1 => {
            "With nobody in the channel for maxIdleTime the session ends by itself. The service's default is 30 s; 300 s are recommended."
        }
        RuleId::L1 => "The name of the index file is known from the start and confirmed by a query.",
        RuleId::L2 => "Special characters of the channel name become hyphens in file names.",
        RuleId::C1 => "The ten items of the integration checklist, with the evidence for each.",
        RuleId::B1 => "Limits of the App ID: sessions at the same time, and calls a second.",
        RuleId::B2 => "How many streams a region can take depends on their resolution.",
    }
}
