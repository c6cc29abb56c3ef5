//! Every sentence of the page. State labels are nouns and adjectives; a sentence says what happened, what the system does,
//! when, and what one can do.

pub mod audit;
mod catalogue;
pub mod comfort;
#[cfg(test)]
mod complete;
pub mod disk;
pub mod journal;
pub mod list;
pub mod many;
pub mod notices;
pub mod replay;
pub mod standing;

use agora::notification::EventType;
use agora::{ChannelName, Mode, Timestamp};
use client::EndedBecause;
use rules::api::{Capability, Role};
use rules::journal::EndedHow;
use rules::line::Outcome;
use rules::notified::LegHeard;
use rules::recording::Phase;
use rules::{Patience, RuleId};

use crate::desk::Hop;
use crate::parts::age::Countdown;
use crate::parts::icon::Glyph;
use crate::parts::pips::Failovers;
use crate::parts::scale::{Mark, Step};
use crate::parts::strip::Probe;
use crate::standing::Group;

pub(crate) use catalogue::say;
pub use catalogue::{fill, settle, translated};

pub const RECORDINGS: &str = "Recordings";
pub const ALL: &str = "All";
pub const LOADING: &str = "Loading recordings…";
pub const ATTENTION: &str = "Attention";
pub const WORST_FIRST: &str = "worst first";
pub const OPEN: &str = "Open";
pub const STOP: &str = "Stop…";
pub const NO_SID: &str = "no sid yet";
pub const NO_SESSION: &str = "no session";
pub const FAILOVER_WINDOW: &str = "Failover window";
pub const TIMELINE: &str = "Timeline";
pub const TIMELINE_HINT: &str =
    "The arrow keys go from event to event; Enter shows the recording as it stood there.";
pub const TIMELINE_TABLE: &str = "Timeline as a table";
pub const AS_A_TABLE: &str = "As a table";
pub const SHOW_MOMENT: &str = "Show this moment";
pub const TIME: &str = "Time";
pub const LANE: &str = "Lane";
pub const WHAT: &str = "What happened";
pub const WINDOW_KEY: [&str; 3] = [
    "to 30 s: process killed, new server",
    "to 60 s: server lost, reconnecting",
    "to 90 s: switched to another",
];

/// `0:05`, `42:18`, `1:31:40`: for durations that are compared with each other.
pub fn stopwatch(seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

/// A countdown as text.
pub fn countdown(left: Countdown) -> String {
    match left {
        Countdown::In(seconds) => stopwatch(seconds),
        Countdown::Now => say!("now"),
        Countdown::Overdue(seconds) => say!("overdue {}", stopwatch(seconds)),
    }
}

/// `12 s`, `4 min`, `3 h`: how old something is, in the unit that matters.
pub fn age(seconds: i64) -> String {
    match seconds {
        0..=119 => say!("{} s", seconds),
        120..=7_199 => say!("{} min", seconds / 60),
        7_200..=172_799 => say!("{} h", seconds / 3600),
        _ => say!("{} days", seconds / 86_400),
    }
}

/// Of what time something is, and how old that is.
pub fn as_of(time: &str, age: &str) -> String {
    say!("as of {} ({})", time, age)
}

/// `12 s ago`.
pub fn ago(seconds: i64) -> String {
    say!("{} ago", age(seconds))
}

/// A duration in words, `38 min 47 s`.
pub fn duration(seconds: i64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => say!("{} s", seconds),
        (0, minutes, 0) => say!("{} min", minutes),
        (0, minutes, seconds) => say!("{} min {} s", minutes, seconds),
        (hours, 0, _) => say!("{} h", hours),
        (hours, minutes, _) => say!("{} h {} min", hours, minutes),
    }
}

/// A duration with its tenths, `30.6 s`, without floating numbers.
pub fn tenths(millis: i64) -> String {
    if millis >= 120_000 {
        duration(millis / 1000)
    } else {
        say!("{}.{} s", millis / 1000, millis / 100 % 10)
    }
}

/// A stretch that is folded, with the routine queries in it.
pub fn idle(seconds: i64, routine: usize) -> String {
    let idle = say!("{} idle", duration(seconds));
    if routine == 0 { idle } else { say!("{}, {} × 200", idle, routine) }
}

/// What is counted: the words for one, and for another number of it.
pub type Counted = (&'static str, &'static str);

pub const SESSIONS: Counted = ("1 session", "{} sessions");
pub const REPLACEMENTS: Counted = ("1 replacement", "{} replacements");
pub const FAILOVERS: Counted = ("1 failover", "{} failovers");
pub const STOPS: Counted = ("1 stop", "{} stops");
pub const FILES: Counted = ("1 file", "{} files");

/// "1 session", "2 sessions".
pub fn counted(count: usize, what: Counted) -> String {
    if count == 1 { say!(what.0) } else { say!(what.1, count) }
}

/// Several things in a row: "5, 15, 30".
pub fn listed(things: &[String]) -> String {
    things.join(translated(", "))
}

/// Several sentences in a row, without those that are empty.
pub fn sentences(all: &[&str]) -> String {
    let mut text = String::new();
    for sentence in all.iter().filter(|sentence| !sentence.is_empty()) {
        if !text.is_empty() {
            // A full stop of Chinese has its space in it.
            text.push_str(if text.ends_with('。') { "" } else { " " });
        }
        text.push_str(sentence);
    }
    text
}

/// The first letter large, for the begin of a sentence.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

pub fn need_you(count: usize) -> String {
    if count == 1 { say!("1 needs you") } else { say!("{} need you", count) }
}

pub fn being_handled(count: usize) -> String {
    match count {
        1 => say!("1 is being handled; no action needed"),
        count => say!("{} are being handled; no action needed", count),
    }
}

pub const RECOVERED: &str = "recovered";

/// A text of ours where a `String` is wanted.
pub fn said(text: &'static str) -> String {
    say!(text)
}

