//! The sentences of the settings, the shortcuts, the palette, the alerts, the wall, and of what is exported.

use super::{counted, say};

pub const LANGUAGE: &str = "Language";
pub const RELOADS: &str = "The page is loaded anew; recordings go on.";
pub const THEME: &str = "Theme";
pub const AS_THE_SYSTEM: &str = "as the system has it";
pub const LIGHT: &str = "light";
pub const DARK: &str = "dark";
pub const CONTRAST: &str = "Contrast";
pub const MORE_CONTRAST: &str = "more";
pub const ZONE: &str = "Time zone";
pub const ANOTHER_ZONE: &str = "another one";
pub const NAME_OF_ZONE: &str = "Name of the zone, such as Asia/Shanghai";
pub const NO_SUCH_ZONE: &str = "This browser knows no zone of that name.";
pub const SET_ZONE: &str = "Use this zone";
pub const UNDO: &str = "A stop can be taken back for";
pub const TIMES: &str = "Times in the list";
pub const RELATIVE: &str = "how long ago";
pub const ABSOLUTE: &str = "time of day";
pub const ALERTS: &str = "Alerts";
pub const ALERT_STEPS: &str = "A first try that fails is quiet: the row says it. The last try, and whatever needs a person, can come to the desktop. What needs a person, a failover and its end can sound.";
pub const DESKTOP: &str = "Desktop notifications";
pub const DESKTOP_DENIED: &str =
    "This browser does not allow them for this page. Its own settings can change that.";
pub const SOUND: &str = "Sound";
pub const TEST: &str = "Test";
pub const TEST_DESKTOP: &str = "Test the desktop notification";
pub const TEST_SOUND: &str = "Test the sounds";
pub const TESTED: &str = "This is how it looks.";
pub const SHORTCUTS: &str = "Shortcuts";
pub const USE_KEYS: &str = "Single keys do something";
pub const USE_KEYS_SAYS: &str =
    "They never do while one types. Off, only Ctrl K or ⌘K is left, which opens the commands.";
pub const KEY_HEAD: &str = "Key";
pub const DOES_HEAD: &str = "What it does";
pub const USUAL_KEYS: &str = "Back to the usual keys";
pub const CHANGE_KEYS: &str = "A key is changed by typing another one over it.";
pub const HELP: &str = "A mark such as M3 is the rule that decided: press it for its reason. Everything that can be done is in the commands too.";

pub const DO_HELP: &str = "Help and shortcuts";
pub const DO_FIND: &str = "Find in the list";
pub const DO_NEXT: &str = "Next recording";
pub const DO_PREVIOUS: &str = "Previous recording";
pub const DO_LIST: &str = "The list of recordings";
pub const DO_START: &str = "Start a recording…";
pub const DO_WATCH: &str = "Watch one that already runs…";
pub const DO_STOP: &str = "Stop the recording that is chosen…";
pub const DO_NOTICES: &str = "Notifications of the service";
pub const DO_SETTINGS: &str = "Settings";
pub const DO_WALL: &str = "Show the wall";
pub const DO_PAUSE: &str = "Pause the page, or let it go on";
pub const DO_COMMANDS: &str = "Commands";
pub const DO_FAULTS: &str = "Break things";
pub const DO_CSV: &str = "Export the list as CSV";
pub const DO_JSON: &str = "Export the list as JSON";

pub const PALETTE: &str = "Commands";
pub const PALETTE_FIELD: &str = "What to do, where to go, what to explain";
pub const NOTHING_CALLED_SO: &str = "Nothing is called so.";
pub const GO: &str = "go";
pub const ACT: &str = "do";
pub const FILTER: &str = "filter";
pub const EXPLAIN: &str = "explain";

pub const NEED_SOMEONE: &str = "Need someone, for";
pub const HANDLED_NEXT: &str = "Being handled, next step in";
pub const RECORD_NOW: &str = "Recording";
pub const NOTHING_ON_THE_WALL: &str = "Nothing records.";

pub const EXPORT: &str = "Export what the query shows";
pub const EXPORTED: &str = "The file was made.";
pub const COPY_CURL: &str = "Copy as curl";
pub const CURL_OF_CALL: &str = "call as curl, without secrets";

/// The wall's first line.
pub fn wall_title(need: usize, record: usize) -> String {
    let record = counted(record, ("1 records.", "{} record."));
    match need {
        0 => say!("Nobody is needed. {}", record),
        need => say!("{} {}", counted(need, ("1 needs someone.", "{} need someone.")), record),
    }
}

/// How many of the limit of sessions are used.
pub fn sessions_of(used: usize, most: u32) -> String {
    say!("Sessions {} of {}", used, most)
}

/// How many do not fit on the wall.
pub fn more_on_wall(more: usize) -> String {
    say!("and {} more", more)
}

/// A command about a recording.
pub fn open_one(channel: &str) -> String {
    say!("Open {}", channel)
}

/// A command that opens the dialog of a stop.
pub fn stop_one(channel: &str) -> String {
    say!("Stop {}…", channel)
}

/// A command that opens the dialog of another try.
pub fn try_one(channel: &str) -> String {
    say!("Try {} again…", channel)
}

/// A command that filters the list.
pub fn show_only(state: &str) -> String {
    say!("Show only: {}", state)
}

/// A command that shows the reason of a rule.
pub fn explain(rule: &str, section: &str) -> String {
    say!("Why {}: {}", rule, section)
}

/// My own zone.
pub fn my_zone(zone: &str) -> String {
    say!("mine, {}", zone)
}

/// A key that two shortcuts want.
pub fn key_taken(key: &str) -> String {
    say!("{} is used twice; the upper one gets it.", key)
}

/// The field of a key.
pub fn key_of(shortcut: &str) -> String {
    say!("Key of: {}", shortcut)
}

/// The title of an alert.
pub fn alert_title(channel: &str, state: &str) -> String {
    say!("{}: {}", channel, state)
}

/// How long a stop can be taken back.
pub fn undo(seconds: u32) -> String {
    match seconds {
        0 => say!("no time: it is sent at once"),
        seconds => say!("{} s", seconds),
    }
}

/// Headers that the host of the page does not send.
pub fn not_sent(headers: &str) -> String {
    say!(
        "The host of this page does not send: {}. Then browsers let the page do more than it needs; hosting.md of the documentation says what to add.",
        headers
    )
}
