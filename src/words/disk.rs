//! What is said while the journal cannot be written (D9), and about journals that are damaged.

use super::{Counted, counted, say};

const ENTRIES: Counted = ("1 entry is not recorded yet:", "{} entries are not recorded yet:");
const JOURNALS: Counted = (
    "The journal of 1 recording is damaged and set aside.",
    "The journals of {} recordings are damaged and set aside.",
);

pub const UNWRITTEN: &str = "The journal cannot be written.";
pub const WRITTEN_AGAIN: &str = "The journal can be written again.";
pub const MEANWHILE: &str = "Nothing can be started. A stop goes out, with the queries that prove it.";
pub const SET_ASIDE: &str = "Nothing is done for what it records: look for its sessions in Agora's console. On the server, tallylight verify says what is damaged.";
pub const NOT_RECORDED: &str = "not recorded";
pub const RECORDED_LATE: &str = "recorded late";
pub const HELD_SAYS: &str =
    "It happened while the journal could not be written. It is held in memory until then.";

/// Why it cannot be written, in the words of the control desk's server.
pub fn because(reason: &str) -> String {
    say!("The reason: {}.", reason)
}

/// Why a press that is no stop is not possible.
pub fn only_stops(reason: &str) -> String {
    say!("The journal cannot be written, so only a stop goes out: {}.", reason)
}

/// How much is not recorded.
pub fn held(count: usize) -> String {
    counted(count, ENTRIES)
}

/// How many journals are damaged.
pub fn damaged(count: usize) -> String {
    counted(count, JOURNALS)
}

/// Those that are not named.
pub fn and_more(count: usize) -> String {
    say!(" and {} more", count)
}