pub fn copy_the(what: &str) -> String {
    say!("Copy the {}", what)
}

pub fn copied(what: &str) -> String {
    say!("Copied the {}.", what)
}

pub fn not_copied(what: &str) -> String {
    say!("The {} could not be copied.", what)
}

pub fn why_rule(rule: RuleId) -> String {
    say!("Rule {}: why", rule)
}

pub fn sending(operation: String) -> String {
    say!("{} sending…", operation)
}

pub fn due_now(operation: String) -> String {
    say!("{} now", operation)
}

pub fn window_ends(clock: &str) -> String {
    say!("90 s, {}", clock)
}

pub fn break_by(fault: &str) -> String {
    say!("Break: {}", fault)
}

pub fn seconds(seconds: u32) -> String {
    say!("{} s", seconds)
}

pub fn more(count: usize) -> String {
    say!("{} more", count)
}

pub fn more_below(count: usize) -> String {
    say!("{} more in the list below", count)
}

pub fn open(channel: &str) -> String {
    say!("Open {}", channel)
}

pub fn action_for(action: &str, channel: &str) -> String {
    say!("{} {}", action, channel)
}

pub fn sid_of(channel: &str) -> String {
    say!("sid of {}", channel)
}

pub fn stop_of(channel: &str) -> String {
    say!("Stop {}…", channel)
}

/// Failovers used, for who cannot see the marks.
pub fn failovers_used(failovers: &Failovers) -> String {
    let Failovers { proved, possible, running, allowed } = *failovers;
    let used = if possible > proved { say!("{} to {}", proved, possible) } else { proved.to_string() };
    let running = if running { translated(", one may be running") } else { "" };
    say!("{} of {} failovers used{}", used, allowed, running)
}

/// The strip of answers, for who cannot see it.
pub fn last_answers(probes: &[Probe]) -> String {
    let count = |probe| probes.iter().filter(|other| **other == probe).count();
    let mut parts = vec![say!("{} answered", count(Probe::Good) + count(Probe::Back))];
    for (probe, words) in
        [(Probe::Doubt, "{} in doubt"), (Probe::Back, "{} of these after a doubt"), (Probe::Lost, "{} lost")]
    {
        let count = count(probe);
        if count > 0 {
            parts.push(say!(words, count));
        }
    }
    let parts = listed(&parts);
    if probes.len() == 1 {
        say!("Last query: {}", parts)
    } else {
        say!("Last {} queries: {}", probes.len(), parts)
    }
}

pub fn of_window(seconds: i64) -> String {
    say!("{} of 1:30", stopwatch(seconds))
}

pub fn left_of_window(seconds: i64) -> String {
    if seconds > 0 { say!("{} left", stopwatch(seconds)) } else { say!("over") }
}

pub fn now_at(seconds: i64) -> String {
    say!("now {}", stopwatch(seconds))
}

pub fn first_404_at(clock: &str) -> String {
    say!("first 404, {}", clock)
}

/// The failover window, for who cannot see it.
pub fn window_described(asked: &[(Timestamp, Mark)], ahead: &[Timestamp], t0: Timestamp) -> String {
    let after = |at: &Timestamp| ((at.millis() - t0.millis() + 500) / 1000).to_string();
    let asked: Vec<_> = asked.iter().map(|(at, _)| after(at)).collect();
    let ahead: Vec<_> = ahead.iter().map(after).collect();
    let asked =
        say!("Failover window of 90 seconds from the first 404. Queries sent at {} seconds.", listed(&asked));
    let ahead = match ahead.as_slice() {
        [] => say!("No queries are to come."),
        ahead => say!("Queries to come at {} seconds.", listed(ahead)),
    };
    sentences(&[&asked, &ahead])
}

pub const PRODUCT: &str = "Tallylight";
pub const SKIP: &str = "Skip to content";
pub const DEMONSTRATION: &str = "demonstration";
pub const LIVE: &str = "Live";
pub const CONNECTING: &str = "Connecting…";
pub const NOT_LIVE: &str = "Not live";
pub const MAIN_NAVIGATION: &str = "Main";
pub const FAULTS: &str = "Faults";
pub const SETTINGS: &str = "Settings";
pub const PALETTE: &str = "Commands (Ctrl K)";
pub const KEYS: &str = "Help and shortcuts";
pub const WALL: &str = "Wall";
pub const RELOAD: &str = "Reload";
pub const NOT_FETCHED: &str =
    "This part of the page could not be fetched. It is tried again by itself; recordings go on.";
pub const RECONNECT_NOW: &str = "Reconnect now";
pub const RECONNECTING: &str = "Reconnecting…";
pub const LOST_FOR: &str = "Nothing heard for";
pub const CONNECTION_LOST_SAID: &str = "Connection lost. Actions are off.";
pub const CONNECTION_BACK: &str = "Connected again.";
pub const PROXY_SILENT: &str = "The proxy does not answer.";
pub const NO_ACTIONS: &str = "Actions are off while the connection is lost.";
pub const SENDING: &str = "sending…";
pub const ON_ITS_WAY: &str = "On its way; the answer is awaited.";
pub const IN: &str = "in";
pub const NOW: &str = "now";
pub const REFUSED: &str = "Not done.";
pub const CANCEL: &str = "Cancel";
pub const NOTHING_NEXT: &str = "none";
/// Shown for the moment in which the rules are not here yet.
pub const NEXT_NOT_KNOWN: &str = "…";
pub const WAITS_FOR_YOU: &str = "waits for you";
pub const TRY_AGAIN: &str = "Try again";
pub const TRY_AGAIN_DOTS: &str = "Try again…";
pub const STOP_ONE: &str = "Stop one…";
pub const DISMISS: &str = "Dismiss…";
pub const DISMISS_PRESS: &str = "Dismiss";
pub const ACKNOWLEDGE: &str = "Acknowledge";
pub const FILTER_BY_STATE: &str = "Filter by state";
pub const WATCH_ONE: &str = "Watch one that runs…";
pub const START_RECORDING: &str = "Start recording";
pub const NO_RECORDINGS: &str = "No recordings. Start one, or watch one that already runs.";
pub const WHY_MISSING: &str =
    "The texts of the rules could not be fetched yet. They are fetched again when the connection is back.";
