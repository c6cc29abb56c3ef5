//! A whole control desk in one thread and in virtual time, from one seed.
//!
//! - [`schedule`]: what staff do and what breaks, drawn from a seed.
//! - [`simulation`]: the real service, the real switchboard, real clients and a network, driven through it.
//! - [`judge`] and [`rest`]: the invariants, by a second reading of the journal ([`history`]).
//! - [`compare`]: the engine beside a reference model of the rule table, after every event.
//! - [`shrink`]: the shortest schedule that still shows a violation.
//! - [`planted`], [`sensitivity`]: rules that are broken on purpose, and which seed finds them.
//! - [`desk`], [`chance`]: what the parts stand on.

pub mod chance;
pub mod compare;
pub mod desk;
pub mod history;
pub mod judge;
mod model;
pub mod planted;
mod reading;
pub mod rest;
pub mod schedule;
pub mod sensitivity;
pub mod shrink;
pub mod simulation;

pub use judge::{Invariant, Tally, Violation};
pub use schedule::Schedule;
pub use simulation::{Report, run};
