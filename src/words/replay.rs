//! Words about an earlier moment of a recording, about bundles, and about replaying them.

use rules::bundle::{BUNDLE_BYTES, BUNDLE_ENTRIES, BUNDLE_VERSION};
use rules::{BundleProblem, EntryNumber};

use super::say;

pub const MOMENT: &str = "Moment";
pub const MOMENT_SLIDER: &str = "Entry that is looked at";
pub const NOW_LIVE: &str = "now, live";
pub const BACK_TO_NOW: &str = "Back to now";
pub const TO_THE_END: &str = "To the end";
pub const PREVIOUS_ENTRY: &str = "Previous entry";
pub const NEXT_ENTRY: &str = "Next entry";
pub const PREVIOUS_DECISION: &str = "Previous step of the rules";
pub const NEXT_DECISION: &str = "Next step of the rules";
pub const PAST_NO_ACTIONS: &str = "You look at an earlier moment. Go back to now to do something.";
pub const FILE_NO_ACTIONS: &str = "This recording is read from a file. Nothing can be done to it here.";
pub const CANNOT_GO_BACK: &str =
    "The beginning of this journal is not on this page, so no earlier moment can be shown.";
pub const NEXT_BY_THE_RULES: &str = "Next by the rules:";
pub const NOTHING_BY_THE_RULES: &str = "Next by the rules: nothing until something happens.";
pub const SAME_HERE: &str = "The rules of this page do the same here.";
pub const DOWNLOAD_BUNDLE: &str = "Download bundle";
pub const DOWNLOADING_BUNDLE: &str = "Collecting entries…";
pub const BUNDLE_READY: &str = "The bundle is downloaded.";
pub const NOT_SAVED: &str = "The browser did not take the file.";
pub const BUNDLE_TOO_LONG: &str = "The journal has more entries than a bundle can hold.";
pub const FILE_SAYS: &str =
    "Drop a bundle anywhere on the page, or choose one. It is read here and sent nowhere.";
pub const CHOOSE_FILE: &str = "Choose a bundle…";
pub const OPEN_ANOTHER: &str = "Open another bundle…";
pub const READING_FILE: &str = "Reading the file…";
pub const CANNOT_OPEN: &str = "This file cannot be opened.";
pub const FILE_UNREADABLE: &str = "The browser could not read it. Copy it to this machine and try again.";
pub const RAW_NOT_IN_FILE: &str = "A bundle holds no raw answers.";
pub const OPEN_BUNDLE: &str = "Open a bundle…";

/// What the slider stands at, for assistive technology.
pub fn moment_said(number: EntryNumber, of: EntryNumber, clock: &str, title: &str) -> String {
    say!("entry {} of {}, {}, {}", number, of, clock, title)
}

/// What the slider stands at.
pub fn moment_shown(number: EntryNumber, of: EntryNumber) -> String {
    say!("entry {} of {}", number, of)
}

/// The banner of an earlier moment.
pub fn moment_banner(clock: &str) -> String {
    say!("This is how it stood at {}.", clock)
}

/// What the rules would do next, and when.
pub fn next_call(title: &str, at: Option<&str>) -> String {
    match at {
        Some(clock) => say!("{} at {}", title, clock),
        None => say!("{}, due at once", title),
    }
}

/// Where the rules of this page would have done something else.
pub fn differs(instead: Option<String>) -> String {
    match instead {
        Some(instead) => say!("The rules of this page would do something else here: {}.", instead),
        None => say!("The rules of this page would do nothing here."),
    }
}

/// Where the rules do the same if another recording had told something.
pub const SUPPOSES_DOMAIN: &str = "The rules of this page do the same here if another recording of the App ID had shown that this domain is to be asked first; the bundle does not hold that.";

/// How many steps came out the same.
pub fn replayed(same: usize, of: usize) -> String {
    if same == of {
        say!("Replayed to the same decisions: {} of {}.", same, of)
    } else {
        let other = of - same;
        say!("Replayed to the same decisions: {} of {}. Today's rules differ in {}.", same, of, other)
    }
}

/// Which of them rest on what the bundle does not hold.
pub fn supposing(count: usize) -> String {
    say!("{} of them suppose which domain was asked first.", count)
}

/// The link to a step that came out differently.
pub fn differs_at(entry: EntryNumber) -> String {
    say!("entry {}", entry)
}

/// Who wrote the bundle, and when.
pub fn exported(when: &str, build: &str) -> String {
    say!("Written {} by build {}.", when, build)
}

/// Why a file is not shown, and what to change.
pub fn bundle_problem(problem: BundleProblem) -> String {
    match problem {
        BundleProblem::TooLarge => {
            say!("It is larger than {} MB. A bundle of one recording is smaller.", BUNDLE_BYTES >> 20)
        }
        BundleProblem::TooLong => say!("It has more than {} entries.", BUNDLE_ENTRIES),
        BundleProblem::NotJson => say!("It is not JSON. It may be cut off: download the bundle again."),
        BundleProblem::NotABundle => {
            say!("It is JSON, but no bundle. Use “Download bundle” on the screen of a recording.")
        }
        BundleProblem::Newer(version) => say!(
            "It is a bundle of version {}, and this page reads up to {}. Open it with a newer page.",
            version,
            BUNDLE_VERSION
        ),
        BundleProblem::Unreadable(error) => say!("A part of it cannot be read: {}.", error),
        BundleProblem::NoBeginning => {
            say!("Its first entry is not the request for the recording. A bundle holds the whole journal.")
        }
        BundleProblem::Missing(after) => {
            let missing = after + 1;
            say!("Entry {} is missing. A bundle holds the whole journal.", missing)
        }
        BundleProblem::Backwards(entry) => {
            say!("Entry {} is earlier than the one before it. The file was changed.", entry)
        }
    }
}