pub const ALARM_GONE: &str = "The cause of this alarm has passed.";
pub const TRY_AGAIN_DOES: &str = "A new session is started with the next free UID and billed like any other. The count of replacements begins anew.";
pub const ACKNOWLEDGE_DOES: &str =
    "It notes that you have seen this. Nothing is sent; what the rules do goes on.";
pub const DISMISS_DOES: &str =
    "It is taken off the board. Nothing is sent: if it still runs, it is billed until it ends by itself.";
pub const REASON_NEEDED: &str = "A reason is needed.";
pub const UNATTENDED: &str = "Unattended";
pub const STOP_REASON: &str = "Why it is stopped";
pub const STOP_REASON_HINT: &str = "Kept in the journal beside your name; it may be left empty.";
pub const REASON_HINT: &str = "Kept in the journal beside your name.";
pub const STOP_GETS_404: &str =
    "A stop that gets 404 now stops nothing. It is sent again as soon as the session answers.";
pub const ALREADY_STOPPING: &str = "A stop was asked for already.";
pub const STOP_SESSION: &str = "Stop this session";
pub const STOP_RECORDING: &str = "Stop recording";
pub const STOP_RECORDING_DOTS: &str = "Stop recording…";
pub const KEEP_RECORDING: &str = "Keep recording";
pub const UNDO_STOP: &str = "Undo the stop";
pub const STOP_WITHDRAWN: &str = "The stop was taken back.";
pub const BOTH_UIDS: &str = "Give both UIDs, or leave both empty.";
pub const SAME_UID: &str = "Same as the original. The two would remove each other.";
pub const IDLE_RANGE: &str = "maxIdleTime is 5 to 2 592 000 seconds.";
pub const IDLE_SHORT_MORE: &str = "A short break of the lesson would end the recording.";
pub const NO_STORAGE: &str = "no storage profile is configured.";
pub const CONFIRM_BESIDE: &str = "the channel already has a recording: confirm that both are wanted.";
pub const BOTH_BILLED: &str = "Both are billed the whole time.";
pub const CHANNEL_MISSING: &str = "A channel name is needed";
pub const CHANNEL_HINT: &str = "Case matters.";
pub const UIDS_BY_PROXY: &str = "UIDs are taken from the reserved range";
pub const UIDS_FREE: &str = "Both UIDs are free in this channel";
pub const PREFIX_FITS: &str = "File prefix fits the service";
pub const NO_ROOM: &str = "The start would wait for room and try again by itself.";
pub const START_TITLE: &str = "Start a recording";
pub const NOTHING_SENT: &str = "Nothing is sent before you press Start.";
pub const PAIR_OF_UIDS: &str = "Pair of recorder UIDs";
pub const ORIGINAL_HINT: &str = "Empty: the next free one.";
pub const BACKUP_HINT: &str = "Takes over if the original cannot start.";
pub const WHAT_START_DOES: &str = "What Start does";
pub const START_FAILS: &str = "50x: again after 3, 6, 9 s, then with the backup UID.";
pub const WHAT_IT_COSTS: &str = "What it costs";
pub const CALLS_COST: &str = "2 now, 8 within 90 s, then 1 every 120 s";
pub const KEYS_STAY: &str = "Keys stay at the proxy.";
pub const MODE: &str = "Mode";
pub const MODE_NOT_OFFERED: &str = "Not offered by this proxy yet.";
pub const IF_404: &str = "If a query answers 404";
pub const WATCH_TITLE: &str = "Watch one that already runs";
pub const WATCH_DOES: &str = "Give the ids of a recording that somebody else started. Nothing is started: the next query proves that the ids are right.";
pub const WATCH_CHANNEL_HINT: &str = "As it was given at acquire.";
pub const WATCH_UID_HINT: &str = "Not the random one of a failover.";
pub const WATCH_RESOURCE_HINT: &str = "What acquire answered.";
pub const WATCH_SID_HINT: &str = "What start answered.";
pub const WATCH_PRESS: &str = "Watch it";
pub const SAMPLES_STARTED: &str = "Six sample recordings were asked for.";
pub const START_SAMPLES: &str = "Start six sample recordings";
pub const FAULTS_TITLE: &str = "Break things";
pub const FILE_TITLE: &str = "Recording from a file";
pub const FAULTS_SAY: &str = "Faults of the simulated service. Nothing here reaches a real one.";
pub const FAULT_CHANNEL: &str = "Channel that a kill, a disconnect or an end meets";
pub const FAULTS_CLEARED: &str = "All faults are cleared.";
pub const CLEAR_FAULTS: &str = "Clear all faults";
pub const BREAK: &str = "Break";
pub const RECORDING: &str = "Recording";
pub const CANNOT_SHOW: &str = "This recording cannot be shown.";
pub const BACK_TO_LIST: &str = "Back to the list";
/// On a row for a while after a run of retries came to a good end.
pub fn after_retries(count: u32, since: Timestamp, at: Timestamp) -> String {
    let took = duration((at.millis() - since.millis()) / 1000);
    if count == 1 { say!("after 1 retry ({})", took) } else { say!("after {} retries ({})", count, took) }
}
pub const PAUSED: &str = "Paused";
pub const PAUSE: &str = "Pause";
pub const PAUSE_SAYS: &str = "Let the screen stand still. Recordings are acted for all the same.";
pub const RESUME: &str = "Go on";
pub const NEW_VERSION: &str = "New version: reload";
pub const NEW_VERSION_SAYS: &str =
    "A newer page lies on the server. Reload when nothing is open; recordings go on meanwhile.";

