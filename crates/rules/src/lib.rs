//! The rules: what the control desk does by itself, when, and why.
//!
//! Pure functions over folded journals. No clock, no I/O and no randomness: the instant is an argument, and the same
//! entries give the same state, the same next step and the same reason in a browser, in a test and in the proxy.
//!
//! - [`journal`]: what can be written down of a recording. [`app_journal`]: what an App ID remembers beside them.
//! - [`fold`]: entries into a [`Recording`].
//! - [`next`]: the one step that is due, or when it will be.
//! - [`bundle`]: one recording's journal in a file, and whether the rules do the same with it again.
//! - [`permits()`] and [`admits()`]: the guards, which say no and never what to do instead.
//!
//! One file per procedure (`start`, `verify`, `monitor`, `replace`, `stop`), to be read beside its section of
//! `docs/rules.md`.

pub mod api;
pub mod app_journal;
pub mod board;
pub mod bundle;
pub mod checklist;
mod few;
pub mod files;
mod findings;
pub mod guards;
pub mod journal;
pub mod limits;
pub mod line;
mod monitor;
pub mod next;
pub mod notified;
mod orphan;
pub mod policy;
pub mod reason;
pub mod recording;
mod replace;
pub mod rule;
mod schedule;
mod start;
pub mod stop;
pub mod update;
mod verify;

#[cfg(test)]
mod tests;

pub use app_journal::{AppEntry, AppEntryNumber, AppFact};
pub use board::{Board, BoardFacts};
pub use bundle::{Bundle, BundleProblem};
pub use checklist::checklist;
pub use guards::{
    Permitted, Refusal, admits, concerns, permits, permits_pair, permits_policy, permits_request,
};
pub use journal::{Entry, EntryNumber, Fact, RecordingId, SessionNumber};
pub use next::{Call, Next, Outlook, Urgency, next, outlook, planned, steps, urgency};
pub use orphan::{fits_orphan, may_fit_orphan};
pub use policy::{Patience, Policy};
pub use reason::{Cause, Reason, Then};
pub use recording::{Recording, fold};
pub use rule::RuleId;