/// What waits while the screen stands still.
pub fn waits_while_paused(changes: usize, need: usize) -> String {
    match (changes, need) {
        (0, _) => String::new(),
        (1, 0) => say!("1 change waits"),
        (changes, 0) => say!("{} changes wait", changes),
        (changes, 1) => say!("{} changes wait, 1 needs you", changes),
        (changes, need) => say!("{} changes wait, {} need you", changes, need),
    }
}

/// Said when something needs a person while the screen stands still.
pub const NEEDS_YOU_WHILE_PAUSED: &str = "A recording needs you. The screen is paused.";
pub const SPLITTER: &str = "Width of what is open beside the list";
pub const CLOSE: &str = "Close";
/// On the link from the recording beside the list to its own page.
pub const FULL_PAGE: &str = "Full page";
/// On the button that closes the recording beside the list.
pub const CLOSE_BESIDE: &str = "Close, back to the list";
/// The name of the path to where one is.
pub const WHERE: &str = "Where you are";
pub const LAST_ANSWER: &str = "last answer";
pub const ALARM: &str = "Alarm.";
pub const ASK_NOW: &str = "Ask now";
pub const HURRIED: &str = "One query was asked for.";
pub const ASK_NOW_COSTS: &str = "Sends one query now";
pub const NO_CALLS_YET: &str = "No call has left yet.";
pub const RANDOM_UID: &str = "random";
pub const EXPECTED_404: &str = "404 expected";
pub const NO_PREFIX: &str = "index, no prefix";
pub const INTERRUPTION: &str = "interruption";
pub const NO_NEW_FILES: &str = "no new files";
pub const RANDOM_NOT_TOLD: &str = "then random, not told by queries";
pub const UID_UNCHANGED: &str = "no proof of another one";
pub const RUNNING: &str = "running";
pub const NOT_KNOWN: &str = "not known yet";
pub const FIRST_404_ONLY: &str = "The first 404; nothing proves it yet";
pub const KEPT_FOR_EVER: &str = "kept for ever, never smoothed over";
pub const TABLE_OF_FAILOVERS: &str = "Table of failovers";
pub const NO_FAILOVER_YET: &str = "No session has been away so far.";
pub const COPY: &str = "Copy";
pub const COPY_ALL: &str = "copy all";
pub const ALL_FILE_NAMES: &str = "names of all index files";
pub const TABLE_OF_FILES: &str = "Table of index files";
pub const INFERRED: &str = "inferred";
pub const BETWEEN_QUERIES: &str = "between two queries";
pub const TABLE_OF_NOTIFICATIONS: &str = "Notifications, folded";
pub const OTHER_RECORDER: &str = "another recorder";
pub const NOTIFIED: &str = "Notified";
pub const NOTIFIED_SAYS: &str = "When the service last sent a notification";
pub const NEVER_NOTIFIED_HERE: &str = "Not notified";
pub const LAST_NOTIFIED: &str = "Last one";
pub const NOT_NOTIFIED_YET: &str = "None for this recording yet";
pub const NEVER_NOTIFIED: &str = "None has ever come";
pub const NONE_NOTIFIED: &str =
    "The service has not notified of this recording yet. What queries prove is marked inferred.";
pub const NO_WEBHOOK: &str = "No notification of this App has ever come: its webhook seems not to be set up. Everything works without; what queries prove is marked inferred.";
pub const NO_FILES_YET: &str = "The name of the index file is known once there is a sid.";
pub const CONFIRMED: &str = "Confirmed";
pub const PREDICTED: &str = "Predicted";
pub const NAMED_BY_ANSWER: &str = "an answer named it";
pub const SPLICED: &str = "made of sid and channel";
pub const EITHER_SPELLING: &str = "one of two spellings";
pub const ONLY_IF_FAILOVER: &str = "only if this is a failover";
pub const DECISIONS: &str = "Decisions";
pub const NO_DECISIONS_YET: &str = "Nothing has been concluded yet.";
pub const UNFOLD_JOURNAL: &str = "Show all entries";
pub const FOLD_JOURNAL: &str = "Hide the entries";
pub const JOURNAL_KINDS: &str = "Kinds of entries";
pub const LOOK_AT_MOMENT: &str = "Show the recording as it stood here";
pub const JOURNAL_FAILED: &str = "The entries could not be fetched.";
pub const LOADING_ENTRIES: &str = "Loading entries…";
pub const RAW_ANSWER: &str = "Raw answer";
pub const LOADING_RAW: &str = "Loading the answer…";
pub const RAW_GONE: &str = "It is not kept any more.";
pub const IDLE_EXIT: &str = "Idle exit";
pub const IDLE_EXIT_SAYS: &str = "With nobody in the channel the session ends by itself.";
pub const NO_DEADLINES: &str = "None: it is over.";
pub const CONTROL: &str = "Stop and query possible";
pub const FAILOVERS_SAY: &str =
    "A failover moves the session to another server by itself. After the third, a further fault ends it.";
pub const NO_SESSION_YET: &str = "No session yet.";
pub const IF_LOST: &str = "if lost";
pub const NEXT_UID: &str = "Next UID of the pair";
pub const RECORD_AGAIN: &str = "Record again…";
/// Who acts for a recording.
pub const ACTED_FOR_BY: &str = "Acted for by";
pub const NO_CONTROLLER: &str = "nobody now";

/// What a start does: the words, the rule, and the mark.
pub const START_STEPS: [(&str, RuleId, Glyph); 3] = [
    ("acquire, then start within 2 s", RuleId::S2, Glyph::Starting),
    ("Accepted: a sid comes back", RuleId::S3, Glyph::Starting),
    ("Confirmed: a query answers 4 or 5", RuleId::V2, Glyph::Recording),
];

/// A text as a sentence: a large letter first, a full stop at the end.
pub fn sentence(text: &str) -> String {
    let text = capital(text.trim());
    if text.is_empty() || text.ends_with(['.', '!', '?', '…', '。']) { text } else { say!("{}.", text) }
}

/// Why a text is no channel name.
pub fn bad_channel(text: &str) -> String {
    match text.chars().find(|letter| !ChannelName::allows(*letter)) {
        _ if text.is_empty() => say!("A channel name is needed."),
        _ if text.len() > ChannelName::MAX_BYTES => {
            let most = ChannelName::MAX_BYTES;
            say!("A channel name has at most {} bytes; this one has {}.", most, text.len())
        }
        Some(letter) => {
            let (letter, marks) = (format!("{letter:?}"), ChannelName::PUNCTUATION);
            say!("A channel name may not hold {}: only letters, digits, spaces and {}.", letter, marks)
        }
        None => String::new(),
    }
}

pub const BAD_UID: &str = "A UID is a whole number from 1 to 4294967295, written in digits only.";
pub const BAD_RESOURCE: &str = "A resource ID has 1 to 512 letters, digits, hyphens and underscores.";
pub const BAD_SID: &str = "A recording ID (sid) has 8 to 64 letters, digits, hyphens and underscores.";

pub fn proxy_unreadable(status: u16) -> String {
    say!("The proxy answered {} without a reason that can be read.", status)
}

/// The mode in the words of the product.
pub const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Individual => "individual",
        Mode::Mix => "composite",
        Mode::Web => "web page",
    }
}

pub const fn mode_says(mode: Mode) -> &'static str {
    match mode {
        Mode::Individual => "One index file per user and track.",
        Mode::Mix => "One picture of all, one index file.",
        Mode::Web => "Records an address.",
    }
}

/// A policy by its name, or by what it does.
pub fn policy_name(name: &str, patience: Patience) -> String {
    if name.is_empty() { say!(patience_word(patience)) } else { capital(name) }
}

const fn patience_word(patience: Patience) -> &'static str {
    match patience {
        Patience::Patient => "Patient",
        Patience::Swift => "Swift",
        Patience::Immediate => "Immediate",
    }
}

pub const fn policy_says(patience: Patience) -> &'static str {
    match patience {
        Patience::Patient => {
            "Waits 90 s for a failover. If it is really lost, up to 90 s are missing. Never two billed."
        }
        Patience::Swift => "Replaces after 30 s. If it was a failover, two are billed until you stop one.",
        Patience::Immediate => "Replaces at the first 404. Nearly every failover then bills two.",
    }
}

pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Lead => "lead",
        Role::Attendant => "attendant",
    }
}

/// A group of the list.
pub const fn group(group: Group) -> &'static str {
    match group {
        Group::NeedsYou => "Need you",
        Group::Handled => "Being handled",
        Group::Recording => "Recording",
        Group::Ended => "Ended",
    }
}

/// The one calm line: what records, and that nobody is needed.
pub fn calm(recording: usize, handled: usize) -> String {
    match (recording, handled) {
        (0, 0) => say!("Nothing records, nothing needs you."),
        (recording, 0) => say!("{} recording, nothing needs you.", recording),
        (recording, handled) => {
            say!("{} recording, {} being handled, nothing needs you.", recording, handled)
        }
    }
}

/// The same where the bar above it says that something is wrong with the journal.
pub fn not_calm(recording: usize) -> String {
    say!("{} recording; what needs you stands above.", recording)
}

/// What is to be typed before a recording that is away is stopped.
pub fn type_channel(channel: &str) -> String {
    say!("Type {} to stop it although it is away.", channel)
}

/// Said when a recording comes to another state.
pub fn now_is(channel: &str, state: &'static str) -> String {
    say!("{}: {}.", channel, translated(state))
}

/// Before how long ago the last trouble was over.
pub const LAST_PROBLEM: &str = "Last problem";
pub const REPLACED: &str = "replaced";

/// Behind how long ago that was: in which channel, and how it ended.
pub fn where_and_how(channel: &str, how: &'static str) -> String {
    say!(" ({}, {}).", channel, translated(how))
}

/// An outcome as the list shows it: a status where one can be told.
pub const fn outcome_code(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Done) => "200",
        Some(Outcome::NotFound) => "404",
        Some(Outcome::ServerError) => "50x",
        Some(Outcome::GatewayError) => "502–504",
        Some(Outcome::NotCompleted) => "206, 65",
        Some(Outcome::TimedOutInside) => "code 62",
        Some(Outcome::Unreadable) => "unreadable",
        Some(Outcome::Refused) => "refused",
        Some(Outcome::NoRoute) => "no route",
        Some(Outcome::PcwReached) => "406",
        Some(Outcome::AlreadyStarted) => "201, 7",
        Some(Outcome::TaskConflict) => "code 53",
        Some(Outcome::NoWorker) => "code 502",
        Some(Outcome::ResourceExpired) => "expired",
        Some(Outcome::Unanswered { .. }) | None => "none",
    }
}

/// The bar while nothing is heard: what is broken, and what goes on.
pub fn connection_lost(never: bool, hop: Option<&Hop>, proxy: &str) -> (String, String) {
    let title = match hop {
        Some(Hop::ProxyRefuses(status)) => say!("The proxy answers {}.", status),
        Some(Hop::ProxySilent) => say!("The proxy does not answer."),
        Some(Hop::NotLetIn(origin)) => {
            say!("No answer from {}: it is down, or its allowed_origins lack {}.", proxy, origin)
        }
        Some(Hop::OtherSite) => {
            say!(
                "This page is of another site than its proxy, {}, and no sign-in crosses that. Serve both under one domain.",
                proxy
            )
        }
        None if never => say!("Not connected yet."),
        None => say!("Connection lost."),
    };
    let rest = say!("Actions are off. Recordings go on, and another page or the attendant acts for them.");
    (title, rest)
}

pub fn connection_ended(because: EndedBecause) -> (&'static str, &'static str) {
    match because {
        EndedBecause::SignedOut => {
            ("You are signed out.", "Reload to sign in again. What you see is as old as that.")
        }
        EndedBecause::NotAllowed => ("You may not see this.", "Ask a lead for access, then reload."),
        EndedBecause::NewBuild => ("There is a new version.", "Reload to go on. Recordings go on meanwhile."),
    }
}

pub fn reconnecting_in(seconds: u64) -> String {
    if seconds == 0 { say!(RECONNECTING) } else { say!("Reconnecting in {} s.", seconds) }
}

pub fn data_as_of(clock: &str) -> String {
    say!("Data as of {}", clock)
}

pub fn no_permission(needed: Capability) -> String {
    let needed = match needed {
        Capability::View => "view",
        Capability::Operate => "operate",
        Capability::Lead => "lead",
        Capability::Simulate => "simulate",
    };
    say!("This needs the {} capability, which you do not have.", translated(needed))
}

pub fn why_title(rule: RuleId, section: Option<&str>) -> String {
    section.map_or_else(|| say!("Rule {}", rule), |section| say!("Rule {} · {}", rule, section))
}

pub fn why_numbers(numbers: &str) -> String {
    say!("By default: {}", numbers)
}

pub fn why_source(source: &str) -> String {
    say!("Source: {}", source)
}

pub fn try_again_title(channel: &str) -> String {
    say!("Try {} again?", channel)
}

pub fn tried_again(channel: &str) -> String {
    say!("{} is tried again.", channel)
}

pub fn acknowledge_title(channel: &str) -> String {
    say!("Alarm of {}", channel)
}

pub fn acknowledged(channel: &str) -> String {
    say!("The alarm of {} is acknowledged.", channel)
}

pub fn dismiss_title(channel: &str, session: u16) -> String {
    say!("Dismiss session {} of {}?", session, channel)
}

pub fn dismissed(channel: &str) -> String {
    say!("A session of {} was dismissed.", channel)
}

pub fn stop_title(channel: &str, session: Option<u16>, away: bool) -> String {
    match (session, away) {
        (Some(session), _) => say!("Stop session {} of {}?", session, channel),
        (None, true) => say!("Stop {} while it is in doubt?", channel),
        (None, false) => say!("Stop recording {}?", channel),
    }
}

pub fn stop_during_failover(until: &str) -> String {
    say!("404 is expected until {}.", until)
}

pub fn stop_does(recorded_seconds: Option<i64>, one: bool) -> String {
    let recorded = recorded_seconds.map_or_else(
        || say!("It is not confirmed that it records yet."),
        |seconds| say!("It has recorded for {}.", duration(seconds)),
    );
    let rest = if one {
        "What it recorded is kept and uploaded; the other session goes on."
    } else {
        "What is recorded is kept and uploaded; the session cannot be resumed, only a new one started."
    };
    sentences(&[&recorded, translated(rest)])
}

pub fn index_files(count: usize) -> String {
    match count {
        1 => say!("1 index file"),
        count => say!("{} index files (original, then bak0_ and on)", count),
    }
}

/// What a stop of so many sessions sends. `session`: it is that of one session, which leaves at once.
pub fn stop_sends(sessions: usize, session: bool, undo: u32) -> String {
    match sessions {
        0 => say!("nothing now; a sid that still comes is stopped at once"),
        count if session || undo == 0 => say!("{}, then queries until it is gone", counted(count, STOPS)),
        count => say!(
            "{} in {} s, also if you close this page; then queries until it is gone",
            counted(count, STOPS),
            undo
        ),
    }
}

/// A stretch in which nobody acted.
pub fn unattended(from: &str, to: &str) -> String {
    say!("Unattended from {} to {}: nobody acted (M10)", from, to)
}

/// What is said after the press. `session`: one of several is stopped, and at once.
pub fn stop_sent(channel: &str, session: bool, undo: u32) -> String {
    if session || undo == 0 {
        say!("The stop of {} was asked for.", channel)
    } else {
        say!("{} stops in {} s, also if you close this page.", channel, undo)
    }
}

pub fn uid_outside(first: u32, last: u32) -> String {
    say!("Recorders have UIDs from {} to {} here.", first, last)
}

pub fn uid_in_use(uid: u32) -> String {
    say!("{} may be in use in this channel.", uid)
}

pub fn channel_fits(bytes: usize, most: usize) -> String {
    say!("Channel name, {} of {} bytes", bytes, most)
}

pub fn channel_in_files(name: &str) -> String {
    say!("Case matters. In file names: {}", name)
}

pub fn no_other(channel: &str) -> String {
    say!("No other recording in {}", channel)
}

pub fn others_in_channel(count: usize) -> String {
    counted(count, ("1 recording already in this channel", "{} recordings already in this channel"))
}

pub fn idle_short(seconds: u32) -> String {
    say!("maxIdleTime {} s is short", seconds)
}

pub fn idle_fits(seconds: u32) -> String {
    say!("maxIdleTime {} s", seconds)
}

pub fn idle_hint(seconds: u32) -> String {
    say!(
        "With nobody in the channel for {} the session ends by itself. Default 30 s, recommended 300 s.",
        duration(i64::from(seconds))
    )
}

pub fn room(used: usize, most: u32) -> String {
    say!("{} of {} sessions, as far as we know", used, most)
}

pub fn cannot_start(why: &str) -> String {
    say!("Cannot start yet: {}", why)
}

pub fn asked(channel: &str, existing: bool) -> String {
    if existing { say!("{} was asked for already.", channel) } else { say!("{} was asked for.", channel) }
}

pub fn checks_title(blocks: usize, warns: usize, passes: usize) -> String {
    let mut parts = Vec::new();
    if blocks > 0 {
        parts.push(counted(blocks, ("1 blocks", "{} block")));
    }
    if warns > 0 {
        parts.push(counted(warns, ("1 warns", "{} warn")));
    }
    parts.push(counted(passes, ("1 passes", "{} pass")));
    listed(&parts)
}

pub fn billed_after(others: usize) -> String {
    match others {
        0 => say!("1 session"),
        others => say!("1 session more, {} in this channel", others + 1),
    }
}

pub fn pcw_after(used: usize, most: u32) -> String {
    say!("{} → {} of {}", used, used + 1, most)
}

pub fn prefix(prefix: &str) -> String {
    say!("Prefix {}.", prefix)
}

pub fn channel_has_live(channel: &str) -> String {
    say!("{} already has a recording.", channel)
}

pub fn beside_line(state: &str, by: &str) -> String {
    say!(", {}, asked for by {}", state, by)
}

pub fn record_beside(channel: &str) -> String {
    say!("Record {} a second time beside it", channel)
}

pub fn watched(channel: &str) -> String {
    say!("{} is watched.", channel)
}

pub fn fault_asked(name: &str) -> String {
    say!("Asked for: {}.", name)
}

pub fn board_title(need: usize, live: usize) -> String {
    let live = title(&say!("{} rec", live));
    if need > 0 { say!("({}!) {}", need, live) } else { live }
}

pub fn title(what: &str) -> String {
    say!("{} · Tallylight", what)
}

pub fn in_failover(number: u8, allowed: u8) -> String {
    say!("In failover, {} of {}", number, allowed)
}

pub fn lamp_times(accepted: Option<String>, confirmed: Option<String>) -> String {
    match (accepted, confirmed) {
        (None, _) => say!("not accepted yet"),
        (Some(accepted), None) => say!("accepted {}, not confirmed", accepted),
        (Some(accepted), Some(confirmed)) => say!("accepted {}, confirmed {}", accepted, confirmed),
    }
}

pub fn resource_of(channel: &str) -> String {
    say!("resource ID of {}", channel)
}

pub fn gives_up(wait: u32, slow_wait: u32, operation: agora::Operation) -> String {
    let wait = if operation == agora::Operation::Start { slow_wait } else { wait };
    say!("The waiting ends after {} s; a late answer is still taken.", wait)
}

pub fn plus(seconds: i64) -> String {
    if seconds == 0 { say!("first") } else { say!("+{} s", seconds) }
}

/// A ladder in words.
pub fn ladder_described(steps: &[Step]) -> String {
    let of = |wanted: Mark| {
        steps.iter().filter(|step| step.mark == wanted).map(|step| step.label.clone()).collect::<Vec<_>>()
    };
    let of = |wanted: Mark| listed(&of(wanted));
    say!("Tries that failed: {}. Next: {}. Later: {}.", of(Mark::Miss), of(Mark::Due), of(Mark::Later))
}

pub fn timeline_described(channel: &str) -> String {
    say!("Timeline of {}", channel)
}

/// An event of the timeline: when, in which lane, and what.
pub fn happened(clock: &str, lane: Option<&str>, says: &str) -> String {
    match lane {
        Some(lane) => say!("{}, {}: {}", clock, lane, says),
        None => say!("{}: {}", clock, says),
    }
}

pub fn older_in_journal(count: usize) -> String {
    say!("{} older ones stand in the journal.", count)
}

pub fn leg_records(session: &str, leg: &str) -> String {
    if session == leg { say!("{} begins to record", session) } else { say!("{}, {} records", session, leg) }
}

pub fn away_for(session: &str, lasted: &str) -> String {
    say!("{} was not found for {}", session, lasted)
}

pub fn files_go_on(prefix: &str) -> String {
    say!("files go on as {}", prefix)
}

pub fn uid_records(uid: &str) -> String {
    say!("UID {} records", uid)
}

/// A call and what came of it.
pub fn call_came(title: &str, session: u16, came: Option<&str>) -> String {
    match came {
        Some(came) => say!("{}, session {}: {}", title, session, came),
        None => say!("{}, session {}: the answer is awaited", title, session),
    }
}

/// How many tries came to nothing, for the stretch itself.
pub fn tries_failed(tries: usize) -> String {
    say!("{} failed", tries)
}

pub fn run_of_tries(operation: &str, session: u16, tries: usize, lasted: &str) -> String {
    say!(
        "{}, session {}: {} tries without success, {} until the last answer",
        operation,
        session,
        tries,
        lasted
    )
}

pub fn planned_call(operation: &str, rule: &str) -> String {
    say!("Planned: {}, by {}", operation, rule)
}

pub fn session(number: u16) -> String {
    say!("session {}", number)
}

pub fn session_starts(number: u16) -> String {
    say!("session {}, no sid", number)
}

pub fn leg_words(leg: Option<u8>) -> String {
    leg.map_or_else(|| say!("same leg"), |leg| say!("leg bak{}", leg))
}

pub fn leg_name(leg: agora::files::Leg) -> String {
    match leg {
        agora::files::Leg::Original => say!("original"),
        agora::files::Leg::Failover(index) => say!("bak{}", index),
    }
}

pub fn failover_of(number: u32, allowed: u32) -> String {
    say!("{} of {}", number, allowed)
}

/// What was not recorded (F6): the words, and how that is known.
pub fn not_recorded(t0: Timestamp, back: Timestamp, last_good: Option<Timestamp>) -> (String, String) {
    let least = tenths(back.millis() - t0.millis());
    match last_good {
        Some(good) => (
            say!("{} to {}", least, tenths(back.millis() - good.millis())),
            say!("between the queries around it"),
        ),
        None => (say!("at least {}", least), say!("from the first 404 to the answer")),
    }
}

pub fn after_uid(uid: u32, what: &str) -> String {
    say!("{}, {}", uid, what)
}

/// What a failover rests on.
pub fn failover_evidence(entries: (u32, u32), leg: Option<u8>, named: Option<LegHeard>) -> String {
    let (first, back) = entries;
    let mut text = match leg {
        Some(leg) => {
            say!("Entry {}: the first 404. Entry {}: an answer that names bak{}_.", first, back, leg)
        }
        None => say!(
            "Entry {}: the first 404. Entry {}: the answer that came back; it names no new file.",
            first,
            back
        ),
    };
    if let Some(named) = named {
        text = sentences(&[&text, &told_leg(named)]);
    }
    text
}

/// What notifications tell of a recorder that took over.
pub fn told_leg(leg: LegHeard) -> String {
    let uid = leg.uid;
    match (leg.announced, leg.heard) {
        (true, true) => say!("Notification 12 names UID {}, and it sent notifications itself.", uid),
        (true, false) => say!("Notification 12 names UID {}.", uid),
        (false, _) => say!("UID {} sent notifications.", uid),
    }
}

/// Exactly what was not recorded (F6).
pub fn exactly_not_recorded(millis: i64) -> (String, String) {
    (tenths(millis), say!("exact, from notification 42"))
}

pub fn then_uid(before: u32, after: u32) -> String {
    say!("{}, then {} as notified", before, after)
}

/// The kind of a notification: its number, and its name at the service.
pub fn event(event: EventType) -> String {
    let name = event.name();
    if name.is_empty() { say!("{}, not documented", event) } else { say!("{} {}", event, name) }
}

pub fn times(count: usize) -> String {
    say!(" ×{}", count)
}

pub fn redundant(again: usize) -> String {
    say!("redundant: delivered {} more, counted and not acted on", again)
}

pub fn told_uid(uid: u32) -> String {
    say!("UID {}", uid)
}

pub fn unmatched(kept: u32) -> String {
    match kept {
        1 => say!("1 notification of this App fits no recording."),
        kept => say!("{} notifications of this App fit no recording.", kept),
    }
}

pub fn until_latest(clock: &str) -> String {
    say!("until {} at the latest", clock)
}

pub fn index_file_of(leg: &str, session: u16) -> String {
    say!("name of the {} index file of session {}", leg, session)
}

pub fn entries(count: usize) -> String {
    match count {
        1 => say!("1 entry, newest first"),
        count => say!("{} entries, newest first", count),
    }
}

pub fn entry_by(number: u32, by: &str) -> String {
    if by.is_empty() { say!("entry {}", number) } else { say!("entry {}, {}", number, by) }
}

pub fn decisions(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => say!("1 conclusion of the rules"),
        count => say!("{} conclusions of the rules, newest first", count),
    }
}

/// On which day, and when, it began.
pub fn since_day(day: &str) -> String {
    say!("since {}", day)
}

pub fn show_more_kinds(count: usize) -> String {
    say!("Show {} more kinds", count)
}

pub fn show_older(count: usize) -> String {
    say!("Show older, {} more", count)
}

pub fn idle_exit(seconds: u32) -> String {
    say!("after {}", duration(i64::from(seconds)))
}

pub fn more_time(seconds: i64) -> String {
    if seconds <= 0 { say!("over") } else { say!("{} more", duration(seconds)) }
}

pub fn control_until(clock: &str, hours: u16) -> String {
    say!("Until {} (resourceExpiredHour {})", clock, hours)
}

pub fn failovers_left(failovers: &Failovers) -> String {
    let left = failovers.allowed.saturating_sub(failovers.proved);
    let used = if failovers.possible > failovers.proved {
        say!("{}–{}", failovers.proved, failovers.possible)
    } else {
        failovers.proved.to_string()
    };
    let left = match left {
        0 => say!("none left"),
        1 => say!("one left"),
        left => say!("{} left", left),
    };
    say!("{} of {} used, {}", used, failovers.allowed, left)
}

/// A session in the list of sessions: its mark, and where it stands.
pub fn session_says(phase: Phase, failovers: u8) -> (Glyph, String) {
    let legs =
        if failovers > 0 { say!("; {}", counted(usize::from(failovers), FAILOVERS)) } else { String::new() };
    let (mark, says) = match phase {
        Phase::Acquiring => (Glyph::Starting, "asks for a resource ID"),
        Phase::Starting => (Glyph::Starting, "starting"),
        Phase::Accepted => (Glyph::Starting, "accepted, not confirmed"),
        Phase::Live => (Glyph::Recording, "records"),
        Phase::Ending => (Glyph::Stopping, "ending"),
        Phase::Lost => (Glyph::Critical, "deemed lost, asked after for ten minutes"),
        Phase::NotStarted => (Glyph::Critical, "accepted and never recorded"),
        Phase::TakenAsEnded => (Glyph::Ended, "taken as ended"),
        Phase::Over(EndedHow::Stopped) => (Glyph::Ended, "stopped"),
        Phase::Over(EndedHow::Exited) => (Glyph::Ended, "ended by the service"),
        Phase::Over(EndedHow::Abnormal) => (Glyph::Critical, "exited abnormally"),
        Phase::Over(EndedHow::NotFound) => (Glyph::Ended, "lost, and over"),
        Phase::Over(EndedHow::Notified) => (Glyph::Ended, "over, as a notification said"),
        Phase::Abandoned => (Glyph::Ended, "given up before it had a sid"),
    };
    (mark, say!("{}{}", translated(says), legs))
}

pub fn stop_this(session: u16) -> String {
    say!("Stop session {}…", session)
}

pub fn controller(holder: &str, epoch: u32, here: bool) -> String {
    if here { say!("{}, this page, epoch {}", holder, epoch) } else { say!("{}, epoch {}", holder, epoch) }
}

pub fn step_refused(sentence_text: &str, clock: &str) -> String {
    say!("The proxy refused a step at {}: {}", clock, sentence(sentence_text))
}

#[cfg(test)]
mod tests {
    use super::{age, duration, stopwatch, tenths};

    #[test]
    fn durations_are_written_as_people_compare_them() {
        assert_eq!(stopwatch(5), "0:05");
        assert_eq!(stopwatch(2_538), "42:18");
        assert_eq!(stopwatch(5_500), "1:31:40");
        assert_eq!(age(119), "119 s");
        assert_eq!(age(240), "4 min");
        assert_eq!(duration(2_327), "38 min 47 s");
        assert_eq!(tenths(30_649), "30.6 s");
    }
}
